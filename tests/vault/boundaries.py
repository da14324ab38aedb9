"""A house whose every step can be cut: verbs are killed, answers lost, others act, at each boundary of a verb.

A boundary is where a process can be killed and leave something: after a transaction, and before and after a call that is
signed with a key. KuCoin's double is asked without a network, so that thousands of steps take seconds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from keywright.protocol.message import Header, Request
from keywright.storage.transaction import Database, Tx
from keywright.vault.way_out import Egress, gone
from keywright.vault.wire import Unreachable
from keywright.vault.wire_reply import Reply
from tests.doubles.exchange import Said
from tests.doubles.kucoin import KucoinDouble

UNSIGNED = (b"/api/v1/timestamp", b"/api/v1/my-ip")


class Killed(BaseException):
    """The process ended here: no line after it was run."""


class Fault(StrEnum):
    """What happens at a boundary."""

    KILLED = "killed"
    LOST = "lost"
    """No answer comes: before a call nothing was done, after it all was."""
    BROKEN = "broken"
    """A 500 in place of the answer."""
    ANOTHER = "another"
    """Somebody else does something meanwhile."""


@dataclass
class Cut:
    """What is to happen at which boundary of the verb that runs, counted from 0."""

    at: int
    fault: Fault
    another: Callable[[], Awaitable[None]] | None = None


class Boundaries:
    """Counts the boundaries of the verb that runs, and does there what was asked for."""

    def __init__(self, kucoin: KucoinDouble) -> None:
        self.kucoin = kucoin
        self.gone: set[str] = set()
        """Addresses that this machine has lost."""
        self.cut: Cut | None = None
        self.count = 0

    async def reached(self, *, calls: bool = False) -> Fault | None:
        """Do what is to happen here. Returns what a caller has to do itself: a call's."""
        cut, here = self.cut, self.count
        self.count += 1
        if cut is None or cut.at != here:
            return None
        self.cut = None
        if cut.fault is Fault.KILLED:
            raise Killed
        if cut.fault is Fault.ANOTHER and cut.another is not None:
            await cut.another()
            return None
        return cut.fault if calls else None

    def over(self, database: Database) -> None:
        """Make the ends of a database's transactions boundaries."""
        write, read = database.write, database.read

        @asynccontextmanager
        async def writing() -> AsyncIterator[Tx]:
            async with write() as tx:
                yield tx
            await self.reached()

        @asynccontextmanager
        async def reading() -> AsyncIterator[Tx]:
            async with read() as tx:
                yield tx
            await self.reached()

        database.write, database.read = writing, reading  # type: ignore[method-assign]

    async def ask(self, egress: Egress, request: Request) -> Reply:
        """Answer as the double does, or as the boundary wants it."""
        if egress.address in self.gone:
            raise gone(egress)
        if request.path in UNSIGNED:
            return reply(self.kucoin.answer(request))
        if await self.reached(calls=True):
            raise Unreachable("{host} can't be reached", host="kucoin")
        said = self.kucoin.answer(request)
        fault = await self.reached(calls=True)
        if fault is Fault.LOST:
            raise Unreachable("{host} can't be reached", host="kucoin")
        if fault is Fault.BROKEN:
            return Reply(500, b'{"code":"500000","msg":"Internal Server Error"}')
        return reply(said)

    def wire(self) -> type:
        """Return what stands in `Wire`'s place."""
        boundaries = self

        class NoWire:
            def __init__(self, _: object, egress: Egress, **rest: object) -> None:
                self._egress = egress

            async def send(
                self, method: str, target: bytes, headers: Iterable[Header] = (), body: bytes = b""
            ) -> Reply:
                lower = tuple((name.lower(), value) for name, value in headers)
                return await boundaries.ask(self._egress, Request(method, target, lower, body, self._egress.address))

            async def close(self) -> None:
                return None

        return NoWire


def reply(said: Said) -> Reply:
    """Return what the double said as it arrives."""
    return Reply(said.status, said.body)
