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
from keywright.gateway.address import Address, compile_networks, find_client, lies_in, neighbourhood
from keywright.gateway.alarm import Alarm
from keywright.gateway.keys import Keys
from keywright.gateway.model import Admission, Attempt, GatewayConfig, KeyRecord, Quota, Route
from keywright.gateway.routes import RouteTable
from keywright.gateway.state import State
from keywright.protocol.kucoin import Claim, KucoinDialect, KucoinVerifier, Pepper
from keywright.protocol.message import Header, Identity, Request
from keywright.protocol.order import Action
from keywright.protocol.refusal import Reason, Refused
from keywright.secret import Secret

WRONG_PASSPHRASES = Quota(10, 60_000)
"""Per key, counted only for who holds its secret. Beyond it even the right passphrase waits: it is being guessed."""

_made = tuple.__new__  # a named tuple past its own constructor, whose keyword handling costs as much again


@dataclass(frozen=True, slots=True)
class Desk:
    """What `admit` decides with: one gateway's dialect, routes, keys and memory."""

    config: GatewayConfig
    dialect: KucoinDialect
    routes: RouteTable
    keys: Keys
    state: State
    alarm: Alarm
    decoy: KucoinVerifier
    """Verifies requests of unknown keys, so that they take as long. Its secrets are random, never a key's."""
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
        alarm: Alarm,
    ) -> Desk:
        """Return a desk, its proxies compiled and its decoy fresh."""
        trusted = compile_networks(config.trusted_proxies)
        secret, pepper = Secret(secrets.token_bytes(36)), Pepper(Secret(secrets.token_bytes(32)))
        decoy = KucoinVerifier(secret, passphrase_digest=secrets.token_bytes(32), pepper=pepper)
        return cls(config, dialect, routes, keys, state, alarm, decoy, trusted)


async def admit(desk: Desk, request: Request, attempt: Attempt, *, now: int) -> Admission:
    """Return that the request may pass, and as whom.

    Raises `Refused` with the one reason that stopped it. Nothing is remembered of a request that was refused, but for
    what it took from its limits, and, of a write that step 9 refused, that it was seen.
    """
    config, take = desk.config, desk.state.take
    # 0  limits by peer address, before any work
    client = find_client(request, trusted=desk.trusted)
    if client is None:
        nearby = f"a:{neighbourhood(request.peer or '')}"
    else:
        attempt.address, nearby = client.text, f"a:{client.neighbourhood}"
    _within(await take(nearby, quota=config.address_quota, cost=1, now=now))
    # 1  which route: unknown → refused; public → limits and on, credentials ignored
    target = desk.dialect.check_target(request.method, request.target)
    route = desk.routes.find(request.method, target.path)
    if route is None:
        raise Refused(Reason.ROUTE_UNKNOWN, method=request.method, path=target.path.decode("ascii"))
    attempt.path = route.path  # the template: what stands in a variable part could be anything, even a secret
    if route.is_public:
        desk.dialect.check_body(request, body_allowed=route.body_allowed)
        bucket = f"{route.pool}:{nearby}"
        taken = _within(await take(bucket, quota=config.pools[route.pool], cost=route.weight, now=now))
        identity = Identity(attempt.request_id, config.environment, address=attempt.address)
        attempt.verdict = "allowed"
        return Admission(identity, route, None, _limit_headers(taken))
    # 2  what is claimed
    claim = desk.dialect.read(request, body_allowed=route.body_allowed, target=target)
    # 3  is the stated time near ours
    skew = replay.skew_within(claim.timestamp_ms, now=now, window_ms=config.window_ms)
    # 4  is there such a key
    key = await desk.keys.find(claim.key_id)
    # 5  does the signature hold, and the passphrase
    if key is None:
        _check_decoy(desk, claim)
    attempt.key_id, attempt.account_id = key.grant.key_id, key.grant.account_id
    try:
        key.verifier.check(claim)
    except Refused as refused:
        if refused.reason is Reason.PASSPHRASE_MISMATCH:
            await _guessed(desk, key, attempt, now=now)
        raise
    if not desk.state.untouched(key.guesses):  # hardly any key was ever guessed at
        await _not_being_guessed(desk, key, now=now)
    # 6  may the key be used
    _usable(desk, request, key, route, client, now=now)
    # 7  may this key do this
    _allowed(key, route)
    # 8  has this been seen: only writes, only now that everything else held
    if route.is_write:
        await _spend(desk, claim, now=now)
        key = await _look_again(desk, request, key, route, client, now=now)
    # 9  is there room
    bucket = f"{route.pool}:{key.pays}"
    taken = _within(await take(bucket, quota=config.pools[route.pool], cost=route.weight, now=now))
    # 10 say so
    attempt.verdict = "allowed"
    headers = _limit_headers(taken)
    if abs(skew) > config.exchange_window_ms:
        headers = (*headers, (b"x-keywright-clock-skew-ms", b"%d" % skew))
    if key.ends_at is not None:
        headers = (*headers, (b"x-keywright-key-expires", b"%d" % key.ends_at))
        if key.has_expired(now=now):
            grace_until = (key.grant.expires_at or 0) + config.grace_ms
            headers = (*headers, (b"x-keywright-key-grace-until", b"%d" % grace_until))
    return _made(Admission, (_identity(key, attempt), route, key, headers))


def _check_decoy(desk: Desk, claim: Claim) -> NoReturn:
    """Do for an unknown key the work of a known one, then refuse it."""
    with contextlib.suppress(Refused):
        desk.decoy.check(claim)
    raise Refused(Reason.KEY_UNKNOWN)


async def _guessed(desk: Desk, key: KeyRecord, attempt: Attempt, *, now: int) -> None:
    """Count a wrong passphrase of someone who holds the secret; tell the alarm at the last one that is let through."""
    taken = await desk.state.take(key.guesses, quota=WRONG_PASSPHRASES, cost=1, now=now)
    _let_guess(taken, last=not taken.allowed)
    if taken.remaining == 0:
        await desk.alarm.passphrase_guessed(key, attempt, now=now)


async def _not_being_guessed(desk: Desk, key: KeyRecord, *, now: int) -> None:
    """Make the right passphrase wait too while it is being guessed."""
    taken = await desk.state.take(key.guesses, quota=WRONG_PASSPHRASES, cost=0, now=now)
    _let_guess(taken, last=taken.remaining == 0)


def _let_guess(taken: limits.Taken, *, last: bool) -> None:
    if last:
        raise Refused(Reason.TOO_MANY_REQUESTS, retry_after_ms=max(taken.retry_ms, 1), what="wrong passphrases")


def _usable(desk: Desk, request: Request, key: KeyRecord, route: Route, client: Address | None, *, now: int) -> None:
    """Refuse a key whose state, time, environment or address forbids its use. Its holder has proved the secret."""
    config, expires_at, overlap_until = desk.config, key.grant.expires_at, key.grant.overlap_until
    if overlap_until is not None and now >= overlap_until and key.holds:
        raise Refused(Reason.KEY_REPLACED)
    if key.out_of_use is not None and key.out_of_use is not Reason.KEY_EXPIRED:
        raise Refused(key.out_of_use)
    if key.has_expired(now=now):
        ended_at = expires_at if expires_at is not None and now >= expires_at else 0  # 0: by a clock that was set back
        left = ended_at + config.grace_ms - now
        if left <= 0 or not _only_ends(desk, request, route):
            raise Refused(Reason.KEY_EXPIRED, expired_at=expires_at, grace_ms=max(0, left))
    if key.environment != config.environment and not route.any_environment:
        base_url = config.base_urls.get(key.environment, "")
        raise Refused(Reason.KEY_OTHER_ENVIRONMENT, environment=key.environment, base_url=base_url)
    if key.networks and (client is None or not lies_in(client, key.networks)):
        raise Refused(Reason.ADDRESS_NOT_ALLOWED, address="" if client is None else client.text)


def _only_ends(desk: Desk, request: Request, route: Route) -> bool:
    """Tell whether a request reads, or cancels orders and does nothing else (N7). What can't be understood does more."""
    if route.permission == "read":
        return True
    intents = desk.dialect.read_order(request) if route.permission == "trade" else ()
    return bool(intents) and all(intent.action is Action.CANCEL for intent in intents)


def _allowed(key: KeyRecord, route: Route) -> None:
    """Refuse what the key may not do, or nobody may just now."""
    if route.permission not in key.permissions:
        raise Refused(Reason.PERMISSION_MISSING, needed=route.permission, granted=sorted(key.permissions))
    if route.permission in key.frozen:
        raise Refused(Reason.PERMISSION_FROZEN, permission=route.permission)


async def _look_again(
    desk: Desk, request: Request, key: KeyRecord, route: Route, client: Address | None, *, now: int
) -> KeyRecord:
    """Return the key as it is once its request's mark is kept: that may have waited for the disk, and for others."""
    found = await desk.keys.find(key.grant.key_id)
    if found is None:
        raise Refused(Reason.KEY_UNKNOWN)
    if found is not key:
        _usable(desk, request, found, route, client, now=now)
        _allowed(found, route)
    return found


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


def _within(taken: limits.Taken) -> limits.Taken:
    if not taken.allowed:
        raise Refused(Reason.TOO_MANY_REQUESTS, retry_after_ms=taken.retry_ms, headers=_limit_headers(taken))
    return taken


def _limit_headers(taken: limits.Taken) -> tuple[Header, ...]:
    _, _, used_ns, quota, _ = taken
    return (
        (b"gw-ratelimit-limit", quota.stated),
        (b"gw-ratelimit-remaining", b"%d" % ((quota.full_ns - used_ns) // quota.unit_ns)),
        (b"gw-ratelimit-reset", b"%d" % -(-used_ns // limits.NS)),
    )


def _identity(key: KeyRecord, attempt: Attempt) -> Identity:
    grant = key.grant
    return _made(
        Identity,
        (
            attempt.request_id,
            attempt.environment,
            grant.account_id,
            key.uid,
            grant.sub_account,
            grant.key_id,
            key.permissions,
            attempt.address,
        ),
    )
