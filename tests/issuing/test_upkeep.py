"""K20: an operator's rule switches off what nobody uses, and only that."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, update

from keywright.app.chores import disable_idle
from keywright.issuing.model import ApiKey, Status
from keywright.storage.tables import api_keys, key_last_use
from tests.support.world import Held, Person, World

DAYS = 30


@pytest.fixture
def ruled(world: World) -> World:
    world.given(disable_idle_days=DAYS)
    return world


async def _key(world: World, person: Person, held: Held) -> ApiKey:
    async with world.services.database.read() as tx:
        return await world.services.issuing.key(tx, person.owner, held.id)


async def _status(world: World, person: Person, held: Held) -> Status:
    return (await _key(world, person, held)).status_at(world.clock())


async def test_k20_a_key_that_was_never_used_is_switched_off_by_its_age(ruled: World) -> None:
    ada = await ruled.person()
    held = await ruled.key(ada)
    ruled.clock.advance(days=DAYS)
    await disable_idle(ruled.services)
    assert await _status(ruled, ada, held) is Status.ACTIVE
    ruled.clock.advance(ms=1)
    await disable_idle(ruled.services)
    assert await _status(ruled, ada, held) is Status.DISABLED
    async with ruled.services.database.read() as tx:
        event = (await ruled.services.audit.list(tx))[0]
    assert (event.kind, event.actor, event.subject) == ("key.disabled", "system", held.id)
    assert '"reason":"idle"' in event.detail
    assert '"days":30' in event.detail


async def test_k20_a_used_key_stays_and_one_that_is_switched_on_again_has_its_time_anew(ruled: World) -> None:
    ada = await ruled.person()
    used, idle = await ruled.key(ada), await ruled.key(ada)
    ruled.clock.advance(days=DAYS, ms=1)
    async with ruled.services.database.write() as tx:
        await tx.execute(insert(key_last_use).values(key_id=used.id, at=ruled.clock() - 5, address="192.0.2.1"))
    await disable_idle(ruled.services)
    assert [await _status(ruled, ada, one) for one in (used, idle)] == [Status.ACTIVE, Status.DISABLED]
    async with ruled.services.database.write() as tx:
        await ruled.services.issuing.enable(
            tx, ada.owner, idle.id, proof=ruled.proof(ada), actor=ruled.actor(ada), now=ruled.clock()
        )
    await disable_idle(ruled.services)
    assert await _status(ruled, ada, idle) is Status.ACTIVE
    ruled.clock.advance(days=DAYS, ms=1)
    await disable_idle(ruled.services)
    assert await _status(ruled, ada, idle) is Status.DISABLED


async def test_k20_without_the_rule_nothing_is_switched_off(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada)
    world.clock.advance(days=3_650)
    await disable_idle(world.services)
    assert await _status(world, ada, held) is Status.ACTIVE
    async with world.services.database.write() as tx:
        assert not await world.services.issuing.disable_idle(tx, ada.owner, held.id, now=world.clock())


async def test_k20_what_is_off_is_left_as_it_is_and_an_altered_key_stops_no_other(ruled: World) -> None:
    ada = await ruled.person()
    off, expired, altered, idle = [await ruled.key(ada, "trade") for _ in range(4)]
    await ruled.disable(ada, off.id)
    async with ruled.services.database.write() as tx:
        await tx.execute(update(api_keys).where(api_keys.c.id == altered.id).values(permissions="read,withdraw"))
    before = await _key(ruled, ada, off)
    ruled.clock.advance(days=DAYS, ms=1)
    await disable_idle(ruled.services)
    assert await _key(ruled, ada, off) == before
    assert await _status(ruled, ada, idle) is Status.DISABLED
    assert not (await _key(ruled, ada, altered)).holds
    assert await _status(ruled, ada, expired) is Status.DISABLED
    ruled.clock.advance(days=DAYS)
    await disable_idle(ruled.services)
