"""Queries of identity. Every one that is about an account names it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from keywright.errors import Conflict
from keywright.identity.model import Account, Credentials
from keywright.storage.tables import accounts
from keywright.storage.transaction import Tx


async def insert_account(tx: Tx, account: Account, credentials: Credentials) -> None:
    """Keep a new account. Raises `Conflict` when its e-mail address is taken."""
    try:
        await tx.execute(
            insert(accounts).values(
                id=account.id,
                uid=account.uid,
                email=account.email,
                password_hash=credentials.password_hash,
                totp_sealed=credentials.totp_sealed,
                totp_step=credentials.totp_step,
                created_at=account.created_at,
                frozen_at=account.frozen_at,
            )
        )
    except IntegrityError:
        raise Conflict(f"there is an account of {account.email} already") from None


async def is_uid_taken(tx: Tx, uid: int) -> bool:
    """Tell whether some account has this number."""
    return (await tx.execute(select(accounts.c.uid).where(accounts.c.uid == uid))).one_or_none() is not None


async def find_account(tx: Tx, *, account_id: str = "", email: str = "") -> tuple[Account, Credentials] | None:
    """Return the account with this id or e-mail address and what it is recognised by, or `None`."""
    wanted = accounts.c.id == account_id if account_id else accounts.c.email == email
    row = (await tx.execute(select(accounts).where(wanted))).one_or_none()
    return (_account(row), _credentials(row)) if row else None


async def lock_account(tx: Tx, *, account_id: str) -> None:
    """Make other writers about this account wait for this transaction."""
    await tx.execute(select(accounts.c.id).where(accounts.c.id == account_id).with_for_update())


async def list_accounts(tx: Tx) -> list[Account]:
    """Return every account, oldest first."""
    rows = await tx.execute(select(accounts).order_by(accounts.c.created_at, accounts.c.id))
    return [_account(row) for row in rows]


async def consume_totp_step(tx: Tx, *, account_id: str, step: int) -> bool:
    """Mark `step` as used; tell whether it was this call that did (RFC 6238 section 5.2: once, and only rising)."""
    result = await tx.execute(
        update(accounts).where(accounts.c.id == account_id, accounts.c.totp_step < step).values(totp_step=step)
    )
    return result.rowcount == 1


async def set_frozen(tx: Tx, *, account_id: str, at: int | None) -> None:
    """Freeze the account at a time, or unfreeze it (`None`)."""
    await tx.execute(update(accounts).where(accounts.c.id == account_id).values(frozen_at=at))


def _account(row: Row[Any]) -> Account:
    return Account(row.id, row.uid, row.email, row.created_at, row.frozen_at)


def _credentials(row: Row[Any]) -> Credentials:
    return Credentials(row.password_hash, row.totp_sealed, row.totp_step)
