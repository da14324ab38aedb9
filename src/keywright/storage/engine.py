"""Opens a database: SQLite by path, PostgreSQL by URL, and gives it the settings that safety needs.

SQLite: WAL so that readers never wait, `synchronous=FULL` because an acknowledged disable must survive a power cut
(WAL with NORMAL loses the newest commits), `BEGIN IMMEDIATE` for writes so that two writers queue instead of failing
half-way, `secure_delete` so that a deleted row's bytes don't linger.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from keywright.errors import Unusable
from keywright.storage.address import Address, parse_address
from keywright.storage.transaction import Database
from keywright.storage.turnstile import Turnstile

BUSY_TIMEOUT_MS = 10_000
"""How long a writer waits for another process's transaction; ours last milliseconds."""


def sqlite_url(path: Path) -> str:
    """Return the URL under which `open_database` opens the SQLite file at `path`."""
    return f"sqlite+aiosqlite:///{path}"


def open_database(url: str | Address, *, patient: bool = False) -> Database:
    """Return a `Database` for `url` (`sqlite+aiosqlite:///…`, `postgresql://…` or where that leads). Connects lazily.

    A statement on PostgreSQL is given up after a while, unless who asks is `patient`. Raises `Unusable` for any other kind of
    URL.
    """
    if isinstance(url, str) and url.startswith("sqlite+aiosqlite:///"):
        return Database(_sqlite_engine(url), Turnstile(Path(url.removeprefix("sqlite+aiosqlite:///"))))
    try:
        address = parse_address(url)
    except ValueError as error:
        raise Unusable(
            "the database URL is of a kind Keywright does not know", hint=str(error).removeprefix("takes ")
        ) from None
    from keywright.storage.postgres import postgres_database  # noqa: PLC0415  an extra

    return postgres_database(address, patient=patient)


def _sqlite_engine(url: str) -> AsyncEngine:
    path = Path(url.removeprefix("sqlite+aiosqlite:///"))
    if not path.exists():
        # SQLite would make it 0644; its -wal and -shm take the mode of the file itself.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    engine = create_async_engine(
        url,
        pool_size=4,
        max_overflow=4,
        connect_args={"timeout": BUSY_TIMEOUT_MS / 1000},
        hide_parameters=True,  # an error's text names the statement, never what was to be written
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(dbapi_connection: Any, _record: object) -> None:
        dbapi_connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = dbapi_connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "foreign_keys=ON",
            "secure_delete=ON",
            "trusted_schema=OFF",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("keywright_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    return engine
