"""Decisions over HTTP: the gateway on one core, a load generator on the other, beside the same server doing nothing."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop

CONNECTIONS = 32
SECONDS = 2.0
ROUNDS = 3


def _pin(core: int) -> None:
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[core % len(cores)]})


def _serve_empty(port: int) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"{}"})

    from keywright.app.listening import QuietServer, server_config

    _pin(0)
    uvloop.run(
        QuietServer(server_config(app)).serve(sockets=[socket.create_server(("127.0.0.1", port), reuse_port=True)])
    )


def _serve_keywright(port: int, folder: str, pipe: Any) -> None:
    from keywright.app.demo import demo
    from keywright.app.folders import folders_of
    from keywright.app.gateways import Gateways
    from keywright.app.installation import open_installation
    from keywright.app.listening import QuietServer, server_config
    from keywright.app.services import services_of
    from keywright.clock import wall_clock_ms
    from keywright.issuing.model import Environment
    from keywright.settings import Settings

    async def run() -> None:
        settings = Settings(data_dir=folder, address_requests=10_000_000)
        folders = folders_of(settings)
        installation = await open_installation(folders, now=wall_clock_ms())
        services = services_of(installation, settings)
        values = await demo(services)
        gateways = Gateways(services, settings, database_path=folders.database, base_urls={})
        await gateways.start()
        pipe.send((values.api_key, values.api_secret.reveal(), values.api_passphrase.reveal()))
        proxy = gateways.proxy(Environment.SPOT)
        for pool in ("spot", "management", "public"):  # the quotas are not what is measured
            proxy._desk.config.pools[pool] = type(proxy._desk.config.address_quota)(10**8, 1_000)  # type: ignore[index]
        task = asyncio.create_task(gateways.usage.run())
        await QuietServer(server_config(proxy)).serve(
            sockets=[socket.create_server(("127.0.0.1", port), reuse_port=True)]
        )
        task.cancel()

    _pin(0)
    uvloop.run(run())


async def _load(port: int, make: Callable[[], bytes]) -> tuple[float, float, float, int]:
    """Return requests per second, p50 and p99 in ms, and how many were no 200."""
    latencies: list[float] = []
    bad = 0
    end = time.perf_counter() + SECONDS

    async def one() -> None:
        nonlocal bad
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < end:
            began = time.perf_counter()
            writer.write(make())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            latencies.append(time.perf_counter() - began)
            bad += not head.startswith(b"HTTP/1.1 200")
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    took = time.perf_counter() - began
    ordered = sorted(latencies)
    return len(ordered) / took, ordered[len(ordered) // 2] * 1e3, ordered[int(len(ordered) * 0.99)] * 1e3, bad


def _wait(port: int) -> None:
    for _ in range(200):
        try:
            socket.create_connection(("127.0.0.1", port), 0.1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


def _signed(credentials: tuple[str, bytes, bytes]) -> Callable[[], bytes]:
    from keywright.protocol.kucoin import KucoinDialect
    from keywright.secret import Secret

    key, secret, passphrase = credentials[0], Secret(credentials[1]), Secret(credentials[2])
    dialect = KucoinDialect()

    def make() -> bytes:
        signed = dialect.sign(
            "GET",
            "/api/v1/user/api-key",
            b"",
            key=key,
            secret=secret,
            passphrase=passphrase,
            now_ms=time.time_ns() // 1_000_000,
        )
        lines = [
            b"GET %b HTTP/1.1" % signed.target,
            b"host: 127.0.0.1",
            *(b"%b: %b" % header for header in signed.headers),
        ]
        return b"\r\n".join(lines) + b"\r\n\r\n"

    return make


def over_http() -> dict[str, Any]:
    """Return medians of the rounds: uvicorn doing nothing, the gateway on a public and on a signed route."""
    context = multiprocessing.get_context("spawn")
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    ours, theirs = context.Pipe()
    with TemporaryDirectory() as folder:
        servers = [
            context.Process(target=_serve_empty, args=(ports[0],), daemon=True),
            context.Process(target=_serve_keywright, args=(ports[1], str(Path(folder) / "data"), theirs), daemon=True),
        ]
        for server in servers:
            server.start()
        signed = _signed(ours.recv())
        for port in ports:
            _wait(port)
        public = b"GET /api/v1/my-ip HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
        _pin(1)
        runs: dict[str, list[tuple[float, float, float, int]]] = {}
        for _ in range(ROUNDS):
            for name, port, make in (
                ("uvicorn doing nothing", ports[0], lambda: public),
                ("keywright, public route", ports[1], lambda: public),
                ("keywright, signed GET", ports[1], signed),
            ):
                runs.setdefault(name, []).append(uvloop.run(_load(port, make)))
        for server in servers:
            server.terminate()
            server.join()
    base = statistics.median(run[0] for run in runs["uvicorn doing nothing"])
    rows = []
    print("\nOver HTTP, one core each, 32 connections")
    print(f"  {'':<34}{'req/s':>10}{'p50 ms':>9}{'p99 ms':>9}{'not 200':>9}{'ratio':>9}")
    for name, each in runs.items():
        rate, p50, p99 = (statistics.median(run[i] for run in each) for i in range(3))
        bad = sum(run[3] for run in each)
        print(f"  {name:<34}{rate:>10,.0f}{p50:>9.2f}{p99:>9.2f}{bad:>9}{rate / base:>8.2f}×")
        rows.append(
            {
                "name": name,
                "rate": round(rate),
                "p50_ms": p50,
                "p99_ms": p99,
                "not_200": bad,
                "ratio": round(rate / base, 3),
            }
        )
    return {"title": "Over HTTP", "rows": rows}
