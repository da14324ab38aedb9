"""A fair turn at the embedded database's one writer, between processes.

SQLite's own waiting polls with pauses of up to 100 ms, while a busy server takes the lock again within microseconds: a
second process, say one that disables a key, could wait for seconds. Here whoever waits holds the turnstile, and the one
who just wrote has to pass through it again. Locks of files are let go by the system when a process dies.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from keywright.errors import Busy

PATIENCE_SECONDS = 10.0
"""How long a writer waits for others before it gives up."""

PAUSE_SECONDS = 0.001


class Turnstile:
    """Two lock files beside the database: `…-next` for whoever waits, `…-turn` for whoever writes."""

    def __init__(self, database: Path) -> None:
        self._paths = Path(f"{database}-next"), Path(f"{database}-turn")

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Give the turn while the block runs. Raises `Busy` when others take too long."""
        following, writing = (os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600) for path in self._paths)
        try:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await _take(following)
                    await _take(writing)
            except TimeoutError:
                raise Busy("another process keeps the database locked", hint="try again; what is it doing?") from None
            fcntl.flock(following, fcntl.LOCK_UN)  # the next one may begin to wait
            yield
        finally:
            os.close(following)
            os.close(writing)


async def _take(descriptor: int) -> None:
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        await asyncio.sleep(PAUSE_SECONDS)
