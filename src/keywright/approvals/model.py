"""Nouns of approvals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from keywright.identity.destinations import Destination

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS

GRACE_MS = 60 * MINUTE_MS
"""How long after its expiry a confirmed one may still be carried out: who executes may have to start again first."""

MOST_WAITING = 20
"""Of an account itself, and of each sub-account: who stole a key must not bury what its owner is to look at, nor can a
sub-account's key keep the others from asking (K15)."""

EXEMPT = "exempt"
"""The factor of what an exemption confirmed (K17)."""

WITHDRAWAL = "withdrawal"


class State(StrEnum):
    """Where an approval stands. Only `waiting` can be confirmed, only `confirmed` consumed."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    EXPIRED = "expired"
    CONSUMED = "consumed"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What is confirmed: how much of what goes where. The digest covers amount, destination and whose it is."""

    amount: str
    """What arrives; canonical decimal."""
    to: Destination
    fee: str = ""
    """On top; for the owner to see."""
    key_id: str = ""
    """The API key that ordered it; empty: none did."""
    asked_from: str = ""
    """The address the order came from."""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """One thing that its owner has to confirm."""

    id: str
    account_id: str
    sub_account: str
    asked_by: str
    """`sandbox`, or the id of a service token."""
    reference: str
    """What the asker calls it."""
    withdrawal: Withdrawal
    digest: bytes
    """SHA-256 of what is confirmed: see `rules.digest_of`."""
    state: State
    factor: str
    created_at: int
    expires_at: int
    decided_at: int | None = None
    consumed_at: int | None = None
    holds: bool = True
    """False when the row was altered behind Keywright's back: it can only be refused."""

    @property
    def purpose(self) -> str:
        """What a proof must have been made for to confirm this and nothing else."""
        return f"approval {self.id} {self.digest.hex()}"

    def at(self, now: int) -> Approval:
        """Return it as it stands at a moment: what ran out by then is expired, written down or not."""
        over = (self.state is State.WAITING and now >= self.expires_at) or (
            self.state is State.CONFIRMED and now >= self.expires_at + GRACE_MS
        )
        return replace(self, state=State.EXPIRED) if over else self
