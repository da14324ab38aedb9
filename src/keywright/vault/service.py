"""Held keys of every account: the verbs that surfaces call. How a key is taken is in `connecting`, checks in `tending`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from keywright.audit.events import Actor, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Conflict
from keywright.identity.model import FactorProof
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.storage.transaction import Database, Tx
from keywright.vault import rules, store
from keywright.vault.book import Book, LockAccount
from keywright.vault.evidence import Credentials, Exchange
from keywright.vault.handing import hand_out
from keywright.vault.model import ASKED, Connection, Status
from keywright.vault.pool import Pool
from keywright.vault.safe import Safe
from keywright.vault.seam import Asks, Handed
from keywright.vault.tending import Charge, Most
from keywright.vault.unasked import Unasked


class Vault(Unasked):
    """The keys of other exchanges, held for accounts; in a personal vault for whoever opened it."""

    @classmethod
    def over(
        cls,
        database: Database,
        keyring: Keyring,
        audit: AuditLog,
        asks: Asks,
        *,
        lock_account: LockAccount | None = None,
        charge: Charge | None = None,
        most: Most,
    ) -> Vault:
        """Return the vault in a database. Without `lock_account` it is a personal one."""
        safe = Safe(keyring)
        book = Book(safe=safe, audit=audit, lock_account=lock_account)
        pool = Pool(safe=safe, audit=audit, book=book)
        return cls(database=database, safe=safe, audit=audit, book=book, pool=pool, asks=asks, charge=charge, most=most)

    async def connections(self, tx: Tx, account_id: str) -> list[Connection]:
        """Return the account's connections, oldest first."""
        return await self.book.all_of(tx, account_id)

    async def everyone(self, tx: Tx) -> list[Connection]:
        """Return every account's connections: for chores and operators."""
        return await self.book.everyone(tx)

    async def recognise(self, tx: Tx) -> Callable[[str], str | None]:
        """Return what tells of a piece of text whether it is a key that is held here, and of which exchange; by fingerprint."""
        held = {one.key.digest: one.record.exchange.value for one in await self.book.everyone(tx) if one.key.digest}

        def known(text: str) -> str | None:
            digests = (self._safe.fingerprint(Credentials(exchange, text, Secret(b""))) for exchange in Exchange)
            return next((held[digest] for digest in digests if digest in held), None)

        return known

    async def connection(self, tx: Tx, account_id: str, wanted: str) -> Connection:
        """Return a connection by its id or name; raises `NotFound` for one that is unknown or someone else's."""
        return (await self.book.find(tx, account_id, wanted))[0]

    async def last_handed_out(self, tx: Tx, account_id: str) -> Mapping[str, int]:
        """Return when (ms) a program was last started with each connection's key, by the connection's id, as far as the newest
        events tell."""
        return dict(reversed(await self._starts(tx, account_id)))

    async def holder(self, tx: Tx, account_id: str, credentials: Credentials) -> tuple[Connection, bool] | None:
        """Return the account's connection that holds this key, or `None` where it has none; and whether it serves with it.

        It does not where the key is kept beside the one that serves, or has another secret or passphrase there.
        """
        owner = await store.owner_of_key(tx, digest=self._safe.fingerprint(credentials))
        if owner is None or owner[0] != account_id:
            return None
        connection, sealed = await self.book.good(tx, account_id, owner[1])
        return connection, self.book.open(connection, sealed) == credentials

    async def edit(
        self,
        tx: Tx,
        account_id: str,
        wanted: str,
        *,
        name: str | None = None,
        bots: Iterable[str] | None = None,
        ends_at: int | None = None,
        actor: Actor,
        now: int,
    ) -> Connection:
        """Give a connection another name, say what uses it, or when its key ends at the exchange (0: never).

        Raises `Invalid`, and `Conflict` for a name that is taken.
        """
        connection, _ = await self.book.good(tx, account_id, wanted)
        record = connection.record
        record = replace(
            record,
            name=record.name if name is None else rules.name(name),
            bots=record.bots if bots is None else rules.bots(bots),
            terms=record.terms if ends_at is None else replace(record.terms, ends_at=ends_at or None),
        )
        rules.master_without_bots(record.terms.purpose, record.bots)
        if record == connection.record:
            return connection
        other = await store.find(tx, account_id=account_id, wanted=record.name)
        if record.name != connection.name and other is not None:
            raise store.name_taken(record.name)
        detail = {"bots": list(record.bots), "before": connection.name, "ends_at": record.terms.ends_at}
        return await self.book.change(tx, connection, record, Kind.CONNECTION_EDITED, actor, now=now, **detail)

    async def suspend(self, tx: Tx, account_id: str, wanted: str, *, actor: Actor, now: int) -> Connection:
        """Use a connection for nothing until its owner has it checked again. Takes no second factor: it only stops."""
        connection, _ = await self.book.good(tx, account_id, wanted)
        if connection.is_stopped_by_owner:
            return connection
        # Beside what a check found: what is suspended for that alone may come back without its owner.
        found = connection.record.reasons if connection.record.status is Status.SUSPENDED else ()
        record = replace(connection.record, status=Status.SUSPENDED, reasons=(ASKED, *found))
        kind = Kind.CONNECTION_SUSPENDED
        return await self.book.change(tx, connection, record, kind, actor, now=now, reasons=[ASKED], against=[ASKED])

    async def remove(
        self, tx: Tx, account_id: str, wanted: str, *, proof: FactorProof | None = None, actor: Actor, now: int
    ) -> Connection:
        """Destroy a connection's key here and free its name, its address and its fingerprint. The key at the exchange stays.

        Also one whose record was altered. Raises `NotProven`.
        """
        self.book.require(proof, account_id, now=now, to="remove a held key")
        connection, _ = await self.book.find(tx, account_id, wanted)
        rotation = connection.record.rotation
        if connection.holds and rotation is not None and not rotation.is_guided:
            raise Conflict(
                "a new key of {name} is being made or deleted at {exchange}",
                hint="roll the rotation back or finish it first, so that none is left there unseen",
                name=connection.name,
                exchange=connection.record.exchange.title,
            )
        await store.wipe_keys(tx, account_id=account_id, connection_id=connection.id, now=now)
        gone = replace(connection, key=replace(connection.key, digest=None, wiped_at=now))
        record = replace(gone.record, name="", status=Status.REMOVED, rotation=None)
        detail = {"name": connection.name, "key": connection.key.masked, "altered": not connection.holds}
        await self.book.change(tx, gone, record, Kind.CONNECTION_REMOVED, actor, now=now, **detail)
        return connection

    async def credentials(
        self, tx: Tx, account_id: str, wanted: str, *, purpose: str, actor: Actor, now: int
    ) -> Handed:
        """Hand out a connection's credentials in the clear, with an event that says for what (`exec`, `signing`).

        Raises as `hand_out` does.
        """
        return await hand_out(tx, self.book, self.pool, account_id, wanted, purpose=purpose, actor=actor, now=now)
