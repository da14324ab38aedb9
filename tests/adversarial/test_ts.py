"""TS: timestamps and replays.

Left to others: TS-07 with Redis (there is none yet), a node killed between commit and forwarding (tests/faults).
"""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from keywright.gateway.embedded import EmbeddedState
from keywright.gateway.memory import MemoryState
from keywright.issuing.model import Owner
from tests.support import raw
from tests.support.clock import T0
from tests.support.door import WINDOW_MS, Door

ACCOUNTS = "/api/v1/accounts"
ORDERS = "/api/v1/hf/orders"
FILLS = "/api/v1/fills"  # counts towards the same limit as orders
ORDER = b'{"symbol":"BTC-USDT","side":"buy","price":"1","size":"1"}'


@pytest.mark.parametrize("skew", [0, 29_999, -29_999, 30_000, -30_000])
async def test_ts_01_a_stamp_within_the_window_is_taken(door: Door, skew: int) -> None:
    """Inclusive at both ends. Beyond the exchange's own 5 s the answer says by how much."""
    for shot in (door.kr.signed("GET", ACCOUNTS, at=T0 + skew), door.kt.signed("POST", ORDERS, ORDER, at=T0 + skew)):
        reply = await door.allows(shot)
        assert reply.header(b"x-keywright-clock-skew-ms") == (str(skew).encode() if skew else None)


@pytest.mark.parametrize("skew", [30_001, -30_001, 3_600_000, -3_600_000])
async def test_ts_01_a_stamp_outside_the_window_is_refused_and_the_hint_says_by_how_much(door: Door, skew: int) -> None:
    direction = "ahead of" if skew > 0 else "behind"
    hint = await door.refuses(door.kr.signed("GET", ACCOUNTS, at=T0 + skew), "timestamp_out_of_window")
    assert f"{abs(skew)} ms {direction} our time" in hint


async def test_ts_02_a_stamp_is_thirteen_digits_and_nothing_else(door: Door) -> None:
    """Space before a value is no part of it for HTTP itself; inside it is refused."""
    shot = door.kr.signed("GET", ACCOUNTS)
    for stamp in (
        *(b"1700000000", b"1700000000000000", b"1700000000000000000", b"1700000000000.0", b"1.7e12", b"0x18bcfe56800"),
        *(b"1_700_000_000_000", b"1_70000000000", "１７０００００００００００".encode(), "¹700000000000".encode()),
        *(
            b"+170000000000",
            b"+1700000000000",
            b"-1700000000000",
            b"-170000000000",
            b"17000000 0000",
            b"170000000000\t",
        ),
        *(b"nan", b"inf", b"-inf", b"", b"0", b"01700000000000", b"001700000000", b"1" * 10_000, b"170000000000\xa0"),
        *(b"1700000000000,1700000000000", b"'1700000000000'", b"1700000000000L", b"\xff" * 13),
    ):
        hint = await door.refuses(shot.but(timestamp=stamp), "timestamp_malformed")
        assert "millisecond" in hint
    await door.refuses(shot.but(timestamp=b"0000000000000"), "timestamp_out_of_window")
    await door.refuses(shot.but(timestamp=b"9999999999999"), "timestamp_out_of_window")


async def test_ts_02_another_stamp_than_was_signed_is_refused(door: Door) -> None:
    shot = door.kr.signed("GET", ACCOUNTS)
    await door.refuses(shot.but(timestamp=str(T0 + 1).encode()), "signature_mismatch")


async def test_ts_03_a_write_counts_once(door: Door) -> None:
    shot = door.kt.signed("POST", ORDERS, ORDER)
    await door.allows(shot)
    hint = await door.refuses(shot, "replayed")
    assert "taken before" in hint
    assert "not carried out again" in hint
    await door.refuses(shot.plus((b"x-another", b"header")), "replayed")
    await door.refuses(shot.but(key_version=b"2"), "replayed")
    await door.allows(door.kt.signed("POST", ORDERS, ORDER, at=T0 + 1))


async def test_ts_03_a_write_counts_once_until_its_stamp_is_out_of_the_window(door: Door) -> None:
    shot = door.kt.signed("DELETE", "/api/v1/hf/orders/cancelAll", at=T0 + WINDOW_MS)
    await door.allows(shot)
    for later in (1, WINDOW_MS, WINDOW_MS, -1):  # up to the last moment at which the stamp still counts
        door.clock.advance(ms=later)
        await door.allows(door.kt.signed("POST", ORDERS, ORDER))  # so that there is something to sweep for
        await door.refuses(shot, "replayed" if door.clock() <= T0 + 2 * WINDOW_MS else "timestamp_out_of_window")


async def test_ts_03_a_body_that_trickles_in_does_not_hold_its_stamp_in_the_window(door: Door) -> None:
    """The head of a copy arrives in time, its body when the mark of the first is forgotten: the stamp is over by then."""
    shot = door.kt.signed("POST", ORDERS, ORDER)
    await door.allows(shot)
    door.clock.advance(ms=WINDOW_MS)
    async with raw.line(door.port) as line:
        await line.send(shot.bytes[:-1])
        await asyncio.sleep(0.05)
        door.clock.advance(seconds=3)
        await door.allows(door.kt.signed("POST", ORDERS, ORDER))  # sweeps
        await line.send(shot.bytes[-1:])
        reply = await line.reply()
    assert reply is not None
    assert reply.json()["code"] == "400002"
    assert len(door.echo.calls) == 2


async def test_ts_04_of_a_hundred_copies_at_once_exactly_one_passes(door: Door) -> None:
    shot = door.kt.signed("POST", ORDERS, ORDER)
    assert await salvo(door, shot.bytes, copies=100) == {200: 1, 400: 99}
    assert len(door.echo.calls) == 1
    assert Counter(attempt.verdict for attempt in door.usage.attempts) == {"allowed": 1, "replayed": 99}


async def test_ts_07_after_a_restart_a_replay_is_still_refused(door: Door) -> None:
    shots = [door.kt.signed("POST", ORDERS, ORDER, at=T0 + skew) for skew in (-WINDOW_MS, 0, WINDOW_MS)]
    for shot in shots:
        await door.allows(shot)
    await door.remember_with(EmbeddedState(door.services.database))
    for shot in shots:
        await door.refuses(shot, "replayed")
    await door.allows(door.kt.signed("POST", ORDERS, ORDER, at=T0 + 1))


async def test_ts_07_a_mark_is_on_disk_before_its_request_is_passed_on(door: Door) -> None:
    """So a copy sent after a crash at the worst moment is refused: seen by another process, at the time of forwarding."""
    seen: list[int] = []

    async def look(*_: object) -> object:
        import sqlite3

        with sqlite3.connect(door.path) as other:
            seen.append(other.execute("SELECT count(*) FROM replay_entries").fetchone()[0])
        other.close()
        raise RuntimeError("and here the process dies")

    door.forward = look  # type: ignore[assignment]
    door.configure()
    shot = door.kt.signed("POST", ORDERS, ORDER)
    await door.refuses(shot, "upstream_unreachable")
    assert seen == [1]
    await door.remember_with(EmbeddedState(door.services.database))
    await door.refuses(shot, "replayed")


async def test_ts_07_a_store_that_was_emptied_refuses_writes_until_none_of_them_can_be_old(door: Door) -> None:
    await lost(door, door.forget_marks)


async def test_ts_07_a_memory_that_starts_empty_refuses_writes_until_none_of_them_can_be_old(door: Door) -> None:
    async def start_empty() -> None:
        state = MemoryState()
        state.quarantine(until=door.clock() + WINDOW_MS)
        await door.remember_with(state)

    await lost(door, start_empty)


async def lost(door: Door, lose: object) -> None:
    """Lose the marks five seconds after a write: nothing stamped up to then plus the window passes; reads do."""
    assert callable(lose)
    shot = door.kt.signed("POST", ORDERS, ORDER, at=T0 + WINDOW_MS)
    await door.allows(shot)
    door.clock.advance(seconds=5)
    await lose()
    until = door.clock() + WINDOW_MS
    await door.refuses(shot, "not_sure")
    for stamp in (door.clock(), until):
        await door.refuses(door.kt.signed("POST", ORDERS, ORDER, at=stamp), "not_sure")
    await door.allows(door.kr.signed("GET", ACCOUNTS))
    door.clock.advance(ms=1)
    await door.allows(door.kt.signed("POST", ORDERS, ORDER, at=until + 1))
    door.clock.advance(ms=WINDOW_MS - 1)
    await door.refuses(door.kt.signed("POST", ORDERS, ORDER), "not_sure")
    door.clock.advance(ms=2)
    await door.allows(door.kt.signed("POST", ORDERS, ORDER))


async def test_ts_09_a_read_may_come_twice(door: Door) -> None:
    """Only writes are spent; a read sent twice reads twice."""
    shot = door.kr.signed("GET", ACCOUNTS)
    await door.allows(shot)
    await door.allows(shot)


async def test_ts_10_with_the_clock_set_back_no_write_comes_again(door: Door) -> None:
    """Its mark was dropped when its time was over. Whatever could have been dropped is refused, not trusted."""
    shot = door.kt.signed("POST", ORDERS, ORDER)
    await door.allows(shot)
    door.clock.advance(seconds=600)
    await door.allows(door.kt.signed("POST", ORDERS, ORDER))
    await set_back(door, seconds=590)
    await door.refuses(shot, "not_sure")
    await door.allows(door.kr.signed("GET", ACCOUNTS))


async def test_ts_10_a_clock_set_back_before_a_restart_brings_no_write_back_either(door: Door) -> None:
    shot = door.kt.signed("POST", ORDERS, ORDER)
    await door.allows(shot)
    door.clock.advance(seconds=600)
    await door.allows(door.kt.signed("POST", ORDERS, ORDER))
    await set_back(door, seconds=590)
    await door.remember_with(EmbeddedState(door.services.database))
    await door.refuses(shot, "not_sure")


async def test_ts_11_a_jump_forward_and_back_locks_nobody_out_for_good(door: Door) -> None:
    before = door.kt.signed("POST", ORDERS, ORDER)
    await door.allows(before)
    door.clock.advance(seconds=3_600)
    during = door.kt.signed("POST", ORDERS, ORDER)
    await door.allows(during)
    await set_back(door, seconds=3_600)
    await door.refuses(before, "not_sure")
    await door.allows(door.kr.signed("GET", ACCOUNTS))
    door.clock.advance(seconds=3_600)
    await door.refuses(during, "replayed")
    await door.allows(door.kt.signed("POST", ORDERS, ORDER, at=door.clock() + 1))


async def test_ts_12_a_request_refused_for_its_address_is_not_used_up(door: Door) -> None:
    bot = await door.bot("trade", addresses=("203.0.113.9/32",))
    shot = bot.signed("POST", ORDERS, ORDER)
    await door.refuses(shot, "address_not_allowed")
    services, person = door.services, bot.person
    async with services.database.write() as tx:
        await services.issuing.change_addresses(
            tx,
            Owner(person.account.id),
            bot.id,
            ("127.0.0.1",),
            proof=door.world.proof(person),
            actor=door.world.actor(person),
            now=door.clock(),
        )
    await door.allows(shot)
    await door.refuses(shot, "replayed")


async def test_ts_12_who_lacks_the_secret_uses_up_nobodys_request(door: Door) -> None:
    """Also who saw the request but can't repeat all of it: a mark is made only after everything else held."""
    shot = door.kt.signed("POST", ORDERS, ORDER)
    await door.refuses(shot.but(sign=door.kb.mac(b"anything")), "signature_mismatch")
    await door.refuses(shot.but(body=ORDER[:-1] + b" }"), "signature_mismatch")
    await door.refuses(shot.but(passphrase=door.kb.passphrase), "passphrase_mismatch")
    await door.refuses(shot.but(key_version=b"1"), "key_version_off")
    await door.refuses(shot.but(key=door.kb.id.encode()), "signature_mismatch")
    await door.refuses(shot, "route_unknown", to=door.futures_port)
    assert len(door.state) == 0
    await door.allows(shot)


async def test_ts_13_what_does_not_hold_is_not_remembered(door: Door) -> None:
    """Two thousand of the catalogue's million: each costs the memory nothing, so their number does not matter."""
    shot = door.kt.signed("POST", ORDERS, ORDER)
    async with raw.line(door.port) as line:
        for number in range(2_000):
            await line.send(shot.but(sign=door.kb.mac(str(number).encode())).bytes)
            reply = await line.reply()
            assert reply is not None
            assert reply.status == 401
    assert len(door.state) == 0


async def set_back(door: Door, *, seconds: int) -> None:
    """Set the clock back. Limits knew a later time: they count as empty now, and fill up again as fast as ever."""
    door.clock.advance(seconds=-seconds)
    for _ in range(2):  # the address, then the account
        await door.refuses(door.kt.signed("GET", FILLS), "too_many_requests")
        door.clock.advance(ms=1)
    await door.allows(door.kt.signed("GET", FILLS))


async def salvo(door: Door, data: bytes, *, copies: int) -> dict[int, int]:
    """Send copies at once, each over a connection of its own; return how often each status came."""
    ready = asyncio.Barrier(copies)

    async def one() -> int:
        async with raw.line(door.port) as line:
            await ready.wait()
            await line.send(data)
            reply = await line.reply()
            assert reply is not None
            door.check_answer(reply)
            return reply.status

    return dict(Counter(await asyncio.gather(*(one() for _ in range(copies)))))
