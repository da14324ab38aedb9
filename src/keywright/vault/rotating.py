"""Rotation of a held key: the verbs, one transaction each. What may be done when is `rotation`'s to say.

1  begin       the new key is proved as any key is, and kept beside the one that serves
2  switch      it is proved again, a moment before it serves; the one before is kept
3a finish      the one before is destroyed here, and to be deleted at the exchange
3b roll back   the one before serves again, and the new one is destroyed here
"""

from __future__ import annotations

from dataclasses import replace

from keywright.audit.events import Actor, Kind
from keywright.errors import Conflict, Invalid
from keywright.identity.model import FactorProof
from keywright.storage.transaction import Tx
from keywright.vault import rotation as rotations, store, turns
from keywright.vault.beside import Beside
from keywright.vault.connecting import as_pasted, held_already, taken_exceptions
from keywright.vault.ending import Ending
from keywright.vault.model import Connection, HeldKey, Pasted
from keywright.vault.rotation import Rotation, Step
from keywright.vault.seals import seal_of


class Rotating(Ending):
    """The verbs that put one key in another's place without a moment between."""

    async def begin_rotation(
        self,
        account_id: str,
        wanted: str,
        given: Pasted,
        *,
        proof: FactorProof | None = None,
        actor: Actor,
        now: int,
    ) -> Connection:
        """Keep a new key beside the one that serves a connection. That one serves on.

        Raises as `connect` does, `Invalid` where the new key may do less than a bot may need, and `Conflict` where a rotation
        is under way; then all is as it was.
        """
        async with self._database.read() as tx:
            self.book.require(proof, account_id, now=now, to="rotate a held key")
            before, _ = await self.book.good(tx, account_id, wanted)
            rotations.require_none(before.record.rotation)
            outlet = await self.pool.outlet(tx, before.egress.id)
            trial = await self.pool.trial(tx, outlet)
        credentials = as_pasted(before.record.exchange, given)
        held, sealed = self._sealed(credentials, before.id, account_id, now=now)
        if held.digest == before.key.digest:
            raise Invalid(
                "this is the key that serves already",
                hint="make a new one at {exchange}, with the same boxes ticked",
                field="key",
                exchange=before.record.exchange.title,
            )
        purpose = before.record.terms.purpose
        probe, findings = await self._vet(
            account_id, credentials, outlet, trial, accept=given.accept, purpose=purpose, actor=actor, now=now
        )
        rotations.require_as_able(before.record.probe, probe)
        async with self._database.write() as tx:
            await self.book.lock(tx, account_id)
            connection = await self._same(tx, before)
            rotations.require_none(connection.record.rotation)
            owner = await self._claimed(tx, held, connection, actor=actor, now=now)
            if owner is None:
                await store.insert_key(tx, held, sealed, account_id=account_id, exchange=connection.record.exchange)
                beside = Beside(seal_of(held), taken_exceptions(findings, actor, now=now))
                record = replace(connection.record, rotation=Rotation(Step.ADDED, held.id, now, beside=beside))
                detail = {"key": held.masked, "fingerprint": held.fingerprint}
                kind = Kind.CONNECTION_ROTATION_BEGUN
                connection = await self.book.change(tx, connection, record, kind, actor, now=now, **detail)
        if owner is not None:
            raise held_already(owner, account_id)
        return connection

    async def switch(
        self, account_id: str, wanted: str, *, proof: FactorProof | None = None, actor: Actor, now: int
    ) -> Connection:
        """Let the new key serve, once the exchange said a moment ago that it still may. The one before is kept.

        Raises `KeyRefused`, `KeyDenied` and what the exchange said, and `Conflict`; then the one before serves on.
        """
        async with self._database.read() as tx:
            before, _ = await self.book.good(tx, account_id, wanted)
            self._require(proof, before, actor, now=now, to="rotate a held key")
            rotation = rotations.require(before.record.rotation)
            rotation.require_unswitched()
            held, sealed = await self._other(tx, before, rotation)
            outlet = await self.pool.outlet(tx, before.egress.id)
            trial = await self.pool.trial(tx, outlet)
        credentials = self.book.open(replace(before, key=held), sealed)
        probe = await self._probed(credentials, outlet, trial, before=None, now=now)
        accepted, address = rotation.accepted(before.record.accepted), await self._address(outlet, probe, now=now)
        findings = self._judged(before, probe, address, accepted=accepted, now=now)
        async with self._database.write() as tx:
            await self.book.lock(tx, account_id)
            connection = await self._same(tx, before)
            if connection.record.rotation != rotation:
                raise Conflict("the rotation went on meanwhile", hint="look at it again")
            record = turns.switched(connection.record, held, connection.key, probe, now=now)
            before_key, connection = connection.key, replace(connection, key=held)
            await self._plan(tx, connection, now=now)
            detail = {
                "key": held.masked,
                "before": before_key.masked,
                "accepted": [one.accept for one in findings if one.accept],
            }
            return await self.book.change(tx, connection, record, Kind.CONNECTION_SWITCHED, actor, now=now, **detail)

    async def roll_back(
        self, account_id: str, wanted: str, *, proof: FactorProof | None = None, actor: Actor, now: int
    ) -> Connection:
        """Let the key before serve again, or give up a new one that does not serve yet; the new one is destroyed here.

        Who rolls back is in a hurry: an exchange that can't be reached is not waited for; the next round of checks asks it.
        Raises `NotProven`, and `Conflict`, also where the exchange says that it knows the key before no longer; then the new
        one serves on.
        """
        async with self._database.read() as tx:
            self.book.require(proof, account_id, now=now, to="roll a rotation back")
            before, _ = await self.book.good(tx, account_id, wanted)
            rotation = rotations.require(before.record.rotation)
        await self._require_taken(before, now=now)
        async with self._database.write() as tx:
            await self.book.lock(tx, account_id)
            connection = await self._same(tx, before)
            if connection.record.rotation != rotation:
                raise Conflict("the rotation went on meanwhile", hint="look at it again")
            new, serving = connection.key, connection.key
            if rotation.step is Step.SWITCHED:
                serving, _ = await self._other(tx, connection, rotation)
            else:
                new, _ = await self._other(tx, connection, rotation)
            await store.wipe_keys(tx, account_id=account_id, connection_id=connection.id, now=now, but=serving.id)
            record = replace(turns.gone_back(connection.record, serving), rotation=None)
            connection = replace(connection, key=serving)
            if rotation.step is Step.SWITCHED:  # what it may do now, nobody has asked since
                await store.plan_check(tx, account_id=account_id, connection_id=connection.id, at=now)
            detail = {"key": serving.masked, "dropped": new.masked}
            return await self.book.change(tx, connection, record, Kind.CONNECTION_ROLLED_BACK, actor, now=now, **detail)

    async def rotation_keys(self, tx: Tx, connection: Connection) -> tuple[HeldKey, HeldKey] | None:
        """Return the key that serves and the other one of a rotation, `None` where there is no rotation."""
        rotation = connection.record.rotation
        return None if rotation is None else (connection.key, (await self._other(tx, connection, rotation))[0])
