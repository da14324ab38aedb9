"""Service tokens at the console: made with a step-up, shown once, disabled with one click."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update

from keywright.identity.tokens import TokenRefused
from keywright.secret import Secret
from keywright.storage.tables import service_tokens
from tests.support.clock import FakeClock
from tests.support.household import Household, household
from tests.support.visitor import everything
from tests.support.world import World

TOKEN = re.compile(r"kwst_[0-9a-f]{72}")
WISH = {"name": "risk desk", "scopes": "freezes:write", "addresses": "203.0.113.9", "days": "30"}


@pytest.fixture
async def home(world: World, clock: FakeClock) -> Household:
    home = await household(world.services, clock)
    await home.ada.get("/operator/tokens/new")
    return home


async def make(home: Household, **changed: str) -> int:
    return (await home.ada.post("/operator/tokens/new", **{**WISH, **changed})).status_code


async def test_a_token_is_shown_once_and_works_where_it_belongs(home: Household) -> None:
    assert await make(home) == 200
    assert home.ada.last is not None
    assert home.ada.last.headers["cache-control"] == "no-store"
    (secret,) = set(TOKEN.findall(home.ada.text))
    tokens, now = home.services.tokens, home.ada.clock()
    async with home.services.database.read() as tx:
        found = await tokens.recognise(tx, Secret(secret), address="203.0.113.9", now=now)
        with pytest.raises(TokenRefused):
            await tokens.recognise(tx, Secret(secret), address="203.0.113.10", now=now)
    assert (found.name, found.created_by, found.expires_at) == ("risk desk", home.account_id, now + 30 * 86_400_000)
    for path in ("/operator/tokens", "/operator/tokens/new"):
        await home.ada.get(path)
        assert secret not in home.ada.text
    assert secret not in repr(await everything(home.services))
    await home.ada.get("/operator/tokens")
    answer = await home.ada.post(f"/operator/tokens/{found.id}/disable")
    assert answer.headers["location"] == "/operator/tokens?done=token-disabled"
    async with home.services.database.read() as tx:
        with pytest.raises(TokenRefused):
            await tokens.recognise(tx, Secret(secret), address="203.0.113.9", now=now)


async def test_what_is_wrong_is_said_and_what_was_typed_stays(home: Household) -> None:
    before = await everything(home.services)
    for changed, said in (
        ({"name": ""}, "A token's name has 1 to 64 visible characters"),
        ({"scopes": ""}, "There is no scope ''"),
        ({"scopes": "keys:fly"}, "There is no scope 'keys:fly'"),
        ({"addresses": ""}, "Say where it may be used from"),
        ({"addresses": "203.0.113.9", "any_address": "1"}, "it is to work from anywhere"),
        ({"addresses": "nowhere"}, "nowhere"),
        ({"days": "7"}, "Choose one of the list"),
        ({"days": "-1"}, "Choose one of the list"),
    ):
        assert await make(home, **changed) == 400, changed
        assert said in home.ada.text, changed
    assert 'value="freezes:write" checked' in home.ada.text
    after = await everything(home.services)
    assert after["service_tokens"] == before["service_tokens"]


async def test_without_a_fresh_second_factor_none_is_made(home: Household) -> None:
    home.ada.clock.advance(seconds=700)
    await home.ada.get("/operator/tokens/new")
    assert await make(home) == 400
    assert "This takes your second factor" in home.ada.text
    assert await make(home, code=home.ada.code(), days="", addresses="", any_address="1") == 200
    assert "Any address" in home.ada.text


async def test_an_altered_token_is_shown_as_such(home: Household) -> None:
    async with home.services.database.write() as tx:
        await tx.execute(update(service_tokens).values(scopes="keys:read,keys:write"))
    await home.ada.get("/operator/tokens")
    assert "Altered" in home.ada.text


async def test_who_is_no_operator_makes_and_disables_none(home: Household) -> None:
    before = await everything(home.services)
    assert (await home.bob.get("/operator/tokens")).status_code == 404
    await home.bob.get("/security")
    for path in ("/operator/tokens/new", f"/operator/tokens/{home.token_id}/disable"):
        assert (await home.bob.post(path, **WISH, code=home.bob.code())).status_code == 404
        await home.bob.get("/security")
    assert (await everything(home.services))["service_tokens"] == before["service_tokens"]
