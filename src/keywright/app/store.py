"""Queries of the composition root: the keyring's rows, which belong to no feature."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Text, cast, func, insert, select

from keywright.storage.tables import keyring_keys
from keywright.storage.transaction import Tx

MAKING = 0x6B6579777269  # "keywri"


async def keyring_rows(tx: Tx) -> list[Row[Any]]:
    """Return the wrapped data keys, oldest version first."""
    return list(await tx.execute(select(keyring_keys).order_by(keyring_keys.c.version)))


async def insert_keyring_row(tx: Tx, *, version: int, database_id: str, wrapped: bytes, now: int) -> None:
    """Keep one wrapped data key."""
    await tx.execute(
        insert(keyring_keys).values(version=version, database_id=database_id, wrapped=wrapped, created_at=now)
    )


async def postgres_settings(tx: Tx) -> dict[str, str]:
    """Return how a PostgreSQL server is set where that matters to us, by name; `follows` tells a standby."""
    names = ("fsync", "full_page_writes", "synchronous_commit", "server_encoding")
    columns = [func.current_setting(name).label(name) for name in names]
    follows = cast(func.pg_is_in_recovery(), Text).label("follows")
    return dict((await tx.execute(select(*columns, follows))).mappings().one())


async def lock_making(tx: Tx) -> None:
    """Let nobody else change the schema of this PostgreSQL database until the transaction ends."""
    await tx.execute(select(func.pg_advisory_xact_lock(MAKING)))
