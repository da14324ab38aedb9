"""Settlement: whatever is traded, cut or ended, the money follows and what is held covers what is open."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings, strategies as st

from keywright.sandbox import ledger, settlement
from keywright.sandbox.ledger import Overdraft
from keywright.sandbox.markets import MARKETS
from keywright.sandbox.matching import match
from keywright.sandbox.model import HOUSE, Balance, NewOrder, Order, Owner, Purse, Quote, Side
from keywright.sandbox.settlement import Settlement

BTC = MARKETS["BTC-USDT"]
OWNERS = (Owner("alice"), Owner("bob"), Owner("bob", "sub"))
PRICES = {"sell": ("100.5", "101", "103"), "buy": ("99.5", "99", "97")}


class Books:
    """An exchange in memory: orders, balances and fills, changed only by what a settlement says."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.balances: dict[Purse, Balance] = {}
        self.count = 0
        for owner in OWNERS:
            for currency, amount in (("USDT", "1000"), ("BTC", "10")):
                self.write(
                    Settlement(movements=[ledger.starter(Purse(owner, "trade", currency), Decimal(amount), now=0)])
                )

    def write(self, settled: Settlement) -> None:
        posted = ledger.post(self.balances, settled.movements)  # raises before anything changed
        self.balances |= posted.balances
        self.orders |= settled.orders

    def open(self) -> list[Order]:
        return [order for order in self.orders.values() if order.open]

    def place(self, owner: Owner, new: NewOrder) -> Order | None:
        self.count += 100
        order = Order(f"o{self.count}", self.count, owner, new, created_at=self.count, updated_at=self.count)
        other = "sell" if new.side == "buy" else "buy"
        house = [Quote(Decimal(price), Decimal("0.7")) for price in PRICES[other]]
        resting = [entry for entry in self.open() if entry.new.side == other]
        matched = match(new, owner=owner, market=BTC, resting=resting, house=house)
        settled = settlement.settle_new(order, matched, market=BTC, number=self.count + 1, now=self.count)
        try:
            self.write(settled)
        except Overdraft:
            return None
        fills = [fill for fill in settled.fills if fill.order_id == order.id]
        placed = self.orders[order.id]
        assert placed.deal_size == sum((fill.size for fill in fills), Decimal(0))
        assert placed.deal_funds == sum((fill.funds for fill in fills), Decimal(0))
        assert placed.fee == sum((fill.fee for fill in fills), Decimal(0))
        return placed

    def check(self) -> None:
        for currency, total in (("USDT", 0), ("BTC", 0)):
            assert sum(b.total for purse, b in self.balances.items() if purse.currency == currency) == total
        promised: dict[Purse, Decimal] = {}
        for order in self.open():
            assert order.held == settlement.needed(order.new, order.remaining, price=order.limit)
            purse = settlement.purse_of(order, "USDT" if order.new.side == "buy" else "BTC")
            promised[purse] = promised.get(purse, Decimal(0)) + order.held
        for purse, balance in self.balances.items():
            if purse.owner != HOUSE:
                assert balance.available >= 0
            assert balance.held == promised.get(purse, 0)
        for order in self.orders.values():
            if not order.open:
                assert order.held == 0
                assert order.new.size is None or order.deal_size + order.cut_size == order.new.size


sizes = st.integers(1, 60).map(lambda tenths: Decimal(tenths) / 10)


@st.composite
def new_orders(draw: st.DrawFn) -> NewOrder:
    sides: list[Side] = ["buy", "sell"]
    side, shape = draw(st.sampled_from(sides)), draw(st.sampled_from(["limit", "size", "funds"]))
    new = NewOrder("BTC-USDT", side, "market", "c", stp=draw(st.sampled_from(["", "CN", "CO", "CB", "DC"])))
    if shape == "size":
        return replace(new, size=draw(sizes))
    if shape == "funds":
        return replace(new, funds=draw(sizes) * 50)
    price = Decimal(draw(st.integers(960, 1040))) / 10
    return replace(
        new, kind="limit", price=price, size=draw(sizes), time_in_force=draw(st.sampled_from(["GTC", "IOC", "FOK"]))
    )


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(OWNERS), st.one_of(new_orders(), st.integers(0, 5))), max_size=25))
def test_the_books_balance_after_every_step_of_any_session(steps: list[tuple[Owner, NewOrder | int]]) -> None:
    books = Books()
    for owner, step in steps:
        if isinstance(step, NewOrder):
            books.place(owner, step)
        elif books.open():  # an order ends, or the market comes to it
            order, settled = books.open()[step % len(books.open())], Settlement()
            if step % 2:
                settlement.end(settled, order, market=BTC, now=books.count)
            else:
                settlement.settle_resting(settled, order, market=BTC, number=books.count, now=books.count)
            books.write(settled)
            assert not books.orders[order.id].open
        books.check()


def test_a_better_price_gives_back_what_was_held_for_the_worse_one() -> None:
    books = Books()
    placed = books.place(OWNERS[0], NewOrder("BTC-USDT", "buy", "limit", "c", price=Decimal(200), size=Decimal("0.5")))
    assert placed is not None
    assert (placed.deal_funds, placed.held, placed.cancelled) == (Decimal("50.25"), Decimal(0), False)
    assert books.balances[Purse(OWNERS[0], "trade", "USDT")].total == Decimal(1000) - Decimal("50.25") * Decimal(
        "1.001"
    )


def test_a_limit_order_is_judged_at_its_limit() -> None:
    """As at KuCoin: 6 at 200 need 1201.2, though the book would give them for less."""
    assert (
        Books().place(OWNERS[0], NewOrder("BTC-USDT", "buy", "limit", "c", price=Decimal(200), size=Decimal(6))) is None
    )


def test_dust_of_funds_is_no_cancellation_and_what_the_book_could_not_serve_is() -> None:
    books = Books()
    served = books.place(OWNERS[0], NewOrder("BTC-USDT", "buy", "market", "c", funds=Decimal("10.000001")))
    starved = books.place(OWNERS[1], NewOrder("BTC-USDT", "buy", "market", "c", funds=Decimal(900)))
    assert served is not None
    assert starved is not None
    assert (served.cancelled, starved.cancelled) == (False, True)
