"""Binance: `GET /sapi/v1/account/apiRestrictions` answers a set of flags. Whether there is an address filter, but not which.

Sources: developers.binance.com/docs/wallet/account/api-key-permission (the flags and what each authorises);
binance-connector-python, models/get_api_key_permission_response.py (enableFixApiTrade, enableFixReadOnly).
"""

from __future__ import annotations

from typing import Any

from keywright.vault.evidence import Evidence, Exchange, Grade, Probe, Right
from keywright.vault.venues.venue import Budget, Call, Venue, moment, not_understood, parsed, whole

_US = Exchange.BINANCE

# Every flag there is, in our words. What is not here and is true is refused: a new way out would look just like that.
FLAGS = {
    "enableReading": Right.READ,
    "enableSpotAndMarginTrading": Right.TRADE,
    "enableMargin": Right.MARGIN,
    "enableFutures": Right.FUTURES,
    "enableVanillaOptions": Right.OPTIONS,
    "enablePortfolioMarginTrading": Right.PORTFOLIO_MARGIN,
    "enableFixApiTrade": Right.FIX_TRADE,
    "enableFixReadOnly": Right.FIX_READ,
    "enableInternalTransfer": Right.INTERNAL_TRANSFER,
    "permitsUniversalTransfer": Right.UNIVERSAL_TRANSFER,
    "enableWithdrawals": Right.WITHDRAW,
    "ipRestrict": Right.ADDRESS_FILTER,
}
NEEDED = frozenset(
    {
        *("ipRestrict", "createTime", "enableReading", "enableSpotAndMarginTrading"),
        *("enableWithdrawals", "enableInternalTransfer", "permitsUniversalTransfer"),
    }
)
"""Without one of these the answer is no answer: a way out would be left open."""

MOST = 64
"""Flags that a key can have."""

TIMES = frozenset({"createTime", "tradingAuthorityExpirationTime"})


def read_time(body: bytes) -> int:
    """Return the time of `{"serverTime":1499827319559}`."""
    answer = parsed(_US, body)
    time = whole(answer.get("serverTime")) if isinstance(answer, dict) else None
    if time is None or time < 10**12:
        raise not_understood(_US, "serverTime")
    return time


def read_permissions(body: bytes, *, at: int) -> Probe:
    """Return what the answer about the asking key proves, flag by flag. Raises `NotUnderstood`."""
    answer = parsed(_US, body)
    if not isinstance(answer, dict) or not answer.keys() >= NEEDED or len(answer) > MOST:
        raise not_understood(_US, "apiRestrictions")
    times = {name: moment(answer[name]) for name in TIMES & answer.keys()}
    if times["createTime"] is None or None in times.values():
        raise not_understood(_US, "createTime")
    return Probe(
        _US,
        at,
        evidence=tuple(_evidence(name, value) for name, value in answer.items() if name not in TIMES),
        created_at=times["createTime"],
        expires_at=times.get("tradingAuthorityExpirationTime"),
    )


def _evidence(name: str, value: Any) -> Evidence:
    right = FLAGS.get(name, Right.OTHER)
    if isinstance(value, bool):
        return Evidence(right, value, Grade.PROVEN, name[:64])
    if right is not Right.OTHER:
        raise not_understood(_US, name)
    # Not a flag. Nothing that is empty allows anything; of the rest nobody here knows what it allows.
    return Evidence(right, None if value else False, Grade.UNPROVABLE if value else Grade.PROVEN, name[:64])


VENUE = Venue(
    exchange=_US,
    origin="https://api.binance.com",
    elsewhere=(
        ("Binance Spot Test Network", "https://testnet.binance.vision"),
        ("Binance.US", "https://api.binance.us"),
    ),
    key_page="https://www.binance.com/en/my/settings/api-management",
    time=Call("GET", b"/api/v3/time"),
    permissions=Call("GET", b"/sapi/v1/account/apiRestrictions"),
    my_address=None,
    read_time=read_time,
    read_permissions=read_permissions,
    read_key=None,
    read_address=None,  # told in a refusal only
    foreign_address=b"-2015",
    budget=Budget(ahead_ms=1_000, behind_ms=5_000),
    boxes={
        Right.READ: "Enable Reading",
        Right.TRADE: "Enable Spot & Margin Trading",
        Right.MARGIN: "Enable Margin Loan, Repay & Transfer",
        Right.FUTURES: "Enable Futures",
        Right.OPTIONS: "Enable European Options",
        Right.PORTFOLIO_MARGIN: "Enable Portfolio Margin Trading",
        Right.FIX_TRADE: "FIX API Trading",
        Right.FIX_READ: "FIX API Read Only",
        Right.INTERNAL_TRANSFER: "Enable Internal Transfer",
        Right.UNIVERSAL_TRANSFER: "Permits Universal Transfer",
        Right.WITHDRAW: "Enable Withdrawals",
    },
    filter_name="Restrict access to trusted IPs only",
)
