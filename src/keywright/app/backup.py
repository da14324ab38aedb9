"""`keywright database backup`: a copy of the database, whole and proved, without the wrapping key.

A copy knows nothing of what is accepted after it was made. So it tells of no marks at all: a server that is started on it
refuses writes for one clock window, instead of accepting one a second time.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from keywright.app.addresses import address_of
from keywright.app.folders import Folders, folders_of
from keywright.app.services import Services
from keywright.errors import Unusable
from keywright.settings import Settings
from keywright.storage.address import Address
from keywright.storage.engine import open_database, sqlite_url

PROGRAMS = Path("/usr/lib/postgresql")
MARKS = ("replay_epoch", "replay_entries")


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy that was made and looked at."""

    path: Path
    bytes: int
    events: int
    """How many audit events the copy, or the database when it was made, holds."""


async def back_up(services: Services, settings: Settings, destination: Path, *, now: int) -> Backup:
    """Write a copy of the database to a new file, 0600; into a folder under a name of its own.

    Raises `Unusable`, leaving no file, where one lies there, where the wrapping key lies beside it, and when the copy does not
    hold.
    """
    address = address_of(settings)
    folders = folders_of(settings)
    end = "db" if address is None else "dump"
    destination = _place(destination, folders, end=end, now=now)
    unfinished = destination.with_name(destination.name + ".part")
    _begin(unfinished)
    try:
        if address is None:
            events = await _copy_file(services, folders.database, unfinished)
        else:
            events = await _dump(services, address, unfinished)
        size = _settle(unfinished, destination)
    except (OSError, sqlite3.Error) as error:
        raise Unusable(f"the backup {destination} can't be written: {error}", hint="is its disk full?") from None
    finally:
        _remove(unfinished)
    return Backup(destination, size, events)


def _place(destination: Path, folders: Folders, *, end: str, now: int) -> Path:
    """Return the file that is to be made. Raises `Unusable` where there can be none."""
    if destination.is_dir():
        stamp = datetime.fromtimestamp(now / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        destination /= f"keywright-{stamp}.{end}"
    destination = destination.absolute()
    if destination.parent.resolve() == folders.config.resolve():
        raise Unusable(
            "a backup beside the wrapping key is as good as plain secrets", hint="keep the two in different places"
        )
    if os.path.lexists(destination):
        raise Unusable(f"{destination} is there already", hint="name a new file, or a folder")
    return destination


def _begin(unfinished: Path) -> None:
    """Make the file, its owner's alone from the first moment."""
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
    except OSError as error:
        raise Unusable(f"{unfinished} can't be written: {error.strerror}") from None


def _settle(unfinished: Path, destination: Path) -> int:
    """Give the finished file its name, never over a file that came meanwhile; return its size."""
    with unfinished.open("rb") as file:
        os.fsync(file.fileno())
    os.link(unfinished, destination)
    return destination.stat().st_size


def _remove(unfinished: Path) -> None:
    for rest in ("", "-wal", "-shm", "-journal"):
        Path(f"{unfinished}{rest}").unlink(missing_ok=True)


async def _copy_file(services: Services, source: Path, target: Path) -> int:
    await asyncio.to_thread(_copy, source, target)
    copy = open_database(sqlite_url(target))
    try:
        async with copy.read() as tx:
            events = (await services.audit.place(tx)).count  # its head is ours, and the newest event is where it says
    finally:
        await copy.close()
    with closing(sqlite3.connect(target)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
    return events


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as from_, closing(sqlite3.connect(target)) as to:
        from_.backup(to)
        with to:
            for name in MARKS:
                to.execute(f"DELETE FROM {name}")
        if (found := to.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            raise Unusable(f"the database is broken, and so is its copy: {found}", hint="restore an older backup")


async def _dump(services: Services, address: Address, target: Path) -> int:
    async with services.database.read() as tx:
        events = (await services.audit.place(tx)).count
    dump, restore = _program("pg_dump"), _program("pg_restore")
    excluded = [f"--exclude-table-data={name}" for name in MARKS]
    await _run(dump, "--format=custom", "--no-password", *excluded, f"--file={target}", address=address)
    if b"TABLE DATA" not in await _run(restore, "--list", str(target), address=address):
        raise Unusable("the copy that pg_dump made holds nothing", hint="may this role read every table?")
    return events


def _program(name: str) -> str:
    newest = sorted(PROGRAMS.glob(f"*/bin/{name}"), key=_version, reverse=True)
    found = str(newest[0]) if newest else shutil.which(name)
    if not found:
        raise Unusable(
            f"{name} is not installed, and PostgreSQL's own programs make its backups",
            hint="apt install postgresql-client; or make the backup on the database's machine: pg_dump --format=custom",
        )
    return found


def _version(path: Path) -> float:
    try:
        return float(path.parent.parent.name)
    except ValueError:
        return 0.0


async def _run(program: str, *arguments: str, address: Address) -> bytes:
    """Run one of PostgreSQL's programs and return what it printed. The password goes by its environment, not its arguments."""
    process = await asyncio.create_subprocess_exec(
        program,
        *arguments,
        env={**os.environ, **address.environment()},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await process.communicate()
    except BaseException:
        process.kill()
        raise
    if process.returncode:
        said = err.decode("utf-8", "replace").strip().splitlines()
        raise Unusable(f"{Path(program).name} failed: {said[0] if said else 'it did not say why'}")
    return out
