"""Rotation and lost keys as their owner sees them."""

from __future__ import annotations

import re

import pytest

from keywright.gateway.model import Attempt
from keywright.gateway.usage import Usage
from tests.support.clock import FakeClock
from tests.support.visitor import Caller
from tests.support.world import World

NEW_PASSPHRASE = "Moor-chain-83-W"
PASSPHRASE = "Tide-wharf-29-Q"
SECRET = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b")


async def _used(world: World, key: str, account: str, address: str) -> None:
    usage = Usage(world.services.database)
    attempt = Attempt("req_1", "spot", world.clock(), "GET", "/api/v1/accounts", address, key_id=key)
    attempt.account_id, attempt.verdict, attempt.status = account, "allowed", 200
    usage.keep(attempt)
    await usage.flush()


async def _rotated(ada: Caller, key: str, overlap: str = "24") -> str:
    await ada.get(f"/api-management/{key}")
    answer = await ada.post(f"/api-management/{key}/rotate", passphrase=NEW_PASSPHRASE, overlap=overlap)
    assert answer.status_code == 200, ada.text
    found = re.search(r'action="/api-management/([0-9a-f]{24})/acknowledge"', ada.text)
    assert found, ada.text
    return found[1]


async def test_k12_a_rotation_from_the_form_to_the_old_key_s_end(ada: Caller, world: World) -> None:
    await ada.arrive()
    old, secret = await ada.make_key("trade", name="Grid")
    new = await _rotated(ada, old)
    shown = SECRET.search(ada.text)
    assert shown
    assert shown[0] != secret
    assert NEW_PASSPHRASE in ada.text
    await ada.post(f"/api-management/{new}/acknowledge")
    await ada.get("/api-management")
    assert re.search(r"Replaced <time[^>]*>in \w+ (day|hours)</time>", ada.text)
    assert f"Replaces {old[:4]}…{old[-4:]}" in ada.text
    assert 'href="/api-management/new"' in ada.text, "the two share one of five places"
    async with world.services.database.read() as tx:
        account = await world.services.identity.account(tx, email=ada.email)
    await _used(world, old, account.id, "203.0.113.7")
    for key in (old, new):
        await ada.get(f"/api-management/{key}")
        assert re.search(r"Old key still used from</dt>\s*<dd>\s*<ul[^>]*>\s*<li><code>203\.0\.113\.7</code>", ada.text)
        assert "Disable the old key" not in ada.text, "not before the new one was used"
        assert "/rotate" not in ada.text
    await _used(world, new, account.id, "203.0.113.7")
    await ada.get(f"/api-management/{new}")
    assert "Disable the old key" in ada.text
    answer = await ada.post(f"/api-management/{old}/disable")
    assert answer.status_code == 303
    await ada.get(f"/api-management/{new}")
    assert "The old key is off" in ada.text


async def test_life_14_a_successor_s_secret_is_seen_once(ada: Caller) -> None:
    await ada.arrive()
    old, _ = await ada.make_key()
    new = await _rotated(ada, old)
    shown = SECRET.search(ada.text)
    assert shown
    for path in (
        "/api-management",
        f"/api-management/{new}",
        f"/api-management/{old}",
        f"/api-management/{old}/rotate",
    ):
        await ada.get(path)
        assert shown[0] not in ada.text
        assert NEW_PASSPHRASE not in ada.text
    await ada.get("/api-management")
    csrf = ada.csrf
    again = await ada.post(f"/api-management/{old}/rotate", passphrase=NEW_PASSPHRASE, overlap="24", csrf=csrf)
    assert again.status_code == 409, "a form that is sent twice makes no second successor"


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"passphrase": "weak", "overlap": "24"}, 400, "7 to 32"),
        ({"passphrase": PASSPHRASE, "overlap": "24"}, 400, "another of your keys has that passphrase"),
        ({"passphrase": NEW_PASSPHRASE, "overlap": "169"}, 400, "0 to 168 hours"),
        ({"passphrase": NEW_PASSPHRASE, "overlap": "soon"}, 400, "choose how long both keys work"),
        ({"passphrase": NEW_PASSPHRASE, "overlap": "²"}, 400, "choose how long both keys work"),
        ({"passphrase": NEW_PASSPHRASE, "overlap": "-1"}, 400, "choose how long both keys work"),
        ({"passphrase": "", "overlap": "24"}, 400, "7 to 32"),
    ],
)
async def test_a_bad_wish_is_said_on_the_key_s_page_and_changes_nothing(
    ada: Caller, fields: dict[str, str], status: int, said: str
) -> None:
    await ada.arrive()
    key, _ = await ada.make_key()
    await ada.get(f"/api-management/{key}")
    answer = await ada.post(f"/api-management/{key}/rotate", **fields)
    assert answer.status_code == status
    assert said in ada.text.lower()
    assert NEW_PASSPHRASE not in ada.text
    assert f"/api-management/{key}/rotate" in answer.text
    await ada.get("/api-management")
    assert "Replace" not in ada.text


async def test_life_07_rotating_takes_the_second_factor(ada: Caller, clock: FakeClock) -> None:
    await ada.arrive()
    key, _ = await ada.make_key()
    clock.advance(seconds=601)
    await ada.get(f"/api-management/{key}")
    for code, status in (("", 400), (ada.wrong_code(), 403)):
        answer = await ada.post(f"/api-management/{key}/rotate", passphrase=NEW_PASSPHRASE, overlap="24", code=code)
        assert answer.status_code == status
    await ada.get("/api-management")
    assert "Replace" not in ada.text


async def test_life_11_a_lost_key_is_said_to_be_and_removed_with_one_click(ada: Caller, clock: FakeClock) -> None:
    await ada.arrive()
    old, _ = await ada.make_key()
    new = await _rotated(ada, old, "0")
    clock.advance(seconds=500)
    await ada.get("/api-management")
    assert "Its secret never reached you. Remove it and make a new one." in ada.text
    await ada.get(f"/api-management/{new}")
    assert "nobody can show the secret again" in ada.text
    for what in ("enable", "rename", "addresses", "passphrase", "rotate"):
        assert f"/api-management/{new}/{what}" not in ada.text
    clock.advance(seconds=500)
    answer = await ada.post(f"/api-management/{new}/discard")
    assert answer.headers["location"] == "/api-management?done=key-discarded"
    await ada.get("/api-management?done=key-discarded")
    assert "The key is removed." in ada.text
    assert new not in ada.text
    await ada.get(f"/api-management/{old}")
    assert f"/api-management/{old}/rotate" in ada.text, "the old key is as it was"


async def test_a_key_that_works_is_not_removed_without_a_code_and_nobody_rotates_another_s(
    ada: Caller, bob: Caller
) -> None:
    await ada.arrive()
    await bob.arrive()
    key, _ = await ada.make_key()
    await ada.get(f"/api-management/{key}")
    assert (await ada.post(f"/api-management/{key}/discard")).status_code == 409
    await bob.get("/api-management")
    for what in ("discard", "rotate"):
        answer = await bob.post(f"/api-management/{key}/{what}", passphrase=NEW_PASSPHRASE, overlap="24")
        assert answer.status_code == 404


async def test_k12_once_replaced_a_key_is_offered_no_way_back(ada: Caller, clock: FakeClock) -> None:
    await ada.arrive()
    old, _ = await ada.make_key()
    new = await _rotated(ada, old, "1")
    await ada.post(f"/api-management/{new}/acknowledge")
    clock.advance(seconds=3_600)
    await ada.sign_in()
    await ada.get(f"/api-management/{old}")
    assert f"/api-management/{old}/enable" not in ada.text
    assert f"/api-management/{old}/delete" in ada.text
    await ada.get("/api-management")
    assert "Its successor took its place: delete it." in ada.text
