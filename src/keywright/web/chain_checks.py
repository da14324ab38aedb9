"""Checks of the audit log that operators ask for at the console: one at a time, and what the last one found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from keywright.audit.model import Verified
from keywright.errors import Busy, Unusable


@dataclass(frozen=True, slots=True)
class ChainCheck:
    """What a check of the whole log found."""

    at: int
    events: int = 0
    checkpoints: int = 0
    """So many say the same."""
    problem: str = ""
    """The first thing that does not hold; empty: everything does."""


class ChainChecks:
    """Walks the whole log when asked. A long one takes a while, so nobody walks it twice at once."""

    def __init__(self, verify: Callable[[], Awaitable[Verified]]) -> None:
        self._verify = verify
        self._walks = False
        self.last: ChainCheck | None = None
        """What was found last, since this server started."""

    async def run(self, *, now: int) -> ChainCheck:
        """Check everything now, and keep what was found. Raises `Busy` while another check is under way."""
        if self._walks:
            raise Busy("the audit log is being checked already", hint="load the page again in a moment")
        self._walks = True
        try:
            found = await self._verify()
            self.last = ChainCheck(now, found.count, found.checkpoints)
        except Unusable as broken:
            self.last = ChainCheck(now, problem=broken.message)
        finally:
            self._walks = False
        return self.last
