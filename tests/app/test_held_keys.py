"""What an agent holds, by a clock that is handed in."""

from __future__ import annotations

from keywright.app.held_keys import HeldKeys
from keywright.clock import MachineTime, machine_time
from keywright.secret import Secret

KEY, OTHER = Secret(b"k" * 32), Secret(b"o" * 32)
HOUR = 3_600_000


def at(ms: int, *, slept: int = 0) -> MachineTime:
    return MachineTime(ms, slept)


def test_vlt_10_a_key_stays_while_it_is_used_and_goes_when_it_is_not() -> None:
    held = HeldKeys()
    held.hold("db_1", KEY, idle_ms=HOUR, now=at(0))
    for hour in range(1, 10):
        assert held.give("db_1", now=at(hour * HOUR - 10 * hour)) == KEY
    last = 9 * HOUR - 90
    assert held.left_ms("db_1", now=at(last + HOUR - 1)) == 1
    assert held.give("db_1", now=at(last + HOUR)) is None
    assert not len(held)


def test_looking_is_no_use() -> None:
    held = HeldKeys()
    held.hold("db_1", KEY, idle_ms=HOUR, now=at(0))
    assert held.left_ms("db_1", now=at(HOUR - 1)) == 1
    assert held.left_ms("db_1", now=at(HOUR)) is None


def test_vlt_10_a_key_does_not_outlast_the_machines_sleep() -> None:
    held = HeldKeys()
    held.hold("db_1", KEY, idle_ms=HOUR, now=at(10_000, slept=5_000))
    assert held.give("db_1", now=at(12_000, slept=5_400)) == KEY  # two readings of a clock, no sleep
    assert held.give("db_1", now=at(14_000, slept=6_500)) is None


def test_what_is_due_goes_without_anybody_asking() -> None:
    held = HeldKeys()
    held.hold("db_1", KEY, idle_ms=1_000, now=at(0))
    held.hold("db_2", OTHER, idle_ms=2_000, now=at(0))
    assert held.expire(at(999)) == 0
    assert held.expire(at(1_000)) == 1
    assert held.give("db_2", now=at(1_500)) == OTHER


def test_each_vault_has_its_own_and_the_newest_counts() -> None:
    held = HeldKeys()
    held.hold("db_1", KEY, idle_ms=HOUR, now=at(0))
    held.hold("db_2", KEY, idle_ms=HOUR, now=at(0))
    held.hold("db_1", OTHER, idle_ms=HOUR, now=at(1))
    assert held.give("db_1", now=at(2)) == OTHER
    assert held.drop("db_1") == 1
    assert held.give("db_1", now=at(2)) is None
    assert held.give("db_2", now=at(2)) == KEY
    assert held.drop() == 1
    assert held.drop() == 0


def test_the_machines_time_goes_on_whatever_the_wall_clock_says() -> None:
    first, second = machine_time(), machine_time()
    assert second.ran_ms >= first.ran_ms > 0
    assert second.slept_ms >= 0
