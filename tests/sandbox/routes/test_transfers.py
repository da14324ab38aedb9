"""Money between an account and its sub-accounts: K15, what a sub-account's key can do ends at the sub-account."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from keywright.sandbox.model import ZERO
from tests.sandbox.conftest import DESK, Exchange

DESK_ID = DESK.id.removeprefix("sub_")
DOWN = {
    "clientOid": "down",
    "currency": "USDT",
    "amount": "250",
    "type": "PARENT_TO_SUB",
    "fromAccountType": "MAIN",
    "toAccountType": "TRADE",
    "toUserId": DESK_ID,
}
UP = {
    "clientOid": "up",
    "currency": "USDT",
    "amount": "250",
    "type": "SUB_TO_PARENT",
    "fromAccountType": "TRADE",
    "toAccountType": "MAIN",
    "fromUserId": DESK_ID,
}
TARGET = "/api/v3/accounts/universal-transfer"
UNKNOWN = ("400100", "sub user not found.")


@pytest.mark.parametrize("named", [DESK_ID, str(DESK.uid), DESK.uid, DESK.name])
async def test_money_goes_down_and_comes_back(exchange: Exchange, named: object) -> None:
    before = await exchange.balance("USDT", book="main")
    await exchange.post(TARGET, {**DOWN, "toUserId": named})
    assert await exchange.balance("USDT", sub="desk") == (Decimal(250), ZERO)
    assert (await exchange.balance("USDT", book="main"))[0] == before[0] - 250
    await exchange.post(TARGET, {**UP, "fromUserId": named})
    assert await exchange.balance("USDT", sub="desk") == (Decimal(0), ZERO)
    assert await exchange.balance("USDT", book="main") == before
    assert await exchange.wrong_with_the_books() == []


async def test_the_older_route_does_the_same(exchange: Exchange) -> None:
    old = {"clientOid": "o", "currency": "USDT", "amount": "7", "direction": "OUT", "subUserId": DESK_ID}
    await exchange.post("/api/v2/accounts/sub-transfer", {**old, "accountType": "MAIN", "subAccountType": "MAIN"})
    assert await exchange.balance("USDT", book="main", sub="desk") == (Decimal(7), ZERO)
    await exchange.post("/api/v2/accounts/sub-transfer", {**old, "clientOid": "i", "direction": "IN"})
    assert await exchange.balance("USDT", book="main", sub="desk") == (Decimal(0), ZERO)
    assert (await exchange.decline("POST", "/api/v2/accounts/sub-transfer", {**old, "direction": "UP"}))[0] == "400100"


async def test_the_same_asked_twice_happens_once_and_another_under_its_id_never(exchange: Exchange) -> None:
    assert await exchange.post(TARGET, DOWN) == await exchange.post(TARGET, DOWN)
    assert await exchange.balance("USDT", sub="desk") == (Decimal(250), ZERO)
    for change in ({"amount": "251"}, {"toAccountType": "MAIN"}, {"type": "INTERNAL"}):
        again = await exchange.decline("POST", TARGET, {**DOWN, **change})
        assert again == ("400100", "clientOid was used for another transfer.")


async def test_more_than_there_is_moves_nothing(exchange: Exchange) -> None:
    before = await exchange.balance("USDT", book="main")
    short = ("230003", "Balance insufficient!")
    assert await exchange.decline("POST", TARGET, {**DOWN, "amount": "10001"}) == short
    assert await exchange.decline("POST", TARGET, {**UP, "amount": "0.01"}) == short
    assert await exchange.balance("USDT", book="main") == before


@pytest.mark.parametrize("body", [DOWN, UP])
async def test_a_sub_accounts_own_key_reaches_neither_its_account_nor_another(
    exchange: Exchange, body: dict[str, Any]
) -> None:
    await exchange.fund(USDT="300")
    assert await exchange.decline("POST", TARGET, body, sub="desk") == UNKNOWN
    assert await exchange.get("/api/v2/sub-accounts", sub="desk") == {
        "currentPage": 1, "pageSize": 50, "totalNum": 0, "totalPage": 0, "items": [],
    }  # fmt: skip
    assert await exchange.decline("GET", f"/api/v1/sub-accounts/{DESK_ID}", sub="desk") == UNKNOWN
    assert await exchange.balance("USDT", sub="desk") == (Decimal(300), ZERO)


async def test_somebody_elses_sub_account_is_not_there(exchange: Exchange) -> None:
    assert await exchange.decline("POST", TARGET, DOWN, who="bob") == UNKNOWN
    assert await exchange.decline("POST", TARGET, UP, who="bob") == UNKNOWN
    assert await exchange.decline("GET", f"/api/v1/sub-accounts/{DESK_ID}", who="bob") == UNKNOWN
    assert (await exchange.get("/api/v2/sub/user", who="bob"))["items"] == []


async def test_an_account_sees_its_sub_accounts_and_what_they_have(exchange: Exchange) -> None:
    await exchange.fund(USDT="300", BTC="0.1")
    [about] = (await exchange.get("/api/v2/sub/user"))["items"]
    assert (about["userId"], about["uid"], about["subName"], about["status"]) == (DESK_ID, DESK.uid, "desk", 2)
    [listed] = (await exchange.get("/api/v2/sub-accounts"))["items"]
    assert listed == await exchange.get(f"/api/v1/sub-accounts/{DESK_ID}")
    assert {entry["currency"]: Decimal(entry["available"]) for entry in listed["tradeAccounts"]} == {
        "USDT": 300,
        "BTC": Decimal("0.1"),
    }
