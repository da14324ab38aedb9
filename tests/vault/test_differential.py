"""Differential questions against doubles that merge causes as the exchanges do."""

from __future__ import annotations

import re

import pytest

from keywright.vault.client import VenueClient, Ways
from keywright.vault.destinations import read_origin
from keywright.vault.differential import Found, differential
from keywright.vault.evidence import Exchange, Right
from keywright.vault.factors import Factor
from keywright.vault.way_out import Egress
from keywright.vault.wire_reply import Reply
from tests.doubles.binance import BinanceDouble, no_key
from tests.doubles.bitfinex import BitfinexDouble
from tests.doubles.exchange import Double, DoubleKey, Said, running
from tests.doubles.kucoin import KucoinDouble
from tests.support.clock import FakeClock
from tests.vault.ways import ADDRESS, client, pasted, ways

ELSEWHERE = "127.0.0.9"


async def found(double: Double, key: DoubleKey, clock: FakeClock, *, second: bool = False, **rest: object) -> Found:
    async with client(double, clock) as own, client(double, clock, address=ELSEWHERE) as other:
        return await differential(
            own,
            pasted(double, key),
            address=ADDRESS,
            second=other if second else None,
            **rest,  # type: ignore[arg-type]
        )


async def test_a_key_that_works_is_said_to(binance: BinanceDouble, clock: FakeClock) -> None:
    told, probe = await found(binance, binance.new_key(addresses=(ADDRESS,)), clock)
    assert told.factors == (Factor.NOTHING,)
    assert probe is not None


async def test_a_clock_that_is_corrected_here_and_may_stop_others_is_told(
    binance: BinanceDouble, clock: FakeClock
) -> None:
    binance.skew_ms = -2_500
    told, _ = await found(binance, binance.new_key(addresses=(ADDRESS,)), clock)
    assert told.factors == (Factor.NOTHING,)
    assert re.match(
        r"this machine's clock is 2\.[3-7] seconds ahead of Binance's; here that is corrected", told.proved[1]
    )


async def test_a_missing_right_is_named_by_its_box(binance: BinanceDouble, clock: FakeClock) -> None:
    said = no_key("/fapi/v1/order", ADDRESS)
    told, _ = await found(
        binance,
        binance.new_key(addresses=(ADDRESS,)),
        clock,
        refused=Reply(said.status, said.body),
        wanted=Right.FUTURES,
    )
    assert told.factors == (Factor.PERMISSION,)
    assert "“Enable Futures”" in told.hint
    assert "key, secret, clock and address are right" in told.proved[0]


async def test_a_deleted_key_and_a_foreign_address_are_told_apart_by_a_second_address(
    binance: BinanceDouble, clock: FakeClock
) -> None:
    gone, foreign = binance.new_key(addresses=()), binance.new_key(addresses=(ELSEWHERE,))
    gone.deleted = True
    told, _ = await found(binance, gone, clock, second=True)
    assert told.factors == (Factor.ADDRESS, Factor.KEY, Factor.ENVIRONMENT)
    assert "refused as well" in told.proved[1]
    told, _ = await found(binance, foreign, clock, second=True)
    assert told.factors == (Factor.ADDRESS,)
    assert told.is_certain


async def test_a_key_of_the_test_network_is_found_there_and_nothing_usable_was_sent(
    binance: BinanceDouble, clock: FakeClock
) -> None:
    async with running(BinanceDouble(clock)) as testnet:
        key = testnet.new_key(addresses=())
        here = ways(binance, clock)
        there = {Exchange.BINANCE: {"Binance Spot Test Network": read_origin(testnet.url, loopback=True)}}
        both = Ways(clock=clock, nonces=here.nonces, origins=here.origins, elsewhere=there)
        async with VenueClient(Exchange.BINANCE, Egress(ADDRESS), both) as own:
            told, _ = await differential(own, pasted(testnet, key), address=ADDRESS)
        assert told.factors == (Factor.ENVIRONMENT,)
        assert told.message == "this key belongs to Binance Spot Test Network"
        signed = [one for one in testnet.seen if "signature" in one.target]
    # What was signed there is signed with a secret of nobody's: at the exchange itself it is worth nothing.
    binance.add(key)
    assert signed
    for one in signed:
        async with client(binance, clock) as own:
            reply = await own._wire.send("GET", one.target.encode(), [(b"x-mbx-apikey", key.key.encode())])
        assert b"-1022" in reply.body


async def test_a_wrong_secret_is_named(binance: BinanceDouble, bitfinex: BitfinexDouble, clock: FakeClock) -> None:
    for double, key in ((binance, binance.new_key(addresses=(ADDRESS,))), (bitfinex, bitfinex.new_key())):
        wrong = DoubleKey(key.key, "s" * len(key.secret))
        told, _ = await found(double, wrong, clock)
        assert told.factors == (Factor.SECRET,), double.name


async def test_kucoin_says_which_of_key_passphrase_and_address(kucoin: KucoinDouble, clock: FakeClock) -> None:
    key = kucoin.new_key()
    foreign = kucoin.new_key(addresses=(ELSEWHERE,))
    unread = kucoin.new_key("Spot")
    for tried, factor in (
        (DoubleKey("0" * 24, key.secret, key.passphrase), Factor.KEY),
        (DoubleKey(key.key, key.secret, "Wrong1234"), Factor.PASSPHRASE),
        (foreign, Factor.ADDRESS),
        (unread, Factor.PERMISSION),
    ):
        told, _ = await found(kucoin, tried, clock)
        assert told.factor is factor
    told, _ = await found(kucoin, foreign, clock)
    assert f"does not take this key from {ADDRESS}" in told.message


async def test_a_bitfinex_key_bound_elsewhere_is_told_from_an_unknown_one(
    bitfinex: BitfinexDouble, clock: FakeClock
) -> None:
    told, _ = await found(bitfinex, bitfinex.new_key(addresses=(ELSEWHERE,)), clock, second=True)
    assert told.factors == (Factor.ADDRESS,)
    told, _ = await found(bitfinex, DoubleKey("k" * 43, "s" * 43), clock)
    assert told.factors == (Factor.KEY, Factor.SECRET, Factor.ADDRESS)  # it is known to say that of a signature, too


async def test_a_clock_that_can_not_be_corrected_is_said_in_seconds(kucoin: KucoinDouble, clock: FakeClock) -> None:
    kucoin.skew_ms = 90_000
    told, _ = await found(kucoin, kucoin.new_key(), clock)
    assert told.factors == (Factor.CLOCK,)
    assert re.match(r"this machine's clock is (89\.[5-9]|90\.[0-4]) seconds behind KuCoin's", told.message)


async def test_a_firewall_is_the_network_and_the_key_is_not_asked_about(kucoin: KucoinDouble, clock: FakeClock) -> None:
    kucoin.say_next(Said(403, b"<html><title>Error 1015</title></html>", "text/html"))
    told, _ = await found(kucoin, kucoin.new_key(), clock)
    assert told.factors == (Factor.NETWORK,)


@pytest.mark.parametrize("slow", [False, True])
async def test_nothing_answers(clock: FakeClock, *, slow: bool) -> None:
    double = KucoinDouble(clock)
    await double.start()
    if not slow:
        await double.stop()
    double.slow_s = 30
    async with client(double, clock) as own:
        own._wire._session._timeout = own._wire._session.timeout.__class__(total=0.05)
        told, _ = await differential(own, pasted(double, double.new_key()))
    if slow:
        await double.stop()
    assert told.factors == (Factor.NETWORK,)
