"""The way of one key, from an account's first page to the key's end, with real clients at the gateway all along."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.clients import ccxt_client
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
    reload_until,
    section,
    sign_up,
    take_values,
    unfold,
)
from tests.browser.place import Running
from tests.browser.secrecy import expect_not_in_addresses, expect_nothing_kept
from tests.browser.window import Window
from tests.support.server import Values

pytestmark = pytest.mark.browser


@pytest.mark.clients
def test_a_key_from_signing_up_to_its_end(window: Window, running: Running) -> None:
    """Also LEAK-08 and LEAK-10: of all this, nothing secret is in an address or stays in the browser's stores."""
    import ccxt

    page = window.page
    old, new = "Harbour-Lamp-31", "Copper=Kettle_77"

    sign_up(page, running, email="grace@example.org", password="a-kettle-sings-at-dusk")
    authenticator = read_setup_key(page, running)
    give_code(page, authenticator.code(), press="Confirm")
    codes = read_recovery_codes(page)
    assert len(set(codes)) == 10
    link(page, "I have stored them").click()
    expect_title(page, "Security")
    expect(section(page, "Authenticator")).to_contain_text("On")
    expect(section(page, "Recovery codes")).to_contain_text("10 left")

    page.locator("summary", has_text="Profile menu").click()
    link(page, "API Management").click()
    expect(page.get_by_role("heading", name="No keys yet")).to_be_visible()
    link(page, "Create API").click()
    field(page, "Name").fill("TradingBot-StrategyA")
    page.get_by_label("Memo").fill("Bot Trading – Server A")
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(1)  # reading, and nothing else
    page.get_by_role("checkbox", name="Trade", exact=True).check()
    button(page, "Continue").click()
    expect_title(page, "Check and confirm")
    expect(page.get_by_text("Places and cancels spot orders.")).to_be_visible()
    expect(page.get_by_text("Works from any address.", exact=True)).to_be_visible()
    field(page, "Passphrase of the key").fill(old)
    give_code(page, authenticator.code(), press="Create key")
    values = take_values(page)
    assert values.api_passphrase == old
    link(page, "I am done here").click()

    exchange = ccxt_client(running, values)
    exchange.load_markets()
    bought = exchange.create_order("BTC/USDT", "market", "buy", 0.001)["id"]
    assert exchange.fetch_order(bought, "BTC/USDT")["filled"] == 0.001
    row = page.get_by_role("row").filter(has_text="TradingBot-StrategyA")
    expect(row).to_contain_text("Bot Trading – Server A")
    reload_until(row, "127.0.0.1")  # the last use, which is written a moment later

    button(page, "Disable key TradingBot-StrategyA").click()
    expect(row).to_contain_text("Disabled")
    with pytest.raises(ccxt.AuthenticationError, match="400003"):
        exchange.fetch_balance()

    running.clock.advance(minutes=11)  # the code given for the key serves no longer
    link(page, "Enable key TradingBot-StrategyA").click()
    enable = section(page, "Enable it again")
    enable.get_by_label(CODE).fill(authenticator.code())
    enable.get_by_role("button").click()
    expect_said(page, "The key works again.")
    exchange.load_time_difference()
    assert exchange.fetch_balance()["BTC"]["total"] > 0

    change = unfold(page, "Passphrase")
    change.get_by_label("Current passphrase", exact=True).fill("Not-the-one-44")
    change.get_by_label("New passphrase", exact=True).fill(new)
    button(page, "Set passphrase").click()
    expect_problem(page, "passphrase")
    change.get_by_label("Current passphrase", exact=True).fill(old)
    change.get_by_label("New passphrase", exact=True).fill(new)
    button(page, "Set passphrase").click()
    expect_said(page, "The new passphrase is in force.")
    with pytest.raises(ccxt.AuthenticationError, match="400004"):
        exchange.fetch_balance()
    renewed = ccxt_client(running, Values(values.api_key, values.api_secret, new))
    renewed.load_markets()
    assert renewed.create_order("BTC/USDT", "market", "sell", 0.001)["id"]

    expect(section(page, "Delete for good")).to_contain_text("Disable the key first.")
    button(page, "Disable key TradingBot-StrategyA").click()
    expect_said(page, "The key is disabled.")
    link(page, "Delete key TradingBot-StrategyA").click()
    expect(section(page, "Delete for good")).to_contain_text("A deleted key can't be brought back.")
    page.get_by_role("checkbox", name="Delete TradingBot-StrategyA for good").check()
    button(page, "Delete key TradingBot-StrategyA").click()
    expect_said(page, "The key is deleted for good.")
    expect(page.get_by_role("heading", name="No keys yet")).to_be_visible()
    for _ in range(2):
        with pytest.raises(ccxt.AuthenticationError, match="400003"):
            renewed.fetch_balance()
    page.goto(f"{running.console}/api-management/{values.api_key}")
    expect(page.get_by_role("heading", name="TradingBot-StrategyA")).to_have_count(0)

    secrets = [values.api_secret, old, new, authenticator.secret, "a-kettle-sings-at-dusk", *codes]
    expect_not_in_addresses(window, secrets)
    expect_nothing_kept(window)
