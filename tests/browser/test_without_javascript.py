"""What works without any script: signing in, the list, and every change to a key."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.pages import (
    CODE,
    SWITCH_ON,
    button,
    expect_said,
    expect_title,
    field,
    give_code,
    link,
    read_recovery_codes,
    read_setup_key,
    read_values,
    section,
    sign_in,
    sign_out,
    sign_up,
    unfold,
    wish_for_key,
)
from tests.browser.place import Running
from tests.browser.shortcut import Account
from tests.browser.window import Window
from tests.support.visitor import PASSWORD

pytestmark = pytest.mark.browser


def test_sign_in_list_disable_enable_delete(
    open_another: Callable[..., Window], running: Running, account: Account
) -> None:
    bot = running.bot(account.makes_key("bot", "trade"))
    assert bot.is_served()
    page = open_another(java_script_enabled=False).page
    sign_in(page, running, email=account.email, password=PASSWORD)
    give_code(page, account.authenticator.code(), press="Sign in")
    row = page.get_by_role("row").filter(has_text="bot")
    expect(row).to_contain_text("Active")

    button(page, "Disable key bot").click()
    expect_said(page, "The key is disabled.")
    expect(row).to_contain_text("Disabled")
    assert not bot.is_served()

    link(page, "Enable key bot").click()
    section(page, "Enable it again").get_by_label(CODE).fill(account.authenticator.code())
    button(page, "Enable key bot").click()
    expect_said(page, "The key works again.")
    assert bot.is_served()

    button(page, "Disable key bot").click()
    link(page, "Delete key bot").click()
    page.get_by_role("checkbox", name="Delete bot for good").check()
    button(page, "Delete key bot").click()
    expect_said(page, "The key is deleted for good.")
    expect(page.get_by_text("No keys yet")).to_be_visible()
    assert not bot.is_served()
    sign_out(page)


def test_an_account_and_its_first_key(open_another: Callable[..., Window], running: Running) -> None:
    page = open_another(java_script_enabled=False).page
    sign_up(page, running, email="plain@example.org", password=PASSWORD)
    authenticator = read_setup_key(page, running)
    give_code(page, authenticator.code(), press="Confirm")
    read_recovery_codes(page)
    wish_for_key(page, "bot", "Trade", addresses="127.0.0.1")
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    give_code(page, authenticator.code(), press="Create key")
    values = read_values(page)
    assert not running.bot(values).is_served()
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)  # buttons that need a script are not there
    expect(page.get_by_role("button", name="Show:")).to_have_count(0)

    page.reload()  # which sends the form again
    expect(page.get_by_text(values.api_secret)).to_have_count(0)
    page.goto(running.console + "/api-management")
    expect(page.get_by_role("row")).to_have_count(2)  # its head, and the one key


def test_a_key_is_switched_on(open_another: Callable[..., Window], running: Running, account: Account) -> None:
    page = open_another(java_script_enabled=False).becomes(account)
    wish_for_key(page, "bot", "Trade")
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    give_code(page, account.authenticator.code(), press="Create key")
    values = read_values(page)
    assert not running.bot(values).is_served()
    button(page, SWITCH_ON).click()
    expect_said(page, "The key is on")
    expect_title(page, "bot")
    expect(page.get_by_text(values.api_secret)).to_have_count(0)
    assert running.bot(values).is_served()


def test_a_new_passphrase(open_another: Callable[..., Window], running: Running, account: Account) -> None:
    values = account.makes_key("bot", "trade")
    page = open_another(java_script_enabled=False).becomes(account)
    link(page, "Manage key bot").click()
    change = unfold(page, "Passphrase")
    change.get_by_label("Current passphrase", exact=True).fill(values.api_passphrase)
    change.get_by_label("New passphrase", exact=True).fill("Copper=Kettle_77")
    if change.get_by_label(CODE).count():
        change.get_by_label(CODE).fill(account.authenticator.code())
    button(page, "Set passphrase").click()
    expect_said(page, "The new passphrase is in force.")
    expect_title(page, "bot")
    assert not running.bot(values).is_served()
