"""The way of a withdrawal in a real browser: the address, the bot's order, the confirmation, and what is not one."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.clients import ccxt_client
from tests.browser.pages import (
    CODE,
    button,
    expect_problem,
    expect_said,
    expect_title,
    give_code,
    link,
    section,
)
from tests.browser.place import Running
from tests.browser.shortcut import Account
from tests.browser.window import Window

pytestmark = pytest.mark.browser

TRON = "TXYZabcdefghijkmnopqrstuvwxyz12345"
TITLE = "Withdraw 250 USDT"


def list_address(page: Page, running: Running, account: Account) -> None:
    """Put the address on the list, from the security page on."""
    page.goto(running.console + "/security")
    link(page, "Manage withdrawal addresses").click()
    expect_title(page, "Withdrawal addresses")
    add = section(page, "Add an address")
    add.get_by_label("Name").fill("Cold wallet")
    add.get_by_label("Currency and network").select_option("USDT · TRC20")
    add.get_by_label("Address", exact=True).fill(TRON)
    if add.get_by_label(CODE).count():
        add.get_by_label(CODE).fill(account.authenticator.code())
    button(page, "Add address").click()
    expect_said(page, "The address is on your list.")
    expect(section(page, "Your addresses")).to_contain_text("Cold wallet")


def becomes(exchange: Any, withdrawal_id: str, status: str) -> None:
    """Wait until the withdrawal has this status."""
    exchange.load_time_difference()  # codes that were waited for have set the server's clock forward
    until = time.monotonic() + 20
    while {one["id"]: one["status"] for one in exchange.fetch_withdrawals("USDT")}[withdrawal_id] != status:
        assert time.monotonic() < until
        time.sleep(0.1)


@pytest.mark.clients
def test_a_withdrawal_waits_for_a_code_of_its_own(window: Window, running: Running, account: Account) -> None:
    values = account.makes_key("payer", "withdraw", addresses="127.0.0.1")
    page = window.becomes(account)
    list_address(page, running, account)
    exchange = ccxt_client(running, values)
    exchange.load_markets()
    ordered = exchange.withdraw("USDT", 250, TRON, {"network": "TRC20"})["id"]
    becomes(exchange, ordered, "pending")

    page.goto(running.console + "/api-management")
    page.locator("summary", has_text="Profile menu").click()
    link(page, "Confirmations 1 waits for you").click()
    expect_title(page, "Confirmations")
    card = section(page, TITLE)
    for words in ("Cold wallet", "TXYZ", "trx", "250 USDT", "1.5 USDT", "payer", "127.0.0.1"):
        expect(card).to_contain_text(words)

    used = account.authenticator.code()  # a step-up, which serves ten minutes, and its code
    page.goto(running.console + "/step-up?next=/approvals")
    give_code(page, used, press="Confirm")
    expect_title(page, "Confirmations")
    card.get_by_label(CODE).fill(used)
    button(page, "Confirm the withdrawal of 250 USDT").click()
    expect_problem(page, "used before")
    becomes(exchange, ordered, "pending")

    card.get_by_label(CODE).fill(account.authenticator.code())
    button(page, "Confirm the withdrawal of 250 USDT").click()
    expect_said(page, "Confirmed. It is paid out in a moment.")
    expect(page.get_by_role("heading", name="Nothing waits for you")).to_be_visible()
    becomes(exchange, ordered, "ok")
    assert exchange.fetch_balance({"type": "main"})["USDT"]["total"] == 9748.5
    page.reload()
    expect(section(page, "Earlier")).to_contain_text("confirmed and paid out")


@pytest.mark.clients
def test_a_withdrawal_is_refused_without_a_code(window: Window, running: Running, account: Account) -> None:
    values = account.makes_key("payer", "withdraw", addresses="127.0.0.1")
    page = window.becomes(account)
    list_address(page, running, account)
    exchange = ccxt_client(running, values)
    exchange.load_markets()
    ordered = exchange.withdraw("USDT", 250, TRON, {"network": "TRC20"})["id"]
    page.goto(running.console + "/approvals")
    button(page, "Refuse the withdrawal of 250 USDT").click()
    expect_said(page, "Refused. Nothing goes out, and the money is yours to use again.")
    becomes(exchange, ordered, "failed")
    assert exchange.fetch_balance({"type": "main"})["USDT"]["free"] == 10_000
