from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select

from keywright.gateway import usage as usage_module
from keywright.gateway.model import Attempt
from keywright.gateway.usage import Usage
from keywright.storage.tables import key_last_use, usage_records
from keywright.storage.transaction import Database
from tests.support.clock import T0

ATTEMPT = Attempt(
    "r1", "spot", T0, "GET", "/api/v1/accounts", "203.0.113.7", "ccxt", "k1", "acc_1", "allowed", 200, 1_500
)


async def test_records_are_written_in_batches_with_each_keys_last_accepted_use(database: Database) -> None:
    usage = Usage(database)
    for number in range(1_200):
        usage.keep(replace(ATTEMPT, request_id=f"r{number}", started_at=T0 + number))
    usage.keep(
        replace(ATTEMPT, started_at=T0 + 9_999, verdict="signature_mismatch", status=401, address="198.51.100.1")
    )
    await usage.flush()
    async with database.read() as tx:
        rows = (await tx.execute(select(usage_records))).all()
        (last,) = (await tx.execute(select(key_last_use))).all()
    assert len(rows) == 1_201
    assert (last.key_id, last.at, last.address) == ("k1", T0 + 1_199, "203.0.113.7"), "a refused try is no use"


async def test_a_later_use_replaces_the_earlier_one(database: Database) -> None:
    usage = Usage(database)
    for at in (T0, T0 + 5):
        usage.keep(replace(ATTEMPT, started_at=at))
        await usage.flush()
    async with database.read() as tx:
        assert (await tx.execute(select(key_last_use.c.at))).scalar_one() == T0 + 5


async def test_dos_10_while_the_database_stalls_the_newest_are_dropped_and_counted(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_module, "MOST_WAITING", 10)
    usage = Usage(database)
    for _ in range(25):
        usage.keep(ATTEMPT)
    assert usage.dropped == 15


async def test_what_waits_is_written_when_the_task_ends(database: Database) -> None:
    usage = Usage(database)
    task = asyncio.create_task(usage.run())
    await asyncio.sleep(0)
    usage.keep(ATTEMPT)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    async with database.read() as tx:
        assert len((await tx.execute(select(usage_records))).all()) == 1


async def test_of_strangers_refusals_only_a_few_are_kept(database: Database) -> None:
    usage = Usage(database)
    for _ in range(500):
        usage.keep(replace(ATTEMPT, key_id="", account_id="", verdict="too_many_requests", status=429))
    usage.keep(replace(ATTEMPT, verdict="signature_mismatch", status=401))
    await usage.flush()
    async with database.read() as tx:
        rows = (await tx.execute(select(usage_records))).all()
    assert len(rows) == usage_module.STRANGERS + 1
    assert usage.dropped == 500 - usage_module.STRANGERS


async def test_a_late_record_does_not_set_the_last_use_back(database: Database) -> None:
    usage = Usage(database)
    for at in (T0 + 9, T0 + 5):
        usage.keep(replace(ATTEMPT, started_at=at))
    await usage.flush()
    usage.keep(replace(ATTEMPT, started_at=T0 + 7))
    await usage.flush()
    async with database.read() as tx:
        assert (await tx.execute(select(key_last_use.c.at))).scalar_one() == T0 + 9


async def test_old_records_are_forgotten(database: Database) -> None:
    usage = Usage(database)
    for at in (T0, T0 + 10):
        usage.keep(replace(ATTEMPT, started_at=at))
    await usage.flush()
    assert await usage.forget(before=T0 + 10) == 1
