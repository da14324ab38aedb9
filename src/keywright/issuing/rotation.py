"""A key and its successor: made beside it, working beside it for a while, and then alone (K12).

Rule 1: the two share a place, in its two lanes, until one of them is deleted (K7). So a place holds at most two keys, and a
successor can't be rotated while its predecessor is there.
Rule 2: from `overlap_until` on the predecessor is refused, whether a chore has come by or not; it can't be enabled while its
successor is there. Both times are in the grant, under its MAC.
Rule 3: a successor that is removed, or never arrived, leaves its predecessor as it was.
"""

from __future__ import annotations

from dataclasses import replace

from keywright.audit.events import SYSTEM, Actor, Kind
from keywright.errors import Conflict, Invalid
from keywright.identity.model import FactorProof, TradingProof
from keywright.issuing import material, rules, store
from keywright.issuing.book import Book
from keywright.issuing.model import ApiKey, Issued, Owner, Passphrase, Status
from keywright.storage.transaction import Tx


class Rotation(Book):
    """Makes successors, and ends what they replace."""

    async def rotate(
        self,
        tx: Tx,
        owner: Owner,
        key_id: str,
        *,
        passphrase: Passphrase,
        overlap_hours: int = rules.OVERLAP_MOST_HOURS,
        pending: bool = False,
        proof: FactorProof,
        trading: TradingProof | None = None,
        actor: Actor,
        now: int,
    ) -> Issued:
        """Make a key's successor: the same permissions, environment, addresses and name, a secret and a passphrase of its
        own. Both work for `overlap_hours`; with 0 the old one ends now, or once a pending successor has arrived.

        A successor is a new key: it takes what `IssuingService.issue` takes. Raises `NotProven`, `Invalid`, `NotFound`;
        `Conflict` before the prerequisites are met (K2), for a key that does not work or has another beside it.
        """
        account = await self._identity.lock_unfrozen(tx, owner.account_id, owner.sub_account)
        self._require(proof, owner, now=now, to="rotate a key")
        await self._standing.require(tx, account, proof=proof, trading=trading, now=now)
        hours = rules.overlap_hours(overlap_hours)
        old = await self._living(tx, owner, key_id)
        self._refuse_pending(old)
        if old.status_at(now) is not Status.ACTIVE:
            raise Conflict(
                "the key is {status}: only one that works can be rotated",
                hint="make a new key instead",
                status=old.status_at(now),
            )
        slot, lanes = await store.place_of(tx, owner, key_id)
        if len(lanes) > 1:
            raise Conflict(
                "a key and its successor share one place already", hint="delete the one that is not needed first"
            )
        if passphrase.account_id != account.id:
            raise Invalid("that passphrase was vetted for another account", field="passphrase")
        self._passphrases.refuse_used(await store.list_keys(tx, owner), passphrase.value)
        new_id, secret = material.new_key()
        policy = await self._policies.current(tx)
        allowed, bound = old.grant.permissions, old.grant.addresses
        grant = replace(
            old.grant,
            key_id=new_id,
            status=Status.PENDING if pending else Status.ACTIVE,
            expires_at=rules.expiry(allowed, bound, created_at=now, policy=policy),
            version=1,
            predecessor_id=old.id,
        )
        key = ApiKey(grant, old.name, old.memo, now, None, None, None)
        kept = self._material(grant, secret, passphrase.value)
        await store.insert_key(tx, key, kept, slot=slot, lane=1 - lanes[0])
        await self._record(tx, Kind.KEY_ISSUED, key, actor, now=now, name=key.name, predecessor=old.id)
        until = rules.overlap_until(hours, pending=pending, now=now)
        old = await self._change(
            tx,
            old,
            replace(old.grant, overlap_until=until),
            Kind.KEY_ROTATED,
            actor,
            now=now,
            successor=key.id,
            overlap_until=until,
        )
        if until <= now:
            await self._end(tx, old, actor, now=now)
        return Issued(key, secret)

    async def overlaps_over(self, tx: Tx, *, now: int) -> list[tuple[Owner, str]]:
        """Return whose keys had their successors beside them for as long as was asked for, and are not off yet."""
        return await store.overlaps_over(tx, now=now)

    async def end_overlap(self, tx: Tx, owner: Owner, key_id: str, *, now: int) -> bool:
        """Switch a key off whose successor takes its place now; tell whether it was switched off.

        An altered key is refused as it is, and is left. One whose successor is gone all the same works on.
        """
        key = await self._find(tx, owner, key_id)
        until = key.grant.overlap_until
        if not key.holds or key.deleted_at is not None or key.disabled_at is not None or until is None or now < until:
            return False
        successor = await store.successor_of(tx, owner, key_id)
        if successor is None:
            await self._change(tx, key, replace(key.grant, overlap_until=None), Kind.KEY_KEPT, SYSTEM, now=now)
            return False
        if successor[0].grant.status is Status.PENDING:
            return False  # what becomes of that decides
        await self._end(tx, key, SYSTEM, now=now)
        return True
