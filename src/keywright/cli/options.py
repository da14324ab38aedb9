"""Options that several commands share, and how they become settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from keywright.settings import Settings, read_settings

F = TypeVar("F", bound=Callable[..., Any])


def data_dir(command: F) -> F:
    """Add `--data-dir`."""
    option = click.option(
        "--data-dir", metavar="DIR", help="Folder of the database, and of the wrapping key in DIR/config."
    )
    return option(command)


def as_json(command: F) -> F:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(command)


def settings_of(**options: Any) -> Settings:
    """Return the settings, with these options of the command line first."""
    return read_settings(options)[0]
