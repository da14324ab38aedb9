"""Which master connection another is rotated through, and what is asked of the exchange with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

from keywright.audit.events import Actor, Kind
from keywright.errors import Conflict, KeywrightError, NotFound
from keywright.identity.model import FactorProof
from keywright.secret import Secret
from keywright.storage.transaction import Tx
from keywright.vault import rotation as rotations
from keywright.vault.evidence import Credentials, SubKey
from keywright.vault.mastery import AUTOMATIC
from keywright.vault.model import Connection, HeldKey, Sealed, Status
from keywright.vault.rotating import Rotating
from keywright.vault.seam import KeyDenied, Outlet


class Master(NamedTuple):
    """A master connection, ready to be asked with."""

    name: str
    credentials: Credentials
    outlet: Outlet


@contextmanager
def in_the_master_s_name(master: Master) -> Iterator[None]:
    """Say of a refusal whose key it is about: there are three in play."""
    try:
        yield
    except KeyDenied as denied:
        why: dict[str, object] = {**denied.values, "master": master.name, "why": denied.message}
        said = KeywrightError(
            "the exchange refused what it was asked with the key of {master}: {why}", hint=denied.texts[1], **why
        )
        said.exit_code = denied.exit_code
        raise KeyDenied(said, reasons=denied.reasons) from None


class Mastering(Rotating):
    """The verbs about masters, and what every step of a rotation through one stands on."""

    async def name_master(
        self,
        account_id: str,
        wanted: str,
        master: str,
        *,
        by_itself: bool = False,
        proof: FactorProof | None = None,
        actor: Actor,
        now: int,
    ) -> Connection:
        """Have a connection rotated through a master connection from now on, or by its owner where `master` is empty.

        `by_itself`: a running server begins and ends rotations when they are due. The exchange is asked whether this master is
        the key's. Raises `Conflict` and `Invalid` for what does not fit together, and what the exchange said.
        """
        async with self._database.read() as tx:
            before, _ = await self.book.good(tx, account_id, wanted)
            self.book.require(proof, account_id, now=now, to="name a master connection")
            if before.record.rotation is not None and not before.record.rotation.is_guided:
                rotations.require_none(before.record.rotation)
            ready = await self._fitting(tx, before, master) if master else None
            master_id = (await self.book.good(tx, account_id, master))[0].id if master else ""
        if ready is not None:
            if self._charge is not None:
                await self._charge(account_id, now)
            await self._own_entry(before, ready)
        async with self._database.write() as tx:
            await self.book.lock(tx, account_id)
            connection = await self._same(tx, before)
            terms = replace(connection.record.terms, master_id=master_id, by_itself=by_itself and bool(master_id))
            record = replace(connection.record, terms=terms)
            detail = {"master": ready.name if ready else "", "by_itself": terms.by_itself}
            kind = Kind.CONNECTION_TERMS_SET
            return await self.book.change(tx, connection, record, kind, actor, now=now, **detail)

    async def _fitting(self, tx: Tx, connection: Connection, wanted: str) -> Master:
        """Return a master that may be a connection's. Raises `Conflict`."""
        exchange = connection.record.exchange
        if connection.is_master:
            raise Conflict("a master key is rotated by hand", hint="make the new one yourself: no key is above it")
        if exchange not in AUTOMATIC:
            raise Conflict(
                "keys of {exchange} are rotated by hand",
                hint="its documents have no call by which a key that was made could be found again: `keywright vault rotate`",
                exchange=exchange.title,
            )
        if not connection.record.probe.sub_account:
            raise Conflict(
                "the key of {name} is one of a main account, and no key is above it",
                hint="let bots trade on a sub-account, with a key of its own: that can be rotated through a master key",
                name=connection.name,
            )
        return await self._master(tx, connection, wanted)

    async def _master(self, tx: Tx, connection: Connection, master_id: str) -> Master:
        """Return a connection's master, ready to be asked with. Raises `Conflict`, and `Unusable` for one that was altered."""
        try:
            head, sealed = await self.book.good(tx, connection.record.account_id, master_id)
        except NotFound:
            raise Conflict(
                "the master connection of {name} is gone",
                hint="name another master connection; a rotation that is under way can be rolled back all the same",
                name=connection.name,
            ) from None
        if not head.is_master or head.record.exchange is not connection.record.exchange:
            raise Conflict(
                "{master} is no master of {name}",
                hint="name a connection that was added as a master, with a key of the main account",
                name=connection.name,
                master=head.name,
            )
        if head.record.status is not Status.ACTIVE:
            raise Conflict(
                "the master connection {master} is suspended",
                hint="mend what its last check found, then have it checked: `keywright vault check {master}`",
                master=head.name,
            )
        return Master(head.name, self.book.open(head, sealed), await self.pool.outlet(tx, head.egress.id))

    async def _own_entry(self, connection: Connection, master: Master) -> SubKey:
        """Return the key that serves, as the master account lists it: proof that this master is its master."""
        async with self._database.read() as tx:
            serving, sealed = await self.book.good(tx, connection.record.account_id, connection.id)
        own = self.book.open(serving, sealed)
        found = next((one for one in await self._listed(connection, master) if one.key == own.key), None)
        if found is None:
            raise Conflict(
                "{master} does not find the key of {name} under the sub-account {sub}",
                hint="name the master key of the account that this sub-account belongs to",
                name=connection.name,
                master=master.name,
                sub=connection.record.probe.sub_account,
            )
        return found

    async def _listed(self, connection: Connection, master: Master) -> tuple[SubKey, ...]:
        with in_the_master_s_name(master):
            return await self._asks.sub_keys(master.credentials, master.outlet, connection.record.probe.sub_account)

    def _passphrase(self, connection: Connection, held: HeldKey, sealed: Sealed) -> Secret:
        record = connection.record
        return self._safe.open_passphrase(sealed, held, account_id=record.account_id, exchange=record.exchange)
