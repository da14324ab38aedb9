"""Verbs of the policy: what holds for every account, decided by operators while servers run.

Rule 1: settings give each rule its default; what operators decided is stored and goes before it, until it is taken back.
Rule 2: it is read in the transaction of each verb that goes by it, so a change counts from its commit on, in every process.
Rule 3: what is stored is believed only as we wrote it: it carries a MAC, and the version that the audit log knows for the
newest. A row that was altered, put back or removed is no policy: until an operator decides anew, nothing is made that it
would have to allow. Switching something off never asks for it.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

from sqlalchemy import Row

from keywright.audit.events import Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Conflict, Invalid, Unusable
from keywright.identity.model import FactorProof
from keywright.identity.policy_model import HOLD_MOST_HOURS, RULES, Policy, StoredPolicy, Value, rule_of
from keywright.identity.store import policies as store
from keywright.sealing.keyring import Keyring
from keywright.storage.changes import hold_back
from keywright.storage.transaction import Tx

LABEL = "policy/v1"
"""The label under which the keyring derives the key of the row's MAC."""

SUBJECT = "policy"
"""What the audit log calls it."""

HOUR_MS = 60 * 60 * 1000


class RequiresOperator(Protocol):
    """Tells whether a proof is an operator's: `identity.operators.Operators.require`."""

    def __call__(self, tx: Tx, proof: FactorProof, *, now: int) -> Awaitable[None]:
        """Do nothing if it is, and fresh; raises `NotProven`."""
        ...


class Policies:
    """Tells what holds, and lets operators change it."""

    def __init__(self, *, keyring: Keyring, audit: AuditLog, given: Policy, require_operator: RequiresOperator) -> None:
        self._key = keyring.derive(LABEL).reveal()
        self._audit = audit
        self._require_operator = require_operator
        self.given = given
        """What the settings say: it holds where operators decided nothing."""

    async def current(self, tx: Tx) -> Policy:
        """Return what holds now. Raises `Unusable` when what is stored was altered."""
        stored = await self.stored(tx)
        if not stored.holds:
            raise Unusable(
                "the policy was altered outside Keywright, so nothing is done that it would have to allow",
                hint="an operator sets it anew in the console, under Operator",
            )
        return self.given.with_values(stored.values)

    async def shown(self, tx: Tx) -> Policy:
        """Return what a page may say that holds; the settings' word where what is stored was altered."""
        return self.given.with_values((await self.stored(tx)).values)

    async def hold_ms(self, tx: Tx) -> int:
        """Return how long a new withdrawal address waits; the longest there is where the policy was altered."""
        stored = await self.stored(tx)
        hours = self.given.with_values(stored.values).whitelist_hold_hours if stored.holds else HOLD_MOST_HOURS
        return hours * HOUR_MS

    async def stored(self, tx: Tx) -> StoredPolicy:
        """Return what operators decided; without values where that was altered."""
        heard = 0
        for _ in range(2):  # a change that was committed between the two queries is not taken for an altered row
            heard = await self._audit.latest_version(tx, SUBJECT)
            row = await store.find_policy(tx)
            if row is None and not heard:
                return StoredPolicy({}, 0, None, "")
            values = self._read(row)
            if row is not None and values is not None and row.version == heard:
                return StoredPolicy(values, row.version, row.changed_at, row.changed_by)
        return StoredPolicy({}, heard, None, "", holds=False)

    async def change(
        self,
        tx: Tx,
        wanted: Mapping[str, object],
        *,
        version: int | None = None,
        proof: FactorProof,
        actor: Actor,
        now: int,
    ) -> StoredPolicy:
        """Let rules say what is `wanted` of them; `None` gives one back to the settings. Others stay as they are.

        `version` is of the policy that was looked at: one that was changed meanwhile stays as it is. Raises `NotProven`
        without an operator's fresh second factor, `Invalid`, `Conflict`.
        """
        await self._require_operator(tx, proof, now=now)
        return await self._change(tx, wanted, version=version, actor=actor, now=now)

    async def change_by_service(
        self, tx: Tx, wanted: Mapping[str, object], *, version: int | None = None, actor: Actor, now: int
    ) -> StoredPolicy:
        """Do the same for a service token, whose scope its surface has looked at. Raises `Invalid`, `Conflict`."""
        return await self._change(tx, wanted, version=version, actor=actor, now=now)

    async def _change(
        self, tx: Tx, wanted: Mapping[str, object], *, version: int | None, actor: Actor, now: int
    ) -> StoredPolicy:
        rules = {name: rule_of(name) for name in wanted}
        decided = {name: None if value is None else rules[name].checked(value) for name, value in wanted.items()}
        if not decided:
            raise Invalid("there is nothing to change", hint="name a rule and what it should say")
        await hold_back(tx)  # two operators at once: the second one sees what the first one decided
        before = await self.stored(tx)
        if version is not None and version != before.version:
            raise Conflict("the policy was changed meanwhile", hint="look at it again")
        after = {name: value for name, value in {**before.values, **decided}.items() if value is not None}
        if before.holds and after == before.values:
            return before
        stored = StoredPolicy(after, before.version + 1, now, actor.id)
        content = _written(after)
        mac = self._mac(content, stored.version, now, actor.id)
        await store.put_policy(tx, content=content, version=stored.version, at=now, by=actor.id, mac=mac)
        event = Event(Kind.POLICY_CHANGED, actor, "", SUBJECT, stored.version, self._told(before, after))
        await self._audit.record(tx, event, now=now)
        return stored

    def _told(self, before: StoredPolicy, after: Mapping[str, Value]) -> dict[str, object]:
        """Return what the audit log is told: every rule that says something else now, or says it for another reason."""
        then, now = self.given.with_values(before.values), self.given.with_values(after)
        changed = [name for name in RULES if before.values.get(name) != after.get(name)]
        return {
            "before": {name: then.value(name) for name in changed},
            "after": {name: now.value(name) for name in changed},
            "defaults": [name for name in changed if name not in after],
            **({} if before.holds else {"altered": True}),
        }

    def _read(self, row: Row[Any] | None) -> dict[str, Value] | None:
        """Return what a row says, if we wrote it; `None` otherwise."""
        try:
            if row is None or not hmac.compare_digest(
                row.policy_mac, self._mac(row.content, row.version, row.changed_at, row.changed_by)
            ):
                return None
            found = json.loads(row.content)
            return {name: RULES[name].checked(value) for name, value in found.items() if name in RULES}
        except (Invalid, ValueError, TypeError, AttributeError):
            return None

    def _mac(self, content: str, version: int, at: int, by: str) -> bytes:
        return hmac.digest(self._key, b"policy\0" + json.dumps([content, version, at, by]).encode(), "sha256")


def _written(values: Mapping[str, Value]) -> str:
    return json.dumps(dict(sorted(values.items())))
