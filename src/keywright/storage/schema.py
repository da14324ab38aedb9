"""Which schema a database has: compared at every start, without loading the migration tool."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, column, inspect, select, table

from keywright.storage.transaction import Tx

HEAD = "0011"
"""The newest migration of this version of the program. A test compares it with the migrations themselves."""

KNOWN = frozenset({"0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011"})
"""Every migration this program knows; a database at any other was made by a newer one."""


async def revision(tx: Tx) -> str | None:
    """Return the migration a database stands at, or `None` for one that has no tables."""
    names: set[str] = await tx.run_sync(_tables)
    if "alembic_version" not in names:
        return None
    version = table("alembic_version", column("version_num"))
    found: str | None = (await tx.execute(select(version.c.version_num))).scalar_one_or_none()
    return found


async def is_empty(tx: Tx) -> bool:
    """Tell whether there is no table at all."""
    names: set[str] = await tx.run_sync(_tables)
    return not names


def revision_of_file(path: Path) -> str | None:
    """Return the migration an SQLite file stands at, or `None` for one that is not ours.

    Nothing is changed in the file, not even its journal mode, which the engine sets: it may be another program's.
    Raises `sqlite3.Error` when it is no database at all.
    """
    with closing(sqlite3.connect(path)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone():
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return row[0] if row else None


def _tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())
