from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from keywright.client import KeywrightAuth
from keywright.errors import Invalid
from tests.client.conftest import credentials

TARGETS = [
    "/api/v1/accounts",
    "/api/v1/accounts?currency=BTC&type=trade",
    "/api/v1/accounts?remark=a b",
    "/api/v1/accounts?remark=a%20b&note=c+d",
    "/api/v1/accounts?remark=1%2B1",
    "/api/v1/accounts?remark=é€中",
    "/api/v1/accounts?remark=a%26b%3Dc",
    "/api/v1/accounts?passphrase=abc!@$'()*,;:~",
]


def _auth(name: str = "kucoin", **more: Any) -> Any:
    return KeywrightAuth(name, **credentials(name), **more)


@pytest.mark.parametrize("target", TARGETS)
async def test_the_target_that_is_sent_is_the_one_that_is_signed(serve: Any, target: str) -> None:
    exchange = await serve()
    async with httpx2.AsyncClient(base_url=exchange.url, auth=_auth()) as client:
        assert (await client.get(target)).text == "held"


async def test_parameters_are_signed_as_httpx_encodes_them(serve: Any) -> None:
    exchange = await serve()
    async with httpx2.AsyncClient(base_url=exchange.url, auth=_auth()) as client:
        answer = await client.get("/api/v1/accounts", params={"remark": "a b+c&d", "name": "é", "list": ["1", "2"]})
    assert answer.text == "held"


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"clientOid": "1", "note": "a b é"}},
        {"content": b'{ "clientOid" : "1" }\n'},
        {"content": '{"note":"中"}'},
        {},
    ],
    ids=["json", "bytes", "text", "empty"],
)
async def test_the_bytes_of_a_body_are_signed(serve: Any, sent: dict[str, Any]) -> None:
    exchange = await serve()
    async with httpx2.AsyncClient(base_url=exchange.url, auth=_auth()) as client:
        assert (await client.post("/api/v1/orders", **sent)).text == "held"
    if sent:
        assert exchange.last.header(b"content-type") == (b"application/json",)


async def test_a_sync_client_signs_too(serve: Any) -> None:
    exchange = await serve()

    def send() -> str:
        with httpx2.Client(base_url=exchange.url, auth=_auth()) as client:
            return client.post("/api/v1/orders?a=1", json={"b": 2}).text

    assert await asyncio.to_thread(send) == "held"


@pytest.mark.parametrize(("name", "target"), [("kucoin", "/api/v1/orders"), ("bitfinex", "/v2/auth/w/order/submit")])
async def test_each_attempt_is_signed_anew_even_within_one_millisecond(serve: Any, name: str, target: str) -> None:
    exchange = await serve(name)
    stamps = iter([1_700_000_000_000] * 3 + [1_699_999_999_000])
    async with httpx2.AsyncClient(base_url=exchange.url, auth=_auth(name, clock=lambda: next(stamps))) as client:
        request = client.build_request("POST", target, json={"a": "1"})
        for _ in range(4):
            await client.send(request)
    assert exchange.verdicts == ["held"] * 4
    field = b"kc-api-timestamp" if name == "kucoin" else b"bfx-nonce"
    told = [int(request.header(field)[0]) for request in exchange.received]
    assert all(len(request.header(field)) == 1 for request in exchange.received)
    assert told[:3] == sorted(set(told[:3]))
    if name == "bitfinex":
        assert told == sorted(set(told))


async def test_bitfinex_sends_braces_for_no_body(serve: Any) -> None:
    exchange = await serve("bitfinex")
    async with httpx2.AsyncClient(base_url=exchange.url, auth=_auth("bitfinex")) as client:
        assert (await client.post("/v2/auth/r/wallets")).text == "held"
    assert exchange.last.body == b"{}"


@pytest.mark.parametrize(
    ("method", "target", "content"),
    [
        ("GET", "/api/v3/account", None),
        ("GET", "/api/v3/openOrders?symbol=LTCBTC", None),
        ("POST", "/api/v3/order", b"symbol=LTCBTC&side=BUY"),
    ],
)
async def test_binance_is_signed_among_its_parameters(
    serve: Any, method: str, target: str, content: bytes | None
) -> None:
    exchange = await serve("binance")
    async with httpx2.AsyncClient(base_url=exchange.url, auth=_auth("binance")) as client:
        assert (await client.request(method, target, content=content)).text == "held"


async def test_what_no_server_could_verify_is_not_sent(serve: Any) -> None:
    exchange = await serve()

    async def stream() -> Any:
        yield b"{}"

    async with httpx2.AsyncClient(base_url=exchange.url, auth=_auth()) as client:
        with pytest.raises(Invalid, match="streamed"):
            await client.post("/api/v1/orders", content=stream())
        with pytest.raises(Invalid, match="//"):
            await client.get("/api/v1//accounts")
    assert not exchange.received


async def test_a_key_signs_for_one_origin(serve: Any) -> None:
    one, other = await serve(), await serve()
    auth = _auth()
    async with httpx2.AsyncClient(auth=auth) as client:
        assert (await client.get(f"{one.url}/api/v1/accounts")).text == "held"
        with pytest.raises(Invalid, match="signs for"):
            await client.get(f"{other.url}/api/v1/accounts")
        with pytest.raises(Invalid, match="signs for"):
            await client.get(f"{one.url}/api/v1/accounts", auth=_auth(origin="https://api.kucoin.com"))
    assert not other.received


async def test_httpx_s_own_class_reads_a_stream_before_it_is_signed(serve: Any) -> None:
    class Auth(KeywrightAuth, httpx2.Auth):
        pass

    exchange = await serve()
    async with httpx2.AsyncClient(base_url=exchange.url, auth=Auth("kucoin", **credentials("kucoin"))) as client:
        assert (await client.post("/api/v1/orders", json={"a": 1})).text == "held"


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("kraken", {"key": "k", "secret": "s"}, "kucoin, binance, bitfinex"),
        ("kucoin", {"key": "k", "secret": "s"}, "needs passphrase"),
        ("binance", {"key": "k", "secret": "s", "passphrase": "p"}, "has no passphrase"),
        ("bitfinex", {"key": "k", "secret": ""}, "empty"),
        ("kucoin", {"key": "k k", "secret": "s", "passphrase": "p"}, "id of a key"),
    ],
)
def test_credentials_that_can_t_sign_are_refused_at_once(name: str, given: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        KeywrightAuth(name, **given)


def test_nothing_of_the_key_is_shown() -> None:
    assert "•••" in repr(_auth())
    assert "Kw-wire" not in repr(_auth().__dict__)
