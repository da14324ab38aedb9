"""Queries of notices. What is about an account names it; the courier's queries are about deliveries, whoever's they are."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from keywright.notices.model import CODE, Addressee, Delivery, Notice
from keywright.storage.tables import accounts, api_keys, deliveries, notices, sub_accounts
from keywright.storage.transaction import Tx

MOST_COUNTED = 100
"""Unread notices are counted so far: a badge says no more."""

MOST_MAILED = 1000
"""More than an address that nobody verified is written in a day: `budget` and the limits of codes hold that."""


async def find_addressee(tx: Tx, account_id: str) -> Addressee | None:
    """Return whom notices to this account are for, or `None`."""
    row = (await tx.execute(select(accounts).where(accounts.c.id == account_id))).one_or_none()
    if row is None:
        return None
    verified = row.email_verified_at is not None
    return Addressee(row.id, row.email, row.language or "", row.phrase_sealed, row.created_at, verified)


async def name_of(tx: Tx, *, account_id: str, subject: str) -> str | None:
    """Return what the account calls its key or sub-account of this id; `None` where it has none such."""
    for table in (api_keys, sub_accounts):
        query = select(table.c.name).where(table.c.id == subject, table.c.account_id == account_id)
        found = (await tx.execute(query)).scalar_one_or_none()
        if found is not None:
            return str(found)
    return None


async def sub_account_of(tx: Tx, *, account_id: str, key_id: str) -> str:
    """Return which sub-account of the account a key belongs to; empty: it is the account's own, or none of its."""
    query = select(api_keys.c.sub_account).where(api_keys.c.id == key_id, api_keys.c.account_id == account_id)
    return (await tx.execute(query)).scalar_one_or_none() or ""


async def insert_notice(tx: Tx, notice: Notice, *, once: str | None) -> bool:
    """Keep a notice; tell whether it is new: what is told `once` under this name is not kept twice."""
    into = (sqlite if tx.dialect.name == "sqlite" else postgresql).insert(notices)
    values = {
        "id": notice.id,
        "account_id": notice.account_id,
        "kind": notice.kind,
        "subject": notice.subject,
        "detail": json.dumps(notice.detail, sort_keys=True),
        "once": once,
        "at": notice.at,
    }
    result: Any = await tx.execute(into.values(**values).on_conflict_do_nothing(index_elements=["once"]))
    return bool(result.rowcount == 1)


async def mailed_since(tx: Tx, *, account_id: str, recipient: str, since: int) -> dict[str, int]:
    """Return by kind how many messages to its own address the account was written after `since`, codes apart.

    Of the newest `MOST_MAILED` only: what is listed without a message costs nothing here, however much it is.
    """
    newest = (
        select(deliveries.c.notice_id)
        .where(deliveries.c.recipient == recipient)
        .order_by(deliveries.c.id.desc())
        .limit(MOST_MAILED)
        .subquery()
    )
    query = (
        select(notices.c.kind, func.count())
        .join(newest, newest.c.notice_id == notices.c.id)
        .where(notices.c.account_id == account_id, notices.c.at > since, notices.c.kind.not_like(f"{CODE}%"))
        .group_by(notices.c.kind)
    )
    return {str(kind): int(count) for kind, count in await tx.execute(query)}


async def insert_delivery(
    tx: Tx, *, notice_id: str, channel: str, recipient: str, body_sealed: bytes | None, now: int
) -> None:
    """Keep a message that is to go out now."""
    await tx.execute(
        insert(deliveries).values(
            notice_id=notice_id,
            channel=channel,
            recipient=recipient,
            body_sealed=body_sealed,
            tries=0,
            next_at=now,
            error="",
        )
    )


# ── as the account sees them ────────────────────────────────────────────────────────────────────────────────────────


async def list_notices(tx: Tx, *, account_id: str, before: tuple[int, str] | None, limit: int) -> list[Notice]:
    """Return the account's newest notices, or those older than a place; none that carries a code."""
    query = select(notices).where(notices.c.account_id == account_id, notices.c.kind.not_like(f"{CODE}%"))
    if before is not None:
        at, notice_id = before
        query = query.where((notices.c.at < at) | ((notices.c.at == at) & (notices.c.id < notice_id)))
    rows = await tx.execute(query.order_by(notices.c.at.desc(), notices.c.id.desc()).limit(limit))
    return [_notice(row) for row in rows]


async def find_notice(tx: Tx, *, account_id: str, notice_id: str) -> Notice | None:
    """Return one notice of the account, or `None`."""
    mine = (notices.c.id == notice_id, notices.c.account_id == account_id)
    row = (await tx.execute(select(notices).where(*mine))).one_or_none()
    return _notice(row) if row else None


async def whose(tx: Tx, notice_id: str) -> str | None:
    """Return which account a notice is for, or `None`. For a link, whose signature then has to name the same one."""
    return (await tx.execute(select(notices.c.account_id).where(notices.c.id == notice_id))).scalar_one_or_none()


async def count_unread(tx: Tx, *, account_id: str) -> int:
    """Return how many notices were not read, counted up to `MOST_COUNTED`."""
    unread = (
        select(notices.c.id)
        .where(notices.c.account_id == account_id, notices.c.read_at.is_(None), notices.c.kind.not_like(f"{CODE}%"))
        .limit(MOST_COUNTED)
    )
    return (await tx.execute(select(func.count()).select_from(unread.subquery()))).scalar_one()


async def mark_read(tx: Tx, *, account_id: str, now: int) -> None:
    """Note that all of the account's notices were read."""
    unread = (notices.c.account_id == account_id, notices.c.read_at.is_(None))
    await tx.execute(update(notices).where(*unread).values(read_at=now))


async def recent(tx: Tx, *, account_id: str, kind: str, subject: str, since: int) -> list[Notice]:
    """Return what the account was told of this kind about this subject after `since`, newest first."""
    of_kind = (notices.c.kind == kind, notices.c.subject == subject, notices.c.at > since)
    query = select(notices).where(notices.c.account_id == account_id, *of_kind).order_by(notices.c.at.desc())
    return [_notice(row) for row in await tx.execute(query.limit(MOST_COUNTED))]


async def use_link(tx: Tx, *, account_id: str, notice_id: str, now: int) -> bool:
    """Mark a notice's link as used; tell whether it was this call that did."""
    unused = (notices.c.id == notice_id, notices.c.account_id == account_id, notices.c.freeze_used_at.is_(None))
    return (await tx.execute(update(notices).where(*unused).values(freeze_used_at=now))).rowcount == 1


# ── as the courier sees them ────────────────────────────────────────────────────────────────────────────────────────


async def due(tx: Tx, *, now: int, limit: int) -> list[Delivery]:
    """Return the messages whose time has come, those that waited longest first."""
    query = select(deliveries).where(deliveries.c.next_at <= now).order_by(deliveries.c.next_at, deliveries.c.id)
    return [
        Delivery(row.id, row.notice_id, row.channel, row.recipient, row.body_sealed, row.tries, row.next_at)
        for row in await tx.execute(query.limit(limit))
    ]


async def claim(tx: Tx, delivery: Delivery, *, until: int) -> bool:
    """Take a message for oneself until a time, and count the try; tell whether no one else did so first."""
    mine = (deliveries.c.id == delivery.id, deliveries.c.next_at == delivery.next_at)
    taken = update(deliveries).where(*mine).values(next_at=until, tries=deliveries.c.tries + 1)
    return (await tx.execute(taken)).rowcount == 1


async def notice_of(tx: Tx, delivery: Delivery) -> Notice | None:
    """Return the notice that a message is of, or `None`."""
    row = (await tx.execute(select(notices).where(notices.c.id == delivery.notice_id))).one_or_none()
    return _notice(row) if row else None


async def delivered(tx: Tx, delivery: Delivery, *, channel: str, now: int) -> None:
    """Note that a message went out, by which way; a code in it is forgotten."""
    gone = {"channel": channel, "delivered_at": now, "next_at": None, "body_sealed": None, "error": ""}
    await tx.execute(update(deliveries).where(deliveries.c.id == delivery.id).values(**gone))


async def put_off(tx: Tx, delivery: Delivery, *, until: int, error: str) -> None:
    """Note what went wrong, and when to try again."""
    await tx.execute(update(deliveries).where(deliveries.c.id == delivery.id).values(next_at=until, error=error))


async def give_up(tx: Tx, delivery: Delivery, *, error: str, now: int) -> None:
    """Note that a message will not go out, and why; a code in it is forgotten."""
    over = {"failed_at": now, "next_at": None, "body_sealed": None, "error": error}
    await tx.execute(update(deliveries).where(deliveries.c.id == delivery.id).values(**over))


async def forget(tx: Tx, *, before: int) -> int:
    """Drop notices older than `before` with their messages; return how many. What is still under way stays."""
    under_way = select(deliveries.c.notice_id).where(deliveries.c.next_at.is_not(None))
    old = select(notices.c.id).where(notices.c.at < before, notices.c.id.not_in(under_way))
    await tx.execute(delete(deliveries).where(deliveries.c.notice_id.in_(old)))
    return (await tx.execute(delete(notices).where(notices.c.at < before, notices.c.id.not_in(under_way)))).rowcount


async def outcomes(tx: Tx, *, account_id: str, notice_ids: list[str]) -> dict[str, list[Row[Any]]]:
    """Return what became of the messages of these notices of the account."""
    query = (
        select(deliveries, notices.c.account_id)
        .join(notices, notices.c.id == deliveries.c.notice_id)
        .where(notices.c.account_id == account_id, notices.c.id.in_(notice_ids))
        .order_by(deliveries.c.id)
    )
    found: dict[str, list[Row[Any]]] = {}
    for row in await tx.execute(query):
        found.setdefault(row.notice_id, []).append(row)
    return found


def _notice(row: Row[Any]) -> Notice:
    return Notice(
        row.id, row.account_id, row.kind, row.subject, json.loads(row.detail), row.at, row.read_at, row.freeze_used_at
    )
