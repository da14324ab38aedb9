"""Verbs of identities: who an account's owner says they are, and what was decided about it. No pictures are kept.

An approved row is believed only as we wrote it: it carries a MAC, and the version that the audit log knows for the newest.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import replace

from keywright.audit.events import Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Conflict, NotFound, NotProven
from keywright.identity import limits, said, store
from keywright.identity.attempts import charge_within
from keywright.identity.model import FactorProof, Identity, IdentityState
from keywright.identity.store import particulars
from keywright.sealing.keyring import Keyring
from keywright.storage.transaction import Tx

LABEL = "identity/v1"
"""The label under which the keyring derives the key of the rows' MACs."""

SANDBOX = "sandbox"
ASSERTION = "assertion"
"""Who decided where an exchange vouches for its users."""


class Identities:
    """Identities of every account."""

    def __init__(self, *, keyring: Keyring, audit: AuditLog, sandbox: bool) -> None:
        self._key = keyring.derive(LABEL).reveal()
        self._audit = audit
        self._sandbox = sandbox

    async def of(self, tx: Tx, account_id: str) -> Identity | None:
        """Return what the account's owner said of themselves, or `None`. An altered row counts as not decided."""
        found = await particulars.find_identity(tx, account_id=account_id)
        if found is None:
            return None
        identity, mac = found
        return identity if await self._holds(tx, identity, mac) else replace(identity, state=IdentityState.ALTERED)

    async def is_verified(self, tx: Tx, account_id: str) -> bool:
        """Tell whether the account's identity was approved, and nothing was changed since."""
        identity = await self.of(tx, account_id)
        return identity is not None and identity.state is IdentityState.APPROVED

    async def waiting(self, tx: Tx) -> list[Identity]:
        """Return the identities that nobody has decided about yet, oldest first: for operators."""
        return await particulars.submitted_identities(tx)

    async def submit_identity(
        self,
        tx: Tx,
        account_id: str,
        *,
        name: str,
        country: str,
        document: str,
        last_digits: str,
        proof: FactorProof,
        actor: Actor,
        now: int,
    ) -> Identity:
        """Keep who the owner says they are, to be decided about; in the sandbox it is approved on the spot.

        Raises `NotProven` without a fresh second factor, `Invalid`, `Limited`, and `Conflict` for one that is approved.
        """
        if proof.account_id != account_id or not proof.is_fresh(now=now):
            raise NotProven("to verify an identity takes the account's second factor", hint="give a fresh code")
        told = said.identity(name, country, document, last_digits)
        await store.lock_account(tx, account_id=account_id)
        await charge_within(tx, {f"identity:{account_id}": limits.IDENTITY}, now=now)
        before = await self.of(tx, account_id)
        if before is not None and before.state is IdentityState.APPROVED:
            raise Conflict("your identity is verified already", hint="ask whoever runs this to change it")
        version = await self._audit.latest_version(tx, subject_of(account_id)) + 1
        identity = Identity(account_id, IdentityState.SUBMITTED, *told, submitted_at=now, version=version)
        await self._keep(tx, identity, Kind.IDENTITY_SUBMITTED, actor, now=now)
        if not self._sandbox:
            return identity
        state, kind = IdentityState.APPROVED, Kind.IDENTITY_APPROVED
        return await self._decide(tx, identity, state, kind, by=SANDBOX, reason="", actor=Actor(SANDBOX), now=now)

    async def decide_identity(
        self, tx: Tx, account_id: str, *, version: int, approve: bool, reason: str = "", actor: Actor, now: int
    ) -> Identity:
        """Approve an identity or refuse it with a reason its owner reads; one that is approved can still be refused.

        `version` is of the identity that was looked at: of one that was submitted anew meanwhile nothing is decided. For
        operators, never about an approval of their own (PERM-12), and for an exchange's assertion. Raises `NotFound`,
        `Conflict`, and `Invalid` for a refusal without reason.
        """
        await store.lock_account(tx, account_id=account_id)
        identity = await self.of(tx, account_id)
        if identity is None:
            raise NotFound("this account has submitted no identity")
        if identity.version != version:
            raise Conflict("this identity was changed meanwhile", hint="look at it again")
        if identity.state is IdentityState.ALTERED and approve:
            raise Conflict(
                "this identity's record was altered outside Keywright", hint="refuse it, and have it submitted again"
            )
        if approve and actor.id == account_id:
            raise Conflict("nobody approves an identity of their own", hint="another operator decides about it")
        wanted = IdentityState.APPROVED if approve else IdentityState.REFUSED
        if identity.state is wanted:
            return identity
        if approve and identity.state is not IdentityState.SUBMITTED:
            raise Conflict("only an identity that waits can be approved", hint="have it submitted again")
        why = "" if approve else said.reason(reason)
        kind = Kind.IDENTITY_APPROVED if approve else Kind.IDENTITY_REFUSED
        return await self._decide(tx, identity, wanted, kind, by=actor.id, reason=why, actor=actor, now=now)

    async def vouch_identity(self, tx: Tx, account_id: str, *, approved: bool, actor: Actor, now: int) -> None:
        """Keep what an exchange that brings its own login says of its user's identity; who they are stays with it.

        What an operator decided here stands. Does nothing where nothing changes.
        """
        await store.lock_account(tx, account_id=account_id)
        before = await self.of(tx, account_id)
        is_approved = before is not None and before.state is IdentityState.APPROVED
        if approved == is_approved or (before is not None and before.decided_by not in {"", ASSERTION}):
            return
        kept = before or Identity(account_id, IdentityState.SUBMITTED, "", "", "", submitted_at=now, version=0)
        wanted = IdentityState.APPROVED if approved else IdentityState.REFUSED
        kind = Kind.IDENTITY_APPROVED if approved else Kind.IDENTITY_REFUSED
        await self._decide(tx, kept, wanted, kind, by=ASSERTION, reason="", actor=actor, now=now)

    async def _decide(
        self,
        tx: Tx,
        identity: Identity,
        state: IdentityState,
        kind: Kind,
        *,
        by: str,
        reason: str,
        actor: Actor,
        now: int,
    ) -> Identity:
        version = await self._audit.latest_version(tx, subject_of(identity.account_id)) + 1
        decided = replace(identity, state=state, decided_at=now, decided_by=by, reason=reason, version=version)
        await self._keep(tx, decided, kind, actor, now=now)
        return decided

    async def _keep(self, tx: Tx, identity: Identity, kind: Kind, actor: Actor, *, now: int) -> None:
        await particulars.put_identity(tx, identity, mac=self._mac(identity))
        event = Event(kind, actor, identity.account_id, subject_of(identity.account_id), identity.version)
        await self._audit.record(tx, event, now=now)

    async def _holds(self, tx: Tx, identity: Identity, mac: bytes) -> bool:
        newest = await self._audit.latest_version(tx, subject_of(identity.account_id))
        return identity.version == newest and hmac.compare_digest(mac, self._mac(identity))

    def _mac(self, identity: Identity) -> bytes:
        covered = [
            identity.account_id,
            identity.state.value,
            identity.name,
            identity.country,
            identity.document,
            identity.submitted_at,
            identity.decided_at,
            identity.decided_by,
            identity.reason,
            identity.version,
        ]
        return hmac.digest(self._key, b"identity\0" + json.dumps(covered).encode(), "sha256")


def subject_of(account_id: str) -> str:
    """Return what the audit log calls an account's identity: `idn_` and the account's own digits."""
    return "idn_" + account_id.partition("_")[2]
