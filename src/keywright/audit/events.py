"""Audit events: stable strings, and who did it from where. Listed in docs/reference/events.md, which a test compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What happened, in the past tense. Never rename one: people's alerts match on them."""

    ACCOUNT_CREATED = "account.created"
    """An account was made; `detail` holds its e-mail address."""
    ACCOUNT_FROZEN = "account.frozen"
    """Every key of an account is refused from now on."""
    ACCOUNT_UNFROZEN = "account.unfrozen"
    """A freeze was lifted, with the account's second factor."""
    KEY_ISSUED = "key.issued"
    """A key was made; `detail` holds its name, permissions, environment, addresses and expiry."""
    KEY_RENAMED = "key.renamed"
    """A key's name or memo was changed; `detail` holds the name."""
    KEY_ADDRESSES_CHANGED = "key.addresses_changed"
    """A key was bound to other addresses; `detail` holds them all. Its expiry may have followed."""
    KEY_DISABLED = "key.disabled"
    """A key was switched off."""
    KEY_ENABLED = "key.enabled"
    """A disabled key was switched on again, with the account's second factor."""
    KEY_DELETED = "key.deleted"
    """A key was deleted and its secret destroyed; `detail` holds its name."""
    KEY_EXPIRED = "key.expired"
    """A key's time ran out, and it was marked so that a clock set back can't revive it."""
    KEY_PASSPHRASE_GUESSED = "key.passphrase_guessed"
    """Who holds a key's secret gave so many wrong passphrases that the key waits; noticed by the gateway, no change."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, how they proved it, and from where."""

    id: str
    """An account id, or `system` where time itself did it, `operator` for the local command line without a
    person, or `gateway` for what it noticed itself."""
    factor: str = ""
    """`totp`, `sandbox-demo`, or empty where none was asked for."""
    address: str = ""
    agent: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One change of state. `detail` holds names, addresses and permissions; never a secret."""

    kind: Kind
    actor: Actor
    account_id: str
    subject: str
    subject_version: int = 0
    detail: Mapping[str, object] = field(default_factory=dict)


SYSTEM = Actor("system")
