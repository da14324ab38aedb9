"""The pages about withdrawals in every state that looks different."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from keywright.identity.holds import Rest
from keywright.web.model import Form
from keywright.web.outgoing import ApprovalView, ListedView, grouped

NOW = 1_795_230_720_000
HOUR = 3_600_000
TRON = "TXYZabcdefghijkmnopqrstuvwxyz12345"

LISTED = ListedView(
    *("wad_66f0c8a1b2d3e4f5a6b7c8d9", "Cold wallet", "USDT", "trx", grouped(TRON), "", ""),
    created_at=NOW - 24 * HOUR,
    usable_at=NOW - 24 * HOUR,
    is_usable=True,
    holds=True,
)
LIST = [
    LISTED,
    replace(LISTED, id="wad_66f0c8a1b2d3e4f5a6b7c8da", exempt_daily="250", memo="1077"),
    replace(LISTED, id="wad_66f0c8a1b2d3e4f5a6b7c8db", is_usable=False, usable_at=NOW + 3 * HOUR),
    replace(LISTED, id="wad_66f0c8a1b2d3e4f5a6b7c8dc", holds=False),
]
WAITING = ApprovalView(
    id="apv_66f0c8a1b2d3e4f5a6b7c8d9",
    digest="00" * 32,
    purpose="approval apv_66f0c8a1b2d3e4f5a6b7c8d9 " + "00" * 32,
    state="waiting",
    amount="250",
    fee="1.5",
    currency="USDT",
    chain="trx",
    groups=grouped(TRON),
    memo="",
    label="Cold wallet",
    sub_account="",
    key_id="66f0c8a1b2d3e4f5a6b7bbbb",
    key_name="treasury",
    asked_from="203.0.113.7",
    asked_by="sandbox",
    remark="",
    is_exempt=False,
    created_at=NOW - HOUR,
    expires_at=NOW + HOUR,
    decided_at=None,
    holds=True,
)
OVER = [
    replace(WAITING, id=f"apv_66f0c8a1b2d3e4f5a6b7c80{place}", state=state, decided_at=NOW - HOUR, is_exempt=place == 1)
    for place, state in enumerate(("confirmed", "consumed", "refused", "expired"))
]
ODD = replace(
    WAITING,
    id="apv_66f0c8a1b2d3e4f5a6b7c8da",
    label="",
    key_id="",
    key_name="",
    asked_from="",
    asked_by="tok_1",
    remark="wages",
    memo="1077",
    fee="",
)
PLACES: dict[str, Any] = {"form": Form(), "which": "", "is_on": False, "ends_at": None, "hold_hours": 0, "networks": ()}
PLACES |= {"needs_code": True, "addresses": LIST, "rest": None}
DESK: dict[str, Any] = {"form": Form(), "which": "", "waiting": [WAITING, ODD], "history": OVER, "is_frozen": False}
DESK |= {"rest": None}
REST = Rest("account.password_changed", NOW + HOUR)
BAD = Form({"label": "x"}, {"address": "⟦That is none.⟧", "code": "⟦Wrong.⟧"}, {"address": "⟦Look again.⟧"})

OUTGOING: dict[str, tuple[str, dict[str, Any]]] = {
    "addresses": ("withdrawal_addresses.html", PLACES),
    "addresses-none": ("withdrawal_addresses.html", {**PLACES, "addresses": [], "hold_hours": 24, "is_on": True}),
    "addresses-ending": (
        "withdrawal_addresses.html",
        {**PLACES, "is_on": True, "ends_at": NOW + HOUR, "needs_code": False, "networks": (("USDT/trx", "⟦USDT⟧"),)},
    ),
    "addresses-wrong": ("withdrawal_addresses.html", {**PLACES, "form": BAD, "which": "add"}),
    "approvals": ("approvals.html", DESK),
    "approvals-none": ("approvals.html", {**DESK, "waiting": [], "history": [], "is_frozen": True}),
    "approvals-resting": ("approvals.html", {**DESK, "rest": REST}),
    "approvals-altered": ("approvals.html", {**DESK, "waiting": [replace(WAITING, holds=False)]}),
    "approvals-wrong": (
        "approvals.html",
        {**DESK, "form": Form({}, {"code": "⟦Wrong.⟧"}), "which": WAITING.id},
    ),
}
