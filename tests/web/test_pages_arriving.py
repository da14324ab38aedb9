"""Signing up, in and out; switching everything off."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from keywright.app.services import Services
from keywright.web.app import Console
from tests.support.clock import FakeClock
from tests.support.visitor import ORIGIN, PASSWORD, Caller, ask, console_over, events_of
from tests.support.world import World


async def test_the_front_door_leads_where_it_is_of_use(ada: Caller) -> None:
    assert (await ada.get("/")).headers["location"] == "/sign-in"
    await ada.sign_up()
    assert (await ada.get("/")).headers["location"] == "/api-management"
    assert (await ada.get("/sign-up")).headers["location"] == "/api-management"
    assert (await ada.get("/sign-in")).status_code == 200, "who is half in may begin anew"
    await ada.enrol()
    assert (await ada.get("/sign-in")).headers["location"] == "/api-management"


async def test_an_account_is_made_and_led_to_its_second_factor(ada: Caller) -> None:
    await ada.get("/sign-up")
    answer = await ada.post("/sign-up", email=" Ada@Example.org ", password=PASSWORD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/security/authenticator?done=account-made")
    await ada.get(answer.headers["location"])
    assert "Your account is made" in ada.text
    assert "ada@example.org" in ada.text


@pytest.mark.parametrize(
    ("email", "password", "status", "said"),
    [
        ("ada", PASSWORD, 400, "not an e-mail address"),
        ("", PASSWORD, 400, "not an e-mail address"),
        ("ada@example.org\r\nbcc: x@y.z", PASSWORD, 400, "not an e-mail address"),
        ("ада@example.org", PASSWORD, 400, "not an e-mail address"),
        ("ada@example.org", "short", 400, "has 10 to 128 characters"),
        ("ada@example.org", "x" * 129, 400, "has 10 to 128 characters"),
        ("ada@example.org", "password1234", 400, "easily guessed"),
        ("ada@example.org", "ada@example.org", 400, "easily guessed"),
        ("demo@keywright.example", PASSWORD, 409, "kept for the sandbox"),
    ],
)
async def test_a_form_that_can_not_be_taken_comes_back(
    ada: Caller, world: World, email: str, password: str, status: int, said: str
) -> None:
    await ada.get("/sign-up")
    answer = await ada.post("/sign-up", email=email, password=password)
    assert answer.status_code == status
    assert said in ada.text
    assert f'value="{email}"' in ada.text.replace("\r\n", "\n").replace("\n", "\r\n")
    if password not in email:
        assert password not in ada.text
    assert not await events_of(world.services)


async def test_an_address_is_taken_once(ada: Caller, bob: Caller) -> None:
    await ada.sign_up()
    bob.email = "ADA@example.org"
    answer = await bob.sign_up()
    assert answer.status_code == 409
    assert "there is an account of ada@example.org already" in bob.text.lower()


async def test_where_sign_up_is_closed_nobody_signs_up(world: World, clock: FakeClock) -> None:
    world.given(sign_up="closed")
    ada = Caller(console_over(world.services), clock)
    await ada.get("/sign-in")
    assert "/sign-up" not in ada.text
    csrf = ada.csrf
    await ada.get("/sign-up")
    assert "The operator of this service can make one for you" in ada.text
    assert 'action="/sign-up' not in ada.text
    answer = await ada.post("/sign-up", csrf=csrf, email=ada.email, password=PASSWORD)
    assert answer.status_code == 409
    assert not await events_of(world.services)


async def test_signing_in_takes_both_factors(ada: Caller, console: Console, clock: FakeClock) -> None:
    await ada.arrive()
    other = Caller(console, clock, totp_secret=ada.totp_secret, used_step=ada.used_step)
    await other.get("/sign-in")
    answer = await other.post("/sign-in", email="ADA@example.org", password=PASSWORD)
    assert answer.headers["location"] == "/sign-in/code"
    assert not await other.is_in()
    await other.get("/sign-in/code")
    answer = await other.post("/sign-in/code", code=other.code())
    assert answer.headers["location"] == "/api-management"
    assert await other.is_in()
    for path in ("/sign-in/code", "/sign-in/recovery"):
        assert (await other.get(path)).headers["location"] == "/api-management"


@pytest.mark.parametrize(
    ("asked", "onward"),
    [
        ("/approvals", "/approvals"),
        ("/exchanges/con_0123456789abcdef01234567", "/exchanges/con_0123456789abcdef01234567"),
        ("/sign-in?next=/sub-accounts", "/sub-accounts"),
        ("/sign-in?next=//evil.example", "/api-management"),
        ("/sign-in?next=https://evil.example", "/api-management"),
        ("/sign-in?next=/%5Cevil.example", "/api-management"),
        ("/sign-in", "/api-management"),
    ],
)
async def test_signing_in_leads_to_the_page_that_was_wanted_and_to_none_of_another_site(
    ada: Caller, console: Console, clock: FakeClock, asked: str, onward: str
) -> None:
    """As from a mail that says what waits. A wrong password and a wrong code on the way lose nothing of it."""
    await ada.arrive()
    other = Caller(console, clock, totp_secret=ada.totp_secret, used_step=ada.used_step)

    async def follow() -> None:
        while other.last is not None and "location" in other.last.headers:
            await other.get(other.last.headers["location"])

    async def send(path: str, **fields: str) -> None:
        carried = re.search(r"name=\"?next\"? value=\"?([^\" >]+)", other.text.partition("<footer")[0])
        await other.post(path, **fields, **({"next": carried[1]} if carried else {}))

    await other.get(asked)
    await follow()
    await send("/sign-in", email=ada.email, password="wrong-horse-battery")
    await send("/sign-in", email=ada.email, password=PASSWORD)
    await follow()
    await send("/sign-in/code", code="000000")
    await send("/sign-in/code", code=other.code())
    assert other.last is not None
    assert (other.last.status_code, other.last.headers["location"]) == (303, onward)


async def test_a_wrong_password_brings_the_form_back(ada: Caller, bob: Caller) -> None:
    await ada.arrive()
    await bob.get("/sign-in")
    answer = await bob.post("/sign-in", email=ada.email, password="wrong-horse-battery")
    assert answer.status_code == 403
    assert "don't belong together" in bob.text
    assert f'value="{ada.email}"' in bob.text
    assert "wrong-horse" not in bob.text


async def test_a_browser_that_keeps_no_cookies_is_told_so(console: Console) -> None:
    """Else it would be told to load the page again, for ever."""
    first = await ask(console, "GET", "/sign-in")
    csrf = first.body.decode().partition('name="csrf" value="')[2][:64]
    body = urlencode({"csrf": csrf, "email": "ada@example.org", "password": PASSWORD}).encode()
    headers = [("content-type", "application/x-www-form-urlencoded"), ("origin", ORIGIN)]
    answer = await ask(console, "POST", "/sign-in", headers, body)
    assert answer.status == 403
    assert b"Your browser sent no cookie along with this form" in answer.body


async def test_signing_out_says_so_and_the_browser_stays_known(ada: Caller) -> None:
    await ada.arrive()
    await ada.get("/security")
    answer = await ada.post("/sign-out")
    assert answer.headers["location"] == "/sign-in?done=signed-out"
    await ada.get(answer.headers["location"])
    assert "You are signed out" in ada.text
    assert (await ada.get("/security")).headers["location"] == "/sign-in?next=/security&done=session-over"
    assert [cookie.name for cookie in ada.client.cookies.jar if cookie.name.endswith("-device")]


async def test_who_is_half_in_can_sign_out(ada: Caller) -> None:
    await ada.sign_up()
    assert (await ada.post("/sign-out")).headers["location"] == "/sign-in?done=signed-out"


async def test_who_can_not_get_in_can_switch_everything_off(ada: Caller, bob: Caller) -> None:
    await ada.arrive()
    await bob.get("/switch-off")
    for password, frozen in (("wrong-horse-battery", False), (PASSWORD, True), (PASSWORD, True)):
        answer = await bob.post("/switch-off", csrf=bob.csrf or None, email=ada.email, password=password)
        assert answer.status_code == 200
        assert "If e-mail address and password were right" in bob.text
        assert ada.email not in bob.text
        await ada.get("/api-management")
        assert ("Your account is frozen" in ada.text) is frozen
        await bob.get("/switch-off")


async def test_a_password_is_measured_and_forgotten(ada: Caller) -> None:
    scores = {}
    for typed in ("", "a", "password1234", PASSWORD, "x" * 9_000):
        answer = await ada.send("POST", "/strength", {"secret": typed}, hx_request="true")
        assert answer.status_code == 200
        assert not typed or f">{typed}<" not in answer.text
        assert "<html" not in answer.text
        scores[typed] = answer.text.partition('value="')[2][:1]
    assert (scores[""], scores["password1234"], scores[PASSWORD]) == ("0", "1", "4")


async def test_who_came_by_another_name_of_this_machine_is_led_to_the_official_one(services: Services) -> None:
    """K3: the page names the one address to look for, and on loopback there are several that are ours."""
    console = console_over(services, origins=(ORIGIN, "http://127.0.0.1:8400"))
    for host, is_told in (("127.0.0.1:8400", True), ("localhost:8400", False)):
        page = (await ask(console, "GET", "/sign-in", host=host)).body.decode()
        assert (f"You came by {host}" in page) is is_told
        assert (f'href="{ORIGIN}/sign-in"' in page) is is_told
