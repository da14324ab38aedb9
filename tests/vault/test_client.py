"""The client against doubles that verify what it signs."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from keywright.vault.client import Denied, VenueClient, Ways, is_bound
from keywright.vault.clocks import LEAP_MS, ClockOff, Nonces, NoncesInMemory
from keywright.vault.evidence import Exchange, Grade, Probe, Right
from keywright.vault.venues.venue import NotUnderstood
from keywright.vault.way_out import Egress, EgressGone
from keywright.vault.wire import Unreachable
from tests.doubles.binance import BinanceDouble
from tests.doubles.bitfinex import BitfinexDouble
from tests.doubles.exchange import Said
from tests.doubles.kucoin import KucoinDouble, ok
from tests.support.clock import FakeClock
from tests.vault.ways import ADDRESS, client, pasted, ways


async def test_kucoin_tells_rights_addresses_and_where_it_saw_us(kucoin: KucoinDouble, clock: FakeClock) -> None:
    key = kucoin.new_key("General", "Spot", "Transfer", addresses=(ADDRESS,))
    async with client(kucoin, clock) as asking:
        probe = await asking.probe(pasted(kucoin, key))
    assert probe.may(Right.READ)
    assert probe.may(Right.WITHDRAW)
    assert not probe.may(Right.INTERNAL_TRANSFER)
    assert probe.addresses == ("127.**.7",)
    assert probe.seen_address == ADDRESS
    assert probe.created_at == key.created_at
    assert kucoin.peers == {ADDRESS}
    assert Probe.read(json.loads(json.dumps(probe.written()))) == probe


@pytest.mark.parametrize("kind", ["hmac", "ed25519"])
async def test_binance_tells_every_flag(binance: BinanceDouble, clock: FakeClock, kind: str) -> None:
    flags = {"enableFutures": True, "addresses": (ADDRESS,)}
    key = binance.new_key(**flags) if kind == "hmac" else binance.new_ed25519_key(**flags)  # type: ignore[arg-type]
    async with client(binance, clock) as asking:
        probe = await asking.probe(pasted(binance, key))
    assert probe.may(Right.FUTURES)
    assert not probe.may(Right.WITHDRAW)
    assert probe.of(Right.ADDRESS_FILTER).grade is Grade.PROVEN
    assert probe.of(Right.ADDRESS_FILTER).said == "ipRestrict"
    assert binance.peers == {ADDRESS}


async def test_bitfinex_tells_scopes_and_nothing_of_addresses(bitfinex: BitfinexDouble, clock: FakeClock) -> None:
    key = bitfinex.new_key(ui_withdraw=(0, 1))
    async with client(bitfinex, clock) as asking:
        probe = await asking.probe(pasted(bitfinex, key))
    assert [one.said for one in probe.evidence if one.right is Right.WITHDRAW and one.allowed] == ["ui_withdraw write"]
    assert probe.of(Right.ADDRESS_FILTER).grade is Grade.UNPROVABLE
    assert [one.path for one in bitfinex.seen] == ["/v2/auth/r/permissions"]  # it needs no clock


@pytest.mark.parametrize("skew_ms", [-25_000, -3_000, 3_000, 25_000])
async def test_an_offset_is_measured_and_corrected(binance: BinanceDouble, clock: FakeClock, skew_ms: int) -> None:
    binance.skew_ms = skew_ms
    async with client(binance, clock) as asking:
        await asking.probe(pasted(binance, binance.new_key(addresses=(ADDRESS,))))
        assert abs((await asking.time.known()).skew_ms + skew_ms) < 500
    assert [one.path for one in binance.seen].count("/api/v3/time") == 5


@pytest.mark.parametrize(("skew_ms", "said"), [(60_000, "behind KuCoin's"), (-60_000, "ahead of KuCoin's")])
async def test_agt_14_what_can_not_be_corrected_is_said_in_seconds(
    kucoin: KucoinDouble, clock: FakeClock, skew_ms: int, said: str
) -> None:
    kucoin.skew_ms = skew_ms
    key = pasted(kucoin, kucoin.new_key())
    async with client(kucoin, clock) as asking:
        with pytest.raises(ClockOff, match=r"^this machine's clock is (59\.[5-9]|60\.[0-4]) seconds " + said) as off:
            await asking.probe(key)
    assert off.value.exit_code == 13
    assert not [one for one in kucoin.seen if "kc-api-sign" in one.headers]


async def test_a_clock_that_jumps_meanwhile_is_measured_again_and_the_request_signed_anew(
    kucoin: KucoinDouble, clock: FakeClock
) -> None:
    key = pasted(kucoin, kucoin.new_key())
    async with client(kucoin, clock) as asking:
        await asking.probe(key)
        kucoin.skew_ms = 20_000  # the exchange's, as it looks from here after this machine slept
        await asking.probe(key)
    stamps = [one.headers["kc-api-timestamp"] for one in kucoin.seen if "kc-api-timestamp" in one.headers]
    assert len(set(stamps)) == len(stamps) == 3
    assert [one.path for one in kucoin.seen].count("/api/v1/timestamp") == 10


async def test_nonces_rise_over_processes_and_requests_of_one_key_wait_for_one_another(
    bitfinex: BitfinexDouble, clock: FakeClock
) -> None:
    key = pasted(bitfinex, bitfinex.new_key())
    shared = ways(bitfinex, clock)
    async with (
        VenueClient(Exchange.BITFINEX, Egress(ADDRESS), shared) as one,
        VenueClient(Exchange.BITFINEX, Egress("127.0.0.8"), shared) as other,
    ):
        replies = await asyncio.gather(
            *(asking.send(key, "POST", b"/v2/auth/r/wallets") for asking in (one, other) * 10)
        )
    assert {reply.status for reply in replies} == {200}
    nonces = [int(seen.headers["bfx-nonce"]) for seen in bitfinex.seen]
    assert nonces == sorted(set(nonces))
    assert len(nonces) == 20


async def test_a_nonce_below_one_another_program_used_is_not_repeated_but_raised(
    bitfinex: BitfinexDouble, clock: FakeClock
) -> None:
    held = bitfinex.new_key()
    held.last_nonce = (clock() + 40_000) * 1_000  # what another program, whose clock is ahead, has just used
    async with client(bitfinex, clock) as asking:
        for _ in range(2):
            reply = await asking.send(pasted(bitfinex, held), "POST", b"/v2/auth/r/wallets")
            assert reply.status == 200
    assert len(bitfinex.seen) == 8  # the second time nothing had to be tried
    assert held.last_nonce <= (bitfinex.now + LEAP_MS) * 1_000


@pytest.mark.parametrize("ahead_ms", [0, 1_500, 8_000])
async def test_a_bot_that_counts_milliseconds_goes_on_after_its_key_was_asked_about(
    bitfinex: BitfinexDouble, clock: FakeClock, ahead_ms: int
) -> None:
    """ccxt does, and with it freqtrade. Of one nonce in microseconds none of theirs would ever be taken again."""
    held = bitfinex.new_key()
    asking_ways = ways(bitfinex, clock)
    held.last_nonce = bitfinex.now + ahead_ms  # the bot's, by a clock that may be ahead
    async with VenueClient(Exchange.BITFINEX, Egress(ADDRESS), asking_ways) as asking:
        await asking.probe(pasted(bitfinex, held))
    assert held.last_nonce <= bitfinex.now + ahead_ms * 2


async def test_a_key_that_was_used_in_microseconds_is_asked_about_in_them(
    bitfinex: BitfinexDouble, clock: FakeClock
) -> None:
    """As the official libraries count. A bot's next one must not have been leapt over."""
    held = bitfinex.new_key()
    asking_ways = ways(bitfinex, clock)
    held.last_nonce = (bitfinex.now - 3_000) * 1_000
    async with VenueClient(Exchange.BITFINEX, Egress(ADDRESS), asking_ways) as asking:
        await asking.probe(pasted(bitfinex, held))
    assert held.last_nonce <= bitfinex.now * 1_000
    seen = len(bitfinex.seen)
    async with VenueClient(Exchange.BITFINEX, Egress(ADDRESS), asking_ways) as asking:
        await asking.probe(pasted(bitfinex, held))
    assert len(bitfinex.seen) == seen + 1  # known from then on


async def test_targets_go_as_they_are(binance: BinanceDouble, clock: FakeClock) -> None:
    key = pasted(binance, binance.new_key(addresses=(ADDRESS,)))
    async with client(binance, clock) as asking:
        reply = await asking.send(key, "GET", b"/api/v3/order?newClientOrderId=a%2Fb%20c%7E&symbol=BTCUSDT")
    assert reply.status == 200
    assert binance.seen[-1].target.startswith("/api/v3/order?newClientOrderId=a%2Fb%20c%7E&symbol=BTCUSDT&timestamp=")


async def test_an_address_that_is_gone_is_an_error_and_nothing_leaves(kucoin: KucoinDouble, clock: FakeClock) -> None:
    async with client(kucoin, clock, address="192.0.2.77") as asking:
        with pytest.raises(EgressGone, match=r"192\.0\.2\.77 of this connection is not on this machine"):
            await asking.probe(pasted(kucoin, kucoin.new_key()))
    assert kucoin.seen == []


async def test_ssrf_07_redirects_are_not_followed_and_long_answers_are_cut_off(
    kucoin: KucoinDouble, clock: FakeClock
) -> None:
    key = pasted(kucoin, kucoin.new_key())
    async with client(kucoin, clock) as asking:
        await asking.time.known()
        for status in (301, 302, 307, 308):
            kucoin.say_next(Said(status, b"", headers={"location": f"{kucoin.url}/inside"}))
            with pytest.raises(Denied):
                await asking.probe(key)
        kucoin.say_next(Said(200, b"x" * (4 * 1024 * 1024 + 1)))
        with pytest.raises(Unreachable, match="more than 4194304 bytes"):
            await asking.probe(key)
        bomb = Said(200, b"\x1f\x8b\x08\x00 not inflated", headers={"content-encoding": "gzip"})
        kucoin.say_next(bomb)
        with pytest.raises(NotUnderstood):
            await asking.probe(key)
    assert "/inside" not in {one.path for one in kucoin.seen}


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"key": "0" * 24}, 4, "KuCoin does not know this key"),
        ({"passphrase": "Wrong1234"}, 4, "the passphrase is wrong, or the secret"),
        ({"addresses": ("127.0.0.9",)}, 11, f"KuCoin does not take this key from {ADDRESS}"),
        ({"rights": {"permission": "Spot"}}, 6, "the key has not the right that this needs"),
    ],
)
async def test_b5_a_refusal_says_what_is_to_blame_and_what_to_do(
    kucoin: KucoinDouble, clock: FakeClock, change: dict[str, object], code: int, said: str
) -> None:
    key = kucoin.new_key()
    tried = pasted(kucoin, replace(key, **change))  # type: ignore[arg-type]
    key.addresses = change.get("addresses", ())  # type: ignore[assignment]
    key.rights = change.get("rights", key.rights)  # type: ignore[assignment]
    async with client(kucoin, clock) as asking:
        with pytest.raises(Denied) as denied:
            await asking.probe(tried)
    assert said in denied.value.message
    assert denied.value.hint
    assert denied.value.exit_code == code


async def test_an_answer_about_another_key_is_not_taken_for_this_ones(kucoin: KucoinDouble, clock: FakeClock) -> None:
    """A cache that confuses people must not make a key look harmless."""
    key, other = kucoin.new_key("General", "Transfer"), kucoin.new_key("General")
    async with client(kucoin, clock) as asking:
        await asking.time.known()
        kucoin.say_next(ok(kucoin.told(other)))
        with pytest.raises(NotUnderstood):
            await asking.probe(pasted(kucoin, key))
        kucoin.say_next(ok(kucoin.told(key) | {"apiKey": f"{key.key[:4]}****{key.key[-4:]}"}))
        assert (await asking.probe(pasted(kucoin, key))).may(Right.WITHDRAW)


async def test_a_page_is_no_answer(bitfinex: BitfinexDouble, clock: FakeClock) -> None:
    bitfinex.say_next(Said(200, b"<!DOCTYPE html><title>Just a moment...</title>", "text/html"))
    async with client(bitfinex, clock) as asking:
        with pytest.raises(NotUnderstood):
            await asking.probe(pasted(bitfinex, bitfinex.new_key()))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"code": "200000"},
        {"code": "200000", "data": []},
        {"code": "200000", "data": {"permission": "", "createdAt": 1}},
        {"code": "200000", "data": {"permission": "General,,Spot", "createdAt": 1}},
        {"code": "200000", "data": {"permission": ["General"], "createdAt": 1}},
        {"code": "200000", "data": {"permission": "General", "createdAt": True}},
        {"code": "200000", "data": {"permission": "General", "createdAt": 1, "ipWhitelist": ["1.2.3.4"]}},
        {"code": "200000", "data": {"permission": "x" * 65, "createdAt": 1}},
        {"code": "200000", "data": {"permission": ",".join(f"x{number}" for number in range(65)), "createdAt": 1}},
        *(
            {"code": "200000", "data": {"permission": "General", "createdAt": 1, "ipWhitelist": listed}}
            # Neither an address nor one shown in part: perhaps a way to say "any".
            for listed in ("*", "127.**.7,*.*.*.*", "0.0.0.0", "0.0.0.0/0,127.**.7", "::", "::/0", "any", "1." * 40)
        ),
    ],
)
def test_kucoin_is_never_guessed_at(body: object) -> None:
    from keywright.vault.venues.kucoin import read_permissions

    with pytest.raises(NotUnderstood):
        read_permissions(json.dumps(body).encode(), at=1)


WELL = {
    "ipRestrict": True,
    "createTime": 1,
    "enableReading": True,
    "enableSpotAndMarginTrading": True,
    "enableWithdrawals": False,
    "enableInternalTransfer": False,
    "permitsUniversalTransfer": False,
}


@pytest.mark.parametrize(
    "body",
    [
        [],
        *({name: value for name, value in WELL.items() if name != left_out} for left_out in WELL),
        WELL | {"enableWithdrawals": 0},
        WELL | {"enableFutures": "false"},
        WELL | {"createTime": None},
        WELL | {"tradingAuthorityExpirationTime": "soon"},
        WELL | {f"enable{number}": True for number in range(100)},
    ],
)
def test_binance_is_never_guessed_at(body: object) -> None:
    from keywright.vault.venues.binance import read_permissions

    with pytest.raises(NotUnderstood):
        read_permissions(json.dumps(body).encode(), at=1)


ROWS = [["withdraw", 0, 0], ["wallets", 1, 0]]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        ROWS[:1],
        ROWS[1:],
        [*ROWS, ["withdraw", 0, 0]],
        [*ROWS, ["orders", 1]],
        [*ROWS, ["orders", 1, 2]],
        [*ROWS, ["orders", True, False]],
        [*ROWS, ["orders", 1, None]],
        [*ROWS, [7, 1, 0]],
        [*ROWS, "orders"],
    ],
)
def test_bitfinex_is_never_guessed_at(body: object) -> None:
    from keywright.vault.venues.bitfinex import read_permissions

    with pytest.raises(NotUnderstood):
        read_permissions(json.dumps(body).encode(), at=1)


async def test_a_second_address_proves_a_filter_or_that_there_is_none(
    bitfinex: BitfinexDouble, clock: FakeClock
) -> None:
    bound, open_to_all = bitfinex.new_key(addresses=(ADDRESS,)), bitfinex.new_key()
    async with client(bitfinex, clock, address="127.0.0.9") as elsewhere:
        assert await is_bound(elsewhere, pasted(bitfinex, bound)) is True
        assert await is_bound(elsewhere, pasted(bitfinex, open_to_all)) is False
        for nothing in (Said(403, b"<html>1015</html>", "text/html"), Said(502, b"bad gateway", "text/plain")):
            bitfinex.say_next(nothing)
            assert await is_bound(elsewhere, pasted(bitfinex, bound)) is None
    async with client(bitfinex, clock, address="203.0.113.9") as gone:
        assert await is_bound(gone, pasted(bitfinex, bound)) is None


async def test_a_read_that_found_its_connection_ended_is_signed_anew_and_a_write_is_never_sent_twice(
    kucoin: KucoinDouble, bitfinex: BitfinexDouble, clock: FakeClock
) -> None:
    for double, key, read, write in (
        (kucoin, kucoin.new_key(), ("GET", b"/api/v1/accounts"), ("DELETE", b"/api/v1/orders/1")),
        (bitfinex, bitfinex.new_key(), ("POST", b"/v2/auth/r/wallets"), ("POST", b"/v2/auth/w/order/submit")),
    ):
        async with client(double, clock) as asking:
            await asking.probe(pasted(double, key))
            double.hangs_up, before = 1, len(double.seen)
            assert (await asking.send(pasted(double, key), *read)).status == 200
            once, again = double.seen[before:]
            assert once.headers != again.headers  # another stamp, another signature
            double.hangs_up, before = 1, len(double.seen)
            with pytest.raises(Unreachable, match="broke the connection off"):
                await asking.send(pasted(double, key), *write)
            assert len(double.seen) == before + 1


async def test_what_does_not_answer_is_said_to_be_the_network(clock: FakeClock) -> None:
    double = KucoinDouble(clock)
    await double.start()
    await double.stop()
    async with client(double, clock) as asking:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1 can't be reached"):
            await asking.probe(pasted(double, double.new_key()))


def test_nothing_of_the_installation_is_guessed() -> None:
    ours = Ways(clock=FakeClock(), nonces=Nonces(NoncesInMemory(), clock=FakeClock()), origins={})
    assert str(ours.origin(Exchange.KUCOIN)) == "https://api.kucoin.com"
