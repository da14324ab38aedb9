"""A new embedded database is made at once; it is the one that the migrations make."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from scripts.schema import FILE, newest
from sqlalchemy import event

from keywright.storage import schema
from keywright.storage.engine import open_database, sqlite_url
from keywright.storage.migrate import upgrade
from keywright.storage.newest import make_newest, statements


async def made(path: Path) -> Path:
    database = open_database(sqlite_url(path))
    async with database.write() as tx:
        await make_newest(tx)
    await database.close()
    return path


def everything_in(path: Path) -> tuple[list[str], list[str]]:
    """Return a database's objects as they were declared, and its rows: but for blanks at the ends of lines."""
    with closing(sqlite3.connect(path)) as connection:
        declared = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name")
        objects = [re.sub(r"\s*\n", "\n", "|".join(map(str, row))) for row in declared]
        return objects, [line for line in connection.iterdump() if line.startswith("INSERT")]


async def test_a_new_database_is_what_the_migrations_make(empty_sqlite: Path, tmp_path: Path) -> None:
    assert everything_in(await made(tmp_path / "new.db")) == everything_in(empty_sqlite)


def test_the_file_is_in_step_with_the_migrations() -> None:
    assert FILE.read_text("utf-8") == newest(), "run `make reference`"


async def test_an_upgrade_finds_nothing_to_do(tmp_path: Path) -> None:
    path = await made(tmp_path / "new.db")
    before = everything_in(path)
    database = open_database(sqlite_url(path))
    async with database.read() as tx:
        assert await schema.revision(tx) == schema.HEAD
    await upgrade(database)
    await database.close()
    assert everything_in(path) == before


async def test_it_is_made_whole_or_not_at_all(tmp_path: Path) -> None:
    database = open_database(sqlite_url(tmp_path / "new.db"))
    left = len(statements()) // 2

    @event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def stop(*_: object) -> None:
        nonlocal left
        left -= 1
        if not left:
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        async with database.write() as tx:
            await make_newest(tx)
    await database.close()
    assert everything_in(tmp_path / "new.db") == ([], [])


@pytest.mark.postgres
async def test_on_postgresql_the_migrations_make_it(empty_postgres: str) -> None:
    database = open_database(empty_postgres)
    async with database.write() as tx:
        await make_newest(tx)
    async with database.read() as tx:
        assert await schema.revision(tx) == schema.HEAD
    await database.close()
