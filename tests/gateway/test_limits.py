"""GCRA, as sentences on a clock that stands still."""

from __future__ import annotations

from hypothesis import given, strategies as st

from keywright.gateway.limits import take
from keywright.gateway.model import Quota
from tests.support.clock import T0

QUOTA = Quota(10, 1_000)


def test_a_whole_burst_fits_and_one_more_does_not() -> None:
    full = 0
    for left in range(9, -1, -1):
        taken = take(full, quota=QUOTA, cost=1, now=T0)
        assert (taken.allowed, taken.limit, taken.remaining) == (True, 10, left)
        full = taken.full_at_ns
    refused = take(full, quota=QUOTA, cost=1, now=T0)
    assert (refused.allowed, refused.remaining, refused.retry_ms) == (False, 0, 100)
    assert refused.full_at_ns == full, "a refused request takes nothing"


def test_room_comes_back_evenly() -> None:
    full = take(0, quota=QUOTA, cost=10, now=T0).full_at_ns
    assert not take(full, quota=QUOTA, cost=1, now=T0 + 99).allowed
    assert take(full, quota=QUOTA, cost=1, now=T0 + 100).allowed
    assert take(full, quota=QUOTA, cost=10, now=T0 + 1_000).allowed


def test_reset_says_when_the_bucket_is_full_again() -> None:
    assert take(0, quota=QUOTA, cost=3, now=T0).reset_ms == 300
    assert take(0, quota=QUOTA, cost=0, now=T0).reset_ms == 0


def test_what_costs_more_than_the_whole_quota_never_fits_and_says_so() -> None:
    taken = take(0, quota=QUOTA, cost=11, now=T0)
    assert (taken.allowed, taken.retry_ms) == (False, -1)


def test_odd_quotas_do_not_drift() -> None:
    odd, full, allowed = Quota(7, 1_000), 0, 0
    for ms in range(70_000):
        taken = take(full, quota=odd, cost=1, now=T0 + ms)
        full, allowed = taken.full_at_ns, allowed + taken.allowed
    assert 7 + 7 * 70 - 2 <= allowed <= 7 + 7 * 70


def test_a_clock_set_back_locks_nobody_out_for_longer_than_it_went() -> None:
    full = take(0, quota=QUOTA, cost=10, now=T0).full_at_ns
    assert not take(full, quota=QUOTA, cost=1, now=T0 - 60_000).allowed
    assert take(full, quota=QUOTA, cost=1, now=T0 + 100).allowed


@given(
    amount=st.integers(1, 5_000),
    period_ms=st.integers(1_000, 60_000),
    steps=st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 40)), max_size=80),
)
def test_never_more_than_a_burst_and_the_refill_pass(amount: int, period_ms: int, steps: list[tuple[int, int]]) -> None:
    quota, now, full, passed = Quota(amount, period_ms), T0, 0, 0
    for wait, cost in steps:
        now += wait
        taken = take(full, quota=quota, cost=cost, now=now)
        full = taken.full_at_ns
        passed += cost if taken.allowed else 0
        assert 0 <= taken.remaining <= amount
        # One unit of rounding: a period is divided into whole nanoseconds.
        assert passed <= amount + (now - T0) * amount / period_ms + 1
        if not taken.allowed and taken.retry_ms > 0:
            assert take(full, quota=quota, cost=cost, now=now + taken.retry_ms).allowed
