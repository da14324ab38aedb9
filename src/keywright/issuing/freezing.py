"""A permission that an operator froze is refused at every gateway, whatever key it is used with (N8).

Rule 1: two things say that a permission is frozen, a row and the audit log; either is enough. Who edits the database can
freeze one, but lift no freeze.
Rule 2: in the log it is the version of the permission's newest event: odd while it is frozen.
"""

from __future__ import annotations

from keywright.audit.events import Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import NotProven
from keywright.identity.model import FactorProof
from keywright.issuing import rules, store
from keywright.issuing.book import Book
from keywright.issuing.model import Permission
from keywright.storage.changes import announce, hold_back
from keywright.storage.transaction import Tx


async def frozen_permissions(tx: Tx, audit: AuditLog) -> frozenset[Permission]:
    """Return the permissions that are refused everywhere."""
    said = await store.frozen_permissions(tx)
    return frozenset(
        [one for one in Permission if one.value in said or await audit.latest_version(tx, _subject(one)) % 2]
    )


class Freezing(Book):
    """The verbs of operators about permissions."""

    async def frozen_permissions(self, tx: Tx) -> frozenset[Permission]:
        """Return the permissions that are refused everywhere."""
        return await frozen_permissions(tx, self._audit)

    async def freezes(self, tx: Tx) -> dict[Permission, tuple[int | None, str]]:
        """Return the permissions that are refused everywhere, each with since when and who froze it, where a row says so."""
        rows = await store.freezes(tx)
        return {one: rows.get(one.value, (None, "")) for one in Permission if one in await self.frozen_permissions(tx)}

    async def count_active(self, tx: Tx) -> dict[Permission, int]:
        """Return how many keys that work have each permission: what a freeze would stop."""
        counts = dict.fromkeys(Permission, 0)
        for words, number in await store.count_active(tx):
            for one in Permission:
                counts[one] += number if one.value in words.split(",") else 0
        return counts

    async def freeze_permission(self, tx: Tx, word: str, *, actor: Actor, now: int) -> Permission:
        """Refuse every call that takes this permission, with every key, on every node, until it is lifted.

        Asks for no factor: it switches off. Raises `Invalid` for a word that is no permission.
        """
        permission = rules.permission(word)
        await hold_back(tx)  # whoever lifts it meanwhile waits here, or is waited for
        if permission not in await self.frozen_permissions(tx):
            await self._note(tx, permission, Kind.PERMISSION_FROZEN, actor, now=now)
            await store.freeze_permission(tx, permission, by=actor.id, now=now)
        return permission

    async def unfreeze_permission(self, tx: Tx, word: str, *, proof: FactorProof, actor: Actor, now: int) -> Permission:
        """Let keys do again what their permission allows. Raises `Invalid`, and `NotProven` without a fresh second factor
        of an operator."""
        permission = rules.permission(word)
        await hold_back(tx)
        account = await self._identity.account(tx, account_id=proof.account_id)
        # The audit log must know of it too: the row alone could have been written by anybody.
        chosen = account.operator_at is not None and await self._audit.knows(tx, account.id, Kind.OPERATOR_CLAIMED)
        if not proof.is_fresh(now=now) or not chosen:
            raise NotProven(
                "to lift this takes an operator's second factor", hint="`keywright operator link` makes one"
            )
        if permission in await self.frozen_permissions(tx):
            await self._note(tx, permission, Kind.PERMISSION_UNFROZEN, actor, now=now)
            await store.unfreeze_permission(tx, permission)
        return permission

    async def _note(self, tx: Tx, permission: Permission, kind: Kind, actor: Actor, *, now: int) -> None:
        version = await self._audit.latest_version(tx, _subject(permission))
        odd = kind is Kind.PERMISSION_FROZEN
        version += 1 if bool(version % 2) is not odd else 2
        event = Event(kind, actor, "", _subject(permission), version, {"permission": permission.value})
        await self._audit.record(tx, event, now=now)
        await announce(tx)


def _subject(permission: Permission) -> str:
    return f"permission:{permission.value}"
