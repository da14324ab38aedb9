"""Ports and the HTTP servers on them: three applications, one process, one loop, one pair of signals."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from keywright.app.strict_http import StrictHttp
from keywright.errors import Invalid, Unusable
from keywright.settings import Settings

GRACE_SECONDS = 5
KEEP_ALIVE_SECONDS = 75
Sockets = tuple[socket.socket, socket.socket, socket.socket]


class QuietServer(uvicorn.Server):
    """uvicorn's server, leaving signals to us: several of them share the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def server_config(app: Any) -> uvicorn.Config:
    """Return how every application of ours is served."""
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


async def run_servers(apps: tuple[Any, ...], sockets: Sockets, *, ready: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM; call `ready` once every port answers. Whatever ends one, ends all, and is raised."""
    servers = [QuietServer(server_config(app)) for app in apps]

    def stop() -> None:
        for server in servers:
            server.force_exit = server.should_exit  # a second Ctrl-C does not wait for requests under way
            server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    serving = [asyncio.create_task(server.serve(sockets=[sock])) for server, sock in zip(servers, sockets, strict=True)]
    try:
        while not all(server.started for server in servers):
            if any(task.done() for task in serving):
                raise Unusable("a server ended before it began to answer")
            await asyncio.sleep(0.01)
        ready()
        await asyncio.wait(serving, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*serving)


@contextlib.contextmanager
def take_ports(settings: Settings) -> Iterator[Sockets]:
    """Give listening sockets for console, spot and futures; close them at the end.

    Raises `Unusable` when a port is in use, and `Invalid` when two of the settings name the same one.
    """
    ports = (
        ("console-port", settings.console_port),
        ("gateway-port", settings.gateway_port),
        ("futures-port", settings.futures_port),
    )
    fixed = [port for _, port in ports if port]
    if len(set(fixed)) < len(fixed):
        raise Invalid(
            "console, gateway and futures need a port each", hint="give them different ports; 0 picks free ones"
        )
    with contextlib.ExitStack() as stack:
        console, spot, futures = (
            stack.enter_context(contextlib.closing(_listen(settings.host, port, option))) for option, port in ports
        )
        yield console, spot, futures


def url_of(sock: socket.socket) -> str:
    """Return the URL under which a listening socket is reached."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


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
