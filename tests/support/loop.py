"""The loop that Keywright itself runs on: what is tested on it is tested as it is served, and in less time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import uvloop


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run each test that is a coroutine on uvloop; for a `conftest.py` to import."""
    return {"uvloop": uvloop.new_event_loop}
