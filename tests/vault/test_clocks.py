"""The exchange's time, on clocks that the tests move."""

from __future__ import annotations

import asyncio

import pytest

from keywright.errors import Conflict
from keywright.protocol.bitfinex_payload import LARGEST_NONCE
from keywright.vault.clocks import (
    MOST_BIAS_MS,
    OLDEST_MS,
    ClockOff,
    Nonces,
    NoncesInMemory,
    Offset,
    Sample,
    Timepiece,
    check_offset,
    estimate,
    is_worrying,
)
from keywright.vault.venues.venue import Budget
from tests.doubles.exchange import T0
from tests.support.clock import FakeClock

KUCOIN, BINANCE = Budget(5_000, 5_000), Budget(1_000, 5_000)


class Exchange:
    """An exchange whose clock is `ahead_ms` of ours, at the end of a way that takes `rtt_ms`; and our two clocks."""

    def __init__(self, *, ahead_ms: int = 0, rtt_ms: float = 40) -> None:
        self.ahead_ms, self.rtt_ms = ahead_ms, rtt_ms
        self.real_ms = 0.0
        """Time that has passed in the world."""
        self.asleep_ms = 0.0
        self.set_by_ms = 0.0
        self.asked = 0

    def wall(self) -> int:
        return int(T0 + self.real_ms + self.set_by_ms)

    def monotonic(self) -> float:
        return 5_000 + self.real_ms - self.asleep_ms

    @property
    def now(self) -> float:
        return T0 + self.real_ms + self.ahead_ms

    async def ask(self) -> int:
        self.asked += 1
        self.real_ms += self.rtt_ms / 2
        said = int(self.now)
        self.real_ms += self.rtt_ms / 2
        return said

    def timepiece(self, budget: Budget = KUCOIN) -> Timepiece:
        return Timepiece(self.ask, exchange="KuCoin", budget=budget, clock=self.wall, monotonic=self.monotonic)


def test_the_median_of_the_quickest_is_taken() -> None:
    quick = [Sample(0, T0 + 10, 20), Sample(100, T0 + 111, 122), Sample(200, T0 + 209, 220)]
    slow = [Sample(300, T0 + 1_290, 1_300), Sample(1_400, T0 + 1_450, 3_000)]  # their two ways took unequally long
    offset = estimate([*slow, *quick], wall_ms=T0, monotonic_ms=3_000)
    assert abs(offset.ahead_of_monotonic_ms - T0) <= 1
    assert offset.rtt_ms == 20


@pytest.mark.parametrize("ahead_ms", [-29_000, -2_270, -110, 0, 1_000, 5_528, 29_000])
@pytest.mark.parametrize("rtt_ms", [1, 40, 800])
async def test_a_stamp_arrives_a_little_late_and_never_early(ahead_ms: int, rtt_ms: float) -> None:
    exchange = Exchange(ahead_ms=ahead_ms, rtt_ms=rtt_ms)
    stamp = await exchange.timepiece().stamp()
    arrives = exchange.now + rtt_ms / 2
    assert -2 <= arrives - stamp <= rtt_ms + 2
    assert stamp <= exchange.now


async def test_agt_14_a_way_that_is_slow_in_one_direction_alone_does_not_make_a_stamp_early() -> None:
    exchange = Exchange()
    said: list[float] = []

    async def ask() -> int:
        exchange.real_ms += 900  # there
        said.append(exchange.now)
        exchange.real_ms += 10  # and back
        return int(said[-1])

    piece = Timepiece(ask, exchange="Binance", budget=BINANCE, clock=exchange.wall, monotonic=exchange.monotonic)
    assert await piece.stamp() <= exchange.now + 1_000


@pytest.mark.parametrize(("off_ms", "said"), [(-31_000, "31.0 seconds ahead of"), (31_000, "31.0 seconds behind")])
async def test_b4_what_is_too_far_off_is_said_in_seconds(off_ms: int, said: str) -> None:
    piece = Exchange(ahead_ms=off_ms).timepiece()
    with pytest.raises(ClockOff, match=said) as off:
        await piece.stamp()
    assert off.value.skew_ms == pytest.approx(-off_ms, abs=1)
    assert piece.offset is None  # and what was measured is not used by anybody else


def test_a_slow_way_is_not_called_a_wrong_clock() -> None:
    offset = Offset(ahead_of_monotonic_ms=T0, rtt_ms=6_000, measured_ms=0, wall_ms=T0)
    with pytest.raises(ClockOff, match=r"takes 6\.0 seconds there and back") as off:
        check_offset(offset, exchange="Binance", budget=BINANCE)
    assert "the clock is not to blame" in off.value.hint
    assert Offset(T0, 6_000, 0, T0).stamp(0) == T0 - MOST_BIAS_MS


async def test_no_two_requests_share_a_stamp_and_a_burst_does_not_run_far_ahead() -> None:
    piece = Exchange().timepiece()
    stamps = [await piece.stamp() for _ in range(700)]
    assert stamps[:500] == list(range(stamps[0], stamps[0] + 500))
    assert max(stamps) == stamps[0] + 500


async def test_it_is_measured_once_and_again_when_it_is_old() -> None:
    exchange = Exchange()
    piece = exchange.timepiece()
    await asyncio.gather(*(piece.stamp() for _ in range(10)))
    assert exchange.asked == 5
    exchange.real_ms += OLDEST_MS - 300
    await piece.stamp()
    assert exchange.asked == 5
    exchange.real_ms += 400
    await piece.stamp()
    assert exchange.asked == 10


async def test_a_machine_that_slept_or_was_set_measures_again() -> None:
    exchange = Exchange()
    piece = exchange.timepiece()
    await piece.stamp()
    for change in ("asleep_ms", "set_by_ms"):
        before = exchange.asked
        if change == "asleep_ms":
            exchange.real_ms += 8 * 3_600_000  # the monotonic clock stood still
            exchange.asleep_ms += 8 * 3_600_000
        else:
            exchange.set_by_ms += 7_000
        stamp = await piece.stamp()
        assert exchange.asked == before + 5, change
        assert abs(stamp - exchange.now) < 100


async def test_a_step_of_our_clock_that_nobody_noticed_changes_no_stamp() -> None:
    """Between two requests less than the limit for asking again: the stamp comes from the monotonic clock."""
    exchange = Exchange(ahead_ms=2_000)
    piece = exchange.timepiece()
    await piece.stamp()
    exchange.set_by_ms += 400
    assert abs(await piece.stamp() - exchange.now) < 100
    assert exchange.asked == 5


@pytest.mark.parametrize(
    ("skew_ms", "budget", "worrying"),
    [
        (200, BINANCE, False),
        (300, BINANCE, True),  # a quarter of the second it takes
        (1_000, KUCOIN, False),
        (1_001, KUCOIN, True),
        (-1_250, BINANCE, False),
        (-1_251, BINANCE, True),
    ],
)
def test_early_and_late_have_budgets_of_their_own(skew_ms: int, budget: Budget, *, worrying: bool) -> None:
    offset = Offset(ahead_of_monotonic_ms=T0, rtt_ms=10, measured_ms=0, wall_ms=T0 + skew_ms)
    assert is_worrying(offset, budget) is worrying


async def test_nonces_rise_whatever_the_clock_does() -> None:
    clock = FakeClock()
    kept = NoncesInMemory()
    nonces = [await Nonces(kept, clock=clock).next("key")]
    clock.advance(seconds=-3_600)  # set back; and each a process of its own, over what is kept
    nonces += [await Nonces(kept, clock=clock).next("key") for _ in range(3)]
    clock.advance(seconds=7_200)
    nonces.append(await Nonces(kept, clock=clock).next("key"))
    assert nonces == sorted(set(nonces))
    assert nonces[-1] == clock()
    nonces.append(await Nonces(kept, clock=clock).next("key", fine=True))
    clock.advance(seconds=60)
    nonces.append(await Nonces(kept, clock=clock).next("key"))  # there is no way back to milliseconds
    assert nonces[-2:] == [(clock() - 60_000) * 1_000, clock() * 1_000]


async def test_a_key_whose_nonces_are_used_up_is_said_to_be() -> None:
    kept = NoncesInMemory()
    await kept.next_nonce("key", at_least=LARGEST_NONCE)
    with pytest.raises(Conflict, match="the highest nonce there is"):
        await Nonces(kept, clock=FakeClock()).next("key")
