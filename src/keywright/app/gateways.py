"""Wires the doors: one gateway per environment, and what stands behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from keywright.app.services import Services
from keywright.app.withdrawals import OwnersWord
from keywright.gateway.admit import Desk
from keywright.gateway.alarm import Alarm
from keywright.gateway.embedded import EmbeddedState
from keywright.gateway.freshness import SqliteFreshness
from keywright.gateway.keys import Keys
from keywright.gateway.lease import Lease
from keywright.gateway.model import GatewayConfig, Quota
from keywright.gateway.proxy import Proxy
from keywright.gateway.replay import WIDEST_WINDOW_MS
from keywright.gateway.routes import kucoin_routes
from keywright.gateway.shared import SharedState
from keywright.gateway.upstream import LABEL as ASSERTION_LABEL, Assertions, ServiceUpstream, check_base_url
from keywright.gateway.usage import Usage
from keywright.gateway.watcher import Watcher
from keywright.issuing.model import Environment
from keywright.issuing.rules import HOUR_MS
from keywright.protocol.kucoin import KucoinDialect
from keywright.protocol.message import Forward
from keywright.sandbox.app import Sandbox
from keywright.sandbox.model import SubAccount
from keywright.settings import Settings


def check(settings: Settings) -> None:
    """Do nothing if gateways can be made from these settings; raises `Invalid` or `Unusable` otherwise."""
    KucoinDialect(settings.header_prefix, settings.accept_key_version_1)
    for url in filter(None, (settings.upstream, settings.futures_upstream)):
        check_base_url(url)


def sandbox_of(services: Services, *, approval_minutes: int = 60) -> Sandbox:
    """Return the paper exchange over the services' database; it is told of sub-accounts by whoever keeps them."""

    async def sub_accounts_of(account_id: str) -> Sequence[SubAccount]:
        async with services.database.read() as tx:
            found = await services.sub_accounts.all(tx, account_id)
        return [
            SubAccount(sub.id, sub.uid, sub.name, sub.memo, sub.created_at, sub.frozen_at is not None) for sub in found
        ]

    approver = OwnersWord(services.approvals, minutes=approval_minutes)
    return Sandbox(services.database, clock=services.clock, sub_accounts_of=sub_accounts_of, approver=approver)


class Gateways:
    """The gateways of one server, and what they share: key cache, memory, usage."""

    def __init__(
        self, services: Services, settings: Settings, *, database_path: Path, base_urls: Mapping[str, str]
    ) -> None:
        self._services = services
        self._settings = settings
        self.freshness: SqliteFreshness | Lease
        self.state: EmbeddedState
        if services.database.is_sqlite:
            self.freshness, self.state = SqliteFreshness(database_path), EmbeddedState(services.database)
        else:
            self.freshness, self.state = Lease(services.database), SharedState(services.database)
        self.keys = Keys(services.database, keyring=services.keyring, audit=services.audit, freshness=self.freshness)
        self.usage = Usage(services.database, Watcher(services.notices))
        self.assertions = Assertions(services.keyring.derive(ASSERTION_LABEL))
        self.sandbox = sandbox_of(services, approval_minutes=settings.approval_minutes) if settings.is_sandbox else None
        self._config = GatewayConfig(
            environment="",
            window_ms=settings.clock_window_ms,
            grace_ms=settings.expired_grace_hours * HOUR_MS,
            address_quota=Quota(settings.address_requests, 30_000),
            trusted_proxies=settings.trusted_proxies,
            base_urls=base_urls,
        )
        self._services_behind: list[ServiceUpstream] = []

    def proxy(self, environment: Environment) -> Proxy:
        """Return the gateway of one environment as an ASGI application. Call it inside the running loop."""
        desk = Desk.open(
            replace(self._config, environment=environment.value),
            dialect=KucoinDialect(self._settings.header_prefix, self._settings.accept_key_version_1),
            routes=kucoin_routes(environment.value),
            keys=self.keys,
            state=self.state,
            alarm=Alarm(self._services.database, self._services.audit),
        )
        return Proxy(desk, forward=self._behind(environment), usage=self.usage, clock=self._services.clock)

    async def start(self) -> None:
        """Load what must be remembered from before; on PostgreSQL only if no other server runs on this database.

        Raises `Unusable` otherwise.
        """
        await self.freshness.start()
        await self.state.start(now=self._services.clock(), window_ms=WIDEST_WINDOW_MS)

    async def stop(self) -> None:
        """Keep what waits to be kept, and close what is open."""
        await self.state.stop()
        for upstream in self._services_behind:
            await upstream.close()
        await self.freshness.stop()

    def _behind(self, environment: Environment) -> Forward:
        if self.sandbox is not None:
            return self.sandbox.forward
        settings = self._settings
        url = (
            settings.futures_upstream or settings.upstream if environment is Environment.FUTURES else settings.upstream
        )
        upstream = ServiceUpstream(url, assertions=self.assertions, clock=self._services.clock)
        self._services_behind.append(upstream)
        return upstream.forward
