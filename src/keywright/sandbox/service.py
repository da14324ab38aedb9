"""Verbs of the paper exchange. Each takes an open transaction and leaves the ledger whole; the edge commits.

The way of an order, `place`:
  1  writers queue; the owner has an account; what the market did meanwhile is settled
  2  its own id was not used before, and there is room for one more
  3  it meets the book and the house's quotes                          matching   (pure)
  4  what that means for orders, fills and money                       settlement (pure)
  5  the money is there, and every movement sums to zero               ledger     (pure)
  6  all of it is written, or none
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from keywright.errors import Conflict
from keywright.ids import new_key_id
from keywright.sandbox import ladder, ledger, matching, settlement, watch
from keywright.sandbox.ledger import Movement
from keywright.sandbox.markets import CURRENCIES, MARKETS, STARTER
from keywright.sandbox.model import (
    ZERO,
    Balance,
    Book,
    Declined,
    Fill,
    Line,
    NewOrder,
    Order,
    Owner,
    Purse,
    Search,
    Side,
    Transfer,
)
from keywright.sandbox.settlement import Settlement
from keywright.sandbox.store import money, orders, withdrawals
from keywright.storage.transaction import Tx

MOST_OPEN_ORDERS = 200
"""Of one owner in one market: KuCoin's limit, and what keeps watching the market cheap."""

_OPPOSITE: dict[Side, Side] = {"buy": "sell", "sell": "buy"}


async def needs_attention(tx: Tx, owner: Owner, *, now: int) -> bool:
    """Tell whether something has to be written before the owner's books can be read: see `attend`."""
    return not await money.is_open(tx, owner) or bool(watch.due(await orders.open_of(tx, owner), now=now))


async def attend(tx: Tx, owner: Owner, *, now: int) -> None:
    """Give a newcomer its starting money, once, and settle what the market did to the owner's orders."""
    await money.take_numbers(tx, 0)  # first: whoever waits here sees what the one before wrote
    await _open(tx, owner, now=now)
    await _settle_due(tx, watch.due(await orders.open_of(tx, owner), now=now))


async def is_anything_due(tx: Tx, *, now: int) -> bool:
    """Tell whether the market did something to anybody's orders that is not settled yet."""
    return bool(watch.due(await orders.book(tx), now=now))


async def sweep(tx: Tx, *, now: int) -> int:
    """Settle what the market did to anybody's orders; return how many it changed."""
    await money.take_numbers(tx, 0)
    return await _settle_due(tx, watch.due(await orders.book(tx), now=now))


async def place(tx: Tx, owner: Owner, new: NewOrder, *, now: int) -> Order:
    """Take an order to the market and return it as it stands then: traded, resting, or over.

    Raises `Declined` when its client id was used before or the owner's trade account does not cover it.
    """
    # 1
    await money.take_numbers(tx, 0)
    await _open(tx, owner, now=now)
    await _settle_due(tx, watch.due(await orders.book(tx, new.symbol), now=now))
    # 2
    if new.client_oid and await orders.find(tx, owner, client_oid=new.client_oid):
        raise Declined("400100", "validation.createOrder.clientOidDuplicated")
    if len(await orders.open_of(tx, owner, new.symbol)) >= MOST_OPEN_ORDERS:
        raise Declined("200003", "Number of orders breached the limit.")
    # 3
    market = MARKETS[new.symbol]
    other_side = _OPPOSITE[new.side]
    resting = [order for order in await orders.book(tx, new.symbol) if order.new.side == other_side]
    house = ladder.quotes(market, other_side, at=now)
    matched = matching.match(new, owner=owner, market=market, resting=resting, house=house)
    # 4
    number = await money.take_numbers(tx, 1 + len(matched.trades))
    order_id = new_key_id()
    named = new if new.client_oid else replace(new, client_oid=order_id)
    order = Order(order_id, number, owner, named, created_at=now, updated_at=now)
    settled = settlement.settle_new(order, matched, market=market, number=number + 1, now=now)
    # 5, 6
    await orders.insert(tx, settled.newest(order))
    await _write(tx, settled)
    return settled.newest(order)


async def cancel(
    tx: Tx, owner: Owner, *, order_id: str = "", client_oid: str = "", symbol: str = "", now: int
) -> Order:
    """End an open order and give back what was held for it; raises `Declined` if there is none to end."""
    await attend(tx, owner, now=now)
    order = await orders.find(tx, owner, order_id=order_id, client_oid=client_oid)
    if order is None or not order.open or (symbol and order.new.symbol != symbol):
        raise Declined("400100", "order_not_exist_or_not_allow_to_cancel")
    return (await _end(tx, [order], now=now))[0]


async def cancel_all(tx: Tx, owner: Owner, *, symbol: str = "", now: int) -> list[Order]:
    """End every open order of the owner, perhaps of one market only; return them."""
    await attend(tx, owner, now=now)
    return await _end(tx, await orders.open_of(tx, owner, symbol), now=now)


async def transfer(
    tx: Tx, owner: Owner, *, client_oid: str, amount: Decimal, source: Purse, target: Purse, now: int
) -> Transfer:
    """Move money between two purses of the owner and its sub-accounts, once per client id: the same asked again gives
    the same answer.

    Raises `Declined` when it is not there, or the id was used for something else.
    """
    await attend(tx, owner, now=now)
    for other in sorted({source.owner, target.owner} - {owner}):
        await _open(tx, other, now=now)
    named, to = ledger.place(source, seen_by=owner), ledger.place(target, seen_by=owner)
    wanted = Transfer(new_key_id(), owner, client_oid, source.currency, amount, named, to, now)
    earlier = await money.find_transfer(tx, owner, client_oid=client_oid)
    if earlier is not None:
        if replace(wanted, id=earlier.id, at=earlier.at) != earlier:
            raise Declined("400100", "clientOid was used for another transfer.")
        return earlier
    await money.insert_transfer(tx, wanted)
    postings = ledger.move(source, target, amount)
    await post(tx, [Movement("Transfer", postings, now)], short=Declined("230003", "Balance insufficient!"))
    return wanted


async def find_order(
    tx: Tx, owner: Owner, *, order_id: str = "", client_oid: str = "", symbol: str = ""
) -> Order | None:
    """Return the owner's order of this id, or of this id of its own; nobody else's is ever found."""
    order = await orders.find(tx, owner, order_id=order_id, client_oid=client_oid)
    return None if order is None or (symbol and order.new.symbol != symbol) else order


async def order_page(tx: Tx, owner: Owner, search: Search, *, is_open: bool) -> tuple[list[Order], int]:
    """Return what a search finds of the owner's orders, newest first, and how many there are in all."""
    return await orders.search(tx, owner, search, is_open=is_open), await orders.count(
        tx, owner, search, is_open=is_open
    )


async def open_orders(tx: Tx, owner: Owner, *, symbol: str = "") -> list[Order]:
    """Return the owner's open orders, oldest first."""
    return await orders.open_of(tx, owner, symbol)


async def fill_page(tx: Tx, owner: Owner, search: Search) -> tuple[list[tuple[int, Fill]], int]:
    """Return what a search finds of the owner's fills, each with its place in the history, and how many in all."""
    return await orders.search_fills(tx, owner, search), await orders.count_fills(tx, owner, search)


async def statement_page(tx: Tx, owner: Owner, search: Search) -> tuple[list[Line], int]:
    """Return what a search finds of the owner's statement, newest first, and how many lines there are in all."""
    return await money.search_lines(tx, owner, search), await money.count_lines(tx, owner, search)


async def balances(
    tx: Tx, owner: Owner, *, currency: str = "", book: Book | None = None, account_id: str = ""
) -> dict[Purse, Balance]:
    """Return the owner's balances, perhaps of one currency, one book or one account id."""
    return await money.balances_of(tx, owner, currency=currency, book=book, account_id=account_id)


async def resting(tx: Tx, symbol: str, *, now: int) -> list[Order]:
    """Return what everybody's open orders offer in a market, leaving out those the market has already met."""
    book = await orders.book(tx, symbol)
    gone = {event.order.id for event in watch.due(book, now=now)}
    return [order for order in book if order.id not in gone and not order.new.hidden]


async def audit_ledger(tx: Tx) -> list[str]:
    """Return what is wrong with the books, in sentences: nothing, if every rule of the ledger holds."""
    kept = await money.every_balance(tx)
    by_movement: dict[tuple[int, str], Decimal] = {}
    by_leg: dict[tuple[Purse, str], Decimal] = {}
    for movement, purse, leg, amount in await money.every_posting(tx):
        by_movement[movement, purse.currency] = by_movement.get((movement, purse.currency), ZERO) + amount
        by_leg[purse, leg] = by_leg.get((purse, leg), ZERO) + amount
    wrong = [f"movement {number} makes {total} {code}" for (number, code), total in by_movement.items() if total]
    promised: dict[Purse, Decimal] = {}
    for order in await orders.book(tx):
        market = MARKETS[order.new.symbol]
        purse = settlement.purse_of(order, market.quote if order.new.side == "buy" else market.base)
        promised[purse] = promised.get(purse, ZERO) + order.held
    for withdrawal in await withdrawals.open_ones(tx):
        purse = Purse(withdrawal.owner, "main", withdrawal.currency)
        promised[purse] = promised.get(purse, ZERO) + withdrawal.total
    for purse, balance in kept.items():
        if balance.available != by_leg.get((purse, "available"), ZERO) or balance.held != by_leg.get(
            (purse, "held"), ZERO
        ):
            wrong.append(f"{purse} is not what its postings say")
        if balance.held != promised.get(purse, ZERO):
            wrong.append(f"{purse} holds {balance.held} for what is promised, {promised.get(purse, ZERO)}")
    for code in CURRENCIES:
        total = sum((balance.total for purse, balance in kept.items() if purse.currency == code), ZERO)
        if total:
            wrong.append(f"there are {total} {code} too many")
    return wrong


async def _open(tx: Tx, owner: Owner, *, now: int) -> None:
    if await money.is_open(tx, owner):
        return
    await money.open_account(tx, owner, at=now)
    if owner.sub_account:  # it has what its account moves into it
        return
    movements = [
        ledger.starter(Purse(owner, book, currency), amount, now=now)
        for book, amounts in STARTER.items()
        for currency, amount in amounts.items()
    ]
    await post(tx, movements, short=Conflict("the house lends without limit"))


async def _settle_due(tx: Tx, events: list[watch.Due]) -> int:
    if not events:
        return 0
    number = await money.take_numbers(tx, len(events))
    settled = Settlement()
    for index, event in enumerate(events):
        market = MARKETS[event.order.new.symbol]
        if event.expired:
            settlement.end(settled, event.order, market=market, now=event.at)
        else:
            settlement.settle_resting(settled, event.order, market=market, number=number + index, now=event.at)
    await _write(tx, settled)
    return len(events)


async def _end(tx: Tx, ending: list[Order], *, now: int) -> list[Order]:
    settled = Settlement()
    for order in ending:
        settlement.end(settled, order, market=MARKETS[order.new.symbol], now=now)
    await _write(tx, settled)
    return [settled.newest(order) for order in ending]


async def _write(tx: Tx, settled: Settlement) -> None:
    for order in settled.orders.values():
        await orders.update(tx, order)
    await orders.insert_fills(tx, settled.fills)
    await post(tx, settled.movements, short=Declined("200004", "Balance insufficient!"))


async def post(tx: Tx, movements: list[Movement], *, short: Exception) -> None:
    """Write movements against the balances as they are; raises `short` when they do not cover them."""
    touched = {posting.purse for movement in movements for posting in movement.postings}
    known: Mapping[Purse, Balance] = await money.balances(tx, touched)
    try:
        posted = ledger.post(known, movements)
    except ledger.Overdraft:
        raise short from None
    await money.keep(tx, posted, movements, known=known)
