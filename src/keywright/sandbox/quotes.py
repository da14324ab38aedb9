"""Market data in KuCoin's shapes: tickers, books, candles, trades. Pure: pair, time and resting orders in, JSON out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from keywright.sandbox import ladder, prices
from keywright.sandbox.amounts import plain
from keywright.sandbox.markets import MAKER_FEE, OPENED_AT, TAKER_FEE
from keywright.sandbox.model import Market, Order, Quote, Side

CANDLE_SECONDS = {
    "1min": 60,
    "3min": 180,
    "5min": 300,
    "15min": 900,
    "30min": 1_800,
    "1hour": 3_600,
    "2hour": 7_200,
    "4hour": 14_400,
    "6hour": 21_600,
    "8hour": 28_800,
    "12hour": 43_200,
    "1day": 86_400,
    "1week": 604_800,
}
MOST_CANDLES = 1_500
"""In one answer, as at KuCoin."""
_DAY = 86_400
_TRADES = 100


@dataclass(frozen=True, slots=True)
class Depth:
    """Both sides of a market's book, best first: the house's quotes and what users have resting."""

    bids: list[Quote]
    asks: list[Quote]


def depth(market: Market, resting: Iterable[Order], *, at: int, levels: int = ladder.LEVELS) -> Depth:
    """Return the book of a market with sizes at one price added up."""
    mine = [order for order in resting if order.new.symbol == market.symbol]
    return Depth(_side(market, mine, "buy", at=at, levels=levels), _side(market, mine, "sell", at=at, levels=levels))


def _side(market: Market, resting: list[Order], side: Side, *, at: int, levels: int) -> list[Quote]:
    sizes = {quote.price: quote.size for quote in ladder.quotes(market, side, at=at)}
    for order in resting:
        if order.new.side == side:
            sizes[order.limit] = sizes.get(order.limit, Decimal(0)) + order.remaining
    best_first = sorted(sizes, reverse=side == "buy")
    return [Quote(price, sizes[price]) for price in best_first[:levels]]


def level2(book: Depth, *, at: int) -> dict[str, object]:
    """Return an order book as `orderbook/level2…` tells it."""
    return {
        "time": at,
        "sequence": str(at),
        "bids": [[plain(quote.price), plain(quote.size)] for quote in book.bids],
        "asks": [[plain(quote.price), plain(quote.size)] for quote in book.asks],
    }


def level1(market: Market, book: Depth, *, at: int) -> dict[str, object]:
    """Return the best quotes and the latest trade."""
    trade = _trade(market, at // 1000)
    return {
        "time": at,
        "sequence": str(at),
        "price": trade["price"],
        "size": trade["size"],
        "bestBid": plain(book.bids[0].price),
        "bestBidSize": plain(book.bids[0].size),
        "bestAsk": plain(book.asks[0].price),
        "bestAskSize": plain(book.asks[0].size),
    }


def stats(market: Market, book: Depth, *, at: int) -> dict[str, object]:
    """Return what happened in a market within a day."""
    second = at // 1000
    before = second - _DAY
    low, high = (ticks * market.price_increment for ticks in prices.extremes(market, before, second))
    first, last = (prices.middle_ticks(market, moment) * market.price_increment for moment in (before, second))
    traded = prices.volume(market, before, second)
    average = (first + last + low + high) / 4
    return {
        "time": at,
        "symbol": market.symbol,
        "buy": plain(book.bids[0].price),
        "sell": plain(book.asks[0].price),
        "changeRate": plain(round((last - first) / first, 4)),
        "changePrice": plain(last - first),
        "high": plain(high),
        "low": plain(low),
        "vol": plain(traded),
        "volValue": plain(round(traded * average, 8)),
        "last": plain(last),
        "averagePrice": plain(round(average, 8)),
        "takerFeeRate": plain(TAKER_FEE),
        "makerFeeRate": plain(MAKER_FEE),
        "takerCoefficient": "1",
        "makerCoefficient": "1",
    }


def ticker(market: Market, book: Depth, *, at: int) -> dict[str, object]:
    """Return a market's entry in `allTickers`."""
    day = stats(market, book, at=at)
    del day["time"]
    sizes = {"bestBidSize": plain(book.bids[0].size), "bestAskSize": plain(book.asks[0].size)}
    return {"symbolName": market.symbol, **sizes, **day}


def candles(market: Market, length: int, *, start: int | None, end: int | None, at: int) -> list[list[str]]:
    """Return candles that begin from `start` on and before `end` (seconds), newest first.

    Without a start the latest hundred; never one of the future, never one of before the markets opened, and at most
    `MOST_CANDLES`: the latest. The running candle ends now. One opens where the one before it closed.
    """
    second = at // 1000
    stop = min(end if end is not None else second + 1, second + 1)
    latest = (stop - 1) // length
    earliest = latest - 99 if start is None else -(-start // length)
    earliest = max(earliest, -(-OPENED_AT // length), latest - MOST_CANDLES + 1)
    return [_candle(market, count * length, length, now=second) for count in range(latest, earliest - 1, -1)]


def _candle(market: Market, begin: int, length: int, *, now: int) -> list[str]:
    finish = min(begin + length, now)
    low, high = (ticks * market.price_increment for ticks in prices.extremes(market, begin, finish))
    first, last = (prices.middle_ticks(market, moment) * market.price_increment for moment in (begin, finish))
    traded = prices.volume(market, begin, finish)
    turnover = round(traded * (first + last + low + high) / 4, 8)
    return [str(begin), *(plain(number) for number in (first, last, high, low, traded, turnover))]


def histories(market: Market, *, at: int) -> list[dict[str, object]]:
    """Return the latest trades of a market, oldest first: one a second."""
    second = at // 1000
    return [_trade(market, moment) for moment in range(second - _TRADES + 1, second + 1)]


def _trade(market: Market, second: int) -> dict[str, object]:
    size = max(prices.volume(market, second - 1, second), market.base_min)
    return {
        "sequence": str(second),
        "price": plain(prices.middle_ticks(market, second) * market.price_increment),
        "size": plain(size),
        "side": "buy" if prices.drawn(market.symbol, "side", second, below=2) else "sell",
        "time": second * 1_000_000_000,
    }
