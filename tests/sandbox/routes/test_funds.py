"""Balances, statements, transfers."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from keywright.sandbox.model import ZERO
from tests.sandbox.conftest import Exchange

TO_TRADE: dict[str, Any] = {
    "clientOid": "t-1", "currency": "USDT", "amount": "5", "type": "INTERNAL",
    "fromAccountType": "MAIN", "toAccountType": "TRADE",
}  # fmt: skip


async def test_a_newcomer_finds_starting_money(exchange: Exchange) -> None:
    found = await exchange.get("/api/v1/accounts")
    assert {(entry["type"], entry["currency"], entry["available"]) for entry in found} == {
        ("main", "USDT", "10000"), ("trade", "USDT", "100000"), ("trade", "BTC", "1"), ("trade", "ETH", "10"),
        ("trade", "SOL", "100"), ("trade", "KCS", "1000"),
    }  # fmt: skip


async def test_starting_money_is_given_once_however_many_ask_at_once(exchange: Exchange) -> None:
    await asyncio.gather(*(exchange.get("/api/v1/accounts") for _ in range(12)))
    assert await exchange.balance("USDT") == (Decimal(100_000), Decimal(0))
    assert len(await exchange.get("/api/v1/accounts")) == 6


async def test_a_sub_account_has_money_of_its_own(exchange: Exchange) -> None:
    """It starts with nothing, and has what its account moves into it."""
    assert await exchange.get("/api/v1/accounts", sub="desk") == []
    await exchange.fund(BTC="0.4")
    assert await exchange.balance("BTC", sub="desk") == (Decimal("0.4"), ZERO)
    assert await exchange.balance("BTC") == (Decimal("0.6"), ZERO)
    await exchange.place({"symbol": "BTC-USDT", "side": "sell", "type": "market", "size": "0.4"}, sub="desk")
    assert (await exchange.balance("BTC", sub="desk"))[0] == 0
    assert (await exchange.balance("BTC"))[0] == Decimal("0.6")
    assert await exchange.wrong_with_the_books() == []


@pytest.mark.parametrize(("asked", "typed"), [("trade_hf", "trade_hf"), ("trade", "trade"), ("main", "main")])
async def test_entries_carry_the_type_they_are_asked_for_as(exchange: Exchange, asked: str, typed: str) -> None:
    found = await exchange.get(f"/api/v1/accounts?type={asked}")
    assert {entry["type"] for entry in found} == {typed}


async def test_unasked_only_types_the_official_client_knows_are_told(exchange: Exchange) -> None:
    assert {entry["type"] for entry in await exchange.get("/api/v1/accounts")} == {"main", "trade"}
    assert await exchange.get("/api/v1/accounts?type=margin") == []


async def test_one_account_is_found_by_its_id_and_by_its_owner_only(exchange: Exchange) -> None:
    [entry] = await exchange.get("/api/v1/accounts?type=trade_hf&currency=BTC")
    target = f"/api/v1/accounts/{entry['id']}"
    assert await exchange.get(f"{target}?accountId={entry['id']}") == {
        "currency": "BTC", "balance": "1", "available": "1", "holds": "0",
    }  # fmt: skip
    assert (await exchange.decline("GET", target, who="bob"))[0] == "400100"


async def test_money_moves_between_main_and_trade(exchange: Exchange) -> None:
    assert set(await exchange.post("/api/v3/accounts/universal-transfer", TO_TRADE)) == {"orderId"}
    assert (await exchange.balance("USDT", book="main"))[0] == 9_995
    assert (await exchange.balance("USDT"))[0] == 100_005
    back = {"clientOid": "t-2", "currency": "BTC", "amount": 0.25, "from": "trade_hf", "to": "main"}
    await exchange.post("/api/v2/accounts/inner-transfer", back)
    assert (await exchange.balance("BTC", book="main"))[0] == Decimal("0.25")


async def test_a_transfer_asked_for_twice_happens_once(exchange: Exchange) -> None:
    first, second = [await exchange.post("/api/v3/accounts/universal-transfer", TO_TRADE) for _ in range(2)]
    assert first == second
    assert (await exchange.balance("USDT"))[0] == 100_005
    assert (await exchange.decline("POST", "/api/v3/accounts/universal-transfer", {**TO_TRADE, "amount": "6"}))[
        0
    ] == "400100"


async def test_what_is_held_or_missing_cannot_be_moved(exchange: Exchange) -> None:
    order = {"symbol": "BTC-USDT", "side": "sell", "type": "limit", "price": "200000", "size": "1"}
    await exchange.post("/api/v1/hf/orders", order)
    out = {"clientOid": "t-3", "currency": "BTC", "amount": "0.1", "from": "trade", "to": "main"}
    short = ("230003", "Balance insufficient!")
    assert await exchange.decline("POST", "/api/v2/accounts/inner-transfer", out) == short
    assert (
        await exchange.decline("POST", "/api/v3/accounts/universal-transfer", {**TO_TRADE, "amount": "10001"}) == short
    )


@pytest.mark.parametrize(
    "change",
    [
        {"amount": "0"}, {"amount": "-5"}, {"amount": None}, {"amount": "0.000000001"}, {"currency": "DOGE"},
        {"type": "PARENT_TO_SUB"}, {"toAccountType": "MAIN"}, {"toAccountType": "CONTRACT"}, {"fromAccountType": None},
        {"clientOid": None}, {"clientOid": "no spaces"},
    ],
)  # fmt: skip
async def test_a_transfer_that_makes_no_sense_is_declined(exchange: Exchange, change: dict[str, Any]) -> None:
    code, _ = await exchange.decline("POST", "/api/v3/accounts/universal-transfer", {**TO_TRADE, **change})
    assert code == "400100"
    assert (await exchange.balance("USDT"))[0] == 100_000


async def test_the_statement_tells_every_change_and_adds_up(exchange: Exchange) -> None:
    await exchange.place({"symbol": "BTC-USDT", "side": "buy", "type": "market", "size": "0.8"})
    await exchange.post("/api/v3/accounts/universal-transfer", TO_TRADE)
    lines = (await exchange.get("/api/v1/accounts/ledgers?pageSize=500"))["items"]
    sums: dict[tuple[str, str], Decimal] = {}
    for line in lines:
        place = line["accountType"].lower(), line["currency"]
        sums[place] = sums.get(place, Decimal(0)) + Decimal(line["amount"]) * (1 if line["direction"] == "in" else -1)
    for entry in await exchange.get("/api/v1/accounts"):
        assert sums[entry["type"], entry["currency"]] == Decimal(entry["balance"])
    assert {line["bizType"] for line in lines} == {"Deposit", "Trade_Exchange", "Transfer"}
    assert lines == sorted(lines, key=lambda line: -int(line["id"]))


async def test_the_statement_is_searched_and_paged(exchange: Exchange) -> None:
    await exchange.post("/api/v3/accounts/universal-transfer", TO_TRADE)
    [line] = (await exchange.get("/api/v1/accounts/ledgers?currency=USDT,BTC&direction=out"))["items"]
    assert (line["amount"], line["accountType"], line["balance"]) == ("5", "MAIN", "9995")
    assert (await exchange.get("/api/v1/accounts/ledgers?bizType=TRANSFER"))["totalNum"] == 2
    newest = await exchange.get("/api/v1/hf/accounts/ledgers?limit=1")
    older = await exchange.get(f"/api/v1/hf/accounts/ledgers?lastId={newest[0]['id']}")
    assert newest[0]["accountType"] == "TRADE_HF"
    assert len(older) == 5
    assert (await exchange.get("/api/v1/accounts/ledgers", who="bob"))["totalNum"] == 6


async def test_what_could_leave_is_what_is_available(exchange: Exchange) -> None:
    found = await exchange.get("/api/v1/accounts/transferable?currency=USDT&type=MAIN")
    assert found == {
        "currency": "USDT",
        "balance": "10000",
        "available": "10000",
        "holds": "0",
        "transferable": "10000",
    }
    assert (await exchange.get("/api/v1/accounts/transferable?currency=BTC&type=MARGIN"))["transferable"] == "0"


async def test_fees_are_told(exchange: Exchange) -> None:
    found = await exchange.get("/api/v1/trade-fees?symbols=BTC-USDT,ETH-BTC")
    assert [(entry["symbol"], entry["takerFeeRate"]) for entry in found] == [
        ("BTC-USDT", "0.001"),
        ("ETH-BTC", "0.001"),
    ]
    assert await exchange.get("/api/v1/base-fee?currencyType=0") == {"takerFeeRate": "0.001", "makerFeeRate": "0.001"}
    assert await exchange.decline("GET", "/api/v1/trade-fees?symbols=NO") == ("400100", "Unsupported trading pair.")


async def test_nothing_has_come_in(exchange: Exchange) -> None:
    assert (await exchange.get("/api/v1/deposits"))["items"] == []


async def test_both_families_of_routes_are_open_to_a_classic_account(exchange: Exchange) -> None:
    assert await exchange.get("/api/v1/hf/accounts/opened") is True
    assert await exchange.get("/api/ua/v1/account/mode") == {"selfAccountMode": "CLASSIC"}
