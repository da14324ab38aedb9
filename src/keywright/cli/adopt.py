"""`keywright adopt`: a bot's key moves from its file into the vault, and the bot starts with `keywright exec`."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keywright.cli import held_shown, options, terminal
from keywright.cli.held_keys import accept_option
from keywright.errors import Invalid

if TYPE_CHECKING:
    from keywright.app.adoption import Found


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
    help="Also put keywright exec into this systemd unit, shell script or Procfile.",
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
    stays where it is. The change is shown first; all else in the file stays as it is, and --undo puts the key back.
    """
    from keywright.app import adoption
    from keywright.vault import rules
    from keywright.vault.seam import KeyRefused

    settings = options.settings_of(data_dir=data_dir)
    if undo:
        held = await adoption.give_back(file, settings=settings)
        if as_json:
            terminal.out_json({"file": str(file), "connection": held})
        else:
            terminal.say(
                f"{file} is as it was. The connection {held} stays: keywright vault remove {shlex.quote(held)}"
            )
        return
    found = adoption.look(file, exchange=rules.exchange(exchange) if exchange else None)
    called = rules.name(name or _folder_of(file))
    started = adoption.look_at_start(start, found, program=_program(), name=called) if start is not None else None
    _show(found, started.difference if started else "")
    _confirm(yes=yes)
    try:
        connection = await adoption.adopt(found, called, accept=frozenset(accept), settings=settings)
    except KeyRefused as refused:
        ending = held_shown.not_taken(refused)
        terminal.say(f"{file} is as it was.")
        raise ending from None
    if started is not None:
        started.put()
    words = ["keywright", "exec", called, *found.plan.adoption.options(), "--"]
    if as_json:
        terminal.out_json(
            {"file": str(file), "connection": connection.name, "key": connection.key.masked, "start": words}
        )
        return
    terminal.say(f"{connection.key.masked} is held as {connection.name}, and gone from {file}.")
    if started is None:
        terminal.say("Start the bot so from now on:")
        terminal.out(f"{shlex.join(words)} …")
    terminal.say("The old file may be in a backup or in Git: `keywright scan --git` tells. If it is, rotate the key.")


def _show(found: Found, start: str) -> None:
    from keywright.vault.adopting import difference

    for text in (difference(found.content, found.plan, path=str(found.path)), start):
        for line in text.splitlines():
            terminal.say(line.translate(terminal.CONTROL))


def _confirm(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise Invalid("whether that is meant can't be asked here", hint="give --yes")
    if not click.confirm("Hold this key, and change the file so?", err=True):
        raise click.Abort


def _folder_of(file: Path) -> str:
    return file.resolve().parent.name


def _program() -> str:
    return shutil.which("keywright") or "keywright"
