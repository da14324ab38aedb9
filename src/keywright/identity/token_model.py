"""Nouns of service tokens: what a program of the operator's may do at the management API, and from where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a service token may do. What changes an account's keys takes a fresh assertion of that person besides (K16)."""

    ACCOUNTS_READ = "accounts:read"
    """See accounts."""
    ACCOUNTS_WRITE = "accounts:write"
    """Make accounts for people who sign in elsewhere."""
    KEYS_READ = "keys:read"
    """See API keys, never their secrets."""
    KEYS_WRITE = "keys:write"
    """Switch keys off; and, with an assertion of their owner, make and change them."""
    FREEZES_WRITE = "freezes:write"
    """Freeze; and, with an assertion of its owner, unfreeze an account."""
    IDENTITY_WRITE = "identity:write"
    """Say whether an account's identity is verified."""
    APPROVALS_WRITE = "approvals:write"
    """Ask owners to approve something, hear what they said, and use an approval up."""
    AUDIT_READ = "audit:read"
    """Read the audit log."""
    USAGE_READ = "usage:read"
    """Read which requests were made with a key."""
    POLICY_READ = "policy:read"
    """Read what holds for every account here."""
    POLICY_WRITE = "policy:write"
    """Change that."""


@dataclass(frozen=True, slots=True)
class ServiceToken:
    """A service token as it is shown: what opens with it can't be seen again."""

    id: str
    name: str
    scopes: frozenset[Scope]
    addresses: tuple[str, ...]
    """Canonical CIDR blocks; empty: from any address."""
    created_at: int
    created_by: str
    """An operator's account id, or `operator` for the command line."""
    expires_at: int | None
    disabled_at: int | None
    last_used_at: int | None = None
    last_used_from: str = ""
    holds: bool = True
    """Whether its record is as we wrote it; one that is not opens nothing."""

    def status_at(self, now: int) -> str:
        """Return `active`, `disabled` or `expired`: what counts at `now`."""
        if self.disabled_at is not None:
            return "disabled"
        return "expired" if self.expires_at is not None and now >= self.expires_at else "active"
