"""Transactions: `read` sees one consistent state, `write` is all or nothing. A verb takes one and never commits itself.

On SQLite a transaction is such a state by itself; PostgreSQL is asked for one (REPEATABLE READ), for reading only. Writers
there lock what they change, and a statement sees what others committed before it (READ COMMITTED).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.exc import DBAPIError, TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from keywright.errors import Busy
from keywright.storage.turnstile import Turnstile

Tx = AsyncConnection
"""An open transaction, handed from the edge through a service to its store."""

_CHANGE = "keywright_change"


class Database:
    """One database. Writers of this process queue on a lock, so that SQLite's is contended between processes only."""

    def __init__(
        self,
        engine: AsyncEngine,
        turnstile: Turnstile | None = None,
        *,
        connect_alone: Callable[[], Awaitable[Any]] | None = None,
    ) -> None:
        self.engine = engine
        self._writer = asyncio.Lock()
        self._gave_up_at = 0.0
        """When a writer of this process last waited in vain for another process, by the loop's clock."""
        self._turnstile = turnstile
        self._connect_alone = connect_alone
        self.after_change: Callable[[], Awaitable[None]] | None = None
        """Awaited, on PostgreSQL, once a change is committed that gateways must hear of: whoever made it here is answered when
        the gateway of this process knows. It raises nothing."""

    async def connect_alone(self) -> Any:
        """Return a connection of the driver's, outside the pool, for who listens: on PostgreSQL only. Its caller closes it.

        Raises `Busy` and `Unusable`.
        """
        if self._connect_alone is None:
            raise TypeError("the embedded database has nobody to listen to")
        return await self._connect_alone()

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
                told = _notes_of(tx)
                told.pop(_CHANGE, None)
                yield tx
                is_change = told.pop(_CHANGE, False)
            if is_change and self.after_change is not None:
                await self.after_change()
            return
        began, is_open = asyncio.get_running_loop().time(), False
        async with self._writer:
            if (
                self._gave_up_at > began
            ):  # for the same lock: whoever stood behind has waited as long, and not once more
                raise _busy()
            try:
                async with self._turnstile.turn(), self._begin(write=True) as tx:
                    is_open = True
                    yield tx
            except Busy:
                if not is_open:
                    self._gave_up_at = asyncio.get_running_loop().time()
                raise

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """Give a transaction for reading."""
        async with self._begin(write=False) as tx:
            yield tx

    @asynccontextmanager
    async def _begin(self, *, write: bool) -> AsyncIterator[Tx]:
        try:
            async with self.engine.connect() as connection:
                await connection.execution_options(keywright_write=write)
                if not write and not self.is_sqlite:
                    await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                async with connection.begin():
                    yield connection
        except (DBAPIError, PoolTimeout, ConnectionError, TimeoutError) as error:
            if is_temporary(error):
                raise _busy() from None
            raise

    async def close(self) -> None:
        """Close every connection."""
        await self.engine.dispose()


def _busy() -> Busy:
    return Busy(
        "the database is locked, full or unreachable",
        hint="try again; is its disk full, is another process holding it?",
    )


def note_change(tx: Tx) -> None:
    """Have `after_change` awaited once this transaction is committed."""
    _notes_of(tx)[_CHANGE] = True


def _notes_of(tx: Tx) -> dict[str, bool]:
    """Return what is noted beside a transaction's connection, which it has for itself."""
    connection = tx.sync_connection
    return {} if connection is None else connection.info


def is_writing(tx: Tx) -> bool:
    """Tell whether a transaction may change anything, and so may lock what it reads."""
    connection = tx.sync_connection
    return connection is not None and bool(connection.get_execution_options().get("keywright_write"))


TEMPORARY = (
    "database is locked",
    "disk i/o error",
    "database or disk is full",
    "cached statement plan is invalid",  # of PostgreSQL, once after an upgrade beside a running server
)
"""Words of drivers' errors after which the same statement may work."""

TEMPORARY_STATES = ("08", "25006", "40", "53", "55P03", "57", "58")
"""What SQLSTATEs of PostgreSQL begin with after which it may work: out of reach, a standby now, a deadlock, full, waiting
for too long, being stopped, its disk failing."""


def is_temporary(error: Exception) -> bool:
    """Tell whether the same statement may work later: the database was locked, full, busy or out of reach."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, (PoolTimeout, ConnectionError, TimeoutError))
    if error.connection_invalidated or str(getattr(error.orig, "sqlstate", None) or "").startswith(TEMPORARY_STATES):
        return True
    text = str(error.orig).lower()
    return any(word in text for word in TEMPORARY)
