"""A key comes to be held, or leaves nothing behind."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from keywright.errors import Conflict, Invalid, KeywrightError, LimitReached, NotFound, NotProven
from keywright.storage.tables import metadata
from keywright.vault.evidence import Right
from keywright.vault.model import NewConnection, Status
from keywright.vault.seam import KeyRefused
from tests.adversarial.test_leak import spellings
from tests.vault.conftest import ADDRESS, KEY, OTHER, PASSPHRASE, SECRET, Dealings, kucoin, probed


async def everything(dealings: Dealings) -> bytes:
    """Return every row of every table, in one."""
    async with dealings.services.database.read() as tx:
        rows = [row for table in metadata.sorted_tables for row in await tx.execute(select(table))]
    return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)


def found_in(content: bytes, *secrets: bytes) -> list[bytes]:
    return [secret for secret in secrets if any(form in content for form in spellings(secret))]


async def test_a_key_is_held_and_comes_out_as_it_went_in(dealings: Dealings) -> None:
    ada = await dealings.world.person()
    await dealings.pool()
    made = await dealings.connect(ada)
    shown = await dealings.shown(ada)
    assert shown == made
    assert (shown.holds, shown.record.status, shown.key.masked) == (True, Status.ACTIVE, "6512…12cd")
    assert shown.egress.place == ADDRESS
    handed = await dealings.hand_out(ada)
    assert (handed.key, handed.secret.reveal_text()) == (KEY, SECRET)
    assert handed.passphrase is not None
    assert handed.passphrase.reveal_text() == PASSPHRASE
    kinds = ["egress.added", "egress.reserved", "egress.observed", "connection.added", "connection.opened"]
    assert await dealings.kinds() == kinds
    assert await dealings.told_of(ada) == ["connection.added"]


async def test_the_exchange_is_asked_through_the_address_that_was_shown(dealings: Dealings) -> None:
    ada = await dealings.world.person()
    await dealings.pool()
    reservation = await dealings.vault.reserve(ada.account.id, "kucoin", actor=dealings.world.actor(ada), now=1)
    assert (reservation.egress.shown, reservation.egress.is_confirmed(now=1)) == (ADDRESS, True)
    await dealings.connect(ada)
    ((_, outlet),) = dealings.told.asked
    assert (outlet.egress.id, outlet.way.address) == (reservation.egress.id, ADDRESS)


async def test_leak_07_no_secret_and_no_key_rests_in_the_clear(dealings: Dealings) -> None:
    """Neither in whatever spelling, nor the key by which somebody could ask an exchange about its owner."""
    ada = await dealings.world.person()
    await dealings.pool()
    await dealings.connect(ada)
    await dealings.hand_out(ada)
    content = await everything(dealings)
    assert b"grid bot" in content
    assert found_in(content, *(text.encode() for text in (KEY, SECRET, PASSPHRASE))) == []


@pytest.mark.parametrize("right", [Right.WITHDRAW, Right.INTERNAL_TRANSFER])
async def test_w4_of_a_key_that_is_refused_nothing_stays(dealings: Dealings, right: Right) -> None:
    """Not even what it would be found by; only that somebody tried, and why not."""
    ada = await dealings.world.person()
    await dealings.pool()
    dealings.told.answer = probed(right)
    with pytest.raises(KeyRefused, match="this key can") as refused:
        await dealings.connect(ada)
    assert refused.value.exit_code == 10
    assert "untick" in refused.value.hint
    content = await everything(dealings)
    fingerprint = dealings.vault._safe.fingerprint(dealings.told.asked[0][0])
    parts = [KEY.encode(), SECRET.encode(), PASSPHRASE.encode(), fingerprint, fingerprint.hex()[:16].encode()]
    assert found_in(content, *parts) == []
    assert KEY[:4].encode() + "…".encode() not in content
    assert (await dealings.kinds())[-1] == "connection.refused"
    dealings.told.answer = probed()
    await dealings.connect(ada)  # mended at the exchange, the same key is taken


async def test_n12_what_can_be_accepted_is_kept_with_who_did(dealings: Dealings) -> None:
    ada = await dealings.world.person()
    await dealings.pool()
    dealings.told.answer = probed(Right.MARGIN)
    with pytest.raises(KeyRefused):
        await dealings.connect(ada)
    made = await dealings.connect(ada, kucoin(accept=frozenset({"margin", "exit"})))
    assert [(one.what, one.by) for one in made.record.accepted] == [("margin", ada.account.id)]
    assert (await dealings.shown(ada)).exceptions() == {"margin"}


async def test_n13_a_key_has_one_owner_who_hears_of_anyone_else(dealings: Dealings) -> None:
    ada, eve = await dealings.world.person(), await dealings.world.person("eve@example.org")
    await dealings.pool(ADDRESS, OTHER, "203.0.113.9")
    await dealings.connect(ada)
    given = kucoin(accept=frozenset({"no-address-filter"}))
    dealings.told.answer = probed(addresses=())
    with pytest.raises(Conflict, match="another account holds this key already"):
        await dealings.connect(eve, given)
    assert await dealings.told_of(ada) == ["connection.added", "connection.claimed"]
    with pytest.raises(Conflict, match="your connection grid bot holds this key already"):
        await dealings.connect(ada, given, "second")
    async with dealings.services.database.read() as tx:
        assert await dealings.vault.connections(tx, eve.account.id) == []
        await dealings.services.audit.verify(tx)


async def test_n13_of_two_who_give_the_same_key_at_once_one_holds_it(dealings: Dealings) -> None:
    people = [await dealings.world.person(f"{name}@example.org") for name in ("ada", "bob", "eve", "sam")]
    await dealings.pool(*(f"203.0.113.{number}" for number in range(1, 5)))
    dealings.told.answer = probed(addresses=())
    given = kucoin(accept=frozenset({"no-address-filter"}))
    ended = await asyncio.gather(*(dealings.connect(one, given) for one in people), return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["Conflict", "Conflict", "Conflict", "Connection"]
    async with dealings.services.database.read() as tx:
        assert len(await dealings.vault.everyone(tx)) == 1
        await dealings.services.audit.verify(tx)
    assert (await dealings.kinds()).count("connection.claimed") == 3  # and hears of each of the others


async def test_removed_a_key_may_be_anyones_and_its_secret_is_gone(dealings: Dealings) -> None:
    ada, bob = await dealings.world.person(), await dealings.world.person("bob@example.org")
    await dealings.pool()
    made = await dealings.connect(ada)
    async with dealings.services.database.write() as tx:
        with pytest.raises(NotProven):
            await dealings.vault.remove(tx, ada.account.id, "grid bot", actor=dealings.world.actor(ada), now=1)
    proof, actor = dealings.world.proof(ada), dealings.world.actor(ada)
    async with dealings.services.database.write() as tx:
        await dealings.vault.remove(tx, ada.account.id, made.id, proof=proof, actor=actor, now=dealings.clock())
    with pytest.raises(NotFound):
        await dealings.shown(ada)
    async with dealings.services.database.read() as tx:
        (row,) = await tx.execute(select(metadata.tables["held_keys"]))
    assert (row.key_sealed, row.secret_sealed, row.passphrase_sealed, row.key_digest) == (b"", b"", None, None)
    assert (await dealings.connect(bob)).egress.id == made.egress.id


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"exchange": "mtgox"}, "keys of 'mtgox' can't be held"),
        ({"name": " "}, "needs a name"),
        ({"name": "x" * 33}, "at most 32 characters"),
        ({"name": "a\u200bb"}, "invisible"),
        ({"bots": tuple(map(str, range(11)))}, "at most 10 bots"),
    ],
)
async def test_what_makes_no_sense_is_said_before_anyone_is_asked(
    dealings: Dealings, change: dict[str, Any], said: str
) -> None:
    ada = await dealings.world.person()
    new = replace(NewConnection("grid bot", "kucoin", kucoin()), **change)
    with pytest.raises(Invalid, match=said):
        await dealings.vault.connect(ada.account.id, new, actor=dealings.world.actor(ada), now=1)
    assert dealings.told.asked == []


async def test_without_a_fresh_second_factor_no_key_is_held(dealings: Dealings) -> None:
    ada = await dealings.world.person()
    await dealings.pool()
    new, actor = NewConnection("grid bot", "kucoin", kucoin()), dealings.world.actor(ada)
    stale = dealings.world.proof(ada)
    dealings.clock.advance(days=1)
    for proof in (None, stale):
        with pytest.raises(NotProven, match="to hold a key takes"):
            await dealings.vault.connect(ada.account.id, new, proof=proof, actor=actor, now=dealings.clock())


async def test_a_key_is_not_taken_before_its_address_was_shown(dealings: Dealings) -> None:
    ada = await dealings.world.person()
    await dealings.pool()
    new, actor, proof = NewConnection("grid bot", "kucoin", kucoin()), dealings.world.actor(ada), None
    proof = dealings.world.proof(ada)
    with pytest.raises(Conflict, match="no address is reserved"):
        await dealings.vault.connect(ada.account.id, new, proof=proof, actor=actor, now=dealings.clock())
    assert dealings.told.asked == []


async def test_what_the_exchange_refuses_is_handed_on_and_leaves_nothing(dealings: Dealings) -> None:
    ada = await dealings.world.person()
    await dealings.pool()
    dealings.told.answer = KeywrightError("KuCoin refused the request")
    with pytest.raises(KeywrightError, match="KuCoin refused"):
        await dealings.connect(ada)
    content = await everything(dealings)
    assert found_in(content, KEY.encode(), SECRET.encode()) == []


async def test_nobody_tries_stolen_keys_out_here(dealings: Dealings) -> None:
    ada = await dealings.world.person()
    await dealings.pool()
    dealings.told.answer = probed(Right.WITHDRAW)
    for index in range(1, 11):
        with pytest.raises(KeyRefused):
            await dealings.connect(ada, kucoin(index))
    with pytest.raises(KeywrightError, match="too many attempts"):
        await dealings.connect(ada, kucoin(11))
    assert len(dealings.told.asked) == 10


async def test_an_address_is_kept_anew_as_often_as_a_key_is_looked_at(dealings: Dealings) -> None:
    """Each time an event is kept, and an exchange may be asked; to be shown what is kept costs nothing."""
    ada = await dealings.world.person()
    await dealings.pool()
    account = ada.account.id
    told: dict[str, Any] = {"actor": dealings.world.actor(ada), "now": dealings.clock()}
    for _ in range(10):
        for _ in range(3):
            await dealings.vault.reserve(account, "kucoin", **told)
        await dealings.vault.release(account, "kucoin", **told)
    before = len(await dealings.kinds())
    with pytest.raises(KeywrightError, match="too many attempts"):
        await dealings.vault.reserve(account, "kucoin", **told)
    assert len(await dealings.kinds()) == before
    dealings.clock.advance(seconds=601)
    await dealings.connect(ada)


async def test_an_account_holds_so_many_and_calls_each_by_a_name_of_its_own(dealings: Dealings) -> None:
    ada = await dealings.world.person()
    await dealings.pool(ADDRESS, OTHER)
    dealings.told.answer = probed(addresses=(ADDRESS, OTHER))
    await dealings.connect(ada)
    with pytest.raises(Conflict, match="there is a connection grid bot already"):
        await dealings.connect(ada, kucoin(2))
    dealings.world.given(connections_per_account=1)
    with pytest.raises(LimitReached):
        await dealings.connect(ada, kucoin(2), "second")


async def test_another_key_takes_the_place_and_the_one_before_is_destroyed(dealings: Dealings) -> None:
    ada = await dealings.world.person()
    await dealings.pool()
    before = await dealings.connect(ada)
    actor, proof, now = dealings.world.actor(ada), dealings.world.proof(ada), dealings.clock()
    dealings.told.answer = probed(Right.WITHDRAW)
    with pytest.raises(KeyRefused):
        await dealings.vault.replace_key(ada.account.id, "grid bot", kucoin(2), proof=proof, actor=actor, now=now)
    assert await dealings.shown(ada) == before
    dealings.told.answer = probed()
    await dealings.vault.replace_key(ada.account.id, "grid bot", kucoin(2), proof=proof, actor=actor, now=now)
    after = await dealings.shown(ada)
    assert (after.id, after.egress.id) == (before.id, before.egress.id)
    assert (await dealings.hand_out(ada)).key == f"{2:024x}"
    assert after.key.fingerprint != before.key.fingerprint
    await dealings.vault.replace_key(ada.account.id, "grid bot", kucoin(2), proof=proof, actor=actor, now=now)
    assert (await dealings.hand_out(ada)).key == f"{2:024x}"  # the same key again, say with another passphrase


async def test_when_a_key_ends_was_said_of_that_key(dealings: Dealings) -> None:
    ada = await dealings.world.person()
    await dealings.pool()
    await dealings.connect(ada)
    actor, proof, now = dealings.world.actor(ada), dealings.world.proof(ada), dealings.clock()
    ends_at = now + 86_400_000
    async with dealings.services.database.write() as tx:
        await dealings.vault.edit(tx, ada.account.id, "grid bot", ends_at=ends_at, actor=actor, now=now)
    for given, known in ((kucoin(), ends_at), (kucoin(2), None)):
        await dealings.vault.replace_key(ada.account.id, "grid bot", given, proof=proof, actor=actor, now=now)
        assert (await dealings.shown(ada)).record.terms.ends_at == known


async def test_someone_elses_connection_is_none(dealings: Dealings) -> None:
    ada, eve = await dealings.world.person(), await dealings.world.person("eve@example.org")
    await dealings.pool()
    made = await dealings.connect(ada)
    for wanted in (made.id, made.name):
        with pytest.raises(NotFound, match="there is no connection"):
            await dealings.hand_out(eve, wanted)


async def test_a_frozen_account_holds_its_keys_and_hands_none_out(dealings: Dealings) -> None:
    ada = await dealings.world.person()
    await dealings.pool()
    await dealings.connect(ada)
    async with dealings.services.database.write() as tx:
        await dealings.services.identity.freeze(tx, ada.account.id, actor=dealings.world.actor(ada), now=1)
    with pytest.raises(Conflict, match="frozen"):
        await dealings.hand_out(ada)
