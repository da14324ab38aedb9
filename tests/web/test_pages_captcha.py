"""Forms that take a captcha: none of them does anything without a fresh one."""

from __future__ import annotations

import pytest

from keywright.identity.prerequisites import Profile
from keywright.web.app import Console
from keywright.web.site import Place
from tests.identity.test_captcha import solved
from tests.support.clock import FakeClock
from tests.support.operators import make_operator
from tests.support.visitor import PASSWORD, Caller, console_over, everything
from tests.support.world import World

WISH = {"name": "bot", "memo": "", "permissions": "read trade", "environment": "spot", "addresses": ""}


@pytest.fixture
def asking(world: World) -> Console:
    """Give a console that asks for captchas."""
    return console_over(world.services, captcha="on")


@pytest.fixture
def visitor(asking: Console, clock: FakeClock) -> Caller:
    """Give a browser that was never here before."""
    return Caller(asking, clock)


async def answer_of(caller: Caller) -> str:
    """Solve a captcha in this browser."""
    response = await caller.client.get("/captcha")
    assert response.headers["cache-control"] == "no-store"
    return solved(response.json())


async def settled(visitor: Caller) -> None:
    """Sign up and enrol."""
    await visitor.get("/sign-up")
    await visitor.post(
        "/sign-up", follow=True, email=visitor.email, password=PASSWORD, captcha=await answer_of(visitor)
    )
    await visitor.enrol()


async def test_no_account_is_made_without_one(visitor: Caller, world: World) -> None:
    await visitor.get("/sign-up")
    assert "<altcha-widget" in visitor.text
    before = await everything(world.services)
    for captcha in ("", "nonsense"):
        answer = await visitor.post("/sign-up", email=visitor.email, password=PASSWORD, captcha=captcha)
        assert answer.status_code == 400
        assert "captcha" in visitor.text
        assert PASSWORD not in visitor.text
    assert await everything(world.services) == before
    await settled(visitor)


async def test_one_solution_makes_one_account(visitor: Caller, asking: Console, clock: FakeClock) -> None:
    """Not a second one from the same browser, and none from another."""
    other = Caller(asking, clock, address="198.51.100.9", email="bob@example.org")
    await other.get("/sign-up")
    await visitor.get("/sign-up")
    captcha = await answer_of(visitor)
    answer = await other.post("/sign-up", email=other.email, password=PASSWORD, captcha=captcha)
    assert (answer.status_code, "another session" in other.text) == (400, True)
    answer = await visitor.post("/sign-up", email="not an address", password=PASSWORD, captcha=captcha)
    assert answer.status_code == 400
    answer = await visitor.post("/sign-up", email=visitor.email, password=PASSWORD, captcha=captcha)
    assert (answer.status_code, "used before" in visitor.text) == (400, True)


async def test_no_key_is_made_without_one_and_no_code_is_used_up(visitor: Caller, world: World) -> None:
    """K5."""
    await settled(visitor)
    await visitor.get("/api-management/new")
    await visitor.post("/api-management/new", **WISH)
    assert "<altcha-widget" in visitor.text
    assert "keywright keys create" in visitor.text
    code = visitor.code()
    for captcha in ("", "nonsense"):
        answer = await visitor.post(
            "/api-management/create", **WISH, passphrase="Tide-wharf-29-Q", code=code, captcha=captcha
        )
        assert answer.status_code == 400
        assert 'href="#captcha"' in answer.text
        assert "Tide-wharf-29-Q" not in visitor.text
    captcha = await answer_of(visitor)
    make = {**WISH, "passphrase": "Tide-wharf-29-Q", "code": code, "captcha": captcha}
    answer = await visitor.post("/api-management/create", **make)
    assert answer.status_code == 200
    assert "Key bot is made" in visitor.text
    await visitor.get("/api-management/new")
    answer = await visitor.post("/api-management/create", **{**make, "passphrase": "Sloop-ahead-41-Z"})
    assert (answer.status_code, "used before" in visitor.text) == (400, True)


async def test_a_captcha_of_a_session_serves_no_other(visitor: Caller, asking: Console, clock: FakeClock) -> None:
    await settled(visitor)
    stranger = Caller(asking, clock, address="198.51.100.9")
    await stranger.get("/sign-up")
    await visitor.get("/api-management/new")
    answer = await visitor.post(
        "/api-management/create",
        **WISH,
        passphrase="Tide-wharf-29-Q",
        code=visitor.code(),
        captcha=await answer_of(stranger),
    )
    assert (answer.status_code, "another session" in visitor.text) == (400, True)


async def test_where_none_is_asked_for_none_is_loaded(ada: Caller) -> None:
    await ada.get("/sign-up")
    assert "altcha" not in ada.text


@pytest.mark.parametrize(
    ("mode", "captcha", "profile", "asks"),
    [
        ("sandbox", "auto", "personal", False),
        ("sandbox", "auto", "platform", True),
        ("sandbox", "auto", "exchange", True),
        ("service", "auto", "personal", True),
        ("sandbox", "on", "personal", True),
        ("service", "off", "exchange", False),
    ],
)
def test_captchas_spare_the_sandbox_for_oneself(mode: str, captcha: str, profile: str, asks: bool) -> None:
    place = Place(("http://localhost:8400",), mode, "http://spot", "http://futures", captcha=captcha)
    assert place.asks_captcha(Profile(profile)) is asks


async def test_captchas_go_by_the_profile_that_operators_decided(world: World, clock: FakeClock) -> None:
    stranger = Caller(console_over(world.services, captcha="auto"), clock)
    await stranger.get("/sign-up")
    assert "altcha-widget" not in stranger.text
    operator = await world.person()
    await make_operator(world.services, operator.account.id)
    async with world.services.database.write() as tx:
        await world.services.policies.change(
            tx, {"profile": "exchange"}, proof=world.proof(operator), actor=world.actor(operator), now=clock()
        )
    await stranger.get("/sign-up")
    assert "altcha-widget" in stranger.text
    answer = await stranger.post("/sign-up", email=stranger.email, password=PASSWORD)
    assert answer.status_code == 400
