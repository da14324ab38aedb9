"""K16's one exception holds in a sandbox, for its demo account, and nowhere else."""

from __future__ import annotations

import pytest

from keywright.app.demo import demo
from keywright.app.services import Services, wire
from keywright.errors import Conflict, NotProven
from keywright.identity.passwords import CHEAPEST
from keywright.identity.policy_model import Policy
from keywright.identity.service import DEMO_EMAIL
from keywright.sealing.keyring import Keyring
from keywright.storage.transaction import Database
from tests.support.clock import FakeClock
from tests.support.world import World


@pytest.fixture
async def sandbox(sqlite: Database, keyring: Keyring, clock: FakeClock) -> Services:
    services = wire(sqlite, keyring, policy=Policy(), clock=clock, hasher=CHEAPEST, sandbox=True)
    async with sqlite.write() as tx:
        await services.audit.begin(tx)
    return services


def _before_a_service(services: Services) -> Services:
    return wire(services.database, services.keyring, policy=Policy(), clock=services.clock, hasher=CHEAPEST)


async def test_older_keys_work_on_until_their_place_is_needed(sandbox: Services, clock: FakeClock) -> None:
    made = []
    for _ in range(6):
        made.append(await demo(sandbox))
        clock.advance(seconds=1)
    assert [each.replaced for each in made] == [()] * 5 + [(made[0].api_key,)]
    assert len({each.password.reveal_text() for each in made}) == 1, "the password can be told again"
    assert len({each.api_key for each in made}) == 6
    async with sandbox.database.read() as tx:
        await sandbox.audit.verify(tx)


async def test_no_other_account_is_spared_its_code(sandbox: Services, clock: FakeClock) -> None:
    ada = await World(sandbox, clock).person()
    async with sandbox.database.write() as tx:
        with pytest.raises(NotProven):
            await sandbox.identity.waive_for_sandbox_demo(tx, ada.account.id, now=clock())
        with pytest.raises(NotProven):
            await sandbox.identity.totp_secret_of_sandbox_demo(tx, ada.account.id)


async def test_before_a_real_service_nothing_is_waived_and_what_a_sandbox_made_is_frozen(
    sandbox: Services, clock: FakeClock
) -> None:
    await demo(sandbox)
    service = _before_a_service(sandbox)
    with pytest.raises(NotProven):
        await demo(service)
    for _ in range(2):
        async with service.database.write() as tx:
            await service.identity.freeze_demo(tx, now=clock())
    async with service.database.read() as tx:
        assert (await service.identity.account(tx, email=DEMO_EMAIL)).frozen_at == clock()


async def test_nobody_else_can_take_the_demos_address(sandbox: Services, clock: FakeClock) -> None:
    service = _before_a_service(sandbox)
    async with service.database.write() as tx:
        await service.identity.freeze_demo(tx, now=clock())  # there is none: nothing happens
        with pytest.raises(Conflict, match="demo"):
            await service.identity.create_account(tx, DEMO_EMAIL.upper(), password_hash="", now=clock())
