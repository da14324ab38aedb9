"""PostgreSQL for tests: a server of their own, and empty databases on it that cost little.

To make a database and to drop it again takes longer than most tests. So those that only keep rows in one share it: a
database that a test is done with is emptied and given to the next. One whose tables, triggers or grants a test changed is dropped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from keywright.storage.engine import open_database
from keywright.storage.migrate import upgrade

TEMPLATE = "migrated"

WATCH = """
CREATE SCHEMA suite;
CREATE TABLE suite.changes (tag text);
CREATE FUNCTION suite.note() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS
    $$ BEGIN INSERT INTO suite.changes VALUES (tg_tag); END $$;
CREATE EVENT TRIGGER note ON ddl_command_end EXECUTE FUNCTION suite.note();
"""
"""Notes in a database of the pool that more than its rows was changed."""

LEAVE = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
RESTART = "SELECT setval(seqrelid, seqstart, false) FROM pg_sequence"


def programs() -> Path:
    """Return the folder of PostgreSQL's own programs."""
    for place in (
        os.environ.get("PG_BIN", ""),
        *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)),
    ):
        if place and (Path(place) / "initdb").exists():
            return Path(place)
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    pytest.fail("PostgreSQL's initdb is missing: apt install postgresql (or set PG_BIN to its folder)")


class Cluster:
    """A PostgreSQL server that listens on a socket in a folder, and its databases."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._idle: list[str] = []
        self._emptying = ""
        self._first_rows: dict[str, list[tuple[Any, ...]]] = {}

    def url(self, name: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://postgres@/{name}?host={self.folder}"

    @asynccontextmanager
    async def new(self) -> AsyncIterator[str]:
        """Give the name of a new database in which nothing is; it is dropped at the end."""
        name = await self._create("template0")
        try:
            yield name
        finally:
            await self._drop(name)

    @asynccontextmanager
    async def migrated(self) -> AsyncIterator[str]:
        """Give the name of a migrated database without rows, whoever used it before."""
        name = self._idle.pop() if self._idle else await self._copy()
        try:
            yield name
        finally:
            if await self._empty(name):
                self._idle.append(name)
            else:
                await self._drop(name)

    async def _copy(self) -> str:
        """Make one more for the pool; the first time, its template too."""
        if not self._emptying:
            await self._prepare()
        name = await self._create(TEMPLATE)
        async with self._connected("postgres") as connection:
            # No test cuts the power: a commit is seen by all at once as ever, only its way to the disk isn't waited for.
            await connection.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
        return name

    async def _prepare(self) -> None:
        async with self._connected("postgres") as connection:
            await connection.execute(f"CREATE DATABASE {TEMPLATE}")
        database = open_database(self.url(TEMPLATE))
        await upgrade(database)
        await database.close()
        async with self._connected(TEMPLATE) as connection:
            tables = [row[0] for row in await connection.fetch(TABLES)]
            for table in tables:
                if rows := await connection.fetch(f"SELECT * FROM {table}"):
                    self._first_rows[table] = [tuple(row) for row in rows]
            await connection.execute(WATCH)
        # As a replica nothing else runs: no trigger that guards the audit log, no foreign key.
        deletions = "; ".join(f"DELETE FROM {table}" for table in tables)
        self._emptying = f"SET session_replication_role = replica; {deletions}; {RESTART}"

    async def _empty(self, name: str) -> bool:
        """Bring a database back to what it was; tell whether that can be, which it can't once more than rows was changed."""
        async with self._connected(name) as connection:
            await connection.execute(LEAVE)
            if await connection.fetchval("SELECT count(*) FROM suite.changes"):
                return False
            await connection.execute(self._emptying)
            for table, rows in self._first_rows.items():
                places = ", ".join(f"${number}" for number in range(1, len(rows[0]) + 1))
                await connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)
        return True

    async def _create(self, template: str) -> str:
        name = f"test_{os.urandom(6).hex()}"
        async with self._connected("postgres") as connection:
            # By way of the log, for the other strategy waits until all that is in memory is on the disk.
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")
        return name

    async def _drop(self, name: str) -> None:
        async with self._connected("postgres") as connection:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")

    @asynccontextmanager
    async def _connected(self, name: str) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(host=str(self.folder), user="postgres", database=name, password="")
        try:
            yield connection
        finally:
            await connection.close()


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Start a server in a folder of its own; it is gone with all its databases when the block ends."""
    found = programs()
    user = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    # In memory, as tests' folders are: it syncs what it writes, or Keywright would refuse it. A socket's path holds 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="kwpg", dir=os.environ.get("PYTEST_DEBUG_TEMPROOT")))
    if user:
        shutil.chown(folder, user)

    def run(program: str, *arguments: str | Path) -> None:
        subprocess.run(
            [found / program, "-D", folder / "data", *arguments],
            check=True,
            capture_output=True,
            cwd="/",
            user=user,
        )

    run("initdb", "-U", "postgres", "-A", "trust", "--no-sync")
    options = f"-k {folder} -c listen_addresses='' -c max_connections=200"
    run("pg_ctl", "-w", "-o", options, "-l", folder / "log", "start")
    try:
        yield Cluster(folder)
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
