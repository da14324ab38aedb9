"""What time does to keys: it ends them, leaves them unused, and brings their deadlines near."""

from __future__ import annotations

from dataclasses import replace

from keywright.audit.events import SYSTEM, Kind
from keywright.issuing import deadlines, store
from keywright.issuing.book import Book
from keywright.issuing.deadlines import DueDeadline
from keywright.issuing.model import Owner, Status
from keywright.issuing.rules import DAY_MS
from keywright.storage.transaction import Tx


class Upkeep(Book):
    """The verbs that chores call. One key a transaction, so that no order of locks between keys can matter."""

    async def due_to_expire(self, tx: Tx, *, now: int) -> list[tuple[Owner, str]]:
        """Return whose keys' time has run out without their grant saying so yet."""
        return await store.due_to_expire(tx, now=now)

    async def expire(self, tx: Tx, owner: Owner, key_id: str, *, now: int) -> bool:
        """Mark a key whose time has run out, so that a clock set back can't revive it; tell whether it was marked.

        An altered key is refused as it is, and is left: signing it anew would make it good.
        """
        key = await self._find(tx, owner, key_id)
        if not key.holds or key.status_at(now) is not Status.EXPIRED or key.grant.status is Status.EXPIRED:
            return False
        await self._change(tx, key, replace(key.grant, status=Status.EXPIRED), Kind.KEY_EXPIRED, SYSTEM, now=now)
        return True

    async def idle_too_long(self, tx: Tx, *, now: int) -> list[tuple[Owner, str]]:
        """Return whose keys were unused for longer than the operator allows; none where there is no such rule (K20)."""
        days = (await self._policies.current(tx)).disable_idle_days
        return await store.idle_since(tx, before=now - days * DAY_MS) if days else []

    async def disable_idle(self, tx: Tx, owner: Owner, key_id: str, *, now: int) -> bool:
        """Switch a key off that was unused for longer than the operator allows; tell whether it was switched off."""
        days = (await self._policies.current(tx)).disable_idle_days
        key = await self._find(tx, owner, key_id)
        # Asked again: it may have been used, or switched on, since it was found.
        over = days and (owner, key_id) in await store.idle_since(tx, before=now - days * DAY_MS, key_id=key_id)
        if not key.holds or not over or key.status_at(now) is not Status.ACTIVE:
            return False
        off, grant = replace(key, disabled_at=now), replace(key.grant, status=Status.DISABLED)
        await self._change(tx, off, grant, Kind.KEY_DISABLED, SYSTEM, now=now, reason="idle", days=days)
        return True

    async def due_deadlines(self, tx: Tx, *, now: int) -> list[DueDeadline]:
        """Return of which keys' deadlines their owners should hear now. The same until the next point of the schedule is
        reached, so what was told already has to be remembered: by `DueDeadline.once`."""
        found: list[DueDeadline] = []
        for key, kept in await store.keys_with_deadlines(tx):
            owner = Owner(key.grant.account_id, key.grant.sub_account)
            if any(True for _ in deadlines.due(key, owner, now=now)):  # judging takes a query: only where it matters
                found.extend(deadlines.due(await self._judged(tx, key, kept), owner, now=now))
        return found
