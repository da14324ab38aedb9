"""Queries of the composition root: the keyring's rows, which belong to no feature."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select

from keywright.storage.tables import keyring_keys
from keywright.storage.transaction import Tx


async def keyring_rows(tx: Tx) -> list[Row[Any]]:
    """Return the wrapped data keys, oldest version first."""
    return list(await tx.execute(select(keyring_keys).order_by(keyring_keys.c.version)))


async def insert_keyring_row(tx: Tx, *, version: int, database_id: str, wrapped: bytes, now: int) -> None:
    """Keep one wrapped data key."""
    await tx.execute(
        insert(keyring_keys).values(version=version, database_id=database_id, wrapped=wrapped, created_at=now)
    )
