"""State of one process, in memory: the fastest, and forgotten at its end.

Seen requests are kept in one set per second of expiry: a whole second is dropped at once, so memory is bounded by the
rate of writes and no single growing table ever stalls the loop while it is rehashed. What was dropped could come again
only if the clock went back; so a write that would have been dropped by now is refused, not trusted.
"""

from __future__ import annotations

from keywright.errors import Busy
from keywright.gateway.limits import Taken, take
from keywright.gateway.model import Quota

MAX_BUCKETS = 200_000
"""Limit buckets kept. Full ones are dropped first: a full bucket and none are the same."""


class MemoryState:
    """Remembers in this process. After a start it knows nothing of writes accepted before; see `quarantine`."""

    def __init__(self) -> None:
        self._seen: dict[int, set[bytes]] = {}
        self._swept = 0
        self._forgotten = -1  # the latest second of expiry of which marks were dropped
        self._full_at: dict[str, int] = {}
        self._quarantined_until = 0

    def quarantine(self, *, until: int) -> None:
        """Refuse writes stamped up to `until`: marks of that time may have been lost."""
        self._quarantined_until = until

    def forgot(self, *, until: int) -> None:
        """Note that marks expiring up to `until` were dropped."""
        self._forgotten = max(self._forgotten, until // 1000)

    def untouched(self, bucket: str) -> bool:
        """Tell whether nothing was ever taken from a bucket, or nothing that counts any more."""
        return bucket not in self._full_at

    async def take(self, bucket: str, *, quota: Quota, cost: int, now: int) -> Taken:
        """Take units from a bucket."""
        full_at = self._full_at.get(bucket)
        if full_at is None:
            full_at = 0
            if len(self._full_at) >= MAX_BUCKETS:
                self._make_room(now=now)
        taken = take(full_at, quota=quota, cost=cost, now=now)
        self._full_at[bucket] = taken.full_at_ns
        return taken

    async def spend(self, digest: bytes, *, stamped_at: int, until: int, now: int) -> bool:
        """Mark a request as seen; tell whether it was new."""
        return self.mark(digest, stamped_at=stamped_at, until=until, now=now)

    def mark(self, digest: bytes, *, stamped_at: int, until: int, now: int) -> bool:
        """Do what `spend` does, without waiting for anything."""
        if stamped_at <= self._quarantined_until:
            raise Busy("marks of requests from before the last start were lost", hint="sign again in a few seconds")
        second = until // 1000
        if second <= self._forgotten:
            raise Busy(
                "the clock was set back past requests already forgotten", hint="writes pass again when it catches up"
            )
        seen = self._seen.setdefault(second, set())
        if digest in seen:
            return False
        seen.add(digest)
        self._sweep(now // 1000)
        return True

    def __len__(self) -> int:
        return sum(map(len, self._seen.values()))

    def _sweep(self, second: int) -> None:
        if second <= self._swept:
            return
        self._swept = second
        for past in [kept for kept in self._seen if kept < second]:
            del self._seen[past]
            self._forgotten = max(self._forgotten, past)

    def _make_room(self, *, now: int) -> None:
        now_ns = now * 1_000_000
        self._full_at = {bucket: full for bucket, full in self._full_at.items() if full > now_ns}
        while len(self._full_at) >= MAX_BUCKETS:
            del self._full_at[next(iter(self._full_at))]  # the one that was asked for the first time longest ago
