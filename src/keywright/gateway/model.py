"""Nouns of the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keywright.issuing.model import Grant
from keywright.protocol.message import Header, Identity
from keywright.secret import Secret


@dataclass(frozen=True, slots=True)
class Quota:
    """How much fits into a period: `amount` units, refilled evenly over `period_ms`."""

    amount: int
    period_ms: int


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the route table: what a method on a path takes and costs."""

    gateway: str
    method: str
    path: str
    """A template: `/api/v1/orders/{orderId}`; a name in braces stands for one segment that is not empty."""
    permission: str
    """`public`, or the permission a key needs."""
    pool: str
    weight: int
    any_environment: bool
    """Whether keys of the other environment may call it too (clients of either load through it)."""
    body_allowed: bool
    answered_by: str
    """`upstream`, or `gateway` for what only the gateway knows."""

    @property
    def is_public(self) -> bool:
        """Tell whether the route takes no key; stray credentials on it are ignored."""
        return self.permission == "public"

    @property
    def is_write(self) -> bool:
        """Tell whether it may change state: then a request is accepted once."""
        return self.method not in {"GET", "HEAD"}


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as the gateway holds it: opened, checked, ready to verify with."""

    grant: Grant
    secret: Secret
    passphrase_digest: bytes = field(repr=False)
    holds: bool
    """Whether the grant's MAC is right and the audit log knows no newer version."""
    name: str
    uid: int
    created_at: int
    disabled_at: int | None
    frozen_at: int | None
    """When the key or its account was frozen."""
    networks: tuple[tuple[int, int, int], ...]
    """The allowlist as (IP version, mask, network) integers; empty: any address."""


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """What one gateway is told; fixed while it runs."""

    environment: str
    window_ms: int = 30_000
    """How far a stated time may be from ours, either way (inclusive)."""
    exchange_window_ms: int = 5_000
    """The exchange's own limit: beyond it we accept, with a warning header (K22)."""
    address_quota: Quota = Quota(6_000, 30_000)
    """What one peer address may ask, whatever it asks."""
    pools: Mapping[str, Quota] = field(
        default_factory=lambda: {
            "spot": Quota(4_000, 30_000),  # KuCoin's quotas at VIP 0, spec "rate-limit"
            "futures": Quota(2_000, 30_000),
            "management": Quota(2_000, 30_000),
            "earn": Quota(2_000, 30_000),
            "public": Quota(2_000, 30_000),
        }
    )
    trusted_proxies: tuple[str, ...] = ()
    """CIDR blocks whose `X-Forwarded-For` is believed; empty: the peer's own address counts."""
    base_urls: Mapping[str, str] = field(default_factory=dict)
    """Environment → base URL, for the hint to a key that came to the wrong door."""
    max_body_bytes: int = 64 * 1024
    max_header_bytes: int = 16 * 1024
    max_headers: int = 64


@dataclass(slots=True)
class Attempt:
    """What is learned about one request on its way through; becomes its usage record, whatever the verdict."""

    request_id: str
    environment: str
    started_at: int
    method: str = ""
    path: str = ""
    address: str = ""
    agent: str = ""
    key_id: str = ""
    """Set once the key is known to exist."""
    account_id: str = ""
    verdict: str = ""
    status: int = 0
    latency_us: int = 0


@dataclass(frozen=True, slots=True)
class Admission:
    """That a request may pass, and as whom. Made by `admit` and nowhere else."""

    identity: Identity
    route: Route
    key: KeyRecord | None
    """`None` on a public route."""
    headers: tuple[Header, ...]
    """What the answer carries: limits, clock skew, expiry."""
