"""Queries of the management API: what a call under an Idempotency-Key made."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from keywright.storage.tables import kept_answers
from keywright.storage.transaction import Tx


async def find_answer(tx: Tx, *, token_id: str, name_digest: bytes) -> tuple[bytes, str] | None:
    """Return the digest of the request that this token made under this name, and the id of what it made; or `None`."""
    mine = (kept_answers.c.token_id == token_id, kept_answers.c.name_digest == name_digest)
    row = (await tx.execute(select(kept_answers.c.request_digest, kept_answers.c.subject).where(*mine))).one_or_none()
    return (row.request_digest, row.subject) if row else None


async def keep_answer(
    tx: Tx, *, token_id: str, name_digest: bytes, request_digest: bytes, subject: str, now: int
) -> bool:
    """Keep the id of what was made; tell whether the name was free for it."""
    into = (sqlite if tx.dialect.name == "sqlite" else postgresql).insert(kept_answers)
    row = into.values(
        token_id=token_id, name_digest=name_digest, request_digest=request_digest, subject=subject, at=now
    )
    done = await tx.execute(row.on_conflict_do_nothing(index_elements=["token_id", "name_digest"]))
    return done.rowcount == 1


async def forget_answers(tx: Tx, *, before: int) -> None:
    """Drop what was kept before a moment."""
    await tx.execute(delete(kept_answers).where(kept_answers.c.at < before))
