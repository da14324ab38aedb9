"""`keywright database`, on a database of each kind."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from keywright.storage import schema
from keywright.storage.engine import open_database
from tests.cli.conftest import Terminal

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
async def test_an_older_database_is_upgraded_by_this_command_only(on_postgres: Terminal, empty_postgres: str) -> None:
    import asyncio

    assert (await asyncio.to_thread(on_postgres, "database upgrade")).code == 0
    database = open_database(empty_postgres)
    for revision, words in ((BEFORE, "older version"), ("9999", "newer version")):
        async with database.write() as tx:
            await tx.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
        refused = await asyncio.to_thread(on_postgres, "accounts list")
        assert refused.code == 1
        assert words in refused.err
    refused = await asyncio.to_thread(on_postgres, "database upgrade")
    assert (refused.code, "newer version" in refused.err) == (1, True)
    await database.close()


@pytest.mark.postgres
async def test_another_programs_database_is_left_alone(on_postgres: Terminal, empty_postgres: str) -> None:
    import asyncio

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
    kept = key.read_bytes()
    key.unlink()
    assert "is missing" in on_postgres("accounts list").err
    assert on_postgres("database upgrade").code == 0, "the schema needs no key"
    assert not key.exists()
    key.touch(mode=0o600)
    key.write_bytes(kept[:-8] + kept[-8:].translate(bytes.maketrans(b"ABCDEFabcdef01234", b"BADCFEbadcfe10325")))
    assert on_postgres("accounts list").code == 1


def test_an_older_embedded_database_is_copied_and_upgraded(keywright: Terminal) -> None:
    made = keywright("database upgrade --json")
    assert (made.code, made.json["before"]) == (0, None)
    path = keywright.folder / "keywright.db"
    with closing(sqlite3.connect(path)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert "api_keys" in tables
    again = keywright("database upgrade --json").json
    assert (again["before"], again["backup"]) == (schema.HEAD, None)


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
