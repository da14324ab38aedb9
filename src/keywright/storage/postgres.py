"""PostgreSQL: an engine over asyncpg, connections of one's own, and what may go wrong in words that help.

The URL goes to the driver and nowhere else: neither SQLAlchemy nor an error ever holds the password.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from keywright.errors import Busy, KeywrightError, Unusable
from keywright.storage.address import Address
from keywright.storage.transaction import Database

CONNECT_SECONDS = 5.0
STATEMENT_SECONDS = 20.0
"""How long one statement may take: a database that hangs must not hold requests for ever."""

WRONG = {
    "28P01": ("refuses the password", "look at the URL, or at the password of the role"),
    "28000": ("lets nobody in as this user, from here", "look at the URL, and at PostgreSQL's pg_hba.conf"),
    "3D000": ("has no such database", "make it: createdb --owner ROLE --encoding UTF8 NAME"),
    "42501": ("does not let this role connect", "GRANT CONNECT ON DATABASE … TO the role"),
}
"""What PostgreSQL answers to who may not come in, by SQLSTATE."""


def postgres_database(address: Address, *, patient: bool = False) -> Database:
    """Return a `Database` on PostgreSQL. Connects lazily; raises `Unusable` where the driver is not installed."""
    connector = Connector(address, patient=patient)
    return Database(_engine(connector), connect_alone=connector.connect)


class Connector:
    """Opens connections to one database."""

    def __init__(self, address: Address, *, patient: bool) -> None:
        try:
            import asyncpg  # noqa: PLC0415  an extra: who keeps to the embedded database needs no driver
        except ModuleNotFoundError:
            raise Unusable(
                "PostgreSQL needs a driver, and it is not installed", hint="pip install 'keywright[server,postgres]'"
            ) from None
        self._asyncpg = asyncpg
        self._address = address
        self._statement_seconds = None if patient else STATEMENT_SECONDS

    async def connect(self, *_given: Any, **options: Any) -> Any:
        """Return a connection of asyncpg's. Raises `Busy` where nobody answers now, `Unusable` where it never will."""
        try:
            return await self._asyncpg.connect(
                **self._address.arguments(),
                timeout=CONNECT_SECONDS,
                command_timeout=self._statement_seconds,
                server_settings={"application_name": "keywright", "lock_timeout": "10s"},
                **options,
            )
        except (OSError, ValueError, self._asyncpg.PostgresError, self._asyncpg.InterfaceError) as error:
            raise self._said(error) from None

    def _said(self, error: Exception) -> KeywrightError:
        place = self._address.place
        state = getattr(error, "sqlstate", None) or ""
        if state in WRONG:
            words, hint = WRONG[state]
            return Unusable(f"PostgreSQL at {place} {words}", hint=hint)
        if isinstance(error, FileNotFoundError) and not self._address.host.startswith("/"):
            return Unusable(f"a file that the URL of PostgreSQL at {place} names is missing: {error.filename}")
        if isinstance(
            error, ValueError
        ):  # the driver's word on what stands after the ?; the password is not told to it there
            return Unusable(f"PostgreSQL at {place} can't be used: {error}", hint="look at the end of the URL")
        if isinstance(error, TimeoutError):
            return Busy(
                f"PostgreSQL at {place} does not answer", hint="is the host right, does a firewall stand between?"
            )
        if isinstance(error, OSError) and "certificate" not in str(error).lower():
            return Busy(f"nothing listens as PostgreSQL at {place}", hint="is it running, are host and port right?")
        if isinstance(error, OSError):
            return Unusable(
                f"PostgreSQL at {place} shows a certificate that does not hold", hint="look at sslmode and sslrootcert"
            )
        if state[:2] in {"53", "57", "58", "08"}:
            return Busy(f"PostgreSQL at {place} takes no connection now: {error}", hint="try again")
        return Unusable(f"PostgreSQL at {place} can't be used: {type(error).__name__}", hint="look at its log")


def _engine(connector: Connector) -> AsyncEngine:
    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connector.connect,
        pool_size=8,
        max_overflow=8,
        pool_timeout=10,
        isolation_level="READ COMMITTED",
        hide_parameters=True,  # an error's text names the statement, never what was to be written
    )
