"""Runs one server: console, spot gateway, futures gateway, and the chores beside them, in one process and one loop.

The order matters: whatever can't be is found out first, then ports are taken, because a port in use must leave nothing
changed; then the folder's lock, so that two servers never share an embedded database (on PostgreSQL the gateways take one
in the database itself); the note that others read is
written last, when all of it answers.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable

# Loaded late elsewhere. A server has them before its first request: on PostgreSQL a loop that stands still for a second has
# lost sight of the database, and refuses.
import zxcvbn  # noqa: F401

import keywright.vault.connector  # noqa: F401
from keywright.app import folders as files, mailing
from keywright.app.addresses import address_of
from keywright.app.checkpoints import checkpoints_of
from keywright.app.chores import chores
from keywright.app.console import console, origins_of
from keywright.app.demo import Demo, demo
from keywright.app.folders import Folders, folders_of
from keywright.app.gateways import Gateways, check as check_gateways
from keywright.app.installation import open_installation
from keywright.app.listening import Sockets, run_servers, take_ports, url_of
from keywright.app.management import Front, issuer_of, management
from keywright.app.running import Running, write_note
from keywright.app.services import Services, services_of
from keywright.clock import Clock, wall_clock_ms
from keywright.issuing.model import Environment
from keywright.secret import Secret
from keywright.settings import Settings
from keywright.web.texts import Texts

Announce = Callable[[Running, Demo | None, Secret | None], None]
"""Told how the server is reached, and on the first start the demo's values and the code of the operator link."""


async def serve(settings: Settings, *, announce: Announce, clock: Clock = wall_clock_ms) -> None:
    """Run until SIGINT or SIGTERM. `announce` is called once, when every port answers.

    Raises `Unusable`, with nothing changed, when this server can't run here.
    """
    check_gateways(settings)
    mailing.check(settings)
    where = folders_of(settings)
    files.check(where)
    if files.is_held(where.server_lock):
        raise files.already_running(where.server_lock)
    with take_ports(settings) as sockets:
        files.make(where)
        with files.hold(where.server_lock, wait=False):
            installation = await open_installation(where, address=address_of(settings), patient=False, now=clock())
            try:
                origins = origins_of(settings, url_of(sockets[0]))
                issuer = issuer_of(settings, origins=origins)
                services = services_of(installation, settings, clock=clock, issuer=issuer)
                await _serve(services, settings, where, sockets, announce)
            finally:
                await installation.database.close()


async def _serve(services: Services, settings: Settings, where: Folders, sockets: Sockets, announce: Announce) -> None:
    at_console, spot, futures = sockets
    texts = Texts.load()
    origins = origins_of(settings, url_of(at_console))
    running = Running(
        pid=os.getpid(),
        mode="sandbox" if settings.is_sandbox else "service",
        console_url=origins[0],
        spot_url=settings.gateway_public_url or url_of(spot),
        futures_url=settings.futures_public_url or url_of(futures),
    )
    base_urls = {"spot": running.spot_url, "futures": running.futures_url}
    gateways = Gateways(services, settings, database_path=where.database, base_urls=base_urls)
    try:
        await gateways.start()
        operator_code = await _operator_code(services)
        values = await _demo(services, settings)
        apps = (
            Front(
                console(services, settings, running, origins=origins, jwks=gateways.assertions.jwks(), texts=texts),
                management(services, settings),
            ),
            gateways.proxy(Environment.SPOT),
            gateways.proxy(Environment.FUTURES),
        )

        def ready() -> None:
            # What is loaded stays. Looking through it all for garbage now and then would stop every request for 0.2 s.
            gc.collect()
            gc.freeze()
            write_note(where.server_note, running)
            announce(running, values, operator_code)

        doing = chores(
            services,
            gateways,
            usage_days=settings.usage_days,
            checkpoints=checkpoints_of(services, settings),
            checkpoint_minutes=settings.audit_checkpoint_minutes,
            courier=mailing.courier_of(services, settings, origin=origins[0], texts=texts),
        )
        async with doing:
            await run_servers(apps, sockets, ready=ready)
    finally:
        where.server_note.unlink(missing_ok=True)
        await gateways.stop()


async def _operator_code(services: Services) -> Secret | None:
    """Make the code of the operator link on the first start: when there is no account yet."""
    async with services.database.read() as tx:
        if await services.identity.accounts(tx):
            return None
    async with services.database.write() as tx:
        return await services.entrance.operators.new_code(tx, now=services.clock())


async def _demo(services: Services, settings: Settings) -> Demo | None:
    """Make the demo's account and key in a sandbox without accounts; before a real service freeze what a sandbox made."""
    if not settings.is_sandbox:
        async with services.database.write() as tx:
            await services.identity.freeze_demo(tx, now=services.clock())
        return None
    async with services.database.read() as tx:
        accounts = await services.identity.accounts(tx)
    return await demo(services) if not accounts else None
