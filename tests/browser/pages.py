"""What a person does at the console: finds things by their names, types, presses."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.place import Authenticator, Running
from tests.support.server import Values

CODE = "Code from your authenticator"


def button(page: Page, name: str) -> Locator:
    """Return the button of this name, exactly."""
    return page.get_by_role("button", name=name, exact=True)


def link(page: Page, name: str) -> Locator:
    """Return the link of this name, exactly."""
    return page.get_by_role("link", name=name, exact=True)


def field(page: Page, label: str) -> Locator:
    """Return the field of this label, exactly."""
    return page.get_by_label(label, exact=True)


def section(page: Page, title: str) -> Locator:
    """Return the part of the page that has this title."""
    return page.get_by_role("region", name=title, exact=True)


def unfold(page: Page, title: str) -> Locator:
    """Open the part of the page that is folded under this title, unless it is open."""
    fold = page.locator("details").filter(has=page.locator("summary", has_text=title))
    if fold.get_attribute("open") is None:
        fold.locator("summary").click()
    return fold


def expect_title(page: Page, title: str) -> None:
    """Wait until the page of this title is there."""
    expect(page.get_by_role("heading", level=1, name=title, exact=True)).to_be_visible()


def expect_problem(page: Page, *said: str | re.Pattern[str]) -> None:
    """Wait until the summary of what is wrong says this; it is on top, and it has the focus."""
    problems = page.get_by_role("region", name=re.compile("needs? your attention"))
    for text in said:
        expect(problems).to_contain_text(text)
    expect(problems).to_be_focused()


def expect_said(page: Page, text: str) -> None:
    """Wait until the page says, where readers hear it, what was done."""
    expect(page.get_by_role("status").filter(has_text=text)).to_have_count(1)


def sign_up(page: Page, running: Running, *, email: str, password: str) -> None:
    """Make an account, from the front page."""
    page.goto(running.console)
    link(page, "Create an account").click()
    field(page, "E-mail address").fill(email)
    field(page, "Password").fill(password)
    button(page, "Create account").click()
    expect_title(page, "Set up an authenticator")


def read_setup_key(page: Page, running: Running) -> Authenticator:
    """Begin an authenticator, and read its key off the page as a person would."""
    button(page, "Show the code to scan").click()
    groups = page.get_by_role("group", name="Or type this key into it").inner_text()
    return Authenticator("".join(groups.split()), running.clock)


def read_recovery_codes(page: Page) -> list[str]:
    """Read the recovery codes off the page."""
    expect_title(page, "Your recovery codes")
    return section(page, "10 codes").get_by_role("listitem").all_inner_texts()


def sign_in(page: Page, running: Running, *, email: str, password: str) -> None:
    """Give address and password; the code comes next."""
    page.goto(running.console + "/sign-in")
    field(page, "E-mail address").fill(email)
    field(page, "Password").fill(password)
    button(page, "Continue").click()
    expect_title(page, "Enter your code")


def give_code(page: Page, code: str, *, press: str) -> None:
    """Type the code and press."""
    field(page, CODE).fill(code)
    button(page, press).click()


def wish_for_key(page: Page, name: str, *permissions: str, memo: str = "", addresses: str = "") -> None:
    """Fill in the first page of a new key and go on to the second."""
    page.goto(re.sub(r"(//[^/]+).*", r"\1", page.url) + "/api-management/new")
    field(page, "Name").fill(name)
    page.get_by_label("Memo").fill(memo)
    for permission in permissions:
        page.get_by_role("checkbox", name=permission, exact=True).check()
    page.get_by_label("IP addresses it may be used from").fill(addresses)
    button(page, "Continue").click()
    expect_title(page, "Check and confirm")


def read_values(page: Page) -> Values:
    """Read the three values off the page that shows them."""
    expect(page.get_by_role("heading", level=1, name=re.compile("^Key .* is made$"))).to_be_visible()
    key, secret, passphrase = (
        page.get_by_role("group", name=name, exact=True).inner_text() for name in ("API key", "Secret", "Passphrase")
    )
    return Values(key, secret, passphrase)


SWITCH_ON = "I have stored them: switch the key on"


def take_values(page: Page) -> Values:
    """Read the three values off the page that shows them, and say that they are stored: the key is on, the page stays."""
    values = read_values(page)
    button(page, SWITCH_ON).click()
    expect(page.get_by_role("heading", name="The key is on")).to_be_visible()
    return values


def sign_out(page: Page) -> None:
    """Sign out by the profile menu."""
    page.locator("summary", has_text="Profile menu").click()
    button(page, "Sign out").click()
    expect_said(page, "You are signed out.")


def reload_until(part: Locator, text: str) -> None:
    """Load the page again until this part of it says so."""
    for _ in range(100):
        part.page.reload()
        if text in part.inner_text():
            return
    raise AssertionError(f"{part} never said {text}")
