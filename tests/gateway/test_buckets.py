"""Time in pieces: spans, buckets, and that every request falls into exactly one."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, strategies as st

from keywright.gateway.buckets import DAY_MS, MOST_BUCKETS, SPANS, filled
from keywright.gateway.usage_model import HOUR_MS, MINUTE_MS, Count
from tests.support.clock import T0

NAMES = st.sampled_from(sorted(SPANS))
MOMENTS = st.integers(4 * 366 * DAY_MS, 60 * 366 * DAY_MS)


@pytest.mark.parametrize(
    ("name", "length"), [("1h", HOUR_MS), ("24h", DAY_MS), ("7d", 7 * DAY_MS), ("30d", 30 * DAY_MS)]
)
def test_a_span_is_never_shorter_than_its_name(name: str, length: int) -> None:
    span = SPANS[name]
    for now in (T0, T0 + 1, T0 + span.width_ms - 1):
        assert length <= now - span.begins(now) < length + span.width_ms
        assert span.begins(now) % span.width_ms == 0


def test_all_begins_at_the_beginning() -> None:
    assert SPANS["all"].begins(T0) == 0
    assert filled({}, SPANS["all"], now=T0) == ()


@given(NAMES, MOMENTS, st.lists(st.tuples(st.integers(0, 90 * DAY_MS), st.integers(1, 9), st.integers(0, 9))))
def test_buckets_join_hold_everything_and_are_not_too_many(
    name: str, now: int, counted: list[tuple[int, int, int]]
) -> None:
    span = SPANS[name]
    counts: dict[int, Count] = {}
    for ago, allowed, refused in counted:
        at = now - ago - (now - ago) % span.width_ms
        if at >= span.begins(now):
            counts[at] = counts.get(at, Count()) + Count(allowed + refused, refused)
    bars = filled(counts, span, now=now)
    assert len(bars) <= MOST_BUCKETS
    assert sum((bar.count for bar in bars), Count()) == sum(counts.values(), Count())
    assert all(one.until == next_.at for one, next_ in itertools.pairwise(bars))
    if bars:
        assert bars[-1].at <= now < bars[-1].until
        assert bars[0].at <= (span.begins(now) or min(counts)) < bars[0].until


def test_an_hour_is_sixty_minutes_and_the_one_that_runs() -> None:
    assert len(filled({}, SPANS["1h"], now=T0)) == 61
    assert filled({}, SPANS["1h"], now=T0)[0].until % MINUTE_MS == 0


def test_years_become_as_many_bars_as_can_be_seen() -> None:
    day = T0 - T0 % DAY_MS
    counts = {day - number * DAY_MS: Count(1) for number in range(3_650)}
    bars = filled(counts, SPANS["all"], now=T0)
    assert len(bars) <= MOST_BUCKETS
    assert sum(bar.count.requests for bar in bars) == 3_650


def test_what_a_clock_that_was_set_back_wrote_is_not_hidden() -> None:
    later = T0 - T0 % HOUR_MS + 5 * HOUR_MS
    bars = filled({later: Count(1)}, SPANS["24h"], now=T0)
    assert bars[-1].count == Count(1)
