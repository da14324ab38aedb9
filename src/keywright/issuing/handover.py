"""Between the making of a key and the word that its secret arrived (case LIFE-11).

The secret is the answer to the request that made the key. Where that answer is lost, nobody can show it again, so the key
is made pending: it can't be used until its owner says that it is kept, and is removed when nobody does.
"""

from __future__ import annotations

from dataclasses import replace

from keywright.audit.events import SYSTEM, Actor, Kind
from keywright.errors import Conflict
from keywright.issuing import store
from keywright.issuing.book import Book
from keywright.issuing.model import ApiKey, Owner, Status
from keywright.issuing.rules import PENDING_MS, ends_on_arrival
from keywright.storage.transaction import Tx


class Handover(Book):
    """What becomes of a pending key."""

    async def acknowledge(self, tx: Tx, owner: Owner, key_id: str, *, actor: Actor, now: int) -> ApiKey:
        """Let a pending key be used, because its owner has the secret. Does nothing to one that works already.

        Raises `NotFound`; `Conflict` when it was switched off, or nobody said so in time.
        """
        key = await self._living(tx, owner, key_id)
        if key.status_at(now) is Status.ACTIVE:
            return key
        if key.status_at(now) is not Status.PENDING:
            raise Conflict("the key is {status}, it waits for nothing", status=key.status_at(now))
        if now >= key.created_at + PENDING_MS:
            raise Conflict(
                "that the key arrived was to be said within ten minutes", hint="remove it and make a new one"
            )
        old = await self._predecessor(tx, owner, key)
        key = await self._change(
            tx, key, replace(key.grant, status=Status.ACTIVE), Kind.KEY_ACKNOWLEDGED, actor, now=now
        )
        if old is not None and old.disabled_at is None and ends_on_arrival(old, key):
            await self._end(tx, old, actor, now=now)
        return key

    async def discard(self, tx: Tx, owner: Owner, key_id: str, *, actor: Actor, now: int) -> ApiKey:
        """Remove a key that nobody could ever use, and free its place. Asks for no factor.

        Raises `NotFound`; `Conflict` for a key whose secret arrived.
        """
        key = await self._living(tx, owner, key_id)
        if key.grant.status is not Status.PENDING:
            raise Conflict("the key's secret arrived", hint="disable it, then delete it")
        return await self._bury(tx, owner, key, Kind.KEY_DISCARDED, actor, now=now)

    async def never_shown(self, tx: Tx, *, now: int) -> list[tuple[Owner, str]]:
        """Return whose keys have waited too long for the word that their secret arrived."""
        return await store.never_shown(tx, before=now - PENDING_MS)

    async def remove_never_shown(self, tx: Tx, owner: Owner, key_id: str, *, now: int) -> bool:
        """Remove a key that has waited too long, and free its place; tell whether it was removed.

        An altered key is left for its owner: whether it is pending is not known.
        """
        key = await self._find(tx, owner, key_id)
        over = key.deleted_at is None and key.grant.status is Status.PENDING and now >= key.created_at + PENDING_MS
        if not key.holds or not over:
            return False
        await self._bury(tx, owner, key, Kind.KEY_NEVER_SHOWN, SYSTEM, now=now)
        return True
