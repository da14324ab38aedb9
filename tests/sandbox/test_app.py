"""The way in: routes, envelopes, and what a stranger's bytes get."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.sandbox.conftest import Exchange

LIMIT_BUY = {
    "clientOid": "c-1",
    "symbol": "BTC-USDT",
    "side": "buy",
    "type": "limit",
    "price": "50000",
    "size": "0.001",
}


async def test_the_time_is_the_clocks(exchange: Exchange) -> None:
    assert await exchange.get("/api/v1/timestamp") == exchange.now


async def test_the_clock_is_read_once_per_request(exchange: Exchange) -> None:
    readings: list[int] = []

    def clock() -> int:
        readings.append(exchange.now)
        return exchange.now

    exchange.sandbox = type(exchange.sandbox)(exchange.database, clock=clock)
    await exchange.post("/api/v1/hf/orders", LIMIT_BUY)
    assert len(readings) == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/nothing"),
        ("PUT", "/api/v1/orders"),
        ("get", "/api/v1/timestamp"),
        ("GET", "/api/v1/orders/"),
        ("GET", "/api/v1/orders/a/b"),
        ("GET", "/"),
        ("POST", "/api/v9/withdrawals"),
        ("GET", "/api/v1/orders/%00"),
    ],
)
async def test_an_unknown_route_is_not_found(exchange: Exchange, method: str, path: str) -> None:
    assert await exchange.send(method, path) == (404, {"code": "404000", "msg": "Url Not Found"})


async def test_spot_and_futures_have_routes_of_their_own(exchange: Exchange) -> None:
    assert await exchange.get("/api/v1/timestamp", environment="futures") == exchange.now
    assert (await exchange.send("GET", "/api/v1/accounts", environment="futures"))[0] == 404
    assert (await exchange.send("GET", "/api/v1/contracts/active", environment="spot"))[0] == 404
    assert (await exchange.send("GET", "/api/v1/timestamp", environment="else"))[0] == 404


async def test_a_private_route_is_answered_to_an_account_only(exchange: Exchange) -> None:
    status, envelope = await exchange.send("GET", "/api/v1/accounts", who="")
    assert (status, envelope["code"]) == (401, "400001")


async def test_a_public_route_is_answered_to_anyone(exchange: Exchange) -> None:
    assert await exchange.get("/api/v1/status", who="") == {"status": "open", "msg": ""}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b'{"side":"buy","side":"sell"}',
        b'{"price":NaN}',
        b'{"price":Infinity}',
        b"\xff\xfe",
        b"[" * 40 + b"]" * 40,
        b'{"size":' + b"9" * 200 + b"}",
        b'{"remark":"\\ud800"}',
    ],
)
async def test_a_body_two_readers_could_read_differently_is_refused(exchange: Exchange, body: bytes) -> None:
    status, envelope = await exchange.send("POST", "/api/v1/hf/orders", body)
    assert (status, envelope["code"]) == (400, "400100")


@pytest.mark.parametrize(
    "query", ["symbol=A&symbol=B", "symbol=%ff", "symbol=%00", "&".join(f"p{n}=1" for n in range(70))]
)
async def test_a_query_two_readers_could_read_differently_is_refused(exchange: Exchange, query: str) -> None:
    status, envelope = await exchange.send("GET", f"/api/v1/orders?{query}")
    assert (status, envelope["code"]) == (400, "400100")


async def test_unknown_parameters_and_null_fields_are_ignored(exchange: Exchange) -> None:
    body = {**LIMIT_BUY, "trade_type": None, "price": "50000", "stp": None, "novel": {"a": [1]}}
    order_id = (await exchange.post("/api/v1/orders", body))["orderId"]
    found = await exchange.get(f"/api/v1/hf/orders/{order_id}?symbol=BTC-USDT&orderId={order_id}&order-id=x")
    assert found["id"] == order_id


async def test_query_values_may_be_percent_encoded(exchange: Exchange) -> None:
    plainly = await exchange.get("/api/v1/market/histories?symbol=BTC-USDT")
    assert await exchange.get("/api/v1/market/histories?symbol=BTC%2DUSDT&x=a+b") == plainly
