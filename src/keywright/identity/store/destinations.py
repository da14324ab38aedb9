"""Queries about withdrawal addresses. Every one names its account."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update

from keywright.storage.tables import accounts, withdrawal_addresses
from keywright.storage.transaction import Tx


async def insert_address(tx: Tx, values: dict[str, Any]) -> None:
    """Keep a new address."""
    await tx.execute(insert(withdrawal_addresses).values(**values))


async def update_address(tx: Tx, *, account_id: str, address_id: str, values: dict[str, Any]) -> bool:
    """Write what changed of an address, with its new MAC, if it is on the list; tell whether it was."""
    table = withdrawal_addresses
    mine = (table.c.id == address_id, table.c.account_id == account_id, table.c.removed_at.is_(None))
    return (await tx.execute(update(table).where(*mine).values(**values))).rowcount == 1


async def addresses_of(tx: Tx, *, account_id: str, currency: str = "") -> list[Row[Any]]:
    """Return the rows of the account's addresses that were not taken off the list, oldest first."""
    table = withdrawal_addresses
    query = select(table).where(table.c.account_id == account_id, table.c.removed_at.is_(None))
    if currency:
        query = query.where(table.c.currency == currency)
    return list(await tx.execute(query.order_by(table.c.created_at, table.c.id)))


async def find_address(tx: Tx, *, account_id: str, address_id: str) -> Row[Any] | None:
    """Return the row of one of the account's addresses, if it is on the list."""
    table = withdrawal_addresses
    mine = (table.c.account_id == account_id, table.c.id == address_id, table.c.removed_at.is_(None))
    return (await tx.execute(select(table).where(*mine))).one_or_none()


async def set_whitelist(tx: Tx, *, account_id: str, on_at: int | None, off_at: int | None) -> None:
    """Note since when the whitelist is on and when that ends: for those who only read the account's row."""
    values = {"whitelist_on_at": on_at, "whitelist_off_at": off_at}
    await tx.execute(update(accounts).where(accounts.c.id == account_id).values(**values))


async def whitelist_on_at(tx: Tx, *, account_id: str) -> int | None:
    """Return what the account's row says of since when the whitelist is on."""
    return (
        await tx.execute(select(accounts.c.whitelist_on_at).where(accounts.c.id == account_id))
    ).scalar_one_or_none()


async def clear_whitelists_that_ended(tx: Tx, *, now: int) -> None:
    """Take the note away where the whitelist was to end by now."""
    ended = (accounts.c.whitelist_off_at.is_not(None), accounts.c.whitelist_off_at <= now)
    await tx.execute(update(accounts).where(*ended).values(whitelist_on_at=None, whitelist_off_at=None))
