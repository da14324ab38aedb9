"""`Double`: one exchange on a port of the loopback, which remembers what came from where."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aiohttp import web

from keywright.protocol.message import Request
from keywright.secret import Secret

T0 = 1_700_000_000_000


@dataclass
class DoubleKey:
    """A key that the double gave out. `rights` is as its exchange has them."""

    key: str
    secret: str
    passphrase: str = ""
    rights: dict[str, Any] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    """From where it works; from anywhere where there are none."""
    created_at: int = T0
    expires_at: int | None = None
    public_key: bytes | None = None
    """In PEM, for a key that signs with Ed25519 or RSA."""
    deleted: bool = False
    last_nonce: int = 0

    @property
    def secret_bytes(self) -> Secret:
        return Secret(self.secret)

    def works_from(self, peer: str) -> bool:
        return not self.addresses or peer in self.addresses


@dataclass(frozen=True)
class Seen:
    """One request that came, by its peer address."""

    peer: str
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True)
class Said:
    """An answer: what the double says, or is told to say next."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


class Double:
    """An exchange. A subclass answers in `answer`; `say_next` puts an answer before all of that, once for each call."""

    name = ""

    def __init__(self, clock: Callable[[], int] | None = None) -> None:
        self.keys: dict[str, DoubleKey] = {}
        self.seen: list[Seen] = []
        self.skew_ms = 0
        """How far its clock is ahead of `clock`."""
        self.slow_s = 0.0
        self.hangs_up = 0
        """So many requests it takes without an answer: it ends the connection."""
        self.spoils: Callable[[Seen, Said], Said | None] | None = None
        """What becomes of an answer once everything was done that it tells of; `None`: it is lost, the connection ends."""
        self.clock = clock or (lambda: T0)
        self.url = ""
        self._next: list[Said] = []

    @property
    def now(self) -> int:
        return self.clock() + self.skew_ms

    @property
    def peers(self) -> set[str]:
        """The addresses that anything came from."""
        return {one.peer for one in self.seen}

    def add(self, key: DoubleKey) -> DoubleKey:
        self.keys[key.key] = key
        return key

    def say_next(self, *answers: Said) -> None:
        self._next.extend(answers)

    def answer(self, request: Request) -> Said:
        raise NotImplementedError

    # ── the server

    async def _serve(self, request: web.Request) -> web.Response:
        body = await request.read()
        peer = request.transport.get_extra_info("peername")[0] if request.transport else ""
        headers = tuple((bytes(name).lower(), bytes(value)) for name, value in request.raw_headers)
        # The target as it stood on the request line: what was signed, not what a router makes of it.
        target = request.raw_path
        told = {name.decode(): value.decode("latin-1") for name, value in headers}
        seen = Seen(peer, request.method, target, told, body)
        self.seen.append(seen)
        if self.hangs_up and request.transport:
            self.hangs_up -= 1
            request.transport.abort()
        if self.slow_s:
            await asyncio.sleep(self.slow_s)
        said = (
            self._next.pop(0)
            if self._next
            else self.answer(Request(request.method, target.encode(), headers, body, peer))
        )
        spoilt = self.spoils(seen, said) if self.spoils else said
        if spoilt is None and request.transport:
            request.transport.abort()
        said = spoilt or said
        return web.Response(status=said.status, body=said.body, content_type=said.content_type, headers=said.headers)

    async def start(self, host: str = "127.0.0.1", **site: Any) -> None:
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await self._runner.setup()
        server = web.TCPSite(self._runner, host, 0, **site)
        await server.start()
        port = self._runner.addresses[0][1]
        self.url = f"{'https' if site.get('ssl_context') else 'http'}://{host}:{port}"

    async def stop(self) -> None:
        await self._runner.cleanup()


D = TypeVar("D", bound=Double)


@asynccontextmanager
async def running(double: D, **site: Any) -> AsyncIterator[D]:
    """Run a double in this loop."""
    await double.start(**site)
    try:
        yield double
    finally:
        await double.stop()


@contextmanager
def running_in_thread(double: D) -> Iterator[D]:
    """Run a double in a loop of its own: for tests that are not asynchronous, and for commands in a process of their own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(double.start(), loop).result(10)
    try:
        yield double
    finally:
        asyncio.run_coroutine_threadsafe(double.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
