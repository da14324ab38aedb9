"""What a profile asks for before a key, each step done at the console (K2)."""

from __future__ import annotations

import re

import pytest

from keywright.audit.events import Actor
from keywright.identity.prerequisites import Profile
from keywright.web.app import Console
from tests.support.clock import FakeClock
from tests.support.visitor import PASSWORD, Caller, events_of
from tests.support.world import World

WHO = {"name": "Ada Lovelace", "country": "GB", "document": "passport", "last_digits": "1815"}
MAKING = ("/api-management/new",)


@pytest.fixture
def exchange(world: World) -> World:
    """Give an installation that asks for all four."""
    world.given(profile=Profile.EXCHANGE)
    return world


def missing(caller: Caller) -> list[str]:
    """Return the pages that the checklist sends people to."""
    section = caller.text.partition("checklist-title")[2].partition("</section>")[0]
    return re.findall(r'<a class="button[^"]*" href="(/security/[a-z-]+)"', section)


async def switch_whitelist_on(world: World, email: str) -> None:
    """Do what the page about withdrawal addresses does."""
    async with world.services.database.write() as tx:
        account = await world.services.identity.account(tx, email=email)
        await world.services.whitelist.switch_on(tx, account.id, actor=Actor(account.id, "totp"), now=world.clock())


async def approve(world: World, email: str, *, approve: bool = True, reason: str = "") -> None:
    """Do what an operator does."""
    async with world.services.database.write() as tx:
        account = await world.services.identity.account(tx, email=email)
        identities = world.services.own.identities
        (said,) = await identities.waiting(tx)
        await identities.decide_identity(
            tx,
            account.id,
            version=said.version,
            approve=approve,
            reason=reason,
            actor=Actor("acc_operator", "totp"),
            now=world.clock(),
        )


async def test_k2_the_checklist_is_worked_off_at_the_console(ada: Caller, exchange: World) -> None:
    await ada.sign_up()
    await ada.get("/api-management")
    assert missing(ada) == [
        "/security/authenticator",
        "/security/trading-password",
        "/security/identity",
        "/security/withdrawal-addresses",
    ]
    await ada.enrol()
    await ada.get("/api-management")
    assert "Recommended besides" in ada.text
    assert missing(ada) == ["/security/trading-password", "/security/identity", "/security/withdrawal-addresses"]
    for path in MAKING:
        assert (await ada.get(path)).headers["location"] == "/api-management"
    await ada.get("/security/trading-password")
    answer = await ada.post("/security/trading-password", trading_password="k7Qz2m", password=PASSWORD, code=ada.code())
    assert answer.headers["location"] == "/api-management?done=trading-password-set"
    await ada.get("/security/identity")
    answer = await ada.post("/security/identity", **WHO)
    assert answer.headers["location"] == "/security/identity?done=identity-submitted"
    await ada.get("/security/identity")
    assert "Someone is looking at it" in ada.text
    await ada.get("/api-management")
    assert missing(ada) == ["/security/withdrawal-addresses"]
    assert "Being looked at" in ada.text
    await approve(exchange, ada.email)
    await switch_whitelist_on(exchange, ada.email)
    await ada.get("/api-management")
    assert missing(ada) == []
    assert "No keys yet" in ada.text
    assert (await ada.get("/api-management/new")).status_code == 200
    await ada.get("/security/identity")
    assert "Your identity is verified" in ada.text
    assert "/security/identity" not in re.findall(r'action="([^"]+)"', ada.text)


async def test_k2_no_form_gets_round_the_checklist(ada: Caller, exchange: World) -> None:
    await ada.arrive()
    wish = {"name": "bot", "memo": "", "permissions": "read", "environment": "spot", "addresses": ""}
    for path, more in (
        ("/api-management/new", {}),
        ("/api-management/create", {"passphrase": "Tide-wharf-29-Q", "code": ada.code()}),
    ):
        await ada.get("/security")
        answer = await ada.post(path, **wish, **more)
        assert (answer.status_code, answer.headers.get("location")) == (303, "/api-management"), path
    assert "key.issued" not in [event.kind for event in await events_of(exchange.services)]


async def test_a_key_from_before_stays_in_sight_and_can_be_switched_off_and_deleted(ada: Caller, world: World) -> None:
    await ada.arrive()
    key, _ = await ada.make_key()
    world.given(profile=Profile.EXCHANGE)
    await ada.get("/api-management")
    assert "Before your first key" in ada.text
    assert "go on working" in ada.text
    answer = await ada.post(f"/api-management/{key}/disable")
    assert answer.headers["location"] == "/api-management?done=key-disabled"
    await ada.get(f"/api-management/{key}")
    answer = await ada.post(f"/api-management/{key}/delete", sure="yes", code=ada.code())
    assert answer.headers["location"] == "/api-management?done=key-deleted"


async def test_a_refused_identity_says_why_and_is_handed_in_again(ada: Caller, exchange: World) -> None:
    await ada.arrive()
    await ada.get("/security/identity")
    await ada.post("/security/identity", **WHO, code=ada.code())
    await approve(exchange, ada.email, approve=False, reason="the name is cut <off>")
    await ada.get("/security/identity")
    assert "the name is cut <off>" in ada.text
    assert "cut <off>" not in (ada.last.text if ada.last else "")
    assert (await ada.post("/security/identity", **WHO)).status_code == 303


@pytest.mark.parametrize(
    ("field", "typed"), [("name", "1"), ("country", "XX"), ("document", "?"), ("last_digits", "18155")]
)
async def test_what_cannot_be_taken_is_said_at_its_field(ada: Caller, exchange: World, field: str, typed: str) -> None:
    await ada.arrive()
    await ada.get("/security/identity")
    answer = await ada.post("/security/identity", **{**WHO, field: typed}, code=ada.code())
    assert answer.status_code == 400
    assert f'id="{field}-error"' in ada.text
    if field != "name":
        assert "Ada Lovelace" in ada.text, "what was typed comes back"


async def test_a_trading_password_is_never_shown_and_forgotten_ones_are_replaced(ada: Caller, exchange: World) -> None:
    await ada.arrive()
    await ada.get("/security/trading-password")
    for fields, status in (
        ({"trading_password": "123456", "password": PASSWORD}, 400),
        ({"trading_password": "k7Qz2m", "password": "nine-boats-at-anchor"}, 403),
    ):
        answer = await ada.post("/security/trading-password", code=ada.code(), **fields)
        assert answer.status_code == status
        assert fields["trading_password"] not in ada.text
    for chosen in ("k7Qz2m", "9tBx4w"):
        await ada.get("/security/trading-password")
        answer = await ada.post("/security/trading-password", trading_password=chosen, password=PASSWORD)
        assert answer.status_code == 303
    await ada.get("/security/trading-password")
    assert "Replace your trading password" in ada.text


async def test_none_of_it_is_asked_where_the_profile_is_personal(ada: Caller, bob: Caller, world: World) -> None:
    await ada.arrive()
    await ada.get("/security")
    assert "Trading password" not in ada.text
    assert "Identity" not in ada.text
    await ada.make_key()


async def test_the_pages_are_for_who_is_in_with_both_factors(
    ada: Caller, console: Console, clock: FakeClock, exchange: World
) -> None:
    await ada.arrive()
    half = Caller(console, clock, address="192.0.2.5")
    await half.get("/sign-in")
    await half.post("/sign-in", follow=True, email=ada.email, password=PASSWORD)
    for path in ("trading-password", "identity", "password", "email", "phrase"):
        answer = await half.get(f"/security/{path}")
        assert answer.headers["location"] == f"/sign-in/code?next=/security/{path}"
