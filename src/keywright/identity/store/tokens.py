"""Queries of service tokens."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, insert, select, update

from keywright.identity.token_model import Scope, ServiceToken
from keywright.storage.tables import service_tokens
from keywright.storage.transaction import Tx

Kept = tuple[ServiceToken, bytes, bytes]
"""A token, the digest that recognises it, and its MAC."""


async def insert_token(tx: Tx, token: ServiceToken, *, digest: bytes, mac: bytes) -> None:
    """Keep a new token."""
    await tx.execute(
        insert(service_tokens).values(
            id=token.id,
            name=token.name,
            token_digest=digest,
            scopes=",".join(sorted(token.scopes)),
            addresses=",".join(token.addresses),
            created_at=token.created_at,
            created_by=token.created_by,
            expires_at=token.expires_at,
            disabled_at=None,
            last_used_at=None,
            last_used_from="",
            token_mac=mac,
        )
    )


async def find_token(tx: Tx, *, digest: bytes) -> Kept | None:
    """Return the token of this digest, or `None`."""
    row = (await tx.execute(select(service_tokens).where(service_tokens.c.token_digest == digest))).one_or_none()
    return _kept(row) if row else None


async def token_of(tx: Tx, token_id: str) -> Kept | None:
    """Return the token of this id, or `None`."""
    row = (await tx.execute(select(service_tokens).where(service_tokens.c.id == token_id))).one_or_none()
    return _kept(row) if row else None


async def list_tokens(tx: Tx) -> list[Kept]:
    """Return every token, newest first."""
    query = select(service_tokens).order_by(service_tokens.c.created_at.desc(), service_tokens.c.id)
    return [_kept(row) for row in await tx.execute(query)]


async def disable_token(tx: Tx, token_id: str, *, now: int, mac: bytes) -> None:
    """Mark a token as disabled."""
    mine = service_tokens.c.id == token_id
    await tx.execute(update(service_tokens).where(mine).values(disabled_at=now, token_mac=mac))


async def touch_token(tx: Tx, token_id: str, *, address: str, now: int) -> None:
    """Note when and from where a token was used."""
    mine = service_tokens.c.id == token_id
    await tx.execute(update(service_tokens).where(mine).values(last_used_at=now, last_used_from=address))


def _kept(row: Row[Any]) -> Kept:
    try:
        scopes = frozenset(Scope(word) for word in row.scopes.split(",") if word)
    except ValueError:  # altered beyond reading, or of a newer version: its MAC can't hold, and it may do nothing
        scopes = frozenset()
    token = ServiceToken(
        row.id,
        row.name,
        scopes,
        tuple(row.addresses.split(",")) if row.addresses else (),
        row.created_at,
        row.created_by,
        row.expires_at,
        row.disabled_at,
        row.last_used_at,
        row.last_used_from,
    )
    return token, row.token_digest, row.token_mac
