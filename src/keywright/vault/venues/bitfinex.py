"""Bitfinex: `auth/r/permissions` answers `[[SCOPE, READ, WRITE], …]`. Addresses and lifetime it never tells.

Sources: docs.bitfinex.com/reference/key-permissions; support.bitfinex.com/hc/en-us/articles/115003363429 (what the page's
groups are called); docs.bitfinex.com/reference/rest-public-platform-status.
"""

from __future__ import annotations

from keywright.vault.evidence import Evidence, Exchange, Grade, Probe, Right
from keywright.vault.venues.venue import Budget, Call, Venue, not_understood, parsed, whole

_US = Exchange.BITFINEX

# Each scope: what reading it is, and what writing to it is, in our words.
SCOPES: dict[str, Right] = {
    "account": Right.SETTINGS,
    "history": Right.READ,
    "orders": Right.TRADE,
    "positions": Right.MARGIN,
    "funding": Right.FUNDING,
    "settings": Right.SETTINGS,
    "wallets": Right.INTERNAL_TRANSFER,
    "withdraw": Right.WITHDRAW,
    "ui_withdraw": Right.WITHDRAW,
    "bfxpay": Right.PAYMENTS,
    "eaas_withdraw": Right.WITHDRAW,  # not documented; live answers have four of eaas_…, all off
}
NEEDED = ("withdraw", "wallets")
"""Without these the answer is no answer."""


def read_permissions(body: bytes, *, at: int) -> Probe:
    """Return what the answer about the asking key proves, scope by scope. Raises `NotUnderstood`."""
    rows = parsed(_US, body)
    if not isinstance(rows, list):
        raise not_understood(_US, "permissions")
    scopes: dict[str, tuple[bool, bool]] = {}
    for row in rows:
        if not isinstance(row, list) or len(row) != 3 or not isinstance(row[0], str) or row[0] in scopes:
            raise not_understood(_US, "permissions")
        reads, writes = (whole(flag) for flag in row[1:])
        if reads not in {0, 1} or writes not in {0, 1}:
            raise not_understood(_US, "permissions")
        scopes[row[0]] = bool(reads), bool(writes)
    if not all(scope in scopes for scope in NEEDED):
        raise not_understood(_US, "permissions")
    reading = any(reads for reads, _ in scopes.values())
    evidence = [
        Evidence(Right.READ, reading, Grade.PROVEN, "read"),
        *(_written_to(scope, writes=writes) for scope, (_, writes) in scopes.items() if scope != "history"),
        Evidence(Right.ADDRESS_FILTER, None, Grade.UNPROVABLE),
    ]
    if "ui_withdraw" not in scopes:
        evidence.append(Evidence(Right.WITHDRAW, None, Grade.UNPROVABLE, "ui_withdraw"))
    return Probe(_US, at, evidence=tuple(evidence))


def _written_to(scope: str, *, writes: bool) -> Evidence:
    return Evidence(SCOPES.get(scope, Right.OTHER), writes, Grade.PROVEN, f"{scope[:64]} write")


VENUE = Venue(
    exchange=_US,
    origin="https://api.bitfinex.com",
    elsewhere=(),  # its paper accounts are sub-accounts on the same host
    key_page="https://setting.bitfinex.com/api",
    time=Call("GET", b"/v2/platform/status"),
    permissions=Call("POST", b"/v2/auth/r/permissions"),
    my_address=None,
    read_time=None,  # its nonces only have to rise
    read_permissions=read_permissions,
    read_key=None,
    read_address=None,
    foreign_address=b"10100",
    budget=Budget(ahead_ms=0, behind_ms=0),
    boxes={
        Right.READ: "Account History",
        Right.SETTINGS: "Account Info",
        Right.TRADE: "Orders",
        Right.MARGIN: "Margin Trading",
        Right.FUNDING: "Margin Funding",
        Right.INTERNAL_TRANSFER: "Wallets",
        Right.WITHDRAW: "Withdrawals",
        Right.PAYMENTS: "Bitfinex Pay",
    },
    filter_name="IP Access restrictions",
)
