"""The freshness lease: is what the gateway cached still true? Asked before every decision.

For the embedded database the answer costs microseconds: `PRAGMA data_version` changes whenever any other connection, of
this process or another, commits; only then is the change sequence read. The one place outside `store` that speaks SQL,
because it must not wait for a connection pool, and reads nothing but these two numbers.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Protocol

from keywright.protocol.refusal import Reason, Refused


class Freshness(Protocol):
    """Tells the newest change of keys."""

    def sequence(self) -> int:
        """Return the change sequence as of now. Raises `Refused` (not_sure) when the truth can't be reached."""
        ...

    async def newest(self) -> int:
        """Return it, for who was just refused: by waiting for it, where that may help. Raises `Refused` (not_sure)."""
        ...


class SqliteFreshness:
    """Looks into the embedded database itself, so a change counts from its commit on."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.05)
        self._connection.execute("PRAGMA query_only=ON")
        self._version = -1
        self._sequence = -1

    def sequence(self) -> int:
        """Return the change sequence as of now."""
        try:
            (version,) = self._connection.execute("PRAGMA data_version").fetchone()
            if version != self._version:
                row = self._connection.execute("SELECT seq FROM change_sequence WHERE name = 'keys'").fetchone()
                if row is None:
                    raise Refused(Reason.NOT_SURE, what="the change sequence is gone")
                self._sequence, self._version = row[0], version
        except sqlite3.Error:
            raise Refused(Reason.NOT_SURE, what="the database can't be read") from None
        return self._sequence

    async def newest(self) -> int:
        """Return the change sequence as of now: nothing is waited for."""
        return self.sequence()

    async def start(self) -> None:
        """Do nothing: there is nothing to wait for."""

    async def stop(self) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
