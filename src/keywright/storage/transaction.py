"""Transactions: `read` sees one consistent state, `write` is all or nothing. A verb takes one and never commits itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import DBAPIError, TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from keywright.errors import Busy
from keywright.storage.turnstile import Turnstile

Tx = AsyncConnection
"""An open transaction, handed from the edge through a service to its store."""


class Database:
    """One database. Writers of this process queue on a lock, so that SQLite's is contended between processes only."""

    def __init__(self, engine: AsyncEngine, turnstile: Turnstile | None = None) -> None:
        self.engine = engine
        self._writer = asyncio.Lock()
        self._turnstile = turnstile

    @property
    def is_sqlite(self) -> bool:
        """Tell whether this is the embedded database."""
        return self.engine.dialect.name == "sqlite"

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """Give a transaction that is committed when the block ends and undone when it raises.

        Raises `Busy` when the database stays locked or can't be written; then nothing was changed.
        """
        if self._turnstile is None:
            async with self._begin(write=True) as tx:
                yield tx
            return
        async with self._writer, self._turnstile.turn(), self._begin(write=True) as tx:
            yield tx

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """Give a transaction for reading."""
        async with self._begin(write=False) as tx:
            yield tx

    @asynccontextmanager
    async def _begin(self, *, write: bool) -> AsyncIterator[Tx]:
        try:
            async with self.engine.connect() as connection:
                if self.is_sqlite:
                    await connection.execution_options(keywright_write=write)
                async with connection.begin():
                    yield connection
        except (DBAPIError, PoolTimeout, ConnectionError) as error:
            if is_temporary(error):
                raise Busy(
                    "the database is locked, full or unreachable",
                    hint="try again; is its disk full, is another process holding it?",
                ) from None
            raise

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


TEMPORARY = (
    "database is locked",
    "disk i/o error",
    "database or disk is full",
    "deadlock detected",
    "too many connections",
)
"""Words of drivers' errors after which the same statement may work."""


def is_temporary(error: Exception) -> bool:
    """Tell whether the same statement may work later: the database was locked, full, busy or out of reach."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, (PoolTimeout, ConnectionError))
    text = str(error.orig).lower()
    return error.connection_invalidated or any(word in text for word in TEMPORARY)
