"""Rotation of a held key: the verbs, one transaction each. What may be done when is `rotation`'s to say.

1  begin       the new key is proved as any key is, and kept beside the one that serves
2  switch      it is proved again, a moment before it serves; the one before is kept
3a finish      the one before is destroyed here, and to be deleted at the exchange
3b roll back   the one before serves again, and the new one is destroyed here
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from keywright.audit.events import SYSTEM, Actor, Kind
from keywright.errors import Conflict, Invalid
from keywright.identity.model import FactorProof
from keywright.protocol.refusal import Reason
from keywright.storage.transaction import Tx
from keywright.vault import rotation as rotations, store
from keywright.vault.connecting import Connecting, as_pasted, held_already, taken_exceptions
from keywright.vault.evidence import Credentials, Probe
from keywright.vault.mastery import judge_for
from keywright.vault.model import Connection, HeldKey, Pasted, Sealed
from keywright.vault.preflight import Finding
from keywright.vault.rotation import Rotation, Step
from keywright.vault.seam import KeyDenied, KeyRefused, Outlet

MOST_OPENINGS = 1_000
"""How many of the events that say a key was handed out are looked through, the newest first."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A rotation that is over."""

    connection: Connection
    old_key: str
    """The mask of the key that was destroyed here."""
    is_deleted: bool | None
    """Whether the exchange knows it no longer; `None` where it could not be asked."""


class Rotating(Connecting):
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
                taken = {
                    one.what: one for one in (*connection.record.accepted, *taken_exceptions(findings, actor, now=now))
                }
                record = replace(
                    connection.record, rotation=Rotation(Step.ADDED, held.id, now), accepted=tuple(taken.values())
                )
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
            rotation.switched(before.key.id, now=now)
            held, sealed = await self._other(tx, before, rotation)
            outlet = await self.pool.outlet(tx, before.egress.id)
            trial = await self.pool.trial(tx, outlet)
        credentials = self.book.open(replace(before, key=held), sealed)
        probe = await self._probed(credentials, outlet, trial, before=None, now=now)
        findings = self._judged(before, probe, await self._address(outlet, probe, now=now), now=now)
        async with self._database.write() as tx:
            await self.book.lock(tx, account_id)
            connection = await self._same(tx, before)
            if connection.record.rotation != rotation:
                raise Conflict("the rotation went on meanwhile", hint="look at it again")
            record = replace(
                connection.record,
                held_key_id=held.id,
                probe=probe,
                checked_at=now,
                rotation=rotation.switched(connection.key.id, now=now),
            )
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

        The exchange is not asked: who rolls back is in a hurry; the next round of checks does. Raises `Conflict`, `NotProven`.
        """
        async with self._database.write() as tx:
            self.book.require(proof, account_id, now=now, to="roll a rotation back")
            await self.book.lock(tx, account_id)
            connection, _ = await self.book.good(tx, account_id, wanted)
            rotation = rotations.require(connection.record.rotation)
            new, serving = connection.key, connection.key
            if rotation.step is Step.SWITCHED:
                serving, _ = await self._other(tx, connection, rotation)
            else:
                new, _ = await self._other(tx, connection, rotation)
            await store.wipe_keys(tx, account_id=account_id, connection_id=connection.id, now=now, but=serving.id)
            record = replace(connection.record, held_key_id=serving.id, rotation=None)
            connection = replace(connection, key=serving)
            if rotation.step is Step.SWITCHED:  # what the record says of its rights is the other key's
                await store.plan_check(tx, account_id=account_id, connection_id=connection.id, at=now)
            detail = {"key": serving.masked, "dropped": new.masked}
            return await self.book.change(tx, connection, record, Kind.CONNECTION_ROLLED_BACK, actor, now=now, **detail)

    async def finish(
        self,
        account_id: str,
        wanted: str,
        *,
        despite_started: bool = False,
        proof: FactorProof | None = None,
        actor: Actor,
        now: int,
    ) -> Finished:
        """Destroy the key before here, and tell whether the exchange still knows it.

        Raises `Conflict` while the new one does not serve, and, unless `despite_started`, while a program that was started
        with the key before would lose it (`still_started`); `NotProven`; and `KeyDenied` where the exchange does not take the new one any more:
        then the one before is kept.
        """
        async with self._database.read() as tx:
            before, serving = await self.book.good(tx, account_id, wanted)
            self._require(proof, before, actor, now=now, to="finish a rotation")
            rotation = _switched(before)
            if not (rotation.is_guided or despite_started) and await self.still_started(tx, before) is not None:
                raise Conflict(
                    "a program that was started with the old key has not been started anew since",
                    hint="start it anew, so that its requests don't fail: the old key is deleted at the exchange",
                )
            old, sealed = await self._other(tx, before, rotation)
            outlet = await self.pool.outlet(tx, before.egress.id)
            trial = await self.pool.trial(tx, outlet)
        # The last proof that it serves: afterwards there is no way back.
        credentials, known = self.book.open(before, serving), before.record.probe
        probe = await self._probed(credentials, outlet, trial, before=known, now=now)
        self._judged(before, probe, await self._address(outlet, probe, now=now), now=now)
        doomed = self.book.open(replace(before, key=old), sealed)
        is_deleted = await self._ended_there(before, rotation, doomed, outlet, now=now)
        async with self._database.write() as tx:
            await self.book.lock(tx, account_id)
            connection = await self._same(tx, before)
            if connection.record.rotation != rotation:
                raise Conflict("the rotation went on meanwhile", hint="look at it again")
            await store.wipe_keys(
                tx, account_id=account_id, connection_id=connection.id, now=now, but=connection.key.id
            )
            record = replace(connection.record, rotation=None, probe=probe, checked_at=now)
            detail = {"key": connection.key.masked, "before": old.masked, "deleted": is_deleted}
            kind = Kind.CONNECTION_ROTATED if rotation.is_guided else Kind.CONNECTION_RENEWED
            connection = await self.book.change(tx, connection, record, kind, actor, now=now, **detail)
        return Finished(connection, old.masked, is_deleted)

    async def still_started(self, tx: Tx, connection: Connection) -> int | None:
        """Return when a program was started with the key before that has not been started anew since the switch, as far as
        the audit log knows; `None` where there is none. What signs here has the new key already."""
        rotation = connection.record.rotation
        if rotation is None or rotation.step is not Step.SWITCHED or rotation.switched_at is None:
            return None
        old, _ = await self._other(tx, connection, rotation)
        starts = await self._starts(tx, connection.record.account_id, since=old.added_at)
        started = [at for subject, at in starts if subject == connection.id]
        return started[0] if started and started[0] < rotation.switched_at else None

    async def _starts(self, tx: Tx, account_id: str, *, since: int = 0) -> list[tuple[str, int]]:
        """Return which connection's key a program was started with, and when (ms), the newest first; not what a diagnosis opened."""
        rows = await self._audit.list(
            tx, account_id=account_id, kind="connection.opened", since=since, limit=MOST_OPENINGS
        )
        return [(row.subject, row.at) for row in rows if json.loads(row.detail).get("purpose") == "exec"]

    async def _ended_there(
        self,
        connection: Connection,  # noqa: ARG002  who rotates through a master key needs more than the key
        rotation: Rotation,  # noqa: ARG002
        doomed: Credentials,
        outlet: Outlet,
        *,
        now: int,
    ) -> bool | None:
        """Tell whether the exchange knows a key no longer; `None` where it could not be asked."""
        return await self._is_gone(doomed, outlet, now=now)

    async def _is_gone(self, doomed: Credentials, outlet: Outlet, *, now: int) -> bool | None:
        try:
            await self._asks.probe(doomed, outlet, now=now)
        except KeyDenied as denied:
            return True if denied.reasons[:1] == (Reason.KEY_UNKNOWN,) else None
        return False

    def _require(self, proof: FactorProof | None, connection: Connection, actor: Actor, *, now: int, to: str) -> None:
        """Do nothing if the second factor was proved, or the owner proved it once for all that the server does by itself."""
        if actor == SYSTEM and connection.record.terms.by_itself:
            return
        self.book.require(proof, connection.record.account_id, now=now, to=to)

    async def rotation_keys(self, tx: Tx, connection: Connection) -> tuple[HeldKey, HeldKey] | None:
        """Return the key that serves and the other one of a rotation, `None` where there is no rotation."""
        rotation = connection.record.rotation
        return None if rotation is None else (connection.key, (await self._other(tx, connection, rotation))[0])

    async def _other(self, tx: Tx, connection: Connection, rotation: Rotation) -> tuple[HeldKey, Sealed]:
        """Return the other key. Its id is in the connection's record, and what is sealed opens in the row of that id only."""
        found = await store.find_key(
            tx, account_id=connection.record.account_id, connection_id=connection.id, key_id=rotation.other_key_id
        )
        if found is None or found[0].wiped_at is not None:
            raise Conflict("the other key of this rotation is gone", hint="replace the connection's key instead")
        return found

    def _judged(self, connection: Connection, probe: Probe, egress_address: str, *, now: int) -> tuple[Finding, ...]:
        """Return what was found about a key that may be used. Raises `KeyRefused`."""
        purpose, accepted = connection.record.terms.purpose, connection.exceptions()
        findings = judge_for(purpose, probe, egress_address=egress_address, accepted=accepted, now=now)
        if any(one.refuses for one in findings):
            raise KeyRefused(findings)
        return findings


def _switched(connection: Connection) -> Rotation:
    rotation = rotations.require(connection.record.rotation)
    if rotation.step is not Step.SWITCHED:
        raise Conflict("the new key does not serve yet", hint="switch to it first, or roll back")
    return rotation
