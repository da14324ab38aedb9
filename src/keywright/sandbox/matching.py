"""Matching: one incoming order against resting orders and the house's quotes. Pure; price first, then time.

Rules a reviewer can check:
  1  a trade happens at the price of who was there first, never worse for the newcomer than its own limit
  2  better prices trade before worse ones; at one price users before the house, older orders before newer ones
  3  FOK trades whole or not at all, post-only never takes, IOC and market orders leave nothing behind
  4  orders of one owner meet only if self-trade prevention is off; CN and CO cancel the newer or the older, CB both,
     DC takes the smaller out of both (where the newcomer has only funds: as CB)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from keywright.sandbox.amounts import floor_to
from keywright.sandbox.model import ZERO, Market, NewOrder, Order, Owner, Quote


@dataclass(frozen=True, slots=True)
class Trade:
    """One meeting of the newcomer with a resting order, or with the house (`maker` is then `None`)."""

    maker: Order | None
    price: Decimal
    size: Decimal

    @property
    def funds(self) -> Decimal:
        """Price times size."""
        return self.price * self.size


@dataclass(frozen=True, slots=True)
class Cut:
    """A resting order that self-trade prevention makes smaller by `size`, or ends."""

    order: Order
    size: Decimal


@dataclass(frozen=True, slots=True)
class Matched:
    """What came of an order: its trades, what prevention cut, and what stays in the book of it."""

    trades: tuple[Trade, ...] = ()
    cuts: tuple[Cut, ...] = ()
    rests: Decimal = ZERO
    """Size left to wait in the book; zero when the order is over."""


def match(new: NewOrder, *, owner: Owner, market: Market, resting: Iterable[Order], house: Iterable[Quote]) -> Matched:
    """Return what happens when `new` arrives. `resting` and `house` are of the other side, in any order."""
    offers = _best_first(new, resting, house)
    if new.post_only and offers:
        return Matched()
    size_left = new.size if new.size is not None else None
    funds_left = new.funds if new.size is None else None
    trades: list[Trade] = []
    cuts: list[Cut] = []
    cut_short = False
    for price, maker, offered in offers:
        size = offered
        if size_left is not None:
            size = min(size, size_left)
        elif funds_left is not None:
            size = min(size, floor_to(funds_left / price, increment=market.base_increment))
        if size <= 0:
            break
        if maker is not None and new.stp and maker.owner == owner:
            how = "CB" if new.stp == "DC" and size_left is None else new.stp
            cut_short = how in {"CN", "CB"} or (how == "DC" and size == size_left)
            if how in {"CO", "CB"}:
                cuts.append(Cut(maker, offered))
            elif how == "DC":
                cuts.append(Cut(maker, size))
                size_left = size_left - size if size_left is not None else None
            if cut_short:
                break
            continue
        trades.append(Trade(maker, price, size))
        if size_left is not None:
            size_left -= size
        elif funds_left is not None:
            funds_left -= price * size
    if new.time_in_force == "FOK" and (cut_short or not _is_whole(size_left, funds_left, trades, market)):
        return Matched()
    waits = new.kind == "limit" and new.time_in_force in {"GTC", "GTT"} and not cut_short
    return Matched(tuple(trades), tuple(cuts), size_left if waits and size_left is not None else ZERO)


def _best_first(
    new: NewOrder, resting: Iterable[Order], house: Iterable[Quote]
) -> list[tuple[Decimal, Order | None, Decimal]]:
    """Return what the newcomer may meet, within its limit, in the order it meets it."""
    buys = new.side == "buy"
    offers: list[tuple[tuple[Decimal, int, int], Decimal, Order | None, Decimal]] = []
    for order in resting:
        price = order.new.price
        if price is not None and order.remaining > 0:
            offers.append(((price if buys else -price, 0, order.number), price, order, order.remaining))
    offers.extend(((quote.price if buys else -quote.price, 1, 0), quote.price, None, quote.size) for quote in house)
    limit = new.price
    within = (offer for offer in offers if limit is None or (offer[1] <= limit if buys else offer[1] >= limit))
    return [offer[1:] for offer in sorted(within, key=lambda offer: offer[0])]


def _is_whole(size_left: Decimal | None, funds_left: Decimal | None, trades: list[Trade], market: Market) -> bool:
    """Tell whether nothing is left that could be traded: for funds, less than one increment's worth is nothing."""
    if size_left is not None:
        return size_left == 0
    return bool(trades) and funds_left is not None and funds_left < trades[-1].price * market.base_increment
