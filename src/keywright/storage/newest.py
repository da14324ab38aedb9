"""The newest schema of the embedded database at once: what all migrations together make of an empty file.

To go through the migrations one by one, and to load what goes through them, takes longer than all else a first start does.
`newest.sql` is written from them by `make reference`; tests/storage/test_newest.py proves that both make the same.
"""

from __future__ import annotations

from importlib import resources

from keywright.storage.transaction import Tx


async def make_newest(tx: Tx) -> None:
    """Make the newest schema in an empty database, in the caller's transaction."""
    if tx.dialect.name != "sqlite":
        from keywright.storage.migrate import upgrade_in  # noqa: PLC0415  loads Alembic, a quarter of a second

        await upgrade_in(tx)
        return
    for statement in statements():
        await tx.exec_driver_sql(statement)


def statements() -> list[str]:
    """Return what makes the embedded database's schema, in order."""
    text = (resources.files("keywright.storage") / "newest.sql").read_text("utf-8")
    return text.strip().split("\n\n")[1:]  # the first says what the file is
