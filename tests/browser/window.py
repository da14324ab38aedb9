"""A browser's window of its own: its cookies and history, all it asked for, and all it complained of."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

from tests.browser.place import Running
from tests.browser.shortcut import Account

EXPECTED = re.compile(
    r"Failed to load resource: the server responded with a status of [45]\d\d"
    r"|htmx:(sendAbort|afterRequest), \[object HTML"
    r"|The Cross-Origin-Opener-Policy header has been ignored, because the URL's origin was untrustworthy"
)
"""Said of every page that comes with an error's status, as our forms do with what is wrong in them; by htmx when an
answer is not waited for, because someone typed on or left; and at any host but this one, which speaks no https."""

PATIENCE_MS = 20_000
"""How long something may take to appear; the tests' machine may be busy with seven other things."""


@dataclass
class Window:
    """One profile and its first page."""

    context: BrowserContext
    console: str
    page: Page = field(init=False)
    asked: list[Request] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen from the beginning."""
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.on("request", lambda request: self.asked.append(request))  # noqa: PLW0108  marked by Playwright
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.page = self.context.new_page()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not EXPECTED.match(message.text):
            self.complaints.append(f"{message.type}: {message.text} ({self.page.url})")

    def opens(self, path: str) -> Page:
        """Go to an address of the console."""
        self.page.goto(self.console + path)
        return self.page

    def becomes(self, account: Account) -> Page:
        """Go on in the account's session, as if it had signed in here; show its keys."""
        self.context.add_cookies(
            [
                {"name": name, "value": value, "url": self.console, "httpOnly": True, "sameSite": "Lax"}
                for name, value in account.cookies().items()
            ]
        )
        return self.opens("/api-management")

    def addresses(self) -> list[str]:
        """Return every address that was asked for, and what was said of where the asker came from."""
        return [address for request in self.asked for address in (request.url, request.headers.get("referer", ""))]


def open_window(browser: Browser, running: Running, **options: object) -> Window:
    """Open a fresh profile: no cookies, nothing remembered."""
    settled: dict[str, object] = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **options}
    return Window(browser.new_context(**settled), running.console)  # type: ignore[arg-type]
