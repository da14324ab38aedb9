from __future__ import annotations

import pytest

from keywright.gateway import watch
from keywright.protocol.refusal import Reason
from tests.support.clock import T0

DAY = watch.DAY_MS


@pytest.mark.parametrize(
    ("last", "is_new"),
    [(None, True), (T0 - 30 * DAY - 1, True), (T0 - 30 * DAY, False), (T0 - 1, False), (T0 + 1, False)],
)
def test_an_address_is_new_after_thirty_days(last: int | None, is_new: bool) -> None:
    assert watch.is_new_address(last, at=T0) is is_new


@pytest.mark.parametrize(("ago", "days"), [(30 * DAY, 30), (30 * DAY - 1, 0), (0, 0), (-DAY, 0), (100 * DAY + 5, 100)])
def test_a_key_rests_after_thirty_days(ago: int, days: int) -> None:
    assert watch.days_at_rest(T0 - ago, at=T0) == days


def refusals(many: int, *, apart: int, reason: str = "replayed") -> list[tuple[int, str]]:
    return [(T0 + place * apart, reason) for place in range(many)]


def test_ten_refusals_within_a_minute_are_a_burst_in_whatever_order_they_come() -> None:
    assert watch.burst(refusals(10, apart=6_666)) == (watch.REFUSED, 10, "replayed")
    assert watch.burst(list(reversed(refusals(10, apart=6_666)))) is not None
    assert watch.burst(refusals(9, apart=1)) is None
    assert watch.burst(refusals(10, apart=6_667)) is None, "the first is a minute before the last"
    assert watch.burst(refusals(100, apart=6_667)) is None
    assert watch.burst([]) is None


def test_what_a_stranger_can_cause_is_told_from_what_the_holder_does() -> None:
    unsigned = refusals(10, apart=1, reason=Reason.SIGNATURE_MISMATCH)
    assert watch.burst(unsigned) == (watch.UNSIGNED, 10, "signature_mismatch")
    found = watch.burst([*unsigned, (T0 + 20, "replayed")])
    assert found == (watch.REFUSED, 11, "replayed")
    off = watch.burst(refusals(10, apart=1, reason=Reason.KEY_DISABLED))
    assert off == (watch.OFF, 10, "key_disabled")
    assert watch.quiet_ms(watch.UNSIGNED) == watch.quiet_ms(watch.OFF) == DAY
    assert watch.quiet_ms(watch.REFUSED) == watch.HOUR_MS


@pytest.mark.parametrize(
    ("verdict", "counts"),
    [("allowed", False), ("", False), ("not_sure", False), ("upstream_unreachable", False), ("replayed", True)],
)
def test_our_own_faults_are_none_of_the_owners(verdict: str, counts: bool) -> None:
    assert watch.counts(verdict) is counts


def test_two_addresses_or_two_programs_within_ten_minutes_are_at_once() -> None:
    here, there = ("address", "203.0.113.7"), ("address", "198.51.100.4")
    ccxt, curl = ("program", "ccxt"), ("program", "curl")
    ten = watch.TOGETHER_MS
    assert watch.at_once({here: T0, ccxt: T0}, at=T0) == ()
    assert watch.at_once({here: T0, there: T0 - ten + 1, ccxt: T0}, at=T0) == ("198.51.100.4", "203.0.113.7")
    assert watch.at_once({here: T0, there: T0 - ten, ccxt: T0}, at=T0) == ()
    assert watch.at_once({here: T0, ccxt: T0, curl: T0 - 1}, at=T0) == ("ccxt", "curl")
