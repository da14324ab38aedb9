"""What templates are given that operators see: plain values, like those of `model`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FreezeView:
    """One permission, and whether it is refused everywhere."""

    name: str
    is_frozen: bool
    at: int | None
    """Since when; `None` where only the audit log says so."""
    by: str
    keys: int
    """How many keys that work have it."""


@dataclass(frozen=True, slots=True)
class TokenView:
    """One service token."""

    id: str
    name: str
    status: str
    """`active`, `disabled` or `expired`."""
    scopes: tuple[str, ...]
    addresses: tuple[str, ...]
    created_at: int
    created_by: str
    expires_at: int | None
    last_used_at: int | None
    last_used_from: str
    holds: bool = True
    """False when its record was altered behind Keywright's back: it opens nothing."""


@dataclass(frozen=True, slots=True)
class RuleView:
    """One rule of the policy."""

    name: str
    default: str
    """What the settings say."""
    is_decided: bool
    """Whether operators decided it; else the settings' word holds."""
    least: int
    most: int
