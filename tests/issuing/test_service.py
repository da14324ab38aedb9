"""Keys from their making to their end. LIFE cases by id."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, text, update

from keywright.app.chores import expire
from keywright.app.services import Services
from keywright.errors import Conflict, Invalid, KeywrightError, LimitReached, NotFound, NotProven, Unusable
from keywright.identity.model import FRESH_MS, FactorProof, TradingProof
from keywright.identity.prerequisites import Profile
from keywright.issuing.model import ApiKey, NewKey, Owner, Passphrase, Permission, Status
from keywright.issuing.rules import DAY_MS
from keywright.secret import Secret
from keywright.storage.tables import api_keys
from keywright.storage.transaction import Tx
from tests.support.world import PASSWORD, Held, Person, World

Verb = Callable[..., Awaitable[ApiKey]]


async def _do(world: World, verb: Verb, person: Person, key_id: str, **more: object) -> ApiKey:
    async with world.services.database.write() as tx:
        return await verb(tx, person.owner, key_id, actor=world.actor(person), now=world.clock(), **more)


async def _row(world: World, key_id: str) -> object:
    async with world.services.database.read() as tx:
        return (await tx.execute(select(api_keys).where(api_keys.c.id == key_id))).one()


async def test_a_new_key_has_what_was_asked_for_and_read_beside_it(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada, "trade", name="TradingBot-StrategyA", addresses=("203.0.113.7",))
    key = held.key
    assert key.name == "TradingBot-StrategyA"
    assert key.grant.permissions == {Permission.READ, Permission.TRADE}
    assert (key.grant.addresses, key.grant.expires_at) == (("203.0.113.7/32",), None)
    assert (key.grant.status, key.grant.version) == (Status.ACTIVE, 1)
    async with world.services.database.read() as tx:
        assert await world.services.issuing.keys(tx, ada.owner) == [key]


async def test_pp_05_nothing_plain_of_a_key_is_kept(world: World) -> None:
    held = await world.key(await world.person())
    kept = repr(await _row(world, held.id)).encode()
    assert held.secret.reveal() not in kept
    assert held.passphrase.reveal() not in kept


async def test_life_07_making_enabling_and_deleting_take_a_fresh_factor_of_the_owner(world: World) -> None:
    ada, bob = await world.person("ada@example.org"), await world.person("bob@example.org")
    held = await world.key(ada)
    await world.disable(ada, held.id)
    issuing, now = world.services.issuing, world.clock()
    stale = FactorProof(ada.account.id, "totp", now - 600_001)
    early = FactorProof(ada.account.id, "totp", now + 1)
    for proof in (world.proof(bob), stale, early):
        for verb in (issuing.enable, issuing.delete):
            with pytest.raises(NotProven):
                await _do(world, verb, ada, held.id, proof=proof)
        with pytest.raises(NotProven):
            await _do(world, issuing.change_addresses, ada, held.id, addresses=("1.2.3.4",), proof=proof)
        async with world.services.database.write() as tx:
            new_key = NewKey("n", Passphrase(ada.account.id, Secret("Xy7-long-enough")))
            with pytest.raises(NotProven):
                await issuing.issue(tx, ada.owner, new_key, proof=proof, actor=world.actor(ada), now=now)


async def test_life_07_only_a_key_that_is_off_can_be_deleted_and_then_it_is_gone_for_good(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada)
    issuing = world.services.issuing
    with pytest.raises(Conflict, match="disabled"):
        await _do(world, issuing.delete, ada, held.id, proof=world.proof(ada))
    await world.disable(ada, held.id)
    await _do(world, issuing.delete, ada, held.id, proof=world.proof(ada))
    for verb in (issuing.enable, issuing.delete):
        with pytest.raises(Conflict, match="deleted"):
            await _do(world, verb, ada, held.id, proof=world.proof(ada))
    with pytest.raises(Conflict, match="deleted"):
        await world.disable(ada, held.id)
    row = await _row(world, held.id)
    assert (row.secret_sealed, row.passphrase_digest, row.slot) == (b"", b"", None)  # type: ignore[attr-defined]


async def test_disabling_asks_for_nothing_and_twice_is_once(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada)
    first = await world.disable(ada, held.id)
    world.clock.advance(seconds=5)
    assert await world.disable(ada, held.id) == first
    assert first.status_at(world.clock()) is Status.DISABLED


async def test_enabling_brings_it_back_and_only_from_off(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada)
    issuing = world.services.issuing
    with pytest.raises(Conflict, match="not disabled"):
        await _do(world, issuing.enable, ada, held.id, proof=world.proof(ada))
    await world.disable(ada, held.id)
    key = await _do(world, issuing.enable, ada, held.id, proof=world.proof(ada))
    assert (key.status_at(world.clock()), key.grant.version) == (Status.ACTIVE, 3)


async def test_perm_06_someone_elses_key_is_no_key(world: World) -> None:
    ada, bob = await world.person("ada@example.org"), await world.person("bob@example.org")
    held = await world.key(ada)
    issuing = world.services.issuing
    answers = set()
    for key_id in (held.id, "0" * 24):
        for verb, more in (
            (issuing.disable, {}),
            (issuing.rename, {"name": "mine"}),
            (issuing.delete, {"proof": world.proof(bob)}),
        ):
            with pytest.raises(NotFound) as refused:
                await _do(world, verb, bob, key_id, **more)
            answers.add(refused.value.message.replace(key_id, "…"))
    assert len(answers) == 1, "a foreign key and none are told apart"
    async with world.services.database.read() as tx:
        assert await issuing.keys(tx, bob.owner) == []


async def test_perm_07_a_sub_accounts_keys_and_its_parents_are_strangers(world: World) -> None:
    ada = await world.person()
    main, sub = await world.key(ada), await world.key(ada, sub_account="trading1")
    async with world.services.database.read() as tx:
        assert [key.id for key in await world.services.issuing.keys(tx, ada.owner)] == [main.id]
        assert [key.id for key in await world.services.issuing.keys(tx, Owner(ada.account.id, "trading1"))] == [sub.id]
        with pytest.raises(NotFound):
            await world.services.issuing.key(tx, ada.owner, sub.id)


@pytest.mark.parametrize("key_id", ["", "x" * 10_000, "' OR 1=1 --", "%", "0" * 23, "../../etc/passwd"])
async def test_perm_10_ids_that_are_none_are_not_found(world: World, key_id: str) -> None:
    ada = await world.person()
    with pytest.raises(NotFound):
        await world.disable(ada, key_id)


async def test_life_01_fifty_at_once_leave_exactly_five(world: World) -> None:
    ada = await world.person()
    outcomes = await asyncio.gather(*(world.key(ada, name=f"n{n}") for n in range(50)), return_exceptions=True)
    assert sum(isinstance(outcome, Held) for outcome in outcomes) == 5
    assert all(isinstance(outcome, LimitReached) for outcome in outcomes if not isinstance(outcome, Held))
    async with world.services.database.read() as tx:
        assert len(await world.services.issuing.keys(tx, ada.owner)) == 5
        await world.services.audit.verify(tx)


async def test_k7_disabled_keys_count_and_deleted_ones_do_not(world: World) -> None:
    ada = await world.person()
    held = [await world.key(ada) for _ in range(5)]
    await world.disable(ada, held[2].id)
    with pytest.raises(LimitReached):
        await world.key(ada)
    await _do(world, world.services.issuing.delete, ada, held[2].id, proof=world.proof(ada))
    await world.key(ada)
    await world.key(ada, sub_account="trading1")  # sub-accounts count for themselves


async def test_k18_neither_the_accounts_password_nor_another_keys_passphrase_is_taken(world: World) -> None:
    ada = await world.person(password=Secret("Seven-Lamps-7"))
    held = await world.key(ada)
    issuing = world.services.issuing
    async with world.services.database.read() as tx:
        with pytest.raises(Invalid, match="account's password"):
            await issuing.vet_passphrase(tx, ada.owner, Secret("Seven-Lamps-7"))
    again = NewKey("again", Passphrase(ada.account.id, held.passphrase))
    async with world.services.database.write() as tx:
        with pytest.raises(Invalid, match="another of your keys"):
            await issuing.issue(tx, ada.owner, again, proof=world.proof(ada), actor=world.actor(ada), now=world.clock())


async def test_k8_permissions_and_environment_have_no_verb_that_changes_them(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada, "trade")
    issuing = world.services.issuing
    key = await _do(world, issuing.rename, ada, held.id, name="other", memo="note")
    key = await _do(world, issuing.change_addresses, ada, key.id, addresses=("1.2.3.4",), proof=world.proof(ada))
    await world.disable(ada, key.id)
    key = await _do(world, issuing.enable, ada, key.id, proof=world.proof(ada))
    assert (key.name, key.memo) == ("other", "note")
    assert key.grant == replace(held.key.grant, addresses=("1.2.3.4/32",), expires_at=None, version=5)


async def test_k19_expiry_follows_the_addresses(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada, "trade", addresses=("1.2.3.4",))
    change = world.services.issuing.change_addresses
    key = await _do(world, change, ada, held.id, addresses=(), proof=world.proof(ada))
    assert key.grant.expires_at == held.key.created_at + 90 * DAY_MS
    key = await _do(world, change, ada, held.id, addresses=("1.2.3.4",), proof=world.proof(ada))
    assert key.grant.expires_at is None
    world.clock.advance(days=91)
    with pytest.raises(Invalid, match="expired already"):
        await _do(world, change, ada, held.id, addresses=(), proof=world.proof(ada))


async def test_life_13_a_key_expires_on_the_millisecond_and_stays_dead_when_the_clock_goes_back(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada, "trade")
    expires_at = held.key.grant.expires_at
    assert expires_at is not None
    assert held.key.status_at(expires_at - 1) is Status.ACTIVE
    assert held.key.status_at(expires_at) is Status.EXPIRED
    async with world.services.database.write() as tx:
        issuing = world.services.issuing
        assert await issuing.due_to_expire(tx, now=expires_at - 1) == []
        assert not await issuing.expire(tx, ada.owner, held.id, now=expires_at - 1)
        assert await issuing.due_to_expire(tx, now=expires_at) == [(ada.owner, held.id)]
        assert await issuing.expire(tx, ada.owner, held.id, now=expires_at)
        assert not await issuing.expire(tx, ada.owner, held.id, now=expires_at)
        key = await issuing.key(tx, ada.owner, held.id)
    assert key.status_at(world.clock()) is Status.EXPIRED
    await world.disable(ada, held.id)
    world.clock.now = expires_at + 1
    with pytest.raises(Conflict, match="time is up"):
        await _do(world, world.services.issuing.enable, ada, held.id, proof=world.proof(ada))


async def test_aud_01_every_verb_leaves_one_event_with_the_version_it_made(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada)
    issuing, proof = world.services.issuing, world.proof(ada)
    await _do(world, issuing.rename, ada, held.id, name="x")
    await _do(world, issuing.change_addresses, ada, held.id, addresses=("1.2.3.4",), proof=proof)
    await world.disable(ada, held.id)
    await _do(world, issuing.enable, ada, held.id, proof=proof)
    await world.disable(ada, held.id)
    await _do(world, issuing.delete, ada, held.id, proof=proof)
    async with world.services.database.read() as tx:
        events = [row for row in await world.services.audit.list(tx) if row.subject == held.id][::-1]
        await world.services.audit.verify(tx)
    assert [(row.kind, row.subject_version) for row in events] == [
        ("key.issued", 1),
        ("key.renamed", 2),
        ("key.addresses_changed", 3),
        ("key.disabled", 4),
        ("key.enabled", 5),
        ("key.disabled", 6),
        ("key.deleted", 7),
    ]
    assert all(row.actor == ada.account.id and '"factor":"totp"' in row.origin for row in events)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("permissions", "read,withdraw"),
        ("environment", "futures"),
        ("addresses", ""),
        ("expires_at", None),
        ("version", 9),
    ],
)
async def test_t1_a_verb_does_not_build_on_a_row_that_was_edited(world: World, column: str, value: object) -> None:
    ada = await world.person()
    held = await world.key(ada, "trade", addresses=("1.2.3.4",))
    if column == "expires_at":
        value = 1
    async with world.services.database.write() as tx:
        await tx.execute(update(api_keys).values({column: value}))
    with pytest.raises(Unusable, match="altered"):
        await _do(world, world.services.issuing.rename, ada, held.id, name="x")


async def test_t1_a_verb_does_not_build_on_a_row_that_was_rolled_back(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada)
    before = await _row(world, held.id)
    await world.disable(ada, held.id)
    async with world.services.database.write() as tx:
        await tx.execute(update(api_keys).values(before._asdict()))  # type: ignore[attr-defined]
    with pytest.raises(Unusable, match="altered"):
        await _do(world, world.services.issuing.rename, ada, held.id, name="x")


async def test_t1_an_altered_key_can_still_be_switched_off_and_deleted_and_never_becomes_good(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada)
    async with world.services.database.write() as tx:
        await tx.execute(update(api_keys).values(permissions="read,withdraw"))
    off = await world.disable(ada, held.id)
    assert off.status_at(world.clock()) is Status.DISABLED
    assert await world.disable(ada, held.id) == off
    with pytest.raises(Unusable, match="only be disabled and deleted"):
        await _do(world, world.services.issuing.enable, ada, held.id, proof=world.proof(ada))
    await _do(world, world.services.issuing.delete, ada, held.id, proof=world.proof(ada))
    async with world.services.database.read() as tx:
        assert await world.services.issuing.keys(tx, ada.owner) == []
        await world.services.audit.verify(tx)


async def test_t1_an_altered_key_stops_no_other_from_expiring(world: World) -> None:
    ada = await world.person()
    altered, other = await world.key(ada, "trade"), await world.key(ada, "trade")
    async with world.services.database.write() as tx:
        await tx.execute(update(api_keys).where(api_keys.c.id == altered.id).values(expires_at=1))
    world.clock.advance(days=91)
    await expire(world.services)
    async with world.services.database.read() as tx:
        assert (await world.services.issuing.key(tx, ada.owner, other.id)).grant.status is Status.EXPIRED


async def test_t1_a_row_altered_beyond_reading_grants_nothing_and_stops_no_other(world: World) -> None:
    ada = await world.person()
    altered, other = await world.key(ada, "trade"), await world.key(ada, "trade")
    async with world.services.database.write() as tx:
        odd = {"permissions": "admin", "secret_sealed": b"?"}
        await tx.execute(update(api_keys).where(api_keys.c.id == altered.id).values(odd))
    async with world.services.database.read() as tx:
        shown = {key.id: key.status_at(world.clock()) for key in await world.services.issuing.keys(tx, ada.owner)}
    assert shown == {altered.id: Status.DISABLED, other.id: Status.ACTIVE}
    await world.key(ada)
    world.clock.advance(days=91)
    await expire(world.services)
    async with world.services.database.read() as tx:
        assert (await world.services.issuing.key(tx, ada.owner, other.id)).grant.status is Status.EXPIRED
    await world.disable(ada, altered.id)
    await _do(world, world.services.issuing.delete, ada, altered.id, proof=world.proof(ada))


async def test_life_13_no_verb_brings_an_expired_key_back(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada, "trade")
    issuing = world.services.issuing
    born = world.clock()
    world.clock.advance(days=90)
    for marked in (False, True):
        if marked:
            await expire(world.services)
        with pytest.raises(Conflict, match="time is up"):
            await _do(world, issuing.change_addresses, ada, held.id, addresses=("1.2.3.4",), proof=world.proof(ada))
    await world.disable(ada, held.id)
    world.clock.now = born
    with pytest.raises(Conflict, match="time is up"):
        await _do(world, issuing.enable, ada, held.id, proof=world.proof(ada))


@pytest.mark.parametrize(
    "bad",
    [
        {"name": ""},
        {"environment": "margin"},
        {"permissions": frozenset({"admin"})},
        {"addresses": ("0.0.0.0/0",)},
        {"permissions": frozenset({"withdraw"})},
    ],
)
async def test_a_bad_wish_leaves_nothing_behind(world: World, bad: dict[str, object]) -> None:
    ada = await world.person()
    wish = replace(NewKey("bot", Passphrase(ada.account.id, Secret("Xy7-long-enough"))), **bad)  # type: ignore[arg-type]
    with pytest.raises(Invalid):
        async with world.services.database.write() as tx:
            await world.services.issuing.issue(
                tx, ada.owner, wish, proof=world.proof(ada), actor=world.actor(ada), now=world.clock()
            )
    async with world.services.database.read() as tx:
        assert await world.services.issuing.keys(tx, ada.owner) == []
        assert (await world.services.audit.verify(tx)).count == 1


async def test_sto_07_when_its_event_can_not_be_written_nothing_is_changed(
    services: Services, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await world.person()
    held = await world.key(ada)

    async def broken(tx: Tx, *_: object, **__: object) -> int:
        await tx.execute(text("INSERT INTO no_such_table VALUES (1)"))
        raise AssertionError

    monkeypatch.setattr(services.audit, "record", broken)
    for attempt in (world.key(ada), world.disable(ada, held.id)):
        with pytest.raises(Exception, match="no_such_table") as failed:
            await attempt
        assert not isinstance(failed.value, KeywrightError)
    monkeypatch.undo()
    async with services.database.read() as tx:
        (key,) = await services.issuing.keys(tx, ada.owner)
        assert key == held.key
        await services.audit.verify(tx)


async def test_a_frozen_account_makes_no_keys(world: World) -> None:
    ada = await world.person(password=PASSWORD)
    async with world.services.database.write() as tx:
        await world.services.identity.freeze(tx, ada.account.id, actor=world.actor(ada), now=world.clock())
    with pytest.raises(Conflict, match="frozen"):
        await world.key(ada)


async def test_k8_other_addresses_take_the_trading_password_where_the_profile_wants_it(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada, "trade", addresses=("203.0.113.7",))
    world.given(profile=Profile.PLATFORM)
    bob = await world.person("bob@example.org")
    now = world.clock()

    async def rebind(**given: Any) -> ApiKey:
        async with world.services.database.write() as tx:
            proof = given.pop("proof", world.proof(ada))
            return await world.services.issuing.change_addresses(
                tx, ada.owner, held.id, ("198.51.100.4",), proof=proof, actor=world.actor(ada), now=now, **given
            )

    for trading in (None, TradingProof(bob.account.id, now), TradingProof(ada.account.id, now - FRESH_MS - 1)):
        with pytest.raises(NotProven, match="trading password"):
            await rebind(trading=trading)
    assert (await rebind(trading=TradingProof(ada.account.id, now))).grant.addresses == ("198.51.100.4/32",)
    vouched = FactorProof(ada.account.id, "assertion", now)
    assert (await rebind(proof=vouched)).grant.addresses == ("198.51.100.4/32",)
