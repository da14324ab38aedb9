"""Queries of sub-accounts. Every one names the account they belong to, but for the one about numbers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from keywright.errors import Conflict
from keywright.identity.model import SubAccount
from keywright.storage.tables import sub_accounts
from keywright.storage.transaction import Tx


async def insert_sub_account(tx: Tx, sub: SubAccount) -> None:
    """Keep a new sub-account. Raises `Conflict` when the account has one of this name."""
    try:
        await tx.execute(
            insert(sub_accounts).values(
                id=sub.id,
                account_id=sub.account_id,
                uid=sub.uid,
                name=sub.name,
                memo=sub.memo,
                created_at=sub.created_at,
                frozen_at=sub.frozen_at,
            )
        )
    except IntegrityError:
        raise Conflict("there is a sub-account {name} already", name=sub.name) from None


async def list_sub_accounts(tx: Tx, account_id: str) -> list[SubAccount]:
    """Return the account's sub-accounts, oldest first."""
    query = select(sub_accounts).where(sub_accounts.c.account_id == account_id)
    return [_sub_account(row) for row in await tx.execute(query.order_by(sub_accounts.c.created_at, sub_accounts.c.id))]


async def find_sub_account(tx: Tx, account_id: str, *, name: str = "", sub_id: str = "") -> SubAccount | None:
    """Return the account's sub-account of this name, or of this id, or `None`."""
    named = sub_accounts.c.id == sub_id if sub_id else sub_accounts.c.name == name
    mine = (sub_accounts.c.account_id == account_id, named)
    row = (await tx.execute(select(sub_accounts).where(*mine))).one_or_none()
    return _sub_account(row) if row else None


async def count_sub_accounts(tx: Tx, account_id: str) -> int:
    """Return how many sub-accounts the account has."""
    query = select(func.count()).select_from(sub_accounts).where(sub_accounts.c.account_id == account_id)
    return (await tx.execute(query)).scalar_one()


async def is_sub_uid_taken(tx: Tx, uid: int) -> bool:
    """Tell whether some sub-account has this number."""
    return (await tx.execute(select(sub_accounts.c.uid).where(sub_accounts.c.uid == uid))).one_or_none() is not None


async def describe_sub_account(tx: Tx, sub: SubAccount) -> None:
    """Write its memo, and nothing else: whoever reads it meanwhile may freeze it."""
    await tx.execute(update(sub_accounts).where(*_is(sub)).values(memo=sub.memo))


async def freeze_sub_account(tx: Tx, sub: SubAccount) -> None:
    """Write since when it is frozen, or that it is not."""
    await tx.execute(update(sub_accounts).where(*_is(sub)).values(frozen_at=sub.frozen_at))


def _is(sub: SubAccount) -> tuple[ColumnElement[bool], ...]:
    return sub_accounts.c.account_id == sub.account_id, sub_accounts.c.id == sub.id


def _sub_account(row: Row[Any]) -> SubAccount:
    return SubAccount(row.id, row.account_id, row.uid, row.name, row.memo, row.created_at, row.frozen_at)
