"""A bot's key is rotated through a master connection by a person in a browser, and nobody goes to the exchange."""

from __future__ import annotations

import os

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import CODE, button, expect_said, expect_title, field, section
from tests.browser.test_exchanges import CONFIRM, Exchanges, Trader, exchanges, running, trader
from tests.doubles.exchange import DoubleKey

__all__ = ["exchanges", "running", "trader"]

pytestmark = pytest.mark.browser

SUB = "gridbot7"


def gives(trader: Trader, name: str, key: DoubleKey) -> None:
    """Fill in the form for a key, and send it."""
    for label, text in (("Name", name), ("API key", key.key), ("API secret", key.secret)):
        field(trader.page, label).fill(text)
    field(trader.page, "Passphrase").fill(key.passphrase)
    confirms(trader, CONFIRM)


def confirms(trader: Trader, name: str) -> None:
    """Give a code where one is asked for, and press a button."""
    code = field(trader.page, CODE).first
    if code.count() and code.is_visible():
        code.fill(trader.account.authenticator.code())
    button(trader.page, name).click()


def shot(page: Page, name: str) -> None:
    """Keep what the page looks like, where somebody wants to see it."""
    if folder := os.environ.get("KEYWRIGHT_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_key_is_rotated_through_its_master_and_the_old_one_deleted_there(
    trader: Trader, exchanges: Exchanges
) -> None:
    page, kucoin = trader.page, exchanges.kucoin
    address = trader.begins("KuCoin")
    first = kucoin.sub_accounts.new_key(SUB, addresses=(address,))
    gives(trader, "night grid", first)
    expect_title(page, "night grid")
    page.goto(f"{page.url.partition('/exchanges')[0]}/keys")
    address = trader.begins("KuCoin")
    master = kucoin.new_key("General", addresses=(address,))
    page.get_by_label("A master key", exact=False).check()
    gives(trader, "head", master)
    expect(section(page, "The key was not taken")).to_contain_text("make and delete keys")
    expect(page.get_by_label("A master key", exact=False)).to_be_checked()
    page.locator("input[name=accept][value=sub-account-keys]").check()
    shot(page, "master-refused")
    gives(trader, "head", master)
    expect_title(page, "head")
    trader.looks()
    shot(page, "master")
    page.goto(page.url.rsplit("/", 1)[0])
    page.get_by_role("link", name="night grid").first.click()
    page.get_by_label("Master connection").select_option("head")
    confirms(trader, "Save how the key is rotated")
    expect_said(page, "How the key is rotated is changed.")
    trader.looks()
    shot(page, "named")
    confirms(trader, "Rotate the key of night grid now")
    expect(section(page, "The key is being rotated")).to_contain_text("Finishing deletes it at KuCoin")
    assert len(kucoin.sub_accounts.of(SUB)) == 2
    trader.looks()
    shot(page, "switched")
    confirms(trader, "Finish the rotation")
    expect_said(page, "The rotation is finished.")
    assert first.deleted
    assert len(kucoin.sub_accounts.of(SUB)) == 1
