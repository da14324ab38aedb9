"""Runs one server: console, spot gateway, futures gateway, and the chores beside them, in one process and one loop.

The order matters: whatever can't be is found out first, then ports are taken, because a port in use must leave nothing
changed; then the folder's lock, so that two servers never share an embedded database; the note that others read is
written last, when all of it answers.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from keywright.app import folders as files
from keywright.app.chores import chores
from keywright.app.demo import Demo, demo
from keywright.app.folders import Folders, folders_of
from keywright.app.gateways import Gateways, check as check_gateways
from keywright.app.installation import open_installation
from keywright.app.listening import Sockets, run_servers, take_ports, url_of
from keywright.app.services import Services, services_of
from keywright.clock import Clock, wall_clock_ms
from keywright.issuing.model import Environment
from keywright.settings import Settings
from keywright.web.app import Console

Announce = Callable[["Running", Demo | None], None]


@dataclass(frozen=True, slots=True)
class Running:
    """How a running server is reached; also what its note in the data folder says."""

    pid: int
    mode: str
    """`sandbox` or `service`."""
    console_url: str
    spot_url: str
    futures_url: str


async def serve(settings: Settings, *, announce: Announce, clock: Clock = wall_clock_ms) -> None:
    """Run until SIGINT or SIGTERM. `announce` is called once, when every port answers.

    Raises `Unusable`, with nothing changed, when this server can't run here.
    """
    check_gateways(settings)
    where = folders_of(settings)
    files.check(where)
    if files.is_held(where.server_lock):
        raise files.already_running(where.server_lock)
    with take_ports(settings) as sockets:
        files.make(where)
        with files.hold(where.server_lock, wait=False):
            installation = await open_installation(where, now=clock())
            try:
                services = services_of(installation, settings, clock=clock)
                await _serve(services, settings, where, sockets, announce)
            finally:
                await installation.database.close()


async def _serve(services: Services, settings: Settings, where: Folders, sockets: Sockets, announce: Announce) -> None:
    console, spot, futures = sockets
    running = Running(
        pid=os.getpid(),
        mode="sandbox" if settings.is_sandbox else "service",
        console_url=settings.public_url or url_of(console),
        spot_url=settings.gateway_public_url or url_of(spot),
        futures_url=settings.futures_public_url or url_of(futures),
    )
    values = await _demo(services, settings)
    base_urls = {"spot": running.spot_url, "futures": running.futures_url}
    gateways = Gateways(services, settings, database_path=where.database, base_urls=base_urls)
    await gateways.start()
    try:
        apps = (
            Console(jwks=gateways.assertions.jwks(), mode=running.mode),
            gateways.proxy(Environment.SPOT),
            gateways.proxy(Environment.FUTURES),
        )

        def ready() -> None:
            _write_note(where.server_note, running)
            announce(running, values)

        async with chores(services, gateways, usage_days=settings.usage_days):
            await run_servers(apps, sockets, ready=ready)
    finally:
        where.server_note.unlink(missing_ok=True)
        await gateways.stop()


async def _demo(services: Services, settings: Settings) -> Demo | None:
    """Make the demo's account and key in a sandbox without accounts; before a real service freeze what a sandbox made."""
    if not settings.is_sandbox:
        async with services.database.write() as tx:
            await services.identity.freeze_demo(tx, now=services.clock())
        return None
    async with services.database.read() as tx:
        accounts = await services.identity.accounts(tx)
    return await demo(services) if not accounts else None


def running_server(folders: Folders) -> Running | None:
    """Return how the running server of these folders is reached, or `None` when there is none."""
    if not files.is_held(folders.server_lock):
        return None  # whatever note lies there is of a server that died
    try:
        return Running(**json.loads(folders.server_note.read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _write_note(path: Path, running: Running) -> None:
    unfinished = path.with_suffix(".tmp")
    with contextlib.suppress(FileNotFoundError):
        unfinished.unlink()
    descriptor = os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(asdict(running), file)
    unfinished.rename(path)
