"""Nouns of the log: what verifying it proved, and what it says of checkpoints itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verified:
    """The chain held: `count` events, the newest with this MAC (hex), and so many checkpoints say the same."""

    count: int
    head: str
    checkpoints: int = 0
    covered: int = 0
    """How many events the newest of them speaks of."""


@dataclass(frozen=True, slots=True)
class Noted:
    """What the log itself says of the newest checkpoint."""

    number: int
    events: int
    digest: str
    at: int
