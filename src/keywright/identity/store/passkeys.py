"""Queries of passkeys and of what they are asked to sign. Every one names its account."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from keywright.errors import Conflict
from keywright.identity.model import Challenge, Passkey
from keywright.storage.tables import challenges, passkeys
from keywright.storage.transaction import Tx


async def insert_passkey(tx: Tx, passkey: Passkey) -> None:
    """Keep a new passkey. Raises `Conflict` when its credential is known already."""
    try:
        await tx.execute(
            insert(passkeys).values(
                id=passkey.credential_id,
                account_id=passkey.account_id,
                name=passkey.name,
                public_key=passkey.public_key,
                sign_count=passkey.sign_count,
                created_at=passkey.created_at,
                last_used_at=passkey.last_used_at,
                passkey_mac=passkey.mac,
            )
        )
    except IntegrityError:
        raise Conflict("that passkey is registered already") from None


async def list_passkeys(tx: Tx, *, account_id: str) -> list[Passkey]:
    """Return the account's passkeys, oldest first."""
    query = select(passkeys).where(passkeys.c.account_id == account_id)
    return [_passkey(row) for row in await tx.execute(query.order_by(passkeys.c.created_at, passkeys.c.id))]


async def count_passkeys(tx: Tx, *, account_id: str) -> int:
    """Return how many passkeys the account has."""
    return (await tx.execute(select(func.count()).where(passkeys.c.account_id == account_id))).scalar_one()


async def note_use(tx: Tx, passkey: Passkey, *, sign_count: int, mac: bytes, now: int) -> None:
    """Keep what the passkey's counter says now, and when it served."""
    mine = (passkeys.c.id == passkey.credential_id, passkeys.c.account_id == passkey.account_id)
    await tx.execute(update(passkeys).where(*mine).values(sign_count=sign_count, passkey_mac=mac, last_used_at=now))


async def delete_passkey(tx: Tx, passkey: Passkey) -> None:
    """Forget a passkey."""
    mine = (passkeys.c.id == passkey.credential_id, passkeys.c.account_id == passkey.account_id)
    await tx.execute(delete(passkeys).where(*mine))


async def put_challenge(tx: Tx, challenge: Challenge, *, value: bytes) -> None:
    """Keep a challenge in the place of the one of the same id. The account is to be locked: two at once would collide."""
    await tx.execute(delete(challenges).where(challenges.c.id == challenge.id))
    await tx.execute(
        insert(challenges).values(
            id=challenge.id,
            account_id=challenge.account_id,
            purpose=challenge.purpose,
            value=value,
            context=challenge.context,
            tries=0,
            created_at=challenge.created_at,
            expires_at=challenge.expires_at,
        )
    )


async def take_challenge(tx: Tx, *, challenge_id: str, account_id: str) -> tuple[Challenge, bytes] | None:
    """Return the challenge of this id and its digest, and forget it: of many who take it at once, one is given it."""
    mine = (challenges.c.id == challenge_id, challenges.c.account_id == account_id)
    row = (await tx.execute(select(challenges).where(*mine))).one_or_none()
    if (
        row is None
        or (await tx.execute(delete(challenges).where(*mine, challenges.c.value == row.value))).rowcount != 1
    ):
        return None
    found = Challenge(row.id, row.account_id, row.purpose, row.context, row.created_at, row.expires_at)
    return found, row.value


async def forget_challenges(tx: Tx, *, before: int) -> None:
    """Drop challenges whose time is over."""
    await tx.execute(delete(challenges).where(challenges.c.expires_at < before))


def _passkey(row: Row[Any]) -> Passkey:
    return Passkey(
        row.id,
        row.account_id,
        row.name,
        row.public_key,
        row.sign_count,
        row.created_at,
        row.last_used_at,
        row.passkey_mac,
    )
