"""The verbs over a database of each kind: at once, interrupted, and left alone for a while."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from keywright.sandbox import service
from keywright.sandbox.ledger import Posted
from keywright.sandbox.model import HOUSE, Balance, Purse
from keywright.sandbox.store import money

if TYPE_CHECKING:
    from tests.sandbox.conftest import Exchange

pytestmark = pytest.mark.parametrize(
    "kept", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)

FAR_BUY: dict[str, Any] = {"symbol": "BTC-USDT", "side": "buy", "type": "limit", "price": "50000", "size": "0.001"}


async def test_orders_placed_at_once_never_spend_the_same_money(exchange: Exchange) -> None:
    half = {"symbol": "BTC-USDT", "side": "sell", "type": "limit", "price": "200000", "size": "0.4"}
    raw = [exchange.send("POST", "/api/v1/hf/orders", str(half).replace("'", '"').encode()) for _ in range(5)]
    codes = sorted(envelope["code"] for _, envelope in await asyncio.gather(*raw))
    assert codes == ["200000", "200000", "200004", "200004", "200004"]
    assert await exchange.balance("BTC") == (Decimal("0.2"), Decimal("0.8"))


async def test_the_same_client_id_sent_at_once_makes_one_order(exchange: Exchange) -> None:
    body = b'{"clientOid":"same","symbol":"BTC-USDT","side":"buy","type":"limit","price":"50000","size":"0.001"}'
    answers = await asyncio.gather(*(exchange.send("POST", "/api/v1/orders", body) for _ in range(6)))
    assert sorted(envelope["code"] for _, envelope in answers) == ["200000", *["400100"] * 5]


async def test_a_failure_on_the_way_leaves_nothing_half_done(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    await exchange.get("/api/v1/accounts")

    async def fail(*_: object, **__: object) -> None:
        raise OSError("the disk is gone")

    with monkeypatch.context() as broken:
        broken.setattr(money, "keep", fail)  # the very last step of placing an order
        with pytest.raises(OSError, match="disk"):
            await exchange.post("/api/v1/hf/orders", FAR_BUY)
    assert await exchange.get("/api/v1/hf/orders/active?symbol=BTC-USDT") == []
    assert await exchange.balance("USDT") == (Decimal(100_000), Decimal(0))
    await exchange.place(FAR_BUY)


async def test_a_sweep_settles_what_the_market_did_to_everybody(exchange: Exchange) -> None:
    bid, _ = await exchange.best()
    for who in ("alice", "bob"):
        await exchange.place({**FAR_BUY, "price": str(bid - 20)}, who=who)
        await exchange.place(FAR_BUY, who=who)
    assert await exchange.sandbox.sweep() == 0
    exchange.pass_time(seconds=4 * 3600)
    assert await exchange.sandbox.sweep() == 2
    assert await exchange.sandbox.sweep() == 0
    assert len(await exchange.get("/api/v1/hf/orders/active?symbol=BTC-USDT")) == 1


async def test_it_makes_no_difference_when_or_how_often_anybody_looks(exchange: Exchange) -> None:
    """A fill is of the moment the market came by, not of the moment somebody asked."""
    bid, _ = await exchange.best()
    for who in ("alice", "bob"):
        await exchange.place({**FAR_BUY, "price": str(bid - 20)}, who=who)
    for _ in range(24):
        exchange.pass_time(seconds=600)
        await exchange.get("/api/v1/hf/orders/active?symbol=BTC-USDT", who="alice")
    [watched] = (await exchange.get("/api/v1/hf/fills?symbol=BTC-USDT", who="alice"))["items"]
    [ignored] = (await exchange.get("/api/v1/hf/fills?symbol=BTC-USDT", who="bob"))["items"]
    assert watched["createdAt"] == ignored["createdAt"]
    assert watched["price"] == ignored["price"]


async def test_what_the_market_already_met_is_neither_in_the_book_nor_met_again(exchange: Exchange) -> None:
    bid, _ = await exchange.best()
    price = bid - 20
    order = {**FAR_BUY, "price": str(price), "size": "0.5"}
    await exchange.place(order)
    while (await exchange.best())[1] >= price:  # until the house sells below it: alice's bid would be the best there is
        exchange.pass_time(seconds=60)
    book = await exchange.get("/api/v3/market/orderbook/level2?symbol=BTC-USDT")
    assert [str(price), "0.5"] not in book["bids"]
    offered = await exchange.place({**order, "side": "sell"}, who="bob")
    assert (offered["active"], offered["dealSize"]) == (True, "0")
    [fill] = (await exchange.get("/api/v1/hf/fills?symbol=BTC-USDT"))["items"]
    assert fill["counterOrderId"] == "0" * 24  # the house, before bob came


async def test_a_part_filled_order_waits_on_with_what_is_left(exchange: Exchange) -> None:
    bid, ask = await exchange.best()
    order = await exchange.place({**FAR_BUY, "price": str(ask), "size": "0.9"})
    assert (order["active"], Decimal(order["dealSize"]) > 0) == (True, True)
    _, held = await exchange.balance("USDT")
    assert held == Decimal(order["remainSize"]) * ask * Decimal("1.001")
    exchange.pass_time(seconds=4 * 3600)
    assert (await exchange.order(order["id"]))["dealSize"] == "0.9"
    assert bid < ask


async def test_open_orders_have_a_limit_per_market(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_OPEN_ORDERS", 3)
    for _ in range(3):
        await exchange.post("/api/v1/hf/orders", FAR_BUY)
    assert (await exchange.decline("POST", "/api/v1/hf/orders", FAR_BUY))[0] == "200003"
    await exchange.post("/api/v1/hf/orders", {**FAR_BUY, "symbol": "ETH-USDT", "price": "2000", "size": "0.01"})


async def test_the_audit_finds_money_that_came_from_nowhere(exchange: Exchange) -> None:
    await exchange.place(FAR_BUY)
    alice = next(iter(await _purses(exchange)))
    async with exchange.database.write() as tx:
        known = await money.balances(tx, [alice])
        forged = ledger_with(alice, Balance(known[alice].available + 1, known[alice].held))
        await money.keep(tx, forged, [], known=known)
    assert len(await exchange.wrong_with_the_books()) == 2
    async with exchange.database.write() as tx:
        await money.keep(tx, ledger_with(alice, known[alice]), [], known=known)


def ledger_with(purse: Purse, balance: Balance) -> Posted:
    return Posted({purse: balance}, ())


async def _purses(exchange: Exchange) -> list[Purse]:
    async with exchange.database.read() as tx:
        return [purse for purse in await money.every_balance(tx) if purse.owner != HOUSE]
