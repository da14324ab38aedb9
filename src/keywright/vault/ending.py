"""How a rotation of a held key ends: the key before is destroyed here, once the new one was proved for the last time."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from keywright.audit.events import SYSTEM, Actor, Kind
from keywright.errors import Conflict, KeywrightError
from keywright.identity.model import FactorProof
from keywright.protocol.refusal import Reason
from keywright.storage.transaction import Tx
from keywright.vault import rotation as rotations, store
from keywright.vault.connecting import Connecting
from keywright.vault.evidence import Credentials, Probe
from keywright.vault.mastery import judge_for
from keywright.vault.model import Connection, HeldKey, Sealed
from keywright.vault.preflight import Finding
from keywright.vault.rotation import Rotation, Step
from keywright.vault.seam import KeyDenied, KeyRefused, Outlet
from keywright.vault.terms import Accepted

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


class Ending(Connecting):
    """The verb that ends a rotation, and what every step of one stands on."""

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
        with the key before would lose it (`still_started`); `NotProven`; and `KeyDenied` or `KeyRefused` where the new one is not what it should
        be: then the one before is kept, unless the exchange knows that one no longer.
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
        credentials, known = self.book.open(before, serving), before.record.probe
        doomed = self.book.open(replace(before, key=old), sealed)
        probe: Probe | None = None
        try:  # the last proof that it serves: afterwards there is no way back
            probe = await self._probed(credentials, outlet, trial, before=known, now=now)
            self._judged(before, probe, await self._address(outlet, probe, now=now), now=now)
        except (KeyDenied, KeyRefused):
            if not await self._is_gone(doomed, outlet, now=now):
                raise
            probe = None  # there is none now: what becomes of the one that serves is for the next check to say
        before = await self._no_way_back(before, doomed, outlet, actor=actor, now=now)
        rotation = rotations.require(before.record.rotation)
        is_deleted = await self._ended_there(before, rotation, doomed, outlet, now=now)
        async with self._database.write() as tx:
            await self.book.lock(tx, account_id)
            connection = await self._same(tx, before)
            if connection.record.rotation != rotation:
                raise Conflict("the rotation went on meanwhile", hint="look at it again")
            await store.wipe_keys(
                tx, account_id=account_id, connection_id=connection.id, now=now, but=connection.key.id
            )
            record = replace(connection.record, rotation=None)
            if probe is not None:
                record = replace(record, probe=probe, checked_at=now)
            else:
                await store.plan_check(tx, account_id=account_id, connection_id=connection.id, at=now)
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

    async def _no_way_back(
        self, before: Connection, doomed: Credentials, outlet: Outlet, *, actor: Actor, now: int
    ) -> Connection:
        """Keep that the key before may be gone at the exchange from now on, if it is we who have it deleted there; return the
        connection after that. Killed afterwards, nobody goes back to it unseen. Raises where it can't be deleted."""
        rotation = rotations.require(before.record.rotation)
        if rotation.is_guided:
            return before
        await self._require_deletable(before, doomed, outlet, now=now)
        async with self._database.write() as tx:
            await self.book.lock(tx, before.record.account_id)
            connection = await self._same(tx, before)
            if connection.record.rotation != rotation:
                raise Conflict("the rotation went on meanwhile", hint="look at it again")
            old, _ = await self._other(tx, connection, rotation)
            record = replace(connection.record, rotation=rotation.ending(now=now))
            detail = {"key": connection.key.masked, "before": old.masked}
            return await self.book.change(
                tx, connection, record, Kind.CONNECTION_ROTATION_ENDING, actor, now=now, **detail
            )

    async def _require_deletable(
        self, connection: Connection, doomed: Credentials, outlet: Outlet, *, now: int
    ) -> None:
        """Do nothing unless the exchange would refuse to delete a key; raises what it says."""

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

    async def _require_taken(self, before: Connection, *, now: int) -> None:
        """Do nothing unless the exchange says that it knows the key before no longer; raises `Conflict`.

        Where it can't be asked, whoever is in a hurry goes back all the same; but not to a key that was about to be deleted.
        """
        rotation = rotations.require(before.record.rotation)
        rotation.require_way_back(now=now)
        if not rotation.is_switched:
            return
        try:
            is_gone = await self._is_other_gone(before, rotation, now=now)
        except KeywrightError:
            if rotation.step is Step.ENDING:
                raise
            return
        if is_gone:
            raise Conflict(
                "{exchange} does not know the key before any more: to go back to it is to stand still",
                hint="finish the rotation; if the new key serves badly, give the connection another one then",
                exchange=before.record.exchange.title,
            )

    async def _is_other_gone(self, connection: Connection, rotation: Rotation, *, now: int) -> bool | None:
        """Tell whether the exchange knows the other key of a rotation no longer; `None` where it does not say."""
        async with self._database.read() as tx:
            other, sealed = await self._other(tx, connection, rotation)
            outlet = await self.pool.outlet(tx, connection.egress.id)
        return await self._is_gone(self.book.open(replace(connection, key=other), sealed), outlet, now=now)

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

    async def _other(self, tx: Tx, connection: Connection, rotation: Rotation) -> tuple[HeldKey, Sealed]:
        """Return the other key. Its id is in the connection's record, and what is sealed opens in the row of that id only."""
        found = await store.find_key(
            tx, account_id=connection.record.account_id, connection_id=connection.id, key_id=rotation.other_key_id
        )
        if found is None or found[0].wiped_at is not None:
            raise Conflict("the other key of this rotation is gone", hint="replace the connection's key instead")
        return found

    def _judged(
        self,
        connection: Connection,
        probe: Probe,
        egress_address: str,
        *,
        accepted: tuple[Accepted, ...] | None = None,
        now: int,
    ) -> tuple[Finding, ...]:
        """Return what was found about a key that may be used: by what was accepted of the one that serves, or is named.

        Raises `KeyRefused`.
        """
        purpose, taken = connection.record.terms.purpose, connection.record.accepted if accepted is None else accepted
        names = {one.what for one in taken}
        findings = judge_for(purpose, probe, egress_address=egress_address, accepted=names, now=now)
        if any(one.refuses for one in findings):
            raise KeyRefused(findings)
        return findings


def _switched(connection: Connection) -> Rotation:
    rotation = rotations.require(connection.record.rotation)
    if not rotation.is_switched:
        raise Conflict("the new key does not serve yet", hint="switch to it first, or roll back")
    return rotation
