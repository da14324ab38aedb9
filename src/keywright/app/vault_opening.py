"""Opens a personal vault by what protects it: first the agent is asked, then each way that asks nobody.

A person is only ever asked by `keywright vault unlock`. Loads no verbs: what only starts a bot opens the vault, too.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from keywright.app import agent_calls, store
from keywright.app.installation import Installation, check_schema, open_keyring, upgrade_if_older
from keywright.app.protecting import OWNER, VAULT
from keywright.app.vault_note import compare, note_of, read_note, remember
from keywright.app.vault_place import VaultPlace, require_vault, using, vault_place_of
from keywright.audit.events import Event, Kind
from keywright.audit.log import LABEL, AuditLog
from keywright.clock import Clock
from keywright.errors import Busy, Locked, Unopenable, Unusable
from keywright.sealing.keyring import Keyring
from keywright.sealing.protections.kinds import find_outer
from keywright.sealing.protections.wrapped import Protection, Surroundings, unwrap_from
from keywright.secret import Secret
from keywright.settings import Settings
from keywright.storage.engine import open_database, sqlite_url
from keywright.storage.transaction import Database


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


async def look_at_vault(settings: Settings, *, environ: Mapping[str, str] | None = None) -> Closed:
    """Return the settings' vault as it is seen without its key. Raises `Unusable` where there is none fit to be opened."""
    place = vault_place_of(settings, environ=environ)
    async with database_of(place) as database:
        return await look(place, database)


@asynccontextmanager
async def opened_vault(
    place: VaultPlace,
    *,
    key: Secret | None = None,
    accept: bool = False,
    clock: Clock,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Installation]:
    """Give the vault at a place, opened; note how far its log is, and close it, at the end.

    Raises `Locked` where nothing at hand opens it, `Unusable` where there is none or its files are not private, and
    `Unremembered` for an older copy or another vault, unless that is to be accepted, which is recorded. `key` is the wrapping key where the
    caller has it.
    """
    async with database_of(place) as database:
        note = read_note(place) if not accept else None
        if key is None:
            key = find_wrapping_key(await look(place, database), environ=environ)
        keyring = await keyring_of(database, key, place)
        audit = AuditLog(keyring.derive(LABEL))
        if not accept:
            async with database.read() as tx:
                await compare(tx, audit, note, vault=keyring.database_id, name=place.name)
        await upgrade_if_older(place.folders, database, now=clock())
        if accept:
            await _accept(database, audit, place, vault=keyring.database_id, now=clock())
        try:
            yield Installation(place.folders, database, keyring, is_new=False)
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


@asynccontextmanager
async def database_of(place: VaultPlace) -> AsyncIterator[Database]:
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


async def look(place: VaultPlace, database: Database) -> Closed:
    """Return the vault in an open database as it is seen without its key. Raises `Unusable` for one without a keyring."""
    async with database.read() as tx:
        rows, known = await store.keyring_rows(tx), await store.protections(tx)
    if not rows or not known:
        raise Unusable(
            f"the vault {place.name} has lost its keyring", hint="restore a backup: `keywright vault restore`"
        )
    return Closed(place, rows[0].database_id, tuple(known))


async def keyring_of(database: Database, key: Secret, place: VaultPlace) -> Keyring:
    """Return the vault's keyring, as its wrapping key opens it. Raises `Unusable` where it does not."""
    try:
        return await open_keyring(database, key, name=place.name)
    except Unopenable:
        raise Unusable(
            f"the keyring of the vault {place.name} does not open: it was altered, or another vault was put in its place",
            hint="`keywright vault lock` and unlock again; if that does not help, restore a backup",
        ) from None


async def _accept(database: Database, audit: AuditLog, place: VaultPlace, *, vault: str, now: int) -> None:
    """Take the vault as it is, on the record."""
    async with database.write() as tx:
        await audit.record(tx, Event(Kind.VAULT_ACCEPTED, OWNER, "", VAULT), now=now)
    async with database.read() as tx:
        note = await note_of(tx, audit, vault=vault)
    remember(place, note, anew=True)
