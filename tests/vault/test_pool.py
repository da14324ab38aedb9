"""Egress addresses: one for a connection, its own for good, and shown before the key is made."""

from __future__ import annotations

import asyncio

import pytest

from keywright.audit.events import Actor
from keywright.errors import Busy, Conflict, Invalid, NotFound, Unusable
from keywright.secret import Secret
from keywright.vault import rules
from keywright.vault.model import EgressAddress, EgressKind, NewConnection, Reservation
from keywright.vault.rules import RESERVED_MS
from keywright.vault.way_out import EgressGone
from tests.support.world import Person
from tests.vault.conftest import ADDRESS, OTHER, Dealings, kucoin, probed

OPERATOR = Actor("operator")


async def reserve(dealings: Dealings, person: Person, exchange: str = "kucoin") -> Reservation:
    actor = dealings.world.actor(person)
    return await dealings.vault.reserve(person.account.id, exchange, actor=actor, now=dealings.clock())


async def share(dealings: Dealings, wanted: str, *, shared: bool = True) -> EgressAddress:
    async with dealings.services.database.write() as tx:
        return await dealings.vault.pool.share(tx, wanted, shared=shared, actor=OPERATOR, now=dealings.clock())


async def remove(dealings: Dealings, wanted: str) -> None:
    async with dealings.services.database.write() as tx:
        await dealings.vault.pool.remove(tx, wanted, actor=OPERATOR, now=dealings.clock())


async def test_an_address_is_reserved_for_one_and_given_again_to_who_has_it(dealings: Dealings) -> None:
    ada, bob = await dealings.world.person(), await dealings.world.person("bob@example.org")
    await dealings.pool()
    first = await reserve(dealings, ada)
    dealings.clock.advance(seconds=60)
    again = await reserve(dealings, ada)
    assert (again.id, again.egress.id) == (first.id, first.egress.id)
    assert again.expires_at == dealings.clock() + RESERVED_MS
    with pytest.raises(Conflict, match="no egress address is free"):
        await reserve(dealings, bob)
    assert (await reserve(dealings, ada, "binance")).egress.id == first.egress.id  # whichever key is made first has it
    dealings.clock.advance(ms=RESERVED_MS)
    assert (await reserve(dealings, bob)).egress.id == first.egress.id


async def test_of_two_who_reserve_the_last_address_at_once_one_gets_it(dealings: Dealings) -> None:
    people = [await dealings.world.person(f"{name}@example.org") for name in ("ada", "bob", "eve", "sam")]
    await dealings.pool(ADDRESS, OTHER)
    ended = await asyncio.gather(*(reserve(dealings, one) for one in people), return_exceptions=True)
    given = [one.egress.place for one in ended if isinstance(one, Reservation)]
    assert sorted(given) == [ADDRESS, OTHER]
    assert sum(isinstance(one, Conflict) for one in ended) == 2


async def test_with_no_address_at_all_the_operator_is_told_what_to_do(dealings: Dealings) -> None:
    ada = await dealings.world.person()
    with pytest.raises(Conflict, match="there are no egress addresses yet") as refused:
        await reserve(dealings, ada)
    assert "keywright vault egress add" in refused.value.hint


async def test_a_connection_keeps_its_address_and_nobody_else_gets_it(dealings: Dealings) -> None:
    ada, bob = await dealings.world.person(), await dealings.world.person("bob@example.org")
    await dealings.pool()
    made = await dealings.connect(ada)
    dealings.clock.advance(days=100)
    with pytest.raises(Conflict, match="no egress address is free"):
        await reserve(dealings, bob)
    with pytest.raises(Conflict, match="a connection uses this address"):
        await remove(dealings, ADDRESS)
    shared = await share(dealings, ADDRESS)
    assert (await reserve(dealings, bob)).egress.id == shared.id == made.egress.id
    await share(dealings, ADDRESS, shared=False)
    await dealings.hand_out(ada)  # what it serves already keeps it


async def test_a_reservation_that_ran_out_serves_no_key(dealings: Dealings) -> None:
    """Not even where it runs out while the exchange is asked, and another one gets the address."""
    ada, bob = await dealings.world.person(), await dealings.world.person("bob@example.org")
    await dealings.pool()
    plain = dealings.told.probe

    async def slow(*given: object, **named: object) -> object:
        dealings.told.probe = plain  # type: ignore[method-assign]
        await dealings.vault.release(ada.account.id, "kucoin", actor=dealings.world.actor(ada), now=dealings.clock())
        await reserve(dealings, bob)
        return probed()

    dealings.told.probe = slow  # type: ignore[method-assign, assignment]
    with pytest.raises(Conflict, match="no longer yours"):
        await dealings.connect(ada)
    async with dealings.services.database.read() as tx:
        assert await dealings.vault.everyone(tx) == []


async def test_w3_what_is_shown_was_seen_from_outside_or_is_called_unconfirmed(dealings: Dealings) -> None:
    ada = await dealings.world.person()
    await dealings.pool("any")
    dealings.told.seen = Busy("api.kucoin.com can't be reached")
    unseen = (await reserve(dealings, ada)).egress
    assert (unseen.shown, unseen.is_confirmed(now=dealings.clock())) == ("", False)
    dealings.told.seen = OTHER
    seen = (await reserve(dealings, ada)).egress
    assert (seen.shown, seen.is_confirmed(now=dealings.clock())) == (OTHER, True)
    dealings.clock.advance(days=1, ms=1)
    assert not seen.is_confirmed(now=dealings.clock())
    dealings.told.seen = ADDRESS
    assert (await reserve(dealings, ada)).egress.shown == ADDRESS


async def test_two_ways_out_that_the_world_sees_as_one_serve_one_connection(dealings: Dealings) -> None:
    ada, bob = await dealings.world.person(), await dealings.world.person("bob@example.org")
    await dealings.pool("192.0.2.1", "192.0.2.2")
    dealings.told.seen = ADDRESS
    await dealings.connect(ada)
    reservation = await reserve(dealings, bob)  # nobody has looked through the second one yet
    assert reservation.egress.shown == ADDRESS
    actor, proof, now = dealings.world.actor(bob), dealings.world.proof(bob), dealings.clock()
    new = NewConnection("grid bot", "kucoin", kucoin(2))
    with pytest.raises(Conflict, match="serves another connection"):
        await dealings.vault.connect(bob.account.id, new, proof=proof, actor=actor, now=now)
    with pytest.raises(Conflict, match="no egress address is free"):
        await reserve(dealings, bob)
    await share(dealings, "192.0.2.2")
    await dealings.connect(bob, kucoin(2))


async def test_an_address_of_this_machine_is_the_one_that_a_proxy_is_seen_as(dealings: Dealings) -> None:
    """Also where nobody has looked through the first one yet."""
    ada, bob = await dealings.world.person(), await dealings.world.person("bob@example.org")
    await dealings.pool(ADDRESS, "socks5://192.0.2.66:1080")
    dealings.told.seen = Busy("api.kucoin.com can't be reached")
    assert (await dealings.connect(ada)).egress.place == ADDRESS
    dealings.told.seen = ADDRESS
    assert (await reserve(dealings, bob)).egress.shown == ADDRESS
    actor, proof, now = dealings.world.actor(bob), dealings.world.proof(bob), dealings.clock()
    with pytest.raises(Conflict, match="serves another connection"):
        new = NewConnection("grid bot", "kucoin", kucoin(2))
        await dealings.vault.connect(bob.account.id, new, proof=proof, actor=actor, now=now)


async def test_of_two_ways_out_that_are_seen_as_one_only_one_is_given_at_once(dealings: Dealings) -> None:
    people = [await dealings.world.person(f"{name}@example.org") for name in ("ada", "bob")]
    await dealings.pool("192.0.2.1", "192.0.2.2")
    dealings.told.seen = ADDRESS
    for place in ("192.0.2.1", "192.0.2.2"):
        await dealings.vault.observe(place, now=dealings.clock())
    ended = await asyncio.gather(*(reserve(dealings, one) for one in people), return_exceptions=True)
    assert [type(one) for one in ended if not isinstance(one, Reservation)] == [Conflict]


async def test_a_key_is_not_tried_from_where_nobody_knows_what_the_world_sees(dealings: Dealings) -> None:
    """It may be the address that it works from; then a key that is bound would be called free."""
    ada = await dealings.world.person()
    await dealings.pool()
    async with dealings.services.database.write() as tx:
        for order, text in enumerate(("socks5://192.0.2.66:1080", OTHER)):
            place = rules.egress_place(text)
            await dealings.vault.pool.add(tx, place, trial=True, actor=OPERATOR, now=order)
    egress = (await reserve(dealings, ada)).egress
    async with dealings.services.database.read() as tx:
        trial = await dealings.vault.pool.trial(tx, await dealings.vault.pool.outlet(tx, egress.id))
    assert trial is not None
    assert trial.egress.place == OTHER


async def test_an_address_that_this_machine_lost_is_an_error_and_no_other_is_taken(dealings: Dealings) -> None:
    ada = await dealings.world.person()
    await dealings.pool(ADDRESS, OTHER)
    dealings.told.seen = EgressGone("the address is not on this machine any more")
    with pytest.raises(EgressGone):
        await reserve(dealings, ada)
    with pytest.raises(EgressGone):
        await dealings.connect(ada)


async def test_a_proxys_password_is_sealed_and_shown_nowhere(dealings: Dealings) -> None:
    ada = await dealings.world.person()
    await dealings.pool("socks5://lodger:s3cret-w0rd@proxy.example.org:1080")
    async with dealings.services.database.read() as tx:
        (egress,) = await dealings.vault.pool.all(tx)
        outlet = await dealings.vault.pool.outlet(tx, egress.id)
    assert (egress.kind, egress.place, egress.has_user) == (EgressKind.SOCKS5, "proxy.example.org:1080", True)
    assert outlet.way.proxy is not None
    assert (outlet.way.proxy.user, outlet.way.proxy.password) == ("lodger", Secret("s3cret-w0rd"))
    assert "s3cret" not in repr((egress, outlet))
    reservation = await reserve(dealings, ada)
    assert reservation.egress.id == egress.id
    await dealings.vault.release(ada.account.id, "kucoin", actor=dealings.world.actor(ada), now=dealings.clock())
    await remove(dealings, "proxy.example.org:1080")
    with pytest.raises(NotFound):
        await remove(dealings, "proxy.example.org:1080")


@pytest.mark.parametrize(
    "written",
    [
        *("", "203.0.113", "2130706433", "0x7f.1", "224.0.0.1", "::", "name.example.org", "203.0.113.7:8080"),
        *("ftp://h:1", "socks5://h", "socks5://h:0", "socks5://h:65536", "http://h:1/path", "socks5://@h:1"),
        *("http://h\\:1", "http://h:1?x", "socks5://h:1#y", "socks5://[::g]:1", "socks5://h o:1"),
    ],
)
def test_ssrf_05_what_is_no_way_out_is_refused_and_not_repeated(written: str) -> None:
    with pytest.raises(Invalid) as refused:
        rules.egress_place(written)
    assert not written or written not in f"{refused.value.message}{refused.value.hint}" or written == "::"


@pytest.mark.parametrize(
    "written", ["203.0.113.7", "2001:db8::7", "any", "socks5://h:1080", "socks5h://[::1]:9050", "http://u:p@h:3128"]
)
def test_what_is_a_way_out_is_taken(written: str) -> None:
    place = rules.egress_place(written)
    way = rules.way_out(place.kind, place.place, place.user)
    assert str(way) == {"any": "0.0.0.0"}.get(written, written.replace("u:p@", ""))


async def test_an_address_is_in_the_pool_once(dealings: Dealings) -> None:
    await dealings.pool()
    with pytest.raises(Conflict, match="is in the pool already"):
        await dealings.pool(ADDRESS)


async def test_a_key_is_not_bound_to_an_address_that_someone_put_there(dealings: Dealings) -> None:
    """What is shown is put on an exchange's list: an altered row shows nothing."""
    from sqlalchemy import update

    from keywright.storage.tables import egress_addresses

    ada = await dealings.world.person()
    await dealings.pool()
    await dealings.connect(ada, kucoin())
    for change in ({"observed": "198.51.100.66"}, {"place": "198.51.100.66"}, {"kind": "socks5"}, {"shared_at": 1}):
        async with dealings.services.database.write() as tx:
            before = (await tx.execute(egress_addresses.select())).one()
            await tx.execute(update(egress_addresses).values(**change))
        with pytest.raises(Unusable, match="altered outside"):
            await dealings.hand_out(ada)
        async with dealings.services.database.write() as tx:
            await tx.execute(update(egress_addresses).values(**{name: getattr(before, name) for name in change}))
    await dealings.hand_out(ada)
