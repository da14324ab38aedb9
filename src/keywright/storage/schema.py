"""Which schema a database has: compared at every start, without loading the migration tool."""

from __future__ import annotations

from sqlalchemy import Connection, column, inspect, select, table

from keywright.storage.transaction import Tx

HEAD = "0001"
"""The newest migration of this version of the program. A test compares it with the migrations themselves."""

KNOWN = frozenset({"0001"})
"""Every migration this program knows; a database at any other was made by a newer one."""


async def revision(tx: Tx) -> str | None:
    """Return the migration a database stands at, or `None` for one that has no tables."""
    names: set[str] = await tx.run_sync(_tables)
    if "alembic_version" not in names:
        return None
    version = table("alembic_version", column("version_num"))
    found: str | None = (await tx.execute(select(version.c.version_num))).scalar_one_or_none()
    return found


def _tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())
