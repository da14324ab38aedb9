"""What the first start and `keywright demo` print is all that is needed to be in: the operator link, the demo account."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.pages import (
    button,
    expect_problem,
    expect_said,
    expect_title,
    field,
    give_code,
    sign_out,
)
from tests.browser.place import Authenticator, Running, started
from tests.browser.secrecy import expect_not_in_addresses
from tests.browser.shortcut import new_account
from tests.browser.window import Window, open_window

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Give a server that was never started before."""
    with started(tmp_path_factory.mktemp("first")) as server:
        yield server


@pytest.fixture
def window(browser: Browser, first: Running) -> Iterator[Window]:
    """Give a window before that server."""
    opened = open_window(browser, first)
    yield opened
    opened.context.close()
    assert not opened.complaints


def test_leak_08_the_operator_link_of_the_first_start_serves_once_and_its_code_goes_into_no_address(
    window: Window, first: Running
) -> None:
    printed = re.search(r"^  operator (\S+)$", first.server.out, re.MULTILINE)
    assert printed
    code = printed[1].partition("#")[2]
    page = window.page
    page.goto(printed[1])
    expect(page.get_by_text("Sign in first, with your second factor.")).to_be_visible()

    account = new_account(first, name="boss")
    window.becomes(account)
    page.goto(printed[1])
    expect_title(page, "Become the operator")
    expect(field(page, "Code from the link")).to_have_value(code)
    assert page.url == first.console + "/operator"  # neither in the history nor over a shoulder
    button(page, "Become the operator").click()
    expect_said(page, "You are the operator now.")
    expect_title(page, "Accounts")
    expect(page.get_by_role("row").filter(has_text="demo@keywright.example")).to_contain_text("Active")
    expect(page.get_by_role("row").filter(has_text=account.email)).to_contain_text("Operator")
    expect_not_in_addresses(window, [code])
    assert code not in page.content()

    late = new_account(first, name="late")
    bot = first.bot(late.makes_key())
    assert bot.is_served()
    page.reload()
    button(page, f"Freeze account {late.email}").click()
    expect_said(page, "The account is frozen")
    expect(page.get_by_role("row").filter(has_text=late.email)).to_contain_text("Frozen")
    assert not bot.is_served()

    window.becomes(late)
    page.goto(printed[1])
    button(page, "Become the operator").click()
    expect_problem(page, re.compile("that operator link is not right, was used", re.IGNORECASE))
    account.client.close()
    late.client.close()


def test_demo_says_how_to_sign_in_and_that_is_how(window: Window, first: Running) -> None:
    said = first.installation.cli("demo")
    told = dict(re.findall(r"^  (e-mail|password|code) +(\S+)", said.err, re.MULTILINE))
    address = re.search(r"^── the console ──\n(\S+)$", said.err, re.MULTILINE)
    assert address, said.err
    page = window.page
    page.goto(address[1])
    _sign_in(page, told["e-mail"], told["password"], told["code"])
    expect_title(page, "API Management")
    api_key = re.search(r"KUCOIN_API_KEY=(\w+)", said.out)
    assert api_key
    expect(page.get_by_role("row").filter(has_text=f"{api_key[1][:4]}…{api_key[1][-4:]}")).to_contain_text("Demo")
    sign_out(page)

    told = first.installation.demo()
    assert set(told) >= {"console_url", "email", "password", "totp_secret"}
    authenticator = Authenticator(told["totp_secret"], first.clock, used=first.clock() // 30_000)
    page.goto(told["console_url"])
    _sign_in(page, told["email"], told["password"], authenticator.code())
    expect_title(page, "API Management")
    expect(page.get_by_role("row").filter(has_text="Demo")).to_have_count(3)  # the first start's, and one for each call
    sign_out(page)


def _sign_in(page: Page, email: str, password: str, code: str) -> None:
    expect_title(page, "Sign in")
    field(page, "E-mail address").fill(email)
    field(page, "Password").fill(password)
    button(page, "Continue").click()
    give_code(page, code, press="Sign in")
