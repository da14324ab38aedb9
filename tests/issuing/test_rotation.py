"""K12 and K7: a successor, both keys for a while, then one; and every way in which that can go otherwise."""

from __future__ import annotations

import secrets
from typing import Any

import pytest
from sqlalchemy import update

from keywright.app.chores import end_overlaps, remove_never_shown
from keywright.errors import Conflict, Invalid, LimitReached, NotFound, NotProven, Unusable
from keywright.identity.model import FactorProof
from keywright.issuing.model import ApiKey, Passphrase, Status
from keywright.issuing.rules import AT_ONCE_MS, DAY_MS, HOUR_MS, PENDING_MS
from keywright.secret import Secret
from keywright.storage.tables import api_keys
from tests.support.world import Held, Person, World


async def _do(world: World, verb: str, person: Person, held: Held, **more: Any) -> ApiKey:
    async with world.services.database.write() as tx:
        done = getattr(world.services.issuing, verb)
        key: ApiKey = await done(tx, person.owner, held.id, actor=world.actor(person), now=world.clock(), **more)
    return key


async def _rotate(world: World, person: Person, held: Held, *, typed: Secret | None = None, **more: Any) -> Held:
    typed = typed or Secret(f"Pw-{secrets.token_hex(8)}")
    more.setdefault("proof", world.proof(person))
    async with world.services.database.write() as tx:
        issued = await world.services.issuing.rotate(
            tx,
            person.owner,
            held.id,
            passphrase=Passphrase(person.account.id, typed),
            actor=world.actor(person),
            now=world.clock(),
            **more,
        )
    return Held(issued.key, issued.secret, typed)


async def _key(world: World, person: Person, held: Held) -> ApiKey:
    async with world.services.database.read() as tx:
        return await world.services.issuing.key(tx, person.owner, held.id)


async def _status(world: World, person: Person, *held: Held) -> list[str]:
    return [(await _key(world, person, one)).status_at(world.clock()).value for one in held]


async def _delete(world: World, person: Person, held: Held) -> None:
    await _do(world, "disable", person, held)
    await _do(world, "delete", person, held, proof=world.proof(person))


async def _kinds(world: World, held: Held) -> list[str]:
    async with world.services.database.read() as tx:
        await world.services.audit.verify(tx)
        return [row.kind for row in await world.services.audit.list(tx, limit=100) if row.subject == held.id][::-1]


async def test_k12_a_successor_is_as_the_key_was_but_for_id_secret_and_passphrase(world: World) -> None:
    ada = await world.person()
    old = await world.key(ada, "trade", name="Bot", addresses=("203.0.113.7",))
    world.clock.advance(days=80)
    new = await _rotate(world, ada, old)
    assert new.id != old.id
    assert new.secret != old.secret
    assert (new.key.name, new.key.memo) == (old.key.name, old.key.memo)
    for word in ("permissions", "environment", "addresses", "account_id"):
        assert getattr(new.key.grant, word) == getattr(old.key.grant, word)
    assert new.key.grant.predecessor_id == old.id
    assert new.key.created_at == world.clock()
    kept = await _key(world, ada, old)
    assert kept.grant.overlap_until == world.clock() + 7 * DAY_MS
    assert await _status(world, ada, old, new) == ["active", "active"]
    assert await _kinds(world, new) == ["key.issued"]
    assert await _kinds(world, old) == ["key.issued", "key.rotated"]


async def test_k12_the_successor_s_expiry_counts_anew(world: World) -> None:
    ada = await world.person()
    old = await world.key(ada, "trade")
    world.clock.advance(days=80)
    new = await _rotate(world, ada, old)
    assert new.key.grant.expires_at == world.clock() + 90 * DAY_MS


async def test_k12_after_the_overlap_the_old_key_is_off_and_stays_off(world: World) -> None:
    ada = await world.person()
    old = await world.key(ada)
    new = await _rotate(world, ada, old, overlap_hours=24)
    world.clock.now += DAY_MS - 1
    await end_overlaps(world.services)
    assert await _status(world, ada, old, new) == ["active", "active"]
    world.clock.now += 1
    assert await _status(world, ada, old, new) == ["disabled", "active"], "before a chore comes by"
    await end_overlaps(world.services)
    assert (await _key(world, ada, old)).disabled_at == world.clock()
    async with world.services.database.read() as tx:
        event = (await world.services.audit.list(tx))[0]
    assert (event.kind, event.actor) == ("key.disabled", "system")
    assert '"reason":"overlap"' in event.detail
    with pytest.raises(Conflict, match="successor took its place"):
        await _do(world, "enable", ada, old, proof=world.proof(ada))
    before = await _key(world, ada, old)
    await end_overlaps(world.services)
    assert await _key(world, ada, old) == before


async def test_k7_both_share_one_place_until_one_goes(world: World) -> None:
    ada = await world.person()
    old = await world.key(ada)
    for _ in range(4):
        await world.key(ada)
    new = await _rotate(world, ada, old)
    with pytest.raises(LimitReached):
        await world.key(ada)
    for one in (old, new):
        with pytest.raises(Conflict, match="share one place"):
            await _rotate(world, ada, one)
    await _delete(world, ada, old)
    with pytest.raises(LimitReached):
        await world.key(ada)
    third = await _rotate(world, ada, new)
    await _delete(world, ada, new)
    fourth = await _rotate(world, ada, third)
    await _delete(world, ada, fourth)
    await _delete(world, ada, third)
    await world.key(ada)


async def test_k12_a_successor_that_is_deleted_leaves_the_old_key_as_it_was(world: World) -> None:
    ada = await world.person()
    old = await world.key(ada)
    new = await _rotate(world, ada, old)
    await _delete(world, ada, new)
    assert await _kinds(world, old) == ["key.issued", "key.rotated", "key.kept"]
    world.clock.advance(days=8)
    await end_overlaps(world.services)
    assert await _status(world, ada, old) == ["active"]
    await _rotate(world, ada, old)


async def test_k12_a_successor_deleted_after_the_overlap_does_not_switch_the_old_key_on(world: World) -> None:
    ada = await world.person()
    ended, late = await world.key(ada), await world.key(ada)
    for old, chore in ((ended, True), (late, False)):
        new = await _rotate(world, ada, old, overlap_hours=1)
        world.clock.now += HOUR_MS
        if chore:
            await end_overlaps(world.services)
        await _delete(world, ada, new)
        assert await _status(world, ada, old) == ["disabled"]
        await end_overlaps(world.services)
        await _do(world, "enable", ada, old, proof=world.proof(ada))
        assert await _status(world, ada, old) == ["active"]
        assert (await _key(world, ada, old)).grant.overlap_until is None


async def test_within_the_overlap_the_old_key_can_be_disabled_and_enabled_again(world: World) -> None:
    ada = await world.person()
    old = await world.key(ada)
    new = await _rotate(world, ada, old)
    await _do(world, "disable", ada, old)
    await _do(world, "enable", ada, old, proof=world.proof(ada))
    assert await _status(world, ada, old, new) == ["active", "active"]
    world.clock.advance(days=7)
    await end_overlaps(world.services)
    assert await _status(world, ada, old, new) == ["disabled", "active"]


async def test_with_no_overlap_the_old_key_ends_in_the_same_transaction(world: World) -> None:
    ada = await world.person()
    old = await world.key(ada)
    new = await _rotate(world, ada, old, overlap_hours=0)
    assert await _status(world, ada, old, new) == ["disabled", "active"]
    assert await _kinds(world, old) == ["key.issued", "key.rotated", "key.disabled"]


async def test_life_11_with_no_overlap_the_old_key_ends_once_the_successor_arrived(world: World) -> None:
    ada = await world.person()
    old = await world.key(ada)
    new = await _rotate(world, ada, old, overlap_hours=0, pending=True)
    assert await _status(world, ada, old, new) == ["active", "pending"]
    world.clock.now += PENDING_MS - 1
    await _do(world, "acknowledge", ada, new)
    assert await _status(world, ada, old, new) == ["disabled", "active"]


@pytest.mark.parametrize("hours", [0, 1])
async def test_life_11_a_successor_that_never_arrived_leaves_the_old_key_as_it_was(world: World, hours: int) -> None:
    ada = await world.person()
    old = await world.key(ada)
    new = await _rotate(world, ada, old, overlap_hours=hours, pending=True)
    with pytest.raises(Conflict, match="never reached you"):
        await _rotate(world, ada, new)
    world.clock.now += PENDING_MS
    assert await _status(world, ada, old) == ["active"], "no moment without a key"
    await remove_never_shown(world.services)
    await end_overlaps(world.services)
    assert await _status(world, ada, old, new) == ["active", "deleted"]
    assert (await _key(world, ada, old)).grant.overlap_until is None
    again = await _rotate(world, ada, old, pending=True)
    await _do(world, "discard", ada, again)
    assert await _status(world, ada, old) == ["active"]


async def test_life_11_while_the_successor_is_pending_no_chore_ends_the_old_key(world: World) -> None:
    """A server that was off for an hour finds both due: whichever chore comes first, the old key works on."""
    ada = await world.person()
    old = await world.key(ada)
    await _rotate(world, ada, old, overlap_hours=0, pending=True)
    world.clock.now += AT_ONCE_MS
    await end_overlaps(world.services)
    await remove_never_shown(world.services)
    assert await _status(world, ada, old) == ["active"]


async def test_life_07_rotating_takes_a_fresh_factor_of_the_owner(world: World) -> None:
    ada, bob = await world.person("ada@example.org"), await world.person("bob@example.org")
    held = await world.key(ada)
    stale = FactorProof(ada.account.id, "totp", world.clock() - 600_001)
    for proof in (world.proof(bob), stale):
        with pytest.raises(NotProven):
            await _rotate(world, ada, held, proof=proof)
    with pytest.raises(NotFound):
        await _rotate(world, bob, held)
    assert (await _key(world, ada, held)).grant.overlap_until is None


async def test_only_a_key_that_works_is_rotated(world: World) -> None:
    ada = await world.person()
    off, expired, pending = await world.key(ada), await world.key(ada, "trade"), await world.key(ada, pending=True)
    await _do(world, "disable", ada, off)
    with pytest.raises(Conflict, match="disabled"):
        await _rotate(world, ada, off)
    with pytest.raises(Conflict, match="never reached you"):
        await _rotate(world, ada, pending)
    world.clock.advance(days=90)
    with pytest.raises(Conflict, match="expired"):
        await _rotate(world, ada, expired)
    async with world.services.database.write() as tx:
        await world.services.identity.freeze(tx, ada.account.id, actor=world.actor(ada), now=world.clock())
    with pytest.raises(Conflict, match="frozen"):
        await _rotate(world, ada, await world.key(await world.person("b@example.org")))
    with pytest.raises(Conflict, match="frozen"):
        await _rotate(world, ada, off)


async def test_k18_the_old_passphrase_is_not_taken_again_nor_another_account_s(world: World) -> None:
    ada, bob = await world.person("ada@example.org"), await world.person("bob@example.org")
    old = await world.key(ada)
    with pytest.raises(Invalid, match="another of your keys has that passphrase"):
        await _rotate(world, ada, old, typed=old.passphrase)
    with pytest.raises(Invalid, match="another account"):
        async with world.services.database.write() as tx:
            await world.services.issuing.rotate(
                tx,
                ada.owner,
                old.id,
                passphrase=Passphrase(bob.account.id, Secret("Quiet-Harbour-77")),
                proof=world.proof(ada),
                actor=world.actor(ada),
                now=world.clock(),
            )


@pytest.mark.parametrize("hours", [-1, 169, 10**9])
async def test_k7_no_overlap_is_longer_than_seven_days(world: World, hours: int) -> None:
    ada = await world.person()
    held = await world.key(ada)
    with pytest.raises(Invalid, match="0 to 168 hours"):
        await _rotate(world, ada, held, overlap_hours=hours)


@pytest.mark.parametrize(
    "edit",
    [{"overlap_until": None}, {"overlap_until": 10**15}, {"predecessor_id": "0" * 24}],
    ids=lambda edit: f"{next(iter(edit))}={next(iter(edit.values()))}",
)
async def test_t1_who_edits_the_database_lengthens_no_overlap(world: World, edit: dict[str, Any]) -> None:
    ada = await world.person()
    old = await world.key(ada)
    new = await _rotate(world, ada, old)
    edited = old if "overlap_until" in edit else new
    async with world.services.database.write() as tx:
        await tx.execute(update(api_keys).where(api_keys.c.id == edited.id).values(edit))
    assert not (await _key(world, ada, edited)).holds
    with pytest.raises(Unusable):
        await _do(world, "enable", ada, edited, proof=world.proof(ada))
    world.clock.advance(days=8)
    await end_overlaps(world.services)
    assert not (await _key(world, ada, edited)).holds


async def test_a_key_of_before_there_were_rotations_still_holds(world: World) -> None:
    """The MAC covers the new fields only where there are any: no key had to be signed anew."""
    held = await world.key(await world.person())
    assert held.key.grant.status is Status.ACTIVE
    assert (held.key.grant.predecessor_id, held.key.grant.overlap_until) == ("", None)
