"""Opens an installation, or makes one: the database, its schema, its keyring. All or nothing.

A new database is built under another name and renamed when it is whole; an older one is copied before it is upgraded.
Whatever is wrong is said before anything is changed.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from keywright import ids
from keywright.app import folders as files, store
from keywright.app.folders import Folders
from keywright.app.postgres import check_schema_at
from keywright.audit.log import LABEL as AUDIT_LABEL, AuditLog
from keywright.errors import Busy, Unopenable, Unusable
from keywright.sealing.keyring import Keyring, new_data_key, unwrap, wrap
from keywright.sealing.wrapping import create_wrapping_key, read_wrapping_key
from keywright.secret import Secret
from keywright.storage import schema
from keywright.storage.address import Address
from keywright.storage.engine import open_database, sqlite_url
from keywright.storage.newest import make_newest
from keywright.storage.transaction import Database, Tx


@dataclass(frozen=True, slots=True)
class Installation:
    """An open database with its keyring."""

    folders: Folders
    database: Database
    keyring: Keyring
    is_new: bool
    """Whether it was made just now."""


async def open_installation(
    folders: Folders, *, address: Address | None = None, make: bool = True, patient: bool = True, now: int
) -> Installation:
    """Return the installation in these folders, made or upgraded where that is needed; with an address the one whose
    database is there, which is neither made nor upgraded. A server is not patient: it gives up on a database that hangs.

    Raises `Unusable`, with nothing changed, when files are missing, foreign, newer than this program or too open.
    """
    files.check(folders)
    if address is not None:
        return await _open_at(address, folders, patient=patient)
    is_new = not folders.database.exists()
    if is_new and not make:
        raise Unusable(
            f"there is no Keywright in {folders.data}",
            hint="`make run` makes one, or `keywright accounts create`; is --data-dir right?",
        )
    if is_new and folders.wrapping_key.exists() and any(folders.data.glob("keywright.db*")):
        raise Unusable(
            f"the database {folders.database} is gone, and parts of it are left", hint="restore it from its backup"
        )
    if is_new:
        files.make(folders)
        with files.hold(folders.data / "making.lock", wait=True):
            if not folders.database.exists():
                await build_database(folders, lambda tx: make_in(tx, folders, now=now))
    wrapping_key = _wrapping_key(folders, str(folders.database))
    check_schema(folders)
    database = open_database(sqlite_url(folders.database))
    try:
        keyring = await _open_keyring(folders, database, wrapping_key, str(folders.database))
        await upgrade_if_older(folders, database, now=now)
    except BaseException:
        await database.close()
        raise
    return Installation(folders, database, keyring, is_new)


async def _open_at(address: Address, folders: Folders, *, patient: bool) -> Installation:
    name = address.place
    database = open_database(address, patient=patient)
    try:
        await check_schema_at(address, database)
        keyring = await _open_keyring(folders, database, _wrapping_key(folders, name), name)
    except BaseException:
        await database.close()
        raise
    return Installation(folders, database, keyring, is_new=False)


def _wrapping_key(folders: Folders, name: str) -> Secret:
    if not folders.wrapping_key.exists():
        raise Unusable(
            f"the wrapping key {folders.wrapping_key} is missing, and the database {name} can't be opened without it",
            hint="restore the file from its backup; with a new one every secret in the database would be lost",
        )
    return read_wrapping_key(folders.wrapping_key)


async def build_database(folders: Folders, fill: Callable[[Tx], Awaitable[None]]) -> None:
    """Make the folders' embedded database, filled by `fill`: under another name, renamed when it is whole.

    Raises `Unusable` where it can't be made. The caller holds a lock, and has looked that there is none.
    """
    unfinished = folders.database.with_suffix(".new")
    _remove(unfinished)
    database = open_database(sqlite_url(unfinished))
    try:
        async with database.write() as tx:
            await fill(tx)
    finally:
        await database.close()
    try:
        settle(unfinished)
        _remove(unfinished, itself=False)  # before the rename: whoever is killed behind it leaves nothing
        unfinished.rename(folders.database)
        sync_folder(folders.data)
    except (OSError, sqlite3.Error) as error:
        raise Unusable(f"the database {folders.database} can't be made: {error}", hint="is its disk full?") from None


async def make_in(tx: Tx, folders: Folders, *, now: int) -> None:
    """Make schema, keyring and the beginning of everything in an empty database, in the caller's transaction.

    The wrapping key is the folder's; one that lies there already goes on serving.
    """
    existing = folders.wrapping_key.exists()
    wrapping_key = read_wrapping_key(folders.wrapping_key) if existing else create_wrapping_key(folders.wrapping_key)
    await begin_in(tx, wrapping_key, now=now)


async def begin_in(tx: Tx, wrapping_key: Secret, *, now: int) -> Keyring:
    """Make schema, keyring and the beginning of everything in an empty database; return the keyring."""
    from keywright.gateway.marks import begin_replay  # noqa: PLC0415  loads what speaks to PostgreSQL

    await make_newest(tx)
    database_id, data_key = ids.new_id("db"), new_data_key()
    wrapped = wrap(data_key, wrapping_key=wrapping_key, database_id=database_id, version=1)
    await store.insert_keyring_row(tx, version=1, database_id=database_id, wrapped=wrapped, now=now)
    keyring = Keyring(database_id, {1: data_key})
    await AuditLog(keyring.derive(AUDIT_LABEL)).begin(tx)
    await begin_replay(tx, began_at=0)  # there were no requests before: every mark will be kept
    return keyring


def check_schema(folders: Folders) -> None:
    """Do nothing if the embedded database has a schema this program knows. Raises `Unusable` and `Busy`."""
    try:
        revision = schema.revision_of_file(folders.database)
    except sqlite3.OperationalError as error:
        raise Busy(
            f"the database {folders.database} can't be read: {error}",
            hint="try again; is its disk full, is another process holding it?",
        ) from None
    except sqlite3.DatabaseError:
        raise Unusable(f"{folders.database} is not a Keywright database") from None
    if revision is None:
        raise Unusable(f"{folders.database} is not a Keywright database", hint="move it away and start again")
    if revision not in schema.KNOWN:
        raise Unusable(
            f"the database {folders.database} was made by a newer version of Keywright (schema {revision})",
            hint="start that version, or restore a backup from before the upgrade",
        )


async def _open_keyring(folders: Folders, database: Database, wrapping_key: Secret, name: str) -> Keyring:
    try:
        return await open_keyring(database, wrapping_key, name=name)
    except Unopenable:
        raise Unusable(
            f"the wrapping key {folders.wrapping_key} belongs to another database than {name}",
            hint="restore the key that was made with this database",
        ) from None


async def open_keyring(database: Database, wrapping_key: Secret, *, name: str) -> Keyring:
    """Return the keyring of the database called `name`.

    Raises `Unusable` where it has none, and `Unopenable` when this is not its wrapping key.
    """
    async with database.read() as tx:
        rows = await store.keyring_rows(tx)
    if not rows:
        raise Unusable(f"the database {name} has lost its keyring", hint="restore it from a backup")
    keys = {
        row.version: unwrap(row.wrapped, wrapping_key=wrapping_key, database_id=row.database_id, version=row.version)
        for row in rows
    }
    return Keyring(rows[0].database_id, keys)


async def upgrade_if_older(folders: Folders, database: Database, *, now: int) -> None:
    """Bring the folders' embedded database to the newest schema, after a copy was made of it."""
    async with database.read() as tx:
        revision = await schema.revision(tx)
    if revision == schema.HEAD:
        return
    from keywright.storage.migrate import upgrade  # noqa: PLC0415  loads Alembic, a quarter of a second

    folders.backups.mkdir(mode=0o700, exist_ok=True)
    _copy(folders.database, files.copy_before_upgrade(folders, revision, now))
    await upgrade(database)


def _copy(source: Path, target: Path) -> None:
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with sqlite3.connect(source) as from_, sqlite3.connect(target) as to:
        from_.backup(to)
    from_.close()
    to.close()
    sync_folder(target.parent)


def settle(path: Path) -> None:
    """Move everything into the one file that is about to be renamed: a -wal would not follow."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _remove(path: Path, *, itself: bool = True) -> None:
    for end in (*([""] if itself else ()), "-wal", "-shm", "-journal", "-next", "-turn"):
        Path(f"{path}{end}").unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
