"""What replay and limits remember: in memory, in the embedded database, in PostgreSQL. All run the same sentences."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import delete, insert

from keywright.errors import Busy
from keywright.gateway import memory
from keywright.gateway.embedded import EmbeddedState
from keywright.gateway.marks import begin_replay, lock_replay_epoch
from keywright.gateway.memory import MemoryState
from keywright.gateway.model import Quota
from keywright.gateway.shared import SharedState
from keywright.storage.tables import replay_entries, replay_epoch
from keywright.storage.transaction import Database
from tests.support.clock import T0

WINDOW = 30_000


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def kept_in(request: pytest.FixtureRequest) -> Database | None:
    return None if request.param == "memory" else request.getfixturevalue(request.param)


@pytest.fixture
async def state(kept_in: Database | None) -> AsyncIterator[MemoryState]:
    if kept_in is None:
        yield MemoryState()
        return
    database = kept_in
    async with database.write() as tx:
        await begin_replay(tx, began_at=0)
    state = _over(database)
    await state.start(now=T0, window_ms=WINDOW)
    yield state
    await state.stop()


def _over(database: Database) -> EmbeddedState:
    return EmbeddedState(database) if database.is_sqlite else SharedState(database)


async def _spend(state: MemoryState, digest: bytes, *, stamped_at: int = T0, now: int = T0) -> bool:
    return await state.spend(digest, stamped_at=stamped_at, until=stamped_at + WINDOW + 1, now=now)


async def test_a_request_is_new_once(state: MemoryState) -> None:
    assert await _spend(state, b"a" * 32)
    assert not await _spend(state, b"a" * 32)
    assert await _spend(state, b"b" * 32)


async def test_ts_04_of_a_hundred_at_once_one_is_new(state: MemoryState) -> None:
    outcomes = await asyncio.gather(*(_spend(state, b"a" * 32) for _ in range(100)))
    assert outcomes.count(True) == 1


async def test_it_is_remembered_as_long_as_its_time_is_in_the_window(state: MemoryState) -> None:
    assert await _spend(state, b"a" * 32)
    assert not await _spend(state, b"a" * 32, now=T0 + WINDOW)


async def test_dos_08_what_can_not_come_again_is_forgotten(state: MemoryState) -> None:
    for second in range(100):
        now = T0 + second * 1_000
        for number in range(10):
            await _spend(state, b"%032d" % (second * 10 + number), stamped_at=now, now=now)
    assert len(state) <= 10 * 32


async def test_ts_07_writes_from_before_a_start_that_lost_its_marks_are_refused(state: MemoryState) -> None:
    state.quarantine(until=T0 + WINDOW)
    with pytest.raises(Busy):
        await _spend(state, b"a" * 32, stamped_at=T0 + WINDOW)
    assert await _spend(state, b"a" * 32, stamped_at=T0 + WINDOW + 1)


async def test_ts_10_a_clock_set_back_does_not_revive_what_was_forgotten(state: MemoryState) -> None:
    assert await _spend(state, b"a" * 32)
    later = T0 + 600_000
    assert await _spend(state, b"b" * 32, stamped_at=later, now=later)
    with pytest.raises(Busy, match="clock"):
        await _spend(state, b"a" * 32)
    assert not await _spend(state, b"b" * 32, stamped_at=later, now=T0)


async def test_ts_11_a_clock_that_jumped_ahead_and_back_locks_nobody_out_for_long(state: MemoryState) -> None:
    assert await _spend(state, b"a" * 32)
    state._sweep((T0 + 3_600_000) // 1_000)  # an hour ahead for a moment
    with pytest.raises(Busy):
        await _spend(state, b"a" * 32, now=T0 + 5_000)
    soon = T0 + WINDOW + 2_000
    assert await _spend(state, b"b" * 32, stamped_at=soon, now=soon)


async def test_ts_10_nor_after_a_restart(database: Database) -> None:
    async with database.write() as tx:
        await begin_replay(tx, began_at=0)
    later = T0 + 600_000
    state = _over(database)
    await state.start(now=T0, window_ms=WINDOW)
    await _spend(state, b"a" * 32)
    await _spend(state, b"b" * 32, stamped_at=later, now=later)  # drops the first, and notes it
    await state.stop()
    again = _over(database)
    await again.start(now=T0, window_ms=WINDOW)
    with pytest.raises(Busy):
        await _spend(again, b"a" * 32)
    await again.stop()


async def test_limits_are_kept_per_bucket(state: MemoryState) -> None:
    quota = Quota(2, 1_000)
    outcomes = [(await state.take("one", quota=quota, cost=1, now=T0)).allowed for _ in range(3)]
    assert outcomes == [True, True, False]
    assert (await state.take("other", quota=quota, cost=1, now=T0)).allowed


async def test_dos_08_buckets_are_bounded_and_full_ones_go_first(
    state: MemoryState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "MAX_BUCKETS", 100)
    quota = Quota(10, 1_000)
    await state.take("victim", quota=quota, cost=10, now=T0)
    for number in range(90):
        await state.take(f"early{number}", quota=quota, cost=1, now=T0)
    for number in range(90):
        await state.take(f"late{number}", quota=quota, cost=1, now=T0 + 200)  # by now the early ones are full again
    assert len(state._full_at) <= 100
    assert not (await state.take("victim", quota=quota, cost=5, now=T0 + 200)).allowed


async def test_marks_outlive_the_process(database: Database) -> None:
    async with database.write() as tx:
        await begin_replay(tx, began_at=0)
    outcomes = []
    for _ in range(2):
        state = _over(database)
        await state.start(now=T0 + 1_000, window_ms=WINDOW)
        outcomes.append(await _spend(state, b"a" * 32, now=T0 + 1_000))
        await state.stop()
    assert outcomes == [True, False]


async def test_a_mark_is_on_disk_before_its_request_may_go_on(database: Database) -> None:
    state = _over(database)
    async with database.write() as tx:
        await begin_replay(tx, began_at=0)
    await state.start(now=T0, window_ms=WINDOW)
    async with database.write() as tx:  # the journal can't write while someone else does
        await lock_replay_epoch(tx, to_change=True)
        spending = asyncio.create_task(_spend(state, b"a" * 32))
        await asyncio.sleep(0.05)
        assert not spending.done()
    assert await spending
    await state.stop()


async def test_a_mark_that_can_not_be_kept_lets_nothing_through_and_stays_spent(sqlite: Database) -> None:
    state = EmbeddedState(sqlite)
    async with sqlite.write() as tx:
        await begin_replay(tx, began_at=0)
    await state.start(now=T0, window_ms=WINDOW)
    async with sqlite.write() as tx:  # a row in the way makes the insert fail
        await tx.execute(insert(replay_entries).values(digest=b"a" * 32, expires_at=T0 + WINDOW))
    with pytest.raises(Busy):
        await _spend(state, b"a" * 32)
    assert not await _spend(state, b"a" * 32)
    assert await _spend(state, b"b" * 32), "the journal itself goes on"
    await state.stop()


async def test_sto_05_who_comes_while_a_mark_can_not_be_kept_waits_for_the_same_lock_and_not_once_more(
    sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    state, tried, held = EmbeddedState(sqlite), 0, asyncio.Event()

    async def keep(*_: object, **__: object) -> frozenset[bytes]:
        nonlocal tried
        tried += 1
        await held.wait()
        raise Busy("another process keeps the database locked")

    await state.start(now=T0 - 2 * WINDOW, window_ms=WINDOW)
    monkeypatch.setattr(state, "_keep", keep)
    first = asyncio.ensure_future(_spend(state, b"a" * 32))
    await asyncio.sleep(0.01)
    second = asyncio.ensure_future(_spend(state, b"b" * 32))
    await asyncio.sleep(0.01)
    held.set()
    outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(one) for one in outcomes] == [Busy, Busy]
    assert tried == 1
    await state.stop()


async def test_ts_07_a_store_that_was_emptied_is_noticed(database: Database) -> None:
    async with database.write() as tx:
        await tx.execute(delete(replay_epoch))
    state = _over(database)
    await state.start(now=T0, window_ms=WINDOW)
    with pytest.raises(Busy):
        await _spend(state, b"a" * 32, stamped_at=T0 + 29_000)
    await state.stop()
    soon = _over(database)  # a crash and a second start do not shorten the wait
    await soon.start(now=T0 + 1_000, window_ms=WINDOW)
    with pytest.raises(Busy):
        await _spend(soon, b"a" * 32, stamped_at=T0 + WINDOW, now=T0 + 1_000)
    await soon.stop()
    again = _over(database)
    await again.start(now=T0 + 60_000, window_ms=WINDOW)
    assert await _spend(again, b"a" * 32, stamped_at=T0 + 60_000, now=T0 + 60_000)
    await again.stop()


# ── between servers of one PostgreSQL database


@pytest.fixture
async def two(postgres: Database) -> AsyncIterator[tuple[SharedState, SharedState]]:
    """Give the memories of two servers."""
    async with postgres.write() as tx:
        await begin_replay(tx, began_at=0)
    states = SharedState(postgres), SharedState(postgres)
    for state in states:
        await state.start(now=T0, window_ms=WINDOW)
    yield states
    for state in states:
        await state.stop()


@pytest.mark.postgres
async def test_n1_what_one_server_took_is_a_replay_at_the_other(two: tuple[SharedState, SharedState]) -> None:
    one, other = two
    assert await _spend(one, b"a" * 32)
    assert not await _spend(other, b"a" * 32)
    assert await _spend(other, b"b" * 32)


@pytest.mark.postgres
async def test_n1_of_a_hundred_at_once_at_two_servers_one_is_new(two: tuple[SharedState, SharedState]) -> None:
    digests = [b"%032d" % (number // 10) for number in range(100)]
    outcomes = await asyncio.gather(*(_spend(two[number % 2], digest) for number, digest in enumerate(digests)))
    new = [digest for digest, outcome in zip(digests, outcomes, strict=True) if outcome]
    assert sorted(new) == sorted(set(digests))


@pytest.mark.postgres
async def test_ts_10_what_the_server_with_the_faster_clock_dropped_is_not_new_at_the_slower(
    two: tuple[SharedState, SharedState],
) -> None:
    slow, fast = two
    later = T0 + WINDOW + 5_000
    assert await _spend(fast, b"a" * 32)
    assert await _spend(fast, b"b" * 32, stamped_at=later, now=later)  # drops the first
    with pytest.raises(Busy):
        await _spend(slow, b"a" * 32)
    assert await _spend(slow, b"c" * 32, stamped_at=later, now=later)


@pytest.mark.postgres
async def test_ts_07_a_store_that_is_emptied_under_running_servers_is_noticed_by_each(
    two: tuple[SharedState, SharedState], postgres: Database
) -> None:
    one, other = two
    assert await _spend(one, b"a" * 32)
    async with postgres.write() as tx:
        await tx.execute(delete(replay_entries))
        await tx.execute(delete(replay_epoch))
    for state in (other, one):
        with pytest.raises(Busy):
            await _spend(state, b"%032d" % id(state), stamped_at=T0 + 1)
    soon = T0 + WINDOW + 2
    assert await _spend(other, b"d" * 32, stamped_at=soon, now=soon)
    assert await _spend(one, b"e" * 32, stamped_at=soon, now=soon)


@pytest.mark.postgres
async def test_a_mark_that_postgresql_can_not_keep_lets_nothing_through(
    two: tuple[SharedState, SharedState], postgres: Database
) -> None:
    async with postgres.write() as tx:
        await tx.exec_driver_sql("ALTER TABLE replay_entries RENAME TO gone")
    with pytest.raises(Busy):
        await _spend(two[0], b"a" * 32)
    async with postgres.write() as tx:
        await tx.exec_driver_sql("ALTER TABLE gone RENAME TO replay_entries")
    assert not await _spend(two[0], b"a" * 32), "its sender has to sign anew"
    assert await _spend(two[0], b"b" * 32), "the journal itself goes on"
