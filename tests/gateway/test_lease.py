"""The freshness lease on PostgreSQL: what is cached is true, or nobody is let through."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import update

from keywright.app.services import Services, wire
from keywright.errors import Unusable
from keywright.gateway import lease as lease_module
from keywright.gateway.keys import Keys
from keywright.gateway.lease import LEASE_SECONDS, Lease
from keywright.identity.passwords import CHEAPEST
from keywright.identity.policy_model import Policy
from keywright.protocol.refusal import Reason, Refused
from keywright.sealing.keyring import Keyring
from keywright.storage.changes import announce, newest
from keywright.storage.engine import open_database
from keywright.storage.tables import change_sequence
from keywright.storage.transaction import Database
from tests.support.clock import FakeClock
from tests.support.postgres import Cluster
from tests.support.world import World

pytestmark = pytest.mark.postgres


@pytest.fixture
def database(postgres: Database) -> Database:
    return postgres


@pytest.fixture
async def lease(database: Database) -> AsyncIterator[Lease]:
    lease = Lease(database)
    await lease.start()
    yield lease
    await lease.stop()


async def soon(holds: Callable[[], bool], *, seconds: float = 5.0) -> float:
    """Return after how many seconds it held; fails when it never did."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not holds():
        assert loop.time() - began < seconds, "it never came"
        await asyncio.sleep(0.002)
    return loop.time() - began


async def test_a_change_of_this_process_is_known_before_whoever_made_it_is_answered(
    database: Database, lease: Lease
) -> None:
    for _ in range(50):
        async with database.write() as tx:
            await announce(tx)
        known = lease.sequence()
        async with database.read() as tx:
            assert known == await newest(tx)


async def test_what_was_undone_and_what_is_no_change_keeps_nobody_waiting(
    database: Database, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[None] = []

    async def hear() -> None:
        heard.append(None)

    monkeypatch.setattr(database, "after_change", hear)
    with pytest.raises(ZeroDivisionError):
        async with database.write() as tx:
            await announce(tx)
            raise ZeroDivisionError
    async with database.write() as tx:
        await newest(tx)
    assert not heard


async def test_a_change_is_answered_though_the_lease_can_not_be_renewed(
    database: Database, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def renew() -> None:
        raise Unusable("the database is out of sight")

    monkeypatch.setattr(lease, "_renew", renew)
    async with database.write() as tx:
        await announce(tx)
    assert knows_nothing(lease)


def knows_nothing(lease: Lease) -> bool:
    try:
        lease.sequence()
    except Refused as refused:
        return refused.reason is Reason.NOT_SURE
    return False


async def test_a_change_by_another_process_counts_at_once(
    world: World, services: Services, lease: Lease, postgres_url: str, keyring: Keyring, clock: FakeClock
) -> None:
    ada = await world.person()
    held = await world.key(ada)
    keys = Keys(services.database, keyring=services.keyring, audit=services.audit, freshness=lease)
    await soon(lambda: lease.sequence() > 0)
    record = await keys.find(held.id)
    assert record is not None
    assert await keys.find(held.id) is record, "from the cache, without a statement"
    other = open_database(postgres_url)
    elsewhere = World(wire(other, keyring, policy=Policy(), clock=clock, hasher=CHEAPEST), clock)
    await elsewhere.disable(ada, held.id)
    await other.close()
    await asyncio.sleep(0.1)
    record = await keys.find(held.id)
    assert record is not None
    assert record.disabled_at == clock()


async def test_an_announcement_is_heard_long_before_the_next_look(
    lease: Lease, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_module, "RENEW_SECONDS", 0.9)
    await asyncio.sleep(0.4)  # the look that was already waited for
    async with database.write() as tx:
        await announce(tx)
        expected = await newest(tx)
    assert await soon(lambda: lease.sequence() == expected) < 0.5


async def test_a_change_that_nobody_announced_is_caught_within_the_lease(lease: Lease, database: Database) -> None:
    async with database.write() as tx:  # as by hand, in psql
        await tx.execute(update(change_sequence).values(seq=4_711))
    assert await soon(lambda: lease.sequence() == 4_711) < LEASE_SECONDS


async def test_a_change_that_was_undone_is_none(lease: Lease, database: Database) -> None:
    before = lease.sequence()
    with pytest.raises(ZeroDivisionError):
        async with database.write() as tx:
            await announce(tx)
            raise ZeroDivisionError
    await asyncio.sleep(0.4)
    assert lease.sequence() == before


async def test_n4_without_contact_for_a_second_nobody_is_let_through_and_afterwards_all_are(
    lease: Lease, cluster: Cluster
) -> None:
    postmaster = _postmaster(cluster)
    backends = _children(postmaster)
    subprocess.run(["kill", "-STOP", *backends], check=True)  # they are there, and don't answer: the worst case
    try:
        waited = await soon(lambda: knows_nothing(lease), seconds=3)
        assert waited <= LEASE_SECONDS + 0.2
    finally:
        subprocess.run(["kill", "-CONT", *backends], check=False)
    await soon(lambda: not knows_nothing(lease))


async def test_a_connection_that_breaks_is_made_anew_before_the_lease_runs_out(
    lease: Lease, database: Database
) -> None:
    for _ in range(3):
        async with database.write() as tx:
            await tx.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database ="
                " (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        await asyncio.sleep(0.3)
        assert not knows_nothing(lease)
        async with database.write() as tx:
            await announce(tx)
            expected = await newest(tx)
        assert await soon(lambda wanted=expected: lease.sequence() == wanted) < LEASE_SECONDS, "it listens again"  # type: ignore[misc]


async def test_it_stops_whatever_it_hears_meanwhile(database: Database) -> None:
    for turns in range(8):  # of the loop between an announcement and the end: one of them used to be stopped for ever
        lease = Lease(database)
        await lease.start()
        await asyncio.sleep(0.02)  # the first look is over, and it waits for news
        async with database.write() as tx:
            await announce(tx)
        lease._wake.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            await lease.stop()


async def test_a_change_sequence_that_is_gone_lets_nobody_through(lease: Lease, database: Database) -> None:
    async with database.write() as tx:
        await tx.exec_driver_sql("DELETE FROM change_sequence")
    await soon(lambda: knows_nothing(lease), seconds=2)


async def test_a_second_server_is_refused_and_takes_over_when_the_first_is_gone(
    lease: Lease, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_module, "PATIENCE_SECONDS", 0.3)
    second = Lease(database)
    with pytest.raises(Unusable, match="another server"):
        await second.start()
    assert knows_nothing(second)
    assert not knows_nothing(lease)
    await lease.stop()
    assert knows_nothing(lease)
    await second.start()
    assert not knows_nothing(second)
    await second.stop()


def _postmaster(cluster: Cluster) -> str:
    return (cluster.folder / "data" / "postmaster.pid").read_text().splitlines()[0]


def _children(pid: str) -> list[str]:
    found = subprocess.run(["pgrep", "-P", pid], check=True, capture_output=True, text=True)
    return found.stdout.split()
