"""The help pages: every step is carried out as its page says it, in each language; they are read by everyone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, expect

from keywright.web.texts import SOURCE
from tests.browser.pages import expect_title, link
from tests.browser.place import Running, started
from tests.browser.shortcut import Account, new_account
from tests.browser.test_axe import SCHEMES, TOO_WIDE, violations
from tests.browser.test_languages import english_sentences
from tests.browser.walk import Walk, steps_of
from tests.browser.walks import ACTIONS, BEFOREHAND, PLACES
from tests.browser.window import Window, open_window
from tests.doubles.exchange import running_in_thread
from tests.doubles.kucoin import KucoinDouble
from tests.support.texts import all_texts

pytestmark = pytest.mark.browser

TEXTS = all_texts()
PATHS = ("/help", *(f"/help/{topic}" for topic in ACTIONS))


@pytest.mark.clients
@pytest.mark.parametrize("language", TEXTS.locales)
@pytest.mark.parametrize("topic", [topic for topic in ACTIONS if topic != "exchange"])
def test_every_step_of_a_help_page_can_be_carried_out(
    open_another: Callable[..., Window], running: Running, account: Account, topic: str, language: str
) -> None:
    """No step lacks its action and no action its step; what a step names is there under that name, in that language."""
    window = open_another(locale=language)
    page = window.opens(f"/help/{topic}")
    codes = page.locator('code[id^="client-"]').evaluate_all("all => all.map((one) => [one.id, one.textContent])")
    clients = {name.removeprefix("client-"): code for name, code in codes}
    _carry_out(Walk(page, running, account, TEXTS.of(language).gettext, clients), window, topic)


@pytest.fixture(scope="module")
def asking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, KucoinDouble]]:
    """Give a server to which KuCoin is its double, with an address for each language's key."""
    with (
        running_in_thread(KucoinDouble()) as double,
        started(tmp_path_factory.mktemp("asking"), KEYWRIGHT_KUCOIN_URL=double.url) as server,
    ):
        double.clock = server.clock
        for last in range(len(TEXTS.locales)):
            said = server.installation.cli("vault", "egress", "add", f"127.0.0.{last + 7}", "--server")
            assert said.code == 0, said.err
        yield server, double


@pytest.mark.parametrize("language", TEXTS.locales)
def test_every_step_of_connecting_an_exchange_can_be_carried_out(
    browser: Browser, asking: tuple[Running, KucoinDouble], language: str
) -> None:
    """What is done at the exchange itself is done at its double, from our address alone."""
    server, double = asking
    window, account = open_window(browser, server, locale=language), new_account(server)
    with closing(window.context), closing(account.client):
        walk = Walk(window.opens("/help/exchange"), server, account, TEXTS.of(language).gettext)
        walk.exchange = double
        double.seen.clear()
        _carry_out(walk, window, "exchange")
    assert not window.complaints


def _carry_out(walk: Walk, window: Window, topic: str) -> None:
    """Do every step of the help page that is open."""
    steps, actions = steps_of(walk.page), ACTIONS[topic]
    assert [step.id for step in steps] == list(actions)
    if topic in BEFOREHAND:
        BEFOREHAND[topic](walk)
    window.becomes(walk.account)
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
    window.opens("/exchanges")
    link(page, "How this is done, step by step").click()
    expect_title(page, "Connect an exchange")
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
