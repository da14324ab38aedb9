"""A personal vault's backups: one age file that holds all it takes to have the vault back, on this machine or another.

A copy is made under load and looked at; a restore is proved in a file of its own before anything is replaced, and what it
replaces stays beside it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from keywright.app import folders as files, store
from keywright.app.backup import MARKS
from keywright.app.folders import Folders, hold
from keywright.app.installation import check_schema, open_keyring, settle, sync_folder
from keywright.app.protecting import OWNER, VAULT, add_protection, make_protection, vet_new_passphrase
from keywright.app.services import Services
from keywright.app.vault_archive import FORMAT, Archive, Manifest
from keywright.app.vault_note import Note, note_of, read_note, remember
from keywright.app.vault_opening import surroundings_of
from keywright.app.vault_place import VaultPlace, make_state, require_private_folders, require_unused
from keywright.audit.events import Event, Kind
from keywright.audit.log import LABEL, AuditLog
from keywright.clock import Clock, wall_clock_ms
from keywright.errors import Conflict, Unopenable, Unusable
from keywright.sealing.protections.passphrase import ByPassphrase
from keywright.sealing.protections.wrapped import NewProtection
from keywright.secret import Secret
from keywright.storage import schema
from keywright.storage.engine import open_database, sqlite_url
from keywright.storage.transaction import Database

LARGEST_FILE = 1 << 30


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back."""

    path: Path
    manifest: Manifest
    aside: Path | None
    """The vault that was there before."""
    kinds: tuple[str, ...]
    """What opens it now."""
    is_another: bool
    """Whether this machine remembered another vault in this place: who made the backup is not said by its seal alone."""


async def copy_vault(services: Services, place: VaultPlace, wrapping_key: Secret, *, now: int) -> Archive:
    """Return a consistent copy of the open vault, proved to be whole. Commands may write meanwhile."""
    with closing(sqlite3.connect(place.folders.database)) as source, closing(sqlite3.connect(":memory:")) as copy:
        source.backup(copy)
        with copy:
            for name in MARKS:
                copy.execute(f"DELETE FROM {name}")
        if (found := copy.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            raise Unusable(f"the vault is broken, and so would its copy be: {found}", hint="restore an older backup")
        (events,) = copy.execute("SELECT seq FROM audit_head").fetchone()
        copy.execute("VACUUM")
        content = copy.serialize()
    return Archive(Manifest(FORMAT, services.keyring.database_id, events, now), Secret(content), wrapping_key)


def require_new(destination: Path) -> Path:
    """Return where a new file is to be, if nothing is there; raises `Unusable`."""
    destination = destination.expanduser().absolute()
    if os.path.lexists(destination):
        raise Unusable(f"{destination} is there already", hint="name a new file")
    return destination


def write_backup(destination: Path, sealed: bytes) -> Path:
    """Write a new file, 0600, whole or not at all, never over another; return where it is. Raises `Unusable`."""
    destination = require_new(destination)
    unfinished = destination.with_name(f"{destination.name}.part")
    try:
        descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(sealed)
                file.flush()
                os.fsync(descriptor)
            os.link(unfinished, destination)
        finally:
            unfinished.unlink(missing_ok=True)
        sync_folder(destination.parent)
    except OSError as error:
        raise Unusable(
            f"the backup {destination} can't be written: {error.strerror}", hint="is its disk full?"
        ) from None
    return destination


def read_backup(path: Path) -> bytes:
    """Return a backup's bytes. Raises `Unusable` for what is no plain file, or too large for a vault."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_FILE:
                raise Unusable(f"{path} is no backup of a vault")
            return file.read()
    except OSError as error:
        raise Unusable(f"the backup {path} can't be read: {error.strerror}") from None


async def restore_vault(
    archive: Archive,
    place: VaultPlace,
    *,
    new: NewProtection | None = None,
    replace: bool = False,
    clock: Clock = wall_clock_ms,
) -> Restored:
    """Put the vault of a backup in its place, protected as it was, or by `new` alone. All or nothing.

    Raises `Conflict` where a vault is and none is to be replaced, `Busy` while a command has that open, `Unopenable` for an
    archive that does not hold together. What is replaced stays beside it.
    """
    now = clock()
    if isinstance(new, ByPassphrase):
        vet_new_passphrase(new.passphrase)
    files.check(Folders(place.folders.data, place.folders.config))
    require_private_folders(place)
    files.make(place.folders)
    make_state(place)
    with hold(place.folders.data / "vault-making.lock", wait=True), require_unused(place):
        is_there = place.has_vault()
        if is_there and not replace:
            raise Conflict(
                f"there is a vault already: {place.name}",
                hint="`--replace` puts the backup in its place, and keeps it beside; or restore to another --data-dir",
            )
        unfinished = Folders(place.folders.data, place.folders.config, "vault-restoring")
        try:
            kinds, note = await _prove(archive, unfinished, place, new, now=now)
            settle(unfinished.database)
            is_another = _remembers_another(place, archive.manifest.vault)
            aside = _set_aside(place, now) if is_there else None
            unfinished.database.replace(place.folders.database)
            sync_folder(place.folders.data)
            remember(place, note, anew=True)
        except (OSError, sqlite3.Error) as error:
            raise Unusable(
                f"the vault can't be restored: {error}", hint="is its disk full? Nothing was replaced"
            ) from None
        finally:
            _clear(unfinished.database, ("", "-wal", "-shm", "-journal", "-next", "-turn"))
    return Restored(place.folders.database, archive.manifest, aside, kinds, is_another)


async def _prove(
    archive: Archive, unfinished: Folders, place: VaultPlace, new: NewProtection | None, *, now: int
) -> tuple[tuple[str, ...], Note]:
    """Write the database under another name, and finish it there; return what opens it. Raises where anything does not hold."""
    path = unfinished.database
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(archive.database.reveal())
    check_schema(unfinished)
    database = open_database(sqlite_url(path))
    try:
        return await _finish(archive, database, place, new, now=now)
    except Unopenable:
        raise Unopenable("the backup does not hold together: its key does not open its database") from None
    finally:
        await database.close()


async def _finish(
    archive: Archive, database: Database, place: VaultPlace, new: NewProtection | None, *, now: int
) -> tuple[tuple[str, ...], Note]:
    said, key = archive.manifest, archive.wrapping_key
    keyring = await open_keyring(database, key, name="of the backup")
    audit = AuditLog(keyring.derive(LABEL))
    async with database.read() as tx:
        broken, verified = await store.broken_structure(tx), await audit.verify(tx)
    if broken or (keyring.database_id, verified.count) != (said.vault, said.events):
        raise Unopenable("altered")
    await _upgrade(database)
    around = surroundings_of(place, said.vault)
    made = make_protection(new, wrapping_key=key, surroundings=around, now=now) if new is not None else None
    async with database.write() as tx:
        if made is not None:
            for one in await store.protections(tx):
                await store.delete_protection(tx, one.id)
            await add_protection(tx, made, audit=audit, now=now)
        detail = {"made_at": said.made_at, "events": said.events}
        await audit.record(tx, Event(Kind.VAULT_RESTORED, OWNER, "", VAULT, 0, detail), now=now)
        kinds = tuple(one.kind for one in await store.protections(tx))
        note = await note_of(tx, audit, vault=said.vault)
    return kinds, note


async def _upgrade(database: Database) -> None:
    async with database.read() as tx:
        revision = await schema.revision(tx)
    if revision != schema.HEAD:
        from keywright.storage.migrate import upgrade  # noqa: PLC0415  loads Alembic, a quarter of a second

        await upgrade(database)


def _set_aside(place: VaultPlace, now: int) -> Path:
    """Copy the vault that is there to a name of its own, whole or broken as it is, and leave nothing beside it that a new
    one could be mistaken to own."""
    stamp = datetime.fromtimestamp(now / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    named = place.folders.database.with_name
    aside = named(f"vault-before-{stamp}.db")
    if os.path.lexists(aside):
        again = (named(f"vault-before-{stamp}-{number}.db") for number in count(2))
        aside = next(path for path in again if not os.path.lexists(path))
    for rest in ("", "-wal"):
        source, target = Path(f"{place.folders.database}{rest}"), Path(f"{aside}{rest}")
        if source.exists():
            os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
            shutil.copyfile(source, target)
            with target.open("rb") as file:
                os.fsync(file.fileno())
    sync_folder(aside.parent)
    # Of a sound one nothing is lost by what follows, wherever it is interrupted; a broken one lies aside by now.
    with suppress(sqlite3.Error), closing(sqlite3.connect(place.folders.database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    _clear(place.folders.database, ("-wal", "-shm", "-journal"))
    return aside


def _remembers_another(place: VaultPlace, vault: str) -> bool:
    try:
        note = read_note(place)
    except Unusable:  # damaged: what is put in its place now will be remembered
        return False
    return note is not None and note.vault != vault


def _clear(path: Path, ends: tuple[str, ...]) -> None:
    for end in ends:
        Path(f"{path}{end}").unlink(missing_ok=True)
