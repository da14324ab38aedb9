"""Queries of approvals. Every one names its account, or who asked."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Row, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from keywright.storage.tables import approvals
from keywright.storage.transaction import Tx


async def insert_approval(tx: Tx, values: dict[str, Any]) -> bool:
    """Keep a new approval; tell whether its asker had not used that reference before."""
    try:
        async with tx.begin_nested():
            await tx.execute(insert(approvals).values(**values))
    except IntegrityError:
        return False
    return True


async def change_state(tx: Tx, *, account_id: str, approval_id: str, before: str, values: dict[str, Any]) -> bool:
    """Write what a decision changes, if the row is still in the state it was read in; tell whether it was."""
    mine = (approvals.c.id == approval_id, approvals.c.account_id == account_id, approvals.c.state == before)
    return (await tx.execute(update(approvals).where(*mine).values(**values))).rowcount == 1


async def find(tx: Tx, *, account_id: str, approval_id: str) -> Row[Any] | None:
    """Return one of the account's approvals."""
    mine = (approvals.c.id == approval_id, approvals.c.account_id == account_id)
    return (await tx.execute(select(approvals).where(*mine))).one_or_none()


async def find_asked(tx: Tx, *, asked_by: str, approval_id: str = "", reference: str = "") -> Row[Any] | None:
    """Return what this asker asked for, by our id or its own."""
    named = approvals.c.id == approval_id if approval_id else approvals.c.reference == reference
    return (await tx.execute(select(approvals).where(approvals.c.asked_by == asked_by, named))).one_or_none()


async def of_account(tx: Tx, *, account_id: str, states: tuple[str, ...], limit: int) -> list[Row[Any]]:
    """Return the account's approvals in one of the states, newest first."""
    query = (
        select(approvals)
        .where(approvals.c.account_id == account_id, approvals.c.state.in_(states))
        .order_by(approvals.c.created_at.desc(), approvals.c.id)
        .limit(limit)
    )
    return list(await tx.execute(query))


async def waiting(tx: Tx, *, account_id: str, now: int) -> list[Row[Any]]:
    """Return the account's approvals that wait, newest first: all of them, so that none hides another."""
    query = select(approvals).where(*_waiting(account_id, now)).order_by(approvals.c.created_at.desc(), approvals.c.id)
    return list(await tx.execute(query))


async def count_waiting(tx: Tx, *, account_id: str, sub_account: str | None = None, now: int) -> int:
    """Return how many of the account's approvals wait: of all, or of one sub-account (empty: of none)."""
    waiting = _waiting(account_id, now)
    if sub_account is not None:
        waiting = (*waiting, approvals.c.sub_account == sub_account)
    return int((await tx.execute(select(func.count()).select_from(approvals).where(*waiting))).scalar_one())


async def asked_since(tx: Tx, *, account_id: str, since: int) -> list[Row[Any]]:
    """Return what was asked of the account from a moment on."""
    mine = (approvals.c.account_id == account_id, approvals.c.created_at >= since)
    return list(await tx.execute(select(approvals).where(*mine)))


async def due_to_expire(tx: Tx, *, now: int, grace_ms: int) -> list[tuple[str, str]]:
    """Return account and id of those whose time ran out."""
    query = select(approvals.c.account_id, approvals.c.id).where(
        or_(
            (approvals.c.state == "waiting") & (approvals.c.expires_at <= now),
            (approvals.c.state == "confirmed") & (approvals.c.expires_at + grace_ms <= now),
        )
    )
    return [(row.account_id, row.id) for row in await tx.execute(query)]


def _waiting(account_id: str, now: int) -> tuple[ColumnElement[bool], ...]:
    return (approvals.c.account_id == account_id, approvals.c.state == "waiting", approvals.c.expires_at > now)
