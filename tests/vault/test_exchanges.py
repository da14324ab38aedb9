"""The whole way of a key, with the exchanges' doubles: signed, through its own address, judged by what they answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from keywright.app.chores import check_connections
from keywright.app.services import Services, wire
from keywright.identity.passwords import CHEAPEST
from keywright.identity.policy_model import Policy
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.storage.transaction import Database
from keywright.vault import rules
from keywright.vault.destinations import read_origin
from keywright.vault.evidence import Exchange, Grade, Right
from keywright.vault.model import Connection, NewConnection, Pasted, Status
from keywright.vault.seam import KeyDenied, KeyRefused
from keywright.vault.way_out import EgressGone
from tests.doubles.binance import BinanceDouble
from tests.doubles.bitfinex import BitfinexDouble
from tests.doubles.exchange import Double, DoubleKey, Said
from tests.doubles.kucoin import KucoinDouble
from tests.support.clock import FakeClock
from tests.support.world import Person, World
from tests.vault.conftest import Dealings, Told

OURS = "127.0.0.7"


@dataclass
class Market:
    """Three exchanges, and somebody who has keys at them."""

    dealings: Dealings
    ada: Person
    kucoin: KucoinDouble
    binance: BinanceDouble
    bitfinex: BitfinexDouble

    async def connect(self, double: Double, key: DoubleKey, *accept: str) -> Connection:
        """Reserve an address and have a key held, called after its exchange."""
        world, vault = self.dealings.world, self.dealings.vault
        passphrase = Secret(key.passphrase) if key.passphrase else None
        given = Pasted(key.key, Secret(key.secret), passphrase, frozenset(accept))
        actor, proof, now = world.actor(self.ada), world.proof(self.ada), world.clock()
        await vault.reserve(self.ada.account.id, double.name, actor=actor, now=now)
        new = NewConnection(double.name, double.name, given)
        return await vault.connect(self.ada.account.id, new, proof=proof, actor=actor, now=now)


@pytest.fixture
async def services(
    sqlite: Database,
    keyring: Keyring,
    clock: FakeClock,
    kucoin: KucoinDouble,
    binance: BinanceDouble,
    bitfinex: BitfinexDouble,
) -> Services:
    doubles: tuple[Double, ...] = (kucoin, binance, bitfinex)
    origins = {Exchange(double.name): read_origin(double.url, loopback=True) for double in doubles}
    services = wire(sqlite, keyring, policy=Policy(), clock=clock, hasher=CHEAPEST, origins=origins)
    async with sqlite.write() as tx:
        await services.audit.begin(tx)
    return services


@pytest.fixture
async def market(
    services: Services, clock: FakeClock, kucoin: KucoinDouble, binance: BinanceDouble, bitfinex: BitfinexDouble
) -> Market:
    world = World(services, clock)
    dealings = Dealings(world, Told())
    await dealings.pool(OURS)
    return Market(dealings, await world.person(), kucoin, binance, bitfinex)


async def test_a_key_of_each_exchange_is_held_and_used_from_its_address_alone(market: Market) -> None:
    async with market.dealings.services.database.write() as tx:
        await market.dealings.vault.pool.share(
            tx, OURS, shared=True, actor=market.dealings.world.actor(market.ada), now=1
        )
    bound: dict[str, Any] = {"addresses": (OURS,)}
    kucoin, binance = market.kucoin.new_key(**bound), market.binance.new_key(**bound)
    bitfinex = market.bitfinex.new_key(**bound)
    await market.connect(market.kucoin, kucoin)
    await market.connect(market.binance, binance)
    with pytest.raises(KeyRefused) as refused:
        await market.connect(market.bitfinex, bitfinex)
    assert (refused.value.exit_code, [one.accept for one in refused.value.findings if one.refuses]) == (
        12,
        ["unproven-address-filter"],
    )
    await market.connect(market.bitfinex, bitfinex, "unproven-address-filter")
    for double, key in ((market.kucoin, kucoin), (market.binance, binance), (market.bitfinex, bitfinex)):
        handed = await market.dealings.hand_out(market.ada, double.name)
        assert (handed.key, handed.secret.reveal_text()) == (key.key, key.secret)
        assert double.peers == {OURS}


async def test_where_a_key_works_from_is_proved_by_trying_it_from_elsewhere(market: Market) -> None:
    """Bitfinex does not tell. From a second address, to be used for this alone, a bound key is refused, another one not."""
    async with market.dealings.services.database.write() as tx:
        place = rules.egress_place("127.0.0.9")
        await market.dealings.vault.pool.add(
            tx, place, trial=True, actor=market.dealings.world.actor(market.ada), now=1
        )
    free = market.bitfinex.new_key()
    with pytest.raises(KeyRefused) as refused:
        await market.connect(market.bitfinex, free, "unproven-address-filter")
    assert refused.value.exit_code == 11
    bound = market.bitfinex.new_key(addresses=(OURS,))
    made = await market.connect(market.bitfinex, bound)
    evidence = made.record.probe.of(Right.ADDRESS_FILTER)
    assert (evidence.allowed, evidence.grade, made.record.accepted) == (True, Grade.PROVEN, ())
    assert market.bitfinex.peers == {OURS, "127.0.0.9"}
    assert {seen.path for seen in market.bitfinex.seen if seen.peer == "127.0.0.9"} == {"/v2/auth/r/permissions"}
    bound.addresses = ()
    market.dealings.clock.advance(days=1)
    await check_connections(market.dealings.services)
    assert (await market.dealings.shown(market.ada, "bitfinex")).record.status is Status.SUSPENDED


async def test_what_each_exchange_must_not_allow_is_refused(market: Market) -> None:
    bound: dict[str, Any] = {"addresses": (OURS,)}
    exits = {
        10: [
            (market.kucoin, market.kucoin.new_key("General", "Spot", "Transfer", **bound)),
            (market.kucoin, market.kucoin.new_key("General", "Spot", "InnerTransfer", **bound)),
            (market.binance, market.binance.new_key(enableWithdrawals=True, **bound)),
        ],
        11: [(market.binance, market.binance.new_key(addresses=())), (market.kucoin, market.kucoin.new_key())],
    }
    for code, keys in exits.items():
        for double, key in keys:
            with pytest.raises(KeyRefused) as refused:
                await market.connect(double, key)
            assert refused.value.exit_code == code, key
    async with market.dealings.services.database.read() as tx:
        assert await market.dealings.vault.everyone(tx) == []


async def test_a_key_that_is_wrong_in_some_way_is_said_to_be_and_not_kept(market: Market) -> None:
    good = market.kucoin.new_key(addresses=(OURS,))
    wrong = DoubleKey(good.key, good.secret, "another-Passphrase")
    unknown = DoubleKey("0" * 24, good.secret, good.passphrase)
    elsewhere = market.kucoin.new_key(addresses=("127.0.0.9",))
    for key in (wrong, unknown, elsewhere):
        with pytest.raises(KeyDenied):
            await market.connect(market.kucoin, key)
    await market.connect(market.kucoin, good)


async def test_a_key_that_is_deleted_at_its_exchange_is_found_out(market: Market) -> None:
    key = market.kucoin.new_key(addresses=(OURS,))
    await market.connect(market.kucoin, key)
    key.deleted = True
    for _ in range(2):
        market.dealings.clock.advance(days=1)
        await check_connections(market.dealings.services)
    assert (await market.dealings.shown(market.ada, "kucoin")).record.status is Status.SUSPENDED


async def test_an_address_that_is_not_this_machines_is_an_error_and_no_other_is_taken(market: Market) -> None:
    async with market.dealings.services.database.write() as tx:
        await market.dealings.vault.pool.remove(tx, OURS, actor=market.dealings.world.actor(market.ada), now=1)
    await market.dealings.pool("203.0.113.7")
    with pytest.raises(EgressGone, match="on this machine"):
        await market.connect(market.kucoin, market.kucoin.new_key())
    assert market.kucoin.seen == []


async def test_n14_the_nonces_of_a_held_key_rise_over_restarts_and_a_clock_set_back(
    market: Market, keyring: Keyring
) -> None:
    key = market.bitfinex.new_key(addresses=(OURS,))
    with pytest.raises(KeyRefused):
        await market.connect(market.bitfinex, key)
    await market.connect(market.bitfinex, key, "unproven-address-filter")
    services, actor = market.dealings.services, market.dealings.world.actor(market.ada)
    await services.vault.check(market.ada.account.id, "bitfinex", actor=actor, now=market.dealings.clock())
    highest = key.last_nonce
    market.dealings.clock.advance(seconds=-3600)
    again = wire(
        *(services.database, keyring),
        policy=Policy(),
        clock=market.dealings.clock,
        hasher=CHEAPEST,
        origins=services.ways.origins,
    )
    await again.vault.check(market.ada.account.id, "bitfinex", actor=actor, now=market.dealings.clock())
    assert key.last_nonce == highest + 1


PAGE = Said(403, b"<html><title>Access denied</title>", "text/html")


@pytest.mark.parametrize(
    "answer", [PAGE, replace(PAGE, status=401), Said(403, b"", "text/plain"), Said(403, b'{"error_code":1020}')]
)
async def test_what_stands_before_an_exchange_says_nothing_of_a_key(market: Market, answer: Said) -> None:
    """A firewall that is closed for an hour must not suspend every key there."""
    await market.connect(market.kucoin, market.kucoin.new_key(addresses=(OURS,)))
    for _ in range(3):
        market.dealings.clock.advance(days=1)
        market.kucoin.say_next(answer)
        await check_connections(market.dealings.services)
    shown = await market.dealings.shown(market.ada, "kucoin")
    assert (shown.record.status, shown.record.reasons) == (Status.ACTIVE, ())


async def test_an_exchange_that_bans_is_asked_again_when_the_ban_is_over(market: Market) -> None:
    await market.connect(market.binance, market.binance.new_key(addresses=(OURS,)))
    market.dealings.clock.advance(days=1)
    banned = b'{"code":-1003,"msg":"Way too many requests; IP banned until 1700000000000."}'
    market.binance.say_next(Said(418, banned, headers={"Retry-After": "7200"}))
    await check_connections(market.dealings.services)
    asked = len(market.binance.seen)
    market.dealings.clock.advance(ms=7_199_999)
    await check_connections(market.dealings.services)
    assert len(market.binance.seen) == asked
    market.dealings.clock.advance(ms=1)
    await check_connections(market.dealings.services)
    assert len(market.binance.seen) > asked
