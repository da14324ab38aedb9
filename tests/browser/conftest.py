"""A real Chromium before a real server, whose clock a test can set forward."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.place import ELSEWHERE, Running, started_with_exchanges
from tests.browser.shortcut import Account, new_account
from tests.browser.window import PATIENCE_MS, Window, open_window

expect.set_options(timeout=PATIENCE_MS)


def _chromium() -> str:
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.fail("Chromium is missing: apt install chromium (or set CHROMIUM to its path)")
    return found


# Both end with the last of these tests that a process runs: Playwright's loop must not be there when others start theirs.


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Give one Chromium for all tests of this folder; each window has a profile of its own in it."""
    quiet = [
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ]
    elsewhere = f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1"
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=_chromium(),
            args=["--no-sandbox", *quiet, elsewhere],
            # Pages kept for "back" are what LEAK-06 is about: Playwright would switch them off.
            ignore_default_args=["--disable-back-forward-cache"],
        )
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Give one server for all tests of this folder; accounts are each test's own."""
    with started_with_exchanges(tmp_path_factory.mktemp("console")) as server:
        yield server


@pytest.fixture
def open_another(browser: Browser, running: Running) -> Iterator[Callable[..., Window]]:
    """Give what opens another window; none of them may have complained of anything when the test ends."""
    opened: list[Window] = []

    def another(**options: object) -> Window:
        opened.append(open_window(browser, running, **options))
        return opened[-1]

    yield another
    for window in opened:
        window.context.close()
    assert not [complaint for window in opened for complaint in window.complaints]


@pytest.fixture
def window(open_another: Callable[..., Window]) -> Window:
    """Give a fresh window."""
    return open_another()


@pytest.fixture
def account(running: Running) -> Iterator[Account]:
    """Give an account with its second factor."""
    made = new_account(running)
    yield made
    made.client.close()


@pytest.fixture
def page(window: Window, account: Account) -> Page:
    """Give the list of the account's keys, signed in."""
    return window.becomes(account)
