"""Queries of accounts that sign in elsewhere, of used assertions, and of accounts a page at a time."""

from __future__ import annotations

from sqlalchemy import delete, func, insert, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from keywright.errors import Conflict
from keywright.storage.tables import accounts, spent_assertions
from keywright.storage.transaction import Tx


async def account_id_of(tx: Tx, *, external_id: str) -> str | None:
    """Return the id of the account that an exchange knows by this name, or `None`."""
    query = select(accounts.c.id).where(accounts.c.external_id == external_id)
    found: str | None = (await tx.execute(query)).scalar_one_or_none()
    return found


async def link_account(tx: Tx, *, account_id: str, external_id: str) -> None:
    """Keep the name that an exchange knows the account by. Raises `Conflict` when another one has it."""
    try:
        await tx.execute(update(accounts).where(accounts.c.id == account_id).values(external_id=external_id))
    except IntegrityError:
        raise Conflict("there is an account of {name} already", name=external_id) from None


async def spend_assertion(tx: Tx, *, digest: bytes, expires_at: int) -> bool:
    """Mark an assertion as used; tell whether it was this call that did. A loser's transaction is of no use after."""
    if (await tx.execute(select(spent_assertions.c.digest).where(spent_assertions.c.digest == digest))).first():
        return False
    try:
        await tx.execute(insert(spent_assertions).values(digest=digest, expires_at=expires_at))
    except IntegrityError:
        return False
    return True


async def forget_assertions(tx: Tx, *, before: int) -> None:
    """Drop used assertions that would be refused for their age anyway."""
    await tx.execute(delete(spent_assertions).where(spent_assertions.c.expires_at < before))


async def page_of_accounts(tx: Tx, *, search: str, after: tuple[int, str] | None, limit: int) -> list[str]:
    """Return the ids of accounts whose address, number, id or name elsewhere begins like `search`, oldest first.

    `after` is the moment and id of the last one seen.
    """
    query = select(accounts.c.id).order_by(accounts.c.created_at, accounts.c.id).limit(limit)
    if after is not None:
        query = query.where(tuple_(accounts.c.created_at, accounts.c.id) > tuple_(*after))
    if search:
        wanted = [
            column.startswith(search, autoescape=True)
            for column in (accounts.c.email, func.lower(accounts.c.external_id), accounts.c.id)
        ]
        if search.isdecimal() and len(search) <= 9:
            wanted.append(accounts.c.uid == int(search))
        query = query.where(or_(*wanted))
    return list((await tx.execute(query)).scalars())
