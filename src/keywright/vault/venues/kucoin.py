"""KuCoin: `GET /api/v1/user/api-key` says what a key may do; its list of addresses it shows only in part.

Sources: spec of the universal SDK (openapi-account-account.json, "Get Apikey Info"), docs-new/doc-338144 (permissions).
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Any

from keywright.vault.evidence import Evidence, Exchange, Grade, Probe, Right
from keywright.vault.venues.venue import Budget, Call, Venue, moment, not_understood, parsed, whole

_US = Exchange.KUCOIN
_OK = "200000"
MOST, LONGEST = 64, 64
"""Permissions and addresses that a key can have here, and characters of one."""

# An address, or one shown in part. Not: a block, stars alone, the address that stands for every one. Each may be a way to say "any".
_LISTED = re.compile(r"(?=.*[1-9A-Fa-f])(?!0\.)[0-9A-Fa-f.:*]{2,45}")

# The permission tokens of the answer, in our words. Whoever has another one is told so, and refused: it might be an exit.
TOKENS = {
    "General": Right.READ,
    "Spot": Right.TRADE,
    "Trade": Right.TRADE,  # before Spot and Futures were told apart
    "Margin": Right.MARGIN,
    "Futures": Right.FUTURES,
    "Unified": Right.PORTFOLIO_MARGIN,  # one balance that is security for spot, borrowing and futures; said of no right alone
    "LeadtradeFutures": Right.COPY_TRADE,
    "Earn": Right.EARN,
    "InnerTransfer": Right.INTERNAL_TRANSFER,
    "Transfer": Right.WITHDRAW,  # "allows you to withdraw assets"
}


def read_time(body: bytes) -> int:
    """Return the time of `{"code":"200000","data":1729100692873}`."""
    time = whole(data_of(body))
    if time is None or time < 10**12:
        raise not_understood(_US, "data")
    return time


def read_address(body: bytes) -> str:
    """Return the address of `{"code":"200000","data":"20.***.***.128"}`; empty where it is masked, as the documented one is."""
    said = data_of(body)
    if not isinstance(said, str):
        raise not_understood(_US, "data")
    try:
        return str(ip_address(said))
    except ValueError:
        return ""


def read_permissions(body: bytes, *, at: int) -> Probe:
    """Return what the answer about the asking key proves. Raises `NotUnderstood`."""
    data = data_of(body)
    if not isinstance(data, dict):
        raise not_understood(_US, "data")
    permission, created = data.get("permission"), moment(data.get("createdAt"))
    if not isinstance(permission, str) or not permission or created is None:
        raise not_understood(_US, "permission")
    held = [token.strip() for token in permission.split(",")]
    if len(held) > MOST or not all(0 < len(token) <= LONGEST for token in held):
        raise not_understood(_US, "permission")
    listed = data.get("ipWhitelist", "")
    if listed is not None and not isinstance(listed, str):
        raise not_understood(_US, "ipWhitelist")
    addresses = tuple(entry.strip() for entry in (listed or "").split(",") if entry.strip())
    if len(addresses) > MOST or not all(_LISTED.fullmatch(entry) for entry in addresses):
        raise not_understood(_US, "ipWhitelist")
    return Probe(
        _US,
        at,
        evidence=(*_rights(held), _filter(addresses)),
        created_at=created,
        addresses=addresses,
        label=_text(data, "remark"),
        sub_account=_text(data, "subName"),
    )


def read_key(body: bytes) -> str:
    """Return whose answer this is, as far as it is shown; empty where it is not told whole."""
    data = data_of(body)
    key = data.get("apiKey") if isinstance(data, dict) else None
    return key if isinstance(key, str) and key.isalnum() else ""


def _rights(held: list[str]) -> list[Evidence]:
    rights = [Evidence(right, token in held, Grade.PROVEN, token) for token, right in TOKENS.items()]
    # A token that stands for the same right as another and is not held says nothing new.
    known = [one for one in rights if one.allowed or one.said != "Trade"]
    if "Unified" in held:  # which is the right to trade, too
        known.append(Evidence(Right.TRADE, True, Grade.PROVEN, "Unified"))
    return known + [Evidence(Right.OTHER, True, Grade.PROVEN, token) for token in held if token not in TOKENS]


def _filter(addresses: tuple[str, ...]) -> Evidence:
    """Masked where it is shown, and left out where there is none: never more than the exchange's word for part of it."""
    return Evidence(Right.ADDRESS_FILTER, bool(addresses), Grade.DECLARED, "ipWhitelist")


def data_of(body: bytes) -> Any:
    """Return what an answer of success holds. Raises `NotUnderstood` for any other."""
    envelope = parsed(_US, body)
    if not isinstance(envelope, dict) or envelope.get("code") != _OK or "data" not in envelope:
        raise not_understood(_US, "code")
    return envelope["data"]


def is_refusal(body: bytes) -> bool:
    """Tell whether this is an answer of KuCoin's that is none of success."""
    envelope = parsed(_US, body)
    return isinstance(envelope, dict) and isinstance(envelope.get("code"), str) and envelope["code"] != _OK


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    return value[:200] if isinstance(value, str) else ""


VENUE = Venue(
    exchange=_US,
    origin="https://api.kucoin.com",
    # Futures keys are the same keys; the host differs, and a key made at another site of KuCoin's is unknown at this one.
    elsewhere=(("KuCoin Futures", "https://api-futures.kucoin.com"),),
    key_page="https://www.kucoin.com/account/api",
    time=Call("GET", b"/api/v1/timestamp"),
    permissions=Call("GET", b"/api/v1/user/api-key"),
    my_address=Call("GET", b"/api/v1/my-ip"),
    read_time=read_time,
    read_permissions=read_permissions,
    read_key=read_key,
    read_address=read_address,
    foreign_address=b'"400006"',
    budget=Budget(ahead_ms=5_000, behind_ms=5_000),
    # docs-new/doc-338144, as its create page has them.
    boxes={
        Right.READ: "General",
        Right.TRADE: "Spot",
        Right.MARGIN: "Margin",
        Right.FUTURES: "Futures",
        Right.PORTFOLIO_MARGIN: "Unified",
        Right.EARN: "Earn",
        Right.COPY_TRADE: "Lead Trade Futures",
        Right.INTERNAL_TRANSFER: "FlexTransfers",
        Right.WITHDRAW: "Withdrawal",
    },
    filter_name="IP Restriction",
)
