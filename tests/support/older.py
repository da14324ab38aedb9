"""Databases as earlier versions left them: their schema, with what they would have held of a database of today."""

from __future__ import annotations

from alembic import command
from sqlalchemy import Connection, inspect, select

from keywright.storage.migrate import config
from keywright.storage.tables import metadata
from keywright.storage.transaction import Database


async def make_older(older: Database, newer: Database, *, revision: str) -> None:
    """Fill the empty database `older`: the schema of `revision`, with every row and column of `newer` that it has room for."""
    async with newer.read() as source, older.write() as target:
        await target.run_sync(lambda connection: command.upgrade(config(connection), revision))
        columns = await target.run_sync(_columns)
        for table in metadata.sorted_tables:  # who is referred to comes first
            if table.name not in columns:
                continue
            kept = [column for column in table.columns if column.name in columns[table.name]]
            await target.execute(table.delete())  # what the migrations put there themselves
            rows = [dict(row) for row in (await source.execute(select(*kept))).mappings()]
            if rows:
                await target.execute(table.insert(), rows)


def _columns(connection: Connection) -> dict[str, set[str]]:
    there = inspect(connection)
    return {name: {column["name"] for column in there.get_columns(name)} for name in there.get_table_names()}
