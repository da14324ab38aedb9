"""What anyone may see: time, pairs, currencies, prices, books."""

from __future__ import annotations

import asyncio

from keywright.sandbox import listings, markets, quotes, service
from keywright.sandbox.call import Call
from keywright.sandbox.model import Declined, Market
from keywright.sandbox.quotes import Depth
from keywright.sandbox.routes import Route


async def timestamp(call: Call) -> object:
    """Answer the exchange's time."""
    return call.now


async def status(_call: Call) -> object:
    """Answer that the exchange is open."""
    return {"status": "open", "msg": ""}


async def symbols(call: Call) -> object:
    """Answer every pair, perhaps of one family of markets."""
    group = call.text("market")
    return [listings.symbol(market) for market in markets.MARKETS.values() if group in {"", market.group}]


async def symbol(call: Call) -> object:
    """Answer one pair."""
    return listings.symbol(markets.market(call.path["symbol"]))


async def currencies(_call: Call) -> object:
    """Answer every currency."""
    return [listings.currency(entry) for entry in markets.CURRENCIES.values()]


async def currency(call: Call) -> object:
    """Answer one currency."""
    return listings.currency(markets.currency(call.path["currency"]))


async def all_tickers(call: Call) -> object:
    """Answer the day of every market."""
    books = await _books(call, *markets.MARKETS.values(), levels=1)
    return {"time": call.now, "ticker": [quotes.ticker(market, book, at=call.now) for market, book in books]}


async def stats(call: Call) -> object:
    """Answer the day of one market."""
    [(market, book)] = await _books(call, _market(call), levels=1)
    return quotes.stats(market, book, at=call.now)


async def level1(call: Call) -> object:
    """Answer a market's best quotes."""
    [(market, book)] = await _books(call, _market(call), levels=1)
    return quotes.level1(market, book, at=call.now)


async def level2_20(call: Call) -> object:
    """Answer twenty levels of a market's book."""
    [(_, book)] = await _books(call, _market(call), levels=20)
    return quotes.level2(book, at=call.now)


async def level2_100(call: Call) -> object:
    """Answer a hundred levels of a market's book."""
    [(_, book)] = await _books(call, _market(call), levels=100)
    return quotes.level2(book, at=call.now)


async def level2(call: Call) -> object:
    """Answer the whole book of a market."""
    [(_, book)] = await _books(call, _market(call), levels=100_000)
    return quotes.level2(book, at=call.now)


async def candles(call: Call) -> object:
    """Answer candles of a market, newest first."""
    market = _market(call)
    length = quotes.CANDLE_SECONDS.get(call.text("type", required=True))
    if length is None:
        raise Declined("400100", "type not in the given range!")
    start, end = call.whole("startAt"), call.whole("endAt")
    # Years of daily candles take a second to work out the first time: not on the loop that everybody waits for.
    return await asyncio.to_thread(quotes.candles, market, length, start=start or None, end=end or None, at=call.now)


async def histories(call: Call) -> object:
    """Answer the latest trades of a market."""
    return quotes.histories(_market(call), at=call.now)


async def margin_symbols(call: Call) -> object:
    """Answer that nothing can be traded on cross margin."""
    return {"timestamp": call.now, "items": []}


async def isolated_symbols(_call: Call) -> object:
    """Answer that nothing can be traded on isolated margin."""
    return []


def _market(call: Call) -> Market:
    return markets.market(call.text("symbol", required=True))


async def _books(call: Call, *wanted: Market, levels: int) -> list[tuple[Market, Depth]]:
    async with call.database.read() as tx:
        resting = await service.resting(tx, wanted[0].symbol if len(wanted) == 1 else "", now=call.now)
    return [(market, quotes.depth(market, resting, at=call.now, levels=levels)) for market in wanted]


ROUTES = (
    Route("GET", "/api/v1/timestamp", timestamp, private=False),
    Route("GET", "/api/v1/status", status, private=False),
    Route("GET", "/api/v1/symbols", symbols, private=False),
    Route("GET", "/api/v2/symbols", symbols, private=False),
    Route("GET", "/api/v2/symbols/{symbol}", symbol, private=False),
    Route("GET", "/api/v3/currencies", currencies, private=False),
    Route("GET", "/api/v3/currencies/{currency}", currency, private=False),
    Route("GET", "/api/v1/market/allTickers", all_tickers, private=False),
    Route("GET", "/api/v1/market/stats", stats, private=False),
    Route("GET", "/api/v1/market/orderbook/level1", level1, private=False),
    Route("GET", "/api/v1/market/orderbook/level2_20", level2_20, private=False),
    Route("GET", "/api/v1/market/orderbook/level2_100", level2_100, private=False),
    Route("GET", "/api/v3/market/orderbook/level2", level2, private=False),
    Route("GET", "/api/v1/market/candles", candles, private=False),
    Route("GET", "/api/v1/market/histories", histories, private=False),
    Route("GET", "/api/v3/margin/symbols", margin_symbols, private=False),
    Route("GET", "/api/v1/isolated/symbols", isolated_symbols, private=False),
)
