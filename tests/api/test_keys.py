from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.clock import FakeClock
from tests.support.exchange import BackEnd, new_token

WISH = {"name": "bot", "passphrase": "Tide-wharf-29-Q", "permissions": ["read", "trade"]}


async def test_a_key_is_made_with_its_owner_there_and_its_secret_shown_once(back_end: BackEnd) -> None:
    account = await back_end.account()
    made = await back_end.send("POST", f"/accounts/{account}/keys", WISH, user="user-1")
    assert made.status_code == 201, made.text
    key, secret = made.json()["key"], made.json()["secret"]
    assert (key["status"], key["permissions"], key["environment"]) == ("pending", ["read", "trade"], "spot")
    path = f"/accounts/{account}/keys/{key['id']}"
    shown = await back_end.send("GET", path)
    assert shown.json() == key
    assert secret not in shown.text
    told = await back_end.send("POST", f"{path}/acknowledge", user="user-1")
    assert told.json()["status"] == "active"
    listed = await back_end.send("GET", f"/accounts/{account}/keys")
    assert [one["id"] for one in listed.json()["keys"]] == [key["id"]]


async def test_what_k16_keeps_for_a_person_takes_one(back_end: BackEnd) -> None:
    account = await back_end.account()
    path = f"/accounts/{account}/keys"
    await back_end.refused("assertion_missing", "POST", path, WISH)
    key = (await back_end.key(account))["key"]["id"]
    for method, end, sent in (
        ("POST", "/acknowledge", None),
        ("POST", "/discard", None),
        ("PATCH", "", {"name": "other"}),
        ("PUT", "/addresses", {"addresses": ["203.0.113.7"]}),
        ("PUT", "/passphrase", {"current": "Tide-wharf-29-Q", "new": "Sloop-ahead-41-Z"}),
        ("POST", "/enable", None),
        ("DELETE", "", None),
    ):
        await back_end.refused("assertion_missing", method, f"{path}/{key}{end}", sent)
    off = await back_end.send("POST", f"{path}/{key}/disable")
    assert off.json()["status"] == "disabled", "switching off needs nobody"
    again = await back_end.send("POST", f"{path}/{key}/disable")
    assert again.status_code == 200, "and never fails twice"


async def test_a_key_lives_its_whole_life(back_end: BackEnd) -> None:
    account = await back_end.account()
    key = (await back_end.key(account))["key"]["id"]
    path = f"/accounts/{account}/keys/{key}"
    renamed = await back_end.send("PATCH", path, {"name": "other", "memo": "of mine"}, user="user-1")
    assert (renamed.json()["name"], renamed.json()["memo"]) == ("other", "of mine")
    bound = await back_end.send("PUT", f"{path}/addresses", {"addresses": ["203.0.113.7"]}, user="user-1")
    assert bound.json()["addresses"] == ["203.0.113.7/32"]
    phrases = {"current": "Tide-wharf-29-Q", "new": "Sloop-ahead-41-Z"}
    assert (await back_end.send("PUT", f"{path}/passphrase", phrases, user="user-1")).status_code == 200
    await back_end.refused("not_allowed", "PUT", f"{path}/passphrase", phrases, user="user-1")
    await back_end.refused("conflict", "DELETE", path, user="user-1")
    await back_end.send("POST", f"{path}/disable")
    assert (await back_end.send("POST", f"{path}/enable", user="user-1")).json()["status"] == "active"
    await back_end.send("POST", f"{path}/disable")
    assert (await back_end.send("DELETE", path, user="user-1")).json()["status"] == "deleted"
    await back_end.refused("conflict", "POST", f"{path}/enable", user="user-1")


async def test_wrong_passphrases_are_counted(back_end: BackEnd) -> None:
    account = await back_end.account()
    path = f"/accounts/{account}/keys/{(await back_end.key(account))['key']['id']}/passphrase"
    guess = {"current": "Guess-of-it-77", "new": "Sloop-ahead-41-Z"}
    for _ in range(10):
        await back_end.refused("not_allowed", "PUT", path, guess, user="user-1")
    answer = await back_end.send("PUT", path, guess, user="user-1")
    assert answer.json()["reason"] == "too_many_attempts"
    assert int(answer.headers["retry-after"]) > 0


async def test_life_04_the_same_call_twice_makes_one_key_and_tells_no_secret_again(back_end: BackEnd) -> None:
    account = await back_end.account()
    path, named = f"/accounts/{account}/keys", {"idempotency-key": "order-0001"}
    first = await back_end.send("POST", path, WISH, user="user-1", headers=named)
    second = await back_end.send("POST", path, WISH, user="user-1", headers=named)
    assert (first.status_code, second.status_code) == (201, 200), second.text
    assert first.json()["secret"]
    assert second.json() == {"key": first.json()["key"], "secret": None}
    other = {**WISH, "name": "other"}
    await back_end.refused("answer_of_another", "POST", path, other, user="user-1", headers=named)
    await back_end.refused("assertion_missing", "POST", path, WISH, headers=named)
    listed = await back_end.send("GET", path)
    assert len(listed.json()["keys"]) == 1
    # another token's names are its own
    back_end.token = await new_token(back_end.services)
    await back_end.refused("invalid", "POST", path, WISH, user="user-1", headers=named)


async def test_nobody_is_told_of_the_keys_of_another(back_end: BackEnd) -> None:
    mine, other = await back_end.account("user-1"), await back_end.account("user-2")
    key = (await back_end.key(mine))["key"]["id"]
    for method, end, user in (("GET", "", ""), ("POST", "/disable", ""), ("POST", "/enable", "user-2")):
        said = await back_end.refused("not_found", method, f"/accounts/{other}/keys/{key}{end}", user=user)
        nowhere = f"/accounts/{other}/keys/{'0' * 24}{end}"
        unknown = await back_end.refused("not_found", method, nowhere, user=user)
        assert said["detail"].replace(key, "") == unknown["detail"].replace("0" * 24, "")


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"passphrase": "short"}, "passphrase"),
        ({"passphrase": "x" * 300}, "passphrase"),
        ({"permissions": ["fly"]}, "permissions"),
        ({"permissions": ["withdraw"]}, "addresses"),
        ({"environment": "moon"}, "environment"),
        ({"addresses": ["0.0.0.0/0"]}, "addresses"),
        ({"addresses": "203.0.113.7"}, "addresses"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_breaks_a_rule_is_named_and_makes_nothing(
    back_end: BackEnd, wish: dict[str, Any], field: str
) -> None:
    account = await back_end.account()
    path = f"/accounts/{account}/keys"
    said = await back_end.refused("invalid", "POST", path, {**WISH, **wish}, user="user-1")
    assert said["field"] == field
    assert (await back_end.send("GET", path)).json() == {"keys": []}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"{", "malformed"),
        (b'{"name":"a","name":"b"}', "malformed"),
        (b'{"name":NaN}', "malformed"),
        (b"[" * 100_000, "body_too_large"),
        (b"[" * 1_000, "malformed"),
        (b"\xff\xfe{", "malformed"),
        (b'{"name":"\\ud800"}', "malformed"),
        (b"[]", "invalid"),
    ],
)
async def test_what_two_parsers_could_read_differently_is_refused(back_end: BackEnd, body: bytes, reason: str) -> None:
    account = await back_end.account()
    await back_end.refused(reason, "POST", f"/accounts/{account}/keys", content=body)


async def test_a_passphrase_that_breaks_a_rule_is_not_said_back(back_end: BackEnd) -> None:
    account = await back_end.account()
    for passphrase in ("hunter2", "x" * 300, 12345678901):
        wish = {**WISH, "passphrase": passphrase}
        answer = await back_end.send("POST", f"/accounts/{account}/keys", wish, user="user-1")
        assert answer.status_code == 422
        assert str(passphrase) not in answer.text


async def test_each_change_is_recorded_with_the_token_and_how_the_person_was_proved(
    back_end: BackEnd, clock: FakeClock
) -> None:
    account = await back_end.account()
    key = (await back_end.key(account))["key"]["id"]
    await back_end.send("POST", f"/accounts/{account}/keys/{key}/disable")
    async with back_end.services.database.read() as tx:
        token = (await back_end.services.tokens.every(tx))[0]
        rows = await back_end.services.audit.list(tx, account_id=account)
        await back_end.services.audit.verify(tx)
    said = [(row.kind, row.actor, json.loads(row.origin).get("factor", "")) for row in rows][::-1]
    assert said == [
        ("account.created", token.id, ""),
        ("account.linked", token.id, ""),
        ("key.issued", token.id, "assertion"),
        ("key.acknowledged", token.id, "assertion"),
        ("key.disabled", token.id, ""),
    ]
    assert json.loads(rows[0].origin)["address"] == back_end.address
