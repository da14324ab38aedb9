"""Which deadlines a key has, and which of them its owner should hear of now. Pure: the time and the key are handed in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from keywright.issuing.model import ApiKey, Owner, Status
from keywright.issuing.rules import DAY_MS, HOUR_MS, OVERLAP_MOST_HOURS
from keywright.notices.schedule import days_left, reached

AGE_DAYS = 90
"""How old a key should grow before it is rotated."""


class Deadline(StrEnum):
    """What happens to a key, or should be done about it."""

    EXPIRY = "expiry"
    """It stops working."""
    AGE = "age"
    """It is 90 days old and should be rotated; it works on."""
    OVERLAP = "overlap"
    """Its successor takes its place: it stops working."""


@dataclass(frozen=True, slots=True)
class DueDeadline:
    """That a key's owner should hear of a deadline: once for each `point` of the schedule."""

    owner: Owner
    key_id: str
    name: str
    kind: Deadline
    point: int
    """The point of the schedule that was reached last: 30, 14, 7, 1 or 0 days before."""
    days_left: int
    """Until the deadline, begun ones counted; not more than `point`, and less when nobody looked for some days."""
    at: int
    """The deadline."""

    @property
    def once(self) -> str:
        """A name that is this notice's alone: to tell it once."""
        return f"{self.kind}:{self.key_id}:{self.at}:{self.point}"


def deadlines_of(key: ApiKey, *, now: int) -> Iterator[tuple[Deadline, int]]:
    """Give a key's deadlines and when they are. A key that is off, waits, or was altered has none."""
    expires_at, overlap_until = key.grant.expires_at, key.grant.overlap_until
    if not key.holds or key.frozen_at is not None or key.deleted_at is not None:
        return
    ended = key.disabled_at is not None
    if overlap_until is not None and (not ended or (key.disabled_at or 0) >= overlap_until):
        yield Deadline.OVERLAP, overlap_until
        return  # it is being rotated already: nothing else need be done about it
    if ended or key.status_at(now) not in {Status.ACTIVE, Status.EXPIRED}:
        return
    if expires_at is not None:
        yield Deadline.EXPIRY, expires_at
    aged_at = key.created_at + AGE_DAYS * DAY_MS
    if key.status_at(now) is Status.ACTIVE and (expires_at is None or aged_at < expires_at):
        yield Deadline.AGE, aged_at


def due(key: ApiKey, owner: Owner, *, now: int) -> Iterator[DueDeadline]:
    """Give what the key's owner should hear of now: of each deadline the point of the schedule that was reached last."""
    for kind, at in deadlines_of(key, now=now):
        begun_at = at - OVERLAP_MOST_HOURS * HOUR_MS if kind is Deadline.OVERLAP else key.created_at
        point = reached(at, begun_at=begun_at, now=now)
        if point is not None:
            yield DueDeadline(owner, key.id, key.name, kind, point, days_left(at, now=now), at)
