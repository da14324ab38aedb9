"""The market's price: the same for everyone who asks, and searched without looking at every second."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st

from keywright.sandbox import ladder, prices
from keywright.sandbox.markets import MARKETS
from keywright.sandbox.model import Market

NOW = 1_790_000_000
markets = st.sampled_from(sorted(MARKETS)).map(MARKETS.__getitem__)
moments = st.integers(0, 4_000_000_000)


@given(markets, moments)
def test_the_price_stays_near_where_it_started(market: Market, second: int) -> None:
    start = market.start_price / market.price_increment
    assert abs(prices.middle_ticks(market, second) / start - 1) < 0.08


def test_the_price_of_a_moment_never_changes() -> None:
    """A change here would rewrite everybody's past: candles, fills, what a resting order is owed."""
    assert prices.middle_ticks(MARKETS["BTC-USDT"], NOW) == 1_028_529
    assert prices.middle_ticks(MARKETS["ETH-BTC"], NOW) == 4_051


def test_the_price_moves() -> None:
    seen = {prices.middle_ticks(MARKETS["BTC-USDT"], NOW + second) for second in range(0, 600, 10)}
    assert len(seen) > 40


@settings(max_examples=40)
@given(markets, moments, st.integers(0, 3_000))
def test_extremes_are_those_of_every_second(market: Market, first: int, length: int) -> None:
    path = [prices.middle_ticks(market, second) for second in range(first, first + length + 1)]
    assert prices.extremes(market, first, first + length) == (min(path), max(path))


@settings(max_examples=60)
@given(markets, moments, st.integers(0, 3_000), st.integers(-120, 120), st.booleans())
def test_the_first_second_a_price_is_reached_is_the_first(
    market: Market, after: int, length: int, offset: int, falling: bool
) -> None:
    ticks = prices.middle_ticks(market, after) + offset
    found = prices.first_reached(market, ticks=ticks, falling=falling, after=after, until=after + length)
    reached = (
        second
        for second in range(after + 1, after + length + 1)
        if (prices.middle_ticks(market, second) <= ticks if falling else prices.middle_ticks(market, second) >= ticks)
    )
    assert found == next(reached, None)


@given(markets, moments, st.integers(0, 100_000), st.integers(0, 100_000))
def test_volumes_of_parts_add_up_within_an_increment(market: Market, first: int, one: int, two: int) -> None:
    whole = prices.volume(market, first, first + one + two)
    parts = prices.volume(market, first, first + one) + prices.volume(market, first + one, first + one + two)
    assert 0 <= whole - parts <= market.base_increment
    assert parts >= 0


@settings(max_examples=30)
@given(markets, moments)
def test_the_house_quotes_on_increments_best_first_and_never_against_itself(market: Market, second: int) -> None:
    bids, asks = (ladder.quotes(market, side, at=second * 1000) for side in ("buy", "sell"))
    assert bids[0].price < ladder.last_price(market, at=second * 1000) < asks[0].price
    assert [quote.price for quote in bids] == sorted({quote.price for quote in bids}, reverse=True)
    assert [quote.price for quote in asks] == sorted({quote.price for quote in asks})
    for quote in (*bids, *asks):
        assert quote.price % market.price_increment == 0
        assert quote.size % market.base_increment == 0
        assert quote.size > 0


@settings(max_examples=30)
@given(markets, moments, st.integers(1, 5_000), st.integers(-60, 60))
def test_a_resting_price_is_met_when_the_houses_quotes_first_touch_it(
    market: Market, second: int, length: int, offset: int
) -> None:
    price = ladder.last_price(market, at=second * 1000) + offset * market.price_increment
    met = ladder.reached_at(market, "buy", price, after=second * 1000 + 999, until=(second + length) * 1000)
    asks = (
        (moment * 1000, ladder.quotes(market, "sell", at=moment * 1000, levels=1)[0].price)
        for moment in range(second + 1, second + length + 1)
    )
    assert met == next((at for at, ask in asks if ask <= price), None)
