"""Codes that are wrong, late, used or too many: what is said, and that nothing typed is lost. And how long a right one serves."""

from __future__ import annotations

import re
from collections.abc import Callable

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
from tests.browser.place import STEP_MS, Running
from tests.browser.shortcut import Account
from tests.browser.window import Window
from tests.support.visitor import PASSWORD

pytestmark = pytest.mark.browser

NOT_RIGHT = "that code is not right"
HAS_TO_BE_TYPED = re.compile("Code from your authenticator")


def expect_code_refused(page: Page, said: str) -> None:
    """Wait until the page says so on top, and beside the field, which is empty again."""
    expect_problem(page, re.compile(said, re.IGNORECASE))
    code = field(page, CODE)
    expect(code).to_have_attribute("aria-invalid", "true")
    expect(code).to_have_accessible_description(re.compile(said, re.IGNORECASE))
    expect(code).to_be_empty()


# ── on the way in


def test_a_wrong_code_is_said_to_be_wrong_and_the_next_one_lets_in(
    window: Window, running: Running, account: Account
) -> None:
    page = window.page
    sign_in(page, running, email=account.email, password=PASSWORD)
    for code in (account.authenticator.wrong_code(), "12345", "1234567", "١٢٣٤٥٦"):
        give_code(page, code, press="Sign in")
        expect_code_refused(page, NOT_RIGHT)
    give_code(page, account.authenticator.code(), press="Sign in")
    expect_title(page, "API Management")


def test_a_late_code_is_refused_and_one_of_a_step_ago_is_not(
    window: Window, running: Running, account: Account
) -> None:
    page, authenticator = window.page, account.authenticator
    late = authenticator.code()
    running.clock.advance(minutes=2)
    sign_in(page, running, email=account.email, password=PASSWORD)
    give_code(page, late, press="Sign in")
    expect_code_refused(page, NOT_RIGHT)
    slow = authenticator.code()
    running.clock.advance(ms=STEP_MS - running.clock() % STEP_MS)  # while it was being typed, the next step began
    give_code(page, slow, press="Sign in")
    expect_title(page, "API Management")


def test_2fa_01_a_code_that_served_once_is_refused_everywhere(
    open_another: Callable[..., Window], running: Running, account: Account
) -> None:
    first, second = open_another().page, open_another().page
    code = account.authenticator.code()
    sign_in(second, running, email=account.email, password=PASSWORD)
    sign_in(first, running, email=account.email, password=PASSWORD)
    give_code(first, code, press="Sign in")
    expect_title(first, "API Management")
    give_code(second, code, press="Sign in")
    expect_code_refused(second, "that code was used before")
    expect(field(second, CODE)).to_have_accessible_description(re.compile(r"wait \d+ s for the next one"))
    give_code(second, account.authenticator.code(), press="Sign in")
    expect_title(second, "API Management")


def test_too_many_wrong_codes_have_to_wait_and_say_how_long(window: Window, running: Running, account: Account) -> None:
    page = window.page
    sign_in(page, running, email=account.email, password=PASSWORD)
    for _ in range(5):
        give_code(page, account.authenticator.wrong_code(), press="Sign in")
        expect_code_refused(page, NOT_RIGHT)
    give_code(page, account.authenticator.code(), press="Sign in")
    expect_code_refused(page, r"too many attempts")
    expect(field(page, CODE)).to_have_accessible_description(re.compile(r"Wait \d min"))
    running.clock.advance(minutes=5)
    give_code(page, account.authenticator.code(), press="Sign in")
    expect_title(page, "API Management")


def test_2fa_09_a_stranger_who_uses_up_the_attempts_locks_no_known_browser_out(
    open_another: Callable[..., Window], running: Running, account: Account
) -> None:
    known, stranger = open_another().page, open_another().page
    sign_in(known, running, email=account.email, password=PASSWORD)
    give_code(known, account.authenticator.code(), press="Sign in")
    sign_out(known)
    sign_in(stranger, running, email=account.email, password=PASSWORD)
    for said in (*[NOT_RIGHT] * 5, "too many attempts"):
        give_code(stranger, account.authenticator.wrong_code(), press="Sign in")
        expect_code_refused(stranger, said)
    sign_in(known, running, email=account.email, password=PASSWORD)
    give_code(known, account.authenticator.code(), press="Sign in")
    expect_title(known, "API Management")


# ── recovery codes


def test_2fa_03_a_recovery_code_lets_in_once_however_it_is_typed(
    open_another: Callable[..., Window], running: Running, account: Account
) -> None:
    code, another = account.recovery_codes[:2]
    page = open_another().page
    sign_in(page, running, email=account.email, password=PASSWORD)
    link(page, "Use a recovery code").click()
    field(page, "Recovery code").fill(f" {code.upper().replace('-', ' ')} ")
    button(page, "Sign in").click()
    expect_title(page, "Security")
    expect(section(page, "Recovery codes")).to_contain_text("9 left")

    again = open_another().page
    sign_in(again, running, email=account.email, password=PASSWORD)
    link(again, "Use a recovery code").click()
    for spent in (code, code.upper(), "aaaa-bbbb-cccc-dddd"):
        field(again, "Recovery code").fill(spent)
        button(again, "Sign in").click()
        expect_problem(again, re.compile("that recovery code is not right", re.IGNORECASE))
    field(again, "Recovery code").fill(another)
    button(again, "Sign in").click()
    expect_title(again, "Security")


def test_2fa_04_new_recovery_codes_take_the_place_of_the_old(
    open_another: Callable[..., Window], running: Running, account: Account
) -> None:
    running.clock.advance(minutes=11)
    page = open_another().becomes(account)
    page.goto(running.console + "/security")
    part = section(page, "Recovery codes")
    part.get_by_label(CODE).fill(account.authenticator.code())
    part.get_by_role("button").click()
    fresh = read_recovery_codes(page)
    assert len(set(fresh)) == 10
    assert not set(fresh) & set(account.recovery_codes)

    other = open_another().page
    sign_in(other, running, email=account.email, password=PASSWORD)
    link(other, "Use a recovery code").click()
    field(other, "Recovery code").fill(account.recovery_codes[0])
    button(other, "Sign in").click()
    expect_problem(other)
    field(other, "Recovery code").fill(fresh[0])
    button(other, "Sign in").click()
    expect_title(other, "Security")


# ── enrolling


def test_a_wrong_first_code_does_not_undo_the_scan(window: Window, running: Running) -> None:
    page = window.page
    sign_up(page, running, email="late@example.org", password=PASSWORD)
    authenticator = read_setup_key(page, running)
    give_code(page, authenticator.wrong_code(), press="Confirm")
    expect_code_refused(page, NOT_RIGHT)
    expect(page.get_by_role("img", name="QR code")).to_have_count(0)
    running.clock.advance(minutes=13)
    give_code(page, authenticator.code(), press="Confirm")
    assert len(read_recovery_codes(page)) == 10


def test_a_first_code_after_a_quarter_of_an_hour_starts_anew(window: Window, running: Running) -> None:
    page = window.page
    sign_up(page, running, email="later@example.org", password=PASSWORD)
    abandoned = read_setup_key(page, running)
    running.clock.advance(minutes=16)
    give_code(page, abandoned.code(), press="Confirm")
    expect_problem(page, re.compile("this took too long", re.IGNORECASE))
    button(page, "Start again with a new QR code").click()
    groups = page.get_by_role("group", name="Or type this key into it")
    expect(groups).to_be_visible()
    assert "".join(groups.inner_text().split()) != abandoned.secret


def test_another_authenticator_takes_the_place_of_the_first_and_ends_other_sessions(
    open_another: Callable[..., Window], running: Running, account: Account
) -> None:
    page = open_another().becomes(account)
    elsewhere = open_another().page
    sign_in(elsewhere, running, email=account.email, password=PASSWORD)
    give_code(elsewhere, account.authenticator.code(), press="Sign in")
    expect_title(elsewhere, "API Management")

    running.clock.advance(minutes=11)
    page.goto(running.console + "/security")
    link(page, "Replace your authenticator").click()
    field(page, CODE).fill(account.authenticator.code())
    new = read_setup_key(page, running)
    assert new.secret != account.authenticator.secret
    give_code(page, new.code(), press="Confirm")
    expect_said(page, "Your authenticator is set up.")

    elsewhere.reload()
    expect_title(elsewhere, "Sign in")
    sign_in(elsewhere, running, email=account.email, password=PASSWORD)
    give_code(elsewhere, account.authenticator.code(), press="Sign in")
    expect_code_refused(elsewhere, NOT_RIGHT)
    give_code(elsewhere, new.code(), press="Sign in")
    expect_title(elsewhere, "API Management")


# ── forms that ask for a code, and for how long they don't


def test_a_wrong_code_loses_nothing_of_a_new_key(page: Page, account: Account) -> None:
    """Of the passphrase it does: a secret never comes back filled in."""
    wish_for_key(page, "Grid bot", "Trade", memo="Rack 4", addresses="203.0.113.7 198.51.100.0/24")
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    give_code(page, account.authenticator.wrong_code(), press="Create key")
    expect_code_refused(page, NOT_RIGHT)
    expect(page.get_by_role("heading", name="Grid bot")).to_be_visible()
    expect(page.get_by_text("Works only from 198.51.100.0/24 (256 addresses), 203.0.113.7.")).to_be_visible()
    button(page, "Back").click()
    expect(field(page, "Name")).to_have_value("Grid bot")
    expect(page.get_by_label("Memo")).to_have_value("Rack 4")
    expect(page.get_by_role("checkbox", name="Trade", exact=True)).to_be_checked()
    expect(page.get_by_role("checkbox", name="Withdraw", exact=True)).not_to_be_checked()
    expect(page.get_by_label("IP addresses it may be used from")).to_have_value("203.0.113.7 198.51.100.0/24")
    button(page, "Continue").click()
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    give_code(page, account.authenticator.code(), press="Create key")
    assert read_values(page).api_passphrase == "Orbit-Lemon-42"


def test_a_wrong_code_loses_nothing_of_new_addresses(window: Window, running: Running, account: Account) -> None:
    account.makes_key("bot", "trade")
    page = window.becomes(account)
    running.clock.advance(minutes=11)
    page.reload()
    link(page, "Manage key bot").click()
    part = unfold(page, "Addresses")
    part.get_by_label("IP addresses it may be used from").fill("203.0.113.7\n2001:db8::/48")
    part.get_by_label(CODE).fill(account.authenticator.wrong_code())
    button(page, "Save addresses").click()
    expect_problem(page, re.compile(NOT_RIGHT, re.IGNORECASE))
    part = unfold(page, "Addresses")
    expect(part.get_by_label("IP addresses it may be used from")).to_have_value("203.0.113.7\n2001:db8::/48")
    part.get_by_label(CODE).fill(account.authenticator.code())
    button(page, "Save addresses").click()
    expect_said(page, "The addresses are changed.")
    expect(page.get_by_role("definition").filter(has_text="203.0.113.7")).to_contain_text("2001:db8::/48")


def test_2fa_16_a_code_serves_for_ten_minutes_and_then_sensitive_forms_ask_again(
    window: Window, running: Running, account: Account
) -> None:
    account.makes_key("bot", "trade")
    page = window.becomes(account)
    page.goto(running.console + "/step-up?next=/api-management")
    give_code(page, account.authenticator.code(), press="Confirm")
    expect_said(page, "Confirmed. For ten minutes you will not be asked for a code again.")
    forms = ("/api-management/new", "/security", "/security/authenticator")

    running.clock.advance(minutes=9)
    link(page, "Manage key bot").click()
    for fold in ("Addresses", "Passphrase"):
        expect(unfold(page, fold).get_by_label(CODE)).to_have_count(0)
    unfold(page, "Addresses").get_by_label("IP addresses it may be used from").fill("203.0.113.7")
    button(page, "Save addresses").click()
    expect_said(page, "The addresses are changed.")
    for path in forms[1:]:
        page.goto(running.console + path)
        expect(page.get_by_label(HAS_TO_BE_TYPED)).to_have_count(0)
    wish_for_key(page, "second")
    expect(page.get_by_label(HAS_TO_BE_TYPED)).to_have_count(0)

    running.clock.advance(minutes=2)
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    button(page, "Create key").click()  # the page was shown before its time was over
    expect_problem(page, re.compile("second factor", re.IGNORECASE))
    expect(field(page, CODE)).to_be_visible()
    page.goto(running.console + "/api-management")
    link(page, "Manage key bot").click()
    for fold in ("Addresses", "Passphrase"):
        expect(unfold(page, fold).get_by_label(CODE)).to_be_visible()
    for path in forms[1:]:
        page.goto(running.console + path)
        expect(page.get_by_label(HAS_TO_BE_TYPED)).to_have_count(1)
    page.goto(running.console + "/api-management")
    button(page, "Disable key bot").click()  # switching off never asks
    expect(page.get_by_role("row").filter(has_text="bot")).to_contain_text("Disabled")
    link(page, "Delete key bot").click()
    expect(section(page, "Delete for good").get_by_label(CODE)).to_be_visible()
    expect(section(page, "Enable it again").get_by_label(CODE)).to_be_visible()
    sign_out(page)
