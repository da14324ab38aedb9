"""THE way of a request: numbered steps from raw bytes to an `Admission`, or `Refused`. The only place where the pure
parts of the gateway meet; every way in goes through here, and nothing else makes an `Admission`.

The same numbers stand in docs/a-signed-request.md. Whatever a request is refused for, its `Attempt` says how far it came.
"""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from typing import NoReturn

from keywright.errors import Busy
from keywright.gateway import limits, replay
from keywright.gateway.address import client_address, compile_networks, is_within
from keywright.gateway.alarm import Alarm
from keywright.gateway.keys import Keys
from keywright.gateway.model import Admission, Attempt, GatewayConfig, KeyRecord, Quota, Route
from keywright.gateway.routes import RouteTable
from keywright.gateway.state import State
from keywright.issuing.model import Status
from keywright.protocol.kucoin import Claim, KucoinDialect
from keywright.protocol.message import Header, Identity, Request
from keywright.protocol.refusal import Reason, Refused
from keywright.secret import Secret

WRONG_PASSPHRASES = Quota(10, 60_000)
"""Per key, counted only for who holds its secret. Beyond it even the right passphrase waits: it is being guessed."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What `admit` decides with: one gateway's dialect, routes, keys and memory."""

    config: GatewayConfig
    dialect: KucoinDialect
    routes: RouteTable
    keys: Keys
    state: State
    pepper: Secret
    alarm: Alarm
    decoy: Secret
    """Verifies requests of unknown keys, so that they take as long. Random, never a key's."""
    trusted: tuple[tuple[int, int, int], ...] = ()

    @classmethod
    def open(
        cls,
        config: GatewayConfig,
        *,
        dialect: KucoinDialect,
        routes: RouteTable,
        keys: Keys,
        state: State,
        pepper: Secret,
        alarm: Alarm,
    ) -> Desk:
        """Return a desk, its proxies compiled and its decoy fresh."""
        trusted = compile_networks(config.trusted_proxies)
        return cls(config, dialect, routes, keys, state, pepper, alarm, Secret(secrets.token_bytes(36)), trusted)


async def admit(desk: Desk, request: Request, attempt: Attempt, *, now: int) -> Admission:
    """Return that the request may pass, and as whom.

    Raises `Refused` with the one reason that stopped it. Nothing is remembered of a request that was refused, but for
    what it took from its limits.
    """
    config = desk.config
    # 0  limits by peer address, before any work
    attempt.address = client_address(request, trusted=desk.trusted)
    await _take(desk, f"a:{attempt.address or request.peer}", quota=config.address_quota, cost=1, now=now)
    # 1  which route: unknown → refused; public → limits and on, credentials ignored
    desk.dialect.check_target(request.method, request.target)
    path = request.path.decode("ascii")
    route = desk.routes.find(request.method, path)
    if route is None:
        raise Refused(Reason.ROUTE_UNKNOWN, method=request.method, path=path)
    attempt.path = route.path  # the template: what stands in a variable part could be anything, even a secret
    if route.is_public:
        desk.dialect.check_body(request, body_allowed=route.body_allowed)
        taken = await _take_pool(desk, route, f"a:{attempt.address}", now=now)
        identity = Identity(attempt.request_id, config.environment, address=attempt.address)
        attempt.verdict = "allowed"
        return Admission(identity, route, None, _limit_headers(taken))
    # 2  what is claimed
    claim = desk.dialect.read(request, body_allowed=route.body_allowed)
    # 3  is the stated time near ours
    skew = replay.skew_within(claim.timestamp_ms, now=now, window_ms=config.window_ms)
    # 4  is there such a key
    key = await desk.keys.find(claim.key_id)
    # 5  does the signature hold, and the passphrase
    if key is None:
        _check_decoy(desk, claim)
    attempt.key_id, attempt.account_id = key.grant.key_id, key.grant.account_id
    await _check(desk, claim, key, attempt, now=now)
    # 6  may the key be used
    _usable(config, key, route, address=attempt.address, now=now)
    # 7  may this key do this
    if route.permission not in key.grant.permissions:
        raise Refused(Reason.PERMISSION_MISSING, needed=route.permission, granted=sorted(key.grant.permissions))
    # 8  has this been seen: only writes, only now that everything else held
    if route.is_write:
        await _spend(desk, claim, now=now)
    # 9  is there room
    taken = await _take_pool(desk, route, f"k:{key.grant.account_id}/{key.grant.sub_account}", now=now)
    # 10 say so
    attempt.verdict = "allowed"
    headers = _limit_headers(taken)
    if abs(skew) > config.exchange_window_ms:
        headers = (*headers, (b"x-keywright-clock-skew-ms", str(skew).encode()))
    if key.grant.expires_at is not None:
        headers = (*headers, (b"x-keywright-key-expires", str(key.grant.expires_at).encode()))
    return Admission(_identity(key, attempt), route, key, headers)


def _check_decoy(desk: Desk, claim: Claim) -> NoReturn:
    """Do for an unknown key the work of a known one, then refuse it."""
    with contextlib.suppress(Refused):
        desk.dialect.check(claim, secret=desk.decoy, passphrase_digest=bytes(32), pepper=desk.pepper)
    raise Refused(Reason.KEY_UNKNOWN)


async def _check(desk: Desk, claim: Claim, key: KeyRecord, attempt: Attempt, *, now: int) -> None:
    """Hold signature and passphrase against the key; count wrong passphrases of those who hold its secret."""
    bucket, guessed = f"p:{key.grant.key_id}", False
    try:
        desk.dialect.check(claim, secret=key.secret, passphrase_digest=key.passphrase_digest, pepper=desk.pepper)
    except Refused as refused:
        if refused.reason is not Reason.PASSPHRASE_MISMATCH:
            raise
        guessed = True
    taken = await desk.state.take(bucket, quota=WRONG_PASSPHRASES, cost=1 if guessed else 0, now=now)
    if not taken.allowed or (taken.remaining == 0 and not guessed):
        raise Refused(Reason.TOO_MANY_REQUESTS, retry_after_ms=max(taken.retry_ms, 1), what="wrong passphrases")
    if guessed:
        if taken.remaining == 0:
            await desk.alarm.passphrase_guessed(key, attempt, now=now)
        raise Refused(Reason.PASSPHRASE_MISMATCH)


def _usable(config: GatewayConfig, key: KeyRecord, route: Route, *, address: str, now: int) -> None:
    """Refuse a key whose state, time, environment or address forbids its use. Its holder has proved the secret."""
    grant = key.grant
    if not key.holds:
        raise Refused(Reason.KEY_ALTERED)
    if key.disabled_at is not None or grant.status is Status.DISABLED:
        raise Refused(Reason.KEY_DISABLED)
    if key.frozen_at is not None:
        raise Refused(Reason.KEY_FROZEN)
    if grant.status is not Status.ACTIVE or (grant.expires_at is not None and now >= grant.expires_at):
        raise Refused(Reason.KEY_EXPIRED, expired_at=grant.expires_at)
    if grant.environment != config.environment and not route.any_environment:
        base_url = config.base_urls.get(grant.environment, "")
        raise Refused(Reason.KEY_OTHER_ENVIRONMENT, environment=grant.environment.value, base_url=base_url)
    if key.networks and not is_within(address, key.networks):
        raise Refused(Reason.ADDRESS_NOT_ALLOWED, address=address)


async def _spend(desk: Desk, claim: Claim, *, now: int) -> None:
    try:
        new = await desk.state.spend(
            replay.fingerprint(claim.key_id, claim.signature),
            stamped_at=claim.timestamp_ms,
            until=replay.forget_at(claim.timestamp_ms),
            now=now,
        )
    except Busy as busy:
        raise Refused(Reason.NOT_SURE, what=busy.message) from None
    if not new:
        raise Refused(Reason.REPLAYED)


async def _take_pool(desk: Desk, route: Route, whose: str, *, now: int) -> limits.Taken:
    return await _take(desk, f"{route.pool}:{whose}", quota=desk.config.pools[route.pool], cost=route.weight, now=now)


async def _take(desk: Desk, bucket: str, *, quota: Quota, cost: int, now: int) -> limits.Taken:
    taken = await desk.state.take(bucket, quota=quota, cost=cost, now=now)
    if not taken.allowed:
        raise Refused(Reason.TOO_MANY_REQUESTS, retry_after_ms=taken.retry_ms, headers=_limit_headers(taken))
    return taken


def _limit_headers(taken: limits.Taken) -> tuple[Header, ...]:
    return (
        (b"gw-ratelimit-limit", str(taken.limit).encode()),
        (b"gw-ratelimit-remaining", str(taken.remaining).encode()),
        (b"gw-ratelimit-reset", str(taken.reset_ms).encode()),
    )


def _identity(key: KeyRecord, attempt: Attempt) -> Identity:
    return Identity(
        request_id=attempt.request_id,
        environment=attempt.environment,
        account_id=key.grant.account_id,
        uid=key.uid,
        sub_account=key.grant.sub_account,
        key_id=key.grant.key_id,
        permissions=frozenset(permission.value for permission in key.grant.permissions),
        address=attempt.address,
    )
