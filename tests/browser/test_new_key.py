"""Making a key in a real browser: purposes, addresses, and the line that turns green when a real client calls."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.clients import ccxt_client
from tests.browser.pages import (
    CODE,
    SWITCH_ON,
    button,
    expect_title,
    field,
    give_code,
    read_values,
    section,
    take_values,
    wish_for_key,
)
from tests.browser.place import Running
from tests.browser.shortcut import KEY, KEY_SECRET, Account
from tests.browser.window import Window
from tests.support.server import Values

pytestmark = pytest.mark.browser


def reload_until_gone(page: Page, part: Locator) -> None:
    """Load the page again until this part of it is not there: keys that wait too long are looked for every 30 s."""
    until = time.monotonic() + 60
    while part.count() and time.monotonic() < until:
        page.wait_for_timeout(1_000)
        page.reload()
    expect(part).to_have_count(0)


PURPOSES = [
    ("Read-only portfolio", "Portfolio", (), "Spot", "Can’t trade, transfer or withdraw."),
    ("Spot bot", "SpotBot", ("Trade",), "Spot", "Places and cancels spot orders."),
    ("Futures bot", "FuturesBot", ("Trade",), "Futures", "Places and cancels futures orders."),
    ("Tax and accounting export", "Export", (), "Spot", "Can’t trade, transfer or withdraw."),
    ("Withdraw to my own addresses", "Payouts", ("Withdraw",), "Spot", "money can leave your account"),
    ("Something else", "", (), "Spot", "Can’t trade, transfer or withdraw."),
]


def purpose(page: Page, title: str) -> Locator:
    """Return the choice of this title."""
    return section(page, "What is it for?").get_by_role("link").filter(has_text=title)


def expect_filled(page: Page, name: str, permissions: tuple[str, ...], environment: str) -> None:
    """Wait until the form is filled in so."""
    expect(field(page, "Name")).to_have_value(name)
    expect(page.get_by_role("checkbox", name="Read", exact=True)).to_be_checked()
    for permission in ("Trade", "Transfer", "Withdraw"):
        box = page.get_by_role("checkbox", name=permission, exact=True)
        expect(box).to_be_checked(checked=permission in permissions)
    expect(page.get_by_role("radio", name=environment, exact=True)).to_be_checked()


@pytest.mark.parametrize("scripts", [True, False], ids=["with script", "without"])
def test_each_purpose_fills_in_the_form(
    open_another: Callable[..., Window], running: Running, account: Account, scripts: bool
) -> None:
    page = open_another(java_script_enabled=scripts).becomes(account)
    page.goto(running.console + "/api-management/new")
    expect_filled(page, "", (), "Spot")
    for title, name, permissions, environment, said in [*PURPOSES, *reversed(PURPOSES)]:
        purpose(page, title).click()
        expect_filled(page, name, permissions, environment)
        expect(section(page, "In plain words")).to_contain_text(said)
        expect(purpose(page, title)).to_have_attribute("aria-current", "true")
        expect(page.locator("[aria-current=true][data-purpose]")).to_have_count(1)


def test_a_purpose_is_chosen_by_keyboard_and_leaves_what_was_typed(page: Page, running: Running) -> None:
    page.goto(running.console + "/api-management/new")
    field(page, "Name").fill("My own name")
    page.get_by_label("Memo").fill("A server in Vienna")
    page.get_by_label("IP addresses it may be used from").fill("203.0.113.0/24, 10.1.2.3")
    purpose(page, "Futures bot").focus()
    page.keyboard.press("Enter")
    expect(field(page, "Name")).to_be_focused()
    expect_filled(page, "My own name", ("Trade",), "Futures")
    expect(page.get_by_label("Memo")).to_have_value("A server in Vienna")
    summary = section(page, "In plain words")
    expect(summary).to_contain_text("Works only from 10.1.2.3, 203.0.113.0/24 (256 addresses).")
    button(page, "Continue").click()
    expect_title(page, "Check and confirm")
    expect(page.get_by_text("Works only from 10.1.2.3, 203.0.113.0/24 (256 addresses).")).to_be_visible()
    button(page, "Back").click()
    expect_filled(page, "My own name", ("Trade",), "Futures")
    expect(purpose(page, "Futures bot")).to_have_attribute("aria-current", "true")


def made(page: Page, account: Account, name: str) -> Values:
    """Make a key by both pages, and read it."""
    wish_for_key(page, name, "Trade")
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    give_code(page, account.authenticator.code(), press="Create key")
    return take_values(page)


@pytest.mark.clients
def test_the_line_says_why_the_first_request_was_refused_and_turns_green_with_a_real_client(
    page: Page, window: Window, running: Running, account: Account
) -> None:
    wish_for_key(page, "bot", "Trade")
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    give_code(page, account.authenticator.code(), press="Create key")
    values = read_values(page)
    test = section(page, "Test this key")
    expect(test).to_contain_text("Waiting for its first request…")

    assert not running.bot(values).is_served()
    expect(test).to_contain_text("Refused: Key not confirmed yet.")
    assert take_values(page) == values
    expect(test).to_contain_text("Waiting for its first request…")

    running.bot(Values(values.api_key, values.api_secret, "Not-this-one-9")).get("/api/v1/accounts")
    expect(test).to_contain_text("Refused: Wrong passphrase.")
    expect(test).to_contain_text("127.0.0.1")

    ccxt_client(running, values).fetch_balance()
    expect(test).to_contain_text("It works. Its first request came from 127.0.0.1.")
    expect(test.locator(".used")).to_be_visible()
    asked = len(window.asked)
    page.wait_for_timeout(4_500)
    assert len(window.asked) == asked, "nothing is asked any more"
    assert read_values(page) == values, "the values stay"


def test_the_line_is_announced_once_a_change(page: Page, running: Running, account: Account) -> None:
    values = made(page, account, "bot")
    region = page.locator(".first-use[aria-live=polite]")
    expect(region).to_have_count(1)
    page.evaluate(
        "() => { window.changes = 0; new MutationObserver(() => { window.changes += 1; })"
        ".observe(document.querySelector('.first-use'), { childList: true, subtree: true, characterData: true }); }"
    )
    page.wait_for_timeout(4_500)
    assert page.evaluate("window.changes") == 0
    assert running.bot(values).is_served()
    expect(region).to_contain_text("It works.")
    assert page.evaluate("window.changes") == 1


def test_without_script_the_way_to_the_usage_is_shown(open_another: Callable[..., Window], account: Account) -> None:
    page = open_another(java_script_enabled=False).becomes(account)
    wish_for_key(page, "bot", "Trade")
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    give_code(page, account.authenticator.code(), press="Create key")
    expect(section(page, "Test this key")).to_contain_text("the key’s usage shows what comes")


def test_an_answer_that_got_lost_leaves_a_key_that_nobody_can_use_and_that_goes_away(
    page: Page, window: Window, running: Running, account: Account
) -> None:
    """LIFE-11: the key is committed, and the connection drops before anything was shown."""
    wish_for_key(page, "lost", "Trade")
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    field(page, CODE).fill(account.authenticator.code())
    shown: list[str] = []

    def lose(route: Route) -> None:
        shown.append(route.fetch().text())
        route.abort("connectionreset")

    page.route("**/api-management/create", lose)
    button(page, "Create key").click()
    page.wait_for_url("chrome-error://**")
    secret = KEY_SECRET.findall(shown[0])[0]
    key = KEY.findall(shown[0])[0]
    bot = running.bot(Values(key, secret, "Orbit-Lemon-42"))
    assert not bot.is_served()

    page.goto(running.console + "/api-management")
    row = page.get_by_role("row").filter(has_text="lost")
    expect(row).to_contain_text("Not confirmed")
    running.clock.advance(minutes=11)
    reload_until_gone(page, row)
    assert not bot.is_served()


def test_where_switching_on_fails_the_values_stay_and_it_can_be_tried_again(
    page: Page, window: Window, running: Running, account: Account
) -> None:
    wish_for_key(page, "bot", "Trade")
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    give_code(page, account.authenticator.code(), press="Create key")
    values = read_values(page)
    page.route("**/acknowledge", lambda route: route.abort("internetdisconnected"))
    button(page, SWITCH_ON).click()
    problem = page.locator("#switch-problem")
    expect(problem).to_have_text("That did not reach us. Try again: the values are still here.")
    expect(problem).to_be_focused()
    assert read_values(page) == values
    page.unroute("**/acknowledge")
    assert take_values(page) == values
    assert running.bot(values).is_served()
    window.complaints = [said for said in window.complaints if "ERR_INTERNET_DISCONNECTED" not in said]


def test_after_ten_minutes_a_key_is_not_switched_on_any_more_and_the_page_says_so(
    page: Page, running: Running, account: Account
) -> None:
    wish_for_key(page, "late", "Trade")
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    give_code(page, account.authenticator.code(), press="Create key")
    values = read_values(page)
    running.clock.advance(minutes=10)
    button(page, SWITCH_ON).click()
    expect(page.locator("#switch-problem")).to_be_focused()
    expect(page.locator("#switch-problem")).to_contain_text(re.compile("ten minutes|deleted|no key"))
    assert not running.bot(values).is_served()
