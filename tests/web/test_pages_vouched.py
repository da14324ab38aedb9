"""Signing in at the exchange: who begins in one browser arrives in that one, and in no other."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from keywright.app.services import Services
from keywright.web.app import Console
from tests.support.clock import FakeClock
from tests.support.exchange import ORIGIN, Exchange, with_login
from tests.support.visitor import Caller, console_over
from tests.support.world import World

LOGIN = "https://exchange.example/login"
FOREIGN = {"origin": "https://exchange.example", "sec_fetch_site": "cross-site"}


class Traveller:
    """A browser, and the exchange it signs in at."""

    def __init__(self, console: Console, exchange: Exchange, clock: FakeClock, *, address: str = "203.0.113.7") -> None:
        self.browser = Caller(console, clock, address=address)
        self.exchange = exchange
        self.outside = Caller(console, clock, address=address)
        """The same browser, posting from the exchange's page: without our cookies."""

    async def leave(self, path: str = "/login") -> str:
        """Follow the way out; return the nonce that goes along."""
        answer = await self.browser.get(path)
        assert answer.status_code == 303, self.browser.text
        place = urlsplit(answer.headers["location"])
        assert f"{place.scheme}://{place.netloc}{place.path}" == LOGIN
        query = parse_qs(place.query)
        assert query["return"] == [f"{ORIGIN}/login/assertion"]
        return query["nonce"][0]

    async def bring(self, assertion: str) -> int:
        """Post what the exchange signed; return the status, and keep the note that comes with the answer."""
        answer = await self.outside.send("POST", "/login/assertion", {"assertion": assertion}, **FOREIGN)
        cookies = answer.headers.get_list("set-cookie")
        assert not [cookie for cookie in cookies if cookie.startswith("keywright=")], "the browser's own stays"
        for cookie in cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.browser.client.cookies.set(name, value, domain="localhost.local")
        return answer.status_code

    async def sign_in(self, user: str = "user-1", **claims: Any) -> Caller:
        """Sign in at the exchange and come back."""
        nonce = await self.leave()
        said = self.exchange.sign(self.exchange.claims(user, nonce=nonce, **claims))
        assert await self.bring(said) == 303, self.outside.text
        arrived = await self.browser.get("/login/arrived")
        assert arrived.status_code == 303, self.browser.text
        return self.browser


@pytest.fixture
def exchange(clock: FakeClock) -> Exchange:
    return Exchange(clock)


@pytest.fixture
def served(world: World, exchange: Exchange) -> Services:
    return with_login(world.services, exchange, LOGIN)


@pytest.fixture
def traveller(served: Services, exchange: Exchange, clock: FakeClock) -> Traveller:
    return Traveller(console_over(served), exchange, clock)


async def test_a_user_of_the_exchange_lands_in_api_management_without_a_password(
    traveller: Traveller, served: Services
) -> None:
    browser = await traveller.sign_in(email="ada@example.org")
    assert (await browser.get("/api-management")).status_code == 200
    assert "ada@example.org" in browser.text
    async with served.database.read() as tx:
        (account,) = await served.identity.accounts(tx)
        rows = await served.audit.list(tx)
        await served.audit.verify(tx)
    assert account.external_id == "user-1"
    kinds = [row.kind for row in rows][::-1]
    assert kinds == ["account.created", "account.linked", "session.opened"]
    assert {row.actor for row in rows} == {account.id}
    again = await traveller.browser.get("/login")
    assert again.headers["location"] == "/api-management"


async def test_what_identity_and_whitelist_are_there_counts_here(traveller: Traveller, served: Services) -> None:
    await traveller.sign_in(identity="approved", whitelist="on")
    async with served.database.read() as tx:
        (account,) = await served.identity.accounts(tx)
        assert await served.own.identities.is_verified(tx, account.id)
    assert account.whitelist_on_at is not None


async def test_a_sensitive_form_sends_them_there_and_back_for_ten_minutes(
    traveller: Traveller, clock: FakeClock
) -> None:
    browser = await traveller.sign_in()
    await browser.get("/security")
    await browser.post("/security/freeze")
    await browser.get("/security")
    assert 'href="/login/step-up?next=/security"' in browser.text.replace(
        "=/login", '="/login'
    )  # quotes may be left out
    refused = await browser.post("/security/unfreeze")
    assert refused.status_code >= 400, "signing in is no step-up"
    clock.advance(seconds=5)
    nonce = await traveller.leave("/login/step-up?next=/security")
    said = traveller.exchange.sign(traveller.exchange.claims("user-1", nonce=nonce))
    assert await traveller.bring(said) == 303
    back = await browser.get("/login/arrived")
    assert back.headers["location"] == "/security?done=stepped-up"
    await browser.get("/security")
    assert (await browser.post("/security/unfreeze")).status_code == 303


async def test_a_step_up_takes_a_second_factor_that_was_proved_since(traveller: Traveller, clock: FakeClock) -> None:
    browser = await traveller.sign_in()
    clock.advance(seconds=60)
    nonce = await traveller.leave("/login/step-up?next=/security")
    earlier = clock() // 1000 - 5
    await traveller.bring(traveller.exchange.sign(traveller.exchange.claims("user-1", nonce=nonce, factor_at=earlier)))
    assert (await browser.get("/login/arrived")).status_code == 403


async def test_web_02_whose_assertion_was_planted_is_not_signed_in(
    traveller: Traveller, served: Services, clock: FakeClock
) -> None:
    mallory = Traveller(console_over(served), traveller.exchange, clock, address="198.51.100.9")
    planted = await mallory.leave()
    await traveller.leave()
    said = traveller.exchange.sign(traveller.exchange.claims("mallory", nonce=planted))
    assert await traveller.bring(said) == 303
    answer = await traveller.browser.get("/login/arrived")
    assert answer.status_code == 403
    assert "not begun in this browser" in traveller.browser.text
    assert not await traveller.browser.is_in()


async def test_a_stolen_session_is_not_stepped_up_by_its_owners_second_factor(
    traveller: Traveller, served: Services, clock: FakeClock
) -> None:
    browser = await traveller.sign_in()
    thief = browser.borrow(browser.token)
    answer = await thief.get("/login/step-up?next=/security")
    nonce = parse_qs(urlsplit(answer.headers["location"]).query)["nonce"][0]
    other = Traveller(console_over(served), traveller.exchange, clock)
    await other.sign_in()
    clock.advance(seconds=1)
    await other.bring(traveller.exchange.sign(traveller.exchange.claims("user-1", nonce=nonce)))
    assert (await other.browser.get("/login/arrived")).status_code == 403, "another session of the same person"
    assert (await thief.get("/login/arrived")).status_code == 403, "and the note is in the other browser"


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": None},
        {"factor_at": None},
        {"sub_account": "bots"},
        {"aud": "https://other.example"},
        {"method": "POST", "target_sha256": "0" * 64, "body_sha256": "0" * 64},
    ],
)
async def test_an_assertion_that_is_for_something_else_signs_nobody_in(
    traveller: Traveller, claims: dict[str, Any]
) -> None:
    nonce = await traveller.leave()
    said = traveller.exchange.sign(traveller.exchange.claims("user-1", **({"nonce": nonce} | claims)))
    assert await traveller.bring(said) in {403, 409}
    await traveller.browser.get("/login/arrived")
    assert not await traveller.browser.is_in()


async def test_an_assertion_signs_in_once_and_a_note_for_a_minute(traveller: Traveller, clock: FakeClock) -> None:
    nonce = await traveller.leave()
    said = traveller.exchange.sign(traveller.exchange.claims("user-1", nonce=nonce))
    assert await traveller.bring(said) == 303
    assert await traveller.bring(said) == 403
    clock.advance(seconds=61)
    assert (await traveller.browser.get("/login/arrived")).status_code == 403
    assert not await traveller.browser.is_in()


async def test_a_note_that_was_altered_is_none(traveller: Traveller) -> None:
    nonce = await traveller.leave()
    await traveller.bring(traveller.exchange.sign(traveller.exchange.claims("user-1", nonce=nonce)))
    (note,) = [one for one in traveller.browser.client.cookies.jar if one.name == "keywright-arrival"]
    for altered in (re.sub(r"acc_.", "acc_0", note.value or "", count=1) + "0", "x", "", (note.value or "")[:-1] + "g"):
        traveller.browser.client.cookies.set("keywright-arrival", altered, domain="localhost.local")
        assert (await traveller.browser.get("/login/arrived")).status_code == 403
    assert not await traveller.browser.is_in()


async def test_who_signs_in_elsewhere_has_no_other_way_in(traveller: Traveller, served: Services) -> None:
    browser = await traveller.sign_in(email="ada@example.org")
    for path in ("/security/authenticator", "/step-up", "/security/passkeys/new"):
        assert (await browser.get(path)).status_code == 404, path
    stranger = Caller(console_over(served), browser.clock, address="192.0.2.5")
    await stranger.get("/sign-in")
    answer = await stranger.post("/sign-in", email="ada@example.org", password="seven-lamps-under-rain")
    assert answer.status_code == 403


async def test_a_row_that_says_it_is_someone_elses_lets_nobody_in(
    traveller: Traveller, served: Services, world: World
) -> None:
    from sqlalchemy import update

    from keywright.storage.tables import accounts

    ada = await world.person()
    async with served.database.write() as tx:
        await tx.execute(update(accounts).where(accounts.c.id == ada.account.id).values(external_id="mallory"))
    nonce = await traveller.leave()
    assert await traveller.bring(traveller.exchange.sign(traveller.exchange.claims("mallory", nonce=nonce))) == 409
    await traveller.browser.get("/login/arrived")
    assert not await traveller.browser.is_in()


async def test_without_an_exchange_there_is_no_such_page(world: World, clock: FakeClock) -> None:
    caller = Caller(console_over(world.services), clock)
    assert (await caller.get("/login")).status_code == 404
    answer = await caller.send("POST", "/login/assertion", {"assertion": "x"}, **FOREIGN)
    assert answer.status_code == 403
