"""The personal vault: the same tables as a server's, in a database of its own, opened by what protects it.

`open_personal_vault` is the one way in for commands: it gives the services over the open vault, or raises `Locked`. What opens
it is in `vault_opening`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from keywright.app import folders as files, store
from keywright.app.folders import hold
from keywright.app.installation import begin_in, build_database
from keywright.app.protecting import OWNER, VAULT, try_hardware, try_passphrase, vet_new_passphrase
from keywright.app.services import Services, services_of
from keywright.app.vault_note import note_of, remember
from keywright.app.vault_opening import Closed, database_of, keyring_of, opened_vault, surroundings_of
from keywright.app.vault_place import VaultPlace, make_state, require_private_folders, vault_place_of
from keywright.audit.events import Event, Kind
from keywright.audit.log import LABEL, AuditLog
from keywright.clock import Clock, wall_clock_ms
from keywright.errors import Conflict
from keywright.ids import new_id
from keywright.sealing.age_program import Tell
from keywright.sealing.keyring import new_data_key
from keywright.sealing.protections.passphrase import ByPassphrase
from keywright.sealing.protections.wrapped import NewProtection, Protection, wrap_in
from keywright.secret import Secret
from keywright.settings import Settings
from keywright.storage.transaction import Tx


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
        require_no_vault(place)

        async def fill(tx: Tx) -> None:
            nonlocal vault
            vault = await _begin(tx, wrapping_key, new, place, environ=environ, now=clock())

        await build_database(place.folders, fill)
    async with database_of(place) as database:
        await keyring_of(database, wrapping_key, place)
    return vault


def require_no_vault(place: VaultPlace) -> None:
    """Do nothing unless there is a vault already; raises `Conflict`."""
    if place.has_vault():
        raise Conflict(f"there is a vault already: {place.name}", hint="`keywright vault status` tells about it")


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
    async with opened_vault(place, key=key, accept=accept, clock=clock, environ=environ) as installation:
        yield services_of(installation, settings, clock=clock, personal=True)


def who_opens(closed: Closed, named: str = "") -> str:
    """Return the kind of protection by which a person opens the vault: the one that is named, else the first that it got.

    Raises `Conflict` saying what else opens it.
    """
    kinds = [one.kind for one in closed.protections]
    asking = [one.kind for one in closed.protections if one.asks]
    if named in asking or (asking and not named):
        return named or asking[0]
    by_itself = "" if asking else " itself"
    raise Conflict(
        f"no {named or 'passphrase'} protects this vault: it opens by{by_itself} ({', '.join(kinds)})",
        hint=f"`keywright vault protect {named or 'passphrase'}` adds one",
    )


def try_current(closed: Closed, passphrase: Secret) -> tuple[Protection, Secret]:
    """Return the protection that a passphrase opens, and the wrapping key. Raises `NotProven`, after a pause."""
    make_state(closed.place)
    return try_passphrase(closed.protections, passphrase, database_id=closed.id, lock=closed.place.attempts)


def unlock(closed: Closed, passphrase: Secret) -> Secret:
    """Return the wrapping key that a passphrase opens. Raises `NotProven`, after a pause."""
    return try_current(closed, passphrase)[1]


def unlock_by_hardware(
    closed: Closed, *, identity: Path | None, tell: Tell, environ: Mapping[str, str] | None = None
) -> Secret:
    """Return the wrapping key that a key in hardware opens. Raises `AgeRefused`, and `Unusable` for what is missing."""
    return try_hardware(closed.protections, closed.surroundings(environ), identity=identity, tell=tell)
