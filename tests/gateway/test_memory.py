"""What replay and limits remember: in memory, and in the embedded database. Both run the same sentences."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import delete, insert

from keywright.errors import Busy
from keywright.gateway import memory
from keywright.gateway.embedded import EmbeddedState
from keywright.gateway.memory import MemoryState
from keywright.gateway.model import Quota
from keywright.gateway.store import begin_replay
from keywright.storage.tables import replay_entries, replay_epoch
from keywright.storage.transaction import Database
from tests.support.clock import T0

WINDOW = 30_000


@pytest.fixture(params=["memory", "embedded"])
async def state(request: pytest.FixtureRequest, sqlite: Database) -> AsyncIterator[MemoryState]:
    if request.param == "memory":
        yield MemoryState()
        return
    async with sqlite.write() as tx:
        await begin_replay(tx, began_at=0)
    state = EmbeddedState(sqlite)
    await state.start(now=T0, window_ms=WINDOW)
    yield state
    await state.stop()


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


async def test_ts_10_nor_after_a_restart(sqlite: Database) -> None:
    async with sqlite.write() as tx:
        await begin_replay(tx, began_at=0)
    later = T0 + 600_000
    state = EmbeddedState(sqlite)
    await state.start(now=T0, window_ms=WINDOW)
    await _spend(state, b"a" * 32)
    await _spend(state, b"b" * 32, stamped_at=later, now=later)  # drops the first, and notes it
    await state.stop()
    again = EmbeddedState(sqlite)
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


async def test_marks_outlive_the_process(sqlite: Database) -> None:
    async with sqlite.write() as tx:
        await begin_replay(tx, began_at=0)
    outcomes = []
    for _ in range(2):
        state = EmbeddedState(sqlite)
        await state.start(now=T0 + 1_000, window_ms=WINDOW)
        outcomes.append(await _spend(state, b"a" * 32, now=T0 + 1_000))
        await state.stop()
    assert outcomes == [True, False]


async def test_a_mark_is_on_disk_before_its_request_may_go_on(sqlite: Database) -> None:
    state = EmbeddedState(sqlite)
    async with sqlite.write() as tx:
        await begin_replay(tx, began_at=0)
    await state.start(now=T0, window_ms=WINDOW)
    async with sqlite.write():  # the journal can't write while someone else does
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


async def test_ts_07_a_store_that_was_emptied_is_noticed(sqlite: Database) -> None:
    async with sqlite.write() as tx:
        await tx.execute(delete(replay_epoch))
    state = EmbeddedState(sqlite)
    await state.start(now=T0, window_ms=WINDOW)
    with pytest.raises(Busy):
        await _spend(state, b"a" * 32, stamped_at=T0 + 29_000)
    await state.stop()
    soon = EmbeddedState(sqlite)  # a crash and a second start do not shorten the wait
    await soon.start(now=T0 + 1_000, window_ms=WINDOW)
    with pytest.raises(Busy):
        await _spend(soon, b"a" * 32, stamped_at=T0 + WINDOW, now=T0 + 1_000)
    await soon.stop()
    again = EmbeddedState(sqlite)
    await again.start(now=T0 + 60_000, window_ms=WINDOW)
    assert await _spend(again, b"a" * 32, stamped_at=T0 + 60_000, now=T0 + 60_000)
    await again.stop()
