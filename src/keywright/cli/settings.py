"""`keywright settings`: each setting, its value and where that came from."""

from __future__ import annotations

from typing import Any

import click

from keywright.cli import options, terminal
from keywright.settings import read_settings, variable
from keywright.storage.address import Address


@click.command("settings")
@options.data_dir
@options.as_json
def command(*, data_dir: str | None, as_json: bool) -> None:
    """Show every setting with its value and origin.

    Each can be set by KEYWRIGHT_ and its name in upper case; --json tells what each is about.
    """
    _, origins = read_settings({"data_dir": data_dir})
    if as_json:
        values: list[dict[str, Any]] = [
            {
                "name": o.name,
                "value": _plain(o.value),
                "origin": o.origin,
                "variable": variable(o.name),
                "about": o.about,
            }
            for o in origins
        ]
        terminal.out_json({"settings": values})
        return
    terminal.out_table(
        ("SETTING", "VALUE", "ORIGIN"),
        [(o.name, str(o.value).lower() if isinstance(o.value, bool) else _plain(o.value), o.origin) for o in origins],
    )


def _plain(value: Any) -> Any:
    """Return a value as it may be shown: an address has no password then."""
    return str(value) if isinstance(value, Address) else "" if value is None else value
