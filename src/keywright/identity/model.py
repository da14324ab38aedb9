"""Nouns of identity."""

from __future__ import annotations

from dataclasses import dataclass, field

from keywright.secret import Secret


@dataclass(frozen=True, slots=True)
class Account:
    """A person or firm that owns API keys."""

    id: str
    uid: int
    """Nine digits: the number that exchanges' clients expect."""
    email: str
    created_at: int
    frozen_at: int | None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an account is recognised by, as it rests: nothing here is plain."""

    password_hash: str = field(repr=False)
    totp_sealed: bytes = field(repr=False)
    totp_step: int = 0
    """The newest time step whose code was used; only a greater one is accepted."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A new account and the TOTP secret that was made for it: shown once."""

    account: Account
    totp_secret: Secret
    """Base32 text, as authenticator apps take it."""


FRESH_MS = 10 * 60 * 1000
"""How long one proof of the second factor serves sensitive actions (K2: ten minutes)."""


@dataclass(frozen=True, slots=True)
class FactorProof:
    """That an account's second factor was proved, and when. Made by `identity.service` only."""

    account_id: str
    factor: str
    """`totp`; or `sandbox-demo`, the one exception of K16."""
    at: int

    def is_fresh(self, *, now: int) -> bool:
        """Tell whether the proof still serves at `now`. One from the future does not."""
        return 0 <= now - self.at <= FRESH_MS
