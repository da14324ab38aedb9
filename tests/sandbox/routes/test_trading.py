"""Orders and fills over the wire, in both families of routes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sandbox.conftest import Exchange

FAR_BUY: dict[str, Any] = {"symbol": "BTC-USDT", "side": "buy", "type": "limit", "price": "50000", "size": "0.001"}
NOT_THERE = ("400100", "order_not_exist_or_not_allow_to_cancel")


async def test_an_order_far_from_the_market_rests_and_holds_its_price_and_fee(exchange: Exchange) -> None:
    order = await exchange.place({**FAR_BUY, "clientOid": "bot-1", "remark": "a note"})
    assert (order["active"], order["inOrderBook"], order["dealSize"], order["clientOid"]) == (True, True, "0", "bot-1")
    assert (order["remainSize"], order["remainFunds"], order["remark"]) == ("0.001", "50", "a note")
    assert await exchange.balance("USDT") == (Decimal("99949.95"), Decimal("50.05"))


async def test_a_cancelled_order_gives_back_what_it_held(exchange: Exchange) -> None:
    order = await exchange.place(FAR_BUY)
    assert await exchange.delete(f"/api/v1/hf/orders/{order['id']}?symbol=BTC-USDT") == {"orderId": order["id"]}
    ended = await exchange.order(order["id"])
    assert (ended["active"], ended["cancelExist"], ended["cancelledSize"], ended["remainSize"]) == (
        False, True, "0.001", "0",
    )  # fmt: skip
    assert (ended["cancelledFunds"], ended["remainFunds"]) == ("50", "0")
    assert await exchange.balance("USDT") == (Decimal(100_000), Decimal(0))


async def test_a_market_order_takes_the_houses_quotes_and_pays_in_quote_currency(exchange: Exchange) -> None:
    _, ask = await exchange.best()
    order = await exchange.place({"symbol": "BTC-USDT", "side": "buy", "type": "market", "size": "0.01"})
    assert (order["active"], order["cancelExist"], order["dealSize"]) == (False, False, "0.01")
    assert Decimal(order["dealFunds"]) == ask * Decimal("0.01")
    assert (order["feeCurrency"], Decimal(order["fee"])) == ("USDT", ask * Decimal("0.00001"))
    assert await exchange.balance("BTC") == (Decimal("1.01"), Decimal(0))
    assert (await exchange.balance("USDT"))[0] == 100_000 - ask * Decimal("0.01001")


async def test_a_market_sale_brings_the_price_less_the_fee(exchange: Exchange) -> None:
    bid, _ = await exchange.best()
    await exchange.place({"symbol": "BTC-USDT", "side": "sell", "type": "market", "size": 0.01})
    assert (await exchange.balance("USDT"))[0] == 100_000 + bid * Decimal("0.00999")


async def test_funds_may_come_as_a_number(exchange: Exchange) -> None:
    order = await exchange.place({"symbol": "ETH-USDT", "side": "buy", "type": "market", "funds": 5})
    assert Decimal("4.99") < Decimal(order["dealFunds"]) <= 5
    assert order["cancelExist"] is False


async def test_fills_say_what_orders_did(exchange: Exchange) -> None:
    order = await exchange.place({"symbol": "BTC-USDT", "side": "buy", "type": "market", "size": "0.8"})
    fills = (await exchange.get("/api/v1/hf/fills?symbol=BTC-USDT"))["items"]
    assert len(fills) > 1
    assert sum(Decimal(fill["size"]) for fill in fills) == Decimal("0.8")
    assert sum(Decimal(fill["fee"]) for fill in fills) == Decimal(order["fee"])
    assert {(fill["orderId"], fill["liquidity"], fill["side"]) for fill in fills} == {(order["id"], "taker", "buy")}
    old = (await exchange.get(f"/api/v1/fills?orderId={order['id']}"))["items"]
    assert [fill["tradeId"] for fill in old] == [str(fill["tradeId"]) for fill in fills]


async def test_two_users_trade_with_one_another_at_the_price_of_who_was_there_first(exchange: Exchange) -> None:
    bid, ask = await exchange.best()
    between = (bid + ask) / 2
    offer = await exchange.place(
        {"symbol": "BTC-USDT", "side": "sell", "type": "limit", "price": str(between), "size": "0.01"}
    )
    taken = await exchange.place(
        {"symbol": "BTC-USDT", "side": "buy", "type": "limit", "price": str(ask), "size": "0.004"}, who="bob"
    )
    assert (taken["active"], Decimal(taken["dealFunds"])) == (False, between * Decimal("0.004"))
    assert (await exchange.order(offer["id"]))["remainSize"] == "0.006"
    [maker] = (await exchange.get("/api/v1/hf/fills?symbol=BTC-USDT"))["items"]
    [taker] = (await exchange.get("/api/v1/hf/fills?symbol=BTC-USDT", who="bob"))["items"]
    assert (maker["liquidity"], taker["liquidity"]) == ("maker", "taker")
    assert maker["tradeId"] == taker["tradeId"]
    assert (maker["counterOrderId"], taker["counterOrderId"]) == (taken["id"], offer["id"])


async def test_a_resting_order_stands_in_the_public_book_unless_hidden(exchange: Exchange) -> None:
    bid, ask = await exchange.best()
    between = str((bid + ask) / 2)
    order = {"symbol": "BTC-USDT", "side": "buy", "type": "limit", "price": between, "size": "0.01"}
    await exchange.place({**order, "hidden": True})
    assert (await exchange.best())[0] == bid
    await exchange.place(order)
    assert (await exchange.best())[0] == Decimal(between)


async def test_a_resting_order_fills_at_its_limit_when_the_market_comes_to_it(exchange: Exchange) -> None:
    bid, _ = await exchange.best()
    order = await exchange.place({**FAR_BUY, "price": str(bid - 20), "size": "0.01"})
    exchange.pass_time(seconds=4 * 3600)
    filled = await exchange.order(order["id"])
    assert (filled["active"], filled["cancelExist"], filled["dealSize"]) == (False, False, "0.01")
    assert Decimal(filled["dealFunds"]) == (bid - 20) * Decimal("0.01")
    [fill] = (await exchange.get("/api/v1/hf/fills?symbol=BTC-USDT"))["items"]
    assert (fill["liquidity"], Decimal(fill["price"])) == ("maker", bid - 20)
    assert order["createdAt"] < fill["createdAt"] <= exchange.now


async def test_a_gtt_order_is_over_when_its_time_is(exchange: Exchange) -> None:
    order = await exchange.place({**FAR_BUY, "timeInForce": "GTT", "cancelAfter": 60})
    exchange.pass_time(seconds=59)
    assert (await exchange.order(order["id"]))["active"]
    exchange.pass_time(seconds=1)
    assert (await exchange.order(order["id"]))["cancelExist"]
    assert await exchange.balance("USDT") == (Decimal(100_000), Decimal(0))


async def test_ioc_and_fok_and_post_only_leave_no_order_behind(exchange: Exchange) -> None:
    _, ask = await exchange.best()
    crossing = {**FAR_BUY, "price": str(ask), "size": "5"}
    taken = await exchange.place({**crossing, "size": "0.9", "timeInForce": "IOC"})
    assert (taken["active"], taken["cancelExist"]) == (False, True)
    assert Decimal(0) < Decimal(taken["dealSize"]) < Decimal("0.9")
    killed = await exchange.place({**crossing, "size": "0.6", "timeInForce": "FOK"})
    assert (killed["active"], killed["dealSize"], killed["cancelExist"]) == (False, "0", True)
    posted = await exchange.place({**crossing, "size": "0.1", "postOnly": True})
    assert (posted["active"], posted["dealSize"], posted["cancelExist"]) == (False, "0", True)


async def test_self_trade_prevention_keeps_an_owner_from_meeting_itself(exchange: Exchange) -> None:
    bid, ask = await exchange.best()
    between = str((bid + ask) / 2)
    offer = await exchange.place({**FAR_BUY, "side": "sell", "price": between, "size": "0.01"})
    taken = await exchange.place({**FAR_BUY, "price": between, "size": "0.01", "stp": "CO"})
    assert (taken["active"], taken["stp"]) == (True, "CO")
    assert (await exchange.order(offer["id"]))["cancelExist"]


async def test_the_answer_of_a_synchronous_order_says_how_it_fared(exchange: Exchange) -> None:
    data = await exchange.post("/api/v1/hf/orders/sync", {**FAR_BUY, "clientOid": "s-1"})
    assert (data["status"], data["originSize"], data["remainSize"], data["clientOid"]) == (
        "open",
        "0.001",
        "0.001",
        "s-1",
    )
    data = await exchange.post("/api/v1/hf/orders/sync", {**FAR_BUY, "price": "200000"})
    assert (data["status"], data["dealSize"], data["remainSize"], data["canceledSize"]) == ("done", "0.001", "0", "0")


async def test_a_rehearsed_order_is_judged_and_forgotten(exchange: Exchange) -> None:
    assert set(await exchange.post("/api/v1/hf/orders/test", {**FAR_BUY, "clientOid": "t"})) == {"orderId", "clientOid"}
    assert set(await exchange.post("/api/v1/orders/test", {**FAR_BUY, "clientOid": "t"})) == {"orderId"}
    assert (await exchange.decline("POST", "/api/v1/orders/test", {**FAR_BUY, "clientOid": "t", "size": "0"}))[
        0
    ] == "400100"
    assert await exchange.get("/api/v1/hf/orders/active?symbol=BTC-USDT") == []


async def test_what_the_account_does_not_cover_is_declined_and_changes_nothing(exchange: Exchange) -> None:
    short = ("200004", "Balance insufficient!")
    assert await exchange.decline("POST", "/api/v1/hf/orders", {**FAR_BUY, "size": "2"}) == short
    sale = {"symbol": "BTC-USDT", "side": "sell", "type": "market", "size": "1.00000001"}
    assert await exchange.decline("POST", "/api/v1/hf/orders", sale) == short
    funds = {"symbol": "BTC-USDT", "side": "buy", "type": "market", "funds": "99999"}
    assert await exchange.decline("POST", "/api/v1/hf/orders", funds) == short
    assert await exchange.balance("USDT") == (Decimal(100_000), Decimal(0))
    assert await exchange.get("/api/v1/orders?status=done") == {
        "currentPage": 1, "pageSize": 50, "totalNum": 0, "totalPage": 0, "items": [],
    }  # fmt: skip


async def test_a_clients_own_id_serves_once_per_account_for_ever(exchange: Exchange) -> None:
    first = await exchange.post("/api/v1/orders", {**FAR_BUY, "clientOid": "once"})
    await exchange.delete(f"/api/v1/orders/{first['orderId']}")
    again = await exchange.decline("POST", "/api/v1/hf/orders", {**FAR_BUY, "clientOid": "once"})
    assert again == ("400100", "validation.createOrder.clientOidDuplicated")
    await exchange.post("/api/v1/hf/orders", {**FAR_BUY, "clientOid": "once"}, who="bob")
    await exchange.fund(USDT="2000")
    await exchange.post("/api/v1/hf/orders", {**FAR_BUY, "clientOid": "once"}, sub="desk")


async def test_orders_are_found_and_ended_by_the_clients_own_id(exchange: Exchange) -> None:
    ids = {
        oid: (await exchange.post("/api/v1/hf/orders", {**FAR_BUY, "clientOid": oid}))["orderId"] for oid in ("a", "b")
    }
    assert (await exchange.get("/api/v1/hf/orders/client-order/a?symbol=BTC-USDT"))["id"] == ids["a"]
    assert (await exchange.get("/api/v1/order/client-order/b"))["id"] == ids["b"]
    ended = await exchange.delete("/api/v1/hf/orders/client-order/a?symbol=BTC-USDT")
    assert ended == {"clientOid": "a"}
    ended = await exchange.delete("/api/v1/order/client-order/b")
    assert ended == {"cancelledOrderId": ids["b"], "clientOid": "b", "cancelledOcoOrderIds": None}


async def test_an_order_of_one_family_is_seen_and_ended_in_the_other(exchange: Exchange) -> None:
    placed = await exchange.post("/api/v1/orders", {**FAR_BUY, "clientOid": "x"})
    assert set(placed) == {"orderId"}
    found = await exchange.get(f"/api/v1/orders/{placed['orderId']}")
    assert (found["isActive"], found["stop"], found["stopPrice"]) == (True, "", "0")
    [active] = await exchange.get("/api/v1/hf/orders/active?symbol=BTC-USDT&tradeType=TRADE&status=active")
    [page] = (await exchange.get("/api/v1/orders?status=active"))["items"]
    assert active["id"] == page["id"] == placed["orderId"]
    assert await exchange.delete(f"/api/v1/orders/{placed['orderId']}") == {"cancelledOrderIds": [placed["orderId"]]}
    [done] = (await exchange.get("/api/v1/hf/orders/done?symbol=BTC-USDT"))["items"]
    assert done["id"] == placed["orderId"]


async def test_everything_can_be_ended_at_once(exchange: Exchange) -> None:
    async def two() -> list[str]:
        eth = {**FAR_BUY, "symbol": "ETH-USDT", "price": "2000", "size": "0.01"}
        return [(await exchange.post("/api/v1/hf/orders", body))["orderId"] for body in (FAR_BUY, eth)]

    await two()
    assert (await exchange.get("/api/v1/hf/orders/active/symbols"))["symbols"] == ["BTC-USDT", "ETH-USDT"]
    assert await exchange.delete("/api/v1/hf/orders?symbol=BTC-USDT") == "success"
    assert (await exchange.get("/api/v1/hf/orders/active/symbols"))["symbols"] == ["ETH-USDT"]
    assert await exchange.delete("/api/v1/hf/orders/cancelAll") == {"succeedSymbols": ["ETH-USDT"], "failedSymbols": []}
    ids = await two()
    assert await exchange.delete("/api/v1/orders?symbol=ETH-USDT") == {"cancelledOrderIds": ids[1:]}
    assert await exchange.delete("/api/v1/orders") == {"cancelledOrderIds": ids[:1]}
    assert await exchange.balance("USDT") == (Decimal(100_000), Decimal(0))


@pytest.mark.parametrize(("who", "sub"), [("bob", ""), ("alice", "desk")])
async def test_somebody_elses_order_is_not_there(exchange: Exchange, who: str, sub: str) -> None:
    order_id = (await exchange.post("/api/v1/hf/orders", {**FAR_BUY, "clientOid": "mine"}))["orderId"]
    not_found = {"400100"}
    for target in (
        f"/api/v1/hf/orders/{order_id}?symbol=BTC-USDT",
        "/api/v1/hf/orders/client-order/mine?symbol=BTC-USDT",
        f"/api/v1/orders/{order_id}",
        "/api/v1/order/client-order/mine",
    ):
        assert {(await exchange.decline("GET", target, who=who, sub=sub))[0]} == not_found
        assert await exchange.decline("DELETE", target, who=who, sub=sub) == NOT_THERE
    for target in ("/api/v1/hf/orders?symbol=BTC-USDT", "/api/v1/orders", "/api/v1/hf/orders/cancelAll"):
        await exchange.delete(target, who=who, sub=sub)
    assert await exchange.get("/api/v1/hf/orders/active?symbol=BTC-USDT", who=who, sub=sub) == []
    assert (await exchange.get("/api/v1/orders?status=active", who=who, sub=sub))["items"] == []
    assert (await exchange.order(order_id))["active"]


async def test_an_order_is_asked_for_under_its_market(exchange: Exchange) -> None:
    order_id = (await exchange.post("/api/v1/hf/orders", FAR_BUY))["orderId"]
    assert await exchange.decline("GET", f"/api/v1/hf/orders/{order_id}?symbol=ETH-USDT") == (
        "400100", "The order does not exist.",
    )  # fmt: skip
    assert await exchange.decline("DELETE", f"/api/v1/hf/orders/{order_id}?symbol=ETH-USDT") == NOT_THERE
    assert (await exchange.decline("GET", "/api/v1/hf/orders/active"))[0] == "400100"


async def test_an_order_is_ended_once(exchange: Exchange) -> None:
    order_id = (await exchange.post("/api/v1/hf/orders", FAR_BUY))["orderId"]
    await exchange.delete(f"/api/v1/orders/{order_id}")
    assert await exchange.decline("DELETE", f"/api/v1/orders/{order_id}") == NOT_THERE


async def test_closed_orders_and_fills_are_paged_by_their_last_id(exchange: Exchange) -> None:
    for _ in range(5):
        await exchange.place({"symbol": "ETH-USDT", "side": "buy", "type": "market", "size": "0.001"})
    for route in ("/api/v1/hf/orders/done", "/api/v1/hf/fills"):
        first = await exchange.get(f"{route}?symbol=ETH-USDT&limit=3")
        second = await exchange.get(f"{route}?symbol=ETH-USDT&limit=3&lastId={first['lastId']}")
        ids = [item["id"] for item in (*first["items"], *second["items"])]
        assert (len(first["items"]), len(second["items"]), len(set(ids))) == (3, 2, 5)


async def test_older_routes_page_by_number(exchange: Exchange) -> None:
    for _ in range(12):
        await exchange.place({"symbol": "ETH-USDT", "side": "buy", "type": "market", "size": "0.001"})
    for route in ("/api/v1/orders", "/api/v1/fills"):
        page = await exchange.get(f"{route}?symbol=ETH-USDT&pageSize=10&currentPage=2")
        assert (page["totalNum"], page["totalPage"], page["currentPage"], len(page["items"])) == (12, 2, 2, 2)


async def test_searches_narrow_by_side_kind_and_time(exchange: Exchange) -> None:
    await exchange.place({"symbol": "ETH-USDT", "side": "buy", "type": "market", "size": "0.001"})
    exchange.pass_time(seconds=10)
    sold = await exchange.place({"symbol": "ETH-USDT", "side": "sell", "type": "market", "size": "0.001"})
    for narrowed in ("side=sell", f"startAt={exchange.now}", "type=market&side=sell"):
        items = (await exchange.get(f"/api/v1/hf/orders/done?symbol=ETH-USDT&{narrowed}"))["items"]
        assert [item["id"] for item in items] == [sold["id"]]
    assert (await exchange.get("/api/v1/hf/fills?symbol=ETH-USDT&type=limit"))["items"] == []


@pytest.mark.parametrize(
    "query",
    ["limit=x", "limit=0", "limit=101", "limit=-1", "startAt=1e9", "lastId=9999999999999999999", "limit=%D9%A3"],
)
async def test_numbers_in_a_query_are_whole_and_bounded(exchange: Exchange, query: str) -> None:
    code, _ = await exchange.decline("GET", f"/api/v1/hf/fills?symbol=BTC-USDT&{query}")
    assert code == "400100"
