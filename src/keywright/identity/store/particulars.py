"""Queries of what people keep up to date about themselves. Every one that is about an account names it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from keywright.identity.model import Identity, IdentityState
from keywright.storage.tables import accounts, identities
from keywright.storage.transaction import Tx


async def set_password_hash(tx: Tx, *, account_id: str, password_hash: str) -> None:
    """Let the account be recognised by another password."""
    await tx.execute(update(accounts).where(accounts.c.id == account_id).values(password_hash=password_hash))


async def trading_password_hash(tx: Tx, *, account_id: str) -> str | None:
    """Return what the account's trading password is recognised by; `None` when it has none."""
    query = select(accounts.c.trading_password_hash).where(accounts.c.id == account_id)
    return (await tx.execute(query)).scalar_one_or_none()


async def set_trading_password_hash(tx: Tx, *, account_id: str, trading_hash: str) -> None:
    """Keep what the account's trading password is recognised by."""
    await tx.execute(update(accounts).where(accounts.c.id == account_id).values(trading_password_hash=trading_hash))


async def set_email_verified(tx: Tx, *, account_id: str, at: int) -> None:
    """Note when the account's e-mail address was shown to be its owner's."""
    await tx.execute(update(accounts).where(accounts.c.id == account_id).values(email_verified_at=at))


async def phrase_sealed(tx: Tx, *, account_id: str) -> bytes | None:
    """Return the account's phrase as it rests; `None` when it chose none."""
    query = select(accounts.c.phrase_sealed).where(accounts.c.id == account_id)
    return (await tx.execute(query)).scalar_one_or_none()


async def set_phrase_sealed(tx: Tx, *, account_id: str, sealed: bytes | None) -> None:
    """Keep the account's phrase, or forget it (`None`)."""
    await tx.execute(update(accounts).where(accounts.c.id == account_id).values(phrase_sealed=sealed))


async def phone_sealed(tx: Tx, *, account_id: str) -> bytes | None:
    """Return the account's phone as it rests; `None` when it has none."""
    query = select(accounts.c.phone_sealed).where(accounts.c.id == account_id)
    return (await tx.execute(query)).scalar_one_or_none()


async def set_phone_sealed(tx: Tx, *, account_id: str, sealed: bytes | None) -> None:
    """Keep the account's phone, or forget it (`None`)."""
    await tx.execute(update(accounts).where(accounts.c.id == account_id).values(phone_sealed=sealed))


async def set_language(tx: Tx, *, account_id: str, language: str | None) -> None:
    """Keep the language its owner chose; `None`: none."""
    await tx.execute(update(accounts).where(accounts.c.id == account_id).values(language=language))


async def find_identity(tx: Tx, *, account_id: str) -> tuple[Identity, bytes] | None:
    """Return the account's identity and its MAC, or `None`."""
    row = (await tx.execute(select(identities).where(identities.c.account_id == account_id))).one_or_none()
    return (_identity(row), row.identity_mac) if row else None


async def submitted_identities(tx: Tx) -> list[Identity]:
    """Return every identity that waits for a decision, oldest first."""
    query = select(identities).where(identities.c.state == IdentityState.SUBMITTED.value)
    rows = await tx.execute(query.order_by(identities.c.submitted_at, identities.c.account_id))
    return [_identity(row) for row in rows]


async def put_identity(tx: Tx, identity: Identity, *, mac: bytes) -> None:
    """Keep the account's identity in place of the one before."""
    await tx.execute(delete(identities).where(identities.c.account_id == identity.account_id))
    await tx.execute(
        insert(identities).values(
            account_id=identity.account_id,
            state=identity.state.value,
            name=identity.name,
            country=identity.country,
            document=identity.document,
            submitted_at=identity.submitted_at,
            decided_at=identity.decided_at,
            decided_by=identity.decided_by,
            reason=identity.reason,
            version=identity.version,
            identity_mac=mac,
        )
    )


def _identity(row: Row[Any]) -> Identity:
    known = {state.value for state in IdentityState}
    return Identity(
        account_id=row.account_id,
        state=IdentityState(row.state) if row.state in known else IdentityState.ALTERED,
        name=row.name,
        country=row.country,
        document=row.document,
        submitted_at=row.submitted_at,
        version=row.version,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        reason=row.reason,
    )
