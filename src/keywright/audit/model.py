"""Nouns of the log: what verifying it proved, and what it says of checkpoints itself."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from keywright.audit.chain import Place
from keywright.errors import Unusable


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


@dataclass(frozen=True, slots=True)
class Walked:
    """An event that holds, its line, and where the chains are after it."""

    row: Any
    line: bytes
    place: Place


def noted(row: Any) -> Noted:
    """Return what an event says of the checkpoint that was made; raises `Unusable` when it can't be read."""
    try:
        detail = json.loads(row.detail)
        return Noted(row.subject_version, int(detail["events"]), str(detail["digest"]), row.at)
    except (TypeError, ValueError, KeyError):
        raise Unusable(f"event {row.seq} tells of a checkpoint, and can't be read: it was altered") from None
