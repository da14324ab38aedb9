"""Sub-accounts: made with a second factor, frozen without one, keys whose reach ends there (K7, K15)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from keywright.audit.events import Kind
from keywright.errors import Conflict, Invalid, LimitReached, NotFound, NotProven
from keywright.identity.model import FactorProof, SubAccount
from keywright.identity.store import sub_accounts as rows
from keywright.identity.sub_accounts import sub_account_name
from keywright.issuing.model import Owner
from tests.support.world import Person, World


async def create(world: World, person: Person, name: str, memo: str = "") -> SubAccount:
    async with world.services.database.write() as tx:
        return await world.services.sub_accounts.create(
            tx,
            person.account.id,
            name,
            memo,
            proof=world.proof(person),
            actor=world.actor(person),
            now=world.clock(),
        )


async def listed(world: World, person: Person) -> list[SubAccount]:
    async with world.services.database.read() as tx:
        return await world.services.sub_accounts.all(tx, person.account.id)


async def test_an_account_makes_one_and_sees_it(world: World) -> None:
    ada = await world.person()
    made = await create(world, ada, "trading1", "the night desk")
    assert (made.name, made.memo, made.frozen_at) == ("trading1", "the night desk", None)
    assert made.uid != ada.account.uid
    assert await listed(world, ada) == [made]
    assert await listed(world, await world.person("bob@example.org")) == []


@pytest.mark.parametrize(
    "name", ["short1", "nodigits", "1234567", "with space1", "a" * 32 + "1", "höhere1", "x/../y12", ""]
)
def test_a_name_that_clients_would_not_take_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        sub_account_name(name)
    assert refused.value.field == "name"


@pytest.mark.parametrize("memo", ["x" * 25, "a\x00b", "a\u202eb"])
async def test_a_memo_that_hides_something_is_refused(world: World, memo: str) -> None:
    with pytest.raises(Invalid):
        await create(world, await world.person(), "trading1", memo)


async def test_a_name_serves_once_an_account(world: World) -> None:
    ada, bob = await world.person(), await world.person("bob@example.org")
    await create(world, ada, "trading1")
    with pytest.raises(Conflict):
        await create(world, ada, "trading1")
    await create(world, bob, "trading1")


async def test_of_twenty_asked_for_at_once_five_are_made(world: World) -> None:
    ada = await world.person()
    made = await asyncio.gather(
        *(create(world, ada, f"trading{number}") for number in range(20)), return_exceptions=True
    )
    assert len([one for one in made if isinstance(one, SubAccount)]) == 5
    assert len([one for one in made if isinstance(one, LimitReached)]) == 15
    assert len(await listed(world, ada)) == 5


async def test_making_one_and_thawing_one_take_a_fresh_factor_of_the_account(world: World) -> None:
    ada, bob = await world.person(), await world.person("bob@example.org")
    subs = world.services.sub_accounts
    await create(world, ada, "trading1")
    async with world.services.database.write() as tx:
        await subs.freeze(tx, ada.account.id, "trading1", actor=world.actor(ada), now=world.clock())
    stale = FactorProof(ada.account.id, "totp", world.clock() - 11 * 60_000)
    for proof in (stale, world.proof(bob)):
        said = {"proof": proof, "actor": world.actor(ada), "now": world.clock()}
        with pytest.raises(NotProven):
            async with world.services.database.write() as tx:
                await subs.create(tx, ada.account.id, "trading2", **said)  # type: ignore[arg-type]
        with pytest.raises(NotProven):
            async with world.services.database.write() as tx:
                await subs.unfreeze(tx, ada.account.id, "trading1", **said)  # type: ignore[arg-type]
    assert [sub.name for sub in await listed(world, ada) if sub.frozen_at] == ["trading1"]


async def test_freezing_never_fails_twice_and_each_change_leaves_its_event(world: World) -> None:
    ada = await world.person()
    made = await create(world, ada, "trading1")
    subs, account = world.services.sub_accounts, ada.account.id
    said = {"actor": world.actor(ada), "now": world.clock()}
    async with world.services.database.write() as tx:
        await subs.freeze(tx, account, "trading1", **said)  # type: ignore[arg-type]
        await subs.freeze(tx, account, "trading1", **said)  # type: ignore[arg-type]
        await subs.unfreeze(tx, account, "trading1", proof=world.proof(ada), **said)  # type: ignore[arg-type]
        await subs.describe(tx, account, "trading1", "days", **said)  # type: ignore[arg-type]
    async with world.services.database.read() as tx:
        events = await world.services.audit.list(tx, account_id=account)
    found = [row.kind for row in sorted(events, key=lambda row: row.seq) if row.subject == made.id]
    assert found == [
        Kind.SUB_ACCOUNT_CREATED,
        Kind.SUB_ACCOUNT_FROZEN,
        Kind.SUB_ACCOUNT_UNFROZEN,
        Kind.SUB_ACCOUNT_DESCRIBED,
    ]
    with pytest.raises(Conflict):
        async with world.services.database.write() as tx:
            await subs.unfreeze(tx, account, "trading1", proof=world.proof(ada), **said)  # type: ignore[arg-type]


async def test_somebody_elses_is_not_there(world: World) -> None:
    ada, bob = await world.person(), await world.person("bob@example.org")
    await create(world, ada, "trading1")
    said = {"actor": world.actor(bob), "now": world.clock()}
    for verb in ("freeze", "find"):
        with pytest.raises(NotFound):
            async with world.services.database.write() as tx:
                call = getattr(world.services.sub_accounts, verb)
                await call(tx, bob.account.id, "trading1", **(said if verb == "freeze" else {}))


async def test_a_key_needs_a_sub_account_that_exists_and_is_not_frozen(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada, sub_account="trading1")
    assert held.key.grant.sub_account == "trading1"
    async with world.services.database.write() as tx:
        await world.services.sub_accounts.freeze(
            tx, ada.account.id, "trading1", actor=world.actor(ada), now=world.clock()
        )
    with pytest.raises(Conflict):
        await world.key(ada, sub_account="trading1")
    async with world.services.database.read() as tx:
        assert len(await world.services.issuing.keys(tx, Owner(ada.account.id, "trading1"))) == 1


async def test_a_new_memo_never_lifts_a_freeze_that_came_meanwhile(world: World) -> None:
    """Both at once, again and again: whoever has the session alone must not win against who freezes."""
    ada = await world.person()
    await create(world, ada, "trading1")
    subs, account = world.services.sub_accounts, ada.account.id

    async def describe(number: int) -> None:
        async with world.services.database.write() as tx:
            await subs.describe(tx, account, "trading1", f"memo {number}", actor=world.actor(ada), now=world.clock())

    async def freeze() -> None:
        async with world.services.database.write() as tx:
            await subs.freeze(tx, account, "trading1", actor=world.actor(ada), now=world.clock())

    await asyncio.gather(*(describe(number) for number in range(10)), freeze(), *(describe(10 + n) for n in range(10)))
    assert (await listed(world, ada))[0].frozen_at == world.clock()


async def test_what_describes_writes_the_memo_alone(world: World) -> None:
    """Also where it read before the freeze and writes after it."""
    ada = await world.person()
    read = await create(world, ada, "trading1")
    async with world.services.database.write() as tx:
        await world.services.sub_accounts.freeze(
            tx, ada.account.id, "trading1", actor=world.actor(ada), now=world.clock()
        )
        await rows.describe_sub_account(tx, replace(read, memo="late"))
    [found] = await listed(world, ada)
    assert (found.memo, found.frozen_at) == ("late", world.clock())
