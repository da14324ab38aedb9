"""What time does to resting orders, in the order it does it."""

from __future__ import annotations

from decimal import Decimal

from keywright.sandbox import ladder, watch
from keywright.sandbox.markets import MARKETS
from keywright.sandbox.model import NewOrder, Order, Owner, Side

BTC = MARKETS["BTC-USDT"]
START = 1_790_000_000_000
HOUR = 3_600_000


def resting(number: int, offset: str, *, side: Side = "buy", seconds: int = -1) -> Order:
    """Return an order resting since `START`, its limit that far from the middle price."""
    price = ladder.last_price(BTC, at=START) + Decimal(offset)
    in_force = "GTC" if seconds < 0 else "GTT"
    new = NewOrder(
        "BTC-USDT", side, "limit", "c", price=price, size=Decimal(1), time_in_force=in_force, cancel_after=seconds
    )
    return Order(f"o{number}", number, Owner("alice"), new, created_at=START, updated_at=START)


def met_at(order: Order) -> int:
    [event] = watch.due([order], now=START + 24 * HOUR)
    return event.at


def test_nothing_happens_while_the_market_stays_away() -> None:
    assert watch.due([resting(1, "-50000"), resting(2, "50000", side="sell")], now=START + 1000 * HOUR) == []


def test_events_come_as_they_happened_then_by_price_then_by_age() -> None:
    near, far = resting(4, "-10"), resting(1, "-40")
    twin, higher = resting(2, "-10"), resting(9, "-9.9")
    events = watch.due([far, near, twin, higher], now=START + 24 * HOUR)
    assert [event.at for event in events] == sorted(event.at for event in events)
    assert [event.order.id for event in events if event.at == met_at(near)][-2:] == ["o2", "o4"]
    assert events[-1].order == far
    assert met_at(higher) <= met_at(near) <= met_at(far)


def test_an_order_whose_time_ran_out_first_is_not_met_later() -> None:
    met = met_at(resting(1, "-40"))
    seconds = (met - START) // 1000
    [event] = watch.due([resting(1, "-40", seconds=seconds)], now=START + 24 * HOUR)
    assert (event.expired, event.at) == (True, met)  # over in the very second the market came
    [event] = watch.due([resting(1, "-40", seconds=seconds + 1)], now=START + 24 * HOUR)
    assert (event.expired, event.at) == (False, met)


def test_what_is_over_is_watched_no_more() -> None:
    order = resting(1, "-10")
    over = Order(order.id, 1, order.owner, order.new, created_at=START, updated_at=START, open=False)
    assert watch.due([over], now=START + 24 * HOUR) == []
