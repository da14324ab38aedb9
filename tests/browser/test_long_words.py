"""The longest names, memos and addresses that are taken, in the language with the longest words, on every screen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import button, expect_title, field
from tests.browser.place import Running
from tests.browser.shortcut import new_account
from tests.browser.test_axe import TOO_WIDE
from tests.browser.window import Window

pytestmark = pytest.mark.browser

WIDTHS = (320, 414, 768, 1024, 1280)
NAME, MEMO = "W" * 32, "Überwachungsprotokollierungsdienst" + "W" * 30
LOCAL_PART = "donaudampfschifffahrtsgesellschaftskapitaenswitwenpension"
V6 = "2001:db8:1111:2222:3333:4444:5555:6666"

PAGES = (
    "/api-management",
    "/api-management/new",
    "/security",
    "/security/withdrawal-addresses",
    "/security/email",
    "/sub-accounts",
    "/exchanges",
    "/exchanges/new",
    "/exchanges/new/kucoin",
    "/approvals",
    "/notices",
    "/operator",
    "/operator/policy",
    "/operator/permissions",
    "/operator/tokens/new",
    "/operator/audit",
    "/help/keys",
)

DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""What is drawn to fit is drawn anew in the frame after the one with the new width."""


def test_nothing_stands_out_of_the_page_however_long_it_is(
    open_another: Callable[..., Window], running: Running
) -> None:
    account = new_account(running, name=LOCAL_PART)
    values = account.makes_key(NAME, "trade", memo=MEMO, addresses=f"{V6} 203.0.113.7 127.0.0.1")
    assert running.bot(values).is_served()
    switched_off = account.makes_key(NAME, memo=MEMO, passphrase="Marble-Fox-77x")
    account.post(f"/api-management/{switched_off.api_key}/disable", at="/api-management")
    account.post("/sub-accounts/create", at="/sub-accounts", name="W1" * 16, memo="W" * 24)
    account.post("/operator/claim", at="/operator", code=running.operator_link().partition("#")[2])
    account.client.close()
    window = open_another(locale="de-DE", reduced_motion="reduce")
    page = window.becomes(account)
    expect_title(page, "API-Verwaltung")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    key = f"/api-management/{values.api_key}"
    subs = page.context.request.get(f"{running.console}/sub-accounts").text()
    sub = "/sub-accounts/" + subs.partition("/sub-accounts/sub_")[2][:24].join(("sub_", ""))
    wrong = []
    for path in (*PAGES, key, f"{key}/usage", f"/api-management/{switched_off.api_key}", sub):
        window.opens(path)
        page.evaluate("() => document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            page.evaluate(DRAWN)
            wrong += [f"{path} at {width}: {what}" for what in page.evaluate(TOO_WIDE)]
    assert not wrong, "\n".join(wrong)


def test_what_was_typed_too_long_comes_back_in_its_place(page: Page, window: Window) -> None:
    window.opens("/api-management/new")
    field(page, "Name").evaluate("(one) => { one.removeAttribute('maxlength'); one.value = 'W'.repeat(4000); }")
    page.set_viewport_size({"width": 320, "height": 640})
    button(page, "Continue").click()
    expect(page.get_by_role("region", name="Something needs your attention")).to_be_focused()
    assert page.evaluate(TOO_WIDE) == []
