"""The personal vault: the same tables as a server's, in a database of its own, opened by what protects it.

`open_personal_vault` is the one way in for commands: it gives the services over the open vault, or raises `Locked`. First the
agent is asked, then each way that asks nobody; a passphrase is only ever asked for by `keywright vault unlock`.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from keywright.app import agent_calls, folders as files, store
from keywright.app.folders import hold
from keywright.app.installation import (
    Installation,
    begin_in,
    build_database,
    check_schema,
    open_keyring,
    upgrade_if_older,
)
from keywright.app.protecting import OWNER, VAULT, try_passphrase, vet_new_passphrase
from keywright.app.services import Services, services_of
from keywright.app.vault_note import compare, note_of, read_note, remember
from keywright.app.vault_place import (
    VaultPlace,
    make_state,
    require_private_folders,
    require_vault,
    using,
    vault_place_of,
)
from keywright.audit.events import Event, Kind
from keywright.audit.log import LABEL, AuditLog
from keywright.clock import Clock, wall_clock_ms
from keywright.errors import Busy, Conflict, Locked, Unopenable, Unusable
from keywright.ids import new_id
from keywright.sealing.keyring import Keyring, new_data_key
from keywright.sealing.protections.kinds import find_outer
from keywright.sealing.protections.passphrase import ByPassphrase
from keywright.sealing.protections.wrapped import NewProtection, Protection, Surroundings, unwrap_from, wrap_in
from keywright.secret import Secret
from keywright.settings import Settings
from keywright.storage.engine import open_database, sqlite_url
from keywright.storage.transaction import Database, Tx


@dataclass(frozen=True, slots=True)
class Closed:
    """A vault as it is seen without its key."""

    place: VaultPlace
    id: str
    protections: tuple[Protection, ...]

    def surroundings(self, environ: Mapping[str, str] | None = None) -> Surroundings:
        """Return where its ways may look."""
        return surroundings_of(self.place, self.id, environ)


def surroundings_of(place: VaultPlace, vault: str, environ: Mapping[str, str] | None = None) -> Surroundings:
    """Return where the ways into a vault may look."""
    return Surroundings(vault, place.folders.wrapping_key, os.environ if environ is None else environ)


async def make_personal_vault(
    settings: Settings, new: NewProtection, *, clock: Clock = wall_clock_ms, environ: Mapping[str, str] | None = None
) -> str:
    """Make the settings' vault, protected by `new`; return its id. All or nothing.

    Raises `Conflict` where one is, and `Unusable` where its folders or its protection are not as they must be.
    """
    place = vault_place_of(settings, environ=environ)
    files.check(place.folders)
    require_private_folders(place)
    if isinstance(new, ByPassphrase):
        vet_new_passphrase(new.passphrase)
    files.make(place.folders)
    make_state(place)
    wrapping_key, vault = new_data_key(), ""
    with hold(place.folders.data / "vault-making.lock", wait=True):
        if place.has_vault():
            raise Conflict(f"there is a vault already: {place.name}", hint="`keywright vault status` tells about it")

        async def fill(tx: Tx) -> None:
            nonlocal vault
            vault = await _begin(tx, wrapping_key, new, place, environ=environ, now=clock())

        await build_database(place.folders, fill)
    async with _database_of(place) as database:
        await _keyring(database, wrapping_key, place)
    return vault


async def _begin(
    tx: Tx,
    wrapping_key: Secret,
    new: NewProtection,
    place: VaultPlace,
    *,
    environ: Mapping[str, str] | None,
    now: int,
) -> str:
    """Make everything in an empty database, and remember it. A note of one whose making was cut short is replaced."""
    keyring = await begin_in(tx, wrapping_key, now=now)
    vault, protection_id = keyring.database_id, new_id("vpr")
    parameters, outer = new.make(surroundings_of(place, vault, environ), protection_id=protection_id)
    made = wrap_in(
        wrapping_key,
        outer=outer,
        database_id=vault,
        id_=protection_id,
        kind=new.kind,
        parameters=parameters,
        now=now,
    )
    await store.insert_protection(tx, made)
    audit = AuditLog(keyring.derive(LABEL))
    event = Event(Kind.VAULT_MADE, OWNER, "", VAULT, 0, {"protection": made.id, "kind": made.kind})
    await audit.record(tx, event, now=now)
    remember(place, await note_of(tx, audit, vault=vault), anew=True)
    return vault


async def look_at_vault(settings: Settings, *, environ: Mapping[str, str] | None = None) -> Closed:
    """Return the settings' vault as it is seen without its key. Raises `Unusable` where there is none fit to be opened."""
    place = vault_place_of(settings, environ=environ)
    async with _database_of(place) as database:
        return await _look(place, database)


@asynccontextmanager
async def open_personal_vault(
    settings: Settings,
    *,
    key: Secret | None = None,
    accept: bool = False,
    clock: Clock = wall_clock_ms,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Services]:
    """Give the services over the settings' personal vault, opened; close it at the end.

    Raises `Locked` where nothing at hand opens it, `Unusable` where there is none or its files are not private, and
    `Unremembered` for an older copy or another vault, unless that is to be accepted, which is recorded. `key` is the wrapping
    key where the caller has it.
    """
    place = vault_place_of(settings, environ=environ)
    async with _database_of(place) as database:
        note = read_note(place) if not accept else None
        if key is None:
            key = find_wrapping_key(await _look(place, database), environ=environ)
        keyring = await _keyring(database, key, place)
        audit = AuditLog(keyring.derive(LABEL))
        if not accept:
            async with database.read() as tx:
                await compare(tx, audit, note, vault=keyring.database_id, name=place.name)
        await upgrade_if_older(place.folders, database, now=clock())
        installation = Installation(place.folders, database, keyring, is_new=False)
        services = services_of(installation, settings, clock=clock, personal=True)
        if accept:
            await _accept(services, place)
        try:
            yield services
        finally:
            async with database.read() as tx:
                note = await note_of(tx, audit, vault=keyring.database_id)
            remember(place, note)


def find_wrapping_key(closed: Closed, *, environ: Mapping[str, str] | None = None) -> Secret:
    """Return the vault's wrapping key, asking nobody. Raises `Locked` saying what to do."""
    held = agent_calls.ask_for_key(closed.place.runtime, closed.id)
    if held is not None:
        return held
    first: Unusable | Busy | None = None
    for one in closed.protections:
        if one.asks:
            continue
        try:
            outer = find_outer(one, closed.surroundings(environ))
            return unwrap_from(one, outer=outer, database_id=closed.id)
        except Unopenable:
            first = first or Unusable(f"its {one.kind} is not the one it was protected by")
        except (Unusable, Busy) as problem:
            first = first or problem
    if any(one.asks for one in closed.protections):
        raise Locked
    raise Locked(first.message if first else "nothing protects it", hint=first.hint if first else "restore a backup")


def require_passphrase(closed: Closed) -> None:
    """Do nothing if a passphrase protects the vault. Raises `Conflict` saying what does."""
    if not any(one.asks for one in closed.protections):
        kinds = ", ".join(one.kind for one in closed.protections)
        raise Conflict(
            f"no passphrase protects this vault: it opens by itself ({kinds})",
            hint="`keywright vault protect passphrase` adds one",
        )


def try_current(closed: Closed, passphrase: Secret) -> tuple[Protection, Secret]:
    """Return the protection that a passphrase opens, and the wrapping key. Raises `NotProven`, after a pause."""
    make_state(closed.place)
    return try_passphrase(closed.protections, passphrase, database_id=closed.id, lock=closed.place.attempts)


def unlock(closed: Closed, passphrase: Secret) -> Secret:
    """Return the wrapping key that a passphrase opens. Raises `NotProven`, after a pause."""
    return try_current(closed, passphrase)[1]


@asynccontextmanager
async def _database_of(place: VaultPlace) -> AsyncIterator[Database]:
    """Give the vault's database, which nobody replaces meanwhile. Raises `Unusable` where it is not as it must be."""
    require_vault(place)
    with using(place):
        require_vault(place)
        check_schema(place.folders)
        database = open_database(sqlite_url(place.folders.database))
        try:
            yield database
        finally:
            await database.close()


async def _look(place: VaultPlace, database: Database) -> Closed:
    async with database.read() as tx:
        rows, known = await store.keyring_rows(tx), await store.protections(tx)
    if not rows or not known:
        raise Unusable(
            f"the vault {place.name} has lost its keyring", hint="restore a backup: `keywright vault restore`"
        )
    return Closed(place, rows[0].database_id, tuple(known))


async def _keyring(database: Database, key: Secret, place: VaultPlace) -> Keyring:
    try:
        return await open_keyring(database, key, name=place.name)
    except Unopenable:
        raise Unusable(
            f"the keyring of the vault {place.name} does not open: it was altered, or another vault was put in its place",
            hint="`keywright vault lock` and unlock again; if that does not help, restore a backup",
        ) from None


async def _accept(services: Services, place: VaultPlace) -> None:
    """Take the vault as it is, on the record."""
    vault = services.keyring.database_id
    async with services.database.write() as tx:
        event = Event(Kind.VAULT_ACCEPTED, OWNER, "", VAULT)
        await services.audit.record(tx, event, now=services.clock())
    async with services.database.read() as tx:
        note = await note_of(tx, services.audit, vault=vault)
    remember(place, note, anew=True)
