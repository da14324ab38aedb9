"""K12: one schedule for every deadline of a key. Pure, to the millisecond; and as the chore hears of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keywright.issuing.deadlines import Deadline, DueDeadline, due
from keywright.issuing.model import ApiKey, Environment, Grant, Owner, Permission, Status
from keywright.issuing.rules import DAY_MS
from keywright.notices.schedule import SCHEDULE_DAYS
from tests.support.clock import T0
from tests.support.world import World

OWNER = Owner("acc_1")


def _key(*, expires_at: int | None = None, overlap_until: int | None = None, status: Status = Status.ACTIVE) -> ApiKey:
    grant = Grant(
        *("k1", "acc_1", "", frozenset({Permission.READ}), Environment.SPOT, (), status, expires_at, 1),
        overlap_until=overlap_until,
    )
    return ApiKey(grant, "bot", "", T0, None, None, None)


def _due(key: ApiKey, now: int) -> list[tuple[Deadline, int, int]]:
    return [(one.kind, one.point, one.days_left) for one in due(key, OWNER, now=now)]


@pytest.mark.parametrize("days", SCHEDULE_DAYS)
def test_each_point_is_reached_to_the_millisecond(days: int) -> None:
    at = T0 + 365 * DAY_MS
    key = replace(_key(expires_at=at), created_at=at - 60 * DAY_MS)
    reached = at - days * DAY_MS
    assert (Deadline.EXPIRY, days, days) not in _due(key, reached - 1)
    assert _due(key, reached) == [(Deadline.EXPIRY, days, days)]


def test_a_server_that_was_off_says_once_how_many_days_are_really_left() -> None:
    key = _key(expires_at=T0 + 90 * DAY_MS)
    assert _due(key, T0 + 70 * DAY_MS + 1) == [(Deadline.EXPIRY, 30, 20)]
    assert _due(key, T0 + 59 * DAY_MS) == []


def test_an_expiry_on_the_ninetieth_day_is_told_once_not_twice() -> None:
    key = _key(expires_at=T0 + 90 * DAY_MS)
    assert _due(key, T0 + 89 * DAY_MS) == [(Deadline.EXPIRY, 1, 1)]
    assert _due(_key(), T0 + 89 * DAY_MS) == [(Deadline.AGE, 1, 1)]
    later = _key(expires_at=T0 + 100 * DAY_MS)
    assert _due(later, T0 + 89 * DAY_MS) == [(Deadline.EXPIRY, 14, 11), (Deadline.AGE, 1, 1)]


def test_what_is_over_is_told_for_a_day_and_no_longer() -> None:
    key = _key(expires_at=T0 + 90 * DAY_MS)
    assert _due(key, T0 + 91 * DAY_MS - 1) == [(Deadline.EXPIRY, 0, 0)]
    assert _due(key, T0 + 91 * DAY_MS) == []
    marked = replace(key, grant=replace(key.grant, status=Status.EXPIRED))
    assert _due(marked, T0 + 90 * DAY_MS) == [(Deadline.EXPIRY, 0, 0)]


def test_no_point_lies_before_the_key_was_made() -> None:
    short = _key(expires_at=T0 + 10 * DAY_MS)
    assert _due(short, T0) == []
    assert _due(short, T0 + 3 * DAY_MS) == [(Deadline.EXPIRY, 7, 7)]


def test_the_end_of_an_overlap_takes_the_place_of_every_other_deadline() -> None:
    until = T0 + 89 * DAY_MS
    key = _key(expires_at=T0 + 90 * DAY_MS, overlap_until=until)
    assert _due(key, until - 7 * DAY_MS) == [], "that is when the rotation began"
    assert _due(key, until - DAY_MS) == [(Deadline.OVERLAP, 1, 1)]
    ended = replace(key, disabled_at=until + 5, grant=replace(key.grant, status=Status.DISABLED))
    assert _due(ended, until + 10) == [(Deadline.OVERLAP, 0, 0)], "on the day, though it is switched off by then"
    assert _due(replace(ended, disabled_at=until - 1), until + 10) == [], "its owner did that"


@pytest.mark.parametrize(
    "off",
    [
        {"disabled_at": T0},
        {"frozen_at": T0},
        {"deleted_at": T0},
        {"holds": False},
    ],
)
def test_a_key_that_is_off_has_no_deadline(off: dict[str, int]) -> None:
    key = replace(_key(expires_at=T0 + 90 * DAY_MS), **off)  # type: ignore[arg-type]
    assert _due(key, T0 + 89 * DAY_MS) == []
    assert _due(_key(status=Status.PENDING), T0 + 89 * DAY_MS) == []


def test_each_point_of_each_deadline_has_a_name_of_its_own() -> None:
    one = DueDeadline(OWNER, "k1", "bot", Deadline.AGE, 30, 30, T0)
    others = [replace(one, key_id="k2"), replace(one, kind=Deadline.EXPIRY), replace(one, point=14), replace(one, at=1)]
    assert len({one.once, *(other.once for other in others)}) == 5


async def test_the_chore_hears_of_every_key_that_is_due_and_of_no_other(world: World) -> None:
    ada, bob = await world.person("ada@example.org"), await world.person("bob@example.org")
    trader, reader = await world.key(ada, "trade"), await world.key(bob)
    off = await world.key(ada, "trade")
    await world.disable(ada, off.id)
    await world.key(ada, pending=True)
    world.clock.advance(days=60)
    async with world.services.database.read() as tx:
        found = await world.services.issuing.due_deadlines(tx, now=world.clock())
        assert await world.services.issuing.due_deadlines(tx, now=world.clock() - 1) == []
    at = trader.key.created_at + 90 * DAY_MS
    assert sorted(found, key=lambda one: one.kind) == [
        DueDeadline(bob.owner, reader.id, "bot", Deadline.AGE, 30, 30, at),
        DueDeadline(ada.owner, trader.id, "bot", Deadline.EXPIRY, 30, 30, at),
    ]
