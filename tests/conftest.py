"""Fixtures that every part's tests share: a clock that stands still, a database of each kind, the services over it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy.ext.asyncio import create_async_engine

from keywright.app.services import Services, wire
from keywright.identity.passwords import CHEAPEST
from keywright.issuing.model import Policy
from keywright.sealing.keyring import Keyring, new_data_key
from keywright.storage.engine import open_database, sqlite_url
from keywright.storage.migrate import upgrade
from keywright.storage.transaction import Database
from tests.support.clock import FakeClock
from tests.support.server import Installation
from tests.support.world import World

# Machines are shared: how long one example takes says nothing, and a slow minute must not fail a proof.
settings.register_profile("keywright", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("keywright")


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock that stands at the catalogue's T0."""
    return FakeClock()


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated, empty SQLite file to copy: migrating anew for every test would double the suite's time."""
    path = tmp_path_factory.mktemp("template") / "keywright.db"

    async def build() -> None:
        database = open_database(sqlite_url(path))
        await upgrade(database)
        await database.close()

    asyncio.run(build())
    return path


@pytest.fixture
async def sqlite(empty_sqlite: Path, tmp_path: Path) -> AsyncIterator[Database]:
    """Give an empty embedded database."""
    path = tmp_path / "keywright.db"
    shutil.copy(empty_sqlite, path)
    database = open_database(sqlite_url(path))
    yield database
    await database.close()


def _postgres_programs() -> Path:
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


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Start a PostgreSQL of our own, on a socket in a folder of our own; give the URL of its first database."""
    programs = _postgres_programs()
    user = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="kwpg"))  # short: a socket's path holds 107 bytes
    if user:
        shutil.chown(folder, user)
    data = folder / "data"

    def run(program: str, *arguments: str | Path) -> None:
        subprocess.run(
            [programs / program, "-D", data, *arguments], check=True, capture_output=True, cwd="/", user=user
        )

    run("initdb", "-U", "postgres", "-A", "trust", "--no-sync")
    options = f"-k {folder} -c listen_addresses='' -c max_connections=200"
    run("pg_ctl", "-w", "-o", options, "-l", folder / "log", "start")
    try:
        yield f"postgresql+asyncpg://postgres@/postgres?host={folder}"
    finally:
        run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def _new_postgres(server: str, *, like: str = "") -> AsyncIterator[str]:
    """Give the URL of a new database, empty or like another one; it is dropped at the end."""
    name = f"test_{os.urandom(6).hex()}"
    admin = create_async_engine(server, isolation_level="AUTOCOMMIT")
    async with admin.connect() as connection:
        template = like or "template0"
        await connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    try:
        yield server.replace("@/postgres?", f"@/{name}?").replace("+asyncpg", "")
    finally:
        async with admin.connect() as connection:
            await connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.dispose()


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: str) -> str:
    """Give the name of a migrated, empty PostgreSQL database to copy."""

    async def build() -> None:
        admin = create_async_engine(postgres_server, isolation_level="AUTOCOMMIT")
        async with admin.connect() as connection:
            await connection.exec_driver_sql("CREATE DATABASE migrated")
        await admin.dispose()
        database = open_database(postgres_server.replace("@/postgres?", "@/migrated?"))
        await upgrade(database)
        await database.close()

    asyncio.run(build())
    return "migrated"


@pytest.fixture
async def empty_postgres(postgres_server: str) -> AsyncIterator[str]:
    """Give the URL of a PostgreSQL database in which nothing is."""
    async with _new_postgres(postgres_server) as url:
        yield url


@pytest.fixture
async def postgres_url(postgres_server: str, migrated_postgres: str) -> AsyncIterator[str]:
    """Give the URL of an empty, migrated PostgreSQL database."""
    async with _new_postgres(postgres_server, like=migrated_postgres) as url:
        yield url


@pytest.fixture
async def postgres(postgres_url: str) -> AsyncIterator[Database]:
    """Give an empty, migrated PostgreSQL database."""
    database = open_database(postgres_url)
    yield database
    await database.close()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> Database:
    """Give an empty database of each kind: whatever holds in one must hold in the other."""
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Installation:
    """Give a folder nothing was ever started in, its database of each kind."""
    url: str = request.getfixturevalue("empty_postgres") if request.param == "postgres" else ""
    return Installation(tmp_path, database_url=url)


@pytest.fixture
def keyring() -> Keyring:
    """Give a keyring with one key."""
    return Keyring("db_test", {1: new_data_key()})


@pytest.fixture
async def services(database: Database, keyring: Keyring, clock: FakeClock) -> Services:
    """Give the services over a database of each kind."""
    services = wire(database, keyring, policy=Policy(), clock=clock, hasher=CHEAPEST)
    async with database.write() as tx:
        await services.audit.begin(tx)
    return services


@pytest.fixture
def world(services: Services, clock: FakeClock) -> World:
    """Give people and keys to act with, over a database of each kind."""
    return World(services, clock)
