"""State of one process whose marks survive it: memory decides, the embedded database keeps.

A mark is committed before its request is forwarded. Requests that arrive while a commit is under way share the next
one, so the cost of `fsync` is spread over all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence, Set as AbstractSet
from typing import NamedTuple

from keywright.errors import Busy, KeywrightError
from keywright.gateway import marks as rows
from keywright.gateway.memory import MemoryState
from keywright.storage.transaction import Database


class Mark(NamedTuple):
    """What is kept of a request, and until when."""

    digest: bytes
    until: int


class EmbeddedState(MemoryState):
    """Remembers in memory and in the database. Call `start` before the first request and `stop` after the last."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._waiting: list[tuple[Mark, asyncio.Future[bool]]] = []
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._now = 0

    async def start(self, *, now: int, window_ms: int) -> None:
        """Load the marks that still count. Where they may have been lost, writes stamped up to now + window are refused."""
        async with self._database.write() as tx:
            epoch = await rows.replay_epoch_of(tx)
            if epoch is None:  # requests accepted before now are forgotten
                await rows.begin_replay(tx, began_at=now)
            self.quarantine(until=(now if epoch is None else epoch.began_at) + window_ms)
            self.forgot(until=0 if epoch is None else epoch.forgotten_until)
            for row in await rows.load_marks(tx):
                self._seen.setdefault(row.expires_at // 1000, set()).add(row.digest)
        self._task = asyncio.create_task(self._keep_on(), name="replay journal")

    async def stop(self) -> None:
        """Keep what is waiting, then stop."""
        if self._task is not None:
            await asyncio.gather(*(kept for _, kept in self._waiting), return_exceptions=True)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def spend(self, digest: bytes, *, stamped_at: int, until: int, now: int) -> bool:
        """Mark a request as seen; when this returns `True`, the mark is on disk. Raises `Busy` when it can't be kept."""
        if not self.mark(digest, stamped_at=stamped_at, until=until, now=now):
            return False
        kept: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((Mark(digest, until), kept))
        self._now = now
        self._wake.set()
        return await kept

    async def _keep(self, marks: Sequence[Mark], *, now: int) -> AbstractSet[bytes]:
        """Keep these marks; return the digests of those that were kept before, of which memory knew nothing."""
        async with self._database.write() as tx:
            await rows.keep_marks(tx, marks, now=now)
        return frozenset()

    async def _keep_on(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            batch, self._waiting = self._waiting, []
            if not batch:
                continue
            try:
                known = await self._keep([mark for mark, _ in batch], now=self._now)
            except Exception as error:  # noqa: BLE001  each waiter is told; the journal itself goes on
                cause = error if isinstance(error, KeywrightError) else Busy("the mark of this request can't be kept")
                # Who came meanwhile has waited for the same lock: to try again for them would make them wait twice.
                late, self._waiting = self._waiting, []
                for _, kept in (*batch, *late):
                    if not kept.done():
                        kept.set_exception(cause)
            else:
                for mark, kept in batch:
                    if not kept.done():
                        kept.set_result(mark.digest not in known)
