"""Queries of the watch over keys: what was known of a key before the requests that are being written now."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from keywright.gateway.usage_model import ALLOWED, MINUTE_MS
from keywright.storage.tables import api_keys, key_addresses, key_last_use, usage_counts, usage_records
from keywright.storage.transaction import Tx


async def last_sign_of_life(tx: Tx, *, account_id: str, key_id: str) -> int | None:
    """Return when the account's key was last used, or made where it never was; `None` for a key that there is not."""
    query = (
        select(func.coalesce(key_last_use.c.at, api_keys.c.created_at))
        .select_from(api_keys.outerjoin(key_last_use, key_last_use.c.key_id == api_keys.c.id))
        .where(api_keys.c.id == key_id, api_keys.c.account_id == account_id)
    )
    found: int | None = (await tx.execute(query)).scalar_one_or_none()
    return found


async def address_seen(tx: Tx, *, key_id: str, address: str) -> int | None:
    """Return when the key was last used from an address; `None` for never."""
    query = select(key_addresses.c.last_at).where(key_addresses.c.key_id == key_id, key_addresses.c.address == address)
    return (await tx.execute(query)).scalar_one_or_none()


async def note_address(tx: Tx, *, key_id: str, address: str, at: int) -> None:
    """Note that a key was used from an address; an earlier time never replaces a later one."""
    into = (sqlite if tx.dialect.name == "sqlite" else postgresql).insert(key_addresses)
    noted: Any = into.values(key_id=key_id, address=address, first_at=at, last_at=at)
    later = key_addresses.c.last_at < at
    await tx.execute(
        noted.on_conflict_do_update(index_elements=["key_id", "address"], set_={"last_at": at}, where=later)
    )


async def refusals(tx: Tx, *, key_id: str, since: int, limit: int) -> list[tuple[int, str]]:
    """Return the key's newest refusals after `since`: when, and why."""
    query = (
        select(usage_records.c.at, usage_records.c.verdict)
        .where(usage_records.c.key_id == key_id, usage_records.c.at > since, usage_records.c.verdict != ALLOWED)
        .order_by(usage_records.c.at.desc())
        .limit(limit)
    )
    return [(row.at, row.verdict) for row in await tx.execute(query)]


async def addresses_between(tx: Tx, *, key_id: str, since: int) -> list[tuple[str, int]]:
    """Return from which addresses the key was used in the minutes that end after `since`, and when at the latest."""
    query = (
        select(usage_counts.c.address, func.max(usage_counts.c.at).label("at"))
        .where(
            usage_counts.c.key_id == key_id,
            usage_counts.c.unit_ms == MINUTE_MS,
            usage_counts.c.at > since - MINUTE_MS,
            usage_counts.c.verdict == ALLOWED,
        )
        .group_by(usage_counts.c.address)
    )
    return [(row.address, row.at + MINUTE_MS - 1) for row in await tx.execute(query)]


async def newest_agents(tx: Tx, *, key_id: str, since: int, limit: int) -> list[tuple[str, int]]:
    """Return the programs of the key's newest accepted requests after `since`."""
    query = (
        select(usage_records.c.agent, usage_records.c.at)
        .where(usage_records.c.key_id == key_id, usage_records.c.at > since, usage_records.c.verdict == ALLOWED)
        .order_by(usage_records.c.at.desc())
        .limit(limit)
    )
    return [(row.agent, row.at) for row in await tx.execute(query)]


async def forget_addresses(tx: Tx, *, before: int) -> None:
    """Drop addresses that were last seen before then: they would count as new anyhow."""
    await tx.execute(delete(key_addresses).where(key_addresses.c.last_at < before))
