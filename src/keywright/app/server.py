"""Runs one server: console, spot gateway, futures gateway, and the tasks beside them, in one process and one loop.

The order matters: ports are taken first, because a port in use must leave nothing changed; then the folder's lock, so
that two servers never share an embedded database; the note that others read is written last, when all of it answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import uvicorn

from keywright.app import folders as files
from keywright.app.demo import Demo, demo
from keywright.app.folders import Folders, folders_of
from keywright.app.gateways import Gateways, check as check_gateways
from keywright.app.installation import open_installation
from keywright.app.services import Services, services_of
from keywright.app.strict_http import StrictHttp
from keywright.clock import Clock, wall_clock_ms
from keywright.errors import KeywrightError, Unusable
from keywright.issuing.model import Environment
from keywright.settings import Settings
from keywright.web.app import Console

SWEEP_SECONDS = 1.0
EXPIRE_SECONDS = 30.0
GRACE_SECONDS = 5
KEEP_ALIVE_SECONDS = 75
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Running:
    """How a running server is reached; also what its note in the data folder says."""

    pid: int
    mode: str
    """`sandbox` or `service`."""
    console_url: str
    spot_url: str
    futures_url: str


async def serve(
    settings: Settings, *, announce: Callable[[Running, Demo | None], None], clock: Clock = wall_clock_ms
) -> None:
    """Run until SIGINT or SIGTERM. `announce` is called once, when every port answers.

    Raises `Unusable`, with nothing changed, when this server can't run here.
    """
    check_gateways(settings)
    where = folders_of(settings)
    files.check(where)
    with _sockets(settings) as (console, spot, futures):
        running = Running(
            pid=os.getpid(),
            mode="sandbox" if settings.is_sandbox else "service",
            console_url=settings.public_url or _url(console),
            spot_url=settings.gateway_public_url or _url(spot),
            futures_url=settings.futures_public_url or _url(futures),
        )
        files.make(where)
        with files.hold(where.server_lock, wait=False):
            installation = await open_installation(where, now=clock())
            services = services_of(installation, settings, clock=clock)
            try:
                values = await demo(services) if installation.is_new and settings.is_sandbox else None
                async with _doors(services, settings, where, running) as apps:
                    started = asyncio.Event()
                    tasks = asyncio.gather(
                        _say(started, where, running, values, announce), _run(apps, (console, spot, futures), started)
                    )
                    try:
                        await tasks
                    finally:
                        where.server_note.unlink(missing_ok=True)
            finally:
                await installation.database.close()


def running_server(folders: Folders) -> Running | None:
    """Return how the running server of these folders is reached, or `None` when there is none."""
    if not folders.server_lock.exists():
        return None
    try:
        with files.hold(folders.server_lock, wait=False):
            return None  # nobody holds it: whatever note lies there is of a server that died
    except Unusable:
        pass
    try:
        return Running(**json.loads(folders.server_note.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


@contextlib.asynccontextmanager
async def _doors(
    services: Services, settings: Settings, where: Folders, running: Running
) -> AsyncIterator[tuple[Any, ...]]:
    base_urls = {"spot": running.spot_url, "futures": running.futures_url}
    gateways = Gateways(services, settings, database_path=where.database, base_urls=base_urls)
    await gateways.start()
    tasks = [
        asyncio.create_task(gateways.usage.run(), name="usage"),
        asyncio.create_task(_every(EXPIRE_SECONDS, lambda: _expire(services)), name="expire"),
    ]
    if gateways.sandbox is not None:
        tasks.append(asyncio.create_task(_every(SWEEP_SECONDS, gateways.sandbox.sweep), name="sandbox"))
    console = Console(jwks=gateways.assertions.jwks(), mode=running.mode)
    try:
        yield console, gateways.proxy(Environment.SPOT), gateways.proxy(Environment.FUTURES)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await gateways.stop()


async def _run(apps: tuple[Any, ...], sockets: tuple[socket.socket, ...], started: asyncio.Event) -> None:
    servers = [_Server(_config(app)) for app in apps]
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for server in servers:
            server.force_exit = server.should_exit  # a second Ctrl-C does not wait for requests under way
            server.should_exit = True

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    serving = [asyncio.create_task(server.serve(sockets=[sock])) for server, sock in zip(servers, sockets, strict=True)]
    while not all(server.started for server in servers):
        if any(task.done() for task in serving):
            break
        await asyncio.sleep(0.01)
    started.set()
    await asyncio.gather(*serving)


async def _say(
    started: asyncio.Event,
    where: Folders,
    running: Running,
    values: Demo | None,
    announce: Callable[[Running, Demo | None], None],
) -> None:
    await started.wait()
    _write_note(where.server_note, running)
    announce(running, values)


class _Server(uvicorn.Server):
    """uvicorn's server, leaving signals to us: three of them share the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=StrictHttp,  # on httptools (llhttp), the strict parser: h11 takes obs-fold, bare LF and TE beside CL
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,  # targets may carry a passphrase; the usage log has what is needed
        proxy_headers=False,  # whose word counts is decided in gateway.address
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        limit_concurrency=2_000,
        backlog=1_024,
    )


async def _every(seconds: float, work: Callable[[], Any]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except KeywrightError as error:
            log.warning("a periodic task will try again: %s", error.message)


async def _expire(services: Services) -> None:
    async with services.database.read() as tx:
        due = await services.issuing.is_any_due(tx, now=services.clock())
    if due:
        async with services.database.write() as tx:
            await services.issuing.expire_due(tx, now=services.clock())


@contextlib.contextmanager
def _sockets(settings: Settings) -> Iterator[tuple[socket.socket, socket.socket, socket.socket]]:
    with contextlib.ExitStack() as stack:
        ports = (
            ("console-port", settings.console_port),
            ("gateway-port", settings.gateway_port),
            ("futures-port", settings.futures_port),
        )
        console, spot, futures = (
            stack.enter_context(contextlib.closing(_listen(settings.host, port, option))) for option, port in ports
        )
        yield console, spot, futures


def _listen(host: str, port: int, option: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1_024)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Unusable(
                f"port {port} is in use",
                hint=f"is Keywright running already? Choose another with --{option}, 0 picks a free one",
            ) from None
        raise Unusable(
            f"can't listen at {host} port {port}: {error.strerror}", hint=f"choose another --host or --{option}"
        ) from None


def _url(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _write_note(path: Path, running: Running) -> None:
    unfinished = path.with_suffix(".tmp")
    descriptor = os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(running), file)
    unfinished.rename(path)
