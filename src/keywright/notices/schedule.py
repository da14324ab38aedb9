"""The one schedule for every deadline: 30, 14, 7 and 1 day before, and on the day (K12). Pure."""

from __future__ import annotations

DAY_MS = 24 * 60 * 60 * 1000

SCHEDULE_DAYS = (30, 14, 7, 1, 0)
"""How many days before a deadline its owner hears of it."""

TOLD_FOR_MS = DAY_MS
"""How long after its deadline a thing is still told of: a server that was off then says so late, but not for ever."""


def reached(at: int, *, begun_at: int, now: int) -> int | None:
    """Return the point of the schedule that a deadline `at` reached last, or `None` where there is nothing to tell.

    What began after a point never reached it: nobody is told of 30 days on the first of 14.
    """
    points = [days for days in SCHEDULE_DAYS if begun_at < at - days * DAY_MS <= now]
    return min(points) if points and now < at + TOLD_FOR_MS else None


def days_left(at: int, *, now: int) -> int:
    """Return the days until a deadline, begun ones counted; 0 when it is over."""
    return max(0, -(-(at - now) // DAY_MS))
