"""What pages do by themselves: measure, add, sum up, copy, lock a file, change a row in place."""

from __future__ import annotations

import re
from pathlib import Path

import pyrage
import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import (
    CODE,
    button,
    expect_problem,
    expect_said,
    expect_title,
    field,
    give_code,
    link,
    read_values,
    section,
    wish_for_key,
)
from tests.browser.place import ELSEWHERE, Running
from tests.browser.shortcut import Account
from tests.browser.window import Window
from tests.support.server import Values

pytestmark = pytest.mark.browser


@pytest.fixture
def values(page: Page, account: Account) -> Values:
    """Make a key; its page is open."""
    wish_for_key(page, "bot", "Trade")
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    give_code(page, account.authenticator.code(), press="Create key")
    return read_values(page)


def test_each_copy_button_copies_one_value_and_says_so(window: Window, page: Page, values: Values) -> None:
    window.context.grant_permissions(["clipboard-read", "clipboard-write"])
    lock = field(page, "Password for the file")
    copies = {"API key": values.api_key, "Secret": values.api_secret, "Passphrase": values.api_passphrase}
    for name, value in copies.items():
        button(page, f"Copy: {name}").click()
        expect_said(page, "Copied")
        lock.fill("")
        lock.press("Control+V")
        expect(lock).to_have_value(value)
    button(page, "Copy: ccxt").click()
    expect_said(page, "Copied")
    lock.fill("")
    lock.press("Control+V")
    expect(lock).to_have_value(re.compile("^import ccxt"))


def test_no_snippet_carries_the_values(page: Page, values: Values) -> None:
    snippets = page.locator("pre").all_text_contents()
    assert len(snippets) >= 3
    for snippet in snippets:
        assert "KUCOIN_SECRET_KEY" in snippet
        assert not [value for value in (values.api_key, values.api_secret, values.api_passphrase) if value in snippet]


def test_the_values_are_downloaded_locked(page: Page, values: Values, tmp_path: Path) -> None:
    field(page, "Password for the file").fill("a-lock-for-the-file-only")
    with page.expect_download() as downloading:
        button(page, "Download").click()
    assert re.fullmatch(r"keywright-[0-9a-f]{8}\.env\.age", downloading.value.suggested_filename)
    file = tmp_path / "values.age"
    downloading.value.save_as(file)
    sealed = file.read_bytes()
    assert sealed.startswith(b"age-encryption.org/v1\n")
    assert values.api_secret.encode() not in sealed
    assert pyrage.passphrase.decrypt(sealed, "a-lock-for-the-file-only").decode() == (
        f"KUCOIN_API_KEY={values.api_key}\nKUCOIN_SECRET_KEY={values.api_secret}\n"
        f"KUCOIN_PASSPHRASE={values.api_passphrase}\n"
    )
    assert read_values(page) == values  # the page is still there, and so is what it shows


def test_strength_is_shown_while_a_passphrase_is_typed(page: Page) -> None:
    wish_for_key(page, "bot")
    passphrase = field(page, "Passphrase of the key")
    passphrase.press_sequentially("Passw0rd")
    expect(page.get_by_text("Easily guessed.")).to_be_visible()
    passphrase.press_sequentially("-under-47-Lamps")
    expect(page.get_by_text("Very good.")).to_be_visible()
    expect(passphrase).to_have_attribute("type", "password")
    button(page, "Show: Passphrase of the key").click()
    expect(passphrase).to_have_attribute("type", "text")
    expect(passphrase).to_have_value("Passw0rd-under-47-Lamps")


def test_the_summary_follows_what_is_ticked(page: Page, running: Running) -> None:
    page.goto(running.console + "/api-management/new")
    summary = section(page, "In plain words")
    expect(summary).to_contain_text("Can’t trade, transfer or withdraw.")
    expect(summary).to_contain_text("Does not expire.")
    page.get_by_role("checkbox", name="Trade", exact=True).check()
    expect(summary).to_contain_text("Places and cancels spot orders.")
    expect(summary).to_contain_text("Expires 90 days after it is made")
    page.get_by_role("radio", name="Futures", exact=True).check()
    expect(summary).to_contain_text("Places and cancels futures orders.")
    expect(summary).to_contain_text("Works with the futures API only.")
    page.get_by_role("checkbox", name="Withdraw", exact=True).check()
    expect(summary).to_contain_text("Withdraws: money can leave your account.")
    expect(summary).to_contain_text("needs at least one address")
    page.get_by_label("IP addresses it may be used from").press_sequentially("203.0.113.7")
    expect(summary).to_contain_text("Works only from 203.0.113.7.")
    expect(summary).to_contain_text("Does not expire.")


def test_add_my_current_address_fills_it_in_once(page: Page, running: Running) -> None:
    page.goto(running.console + "/api-management/new")
    addresses = page.get_by_label("IP addresses it may be used from")
    addresses.fill("203.0.113.7")
    add = button(page, "Add my current address")
    add.click()
    expect(addresses).to_have_value("203.0.113.7\n127.0.0.1")
    expect(addresses).to_be_focused()
    add.click()
    expect(addresses).to_have_value("203.0.113.7\n127.0.0.1")
    expect(section(page, "In plain words")).to_contain_text("Works only from 127.0.0.1, 203.0.113.7.")


def test_a_key_is_switched_off_in_its_row(window: Window, running: Running, account: Account) -> None:
    """One click; the page stays, says so to readers, and the focus is where it was."""
    bot = running.bot(account.makes_key("bot", "trade"))
    account.makes_key("other", passphrase="Copper=Kettle_77")
    page = window.becomes(account)
    asked = len(window.asked)
    button(page, "Disable key bot").click()
    expect_said(page, "Key bot: Disabled")
    assert not bot.is_served()
    expect(link(page, "Enable key bot")).to_be_focused()
    expect(page.get_by_role("row").filter(has_text="other")).to_contain_text("Active")
    assert not [request for request in window.asked[asked:] if request.is_navigation_request()]


def test_a_script_that_gets_no_answer_falls_back_to_the_form(
    window: Window, running: Running, account: Account
) -> None:
    account.makes_key("bot")
    page = window.becomes(account)
    page.route(
        "**/disable", lambda route: route.abort() if route.request.resource_type != "document" else route.continue_()
    )
    button(page, "Disable key bot").click()
    expect_said(page, "The key is disabled.")
    window.complaints.clear()


def test_five_keys_are_all_there_can_be_and_the_list_says_why(window: Window, account: Account) -> None:
    for number in range(1, 6):
        account.makes_key(f"bot {number}", passphrase=f"Orbit-Lemon-4{number}")
    page = window.becomes(account)
    expect(link(page, "Create API")).to_have_count(0)
    expect(page.get_by_text("You have 5 of 5 keys, and disabled ones count.")).to_be_visible()


def test_errors_name_the_field_and_lead_to_it(page: Page, running: Running) -> None:
    page.goto(running.console + "/api-management/new")
    field(page, "Name").fill("bot")
    page.get_by_role("checkbox", name="Withdraw", exact=True).check()
    page.get_by_label("IP addresses it may be used from").fill("0.0.0.0/0")
    button(page, "Continue").click()
    expect_problem(page)
    page.get_by_role("region", name="Something needs your attention").get_by_role("link").click()
    expect(page.get_by_label("IP addresses it may be used from")).to_be_focused()
    assert page.title().startswith("Error:")


def test_by_another_address_there_is_only_a_warning(window: Window, running: Running) -> None:
    page = window.page
    for path in ("/", "/sign-in", "/api-management", "/sign-up"):
        page.goto(running.console.replace("localhost", ELSEWHERE) + path)
        expect_title(page, "This is not our address")
        expect(page.get_by_text("Type nothing here")).to_be_visible()
        expect(page.get_by_role("textbox")).to_have_count(0)
    link(page, "Go to the official address").click()
    expect_title(page, "Sign in")
    expect(page.get_by_text("It must begin with")).to_be_visible()
    assert page.url == running.console + "/sign-in"
    expect(page.get_by_text(running.console, exact=True).first).to_be_visible()
    assert CODE
