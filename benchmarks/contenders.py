"""Who is compared with whom, in process: signing, verifying, admitting."""

from __future__ import annotations

import asyncio
import hmac
import itertools
import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import ccxt
import jwt
from bfxapi._utils.json_encoder import JSONEncoder as BfxEncoder
from bfxapi.rest._interface.middleware import Middleware as BfxMiddleware
from binance.client import Client as PythonBinance
from kucoin.client import Client as PythonKucoin
from kucoin_universal_sdk.generate.spot.order.model_add_order_req import AddOrderReq
from kucoin_universal_sdk.internal.infra.default_signer import KcSigner

from benchmarks.peers.hawk import hawk
from benchmarks.rounds import Work
from keywright import Signer
from keywright.gateway.admit import Desk, admit
from keywright.gateway.alarm import Alarm
from keywright.gateway.keys import Keys
from keywright.gateway.memory import MemoryState
from keywright.gateway.model import Attempt, GatewayConfig, KeyRecord, Quota
from keywright.gateway.routes import kucoin_routes
from keywright.issuing.model import Environment, Grant, Permission, Status
from keywright.protocol.kucoin import KucoinDialect, KucoinVerifier, Pepper
from keywright.protocol.message import Request
from keywright.protocol.public import Sign
from keywright.secret import Secret

KEY, SECRET, PASSPHRASE = "5c2db93503aa674c74a31734", "f03a5284-5c39-4aaa-9b20-dea10bdcf8e3", "Tr4ding-Pass"
ORDERS = "/api/v1/hf/orders"
TARGET = "/api/v1/accounts?currency=BTC&type=trade"
ORDER = {
    "clientOid": "0" * 32,
    "side": "buy",
    "symbol": "BTC-USDT",
    "type": "limit",
    "price": "50000.1",
    "size": "0.00100000",
    "remark": "r" * 40,
    "timeInForce": "GTC",
}
BODY = json.dumps(ORDER, separators=(",", ":"))
DIALECT = KucoinDialect()
PEPPER = Secret(b"p" * 32)
NOW = time.time_ns() // 1_000_000


def _each(call: Callable[[int], object]) -> Callable[[int], None]:
    """Return a contender that makes `call` once per round, each time at another time."""

    def work(count: int) -> None:
        for n in range(count):
            call(NOW + n % 1000)

    return work


def _ours(sign: Sign, method: str, target: str, body: Any = b"") -> Callable[[int], None]:
    """Return our contender, with no more around its calls than the quickest of the others has."""

    def work(count: int) -> None:
        for n in range(count):
            sign(method, target, body, now_ms=NOW + n % 1000)

    return work


def _sdk(sign: Callable[[str], object], plain: str) -> Callable[[int], None]:
    def work(count: int) -> None:
        for _ in range(count):
            sign(plain)

    return work


def signing_get() -> dict[str, Work]:
    """Sign one GET with a query."""
    signer = Signer("kucoin", key=KEY, secret=SECRET, passphrase=PASSPHRASE)
    exchange = ccxt.kucoin({"apiKey": KEY, "secret": SECRET, "password": PASSPHRASE})
    sdk, client = KcSigner(KEY, SECRET, PASSPHRASE), PythonKucoin(KEY, SECRET, PASSPHRASE)
    query = {"currency": "BTC", "type": "trade"}
    return {
        "keywright Signer": _ours(signer.sign, "GET", TARGET),
        "ccxt kucoin.sign": _each(lambda _: exchange.sign("accounts", ["private"], "GET", query)),
        "kucoin-universal-sdk signer": _sdk(sdk.headers, f"GET{TARGET}"),
        "python-kucoin": _each(lambda now: client._generate_signature(now, "get", "/api/v1/accounts", query)),
    }


def signing_post() -> dict[str, Work]:
    """Sign one POST whose body, 200 bytes of JSON, is given."""
    signer = Signer("kucoin", key=KEY, secret=SECRET, passphrase=PASSPHRASE)
    sdk, body = KcSigner(KEY, SECRET, PASSPHRASE), BODY.encode()
    return {
        "keywright Signer": _ours(signer.sign, "POST", ORDERS, body),
        "kucoin-universal-sdk signer": _sdk(sdk.headers, f"POST{ORDERS}{BODY}"),
    }


def signing_post_from_a_dict() -> dict[str, Work]:
    """Sign one POST whose body is an order as a dict. The SDK takes no dict: with `json.dumps`, and by its own model."""
    signer = Signer("kucoin", key=KEY, secret=SECRET, passphrase=PASSPHRASE)
    exchange = ccxt.kucoin({"apiKey": KEY, "secret": SECRET, "password": PASSPHRASE})
    sdk, client = KcSigner(KEY, SECRET, PASSPHRASE), PythonKucoin(KEY, SECRET, PASSPHRASE)
    dumps = json.dumps
    return {
        "keywright Signer": _ours(signer.sign, "POST", ORDERS, ORDER),
        "ccxt kucoin.sign": _each(lambda _: exchange.sign("hf/orders", ["private"], "POST", ORDER)),
        "kucoin-universal-sdk, json.dumps": _each(
            lambda _: sdk.headers(f"POST{ORDERS}{dumps(ORDER, separators=(',', ':'))}")
        ),
        "kucoin-universal-sdk, its model": _each(
            lambda _: sdk.headers(f"POST{ORDERS}{AddOrderReq.from_dict(ORDER).to_json()}")
        ),
        "python-kucoin": _each(lambda now: client._generate_signature(now, "post", ORDERS, ORDER)),
    }


def signing_binance() -> dict[str, Work]:
    """Sign one order on Binance: from a query that is given, and from a dict."""
    signer = Signer("binance", key=KEY, secret=SECRET)
    exchange = ccxt.binance({"apiKey": KEY, "secret": SECRET})
    client = PythonBinance(KEY, SECRET, ping=False)
    order = {"symbol": "LTCBTC", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "0.1"}
    query = urlencode(order)
    queries = itertools.cycle([f"/api/v3/order?{query}{n}" for n in range(4_096)])  # more than a signer remembers

    def other_query(count: int) -> None:
        sign = signer.sign
        for n in range(count):
            sign("POST", next(queries), now_ms=NOW + n % 1000)

    def python_binance(_: int) -> None:
        client._get_request_kwargs("post", signed=True, data=dict(order))

    return {
        "keywright Signer, from a dict": _ours(signer.sign, "POST", "/api/v3/order", order),
        "keywright Signer, query given": _ours(signer.sign, "POST", f"/api/v3/order?{query}"),
        "keywright Signer, another query": other_query,
        "keywright Signer, form given": _ours(signer.sign, "POST", "/api/v3/order", query.encode()),
        "ccxt binance.sign": _each(lambda _: exchange.sign("order", ["private"], "POST", order)),
        "python-binance": _each(python_binance),
    }


def signing_bitfinex() -> dict[str, Work]:
    """Sign one order on Bitfinex from a dict, and a read without a body."""
    signer = Signer("bitfinex", key=KEY, secret=SECRET)
    exchange = ccxt.bitfinex({"apiKey": KEY, "secret": SECRET})
    headers = BfxMiddleware("https://api.bitfinex.com/v2", KEY, SECRET)._Middleware__get_authentication_headers
    order = {"type": "EXCHANGE LIMIT", "symbol": "tBTCUSD", "amount": "0.1", "price": "50000", "cid": "1700000000000"}

    def bfx(_: int) -> None:
        headers("auth/w/order/submit", json.dumps(order, cls=BfxEncoder))

    return {
        "keywright Signer, POST from a dict": _each(
            lambda now: signer.sign("POST", "/v2/auth/w/order/submit", order, now_ms=now)
        ),
        "keywright Signer, no body": _each(lambda now: signer.sign("POST", "/v2/auth/r/wallets", now_ms=now)),
        "ccxt bitfinex.sign": _each(lambda _: exchange.sign("auth/w/order/submit", ["private"], "POST", order)),
        "bitfinex-api-py, POST from a dict": _each(bfx),
        "bitfinex-api-py, no body": _each(lambda _: headers("auth/r/wallets")),
    }


def _requests(method: str, target: str, body: bytes) -> Iterator[Request]:
    """Give different signed requests, prepared: verifying a repeated one would measure a cache."""
    made = []
    for n in range(4_096):
        signed = DIALECT.sign(
            method, target, body, key=KEY, secret=Secret(SECRET), passphrase=Secret(PASSPHRASE), now_ms=NOW + n
        )
        headers = ((b"host", b"127.0.0.1"), (b"user-agent", b"bench"), (b"accept", b"*/*"), *signed.headers)
        made.append(Request(method, target.encode(), headers, body, "127.0.0.1"))
    return itertools.cycle(made)


def verifying() -> dict[str, Work]:
    """Read and check one signed request."""
    gets, posts = _requests("GET", TARGET, b""), _requests("POST", ORDERS, BODY.encode())
    secret = Secret(SECRET)
    digest = DIALECT.passphrase_digest(PEPPER, DIALECT.passphrase_header(secret, Secret(PASSPHRASE)))
    verifier = KucoinVerifier(secret, passphrase_digest=digest, pepper=Pepper(PEPPER))

    def check(requests: Iterator[Request]) -> Callable[[int], None]:
        def work(count: int) -> None:
            for _ in range(count):
                verifier.check(DIALECT.read(next(requests), body_allowed=False))

        return work

    def natural(count: int) -> None:
        for _ in range(count):
            headers = dict(next(gets).headers)
            text = headers[b"kc-api-timestamp"] + b"GET" + TARGET.encode()
            expected = b64encode(hmac.new(SECRET.encode(), text, sha256).digest())
            passphrase = b64encode(hmac.new(SECRET.encode(), PASSPHRASE.encode(), sha256).digest())
            if not hmac.compare_digest(expected, headers[b"kc-api-sign"]) or not hmac.compare_digest(
                passphrase, headers[b"kc-api-passphrase"]
            ):
                raise AssertionError

    return {
        "keywright read + check, GET": check(gets),
        "keywright read + check, POST 200 B": check(posts),
        "PyJWT HS256 decode": _pyjwt(),
        "two hmac.new, no other check": natural,
        **hawk(BODY),
    }


def _pyjwt() -> Callable[[int], None]:
    """Return PyJWT on tokens as they are issued: whose, since when, until when. Ours states a time too."""
    now = NOW // 1000
    claims = [{"sub": KEY, "iat": now - 1, "exp": now + 86_400, "n": n} for n in range(4_096)]
    tokens = itertools.cycle([jwt.encode(each, SECRET, "HS256") for each in claims])

    def work(count: int) -> None:
        for _ in range(count):
            jwt.decode(next(tokens), SECRET, ["HS256"])

    return work


class _OneKey(Keys):
    """Keys with one record in the cache and nothing behind: what a cache hit costs."""

    def __init__(self, record: KeyRecord) -> None:
        self._record = record

    async def find(self, key_id: str) -> KeyRecord | None:
        return self._record if key_id == KEY else None


class _Silent(Alarm):
    """Never needed: nobody guesses here."""

    def __init__(self) -> None:
        pass


def admitting() -> dict[str, Work]:
    """Decide about one request, all steps, with state in memory."""
    secret = Secret(SECRET)
    digest = DIALECT.passphrase_digest(PEPPER, DIALECT.passphrase_header(secret, Secret(PASSPHRASE)))
    grant = Grant(
        KEY,
        "acc_1",
        "",
        frozenset({Permission.READ, Permission.TRADE}),
        Environment.SPOT,
        ("127.0.0.0/24",),
        Status.ACTIVE,
        None,
        1,
    )
    verifier = KucoinVerifier(secret, passphrase_digest=digest, pepper=Pepper(PEPPER))
    record = KeyRecord(grant, secret, verifier, True, "bench", 1, NOW, None, None, ((4, 0xFFFFFF00, 0x7F000000),))
    endless = Quota(10**9, 1_000)
    pools = dict.fromkeys(("spot", "futures", "management", "earn", "public"), endless)
    config = GatewayConfig("spot", address_quota=endless, pools=pools)
    desk = Desk.open(
        config,
        dialect=DIALECT,
        routes=kucoin_routes("spot"),
        keys=_OneKey(record),
        state=MemoryState(),
        alarm=_Silent(),
    )
    contenders: dict[str, Work] = {}
    for name, requests in (
        ("GET", _requests("GET", TARGET, b"")),
        ("public GET", _requests("GET", "/api/v1/timestamp", b"")),
    ):
        contenders[f"keywright admit, {name}"] = _admit(desk, requests)
    return {**contenders, "PyJWT HS256 decode": _pyjwt(), **hawk(BODY)}


def _admit(desk: Desk, requests: Iterator[Request]) -> Callable[[int], None]:
    async def many(count: int) -> None:
        for _ in range(count):
            await admit(desk, next(requests), Attempt("r", "spot", NOW), now=NOW)

    def work(count: int) -> None:
        asyncio.run(many(count))

    return work


GROUPS: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "Signing one GET for KuCoin": ("keywright Signer", signing_get),
    "Signing one POST for KuCoin, body given": ("keywright Signer", signing_post),
    "Signing one POST for KuCoin from a dict": ("keywright Signer", signing_post_from_a_dict),
    "Signing one order for Binance": ("keywright Signer, from a dict", signing_binance),
    "Signing one request for Bitfinex": ("keywright Signer, POST from a dict", signing_bitfinex),
    "Verifying one request": ("keywright read + check, GET", verifying),
    "Admitting one request": ("keywright admit, GET", admitting),
}
