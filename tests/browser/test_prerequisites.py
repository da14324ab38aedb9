"""K2 in a browser: an exchange's checklist, each step done where it leads, and API Management opens."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.pages import (
    button,
    expect_problem,
    expect_said,
    expect_title,
    field,
    give_code,
    link,
    read_recovery_codes,
    read_setup_key,
    section,
    sign_up,
)
from tests.browser.place import Running, started
from tests.browser.window import Window, open_window
from tests.support.visitor import PASSWORD

pytestmark = pytest.mark.browser

STEPS = (
    "Set up an authenticator",
    "Set a trading password",
    "Verify your identity",
    "Whitelist your withdrawal addresses",
)


@pytest.fixture
def exchange(tmp_path: Path) -> Iterator[Running]:
    """Give a sandbox that asks for what an exchange does."""
    with started(tmp_path, KEYWRIGHT_PROFILE="exchange") as server:
        yield server


@pytest.fixture
def newcomer(browser: Browser, exchange: Running) -> Iterator[Window]:
    """Give a window before it."""
    window = open_window(browser, exchange)
    yield window
    window.context.close()
    assert not window.complaints


def left(page: Page, running: Running) -> list[str]:
    """Return the steps that are still to be done."""
    page.goto(running.console + "/api-management")
    expect_title(page, "API Management")
    offered = section(page, "Before your first key").get_by_role("link", name="Start: ")
    return [(name or "").removeprefix("Start: ") for name in offered.evaluate_all("all => all.map(a => a.ariaLabel)")]


def test_k2_the_checklist_of_an_exchange_is_worked_off_step_by_step(newcomer: Window, exchange: Running) -> None:
    page = newcomer.page
    sign_up(page, exchange, email="ada@example.org", password=PASSWORD)
    assert left(page, exchange) == list(STEPS)
    link(page, f"Start: {STEPS[0]}").click()
    authenticator = read_setup_key(page, exchange)
    give_code(page, authenticator.code(), press="Confirm")
    read_recovery_codes(page)

    assert left(page, exchange) == list(STEPS[1:])
    page.goto(exchange.console + "/api-management/new")
    expect_title(page, "API Management")

    link(page, f"Start: {STEPS[1]}").click()
    field(page, "New trading password").fill("123456")
    field(page, "Your account’s password").fill(PASSWORD)
    give_code(page, authenticator.code(), press="Set trading password")
    expect_problem(page, "easily guessed")
    field(page, "New trading password").fill("k7Qz2m")
    field(page, "Your account’s password").fill(PASSWORD)
    button(page, "Set trading password").click()
    expect_said(page, "Your trading password is set.")

    assert left(page, exchange) == list(STEPS[2:])
    link(page, f"Start: {STEPS[2]}").click()
    field(page, "Full name").fill("Ada Lovelace")
    field(page, "Country that issued the document").select_option("United Kingdom")
    field(page, "Kind of document").select_option("Passport")
    field(page, "Last four characters of its number").fill("1815")
    button(page, "Submit").click()
    expect_said(page, "Your identity is verified.")

    assert left(page, exchange) == list(STEPS[3:])
    link(page, f"Start: {STEPS[3]}").click()
    expect_title(page, "Withdrawal addresses")
    button(page, "Switch on").click()
    expect_said(page, "Every withdrawal goes to your addresses only.")

    page.goto(exchange.console + "/api-management")
    expect(page.get_by_role("heading", name="No keys yet")).to_be_visible()
    link(page, "Create API").click()
    expect_title(page, "Create an API key")


def test_k3_ones_own_phrase_is_seen_between_password_and_code(
    window: Window, open_another: Callable[..., Window], running: Running
) -> None:
    page = window.page
    sign_up(page, running, email="phrased@example.org", password=PASSWORD)
    authenticator = read_setup_key(page, running)
    give_code(page, authenticator.code(), press="Confirm")
    read_recovery_codes(page)
    page.goto(running.console + "/security")
    link(page, "Choose your own phrase").click()
    field(page, "Phrase optional").fill("blue otters at tea")
    give_code(page, authenticator.code(), press="Save phrase")
    expect_said(page, "Saved.")
    link(page, "Change your password").click()
    field(page, "Current password").fill(PASSWORD)
    field(page, "New password").fill("four-otters-in-amber")
    button(page, "Change password").click()
    expect_said(page, "Your password is changed.")
    page.locator("summary", has_text="Profile menu").click()
    button(page, "Sign out").click()
    expect_said(page, "You are signed out.")
    for where, sees in ((window, True), (open_another(), False)):
        where.page.goto(running.console + "/sign-in")
        expect(where.page.get_by_text("blue otters at tea")).to_have_count(0)
        field(where.page, "E-mail address").fill("phrased@example.org")
        field(where.page, "Password").fill("four-otters-in-amber")
        button(where.page, "Continue").click()
        expect_title(where.page, "Enter your code")
        expect(where.page.get_by_text("blue otters at tea")).to_have_count(1 if sees else 0)
