"""Writers of one process, and what becomes of them while another holds the embedded database."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from keywright.errors import Busy
from keywright.storage import engine
from keywright.storage.engine import open_database, sqlite_url
from keywright.storage.transaction import Database

WAIT_MS = 1_000


@pytest.fixture
async def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """Give a database whose writers wait for a second."""
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_MS", WAIT_MS)
    database = open_database(sqlite_url(tmp_path / "keywright.db"))
    async with database.write() as tx:
        await tx.exec_driver_sql("CREATE TABLE kept (number INTEGER)")
    yield database
    await database.close()


async def write(database: Database, number: int) -> str:
    try:
        async with database.write() as tx:
            await tx.exec_driver_sql("INSERT INTO kept VALUES (?)", (number,))
    except Busy as busy:
        return busy.message
    return "kept"


async def test_sto_05_writers_who_wait_for_the_same_lock_wait_together_not_one_after_the_other(
    impatient: Database, tmp_path: Path
) -> None:
    clock = asyncio.get_running_loop().time
    with closing(sqlite3.connect(tmp_path / "keywright.db", isolation_level=None)) as holding:
        holding.execute("BEGIN EXCLUSIVE")
        began = clock()
        answers = await asyncio.gather(*(write(impatient, number) for number in range(30)))
        waited = clock() - began
        holding.execute("ROLLBACK")
    assert set(answers) == {"the database is locked, full or unreachable"}
    assert WAIT_MS / 1_000 <= waited < 10 * WAIT_MS / 1_000  # one after the other would be thirty times as long
    assert await asyncio.gather(*(write(impatient, number) for number in range(30))) == ["kept"] * 30


async def test_a_verb_that_is_busy_itself_refuses_nobody_who_waits(impatient: Database) -> None:
    inside = asyncio.Event()

    async def fail() -> None:
        async with impatient.write():
            inside.set()
            await asyncio.sleep(0.2)
            raise Busy("the exchange does not answer")

    failing = asyncio.create_task(fail())
    await inside.wait()
    assert await write(impatient, 1) == "kept"
    with pytest.raises(Busy, match="the exchange"):
        await failing


async def test_a_writer_who_goes_away_while_it_waits_refuses_nobody(impatient: Database, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "keywright.db", isolation_level=None)) as holding:
        holding.execute("BEGIN EXCLUSIVE")
        gone, stays = (asyncio.create_task(write(impatient, number)) for number in (1, 2))
        await asyncio.sleep(0.2)
        gone.cancel()
        await asyncio.sleep(0.2)
        holding.execute("ROLLBACK")
    assert await stays == "kept"
