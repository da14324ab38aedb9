"""The schema stands in three places: the tables, the migrations, and the number compared at every start. They agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Connection, Constraint, inspect
from sqlalchemy.sql.schema import Table

from keywright.storage import schema
from keywright.storage.engine import open_database, sqlite_url
from keywright.storage.migrate import config, upgrade
from keywright.storage.tables import metadata
from keywright.storage.transaction import Database


def test_the_number_compared_at_every_start_is_the_newest_migration() -> None:
    migrations = ScriptDirectory.from_config(config())
    assert migrations.get_current_head() == schema.HEAD
    assert {migration.revision for migration in migrations.walk_revisions()} == schema.KNOWN


async def test_the_migrations_make_what_the_tables_say(database: Database) -> None:
    assert await _asked(database, _differences) == []


async def test_the_migrations_make_every_check(database: Database) -> None:
    """Alembic compares no check constraints, so they are compared here."""
    assert await _asked(database, _checks) == {
        table.name: {str(check.name) for check in _constraints(table) if isinstance(check, CheckConstraint)}
        for table in metadata.sorted_tables
    }


async def test_the_migrations_make_every_primary_key(database: Database) -> None:
    """Nor primary keys."""
    assert await _asked(database, _primary_keys) == {
        table.name: ([column.name for column in table.primary_key], table.primary_key.name)
        for table in metadata.sorted_tables
    }


async def test_a_migrated_database_says_so_and_an_empty_one_says_nothing(database: Database, tmp_path: Path) -> None:
    async with database.read() as tx:
        assert await schema.revision(tx) == schema.HEAD
    empty = open_database(sqlite_url(tmp_path / "empty.db"))
    async with empty.read() as tx:
        assert await schema.revision(tx) is None
    await empty.close()


async def test_upgrading_what_is_new_already_changes_nothing(database: Database) -> None:
    before = await _asked(database, _columns)
    await upgrade(database)
    assert await _asked(database, _columns) == before


async def test_the_change_sequence_has_its_row_from_the_first_migration_on(database: Database) -> None:
    """`announce` only raises it: without the row, a change would be announced to nobody."""
    from keywright.storage.changes import announce, newest

    async with database.write() as tx:
        before = await newest(tx)
        await announce(tx)
        assert await newest(tx) == before + 1


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: str(table.name))
def test_a_time_is_whole_milliseconds_and_a_secret_is_bytes(table: Table) -> None:
    """The conventions on the first lines of tables.py."""
    for column in table.columns:
        if column.name == "at" or column.name.endswith("_at"):
            assert column.type.python_type is int, column
        if column.name.endswith(("_sealed", "_digest", "_mac")):
            assert column.type.python_type is bytes, column


async def _asked(database: Database, question: Any) -> Any:
    async with database.read() as tx:
        return await tx.run_sync(question)


def _differences(connection: Connection) -> Any:
    return compare_metadata(MigrationContext.configure(connection, opts={"compare_server_default": True}), metadata)


def _checks(connection: Connection) -> dict[str, set[str]]:
    there = inspect(connection)
    return {
        table.name: {str(check["name"]) for check in there.get_check_constraints(table.name)}
        for table in metadata.sorted_tables
    }


def _constraints(table: Table) -> set[Constraint]:
    return table.constraints.union(*(column.constraints for column in table.columns))


def _primary_keys(connection: Connection) -> dict[str, tuple[list[str], str | None]]:
    there = inspect(connection)
    found = {table.name: there.get_pk_constraint(table.name) for table in metadata.sorted_tables}
    return {name: (key["constrained_columns"], key["name"]) for name, key in found.items()}


def _columns(connection: Connection) -> dict[str, list[str]]:
    there = inspect(connection)
    return {name: [column["name"] for column in there.get_columns(name)] for name in there.get_table_names()}
