"""The end of keys on the real wire: rotation, grace, and who is refused from which millisecond on."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import replace
from typing import Any

import pytest

from keywright.app.chores import end_overlaps, expire
from keywright.app.gateways import sandbox_of
from keywright.audit.events import Kind
from keywright.errors import Conflict
from keywright.issuing.model import Passphrase
from keywright.secret import Secret
from tests.identity.doorway import Doorway, visitor
from tests.support.door import Bot, Door
from tests.support.withdrawing import Desk
from tests.support.world import PASSWORD, Held

ACCOUNTS = "/api/v1/accounts"
ORDERS = "/api/v1/hf/orders"
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
ORDER: dict[str, Any] = {"symbol": "BTC-USDT", "side": "buy", "type": "limit", "price": "1000", "size": "0.01"}


async def _rotated(door: Door, bot: Bot, *, hours: int, pending: bool = False) -> Bot:
    typed = Secret("Moor-chain-83-W")
    async with door.services.database.write() as tx:
        issued = await door.services.issuing.rotate(
            tx,
            bot.person.owner,
            bot.id,
            passphrase=Passphrase(bot.person.account.id, typed),
            overlap_hours=hours,
            pending=pending,
            proof=door.world.proof(bot.person),
            actor=door.world.actor(bot.person),
            now=door.clock(),
        )
    successor = replace(bot, held=Held(issued.key, issued.secret, typed))
    door.bots.append(successor)
    return successor


async def test_k12_both_keys_work_during_the_overlap_and_then_the_old_one_is_refused(door: Door) -> None:
    old = await door.bot("trade", addresses=("127.0.0.1",))
    new = await _rotated(door, old, hours=24)
    ends = door.clock() + DAY_MS
    for bot in (old, new):
        await door.allows(bot.signed("GET", ACCOUNTS))
        await door.allows(bot.signed("POST", ORDERS, json.dumps({"n": bot.id}).encode()))
    reply = await door.allows(old.signed("GET", ACCOUNTS))
    assert reply.header(b"x-keywright-key-expires") == str(ends).encode()
    crossed = old.signed("GET", ACCOUNTS).but(key=new.id.encode())
    await door.refuses(crossed, "signature_mismatch")
    door.clock.now = ends - 1
    await door.allows(old.signed("GET", ACCOUNTS))
    door.clock.now = ends
    for chore in (None, end_overlaps):
        if chore:
            await chore(door.services)
        hint = await door.refuses(old.signed("GET", ACCOUNTS), "key_replaced")
        assert "successor" in hint
        await door.refuses(old.signed("GET", ACCOUNTS).but(sign=new.mac(b"x")), "signature_mismatch")
        await door.allows(new.signed("GET", ACCOUNTS))


async def test_life_11_a_pending_successor_is_refused_and_takes_nothing_from_the_old_key(door: Door) -> None:
    old = await door.bot()
    new = await _rotated(door, old, hours=0, pending=True)
    await door.refuses(new.signed("GET", ACCOUNTS), "key_pending")
    await door.allows(old.signed("GET", ACCOUNTS))
    async with door.services.database.write() as tx:
        actor = door.world.actor(old.person)
        await door.services.issuing.acknowledge(tx, old.person.owner, new.id, actor=actor, now=door.clock())
    await door.allows(new.signed("GET", ACCOUNTS))
    await door.refuses(old.signed("GET", ACCOUNTS), "key_disabled")


async def test_t1_an_overlap_that_was_lengthened_in_the_database_ends_at_once(door: Door) -> None:
    old = await door.bot()
    await _rotated(door, old, hours=1)
    door.sql("UPDATE api_keys SET overlap_until = overlap_until + 1 WHERE id = ?", old.id)
    await door.refuses(old.signed("GET", ACCOUNTS), "key_altered")


async def test_n7_an_expired_key_cancels_its_order_and_can_not_place_one(door: Door) -> None:
    """The sandbox answers: what rests in its book is gone afterwards."""
    door.forward = sandbox_of(door.services).forward
    door.configure(grace_ms=24 * HOUR_MS)
    bot = await door.bot("trade")
    expires_at = door.clock() + 90 * DAY_MS
    door.clock.now = expires_at - 1
    placed = await door.allows(bot.signed("POST", ORDERS, json.dumps(ORDER).encode()), calls=0)
    order = placed.json()["data"]["orderId"]
    assert placed.header(b"x-keywright-key-grace-until") is None
    door.clock.now = expires_at
    hint = await door.refuses(bot.signed("POST", ORDERS, json.dumps(ORDER | {"n": 2}).encode()), "key_expired")
    assert "For 24 h it can still read, and cancel orders." in hint
    read = await door.allows(bot.signed("GET", f"{ORDERS}/{order}?symbol=BTC-USDT"), calls=0)
    assert read.json()["data"]["active"] is True
    cancelled = await door.allows(bot.signed("DELETE", f"{ORDERS}/{order}?symbol=BTC-USDT"), calls=0)
    assert cancelled.json()["data"] == {"orderId": order}
    for reply in (read, cancelled):
        assert reply.header(b"x-keywright-key-expires") == str(expires_at).encode()
        assert reply.header(b"x-keywright-key-grace-until") == str(expires_at + DAY_MS).encode()
    read = await door.allows(bot.signed("GET", f"{ORDERS}/{order}?symbol=BTC-USDT&n=2"), calls=0)
    assert read.json()["data"]["active"] is False
    await expire(door.services)
    await door.allows(bot.signed("DELETE", f"{ORDERS}?symbol=BTC-USDT"), calls=0)
    door.clock.now = expires_at + DAY_MS - 1
    await door.allows(bot.signed("GET", ACCOUNTS), calls=0)
    door.clock.now += 1
    for shot in (bot.signed("GET", ACCOUNTS), bot.signed("DELETE", f"{ORDERS}?symbol=BTC-USDT")):
        hint = await door.refuses(shot, "key_expired")
        assert "still read" not in hint


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", ORDERS, b"{}"),
        ("POST", "/api/v1/hf/orders/test", b"{}"),
        ("POST", "/api/v1/hf/orders/alter", b'{"symbol":"BTC-USDT","orderId":"1","newSize":"9"}'),
        ("POST", "/api/v1/hf/orders/multi", b'{"orderList":[]}'),
        ("POST", "/api/v1/stop-order", b"{}"),
        ("DELETE", "/api/v1/withdrawals/1", b""),
        ("POST", "/api/v3/withdrawals", b"{}"),
        ("POST", "/api/v3/accounts/universal-transfer", b"{}"),
    ],
)
async def test_n7_in_its_grace_a_key_does_nothing_but_read_and_cancel(
    door: Door, method: str, target: str, body: bytes
) -> None:
    door.configure(grace_ms=24 * HOUR_MS)
    bot = await door.bot("trade", "transfer", "withdraw", addresses=("127.0.0.1",))
    async with door.services.database.write() as tx:
        # No key with addresses expires today; one of tomorrow's might.
        key = await door.services.issuing.key(tx, bot.person.owner, bot.id)
        grant = replace(key.grant, expires_at=door.clock())
        await door.services.issuing._change(
            tx, key, grant, Kind.KEY_RENAMED, door.world.actor(bot.person), now=door.clock()
        )
    await door.allows(bot.signed("GET", ACCOUNTS))
    await door.refuses(bot.signed(method, target, body), "key_expired")


@pytest.mark.parametrize("off", ["disable", "freeze", "alter", "address"])
async def test_n7_the_grace_is_an_expired_key_s_and_no_other_s(door: Door, off: str) -> None:
    door.configure(grace_ms=24 * HOUR_MS)
    bot = await door.bot("trade")
    door.clock.advance(days=90)
    await door.allows(bot.signed("GET", ACCOUNTS))
    reason = {"disable": "key_disabled", "freeze": "key_frozen", "alter": "key_altered", "address": "key_altered"}[off]
    if off == "disable":
        await door.world.disable(bot.person, bot.id)
    elif off == "freeze":
        async with door.services.database.write() as tx:
            actor = door.world.actor(bot.person)
            await door.services.identity.freeze(tx, bot.person.account.id, actor=actor, now=door.clock())
    elif off == "alter":
        door.sql("UPDATE api_keys SET expires_at = expires_at + 1 WHERE id = ?", bot.id)
    else:
        door.sql("UPDATE api_keys SET addresses = '192.0.2.1/32' WHERE id = ?", bot.id)
    if off in {"alter", "address"}:  # nothing announces what was done behind our back: a fresh reader sees it
        door.keys._records.clear()
    await door.refuses(bot.signed("GET", f"{ACCOUNTS}?n=2"), reason)


async def test_n7_without_a_grace_an_expired_key_is_refused_everything(door: Door) -> None:
    bot = await door.bot("trade")
    door.clock.advance(days=90)
    for shot in (bot.signed("GET", ACCOUNTS), bot.signed("DELETE", f"{ORDERS}?symbol=BTC-USDT")):
        await door.refuses(shot, "key_expired")


async def test_life_13_a_clock_set_back_gives_no_grace(door: Door) -> None:
    door.configure(grace_ms=24 * HOUR_MS)
    bot = await door.bot("trade")
    door.clock.advance(days=90)
    await expire(door.services)
    door.clock.advance(ms=-1)
    await door.refuses(bot.signed("GET", ACCOUNTS), "key_expired")


async def test_life_12_a_deleted_key_s_secret_opens_nothing_and_its_id_never_comes_back(door: Door) -> None:
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
    again = await door.world.key(bot.person, name=bot.held.key.name)
    assert again.id != bot.id
    await door.refuses(bot.signed("GET", ACCOUNTS), "key_unknown")
    await door.refuses(bot.signed("GET", ACCOUNTS).but(key=again.id.encode()), "signature_mismatch")


# ── LIFE-05, LIFE-09: what is switched off while it is used


async def test_life_05_no_request_that_starts_after_a_key_was_disabled_is_accepted(door: Door) -> None:
    """Eight connections stream with one key and one with another; the first is disabled, frozen by nobody, mid-stream."""
    bot, bystander = await door.bot(), await door.bot()
    disabled_at = math.inf
    seen: list[tuple[float, int]] = []

    async def stream(one: Bot, into: list[tuple[float, int]]) -> None:
        loop = asyncio.get_running_loop()
        while len(seen) < 400:
            began = loop.time()
            reply = await door.send(one.signed("GET", ACCOUNTS))
            assert reply is not None
            into.append((began, reply.status))

    async def switch_off() -> None:
        nonlocal disabled_at
        while len(seen) < 100:
            await asyncio.sleep(0)
        await door.world.disable(bot.person, bot.id)
        disabled_at = asyncio.get_running_loop().time()

    others: list[tuple[float, int]] = []
    await asyncio.gather(*(stream(bot, seen) for _ in range(8)), stream(bystander, others), switch_off())
    after = [status for began, status in seen if began > disabled_at]
    assert len(after) > 100
    assert set(after) == {401}, "each told as an unknown key is, until the secret is proved: 400003"
    assert {status for began, status in seen if began < disabled_at} <= {200, 401}
    assert [status for _, status in seen].count(200) >= 90
    assert {status for _, status in others} == {200}


async def test_life_09_a_frozen_account_s_keys_and_approvals_stop_and_its_owner_stays_in(door: Door) -> None:
    """Documented so: a freeze refuses keys and money at once; sessions live, or nobody could lift it."""
    entrance = Doorway(door.world)
    bot = await door.bot("withdraw", addresses=("127.0.0.1",))
    desk = Desk(door.world, bot.person, bot.held)
    await desk.lists()
    asked = await desk.asks()
    await desk.confirms(asked)
    opened = await entrance.signed_in(bot.person)
    async with door.services.database.write() as tx:
        actor = door.world.actor(bot.person)
        await door.services.identity.freeze(tx, bot.person.account.id, actor=actor, now=door.clock())
    await door.refuses(bot.signed("GET", ACCOUNTS), "key_frozen")
    with pytest.raises(Conflict, match="frozen"):
        await desk.consumes(asked)
    with pytest.raises(Conflict, match="frozen"):
        await desk.asks("w2")
    assert await entrance.lives(opened.token)


@pytest.mark.parametrize("change", ["password", "authenticator"])
async def test_life_09_another_password_or_authenticator_ends_sessions_and_approvals_and_no_key(
    door: Door, change: str
) -> None:
    """Documented so: keys are the programs', and are switched off by themselves or by a freeze."""
    entrance = Doorway(door.world)
    bot = await door.bot("withdraw", addresses=("127.0.0.1",))
    desk = Desk(door.world, bot.person, bot.held)
    await desk.lists()
    asked = await desk.asks()
    await desk.confirms(asked)
    elsewhere, half = await entrance.signed_in(bot.person), await entrance.half_open(bot.person)
    here = await entrance.stepped_up((await entrance.signed_in(bot.person)).session, bot.person)
    if change == "password":
        changed = await door.services.own.password.change_password(
            here.session,
            PASSWORD,
            Secret("four-otters-in-amber"),
            proof=door.world.proof(bot.person),
            visitor=visitor(),
            now=door.clock(),
        )
    else:
        secret = await entrance.new_authenticator(here.session, has_factor=True)
        changed, _ = await entrance.confirm(here.session, secret)
        with pytest.raises(Conflict, match="replaced"):
            await desk.consumes(asked)
    assert not await entrance.lives(elsewhere.token)
    assert not await entrance.lives(half.token)
    assert await entrance.lives(changed.token)
    await door.allows(bot.signed("GET", ACCOUNTS))
