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
    """`read`, `trade`, `withdraw`, `internal_transfer`, …"""
    allowed: bool | None
    """`None`: nobody can tell."""
    grade: str
    """`proven`, `declared`, `unprovable`; of our own keys always `proven`."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Something that speaks against a key and was accepted."""

    what: str
    """As its finding calls it: `margin`, `no-address-filter`, `unproven-withdraw`."""
    by: str
    """An account's e-mail address, or its id where it is gone; `owner` in a personal vault."""
    at: int
    """When."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A key as it stands, in plain facts. Times are milliseconds. Names are stable: reports for machines carry them."""

    kind: Kind
    """`key`: issued here; `connection`: another exchange's, held here."""
    id: str
    """The key id, or the connection's."""
    name: str
    """What its owner calls it."""
    owner: str
    """An account's e-mail address; empty in a personal vault."""
    place: str
    """The exchange of a connection; the environment of a key that was issued here: `spot` or `futures`."""
    status: str
    """`active`, `pending`, `disabled`, `expired` or `altered` of a key; `active`, `suspended` or `altered` of a connection."""
    masked: str
    """The first and last characters of the key: enough to tell it from others."""
    made_at: int
    """When the key was made, as far as anybody knows; else when it was taken."""
    account_id: str = ""
    """The account's id; empty in a personal vault."""
    sub_account: str = ""
    """The sub-account that the key belongs to; empty for the account's own."""
    holds: bool = True
    """False for a record that was altered behind Keywright's back."""
    is_on: bool = True
    """Whether it can be used at all."""
    is_rotating: bool = False
    """Whether it has a successor that is to take its place, or a new key beside it."""
    rights: tuple[Right, ...] = ()
    """What it may do, what it may not of what matters, and how well each is known."""
    addresses: tuple[str, ...] = ()
    """Where it may be used from; of a connection what the exchange shows of its filter."""
    is_bound: bool | None = None
    """Whether it works from listed addresses only; `None`: nobody can tell."""
    bound_grade: str = "proven"
    """How well that is known: `proven`, `declared`, `unprovable`."""
    egress: str = ""
    """The address a connection's requests leave from."""
    egress_shared: bool = False
    """Whether other connections leave from it, too."""
    egress_confirmed: bool = True
    """Whether it was seen from outside within a day."""
    bots: tuple[str, ...] = ()
    """Who uses a connection, by its owner's names."""
    last_used_at: int | None = None
    """When it was last used, or, of a connection, last handed to a program; `None`: never, or nobody here knows."""
    last_used_from: str = ""
    """From which address that was."""
    knows_use: bool = True
    """Whether its use is seen here at all: who is given a key by `keywright exec` uses it without us."""
    checked_at: int | None = None
    """When the exchange was last asked what a connection's key may do."""
    expires_at: int | None = None
    """When it ends, or its right to trade; `None`: it does not, or nobody tells."""
    limits: tuple[str, ...] = ()
    """What orders with it are limited to."""
    exceptions: tuple[Accepted, ...] = ()
    """What speaks against it and was accepted, by whom and when."""


@dataclass(frozen=True, slots=True)
class Concern:
    """One thing to mend."""

    code: str
    """Stable."""
    weight: Weight
    message: str
    """With the names of its values in braces, so that a surface can say it in another language."""
    hint: str
    """What to do, written likewise."""
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
