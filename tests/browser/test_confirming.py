"""A key at a platform: captcha, second factor, trading password, and a code that comes by mail; by keyboard too."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import (
    button,
    expect_problem,
    expect_title,
    field,
    give_code,
    link,
    take_values,
    unfold,
    wish_for_key,
)
from tests.browser.place import Running, started
from tests.browser.shortcut import Account, new_account
from tests.browser.test_axe import SCHEMES, TOO_WIDE, violations
from tests.browser.window import Window
from tests.support.room import Room, open_room
from tests.support.visitor import PASSWORD

pytestmark = pytest.mark.browser

TRADING = "k7Qz2m"


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    """Give a gateway for text messages."""
    with open_room() as room:
        yield room


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, room: Room) -> Iterator[Running]:
    """Give a sandbox that asks for what a platform does; captchas are looked at elsewhere."""
    folder = tmp_path_factory.mktemp("platform")
    gateways = tmp_path_factory.mktemp("gateways") / "urls"
    gateways.write_text(room.sms_url.reveal_text())
    gateways.chmod(0o600)
    with started(
        folder, KEYWRIGHT_PROFILE="platform", KEYWRIGHT_CAPTCHA="off", KEYWRIGHT_SMS_URLS_FILE=str(gateways)
    ) as server:
        yield server


@pytest.fixture
def account(running: Running) -> Iterator[Account]:
    """Give an account with a trading password."""
    made = new_account(running)
    made.post(
        "/security/trading-password",
        at="/security/trading-password",
        trading_password=TRADING,
        password=PASSWORD,
        code=made.authenticator.code(),
    )
    running.clock.advance(minutes=11)
    yield made
    made.client.close()


def mailed(running: Running, email: str, *, many: int = 1, about: str = "Confirm the API key") -> list[str]:
    """Wait until so many codes lie in the outbox for this address; return them, oldest first."""
    outbox: Path = running.installation.data / "outbox"
    for _ in range(200):
        texts = [
            path.read_text("utf-8", "replace")
            for path in sorted(outbox.glob("*"), key=lambda one: one.stat().st_mtime_ns)
        ]
        codes = [
            found[0] for text in texts if email in text and about in text for found in re.finditer(r"\b\d{6}\b", text)
        ]
        if len(codes) >= many:
            return codes
        time.sleep(0.1)
    raise AssertionError(f"no mail came: {list(outbox.glob('*'))}")


def test_a_key_takes_trading_password_and_a_code_that_comes_by_mail(
    window: Window, running: Running, account: Account
) -> None:
    page = window.becomes(account)
    wish_for_key(page, "bot", "Trade")
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    field(page, "Trading password").fill(TRADING)
    button(page, "Send me a code").click()
    expect(page.locator("#sent")).to_contain_text(f"A code is on its way to {account.email}.")
    expect(field(page, "Passphrase of the key")).to_have_value("Orbit-Lemon-42")  # it was sent in place
    code = mailed(running, account.email)[0]
    field(page, "Confirmation code").fill(code)
    give_code(page, account.authenticator.code(), press="Create key")
    assert running.bot(take_values(page)).is_served()
    assert not [request for request in window.asked if code in request.url]


def test_what_is_wrong_is_said_at_its_field_and_enter_makes_the_key(
    open_another: Callable[..., Window], running: Running, account: Account
) -> None:
    """Without script as well, where the page comes back and secrets are typed again."""
    page = open_another(java_script_enabled=False).becomes(account)
    wish_for_key(page, "bot", "Trade")
    button(page, "Send me a code").click()
    expect_title(page, "Check and confirm")
    expect(page.locator("#sent")).to_contain_text("A code is on its way")
    code = mailed(running, account.email)[0]
    fill(page, code=f"{(int(code) + 1) % 1_000_000:06}")
    give_code(page, account.authenticator.code(), press="Create key")
    expect(page.get_by_role("region", name="Something needs your attention")).to_contain_text("not right")
    fill(page, code=code)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Key bot is made")).to_be_visible()


def test_nothing_is_wrong_with_the_page_and_it_fits_the_narrowest_screen(
    open_another: Callable[..., Window], account: Account
) -> None:
    page = open_another(viewport={"width": 320, "height": 640}, reduced_motion="reduce").becomes(account)
    wish_for_key(page, "bot", "Trade")
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    field(page, "Trading password").fill("k7Qz2n")
    button(page, "Send me a code").click()
    expect(page.locator("#sent")).to_contain_text("A code is on its way")
    assert not [wrong for scheme in SCHEMES for wrong in violations(page, scheme)]
    assert not page.evaluate(TOO_WIDE)
    field(page, "Confirmation code").fill("123456")
    give_code(page, account.authenticator.code(), press="Create key")
    expect_problem(page, "trading password")
    assert not [wrong for scheme in SCHEMES for wrong in violations(page, scheme)]


def texted(room: Room, *, many: int) -> str:
    """Wait until so many text messages came to the gateway; return the code of the newest."""
    for _ in range(200):
        if len(room.said) >= many:
            return str(room.said[-1]["message"])[:6]
        time.sleep(0.1)
    raise AssertionError("no text message came")


def test_a_phone_is_added_chosen_and_gets_the_code_and_pages_are_whole(
    open_another: Callable[..., Window], running: Running, account: Account, room: Room
) -> None:
    page = open_another(viewport={"width": 320, "height": 640}, reduced_motion="reduce").becomes(account)
    seen: list[object] = []

    def look() -> None:
        seen.extend(wrong for scheme in SCHEMES for wrong in violations(page, scheme))
        assert not page.evaluate(TOO_WIDE)

    before = len(room.said)
    page.goto(f"{running.console}/security/phone")
    field(page, "Number of a mobile phone").fill("+49 30 123456")
    give_code(page, account.authenticator.code(), press="Send a text message")
    expect_problem(page, "mobile phone")
    field(page, "Number of a mobile phone").fill("+49 1511 2345678")
    button(page, "Send a text message").click()
    expect(page.get_by_text("on its way to +4915112345678")).to_be_visible()
    look()
    field(page, "Code from the text message").fill(texted(room, many=before + 1))
    button(page, "Confirm").click()
    expect(page.get_by_text("The phone is yours")).to_be_visible()
    button(page, "Send me a code").click()
    look()
    field(page, "Code from the e-mail").fill(mailed(running, account.email, about="codes go to your phone")[-1])
    button(page, "Send codes to this phone").click()
    expect(page.get_by_text("Codes go to this phone.")).to_be_visible()
    look()
    wish_for_key(page, "bot", "Trade", addresses="127.0.0.1")
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    field(page, "Trading password").fill(TRADING)
    button(page, "Send me a code").click()
    expect(page.locator("#sent")).to_contain_text("A code is on its way to +49 ••• 78.")
    field(page, "Confirmation code").fill(texted(room, many=before + 2))
    button(page, "Create key").click()
    take_values(page)
    assert room.said[-1]["to"] == "+4915112345678"
    page.goto(f"{running.console}/api-management")
    link(page, "Manage key bot").click()
    unfold(page, "Addresses")
    page.locator("#addresses-addresses").fill("127.0.0.1\n198.51.100.4")
    page.locator("#addresses-mailed_code").fill("123456")
    page.locator("#addresses-trading_password").fill("k7Qz2n")
    page.locator("#addresses-trading_password").press("Enter")  # makes the change, and sends no code
    expect_problem(page, "trading password")
    assert len(room.said) == before + 2
    page.locator("#addresses").get_by_role("button", name="Send me a code").click()
    expect(page.locator("#addresses-sent")).to_contain_text("on its way")
    look()
    page.locator("#addresses-trading_password").fill(TRADING)
    page.locator("#addresses-mailed_code").fill(texted(room, many=before + 3))
    page.locator("#addresses").get_by_role("button", name="Save addresses").click()
    expect(page.get_by_text("198.51.100.4").first).to_be_visible()
    assert not seen


def fill(page: Page, *, code: str) -> None:
    """Type what the page asks for."""
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    field(page, "Trading password").fill(TRADING)
    field(page, "Confirmation code").fill(code)
