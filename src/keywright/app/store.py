"""Queries of the composition root: the rows of the keyring and of its protections, which belong to no feature."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, Text, cast, delete, func, insert, select, update

from keywright.sealing.protections.wrapped import Protection
from keywright.storage.tables import (
    api_keys,
    key_addresses,
    key_last_use,
    keyring_keys,
    usage_counts,
    vault_protections,
)
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


async def living_keys(tx: Tx) -> list[str]:
    """Return the ids of all keys that are not deleted."""
    query = select(api_keys.c.id).where(api_keys.c.deleted_at.is_(None)).order_by(api_keys.c.id)
    return list((await tx.execute(query)).scalars())


async def broken_structure(tx: Tx) -> list[str]:
    """Return in words what the database itself finds broken: pages, indexes, references, constraints."""
    if tx.dialect.name == "sqlite":
        found = [str(row[0]) for row in await tx.exec_driver_sql("PRAGMA integrity_check(20)")]
        missing: list[Any] = list(await tx.exec_driver_sql("PRAGMA foreign_key_check"))
        found = [text for text in found if text != "ok"]
        return found + [f"a row of {row[0]} refers to none of {row[2]}" for row in missing]
    constraints = await tx.exec_driver_sql("SELECT conname FROM pg_constraint WHERE NOT convalidated")
    indexes = await tx.exec_driver_sql("SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid")
    return [f"the constraint {name} was never checked" for name in constraints.scalars()] + [
        f"the index {name} is not valid" for name in indexes.scalars()
    ]


async def orphans(tx: Tx) -> list[str]:
    """Return in words which rows speak of keys that there never were. A deleted key keeps its row."""
    found = []
    for table in (key_last_use, key_addresses, usage_counts):
        known = select(api_keys.c.id).where(api_keys.c.id == table.c.key_id).exists()
        many = (await tx.execute(select(func.count()).select_from(table).where(~known))).scalar_one()
        if many:
            found.append(f"{many} rows of {table.name} speak of keys that there never were")
    return found


async def protections(tx: Tx) -> list[Protection]:
    """Return the ways to a vault's wrapping key, oldest first; a server has none."""
    query = select(vault_protections).order_by(vault_protections.c.created_at, vault_protections.c.id)
    return [Protection(*row) for row in await tx.execute(query)]


async def insert_protection(tx: Tx, protection: Protection) -> None:
    """Keep a way."""
    await tx.execute(insert(vault_protections).values(**asdict(protection)))


async def replace_protection(tx: Tx, protection: Protection) -> None:
    """Keep a way in the place of the one with the same id."""
    change = update(vault_protections).where(vault_protections.c.id == protection.id)
    await tx.execute(change.values(parameters=protection.parameters, wrapped=protection.wrapped))


async def delete_protection(tx: Tx, protection_id: str) -> None:
    """Forget a way."""
    await tx.execute(delete(vault_protections).where(vault_protections.c.id == protection_id))
