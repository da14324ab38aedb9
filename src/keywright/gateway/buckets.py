"""Time in pieces: the spans that people ask for, and the buckets of their charts. Pure.

Every piece begins at a whole multiple of its width since 1970, in UTC, so the same request falls into the same bucket
whenever one looks. A span begins with its first whole bucket: it is never shorter than its name says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from keywright.gateway.usage_model import HOUR_MS, MINUTE_MS, Count

DAY_MS = 24 * HOUR_MS

MOST_BUCKETS = 100
"""More bars than that are thinner than what lies between them on a telephone."""


@dataclass(frozen=True, slots=True)
class Span:
    """How far back one looks."""

    name: str
    length_ms: int
    """0: as far as there is anything."""
    width_ms: int
    """Of a bucket."""
    unit_ms: int
    """Of the counts that buckets are added up from."""

    def begins(self, now: int) -> int:
        """Return where the span begins: at a whole bucket."""
        return floor(now - self.length_ms, self.width_ms) if self.length_ms else 0


SPANS = {
    span.name: span
    for span in (
        Span("1h", HOUR_MS, MINUTE_MS, MINUTE_MS),
        Span("24h", DAY_MS, HOUR_MS, HOUR_MS),
        Span("7d", 7 * DAY_MS, 3 * HOUR_MS, HOUR_MS),
        Span("30d", 30 * DAY_MS, 12 * HOUR_MS, HOUR_MS),
        Span("all", 0, DAY_MS, HOUR_MS),
    )
}


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bar: what was counted from `at` until before `until`."""

    at: int
    until: int
    count: Count


def floor(at: int, width_ms: int) -> int:
    """Return where the piece begins that `at` lies in."""
    return at - at % width_ms


def filled(counts: Mapping[int, Count], span: Span, *, now: int) -> tuple[Bucket, ...]:
    """Return every bucket of a span up to now, those without requests too, oldest first.

    `counts` are by the begin of a bucket. Where a span without end has too many, several become one.
    """
    if not counts and not span.length_ms:
        return ()
    begin = span.begins(now) or min(counts)
    end = max([now, *counts])  # a clock that was set back must not hide what is there
    width = span.width_ms
    while len(range(floor(begin, width), end + 1, width)) > MOST_BUCKETS:
        width += span.width_ms
    together: dict[int, Count] = {}
    for at, count in counts.items():
        start = floor(at, width)
        together[start] = together.get(start, Count()) + count
    return tuple(Bucket(at, at + width, together.get(at, Count())) for at in range(floor(begin, width), end + 1, width))


def ranges(units: Iterable[tuple[int, int]], *, unit_ms: int, enough: int) -> list[tuple[int, int]]:
    """Return the times in which to look for `enough` records, in the order of `units`, neighbours joined.

    `units` are where a minute or hour begins and how many records in it fit. Of those in the first, any number may lie
    on the wrong side of the record that the looking begins at, so they count for nothing.
    """
    found: list[tuple[int, int]] = []
    sure = 0
    for place, (at, count) in enumerate(units):
        if sure >= enough:
            break
        sure += count if place else 0
        low, high = at, at + unit_ms
        if found and found[-1][0] == high:
            found[-1] = (low, found[-1][1])
        elif found and found[-1][1] == low:
            found[-1] = (found[-1][0], high)
        else:
            found.append((low, high))
    return found
