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

import ccxt
import jwt
from kucoin.client import Client as PythonKucoin
from kucoin_universal_sdk.internal.infra.default_signer import KcSigner

from keywright.gateway.admit import Desk, admit
from keywright.gateway.alarm import Alarm
from keywright.gateway.keys import Keys
from keywright.gateway.memory import MemoryState
from keywright.gateway.model import Attempt, GatewayConfig, KeyRecord, Quota
from keywright.gateway.routes import kucoin_routes
from keywright.issuing.model import Environment, Grant, Permission, Status
from keywright.protocol.kucoin import KucoinDialect
from keywright.protocol.message import Request
from keywright.secret import Secret

KEY, SECRET, PASSPHRASE = "5c2db93503aa674c74a31734", "f03a5284-5c39-4aaa-9b20-dea10bdcf8e3", "Tr4ding-Pass"
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


def signing() -> dict[str, Callable[[int], None]]:
    """Sign one GET with a query."""
    secret, passphrase = Secret(SECRET), Secret(PASSPHRASE)
    exchange = ccxt.kucoin({"apiKey": KEY, "secret": SECRET, "password": PASSPHRASE})
    signer = KcSigner(KEY, SECRET, PASSPHRASE, "", "", "")
    client = PythonKucoin(KEY, SECRET, PASSPHRASE)

    def ours(count: int) -> None:
        for n in range(count):
            DIALECT.sign("GET", TARGET, b"", key=KEY, secret=secret, passphrase=passphrase, now_ms=NOW + n % 1000)

    def ccxt_sign(count: int) -> None:
        for _ in range(count):
            exchange.sign("accounts", ["private"], "GET", {"currency": "BTC", "type": "trade"})

    def sdk(count: int) -> None:
        for _ in range(count):
            signer.headers(f"GET{TARGET}")

    def python_kucoin(count: int) -> None:
        for n in range(count):
            client._generate_signature(NOW + n % 1000, "get", "/api/v1/accounts", {"currency": "BTC", "type": "trade"})

    return {
        "keywright": ours,
        "ccxt kucoin.sign": ccxt_sign,
        "kucoin-universal-sdk signer": sdk,
        "python-kucoin": python_kucoin,
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


def verifying() -> dict[str, Callable[[int], None]]:
    """Read and check one signed request."""
    gets, posts = _requests("GET", TARGET, b""), _requests("POST", "/api/v1/hf/orders", BODY.encode())
    secret = Secret(SECRET)
    digest = DIALECT.passphrase_digest(PEPPER, DIALECT.passphrase_header(secret, Secret(PASSPHRASE)))
    token = itertools.cycle([jwt.encode({"sub": KEY, "n": n}, SECRET, "HS256") for n in range(1_024)])

    def check(requests: Iterator[Request]) -> Callable[[int], None]:
        def work(count: int) -> None:
            for _ in range(count):
                DIALECT.check(
                    DIALECT.read(next(requests), body_allowed=False),
                    secret=secret,
                    passphrase_digest=digest,
                    pepper=PEPPER,
                )

        return work

    def pyjwt(count: int) -> None:
        for _ in range(count):
            jwt.decode(next(token), SECRET, ["HS256"])

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
        "PyJWT HS256 decode": pyjwt,
        "two hmac.new, no other check": natural,
    }


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


def admitting() -> dict[str, Callable[[int], None]]:
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
    record = KeyRecord(grant, secret, digest, True, "bench", 1, NOW, None, None, ((4, 0xFFFFFF00, 0x7F000000),))
    endless = Quota(10**9, 1_000)
    pools = dict.fromkeys(("spot", "futures", "management", "earn", "public"), endless)
    config = GatewayConfig("spot", address_quota=endless, pools=pools)
    desk = Desk.open(
        config,
        dialect=DIALECT,
        routes=kucoin_routes("spot"),
        keys=_OneKey(record),
        state=MemoryState(),
        pepper=PEPPER,
        alarm=_Silent(),
    )
    contenders: dict[str, Callable[[int], None]] = {}
    for name, requests in (
        ("GET", _requests("GET", TARGET, b"")),
        ("public GET", _requests("GET", "/api/v1/timestamp", b"")),
    ):
        contenders[f"keywright admit, {name}"] = _admit(desk, requests)
    contenders["PyJWT HS256 decode"] = verifying()["PyJWT HS256 decode"]
    return contenders


def _admit(desk: Desk, requests: Iterator[Request]) -> Callable[[int], None]:
    async def many(count: int) -> None:
        for _ in range(count):
            await admit(desk, next(requests), Attempt("r", "spot", NOW), now=NOW)

    def work(count: int) -> None:
        asyncio.run(many(count))

    return work


GROUPS: dict[str, tuple[str, Callable[[], dict[str, Any]]]] = {
    "Signing one GET": ("keywright", signing),
    "Verifying one request": ("keywright read + check, GET", verifying),
    "Admitting one request": ("keywright admit, GET", admitting),
}
