"""What the pages about withdrawals show: plain values, made by `pages`."""

from __future__ import annotations

from dataclasses import dataclass

GROUP = 4


@dataclass(frozen=True, slots=True)
class ListedView:
    """One address on the list."""

    id: str
    label: str
    currency: str
    chain: str
    groups: tuple[str, ...]
    """The address, four characters at a time: people compare what they can read."""
    memo: str
    exempt_daily: str
    """Empty: every withdrawal takes a confirmation."""
    created_at: int
    usable_at: int
    is_usable: bool
    holds: bool


@dataclass(frozen=True, slots=True)
class ApprovalView:
    """One withdrawal, waiting or over."""

    id: str
    digest: str
    purpose: str
    """What a passkey is asked for."""
    """Of what is shown: what is confirmed is bound to it."""
    state: str
    """`waiting`, `confirmed`, `refused`, `expired`, `consumed`."""
    amount: str
    fee: str
    currency: str
    chain: str
    groups: tuple[str, ...]
    memo: str
    label: str
    """What the list calls the address; empty: it is not on it."""
    sub_account: str
    """Whose money it is; empty: the account's own."""
    key_id: str
    key_name: str
    asked_from: str
    asked_by: str
    remark: str
    is_exempt: bool
    created_at: int
    expires_at: int
    decided_at: int | None
    holds: bool


def grouped(address: str) -> tuple[str, ...]:
    """Return an address in groups to be read."""
    return tuple(address[at : at + GROUP] for at in range(0, len(address), GROUP))
