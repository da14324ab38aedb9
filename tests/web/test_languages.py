"""In which language a page is: the account's, else the browser's choice, else what the browser asks for, else English."""

from __future__ import annotations

from dataclasses import replace

import pytest
from babel.messages.catalog import Catalog

from keywright.web.app import Console
from keywright.web.rendering import Pages
from keywright.web.texts import Texts
from tests.support.clock import FakeClock
from tests.support.visitor import Caller, console_over
from tests.support.world import World


def in_german() -> Texts:
    """Return texts with a German catalogue of two sentences."""
    german = Catalog(locale="de", domain="console")
    german.add("Sign in", "Anmelden")
    german.add("Security", "Sicherheit")
    return Texts({"de": german})


@pytest.fixture
def console(world: World) -> Console:
    """Give a console that speaks two languages."""
    return speaking(console_over(world.services), in_german())


def speaking(console: Console, texts: Texts) -> Console:
    """Return the console with other texts."""
    site = console._site
    return Console(replace(site, texts=texts, pages=Pages(site.assets, texts)))


@pytest.fixture
def ada(console: Console, clock: FakeClock) -> Caller:
    return Caller(console, clock)


def speaks(caller: Caller) -> str:
    """Return the language that the page last seen says it is in."""
    return "de" if '<html lang="de">' in caller.text else "en" if '<html lang="en">' in caller.text else "?"


async def test_a_browser_gets_what_it_asks_for(ada: Caller) -> None:
    for asks, speaks_ in (("de-AT,de;q=0.9", "de"), ("fr,en;q=0.5", "en"), ("", "en"), ("x" * 10_000, "en")):
        await ada.get("/sign-in", **{"accept-language": asks})
        assert speaks(ada) == speaks_, asks


async def test_a_stranger_chooses_at_the_foot_of_the_page(ada: Caller) -> None:
    await ada.get("/sign-in")
    assert "Deutsch" in ada.text
    answer = await ada.post("/language", language="de", next="/sign-in")
    assert answer.headers["location"] == "/sign-in"
    cookie = answer.headers["set-cookie"]
    assert "keywright-language=de" in cookie
    assert "HttpOnly; SameSite=Lax" in cookie
    await ada.get("/sign-in", **{"accept-language": "en"})
    assert speaks(ada) == "de"
    assert "Anmelden" in ada.text


async def test_an_account_has_its_own_wherever_it_signs_in(ada: Caller, console: Console, clock: FakeClock) -> None:
    await ada.arrive()
    await ada.get("/security")
    assert "Deutsch" in ada.text
    await ada.post("/language", language="de", next="/security")
    elsewhere = Caller(console, clock, address="192.0.2.5", totp_secret=ada.totp_secret, used_step=ada.used_step)
    await elsewhere.get("/sign-in")
    assert speaks(elsewhere) == "en"
    await elsewhere.sign_in()
    assert speaks(elsewhere) == "de"


@pytest.mark.parametrize("language", ["", "tlh", "EN", "qps", "de\r\nset-cookie: a=b", "../de"])
async def test_what_there_is_not_cannot_be_chosen(ada: Caller, language: str) -> None:
    await ada.get("/sign-in")
    answer = await ada.post("/language", language=language, next="/sign-in")
    assert answer.status_code == 400
    assert "keywright-language" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize("onward", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", ""])
async def test_a_choice_leads_nowhere_else(ada: Caller, onward: str) -> None:
    await ada.get("/sign-in")
    answer = await ada.post("/language", language="de", next=onward)
    assert answer.headers["location"] == "/api-management"


async def test_a_cookie_that_holds_nonsense_says_nothing(ada: Caller) -> None:
    for value in ("tlh", "qps", '"><script>', "de; x=1" * 100):
        await ada.get("/sign-in", cookie=f"keywright-language={value}".encode("ascii", "replace").decode())
        assert speaks(ada) in {"en", "de"}
        assert "<script>alert" not in ada.text


async def test_of_two_cookies_neither_counts(ada: Caller) -> None:
    await ada.get("/sign-in", cookie="keywright-language=de; keywright-language=en", **{"accept-language": "en"})
    assert speaks(ada) == "en"


async def test_there_is_no_choice_where_there_is_one(console: Console, clock: FakeClock) -> None:
    ada = Caller(speaking(console, Texts()), clock)
    await ada.get("/sign-in")
    assert "/language" not in ada.text
