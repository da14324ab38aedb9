"""Usage: one record a request, buffered here, written in batches, never waited for by a request."""

from __future__ import annotations

import asyncio
import contextlib

from keywright.gateway import store
from keywright.gateway.model import Attempt
from keywright.storage.transaction import Database

FLUSH_SECONDS = 0.5
BATCH = 500
MOST_WAITING = 20_000
"""Records held while the database stalls; beyond that the newest are dropped and counted, never the request."""


class Usage:
    """The gateway's log book. `keep` from requests; `run` as a task beside them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[Attempt] = []
        self.dropped = 0
        """Records lost to a full buffer since the start."""

    def keep(self, attempt: Attempt) -> None:
        """Take note of a finished attempt."""
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append(attempt)

    async def run(self) -> None:
        """Write what is waiting, twice a second, until cancelled; then once more."""
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                with contextlib.suppress(Exception):  # the records stay; the next round tries again
                    await self.flush()
        finally:
            await asyncio.shield(self.flush())

    async def flush(self) -> None:
        """Write everything that waits. What can't be written stays for the next time."""
        while self._waiting:
            batch = self._waiting[:BATCH]
            async with self._database.write() as tx:
                await store.keep_usage(tx, batch)
            del self._waiting[: len(batch)]
