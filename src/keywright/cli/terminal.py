"""The rules of our terminal.

Data goes to stdout, everything else to stderr. People get tables and sentences on a terminal, machines get `--json` (with
`"schema": 1`, but for `demo`) or tab-separated lines. Secrets are asked for without echo or read from standard input, never taken from
arguments. Colour and prompts only where a terminal is.
"""

from __future__ import annotations

import json
import select
import shutil
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from keywright.errors import Conflict, Invalid, KeywrightError, NotProven, Unusable
from keywright.secret import Secret

SCHEMA = 1
CONTROL = dict.fromkeys(
    [
        *range(32),
        *range(127, 160),
        *(0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)),  # lines, and directions of writing
        *range(0xD800, 0xE000),  # halves of characters: bytes that were no UTF-8
    ],
    "�",
)
"""What could move a cursor, break a line, turn its order round or not be printed at all."""


def out(text: str = "") -> None:
    """Print a line of data."""
    click.echo(text)


def say(text: str) -> None:
    """Tell the person something beside the data."""
    click.echo(text, err=True)


def out_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object, with the schema's number."""
    text = json.dumps({"schema": SCHEMA, **value}, ensure_ascii=False)
    click.echo(text if text.translate(CONTROL) == text else json.dumps({"schema": SCHEMA, **value}))


def out_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows: a table on a terminal, tab-separated lines elsewhere."""
    texts = [[_cell(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        for row in texts:
            click.echo("\t".join(row))
        return
    widths = [max(map(len, column)) for column in zip(columns, *texts, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) > shutil.get_terminal_size().columns:
        # Too wide for a table: one block a row, so that no id is ever broken where someone wants to copy it.
        margin = max(map(len, columns)) + 2
        click.echo(
            "\n\n".join("\n".join(f"{n:<{margin}}{v}" for n, v in zip(columns, row, strict=True)) for row in texts)
        )
        return
    for row in (list(columns), *texts):
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def moment(at: int | None) -> str:
    """Return a time as ISO 8601 in UTC; a dash for none."""
    return "–" if at is None else datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ask_secret(prompt: str, *, confirm: bool = False, vet: Callable[[Secret], Secret] | None = None) -> Secret:
    """Return a secret typed without echo, or the next line of standard input where that is no terminal.

    `vet` returns it as it is to be, or raises `Invalid`: at a terminal it is asked for again then, before it is to be
    confirmed. Raises `Invalid` when there is none.
    """
    if not is_typed():
        return vet(read_secret(prompt)) if vet else read_secret(prompt)

    def taken(typed: str) -> str:
        try:
            return vet(Secret(typed)).reveal_text() if vet else typed
        except Invalid as wrong:
            raise click.UsageError(f"{wrong.message}{f' ({wrong.hint})' if wrong.hint else ''}") from None

    with interruptible():
        return Secret(click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True, value_proc=taken))


def require_consent(question: str, *, yes: bool) -> None:
    """Do nothing once the person at the terminal says yes, or said so before. Raises `Conflict` for a no, `Invalid` for nobody."""
    if yes:
        return
    if not is_typed():
        raise Invalid("whether that is meant can't be asked here", hint="give --yes")
    if not click.confirm(question, err=True):
        raise Conflict("nothing was changed")


def read_secret(prompt: str) -> Secret:
    """Return the next line of standard input, without asking. Raises `Invalid` when there is none."""
    line = line_of_input()
    if not line.strip(b"\r\n"):
        raise Invalid(
            f"{prompt}: nothing was given", hint="run it in a terminal, or give one secret per line on standard input"
        )
    return Secret(line.rstrip(b"\r\n"))


def ask_secret_at_terminal(prompt: str) -> Secret:
    """Return a secret typed without echo at the terminal itself, for a command whose standard input is its data.

    Raises `Invalid` where there is no terminal.
    """
    import getpass

    try:
        Path("/dev/tty").open("rb", buffering=0).close()
    except OSError:
        raise Invalid(
            f"{prompt}: there is no terminal to ask at",
            hint="give the request as a file, or the secrets in --secret-file",
        ) from None
    with interruptible():
        typed = getpass.getpass(f"{prompt}: ")
    if not typed:
        raise Invalid(f"{prompt}: nothing was given")
    return Secret(typed)


def ask_code(email: str) -> str:
    """Return the six digits of the account's authenticator, asked for or read from standard input."""
    try:
        typed = ask_secret(f"Authenticator code of {email}").reveal().decode("ascii", "replace")
        return "".join(typed.split())  # apps show it in groups of three
    except Invalid:
        raise NotProven(
            "this takes the account's authenticator code",
            hint="run it in a terminal, or give the code on standard input",
        ) from None


def is_typed() -> bool:
    """Tell whether a person types what is read: standard input is a terminal."""
    return sys.stdin.isatty()


def is_terminal() -> bool:
    """Tell whether a person reads at a terminal."""
    return sys.stdout.isatty()


def is_read() -> bool:
    """Tell whether anybody still reads: a pipe whose reader left is otherwise noticed with the next line only."""
    try:
        waiting = select.poll()
        waiting.register(sys.stdout.fileno(), 0)
    except (OSError, ValueError):  # no file of the system's: a test's
        return True
    if any(event & (select.POLLERR | select.POLLHUP) for _, event in waiting.poll(0)):
        raise BrokenPipeError
    return True


def write_file(path: Path, text: str) -> None:
    """Write what a command was told to put into a file, over what is there. Raises `Unusable`."""
    try:
        path.write_text(text, "utf-8")
    except OSError as problem:
        raise Unusable(f"{path} can't be written: {problem.strerror}") from None


def tell(text: str) -> None:
    """Tell the person what another program said."""
    say(text.translate(CONTROL))


def error(problem: KeywrightError) -> None:
    """Say what went wrong and what to do, each on a line of its own."""
    say(f"keywright: {problem.message.translate(CONTROL)}")
    if problem.hint:
        say(f"  hint: {problem.hint.translate(CONTROL)}")


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C end a prompt, ours or another program's, at once: under a loop it would only be noted, and the prompt would wait on."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def line_of_input() -> bytes:
    """Return a line of standard input, whatever its bytes are; nothing where it has ended."""
    buffer = getattr(sys.stdin, "buffer", None)
    line: bytes = buffer.readline() if buffer is not None else sys.stdin.readline().encode()
    return line


def _cell(value: object) -> str:
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(sorted(str(part) for part in value)) or "–"
    text = "–" if value in {None, ""} else str(value)
    return text.translate(CONTROL)  # a name can't move the cursor or colour the screen
