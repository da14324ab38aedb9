"""What an account must have before API Management opens for it, by profile (K2). Pure: what it has is handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Profile(StrEnum):
    """Which prerequisites an installation asks for."""

    PERSONAL = "personal"
    PLATFORM = "platform"
    EXCHANGE = "exchange"


class Prerequisite(StrEnum):
    """One thing that an account may have to have."""

    SECOND_FACTOR = "second_factor"
    TRADING_PASSWORD = "trading_password"
    IDENTITY = "identity"
    WHITELIST = "whitelist"


REQUIRED: Mapping[Profile, tuple[Prerequisite, ...]] = {
    Profile.PERSONAL: (Prerequisite.SECOND_FACTOR,),
    Profile.PLATFORM: (Prerequisite.SECOND_FACTOR, Prerequisite.TRADING_PASSWORD),
    Profile.EXCHANGE: tuple(Prerequisite),
}
"""By profile, in the order in which they are best met: each later one takes the second factor."""

PAGES: Mapping[Prerequisite, str] = {
    Prerequisite.SECOND_FACTOR: "/security/authenticator",
    Prerequisite.TRADING_PASSWORD: "/security/trading-password",
    Prerequisite.IDENTITY: "/security/identity",
    Prerequisite.WHITELIST: "/security/withdrawal-addresses",
}
"""Where at the console each is met."""

ELSEWHERE = frozenset({Prerequisite.SECOND_FACTOR, Prerequisite.TRADING_PASSWORD})
"""What an exchange that signs its people in itself (N17) asks for itself: they have no password here."""


@dataclass(frozen=True, slots=True)
class Step:
    """One prerequisite of one account."""

    name: Prerequisite
    is_done: bool
    page: str
    is_waiting: bool = False
    """Whether its owner has done their part, and someone else has to look at it."""


def steps(
    profile: Profile, has: frozenset[Prerequisite], *, waiting: frozenset[Prerequisite] = frozenset(), factor: str = ""
) -> tuple[Step, ...]:
    """Return the prerequisites of a profile, each with whether an account that has these has it.

    `factor` is what the person was proved by: an exchange's assertion stands for what the exchange asks for itself.
    """
    asked = [one for one in REQUIRED[profile] if factor != ASSERTION or one not in ELSEWHERE]
    return tuple(Step(one, one in has, PAGES[one], one not in has and one in waiting) for one in asked)


def takes_trading_password(profile: Profile, *, factor: str) -> bool:
    """Tell whether making a key takes the trading password (K5) of who was proved by `factor`."""
    return factor not in {ASSERTION, SANDBOX_DEMO} and Prerequisite.TRADING_PASSWORD in REQUIRED[profile]


def takes_mailed_code(profile: Profile, *, factor: str) -> bool:
    """Tell whether making a key is confirmed by a code that is sent to who was proved by `factor` (K5)."""
    return factor not in {ASSERTION, SANDBOX_DEMO} and profile is not Profile.PERSONAL


ASSERTION = "assertion"
SANDBOX_DEMO = "sandbox-demo"
"""Factors, as a `FactorProof` names them, that stand for more than a code: the second is K16's exception."""
