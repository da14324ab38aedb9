"""LIFE-01, 02 and 11: what is asked for at the same moment, on both databases."""

from __future__ import annotations

import asyncio
import secrets

import pytest

from keywright.errors import Conflict, Invalid
from keywright.issuing.model import Passphrase
from keywright.secret import Secret
from tests.support.world import World


async def test_life_01_of_fifty_rotations_at_once_one_wins(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada)

    async def rotate() -> str:
        try:
            async with world.services.database.write() as tx:
                await world.services.issuing.rotate(
                    tx,
                    ada.owner,
                    held.id,
                    passphrase=Passphrase(ada.account.id, Secret(f"Pw-{secrets.token_hex(8)}")),
                    proof=world.proof(ada),
                    actor=world.actor(ada),
                    now=world.clock(),
                )
        except Conflict as refused:
            return refused.message
        return "rotated"

    ended = await asyncio.gather(*(rotate() for _ in range(50)))
    assert ended.count("rotated") == 1
    assert set(ended) == {"rotated", "a key and its successor share one place already"}
    async with world.services.database.read() as tx:
        assert len(await world.services.issuing.keys(tx, ada.owner)) == 2
        await world.services.audit.verify(tx)


async def test_life_02_one_of_two_that_race_for_the_last_place_gets_it(world: World) -> None:
    """Both are under way before either is kept: two connections, the fifth place."""
    ada = await world.person()
    for _ in range(4):
        await world.key(ada)
    ended = await asyncio.gather(world.key(ada), world.key(ada), return_exceptions=True)
    assert sorted(type(one).__name__ for one in ended) == ["Held", "LimitReached"]


@pytest.mark.parametrize("turn", ["acknowledge", "discard"])
async def test_life_11_a_key_is_kept_or_removed_never_both(world: World, turn: str) -> None:
    """The owner's word, and another's; or the chore's at the last moment: whoever is first is right."""
    ada = await world.person()
    held = await world.key(ada, pending=True)

    async def do(verb: str) -> str:
        try:
            async with world.services.database.write() as tx:
                done = getattr(world.services.issuing, verb)
                await done(tx, ada.owner, held.id, actor=world.actor(ada), now=world.clock())
        except Conflict:
            return "refused"
        return verb

    verbs = ["acknowledge" if number % 2 else "discard" for number in range(10)]
    ended = await asyncio.gather(*(do(verb) for verb in ([turn, *verbs])))
    async with world.services.database.read() as tx:
        kinds = [row.kind for row in await world.services.audit.list(tx) if row.subject == held.id]
        left = await world.services.issuing.keys(tx, ada.owner)
    assert ("key.acknowledged" in kinds) != ("key.discarded" in kinds)
    assert bool(left) == ("key.acknowledged" in kinds)
    assert ended.count("discard") <= 1


async def test_k19_what_may_move_money_never_loses_its_addresses(world: World) -> None:
    ada = await world.person()
    for word in ("transfer", "withdraw"):
        held = await world.key(ada, word, addresses=("192.0.2.1",))
        async with world.services.database.write() as tx:
            with pytest.raises(Invalid, match="needs at least one address"):
                await world.services.issuing.change_addresses(
                    tx, ada.owner, held.id, (), proof=world.proof(ada), actor=world.actor(ada), now=world.clock()
                )
