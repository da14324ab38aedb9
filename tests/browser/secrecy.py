"""What must be nowhere: looked for in addresses, in what browsers keep, in what pages show."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from urllib.parse import unquote_plus

from playwright.sync_api import Error, Page

from tests.browser.window import Window

KEPT = """async () => ({
  local: Object.entries(localStorage),
  session: Object.entries(sessionStorage),
  databases: (await indexedDB.databases()).map((one) => one.name),
  workers: (await navigator.serviceWorker.getRegistrations()).length,
  caches: await caches.keys(),
  cookies: document.cookie,
  history: history.state,
  name: window.name,
})"""
NOTHING = {
    "local": [],
    "session": [],
    "databases": [],
    "workers": 0,
    "caches": [],
    "cookies": "",
    "history": None,
    "name": "",
}


def expect_nothing_kept(window: Window) -> None:
    """LEAK-10: nothing at all is in what scripts can keep or read; cookies are out of their reach (WEB-01)."""
    kept = window.page.evaluate(KEPT)
    assert kept == NOTHING, kept
    cookies = window.context.cookies()
    assert {cookie["name"] for cookie in cookies} == {"keywright", "keywright-device"}
    assert all(cookie["httpOnly"] and cookie["sameSite"] == "Lax" for cookie in cookies)


def expect_not_in_addresses(window: Window, secrets: Iterable[str]) -> None:
    """LEAK-08: none of them is in any address that was asked for, nor in the session's token there."""
    tokens = [cookie["value"] for cookie in window.context.cookies()]
    addresses = [unquote_plus(address) for address in window.addresses()]
    assert addresses
    assert not [address for address in addresses for secret in (*secrets, *tokens) if secret in address]


HELD = """() => document.readyState === "complete" && [
  document.documentElement.outerHTML,
  ...[...document.querySelectorAll("input,textarea")].map((one) => one.value),
].join(" ")"""


def expect_unseen(page: Page, secrets: Iterable[str]) -> None:
    """None of them is in what the page holds: its markup as it is now, and what is typed into its fields."""
    held = page.wait_for_function(HELD).json_value()
    assert not [secret for secret in secrets if secret in held]


def go(page: Page, where: Literal["back", "forward"], *, times: int, unseen: Iterable[str]) -> None:
    """Press the browser's own button so often; none of the secrets is ever there.

    A page that a form led to is not fetched again: there the browser shows one of its own. A page that it kept fires no
    `load`, so none is waited for.
    """
    press = page.go_back if where == "back" else page.go_forward
    for _ in range(times):
        try:
            press(wait_until="commit")
        except Error as problem:
            if "ERR_CACHE_MISS" not in problem.message:
                raise
        expect_unseen(page, unseen)
