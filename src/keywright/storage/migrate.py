"""Brings a database to the newest schema. Loads Alembic, so it is imported only where something is to be done."""

from __future__ import annotations

from importlib import resources

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from keywright.storage.transaction import Database, Tx


async def upgrade(database: Database) -> None:
    """Run every migration that the database has not seen, in one transaction."""
    async with database.write() as tx:
        await upgrade_in(tx)


async def upgrade_in(tx: Tx) -> None:
    """Run every migration that the database has not seen, in the caller's transaction."""
    await tx.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    command.upgrade(config(connection), "head")


def config(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration for our migrations, over an open connection."""
    settings = Config()
    settings.set_main_option("script_location", str(resources.files("keywright.storage") / "migrations"))
    settings.attributes["connection"] = connection
    return settings
