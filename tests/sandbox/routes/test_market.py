"""Market data over the wire: one market behind every view of it."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.sandbox.conftest import Exchange

PAIRS = ["BTC-USDT", "ETH-BTC", "ETH-USDT", "KCS-USDT", "SOL-USDT"]


async def test_pairs_and_currencies_are_listed(exchange: Exchange) -> None:
    assert sorted(entry["symbol"] for entry in await exchange.get("/api/v2/symbols")) == PAIRS
    assert await exchange.get("/api/v1/symbols") == await exchange.get("/api/v2/symbols")
    assert [entry["symbol"] for entry in await exchange.get("/api/v2/symbols?market=BTC")] == ["ETH-BTC"]
    assert (await exchange.get("/api/v2/symbols/BTC-USDT"))["quoteCurrency"] == "USDT"
    assert {entry["currency"] for entry in await exchange.get("/api/v3/currencies")} == {
        "BTC",
        "ETH",
        "SOL",
        "KCS",
        "USDT",
    }
    assert (await exchange.get("/api/v3/currencies/USDT"))["chains"][0]["chainId"] == "trx"


@pytest.mark.parametrize("target", ["/api/v2/symbols/NO", "/api/v3/currencies/NO", "/api/v1/market/stats?symbol=NO"])
async def test_what_is_not_listed_is_declined(exchange: Exchange, target: str) -> None:
    assert (await exchange.decline("GET", target))[0] == "400100"


async def test_every_view_shows_the_same_market(exchange: Exchange) -> None:
    for symbol in PAIRS:
        level1 = await exchange.get(f"/api/v1/market/orderbook/level1?symbol={symbol}")
        twenty = await exchange.get(f"/api/v1/market/orderbook/level2_20?symbol={symbol}")
        stats = await exchange.get(f"/api/v1/market/stats?symbol={symbol}")
        trades = await exchange.get(f"/api/v1/market/histories?symbol={symbol}")
        assert twenty["bids"][0] == [level1["bestBid"], level1["bestBidSize"]]
        assert twenty["asks"][0] == [level1["bestAsk"], level1["bestAskSize"]]
        assert (stats["buy"], stats["sell"], stats["last"]) == (level1["bestBid"], level1["bestAsk"], level1["price"])
        assert trades[-1]["price"] == level1["price"]
        assert Decimal(stats["low"]) <= Decimal(stats["last"]) <= Decimal(stats["high"])


async def test_tickers_are_the_stats_of_every_market(exchange: Exchange) -> None:
    answer = await exchange.get("/api/v1/market/allTickers")
    stats = await exchange.get("/api/v1/market/stats?symbol=ETH-BTC")
    [ticker] = [entry for entry in answer["ticker"] if entry["symbol"] == "ETH-BTC"]
    assert ticker.items() >= {name: stats[name] for name in ("last", "high", "low", "vol", "buy", "changeRate")}.items()


async def test_a_book_has_as_many_levels_as_its_route_says(exchange: Exchange) -> None:
    for route, levels in (("v1/market/orderbook/level2_20", 20), ("v1/market/orderbook/level2_100", 100)):
        book = await exchange.get(f"/api/{route}?symbol=BTC-USDT")
        assert (len(book["bids"]), len(book["asks"])) == (levels, levels)
    await exchange.place({"symbol": "BTC-USDT", "side": "buy", "type": "limit", "price": "50000", "size": "0.001"})
    whole = await exchange.get("/api/v3/market/orderbook/level2?symbol=BTC-USDT")
    assert whole["bids"][-1] == ["50000", "0.001"]


async def test_candles_begin_from_the_start_and_before_the_end(exchange: Exchange) -> None:
    end = exchange.now // 1000 // 60 * 60
    found = await exchange.get(f"/api/v1/market/candles?symbol=BTC-USDT&type=1min&startAt={end - 300}&endAt={end}")
    assert [int(candle[0]) for candle in found] == [end - 60, end - 120, end - 180, end - 240, end - 300]


async def test_a_candle_opens_where_the_one_before_closed_and_longer_ones_contain_shorter(exchange: Exchange) -> None:
    hour = exchange.now // 1000 // 3600 * 3600
    window = f"startAt={hour - 3600}&endAt={hour}"
    [whole] = await exchange.get(f"/api/v1/market/candles?symbol=ETH-USDT&type=1hour&{window}")
    minutes = (await exchange.get(f"/api/v1/market/candles?symbol=ETH-USDT&type=1min&{window}"))[::-1]
    assert len(minutes) == 60
    assert all(one[2] == two[1] for one, two in pairwise(minutes))
    assert (minutes[0][1], minutes[-1][2]) == (whole[1], whole[2])
    assert max(Decimal(candle[3]) for candle in minutes) == Decimal(whole[3])
    assert min(Decimal(candle[4]) for candle in minutes) == Decimal(whole[4])


async def test_candles_are_as_many_as_kucoins_and_none_is_of_the_future(exchange: Exchange) -> None:
    newest = await exchange.get("/api/v1/market/candles?symbol=BTC-USDT&type=1min")
    assert len(newest) == 100
    assert int(newest[0][0]) <= exchange.now // 1000
    far = exchange.now // 1000 + 10**6
    many = await exchange.get(f"/api/v1/market/candles?symbol=BTC-USDT&type=1min&startAt=1&endAt={far}")
    assert len(many) == 1500
    assert many[0] == newest[0]
    first = await exchange.get("/api/v1/market/candles?symbol=BTC-USDT&type=1week&startAt=1")
    assert int(first[-1][0]) >= 1_577_836_800


async def test_an_unknown_length_of_candle_is_declined(exchange: Exchange) -> None:
    assert (await exchange.decline("GET", "/api/v1/market/candles?symbol=BTC-USDT&type=2min"))[0] == "400100"


async def test_there_is_no_margin_and_that_is_said_in_the_shapes_clients_expect(exchange: Exchange) -> None:
    assert await exchange.get("/api/v3/margin/symbols") == {"timestamp": exchange.now, "items": []}
    assert await exchange.get("/api/v1/isolated/symbols") == []


async def test_contracts_follow_the_price_of_what_they_are_about(exchange: Exchange) -> None:
    contracts = await exchange.get("/api/v1/contracts/active", environment="futures")
    assert [entry["symbol"] for entry in contracts] == ["XBTUSDTM", "ETHUSDTM", "SOLUSDTM"]
    stats = await exchange.get("/api/v1/market/stats?symbol=BTC-USDT")
    assert contracts[0]["markPrice"] == float(stats["last"])
    assert 0 < contracts[0]["nextFundingRateTime"] <= 28_800_000
