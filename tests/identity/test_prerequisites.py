"""What must be there before API Management opens (K2)."""

from __future__ import annotations

import pytest

from keywright.identity.prerequisites import (
    ASSERTION,
    PAGES,
    SANDBOX_DEMO,
    Prerequisite,
    Profile,
    steps,
    takes_trading_password,
)

NOTHING: frozenset[Prerequisite] = frozenset()
ALL = frozenset(Prerequisite)


@pytest.mark.parametrize(
    ("profile", "asked"),
    [
        (Profile.PERSONAL, ["second_factor"]),
        (Profile.PLATFORM, ["second_factor", "trading_password"]),
        (Profile.EXCHANGE, ["second_factor", "trading_password", "identity", "whitelist"]),
    ],
)
def test_k2_each_profile_asks_for_its_own(profile: Profile, asked: list[str]) -> None:
    assert [step.name.value for step in steps(profile, NOTHING)] == asked
    assert not any(step.is_done for step in steps(profile, NOTHING))
    assert all(step.is_done for step in steps(profile, ALL))


def test_each_step_says_where_it_is_done() -> None:
    assert [step.page for step in steps(Profile.EXCHANGE, ALL)] == [PAGES[one] for one in Prerequisite]


def test_a_step_waits_only_while_it_is_not_done() -> None:
    waiting = frozenset({Prerequisite.IDENTITY})
    assert [step.is_waiting for step in steps(Profile.EXCHANGE, NOTHING, waiting=waiting)] == [
        False,
        False,
        True,
        False,
    ]
    assert not any(step.is_waiting for step in steps(Profile.EXCHANGE, ALL, waiting=waiting))


def test_n17_an_exchange_that_signs_its_people_in_asks_for_its_own_passwords_itself() -> None:
    asked = [step.name for step in steps(Profile.EXCHANGE, NOTHING, factor=ASSERTION)]
    assert asked == [Prerequisite.IDENTITY, Prerequisite.WHITELIST]
    assert not takes_trading_password(Profile.EXCHANGE, factor=ASSERTION)


@pytest.mark.parametrize(
    ("profile", "factor", "asked"),
    [
        (Profile.PERSONAL, "totp", False),
        (Profile.PLATFORM, "totp", True),
        (Profile.EXCHANGE, "recovery", True),
        (Profile.EXCHANGE, "unheard-of", True),
        (Profile.EXCHANGE, SANDBOX_DEMO, False),
    ],
)
def test_k5_the_trading_password_is_asked_for_where_the_profile_has_one(
    profile: Profile, factor: str, asked: bool
) -> None:
    assert takes_trading_password(profile, factor=factor) is asked
