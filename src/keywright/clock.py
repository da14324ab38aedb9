"""The clock, read at the edge only: `app`, `cli.main` and `client.signing` read it and hand `now` down (UTC, integer ms)."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the time in milliseconds since the Unix epoch."""

    def __call__(self) -> int: ...


def wall_clock_ms() -> int:
    """Return the present time in whole milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000
