"""Nouns of identity."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from enum import StrEnum

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
    operator_at: int | None = None
    has_factor: bool = False
    """Whether a second factor was enrolled, here or at the exchange that the account signs in at."""
    has_trading_password: bool = False
    email_verified_at: int | None = None
    """When its e-mail address was shown to be its owner's."""
    whitelist_on_at: int | None = None
    """Since when withdrawals go to listed addresses only."""
    language: str | None = None
    """What its owner wants to be answered in; `None`: nobody chose."""
    external_id: str = ""
    """The name an exchange that brings its own login knows the account by; empty: it signs in here."""


@dataclass(frozen=True, slots=True)
class SubAccount:
    """A part of an account with keys and balances of its own; the account acts for it (K15)."""

    id: str
    account_id: str
    uid: int
    """A number of its own, as exchanges' clients expect."""
    name: str
    """What keys, balances and upstreams know it by; never changes."""
    memo: str
    created_at: int
    frozen_at: int | None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an account is recognised by, as it rests: nothing here is plain."""

    password_hash: str = field(repr=False)
    totp_sealed: bytes = field(repr=False)
    totp_step: int = 0
    """The newest time step whose code was used; only a greater one is accepted."""

    @property
    def has_factor(self) -> bool:
        """Tell whether a second factor was enrolled."""
        return bool(self.totp_sealed)


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
    """That an account's second factor was proved, and when. Made by the verbs of identity only."""

    account_id: str
    factor: str
    """`totp`, `recovery` or `passkey`; `assertion` of an exchange that brings its own login; or `sandbox-demo`, the one exception
    of K16."""
    at: int
    purpose: str = ""
    """The one thing it was made for, where that is a confirmation (K17): it then serves nothing else."""

    def is_fresh(self, *, now: int) -> bool:
        """Tell whether the proof still serves at `now`. One from the future does not."""
        return not self.purpose and 0 <= now - self.at <= FRESH_MS

    def made_for(self, purpose: str) -> FactorProof:
        """Return the same proof, bound to one purpose: whoever asked for the code said what it is for."""
        return replace(self, purpose=purpose)

    def is_for(self, purpose: str, *, now: int) -> bool:
        """Tell whether it was made for exactly this and at this very moment: no earlier step-up ever is."""
        return bool(purpose) and self.purpose == purpose and self.at == now


@dataclass(frozen=True, slots=True)
class TradingProof:
    """That an account's trading password was proved, and when. Made by `trading.TradingPasswords` only."""

    account_id: str
    at: int

    def is_fresh(self, *, now: int) -> bool:
        """Tell whether the proof still serves at `now`. One from the future does not."""
        return 0 <= now - self.at <= FRESH_MS


class IdentityState(StrEnum):
    """How far the verification of an identity has come."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    REFUSED = "refused"
    ALTERED = "altered"
    """Its row is not as we wrote it: it counts as not decided, and can be submitted anew."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an account's owner says they are."""

    account_id: str
    state: IdentityState
    name: str
    country: str
    """Two letters, ISO 3166-1."""
    document: str
    """Its kind and last characters: `passport 1234`."""
    submitted_at: int
    version: int
    decided_at: int | None = None
    decided_by: str = ""
    """An operator's account id, `sandbox`, `assertion`; empty: nobody yet."""
    reason: str = ""
    """Why it was refused, for its owner to read."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who stands at the console's door, as far as can be told before anything is proved."""

    address: str
    agent: str = ""
    device: Secret | None = None
    """What this browser was given when someone last signed in completely with it."""
    request_id: str = ""
    neighbourhood: str = ""
    """What limits count this address as: of IPv6 a whole customer's network. Empty: the address itself."""

    @property
    def counted_as(self) -> str:
        """Return the address or network that attempts are counted against."""
        return self.neighbourhood or self.address


IDLE_MS = 30 * 60 * 1000
ABSOLUTE_MS = 12 * 60 * 60 * 1000
"""How long a session lasts unused, and at most (NIST SP 800-63B section 4.2.3: half an hour and twelve hours)."""

PENDING_MS = 15 * 60 * 1000
"""How long an authenticator may take to be enrolled."""


@dataclass(frozen=True, slots=True)
class Session:
    """Someone signed in at the console, or half-way there."""

    id: str
    account_id: str
    created_at: int
    seen_at: int
    factor: str
    factor_at: int | None
    """When the second factor was proved at sign-in; `None`: only the password was."""
    step_up_factor: str
    step_up_at: int | None
    address: str
    agent: str
    device: str = field(default="", repr=False)

    @property
    def is_complete(self) -> bool:
        """Tell whether both password and second factor were proved."""
        return self.factor_at is not None

    def ends_at(self) -> int:
        """Return when it ends if nothing more is done in it."""
        return min(self.seen_at + IDLE_MS, self.created_at + ABSOLUTE_MS)

    def lives(self, *, now: int) -> bool:
        """Tell whether it still holds at `now`. One from the future does not: the clock was set back."""
        return self.created_at <= now and self.seen_at <= now < self.ends_at()

    def step_up(self, *, now: int) -> FactorProof | None:
        """Return the proof of the latest step-up while it serves; `None` when it is asked for again.

        Signing in does not count as one.
        """
        if self.step_up_at is None:
            return None
        proof = FactorProof(self.account_id, self.step_up_factor, self.step_up_at)
        return proof if proof.is_fresh(now=now) else None


@dataclass(frozen=True, slots=True)
class Opened:
    """A session and the token that its browser keeps: new at every rise of privilege."""

    session: Session
    token: Secret
    device: Secret | None = None
    """What the browser is recognised by next time, where it was not known yet."""


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who passkeys are made for: the console, by the host of its official origin."""

    id: str
    origins: tuple[str, ...]
    """The official origins at that host."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """A credential on someone's phone, computer or security key, by which their account is recognised."""

    credential_id: str = field(repr=False)
    """base64url."""
    account_id: str
    name: str
    public_key: bytes = field(repr=False)
    """COSE."""
    sign_count: int
    created_at: int
    last_used_at: int | None
    mac: bytes = field(default=b"", repr=False)

    @property
    def id(self) -> str:
        """What pages and the audit log call it; it opens nothing."""
        return f"pky_{hashlib.sha256(self.credential_id.encode()).hexdigest()[:24]}"


@dataclass(frozen=True, slots=True)
class Challenge:
    """What was asked once, to be answered once. Its bytes are known to the browser alone; the row holds their digest."""

    id: str
    account_id: str
    purpose: str
    context: str
    """Hex digest of what is confirmed with it; empty: nothing but that someone is there."""
    created_at: int
    expires_at: int
