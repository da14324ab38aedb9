"""How keys are found, judged, written and told of: what every verb of issuing stands on."""

from __future__ import annotations

from dataclasses import replace

from keywright.audit.events import Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Conflict, NotFound, NotProven, Unusable
from keywright.identity.model import FactorProof
from keywright.identity.policies import Policies
from keywright.identity.service import IdentityService
from keywright.identity.standing import Standing
from keywright.issuing import grant as grants, store
from keywright.issuing.model import ApiKey, Grant, Material, Owner, Status
from keywright.issuing.passphrases import Passphrases
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.storage.changes import announce
from keywright.storage.transaction import Tx


class Book:
    """Reads and writes keys for the verbs of the modules above it; decides nothing itself."""

    def __init__(
        self, *, keyring: Keyring, audit: AuditLog, identity: IdentityService, standing: Standing, policies: Policies
    ) -> None:
        self._keyring = keyring
        self._audit = audit
        self._identity = identity
        self._standing = standing
        self._passphrases = Passphrases(keyring=keyring, identity=identity)
        self.vet_passphrase = self._passphrases.vet
        self._policies = policies
        self._grant_key = keyring.derive(grants.LABEL)

    async def _change(
        self, tx: Tx, key: ApiKey, grant: Grant, kind: Kind, actor: Actor, *, now: int, **detail: object
    ) -> ApiKey:
        """Write the key under a grant one version up, with its event."""
        changed = replace(key, grant=replace(grant, version=key.grant.version + 1))
        await store.update_key(tx, changed, grant_mac=grants.grant_mac(self._grant_key, changed.grant))
        await self._record(tx, kind, changed, actor, now=now, **detail)
        return changed

    async def _record(self, tx: Tx, kind: Kind, key: ApiKey, actor: Actor, *, now: int, **detail: object) -> None:
        if kind is Kind.KEY_ISSUED:
            pending = {"pending": True} if key.grant.status is Status.PENDING else {}
            detail |= pending | {
                "permissions": sorted(key.grant.permissions),
                "environment": key.grant.environment,
                "addresses": list(key.grant.addresses),
                "expires_at": key.grant.expires_at,
            }
        event = Event(kind, actor, key.grant.account_id, key.id, key.grant.version, detail)
        await self._audit.record(tx, event, now=now)
        await announce(tx)

    def _material(self, grant: Grant, secret: Secret, passphrase: Secret) -> Material:
        """Return what is kept of a new key."""
        sealed, digest = self._passphrases.protect(grant, secret, passphrase)
        return Material(sealed, digest, grants.grant_mac(self._grant_key, grant))

    async def _bury(self, tx: Tx, owner: Owner, key: ApiKey, kind: Kind, actor: Actor, *, now: int) -> ApiKey:
        """End a key for good: its secret is destroyed, its place free. One that it was to replace works on."""
        old = await self._predecessor(tx, owner, key)
        gone = replace(key, deleted_at=now)
        if key.holds:
            grant = replace(key.grant, status=Status.DELETED)
            gone = await self._change(tx, gone, grant, kind, actor, now=now, name=key.name)
        else:
            gone = await self._switch_off(tx, gone, kind, actor, now=now)
        await store.bury_key(tx, owner, key.id, now=now)
        if old is not None:
            arrived = key.grant.status is not Status.PENDING
            if arrived and old.disabled_at is None and (old.grant.overlap_until or 0) <= now:
                old = await self._end(tx, old, actor, now=now)  # its time was over, whether a chore came by or not
            await self._change(tx, old, replace(old.grant, overlap_until=None), Kind.KEY_KEPT, actor, now=now)
        return gone

    async def _predecessor(self, tx: Tx, owner: Owner, key: ApiKey) -> ApiKey | None:
        """Return the key that this one is to replace, if that is there and good.

        To be asked before anything is recorded: rows are locked first and the head of the audit log last, everywhere.
        """
        if not key.grant.predecessor_id or not key.holds:
            return None
        found = await store.find_key(tx, owner, key.grant.predecessor_id)
        if found is None or found[0].deleted_at is not None or found[0].grant.overlap_until is None:
            return None
        old = await self._judged(tx, *found)
        return old if old.holds else None

    async def _end(self, tx: Tx, old: ApiKey, actor: Actor, *, now: int) -> ApiKey:
        """Switch off the key whose place its successor takes."""
        off, grant = replace(old, disabled_at=now), old.grant
        if grant.status is Status.ACTIVE:  # that it expired stays, so that enabling can't forget it
            grant = replace(grant, status=Status.DISABLED)
        return await self._change(tx, off, grant, Kind.KEY_DISABLED, actor, now=now, reason="overlap")

    async def _switch_off(self, tx: Tx, key: ApiKey, kind: Kind, actor: Actor, *, now: int) -> ApiKey:
        """Set the switches outside an altered grant, with their event; the grant stays as unusable as it is."""
        await store.set_switches(tx, key)
        heard = await self._audit.latest_version(tx, key.id)
        detail = {"name": key.name, "altered": True}
        await self._audit.record(tx, Event(kind, actor, key.grant.account_id, key.id, heard, detail), now=now)
        await announce(tx)
        return key

    async def _find(self, tx: Tx, owner: Owner, key_id: str) -> ApiKey:
        """Return the key, and in it whether its grant is the one we made and the newest the audit log knows."""
        found = await store.find_key(tx, owner, key_id)
        if found is None:
            raise NotFound("there is no key {key}", hint="`keywright keys list` shows them all", key=key_id[:64])
        return await self._judged(tx, *found)

    async def _judged(self, tx: Tx, key: ApiKey, kept: Material) -> ApiKey:
        heard = await self._audit.latest_version(tx, key.id)
        holds = grants.grant_holds(self._grant_key, key.grant, kept.grant_mac) and heard == key.grant.version
        return replace(key, holds=holds)

    async def _living(self, tx: Tx, owner: Owner, key_id: str, *, even_altered: bool = False) -> ApiKey:
        """Return the key if it is not deleted. A verb that would sign its grant anew takes none that was altered."""
        key = await self._find(tx, owner, key_id)
        if key.deleted_at is not None:
            raise Conflict("the key is deleted", hint="a deleted key can't be brought back: make a new one")
        if not key.holds and not even_altered:
            raise Unusable(
                "the record of key {key} was altered outside Keywright: it can only be disabled and deleted",
                hint="run `keywright audit verify`, and make a new key",
                key=key.id,
            )
        return key

    def _require(self, proof: FactorProof, owner: Owner, *, now: int, to: str) -> None:
        if proof.account_id != owner.account_id or not proof.is_fresh(now=now):
            raise NotProven("to {to} takes the account's second factor", hint="give a fresh code", to=to)

    def _refuse_expired(self, key: ApiKey, *, now: int) -> None:
        grant = key.grant
        if grant.status is Status.EXPIRED or (grant.expires_at is not None and grant.expires_at <= now):
            raise Conflict("the key's time is up", hint="make a new one")

    def _refuse_pending(self, key: ApiKey) -> None:
        if key.grant.status is Status.PENDING:
            raise Conflict("the key's secret never reached you", hint="remove it and make a new one")
