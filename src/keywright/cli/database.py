"""`keywright database`: the schema, backups, and whether everything in it holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from keywright.cli import options, terminal
from keywright.cli.commands import Group
from keywright.errors import Unusable


@click.group("database", cls=Group)
def group() -> None:
    """The database: its schema, copies of it, and whether it holds."""


@group.command("upgrade")
@options.data_dir
@options.as_json
@click.pass_obj
async def upgrade(clock: Callable[[], int], *, data_dir: str | None, as_json: bool) -> None:
    """Bring the database to the schema of this version, and make one where there is none.

    PostgreSQL is changed by this command only; the embedded database also at a start, after a copy was made.
    """
    from keywright.app.upgrading import upgrade_database

    done = await upgrade_database(options.settings_of(data_dir=data_dir), now=clock())
    if as_json:
        backup = str(done.backup) if done.backup else None
        terminal.out_json({"database": done.name, "before": done.before, "after": done.after, "backup": backup})
    elif done.before is None:
        terminal.say(f"A new database was made: {done.name}, schema {done.after}.")
    elif done.before == done.after:
        terminal.say(f"Nothing to do: {done.name} has the newest schema, {done.after}.")
    else:
        terminal.say(f"{done.name} was upgraded from schema {done.before} to {done.after}.")
        if done.backup:
            terminal.say(f"What it was like before is in {done.backup}.")


@group.command("backup")
@click.argument("destination", metavar="DEST", type=click.Path(path_type=Path))
@options.data_dir
@options.as_json
async def backup(destination: Path, *, data_dir: str | None, as_json: bool) -> None:
    """Copy the database to the new file DEST, or into the folder DEST, and look whether the copy holds.

    A server may be running. The wrapping key is never in it: keep a copy of that somewhere else, once.
    """
    from keywright.app.backup import back_up
    from keywright.app.services import opened

    settings = options.settings_of(data_dir=data_dir)
    async with opened(settings) as services:
        made = await back_up(services, settings, destination, now=services.clock())
    if as_json:
        terminal.out_json({"path": str(made.path), "bytes": made.bytes, "events": made.events})
    else:
        terminal.say(f"{made.path}: {made.bytes:,} bytes, {made.events} audit events, and it holds.")


@group.command("check")
@options.data_dir
@options.as_json
async def check(*, data_dir: str | None, as_json: bool) -> None:
    """Look whether everything holds: structure, references, audit log and checkpoints, every key's grant, modes of files.

    Changes nothing. Exit code 1 where something does not hold.
    """
    from keywright.app.checking import check_database
    from keywright.app.folders import folders_of
    from keywright.app.services import opened

    settings = options.settings_of(data_dir=data_dir)
    async with opened(settings) as services:
        found = await check_database(services, settings, folders_of(settings))
    if as_json:
        terminal.out_json({"findings": [{"what": one.what, "about": one.about} for one in found]})
    elif found:
        terminal.out_table(("WHAT", "ABOUT"), [(one.what, one.about) for one in found])
    else:
        terminal.say("Everything holds.")
    if found:
        raise Unusable(f"findings: {len(found)}", hint="docs/operations.md says what to do; keep a copy as it is")
