"""Heavy work, a few at a time: in a thread, so that pages are served meanwhile, and never in a queue without end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from keywright.errors import Busy

T = TypeVar("T")


class Turns:
    """Lets `at_once` pieces of work run and `waiting` more wait."""

    def __init__(self, *, at_once: int, waiting: int) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._room = at_once + waiting

    async def run(self, work: Callable[[], T]) -> T:
        """Return what the work returns. Raises `Busy` when too many wait already."""
        if self._room == 0:
            raise Busy("too much is being done at once", hint="try again in a few seconds")
        self._room -= 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work)
        finally:
            self._room += 1
