"""A real door: both gateways on the server they are run with, wired from the product's own parts, an echo behind them.

    await door.allows(door.kr.signed("GET", "/api/v1/accounts"))
    await door.refuses(door.kr.signed("GET", "/api/v1/accounts").but(target=b"/api/v1/orders"), "signature_mismatch")

Each of the two checks what must hold whatever the case: status and code as the refusal table has them, how often the
upstream was called, the recorded verdict, no secret in the answer. When the door closes, the audit chain is verified and
the database and the log are searched for secrets. Requests are signed by the standard library, not by our dialect.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
import logging
import socket
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import uvicorn

from keywright.app.listening import server_config
from keywright.app.services import Services
from keywright.gateway.admit import Desk
from keywright.gateway.alarm import Alarm
from keywright.gateway.asgi import Receive, Scope, Send
from keywright.gateway.embedded import EmbeddedState
from keywright.gateway.freshness import SqliteFreshness
from keywright.gateway.keys import Keys
from keywright.gateway.marks import begin_replay
from keywright.gateway.memory import MemoryState
from keywright.gateway.model import Attempt, GatewayConfig, Quota
from keywright.gateway.proxy import Proxy
from keywright.gateway.routes import kucoin_routes
from keywright.gateway.usage import Usage
from keywright.issuing.material import pepper
from keywright.protocol.kucoin import KucoinDialect
from keywright.protocol.message import Forward, Header, Identity, Request, Response
from tests.support import raw
from tests.support.clock import FakeClock
from tests.support.raw import Reply
from tests.support.world import Held, Person, World

WINDOW_MS = 30_000
PLENTY = Quota(1_000_000, 30_000)
HOST = (b"host", b"localhost")

# From the specification's refusal table, by hand. What HTTP itself has a status for keeps it, with code 400100.
SAID = {
    "header_missing": (400, "400001"),
    "header_repeated": (400, "400001"),
    "timestamp_malformed": (400, "400002"),
    "timestamp_out_of_window": (400, "400002"),
    "key_unknown": (401, "400003"),
    "key_pending": (401, "400003"),
    "key_replaced": (401, "400003"),
    "key_disabled": (401, "400003"),
    "key_expired": (401, "400003"),
    "key_other_environment": (401, "400003"),
    "key_altered": (401, "400003"),
    "passphrase_mismatch": (401, "400004"),
    "signature_mismatch": (401, "400005"),
    "key_version_off": (401, "400008"),
    "key_version_unknown": (400, "400009"),
    "address_not_allowed": (403, "400006"),
    "permission_missing": (403, "400007"),
    "permission_frozen": (403, "400007"),
    "key_frozen": (403, "411100"),
    "replayed": (400, "400100"),
    "target_not_canonical": (400, "400100"),
    "body_not_allowed": (400, "400100"),
    "body_malformed": (400, "400100"),
    "malformed": (400, "400100"),
    "method_not_allowed": (405, "400100"),
    "length_required": (411, "400100"),
    "body_too_large": (413, "400100"),
    "headers_too_large": (431, "400100"),
    "route_unknown": (404, "404000"),
    "too_many_requests": (429, "429000"),
    "not_sure": (503, "503000"),
    "upstream_unreachable": (503, "503000"),
}


@dataclass(frozen=True)
class Shot:
    """A request about to be sent: each part can still be made to lie."""

    method: bytes
    target: bytes
    headers: tuple[Header, ...]
    body: bytes = b""

    def but(self, *, method: bytes = b"", target: bytes = b"", body: bytes | None = None, **values: bytes) -> Shot:
        """Return it with parts replaced and the signature left as it is.

        `values` are credentials by their short name (`sign=…`, `key_version=…`).
        """
        headers = self.headers
        for short, value in values.items():
            name = f"kc-api-{short.replace('_', '-')}".encode()
            headers = (*(header for header in headers if header[0] != name), (name, value))
        return Shot(method or self.method, target or self.target, headers, self.body if body is None else body)

    def without(self, short: str) -> Shot:
        """Return it without a credential."""
        name = f"kc-api-{short.replace('_', '-')}".encode()
        return replace(self, headers=tuple(header for header in self.headers if header[0] != name))

    def plus(self, *headers: Header) -> Shot:
        """Return it with more headers, after its own."""
        return replace(self, headers=(*self.headers, *headers))

    def value(self, short: str) -> bytes:
        """Return the credential of that short name."""
        return dict(self.headers)[f"kc-api-{short.replace('_', '-')}".encode()]

    @property
    def bytes(self) -> bytes:
        """The request on the wire, with a host and, if it has a body, a length."""
        length = ((b"content-length", str(len(self.body)).encode()),) if self.body else ()
        return raw.message(self.method, self.target, (HOST, *self.headers, *length), self.body)


@dataclass(frozen=True)
class Bot:
    """A key in the hands of a program that signs with nothing but the standard library."""

    held: Held
    clock: FakeClock
    person: Person

    @property
    def id(self) -> str:
        return self.held.id

    def mac(self, text: bytes) -> bytes:
        """Return base64(HMAC-SHA256(secret, text))."""
        return base64.b64encode(hmac.new(self.held.secret.reveal(), text, hashlib.sha256).digest())

    @property
    def passphrase(self) -> bytes:
        """The header value that the passphrase makes."""
        return self.mac(self.held.passphrase.reveal())

    def signed(
        self,
        method: str,
        target: str | bytes,
        body: bytes = b"",
        *,
        over: tuple[str, str, bytes] | None = None,
        at: int | None = None,
    ) -> Shot:
        """Return the request; signed over `over` (method, target, body) if given, else over what is sent."""
        wire = target.encode() if isinstance(target, str) else target
        signed_method, signed_target, signed_body = over or (method, wire.decode("latin-1"), body)
        stamp = str(self.clock() if at is None else at)
        text = f"{stamp}{signed_method}".encode() + signed_target.encode("utf-8" if over else "latin-1") + signed_body
        return Shot(
            method.encode(),
            wire,
            (
                (b"kc-api-key", self.id.encode()),
                (b"kc-api-sign", self.mac(text)),
                (b"kc-api-timestamp", stamp.encode()),
                (b"kc-api-passphrase", self.passphrase),
                (b"kc-api-key-version", b"3"),
            ),
            body,
        )


@dataclass
class Echo:
    """What stands behind: keeps every request with who was proved to have sent it, and answers what it received.

    The headers stay out of the answer: the credentials are among them.
    """

    calls: list[tuple[Request, Identity]] = field(default_factory=list)

    async def __call__(self, request: Request, identity: Identity) -> Response:
        self.calls.append((request, identity))
        pairs = parse_qsl(request.query.decode(), keep_blank_values=True)
        received = {"method": request.method, "target": request.target.decode(), "pairs": pairs}
        data = {**received, "body": request.body.decode(), "account": identity.account_id}
        return Response(200, json.dumps({"code": "200000", "data": data}).encode(), ())


class Watched(Usage):
    """The product's usage log, read over its shoulder."""

    def __init__(self, services: Services) -> None:
        super().__init__(services.database)
        self.attempts: list[Attempt] = []

    def keep(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        super().keep(attempt)


class Overheard(logging.Handler):
    """Everything that was logged, as it would be written."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(logging.Formatter())
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record) + "\n"


class Door:
    """Both gateways, open; whoever knocks is `kr`, `kt` …: the catalogue's keys."""

    kr: Bot
    """Reads."""
    kt: Bot
    """Reads and trades."""
    kx: Bot
    """Transfers, from 127.0.0.1 only."""
    kw: Bot
    """Withdraws, from 127.0.0.1 only."""
    kf: Bot
    """Reads and trades, on the futures gateway. Of the same account as the four above."""
    kb: Bot
    """Reads and trades, for another account."""

    def __init__(self, services: Services, clock: FakeClock, path: Path, ports: tuple[int, int]) -> None:
        self.services = services
        self.clock = clock
        self.world = World(services, clock)
        self.path = path
        self.port, self.futures_port = ports
        self.echo = Echo()
        self.usage = Watched(services)
        self.freshness = SqliteFreshness(path)
        self.keys = Keys(services.database, keyring=services.keyring, audit=services.audit, freshness=self.freshness)
        self.state: MemoryState = EmbeddedState(services.database)
        self.forward: Forward = self.echo
        self.dialect = KucoinDialect()
        self.config = GatewayConfig(
            environment="",
            address_quota=PLENTY,
            pools=dict.fromkeys(("spot", "futures", "management", "earn", "public"), PLENTY),
            base_urls={
                "spot": f"http://127.0.0.1:{self.port}",
                "futures": f"http://127.0.0.1:{self.futures_port}",
            },
        )
        self.bots: list[Bot] = []
        self._proxies: dict[str, Proxy] = {}
        self._numbers = itertools.count(1)

    # ── how it is set up

    def configure(self, **changes: Any) -> None:
        """Open both gateways anew, with this in their configuration."""
        self.config = replace(self.config, **changes)
        for environment in ("spot", "futures"):
            desk = Desk.open(
                replace(self.config, environment=environment),
                dialect=self.dialect,
                routes=kucoin_routes(environment),
                keys=self.keys,
                state=self.state,
                alarm=Alarm(self.services.database, self.services.audit),
            )
            self._proxies[environment] = Proxy(desk, forward=self.forward, usage=self.usage, clock=self.clock)

    def app(self, environment: str) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """Return the ASGI application of one gateway, as configured last."""

        async def call(scope: Scope, receive: Receive, send: Send) -> None:
            await self._proxies[environment](scope, receive, send)

        return call

    async def remember_with(self, state: MemoryState) -> None:
        """Go on with another memory: a fresh one over the same database is what a restart makes."""
        if isinstance(self.state, EmbeddedState):
            await self.state.stop()
        if isinstance(state, EmbeddedState):
            await state.start(now=self.clock(), window_ms=WINDOW_MS)
        self.state = state
        self.configure()

    async def forget_marks(self) -> None:
        """Lose all that the database kept of seen requests, then start again."""
        self.sql("DELETE FROM replay_entries")
        self.sql("DELETE FROM replay_epoch")
        await self.remember_with(EmbeddedState(self.services.database))

    async def bot(self, *permissions: str, owner: Person | None = None, **terms: Any) -> Bot:
        """Make a key, of a person of its own unless `owner` is given."""
        number = next(self._numbers)
        person = owner or await self.world.person(f"p{number}@example.org")
        bot = Bot(await self.world.key(person, *permissions, name=f"bot {number}", **terms), self.clock, person)
        self.bots.append(bot)
        return bot

    def sql(self, statement: str, *values: object) -> None:
        """Change the database behind the product's back."""
        with sqlite3.connect(self.path) as connection:
            connection.execute(statement, values)
        connection.close()

    # ── what is asked of it

    async def send(self, shot: Shot | bytes, *, to: int | Path = 0) -> Reply | None:
        """Send one request on a connection of its own; return the answer, or `None` if there was none."""
        to_head = isinstance(shot, Shot) and shot.method == b"HEAD"
        async with raw.line(to or self.port) as line:
            await line.send(shot if isinstance(shot, bytes) else shot.bytes)
            reply = await line.reply(to_head=to_head)
        if reply is not None:
            self.check_answer(reply)
        return reply

    async def allows(self, shot: Shot | bytes, *, to: int | Path = 0, calls: int = 1) -> Reply:
        """Send a request that passes; return the answer."""
        return (await self._sent(shot, "allowed", to=to, calls=calls))[0]

    async def refuses(self, shot: Shot | bytes, reason: str, *, to: int | Path = 0) -> str:
        """Send a request that is refused for this reason and reaches nobody; return the hint."""
        reply, _ = await self._sent(shot, reason, to=to, calls=0)
        if isinstance(shot, Shot) and shot.method == b"HEAD":
            return ""
        said = reply.json()
        assert said["code"] == SAID[reason][1]
        assert said["msg"]
        assert said["hint"].endswith("."), "a sentence that says what to do"
        return str(said["hint"])

    async def drops(self, data: bytes, *, to: int | Path = 0) -> None:
        """Send bytes that the server's parser takes for no request: 400, hung up, and nobody heard of it."""
        before = len(self.usage.attempts), len(self.echo.calls)
        async with raw.line(to or self.port) as line:
            await line.send(data)
            replies = await line.replies()
            assert [reply.status for reply in replies] == [400]
            self.check_answer(replies[0])
            assert await line.is_closed()
        assert (len(self.usage.attempts), len(self.echo.calls)) == before

    def check_answer(self, reply: Reply) -> None:
        """Nothing broke, and nothing leaked."""
        assert reply.status < 500 or reply.status == 503
        leaked = [name for name, canary in self.canaries() if canary in reply.raw]
        assert not leaked

    async def _sent(self, shot: Shot | bytes, verdict: str, *, to: int | Path, calls: int) -> tuple[Reply, Attempt]:
        attempts, called = len(self.usage.attempts), len(self.echo.calls)
        reply = await self.send(shot, to=to)
        assert reply is not None, "hung up on"
        assert len(self.usage.attempts) == attempts + 1
        attempt = self.usage.attempts[-1]
        status = 200 if verdict == "allowed" else SAID[verdict][0]
        assert (attempt.verdict, attempt.status, reply.status) == (verdict, status, status)
        assert len(self.echo.calls) == called + calls
        assert reply.header(b"x-keywright-request-id") == attempt.request_id.encode()
        return reply, attempt

    # ── what must hold at the end

    def canaries(self) -> Iterable[tuple[str, bytes]]:
        """Give every secret that must be seen nowhere."""
        for bot in self.bots:
            yield f"secret of {bot.held.key.name}", bot.held.secret.reveal()
            yield f"passphrase of {bot.held.key.name}", bot.held.passphrase.reveal()
            yield f"passphrase header of {bot.held.key.name}", bot.passphrase
            yield f"TOTP secret of {bot.person.account.email}", bot.person.totp_secret.reveal()
        yield "pepper", pepper(self.services.keyring).reveal()

    async def check_traces(self, overheard: str) -> None:
        """The audit chain holds; neither the database nor the log has a secret in it."""
        await self.usage.flush()
        async with self.services.database.read() as tx:
            await self.services.audit.verify(tx)
        files = [file for file in (self.path, Path(f"{self.path}-wal")) if file.exists()]
        written = b"".join(file.read_bytes() for file in files) + overheard.encode()
        assert not [name for name, canary in self.canaries() if canary in written]


@asynccontextmanager
async def open_door(services: Services, clock: FakeClock, path: Path) -> AsyncIterator[Door]:
    """Open both gateways at free ports of the loopback, with the catalogue's keys; check the traces at the end."""
    overheard = Overheard()
    logging.getLogger().addHandler(overheard)
    sockets = [listen() for _ in range(2)]
    spot, futures = (listening.getsockname()[1] for listening in sockets)
    door = Door(services, clock, path, (spot, futures))
    servers = [
        await serve(door.app(environment), listening)
        for environment, listening in zip(("spot", "futures"), sockets, strict=True)
    ]
    async with services.database.write() as tx:
        await begin_replay(tx, began_at=0)  # as a new installation does
    assert isinstance(door.state, EmbeddedState)
    await door.state.start(now=clock(), window_ms=WINDOW_MS)
    door.configure()
    ada, bob = await door.world.person("ada@example.org"), await door.world.person("bob@example.org")
    here = ("127.0.0.1/32",)
    door.kr = await door.bot(owner=ada)
    door.kt = await door.bot("trade", owner=ada)
    door.kx = await door.bot("transfer", owner=ada, addresses=here)
    door.kw = await door.bot("withdraw", owner=ada, addresses=here)
    door.kf = await door.bot("trade", owner=ada, environment="futures")
    door.kb = await door.bot("trade", owner=bob)
    try:
        yield door
        await door.check_traces(overheard.text)
    finally:
        for server in servers:
            await hang_up(server)
        if isinstance(door.state, EmbeddedState):
            await door.state.stop()
        door.freshness.close()
        logging.getLogger().removeHandler(overheard)


def listen() -> socket.socket:
    """Return a socket at a free port. It says TCP, else asyncio leaves Nagle's algorithm on: 40 ms for each answer."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    listening.listen(1_024)
    return listening


async def serve(app: Any, listening: socket.socket) -> uvicorn.Server:
    """Serve an application as the product does, without the waits of an orderly end."""
    config = server_config(app)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listening])
    return server


async def hang_up(server: uvicorn.Server) -> None:
    """End a server at once."""
    for listener in server.servers:
        listener.close()
    for connection in list(server.server_state.connections):
        connection.transport.abort()
    if server.server_state.tasks:
        await asyncio.wait(list(server.server_state.tasks), timeout=1)
    for listener in server.servers:
        await listener.wait_closed()
