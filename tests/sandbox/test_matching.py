"""Matching: price first, then time; nothing made, nothing lost, nobody worse off than its limit."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from keywright.sandbox.markets import MARKETS
from keywright.sandbox.matching import Matched, match
from keywright.sandbox.model import NewOrder, Order, Owner, Quote, Side

ALICE, BOB, CAROL = Owner("alice"), Owner("bob"), Owner("carol")
BTC = MARKETS["BTC-USDT"]


def buy(size: str | None = None, *, price: str | None = None, funds: str | None = None, **terms: object) -> NewOrder:
    new = NewOrder(
        "BTC-USDT",
        "buy",
        "market" if price is None else "limit",
        "c-1",
        price=None if price is None else Decimal(price),
        size=None if size is None else Decimal(size),
        funds=None if funds is None else Decimal(funds),
    )
    return replace(new, **terms)  # type: ignore[arg-type]  # the tests name fields of it


def resting(size: str, price: str, *, number: int, owner: Owner = BOB, side: Side = "sell") -> Order:
    new = NewOrder("BTC-USDT", side, "limit", f"r-{number}", price=Decimal(price), size=Decimal(size))
    return Order(f"order-{number}", number, owner, new, created_at=number, updated_at=number)


def house(*levels: tuple[str, str]) -> list[Quote]:
    return [Quote(Decimal(price), Decimal(size)) for price, size in levels]


def meet(new: NewOrder, *orders: Order, quotes: list[Quote] | None = None, owner: Owner = ALICE) -> Matched:
    return match(new, owner=owner, market=BTC, resting=orders, house=quotes or [])


def told(matched: Matched) -> list[tuple[str, str, str]]:
    return [(trade.maker.id if trade.maker else "house", str(trade.price), str(trade.size)) for trade in matched.trades]


def test_better_prices_trade_first_then_users_before_the_house_then_older_orders() -> None:
    matched = meet(
        buy("1.0", price="102"),
        resting("0.1", "101", number=3),
        resting("0.1", "101", number=2),
        resting("0.1", "100", number=9),
        resting("5", "103", number=1),
        quotes=house(("101", "0.1"), ("100.5", "0.1"), ("104", "9")),
    )
    assert told(matched) == [
        ("order-9", "100", "0.1"),
        ("house", "100.5", "0.1"),
        ("order-2", "101", "0.1"),
        ("order-3", "101", "0.1"),
        ("house", "101", "0.1"),
    ]
    assert matched.rests == Decimal("0.5")


def test_a_sale_meets_the_highest_bid_first() -> None:
    sale = replace(buy("0.2", price="99"), side="sell")
    bids = resting("0.1", "100", number=1, side="buy"), resting("0.1", "101", number=2, side="buy")
    assert told(meet(sale, *bids)) == [("order-2", "101", "0.1"), ("order-1", "100", "0.1")]


def test_ioc_leaves_nothing_behind() -> None:
    matched = meet(buy("1", price="100", time_in_force="IOC"), resting("0.4", "100", number=1))
    assert told(matched) == [("order-1", "100", "0.4")]
    assert matched.rests == 0


def test_fok_trades_whole_or_not_at_all() -> None:
    whole, more = buy("0.4", price="100", time_in_force="FOK"), buy("0.5", price="100", time_in_force="FOK")
    assert told(meet(whole, resting("0.4", "100", number=1))) == [("order-1", "100", "0.4")]
    assert meet(more, resting("0.4", "100", number=1)) == Matched()


def test_post_only_never_takes() -> None:
    assert meet(buy("1", price="100", post_only=True), resting("0.4", "100", number=1)) == Matched()
    assert meet(buy("1", price="99", post_only=True), resting("0.4", "100", number=1)).rests == 1


def test_a_market_order_takes_any_price_and_never_rests() -> None:
    matched = meet(buy("1"), resting("0.4", "100", number=1), quotes=house(("500", "0.1")))
    assert told(matched) == [("order-1", "100", "0.4"), ("house", "500", "0.1")]
    assert matched.rests == 0


def test_funds_buy_as_many_whole_increments_as_they_pay_for() -> None:
    matched = meet(buy(funds="100"), quotes=house(("30", "1"), ("33", "9")))
    assert told(matched) == [("house", "30", "1"), ("house", "33", "2.12121212")]


@pytest.mark.parametrize(
    ("stp", "traded", "cut", "rests"),
    [
        ("", [("order-1", "100", "0.3"), ("order-2", "100", "0.3")], [], "0.4"),
        ("CN", [], [], "0"),
        ("CO", [("order-2", "100", "0.3")], [("order-1", "0.3")], "0.7"),
        ("CB", [], [("order-1", "0.3")], "0"),
        ("DC", [("order-2", "100", "0.3")], [("order-1", "0.3")], "0.4"),
    ],
)
def test_self_trade_prevention_cancels_whom_it_says(
    stp: str, traded: list[tuple[str, str, str]], cut: list[tuple[str, str]], rests: str
) -> None:
    own, other = resting("0.3", "100", number=1, owner=ALICE), resting("0.3", "100", number=2, owner=BOB)
    matched = meet(buy("1.0", price="100", stp=stp), own, other)
    assert told(matched) == traded
    assert [(entry.order.id, str(entry.size)) for entry in matched.cuts] == cut
    assert matched.rests == Decimal(rests)


def test_dc_makes_the_larger_resting_order_smaller() -> None:
    matched = meet(buy("0.1", price="100", stp="DC"), resting("0.3", "100", number=1, owner=ALICE))
    assert [(entry.order.id, str(entry.size)) for entry in matched.cuts] == [("order-1", "0.1")]
    assert told(matched) == []
    assert matched.rests == 0


sizes = st.integers(1, 50).map(lambda units: Decimal(units) / 10)
ticks = st.integers(990, 1010).map(lambda units: Decimal(units) / 10)
owners = st.sampled_from([ALICE, BOB, CAROL])


@st.composite
def books(draw: st.DrawFn, *, side: Side) -> list[Order]:
    rows = draw(st.lists(st.tuples(sizes, ticks, owners), max_size=8))
    return [
        resting(str(size), str(price), number=number, owner=owner, side=side)
        for number, (size, price, owner) in enumerate(rows, start=1)
    ]


@st.composite
def newcomers(draw: st.DrawFn, *, side: Side) -> NewOrder:
    in_force = draw(st.sampled_from(["GTC", "GTT", "IOC", "FOK"]))
    stp = draw(st.sampled_from(["", "CN", "CO", "CB", "DC"]))
    shape = draw(st.sampled_from(["limit", "market", "funds"]))
    if shape == "limit":
        new = NewOrder(
            "BTC-USDT", side, "limit", "n", price=draw(ticks), size=draw(sizes), time_in_force=in_force, stp=stp
        )
        return replace(new, post_only=draw(st.booleans()))
    if shape == "market":
        return NewOrder("BTC-USDT", side, "market", "n", size=draw(sizes), stp=stp)
    return NewOrder("BTC-USDT", side, "market", "n", funds=draw(sizes) * 100, stp=stp)


@given(st.data(), st.sampled_from(["buy", "sell"]))
def test_whatever_meets_keeps_the_rules(data: st.DataObject, side: Side) -> None:
    other: Side = "sell" if side == "buy" else "buy"
    new = data.draw(newcomers(side=side))
    book = data.draw(books(side=other))
    quotes = [Quote(price, size) for price, size in data.draw(st.lists(st.tuples(ticks, sizes), max_size=5))]
    matched = match(new, owner=ALICE, market=BTC, resting=book, house=quotes)
    traded = sum((trade.size for trade in matched.trades), Decimal(0))
    spent = sum((trade.funds for trade in matched.trades), Decimal(0))
    # Conservation: no more than was asked for, no more of anyone than was offered.
    if new.size is not None:
        assert traded + matched.rests <= new.size
    if new.funds is not None:
        assert spent <= new.funds
    for order in book:
        taken = sum((trade.size for trade in matched.trades if trade.maker == order), Decimal(0))
        cut = sum((entry.size for entry in matched.cuts if entry.order == order), Decimal(0))
        assert taken + cut <= order.remaining
    assert all(trade.size > 0 for trade in matched.trades)
    # Price, then users before the house, then time; never worse than the limit.
    sign = 1 if side == "buy" else -1
    keys = [
        (sign * trade.price, trade.maker is None, trade.maker.number if trade.maker else 0) for trade in matched.trades
    ]
    assert keys == sorted(keys)
    if new.price is not None:
        assert all(sign * trade.price <= sign * new.price for trade in matched.trades)
    # Nobody is passed over: what stays untouched is no better than what was traded.
    if matched.trades and not new.stp:
        worst = keys[-1]
        touched = {trade.maker.id for trade in matched.trades if trade.maker}
        assert all((sign * order.limit, False, order.number) > worst for order in book if order.id not in touched)
    # The terms of the order.
    if new.time_in_force in {"IOC", "FOK"} or new.kind == "market":
        assert matched.rests == 0
    if new.time_in_force == "FOK" and matched.trades:
        assert traded == new.size
    if new.post_only:
        assert not matched.trades
    if new.stp:
        assert all(trade.maker is None or trade.maker.owner != ALICE for trade in matched.trades)
    else:
        assert not matched.cuts
