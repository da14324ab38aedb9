"""A clock that stands still until it is told to move."""

from __future__ import annotations

T0 = 1_700_000_000_000
"""The catalogue's moment: 2023-11-14T22:13:20Z."""


class FakeClock:
    """Tells `now`, in milliseconds."""

    def __init__(self, now: int = T0) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, *, ms: int = 0, seconds: int = 0, days: int = 0) -> None:
        """Move on (or back)."""
        self.now += ms + seconds * 1_000 + days * 86_400_000
