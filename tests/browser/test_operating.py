"""K21, N8, N17: an operator's day at the console, and what a customer, a bot and a program notice of it at once."""

from __future__ import annotations

import httpx2
import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import button, expect_said, expect_title, field, give_code, link, section
from tests.browser.place import Running
from tests.browser.shortcut import Account, new_account
from tests.browser.window import Window
from tests.support.server import Values

pytestmark = pytest.mark.browser


@pytest.fixture
def operator(account: Account, running: Running, window: Window) -> Account:
    """Give an operator, at the list of accounts."""
    account.post("/operator/claim", at="/operator", code=running.operator_link().partition("#")[2])
    window.becomes(account)
    window.page.goto(running.console + "/operator")
    return account


def saves_policy(page: Page, operator: Account, **rules: str) -> None:
    link(page, "Policy").click()
    expect_title(page, "Policy")
    for label, value in rules.items():
        field(page, label.replace("_", " ")).fill(value)
    if page.get_by_label("Code from your authenticator").count():
        give_code(page, operator.authenticator.code(), press="Save policy")
    else:
        button(page, "Save policy").click()
    expect_said(page, "The policy is saved.")


def orders(running: Running, values: Values) -> str:
    order = {"symbol": "BTC-USDT", "side": "buy", "type": "limit", "price": "50000", "size": "0.001"}
    return str(running.bot(values).post("/api/v1/hf/orders", **order).code)


def test_k21_an_operators_decisions_count_at_once_and_stand_in_the_log(
    window: Window, running: Running, operator: Account
) -> None:
    page, customer = window.page, new_account(running, name="customer")
    values = customer.makes_key("bot", "trade", addresses="127.0.0.1")
    try:
        saves_policy(page, operator, Keys_per_account="1")
        shown = customer.client.get("/api-management/new")
        assert "at most 1 keys" in shown.text
    finally:
        saves_policy(page, operator, Keys_per_account="")
    assert customer.client.get("/api-management/new").status_code == 200

    assert orders(running, values) == "200000"
    link(page, "Frozen permissions").click()
    button(page, "Freeze Trade everywhere").click()
    expect_said(page, "Frozen. Every call that takes this permission is refused")
    assert orders(running, values) == "400007"
    section(page, "Trade").get_by_role("button").click()
    expect_said(page, "The freeze is lifted.")
    assert orders(running, values) == "200000"

    link(page, "Service tokens").click()
    link(page, "New service token").click()
    field(page, "Name").fill("risk desk")
    page.get_by_role("checkbox", name="accounts:read", exact=True).check()
    page.get_by_label("It works from anywhere").check()
    button(page, "Make service token").click()
    token = page.get_by_role("group", name="Service token", exact=True).inner_text()
    asked = f"{running.console}/api/management/v1/accounts?search={customer.email}"
    with httpx2.Client(headers={"authorization": f"Bearer {token}"}) as program:
        (found,) = program.get(asked).json()["accounts"]
        assert found["email"] == customer.email
        link(page, "I have stored it").click()
        expect_title(page, "Service tokens")
        page.go_back()
        expect(page.get_by_text(token)).to_have_count(0)
        page.goto(running.console + "/operator/tokens")
        button(page, "Disable service token risk desk").first.click()
        expect_said(page, "The service token is disabled.")
        assert program.get(asked).status_code == 401

    link(page, "Audit log").click()
    for kind in ("policy.changed", "permission.unfrozen", "token.disabled"):
        page.get_by_label("Kind").select_option(kind)
        button(page, "Show").click()
        expect(page.get_by_role("link", name=operator.email).first).to_be_visible()
    customer.client.close()
