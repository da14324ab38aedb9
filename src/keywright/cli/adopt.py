"""`keywright adopt`: a bot's key moves from its file into the vault, and the bot starts with `keywright exec`."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keywright.cli import held_shown, options, terminal
from keywright.cli.held_keys import accept_option
from keywright.errors import NotFound

if TYPE_CHECKING:
    from keywright.app.adoption import Adopted, Start
    from keywright.settings import Settings
    from keywright.vault.adopting import Adoption


@click.command("adopt")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="What to call the connection; else after the bot's folder.")
@click.option(
    "--exchange", metavar="EXCHANGE", help="kucoin, binance or bitfinex, where the file holds keys of several."
)
@click.option(
    "--start",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also put keywright exec into this systemd unit, shell script or Procfile; with --undo take it out again.",
)
@click.option("--yes", is_flag=True, help="Don't ask whether that is meant.")
@click.option("--undo", is_flag=True, help="Write the key back into the file it was taken from. The connection stays.")
@accept_option
@options.data_dir
@options.as_json
async def command(
    file: Path,
    *,
    name: str | None,
    exchange: str | None,
    start: Path | None,
    yes: bool,
    undo: bool,
    accept: tuple[str, ...],
    data_dir: str | None,
    as_json: bool,
) -> None:
    """Take an exchange's key out of a bot's file, and hold it in the personal vault.

    FILE is a .env file or freqtrade's configuration. The key is looked at as any that is to be held: one that is refused
    stays where it is. The change is shown first; all else in the file stays as it is, and --undo puts the key back. Cut short
    at any moment, the same command goes on from there.
    """
    from keywright.app import adoption
    from keywright.vault import rules
    from keywright.vault.adopting import difference
    from keywright.vault.seam import KeyRefused

    settings = options.settings_of(data_dir=data_dir)
    if undo:
        await _undo(file, start, settings=settings, as_json=as_json)
        return
    wanted = rules.exchange(exchange) if exchange else None
    try:
        found = adoption.look(file, exchange=wanted)
    except NotFound:
        before = await adoption.adopted(file, exchange=wanted, settings=settings)
        if before is None:
            raise
        terminal.say(f"{file} gave up its key already: {before.name} holds it.")
        started = _started(start, before.adoption, before.name)
        if started is not None:
            _show(started.difference)
            terminal.require_consent("Change the start so?", yes=yes)
            started.put()
        _tell(file, before, is_started=start is not None, as_json=as_json)
        return
    called = await adoption.held_as(found, settings=settings)
    if called:
        terminal.say(f"{called} holds this key already: it is taken out of the file.")
    called = called or rules.name(name or _folder_of(file))
    started = _started(start, found.plan.adoption, called)
    _show(difference(found.content, found.plan, path=str(found.path)), started.difference if started else "")
    terminal.require_consent("Hold this key, and change the file so?", yes=yes)
    try:
        connection = await adoption.adopt(found, called, accept=frozenset(accept), settings=settings)
    except KeyRefused as refused:
        ending = held_shown.not_taken(refused)
        terminal.say(f"{file} is as it was.")
        raise ending from None
    if started is not None:
        started.put()
    if not as_json:
        terminal.say(f"{connection.key.masked} is held as {connection.name}, and gone from {file}.")
        held_shown.show_warnings(connection, now=connection.record.checked_at)
    done = adoption.Adopted(connection.name, connection.key.masked, found.plan.adoption)
    _tell(file, done, is_started=start is not None, as_json=as_json)


def _started(start: Path | None, how: Adoption, name: str) -> Start | None:
    from keywright.app import adoption

    return adoption.look_at_start(start, how, program=_program(), name=name) if start is not None else None


def _tell(file: Path, done: Adopted, *, is_started: bool, as_json: bool) -> None:
    words = ["keywright", "exec", done.name, *done.adoption.options(), "--"]
    if as_json:
        terminal.out_json({"file": str(file), "connection": done.name, "key": done.masked, "start": words})
        return
    if not is_started:
        terminal.say("Start the bot so from now on:")
        terminal.out(f"{shlex.join(words)} …")
    terminal.say("The old file may be in a backup or in Git: `keywright scan --git` tells. If it is, rotate the key.")


async def _undo(file: Path, start: Path | None, *, settings: Settings, as_json: bool) -> None:
    """Write the key back, and the start as it was where that is named."""
    from keywright.app import adoption

    before = await adoption.give_back(file, settings=settings)
    if start is not None:
        adoption.look_at_start_before(start, before).put()
    if as_json:
        terminal.out_json({"file": str(file), "connection": before.name})
        return
    terminal.say(
        f"{file} is as it was. The connection {before.name} stays: keywright vault remove {shlex.quote(before.name)}"
    )
    if start is None:
        terminal.say(
            "A start that goes through keywright exec still does: name it with --start to have that undone, too."
        )


def _show(*texts: str) -> None:
    for text in texts:
        for line in text.splitlines():
            terminal.say(line.translate(terminal.CONTROL))


def _folder_of(file: Path) -> str:
    return file.resolve().parent.name


def _program() -> str:
    return shutil.which("keywright") or "keywright"
