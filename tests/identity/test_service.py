from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from keywright.app.services import Services
from keywright.errors import Conflict, NotFound, NotProven
from keywright.secret import Secret
from keywright.storage.tables import accounts
from tests.support.world import PASSWORD, Person, World


async def _prove(world: World, person: Person, code: str) -> None:
    async with world.services.database.write() as tx:
        await world.services.identity.prove_second_factor(tx, person.account.id, code, now=world.clock())


async def test_an_account_keeps_neither_its_password_nor_its_totp_secret_in_the_clear(world: World) -> None:
    person = await world.person()
    async with world.services.database.read() as tx:
        row = (await tx.execute(select(accounts))).one()
    kept = repr(row).encode()
    assert PASSWORD.reveal() not in kept
    assert person.totp_secret.reveal() not in row.totp_sealed
    assert row.password_hash.startswith("$argon2id$")


async def test_an_address_has_one_account_whatever_its_spelling(world: World) -> None:
    await world.person("ada@example.org")
    with pytest.raises(Conflict):
        await world.person(" ADA@example.org")


async def test_its_password_is_recognised_and_no_other(world: World) -> None:
    person = await world.person()
    async with world.services.database.read() as tx:
        assert await world.services.identity.is_password(tx, person.account.id, PASSWORD)
        assert not await world.services.identity.is_password(tx, person.account.id, Secret("another-long-guess"))


async def test_2fa_01_a_code_serves_once(world: World) -> None:
    person = await world.person()
    code = person.code(world.clock())
    await _prove(world, person, code)
    with pytest.raises(NotProven, match="used before"):
        await _prove(world, person, code)


async def test_2fa_01_a_code_of_an_earlier_step_is_dead_once_a_later_one_was_used(world: World) -> None:
    person = await world.person()
    earlier = person.code(world.clock())
    world.clock.advance(seconds=30)
    await _prove(world, person, person.code(world.clock()))
    with pytest.raises(NotProven):
        await _prove(world, person, earlier)
    world.clock.advance(seconds=30)
    await _prove(world, person, person.code(world.clock()))


async def test_2fa_02_of_fifty_at_once_one_wins(world: World) -> None:
    person = await world.person()
    code = person.code(world.clock())
    outcomes = await asyncio.gather(*(_prove(world, person, code) for _ in range(50)), return_exceptions=True)
    assert outcomes.count(None) == 1
    assert all(isinstance(outcome, NotProven) for outcome in outcomes if outcome is not None)


async def test_a_wrong_code_proves_nothing_and_uses_nothing_up(world: World) -> None:
    person = await world.person()
    code = person.code(world.clock())
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    with pytest.raises(NotProven):
        await _prove(world, person, wrong)
    await _prove(world, person, code)


async def test_another_accounts_code_proves_nothing(world: World) -> None:
    ada, bob = await world.person("ada@example.org"), await world.person("bob@example.org")
    with pytest.raises(NotProven):
        await _prove(world, bob, ada.code(world.clock()))


async def test_freezing_takes_no_factor_and_twice_is_once(world: World) -> None:
    person = await world.person()
    for _ in range(2):
        async with world.services.database.write() as tx:
            await world.services.identity.freeze(tx, person.account.id, actor=world.actor(person), now=world.clock())
    async with world.services.database.read() as tx:
        assert (await world.services.identity.account(tx, email=person.account.email)).frozen_at == world.clock()
        assert [row.kind for row in await world.services.audit.list(tx)] == ["account.frozen", "account.created"]


async def test_lifting_a_freeze_takes_the_accounts_own_fresh_factor(world: World) -> None:
    ada, bob = await world.person("ada@example.org"), await world.person("bob@example.org")
    identity = world.services.identity
    async with world.services.database.write() as tx:
        await identity.freeze(tx, ada.account.id, actor=world.actor(ada), now=world.clock())
        proof = world.proof(ada)
        with pytest.raises(NotProven):
            await identity.unfreeze(
                tx, ada.account.id, proof=world.proof(bob), actor=world.actor(bob), now=world.clock()
            )
        with pytest.raises(NotProven):
            await identity.unfreeze(
                tx, ada.account.id, proof=proof, actor=world.actor(ada), now=world.clock() + 600_001
            )
        await identity.unfreeze(tx, ada.account.id, proof=proof, actor=world.actor(ada), now=world.clock())
        assert (await identity.account(tx, account_id=ada.account.id)).frozen_at is None


async def test_who_does_not_exist_is_not_found(services: Services) -> None:
    async with services.database.read() as tx:
        with pytest.raises(NotFound):
            await services.identity.account(tx, email="nobody@example.org")
        with pytest.raises(NotFound):
            await services.identity.account(tx, account_id="' OR 1=1 --")
