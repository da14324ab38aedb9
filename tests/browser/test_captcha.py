"""The captcha, solved by a real browser under the console's own policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.pages import (
    button,
    expect_title,
    field,
    give_code,
    read_recovery_codes,
    read_setup_key,
    take_values,
    wish_for_key,
)
from tests.browser.place import Running, started
from tests.browser.test_axe import SCHEMES, TOO_WIDE, violations
from tests.browser.window import Window
from tests.support.visitor import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Give a server that asks for captchas."""
    with started(tmp_path_factory.mktemp("captcha"), KEYWRIGHT_CAPTCHA="on") as server:
        yield server


def expect_solved(page: Page) -> None:
    """Wait until the browser has done the work, and says so in our words."""
    expect(page.locator("altcha-widget [data-state=verified]")).to_be_visible()
    expect(page.locator("#captcha")).to_contain_text("Done: your browser did the work.")


def test_an_account_and_a_key_are_made_with_captchas_that_solve_themselves(window: Window, running: Running) -> None:
    page = window.page
    page.goto(running.console + "/sign-up")
    expect_solved(page)
    field(page, "E-mail address").fill("worker@example.org")
    field(page, "Password").fill(PASSWORD)
    button(page, "Create account").click()
    expect_title(page, "Set up an authenticator")
    authenticator = read_setup_key(page, running)
    give_code(page, authenticator.code(), press="Confirm")
    read_recovery_codes(page)

    wish_for_key(page, "bot", "Trade")
    expect_solved(page)
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    give_code(page, authenticator.wrong_code(), press="Create key")
    expect(page.get_by_role("region", name="Something needs your attention")).to_contain_text("not right")
    expect_solved(page)  # the one before was used
    field(page, "Passphrase of the key").fill("Orbit-Lemon-42")
    give_code(page, authenticator.code(), press="Create key")
    assert running.bot(take_values(page)).is_served()
    assert {request.url.split("/")[2] for request in window.asked} == {running.console.split("/")[2]}


def test_axe_finds_nothing_wrong_with_it_and_it_fits_the_narrowest_screen(
    open_another: Callable[..., Window], running: Running
) -> None:
    page = open_another(viewport={"width": 320, "height": 640}, reduced_motion="reduce").opens("/sign-up")
    expect_solved(page)
    assert not [wrong for scheme in SCHEMES for wrong in violations(page, scheme)]
    assert not page.evaluate(TOO_WIDE)


def test_who_is_quicker_than_the_browser_need_not_press_twice(window: Window, running: Running) -> None:
    page = window.page
    page.goto(running.console + "/sign-up")
    expect_solved(page)
    held: list[Route] = []
    is_pressed = False

    def hold(route: Route) -> None:
        if is_pressed:
            route.continue_()
        else:
            held.append(route)

    page.route("**/captcha", hold)
    page.reload()
    field(page, "E-mail address").fill("quick@example.org")
    field(page, "Password").fill(PASSWORD)
    expect(page.locator("altcha-widget [data-state=verifying]")).to_be_visible()
    button(page, "Create account").click()
    is_pressed = True
    for route in held:  # only now does the browser get anything to work on
        route.continue_()
    expect_title(page, "Set up an authenticator")


def test_a_slow_telephone_is_done_soon(window: Window, running: Running) -> None:
    """A sixth of this machine's speed; how long it took is printed with `-s`."""
    window.context.new_cdp_session(window.page).send("Emulation.setCPUThrottlingRate", {"rate": 6})
    page = window.opens("/sign-up")
    expect_solved(page)
    print(f"solved {page.evaluate('performance.now()'):.0f} ms after the page was asked for")


def test_without_script_it_says_what_is_missing(open_another: Callable[..., Window], running: Running) -> None:
    page = open_another(java_script_enabled=False).opens("/sign-up")
    expect(page.get_by_text("This takes JavaScript")).to_be_visible()
