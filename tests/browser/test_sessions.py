"""Who is signed in, where, and for how long; and how everything is switched off from the door."""

from __future__ import annotations

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
    section,
    sign_in,
    sign_out,
)
from tests.browser.place import Running
from tests.browser.shortcut import Account, new_account
from tests.browser.window import Window
from tests.support.visitor import PASSWORD

pytestmark = pytest.mark.browser

SIGNED_IN = "Where you are signed in"


def test_a_second_browser_sees_the_key_and_is_ended_from_the_first(
    open_another: Callable[..., Window], running: Running, account: Account
) -> None:
    account.makes_key("shared")
    first = open_another().becomes(account)
    second = open_another().page
    sign_in(second, running, email=account.email, password=PASSWORD)
    give_code(second, account.authenticator.code(), press="Sign in")
    expect(second.get_by_role("row").filter(has_text="shared")).to_contain_text("Active")

    first.goto(running.console + "/security")
    sessions = section(first, SIGNED_IN).get_by_role("listitem")
    expect(sessions).to_have_count(2)
    expect(sessions.filter(has_text="This one")).to_have_count(1)
    other = sessions.filter(has_not_text="This one")
    expect(other).to_contain_text("Chrome")
    expect(other).to_contain_text("127.0.0.1")
    other.get_by_role("button").click()
    expect_said(first, "That session is ended.")
    expect(sessions).to_have_count(1)

    button(second, "Disable key shared").click()
    expect_title(second, "Sign in")
    first.goto(running.console + "/api-management")
    expect(first.get_by_role("row").filter(has_text="shared")).to_contain_text("Active")


def test_all_other_sessions_are_ended_at_once(
    open_another: Callable[..., Window], running: Running, account: Account
) -> None:
    others = [open_another().page for _ in range(2)]
    for page in others:
        sign_in(page, running, email=account.email, password=PASSWORD)
        give_code(page, account.authenticator.code(), press="Sign in")
        expect_title(page, "API Management")
    mine = open_another().becomes(account)
    mine.goto(running.console + "/security")
    expect(section(mine, SIGNED_IN).get_by_role("listitem")).to_have_count(3)
    button(mine, "End all others").click()
    expect_said(mine, "Every other session is ended.")
    for page in others:
        page.reload()
        expect_title(page, "Sign in")
    expect(section(mine, SIGNED_IN).get_by_role("listitem")).to_have_count(1)


def test_who_signed_out_sees_nothing_any_more(window: Window, running: Running, account: Account) -> None:
    account.makes_key("mine")
    page = window.becomes(account)
    expect(page.get_by_role("row").filter(has_text="mine")).to_be_visible()
    before = {cookie["name"]: cookie["value"] for cookie in window.context.cookies()}
    sign_out(page)
    page.go_back()
    expect_title(page, "Sign in")
    for path in ("/api-management", "/api-management/new", "/security", "/step-up"):
        page.goto(running.console + path)
        expect_title(page, "Sign in")
    window.context.add_cookies([{"name": "keywright", "value": before["keywright"], "url": running.console}])
    page.goto(running.console + "/api-management")
    expect_title(page, "Sign in")


def test_2fa_23_a_session_ends_after_half_an_hour_of_nothing(page: Page, running: Running) -> None:
    for _ in range(3):
        running.clock.advance(minutes=29)
        page.reload()
        expect_title(page, "API Management")
    running.clock.advance(minutes=31)
    page.reload()
    expect_title(page, "Sign in")


def test_who_does_nothing_is_warned_and_can_stay(page: Page, running: Running) -> None:
    page.clock.install()
    page.goto(running.console + "/api-management/new")
    field(page, "Name").fill("half typed")
    warning = page.get_by_text("You will be signed out soon")
    expect(warning).to_be_hidden()
    running.clock.advance(minutes=28)
    page.clock.fast_forward("28:00")
    expect(warning.first).to_be_visible()
    page.clock.run_for(1_000)
    expect_said(page, "You will be signed out soon")
    button(page, "Stay signed in").click()
    expect(button(page, "Stay signed in")).to_be_hidden()
    expect(field(page, "Name")).to_have_value("half typed")
    running.clock.advance(minutes=28)
    button(page, "Continue").click()
    expect_title(page, "Check and confirm")


OVER = "Your session is over. What you typed is still here"


def test_what_was_typed_stays_when_the_session_ends_and_is_sent_after_signing_in_beside_it(
    window: Window, page: Page, running: Running, account: Account
) -> None:
    """The first to notice is the part of the page that says the form in plain words."""
    page.goto(running.console + "/api-management/new")
    field(page, "Name").fill("half typed")
    running.clock.advance(minutes=31)
    page.get_by_label("Memo").fill("in Vienna")
    page.get_by_label("Memo").press("Tab")
    said = page.get_by_text(OVER)
    expect(said.first).to_be_visible()
    expect_said(page, OVER)
    button(page, "Continue").click()
    expect(said.first).to_be_visible()
    expect_title(page, "Create an API key")

    beside = window.context.new_page()
    sign_in(beside, running, email=account.email, password=PASSWORD)
    give_code(beside, account.authenticator.code(), press="Sign in")
    expect_title(beside, "API Management")
    expect(field(page, "Name")).to_have_value("half typed")
    button(page, "Continue").click()
    expect_title(page, "Check and confirm")
    expect(page.get_by_text("in Vienna").first).to_be_visible()


def test_what_was_typed_stays_when_nothing_answers(window: Window, page: Page, running: Running) -> None:
    page.clock.install()
    page.goto(running.console + "/security/phrase")
    page.get_by_label("Phrase").fill("a walrus at noon")
    page.clock.run_for(2 * 60 * 1_000)
    window.context.set_offline(True)
    field(page, CODE).fill("000000")
    button(page, "Save phrase").click()
    expect(page.get_by_text("That did not reach us. What you typed").first).to_be_visible()
    expect(page.get_by_label("Phrase")).to_have_value("a walrus at noon")
    window.context.set_offline(False)
    window.complaints.clear()  # the browser's own, of a network that was away
    button(page, "Save phrase").click()
    expect_problem(page, "not right")


def test_a_form_whose_session_ended_keeps_no_secret_and_is_nobody_elses(
    window: Window, page: Page, running: Running, account: Account
) -> None:
    page.clock.install()
    page.goto(running.console + "/security/phrase")
    phrase = page.get_by_label("Phrase")
    phrase.fill("a walrus at noon")
    field(page, CODE).fill("123456")
    running.clock.advance(minutes=31)
    page.clock.fast_forward("28:00")
    page.clock.run_for(4 * 60 * 1_000)
    expect(page.get_by_text(OVER).first).to_be_visible()
    expect(field(page, CODE)).to_have_value("")
    expect(phrase).to_have_value("a walrus at noon")

    other = new_account(running)
    window.context.add_cookies(
        [
            {"name": name, "value": value, "url": running.console, "httpOnly": True, "sameSite": "Lax"}
            for name, value in other.cookies().items()
        ]
    )
    other.client.close()
    field(page, CODE).fill(account.authenticator.code())
    button(page, "Save phrase").click()
    expect(field(page, CODE)).to_have_value("")
    expect(page.get_by_text(OVER).first).to_be_visible()
    expect(phrase).to_have_value("a walrus at noon")


def test_what_a_half_signed_in_visitor_may_see(window: Window, running: Running, account: Account) -> None:
    """2FA-12: the password alone opens nothing."""
    account.makes_key("hidden")
    page = window.page
    sign_in(page, running, email=account.email, password=PASSWORD)
    for path in ("/api-management", "/api-management/new", "/security", "/security/authenticator", "/step-up"):
        page.goto(running.console + path)
        expect_title(page, "Enter your code")


def test_without_the_authenticator_every_key_can_still_be_refused(
    window: Window, running: Running, account: Account
) -> None:
    """From the sign-in page, with the password alone; switching on again takes the second factor.

    ENUM-03: that an account is frozen is told to who proved both factors, and to nobody else.
    """
    bot = running.bot(account.makes_key("bot", "trade"))
    assert bot.is_served()
    page = window.opens("/sign-in")
    link(page, "Someone else has your keys? Switch everything off").click()
    field(page, "E-mail address").fill(account.email)
    field(page, "Password").fill("not-the-password-at-all")
    button(page, "Refuse every key now").click()
    expect_said(page, "If e-mail address and password were right, every key of the account is refused from now on.")
    assert bot.is_served()
    page.goto(running.console + "/switch-off")
    field(page, "E-mail address").fill(account.email)
    field(page, "Password").fill(PASSWORD)
    button(page, "Refuse every key now").click()
    expect_said(page, "If e-mail address and password were right, every key of the account is refused from now on.")
    assert not bot.is_served()

    sign_in(page, running, email=account.email, password=PASSWORD)
    expect(page.get_by_text("frozen")).to_have_count(0)
    give_code(page, account.authenticator.code(), press="Sign in")
    link(page, "Lift the freeze in Security").click()
    section(page, "Lift the freeze").get_by_label(CODE).fill(account.authenticator.code())
    button(page, "Lift the freeze").click()
    expect_said(page, "Your account works again, and so do its active keys.")
    assert bot.is_served()


def test_an_owner_freezes_with_one_click(window: Window, running: Running, account: Account) -> None:
    bot = running.bot(account.makes_key("bot", "trade"))
    page = window.becomes(account)
    assert bot.is_served()
    page.goto(running.console + "/security")
    button(page, "Freeze the account now").click()
    expect_said(page, "Your account is frozen: every key is refused from now on.")
    assert not bot.is_served()
    page.goto(running.console + "/api-management")
    expect(page.get_by_text("Every key is refused, whatever its status below.")).to_be_visible()
