"""Withdrawals at the paper exchange: held, waiting, paid once or given back. PERM cases by id."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from keywright.protocol.message import Identity, Request
from keywright.sandbox.app import Sandbox
from keywright.storage.tables import sandbox_withdrawals
from tests.sandbox.conftest import DESK, Exchange

pytestmark = pytest.mark.parametrize(
    "kept", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)

TRON = "TXYZabcdefghijkmnopqrstuvwxyz12345"
BODY = {"currency": "USDT", "toAddress": TRON, "amount": "250", "withdrawType": "ADDRESS", "chain": "trx"}
URL = "/api/v3/withdrawals"


async def withdraw(exchange: Exchange, **change: Any) -> str:
    made = await exchange.post(URL, {**BODY, **change})
    withdrawal_id: str = made["withdrawalId"]
    return withdrawal_id


async def status(exchange: Exchange, withdrawal_id: str) -> str:
    found = await exchange.get(f"/api/v1/withdrawals/{withdrawal_id}")
    return str(found["status"])


async def main(exchange: Exchange) -> tuple[Decimal, Decimal]:
    return await exchange.balance("USDT", book="main")


async def test_perm_13_nothing_moves_before_it_is_confirmed(exchange: Exchange) -> None:
    withdrawal_id = await withdraw(exchange)
    assert await main(exchange) == (Decimal("9748.5"), Decimal("251.5"))
    for _ in range(3):
        exchange.pass_time(seconds=60)
        assert await exchange.sandbox.sweep() == 0
    assert await status(exchange, withdrawal_id) == "PROCESSING"
    exchange.owners.say("yes")
    assert await exchange.sandbox.sweep() == 1
    assert await exchange.sandbox.sweep() == 0
    assert await status(exchange, withdrawal_id) == "SUCCESS"
    assert await main(exchange) == (Decimal("9748.5"), Decimal(0))
    [line] = (await exchange.get("/api/v1/accounts/ledgers?bizType=Withdrawal"))["items"]
    assert (line["direction"], line["amount"], line["fee"]) == ("out", "251.5", "1.5")


@pytest.mark.parametrize("word", ["no"])
async def test_what_is_not_confirmed_is_given_back(exchange: Exchange, word: Any) -> None:
    withdrawal_id = await withdraw(exchange)
    exchange.owners.say(word)
    assert await exchange.sandbox.sweep() == 1
    assert await status(exchange, withdrawal_id) == "FAILURE"
    assert await main(exchange) == (Decimal(10_000), Decimal(0))


async def test_it_is_cancelled_while_it_waits(exchange: Exchange) -> None:
    withdrawal_id = await withdraw(exchange)
    assert await exchange.delete(f"/api/v1/withdrawals/{withdrawal_id}") is None
    assert await status(exchange, withdrawal_id) == "FAILURE"
    assert await main(exchange) == (Decimal(10_000), Decimal(0))
    exchange.owners.say("yes")
    assert await exchange.sandbox.sweep() == 0
    code, message = await exchange.decline("DELETE", f"/api/v1/withdrawals/{withdrawal_id}")
    assert (code, "not.allow.to.cancel" in message) == ("400100", True)


async def test_what_is_paid_can_t_be_cancelled(exchange: Exchange) -> None:
    withdrawal_id = await withdraw(exchange)
    exchange.owners.say("yes")
    await exchange.sandbox.sweep()
    assert (await exchange.decline("DELETE", f"/api/v1/withdrawals/{withdrawal_id}"))[0] == "400100"


async def test_perm_14_an_altered_row_is_given_back_instead_of_paid(exchange: Exchange) -> None:
    withdrawal_id = await withdraw(exchange)
    exchange.owners.say("yes")
    async with exchange.database.write() as tx:
        await tx.execute(update(sandbox_withdrawals).values(amount="249"))
    await exchange.sandbox.sweep()
    assert await status(exchange, withdrawal_id) == "FAILURE"
    async with exchange.database.write() as tx:  # the rest of what is held, for the books of this test
        await tx.execute(update(sandbox_withdrawals).values(amount="1", fee="0", status="PROCESSING"))


async def test_the_owner_is_told_all_there_is(exchange: Exchange) -> None:
    await withdraw(exchange, memo="1077", remark="wages", amount=10.0)
    [(asked, by)] = exchange.owners.asked.values()
    assert (asked.currency, asked.chain, asked.address, asked.memo) == ("USDT", "trx", TRON, "1077")
    assert (asked.amount, asked.fee, asked.remark) == (Decimal(10), Decimal("1.5"), "wages")
    assert (by.key_id, by.address) == ("", "")


async def test_it_is_asked_with_the_key_and_its_address(exchange: Exchange) -> None:
    import json

    identity = Identity("req", "spot", "alice", key_id="66f0", address="203.0.113.7")
    await exchange.sandbox.forward(Request("POST", URL.encode(), (), json.dumps(BODY).encode(), None), identity)
    [(_, by)] = exchange.owners.asked.values()
    assert (by.key_id, by.address) == ("66f0", "203.0.113.7")


async def test_who_may_not_be_asked_holds_nothing(exchange: Exchange) -> None:
    exchange.owners.refuse_to_ask = "That address is not on the list."
    assert await exchange.decline("POST", URL, BODY) == ("400100", "That address is not on the list.")
    assert await main(exchange) == (Decimal(10_000), Decimal(0))
    assert (await exchange.get("/api/v1/withdrawals"))["items"] == []


async def test_without_anyone_to_ask_withdrawals_are_off(exchange: Exchange) -> None:
    exchange.sandbox = Sandbox(exchange.database, clock=lambda: exchange.now)
    assert (await exchange.decline("POST", URL, BODY))[0] == "260210"


@pytest.mark.parametrize(
    ("change", "arrives", "held"),
    [
        ({"feeDeductType": "INTERNAL"}, "248.5", "250"),
        ({"feeDeductType": "EXTERNAL"}, "250", "251.5"),
        ({"amount": "10000"}, "9998.5", "10000"),
        ({"chain": "TRC20"}, "250", "251.5"),
        ({"chain": "eth"}, "250", "254"),
        ({"chain": None}, "250", "254"),
    ],
)
async def test_the_fee_is_the_chain_s(exchange: Exchange, change: dict[str, Any], arrives: str, held: str) -> None:
    withdrawal_id = await withdraw(exchange, **change)
    assert (await exchange.get(f"/api/v1/withdrawals/{withdrawal_id}"))["amount"] == arrives
    assert (await main(exchange))[1] == Decimal(held)


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"amount": "10000.01"}, "230003", "insufficient"),
        ({"amount": "10000", "feeDeductType": "EXTERNAL"}, "230003", "insufficient"),
        ({"amount": "2.9"}, "400100", "below the minimum"),
        ({"amount": "0"}, "400100", "above zero"),
        ({"amount": "-5"}, "400100", "positive"),
        ({"amount": "5.000000001"}, "400100", "increment"),
        ({"amount": None}, "400100", "amount"),
        ({"currency": "DOGE"}, "400100", "Currency"),
        ({"chain": "sol"}, "400100", "chain"),
        ({"chain": 7}, "400100", "chain"),
        ({"withdrawType": "UID"}, "400100", "withdrawType"),
        ({"toAddress": ""}, "400100", "toAddress"),
        ({"isInner": True}, "400100", "isInner"),
        ({"feeDeductType": "NONE"}, "400100", "feeDeductType"),
        ({"memo": "a\nb"}, "400100", "memo"),
        ({"remark": "x" * 101}, "400100", "remark"),
        ({"remark": "\u0000"}, "400100", "remark"),
    ],
)
async def test_what_can_t_be_withdrawn_holds_nothing(
    exchange: Exchange, change: dict[str, Any], code: str, said: str
) -> None:
    found, message = await exchange.decline("POST", URL, {**BODY, **change})
    assert (found, said in message) == (code, True), message
    assert await main(exchange) == (Decimal(10_000), Decimal(0))


async def test_the_older_route_and_a_single_chain(exchange: Exchange) -> None:
    moved = {"clientOid": "m", "currency": "BTC", "amount": "0.5", "from": "trade", "to": "main"}
    await exchange.post("/api/v2/accounts/inner-transfer", moved)
    body = {"currency": "BTC", "address": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "amount": 0.1, "chain": "eth"}
    made = await exchange.post("/api/v1/withdrawals", body)
    assert (await exchange.get(f"/api/v1/withdrawals/{made['withdrawalId']}"))["chainId"] == "btc"


async def test_pages_are_filtered_and_each_sees_its_own(exchange: Exchange) -> None:
    first = await withdraw(exchange)
    exchange.owners.say("yes")
    await exchange.sandbox.sweep()
    exchange.pass_time(seconds=10)
    second = await withdraw(exchange, amount="5")
    found = await exchange.get("/api/v1/withdrawals?currency=USDT")
    assert ([one["id"] for one in found["items"]], found["totalNum"]) == ([second, first], 2)
    for query, ids in (
        ("status=SUCCESS", [first]),
        ("status=PROCESSING", [second]),
        ("currency=BTC", []),
        (f"startAt={exchange.now}", [second]),
        (f"endAt={exchange.now - 1}", [first]),
        ("pageSize=10&currentPage=2", []),
    ):
        assert [one["id"] for one in (await exchange.get(f"/api/v1/withdrawals?{query}"))["items"]] == ids, query
    assert (await exchange.decline("GET", "/api/v1/withdrawals?status=DONE"))[0] == "400100"
    others: list[dict[str, Any]] = [{"who": "bob"}, {"sub": DESK.id}]
    for who in others:
        assert (await exchange.get("/api/v1/withdrawals", **who))["items"] == []
        assert (await exchange.decline("GET", f"/api/v1/withdrawals/{second}", **who))[0] == "400100"
        assert (await exchange.decline("DELETE", f"/api/v1/withdrawals/{second}", **who))[0] == "400100"


async def test_quotas(exchange: Exchange) -> None:
    await withdraw(exchange)
    found = await exchange.get("/api/v1/withdrawals/quotas?currency=USDT&chain=trx")
    assert (found["availableAmount"], found["lockedAmount"], found["withdrawMinFee"]) == ("9747", "251.5", "1.5")
    assert (found["chain"], found["precision"], found["isWithdrawEnabled"]) == ("TRC20", 8, True)
    assert (await exchange.decline("GET", "/api/v1/withdrawals/quotas"))[0] == "400100"
