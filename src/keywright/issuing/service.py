"""Verbs of issuing, one transaction each, its audit event inside. The steps of `issue` are docs/a-key-is-made.md's."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from keywright.audit.events import Actor, Kind
from keywright.errors import Conflict, Invalid, NotFound
from keywright.identity.model import FactorProof, TradingProof
from keywright.issuing import material, rules, store
from keywright.issuing.freezing import Freezing
from keywright.issuing.handover import Handover
from keywright.issuing.model import ApiKey, Grant, Issued, NewKey, Owner, Passphrase, Permission, Status
from keywright.issuing.rotation import Rotation
from keywright.issuing.upkeep import Upkeep
from keywright.secret import Secret
from keywright.storage.transaction import Tx


class IssuingService(Handover, Rotation, Upkeep, Freezing):
    """API keys of every account."""

    def check_wish(
        self, name: str, memo: str, permissions: Iterable[str], environment: str, addresses: tuple[str, ...]
    ) -> None:
        """Do nothing if a key like this may be wished for; raises `Invalid`. Spares a person typing secrets in vain."""
        for problem in self.wrong_with(name, memo, permissions, environment, addresses):
            raise problem

    def wrong_with(
        self, name: str, memo: str, permissions: Iterable[str], environment: str, addresses: tuple[str, ...]
    ) -> tuple[Invalid, ...]:
        """Return all that speaks against a key like this, field by field: a person mends it at one go."""
        checks: tuple[Callable[[], object], ...] = (
            lambda: rules.name(name),
            lambda: rules.memo(memo),
            lambda: rules.environment(environment),
            lambda: rules.allowlist(addresses, rules.permissions(permissions), policy=self._policies.given),
        )
        return tuple(problem for check in checks if (problem := _refused(check)) is not None)

    async def issue(
        self, tx: Tx, owner: Owner, new_key: NewKey, *, proof: FactorProof, actor: Actor, now: int
    ) -> Issued:
        """Make a key. Its secret is in the answer and nowhere else in the clear: show it once, after the commit.

        Raises `NotProven` without a fresh second factor and what else the profile has people prove, `Conflict` before the
        prerequisites are met (K2), `Invalid` for what breaks a rule, `LimitReached` when the account has its keys already;
        then nothing was kept.
        """
        # 1  who asks, and have they proved what it takes; one key of an account is made at a time
        account = await self._identity.lock_unfrozen(tx, owner.account_id, owner.sub_account)
        self._require(proof, owner, now=now, to="make a key")
        await self._standing.require(tx, account, proof=proof, trading=new_key.trading, now=now)
        # 2  may this be issued
        permissions = rules.permissions(new_key.permissions)
        policy = await self._policies.current(tx)
        addresses = rules.allowlist(new_key.addresses, permissions, policy=policy)
        name, memo = rules.name(new_key.name), rules.memo(new_key.memo)
        environment = rules.environment(new_key.environment)
        if new_key.passphrase.account_id != account.id:
            raise Invalid("that passphrase was vetted for another account", field="passphrase")
        passphrase = new_key.passphrase.value
        self._passphrases.refuse_used(await store.list_keys(tx, owner), passphrase)
        slot = rules.free_slot(await store.taken_slots(tx, owner), policy=policy)
        # 3  make it
        key_id, secret = material.new_key()
        # 4  seal the secret to this row; of the passphrase keep only what recognises its header
        grant = Grant(
            key_id=key_id,
            account_id=owner.account_id,
            sub_account=owner.sub_account,
            permissions=permissions,
            environment=environment,
            addresses=addresses,
            status=Status.PENDING if new_key.pending else Status.ACTIVE,
            expires_at=rules.expiry(permissions, addresses, created_at=now, policy=policy),
            version=1,
        )
        kept = self._material(grant, secret, passphrase)
        # 5  keep it
        key = ApiKey(grant, name, memo, now, None, None, None)
        await store.insert_key(tx, key, kept, slot=slot)
        # 6  say so, in the same transaction
        await self._record(tx, Kind.KEY_ISSUED, key, actor, now=now, name=name)
        return Issued(key, secret)

    async def keys(self, tx: Tx, owner: Owner, *, deleted: bool = False) -> list[ApiKey]:
        """Return the owner's keys, oldest first."""
        return [await self._judged(tx, *found) for found in await store.list_keys(tx, owner, deleted=deleted)]

    async def owner_of(self, tx: Tx, account_id: str, key_id: str) -> Owner:
        """Return which of the account and its sub-accounts a key belongs to.

        Raises `NotFound` for a key that is unknown or someone else's.
        """
        found = await store.sub_account_of(tx, account_id, key_id)
        if found is None:
            raise NotFound("there is no key {key}", hint="`keywright keys list` shows them all", key=key_id[:64])
        return Owner(account_id, found)

    async def counts(self, tx: Tx) -> dict[str, int]:
        """Return how many keys each account has: for operators."""
        return await store.count_keys(tx)

    async def key(self, tx: Tx, owner: Owner, key_id: str) -> ApiKey:
        """Return one key; raises `NotFound` for one that is deleted away from sight, unknown or someone else's."""
        return await self._find(tx, owner, key_id)

    async def require_withdrawing(self, tx: Tx, account_id: str, sub_account: str, key_id: str, now: int) -> None:
        """Raise `Conflict` where the operator froze withdrawing, or this key of this owner may not order it now.

        An empty `key_id` is for what no key ordered: only the freeze counts.
        """
        if Permission.WITHDRAW in await self.frozen_permissions(tx):
            raise Conflict("the operator has stopped all withdrawals")
        if not key_id:
            return
        found = await store.find_key(tx, Owner(account_id, sub_account), key_id)
        key = await self._judged(tx, *found) if found else None
        if key is None or not key.holds or Permission.WITHDRAW not in key.grant.permissions:
            raise Conflict("the key that ordered this may not withdraw")
        if key.status_at(now) is not Status.ACTIVE:
            raise Conflict("the key that ordered this is switched off")

    async def rename(
        self,
        tx: Tx,
        owner: Owner,
        key_id: str,
        *,
        name: str | None = None,
        memo: str | None = None,
        actor: Actor,
        now: int,
    ) -> ApiKey:
        """Change a key's name, memo or both; its grant stays. Raises `Invalid`, `NotFound`, `Conflict`."""
        key = await self._living(tx, owner, key_id)
        renamed = replace(
            key,
            name=rules.name(name) if name is not None else key.name,
            memo=rules.memo(memo) if memo is not None else key.memo,
        )
        return await self._change(tx, renamed, key.grant, Kind.KEY_RENAMED, actor, now=now, name=renamed.name)

    async def change_addresses(
        self,
        tx: Tx,
        owner: Owner,
        key_id: str,
        addresses: tuple[str, ...],
        *,
        proof: FactorProof,
        trading: TradingProof | None = None,
        actor: Actor,
        now: int,
    ) -> ApiKey:
        """Bind a key to other addresses; its expiry follows (K19). Takes what making a key takes, prerequisites apart.

        Raises `NotProven`, `Invalid`, `NotFound`, `Conflict`.
        """
        self._require(proof, owner, now=now, to="change a key's addresses")
        await self._standing.require_trading(tx, owner.account_id, proof=proof, trading=trading, now=now)
        key = await self._living(tx, owner, key_id)
        self._refuse_pending(key)
        self._refuse_expired(key, now=now)
        policy = await self._policies.current(tx)
        bound = rules.allowlist(addresses, key.grant.permissions, policy=policy)
        expires_at = rules.expiry(key.grant.permissions, bound, created_at=key.created_at, policy=policy)
        if expires_at is not None and expires_at <= now:
            raise Invalid(
                "without addresses this key would have expired already",
                hint="make a new key instead",
                field="addresses",
            )
        grant = replace(key.grant, addresses=bound, expires_at=expires_at)
        return await self._change(tx, key, grant, Kind.KEY_ADDRESSES_CHANGED, actor, now=now, addresses=list(bound))

    async def change_passphrase(
        self,
        tx: Tx,
        owner: Owner,
        key_id: str,
        *,
        current: Secret,
        new: Passphrase,
        proof: FactorProof,
        actor: Actor,
        now: int,
    ) -> ApiKey:
        """Give a key a new passphrase; the old one is refused from the commit on, everything else stays (K25).

        Raises `NotProven` without a fresh second factor or the current passphrase, `Invalid`, `NotFound`, `Conflict`.
        """
        await self._identity.lock(tx, owner.account_id)  # two keys at once must not be given the same one
        self._require(proof, owner, now=now, to="change a passphrase")
        key = await self._living(tx, owner, key_id)
        self._refuse_pending(key)
        self._refuse_expired(key, now=now)
        await self._passphrases.exchange(tx, owner, key, current=current, new=new)
        return await self._change(tx, key, key.grant, Kind.KEY_PASSPHRASE_CHANGED, actor, now=now)

    async def disable(self, tx: Tx, owner: Owner, key_id: str, *, actor: Actor, now: int) -> ApiKey:
        """Switch a key off: every request that starts after the commit is refused. Asks for no factor, never fails twice.

        Raises `NotFound`; `Conflict` when the key is deleted.
        """
        key = await self._living(tx, owner, key_id, even_altered=True)
        if key.disabled_at is not None and (key.grant.status is not Status.ACTIVE or not key.holds):
            return key
        off = replace(key, disabled_at=now)
        if not key.holds:  # signing an altered grant anew would make it good: only the switch outside it is set
            return await self._switch_off(tx, off, Kind.KEY_DISABLED, actor, now=now)
        if key.grant.status in {Status.EXPIRED, Status.PENDING}:  # that stays, so that enabling can't forget it
            return await self._change(tx, off, key.grant, Kind.KEY_DISABLED, actor, now=now)
        return await self._change(
            tx, off, replace(key.grant, status=Status.DISABLED), Kind.KEY_DISABLED, actor, now=now
        )

    async def enable(self, tx: Tx, owner: Owner, key_id: str, *, proof: FactorProof, actor: Actor, now: int) -> ApiKey:
        """Switch a disabled key on again. Raises `NotProven`, `NotFound`, `Conflict` when it is not disabled or its time is up."""
        self._require(proof, owner, now=now, to="enable a key")
        key = await self._living(tx, owner, key_id)
        if key.status_at(now) is not Status.DISABLED:
            raise Conflict("the key is {status}, not disabled", status=key.status_at(now))
        self._refuse_pending(key)
        self._refuse_expired(key, now=now)
        until = key.grant.overlap_until
        if until is not None and until <= now:
            if await store.successor_of(tx, owner, key_id) is not None:
                raise Conflict("the key's successor took its place", hint="use that one, or delete it first")
            until = None
        on = replace(key, disabled_at=None, enabled_at=now)
        grant = replace(key.grant, status=Status.ACTIVE, overlap_until=until)
        return await self._change(tx, on, grant, Kind.KEY_ENABLED, actor, now=now)

    async def delete(self, tx: Tx, owner: Owner, key_id: str, *, proof: FactorProof, actor: Actor, now: int) -> ApiKey:
        """Delete a disabled or expired key for good: its secret is destroyed, its id never used again.

        Raises `NotProven`, `NotFound`, `Conflict` while the key still works.
        """
        self._require(proof, owner, now=now, to="delete a key")
        key = await self._living(tx, owner, key_id, even_altered=True)
        if key.status_at(now) is Status.ACTIVE:
            raise Conflict(
                "only a disabled key can be deleted", hint="disable it first: keywright keys disable {key}", key=key.id
            )
        return await self._bury(tx, owner, key, Kind.KEY_DELETED, actor, now=now)


def _refused(check: Callable[[], object]) -> Invalid | None:
    try:
        check()
    except Invalid as problem:
        return problem
    return None
