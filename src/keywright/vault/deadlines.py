"""Which deadlines a held key has, and which of them its owner should hear of now. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from keywright.notices.schedule import DAY_MS, days_left, reached
from keywright.vault.model import Connection, Status

AGE_DAYS = 90
"""How old a held key should grow before another takes its place."""


class Deadline(StrEnum):
    """What happens to a held key, or should be done about it."""

    EXPIRY = "expiry"
    """The exchange ends it, or its right to trade."""
    AGE = "age"
    """It is 90 days old and should be replaced; it works on."""


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
    probe = connection.record.probe
    ends_at = probe.expires_at
    if ends_at is not None:
        yield Deadline.EXPIRY, ends_at
    aged_at = _made_at(connection) + AGE_DAYS * DAY_MS
    if connection.record.status is Status.ACTIVE and (ends_at is None or aged_at < ends_at):
        yield Deadline.AGE, aged_at


def due(connection: Connection, *, now: int) -> Iterator[DueDeadline]:
    """Give what a connection's owner should hear of now: of each deadline the point of the schedule reached last."""
    for kind, at in deadlines_of(connection):
        point = reached(at, begun_at=min(_made_at(connection), connection.key.added_at), now=now)
        if point is not None:
            record = connection.record
            yield DueDeadline(
                *(record.account_id, record.id, record.name, record.exchange.title, kind, point),
                days_left=days_left(at, now=now),
                at=at,
            )


def _made_at(connection: Connection) -> int:
    """Return when a key was made at its exchange, or else when it came here."""
    made_at = connection.record.probe.created_at
    return min(made_at, connection.key.added_at) if made_at is not None else connection.key.added_at
