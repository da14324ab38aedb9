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


@dataclass(frozen=True, slots=True)
class EventView:
    """One event of the audit log."""

    seq: int
    at: int
    kind: str
    actor: str
    """An account's address, or what the log calls it."""
    actor_id: str
    """Its account; empty where it is none."""
    factor: str
    address: str
    agent: str
    request_id: str
    session: str
    account: str
    """Address of the account it concerns; empty: none, or one that is gone."""
    account_id: str
    subject: str
    version: int
    facts: tuple[tuple[str, str], ...]
    """What its detail says, by name."""


@dataclass(frozen=True, slots=True)
class ChainView:
    """How the log stands."""

    events: int
    checkpoint: int
    """Number of the newest; 0: there is none."""
    checkpoint_at: int
    covered: int
    """Events that it speaks of."""
    checked_at: int | None
    """When this server walked the whole log last."""
    checked: int
    """How many events held then."""
    agreeing: int
    """How many checkpoints said the same."""
    problem: str
    """What did not hold."""
