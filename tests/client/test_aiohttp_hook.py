from __future__ import annotations

import io
from typing import Any

import aiohttp
import pytest
from yarl import URL

from keywright.client import KeywrightMiddleware
from keywright.errors import Invalid
from tests.client.conftest import credentials
from tests.client.test_httpx_auth import TARGETS


def _session(name: str = "kucoin", **more: Any) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(middlewares=(KeywrightMiddleware(name, **credentials(name), **more),))


@pytest.mark.parametrize("target", TARGETS)
async def test_the_target_that_is_sent_is_the_one_that_is_signed(serve: Any, target: str) -> None:
    exchange = await serve()
    async with _session() as session, session.get(exchange.url + target) as answer:
        assert await answer.text() == "held"


@pytest.mark.parametrize("target", [target for target in TARGETS if target.isascii() and " " not in target])
async def test_a_target_given_as_it_is_goes_out_as_it_is(serve: Any, target: str) -> None:
    exchange = await serve()
    async with _session() as session, session.get(URL(exchange.url + target, encoded=True)) as answer:
        assert await answer.text() == "held"
    assert exchange.last.target == target.encode()


async def test_parameters_are_signed_as_aiohttp_encodes_them(serve: Any) -> None:
    exchange = await serve()
    wanted = {"remark": "a b+c&d", "name": "é"}
    async with _session() as session, session.get(f"{exchange.url}/api/v1/accounts", params=wanted) as answer:
        assert await answer.text() == "held"


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"clientOid": "1", "note": "a b é"}},
        {"data": b'{ "clientOid" : "1" }\n'},
        {"data": '{"note":"中"}'},
        {"data": io.BytesIO(b'{"a": 1}')},
        {"data": b""},
        {},
    ],
    ids=["json", "bytes", "text", "file", "empty bytes", "nothing"],
)
async def test_the_bytes_of_a_body_are_signed(serve: Any, sent: dict[str, Any]) -> None:
    exchange = await serve()
    async with _session() as session, session.post(f"{exchange.url}/api/v1/orders", **sent) as answer:
        assert await answer.text() == "held"
    if exchange.last.body:
        assert exchange.last.header(b"content-type") == (b"application/json",)
        assert exchange.last.header(b"content-length") == (str(len(exchange.last.body)).encode(),)


async def test_bitfinex_s_nonces_rise_and_no_body_is_braces(serve: Any) -> None:
    exchange = await serve("bitfinex")
    async with _session("bitfinex", clock=lambda: 1_700_000_000_000) as session:
        for _ in range(20):
            async with session.post(f"{exchange.url}/v2/auth/r/wallets") as answer:
                assert await answer.text() == "held"
    nonces = [int(request.header(b"bfx-nonce")[0]) for request in exchange.received]
    assert nonces == sorted(set(nonces))
    assert {request.body for request in exchange.received} == {b"{}"}


@pytest.mark.parametrize(
    ("method", "target", "data"),
    [
        ("GET", "/api/v3/account", None),
        ("GET", "/api/v3/openOrders?symbol=LTCBTC", None),
        ("POST", "/api/v3/order", b"symbol=LTCBTC&side=BUY"),
        ("POST", "/api/v3/order", {"symbol": "LTCBTC", "side": "BUY"}),
    ],
)
async def test_binance_is_signed_among_its_parameters(serve: Any, method: str, target: str, data: Any) -> None:
    exchange = await serve("binance")
    async with _session("binance") as session, session.request(method, exchange.url + target, data=data) as answer:
        assert await answer.text() == "held"


async def test_a_hop_within_the_origin_is_signed_anew_and_one_beyond_is_refused(serve: Any) -> None:
    exchange = await serve()
    async with _session() as session:
        async with session.get(f"{exchange.url}/api/v1/near") as answer:
            assert await answer.text() == "held"
        first, second = (request.header(b"kc-api-timestamp") for request in exchange.received)
        assert first < second
        with pytest.raises(Invalid, match="signs for"):
            await session.get(f"{exchange.url}/api/v1/elsewhere")
    assert len(exchange.received) == 3


async def test_what_no_server_could_verify_is_not_sent(serve: Any) -> None:
    exchange = await serve()

    async def stream() -> Any:
        yield b"{}"

    async with _session() as session:
        for sent in ({"data": stream()}, {"json": {"a": 1}, "compress": True}):
            with pytest.raises(Invalid, match="streamed or compressed"):
                await session.post(f"{exchange.url}/api/v1/orders", **sent)
        with pytest.raises(Invalid, match="//"):
            await session.get(f"{exchange.url}/api/v1//accounts")
    assert not exchange.received


def test_nothing_of_the_key_is_shown() -> None:
    assert repr(KeywrightMiddleware("kucoin", **credentials("kucoin"))) == "KeywrightMiddleware(•••)"
