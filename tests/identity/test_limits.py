from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given, strategies as st

from keywright.errors import Limited
from keywright.identity import limits, totp
from keywright.identity.limits import DAY_MS, FACTOR, HOUR_MS, MINUTE_MS, Window, wait_ms
from keywright.storage.tables import attempts
from tests.identity.doorway import Doorway
from tests.support.clock import T0

FIVE = (Window(5, 5 * MINUTE_MS),)


def greedy(windows: tuple[Window, ...], *, until: int) -> list[int]:
    """Return when someone tries who tries again the very moment it is allowed."""
    made: list[int] = []
    now = 0
    while now < until:
        wait = wait_ms(made, windows, now=now)
        if wait:
            now += wait
        else:
            made.append(now)
    return made


def test_the_sixth_within_five_minutes_waits_until_the_first_is_out_to_the_millisecond() -> None:
    earlier = [T0, T0 + 1, T0 + 2, T0 + 3, T0 + 4]
    assert wait_ms(earlier[:4], FIVE, now=T0 + 10) == 0
    assert wait_ms(earlier, FIVE, now=T0 + 10) == 5 * MINUTE_MS - 10
    assert wait_ms(earlier, FIVE, now=T0 + 5 * MINUTE_MS - 1) == 1
    assert wait_ms(earlier, FIVE, now=T0 + 5 * MINUTE_MS) == 0


def test_the_longest_of_several_waits_counts() -> None:
    windows = (Window(1, MINUTE_MS), Window(2, HOUR_MS))
    assert wait_ms([T0, T0 + MINUTE_MS], windows, now=T0 + 2 * MINUTE_MS) == HOUR_MS - 2 * MINUTE_MS


def test_more_than_the_share_wait_for_as_many_as_are_too_many() -> None:
    """Two nodes whose clocks differ, or a limit that was lowered, leave more attempts than there may be."""
    earlier = [T0 + second * 1000 for second in range(8)]
    assert wait_ms(earlier, FIVE, now=T0 + 10_000) == 3_000 + 5 * MINUTE_MS - 10_000


def test_attempts_from_the_future_count() -> None:
    """A clock set back makes nobody's attempts forgotten."""
    assert wait_ms([T0] * 5, FIVE, now=T0 - DAY_MS) > 0


@given(
    st.lists(st.integers(0, 10_000), max_size=30),
    st.lists(st.builds(Window, st.integers(1, 5), st.integers(1, 3_000)), min_size=1, max_size=3),
)
def test_a_wait_is_as_long_as_it_must_be_and_no_longer(times: list[int], windows: list[Window]) -> None:
    now = 10_000
    wait = wait_ms(times, windows, now=now)
    assert wait_ms(times, windows, now=now + wait) == 0
    assert not wait or wait_ms(times, windows, now=now + wait - 1) == 1


@given(st.lists(st.integers(0, 4 * HOUR_MS), max_size=80).map(sorted))
def test_no_stretch_ever_holds_more_than_its_share(asked: list[int]) -> None:
    made: list[int] = []
    for now in asked:
        if not wait_ms(made, FACTOR, now=now):
            made.append(now)
    for window in FACTOR:
        for start in made:
            assert sum(start <= at < start + window.period_ms for at in made) <= window.most


def test_2fa_07_a_year_of_guessing_succeeds_with_less_than_one_in_a_thousand() -> None:
    year = 365 * DAY_MS
    right_at_once = 2 * totp.DRIFT_STEPS + 1
    most = min(math.ceil(year / window.period_ms) * window.most for window in FACTOR)
    guesses = len(greedy(FACTOR, until=year))
    assert guesses <= most == 325, "as the module's first lines say"
    assert most * right_at_once / 10**totp.DIGITS < 1e-3


def test_2fa_07_the_windows_are_at_least_as_narrow_as_the_catalogue_asks() -> None:
    """At most 5 in 5 minutes, 20 in an hour, 50 in a day."""
    for windows in (FACTOR, limits.RECOVERY):
        for asked in (Window(5, 5 * MINUTE_MS), Window(20, HOUR_MS), Window(50, DAY_MS)):
            made = greedy(windows, until=asked.period_ms)
            assert len(made) <= asked.most


def test_nothing_counts_longer_than_it_is_kept() -> None:
    every = (
        FACTOR,
        limits.RECOVERY,
        limits.PASSWORD,
        limits.PASSWORD_STRANGERS,
        limits.ADDRESS,
        limits.EVERYONE,
        limits.SIGN_UP,
        limits.CLAIM,
        limits.SAID,
    )
    assert max(window.period_ms for windows in every for window in windows) <= limits.LONGEST_MS


# ── on record


async def test_an_attempt_is_on_record_before_it_is_looked_at(door: Doorway) -> None:
    """A process that dies between the two forgets none."""
    await door.entrance.charge({"a": FIVE, "b": FIVE}, now=T0)
    assert sorted((row.subject, row.at) for row in await door.rows(attempts)) == [("a", T0), ("b", T0)]


async def test_where_one_subject_has_had_its_share_none_is_counted(door: Doorway) -> None:
    for _ in range(5):
        await door.entrance.charge({"a": FIVE}, now=T0)
    with pytest.raises(Limited) as limited:
        await door.entrance.charge({"a": FIVE, "b": FIVE}, now=T0 + 1)
    assert limited.value.retry_ms == 5 * MINUTE_MS - 1
    assert "switched off" in limited.value.hint
    assert "wait 5 min" in limited.value.hint
    assert await door.counted() == 5


async def test_being_refused_makes_nobody_wait_longer(door: Doorway) -> None:
    for _ in range(5):
        await door.entrance.charge({"a": FIVE}, now=T0)
    for second in range(1, 300, 30):
        with pytest.raises(Limited):
            await door.entrance.charge({"a": FIVE}, now=T0 + second * 1000)
    await door.entrance.charge({"a": FIVE}, now=T0 + 5 * MINUTE_MS)


async def test_of_fifty_at_once_exactly_the_share_passes(door: Doorway) -> None:
    tried = [
        door.entrance.charge({"b": FIVE, "a": FIVE} if n % 2 else {"a": FIVE, "b": FIVE}, now=T0) for n in range(50)
    ]
    outcomes = await asyncio.gather(*tried, return_exceptions=True)
    assert outcomes.count(None) == 5
    assert all(isinstance(outcome, Limited) for outcome in outcomes if outcome is not None)


async def test_as_many_are_taken_back_as_were_right_even_at_one_moment(door: Doorway) -> None:
    subjects = {"a": (Window(100, HOUR_MS),)}
    for _ in range(20):
        await door.entrance.charge(subjects, now=T0)
    await asyncio.gather(*(door.entrance.forgive(subjects, at=T0) for _ in range(12)))
    assert await door.counted() == 8


async def test_taking_back_touches_no_other_subject_and_no_other_moment(door: Doorway) -> None:
    await door.entrance.charge({"a": FIVE, "b": FIVE}, now=T0)
    await door.entrance.charge({"a": FIVE}, now=T0 + 1)
    await door.entrance.forgive({"a": FIVE}, at=T0 + 1)
    await door.entrance.forgive({"a": FIVE}, at=T0 + 2)
    assert sorted((row.subject, row.at) for row in await door.rows(attempts)) == [("a", T0), ("b", T0)]


async def test_only_what_counts_nowhere_any_more_is_forgotten(door: Doorway) -> None:
    await door.entrance.charge({"old": FIVE}, now=T0 - 1)
    await door.entrance.charge({"kept": FIVE}, now=T0)
    await door.entrance.forget(now=T0 + limits.LONGEST_MS)
    assert [row.subject for row in await door.rows(attempts)] == ["kept"]
