"""Nouns of the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from keywright.issuing.model import Grant, Status
from keywright.protocol.kucoin import KucoinVerifier
from keywright.protocol.message import Header, Identity
from keywright.protocol.refusal import Reason
from keywright.secret import Secret


@dataclass(frozen=True, slots=True)
class Quota:
    """How much fits into a period: `amount` units, refilled evenly over `period_ms`."""

    amount: int
    period_ms: int
    unit_ns: int = field(init=False, repr=False)
    """What one unit takes to come back."""
    full_ns: int = field(init=False, repr=False)
    """What the whole amount takes."""
    stated: bytes = field(init=False, repr=False)
    """The amount, as a header says it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "unit_ns", self.period_ms * 1_000_000 // self.amount)
        object.__setattr__(self, "full_ns", self.unit_ns * self.amount)
        object.__setattr__(self, "stated", b"%d" % self.amount)


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
    is_public: bool = field(init=False)
    """Whether the route takes no key; stray credentials on it are ignored."""
    is_write: bool = field(init=False)
    """Whether it may change state: then a request is accepted once."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_public", self.permission == "public")
        object.__setattr__(self, "is_write", self.method not in {"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """A key as the gateway holds it: opened, checked, ready to verify with."""

    grant: Grant
    secret: Secret
    verifier: KucoinVerifier
    """What its requests are held against."""
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
    frozen: frozenset[str] = frozenset()
    """The permissions that an operator froze for every key."""
    permissions: frozenset[str] = field(init=False)
    """The grant's, in plain words."""
    environment: str = field(init=False)
    """The grant's, in plain words."""
    out_of_use: Reason | None = field(init=False)
    """Why it may not be used, whatever the request; `None` where it may."""
    ends_at: int | None = field(init=False)
    """When it stops working by itself: it expires, or its successor takes its place."""
    pays: str = field(init=False)
    """Whose rate limits its requests count against."""
    guesses: str = field(init=False)
    """The bucket of wrong passphrases."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "permissions", frozenset(permission.value for permission in self.grant.permissions))
        object.__setattr__(self, "environment", str(self.grant.environment))
        object.__setattr__(self, "out_of_use", self._out_of_use())
        ends = [at for at in (self.grant.expires_at, self.grant.overlap_until) if at is not None]
        object.__setattr__(self, "ends_at", min(ends, default=None))
        object.__setattr__(self, "pays", f"k:{self.grant.account_id}/{self.grant.sub_account}")
        object.__setattr__(self, "guesses", f"p:{self.grant.key_id}")

    def _out_of_use(self) -> Reason | None:
        if not self.holds:
            return Reason.KEY_ALTERED
        if self.disabled_at is not None or self.grant.status is Status.DISABLED:
            return Reason.KEY_DISABLED
        if self.frozen_at is not None:
            return Reason.KEY_FROZEN
        if self.grant.status is Status.PENDING:
            return Reason.KEY_PENDING
        return {Status.ACTIVE: None, Status.EXPIRED: Reason.KEY_EXPIRED}.get(self.grant.status, Reason.KEY_DISABLED)

    def has_expired(self, *, now: int) -> bool:
        """Tell whether its time is up, or was: a clock that was set back revives nothing."""
        expires_at = self.grant.expires_at
        return self.out_of_use is Reason.KEY_EXPIRED or (expires_at is not None and now >= expires_at)


@dataclass(frozen=True, slots=True)
class GatewayConfig:
    """What one gateway is told; fixed while it runs."""

    environment: str
    window_ms: int = 30_000
    """How far a stated time may be from ours, either way (inclusive)."""
    exchange_window_ms: int = 5_000
    """The exchange's own limit: beyond it we accept, with a warning header (K22)."""
    grace_ms: int = 0
    """For how long an expired key may still read, and cancel orders (N7)."""
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


class Admission(NamedTuple):
    """That a request may pass, and as whom. Made by `admit` and nowhere else."""

    identity: Identity
    route: Route
    key: KeyRecord | None
    """`None` on a public route."""
    headers: tuple[Header, ...]
    """What the answer carries: limits, clock skew, expiry."""
