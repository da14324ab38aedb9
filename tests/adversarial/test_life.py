"""The end of keys on the real wire: rotation, grace, and who is refused from which millisecond on."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from keywright.app.chores import end_overlaps, expire
from keywright.app.gateways import sandbox_of
from keywright.audit.events import Kind
from keywright.issuing.model import Passphrase
from keywright.secret import Secret
from tests.support.door import Bot, Door
from tests.support.world import Held

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
