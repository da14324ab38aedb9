"""Which way the protocol goes: `native` is its compiled part, or `None`, and then Python does that work.

`_native.c` is compiled when Keywright is installed, where a C compiler and OpenSSL's headers are; nobody needs it, and
what comes out is the same. With `KEYWRIGHT_PURE=1` it is left alone, at installing or at running.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Any, Protocol, TypeVar

T = TypeVar("T")

VERSION = 1
"""Of what lies between the two. A build of another day, left beside newer sources, is not used."""


def _found() -> ModuleType | None:
    try:
        module = import_module("keywright.protocol._native")
    except ImportError:  # not compiled, or for another machine, or told to be left alone: `keywright/__init__.py`
        return None
    return module if module.VERSION == VERSION else None


class _Make(Protocol):
    def __call__(self, type_: type[T], items: tuple[Any, ...], /) -> T: ...


native = _found()
made: _Make = native.made if native else tuple.__new__  # type: ignore[assignment]  # for subclasses of tuple
"""Makes a named tuple past its own constructor, whose keyword handling costs as much again: `made(type, items)`."""


def is_native() -> bool:
    """Tell whether the compiled part is in use."""
    return native is not None
