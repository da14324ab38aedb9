"""The policy by program: read with one scope, changed with another, and no person needed."""

from __future__ import annotations

import pytest

from tests.support.exchange import BackEnd, new_token


async def test_k21_a_service_reads_and_changes_the_policy(back_end: BackEnd) -> None:
    shown = (await back_end.send("GET", "/policy")).json()
    assert (shown["keys_per_account"], shown["decided"], shown["version"]) == (5, [], 0)
    changed = await back_end.send("PATCH", "/policy", {"keys_per_account": 2, "profile": "platform", "version": 0})
    assert changed.status_code == 200, changed.text
    body = changed.json()
    assert (body["keys_per_account"], body["profile"], body["defaults"]["keys_per_account"]) == (2, "platform", 5)
    assert (body["decided"], body["version"], body["is_altered"]) == (["keys_per_account", "profile"], 1, False)
    assert body["changed_by"].startswith("tok_")
    back = (await back_end.send("PATCH", "/policy", {"keys_per_account": None})).json()
    assert (back["keys_per_account"], back["decided"]) == (5, ["profile"])
    events = (await back_end.send("GET", "/audit?kind=policy.changed")).json()["events"]
    assert [event["version"] for event in events] == [2, 1]
    assert events[0]["actor"] == body["changed_by"]
    assert events[0]["detail"] == {
        "before": {"keys_per_account": 2},
        "after": {"keys_per_account": 5},
        "defaults": ["keys_per_account"],
    }


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({}, 422, "invalid"),
        ({"keys_per_account": 0}, 422, "invalid"),
        ({"keys_per_account": "3"}, 422, "invalid"),
        ({"profile": "bank"}, 422, "invalid"),
        ({"addresses_per_key": 3}, 422, "invalid"),
        ({"keys_per_account": 3, "version": 7}, 409, "conflict"),
    ],
)
async def test_what_can_not_be_changed_stays(
    back_end: BackEnd, body: dict[str, object], status: int, reason: str
) -> None:
    answer = await back_end.send("PATCH", "/policy", body)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert (await back_end.send("GET", "/policy")).json()["version"] == 0


async def test_reading_it_is_another_scope_than_changing_it(back_end: BackEnd) -> None:
    back_end.token = await new_token(back_end.services, "policy:read")
    assert (await back_end.send("GET", "/policy")).status_code == 200
    answer = await back_end.send("PATCH", "/policy", {"keys_per_account": 3})
    assert (answer.status_code, answer.json()["reason"]) == (403, "scope_missing")
