"""LIFE-11: a key whose secret may have been lost on its way is not used, never shown again, and gives its place back."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from keywright.app.chores import remove_never_shown
from keywright.errors import Conflict, LimitReached, NotFound, Unusable
from keywright.issuing.model import ApiKey, Owner, Status
from keywright.issuing.rules import PENDING_MS
from keywright.secret import Secret
from keywright.storage.tables import api_keys
from tests.support.world import Held, Person, World


async def _do(world: World, verb: str, person: Person, held: Held, **more: Any) -> ApiKey:
    async with world.services.database.write() as tx:
        done = getattr(world.services.issuing, verb)
        key: ApiKey = await done(tx, person.owner, held.id, actor=world.actor(person), now=world.clock(), **more)
    return key


async def _kinds(world: World, held: Held) -> list[str]:
    async with world.services.database.read() as tx:
        await world.services.audit.verify(tx)
        return [row.kind for row in await world.services.audit.list(tx) if row.subject == held.id][::-1]


async def _keys(world: World, owner: Owner) -> list[str]:
    async with world.services.database.read() as tx:
        return [key.id for key in await world.services.issuing.keys(tx, owner)]


async def test_life_11_a_pending_key_works_once_its_owner_says_that_it_arrived(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada, pending=True)
    assert held.key.status_at(world.clock()) is Status.PENDING
    key = await _do(world, "acknowledge", ada, held)
    assert key.status_at(world.clock()) is Status.ACTIVE
    assert await _do(world, "acknowledge", ada, held) == key, "said twice, heard once"
    assert await _kinds(world, held) == ["key.issued", "key.acknowledged"]
    world.clock.now += PENDING_MS
    await remove_never_shown(world.services)
    assert await _keys(world, ada.owner) == [held.id]


async def test_life_11_a_key_that_never_arrived_is_removed_and_its_place_is_free(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada, pending=True)
    others = [await world.key(ada) for _ in range(4)]
    world.clock.now += PENDING_MS - 1
    await remove_never_shown(world.services)
    with pytest.raises(LimitReached):
        await world.key(ada)
    world.clock.now += 1
    with pytest.raises(Conflict, match="within ten minutes"):
        await _do(world, "acknowledge", ada, held)
    await remove_never_shown(world.services)
    assert set(await _keys(world, ada.owner)) == {other.id for other in others}
    assert await _kinds(world, held) == ["key.issued", "key.never_shown"]
    with pytest.raises(Conflict, match="deleted"):
        await _do(world, "acknowledge", ada, held)
    await world.key(ada)


async def test_life_11_its_owner_removes_it_at_once_and_without_a_code(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada, pending=True)
    gone = await _do(world, "discard", ada, held)
    assert gone.status_at(world.clock()) is Status.DELETED
    assert await _keys(world, ada.owner) == []
    assert await _kinds(world, held) == ["key.issued", "key.discarded"]


@pytest.mark.parametrize("turn", ["", "disable"])
async def test_life_11_nothing_else_makes_a_pending_key_work(world: World, turn: str) -> None:
    ada = await world.person()
    held = await world.key(ada, pending=True)
    if turn:
        assert (await _do(world, turn, ada, held)).status_at(world.clock()) is Status.DISABLED
        with pytest.raises(Conflict, match="disabled"):
            await _do(world, "acknowledge", ada, held)
    proof = world.proof(ada)
    with pytest.raises(Conflict):
        await _do(world, "enable", ada, held, proof=proof)
    with pytest.raises(Conflict, match="never reached you"):
        await _do(world, "change_addresses", ada, held, addresses=("192.0.2.1",), proof=proof)
    async with world.services.database.read() as tx:
        new = await world.services.issuing.vet_passphrase(tx, ada.owner, Secret("Quiet-Harbour-77"))
    with pytest.raises(Conflict, match="never reached you"):
        await _do(world, "change_passphrase", ada, held, current=held.passphrase, new=new, proof=proof)
    world.clock.now += PENDING_MS
    await remove_never_shown(world.services)
    assert await _keys(world, ada.owner) == []


async def test_a_key_that_arrived_is_not_discarded_and_someone_else_s_is_no_key(world: World) -> None:
    ada, bob = await world.person("ada@example.org"), await world.person("bob@example.org")
    held, pending = await world.key(ada), await world.key(ada, pending=True)
    with pytest.raises(Conflict, match="arrived"):
        await _do(world, "discard", ada, held)
    for verb in ("acknowledge", "discard"):
        with pytest.raises(NotFound):
            await _do(world, verb, bob, pending)


async def test_t1_a_row_that_was_made_pending_or_active_by_hand_is_altered(world: World) -> None:
    ada = await world.person()
    held, pending = await world.key(ada), await world.key(ada, pending=True)
    async with world.services.database.write() as tx:
        for key_id, status in ((held.id, "pending"), (pending.id, "active")):
            await tx.execute(update(api_keys).where(api_keys.c.id == key_id).values(status=status))
    for verb in ("acknowledge", "discard"):
        for key in (held, pending):
            with pytest.raises(Unusable):
                await _do(world, verb, ada, key)
    world.clock.now += PENDING_MS
    await remove_never_shown(world.services)
    assert set(await _keys(world, ada.owner)) == {held.id, pending.id}


async def test_life_11_an_altered_row_keeps_no_other_from_being_removed(world: World) -> None:
    ada = await world.person()
    altered, other = await world.key(ada, pending=True), await world.key(ada, pending=True)
    async with world.services.database.write() as tx:
        await tx.execute(update(api_keys).where(api_keys.c.id == altered.id).values(permissions="read,withdraw"))
    world.clock.now += PENDING_MS
    await remove_never_shown(world.services)
    assert await _keys(world, ada.owner) == [altered.id]
    assert await _kinds(world, other) == ["key.issued", "key.never_shown"]
