"""`keywright settings`: each setting, its value and where that came from."""

from __future__ import annotations

from typing import Any

import click

from keywright.cli import options, terminal
from keywright.settings import read_settings, variable


@click.command("settings")
@options.data_dir
@options.as_json
def command(*, data_dir: str | None, as_json: bool) -> None:
    """Show every setting with its value, its origin and its environment variable."""
    _, origins = read_settings({"data_dir": data_dir})
    if as_json:
        values: list[dict[str, Any]] = [
            {"name": o.name, "value": o.value, "origin": o.origin, "variable": variable(o.name), "about": o.about}
            for o in origins
        ]
        terminal.out_json({"settings": values})
        return
    terminal.out_table(
        ("SETTING", "VALUE", "ORIGIN", "VARIABLE", "ABOUT"),
        [(o.name, o.value, o.origin, variable(o.name), o.about) for o in origins],
    )
