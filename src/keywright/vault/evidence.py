"""The nouns of a held key: which exchange, its credentials, and what was found out about its rights, graded. Pure.

Rule 1: a right nobody answered for is `None`, never "no".
Rule 2: what an exchange calls a right stays beside ours (`said`), for it is the word on its page that somebody looks for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from keywright.errors import Invalid
from keywright.secret import Secret


class Exchange(StrEnum):
    """Whose keys can be held."""

    KUCOIN = "kucoin"
    BINANCE = "binance"
    BITFINEX = "bitfinex"

    @property
    def title(self) -> str:  # type: ignore[override]  # of a text in general; here it is the exchange's own spelling
        """The name as the exchange writes it."""
        return {"kucoin": "KuCoin", "binance": "Binance", "bitfinex": "Bitfinex"}[self.value]

    @property
    def has_passphrase(self) -> bool:
        """Whether its keys come with a passphrase."""
        return self is Exchange.KUCOIN


class KeyKind(StrEnum):
    """How a key signs. Everywhere but at Binance it is HMAC."""

    HMAC = "hmac"
    ED25519 = "ed25519"
    RSA = "rsa"


@dataclass(frozen=True, slots=True)
class Credentials:
    """One key as it signs. Shows nothing of it."""

    exchange: Exchange
    key: str = field(repr=False)
    secret: Secret
    """The secret of an HMAC key, or the private key in PEM."""
    passphrase: Secret | None = None
    kind: KeyKind = KeyKind.HMAC


def nonce_name(credentials: Credentials) -> str:
    """Return the name under which the nonces of a key are counted: its digest, so that it may be kept and shown."""
    return hashlib.sha256(f"{credentials.exchange}\0{credentials.key}".encode()).hexdigest()


class Right(StrEnum):
    """What a key may do at its exchange, in one vocabulary. Stable strings: they stand in rows and in the audit log."""

    READ = "read"
    TRADE = "trade"
    MARGIN = "margin"
    FUTURES = "futures"
    OPTIONS = "options"
    PORTFOLIO_MARGIN = "portfolio_margin"
    FIX_TRADE = "fix_trade"
    FIX_READ = "fix_read"
    EARN = "earn"
    FUNDING = "funding"
    COPY_TRADE = "copy_trade"
    INTERNAL_TRANSFER = "internal_transfer"
    UNIVERSAL_TRANSFER = "universal_transfer"
    WITHDRAW = "withdraw"
    SETTINGS = "settings"
    PAYMENTS = "payments"
    OTHER = "other"
    """One we have no word for; `said` has the exchange's."""
    ADDRESS_FILTER = "address_filter"
    """Not a right but a limit on all of them: the exchange takes the key from listed addresses only."""


class Grade(StrEnum):
    """How well something is known."""

    PROVEN = "proven"
    """The exchange itself answered, for this key."""
    DECLARED = "declared"
    """Its owner says so, the exchange says it in part (a masked list), or it was proven before and can't be tried any more."""
    UNPROVABLE = "unprovable"
    """Nothing that can be asked answers it."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one right of one key."""

    right: Right
    allowed: bool | None
    """`None`: not known."""
    grade: Grade
    said: str = ""
    """The exchange's own word: `enableWithdrawals`, `Transfer`, `wallets write`."""


@dataclass(frozen=True, slots=True)
class Probe:
    """What an exchange answered about one key at one time."""

    exchange: Exchange
    at: int
    """When it was asked, in milliseconds."""
    evidence: tuple[Evidence, ...]
    created_at: int | None = None
    """When the key was made, where the exchange tells."""
    expires_at: int | None = None
    """When the key, or its right to trade, ends, where the exchange tells."""
    addresses: tuple[str, ...] = ()
    """The addresses on its list, as far as the exchange shows them: KuCoin masks two octets of each (`203.**.**.154`)."""
    label: str = ""
    """What its owner called it there."""
    sub_account: str = ""
    """The exchange's name of the sub-account it belongs to; empty for a main account's key."""
    seen_address: str = ""
    """The address the exchange saw the question come from, where it tells."""

    def of(self, right: Right) -> Evidence:
        """Return what is known of a right; unprovable where the exchange answered nothing about it."""
        for evidence in self.evidence:
            if evidence.right is right:
                return evidence
        return Evidence(right, None, Grade.UNPROVABLE)

    def may(self, right: Right) -> bool:
        """Tell whether the key has a right, as far as anybody knows."""
        return any(one.right is right and one.allowed is True for one in self.evidence)

    def with_filter(self, *, bound: bool, grade: Grade = Grade.PROVEN) -> Probe:
        """Return it with the address filter proven or disproven: a second address was refused, or was let in."""
        said = self.of(Right.ADDRESS_FILTER).said
        proven = Evidence(Right.ADDRESS_FILTER, bound, grade, said)
        others = tuple(one for one in self.evidence if one.right is not Right.ADDRESS_FILTER)
        return replace(self, evidence=(*others, proven))

    def written(self) -> dict[str, Any]:
        """Return it as plain values, to be kept as JSON; `read` is the way back."""
        return {
            "exchange": self.exchange.value,
            "at": self.at,
            "evidence": [[one.right.value, one.allowed, one.grade.value, one.said] for one in self.evidence],
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "addresses": list(self.addresses),
            "label": self.label,
            "sub_account": self.sub_account,
            "seen_address": self.seen_address,
        }

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Probe:
        """Return what `written` gave. Raises `Invalid` for what it never gave."""
        try:
            return cls(
                exchange=Exchange(kept["exchange"]),
                at=int(kept["at"]),
                evidence=tuple(
                    Evidence(Right(right), allowed, Grade(grade), said)
                    for right, allowed, grade, said in kept["evidence"]
                ),
                created_at=kept["created_at"],
                expires_at=kept["expires_at"],
                addresses=tuple(kept["addresses"]),
                label=kept["label"],
                sub_account=kept["sub_account"],
                seen_address=kept["seen_address"],
            )
        except (KeyError, TypeError, ValueError):
            raise Invalid("this is no probe that was kept") from None


@dataclass(frozen=True, slots=True)
class SubKey:
    """A key of a sub-account as the list shows it: never its secret."""

    key: str = field(repr=False)
    remark: str
    permission: str
    """As the exchange writes it: `General,Spot`."""
    created_at: int | None = None


@dataclass(frozen=True, slots=True)
class WantedKey:
    """A key of a sub-account that is to be made."""

    sub_account: str
    remark: str
    permission: str
    addresses: tuple[str, ...]
    passphrase: Secret
