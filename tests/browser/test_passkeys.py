"""Passkeys in a real browser, which holds a virtual authenticator: made, used, refused, removed; by keyboard, and for axe."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.keyboard import Keyboard
from tests.browser.pages import (
    CODE,
    button,
    expect_problem,
    expect_said,
    expect_title,
    field,
    give_code,
    link,
    section,
    sign_in,
    sign_out,
    take_values,
    wish_for_key,
)
from tests.browser.place import Running
from tests.browser.shortcut import Account
from tests.browser.test_axe import SCHEMES, TOO_WIDE, violations
from tests.browser.virtual import Virtual
from tests.browser.window import Window
from tests.support.visitor import PASSWORD

pytestmark = pytest.mark.browser

USE = "Use a passkey"


def open_new(page: Page, running: Running, account: Account) -> None:
    """Go to the page of a new passkey, proving the second factor by a code."""
    page.goto(running.console + "/security")
    link(page, "Add a passkey").click()
    if field(page, CODE).count():
        give_code(page, account.authenticator.code(), press="Confirm")
    expect_title(page, "Add a passkey")


def add(page: Page, running: Running, account: Account, *, name: str = "my phone") -> None:
    """Add a passkey, as a person would."""
    running.clock.advance(minutes=11)
    open_new(page, running, account)
    field(page, "Name").fill(name)
    button(page, "Make the passkey").click()
    expect_said(page, "The passkey is added.")


def test_a_passkey_is_made_signs_in_confirms_a_key_and_is_removed(
    window: Window, running: Running, account: Account
) -> None:
    page = window.becomes(account)
    virtual = Virtual.at(page)
    add(page, running, account)
    part = section(page, "Passkeys")
    expect(part).to_contain_text("my phone")
    expect(part).to_contain_text("not used yet")
    (held,) = virtual.credentials()
    assert held["rpId"] == "localhost"
    sign_out(page)

    sign_in(page, running, email=account.email, password=PASSWORD)
    button(page, USE).click()
    expect_title(page, "API Management")

    wish_for_key(page, "bot", "Trade", addresses="127.0.0.1")
    button(page, USE).click()  # what else is missing is asked for first, and the passkey is not
    assert virtual.credentials()[0]["signCount"] == 2
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    button(page, USE).click()
    assert running.bot(take_values(page)).is_served()

    running.clock.advance(minutes=11)
    page.goto(running.console + "/security")
    link(page, "Remove passkey my phone").click()
    expect_title(page, "Remove a passkey")
    button(page, USE).click()
    expect_said(page, "The passkey is removed.")
    expect(section(page, "Passkeys")).not_to_contain_text("my phone")
    sign_out(page)
    sign_in(page, running, email=account.email, password=PASSWORD)
    expect(button(page, USE)).to_have_count(0)
    give_code(page, account.authenticator.code(), press="Sign in")
    expect_title(page, "API Management")


def test_who_does_not_go_through_with_it_is_told_so_and_enters_a_code(
    window: Window, running: Running, account: Account
) -> None:
    page = window.becomes(account)
    virtual = Virtual.at(page)
    virtual.person(verifies=False)
    running.clock.advance(minutes=11)
    open_new(page, running, account)
    button(page, "Make the passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("Your browser made no passkey.")
    virtual.person(verifies=True)
    button(page, "Make the passkey").click()
    expect_said(page, "The passkey is added.")

    running.clock.advance(minutes=11)
    virtual.person(verifies=False)
    page.goto(running.console + "/step-up?next=/security")
    button(page, USE).click()
    expect(page.get_by_role("alert")).to_contain_text("Your passkey was not used.")
    expect(field(page, CODE)).to_be_visible()
    give_code(page, account.authenticator.code(), press="Confirm")
    expect_title(page, "Security")


def test_a_second_one_in_the_same_place_is_not_made(window: Window, running: Running, account: Account) -> None:
    page = window.becomes(account)
    virtual = Virtual.at(page)
    add(page, running, account)
    open_new(page, running, account)
    button(page, "Make the passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("makes no second one")
    assert len(virtual.credentials()) == 1


def test_a_refused_passkey_is_said_beside_the_code(window: Window, running: Running, account: Account) -> None:
    page = window.becomes(account)
    virtual = Virtual.at(page)
    add(page, running, account)
    (held,) = virtual.credentials()
    page.goto(running.console + "/step-up?next=/security")
    button(page, USE).click()
    expect_title(page, "Security")
    # A copy from before: its counter says what was said already.
    virtual.cdp.send("WebAuthn.clearCredentials", {"authenticatorId": virtual.id})
    virtual.cdp.send("WebAuthn.addCredential", {"authenticatorId": virtual.id, "credential": {**held, "signCount": 0}})
    running.clock.advance(minutes=11)
    page.goto(running.console + "/step-up?next=/security")
    button(page, USE).click()
    expect_problem(page, re.compile("may have a copy"))
    expect(field(page, CODE)).to_have_accessible_description(re.compile("remove the passkey under Security"))


def test_by_keyboard_alone(window: Window, running: Running, account: Account) -> None:
    page = window.becomes(account)
    Virtual.at(page)
    keyboard = Keyboard(page)
    running.clock.advance(minutes=11)
    open_new(page, running, account)
    keyboard.type(field(page, "Name"), "the blue key")
    keyboard.use(button(page, "Make the passkey"))
    expect_said(page, "The passkey is added.")
    running.clock.advance(minutes=11)
    keyboard.use(link(page, "Remove passkey the blue key"))
    expect_title(page, "Remove a passkey")
    keyboard.use(button(page, USE), key="Space")
    expect_said(page, "The passkey is removed.")


def test_enter_in_the_name_makes_it_too(window: Window, running: Running, account: Account) -> None:
    page = window.becomes(account)
    Virtual.at(page)
    open_new(page, running, account)
    field(page, "Name").press("Enter")
    expect_said(page, "The passkey is added.")


def test_without_javascript_there_are_codes(
    open_another: Callable[..., Window], running: Running, account: Account
) -> None:
    page = open_another().becomes(account)
    Virtual.at(page)
    add(page, running, account)
    running.clock.advance(minutes=11)
    plain = open_another(java_script_enabled=False).page
    sign_in(plain, running, email=account.email, password=PASSWORD)
    expect(button(plain, USE)).to_have_count(0)
    give_code(plain, account.authenticator.code(), press="Sign in")
    expect(plain).not_to_have_url(re.compile("/sign-in"))
    plain.goto(running.console + "/security/passkeys/new")
    give_code(plain, account.authenticator.code(), press="Confirm")
    expect_title(plain, "Add a passkey")
    expect(plain.get_by_text("This takes JavaScript")).to_be_visible()
    expect(button(plain, "Make the passkey")).to_have_count(0)


def test_without_one_no_form_is_any_different(window: Window, running: Running, account: Account) -> None:
    page = window.becomes(account)
    Virtual.at(page)
    running.clock.advance(minutes=11)
    page.goto(running.console + "/step-up?next=/security")
    expect(field(page, CODE)).to_be_visible()
    expect(button(page, USE)).to_have_count(0)
    assert not [address for address in window.addresses() if "passkey" in address]


def test_axe_and_the_narrowest_screen(open_another: Callable[..., Window], running: Running, account: Account) -> None:
    window = open_another(reduced_motion="reduce", viewport={"width": 320, "height": 640})
    page = window.becomes(account)
    virtual = Virtual.at(page)
    wrong: list[str] = []

    def look(stop: str) -> None:
        wrong.extend(f"{stop}: {one}" for scheme in SCHEMES for one in violations(page, scheme))
        wrong.extend(f"{stop}: {what}" for what in page.evaluate(TOO_WIDE))

    running.clock.advance(minutes=11)
    open_new(page, running, account)
    look("new passkey")
    virtual.person(verifies=False)
    button(page, "Make the passkey").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look("new passkey, not made")
    virtual.person(verifies=True)
    field(page, "Name").fill("a name that is as long as any can ever be")
    button(page, "Make the passkey").click()
    expect_said(page, "The passkey is added.")
    look("security, with a passkey")
    running.clock.advance(minutes=11)
    page.get_by_role("link", name=re.compile("^Remove passkey")).click()
    expect(button(page, USE)).to_be_visible()
    look("remove")
    virtual.person(verifies=False)
    button(page, USE).click()
    expect(page.get_by_role("alert")).to_be_visible()
    look("remove, not used")
    sign_out(page)
    sign_in(page, running, email=account.email, password=PASSWORD)
    expect(button(page, USE)).to_be_visible()
    look("code, or a passkey")
    assert not wrong, "\n".join(wrong)
