"""Queries about withdrawals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import Row, Select, func, insert, select, update

from keywright.sandbox.amounts import plain
from keywright.sandbox.model import Owner, Search, Withdrawal
from keywright.sandbox.store import rows
from keywright.sandbox.store.rows import of
from keywright.storage.tables import sandbox_withdrawals
from keywright.storage.transaction import Tx


async def insert_withdrawal(tx: Tx, withdrawal: Withdrawal) -> None:
    """Keep a new withdrawal."""
    values = {
        **rows.owner_values(withdrawal.owner),
        "id": withdrawal.id,
        "currency": withdrawal.currency,
        "chain": withdrawal.chain,
        "address": withdrawal.address,
        "memo": withdrawal.memo,
        "amount": plain(withdrawal.amount),
        "fee": plain(withdrawal.fee),
        "status": withdrawal.status,
        "remark": withdrawal.remark,
        "approval_id": withdrawal.approval_id,
        "created_at": withdrawal.created_at,
        "updated_at": withdrawal.updated_at,
    }
    await tx.execute(insert(sandbox_withdrawals).values(**values))


async def set_status(tx: Tx, withdrawal: Withdrawal) -> None:
    """Write what became of a withdrawal."""
    mine = (of(sandbox_withdrawals, withdrawal.owner), sandbox_withdrawals.c.id == withdrawal.id)
    values = {"status": withdrawal.status, "updated_at": withdrawal.updated_at}
    await tx.execute(update(sandbox_withdrawals).where(*mine).values(**values))


async def find(tx: Tx, owner: Owner, withdrawal_id: str) -> Withdrawal | None:
    """Return the owner's withdrawal of this id."""
    table = sandbox_withdrawals
    row = (await tx.execute(select(table).where(of(table, owner), table.c.id == withdrawal_id))).one_or_none()
    return _withdrawal(row) if row else None


async def open_ones(tx: Tx) -> list[Withdrawal]:
    """Return everybody's withdrawals that are not over, oldest first."""
    table = sandbox_withdrawals
    query = select(table).where(table.c.status == "PROCESSING").order_by(table.c.created_at, table.c.id)
    return [_withdrawal(row) for row in await tx.execute(query)]


async def search(tx: Tx, owner: Owner, wanted: Search) -> list[Withdrawal]:
    """Return what a search finds of the owner's withdrawals, newest first."""
    table = sandbox_withdrawals
    query = _matching(select(table), owner, wanted).order_by(table.c.created_at.desc(), table.c.id)
    return [_withdrawal(row) for row in await tx.execute(query.offset(wanted.offset).limit(wanted.limit))]


async def count(tx: Tx, owner: Owner, wanted: Search) -> int:
    """Return how many there are of them."""
    query = _matching(select(func.count()).select_from(sandbox_withdrawals), owner, wanted)
    return int((await tx.execute(query)).scalar_one())


def _matching(query: Select[Any], owner: Owner, wanted: Search) -> Select[Any]:
    columns = sandbox_withdrawals.c
    query = query.where(of(sandbox_withdrawals, owner))
    if wanted.currencies:
        query = query.where(columns.currency.in_(wanted.currencies))
    if wanted.kind:
        query = query.where(columns.status == wanted.kind)
    if wanted.start_at is not None:
        query = query.where(columns.created_at >= wanted.start_at)
    if wanted.end_at is not None:
        query = query.where(columns.created_at <= wanted.end_at)
    return query


def _withdrawal(row: Row[Any]) -> Withdrawal:
    return Withdrawal(
        id=row.id,
        owner=Owner(row.account_id, row.sub_account),
        currency=row.currency,
        chain=row.chain,
        address=row.address,
        memo=row.memo,
        amount=Decimal(row.amount),
        fee=Decimal(row.fee),
        remark=row.remark,
        approval_id=row.approval_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        status=row.status,
    )
