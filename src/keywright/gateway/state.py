"""What replay and limits need to remember, and the seam to where it lives."""

from __future__ import annotations

from typing import Protocol

from keywright.gateway.limits import Taken
from keywright.gateway.model import Quota


class State(Protocol):
    """Remembers for one gateway or many. Raises `errors.Busy` when it can't be asked: then a write is refused."""

    def untouched(self, bucket: str) -> bool:
        """Tell whether a bucket is known to be full, never having been taken from: then nobody needs to ask."""
        ...

    async def take(self, bucket: str, *, quota: Quota, cost: int, now: int) -> Taken:
        """Take `cost` units from a bucket, and tell what is left."""
        ...

    async def spend(self, digest: bytes, *, stamped_at: int, until: int, now: int) -> bool:
        """Mark a request as seen until `until`; tell whether it was new. When it returns, the mark is kept.

        Raises `errors.Busy` for one stamped at a time whose marks may have been lost.
        """
        ...
