"""Rate limits: GCRA, pure. A bucket is one number: the time at which it will be full again.

The generic cell rate algorithm spaces `amount` units over `period_ms` and lets a burst of the whole amount through; unlike
a fixed window it never lets twice the amount pass around a boundary. Times inside are nanoseconds, so that odd quotas
don't drift.
"""

from __future__ import annotations

from typing import NamedTuple

from keywright.gateway.model import Quota

NS = 1_000_000
_made = tuple.__new__  # a named tuple past its own constructor, whose keyword handling costs as much again


class Taken(NamedTuple):
    """What came of asking a bucket for room."""

    allowed: bool
    full_at_ns: int
    """The bucket's new number; unchanged when refused."""
    used_ns: int
    """How far the bucket is from full."""
    quota: Quota
    retry_ms: int
    """Until the same request would fit; 0 when it did, -1 when it never will."""

    @property
    def limit(self) -> int:
        """The whole amount."""
        return self.quota.amount

    @property
    def remaining(self) -> int:
        """Whole units left."""
        return max(0, (self.quota.full_ns - self.used_ns) // self.quota.unit_ns)

    @property
    def reset_ms(self) -> int:
        """Until the bucket is full again."""
        return -(-self.used_ns // NS)


def take(full_at_ns: int, *, quota: Quota, cost: int, now: int) -> Taken:
    """Take `cost` units at `now` (ms) from the bucket that will be full at `full_at_ns` (0 for a fresh one)."""
    now_ns, full_ns = now * NS, quota.full_ns
    used_ns = full_at_ns - now_ns
    if used_ns < 0:
        used_ns = 0
    elif used_ns > full_ns:
        # No bucket is emptier than empty: a number beyond that is of a clock since set back, and nobody waits for it.
        used_ns = full_ns
    after_ns = used_ns + cost * quota.unit_ns
    if after_ns <= full_ns:
        return _made(Taken, (True, now_ns + after_ns, after_ns, quota, 0))
    retry_ms = -((full_ns - after_ns) // NS) if cost <= quota.amount else -1
    return Taken(False, now_ns + used_ns, used_ns, quota, retry_ms)
