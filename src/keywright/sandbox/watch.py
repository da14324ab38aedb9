"""What the passing of time did to resting orders: the market came to their price, or their time ran out. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from keywright.sandbox import ladder
from keywright.sandbox.markets import MARKETS
from keywright.sandbox.model import Order


@dataclass(frozen=True, slots=True)
class Due:
    """Something that happened to a resting order and is not written yet."""

    at: int
    order: Order
    expired: bool
    """Its time ran out; otherwise the market met its price."""


def due(orders: Iterable[Order], *, now: int) -> list[Due]:
    """Return what happened to these orders by `now`, as it happened: by time, then price, then age."""
    found = [event for order in orders if (event := _due(order, now=now))]
    return sorted(found, key=lambda event: (event.at, _eagerness(event.order), event.order.number))


def _due(order: Order, *, now: int) -> Due | None:
    if not order.open:
        return None
    over = order.expires_at
    until = now if over is None else min(now, over - 1)
    market = MARKETS[order.new.symbol]
    met = ladder.reached_at(market, order.new.side, order.limit, after=order.updated_at, until=until)
    if met is not None:
        return Due(met, order, expired=False)
    return Due(over, order, expired=True) if over is not None and over <= now else None


def _eagerness(order: Order) -> Decimal:
    return -order.limit if order.new.side == "buy" else order.limit
