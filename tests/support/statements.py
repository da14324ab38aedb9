"""Statements of SQL that are compiled once, whatever number of databases a run opens.

Each test opens a database of its own, and an engine that was asked nothing yet compiles every statement anew: that takes longer
than to carry it out. So what was compiled for one engine serves the next of its kind, as in a server it serves all day.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache

MOST = 5_000
"""More than the product has, on both kinds of database."""


class _Compiled(LRUCache[Any, Any]):
    """Compiled statements. An engine's key begins with its own dialect; kept is of which kind that is."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_by_kind(key), default)

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(_by_kind(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_by_kind(key), value)


def _by_kind(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *statement = key
    return (type(dialect), *statement)


@contextmanager
def compiled_once() -> Iterator[None]:
    """Let every engine that is made in this block use what another compiled."""
    compiled = _Compiled(MOST)

    def share(_kind: type[DefaultDialect], engine: Engine) -> None:
        engine.update_execution_options(compiled_cache=compiled)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DefaultDialect, "engine_created", classmethod(share))
        yield
