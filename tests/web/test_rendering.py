"""Every page with something on it: that it renders, says everything through gettext, and keeps to its policy."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from markupsafe import Markup

from keywright.client.snippets import clients_to_choose_from
from keywright.identity.holds import Rest
from keywright.vault.evidence import Exchange
from keywright.web.assets import Assets
from keywright.web.model import (
    AccountView,
    Bar,
    FirstUse,
    Form,
    Frame,
    KeyView,
    NoticeView,
    PasskeyView,
    Purpose,
    RecordView,
    RotationView,
    Said,
    SubAccountView,
    UsageView,
)
from keywright.web.own_model import IdentityView, OwnView, ReviewView, SessionView, Step
from keywright.web.pages.guides import boxes_of, sayings
from keywright.web.pages.held_views import venue_view
from keywright.web.rendering import Pages
from keywright.web.texts import PSEUDO
from tests.support.texts import all_texts
from tests.web.outgoing import OUTGOING

NOW = 1_795_230_720_000  # 2026-11-21 03:12 UTC
DAY = 86_400_000

NOBODY = Frame(csrf="c5rf", origin="https://keys.example.org", path="/sign-in", now=NOW, is_sandbox=True)
HALF = replace(NOBODY, email="ada@example.org", path="/sign-in/code")
ADA = replace(HALF, is_complete=True, path="/api-management", session_ends_at=NOW + 1_200_000)
OPERATOR = replace(ADA, is_operator=True, path="/operator")

TRADER = KeyView(
    id="66f0c8a1b2d3e4f5a6b7c8d9",
    masked="66f0…c8d9",
    name="TradingBot-StrategyA",
    memo="Bot Trading – Server A",
    status="active",
    permissions=("read", "trade"),
    environment="spot",
    addresses=("203.0.113.7", "2001:db8:40::/48"),
    created_at=NOW - 12 * DAY,
    age_days=12,
    expires_at=None,
    last_used_at=NOW - 125_000,
    last_used_from="203.0.113.7",
)
KEYS = (
    TRADER,
    replace(
        TRADER,
        id="66f0c8a1b2d3e4f5a6b7aaaa",
        masked="66f0…aaaa",
        name="grid-bot",
        memo="",
        addresses=(),
        expires_at=NOW + 12 * DAY,
        created_at=NOW - 78 * DAY,
        age_days=78,
        environment="futures",
        last_used_at=NOW - 3 * DAY,
        last_used_from="2001:db8:85a3:8d3:1319:8a2e:370:7348",
    ),
    replace(
        TRADER,
        id="66f0c8a1b2d3e4f5a6b7bbbb",
        masked="66f0…bbbb",
        name="treasury",
        memo="moves profits on Fridays",
        permissions=("read", "transfer", "withdraw"),
        addresses=("198.51.100.0/28", "203.0.113.7", "203.0.113.9", "203.0.113.11"),
        created_at=NOW - 104 * DAY,
        age_days=104,
        status="disabled",
    ),
    replace(
        TRADER,
        id="66f0c8a1b2d3e4f5a6b7cccc",
        masked="66f0…cccc",
        name="portfolio-reader",
        memo="Spreadsheet",
        permissions=("read",),
        addresses=(),
        last_used_at=None,
        last_used_from="",
        age_days=1,
        created_at=NOW - DAY,
    ),
    replace(
        TRADER,
        id="66f0c8a1b2d3e4f5a6b7dddd",
        masked="66f0…dddd",
        name="old-bot",
        memo="",
        status="expired",
        addresses=(),
        expires_at=NOW - DAY,
        age_days=91,
        created_at=NOW - 91 * DAY,
    ),
)
PENDING = replace(TRADER, id="66f0c8a1b2d3e4f5a6b7eeee", status="pending", is_pending=True, last_used_at=None)
SUCCESSOR = replace(TRADER, id="66f0c8a1b2d3e4f5a6b7ffff", masked="66f0…ffff", predecessor_id=TRADER.id, age_days=2)
ROTATING = replace(TRADER, successor_id=SUCCESSOR.id, overlap_until=NOW + 5 * DAY)
REPLACED = replace(
    ROTATING, id="66f0c8a1b2d3e4f5a6b71111", status="disabled", overlap_until=NOW - DAY, is_replaced=True
)
ROTATION = RotationView(
    old_id=TRADER.id,
    new_id=SUCCESSOR.id,
    until=NOW + 5 * DAY,
    old_status="active",
    new_status="active",
    first_used_at=None,
    still_from=(("203.0.113.7", NOW - 125_000), ("", NOW - DAY)),
)
IDLE = replace(TRADER, last_used_at=NOW - 31 * DAY, idle_days=31)
REFUSED = RecordView(
    41, NOW - 7_001, "198.51.100.4", "POST", "/api/v1/orders", "replayed", "⟦Look up what came of it.⟧", 400, 12.3
)
RECORDS = (
    RecordView(42, NOW - 5_000, "203.0.113.7", "GET", "/api/v1/accounts", "allowed", "", 200, 0.4),
    REFUSED,
    replace(REFUSED, id=40, address="", path="", verdict="", status=0),
)
USED = UsageView(
    since=NOW - DAY,
    requests=1_234_567,
    refused=2,
    addresses=3,
    bars=tuple(Bar(NOW - hour * 3_600_000, NOW - (hour - 1) * 3_600_000, hour * 7, hour % 3) for hour in (3, 2, 1, 0)),
    records=RECORDS,
    newer=42,
    older=40,
    newest=42,
    verdicts=(("replayed", 2), ("key_disabled", 0)),
    methods=("GET", "POST"),
    query="span=24h&verdict=refused",
)
UNUSED = UsageView(0, 0, 0, 0, (), (), query="span=24h")
FILTER = {"span": "24h", "verdict": "", "method": "", "address": ""}
USAGE: dict[str, Any] = {"key": TRADER, "most_exported": 100_000, "usage_days": 90, "usage": USED}
SESSIONS = [
    SessionView(
        "s1",
        "203.0.113.7",
        "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/142.0",
        NOW - 2 * DAY,
        NOW - 10_000,
        is_this=True,
    ),
    SessionView(
        "s2",
        "2001:db8:85a3:8d3:1319:8a2e:370:7348",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Safari/604.1",
        NOW - 9 * DAY,
        NOW - DAY,
        is_this=False,
    ),
    SessionView("s3", "198.51.100.4", "curl/8", NOW - DAY, NOW - 7_200_000, is_this=False),
]
PASSKEYS = [
    PasskeyView("pky_1", "TradingBot-StrategyA", NOW - 9 * DAY, NOW - 3 * DAY),
    PasskeyView("pky_2", "portfolio-reader", NOW - DAY, None),
    PasskeyView("pky_3", "old-bot", NOW - 90 * DAY, None, holds=False),
]
ACCOUNTS = [
    AccountView("a1", 123456789, "ada@example.org", NOW - 90 * DAY, None, True, 3, True),
    AccountView(
        "a2", 223456789, "a.very.long.address.of.someone@subdomain.example.org", NOW - DAY, NOW, False, 0, False
    ),
]
NOTICES = [
    NoticeView(
        "n1", "⟦The key was made⟧", "⟦It may: read.⟧", (("⟦Key⟧", "⟦bot⟧"),), NOW - DAY, True, "failed", TRADER.id
    ),
    NoticeView("n2", "⟦Your account was made⟧", "⟦You will be told.⟧", (), NOW - 2 * DAY),
]
WRONG_CODE = Form(
    errors={"code": "that code is not right"},
    hints={"code": "use the six digits your authenticator shows now; is its clock right?"},
)
BAD = Form(
    values={
        "email": "ada@",
        "name": "TradingBot-StrategyA",
        "memo": "",
        "permissions": "trade withdraw",
        "addresses": "10.0.0.0/8",
    },
    errors={
        "": "that did not work",
        "email": "that is not an e-mail address",
        "addresses": "'10.0.0.0/8' is not an address a key can be bound to",
    },
    hints={
        "email": "write it like name@example.org",
        "addresses": "a block is at most /16 wide; this one holds 16,777,216 addresses",
    },
)
WISH = Form(
    values={
        "name": "TradingBot-StrategyA",
        "memo": "Bot Trading – Server A",
        "permissions": "trade",
        "environment": "spot",
        "addresses": "203.0.113.7",
    }
)
TYPED = Form(values={"email": "ada@example.org"})
SENTENCES = (
    Said("can", "⟦It can see balances and orders, and place and cancel orders (spot).⟧"),
    Said("cannot", "⟦It can't move or withdraw funds.⟧"),
    Said("where", "⟦Only from 203.0.113.7.⟧"),
)
WARNINGS = ("⟦Without addresses it expires after 90 days.⟧",)
QR = Markup(
    '<svg viewBox="0 0 29 29"><path fill="#fff" d="M0 0h29v29h-29z"/><path stroke="#000" d="M2 2.500h7m2 0h1m3 0h2m3 0h7M2 3.500h1m5 0h1m2 0h9m3 0h1m5 0h1M4 6h9"/></svg>'
)
SNIPPETS = [
    (
        "ccxt",
        'import ccxt, os\nexchange = ccxt.kucoin({"apiKey": os.environ["KUCOIN_API_KEY"], "secret": os.environ["KUCOIN_SECRET_KEY"]})',
    ),
    ("curl", "curl -s https://gateway.example.org/api/v1/accounts"),
]
PURPOSES = (
    Purpose("spot-bot", "⟦Spot bot⟧", "⟦Trades.⟧", "SpotBot", ("read", "trade"), advice="⟦Name the address.⟧"),
    Purpose("payouts", "⟦Withdraw⟧", "⟦Pays out.⟧", permissions=("read", "withdraw"), is_risky=True),
)
STEPS = [Step("second_factor", False, "/security/authenticator")]
HELP: dict[str, Any] = {
    "frame": replace(NOBODY, path="/help/bot"),
    "spot": "https://gateway.example.org",
    "futures": "https://futures.example.org",
    "prefix": "KC-API-",
    "code_address": "curl -s https://gateway.example.org/api/v1/my-ip",
    "code_environment": "read -rs",
    "code_try": "curl -s https://gateway.example.org/api/v1/accounts",
    "clients": clients_to_choose_from(spot="https://s.example", futures="https://f.example", may_order=True),
    "sayings": sayings("KC-API-"),
    "is_sandbox": True,
}
SCAN: dict[str, Any] = {"qr": None, "secret_groups": (), "uri": "", "needs_code": False, "has_factor": False}
KEY: dict[str, Any] = {
    "frame": ADA,
    "needs_code": True,
    "current_address": "203.0.113.7",
    "which": "",
    "form": Form(),
    "rotation": None,
}
MADE: dict[str, Any] = {
    "frame": ADA,
    "key": TRADER,
    "secret": "3c0a7f5e-61d2-4b0e-9f54-8f1f0f6d2a11",
    "passphrase": "Walnut-Harbour-42",
    "test": "curl -s https://gateway.example.org/api/v1/accounts",
    "first_use": FirstUse("waiting"),
    "since": NOW,
    "snippets": SNIPPETS,
    "base_urls": {"spot": "https://gateway.example.org", "futures": "https://futures.example.org"},
}
LIST: dict[str, Any] = {
    "frame": ADA,
    "most": 5,
    "checklist": [],
    "is_frozen": False,
    "is_sub_frozen": False,
    "panels": [""],
    "play_money": (),
    "keys": KEYS,
}
SUB = SubAccountView("sub_" + "0" * 24, 300_000_001, "trading1", "the night desk", NOW, is_frozen=False, keys=2)
SUBS: dict[str, Any] = {
    "frame": replace(ADA, path="/sub-accounts"),
    "form": Form(),
    "sub_accounts": [SUB, replace(SUB, is_frozen=True)],
    "most": 5,
    "needs_code": True,
}
ONE_SUB: dict[str, Any] = {
    "frame": replace(ADA, path="/sub-accounts"),
    "form": Form(),
    "which": "",
    "sub_account": SUB,
    "has_purses": True,
    "own": {"BTC": "0.5", "USDT": "10000"},
    "theirs": {},
    "needs_code": True,
}
SECURITY: dict[str, Any] = {
    "frame": replace(ADA, path="/security"),
    "has_factor": True,
    "codes_left": 8,
    "passkeys": [],
    "can_have_passkeys": True,
    "sessions": SESSIONS,
    "is_frozen": False,
    "needs_code": True,
    "rest": None,
    "form": Form(),
    "own": OwnView(
        is_email_verified=False,
        has_phrase=False,
        has_trading_password=False,
        asks_trading_password=False,
        identity="",
        asks_identity=False,
    ),
}
ALL_SET = OwnView(
    is_email_verified=True,
    has_phrase=True,
    has_trading_password=True,
    asks_trading_password=True,
    identity="approved",
    asks_identity=True,
    asks_code=True,
    phone="+49 ••• 78",
    codes_go_to="+49 ••• 78",
)
SAID = IdentityView("submitted", "Ada Lovelace", "United Kingdom", "passport", "1815", NOW - DAY, "")
WHO: dict[str, Any] = {
    "frame": ADA,
    "form": Form(),
    "identity": None,
    "countries": [("", ""), ("GB", "⟦United Kingdom⟧")],
    "needs_code": True,
}
PHONE: dict[str, Any] = {
    "frame": ADA,
    "form": Form(),
    "which": "",
    "number": "",
    "verified_at": None,
    "gets_codes": False,
    "is_offered": True,
    "is_asked": True,
    "is_waiting": False,
    "pending": "",
    "needs_code": True,
}
FORMS_OF_ONES_OWN: dict[str, tuple[str, dict[str, Any]]] = {
    "trading-password": ("trading_password.html", {"frame": ADA, "form": Form(), "is_set": False, "needs_code": True}),
    "trading-password-set": (
        "trading_password.html",
        {
            "frame": ADA,
            "form": Form(errors={"trading_password": "that trading password is easily guessed"}),
            "is_set": True,
            "needs_code": False,
        },
    ),
    "identity": ("identity.html", WHO),
    "identity-wrong": ("identity.html", {**WHO, "form": Form({"name": "A"}, {"name": "that is not a name"})}),
    "identity-waiting": ("identity.html", {**WHO, "identity": SAID}),
    "identity-refused": ("identity.html", {**WHO, "identity": replace(SAID, state="refused", reason="⟦cut off⟧")}),
    "identity-altered": ("identity.html", {**WHO, "identity": replace(SAID, state="altered")}),
    "identity-verified": ("identity.html", {**WHO, "identity": replace(SAID, state="approved")}),
    "password": ("password.html", {"frame": ADA, "form": Form(), "needs_code": True}),
    "phone": ("phone.html", PHONE),
    "phone-not-offered": ("phone.html", {**PHONE, "is_offered": False, "is_asked": False}),
    "phone-pending": ("phone.html", {**PHONE, "pending": "+4915112345678"}),
    "phone-wrong": ("phone.html", {**PHONE, "form": WRONG_CODE, "which": "verify", "pending": "+4915112345678"}),
    "phone-set": ("phone.html", {**PHONE, "number": "+49 ••• 78", "verified_at": NOW - DAY}),
    "phone-choosing": (
        "phone.html",
        {**PHONE, "number": "+49 ••• 78", "verified_at": NOW - DAY, "is_waiting": True, "needs_code": False},
    ),
    "phone-chosen": ("phone.html", {**PHONE, "number": "+49 ••• 78", "verified_at": NOW - DAY, "gets_codes": True}),
    "phone-without-gateway": (
        "phone.html",
        {**PHONE, "number": "+49 ••• 78", "verified_at": NOW - DAY, "gets_codes": True, "is_offered": False},
    ),
    "email": ("email.html", {"frame": ADA, "form": Form(), "verified_at": None, "is_waiting": False}),
    "email-code": ("email.html", {"frame": ADA, "form": WRONG_CODE, "verified_at": None, "is_waiting": True}),
    "email-verified": ("email.html", {"frame": ADA, "form": Form(), "verified_at": NOW - DAY, "is_waiting": False}),
    "phrase": ("phrase.html", {"frame": ADA, "form": Form(), "phrase": "", "needs_code": True}),
    "phrase-chosen": (
        "phrase.html",
        {"frame": ADA, "form": Form({"phrase": "⟦otters⟧"}), "phrase": "⟦otters⟧", "needs_code": False},
    ),
    "code-with-phrase": ("code.html", {"frame": replace(HALF, phrase="blue otters at tea"), "form": Form()}),
    "code-in-a-new-browser": ("code.html", {"frame": replace(HALF, has_hidden_phrase=True), "form": Form()}),
    "security-all-set": ("security.html", {**SECURITY, "own": ALL_SET}),
    "security-identity-waiting": ("security.html", {**SECURITY, "own": replace(ALL_SET, identity="submitted")}),
}

USAGE |= {"frame": replace(ADA, path="/api-management/66f0c8a1b2d3e4f5a6b7c8d9/usage"), "form": Form(FILTER)}
PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    **FORMS_OF_ONES_OWN,
    "usage": ("usage.html", USAGE),
    "usage-filtered": ("usage.html", {**USAGE, "form": Form({**FILTER, "verdict": "refused"})}),
    "usage-none": ("usage.html", {**USAGE, "usage": UNUSED}),
    "usage-none-at-all": ("usage.html", {**USAGE, "usage": UNUSED, "form": Form({**FILTER, "span": "all"})}),
    "usage-none-fits": ("usage.html", {**USAGE, "usage": UNUSED, "form": Form({**FILTER, "method": "PUT"})}),
    "usage-beyond": ("usage.html", {**USAGE, "usage": replace(USED, records=(), newer=0, older=0)}),
    "usage-idle": ("usage.html", {**USAGE, "key": IDLE}),
    "usage-wrong": (
        "usage.html",
        {
            **USAGE,
            "usage": UNUSED,
            "form": Form({**FILTER, "address": "here"}, {"address": "that is not an address"}, {"address": "give one"}),
        },
    ),
    "keys-idle": (
        "keys.html",
        {
            **LIST,
            "keys": (IDLE, replace(KEYS[2], idle_days=40, requests=1_234, refused=5), replace(KEYS[1], requests=1)),
        },
    ),
    "key-idle": ("key.html", {**KEY, "key": IDLE}),
    "key-pending": ("key.html", {**KEY, "key": PENDING}),
    "key-replaced": ("key.html", {**KEY, "key": ROTATING, "rotation": ROTATION}),
    "key-successor": ("key.html", {**KEY, "key": SUCCESSOR, "rotation": replace(ROTATION, first_used_at=NOW - DAY)}),
    "key-replaced-pending": ("key.html", {**KEY, "key": ROTATING, "rotation": replace(ROTATION, new_status="pending")}),
    "key-replaced-off": ("key.html", {**KEY, "key": REPLACED, "rotation": replace(ROTATION, old_status="disabled")}),
    "keys-rotating": ("keys.html", {**LIST, "keys": (PENDING, ROTATING, SUCCESSOR, REPLACED)}),
    "sign-in": ("sign_in.html", {"frame": NOBODY, "form": TYPED, "is_open": True}),
    "sign-in-wrong": ("sign_in.html", {"frame": NOBODY, "form": BAD}),
    "sign-up": ("sign_up.html", {"frame": NOBODY, "form": Form(), "is_open": True}),
    "sign-up-closed": ("sign_up.html", {"frame": NOBODY, "form": Form(), "is_open": False}),
    "code": ("code.html", {"frame": HALF, "form": Form()}),
    "code-or-passkey": ("code.html", {"frame": replace(HALF, has_passkeys=True), "form": Form()}),
    "code-wrong": ("code.html", {"frame": HALF, "form": WRONG_CODE}),
    "recovery": ("recovery.html", {"frame": HALF, "form": Form()}),
    "switch-off": ("switch_off.html", {"frame": NOBODY, "form": Form(), "is_done": False}),
    "switch-off-done": ("switch_off.html", {"frame": NOBODY, "form": Form(), "is_done": True}),
    "authenticator": ("authenticator.html", {"frame": HALF, "form": Form(), "state": "start", **SCAN}),
    "authenticator-replace": (
        "authenticator.html",
        {"frame": ADA, "form": Form(), "state": "start", **SCAN, "has_factor": True, "needs_code": True},
    ),
    "authenticator-scan": (
        "authenticator.html",
        {
            "frame": HALF,
            "form": Form(),
            "state": "scan",
            **SCAN,
            "qr": QR,
            "secret_groups": ("JBSW", "Y3DP", "EHPK", "3PXP", "JBSW", "Y3DP", "EHPK", "3PXP"),
            "uri": "otpauth://totp/Keywright:ada?secret=JBSW",
        },
    ),
    "authenticator-again": ("authenticator.html", {"frame": HALF, "form": WRONG_CODE, "state": "again", **SCAN}),
    "recovery-codes": (
        "recovery_codes.html",
        {
            "frame": replace(ADA, notice="authenticator-set"),
            "codes": tuple(f"abcd-efgh-ijkl-mno{n}" for n in range(10)),
        },
    ),
    "security": ("security.html", SECURITY),
    "security-passkeys": (
        "security.html",
        {**SECURITY, "passkeys": PASSKEYS, "frame": replace(ADA, path="/security", has_passkeys=True)},
    ),
    "security-elsewhere": ("security.html", {**SECURITY, "passkeys": PASSKEYS, "can_have_passkeys": False}),
    "new-passkey": ("new_passkey.html", {"frame": ADA, "form": TYPED, "can_have_passkeys": True}),
    "new-passkey-wrong": (
        "new_passkey.html",
        {"frame": ADA, "form": Form(errors={"name": "that is no answer of a passkey"}), "can_have_passkeys": True},
    ),
    "new-passkey-elsewhere": ("new_passkey.html", {"frame": ADA, "form": Form(), "can_have_passkeys": False}),
    "passkey": ("passkey.html", {"frame": ADA, "form": Form(), "passkey": PASSKEYS[0], "needs_code": True}),
    "passkey-altered": ("passkey.html", {"frame": ADA, "form": WRONG_CODE, "passkey": PASSKEYS[2], "needs_code": True}),
    "security-resting": ("security.html", {**SECURITY, "rest": Rest("account.passkey_added", NOW + DAY)}),
    "security-frozen": ("security.html", {**SECURITY, "is_frozen": True, "codes_left": 1, "needs_code": False}),
    "keys": (
        "keys.html",
        {**LIST, "play_money": (("BTC", 10), ("USDT", 100_000)), "frame": replace(ADA, notice="key-disabled")},
    ),
    "keys-few": ("keys.html", {**LIST, "keys": KEYS[:2]}),
    "keys-none": ("keys.html", {**LIST, "keys": []}),
    "keys-sub": (
        "keys.html",
        {
            **LIST,
            "panels": ["", "trading1"],
            "frame": replace(ADA, sub_account="trading1", keys_at="/api-management?sub=trading1"),
        },
    ),
    "sub-accounts": ("sub_accounts.html", SUBS),
    "sub-accounts-none": ("sub_accounts.html", {**SUBS, "sub_accounts": []}),
    "sub-accounts-full": ("sub_accounts.html", {**SUBS, "sub_accounts": [SUB] * 5}),
    "sub-account": ("sub_account.html", ONE_SUB),
    "sub-account-frozen": ("sub_account.html", {**ONE_SUB, "sub_account": replace(SUB, is_frozen=True)}),
    "sub-account-service": ("sub_account.html", {**ONE_SUB, "has_purses": False}),
    "keys-frozen": ("keys.html", {**LIST, "is_frozen": True, "frame": replace(OPERATOR, path="/api-management")}),
    "keys-checklist": ("keys.html", {**LIST, "keys": [], "checklist": STEPS}),
    "new-key": ("new_key.html", {"frame": ADA, "form": Form(), "current_address": "203.0.113.7"}),
    "new-key-for-a-purpose": (
        "new_key.html",
        {
            "frame": ADA,
            "form": WISH,
            "current_address": "203.0.113.7",
            "summary": SENTENCES,
            "warnings": WARNINGS,
            "purposes": PURPOSES,
            "purpose": PURPOSES[0],
        },
    ),
    "new-key-wrong": (
        "new_key.html",
        {"frame": ADA, "form": BAD, "current_address": "203.0.113.7", "summary": SENTENCES, "warnings": WARNINGS},
    ),
    "check-key": (
        "check_key.html",
        {"frame": ADA, "form": WISH, "needs_code": True, "summary": SENTENCES, "warnings": WARNINGS},
    ),
    "check-key-of-an-exchange": (
        "check_key.html",
        {
            "frame": replace(ADA, asks_captcha=True),
            "form": WISH,
            "needs_code": True,
            "needs_trading_password": True,
            "needs_mailed_code": True,
            "codes_go_to": "ada@example.org",
            "is_sent": True,
            "summary": SENTENCES,
            "warnings": WARNINGS,
        },
    ),
    "check-key-fresh": (
        "check_key.html",
        {"frame": ADA, "form": WISH, "needs_code": False, "summary": SENTENCES, "warnings": ()},
    ),
    "key-made": ("key_made.html", MADE),
    **{
        f"key-made-{first_use.state}": ("key_made.html", {**MADE, "first_use": first_use})
        for first_use in (
            FirstUse("refused", NOW, "203.0.113.7", "passphrase_mismatch", "⟦Send this key's own.⟧"),
            FirstUse("used", NOW, "203.0.113.7"),
            FirstUse("over"),
        )
    },
    "key": ("key.html", {**KEY, "key": TRADER}),
    "key-wrong": ("key.html", {**KEY, "key": TRADER, "form": BAD, "which": "addresses"}),
    "key-of-an-exchange": (
        "key.html",
        {
            **KEY,
            "key": TRADER,
            "needs_trading_password": True,
            "needs_mailed_code": True,
            "codes_go_to": "+49 ••• 78",
            "is_sent": True,
        },
    ),
    "key-disabled": ("key.html", {**KEY, "key": KEYS[2], "needs_code": False}),
    "key-old": ("key.html", {**KEY, "key": replace(KEYS[1], age_days=95)}),
    "key-altered": ("key.html", {**KEY, "key": replace(KEYS[2], holds=False)}),
    "key-expired": ("key.html", {**KEY, "key": KEYS[4]}),
    "key-deleted": ("key.html", {**KEY, "key": replace(KEYS[4], status="deleted")}),
    "step-up": ("step_up.html", {"frame": ADA, "form": Form(), "next": "/security"}),
    "notices": (
        "notice_list.html",
        {"frame": replace(ADA, unread=1, path="/notices"), "notices": NOTICES, "is_first": False, "older": "n2"},
    ),
    "notices-none": ("notice_list.html", {"frame": ADA, "notices": [], "is_first": True, "older": ""}),
    "freeze-link": ("freeze_link.html", {"frame": NOBODY, "is_done": False, "token": "t"}),
    "freeze-link-done": ("freeze_link.html", {"frame": NOBODY, "is_done": True, "token": ""}),
    "operator": ("operator.html", {"frame": OPERATOR, "accounts": ACCOUNTS}),
    "operator-account": (
        "operator_account.html",
        {
            "frame": OPERATOR,
            "account_id": "acc_0123456789abcdef01234567",
            "uid": 123456789,
            "email": "bob@example.org",
            "external_id": "user-1",
            "created_at": ADA.now,
            "frozen_at": None,
            "has_second_factor": True,
            "sessions": 1,
            "is_own": False,
            "keys": KEYS,
            "identity": ReviewView("submitted", "Bob", "Ö", "passport", "1234", ADA.now, 1),
            "form": Form(),
            "needs_code": True,
        },
    ),
    "operator-claim": ("operator_claim.html", {"frame": ADA, "form": Form()}),
    "operator-claim-nobody": ("operator_claim.html", {"frame": NOBODY, "form": Form()}),
    "problem": (
        "problem.html",
        {
            "frame": ADA,
            "title": "this page does not exist",
            "message": "there is nothing at this address",
            "hint": "go back to API Management",
            "request_id": "req_01JD",
        },
    ),
    "help": ("help.html", {"frame": replace(ADA, path="/help"), "sayings": sayings("KC-API-")}),
    "help-keys": ("help_keys.html", {"frame": replace(NOBODY, path="/help/keys")}),
    "help-passphrase": ("help_passphrase.html", {"frame": replace(ADA, path="/help/passphrase"), "prefix": "KC-API-"}),
    "help-bot": ("help_bot.html", HELP),
    "help-exchange": (
        "help_exchange.html",
        {
            "frame": replace(NOBODY, path="/help/exchange"),
            "venues": [venue_view(one) for one in Exchange],
            "boxes": {one.value: boxes_of(venue_view(one)) for one in Exchange},
        },
    ),
    "help-bot-of-an-exchange": (
        "help_bot.html",
        {
            **HELP,
            "prefix": "X-MY-",
            "is_sandbox": False,
            "clients": [("curl", "curl", "curl -s")],
            "sayings": sayings("X-MY-"),
        },
    ),
    "elsewhere": ("elsewhere.html", {"frame": replace(NOBODY, is_sandbox=False)}),
    "development": (
        "development.html",
        {"frame": ADA},
    ),
    "strength": ("strength.html", {"score": 1, "advice": "add another word or two"}),
}
PAGES |= {name: (template, {"frame": ADA, **context}) for name, (template, context) in OUTGOING.items()}

FRAGMENTS = {"strength"}

SHOWN_ONCE = ("3c0a7f5e-61d2-4b0e-9f54-8f1f0f6d2a11", "Walnut-Harbour-42")


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages(Assets(), all_texts(with_pseudo=True))


class Read(HTMLParser):
    """What a page says, and what it is made of."""

    VOID = frozenset({"input", "meta", "link", "br", "path", "rect"})
    SPOKEN = frozenset(
        {
            "aria-label",
            "alt",
            "title",
            "placeholder",
            "data-announce",
            "data-done",
            "data-label",
            "data-showing",
            "data-copied",
            "data-failed",
        }
    )
    SILENT = frozenset({"script", "style", "time", "code", "pre", "textarea"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []
        self.said: list[str] = []
        self.written: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        assert len(found) == len(attrs), f"an attribute stands twice in {tag}: {attrs}"
        self.tags.append((tag, found))
        if tag not in self.VOID:
            silent = tag in self.SILENT or found.get("translate") == "no"
            self.open.append((tag, silent))
        self.said += [found[name] or "" for name in self.SPOKEN & found.keys() if tag != "time"]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        if not any(silent for _, silent in self.open):
            self.written.append(data)

    def all(self, *names: str) -> list[dict[str, str | None]]:
        """Return the attributes of every tag of these names."""
        return [attributes for tag, attributes in self.tags if tag in names]


def template_of(name: str) -> str:
    return PAGES[name][0]


def _page(pages: Pages, name: str, **more: Any) -> Read:
    template, context = PAGES[name]
    return Read(pages.page(template, **{**context, **more}))


@pytest.mark.parametrize("name", PAGES)
def test_no_page_needs_what_the_policy_forbids(pages: Pages, name: str) -> None:
    page = _page(pages, name)
    assert not [attrs for _, attrs in page.tags if any(key.startswith("on") or key == "style" for key in attrs)]
    assert "style" not in {tag for tag, _ in page.tags}
    assert all(script["src"] and script["integrity"] for script in page.all("script"))
    assert not [a for _, a in page.tags if any(k.startswith(("hx-on", "hx-vals", "hx-vars")) for k in a)]


@pytest.mark.parametrize("name", sorted(PAGES.keys() - FRAGMENTS))
def test_every_page_has_its_landmarks_and_one_heading(pages: Pages, name: str) -> None:
    page = _page(pages, name)
    assert [tag for tag, _ in page.tags if tag in {"header", "main", "footer", "h1"}] == [
        "header",
        "main",
        "h1",
        "footer",
    ]
    assert page.all("html") == [{"lang": "en"}]
    assert page.all("a")[0]["href"] == "#main"
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for tag, attrs in page.tags:
        for name_ in ("for", "aria-describedby", "aria-labelledby", "data-copy", "data-show", "data-to"):
            assert set((attrs.get(name_) or "").split()) <= set(ids), (tag, attrs)


@pytest.mark.parametrize("name", sorted(PAGES.keys() - FRAGMENTS))
def test_k3_every_page_names_the_official_address(pages: Pages, name: str) -> None:
    template, context = PAGES[name]
    assert "https://keys.example.org" in pages.page(template, **context)


@pytest.mark.parametrize("name", PAGES)
def test_web_every_form_is_a_post_with_its_token(pages: Pages, name: str) -> None:
    page = _page(pages, name)
    forms = [form for form in page.all("form") if form["method"] == "post"]
    tokens = [field for field in page.all("input") if field.get("name") == "csrf"]
    assert len(tokens) == len(forms)
    assert {token["value"] for token in tokens} <= {"c5rf"}
    if name != "development":
        asking = [form for form in page.all("form") if form["method"] == "get"]  # changes nothing, so takes no token
        assert len(asking) == (template_of(name) in {"operator.html", "usage.html"})
        assert len(forms) + len(asking) == len(page.all("form"))


@pytest.mark.parametrize("name", PAGES)
def test_fields_say_what_a_password_manager_must_know(pages: Pages, name: str) -> None:
    for field in _page(pages, name).all("input", "textarea"):
        if field.get("type") not in {"hidden", "checkbox", "radio"}:
            assert field["autocomplete"], field
        if field.get("type") == "password":
            assert "value" not in field


ENGLISH = re.compile(r"[A-Za-z]{2,}")
NAMES = re.compile(
    r"python-kucoin|kucoin-universal-sdk|keywright\.json|Keywright|curl|ccxt|UTC|kucoin|example\.org|(?:Firefox|Safari) ?"
    r"|TradingBot-StrategyA|grid-bot|treasury|portfolio-reader|old-bot|Bot Trading|Server A|moves profits on Fridays|trading1|the night desk|BTC|USDT|Spreadsheet"
    r"|ada@|Ada Lovelace|United Kingdom|req_\w+|CSV|JSON|GET|POST"
    r"|English|Deutsch|Français"
    r"|/api/v1/my-ip|/api/v1/accounts|bash|freqtrade|HTTP"
)
"""What stands outside gettext rightly: names of products and languages, and what people typed."""


@pytest.mark.parametrize("name", PAGES)
def test_every_sentence_goes_through_gettext(pages: Pages, name: str) -> None:
    page = _page(pages, name, locale=PSEUDO)
    for said in ("".join(page.written), *page.said):  # a sentence may hold tags: its brackets stand in several texts
        left = said
        while (fewer := re.sub(r"⟦[^⟦⟧]*⟧", "", left)) != left:
            left = fewer
        assert not ENGLISH.findall(NAMES.sub("", left))


def test_a_part_of_a_page_is_rendered_alone(pages: Pages) -> None:
    row = pages.block("keys.html", "row", frame=ADA, key=KEYS[2]).strip()
    assert row.startswith("<tr")
    assert row.endswith("</tr>")
    assert row in pages.page("keys.html", **LIST)
    said = pages.block("new_key.html", "summary", summary=SENTENCES, warnings=WARNINGS)
    assert WARNINGS[0] in said
    assert "<html" not in said


@pytest.mark.parametrize(
    ("key", "offered"),
    [
        (KEYS[0], ["Disable", "Manage"]),
        (KEYS[2], ["Enable", "Delete", "Manage"]),
        (KEYS[4], ["Delete", "Manage"]),
        (PENDING, ["Remove", "Manage"]),
        (ROTATING, ["Disable", "Manage"]),
        (REPLACED, ["Delete", "Manage"]),
        (replace(KEYS[2], holds=False), ["Delete", "Manage"]),
    ],
)
def test_k10_k11_a_row_offers_what_its_key_allows(pages: Pages, key: KeyView, offered: list[str]) -> None:
    row = Read(pages.block("keys.html", "row", frame=ADA, key=key))
    names = [attrs["aria-label"] for attrs in row.all("button", "a") if "aria-label" in attrs]
    assert names == [f"{verb} key {key.name}" for verb in offered]


def test_k7_no_sixth_key_is_offered(pages: Pages) -> None:
    assert "/api-management/new" not in pages.page("keys.html", **LIST)
    assert "/api-management/new" in pages.page("keys.html", **{**LIST, "keys": KEYS[:4]})
    shared = (*KEYS[:4], replace(SUCCESSOR, predecessor_id=KEYS[1].id))
    assert "/api-management/new" in pages.page("keys.html", **{**LIST, "keys": shared}), "two in one place"


def test_k2_the_checklist_stands_in_the_place_of_the_list(pages: Pages) -> None:
    page = pages.page("keys.html", **{**LIST, "keys": [], "checklist": STEPS})
    assert "/api-management/new" not in page
    assert "<table" not in page
    assert "No keys yet" not in page
    assert "/security/authenticator" in page


def test_k2_whoever_has_keys_can_switch_them_off_though_something_is_missing(pages: Pages) -> None:
    page = pages.page("keys.html", **{**LIST, "checklist": STEPS})
    assert "/api-management/new" not in page
    assert "/security/authenticator" in page
    assert f"/api-management/{TRADER.id}/disable" in page


def test_a_step_that_someone_else_has_to_look_at_is_not_offered_again(pages: Pages) -> None:
    waiting = [Step("identity", is_done=False, href="/security/identity", is_waiting=True)]
    page = pages.page("keys.html", **{**LIST, "keys": [], "checklist": waiting})
    assert "Being looked at" in page
    assert "/security/identity" not in page


def test_k6_what_is_shown_once_is_shown_in_places_that_are_emptied(pages: Pages) -> None:
    page = pages.page(*PAGES["key-made"][:1], **PAGES["key-made"][1])
    for value in SHOWN_ONCE:
        for place in re.finditer(re.escape(value), page):
            assert (
                "data-secret" in page[page.rfind("<", 0, place.start()) : page.find(">", place.end()) + 1]
                or "data-secret" in page[place.end() : place.end() + 20]
            )
    body = Read(page).all("body")[0]
    assert body["data-safe-url"] == f"/api-management/{TRADER.id}"
    assert not any(value in code for _, code in SNIPPETS for value in SHOWN_ONCE)


@pytest.mark.parametrize("name", ["key-made", "recovery-codes", "authenticator-scan"])
def test_pages_with_secrets_run_no_borrowed_code(pages: Pages, name: str) -> None:
    assert not [script for script in _page(pages, name).all("script") if "htmx" in (script["src"] or "")]


def test_the_qr_code_is_not_shown_again(pages: Pages) -> None:
    page = _page(pages, "authenticator-again")
    assert not page.all("div") or not [div for div in page.all("div") if div.get("class") == "qr"]


def test_k3_a_page_at_another_address_leads_only_to_the_official_one(pages: Pages) -> None:
    page = _page(pages, "elsewhere")
    assert [link["href"] for link in page.all("a")] == ["#main", "https://keys.example.org/"]
    assert not page.all("form", "input")


def test_pressing_enter_never_means_back(pages: Pages) -> None:
    buttons = [button for button in _page(pages, "check-key").all("button") if button.get("type") != "button"]
    of_page = [
        one for one in buttons if one.get("name") != "language" and "menu-button" not in (one.get("class") or "")
    ]
    assert [button.get("name") for button in of_page] == [None, "back"]


def test_what_people_typed_is_text(pages: Pages) -> None:
    hostile = '"><script>alert(1)</script>'
    key = replace(TRADER, name=hostile, memo=hostile, last_used_from=hostile, addresses=(hostile,))
    for page in (
        pages.page("keys.html", **{**LIST, "keys": [key]}),
        pages.page("key.html", **{**KEY, "key": key}),
        pages.page("sign_in.html", frame=NOBODY, form=Form({"email": hostile}, {"email": hostile}, {"email": hostile})),
    ):
        assert "<script>" not in page


def test_moments_are_in_utc_and_say_so(pages: Pages) -> None:
    page = pages.page("key.html", **{**KEY, "key": TRADER})
    assert '<time datetime="2026-11-09T03:12:00Z">9 Nov 2026, 03:12 UTC</time>' in page
    assert '<time datetime="2026-11-21T03:09:55Z" title="21 Nov 2026, 03:09 UTC">2 minutes ago</time>' in page


def test_a_page_weighs_little(pages: Pages) -> None:
    """The page and the files it names, as they are sent: nothing is compressed here."""
    assets = Assets()
    for name, (template, context) in PAGES.items():
        page = pages.page(template, **context)
        links = {attrs.get("src") or attrs.get("href") or "" for attrs in Read(page).all("script", "link")}
        files = [assets.find(link.removeprefix("/static/")) for link in links]
        # The captcha's widget is fetched beside the page and shown when it is there: nobody waits for it to read.
        most = 230_000 if "altcha" in page else 150_000
        assert sum(len(found[0]) for found in files if found) + len(page.encode()) < most, name
