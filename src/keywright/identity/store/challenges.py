"""Queries of codes that are asked for once and answered once. Every one names its account."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from keywright.storage.tables import challenges
from keywright.storage.transaction import Tx


@dataclass(frozen=True, slots=True)
class Asked:
    """A code that was sent: which one it was can't be told from it."""

    id: str
    account_id: str
    purpose: str
    context: str
    expires_at: int


async def void_codes(tx: Tx, *, account_id: str, purpose: str, now: int) -> None:
    """Make every code that still waits for this account and purpose worthless."""
    waiting = (
        challenges.c.account_id == account_id,
        challenges.c.purpose == purpose,
        challenges.c.used_at.is_(None),
    )
    await tx.execute(update(challenges).where(*waiting).values(used_at=now))


async def insert_code(tx: Tx, asked: Asked, *, digest: bytes, now: int) -> None:
    """Keep what recognises a code."""
    await tx.execute(
        insert(challenges).values(
            id=asked.id,
            account_id=asked.account_id,
            purpose=asked.purpose,
            value=digest,
            context=asked.context,
            tries=0,
            created_at=now,
            expires_at=asked.expires_at,
        )
    )


async def waiting_code(tx: Tx, *, account_id: str, purpose: str, now: int) -> Asked | None:
    """Return the code that waits for an answer, or `None`."""
    query = (
        select(challenges)
        .where(
            challenges.c.account_id == account_id,
            challenges.c.purpose == purpose,
            challenges.c.used_at.is_(None),
            challenges.c.created_at <= now,
            challenges.c.expires_at > now,
        )
        .order_by(challenges.c.created_at.desc())
        .limit(1)
    )
    row = (await tx.execute(query)).one_or_none()
    return Asked(row.id, row.account_id, row.purpose, row.context, row.expires_at) if row else None


async def count_try(tx: Tx, asked: Asked, *, most: int) -> bool:
    """Count one try at a code; tell whether it had one left."""
    mine = (challenges.c.id == asked.id, challenges.c.account_id == asked.account_id)
    left = update(challenges).where(*mine, challenges.c.used_at.is_(None), challenges.c.tries < most)
    return (await tx.execute(left.values(tries=challenges.c.tries + 1))).rowcount == 1


async def burn_code(tx: Tx, asked: Asked, *, digest: bytes, now: int) -> bool:
    """Mark a code as used if this is what recognises it; tell whether it was this call that did."""
    good = (
        challenges.c.id == asked.id,
        challenges.c.account_id == asked.account_id,
        challenges.c.purpose == asked.purpose,
        challenges.c.value == digest,
        challenges.c.used_at.is_(None),
        challenges.c.expires_at > now,
    )
    return (await tx.execute(update(challenges).where(*good).values(used_at=now))).rowcount == 1


async def spend(tx: Tx, challenge_id: str, *, purpose: str, expires_at: int, now: int) -> bool:
    """Keep that a challenge of a stranger's or a session's was answered; tell whether it was this call that did."""
    into = (sqlite if tx.dialect.name == "sqlite" else postgresql).insert(challenges)
    row = into.values(
        id=challenge_id,
        account_id="",
        purpose=purpose,
        value=b"",
        context="",
        tries=1,
        created_at=now,
        expires_at=expires_at,
        used_at=now,
    )
    return (await tx.execute(row.on_conflict_do_nothing(index_elements=["id"]))).rowcount == 1


async def forget_challenges(tx: Tx, *, before: int) -> None:
    """Drop everybody's challenges whose time was over before then."""
    await tx.execute(delete(challenges).where(challenges.c.expires_at < before))
