"""Queries of issuing. Every one names the owner; a key of someone else is no key."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from keywright.errors import LimitReached
from keywright.issuing.model import ApiKey, Environment, Grant, Material, Owner, Permission, Status
from keywright.storage.tables import api_keys, frozen_permissions as frozen, key_last_use
from keywright.storage.transaction import Tx, is_writing


async def taken_slots(tx: Tx, owner: Owner) -> list[int]:
    """Return the slots of the owner's keys that are not deleted."""
    query = select(api_keys.c.slot).where(*_of(owner), api_keys.c.slot.is_not(None))
    return [slot for slot in (await tx.execute(query)).scalars() if slot is not None]


async def sub_account_of(tx: Tx, account_id: str, key_id: str) -> str | None:
    """Return the sub-account that a key of the account belongs to, empty for the account's own; `None`: no such key."""
    query = select(api_keys.c.sub_account).where(api_keys.c.account_id == account_id, api_keys.c.id == key_id)
    return (await tx.execute(query)).scalar_one_or_none()


async def count_keys(tx: Tx) -> dict[str, int]:
    """Return how many keys that are not deleted each account has, its sub-accounts' among them."""
    query = (
        select(api_keys.c.account_id, func.count().label("total"))
        .where(api_keys.c.slot.is_not(None))
        .group_by(api_keys.c.account_id)
    )
    return {row.account_id: row.total for row in await tx.execute(query)}


async def place_of(tx: Tx, owner: Owner, key_id: str) -> tuple[int, list[int]]:
    """Return the slot of a key that is not deleted, and which of its lanes are taken, the key's own first."""
    slot = select(api_keys.c.slot).where(*_of(owner), api_keys.c.id == key_id).scalar_subquery()
    query = select(api_keys.c.slot, api_keys.c.lane).where(*_of(owner), api_keys.c.slot == slot)
    rows = (await tx.execute(query.order_by(api_keys.c.id != key_id))).all()
    return rows[0].slot, [row.lane for row in rows]


async def successor_of(tx: Tx, owner: Owner, key_id: str) -> tuple[ApiKey, Material] | None:
    """Return the key that is to replace this one and is not deleted, or `None`."""
    row = (
        await tx.execute(_keys().where(*_of(owner), api_keys.c.predecessor_id == key_id, api_keys.c.slot.is_not(None)))
    ).first()
    return (_api_key(row), _material(row)) if row else None


async def overlaps_over(tx: Tx, *, now: int) -> list[tuple[Owner, str]]:
    """Return whose keys with a successor are on though their time beside it is over."""
    query = select(api_keys.c.account_id, api_keys.c.sub_account, api_keys.c.id).where(
        api_keys.c.overlap_until <= now, api_keys.c.disabled_at.is_(None), api_keys.c.slot.is_not(None)
    )
    return [(Owner(row.account_id, row.sub_account), row.id) for row in await tx.execute(query)]


async def insert_key(tx: Tx, key: ApiKey, material: Material, *, slot: int, lane: int = 0) -> None:
    """Keep a new key. Raises `LimitReached` when another one took the slot first (two nodes at once)."""
    try:
        await tx.execute(
            insert(api_keys).values(
                id=key.id,
                account_id=key.grant.account_id,
                sub_account=key.grant.sub_account,
                slot=slot,
                lane=lane,
                name=key.name,
                memo=key.memo,
                created_at=key.created_at,
                secret_sealed=material.secret_sealed,
                passphrase_digest=material.passphrase_digest,
                **_grant_columns(key.grant, material.grant_mac),
            )
        )
    except IntegrityError:
        raise LimitReached("another key was being made for this account at the same moment", hint="try again") from None


async def find_key(tx: Tx, owner: Owner, key_id: str) -> tuple[ApiKey, Material] | None:
    """Return the owner's key and its material, or `None`; locked against other writers by a transaction that writes."""
    found = _keys().where(*_of(owner), api_keys.c.id == key_id)
    row = (await tx.execute(found.with_for_update(of=api_keys) if is_writing(tx) else found)).one_or_none()
    return (_api_key(row), _material(row)) if row else None


async def list_keys(tx: Tx, owner: Owner, *, deleted: bool = False) -> list[tuple[ApiKey, Material]]:
    """Return the owner's keys, oldest first; deleted ones only where asked for."""
    query = _keys().where(*_of(owner)).order_by(api_keys.c.created_at, api_keys.c.id)
    if not deleted:
        query = query.where(api_keys.c.slot.is_not(None))
    return [(_api_key(row), _material(row)) for row in await tx.execute(query)]


async def update_key(tx: Tx, key: ApiKey, *, grant_mac: bytes) -> None:
    """Write what may change of a key: labels, grant, and the two switches outside it."""
    await tx.execute(
        update(api_keys)
        .where(*_of(Owner(key.grant.account_id, key.grant.sub_account)), api_keys.c.id == key.id)
        .values(
            name=key.name,
            memo=key.memo,
            disabled_at=key.disabled_at,
            frozen_at=key.frozen_at,
            enabled_at=key.enabled_at,
            **_grant_columns(key.grant, grant_mac),
        )
    )


async def set_passphrase(tx: Tx, owner: Owner, key_id: str, *, digest: bytes) -> None:
    """Keep what recognises a key's new passphrase."""
    mine = (*_of(owner), api_keys.c.id == key_id)
    await tx.execute(update(api_keys).where(*mine).values(passphrase_digest=digest))


async def set_switches(tx: Tx, key: ApiKey) -> None:
    """Write only the switches outside the grant."""
    await tx.execute(
        update(api_keys)
        .where(*_of(Owner(key.grant.account_id, key.grant.sub_account)), api_keys.c.id == key.id)
        .values(disabled_at=key.disabled_at, frozen_at=key.frozen_at, deleted_at=key.deleted_at)
    )


async def bury_key(tx: Tx, owner: Owner, key_id: str, *, now: int) -> None:
    """Destroy a deleted key's secret and free its slot. Its row stays, so that the id is never reused."""
    await tx.execute(
        update(api_keys)
        .where(*_of(owner), api_keys.c.id == key_id)
        .values(slot=None, deleted_at=now, secret_sealed=b"", passphrase_digest=b"")
    )


async def due_to_expire(tx: Tx, *, now: int) -> list[tuple[Owner, str]]:
    """Return whose keys' time has run out while their grant still says active."""
    query = select(api_keys.c.account_id, api_keys.c.sub_account, api_keys.c.id).where(
        api_keys.c.status == Status.ACTIVE.value, api_keys.c.expires_at <= now
    )
    return [(Owner(row.account_id, row.sub_account), row.id) for row in await tx.execute(query)]


async def never_shown(tx: Tx, *, before: int) -> list[tuple[Owner, str]]:
    """Return whose keys were made by then and still wait for someone to say that their secret arrived."""
    query = select(api_keys.c.account_id, api_keys.c.sub_account, api_keys.c.id).where(
        api_keys.c.status == Status.PENDING.value, api_keys.c.slot.is_not(None), api_keys.c.created_at <= before
    )
    return [(Owner(row.account_id, row.sub_account), row.id) for row in await tx.execute(query)]


async def idle_since(tx: Tx, *, before: int, key_id: str = "") -> list[tuple[Owner, str]]:
    """Return whose working keys were last used, switched on or made before that; of one key where it is named."""
    touched = (key_last_use.c.at, api_keys.c.enabled_at, api_keys.c.created_at)
    query = (
        select(api_keys.c.account_id, api_keys.c.sub_account, api_keys.c.id)
        .select_from(api_keys.outerjoin(key_last_use, key_last_use.c.key_id == api_keys.c.id))
        .where(api_keys.c.status == Status.ACTIVE.value, *(func.coalesce(at, 0) < before for at in touched))
    )
    if key_id:
        query = query.where(api_keys.c.id == key_id)
    return [(Owner(row.account_id, row.sub_account), row.id) for row in await tx.execute(query)]


async def keys_with_deadlines(tx: Tx) -> list[tuple[ApiKey, Material]]:
    """Return every key that is not deleted and may have a deadline to tell of."""
    words = (Status.ACTIVE.value, Status.EXPIRED.value, Status.DISABLED.value)
    query = _keys().where(api_keys.c.slot.is_not(None), api_keys.c.status.in_(words)).order_by(api_keys.c.id)
    return [(_api_key(row), _material(row)) for row in await tx.execute(query)]


async def frozen_permissions(tx: Tx) -> set[str]:
    """Return the words of the permissions that rows say are frozen."""
    return set((await tx.execute(select(frozen.c.permission))).scalars())


async def freezes(tx: Tx) -> dict[str, tuple[int | None, str]]:
    """Return since when rows say that permissions are frozen, and who froze them."""
    return {row.permission: (row.frozen_at, row.frozen_by) for row in await tx.execute(select(frozen))}


async def count_active(tx: Tx) -> list[tuple[str, int]]:
    """Return how many keys that work have each set of permissions, as it is written."""
    query = select(api_keys.c.permissions, func.count()).group_by(api_keys.c.permissions)
    on = (api_keys.c.status == Status.ACTIVE.value, api_keys.c.disabled_at.is_(None), api_keys.c.deleted_at.is_(None))
    return [(words, number) for words, number in await tx.execute(query.where(*on))]


async def freeze_permission(tx: Tx, permission: Permission, *, by: str, now: int) -> None:
    """Keep that a permission is frozen."""
    await unfreeze_permission(tx, permission)
    await tx.execute(insert(frozen).values(permission=permission.value, frozen_at=now, frozen_by=by))


async def unfreeze_permission(tx: Tx, permission: Permission) -> None:
    """Keep no longer that a permission is frozen."""
    await tx.execute(delete(frozen).where(frozen.c.permission == permission.value))


def _of(owner: Owner) -> tuple[Any, Any]:
    return api_keys.c.account_id == owner.account_id, api_keys.c.sub_account == owner.sub_account


def _keys() -> Select[Any]:
    joined = api_keys.outerjoin(key_last_use, key_last_use.c.key_id == api_keys.c.id)
    return select(api_keys, key_last_use.c.at.label("used_at"), key_last_use.c.address.label("used_from")).select_from(
        joined
    )


def _grant_columns(grant: Grant, mac: bytes) -> dict[str, Any]:
    return {
        "permissions": ",".join(sorted(grant.permissions)),
        "environment": grant.environment.value,
        "addresses": ",".join(grant.addresses),
        "status": grant.status.value,
        "expires_at": grant.expires_at,
        "version": grant.version,
        "predecessor_id": grant.predecessor_id or None,
        "overlap_until": grant.overlap_until,
        "grant_mac": mac,
    }


def grant_of(row: Row[Any]) -> Grant:
    """Return the grant that a row of `api_keys` states; whether its MAC holds is another question.

    Raises `ValueError` for words that no grant of ours ever held.
    """
    return Grant(
        key_id=row.id,
        account_id=row.account_id,
        sub_account=row.sub_account,
        permissions=frozenset(Permission(word) for word in row.permissions.split(",")),
        environment=Environment(row.environment),
        addresses=tuple(row.addresses.split(",")) if row.addresses else (),
        status=Status(row.status),
        expires_at=row.expires_at,
        version=row.version,
        predecessor_id=row.predecessor_id or "",
        overlap_until=row.overlap_until,
    )


def _api_key(row: Row[Any]) -> ApiKey:
    try:
        grant = grant_of(row)
    except ValueError:  # altered beyond reading: it grants nothing, and its MAC can't hold
        grant = Grant(
            row.id,
            row.account_id,
            row.sub_account,
            frozenset(),
            Environment.SPOT,
            (),
            Status.DISABLED,
            None,
            row.version,
        )
    return ApiKey(
        grant=grant,
        name=row.name,
        memo=row.memo,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        frozen_at=row.frozen_at,
        deleted_at=row.deleted_at,
        enabled_at=row.enabled_at,
        last_used_at=row.used_at,
        last_used_from=row.used_from or "",
    )


def _material(row: Row[Any]) -> Material:
    return Material(row.secret_sealed, row.passphrase_digest, row.grant_mac)
