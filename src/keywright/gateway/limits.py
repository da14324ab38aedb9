"""Rate limits: GCRA, pure. A bucket is one number: the time at which it will be full again.

The generic cell rate algorithm spaces `amount` units over `period_ms` and lets a burst of the whole amount through; unlike
a fixed window it never lets twice the amount pass around a boundary. Times inside are nanoseconds, so that odd quotas
don't drift.
"""

from __future__ import annotations

from dataclasses import dataclass

from keywright.gateway.model import Quota

NS = 1_000_000


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of asking a bucket for room."""

    allowed: bool
    full_at_ns: int
    """The bucket's new number; unchanged when refused."""
    limit: int
    remaining: int
    """Whole units left."""
    reset_ms: int
    """Until the bucket is full again."""
    retry_ms: int
    """Until the same request would fit; 0 when it did, -1 when it never will."""


def take(full_at_ns: int, *, quota: Quota, cost: int, now: int) -> Taken:
    """Take `cost` units at `now` (ms) from the bucket that will be full at `full_at_ns` (0 for a fresh one)."""
    now_ns, period_ns = now * NS, quota.period_ms * NS
    unit_ns = period_ns // quota.amount
    # No bucket is emptier than empty: a number beyond that is of a clock since set back, and nobody waits for it.
    base = min(max(full_at_ns, now_ns), now_ns + unit_ns * quota.amount)
    wanted = base + cost * unit_ns
    over_ns = wanted - now_ns - unit_ns * quota.amount
    allowed = over_ns <= 0
    full = wanted if allowed else base
    used_ns = full - now_ns
    retry_ms = 0 if allowed else (-(-over_ns // NS) if cost <= quota.amount else -1)
    return Taken(
        allowed=allowed,
        full_at_ns=full,
        limit=quota.amount,
        remaining=max(0, (unit_ns * quota.amount - used_ns) // unit_ns),
        reset_ms=-(-used_ns // NS),
        retry_ms=retry_ms,
    )
