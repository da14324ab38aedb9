"""Queries of connections and the keys they hold. Every one names the account; a connection of someone else is none."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, Select, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from keywright.errors import Conflict, Invalid
from keywright.storage.tables import connections, egress_addresses, held_keys
from keywright.storage.transaction import Tx, is_writing
from keywright.vault.evidence import Exchange, KeyKind, Probe
from keywright.vault.model import Connection, HeldKey, Record, Sealed, Status
from keywright.vault.rotation import Rotation
from keywright.vault.store import pool
from keywright.vault.terms import Accepted, Terms

Found = tuple[Connection, Sealed, bytes, tuple[bytes | None, bytes]]
"""A connection not judged yet, what is sealed of its key, its record's MAC, and its egress's sealed user and MAC."""


async def count(tx: Tx, *, account_id: str) -> int:
    """Return how many connections the account has."""
    query = select(func.count()).select_from(connections)
    return (await tx.execute(query.where(connections.c.account_id == account_id, _there()))).scalar_one()


async def find(tx: Tx, *, account_id: str, wanted: str) -> Found | None:
    """Return the account's connection of this id or name, or `None`; locked against other writers by one that writes."""
    query = _joined().where(
        connections.c.account_id == account_id, or_(connections.c.id == wanted, connections.c.name == wanted)
    )
    # An id is looked for first: nobody can call a connection by another's id and be found in its place.
    query = query.order_by(connections.c.id != wanted).limit(1)
    row = (await tx.execute(query.with_for_update(of=connections) if is_writing(tx) else query)).first()
    return _found(row) if row else None


async def all_of(tx: Tx, *, account_id: str) -> list[Found]:
    """Return the account's connections, oldest first, without the removed."""
    query = _joined().where(connections.c.account_id == account_id, _there())
    return [_found(row) for row in await tx.execute(query.order_by(connections.c.created_at, connections.c.id))]


async def everyone(tx: Tx) -> list[Found]:
    """Return every connection of all accounts that is not removed: for chores and operators."""
    return [_found(row) for row in await tx.execute(_joined().where(_there()).order_by(connections.c.id))]


async def due(tx: Tx, *, now: int, furthest: int, most: int) -> list[tuple[str, str]]:
    """Return account and id of connections to be checked now: planned for now, or for later than we ever plan."""
    query = (
        select(connections.c.account_id, connections.c.id)
        .where(_there(), or_(connections.c.next_check_at <= now, connections.c.next_check_at > furthest))
        .order_by(connections.c.next_check_at, connections.c.id)
        .limit(most)
    )
    return [(row.account_id, row.id) for row in await tx.execute(query)]


async def owner_of_key(tx: Tx, *, digest: bytes) -> tuple[str, str, str] | None:
    """Return account, connection and its name that hold the key of this fingerprint, or `None`.

    Who writes waits for whoever asked about the same key before: else both would hear of nobody, and the owner of none.
    """
    if is_writing(tx) and tx.dialect.name == "postgresql":
        place = int.from_bytes(digest[:8], "big", signed=True)
        await tx.execute(select(func.pg_advisory_xact_lock(place)))
    query = select(held_keys.c.account_id, connections.c.id, connections.c.name).join_from(held_keys, connections)
    row = (await tx.execute(query.where(held_keys.c.key_digest == digest))).one_or_none()
    return (row.account_id, row.id, row.name or "") if row else None


async def insert_connection(tx: Tx, record: Record, *, mac: bytes, next_check_at: int) -> None:
    """Keep a new connection. Raises `Conflict` when its name is taken."""
    values = {**_columns(record, mac), "id": record.id, "created_at": record.created_at}
    try:
        await tx.execute(insert(connections).values(**values, next_check_at=next_check_at))
    except IntegrityError:
        raise name_taken(record.name) from None


async def insert_key(tx: Tx, key: HeldKey, sealed: Sealed, *, account_id: str, exchange: Exchange) -> None:
    """Keep a key. Raises `Conflict` when another connection took it a moment before: a key has one owner."""
    try:
        await tx.execute(
            insert(held_keys).values(
                id=key.id,
                connection_id=key.connection_id,
                account_id=account_id,
                exchange=exchange.value,
                kind=key.kind.value,
                key_sealed=sealed.key,
                secret_sealed=sealed.secret,
                passphrase_sealed=sealed.passphrase,
                key_digest=key.digest,
                masked=key.masked,
                added_at=key.added_at,
                last_nonce=0,
            )
        )
    except IntegrityError:
        raise _held_elsewhere() from None


async def fill_key(tx: Tx, key: HeldKey, sealed: Sealed, *, account_id: str) -> None:
    """Keep the rest of a key whose passphrase is kept already, once its exchange made it. Raises `Conflict`."""
    mine = held_keys.c.account_id == account_id, held_keys.c.connection_id == key.connection_id
    values = {"key_sealed": sealed.key, "secret_sealed": sealed.secret, "key_digest": key.digest}
    empty = held_keys.c.wiped_at.is_(None), held_keys.c.key_digest.is_(None)
    filling = update(held_keys).where(*mine, held_keys.c.id == key.id, *empty)
    try:
        done = await tx.execute(filling.values(**values, masked=key.masked, added_at=key.added_at))
    except IntegrityError:
        raise _held_elsewhere() from None
    if done.rowcount != 1:
        raise Conflict("the rotation went on meanwhile", hint="look at it again")


async def find_key(tx: Tx, *, account_id: str, connection_id: str, key_id: str) -> tuple[HeldKey, Sealed] | None:
    """Return a key of the account's connection and what is sealed of it, or `None`."""
    keys = [column.label(f"of_key_{column.name}") for column in held_keys.c]
    mine = held_keys.c.account_id == account_id, held_keys.c.connection_id == connection_id
    row = (await tx.execute(select(*keys).where(*mine, held_keys.c.id == key_id))).one_or_none()
    key = _key(row) if row is not None else None
    return None if row is None or key is None else (key, _sealed(row))


async def update_connection(tx: Tx, record: Record, *, mac: bytes) -> None:
    """Write what may change of a connection. Raises `Conflict` when its new name is taken."""
    mine = connections.c.account_id == record.account_id, connections.c.id == record.id
    try:
        await tx.execute(update(connections).where(*mine).values(**_columns(record, mac)))
    except IntegrityError:
        raise name_taken(record.name) from None


async def plan_check(tx: Tx, *, account_id: str, connection_id: str, at: int) -> None:
    """Say when a chore is to look at a connection again."""
    mine = connections.c.account_id == account_id, connections.c.id == connection_id
    await tx.execute(update(connections).where(*mine).values(next_check_at=at))


async def wipe_keys(tx: Tx, *, account_id: str, connection_id: str, now: int, but: str = "") -> None:
    """Destroy the sealed keys of a connection, all or all but one, and free their fingerprints."""
    mine = held_keys.c.account_id == account_id, held_keys.c.connection_id == connection_id
    nothing = {"key_sealed": b"", "secret_sealed": b"", "passphrase_sealed": None, "key_digest": None}
    await tx.execute(
        update(held_keys)
        .where(*mine, held_keys.c.id != but, held_keys.c.wiped_at.is_(None))
        .values(wiped_at=now, **nothing)
    )


async def next_nonce(tx: Tx, *, digest: bytes, at_least: int) -> int | None:
    """Keep and return the next nonce of a held key: `at_least`, or one more than its last; `None`: no such key is held."""
    mine = held_keys.c.key_digest == digest
    query = select(held_keys.c.last_nonce).where(mine).with_for_update()
    last: int | None = (await tx.execute(query)).scalar_one_or_none()
    if last is None:
        return None
    nonce = max(at_least, last + 1)
    await tx.execute(update(held_keys).where(mine).values(last_nonce=nonce))
    return nonce


def name_taken(name: str) -> Conflict:
    """Return what to say when another connection of the account has the name."""
    return Conflict("there is a connection {name} already", hint="choose another name", name=name)


def _held_elsewhere() -> Conflict:
    return Conflict(
        "this key is held already, by another connection",
        hint="make a key of its own for each connection at the exchange",
    )


def _there() -> Any:
    return connections.c.status != Status.REMOVED.value


def _joined() -> Select[Any]:
    keys = [column.label(f"of_key_{column.name}") for column in held_keys.c]
    egress = [column.label(f"of_egress_{column.name}") for column in egress_addresses.c]
    joined = connections.outerjoin(held_keys, held_keys.c.id == connections.c.held_key_id).outerjoin(
        egress_addresses, egress_addresses.c.id == connections.c.egress_id
    )
    return select(connections, *keys, *egress).select_from(joined)


def _columns(record: Record, mac: bytes) -> dict[str, Any]:
    return {
        "account_id": record.account_id,
        "name": record.name or None,
        "exchange": record.exchange.value,
        "egress_id": record.egress_id,
        "held_key_id": record.held_key_id,
        "status": record.status.value,
        "reasons": json.dumps(record.reasons),
        "bots": json.dumps(record.bots),
        "accepted": json.dumps([[one.what, one.by, one.at] for one in record.accepted]),
        "probe": json.dumps(record.probe.written()),
        "checked_at": record.checked_at,
        "rotation": None if record.rotation is None else json.dumps(record.rotation.written()),
        "terms": None if record.terms.written() is None else json.dumps(record.terms.written()),
        "version": record.version,
        "connection_mac": mac,
    }


def _found(row: Row[Any]) -> Found:
    egress, user_sealed, egress_mac = pool.egress_of(row, "of_egress_")
    record, key = _record(row), _key(row)
    holds = record is not None and key is not None
    connection = Connection(record or _unreadable(row), key or _no_key(row), egress, holds=holds)
    return connection, _sealed(row), _bytes(row.connection_mac), (user_sealed, egress_mac)


def _sealed(row: Row[Any]) -> Sealed:
    return Sealed(_bytes(row.of_key_key_sealed), _bytes(row.of_key_secret_sealed), row.of_key_passphrase_sealed)


def _record(row: Row[Any]) -> Record | None:
    """Return what a row states, or `None` for words that no record of ours ever held. SQLite keeps any type anywhere."""
    try:
        return Record(
            id=str(row.id),
            account_id=str(row.account_id),
            name=row.name or "",
            exchange=Exchange(row.exchange),
            egress_id=str(row.egress_id),
            held_key_id=str(row.held_key_id),
            status=Status(row.status),
            reasons=tuple(json.loads(row.reasons)),
            bots=tuple(json.loads(row.bots)),
            accepted=tuple(Accepted(what, by, at) for what, by, at in json.loads(row.accepted)),
            probe=Probe.read(json.loads(row.probe)),
            checked_at=int(row.checked_at),
            created_at=int(row.created_at),
            version=int(row.version),
            rotation=None if row.rotation is None else Rotation.read(json.loads(row.rotation)),
            terms=Terms.read(None if row.terms is None else json.loads(row.terms)),
        )
    except (ValueError, TypeError, Invalid):
        return None


def _key(row: Row[Any]) -> HeldKey | None:
    try:
        return HeldKey(
            id=str(row.of_key_id),
            connection_id=str(row.of_key_connection_id),
            kind=KeyKind(row.of_key_kind),
            masked=str(row.of_key_masked),
            digest=row.of_key_key_digest if isinstance(row.of_key_key_digest, bytes) else None,
            added_at=int(row.of_key_added_at),
            wiped_at=row.of_key_wiped_at,
        )
    except (ValueError, TypeError, AttributeError):
        return None


def _unreadable(row: Row[Any]) -> Record:
    nothing = Probe(Exchange.KUCOIN, 0, ())
    blank = Record(
        *(
            str(row.id),
            str(row.account_id),
            str(row.name or ""),
            Exchange.KUCOIN,
            str(row.egress_id),
            "",
            Status.SUSPENDED,
        ),
        *((), (), (), nothing, 0, 0, 0),
    )
    try:
        return replace(blank, exchange=Exchange(row.exchange))
    except ValueError:
        return blank


def _no_key(row: Row[Any]) -> HeldKey:
    return HeldKey("", str(row.id), KeyKind.HMAC, "", None, 0)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else b""
