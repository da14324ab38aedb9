from __future__ import annotations

from typing import Any

import pytest

from tests.support.clock import FakeClock
from tests.support.exchange import BackEnd, new_token

ASKED: dict[str, Any] = {
    "reference": "wd-1",
    "amount": "1.5",
    "currency": "USDT",
    "chain": "trx",
    "address": "TQ7zWkFvyhX4mAYzDKEKyrbBB6QQ5aEnkr",
}


@pytest.fixture
async def asked(back_end: BackEnd) -> dict[str, Any]:
    """Give what is answered when a withdrawal is to be confirmed."""
    account = await back_end.account()
    answer = await back_end.send("POST", "/approvals", {**ASKED, "account_id": account})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def confirm(asked: dict[str, Any]) -> tuple[str, str, dict[str, str]]:
    path = f"/accounts/{asked['account_id']}/approvals/{asked['id']}/confirm"
    return "POST", path, {"digest": asked["digest"]}


async def test_a_withdrawal_is_asked_for_confirmed_and_carried_out_once(
    back_end: BackEnd, asked: dict[str, Any]
) -> None:
    assert asked["state"] == "waiting"
    path = f"/approvals/{asked['id']}"
    shown = {"digest": asked["digest"]}
    await back_end.refused("conflict", "POST", f"{path}/consume", shown)
    done = await back_end.send(*confirm(asked), user="user-1")
    assert done.json()["state"] == "confirmed", done.text
    await back_end.refused("conflict", "POST", f"{path}/consume", {"digest": "0" * 64})
    assert (await back_end.send("POST", f"{path}/consume", shown)).json()["state"] == "consumed"
    await back_end.refused("conflict", "POST", f"{path}/consume", shown)
    assert (await back_end.send("GET", path)).json()["state"] == "consumed"


async def test_asked_twice_it_is_one_and_asked_otherwise_it_is_refused(
    back_end: BackEnd, asked: dict[str, Any]
) -> None:
    wish = {**ASKED, "account_id": asked["account_id"]}
    assert (await back_end.send("POST", "/approvals", wish)).json()["id"] == asked["id"]
    await back_end.refused("conflict", "POST", "/approvals", {**wish, "amount": "2"})


async def test_a_confirmation_takes_a_second_factor_of_its_own(
    back_end: BackEnd, asked: dict[str, Any], clock: FakeClock
) -> None:
    await back_end.refused("assertion_missing", *confirm(asked))
    earlier = clock() // 1000 - 2
    await back_end.refused("factor_stale", *confirm(asked), user="user-1", factor_at=earlier)
    await back_end.refused("factor_stale", *confirm(asked), user="user-1", factor_at=None)
    clock.advance(seconds=300)
    await back_end.refused("factor_stale", *confirm(asked), user="user-1", factor_at=clock() // 1000 - 61)
    await back_end.account("user-2")
    await back_end.refused("assertion_of_another", *confirm(asked), user="user-2")
    assert (await back_end.send(*confirm(asked), user="user-1")).json()["state"] == "confirmed"


async def test_another_token_sees_and_uses_none_of_it(back_end: BackEnd, asked: dict[str, Any]) -> None:
    await back_end.send(*confirm(asked), user="user-1")
    back_end.token = await new_token(back_end.services)
    path = f"/approvals/{asked['id']}"
    await back_end.refused("not_found", "GET", path)
    await back_end.refused("not_found", "POST", f"{path}/consume", {"digest": asked["digest"]})
    await back_end.refused("not_found", "POST", f"{path}/take-back")


async def test_what_was_asked_for_can_be_taken_back(back_end: BackEnd, asked: dict[str, Any]) -> None:
    taken = await back_end.send("POST", f"/approvals/{asked['id']}/take-back")
    assert taken.json()["state"] == "refused"
    await back_end.refused("conflict", *confirm(asked), user="user-1")
