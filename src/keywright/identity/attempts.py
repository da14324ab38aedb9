"""Attempts, counted before they are looked at: on record first, taken back if they were right.

So that fifty at once, on however many nodes, never count past each other, and a process that dies in between forgets none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keywright.errors import Limited
from keywright.identity import limits, store
from keywright.identity.limits import MINUTE_MS, Window
from keywright.storage.transaction import Database, Tx

Subjects = Mapping[str, Sequence[Window]]
"""What an attempt counts against, each with its windows."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """Counts attempts, in transactions of its own."""

    database: Database

    async def charge(self, subjects: Subjects, *, now: int) -> None:
        """Count one attempt against each of the subjects, on record before this returns.

        Raises `Limited` when one of them has had its share; then nothing is counted.
        """
        async with self.database.write() as tx:
            await charge_within(tx, subjects, now=now)

    async def forgive(self, subjects: Subjects, *, at: int) -> None:
        """Take back what `charge` counted at `at`."""
        async with self.database.write() as tx:
            await store.forgive_attempts(tx, subjects, at=at)


async def charge_within(tx: Tx, subjects: Subjects, *, now: int) -> None:
    """Count one attempt against each of the subjects, if this transaction is committed.

    Raises `Limited` when one of them has had its share.
    """
    await store.lock_subjects(tx, subjects)
    waits = [
        limits.wait_ms(await _earlier(tx, subject, windows, now=now), windows, now=now)
        for subject, windows in subjects.items()
    ]
    if any(waits):
        raise _limited(max(waits))
    await store.insert_attempts(tx, subjects, now=now)


async def _earlier(tx: Tx, subject: str, windows: Sequence[Window], *, now: int) -> list[int]:
    return await store.attempts_at(tx, subject, since=now - max(window.period_ms for window in windows))


def _limited(wait_ms: int) -> Limited:
    minutes = max(1, -(-wait_ms // MINUTE_MS))
    return Limited(
        "too many attempts",
        hint="wait {minutes} min; your keys can be switched off meanwhile",
        retry_ms=wait_ms,
        minutes=minutes,
    )
