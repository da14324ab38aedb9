"""Queries of the policy."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update

from keywright.storage.tables import policy
from keywright.storage.transaction import Tx


async def find_policy(tx: Tx) -> Row[Any] | None:
    """Return the row that says what operators decided; `None` where there is none."""
    return (await tx.execute(select(policy))).one_or_none()


async def put_policy(tx: Tx, *, content: str, version: int, at: int, by: str, mac: bytes) -> None:
    """Keep what operators decided, in place of what they decided before."""
    values = {"content": content, "version": version, "changed_at": at, "changed_by": by, "policy_mac": mac}
    if (await tx.execute(update(policy).values(**values))).rowcount == 0:
        await tx.execute(insert(policy).values(id=1, **values))
