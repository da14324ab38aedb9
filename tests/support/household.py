"""Who lives at the console in tests of it: Ada, signed in twice, an operator, with a key that works and one that is off."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from keywright.app.services import Services
from keywright.approvals.model import DAY_MS
from keywright.audit.events import Actor
from keywright.identity.destinations import destination
from keywright.identity.model import FactorProof
from keywright.secret import Secret
from keywright.web.app import Console
from keywright.web.security import CSRF_LABEL, csrf_token
from tests.support.clock import FakeClock
from tests.support.holding import EGRESS, OTHER_KEY, PASSPHRASE as KEY_PASSPHRASE, SECRET, held_key, pool
from tests.support.passkey import SoftPasskey
from tests.support.settled import beginning_of, keep, settled_before
from tests.support.visitor import PASSWORD, Caller, console_over

PASSPHRASE, OTHER_PASSPHRASE = "Tide-wharf-29-Q", "Quiet-Harbour-77"


@dataclass
class Household:
    """Everyone, and what they have."""

    services: Services
    console: Console
    ada: Caller
    elsewhere: Caller
    """Ada's other browser, signed in too."""
    bob: Caller
    """Somebody else, signed in, without keys."""
    recovery_codes: tuple[str, ...]
    active: str
    secret: str
    off: str
    session_id: str
    elsewhere_id: str
    account_id: str
    bobs_account_id: str
    sub_account_id: str
    """Of Ada's sub-account trading1."""
    address_id: str
    """A withdrawal address on Ada's list."""
    approval_id: str
    """A withdrawal that waits for Ada."""
    token_id: str
    """A service token."""
    connection_id: str
    """A key of KuCoin's that is held for Ada."""
    soft: SoftPasskey = field(default_factory=SoftPasskey)
    """Ada's passkey."""
    passkey_id: str = ""

    def path(self, pattern: str, *, key: str = "") -> str:
        """Return the path of a route, its placeholders filled in with what is Ada's."""
        filled = {
            "{key_id:key}": key or self.active,
            "{session_id:row}": self.elsewhere_id,
            "{account_id:row}": self.bobs_account_id,
            "{sub_id:row}": self.sub_account_id,
            "{passkey_id:row}": self.passkey_id,
            "{address_id:row}": self.address_id,
            "{approval_id:row}": self.approval_id,
            "{token_id:row}": self.token_id,
            "{connection_id:row}": self.connection_id,
            "{exchange:exchange}": "kucoin",
        }
        return re.sub(r"\{\w+:\w+\}", lambda found: filled[found[0]], pattern)

    async def step_up(self) -> None:
        """Let Ada prove her second factor once more: for ten minutes nothing asks for it."""
        await self.ada.get("/step-up")
        answer = await self.ada.post("/step-up", code=self.ada.code(), next="/security")
        assert answer.status_code == 303, self.ada.text

    async def another_passkey(self, soft: SoftPasskey) -> dict[str, str]:
        """Return what Ada's browser would send to add this passkey. Her second factor was proved a moment ago."""
        await self.ada.get("/security/passkeys/new")
        options = await self.ada.client.post(
            "/security/passkeys/options", data={"csrf": self.ada.csrf}, headers={"origin": self.ada.origin}
        )
        assert options.status_code == 200, options.text
        return {"name": "phone", "passkey": soft.create(options.text)}


async def household(services: Services, clock: FakeClock, **place: Any) -> Household:
    """Return a household that has settled. Ada has just proved her second factor."""
    beginning = await beginning_of(services, clock, place)
    if beginning is None:
        return await _settle(services, clock, **place)
    home = settled_before(beginning, services, clock)
    if home is None:
        home = await _settle(services, clock, **place)
        await keep(beginning, home, clock)
    return home


async def _settle(services: Services, clock: FakeClock, **place: Any) -> Household:
    console = console_over(services, **place)
    origin = place.get("origins", ("http://localhost:8400",))[0]
    bob = Caller(console, clock, address="198.51.100.9", origin=origin, email="bob@example.org")
    await bob.arrive()
    ada = Caller(console, clock, origin=origin)
    codes = await ada.arrive()
    active, secret = await ada.make_key("trade", name="active", passphrase=PASSPHRASE)
    off, _ = await ada.make_key(name="off", passphrase=OTHER_PASSPHRASE)
    await ada.get("/api-management")
    await ada.post(f"/api-management/{off}/disable")
    async with services.database.write() as tx:
        code = await services.entrance.operators.new_code(tx, now=clock())
    await ada.get("/operator")
    await ada.post("/operator/claim", code=code.reveal_text())
    elsewhere = Caller(
        console, clock, address="203.0.113.7", origin=origin, totp_secret=ada.totp_secret, used_step=ada.used_step
    )
    await elsewhere.sign_in()
    ada.used_step = elsewhere.used_step
    async with services.database.read() as tx:
        account = await services.identity.account(tx, email=ada.email)
        bobs = await services.identity.account(tx, email=bob.email)
        sessions = await services.entrance.sessions.of(tx, account.id, now=clock())
    async with services.database.write() as tx:
        proof = FactorProof(account.id, "totp", clock())
        sub = await services.sub_accounts.create(
            tx, account.id, "trading1", proof=proof, actor=Actor(account.id), now=clock()
        )
    by_address = {session.address: session.id for session in sessions}
    home = Household(
        services,
        console,
        ada,
        elsewhere,
        bob,
        codes,
        active,
        secret,
        off,
        by_address[ada.address],
        by_address[elsewhere.address],
        account.id,
        bobs.id,
        sub.id,
        *await _withdrawing(services, account.id, now=clock()),
        await _token(services, now=clock()),
        await _holding(services, account.id, clock),
    )
    await home.step_up()
    home.soft = SoftPasskey(origin=origin, rp_id=urlsplit(origin).hostname or "")
    await home.ada.post("/security/passkeys/new", **await home.another_passkey(home.soft))
    await home.ada.get("/security")
    found = re.search(r"pky_[0-9a-f]{24}", home.ada.text)
    assert found, home.ada.text
    home.passkey_id = found[0]
    return home


async def _withdrawing(services: Services, account_id: str, *, now: int) -> tuple[str, str]:
    """Put an address on an account's list and let a withdrawal to it wait; return the ids of both."""
    to = {"currency": "USDT", "chain": "trx", "address": "TXYZabcdefghijkmnopqrstuvwxyz12345"}
    async with services.database.write() as tx:
        listed = await services.whitelist.add(
            tx,
            account_id,
            destination(**to),
            label="Cold wallet",
            proof=FactorProof(account_id, "totp", now),
            actor=Actor(account_id),
            now=now,
        )
        asked = await services.approvals.ask(
            tx,
            account_id=account_id,
            asked_by="tok_household",
            reference="w1",
            detail={"amount": "250", **to},
            expires_in=DAY_MS,
            now=now,
        )
    return listed.id, asked.id


async def _token(services: Services, *, now: int) -> str:
    """Make a service token; return its id."""
    async with services.database.write() as tx:
        made = await services.tokens.create(
            tx,
            "back end",
            scopes=["keys:read"],
            addresses=(),
            expires_at=None,
            proof=None,
            actor=Actor("operator"),
            now=now,
        )
    return made.token.id


async def _holding(services: Services, account_id: str, clock: FakeClock) -> str:
    """Have a key of KuCoin's held, and keep an address for another."""
    addresses = EGRESS, "203.0.113.78", "203.0.113.79"
    await pool(services, *addresses)
    for address in addresses:  # seen from outside, so that nobody has to look when one is reserved
        await services.vault.observe(address, now=clock())
    held = await held_key(services, account_id, clock)
    await services.vault.reserve(account_id, "kucoin", actor=Actor(account_id), now=clock())
    return held


def csrf_of(home: Household, token: str) -> str:
    """Return the token that forms carry for the bearer of this cookie."""
    return csrf_token(home.services.keyring.derive(CSRF_LABEL), Secret(token))


WISH = {"name": "third", "memo": "", "permissions": "read trade", "environment": "spot", "addresses": ""}

CHANGES_NOTHING = {"/strength"}
"""What may be posted without the token of a form: whoever sends it gains nothing."""

FROM_ELSEWHERE = {"/login/assertion"}
"""What another site posts, where one vouches for its users: what it posts proves itself, or nothing."""

FORMS: dict[str, dict[str, str]] = {
    "/sign-up": {"email": "new@example.org", "password": PASSWORD},
    "/sign-in": {"email": "ada@example.org", "password": PASSWORD},
    "/sign-in/code": {"code": "000000"},
    "/sign-in/recovery": {"code": "aaaa-bbbb-cccc-dddd"},
    "/sign-out": {},
    "/login/assertion": {"assertion": "x"},
    "/switch-off": {"email": "ada@example.org", "password": PASSWORD},
    "/strength": {"secret": PASSWORD},
    "/step-up": {"code": "000000", "next": "/security"},
    "/security/authenticator/start": {},
    "/security/authenticator/confirm": {"code": "000000"},
    "/security/recovery-codes": {},
    "/passkeys/options": {},
    "/security/passkeys/options": {},
    "/security/passkeys/new": {"name": "phone", "passkey": "{}"},
    "/security/passkeys/{passkey_id:row}/remove": {},
    "/security/password": {"current": PASSWORD, "password": "four-otters-in-amber"},
    "/security/trading-password": {"trading_password": "k7Qz2m", "password": PASSWORD},
    "/security/identity": {"name": "Ada Lovelace", "country": "GB", "document": "passport", "last_digits": "1815"},
    "/security/email": {"code": "000000"},
    "/security/email/code": {},
    "/security/phone": {"phone": "+4915112345678", "sms_code": "000000"},
    "/security/phone/code": {"phone": "+49 1511 2345678"},
    "/security/phone/choice-code": {},
    "/security/phone/choose-phone": {"mail_code": "000000"},
    "/security/phone/choose-mail": {},
    "/security/phone/remove": {},
    "/security/phrase": {"phrase": "blue otters at tea"},
    "/language": {"language": "en", "next": "/security"},
    "/security/sessions/end-others": {},
    "/security/sessions/{session_id:row}/end": {},
    "/security/freeze": {},
    "/security/unfreeze": {},
    "/security/withdrawal-addresses/add": {
        "label": "Hot wallet",
        "currency": "USDT",
        "chain": "trx",
        "address": "TABCabcdefghijkmnopqrstuvwxyz12345",
        "memo": "",
    },
    "/security/withdrawal-addresses/switch-on": {},
    "/security/withdrawal-addresses/switch-off": {},
    "/security/withdrawal-addresses/{address_id:row}/label": {"label": "Ledger"},
    "/security/withdrawal-addresses/{address_id:row}/remove": {},
    "/security/withdrawal-addresses/{address_id:row}/exempt": {"daily": "5"},
    "/security/withdrawal-addresses/{address_id:row}/end-exemption": {},
    "/approvals/{approval_id:row}/confirm": {"digest": "00", "code": "000000"},
    "/approvals/{approval_id:row}/refuse": {},
    "/api-management/new": WISH,
    "/api-management/summary": WISH,
    "/api-management/send-code": WISH,
    "/api-management/create": {**WISH, "passphrase": "Sloop-ahead-41-Z"},
    "/api-management/{key_id:key}/acknowledge": {},
    "/api-management/{key_id:key}/discard": {},
    "/api-management/{key_id:key}/rotate": {"passphrase": "Moor-chain-83-W", "overlap": "24"},
    "/api-management/{key_id:key}/rotate/send-code": {},
    "/api-management/{key_id:key}/download": {
        "api_secret": "s",
        "api_passphrase": "p",
        "file_password": "nine-boats-at-anchor",
    },
    "/api-management/{key_id:key}/disable": {},
    "/api-management/{key_id:key}/rename": {"name": "renamed", "memo": ""},
    "/api-management/{key_id:key}/addresses/send-code": {"addresses": "198.51.100.4"},
    "/api-management/{key_id:key}/addresses": {"addresses": "203.0.113.7"},
    "/api-management/{key_id:key}/passphrase": {"current": PASSPHRASE, "passphrase": "Sloop-ahead-41-Z"},
    "/api-management/{key_id:key}/enable": {},
    "/api-management/{key_id:key}/delete": {"sure": "yes"},
    "/sub-accounts/create": {"name": "trading2", "memo": ""},
    "/sub-accounts/{sub_id:row}/describe": {"memo": "nights"},
    "/sub-accounts/{sub_id:row}/freeze": {},
    "/sub-accounts/{sub_id:row}/unfreeze": {},
    "/sub-accounts/{sub_id:row}/transfer": {"direction": "there", "currency": "USDT", "amount": "5"},
    "/notices/read": {},
    "/notices/freeze": {"t": "ntc_000000000000000000000000.0.none"},
    "/exchanges/new": {"exchange": "binance"},
    "/exchanges/new/{exchange:exchange}": {
        "name": "swing",
        "bots": "swing",
        "key": OTHER_KEY,
        "secret": SECRET,
        "passphrase": KEY_PASSPHRASE,
    },
    "/exchanges/new/{exchange:exchange}/give-back": {},
    "/exchanges/{connection_id:row}/check": {},
    "/exchanges/{connection_id:row}/edit": {"name": "moved", "bots": "night grid, day grid"},
    "/exchanges/{connection_id:row}/replace": {"key": OTHER_KEY, "secret": SECRET, "passphrase": KEY_PASSPHRASE},
    "/exchanges/{connection_id:row}/rotate": {"key": OTHER_KEY, "secret": SECRET, "passphrase": KEY_PASSPHRASE},
    "/exchanges/{connection_id:row}/switch": {},
    "/exchanges/{connection_id:row}/finish": {},
    "/exchanges/{connection_id:row}/roll-back": {},
    "/exchanges/{connection_id:row}/terms": {"master": ""},
    "/exchanges/{connection_id:row}/suspend": {},
    "/exchanges/{connection_id:row}/explain": {"wanted": "futures", "said": "Access denied, require more permission."},
    "/exchanges/{connection_id:row}/remove": {"sure": "yes"},
    "/operator/claim": {"code": "kwop-x"},
    "/operator/policy": {"keys_per_account": "4", "profile": "", "version": "0"},
    "/operator/audit/check": {},
    "/operator/permissions/freeze": {"permission": "trade"},
    "/operator/permissions/lift": {"permission": "trade"},
    "/operator/tokens/new": {"name": "back end", "scopes": "keys:read", "addresses": "203.0.113.9", "days": "90"},
    "/operator/tokens/{token_id:row}/disable": {},
    "/operator/accounts/{account_id:row}/freeze": {},
    "/operator/accounts/{account_id:row}/identity": {"decision": "refuse", "version": "1", "reason": "unreadable"},
}
"""Every form there is, filled in so that it would be taken where that is possible. A test compares with the routes."""
