"""Audit events: stable strings, and who did it from where. Listed in docs/reference/events.md, which a test compares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What happened, in the past tense. Never rename one: people's alerts match on them."""

    ACCOUNT_CREATED = "account.created"
    ACCOUNT_FROZEN = "account.frozen"
    ACCOUNT_UNFROZEN = "account.unfrozen"
    KEY_ISSUED = "key.issued"
    KEY_RENAMED = "key.renamed"
    KEY_ADDRESSES_CHANGED = "key.addresses_changed"
    KEY_DISABLED = "key.disabled"
    KEY_ENABLED = "key.enabled"
    KEY_DELETED = "key.deleted"
    KEY_EXPIRED = "key.expired"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, how they proved it, and from where."""

    id: str
    """An account id, or `system` where time itself did it, or `operator` for the local command line without a person."""
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
