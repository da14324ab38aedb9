"""How connections are found, judged, written and told of: what every verb of the vault stands on."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import replace

from keywright.audit.events import Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Conflict, NotFound, NotProven, Unusable
from keywright.identity.model import FactorProof
from keywright.storage.changes import announce
from keywright.storage.transaction import Tx
from keywright.vault import rules, seals, store
from keywright.vault.evidence import Credentials
from keywright.vault.model import Connection, EgressAddress, Record, Sealed, Status
from keywright.vault.safe import Safe

LockAccount = Callable[[Tx, str], Awaitable[object]]
"""Holds an account against others who write about it; raises `Conflict` while it is frozen."""


class Book:
    """Reads and writes connections for the verbs of the modules above it; decides nothing itself."""

    def __init__(self, *, safe: Safe, audit: AuditLog, lock_account: LockAccount | None) -> None:
        self._safe = safe
        self._audit = audit
        self._lock_account = lock_account

    @property
    def is_personal(self) -> bool:
        """Tell whether there are no accounts: whoever can open the vault is its owner."""
        return self._lock_account is None

    async def lock(self, tx: Tx, account_id: str) -> None:
        """Make others who write about the account wait. Raises `Conflict` while it is frozen, `NotFound`."""
        if self._lock_account is not None:
            await self._lock_account(tx, account_id)

    def require(self, proof: FactorProof | None, account_id: str, *, now: int, to: str) -> None:
        """Do nothing if the account's second factor was proved a moment ago; in a personal vault opening it was the proof.

        Raises `NotProven`.
        """
        if self.is_personal:
            return
        if proof is None or proof.account_id != account_id or not proof.is_fresh(now=now):
            raise NotProven("to {to} takes the account's second factor", hint="give a fresh code", to=to)

    async def all_of(self, tx: Tx, account_id: str) -> list[Connection]:
        """Return the account's connections, oldest first."""
        return [(await self._judged(tx, found))[0] for found in await store.all_of(tx, account_id=account_id)]

    async def everyone(self, tx: Tx) -> list[Connection]:
        """Return every account's connections."""
        return [(await self._judged(tx, found))[0] for found in await store.everyone(tx)]

    async def find(self, tx: Tx, account_id: str, wanted: str) -> tuple[Connection, Sealed]:
        """Return a connection by id or name, judged, and what is sealed of its key. Raises `NotFound`."""
        found = await store.find(tx, account_id=account_id, wanted=wanted) if rules.is_text(wanted) else None
        if found is None or found[0].record.status is Status.REMOVED:
            raise NotFound(
                "there is no connection {name}", hint="`keywright vault list` shows them all", name=wanted[:64]
            )
        return await self._judged(tx, found)

    async def good(self, tx: Tx, account_id: str, wanted: str) -> tuple[Connection, Sealed]:
        """Return a connection whose record is the one we made. Raises `NotFound`, and `Unusable` for one that was altered."""
        connection, sealed = await self.find(tx, account_id, wanted)
        if not connection.holds:
            raise Unusable(
                "the record of the connection {name} was altered outside Keywright: it can only be removed",
                hint="run `keywright audit verify`, remove it, and make a new key at the exchange",
                name=connection.name,
            )
        return connection, sealed

    def open(self, connection: Connection, sealed: Sealed) -> Credentials:
        """Return a connection's credentials in the clear. Raises `Unopenable`."""
        record = connection.record
        return self._safe.open_key(sealed, connection.key, account_id=record.account_id, exchange=record.exchange)

    async def change(
        self, tx: Tx, connection: Connection, record: Record, kind: Kind, actor: Actor, *, now: int, **detail: object
    ) -> Connection:
        """Write a connection's record one version up, with its event."""
        if not connection.holds and record.status is not Status.REMOVED:
            raise Conflict("an altered record is never made good")
        heard = await self._audit.latest_version(tx, connection.id)
        changed = replace(connection, record=replace(record, version=heard + 1))
        await store.update_connection(tx, changed.record, mac=self.mac(changed))
        await self.record(tx, kind, changed, actor, now=now, **detail)
        return changed

    async def record(
        self, tx: Tx, kind: Kind, connection: Connection, actor: Actor, *, now: int, **detail: object
    ) -> None:
        """Record an event about a connection at the version it has, and tell whoever caches connections."""
        record = connection.record
        told = {"name": record.name, "exchange": record.exchange.title, **detail}
        await self._audit.record(tx, Event(kind, actor, record.account_id, record.id, record.version, told), now=now)
        await announce(tx)

    def mac(self, connection: Connection) -> bytes:
        """Return the MAC of a connection's record."""
        return seals.record_mac(self._safe.record_key, connection.record, connection.key)

    async def egress_holds(self, tx: Tx, egress: EgressAddress, user_sealed: bytes | None, mac: bytes) -> bool:
        """Tell whether the record of an egress address is the one we made and the newest the audit log knows."""
        try:
            is_ours = hmac.compare_digest(seals.egress_mac(self._safe.egress_key, egress, user_sealed), mac)
        except (TypeError, ValueError, AttributeError):  # SQLite keeps any type in any column
            return False
        return egress.holds and is_ours and await self._audit.latest_version(tx, egress.id) == egress.version

    async def _judged(self, tx: Tx, found: store.Found) -> tuple[Connection, Sealed]:
        connection, sealed, mac, (user_sealed, egress_mac) = found
        egress_holds = await self.egress_holds(tx, connection.egress, user_sealed, egress_mac)
        egress = replace(connection.egress, holds=egress_holds)
        holds = connection.holds and egress_holds and self._is_ours(connection, mac)
        if holds:
            holds = await self._audit.latest_version(tx, connection.id) == connection.record.version
            holds = holds and await self._other_is_ours(tx, connection.record)
        return replace(connection, egress=egress, holds=holds), sealed

    async def _other_is_ours(self, tx: Tx, record: Record) -> bool:
        """Tell whether the other key of a rotation is there, and shows what it showed when the rotation was written."""
        if record.rotation is None or record.rotation.beside is None:
            return True
        ids = {"account_id": record.account_id, "connection_id": record.id}
        found = await store.find_key(tx, **ids, key_id=record.rotation.other_key_id)
        if found is None or found[0].wiped_at is not None:
            return False
        try:
            return seals.seal_of(found[0]) == record.rotation.beside.seal
        except (TypeError, ValueError):
            return False

    def _is_ours(self, connection: Connection, mac: bytes) -> bool:
        key, record = connection.key, connection.record
        if (key.id, key.connection_id) != (record.held_key_id, record.id) or key.wiped_at is not None:
            return False
        try:
            return hmac.compare_digest(self.mac(connection), mac)
        except (TypeError, ValueError, AttributeError):
            return False
