"""The freshness lease on PostgreSQL: what is cached may be believed for one second after the database was last asked.

One connection outside the pool listens for changes and reads the change sequence: at once when one is announced, else four
times a second, so that an announcement that was lost is caught. The same connection holds the lock of the one server of
this database; with it goes the lock, and with both the lease. Like `freshness`, it speaks SQL itself: it must wait for
nobody else's connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from keywright.errors import Busy, KeywrightError, Unusable
from keywright.protocol.refusal import Reason, Refused
from keywright.storage.changes import CHANNEL
from keywright.storage.transaction import Database

LEASE_SECONDS = 1.0
RENEW_SECONDS = 0.25
ANSWER_SECONDS = 0.6
"""How long the database may take to answer, so that a second try still fits into the lease."""

PAUSE_SECONDS = 0.1
PATIENCE_SECONDS = 3.0
"""How long a start waits for the lock: a server that was just killed may still hold it for a moment."""

CUT_OFF = 2
"""So many looks in vain, one after the other, and nobody is kept waiting for the next."""

LOCK = 0x6B657977726974  # "keywrit"
LOOK = "SELECT seq, pg_is_in_recovery() AS follows FROM change_sequence WHERE name = 'keys'"

# A connection that a network swallowed is given up, and its lock with it, after some 15 s; the system's own wait is hours.
WATCH = "SELECT set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '3', false), set_config('tcp_keepalives_count', '3', false)"

log = logging.getLogger(__name__)


class Lease:
    """Tells the newest change of keys. Call `start` before the first request and `stop` after the last."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sequence = -1
        self._until = 0.0
        self._known_at = 0.0
        self._failed = CUT_OFF
        """How many tries to look failed, one after the other."""
        self._wake, self._looked = asyncio.Event(), asyncio.Event()
        self._connection: Any = None
        self._task: asyncio.Task[None] | None = None
        self._clock = asyncio.get_running_loop().time

    async def start(self) -> None:
        """Take the lock of this database's one server and the first lease.

        Raises `Unusable` when another server holds the lock, and `Busy` when the database does not answer.
        """
        deadline = self._clock() + PATIENCE_SECONDS
        while (problem := await self._begun()) is not None:
            if self._clock() > deadline:
                raise problem
            await asyncio.sleep(PAUSE_SECONDS)
        self._task = asyncio.create_task(self._keep_on(), name="freshness lease")
        self._database.after_change = self.hear

    async def stop(self) -> None:
        """Give lease and lock back."""
        self._database.after_change = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._until, self._failed = 0.0, CUT_OFF
        self._looked.set()
        await self._hang_up()

    def sequence(self) -> int:
        """Return the change sequence as it was less than a second ago. Raises `Refused` (not_sure) when nobody knows it."""
        if self._clock() >= self._until:
            raise Refused(Reason.NOT_SURE, what="the database did not answer for a second")
        return self._sequence

    async def newest(self) -> int:
        """Return the same, by the look that is under way if need be. Raises `Refused` (not_sure) once the database is out of sight.

        A process that could not go on for a second, on a machine that is busy or slept, has lost its lease and not the database.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                while self._clock() >= self._until and self._failed < CUT_OFF:
                    self._looked.clear()
                    self._wake.set()
                    await self._looked.wait()
        return self.sequence()

    async def hear(self) -> None:
        """Return once what was committed before is known here, or once the lease would have run out: then nobody passes."""
        began = self._clock()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEASE_SECONDS):
                while self._known_at <= began:
                    self._looked.clear()
                    self._wake.set()
                    await self._looked.wait()

    async def _keep_on(self) -> None:
        trouble = ""
        while True:
            try:
                if self._connection is None and not await self._connected():
                    raise Unusable("another server runs on this PostgreSQL database now")
                await self._renew()
                trouble = ""
                # Not `wait_for`: before Python 3.12 it may swallow a cancellation.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(RENEW_SECONDS):
                        await self._wake.wait()
                self._wake.clear()
            except Exception as error:  # noqa: BLE001  whatever it was, the lease runs out, and this must go on trying
                await self._hang_up()
                self._failed += 1
                self._looked.set()  # whoever waits need not, where it is one too many
                said = error.message if isinstance(error, KeywrightError) else type(error).__name__
                if said != trouble:
                    log.warning("the gateway lost sight of the database, and refuses: %s", said)
                trouble = said
                await asyncio.sleep(PAUSE_SECONDS)

    async def _connected(self) -> bool:
        """Connect, listen, and tell whether the lock was free. Listening comes first: what is read later misses nothing."""
        connection = await self._database.connect_alone()
        try:
            async with asyncio.timeout(LEASE_SECONDS):
                await connection.add_listener(CHANNEL, lambda *_: self._wake.set())
                await connection.execute(WATCH)
                is_ours = await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK)
        except BaseException:
            connection.terminate()
            raise
        if not is_ours:
            connection.terminate()
            return False
        connection.add_termination_listener(lambda _: self._wake.set())
        self._connection = connection
        return True

    async def _renew(self) -> None:
        asked = self._clock()  # before, not after: so much is known of how old the answer can be
        async with asyncio.timeout(ANSWER_SECONDS):
            row = await self._connection.fetchrow(LOOK)
        if row is None:
            raise Unusable("the change sequence is gone")
        if row["follows"]:
            raise Busy("this PostgreSQL server only follows another one")
        self._sequence, self._until = row["seq"], asked + LEASE_SECONDS
        self._known_at, self._failed = asked, 0
        self._looked.set()

    async def _begun(self) -> KeywrightError | None:
        """Take the lock and the first lease; return what stands in the way, where that may pass."""
        try:
            if self._connection is None and not await self._connected():
                return Unusable(
                    "another server is running on this PostgreSQL database",
                    hint="stop it first: several would each count rate limits by themselves",
                )
            await self._renew()
        except KeywrightError:
            raise
        except TimeoutError:
            pass  # what it has is kept: a connection that is given up may hold the lock for a while, and that would be ours
        except Exception:  # noqa: BLE001  the driver's own
            await self._hang_up()
        else:
            return None
        return Busy("PostgreSQL does not answer in time", hint="try again; is it, or this machine, overloaded?")

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.terminate()
