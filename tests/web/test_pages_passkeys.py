"""Passkeys at the console: added, used in every form that takes a code, removed; without one nothing is different."""

from __future__ import annotations

import json
import re

import pytest

from keywright.identity.model import FRESH_MS
from keywright.web.app import Console
from keywright.web.site import Place
from tests.support.clock import FakeClock
from tests.support.passkey import SoftPasskey
from tests.support.visitor import ORIGIN, PASSWORD, Caller

NEW = "/security/passkeys/new"


async def options(caller: Caller, path: str = "/passkeys/options", **fields: str) -> str:
    """Ask, as the page last seen would."""
    answer = await caller.client.post(path, data={"csrf": caller.csrf, **fields}, headers={"origin": caller.origin})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return answer.text


async def add(caller: Caller, soft: SoftPasskey, *, name: str = "my phone") -> str:
    """Add a passkey; return its id."""
    await caller.get(f"/step-up?next={NEW}")
    await caller.post("/step-up", follow=True, code=caller.code(), next=NEW)
    answer = await caller.post(
        NEW, follow=True, name=name, passkey=soft.create(await options(caller, "/security/passkeys/options"))
    )
    assert answer.status_code == 200
    assert "The passkey is added." in caller.text
    found = re.findall(r"pky_[0-9a-f]{24}", caller.text)
    return str(found[-1])


@pytest.fixture
async def soft(ada: Caller, clock: FakeClock) -> SoftPasskey:
    """Give the passkey that Ada has added; her step-up is over."""
    await ada.arrive()
    soft = SoftPasskey()
    await add(ada, soft)
    clock.advance(ms=FRESH_MS + 1)
    return soft


async def test_adding_one_takes_a_step_up_first(ada: Caller) -> None:
    await ada.arrive()
    answer = await ada.get(NEW)
    assert answer.headers["location"] == f"/step-up?next={NEW}"
    await ada.get("/security")
    for path in (NEW, "/security/passkeys/options"):
        answer = await ada.post(path, name="x", passkey="{}")
        assert answer.status_code in {303, 403}
    assert "account.passkey_added" not in ada.text


async def test_it_is_shown_by_its_name_with_when_it_served(ada: Caller, soft: SoftPasskey) -> None:
    await ada.get("/security")
    assert "my phone" in ada.text
    assert "not used yet" in ada.text
    await ada.post("/step-up", passkey=soft.get(await options(ada)), next="/security")
    await ada.get("/security")
    assert "last used" in ada.text


async def test_signing_in_with_it(ada: Caller, console: Console, clock: FakeClock, soft: SoftPasskey) -> None:
    browser = Caller(console, clock, address="203.0.113.80")
    await browser.get("/sign-in")
    await browser.post("/sign-in", follow=True, email=ada.email, password=PASSWORD)
    assert 'id="passkey-choice"' in browser.text
    answer = await browser.post("/sign-in/code", passkey=soft.get(await options(browser)))
    assert answer.headers["location"] == "/api-management"
    assert await browser.is_in()


async def test_the_form_of_a_new_key_takes_it_and_answers_with_the_secret(ada: Caller, soft: SoftPasskey) -> None:
    wish = {"name": "bot", "memo": "", "environment": "spot", "addresses": "", "permissions": "read trade"}
    await ada.get("/api-management/new")
    await ada.post("/api-management/new", **wish)
    form = {**wish, "passphrase": "Tide-wharf-29-Q"}
    answer = await ada.post("/api-management/create", passkey=SoftPasskey().get(await options(ada)), **form)
    assert answer.status_code == 403
    assert "none of this account's" in ada.text.lower()
    assert 'aria-invalid="true"' in ada.text
    answer = await ada.post("/api-management/create", passkey=soft.get(await options(ada)), **form)
    assert answer.status_code == 200
    assert re.search(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b", ada.text)


async def test_a_code_serves_beside_it_as_before(ada: Caller, soft: SoftPasskey) -> None:
    await ada.get("/step-up")
    answer = await ada.post("/step-up", code=ada.code(), next="/security")
    assert answer.status_code == 303


async def test_removing_it_takes_a_step_up_and_then_nothing_offers_one(ada: Caller, soft: SoftPasskey) -> None:
    await ada.get("/security")
    found = re.search(r"/security/passkeys/pky_[0-9a-f]{24}", ada.text)
    assert found
    await ada.get(found[0])
    answer = await ada.post(f"{found[0]}/remove")
    assert answer.status_code == 400
    answer = await ada.post(f"{found[0]}/remove", follow=True, passkey=soft.get(await options(ada)))
    assert "The passkey is removed." in ada.text
    assert "passkey-choice" not in ada.text
    assert "passkeys.js" not in ada.text
    assert (await ada.get(found[0])).status_code == 404


async def test_somebody_elses_is_not_there(ada: Caller, bob: Caller, soft: SoftPasskey) -> None:
    await ada.get("/security")
    found = re.search(r"/security/passkeys/pky_[0-9a-f]{24}", ada.text)
    assert found
    await bob.arrive()
    assert (await bob.get(found[0])).status_code == 404
    await bob.get("/step-up")
    await bob.post("/step-up", follow=True, code=bob.code(), next="/security")
    assert (await bob.post(f"{found[0]}/remove")).status_code == 404
    await bob.get("/security")
    assert (await bob.post("/passkeys/options")).status_code == 404


async def test_without_one_no_page_says_anything_of_them_but_security(ada: Caller) -> None:
    await ada.arrive()
    for path in ("/api-management", "/api-management/new", "/step-up", "/security/authenticator"):
        await ada.get(path)
        assert "passkey" not in ada.text.lower().replace("data-or-passkey", ""), path


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"name": "phone", "passkey": ""}, 403),
        ({"name": "phone", "passkey": "null"}, 403),
        ({"name": "", "passkey": "{}"}, 400),
        ({"name": "x" * 41, "passkey": "{}"}, 400),
        ({}, 400),
    ],
)
async def test_nonsense_adds_nothing_and_the_name_stays(ada: Caller, fields: dict[str, str], status: int) -> None:
    await ada.arrive()
    await ada.get("/step-up")
    await ada.post("/step-up", follow=True, code=ada.code(), next=NEW)
    answer = await ada.post(NEW, **fields)
    assert answer.status_code == status
    assert f'value="{fields.get("name", "")}"' in ada.text


async def test_a_purpose_has_an_end(ada: Caller, soft: SoftPasskey) -> None:
    await ada.get("/security")
    await options(ada, purpose="x" * 512)
    assert (await ada.post("/passkeys/options", purpose="x" * 513)).status_code == 400


async def test_an_answer_bound_to_something_steps_nothing_up(ada: Caller, soft: SoftPasskey) -> None:
    await ada.get("/step-up")
    bound = soft.get(await options(ada, purpose="approval app_1 00ff"))
    answer = await ada.post("/step-up", passkey=bound, next="/security")
    assert answer.status_code == 403
    assert "no longer open" in ada.text


async def test_at_another_name_of_loopback_they_are_not_offered(
    ada: Caller, world: object, soft: SoftPasskey, clock: FakeClock
) -> None:
    from tests.support.visitor import console_over
    from tests.support.world import World

    assert isinstance(world, World)
    console = console_over(world.services, origins=(ORIGIN, "http://127.0.0.1:8400"))
    there = Caller(console, clock, origin="http://127.0.0.1:8400", totp_secret=ada.totp_secret, used_step=ada.used_step)
    await there.sign_in()
    assert "passkey-choice" not in there.text
    await there.get("/security")
    assert "Passkeys work at the official address only: http://localhost:8400" in there.text
    assert (await there.post("/passkeys/options")).status_code == 400


@pytest.mark.parametrize(
    ("origins", "rp_id"),
    [
        (("https://keys.example.org",), "keys.example.org"),
        (("https://keys.example.org:8443",), "keys.example.org"),
        (("http://localhost:8400", "http://127.0.0.1:8400", "http://[::1]:8400"), "localhost"),
        (("http://keys.example.org",), None),
        (("https://203.0.113.7",), None),
        (("http://127.0.0.1:8400",), None),
        (("https://[2001:db8::1]",), None),
    ],
)
def test_who_they_are_made_for_is_the_host_of_the_official_origin(origins: tuple[str, ...], rp_id: str | None) -> None:
    found = Place(origins, "sandbox", "http://spot", "http://futures").relying_party
    assert (found.id if found else None) == rp_id
    if found:
        assert found.origins == origins[:1]


async def test_what_is_asked_names_nobody(ada: Caller, soft: SoftPasskey) -> None:
    await ada.get("/security")
    assert set(json.loads(await options(ada))) == {
        "challenge",
        "timeout",
        "rpId",
        "allowCredentials",
        "userVerification",
    }
