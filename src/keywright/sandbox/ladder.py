"""The house's quotes around the market's price: a hundred levels a side, on the pair's increments. Pure.

The house quotes anew each second and is never out of stock: what a taker eats is there again for the next one.
"""

from __future__ import annotations

from decimal import Decimal

from keywright.sandbox import prices
from keywright.sandbox.amounts import floor_to
from keywright.sandbox.model import Market, Quote, Side

LEVELS = 100


def quotes(market: Market, side: Side, *, at: int, levels: int = LEVELS) -> list[Quote]:
    """Return what the house bids (`buy`) or asks (`sell`) at `at` (ms), best first."""
    second = at // 1000
    middle = prices.middle_ticks(market, second)
    towards = -1 if side == "buy" else 1
    found = []
    for level in range(levels):
        # Levels stand further apart the further out they are, up to twice the spread: the book thins out evenly.
        ticks = middle + towards * (market.spread_ticks + level * (1 + market.spread_ticks * level // LEVELS))
        if ticks <= 0:
            break
        share = 25 + prices.drawn(market.symbol, side, level, second // 5, below=100)  # percent of the usual depth
        size = floor_to(market.depth * share * (10 + level) / 2000, increment=market.base_increment)
        found.append(Quote(ticks * market.price_increment, size))
    return found


def last_price(market: Market, *, at: int) -> Decimal:
    """Return the price of the latest trade of the market as `at` (ms) sees it: the middle."""
    return prices.middle_ticks(market, at // 1000) * market.price_increment


def reached_at(market: Market, side: Side, price: Decimal, *, after: int, until: int) -> int | None:
    """Return when (ms) the house's quotes first met a resting order of that side and price, if they did by `until`.

    Looked for in whole seconds behind the one of `after`: within that one the order was matched as it came.
    """
    ticks = int(price / market.price_increment)
    spread = market.spread_ticks
    limit = ticks - spread if side == "buy" else ticks + spread
    second = prices.first_reached(market, ticks=limit, falling=side == "buy", after=after // 1000, until=until // 1000)
    return None if second is None else second * 1000
