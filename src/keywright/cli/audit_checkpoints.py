"""`keywright audit key`, `checkpoint`, `export`, `verify-export`: what lets others check the log, with nothing of ours."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, aclosing, nullcontext
from pathlib import Path
from typing import BinaryIO

import click

from keywright.cli import options, terminal
from keywright.errors import Invalid, Unusable

FLUSH_BYTES = 1 << 16


@click.command("key")
@options.data_dir
@options.as_json
async def key(*, data_dir: str | None, as_json: bool) -> None:
    """Print the public key of this database's checkpoints. It never changes: note it where the server can't write."""
    from keywright.app.checkpoints import checkpoints_of
    from keywright.app.services import opened

    settings = options.settings_of(data_dir=data_dir)
    async with opened(settings) as services:
        kept = checkpoints_of(services, settings)
    if as_json:
        terminal.out_json({"public_key": kept.key.public, "database": kept.database_id})
    else:
        terminal.out(kept.key.public)


@click.command("checkpoint")
@click.option("--output", metavar="FILE", help="Also put a copy there; - for standard output. Never over another file.")
@options.data_dir
@options.as_json
async def checkpoint(*, output: str | None, data_dir: str | None, as_json: bool) -> None:
    """Make a signed checkpoint now, into the folder of the checkpoints; where nothing happened since, the last one counts."""
    from keywright.app.checkpoints import checkpoints_of
    from keywright.app.services import opened
    from keywright.audit.checkpoint_files import write_new
    from keywright.audit.events import Actor

    if as_json and output == "-":
        raise Invalid("--json and --output - exclude each other")
    settings = options.settings_of(data_dir=data_dir)
    async with opened(settings) as services:
        kept = checkpoints_of(services, settings)
        made = await kept.make(actor=Actor("operator", agent="cli"))
        newest = made or await kept.newest()
    if newest is None:
        raise Unusable("there is nothing to make a checkpoint of: the audit log is empty")
    said, path = newest.statement, kept.folder / newest.name
    if output == "-":
        sys.stdout.buffer.write(newest.text)
    elif output:
        try:
            write_new(Path(output), newest.text)
        except OSError as error:
            raise Unusable(f"{output} can't be written: {error.strerror}") from None
    if as_json:
        terminal.out_json(
            {"number": said.number, "events": said.events, "at": said.at, "file": str(path), "is_new": made is not None}
        )
        return
    now = "is made" if made else "still holds, nothing happened since"
    terminal.say(f"Checkpoint {said.number}, of {events(1, said.events)}, {now}: {path}")


@click.command("export")
@click.option("--since", type=click.IntRange(1), default=1, metavar="N", help="From event N on; from the first, else.")
@options.data_dir
async def export(*, since: int, data_dir: str | None) -> None:
    """Write the events to standard output, oldest first, one JSON object a line, each proved on its way.

    The SHA-256 of a line is what the next one names as `previous`, and what a checkpoint signs: leave the lines as they
    are, and anyone can check them.
    """
    from keywright.app.services import opened

    out, waiting, count = sys.stdout.buffer, bytearray(), 0
    async with opened(options.settings_of(data_dir=data_dir)) as services, services.database.read() as tx:
        end = (await services.audit.place(tx)).count
        async with aclosing(services.audit.walk(tx, up_to=end, since=since)) as proved:
            async for walked in proved:
                waiting += walked.line + b"\n"
                count += 1
                if len(waiting) >= FLUSH_BYTES:
                    out.write(waiting)
                    waiting.clear()
    out.write(waiting)
    out.flush()
    if not count:
        raise Invalid(f"there is no event {since} yet: the newest is {end}", field="since")
    terminal.say(f"Exported: {events(since, end)}.")


@click.command("verify-export")
@click.argument("file", metavar="FILE")
@click.option("--checkpoints", "folder", required=True, metavar="DIR", help="Folder with all the checkpoints.")
@click.option("--public-key", required=True, metavar="KEY", help="The key that signed them: keywright audit key.")
@options.as_json
def verify_export(*, file: str, folder: str, public_key: str, as_json: bool) -> None:
    """Check an export (- for standard input) against checkpoints. Needs neither database nor keyring nor server."""
    from keywright.audit.checkpoint import check_public_key, in_order
    from keywright.audit.checkpoint_files import texts
    from keywright.audit.offline import verify_export as verify

    key = check_public_key(public_key)
    checkpoints = in_order(texts(folder_of(folder)), public_key=key)
    try:
        with _opened(file) as lines:
            proved = verify(lines, checkpoints)
    except OSError as error:
        raise Unusable(f"{file} can't be read: {error.strerror}") from None
    if as_json:
        terminal.out_json(
            {
                "database": proved.database_id,
                "first": proved.first,
                "last": proved.last,
                "covered": proved.covered,
                "checkpoints": proved.checkpoints,
            }
        )
        return
    signed = events(proved.first, proved.covered)
    terminal.say(f"Proved by signatures of {proved.database_id}: {signed}; {said_by(proved.checkpoints)} so.")
    if proved.covered < proved.last:
        rest = events(proved.covered + 1, proved.last)
        terminal.say(f"Nothing is proved of {rest}: no checkpoint speaks of what came last.")


def folder_of(text: str) -> Path:
    """Return the folder that was named; raises `Invalid` where there is none."""
    if not Path(text).is_dir():
        raise Invalid(f"{text} is not a folder", hint="--checkpoints takes the folder of the checkpoints")
    return Path(text)


def events(first: int, last: int) -> str:
    """Return what a range of events is called."""
    return f"event {first}" if first == last else f"events {first} to {last}"


def said_by(count: int) -> str:
    """Return so many checkpoints, saying something."""
    return "1 checkpoint says" if count == 1 else f"{count} checkpoints say"


def _opened(file: str) -> AbstractContextManager[BinaryIO]:
    return nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb")


COMMANDS = (key, checkpoint, export, verify_export)
