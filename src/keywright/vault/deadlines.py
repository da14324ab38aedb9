"""Which deadlines a held key has, and which of them its owner should hear of now. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from keywright.notices.schedule import DAY_MS, days_left, reached
from keywright.vault.evidence import Exchange, Right
from keywright.vault.model import Connection, Status

AGE_DAYS = 90
"""How old a held key should grow before another takes its place."""
IDLE_DAYS = 30
"""After how long without use KuCoin ends a key that no list of addresses binds (kucoin.com/support/360015102174)."""
AHEAD_DAYS = 7
"""How long before a key is too old, or ends, the server begins to rotate it by itself: a week of tries."""


UNCHECKED_DAYS = 3
"""After how many days without an answer an owner is told: exchanges and machines are away for hours, and come back."""


class Deadline(StrEnum):
    """What happens to a held key, or should be done about it."""

    EXPIRY = "expiry"
    """The exchange ends it, or its right to trade."""
    AGE = "age"
    """It is 90 days old and should be replaced; it works on."""
    IDLE = "idle"
    """Nothing has used it for long, and no list of addresses binds it: KuCoin ends such a key, or its right to trade."""
    OVERLAP = "overlap"
    """A rotation was switched a day ago: the key before should be ended."""
    UNCHECKED = "unchecked"
    """For days nobody could ask the exchange what the key may do."""


@dataclass(frozen=True, slots=True)
class DueDeadline:
    """That a connection's owner should hear of a deadline: once for each `point` of the schedule."""

    account_id: str
    connection_id: str
    name: str
    exchange: str
    kind: Deadline
    point: int
    days_left: int
    at: int

    @property
    def once(self) -> str:
        """A name that is this notice's alone: to tell it once."""
        return f"connection.{self.kind}:{self.connection_id}:{self.at}:{self.point}"


def deadlines_of(connection: Connection) -> Iterator[tuple[Deadline, int]]:
    """Give a connection's deadlines and when they are. One that is suspended has none but its key's end."""
    if not connection.holds or connection.record.status is Status.REMOVED:
        return
    ends_at = ends_of(connection)
    if ends_at is not None:
        yield Deadline.EXPIRY, ends_at
    idle_at = idle_of(connection)
    if idle_at is not None:
        yield Deadline.IDLE, idle_at
    if connection.record.status is not Status.ACTIVE:
        return
    aged_at = aged_of(connection)
    if ends_at is None or aged_at < ends_at:
        yield Deadline.AGE, aged_at
    rotation = connection.record.rotation
    yield Deadline.UNCHECKED, connection.record.checked_at + UNCHECKED_DAYS * DAY_MS
    if rotation is None or not rotation.is_switched or rotation.due_at is None:
        return
    if rotation.is_guided or not connection.record.terms.by_itself:  # what its owner began, the server does not end
        yield Deadline.OVERLAP, rotation.due_at


def ends_of(connection: Connection) -> int | None:
    """Return when a key ends, or its right to trade: by its exchange, or on its owner's word, whichever is sooner."""
    known = (connection.record.probe.expires_at, connection.record.terms.ends_at)
    return min((at for at in known if at is not None), default=None)


def aged_of(connection: Connection) -> int:
    """Return when a key is 90 days old."""
    return _made_at(connection) + AGE_DAYS * DAY_MS


def idle_of(connection: Connection) -> int | None:
    """Return when KuCoin may end a key that no list binds, counted from when it was last asked about; else `None`.

    Whether a question counts as use, KuCoin does not say; no other use is known for certain.
    """
    probe = connection.record.probe
    may_trade = any(probe.may(right) for right in (Right.TRADE, Right.MARGIN, Right.FUTURES))
    if probe.exchange is not Exchange.KUCOIN or not may_trade or probe.of(Right.ADDRESS_FILTER).allowed is not False:
        return None
    return connection.record.checked_at + IDLE_DAYS * DAY_MS


def is_rotation_due(connection: Connection, *, now: int) -> bool:
    """Tell whether a rotation that the server does by itself should begin: a week before the key is too old, or ends."""
    known = (ends_of(connection), aged_of(connection))
    return now >= min(at for at in known if at is not None) - AHEAD_DAYS * DAY_MS


def due(connection: Connection, *, now: int) -> Iterator[DueDeadline]:
    """Give what a connection's owner should hear of now: of each deadline the point of the schedule reached last."""
    for kind, at in deadlines_of(connection):
        if kind is Deadline.UNCHECKED:  # nobody sees it coming, and it is as true a week later
            point = 0 if now >= at else None
        else:
            point = reached(at, begun_at=_begun_at(kind, connection), now=now)
        if point is not None:
            record = connection.record
            yield DueDeadline(
                *(record.account_id, record.id, record.name, record.exchange.title, kind, point),
                days_left=days_left(at, now=now),
                at=at,
            )


def _begun_at(kind: Deadline, connection: Connection) -> int:
    """Return since when a deadline was known: nobody is told of a point that passed before."""
    rotation = connection.record.rotation
    if kind is Deadline.OVERLAP and rotation is not None and rotation.switched_at is not None:
        return rotation.switched_at
    if kind is Deadline.IDLE:
        return connection.record.checked_at
    return min(_made_at(connection), connection.key.added_at)


def _made_at(connection: Connection) -> int:
    """Return when a key was made at its exchange, or else when it came here."""
    made_at = connection.record.probe.created_at
    return min(made_at, connection.key.added_at) if made_at is not None else connection.key.added_at
