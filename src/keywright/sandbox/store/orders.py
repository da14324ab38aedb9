"""Queries about orders and fills. The book of a market is everybody's; all else is asked for by its owner."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql
from sqlalchemy import ColumnElement, Select, Table, func, select

from keywright.sandbox.model import Fill, Order, Owner, Search
from keywright.sandbox.store import rows
from keywright.sandbox.store.rows import of
from keywright.storage.tables import sandbox_fills, sandbox_orders
from keywright.storage.transaction import Tx


async def insert(tx: Tx, order: Order) -> None:
    """Keep a new order. Its owner's second one under the same client id is refused by a unique constraint."""
    await tx.execute(sql.insert(sandbox_orders).values(rows.order_values(order)))


async def update(tx: Tx, order: Order) -> None:
    """Write how far an order has come."""
    where = sql.and_(of(sandbox_orders, order.owner), sandbox_orders.c.id == order.id)
    await tx.execute(sql.update(sandbox_orders).where(where).values(rows.progress_values(order)))


async def find(tx: Tx, owner: Owner, *, order_id: str = "", client_oid: str = "") -> Order | None:
    """Return the owner's order of this id, or of this id of its own."""
    column, value = (sandbox_orders.c.id, order_id) if order_id else (sandbox_orders.c.client_oid, client_oid)
    row = (await tx.execute(select(sandbox_orders).where(of(sandbox_orders, owner), column == value))).one_or_none()
    return rows.order(row) if row else None


async def book(tx: Tx, symbol: str = "") -> list[Order]:
    """Return every open order of a market, or of all of them, oldest first: whose they are does not matter here."""
    return await _open(tx, select(sandbox_orders), symbol)


async def open_of(tx: Tx, owner: Owner, symbol: str = "") -> list[Order]:
    """Return every open order of an owner, perhaps of one market only, oldest first."""
    return await _open(tx, select(sandbox_orders).where(of(sandbox_orders, owner)), symbol)


async def _open(tx: Tx, query: Select[Any], symbol: str) -> list[Order]:
    query = query.where(sandbox_orders.c.closed_at.is_(None)).order_by(sandbox_orders.c.number)
    if symbol:
        query = query.where(sandbox_orders.c.symbol == symbol)
    return [rows.order(row) for row in await tx.execute(query)]


async def search(tx: Tx, owner: Owner, wanted: Search, *, is_open: bool) -> list[Order]:
    """Return the owner's open or closed orders that a search asks for, newest first."""
    query = _search(select(sandbox_orders), owner, wanted, is_open=is_open)
    query = query.order_by(sandbox_orders.c.number.desc()).offset(wanted.offset).limit(wanted.limit)
    return [rows.order(row) for row in await tx.execute(query)]


async def count(tx: Tx, owner: Owner, wanted: Search, *, is_open: bool) -> int:
    """Return how many there are of them."""
    query = _search(select(func.count()).select_from(sandbox_orders), owner, wanted, is_open=is_open)
    return int((await tx.execute(query)).scalar_one())


def _search(query: Select[Any], owner: Owner, wanted: Search, *, is_open: bool) -> Select[Any]:
    columns = sandbox_orders.c
    closed = columns.closed_at
    query = query.where(of(sandbox_orders, owner), closed.is_(None) if is_open else closed.is_not(None))
    if wanted.before is not None:
        query = query.where(columns.number < wanted.before)
    return _narrowed(query, sandbox_orders, wanted, at=columns.created_at)


def _narrowed(query: Select[Any], table: Table, wanted: Search, *, at: ColumnElement[int]) -> Select[Any]:
    if wanted.symbol:
        query = query.where(table.c.symbol == wanted.symbol)
    if wanted.side:
        query = query.where(table.c.side == wanted.side)
    if wanted.kind:
        query = query.where(table.c.kind == wanted.kind)
    if wanted.start_at is not None:
        query = query.where(at >= wanted.start_at)
    if wanted.end_at is not None:
        query = query.where(at <= wanted.end_at)
    return query


async def insert_fills(tx: Tx, fills: list[Fill]) -> None:
    """Keep fills."""
    if not fills:
        return
    await tx.execute(sql.insert(sandbox_fills), [rows.fill_values(fill) for fill in fills])


async def search_fills(tx: Tx, owner: Owner, wanted: Search) -> list[tuple[int, Fill]]:
    """Return the owner's fills that a search asks for, newest first, each with its place in the history."""
    table = sandbox_fills
    query = _fill_search(select(table), owner, wanted).order_by(table.c.id.desc())
    query = query.offset(wanted.offset).limit(wanted.limit)
    return [(row.id, rows.fill(row)) for row in await tx.execute(query)]


async def count_fills(tx: Tx, owner: Owner, wanted: Search) -> int:
    """Return how many there are of them."""
    query = _fill_search(select(func.count()).select_from(sandbox_fills), owner, wanted)
    return int((await tx.execute(query)).scalar_one())


def _fill_search(query: Select[Any], owner: Owner, wanted: Search) -> Select[Any]:
    table = sandbox_fills
    query = _narrowed(query.where(of(table, owner)), table, wanted, at=table.c["at"])
    if wanted.order_id:
        query = query.where(table.c.order_id == wanted.order_id)
    if wanted.before is not None:
        query = query.where(table.c.id < wanted.before)
    return query
