"""Nouns of issuing."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from keywright.identity.model import TradingProof
from keywright.secret import Secret


class Permission(StrEnum):
    """What a key may do. Fixed when the key is made (K8)."""

    READ = "read"
    TRADE = "trade"
    TRANSFER = "transfer"
    WITHDRAW = "withdraw"


class Environment(StrEnum):
    """Where a key works: in one of them (K14)."""

    SPOT = "spot"
    FUTURES = "futures"


class Status(StrEnum):
    """A key's state as its grant says it."""

    PENDING = "pending"
    """Made, and nobody has said yet that its secret arrived: it can't be used until someone does."""
    ACTIVE = "active"
    DISABLED = "disabled"
    EXPIRED = "expired"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose key it is: an account, or one of its sub-accounts."""

    account_id: str
    sub_account: str = ""


@dataclass(frozen=True, slots=True)
class Passphrase:
    """A passphrase that was found acceptable for this account (K18). Made by `passphrases.Passphrases.vet` only."""

    account_id: str
    value: Secret


@dataclass(frozen=True, slots=True)
class NewKey:
    """What someone asks for. But for the passphrase, unchecked until `rules` has seen it."""

    name: str
    passphrase: Passphrase
    permissions: frozenset[str] = frozenset({Permission.READ})
    environment: str = Environment.SPOT
    addresses: tuple[str, ...] = ()
    memo: str = ""
    pending: bool = False
    """Whether it may be used only once its owner has said that the secret arrived."""
    trading: TradingProof | None = None
    """From `TradingPasswords.prove_trading_password`, where `prerequisites.takes_trading_password` says that it is asked for."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What a key may do: everything a decision rests on, covered by one MAC and a version that only rises."""

    key_id: str
    account_id: str
    sub_account: str
    permissions: frozenset[Permission]
    environment: Environment
    addresses: tuple[str, ...]
    """Canonical CIDR blocks; empty: from any address."""
    status: Status
    expires_at: int | None
    version: int
    predecessor_id: str = ""
    """The key whose successor this is."""
    overlap_until: int | None = None
    """Of a key with a successor: from then on only that one is taken."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as its owner sees it; the secret and the passphrase can't be seen."""

    grant: Grant
    name: str
    memo: str
    created_at: int
    disabled_at: int | None
    frozen_at: int | None
    deleted_at: int | None
    enabled_at: int | None = None
    """When it was last switched on again."""
    last_used_at: int | None = None
    last_used_from: str = ""
    holds: bool = True
    """Whether the grant's MAC is right and the audit log knows no newer version."""

    @property
    def id(self) -> str:
        """The key id, 24 hex digits."""
        return self.grant.key_id

    def status_at(self, now: int) -> Status:
        """Return the state that counts at `now`: whatever switches it off wins."""
        if self.deleted_at is not None or self.grant.status is Status.DELETED:
            return Status.DELETED
        if self.disabled_at is not None or self.frozen_at is not None:
            return Status.DISABLED
        if self.grant.overlap_until is not None and now >= self.grant.overlap_until:
            return Status.DISABLED
        if self.grant.status is Status.ACTIVE and self.grant.expires_at is not None and now >= self.grant.expires_at:
            return Status.EXPIRED
        return self.grant.status


@dataclass(frozen=True, slots=True)
class Material:
    """What only storage holds of a key, never plain."""

    secret_sealed: bytes = field(repr=False)
    passphrase_digest: bytes = field(repr=False)
    grant_mac: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Issued:
    """A new key and its secret: shown once, after the commit."""

    key: ApiKey
    secret: Secret
