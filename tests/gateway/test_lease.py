"""The freshness lease on PostgreSQL: what is cached is true, or nobody is let through."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy import update

from keywright.app.services import Services, wire
from keywright.errors import Busy, Unusable
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


@pytest.fixture
async def told_only(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Lease]:
    """Give a lease that looks when it is told to, and by itself only after minutes."""
    monkeypatch.setattr(lease_module, "RENEW_SECONDS", 300.0)
    monkeypatch.setattr(lease_module, "LEASE_SECONDS", 600.0)
    lease = Lease(database)
    await lease.start()
    await lease.hear()
    yield lease
    await lease.stop()


@pytest.fixture
async def elsewhere(postgres_url: str) -> AsyncIterator[Database]:
    """Give the same database as another process has it."""
    other = open_database(postgres_url)
    yield other
    await other.close()


async def soon(holds: Callable[[], bool]) -> None:
    """Return once it holds; fails when it never does."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not holds():
        assert loop.time() - began < 60, "it never came"
        await asyncio.sleep(0.002)


def known(lease: Lease) -> int | None:
    try:
        return lease.sequence()
    except Refused as refused:
        return None if refused.reason is Reason.NOT_SURE else -1


async def believed(lease: Lease, last_word: int | None) -> float:
    """Wait until the lease says this; return when it last said anything else, by the loop's clock.

    It is looked at before the lease is asked: however long this process is kept from going on, it can't be too late.
    """
    loop, last = asyncio.get_running_loop(), 0.0

    def is_over() -> bool:
        nonlocal last
        at = loop.time()
        if (said := known(lease)) == last_word:
            return True
        if said is not None:
            last = at
        return False

    await soon(is_over)
    return last


async def test_a_change_of_this_process_is_known_before_whoever_made_it_is_answered(
    database: Database, lease: Lease
) -> None:
    for _ in range(50):
        async with database.write() as tx:
            await announce(tx)
        heard = await lease.newest()
        async with database.read() as tx:
            assert heard == await newest(tx)


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
    assert known(lease) is None


async def test_a_change_by_another_process_counts_at_once(
    world: World,
    services: Services,
    told_only: Lease,
    elsewhere: Database,
    keyring: Keyring,
    clock: FakeClock,
) -> None:
    ada = await world.person()
    held = await world.key(ada)
    keys = Keys(services.database, keyring=services.keyring, audit=services.audit, freshness=told_only)
    record = await keys.find(held.id)
    assert record is not None
    assert await keys.find(held.id) is record, "from the cache, without a statement"
    before = told_only.sequence()
    others = World(wire(elsewhere, keyring, policy=Policy(), clock=clock, hasher=CHEAPEST), clock)
    await others.disable(ada, held.id)
    await soon(lambda: told_only.sequence() > before)
    record = await keys.find(held.id)
    assert record is not None
    assert record.disabled_at == clock()


async def test_an_announcement_is_heard_long_before_the_next_look(told_only: Lease, elsewhere: Database) -> None:
    async with elsewhere.write() as tx:
        await announce(tx)
        expected = await newest(tx)
    await soon(lambda: told_only.sequence() == expected)


async def test_a_change_that_nobody_announced_is_caught_within_the_lease(lease: Lease, database: Database) -> None:
    async with database.write() as tx:  # as by hand, in psql
        await tx.execute(update(change_sequence).values(seq=4_711))
    changed = asyncio.get_running_loop().time()
    assert await believed(lease, 4_711) < changed + LEASE_SECONDS


async def test_a_change_that_was_undone_is_none(lease: Lease, database: Database) -> None:
    before = lease.sequence()
    with pytest.raises(ZeroDivisionError):
        async with database.write() as tx:
            await announce(tx)
            raise ZeroDivisionError
    await lease.hear()
    assert await lease.newest() == before


async def test_n4_without_contact_for_a_second_nobody_is_let_through_and_afterwards_all_are(
    lease: Lease, cluster: Cluster
) -> None:
    postmaster = _postmaster(cluster)
    backends = _children(postmaster)
    subprocess.run(["kill", "-STOP", *backends], check=True)  # they are there, and don't answer: the worst case
    stopped = asyncio.get_running_loop().time()
    try:
        assert await believed(lease, None) < stopped + LEASE_SECONDS
        with pytest.raises(Refused):
            await lease.newest()
    finally:
        subprocess.run(["kill", "-CONT", *backends], check=False)
    await soon(lambda: known(lease) is not None)


async def test_who_could_not_go_on_for_a_second_asks_the_database_and_refuses_nobody(
    world: World, services: Services, lease: Lease
) -> None:
    """A machine that is busy, or slept: requests came meanwhile, and the database is where it was."""
    held = await world.key(await world.person())
    keys = Keys(services.database, keyring=services.keyring, audit=services.audit, freshness=lease)
    assert await keys.find(held.id) is not None
    for _ in range(3):
        time.sleep(LEASE_SECONDS + 0.1)
        assert known(lease) is None
        assert await keys.find(held.id) is not None


async def test_once_the_database_is_out_of_sight_nobody_is_kept_waiting(
    lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def renew() -> None:
        raise Unusable("the database is out of sight")

    monkeypatch.setattr(lease, "_renew", renew)
    await soon(lambda: known(lease) is None and lease._failed > 1)
    with pytest.raises(Refused):
        lease.newest().send(None)  # the first step is the last


async def test_a_start_waits_for_a_database_that_is_slow_and_says_so_when_it_stays_so(
    database: Database, elsewhere: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_module, "ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(lease_module, "PATIENCE_SECONDS", 0.3)
    lease = Lease(database)
    async with elsewhere.write() as tx:
        await tx.exec_driver_sql("LOCK TABLE change_sequence IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Busy, match="does not answer in time"):
            await lease.start()
        monkeypatch.setattr(lease_module, "PATIENCE_SECONDS", 60.0)
        starting = asyncio.create_task(lease.start())
        await asyncio.sleep(0.5)
        assert not starting.done()
        monkeypatch.setattr(lease_module, "ANSWER_SECONDS", 20.0)
    await starting
    assert known(lease) is not None
    await lease.stop()


async def test_a_connection_that_breaks_is_made_anew_before_the_lease_runs_out(
    database: Database, elsewhere: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_module, "LEASE_SECONDS", 60.0)  # as long as a busy machine may take for it
    lease = Lease(database)
    await lease.start()
    for _ in range(3):
        broken = lease._connection
        async with elsewhere.write() as tx:
            await tx.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database ="
                " (SELECT oid FROM pg_database WHERE datname = current_database())"
            )
        await soon(lambda broken=broken: lease._connection not in (None, broken) and known(lease) is not None)  # type: ignore[misc]
        async with elsewhere.write() as tx:
            await announce(tx)
            expected = await newest(tx)
        await soon(lambda wanted=expected: lease.sequence() == wanted)  # type: ignore[misc]
    await lease.stop()


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
        async with asyncio.timeout(60):
            await lease.stop()


async def test_a_change_sequence_that_is_gone_lets_nobody_through(lease: Lease, database: Database) -> None:
    async with database.write() as tx:
        await tx.exec_driver_sql("DELETE FROM change_sequence")
    await soon(lambda: known(lease) is None)


async def test_a_second_server_is_refused_and_takes_over_when_the_first_is_gone(
    lease: Lease, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_module, "PATIENCE_SECONDS", 0.3)
    second = Lease(database)
    with pytest.raises(Unusable, match="another server"):
        await second.start()
    assert known(second) is None
    assert await lease.newest() >= 0
    await lease.stop()
    assert known(lease) is None
    await second.start()
    assert await second.newest() >= 0
    await second.stop()


def _postmaster(cluster: Cluster) -> str:
    return (cluster.folder / "data" / "postmaster.pid").read_text().splitlines()[0]


def _children(pid: str) -> list[str]:
    found = subprocess.run(["pgrep", "-P", pid], check=True, capture_output=True, text=True)
    return found.stdout.split()
