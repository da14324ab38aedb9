"""Nouns of a posture report. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a line is about."""

    CONNECTION = "connection"
    """A key of another exchange that is held."""
    KEY = "key"
    """A key that was issued here."""


class Weight(StrEnum):
    """How soon something should be mended. In this order."""

    NOW = "now"
    SOON = "soon"
    WATCH = "watch"


@dataclass(frozen=True, slots=True)
class Right:
    """One thing a key may or may not do, and how well that is known."""

    name: str
    allowed: bool | None
    """`None`: nobody can tell."""
    grade: str
    """`proven`, `declared`, `unprovable`; of our own keys always `proven`."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Something that speaks against a key and was accepted."""

    what: str
    by: str
    at: int


@dataclass(frozen=True, slots=True)
class Subject:
    """A key as it stands, in plain facts. Times are milliseconds."""

    kind: Kind
    id: str
    name: str
    owner: str
    """An account's e-mail address; empty in a personal vault."""
    place: str
    """The exchange's name, or the environment of a key of ours."""
    status: str
    masked: str
    made_at: int
    """When the key was made, as far as anybody knows; else when it was taken."""
    holds: bool = True
    """False for a record that was altered behind Keywright's back."""
    is_on: bool = True
    """Whether it can be used at all."""
    rights: tuple[Right, ...] = ()
    addresses: tuple[str, ...] = ()
    """Where it may be used from; of a connection what the exchange shows of its filter."""
    is_bound: bool | None = None
    """Whether it works from listed addresses only; `None`: nobody can tell."""
    egress: str = ""
    """The address a connection's requests leave from."""
    egress_shared: bool = False
    egress_confirmed: bool = True
    bots: tuple[str, ...] = ()
    last_used_at: int | None = None
    last_used_from: str = ""
    knows_use: bool = True
    """Whether its use is seen here at all: who is given a key by `keywright exec` uses it without us."""
    checked_at: int | None = None
    expires_at: int | None = None
    limits: tuple[str, ...] = ()
    exceptions: tuple[Accepted, ...] = ()


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing to mend."""

    code: str
    """Stable."""
    weight: Weight
    message: str
    """With values in braces."""
    hint: str
    values: Mapping[str, object] = field(default_factory=dict)

    @property
    def said(self) -> str:
        """The message, in English."""
        return self.message.format_map(self.values)

    @property
    def advice(self) -> str:
        """What to do, in English."""
        return self.hint.format_map(self.values)


@dataclass(frozen=True, slots=True)
class Line:
    """A key and what is wrong with it, the gravest first."""

    subject: Subject
    concerns: tuple[Concern, ...]

    @property
    def weight(self) -> Weight | None:
        """How soon the gravest of it should be mended; `None` where nothing need be."""
        return self.concerns[0].weight if self.concerns else None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything there is, what to mend first on top."""

    at: int
    lines: tuple[Line, ...]

    def count(self, weight: Weight) -> int:
        """Return how many keys have something of this weight as their gravest."""
        return sum(line.weight is weight for line in self.lines)
