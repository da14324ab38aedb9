"""`keywright database`, on a database of each kind."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Connection, inspect

from keywright.sealing.wrapping import create_wrapping_key
from keywright.storage import schema
from keywright.storage.engine import open_database, sqlite_url
from tests.cli.conftest import Terminal
from tests.support.older import make_older

BEFORE = "0004"
"""A schema of an earlier version."""


@pytest.fixture
def on_postgres(empty_postgres: str, keywright: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Give a terminal whose database is an empty PostgreSQL database."""
    monkeypatch.setenv("KEYWRIGHT_DATABASE_URL", empty_postgres)
    return keywright


@pytest.mark.postgres
def test_an_empty_database_is_made_by_this_command_only(on_postgres: Terminal) -> None:
    for command in (
        "serve --console-port=0 --gateway-port=0 --futures-port=0",
        "accounts list",
        "accounts create a@b.c",
    ):
        refused = on_postgres(command, "seven-lamps-under-rain")
        assert (refused.code, refused.out) == (1, "")
        assert "is empty" in refused.err
        assert "hint: keywright database upgrade" in refused.err
    assert not (on_postgres.folder / "config" / "wrapping.key").exists()
    made = on_postgres("database upgrade --json")
    assert made.code == 0, made.err
    assert (made.json["before"], made.json["after"], made.json["backup"]) == (None, schema.HEAD, None)
    assert (on_postgres.folder / "config" / "wrapping.key").exists()
    assert on_postgres("accounts create ada@example.org --json", "seven-lamps-under-rain").code == 0
    assert "Nothing to do" in on_postgres("database upgrade").err
    assert on_postgres("accounts list --json").json["accounts"][0]["email"] == "ada@example.org"
    assert on_postgres("audit verify").code == 0
    assert not list(on_postgres.folder.glob("keywright.db*")), "the embedded database has no part in it"


@pytest.mark.postgres
async def test_a_newer_database_is_left_alone(on_postgres: Terminal, empty_postgres: str) -> None:
    assert (await asyncio.to_thread(on_postgres, "database upgrade")).code == 0
    database = open_database(empty_postgres)
    async with database.write() as tx:
        await tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    await database.close()
    for command in ("accounts list", "database upgrade"):
        refused = await asyncio.to_thread(on_postgres, command)
        assert (refused.code, "newer version" in refused.err) == (1, True)


@pytest.mark.postgres
async def test_another_programs_database_is_left_alone(on_postgres: Terminal, empty_postgres: str) -> None:
    database = open_database(empty_postgres)
    async with database.write() as tx:
        await tx.exec_driver_sql("CREATE TABLE theirs (id int)")
    refused = await asyncio.to_thread(on_postgres, "database upgrade")
    assert (refused.code, "another program's" in refused.err) == (1, True)
    async with database.read() as tx:
        assert await schema.revision(tx) is None
    await database.close()
    assert not on_postgres.folder.exists()


@pytest.mark.postgres
def test_the_wrapping_key_of_another_database_is_noticed(on_postgres: Terminal) -> None:
    assert on_postgres("database upgrade").code == 0
    key = on_postgres.folder / "config" / "wrapping.key"
    key.unlink()
    assert "is missing" in on_postgres("accounts list").err
    assert on_postgres("database upgrade").code == 0, "the schema needs no key"
    assert not key.exists()
    create_wrapping_key(key)
    refused = on_postgres("accounts list")
    assert (refused.code, "belongs to another database" in refused.err) == (1, True)


@dataclass(frozen=True)
class Older:
    """A terminal whose database an earlier version left, with an account and a key; and what was shown of them then."""

    terminal: Terminal
    url: str
    shown: dict[str, object]

    def look(self) -> dict[str, object]:
        return look(self.terminal)


def look(terminal: Terminal) -> dict[str, object]:
    """Return all that commands show of an installation that holds."""
    assert (terminal("audit verify").code, terminal("database check").code) == (0, 0)
    commands = ("accounts list", "keys list", "audit list")
    return {command: terminal(f"{command} --json").json for command in commands}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def older(request: pytest.FixtureRequest, ada: Terminal, monkeypatch: pytest.MonkeyPatch) -> Older:
    """Give an older database of each kind, made of a new embedded one."""
    made = ada("keys create bot-1 --json --permission trade", "Tr4ding-Pass-91", ada.code())
    assert made.code == 0, made.err
    assert ada("keys create bot-2 --json", "Tr4ding-Pass-92", ada.code()).code == 0
    assert ada(f"keys disable {made.json['id']}").code == 0
    shown = look(ada)
    path = ada.folder / "keywright.db"
    newer = path.rename(ada.folder.parent / "newer.db")
    url: str = request.getfixturevalue("empty_postgres") if request.param == "postgres" else sqlite_url(path)

    async def make() -> None:
        databases = (open_database(url), open_database(sqlite_url(newer)))
        await make_older(*databases, revision=BEFORE)
        for database in databases:
            await database.close()

    asyncio.run(make())
    if request.param == "postgres":
        monkeypatch.setenv("KEYWRIGHT_DATABASE_URL", url)
    return Older(ada, url, shown)


def columns_of(url: str, table: str) -> set[str]:
    """Return the columns that a table of a database has, none where there is no such table."""

    async def ask() -> set[str]:
        database = open_database(url)
        async with database.read() as tx:
            there = await tx.run_sync(lambda connection: _columns(connection, table))
        await database.close()
        return there

    return asyncio.run(ask())


def _columns(connection: Connection, table: str) -> set[str]:
    there = inspect(connection)
    return {column["name"] for column in there.get_columns(table)} if there.has_table(table) else set()


def test_an_older_database_is_upgraded_and_keeps_what_it_held(older: Older) -> None:
    assert not columns_of(older.url, "notices")
    assert "language" not in columns_of(older.url, "accounts")
    done = older.terminal("database upgrade --json")
    assert done.code == 0, done.err
    assert (done.json["before"], done.json["after"]) == (BEFORE, schema.HEAD)
    assert "kind" in columns_of(older.url, "notices")
    assert "language" in columns_of(older.url, "accounts")
    assert older.look() == older.shown
    again = older.terminal("database upgrade --json").json
    assert (again["before"], again["backup"]) == (schema.HEAD, None)


def test_what_is_upgraded_goes_on_working(older: Older) -> None:
    assert older.terminal("database upgrade").code == 0
    keys = {key["name"]: key["id"] for key in older.terminal("keys list --json").json["keys"]}
    for verb, name in (("enable", "bot-1"), ("disable", "bot-2"), ("delete", "bot-2")):
        done = older.terminal(f"keys {verb} {keys[name]}", older.terminal.code())
        assert done.code == 0, done.err
    assert older.terminal("keys create bot-3 --json", "Tr4ding-Pass-93", older.terminal.code()).code == 0
    assert [key["name"] for key in older.terminal("keys list --json").json["keys"]] == ["bot-1", "bot-3"]
    look(older.terminal)


@pytest.mark.parametrize("older", ["sqlite"], indirect=True)
@pytest.mark.parametrize("command", ["database upgrade", "accounts list"])
def test_an_embedded_database_is_copied_and_upgraded_by_whatever_opens_it(older: Older, command: str) -> None:
    path = older.terminal.folder / "keywright.db"
    before = held(path)
    assert older.terminal(command).code == 0
    (copy,) = (older.terminal.folder / "backups").iterdir()
    assert copy.name.startswith(f"keywright-{BEFORE}-")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert held(copy) == before
    assert "language" in columns_of(older.url, "accounts")


@pytest.mark.parametrize("older", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_database_on_postgres_is_upgraded_by_its_command_only(older: Older) -> None:
    for command in ("accounts list", "serve --console-port=0 --gateway-port=0 --futures-port=0"):
        refused = older.terminal(command)
        assert (refused.code, refused.out) == (1, "")
        assert f"older version ({BEFORE})" in refused.err
        assert "hint: keywright database upgrade" in refused.err
        assert "language" not in columns_of(older.url, "accounts")
    assert older.terminal("database upgrade --json").json["backup"] is None


def held(path: Path) -> list[str]:
    """Return all that an SQLite file holds."""
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://kw:geheim@localhost:1/keys", "nothing listens as PostgreSQL at localhost:1/keys"),
        ("postgresql://kw:geheim@/keys?host=/nonexistent", "nothing listens as PostgreSQL at /nonexistent"),
        ("postgresql://kw:geheim@db.example.org/keys", "how the connection is protected"),
        ("postgresql://kw:geheim@localhost/keys?sslmode=geheim", "PostgreSQL at localhost"),
    ],
)
def test_leak_what_keeps_it_from_connecting_is_said_without_the_password(
    keywright: Terminal, monkeypatch: pytest.MonkeyPatch, url: str, words: str
) -> None:
    monkeypatch.setenv("KEYWRIGHT_DATABASE_URL", url)
    for command in ("accounts list", "database upgrade"):
        refused = keywright(command)
        assert refused.code in {1, 2, 7}
        assert words in refused.err
        assert "nobody foresaw" not in refused.err
        assert ":geheim" not in refused.err
    assert not Path(keywright.folder).exists()


@pytest.mark.postgres
def test_leak_settings_show_where_the_database_is_and_no_password(
    on_postgres: Terminal, monkeypatch: pytest.MonkeyPatch, empty_postgres: str
) -> None:
    monkeypatch.setenv("KEYWRIGHT_DATABASE_URL", empty_postgres.replace("postgres@", "postgres:geheim@"))
    for shown in (on_postgres("settings"), on_postgres("settings --json")):
        assert "geheim" not in shown.out + shown.err
        assert "postgresql://postgres:***@" in shown.out
    assert on_postgres("database upgrade").code == 0
