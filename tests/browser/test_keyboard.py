"""Every story again, without a mouse. The address bar is the only thing that is not reached by Tab here."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.keyboard import Keyboard
from tests.browser.pages import (
    CODE,
    SWITCH_ON,
    button,
    expect_problem,
    expect_said,
    expect_title,
    field,
    link,
    read_recovery_codes,
    read_values,
    section,
)
from tests.browser.place import Authenticator, Running
from tests.browser.shortcut import Account
from tests.browser.window import Window
from tests.doubles.exchange import DoubleKey
from tests.support.visitor import PASSWORD

pytestmark = pytest.mark.browser


def test_from_signing_up_to_a_key_and_its_end(window: Window, running: Running) -> None:
    page, keys = window.page, Keyboard(window.page)

    page.goto(running.console)
    keys.use(link(page, "Skip to the content"))
    expect(page.get_by_role("main")).to_be_focused()
    keys.use(link(page, "Create an account"))
    expect_title(page, "Create an account")
    keys.type(field(page, "E-mail address"), "keys@example.org")
    keys.type(field(page, "Password"), PASSWORD)
    keys.use(button(page, "Show: Password"), key="Space")
    expect(field(page, "Password")).to_have_attribute("type", "text")
    keys.use(button(page, "Create account"))
    expect_title(page, "Set up an authenticator")

    keys.use(button(page, "Show the code to scan"))
    groups = page.get_by_role("group", name="Or type this key into it").inner_text()
    authenticator = Authenticator("".join(groups.split()), running.clock)
    keys.use(button(page, "Copy: setup key"))
    expect_said(page, "Copied")
    keys.type(field(page, CODE), authenticator.wrong_code())
    page.keyboard.press("Enter")
    expect_problem(page, "not right")
    keys.use(page.get_by_role("region", name="Something needs your attention").get_by_role("link"))
    expect(field(page, CODE)).to_be_focused()
    page.keyboard.type(authenticator.code())
    page.keyboard.press("Enter")
    read_recovery_codes(page)
    keys.use(button(page, "Copy all recovery codes"))
    expect_said(page, "Copied")
    keys.use(link(page, "I have stored them"))

    expect_title(page, "Security")
    menu = page.locator("summary", has_text="Profile menu")
    keys.use(menu)
    keys.reach(link(page, "Security"))
    page.keyboard.press("Escape")
    expect(menu).to_be_focused()
    page.keyboard.press("Enter")
    keys.use(link(page, "API Management"))
    expect_title(page, "API Management")

    keys.use(link(page, "Create API"))
    keys.type(field(page, "Name"), "bot")
    keys.type(page.get_by_label("Memo"), "typed")
    keys.use(page.get_by_role("checkbox", name="Trade", exact=True), key="Space")
    keys.reach(page.get_by_role("radio", name="Spot", exact=True))
    keys.press("ArrowDown")
    expect(page.get_by_role("radio", name="Futures", exact=True)).to_be_checked()
    keys.press("ArrowUp")
    expect(page.get_by_role("radio", name="Spot", exact=True)).to_be_checked()
    keys.use(button(page, "Add my current address"), key="Space")
    expect(page.get_by_label("IP addresses it may be used from")).to_have_value("127.0.0.1")
    keys.use(button(page, "Continue"))
    expect_title(page, "Check and confirm")
    keys.use(button(page, "Back"))
    expect_title(page, "Create an API key")
    keys.use(button(page, "Continue"))
    keys.type(field(page, "Passphrase of the key"), "Orbit-Lemon-42")
    keys.type(field(page, CODE), authenticator.code())
    page.keyboard.press("Enter")  # which makes the key, and does not go back

    bot = running.bot(read_values(page))
    assert not bot.is_served()
    keys.use(button(page, "Copy: Secret"))
    expect_said(page, "Copied")
    keys.type(field(page, "Password for the file"), "a-lock-for-the-file-only")
    with page.expect_download():
        page.keyboard.press("Enter")
    keys.use(button(page, SWITCH_ON))
    expect(section(page, "The key is on")).to_be_focused()
    assert bot.is_served()
    keys.use(page.locator("summary", has_text="the official KuCoin SDK"))
    expect(page.get_by_role("region", name="the official KuCoin SDK")).to_be_visible()
    keys.use(button(page, "Copy: API key"), by="Shift+Tab")
    expect_said(page, "Copied")
    keys.use(link(page, "I am done here"))

    keys.use(button(page, "Disable key bot"))
    expect(link(page, "Enable key bot")).to_be_focused()
    assert not bot.is_served()
    page.keyboard.press("Enter")
    expect_title(page, "bot")
    keys.use(button(page, "Enable key bot"))
    expect_said(page, "The key works again.")
    keys.use(page.locator("summary", has_text="Name and memo"))
    keys.type(field(page, "Name"), "robot")
    page.keyboard.press("Enter")
    expect_said(page, "Name and memo are changed.")
    keys.use(page.locator("summary", has_text="Passphrase"))
    keys.type(field(page, "Current passphrase"), "Orbit-Lemon-42")
    keys.type(field(page, "New passphrase"), "Copper=Kettle_77")
    page.keyboard.press("Enter")
    expect_said(page, "The new passphrase is in force.")
    keys.use(button(page, "Disable key robot"))
    expect_said(page, "The key is disabled.")
    keys.use(link(page, "Delete key robot"))
    keys.use(page.get_by_role("checkbox", name="Delete robot for good"), key="Space")
    keys.use(button(page, "Delete key robot"))
    expect_said(page, "The key is deleted for good.")

    keys.use(page.locator("summary", has_text="Profile menu"))
    keys.use(button(page, "Sign out"))
    expect_said(page, "You are signed out.")


def test_signing_in_recovering_and_keeping_others_out(
    open_another: Callable[..., Window], running: Running, account: Account
) -> None:
    account.makes_key("bot")
    elsewhere = open_another().becomes(account)
    page = open_another().page
    keys = Keyboard(page)
    page.goto(running.console)
    keys.type(field(page, "E-mail address"), account.email)
    keys.type(field(page, "Password"), PASSWORD)
    page.keyboard.press("Enter")
    expect_title(page, "Enter your code")
    keys.use(link(page, "Use a recovery code"))
    keys.type(field(page, "Recovery code"), account.recovery_codes[0])
    page.keyboard.press("Enter")
    expect_title(page, "Security")

    other = section(page, "Where you are signed in").get_by_role("button", name="End the session of Firefox")
    keys.use(other)
    expect_said(page, "That session is ended.")
    elsewhere.reload()
    expect_title(elsewhere, "Sign in")

    keys.use(button(page, "Freeze the account now"))
    expect_said(page, "Your account is frozen")
    keys.type(section(page, "Lift the freeze").get_by_label(CODE), account.authenticator.code())
    page.keyboard.press("Enter")
    expect_said(page, "Your account works again")
    keys.use(link(page, "Replace your authenticator"))
    keys.use(button(page, "Show the code to scan"))
    expect(page.get_by_role("group", name="Or type this key into it")).to_be_visible()
    keys.use(link(page, "Security"))
    keys.use(button(page, "Make new recovery codes"))
    assert len(read_recovery_codes(page)) == 10
    keys.use(link(page, "I have stored them"))

    keys.use(page.locator("summary", has_text="Profile menu"))
    keys.use(button(page, "Sign out"))
    keys.use(link(page, "Someone else has your keys? Switch everything off"))
    keys.type(field(page, "E-mail address"), account.email)
    keys.type(field(page, "Password"), PASSWORD)
    page.keyboard.press("Enter")
    expect_said(page, "If e-mail address and password were right")


def test_an_operator_freezes_an_account(window: Window, running: Running, account: Account) -> None:
    page, keys = window.becomes(account), Keyboard(window.page)
    page.goto(running.operator_link())
    keys.use(button(page, "Become the operator"))
    expect_title(page, "Accounts")
    keys.type(page.locator("input[name=search]"), account.email)  # the list is as long as there are people
    page.keyboard.press("Enter")
    expect(page.get_by_role("row")).to_have_count(2)
    keys.use(button(page, f"Freeze account {account.email}"))
    expect_said(page, "The account is frozen")


def test_an_operator_changes_the_policy_and_reads_the_log(window: Window, running: Running, account: Account) -> None:
    account.post("/operator/claim", at="/operator", code=running.operator_link().partition("#")[2])
    window.becomes(account)
    page, keys = window.page, Keyboard(window.page)
    page.goto(running.console + "/operator")
    keys.use(link(page, "Policy"))
    expect_title(page, "Policy")
    keys.type(field(page, "Unused keys are switched off after"), "365")
    keys.type(field(page, CODE), account.authenticator.code())
    page.keyboard.press("Enter")
    expect_said(page, "The policy is saved.")
    keys.reach(field(page, "Unused keys are switched off after"))
    page.keyboard.press("Control+A")
    page.keyboard.press("Delete")
    page.keyboard.press("Enter")
    expect_said(page, "The policy is saved.")
    keys.use(link(page, "Audit log"))
    expect_title(page, "Audit log")
    keys.use(button(page, "Check it now"))
    expect(page.get_by_text("Holds", exact=True)).to_be_visible()
    keys.reach(link(page, "Download as CSV"))
    more = page.locator("summary", has_text="More").first
    keys.use(more)
    expect(page.get_by_text("subject", exact=True).first).to_be_visible()


def test_a_key_of_kucoins_is_connected_rotated_and_removed(window: Window, running: Running, account: Account) -> None:
    page, kucoin = window.becomes(account), running.exchanges.kucoin
    keys = Keyboard(page)
    running.clock.advance(minutes=11)

    keys.use(page.locator("summary", has_text="Profile menu"))
    keys.use(link(page, "Exchanges"))
    keys.use(link(page, "Connect an exchange"))
    keys.use(button(page, "KuCoin"))
    expect_title(page, "Connect KuCoin")
    keys.use(button(page, "Copy: Address for KuCoin"))
    expect_said(page, "Copied")
    address = page.get_by_role("group", name="Address for KuCoin", exact=True).inner_text()
    key = kucoin.new_key("General", "Spot", "Transfer", addresses=(address,), created_at=running.clock())
    keys.reach(link(page, "Open your keys at KuCoin (opens in a new tab)"))
    keys.type(field(page, "Name"), "night grid")
    keys.type(page.get_by_label("Bot that uses it"), "grid")
    _type_key(keys, key)
    keys.type(field(page, CODE), account.authenticator.code())
    page.keyboard.press("Enter")  # which gives the key, and not its address back
    refusal = section(page, "The key was not taken")
    expect(refusal).to_be_focused()
    keys.reach(refusal.get_by_role("link"))
    key.rights = {"permission": "General,Spot"}
    _type_key(keys, key)
    page.keyboard.press("Enter")
    expect_said(page, "Connected.")

    keys.use(button(page, "Suspend connection night grid"))
    expect(page.get_by_text("You suspended it.")).to_be_visible()
    keys.use(button(page, "Check connection night grid and use it again"))
    expect(page.get_by_text("You suspended it.")).to_have_count(0)
    keys.use(page.locator("summary", has_text="Name and bots"))
    keys.type(field(page, "Name"), "day grid")
    page.keyboard.press("Enter")
    expect_title(page, "day grid")

    new = kucoin.new_key("General", "Spot", addresses=(address,))
    keys.use(page.locator("summary", has_text="Replace the key"))
    _type_key(keys, new)
    keys.use(button(page, "Check and rotate the key of day grid"))
    keys.use(button(page, "Switch to the new key"))
    keys.use(button(page, "Finish the rotation"))
    expect(section(page, "The key is being rotated")).to_have_count(0)

    keys.use(page.get_by_role("checkbox", name="Remove day grid for good"), key="Space")
    keys.use(button(page, "Remove connection day grid"))
    expect_said(page, "Now delete it at KuCoin, too")
    expect(page.get_by_role("heading", name="No exchange connected yet")).to_be_visible()


def _type_key(keys: Keyboard, key: DoubleKey) -> None:
    keys.type(field(keys.page, "API key"), key.key)
    keys.type(field(keys.page, "API secret"), key.secret)
    keys.type(field(keys.page, "Passphrase"), key.passphrase)
