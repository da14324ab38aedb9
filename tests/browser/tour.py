"""Every page of the console in every state that looks different, one after another."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from urllib.parse import urlsplit

from playwright.sync_api import expect

from tests.browser.connecting import connecting
from tests.browser.excursions import freeze_link, governing, judging, rotating, withdrawing
from tests.browser.pages import (
    CODE,
    button,
    expect_problem,
    expect_said,
    expect_title,
    field,
    give_code,
    link,
    read_recovery_codes,
    read_setup_key,
    read_values,
    reload_until,
    section,
    sign_in,
    sign_out,
    sign_up,
    take_values,
    unfold,
    wish_for_key,
)
from tests.browser.place import ELSEWHERE, Authenticator, Running
from tests.browser.shortcut import Account, new_account
from tests.browser.virtual import Virtual
from tests.browser.window import Window
from tests.support.server import Values
from tests.support.visitor import PASSWORD

TOO_LONG = "A name that is far too long for any list of keys"


PARTS: dict[str, tuple[str, ...]] = {
    "arriving": (
        "/",
        "/sign-in",
        "/sign-up",
        "/operator",
        "/security/authenticator",
        "/api-management",
        "/api-management/new",
    ),
    "staying": (
        "/posture",
        "/api-management/{key_id:key}",
        "/api-management/{key_id:key}/usage",
        "/step-up",
        "/security",
        "/security/passkeys/new",
        "/security/passkeys/{passkey_id:row}",
        "/sub-accounts",
        "/sub-accounts/{sub_id:row}",
    ),
    "leaving": (
        "/notices",
        "/notices/freeze",
        "/notices/frozen",
        "/sign-in/code",
        "/sign-in/recovery",
        "/switch-off",
        "/login/arrived",
        "/help",
        "/help/keys",
        "/help/passphrase",
        "/help/bot",
        "/help/exchange",
        "/development",
    ),
    "keeping": (
        "/security/password",
        "/security/trading-password",
        "/security/phrase",
        "/security/identity",
        "/security/email",
        "/security/phone",
    ),
    "rotating": (),
    "connecting": (
        "/exchanges",
        "/exchanges/new",
        "/exchanges/new/{exchange:exchange}",
        "/exchanges/{connection_id:row}",
    ),
    "withdrawing": ("/approvals", "/security/withdrawal-addresses"),
    "judging": ("/operator/accounts/{account_id:row}",),
    "governing": (
        "/operator/posture",
        "/operator/policy",
        "/operator/permissions",
        "/operator/tokens",
        "/operator/tokens/new",
        "/operator/audit",
    ),
}
"""A tour in parts, so that several processes can share the way and none takes long; with the pages that each is to show."""


class Tour:
    """Goes from page to page as someone new would, and says the name of each."""

    def __init__(self, window: Window, running: Running) -> None:
        self.window, self.page, self.running = window, window.page, running
        self.email = f"tourist-{next(running.numbers)}@example.org"
        self.authenticator = Authenticator("", running.clock)

    def stops(self, part: str) -> Iterator[str]:
        """Yield the name of each page of a part when it is there."""
        if part == "arriving":
            yield from self.at_the_door()
            yield from self.enrolling()
            yield from self.making_a_key()
            return
        account = self._settle()
        with contextlib.closing(account.client):
            if part == "staying":
                yield from self.standing()
                yield from self.watching_it()
                yield from self.managing_it()
                yield from self.parts_of_the_account()
                yield from self.security()
            elif part == "leaving":
                yield from self.being_told()
                yield from self.operating()
                yield from self.signing_in()
                yield from self.astray()
            elif part == "keeping":
                yield from self.keeping_up_to_date()
            elif part == "rotating":
                yield from rotating(self.page, self.running, account)
            elif part == "connecting":
                yield from connecting(self.page, self.running, account)
            elif part == "withdrawing":
                yield from withdrawing(self.page, self.running, account)
            else:
                self._becomes_operator()
                excursion = judging if part == "judging" else governing
                yield from excursion(self.page, self.running, account)

    def _settle(self) -> Account:
        """Be someone who has a key already, and is at its list."""
        account = new_account(self.running, name="resident")
        self.email, self.authenticator = account.email, account.authenticator
        self._use(account.makes_key("bot", "trade", memo="A server in Vienna", addresses="127.0.0.1 2001:db8::/48"))
        self.window.becomes(account)
        return account

    def go(self, path: str) -> None:
        """Open an address of the console."""
        self.page.goto(self.running.console + path)

    def at_the_door(self) -> Iterator[str]:
        """Before there is an account."""
        page = self.page
        self.go("/sign-in")
        yield "sign in"
        field(page, "E-mail address").fill(self.email)
        field(page, "Password").fill("not-the-password")
        button(page, "Continue").click()
        expect_problem(page, "don't belong together")
        yield "sign in, refused"
        self.go("/operator")
        expect_title(page, "Become the operator")
        yield "operator link, signed out"
        self.go("/sign-up")
        yield "sign up"
        field(page, "E-mail address").fill(self.email)
        field(page, "Password").fill("password123")
        expect(page.get_by_text("Easily guessed.")).to_be_visible()
        yield "sign up, measured"
        button(page, "Create account").click()
        expect_problem(page, "easily guessed")
        yield "sign up, refused"

    def enrolling(self) -> Iterator[str]:
        """Up to the recovery codes."""
        page = self.page
        sign_up(page, self.running, email=self.email, password=PASSWORD)
        yield "authenticator, start"
        self.go("/api-management")
        expect(page.get_by_text("Before your first key")).to_be_visible()
        yield "keys, checklist"
        link(page, "Start: Set up an authenticator").click()
        self.authenticator = read_setup_key(page, self.running)
        yield "authenticator, scan"
        give_code(page, self.authenticator.wrong_code(), press="Confirm")
        expect_problem(page, "not right")
        yield "authenticator, again"
        give_code(page, self.authenticator.code(), press="Confirm")
        read_recovery_codes(page)
        yield "recovery codes"

    def making_a_key(self) -> Iterator[str]:
        """From no key to one, with every error on the way."""
        page = self.page
        self.go("/api-management")
        expect(page.get_by_text("No keys yet")).to_be_visible()
        yield "keys, none"
        self.go("/api-management/new")
        yield "new key"
        field(page, "Name").fill(TOO_LONG)
        for permission in ("Trade", "Transfer", "Withdraw"):
            page.get_by_role("checkbox", name=permission, exact=True).check()
        page.get_by_role("radio", name="Futures", exact=True).check()
        page.get_by_label("IP addresses it may be used from").fill("0.0.0.0/0, here")
        button(page, "Continue").click()
        expect_problem(page)
        yield "new key, refused"
        wish_for_key(page, "bot", "Trade", "Withdraw", memo="A server in Vienna", addresses="127.0.0.1 2001:db8::/48")
        yield "check"
        field(page, "Passphrase of the key").fill("short")
        field(page, CODE).fill(self.authenticator.wrong_code())
        button(page, "Create key").click()
        expect_problem(page, "passphrase")
        yield "check, passphrase refused"
        field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
        give_code(page, self.authenticator.wrong_code(), press="Create key")
        expect_problem(page, "not right")
        yield "check, code refused"
        field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
        give_code(page, self.authenticator.code(), press="Create key")
        read_values(page)
        yield "key made"
        values = take_values(page)
        yield "key made, on"
        self._use(values)
        self.go("/api-management")
        yield "keys"

    def _use(self, values: Values) -> None:
        bot = self.running.bot(values)
        assert bot.is_served()

    def managing_it(self) -> Iterator[str]:
        """One key, everything that can be done to it, everything that can go wrong."""
        page = self.page
        link(page, "Manage key bot").click()
        expect_title(page, "bot")
        yield "key"
        unfold(page, "Name and memo").get_by_label("Name", exact=True).fill(TOO_LONG)
        button(page, "Save name and memo").click()
        expect_problem(page)
        yield "key, name refused"
        unfold(page, "Addresses").get_by_label("IP addresses it may be used from").fill("256.1.1.1")
        button(page, "Save addresses").click()
        expect_problem(page, "256.1.1.1")
        yield "key, addresses refused"
        change = unfold(page, "Passphrase")
        change.get_by_label("Current passphrase", exact=True).fill("Not-the-one-44")
        change.get_by_label("New passphrase", exact=True).fill("easy")
        button(page, "Set passphrase").click()
        expect_problem(page, "passphrase")
        yield "key, passphrase refused"
        button(page, "Disable key bot").click()
        yield "keys, one disabled"
        self.running.clock.advance(minutes=11)
        link(page, "Manage key bot").click()
        give = section(page, "Enable it again")
        give.get_by_label(CODE).fill(self.authenticator.wrong_code())
        give.get_by_role("button").click()
        expect_problem(page, "not right")
        yield "key, enabling refused"
        give = section(page, "Delete for good")
        give.get_by_label(CODE).fill(self.authenticator.wrong_code())
        give.get_by_role("checkbox").check()
        give.get_by_role("button").click()
        expect_problem(page, "not right")
        yield "key, deleting refused"
        self.go("/step-up?next=/security")
        yield "step-up"
        give_code(page, self.authenticator.wrong_code(), press="Confirm")
        expect_problem(page, "not right")
        yield "step-up, refused"
        give_code(page, self.authenticator.code(), press="Confirm")
        expect_title(page, "Security")
        yield "security, confirmed"
        link(page, "Add a passkey").click()
        expect_title(page, "Add a passkey")
        yield "new passkey"
        Virtual.at(page)
        field(page, "Name").fill("The telephone on the kitchen table")
        button(page, "Make the passkey").click()
        expect_said(page, "The passkey is added.")
        yield "security, a passkey"
        link(page, "Remove passkey The telephone on the kitchen table").click()
        expect_title(page, "Remove a passkey")
        yield "passkey"

    def watching_it(self) -> Iterator[str]:
        """What the key was used for."""
        page = self.page
        reload_until(page.get_by_role("row").filter(has_text="bot"), "24 h:")
        page.get_by_role("link", name="Usage of key bot").click()
        expect_title(page, "Usage of bot")
        yield "usage"
        self.go(f"{urlsplit(page.url).path}?address=nowhere")
        expect_problem(page)
        yield "usage, refused"
        self.go(f"{urlsplit(page.url).path}?method=DELETE")
        yield "usage, none like that"
        self.go("/api-management")

    def standing(self) -> Iterator[str]:
        """How keys stand: one to mend."""
        self.go("/posture")
        expect_title(self.page, "State of your keys")
        yield "state of your keys"
        self.go("/api-management")

    def parts_of_the_account(self) -> Iterator[str]:
        """Sub-accounts: none, a wrong one, one with keys and money."""
        page = self.page
        self.go("/sub-accounts")
        yield "sub-accounts, none"
        field(page, "Name").fill("no digits")
        button(page, "Create sub-account").click()
        expect_problem(page, "at least one of each")
        yield "sub-accounts, refused"
        field(page, "Name").fill("trading1")
        button(page, "Create sub-account").click()
        expect_title(page, "trading1")
        yield "sub-account"
        field(page, "Amount").fill("250")
        button(page, "Move").click()
        expect(page.get_by_text("The money is moved.")).to_be_visible()
        button(page, "Freeze sub-account trading1 now").click()
        yield "sub-account, frozen"
        link(page, "API keys of trading1").click()
        expect(page.get_by_text("This sub-account is frozen")).to_be_visible()
        yield "keys of a sub-account"
        self.go("/sub-accounts")
        yield "sub-accounts"

    def security(self) -> Iterator[str]:
        """What protects the account."""
        page = self.page
        self.running.clock.advance(minutes=11)
        self.go("/security")
        yield "security"
        self.go("/security/authenticator")
        expect_title(page, "Replace your authenticator")
        yield "authenticator, replace"
        self.go("/security")
        button(page, "Freeze the account now").click()
        expect(page.get_by_role("status").filter(has_text="Your account is frozen")).to_be_visible()
        yield "security, frozen"
        section(page, "Lift the freeze").get_by_label(CODE).fill(self.authenticator.wrong_code())
        button(page, "Lift the freeze").click()
        expect_problem(page, "not right")
        yield "security, refused"
        self.go("/api-management")
        yield "keys, frozen"
        page.locator("summary", has_text="Profile menu").click()
        yield "profile menu"

    def being_told(self) -> Iterator[str]:
        """What happened, and the way to switch everything off from a message."""
        page = self.page
        self.go("/notices")
        expect_title(page, "Notices")
        yield "notices"
        button(page, "Mark all as read").click()
        expect(page.get_by_role("link", name="Notices", exact=True)).to_be_visible()
        yield "notices, read"
        self.go("/notices/freeze?t=nothing")
        expect_title(page, "There is nothing here")
        yield "freeze link, dead"
        page.goto(freeze_link(self.running, self.email))
        expect_title(page, "Switch off every key of this account?")
        yield "freeze link"
        self.go("/notices/frozen")
        yield "freeze link, done"

    def keeping_up_to_date(self) -> Iterator[str]:
        """What people say of themselves, with what is wrong about it."""
        self.running.clock.advance(minutes=11)  # nothing is confirmed any more
        page, wrong = self.page, self.authenticator.wrong_code()
        for path, title, press, filled in (
            (
                "password",
                "Change your password",
                "Change password",
                {"Current password": PASSWORD, "New password": "four-otters-in-amber"},
            ),
            (
                "trading-password",
                "Set a trading password",
                "Set trading password",
                {"New trading password": "k7Qz2m", "Your account’s password": PASSWORD},
            ),
            ("phrase", "Your own phrase", "Save phrase", {}),
        ):
            self.go(f"/security/{path}")
            expect_title(page, title)
            yield path
            for label, text in filled.items():
                field(page, label).fill(text)
            give_code(page, wrong, press=press)
            expect_problem(page, "not right")
            yield f"{path}, refused"
        self.go("/security/identity")
        field(page, "Full name").fill("1815")
        field(page, "Country that issued the document").select_option("United Kingdom")
        field(page, "Kind of document").select_option("Passport")
        field(page, "Last four characters of its number").fill("1815")
        give_code(page, self.authenticator.code(), press="Submit")
        expect_problem(page, "not a name")
        yield "identity, refused"
        field(page, "Full name").fill("Ada Lovelace")
        button(page, "Submit").click()
        self.go("/security/identity")
        expect(page.get_by_role("heading", name="Your identity is verified")).to_be_visible()
        yield "identity, verified"
        self.go("/security/email")
        button(page, "Send me a code").click()
        field(page, "Code from the e-mail").fill("000000")
        button(page, "Verify").click()
        expect_problem(page, "not right")
        yield "e-mail address, refused"
        self.go("/security/phone")
        expect(page.get_by_text("set up no gateway")).to_be_visible()
        yield "phone, not offered"

    def operating(self) -> Iterator[str]:
        """What operators see."""
        page = self.page
        self.go("/operator")
        expect_title(page, "Become the operator")
        yield "operator link"
        field(page, "Code from the link").fill("kwop-nothing")
        button(page, "Become the operator").click()
        expect_problem(page)
        yield "operator link, refused"
        self._becomes_operator()
        yield "accounts"
        link(page, "State of keys").click()
        expect_title(page, "State of keys")
        yield "state of all keys"
        sign_out(page)

    def _becomes_operator(self) -> None:
        self.go("/operator")
        field(self.page, "Code from the link").fill(self.running.operator_link().partition("#")[2])
        button(self.page, "Become the operator").click()
        expect_title(self.page, "Accounts")

    def signing_in(self) -> Iterator[str]:
        """The second factor on the way in."""
        page = self.page
        sign_in(page, self.running, email=self.email, password=PASSWORD)
        yield "code"
        give_code(page, self.authenticator.wrong_code(), press="Sign in")
        expect_problem(page, "not right")
        yield "code, refused"
        link(page, "Use a recovery code").click()
        expect_title(page, "Use a recovery code")
        yield "recovery"
        field(page, "Recovery code").fill("aaaa-bbbb-cccc-dddd")
        button(page, "Sign in").click()
        expect_problem(page)
        yield "recovery, refused"
        self.go("/switch-off")
        yield "switch off"
        field(page, "E-mail address").fill(self.email)
        field(page, "Password").fill(PASSWORD)
        button(page, "Refuse every key now").click()
        expect(page.get_by_text("Received")).to_be_visible()
        yield "switch off, received"

    def astray(self) -> Iterator[str]:
        """Where nobody means to go."""
        self.go("/nowhere")
        expect_title(self.page, "There is nothing here")
        yield "problem"
        self.go("/login/arrived")
        expect_title(self.page, "Not allowed")
        yield "sign-in elsewhere, too late"
        self.page.goto(self.running.console.replace("localhost", ELSEWHERE))
        expect_title(self.page, "This is not our address")
        yield "elsewhere"
        for topic in ("", "/keys", "/passphrase", "/bot", "/exchange"):
            self.go(f"/help{topic}")
            yield f"help{topic}"
        self.go("/development")
        yield "components"
