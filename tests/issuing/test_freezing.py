"""N8: an operator's freeze of a permission, and who lifts it."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, insert, select

from keywright.audit.events import Actor
from keywright.errors import Invalid, NotProven
from keywright.identity.model import FactorProof
from keywright.issuing.model import Permission
from keywright.storage.changes import newest
from keywright.storage.tables import accounts, frozen_permissions
from tests.support.operators import make_operator
from tests.support.world import Person, World

OPERATOR = Actor("operator", agent="tests")


async def _freeze(world: World, word: str = "trade") -> None:
    async with world.services.database.write() as tx:
        await world.services.issuing.freeze_permission(tx, word, actor=OPERATOR, now=world.clock())


async def _lift(world: World, person: Person, proof: FactorProof | None = None) -> None:
    async with world.services.database.write() as tx:
        await world.services.issuing.unfreeze_permission(
            tx, "trade", proof=proof or world.proof(person), actor=world.actor(person), now=world.clock()
        )


async def _frozen(world: World) -> frozenset[Permission]:
    async with world.services.database.read() as tx:
        return await world.services.issuing.frozen_permissions(tx)


async def test_n8_a_freeze_holds_until_an_operator_lifts_it_and_gateways_hear_of_both(world: World) -> None:
    ada = await world.person()
    await make_operator(world.services, ada.account.id)
    heard = []
    for turn in (None, _freeze(world), _freeze(world), _lift(world, ada), _lift(world, ada), _freeze(world)):
        if turn:
            await turn
        async with world.services.database.read() as tx:
            heard.append((await newest(tx), await world.services.issuing.frozen_permissions(tx)))
    start = heard[0][0]
    trade = frozenset({Permission.TRADE})
    none: frozenset[Permission] = frozenset()
    assert [(at - start, said) for at, said in heard] == [
        *((0, none), (1, trade), (1, trade), (2, none), (2, none), (3, trade))
    ]
    async with world.services.database.read() as tx:
        events = [row for row in await world.services.audit.list(tx) if row.subject == "permission:trade"][::-1]
        await world.services.audit.verify(tx)
    assert [(row.kind, row.subject_version) for row in events] == [
        ("permission.frozen", 1),
        ("permission.unfrozen", 2),
        ("permission.frozen", 3),
    ]


async def test_n8_only_an_operator_with_a_fresh_factor_lifts_it(world: World) -> None:
    ada, bob = await world.person("ada@example.org"), await world.person("bob@example.org")
    await make_operator(world.services, ada.account.id)
    await _freeze(world)
    async with world.services.database.write() as tx:  # the row alone makes nobody an operator
        await tx.execute(accounts.update().where(accounts.c.id == bob.account.id).values(operator_at=1))
    stale = FactorProof(ada.account.id, "totp", world.clock() - 600_001)
    for person, proof in ((bob, None), (ada, stale)):
        with pytest.raises(NotProven, match="operator's second factor"):
            await _lift(world, person, proof)
    assert await _frozen(world) == {Permission.TRADE}


async def test_n8_who_edits_the_database_can_freeze_and_lift_nothing(world: World) -> None:
    ada = await world.person()
    await make_operator(world.services, ada.account.id)
    await _freeze(world)
    async with world.services.database.write() as tx:
        await tx.execute(delete(frozen_permissions))
    assert await _frozen(world) == {Permission.TRADE}
    await _lift(world, ada)
    assert await _frozen(world) == frozenset()
    async with world.services.database.write() as tx:
        planted = {"permission": "trade", "frozen_at": 1, "frozen_by": "?"}
        await tx.execute(insert(frozen_permissions).values(planted))
    assert await _frozen(world) == {Permission.TRADE}
    await _lift(world, ada)
    assert await _frozen(world) == frozenset()
    await _freeze(world)
    async with world.services.database.read() as tx:
        assert (await tx.execute(select(frozen_permissions.c.frozen_by))).scalars().all() == ["operator"]
    assert await _frozen(world) == {Permission.TRADE}


@pytest.mark.parametrize("word", ["", "Trade", "public", "trade,withdraw", "x" * 10_000])
async def test_n8_a_word_that_is_no_permission_is_none(world: World, word: str) -> None:
    with pytest.raises(Invalid, match="there is no permission"):
        await _freeze(world, word)
