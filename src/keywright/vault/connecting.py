"""How a key comes to be held, and how another one takes its place.

    1  what is asked for, and the key's shape                              rules, pasted
    2  who asks, have they proved it; is there room; which address         in a transaction that reads
    3  ask the exchange what the key may do, through that address          no transaction is open
    4  may such a key be taken                                             preflight
    5  is everything of step 2 still so; is it nobody else's key; keep it  one transaction, with its event

What is refused on the way leaves nothing of the key behind, not even its fingerprint.
"""

from __future__ import annotations

from dataclasses import replace

from keywright.audit.events import Actor, Event, Kind
from keywright.errors import Conflict
from keywright.identity.model import FactorProof
from keywright.ids import new_id
from keywright.storage.transaction import Tx
from keywright.vault import pasted, rotation, rules, store
from keywright.vault.evidence import Credentials, Exchange, Probe
from keywright.vault.mastery import judge_for
from keywright.vault.model import (
    Connection,
    HeldKey,
    NewConnection,
    Pasted,
    Record,
    Reservation,
    Sealed,
    Status,
)
from keywright.vault.preflight import Finding, Severity
from keywright.vault.seam import KeyRefused, Outlet
from keywright.vault.tending import Tending, codes
from keywright.vault.terms import Accepted, Purpose, Terms


class Connecting(Tending):
    """The verbs that take a key. They hold the database, because no exchange is asked inside a transaction."""

    async def reserve(self, account_id: str, exchange: str, *, name: str = "", actor: Actor, now: int) -> Reservation:
        """Keep an egress address for an account that is about to make a key, and return it as it is seen from outside.

        The same until it is used, or two hours have passed. Where nobody answers what is seen from outside, it is given
        unconfirmed. Raises `Conflict` when every address is taken, `Unusable` where requests can't leave from this one,
        `Limited` for an account that has one kept anew too often, and with the `name` that is to be given also what there is
        against another connection of that name.
        """
        wanted = rules.exchange(exchange)
        if self._charge is not None:  # to be shown again what is kept already costs nothing
            async with self._database.read() as tx:
                is_kept = await self.pool.reservation(tx, account_id, wanted, now=now) is not None
            if not is_kept:
                await self._charge(account_id, now, of="reserved")
        async with self._database.write() as tx:
            if name:
                await self._require_room(tx, account_id, name)
            reservation = await self.pool.reserve(tx, account_id, wanted, actor=actor, now=now)
        if reservation.egress.is_confirmed(now=now):
            return reservation
        return replace(reservation, egress=await self.seen_or_not(reservation.egress, now=now))

    async def release(self, account_id: str, exchange: str, *, actor: Actor, now: int) -> None:
        """Give up what is reserved for an exchange; does nothing where nothing is."""
        wanted = rules.exchange(exchange)
        async with self._database.write() as tx:
            await self.book.lock(tx, account_id)
            await self.pool.release(tx, account_id, wanted, actor=actor, now=now)

    async def connect(
        self, account_id: str, new: NewConnection, *, proof: FactorProof | None = None, actor: Actor, now: int
    ) -> Connection:
        """Hold a key from now on.

        Raises `Invalid` for what has not the shape of a key, `KeyRefused` for one that may do too much or can't be proved not
        to, `Conflict` without a reserved address or where the key is held already, `LimitReached`, `NotProven`, and what the
        exchange said where it does not take the key.
        """
        # 1  what is asked for
        exchange, name, bots = rules.exchange(new.exchange), rules.name(new.name), rules.bots(new.bots)
        rules.master_without_bots(new.purpose, bots)
        credentials = as_pasted(exchange, new.pasted)
        # 2  who asks, and what for
        async with self._database.read() as tx:
            self.book.require(proof, account_id, now=now, to="hold a key")
            await self._require_room(tx, account_id, name)
            reservation = await self.pool.reservation(tx, account_id, exchange, now=now)
            if reservation is None:
                raise Conflict(
                    "no address is reserved for this key",
                    hint="reserve one first: it belongs on the key's list of addresses before the key is given",
                )
            outlet = await self.pool.outlet(tx, reservation.egress.id)
            trial = await self.pool.trial(tx, outlet)
        # 3 and 4  what the key may do, and whether that will do
        accept, purpose = new.pasted.accept, new.purpose
        probe, findings = await self._vet(
            account_id, credentials, outlet, trial, accept=accept, purpose=purpose, actor=actor, now=now
        )
        # 5  keep it
        connection_id = new_id("con")
        held, sealed = self._sealed(credentials, connection_id, account_id, now=now)
        record = Record(
            id=connection_id,
            account_id=account_id,
            name=name,
            exchange=exchange,
            egress_id=reservation.egress.id,
            held_key_id=held.id,
            status=Status.ACTIVE,
            reasons=(),
            bots=bots,
            accepted=taken_exceptions(findings, actor, now=now),
            probe=probe,
            checked_at=now,
            created_at=now,
            version=1,
            terms=Terms(new.purpose),
        )
        connection = Connection(record, held, outlet.egress)
        async with self._database.write() as tx:
            await self.book.lock(tx, account_id)
            owner = await self._claimed(tx, held, connection, actor=actor, now=now)
            if owner is None:
                await self._require_room(tx, account_id, name)
                await self.pool.require_still(tx, reservation, now=now)
                await self._insert(tx, connection, sealed, now=now)
                await self.pool.let_go(tx, account_id, exchange)
                await self.book.record(
                    tx, Kind.CONNECTION_ADDED, connection, actor, now=now, **_told(connection, outlet)
                )
        if owner is not None:
            raise held_already(owner, account_id)
        return connection

    async def replace_key(
        self,
        account_id: str,
        wanted: str,
        given: Pasted,
        *,
        proof: FactorProof | None = None,
        actor: Actor,
        now: int,
    ) -> Connection:
        """Let another key of the same exchange serve a connection; the one before is destroyed here.

        The address stays. Raises as `connect` does; then the connection is as it was.
        """
        async with self._database.read() as tx:
            self.book.require(proof, account_id, now=now, to="replace a held key")
            before, _ = await self.book.good(tx, account_id, wanted)
            rotation.require_none(before.record.rotation)
            outlet = await self.pool.outlet(tx, before.egress.id)
            trial = await self.pool.trial(tx, outlet)
        credentials = as_pasted(before.record.exchange, given)
        probe, findings = await self._vet(
            *(account_id, credentials, outlet, trial),
            accept=given.accept,
            purpose=before.record.terms.purpose,
            actor=actor,
            now=now,
        )
        held, sealed = self._sealed(credentials, before.id, account_id, now=now)
        async with self._database.write() as tx:
            await self.book.lock(tx, account_id)
            connection, _ = await self.book.good(tx, account_id, before.id)
            if connection.record.held_key_id != before.record.held_key_id:
                raise Conflict("the key of this connection was replaced meanwhile", hint="look at it again")
            rotation.require_none(connection.record.rotation)
            owner = await self._claimed(tx, held, connection, actor=actor, now=now)
            if owner is None:
                is_same = held.digest == connection.key.digest  # when a key ends was said of that one
                record = replace(
                    connection.record,
                    held_key_id=held.id,
                    status=Status.ACTIVE,
                    reasons=(),
                    accepted=taken_exceptions(findings, actor, now=now),
                    probe=probe,
                    checked_at=now,
                    terms=connection.record.terms if is_same else replace(connection.record.terms, ends_at=None),
                )
                connection = replace(connection, key=held)
                await store.wipe_keys(tx, account_id=account_id, connection_id=connection.id, now=now)
                await store.insert_key(tx, held, sealed, account_id=account_id, exchange=record.exchange)
                await self._plan(tx, connection, now=now)
                told = _told(replace(connection, record=record), outlet)
                connection = await self.book.change(
                    tx, connection, record, Kind.CONNECTION_KEY_REPLACED, actor, now=now, **told
                )
        if owner is not None:
            raise held_already(owner, account_id)
        return connection

    async def _vet(
        self,
        account_id: str,
        credentials: Credentials,
        outlet: Outlet,
        trial: Outlet | None,
        *,
        accept: frozenset[str],
        purpose: Purpose,
        actor: Actor,
        now: int,
    ) -> tuple[Probe, tuple[Finding, ...]]:
        """Return what the exchange says of a key that may be taken. Raises `KeyRefused`, with an event that says why."""
        if self._charge is not None:
            await self._charge(account_id, now)
        probe = await self._probed(credentials, outlet, trial, before=None, now=now)
        address = await self._address(outlet, probe, now=now)
        findings = judge_for(purpose, probe, egress_address=address, accepted=accept, now=now)
        if any(one.refuses for one in findings):
            detail = {"exchange": credentials.exchange.title, "reasons": codes(list(findings))}
            async with self._database.write() as tx:
                event = Event(Kind.CONNECTION_REFUSED, actor, account_id, "", 0, detail)
                await self._audit.record(tx, event, now=now)
            raise KeyRefused(findings)
        return probe, findings

    def _sealed(
        self, credentials: Credentials, connection_id: str, account_id: str, *, now: int
    ) -> tuple[HeldKey, Sealed]:
        held = HeldKey(
            id=new_id("hky"),
            connection_id=connection_id,
            kind=credentials.kind,
            masked=rules.masked(credentials.key),
            digest=self._safe.fingerprint(credentials),
            added_at=now,
        )
        return held, self._safe.seal_key(credentials, key_id=held.id, account_id=account_id)

    async def _insert(self, tx: Tx, connection: Connection, sealed: Sealed, *, now: int) -> None:
        record = connection.record
        planned = rules.next_check_at(record.id, now=now)
        await store.insert_connection(tx, record, mac=self.book.mac(connection), next_check_at=planned)
        await store.insert_key(tx, connection.key, sealed, account_id=record.account_id, exchange=record.exchange)

    async def _require_room(self, tx: Tx, account_id: str, name: str) -> None:
        rules.room_for(await store.count(tx, account_id=account_id), most=await self._most(tx))
        if await store.find(tx, account_id=account_id, wanted=name) is not None:
            raise store.name_taken(name)

    async def _claimed(
        self, tx: Tx, held: HeldKey, connection: Connection, *, actor: Actor, now: int
    ) -> tuple[str, str] | None:
        """Return account and name of another connection that holds this key, after telling its owner; else `None`.

        Whoever comes here has proved the secret: that somebody holds this key is told to nobody else.
        """
        owner = await store.owner_of_key(tx, digest=held.digest or b"")
        if owner is None or owner[1] == connection.id:
            return None
        account_id, connection_id, name = owner
        if account_id == connection.record.account_id:
            return account_id, name
        detail = {"name": name, "exchange": connection.record.exchange.title}
        event = Event(Kind.CONNECTION_CLAIMED, actor, account_id, connection_id, 0, detail)
        await self._audit.record(tx, event, now=now)
        return account_id, name


def as_pasted(exchange: Exchange, given: Pasted) -> Credentials:
    """Return what was pasted as credentials; raises `Invalid` for what has not the shape of a key."""
    return pasted.credentials(exchange, key=given.key, secret=given.secret, passphrase=given.passphrase)


def taken_exceptions(findings: tuple[Finding, ...], actor: Actor, *, now: int) -> tuple[Accepted, ...]:
    """Return what was accepted of what speaks against a key, by whom and when."""
    taken = dict.fromkeys(one.accept for one in findings if one.severity is Severity.ACCEPTED)
    return tuple(Accepted(what, actor.id, now) for what in taken)


def _told(connection: Connection, outlet: Outlet) -> dict[str, object]:
    return {
        "key": connection.key.masked,
        "fingerprint": connection.key.fingerprint,
        "address": outlet.egress.shown,
        "bots": list(connection.record.bots),
        "accepted": [one.what for one in connection.record.accepted],
    }


def held_already(owner: tuple[str, str], account_id: str) -> Conflict:
    """Return what to say when a key has an owner."""
    if owner[0] == account_id:
        return Conflict(
            "your connection {name} holds this key already",
            hint="make a key of its own for each connection at the exchange",
            name=owner[1],
        )
    return Conflict(
        "another account holds this key already",
        hint="if that is not you, delete the key at the exchange at once: someone else has its secret",
    )
