"""A secret is seen once: not on reload, not on "back", not in another tab or session. And nobody frames the console."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import (
    CODE,
    button,
    expect_said,
    expect_title,
    field,
    give_code,
    link,
    read_recovery_codes,
    read_setup_key,
    read_values,
    sign_in,
    sign_up,
    take_values,
    wish_for_key,
)
from tests.browser.place import Running
from tests.browser.secrecy import expect_not_in_addresses, expect_nothing_kept, expect_unseen, go
from tests.browser.shortcut import Account
from tests.browser.window import Window
from tests.support.visitor import PASSWORD

pytestmark = pytest.mark.browser


def _make_key(page: Page, account: Account, name: str, passphrase: str) -> None:
    wish_for_key(page, name, "Trade")
    field(page, "Passphrase of the key").fill(passphrase)
    give_code(page, account.authenticator.code(), press="Create key")


def _expect_keys(page: Page, running: Running, number: int) -> None:
    page.goto(running.console + "/api-management")
    expect(page.get_by_role("row")).to_have_count(1 + number)


def test_leak_06_a_key_that_was_shown_is_not_shown_again(
    open_another: Callable[..., Window], running: Running, account: Account
) -> None:
    window = open_another()
    page = window.becomes(account)
    _make_key(page, account, "bot", "Orbit-Lemon-42")
    values = read_values(page)
    secrets = [values.api_secret, values.api_passphrase]
    shown_at = page.url

    page.reload()
    expect_title(page, "bot")
    expect_unseen(page, secrets)
    go(page, "back", times=3, unseen=secrets)
    go(page, "forward", times=3, unseen=secrets)

    tab = window.context.new_page()
    for address in (shown_at, f"{running.console}/api-management/create", f"{shown_at}/download"):
        tab.goto(address)
        expect_unseen(tab, secrets)
    _expect_keys(tab, running, 1)

    other = open_another().page
    sign_in(other, running, email=account.email, password=PASSWORD)
    give_code(other, account.authenticator.code(), press="Sign in")
    link(other, "Manage key bot").click()
    expect_title(other, "bot")
    assert other.url == shown_at
    expect_unseen(other, secrets)


def test_leak_06_back_to_the_page_that_showed_a_key_shows_none_though_the_browser_kept_it(
    page: Page, window: Window, running: Running, account: Account
) -> None:
    _make_key(page, account, "bot", "Orbit-Lemon-42")
    values = take_values(page)
    secrets = [values.api_secret, values.api_passphrase]
    link(page, "I am done here").click()
    expect_title(page, "API Management")
    go(page, "back", times=1, unseen=secrets)
    expect_title(page, "bot")
    go(page, "back", times=1, unseen=secrets)
    go(page, "forward", times=1, unseen=secrets)
    _expect_keys(page, running, 1)
    expect_nothing_kept(window)


def test_leak_06_a_form_sent_again_makes_no_second_key(
    open_another: Callable[..., Window], running: Running, account: Account
) -> None:
    """Without script the page of the key has the address of its form: reloading it sends the form again."""
    page = open_another(java_script_enabled=False).becomes(account)
    for number, (name, passphrase) in enumerate([("first", "Orbit-Lemon-42"), ("second", "Copper=Kettle_77")], 1):
        wish_for_key(page, name, "Trade")
        field(page, "Passphrase of the key").fill(passphrase)
        if number == 1:  # the second one needs no code: neither does what is sent again
            field(page, CODE).fill(account.authenticator.code())
        button(page, "Create key").click()
        values = read_values(page)
        page.reload()
        expect(page.get_by_text(values.api_secret)).to_have_count(0)
        _expect_keys(page, running, number)


def test_a_double_click_makes_one_key_and_shows_it(page: Page, running: Running, account: Account) -> None:
    wish_for_key(page, "bot", "Trade")
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    field(page, CODE).fill(account.authenticator.code())
    button(page, "Create key").dblclick()
    assert running.bot(take_values(page)).is_served()
    _expect_keys(page, running, 1)


def test_2fa_19_an_authenticators_key_and_recovery_codes_are_not_shown_again(
    open_another: Callable[..., Window], running: Running
) -> None:
    window = open_another()
    page = window.page
    sign_up(page, running, email="once@example.org", password=PASSWORD)
    unused = read_setup_key(page, running)
    page.reload()
    expect_title(page, "Set up an authenticator")
    expect_unseen(page, [unused.secret, _grouped(unused.secret)])
    authenticator = read_setup_key(page, running)
    picture = page.get_by_role("img", name="QR code").inner_html()
    seed = [authenticator.secret, _grouped(authenticator.secret), picture]
    give_code(page, authenticator.code(), press="Confirm")
    codes = read_recovery_codes(page)

    expect_unseen(page, seed)
    page.reload()
    expect_title(page, "Security")
    expect_unseen(page, [*seed, *codes])
    go(page, "back", times=4, unseen=[*seed, *codes])
    go(page, "forward", times=4, unseen=[*seed, *codes])
    tab = window.context.new_page()
    for path in (
        "/security",
        "/security/authenticator",
        "/security/authenticator/start",
        "/security/authenticator/confirm",
        "/security/recovery-codes",
    ):
        tab.goto(running.console + path)
        expect_unseen(tab, [*seed, *codes])
    expect_not_in_addresses(window, [authenticator.secret, *codes])
    expect_nothing_kept(window)


def _grouped(secret: str) -> str:
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))


THIEF = "http://thief.localhost"


@pytest.mark.parametrize("framed_by", ["another site", "the console's own address"])
def test_web_08_no_page_of_ours_is_framed(window: Window, running: Running, account: Account, framed_by: str) -> None:
    page = window.becomes(account)
    paths = ("/api-management/new", "/step-up", "/security", "/sign-in", "/operator")
    frames = "".join(f"<iframe src='{running.console}{path}'></iframe>" for path in paths)
    framing = (running.console if framed_by != "another site" else THIEF) + "/frame"
    page.route(framing, lambda route: route.fulfill(content_type="text/html", body=f"<title>Win</title>{frames}"))
    # Chromium has a guard of its own before what runs on this machine; what is looked at here is ours.
    window.context.grant_permissions(["local-network-access"], origin=THIEF)
    refused = []
    page.on("requestfailed", lambda request: refused.append(request.failure))
    page.goto(framing)
    for frame in page.frames[1:]:
        expect(frame.get_by_role("main")).to_have_count(0)
    assert refused.count("net::ERR_BLOCKED_BY_RESPONSE") == len(paths)
    window.complaints = [said for said in window.complaints if "frame-ancestors 'none'" not in said]


def test_a_form_on_another_site_changes_nothing(window: Window, running: Running, account: Account) -> None:
    """WEB-02, WEB-03: a browser that is signed in posts it, and is refused."""
    values = account.makes_key("bot", "trade")
    page = window.becomes(account)
    target = f"{running.console}/api-management/{values.api_key}/disable"
    page.route(
        THIEF + "/form",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f"<!doctype html><form method=post action='{target}'><button>Win</button></form>",
        ),
    )
    page.goto(THIEF + "/form")
    button(page, "Win").click()
    expect_title(page, "Not allowed")
    page.goto(running.console + "/api-management")
    expect(page.get_by_role("row").filter(has_text="bot")).to_contain_text("Active")
    assert running.bot(values).is_served()
    button(page, "Disable key bot").click()
    expect(page.get_by_role("row").filter(has_text="bot")).to_contain_text("Disabled")
    expect_said(page, "Key bot: Disabled")
