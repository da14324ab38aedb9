"""Every row of the refusal table, over the wire: status, code, the words that clients match on, and a hint that helps."""

from __future__ import annotations

import pytest

from keywright.app.chores import expire
from keywright.audit.events import Actor
from keywright.errors import Busy
from keywright.gateway.memory import MemoryState
from keywright.gateway.model import Quota
from keywright.protocol.kucoin import KucoinDialect
from keywright.protocol.message import Identity, Request, Response
from keywright.protocol.refusal import Reason
from tests.support.door import SAID, Bot, Door, Shot
from tests.support.operators import make_operator

ACCOUNTS = "/api/v1/accounts"
ORDERS = "/api/v1/hf/orders"
DAY_MS = 24 * 3600 * 1000


async def said(door: Door, shot: Shot, reason: str) -> tuple[str, str]:
    """Return the words and the hint that a request is refused with."""
    hint = await door.refuses(shot, reason)
    reply = await door.send(shot)
    assert reply is not None
    answer = reply.json()
    assert set(answer) == {"code", "msg", "hint"}
    assert reply.header(b"content-type") == b"application/json"
    assert answer["hint"] == hint
    return answer["msg"], hint


def test_every_reason_has_its_row() -> None:
    """But for order limits, which do not exist yet, and for nonces, which this wire has not."""
    elsewhere = {Reason.ORDER_LIMIT, Reason.NONCE_MALFORMED, Reason.NONCE_NOT_INCREASING}
    assert set(SAID) == {reason.value for reason in set(Reason) - elsewhere}


async def test_header_missing(door: Door) -> None:
    for short in ("key", "sign", "timestamp", "passphrase"):
        msg, hint = await said(door, door.kr.signed("GET", ACCOUNTS).without(short), "header_missing")
        assert msg == (
            "Please check the header of your request for KC-API-KEY, KC-API-SIGN, KC-API-TIMESTAMP, KC-API-PASSPHRASE"
        )
        assert f"KC-API-{short.upper()} " in hint
    await door.refuses(Shot(b"GET", ACCOUNTS.encode(), ()), "header_missing")


async def test_header_repeated(door: Door) -> None:
    shot = door.kr.signed("GET", ACCOUNTS)
    msg, hint = await said(door, shot.plus((b"KC-API-SIGN", shot.value("sign"))), "header_repeated")
    assert msg.startswith("Please check the header of your request for ")
    assert "KC-API-SIGN" in hint
    assert "once" in hint


async def test_timestamp(door: Door) -> None:
    shot = door.kr.signed("GET", ACCOUNTS)
    msg, hint = await said(door, shot.but(timestamp=b"1700000000"), "timestamp_malformed")
    assert msg == "Invalid KC-API-TIMESTAMP"
    assert "seconds" in hint
    msg, hint = await said(door, door.kr.signed("GET", ACCOUNTS, at=door.clock() - 45_000), "timestamp_out_of_window")
    assert msg == "Invalid KC-API-TIMESTAMP"
    assert "45000 ms behind our time" in hint
    assert "/api/v1/timestamp" in hint
    _, hint = await said(door, door.kr.signed("GET", ACCOUNTS, at=1_000_000_000_000), "timestamp_out_of_window")
    assert "years away" in hint


async def test_key_unknown_and_deleted(door: Door) -> None:
    msg, hint = await said(door, door.kr.signed("GET", ACCOUNTS).but(key=b"0" * 24), "key_unknown")
    assert msg == "KC-API-KEY not exists"
    bot = await door.bot()
    await door.allows(bot.signed("GET", ACCOUNTS))
    await door.world.disable(bot.person, bot.id)
    async with door.services.database.write() as tx:
        await door.services.issuing.delete(
            tx,
            bot.person.owner,
            bot.id,
            proof=door.world.proof(bot.person),
            actor=door.world.actor(bot.person),
            now=door.clock(),
        )
    assert await said(door, bot.signed("GET", ACCOUNTS), "key_unknown") == (msg, hint)


async def test_key_disabled_is_told_only_to_who_holds_the_secret(door: Door) -> None:
    bot = await door.bot()
    await door.allows(bot.signed("GET", ACCOUNTS))
    await door.world.disable(bot.person, bot.id)
    msg, hint = await said(door, bot.signed("GET", ACCOUNTS), "key_disabled")
    assert msg == "KC-API-KEY not exists"
    assert "disabled" in hint
    await told_nothing(door, bot, "disabled")


async def test_key_expired_is_told_only_to_who_holds_the_secret(door: Door) -> None:
    bot = await door.bot("trade")
    reply = await door.allows(bot.signed("GET", ACCOUNTS))
    expires_at = door.clock() + 90 * DAY_MS
    assert reply.header(b"x-keywright-key-expires") == str(expires_at).encode()
    door.clock.now = expires_at - 1
    await door.allows(bot.signed("GET", ACCOUNTS))
    door.clock.now = expires_at
    msg, hint = await said(door, bot.signed("GET", ACCOUNTS), "key_expired")
    assert msg == "KC-API-KEY not exists"
    assert "expired" in hint
    await told_nothing(door, bot, "expired")
    await expire(door.services)
    await door.refuses(bot.signed("GET", ACCOUNTS), "key_expired")


async def test_a_clock_set_back_revives_no_expired_key(door: Door) -> None:
    bot = await door.bot("trade")
    door.clock.advance(days=90)
    await expire(door.services)
    door.clock.advance(days=-90)
    await door.refuses(bot.signed("GET", ACCOUNTS), "key_expired")


async def test_key_of_the_other_environment(door: Door) -> None:
    msg, hint = await said(door, door.kf.signed("GET", ACCOUNTS), "key_other_environment")
    assert msg == "KC-API-KEY not exists"
    assert f"http://127.0.0.1:{door.futures_port}" in hint
    await told_nothing(door, door.kf, "environment:")


async def told_nothing(door: Door, bot: Bot, word: str) -> None:
    """Who does not hold the secret hears the same of every key there is; who lacks the passphrase, only that."""
    alive = door.kr.signed("GET", ACCOUNTS).but(sign=door.kb.mac(b"x"))
    expected = await said(door, alive, "signature_mismatch")
    forged = bot.signed("GET", ACCOUNTS).but(sign=door.kb.mac(b"x"))
    assert await said(door, forged, "signature_mismatch") == expected
    _, hint = await said(door, bot.signed("GET", ACCOUNTS).but(passphrase=door.kb.passphrase), "passphrase_mismatch")
    assert word not in hint


async def test_passphrase_and_signature(door: Door) -> None:
    shot = door.kr.signed("GET", ACCOUNTS)
    msg, hint = await said(door, shot.but(passphrase=door.kb.passphrase), "passphrase_mismatch")
    assert msg == "Invalid KC-API-PASSPHRASE"
    assert "base64(HMAC-SHA256(secret, passphrase))" in hint
    msg, hint = await said(door, shot.but(sign=door.kb.mac(b"x")), "signature_mismatch")
    assert msg == "Invalid KC-API-SIGN"
    assert "timestamp + METHOD + path?query + body" in hint


async def test_key_versions(door: Door) -> None:
    shot = door.kr.signed("GET", ACCOUNTS)
    msg, hint = await said(door, shot.but(key_version=b"1"), "key_version_off")
    assert msg == "V1 & V2 API keys are no longer supported by this API. Please create a V3 API key."
    assert "No new key is needed" in hint
    msg, hint = await said(door, shot.but(key_version=b"99"), "key_version_unknown")
    assert msg == "Invalid KC-API-KEY-VERSION."
    assert "KC-API-KEY-VERSION: 3" in hint


async def test_address_and_permission(door: Door) -> None:
    bot = await door.bot(addresses=("203.0.113.9",))
    msg, hint = await said(door, bot.signed("GET", ACCOUNTS), "address_not_allowed")
    assert msg == "Invalid request ip, the current clientIp is:127.0.0.1"
    assert "127.0.0.1" in hint
    forged = bot.signed("GET", ACCOUNTS).but(sign=door.kb.mac(b"x"))
    assert "address" not in (await said(door, forged, "signature_mismatch"))[1]
    msg, hint = await said(door, door.kr.signed("POST", ORDERS, b"{}"), "permission_missing")
    assert msg == "Access denied, require more permission."
    assert "'trade'" in hint
    assert "require more permission" not in hint, "clients look for it in the whole body"


async def test_frozen(door: Door) -> None:
    bot = await door.bot()
    await door.allows(bot.signed("GET", ACCOUNTS))
    async with door.services.database.write() as tx:
        await door.services.identity.freeze(
            tx, bot.person.account.id, actor=door.world.actor(bot.person), now=door.clock()
        )
    msg, hint = await said(door, bot.signed("GET", ACCOUNTS), "key_frozen")
    assert msg == "User is frozen"
    assert "owner can lift" in hint
    await told_nothing(door, bot, "frozen")


async def test_pending(door: Door) -> None:
    """LIFE-11: until its owner says that the secret arrived, a key is refused, and only who has it hears why."""
    bot = await door.bot(pending=True)
    msg, hint = await said(door, bot.signed("GET", ACCOUNTS), "key_pending")
    assert msg == "KC-API-KEY not exists"
    assert "has not said yet" in hint
    await told_nothing(door, bot, "said yet")
    async with door.services.database.write() as tx:
        await door.services.issuing.acknowledge(
            tx, bot.person.owner, bot.id, actor=door.world.actor(bot.person), now=door.clock()
        )
    await door.allows(bot.signed("GET", ACCOUNTS))


async def test_frozen_permission(door: Door) -> None:
    """N8: refused from the commit on, on every node, whatever key; what takes another permission goes on."""
    await door.allows(door.kt.signed("POST", ORDERS, b'{"n":1}'))
    issuing, operator = door.services.issuing, Actor("operator")
    async with door.services.database.write() as tx:
        await issuing.freeze_permission(tx, "trade", actor=operator, now=door.clock())
    for bot in (door.kt, door.kb):
        msg, hint = await said(door, bot.signed("POST", ORDERS, b'{"n":2}'), "permission_frozen")
        assert msg == "Access denied, require more permission."
        assert "The operator froze" in hint
        await door.allows(bot.signed("GET", ACCOUNTS))
    await door.refuses(door.kr.signed("POST", ORDERS, b"{}"), "permission_missing")
    ada = door.kt.person
    await make_operator(door.services, ada.account.id)
    async with door.services.database.write() as tx:
        proof = door.world.proof(ada)
        await issuing.unfreeze_permission(tx, "trade", proof=proof, actor=operator, now=door.clock())
    await door.allows(door.kt.signed("POST", ORDERS, b'{"n":3}'))


async def test_replay(door: Door) -> None:
    shot = door.kt.signed("POST", ORDERS, b"{}")
    await door.allows(shot)
    msg, hint = await said(door, shot, "replayed")
    assert msg == "Parameter Error"
    assert "not carried out again" in hint


async def test_target_and_body(door: Door) -> None:
    msg, hint = await said(door, door.kr.signed("GET", f"{ACCOUNTS}//"), "target_not_canonical")
    assert msg == "Parameter Error"
    assert "'//'" in hint
    msg, hint = await said(door, door.kr.signed("GET", ACCOUNTS, b"{}"), "body_not_allowed")
    assert msg == "Parameter Error"
    assert "into the query" in hint
    msg, hint = await said(door, door.kt.signed("POST", ORDERS, b'{"a":1,"a":2}'), "body_malformed")
    assert msg == "Parameter Error"
    assert "twice" in hint


async def test_route_unknown(door: Door) -> None:
    msg, hint = await said(door, door.kr.signed("GET", "/api/v1/nothing"), "route_unknown")
    assert msg == "Url Not Found"
    assert "base URL" in hint


async def test_too_many_requests(door: Door) -> None:
    """By account beyond the pool's quota, by address before anything else is looked at; both say when to try again."""
    door.configure(pools={**door.config.pools, "management": Quota(10, 30_000)})  # accounts cost 5
    shot = door.kr.signed("GET", ACCOUNTS)
    reply = await door.allows(shot)
    assert reply.header(b"gw-ratelimit-limit") == b"10"
    assert reply.header(b"gw-ratelimit-remaining") == b"5"
    assert reply.header(b"gw-ratelimit-reset") == b"15000"
    await door.allows(shot)
    msg, hint = await said(door, shot, "too_many_requests")
    assert msg == "Too many requests. User-level rate limit exceeded."
    assert hint == "Try again in 15000 ms."
    await door.refuses(door.kt.signed("GET", ACCOUNTS), "too_many_requests")  # the same account
    await door.allows(door.kb.signed("GET", ACCOUNTS))
    door.clock.advance(seconds=15)
    await door.allows(door.kr.signed("GET", ACCOUNTS))


async def test_too_many_requests_from_one_address(door: Door) -> None:
    await door.remember_with(MemoryState())
    door.configure(address_quota=Quota(3, 30_000))
    for _ in range(3):
        await door.refuses(door.kr.signed("GET", ACCOUNTS).but(key=b"0" * 24), "key_unknown")
    msg, hint = await said(door, door.kb.signed("GET", ACCOUNTS), "too_many_requests")
    assert msg == "Too many requests. User-level rate limit exceeded."
    assert "Try again in" in hint
    assert door.usage.attempts[-1].key_id == ""


async def test_who_lacks_the_secret_spends_nothing_of_an_accounts_limit(door: Door) -> None:
    door.configure(pools={**door.config.pools, "management": Quota(5, 30_000)})
    shot = door.kr.signed("GET", ACCOUNTS)
    for _ in range(20):
        await door.refuses(shot.but(sign=door.kb.mac(b"x")), "signature_mismatch")
    await door.allows(shot)


async def test_no_freshness_lease(door: Door) -> None:
    """Neither a key that was cached nor one that was not: without the lease nobody passes."""
    await door.allows(door.kr.signed("GET", ACCOUNTS))
    door.freshness.close()
    for bot in (door.kr, door.kt):
        msg, hint = await said(door, bot.signed("GET", ACCOUNTS), "not_sure")
        assert msg == "Service Unavailable"
        assert "let nothing through" in hint
    await door.allows(Shot(b"GET", b"/api/v1/timestamp", ()))


async def test_shared_state_lost(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lost(*_: object, **__: object) -> bool:
        raise Busy("the shared state does not answer")

    monkeypatch.setattr(door.state, "spend", lost)
    msg, hint = await said(door, door.kt.signed("POST", ORDERS, b"{}"), "not_sure")
    assert msg == "Service Unavailable"
    assert "Nothing was done" in hint
    await door.allows(door.kt.signed("GET", ACCOUNTS))


async def test_limits_that_cannot_be_asked_for_let_nobody_through(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lost(*_: object, **__: object) -> object:
        raise Busy("the shared state does not answer")

    monkeypatch.setattr(door.state, "take", lost)
    await door.refuses(door.kr.signed("GET", ACCOUNTS), "not_sure")
    await door.refuses(Shot(b"GET", b"/api/v1/timestamp", ()), "not_sure")


async def test_upstream_unreachable(door: Door) -> None:
    """Whatever breaks behind us, and whatever it says of the request, the client hears one thing."""
    for error in (Busy("down"), RuntimeError(door.kt.held.secret.reveal_text()), TimeoutError()):

        async def fail(_: Request, __: Identity, error: Exception = error) -> Response:
            raise error

        door.forward = fail
        door.configure()
        door.clock.advance(ms=1)
        hint = await door.refuses(door.kt.signed("POST", ORDERS, b"{}"), "upstream_unreachable")
        assert "look it up before you send another" in hint


async def test_another_header_prefix_is_the_only_one_heard(door: Door) -> None:
    door.dialect = KucoinDialect("X-ACME-")
    door.configure()
    shot = door.kr.signed("GET", ACCOUNTS)
    assert "X-ACME-KEY" in await door.refuses(shot, "header_missing")
    renamed = tuple((name.replace(b"kc-api-", b"x-acme-"), value) for name, value in shot.headers)
    await door.allows(Shot(b"GET", shot.target, renamed))
    msg, _ = await said(door, Shot(b"GET", shot.target, renamed).plus((b"x-acme-key", b"x")), "header_repeated")
    assert "X-ACME-KEY, X-ACME-SIGN" in msg


async def test_sizes(door: Door) -> None:
    shot = door.kr.signed("GET", ACCOUNTS)
    hint = await door.refuses(shot.plus(*((b"x-more", b"y"),) * 64), "headers_too_large")
    assert "fewer" in hint
    await door.refuses(shot.plus((b"x-more", b"y" * 16_384)), "headers_too_large")
    await door.refuses(door.kr.signed("GET", f"{ACCOUNTS}?q={'a' * 16_384}"), "headers_too_large")
    hint = await door.refuses(door.kt.signed("POST", ORDERS, b"[" + b" " * 65_536 + b"]"), "body_too_large")
    assert "65536" in hint
    await door.allows(door.kt.signed("POST", ORDERS, b"[" + b" " * 65_534 + b"]"))
