"""A server that verifies what it receives with the exchange's own dialect, byte for byte as it came."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from keywright.protocol.binance import BinanceDialect
from keywright.protocol.bitfinex import BitfinexDialect
from keywright.protocol.kucoin import KucoinDialect
from keywright.protocol.message import Request
from keywright.protocol.refusal import Refused
from tests.protocol.wire import KEY, PASSPHRASE_DIGEST, PEPPER, SECRET


@dataclass
class Exchange:
    """What a server of ours received, and where it is."""

    url: str = ""
    received: list[Request] = field(default_factory=list)
    verdicts: list[str] = field(default_factory=list)

    @property
    def last(self) -> Request:
        return self.received[-1]


def verified(name: str, request: Request) -> str:
    """Return `held`, or why not."""
    try:
        if name == "kucoin":
            dialect = KucoinDialect()
            claim = dialect.read(request, body_allowed=False)
            dialect.check(claim, secret=SECRET, passphrase_digest=PASSPHRASE_DIGEST, pepper=PEPPER)
        elif name == "binance":
            BinanceDialect.check(BinanceDialect.read(request), secret=SECRET)
        else:
            BitfinexDialect().check(BitfinexDialect().read(request), secret=SECRET)
    except Refused as refused:
        return f"{refused.reason.value} {refused.facts}"
    return "held"


@pytest.fixture
async def serve() -> AsyncIterator[Any]:
    """Give a function that starts a verifying server for one exchange."""
    runners = []

    async def start(name: str = "kucoin") -> Exchange:
        exchange = Exchange()

        async def answer(request: web.Request) -> web.Response:
            headers = tuple((key.lower(), value) for key, value in request.raw_headers)
            body = await request.read()
            message = Request(request.method, request.raw_path.encode(), headers, body, None)
            exchange.received.append(message)
            exchange.verdicts.append(verified(name, message))
            if request.path == "/api/v1/elsewhere":
                raise web.HTTPTemporaryRedirect(f"http://localhost:{port}/api/v1/accounts")
            if request.path == "/api/v1/near":
                raise web.HTTPTemporaryRedirect("/api/v1/accounts")
            return web.Response(text=exchange.verdicts[-1])

        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        exchange.url = f"http://127.0.0.1:{port}"
        runners.append(runner)
        return exchange

    yield start
    for runner in runners:
        await runner.cleanup()


def credentials(name: str) -> dict[str, Any]:
    """Return what a client of an exchange is given."""
    return {"key": KEY, "secret": SECRET} | ({"passphrase": "Kw-wire-7!"} if name == "kucoin" else {})
