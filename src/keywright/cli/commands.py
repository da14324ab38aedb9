"""Commands by their names, each loaded when it is first asked for: whoever types one does not wait for the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module

import click

WHOLE = 1_000
"""Characters of a sentence that no command's first one reaches."""


class Commands(MutableMapping[str, click.Command]):
    """What a group of click's takes for its commands. `homes` says of each name `module:attribute`, in this package."""

    def __init__(self, homes: Mapping[str, str]) -> None:
        self._homes = homes
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded:
            module, _, attribute = self._homes[name].partition(":")
            self._loaded[name] = getattr(import_module(f"keywright.cli.{module}"), attribute)
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        raise TypeError(f"{name}: commands are named in the table that this was made from")

    def __delitem__(self, name: str) -> None:
        raise TypeError(f"{name}: commands are named in the table that this was made from")

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)


class Group(click.Group):
    """A group whose help says the whole first sentence of each command, on several lines if need be."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands."""
        shown = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [(name, one.get_short_help_str(WHOLE)) for name, one in shown if one is not None and not one.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
