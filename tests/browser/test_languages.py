"""Someone who asks for another language is answered in it, page after page, on the narrowest screen there is."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import pytest
from babel.dates import format_date
from babel.messages.pofile import read_po
from playwright.sync_api import Page, expect

from keywright.web.texts import DOMAIN, LOCALE, SOURCE, regional
from tests.browser.pages import button, expect_title, field, link, section
from tests.browser.place import Authenticator, Running
from tests.browser.test_axe import TOO_WIDE
from tests.browser.window import Window
from tests.support.texts import all_texts
from tests.support.visitor import PASSWORD

pytestmark = pytest.mark.browser

TEXTS = all_texts()
LANGUAGES = tuple(language for language in TEXTS.locales if language != SOURCE)


@dataclass(frozen=True)
class Reader:
    """Someone who reads one language, and would be puzzled by another."""

    language: str
    page: Page
    english: tuple[str, ...]

    def says(self, english: str, context: str = "") -> str:
        """Return what stands for this on the page."""
        texts = TEXTS.of(self.language)
        return texts.pgettext(context, english) if context else texts.gettext(english)

    def looks(self, title: str) -> None:
        """Look the page of this title over: its language, its words, its width."""
        expect_title(self.page, self.says(title))
        assert self.page.locator("html").get_attribute("lang") == self.language
        text = " ".join(self.page.locator("body").inner_text().split())
        assert [sentence for sentence in self.english if sentence in text] == [], title
        assert self.page.evaluate(TOO_WIDE) == [], title

    def reads_days(self, days: Iterable[tuple[str, str]]) -> None:
        """See that each of these days, given as `datetime` and as shown, is written as this language does."""
        shown = [(datetime.fromisoformat(exact), words) for exact, words in days]
        assert shown
        for day, words in shown:
            assert words == format_date(day, "medium", locale=regional(self.language))


def english_sentences(language: str) -> tuple[str, ...]:
    """Return all that the console says in English, of some length, and otherwise in this language."""
    with (LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
        said = [(message.id, message.string) for message in read_po(file, locale=language)]
    plain = [(english, other) for english, other in said if isinstance(english, str) and isinstance(other, str)]
    return tuple(english for english, other in plain if " " in english and english not in other)


@pytest.mark.parametrize("language", LANGUAGES)
def test_someone_comes_from_signing_up_to_a_key_in_their_language(
    open_another: Callable[..., Window], running: Running, language: str
) -> None:
    window = open_another(viewport={"width": 320, "height": 640}, locale=language)
    page = window.opens("/sign-up")
    reader = Reader(language, page, english_sentences(language))
    says, looks = reader.says, reader.looks

    looks("Create an account")
    field(page, says("E-mail address")).fill(f"reader-{language}@example.org")
    field(page, says("Password")).fill(PASSWORD)
    button(page, says("Create account")).click()
    looks("Set up an authenticator")
    button(page, says("Show the code to scan")).click()
    expect(page.get_by_role("group", name=says("Or type this key into it"))).to_be_visible()
    looks("Set up an authenticator")
    setup_key = page.get_by_role("group", name=says("Or type this key into it")).inner_text()
    authenticator = Authenticator("".join(setup_key.split()), running.clock)
    field(page, says("Code from your authenticator")).fill(authenticator.wrong_code())
    button(page, says("Confirm")).click()
    expect(page.get_by_role("region", name=says("Something needs your attention"))).to_be_focused()
    looks("Set up an authenticator")
    field(page, says("Code from your authenticator")).fill(authenticator.code())
    button(page, says("Confirm")).click()
    looks("Your recovery codes")

    window.opens("/api-management")
    looks("API Management")
    link(page, says("Create API")).click()
    looks("Create an API key")
    field(page, says("Name")).fill("bot")
    page.get_by_role("checkbox", name=says("Trade", "permission"), exact=True).check()
    button(page, says("Continue")).click()
    looks("Check and confirm")
    field(page, says("Passphrase of the key")).fill("Orbit-Lemon-42")
    field(page, says("Code from your authenticator")).fill(authenticator.code())
    button(page, says("Create key")).click()
    expect(page.get_by_role("group", name=says("API key"), exact=True)).to_be_visible()
    page.get_by_role("button", name=says("I have stored them: switch the key on")).click()
    expect(page.get_by_role("heading", name=says("The key is on"))).to_be_visible()
    looks(TEXTS.of(language).gettext("Key %(name)s is made") % {"name": "bot"})

    window.opens("/api-management")
    looks("API Management")
    days = page.get_by_role("table").locator("time[datetime]").filter(has_text=re.compile("20[0-9]{2}"))
    reader.reads_days((one.get_attribute("datetime") or "", one.inner_text()) for one in days.all())
    window.opens("/security")
    looks("Security")
    expect(section(page, says("Authenticator"))).to_contain_text(says("On", "status"))
