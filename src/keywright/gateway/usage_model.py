"""Nouns of usage as it is read. How a record comes to be is `usage`."""

from __future__ import annotations

from dataclasses import dataclass

MINUTE_MS = 60_000
HOUR_MS = 3_600_000

ALLOWED = "allowed"
REFUSED = "refused"
"""Stands in a wish for every verdict that is not `ALLOWED`; a verdict of its own it is not."""


@dataclass(frozen=True, slots=True)
class Record:
    """One request of a key, as it was written down."""

    id: int
    at: int
    request_id: str
    environment: str
    address: str
    agent: str
    method: str
    path: str
    """The route's template, or nothing for one that came to no route. Never a query."""
    verdict: str
    """`allowed`, the reason of the refusal, or nothing where the connection ended before there was one."""
    status: int
    """What was answered; 0 where nobody was left to answer."""
    latency_us: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of a key's records are asked for. Empty means any."""

    since: int = 0
    """From when on (ms); the beginning of a unit."""
    verdict: str = ""
    """`allowed`, `refused` (whatever the reason), or one reason."""
    method: str = ""
    address: str = ""
    unit_ms: int = HOUR_MS
    """Which counts to add up: of hours, or of minutes, which are there for some hours."""

    @property
    def is_narrow(self) -> bool:
        """Tell whether some of the span's records are left out."""
        return bool(self.verdict or self.method or self.address)


@dataclass(frozen=True, slots=True)
class Count:
    """How many requests there were, and how many of them were not allowed."""

    requests: int = 0
    refused: int = 0

    @property
    def allowed(self) -> int:
        """How many were."""
        return self.requests - self.refused

    def __add__(self, other: Count) -> Count:
        """Return both together."""
        return Count(self.requests + other.requests, self.refused + other.refused)


@dataclass(frozen=True, slots=True)
class Leaf:
    """Some records, newest first, and whether there are others beyond."""

    records: tuple[Record, ...]
    has_newer: bool
    has_older: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """What a span holds: by bucket of its chart, by reason, by address."""

    by_bucket: dict[int, Count]
    addresses: int
    by_verdict: dict[str, int]
    """Of the whole span, whichever verdict is asked for: what else one could ask for."""
    methods: tuple[str, ...]
    """Likewise."""

    @property
    def total(self) -> Count:
        """All of it."""
        return sum(self.by_bucket.values(), Count())
