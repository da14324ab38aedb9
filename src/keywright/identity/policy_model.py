"""Nouns of policy: what operators decide at run time, each rule within its bounds. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from keywright.errors import Invalid
from keywright.identity.prerequisites import Profile

Value = int | str
"""What a rule may say, as it is stored and shown."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for every account. Rules are named as the settings that give their defaults."""

    keys_per_account: int = 5
    """Disabled keys count, deleted ones don't (K7)."""
    key_lifetime_days: int = 90
    """Of a key with trade or transfer and no allowlist (K19)."""
    disable_idle_days: int = 0
    """After how long a key that is not used is switched off; 0: never (K20)."""
    sub_accounts_per_account: int = 5
    connections_per_account: int = 20
    """To exchanges whose keys are held; 0: none can be made (W1)."""
    sign_up: str = "open"
    """Who may make an account at the console: `open` is everybody, `closed` nobody."""
    whitelist_hold_hours: int = 0
    """How long a new withdrawal address waits, and the list stays on after it was switched off."""
    profile: Profile = Profile.PERSONAL
    """What an account needs before its first key (K2)."""
    addresses_per_key: int = 20
    """No rule: the same everywhere."""

    def value(self, name: str) -> Value:
        """Return what a rule says."""
        found: Value = getattr(self, name)
        return found.value if isinstance(found, Profile) else found

    def with_values(self, values: Mapping[str, Value]) -> Policy:
        """Return the policy in which these rules say something else."""
        said: dict[str, Any] = {
            name: Profile(str(value)) if name == PROFILE else value for name, value in values.items()
        }
        return replace(self, **said)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule and what it may say: a number within bounds, or one of some words."""

    name: str
    least: int = 0
    most: int = 0
    words: tuple[str, ...] = ()

    def checked(self, value: object) -> Value:
        """Return the value if the rule may say it; raises `Invalid`."""
        if self.words:
            if value in self.words:
                return str(value)
            raise Invalid("choose one of {words}", field=self.name, words=", ".join(self.words))
        text = str(value).strip() if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
        number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else -1
        if not self.least <= number <= self.most:
            raise Invalid(
                "give a whole number from {least} to {most}", field=self.name, least=self.least, most=self.most
            )
        return number


PROFILE, SIGN_UP = "profile", "sign_up"
HOLD_MOST_HOURS = 720

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.name: rule
        for rule in (
            Rule("keys_per_account", 1, 1_000),
            Rule("sub_accounts_per_account", 0, 1_000),
            Rule("connections_per_account", 0, 1_000),
            Rule(SIGN_UP, words=("open", "closed")),
            Rule(PROFILE, words=tuple(profile.value for profile in Profile)),
            Rule("key_lifetime_days", 1, 3_650),
            Rule("disable_idle_days", 0, 3_650),
            Rule("whitelist_hold_hours", 0, HOLD_MOST_HOURS),
        )
    }
)
"""Every rule that operators may change, in the order in which they are shown; a test compares with the settings."""


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """What operators decided themselves: of all other rules the settings say what holds."""

    values: Mapping[str, Value]
    version: int
    """Only rises; 0: nothing was ever decided."""
    changed_at: int | None
    changed_by: str
    """An operator's account, or a service token."""
    holds: bool = True
    """False when it was altered behind Keywright's back: then none of it is believed."""


def rule_of(name: str) -> Rule:
    """Return the rule of this name; raises `Invalid`."""
    try:
        return RULES[name]
    except KeyError:
        raise Invalid(
            "there is no rule {name}", hint="choose from {known}", name=repr(name[:64]), known=", ".join(RULES)
        ) from None
