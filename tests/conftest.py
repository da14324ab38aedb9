"""Fixtures that every part's tests share: a clock that stands still, a database of each kind, the services over it."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from keywright.app.services import Services, wire
from keywright.identity.passwords import CHEAPEST
from keywright.identity.policy_model import Policy
from keywright.sealing.keyring import Keyring, new_data_key
from keywright.secret import Secret
from keywright.storage.engine import open_database, sqlite_url
from keywright.storage.migrate import upgrade
from keywright.storage.transaction import Database
from tests.doubles.fixtures import binance, bitfinex, kucoin  # noqa: F401  # fixtures
from tests.support.clock import FakeClock
from tests.support.holding import Obliging
from tests.support.postgres import Cluster, running_cluster
from tests.support.server import Installation
from tests.support.statements import compiled_once
from tests.support.world import World

# Machines are shared: how long one example takes says nothing, and a slow minute must not fail a proof.
settings.register_profile("keywright", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("keywright")

# What is written is synced, as it must be, and a disk takes milliseconds each time: tests waited for it longer than they computed.
# So their folders are in memory where there is room (a container has 64 MB by itself). Where else: the variable says.
MEMORY, ROOM = Path("/dev/shm"), 2 << 30  # noqa: S108  pytest makes a folder of its own in it
if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.fixture(scope="session", autouse=True)
def statements() -> Iterator[None]:
    """Compile each statement once for all tests."""
    with compiled_once():
        yield


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


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Start a PostgreSQL of our own."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
async def empty_postgres(cluster: Cluster) -> AsyncIterator[str]:
    """Give the URL of a PostgreSQL database in which nothing is."""
    async with cluster.new() as name:
        yield cluster.url(name)


@pytest.fixture
async def postgres_url(cluster: Cluster) -> AsyncIterator[str]:
    """Give the URL of an empty, migrated PostgreSQL database."""
    async with cluster.migrated() as name:
        yield cluster.url(name)


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


@pytest.fixture(scope="session")
def data_key() -> Secret:
    """Give a key for data: one for all tests, so that what one sealed can be handed to the next."""
    return new_data_key()


@pytest.fixture
def keyring(data_key: Secret) -> Keyring:
    """Give a keyring with one key."""
    return Keyring("db_test", {1: data_key})


@pytest.fixture
async def services(database: Database, keyring: Keyring, clock: FakeClock) -> Services:
    """Give the services over a database of each kind."""
    services = wire(database, keyring, policy=Policy(), clock=clock, hasher=CHEAPEST, has_sms=True, asks=Obliging())
    async with database.write() as tx:
        await services.audit.begin(tx)
    return services


@pytest.fixture
def world(services: Services, clock: FakeClock) -> World:
    """Give people and keys to act with, over a database of each kind."""
    return World(services, clock)
