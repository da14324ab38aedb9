"""The clock, read at the edge only: `app`, `cli.main` and `client.signing` read it and hand `now` down (UTC, integer ms)."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol


class Clock(Protocol):
    """Anything that tells the time in milliseconds since the Unix epoch."""

    def __call__(self) -> int: ...


def wall_clock_ms() -> int:
    """Return the present time in whole milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class MachineTime:
    """How long this machine has run, which nobody can set back."""

    ran_ms: int
    """Since it started, sleep included."""
    slept_ms: int
    """How much of that it slept."""


def machine_time() -> MachineTime:
    """Return the machine's own time; where it can't tell when it sleeps, it never does."""
    awake = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1_000_000
    ran = time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1_000_000
    return MachineTime(ran, max(0, ran - awake))
