"""Usage: one record a request, buffered here, written in batches, never waited for by a request."""

from __future__ import annotations

import asyncio
import logging

from keywright.gateway import store
from keywright.gateway.model import Attempt
from keywright.gateway.watcher import Learned, Watcher
from keywright.storage.transaction import Database, Tx, is_temporary

log = logging.getLogger(__name__)

FLUSH_SECONDS = 0.5
BATCH = 500
STRANGERS = 20
"""Refusals without a key of ours that are kept between two flushes: anybody can cause them, and disks are finite."""

MOST_WAITING = 20_000
"""Records held while the database stalls; beyond that the newest are dropped and counted, never the request."""


class Usage:
    """The gateway's log book. `keep` from requests; `run` as a task beside them."""

    def __init__(self, database: Database, watcher: Watcher | None = None) -> None:
        self._database = database
        self._watcher = watcher
        self._waiting: list[Attempt] = []
        self._strangers = 0
        self.dropped = 0
        """Records not kept since the start: the buffer was full, or strangers were too many."""

    def keep(self, attempt: Attempt) -> None:
        """Take note of a finished attempt. Of refusals that name no key of ours, only a few a second are kept."""
        if not attempt.key_id and attempt.verdict != "allowed":
            if self._strangers >= STRANGERS:
                self.dropped += 1
                return
            self._strangers += 1
        if len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        self._waiting.append(attempt)

    async def run(self) -> None:
        """Write what is waiting, twice a second, until cancelled; then once more."""
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                try:
                    await self.flush()
                except Exception as error:  # noqa: BLE001  the records stay; the next round tries again
                    log.warning("usage records wait: %s", type(error).__name__)
        finally:
            await asyncio.shield(self.flush())

    async def forget(self, *, before: int, now: int | None = None) -> int:
        """Drop records older than `before` (ms), and what the watch over keys needs no more; return how many records."""
        async with self._database.write() as tx:
            if self._watcher is not None and now is not None:
                await self._watcher.forget(tx, now=now)
            return await store.forget_usage(tx, before=before)

    async def flush(self) -> None:
        """Write everything that waits. What can't be written stays for the next time."""
        self._strangers = 0
        while self._waiting:
            batch = self._waiting[:BATCH]
            async with self._database.write() as tx:
                learned = await self._look(tx, batch)
                await store.keep_usage(tx, batch)
            if self._watcher is not None and learned is not None:
                self._watcher.learn(learned)
            del self._waiting[: len(batch)]

    async def _look(self, tx: Tx, batch: list[Attempt]) -> Learned | None:
        """Let the watch look at a batch. One that fails is said and passed over: records are written in any case."""
        if self._watcher is None:
            return None
        try:
            async with tx.begin_nested():
                return await self._watcher.look(tx, batch)
        except Exception as error:
            if is_temporary(error):
                raise
            log.error("the watch over keys failed: %s", type(error).__name__)  # noqa: TRY400  values stay out of the log
            return None
