"""N15: someone sees what to mend first, mends it, hands the report over, and prints it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import button, expect_said, expect_title, give_code, link
from tests.browser.place import Running
from tests.browser.shortcut import Account
from tests.browser.window import Window

pytestmark = pytest.mark.browser


def opens_the_report(page: Page, account: Account) -> None:
    page.locator("summary").filter(has_text=account.email).click()
    link(page, "State of your keys").click()
    expect_title(page, "State of your keys")


def test_what_is_to_be_mended_is_mended_from_the_report(window: Window, running: Running, account: Account) -> None:
    values = account.makes_key("night-bot", "trade")
    assert running.bot(values).is_served()
    page = window.becomes(account)
    opens_the_report(page, account)
    expect(page.get_by_role("region", name="Mend soon")).to_contain_text("It can be used from any address.")
    link(page, "Bind it to addresses: night-bot").click()
    expect_title(page, "night-bot")
    addresses = page.get_by_label("IP addresses it may be used from")
    expect(addresses).to_be_visible()  # the part of the page that the link names stands open
    addresses.fill("127.0.0.1")
    if page.locator("#addresses").get_by_label("Code from your authenticator").count():
        give_code(page, account.authenticator.code(), press="Save addresses")
    else:
        button(page, "Save addresses").click()
    expect_said(page, "The addresses are changed.")
    opens_the_report(page, account)
    expect(page.get_by_role("region", name="Mend soon")).to_have_count(0)
    fine = page.get_by_role("region", name="Nothing to mend")
    expect(fine.get_by_role("article", name="night-bot")).to_contain_text("Works from127.0.0.1")


def test_the_report_is_handed_over_as_a_file_that_prints(window: Window, running: Running, account: Account) -> None:
    values = account.makes_key("night-bot", "trade")
    page = window.becomes(account)
    page.goto(running.console + "/posture")
    with page.expect_download() as download:
        link(page, "Download as a page to hand over").click()
    handed_over = download.value.path().read_text("utf-8")
    assert values.api_secret not in handed_over
    page.goto("about:blank")  # whose rules about styles are not the console's: as where the file is opened
    page.set_content(handed_over)
    expect(page.get_by_role("heading", name="night-bot")).to_be_visible()
    assert page.pdf().startswith(b"%PDF-")
    page.emulate_media(media="print")
    expect(page.get_by_text("It can be used from any address.")).to_be_visible()


def test_on_paper_the_page_has_no_buttons_and_says_whose_keys_they_are(
    window: Window, running: Running, account: Account
) -> None:
    account.makes_key("night-bot", "trade")
    page = window.becomes(account)
    page.goto(running.console + "/posture")
    page.emulate_media(media="print")
    expect(link(page, "Bind it to addresses: night-bot")).to_be_hidden()
    expect(link(page, "Download as a page to hand over")).to_be_hidden()
    expect(page.locator("main").get_by_text(account.email)).to_be_visible()
