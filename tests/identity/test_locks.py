"""Who changes an account's sessions locks its row first: then nobody waits for somebody who waits for them."""

from __future__ import annotations

import asyncio

from keywright.errors import Busy, NotProven
from keywright.identity.model import Session
from keywright.issuing.model import Permission
from keywright.secret import Secret
from tests.identity.doorway import Doorway, visitor
from tests.support.operators import make_operator
from tests.support.world import World

ROUNDS = 12


async def test_ending_other_sessions_beside_their_recovery_codes_never_locks_up(world: World) -> None:
    """Each session is ended by the first one while it proves a recovery code: either comes first, and neither fails."""
    doorway, ada = Doorway(world), await world.person()
    entrance, sessions = doorway.entrance, doorway.entrance.sessions
    risen = (
        await entrance.prove_code(
            (await doorway.half_open(ada)).session, doorway.next_code(ada), visitor=visitor(), now=doorway.clock()
        )
    ).session
    risen = (
        await entrance.step_up(risen, Secret(doorway.next_code(ada)), visitor=visitor(), now=doorway.clock())
    ).session
    async with doorway.database.write() as tx:
        codes = list(await entrance.factors.make_recovery_codes(tx, risen, visitor=visitor(), now=doorway.clock()))

    async def end_all() -> str:
        async with doorway.database.write() as tx:
            await sessions.end_others(tx, risen, visitor=visitor(), why="asked", now=doorway.clock())
        return "ended"

    async def prove(session: Session, code: Secret) -> str:
        try:
            await entrance.prove_recovery_code(session, code, visitor=visitor(), now=doorway.clock())
        except NotProven:
            return "ended before"
        except Busy as busy:
            return busy.message
        return "proved"

    for code in codes:
        others = [(await doorway.half_open(ada)).session for _ in range(2)]
        outcomes = await asyncio.gather(end_all(), *(prove(other, code) for other in others))
        assert set(outcomes) <= {"ended", "proved", "ended before"}, outcomes
        doorway.clock.advance(seconds=700)  # past the limits of attempts


async def test_a_freeze_that_meets_a_lift_of_the_freeze_is_not_lost(world: World) -> None:
    """Who freezes sees "frozen already" only where it stays so: a lift under way is waited for."""
    ada = await world.person()
    identity, database, account = world.services.identity, world.services.database, ada.account.id

    async def freeze() -> None:
        async with database.write() as tx:
            await identity.freeze(tx, account, actor=world.actor(ada), now=world.clock())

    await freeze()
    async with database.write() as tx:
        await identity.unfreeze(tx, account, proof=world.proof(ada), actor=world.actor(ada), now=world.clock())
        again = asyncio.create_task(freeze())
        await asyncio.sleep(0.3)
        assert not again.done()
    await again
    async with database.read() as tx:
        assert (await identity.account(tx, account_id=account)).frozen_at == world.clock()


async def test_a_permissions_freeze_that_meets_its_lift_is_not_lost(world: World) -> None:
    ada = await world.person()
    await make_operator(world.services, ada.account.id)
    issuing, database = world.services.issuing, world.services.database

    async def freeze() -> None:
        async with database.write() as tx:
            await issuing.freeze_permission(tx, "withdraw", actor=world.actor(ada), now=world.clock())

    await freeze()
    async with database.write() as tx:
        await issuing.unfreeze_permission(
            tx, "withdraw", proof=world.proof(ada), actor=world.actor(ada), now=world.clock()
        )
        again = asyncio.create_task(freeze())
        await asyncio.sleep(0.3)
        assert not again.done()
    await again
    async with database.read() as tx:
        assert await issuing.frozen_permissions(tx) == {Permission.WITHDRAW}
