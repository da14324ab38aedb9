from __future__ import annotations

import pytest

from keywright.gateway import replay
from keywright.protocol.refusal import Reason, Refused
from tests.support.clock import T0

WINDOW = 30_000


@pytest.mark.parametrize("skew", [-30_000, -29_999, 0, 29_999, 30_000])
def test_ts_01_a_time_up_to_the_window_is_near_inclusive(skew: int) -> None:
    assert replay.skew_within(T0 + skew, now=T0, window_ms=WINDOW) == skew


@pytest.mark.parametrize("skew", [-30_001, 30_001, -(10**12), 8_000_000_000_000])
def test_ts_01_beyond_it_is_not_and_the_refusal_says_by_how_much(skew: int) -> None:
    with pytest.raises(Refused) as refused:
        replay.skew_within(T0 + skew, now=T0, window_ms=WINDOW)
    assert refused.value.reason is Reason.TIMESTAMP_OUT_OF_WINDOW
    assert refused.value.facts["skew_ms"] == skew


def test_a_request_is_recognised_by_its_key_and_its_mac() -> None:
    assert replay.fingerprint("k", b"mac") == replay.fingerprint("k", b"mac")
    assert replay.fingerprint("k", b"mac") != replay.fingerprint("k", b"mad")
    assert replay.fingerprint("k1", b"mac") != replay.fingerprint("k2", b"mac")
    assert replay.fingerprint("k", b"1mac") != replay.fingerprint("k1", b"mac")
    assert len(replay.fingerprint("k", b"mac")) == 32


def test_a_request_is_remembered_until_its_time_alone_refuses_it() -> None:
    forget = replay.forget_at(T0)
    with pytest.raises(Refused):
        replay.skew_within(T0, now=forget, window_ms=WINDOW)
