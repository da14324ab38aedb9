"""Queries about money: fresh numbers, balances, postings, statement lines, transfers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from keywright.ids import new_key_id
from keywright.sandbox.amounts import plain
from keywright.sandbox.ledger import Movement, Posted
from keywright.sandbox.model import Balance, Book, Line, Owner, Purse, Search, Transfer
from keywright.sandbox.store import rows
from keywright.sandbox.store.rows import of
from keywright.storage.tables import (
    sandbox_accounts,
    sandbox_balances,
    sandbox_head,
    sandbox_lines,
    sandbox_postings,
    sandbox_transfers,
)
from keywright.storage.transaction import Tx


async def take_numbers(tx: Tx, count: int) -> int:
    """Return the first of `count` fresh numbers. Until this transaction ends no other one writes to the exchange."""
    raised = update(sandbox_head).where(sandbox_head.c.id == 1).values(number=sandbox_head.c.number + count)
    if not (await tx.execute(raised)).rowcount:
        try:
            async with tx.begin_nested():
                await tx.execute(insert(sandbox_head).values(id=1, number=0))
        except IntegrityError:
            pass  # another process made it in this moment; the update below waits for it
        await tx.execute(raised)
    latest = (await tx.execute(select(sandbox_head.c.number).where(sandbox_head.c.id == 1))).scalar_one()
    return int(latest) - count + 1


async def is_open(tx: Tx, owner: Owner) -> bool:
    """Tell whether the owner has been here before."""
    found = await tx.execute(select(sandbox_accounts.c.opened_at).where(of(sandbox_accounts, owner)))
    return found.first() is not None


async def open_account(tx: Tx, owner: Owner, *, at: int) -> None:
    """Note that the owner has been given its starting money. A second time is refused by the primary key."""
    await tx.execute(insert(sandbox_accounts).values(**rows.owner_values(owner), opened_at=at))


async def balances(tx: Tx, purses: Iterable[Purse]) -> dict[Purse, Balance]:
    """Return the balances of these purses; those without a row are missing."""
    wanted = set(purses)
    owners = {purse.owner for purse in wanted}
    if not owners:
        return {}
    query = select(sandbox_balances).where(or_(*(of(sandbox_balances, owner) for owner in sorted(owners))))
    found = {rows.purse(row): rows.balance(row) for row in await tx.execute(query)}
    return {purse: balance for purse, balance in found.items() if purse in wanted}


async def balances_of(
    tx: Tx, owner: Owner, *, currency: str = "", book: Book | None = None, account_id: str = ""
) -> dict[Purse, Balance]:
    """Return an owner's balances, by currency and book, perhaps of one currency, one book or one row."""
    table = sandbox_balances
    query = select(table).where(of(table, owner)).order_by(table.c.book, table.c.currency)
    if currency:
        query = query.where(table.c.currency == currency)
    if book:
        query = query.where(table.c.book == book)
    if account_id:
        query = query.where(table.c.id == account_id)
    return {rows.purse(row): rows.balance(row) for row in await tx.execute(query)}


async def keep(tx: Tx, posted: Posted, movements: Sequence[Movement], *, known: Mapping[Purse, Balance]) -> None:
    """Write balances, postings and statement lines of movements that were posted against the `known` balances."""
    for purse, balance in posted.balances.items():
        values = {"available": plain(balance.available), "held": plain(balance.held)}
        if purse in known:
            where = and_(
                of(sandbox_balances, purse.owner),
                sandbox_balances.c.book == purse.book,
                sandbox_balances.c.currency == purse.currency,
            )
            await tx.execute(update(sandbox_balances).where(where).values(values))
        else:
            await tx.execute(insert(sandbox_balances).values(id=new_key_id(), **rows.purse_values(purse), **values))
    if not movements:
        return
    first = await take_numbers(tx, len(movements))
    postings = [
        {
            **rows.purse_values(posting.purse),
            "movement": first + index,
            "leg": posting.leg,
            "amount": plain(posting.amount),
            "at": movement.at,
        }
        for index, movement in enumerate(movements)
        for posting in movement.postings
    ]
    await tx.execute(insert(sandbox_postings), postings)
    if posted.lines:
        await tx.execute(insert(sandbox_lines), [rows.line_values(line) for line in posted.lines])


async def search_lines(tx: Tx, owner: Owner, search: Search) -> list[Line]:
    """Return the owner's statement lines that a search asks for, newest first."""
    query = _line_search(select(sandbox_lines), owner, search).order_by(sandbox_lines.c.id.desc())
    return [rows.line(row) for row in await tx.execute(query.offset(search.offset).limit(search.limit))]


async def count_lines(tx: Tx, owner: Owner, search: Search) -> int:
    """Return how many there are of them."""
    query = _line_search(select(func.count()).select_from(sandbox_lines), owner, search)
    return int((await tx.execute(query)).scalar_one())


def _line_search(query: Select[Any], owner: Owner, search: Search) -> Select[Any]:
    columns = sandbox_lines.c
    query = query.where(of(sandbox_lines, owner))
    if search.currencies:
        query = query.where(columns.currency.in_(search.currencies))
    if search.books:
        query = query.where(columns.book.in_(search.books))
    if search.kind:
        query = query.where(func.lower(columns.kind) == search.kind.lower())
    if search.direction:
        paid = columns.amount.startswith("-")
        query = query.where(paid if search.direction == "out" else ~paid)
    if search.before is not None:
        query = query.where(columns.id < search.before)
    if search.start_at is not None:
        query = query.where(columns["at"] >= search.start_at)
    if search.end_at is not None:
        query = query.where(columns["at"] <= search.end_at)
    return query


async def find_transfer(tx: Tx, owner: Owner, *, client_oid: str) -> Transfer | None:
    """Return the owner's transfer of this id of its own."""
    table = sandbox_transfers
    query = select(table).where(of(table, owner), table.c.client_oid == client_oid)
    row = (await tx.execute(query)).one_or_none()
    return rows.transfer(row) if row else None


async def insert_transfer(tx: Tx, transfer: Transfer) -> None:
    """Keep a transfer. A second one under the same client id is refused by a unique constraint."""
    await tx.execute(insert(sandbox_transfers).values(rows.transfer_values(transfer)))


async def every_balance(tx: Tx) -> dict[Purse, Balance]:
    """Return the balances of everybody and the house: for the audit of the ledger."""
    return {rows.purse(row): rows.balance(row) for row in await tx.execute(select(sandbox_balances))}


async def every_posting(tx: Tx) -> list[tuple[int, Purse, str, Decimal]]:
    """Return movement, purse, leg and amount of every posting there is: for the audit of the ledger."""
    query = select(sandbox_postings).order_by(sandbox_postings.c.id)
    return [(row.movement, rows.purse(row), row.leg, Decimal(row.amount)) for row in await tx.execute(query)]
