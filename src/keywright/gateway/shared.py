"""State of one process over PostgreSQL: its memory decides for itself, the database's rows decide between processes.

A mark is new only if its row was: `INSERT … ON CONFLICT` says so, in the transaction that is committed before the request is
forwarded. So what another server accepted a moment ago, before it died or was cut off, is a replay here too.
"""

from __future__ import annotations

from collections.abc import Sequence, Set as AbstractSet

from keywright.errors import Busy
from keywright.gateway import marks as rows
from keywright.gateway.embedded import EmbeddedState, Mark
from keywright.storage.transaction import Database

SWEEP_MS = 1_000
"""How often marks whose time is over are dropped."""


class SharedState(EmbeddedState):
    """Remembers in memory and in the rows that every server of this database shares."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._window_ms = 0
        self._began_at: int | None = None
        self._swept_at = 0

    async def start(self, *, now: int, window_ms: int) -> None:
        """Load the marks that still count. Where they may have been lost, writes stamped up to now + window are refused."""
        self._window_ms = window_ms
        await super().start(now=now, window_ms=window_ms)
        async with self._database.read() as tx:
            epoch = await rows.replay_epoch_of(tx)
        self._began_at = epoch.began_at if epoch else None

    async def _keep(self, marks: Sequence[Mark], *, now: int) -> AbstractSet[bytes]:
        is_due = not 0 <= now - self._swept_at < SWEEP_MS
        async with self._database.write() as tx:
            epoch = await rows.lock_replay_epoch(tx, to_change=is_due)
            if epoch is None:
                await rows.begin_replay(tx, began_at=now)
                began_at = now
            elif epoch.began_at == self._began_at and all(mark.until > epoch.forgotten_until for mark in marks):
                if is_due:
                    await rows.drop_marks(tx, now=now)
                    self._swept_at = now
                return {mark.digest for mark in marks} - await rows.claim_marks(tx, marks)
            else:
                began_at = epoch.began_at
        self._began_at = began_at
        self.quarantine(until=began_at + self._window_ms)
        raise Busy("marks of earlier requests are gone from the database", hint="sign again in half a minute")
