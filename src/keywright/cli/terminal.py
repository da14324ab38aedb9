"""The rules of our terminal.

Data goes to stdout, everything else to stderr. People get tables and sentences on a terminal, machines get `--json` (with
`"schema": 1`, but for `demo`) or tab-separated lines. Secrets are asked for without echo or read from standard input, never taken from
arguments. Colour and prompts only where a terminal is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from keywright.errors import Invalid, KeywrightError, NotProven
from keywright.secret import Secret

SCHEMA = 1
CONTROL = dict.fromkeys([*range(32), *range(127, 160)], "�")


def out(text: str = "") -> None:
    """Print a line of data."""
    click.echo(text)


def say(text: str) -> None:
    """Tell the person something beside the data."""
    click.echo(text, err=True)


def out_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object, with the schema's number."""
    click.echo(json.dumps({"schema": SCHEMA, **value}, ensure_ascii=False))


def out_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows: a table on a terminal, tab-separated lines elsewhere."""
    texts = [[_cell(value) for value in row] for row in rows]
    if not sys.stdout.isatty():
        for row in texts:
            click.echo("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in texts:
        table.add_row(*row)
    Console(highlight=False, markup=False).print(table)


def moment(at: int | None) -> str:
    """Return a time as ISO 8601 in UTC; a dash for none."""
    return "–" if at is None else datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def ask_secret(prompt: str, *, confirm: bool = False) -> Secret:
    """Return a secret typed without echo, or the next line of standard input where that is no terminal.

    Raises `Invalid` when there is none.
    """
    if sys.stdin.isatty():
        return Secret(click.prompt(prompt, hide_input=True, confirmation_prompt=confirm, err=True))
    line = sys.stdin.readline()
    if not line.strip("\r\n"):
        raise Invalid(
            f"{prompt}: nothing was given", hint="run it in a terminal, or give one secret per line on standard input"
        )
    return Secret(line.rstrip("\r\n"))


def ask_code(email: str) -> str:
    """Return the six digits of the account's authenticator, asked for or read from standard input."""
    try:
        return ask_secret(f"Authenticator code of {email}").reveal_text().strip()
    except Invalid:
        raise NotProven(
            "this takes the account's authenticator code",
            hint="run it in a terminal, or give the code on standard input",
        ) from None


def error(problem: KeywrightError) -> None:
    """Say what went wrong and what to do, each on a line of its own."""
    say(f"keywright: {problem.message.translate(CONTROL)}")
    if problem.hint:
        say(f"  hint: {problem.hint.translate(CONTROL)}")


def _cell(value: object) -> str:
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(sorted(str(part) for part in value)) or "–"
    text = "–" if value in {None, ""} else str(value)
    return text.translate(CONTROL)  # a name can't move the cursor or colour the screen
