"""The help pages: every step is carried out as its page says it, in each language; they are read by everyone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from keywright.web.texts import SOURCE, Texts
from tests.browser.pages import expect_title, link
from tests.browser.place import Running
from tests.browser.shortcut import Account
from tests.browser.test_axe import SCHEMES, TOO_WIDE, violations
from tests.browser.test_languages import english_sentences
from tests.browser.walk import Walk, steps_of
from tests.browser.walks import ACTIONS, BEFOREHAND, PLACES
from tests.browser.window import Window

pytestmark = pytest.mark.browser

TEXTS = Texts.load()
PATHS = ("/help", *(f"/help/{topic}" for topic in ACTIONS))


@pytest.mark.clients
@pytest.mark.parametrize("language", TEXTS.locales)
@pytest.mark.parametrize("topic", ACTIONS)
def test_every_step_of_a_help_page_can_be_carried_out(
    open_another: Callable[..., Window], running: Running, account: Account, topic: str, language: str
) -> None:
    """No step lacks its action and no action its step; what a step names is there under that name, in that language."""
    window = open_another(locale=language)
    page = window.opens(f"/help/{topic}")
    steps, actions = steps_of(page), ACTIONS[topic]
    assert [step.id for step in steps] == list(actions)
    codes = page.locator('code[id^="client-"]').evaluate_all("all => all.map((one) => [one.id, one.textContent])")
    clients = {name.removeprefix("client-"): code for name, code in codes}
    walk = Walk(page, running, account, TEXTS.of(language).gettext, clients)
    if topic in BEFOREHAND:
        BEFOREHAND[topic](walk)
    window.becomes(account)
    for step in steps:
        walk.take(step, actions[step.id], PLACES.get(step.id))


@pytest.mark.parametrize("language", TEXTS.locales)
def test_help_is_for_everyone_and_on_every_screen(open_another: Callable[..., Window], language: str) -> None:
    """Signed out, without script, at 320 px and in both schemes; whole in its language; every link into it leads somewhere."""
    window = open_another(locale=language, viewport={"width": 320, "height": 640}, reduced_motion="reduce")
    english = english_sentences(language) if language != SOURCE else ()
    page = window.page
    for path in PATHS:
        window.opens(path)
        assert page.locator("html").get_attribute("lang") == language
        text = " ".join(page.locator("body").inner_text().split())
        assert [sentence for sentence in english if sentence in text] == [], path
        assert page.evaluate(TOO_WIDE) == [], path
        assert [wrong for scheme in SCHEMES for wrong in violations(page, scheme)] == [], path
        anchors = page.locator('main a[href*="#"]').evaluate_all("all => all.map((one) => one.href)")
        for address in {one.partition("#")[0] for one in anchors}:
            assert address.startswith(window.console + "/help")
            ids = window.context.request.get(address).text()
            wanted = {one.partition("#")[2] for one in anchors if one.partition("#")[0] == address}
            assert not {one for one in wanted if f'id="{one}"' not in ids}, path


def test_help_is_found_from_where_it_is_needed(window: Window, account: Account) -> None:
    page = window.opens("/sign-in")
    link(page, "Help").click()
    expect_title(page, "Help")
    link(page, "Sign in").click()
    expect_title(page, "Sign in")
    window.becomes(account)
    link(page, "How keys work, step by step").click()
    expect_title(page, "Create and manage keys")
    window.opens("/api-management/new")
    link(page, "Help with each step").click()
    expect(page.get_by_role("heading", level=2, name="Create a key")).to_be_in_viewport()
    page.locator("summary", has_text="Profile menu").click()
    page.locator(".menu-body").get_by_role("link", name="Help", exact=True).click()
    expect_title(page, "Help")


def test_help_needs_no_script(open_another: Callable[..., Window]) -> None:
    page = open_another(java_script_enabled=False).opens("/help")
    link(page, "My bot says “Invalid KC-API-SIGN”").click()
    expect(page.get_by_role("heading", name="400005")).to_be_in_viewport()
    page.locator("summary", has_text="freqtrade").click()
    expect(page.get_by_role("region", name="freqtrade")).to_be_visible()
