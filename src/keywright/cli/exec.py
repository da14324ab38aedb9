"""`keywright exec NAME -- command…`: a program that has a held key in its environment, and no other."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any

import click

from keywright.cli import inherited, options, terminal
from keywright.errors import Invalid, NotFound, Unusable

if TYPE_CHECKING:
    from keywright.app.vault_place import VaultPlace
    from keywright.secret import Secret
    from keywright.vault.evidence import Credentials
    from keywright.vault.profiles import Handover

FORMATS = ("env", "ccxt", "freqtrade", "hummingbot", "nautilus", "kucoin-sdk", "files")
PURPOSE = "exec"
"""What the event of a start says that it was for."""


@click.command("exec")
@click.argument("name")
@click.argument("program", nargs=-1, required=True, metavar="-- COMMAND [ARG]...")
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    default="env",
    show_default=True,
    help="What the program expects: KUCOIN_API_KEY and the like, names of ccxt's, freqtrade's, NautilusTrader's or of KuCoin's "
    "SDK, hummingbot's JSON on standard input, or files that live in memory.",
)
@click.option(
    "--name", "names", multiple=True, metavar="PART=VAR", help="Another variable for the key, secret or passphrase."
)
@click.option(
    "--pristine", is_flag=True, help="Give the program nothing else of this environment but PATH, HOME and the like."
)
@options.data_dir
def command(
    *, name: str, program: tuple[str, ...], format_: str, names: tuple[str, ...], pristine: bool, data_dir: str | None
) -> Coroutine[Any, Any, None] | None:
    """Start a program with a held key in its environment, in place of this command.

    NAME is the connection as you called it. Variables that look like exchanges' keys are not handed on. Signals and the exit
    code are the program's own. Whoever may look at the process may read the key: /proc/PID/environ on Linux.
    """
    from keywright.app.agent_calls import ask_for_credentials
    from keywright.app.vault_place import vault_place_of
    from keywright.vault.profiles import Format, hand_over, require_names, require_outside

    require_outside(os.environ)
    found = shutil.which(program[0])
    if found is None:
        raise NotFound(f"there is no program {program[0]}", hint="name it as a shell would, after --")
    called = dict(_pair(one) for one in names)
    require_names(called)

    def start(credentials: Credentials) -> None:
        handed = hand_over(
            credentials, os.environ, connection=name, format=Format(format_), names=called, pristine=pristine
        )
        if handed.scrubbed:
            terminal.say(f"keywright: not handed on: {', '.join(handed.scrubbed)}".translate(terminal.CONTROL))
        _become(found, program, handed)

    place = vault_place_of(options.settings_of(data_dir=data_dir))
    credentials = ask_for_credentials(place, name, purpose=PURPOSE)
    if credentials is None:
        return _open_and_start(place, name, start)
    start(credentials)
    return None


async def _open_and_start(place: VaultPlace, name: str, start: Callable[[Credentials], None]) -> None:
    """Do without an agent: loads what opens a vault, which takes most of a second on a slow machine."""
    from keywright.app.held import credentials_for

    start(await credentials_for(name, purpose=PURPOSE, place=place))


def _pair(text: str) -> tuple[str, str]:
    part, equals, variable = text.partition("=")
    if not equals:
        raise Invalid("--name takes PART=VARIABLE", hint="for instance --name key=MY_KEY")
    return part, variable


def _become(found: str, program: tuple[str, ...], handed: Handover) -> None:
    """Become the program. Returns never, or raises `Unusable`."""
    environ = {**handed.environ, **_files(handed.files)}
    if handed.stdin is not None:
        os.dup2(_pipe(handed.stdin), 0)
    inherited.restore()
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(found, program, environ)  # noqa: S606  the very thing that was asked for, and no shell between
    except OSError as error:
        raise Unusable(f"{program[0]} can't be started: {error.strerror}") from None


def _files(contents: Mapping[str, Secret]) -> dict[str, str]:
    """Return the paths of files that live in memory, and only as long as the program: nothing is left behind, whatever ends it."""
    paths = {}
    for name, content in contents.items():
        if not hasattr(os, "memfd_create"):
            raise Unusable("files in memory take Linux", hint="leave --format files out")
        descriptor = os.memfd_create(name, 0)  # no close-on-exec: it is for the program
        os.write(descriptor, content.reveal())
        os.fchmod(descriptor, 0o400)
        paths[name] = f"/proc/{os.getpid()}/fd/{descriptor}"  # the same after exec: its children may read it, too
    return paths


def _pipe(content: Secret) -> int:
    """Return the end of a pipe that gives the content and then ends. It fits into the pipe's own buffer of 64 KiB."""
    reading, writing = os.pipe()
    os.write(writing, content.reveal())
    os.close(writing)
    return reading
