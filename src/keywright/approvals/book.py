"""Approvals as they are written down: read with their MAC checked, changed with their event in the same transaction."""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy import Row

from keywright.approvals import rules, store
from keywright.approvals.model import WITHDRAWAL, Approval, State
from keywright.audit.events import Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Conflict, NotFound
from keywright.secret import Secret
from keywright.storage.transaction import Tx

NOTHING_MORE: Mapping[str, object] = {}
CHANGING = ("state", "factor", "decided_at", "consumed_at", "approval_mac")


class Book:
    """Reads and writes approvals."""

    def __init__(self, key: Secret, audit: AuditLog) -> None:
        self._key = key.reveal()
        self._audit = audit

    async def asked(self, tx: Tx, approval_id: str, asked_by: str) -> Approval:
        """Return what this asker asked for; raises `NotFound`."""
        row = await store.find_asked(tx, asked_by=asked_by, approval_id=approval_id)
        if row is None:
            raise NotFound("there is no such approval")
        return await self.read(tx, row)

    async def read(self, tx: Tx, row: Row[Any]) -> Approval:
        """Return the approval that a row is; one that was altered does not hold."""
        known = row.state in set(State)
        approval = Approval(
            *(row.id, row.account_id, row.sub_account, row.asked_by, row.reference, rules.read_back(row.detail)),
            digest=row.digest,
            state=State(row.state) if known else State.REFUSED,
            factor=row.factor,
            created_at=row.created_at,
            expires_at=row.expires_at,
            decided_at=row.decided_at,
            consumed_at=row.consumed_at,
        )
        mac = rules.mac_of(self._key, approval, version=await self._audit.latest_version(tx, approval.id))
        return replace(approval, holds=known and hmac.compare_digest(row.approval_mac, mac))

    async def begin(self, tx: Tx, approval: Approval, *, now: int) -> None:
        """Write down a new approval. Raises `Conflict` when its asker used the reference at this very moment."""
        if not await store.insert_approval(tx, self._values(approval, version=1)):
            raise Conflict("another withdrawal was asked for under this reference")
        detail = {"reference": approval.reference, "expires_at": approval.expires_at}
        await self._record(tx, Kind.APPROVAL_ASKED, approval, asker(approval), detail, version=1, now=now)

    async def change(
        self,
        tx: Tx,
        kind: Kind,
        before: Approval,
        after: Approval,
        *,
        actor: Actor,
        detail: Mapping[str, object] = NOTHING_MORE,
        now: int,
    ) -> Approval:
        """Write down what became of an approval and return it. Raises `Conflict` when it was decided at this moment."""
        version = await self._audit.latest_version(tx, before.id) + 1
        values = {name: value for name, value in self._values(after, version=version).items() if name in CHANGING}
        if not await store.change_state(
            tx, account_id=before.account_id, approval_id=before.id, before=before.state.value, values=values
        ):
            raise Conflict("this was decided elsewhere at this moment", hint="look at it again")
        await self._record(tx, kind, after, actor, detail, version=version, now=now)
        return after

    async def _record(
        self,
        tx: Tx,
        kind: Kind,
        approval: Approval,
        actor: Actor,
        detail: Mapping[str, object],
        *,
        version: int,
        now: int,
    ) -> None:
        of_whom = {"sub_account": approval.sub_account} if approval.sub_account else {}
        told = {**rules.detail_of(approval.withdrawal), **of_whom, **detail}
        await self._audit.record(tx, Event(kind, actor, approval.account_id, approval.id, version, told), now=now)

    def _values(self, approval: Approval, *, version: int) -> dict[str, Any]:
        return {
            "id": approval.id,
            "account_id": approval.account_id,
            "sub_account": approval.sub_account,
            "asked_by": approval.asked_by,
            "reference": approval.reference,
            "kind": WITHDRAWAL,
            "detail": json.dumps(rules.detail_of(approval.withdrawal)),
            "digest": approval.digest,
            "state": approval.state.value,
            "factor": approval.factor,
            "created_at": approval.created_at,
            "expires_at": approval.expires_at,
            "decided_at": approval.decided_at,
            "consumed_at": approval.consumed_at,
            "approval_mac": rules.mac_of(self._key, approval, version=version),
        }


def asker(approval: Approval) -> Actor:
    """Return who asked, for the audit log."""
    return Actor(approval.asked_by, address=approval.withdrawal.asked_from)
