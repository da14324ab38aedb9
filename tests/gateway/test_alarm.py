"""An alarm says what was noticed. It changes no key, and must not look like a change of one."""

from __future__ import annotations

import pytest

from keywright.app.services import Services
from keywright.gateway.alarm import Alarm
from keywright.gateway.keys import Keys
from keywright.gateway.model import Attempt
from keywright.storage.transaction import Database
from tests.gateway.test_keys import keys, path  # noqa: F401  the same fixtures
from tests.support.world import World


@pytest.fixture
def database(sqlite: Database) -> Database:
    return sqlite


async def test_an_alarm_written_late_breaks_no_key_and_mends_none(world: World, services: Services, keys: Keys) -> None:  # noqa: F811
    ada = await world.person()
    held = await world.key(ada)
    old = await keys.find(held.id)
    assert old is not None
    await world.disable(ada, held.id)  # version 2, while the gateway still has a request of version 1 in hand
    await Alarm(services.database, services.audit).passphrase_guessed(old, Attempt("r", "spot", 0), now=world.clock())
    async with services.database.read() as tx:
        assert await services.audit.latest_version(tx, held.id) == 2
        await services.audit.verify(tx)
    record = await keys.find(held.id)
    assert record is not None
    assert record.holds


async def test_a_key_that_is_guessed_at_for_long_raises_one_alarm_in_ten_minutes(
    world: World,
    services: Services,
    keys: Keys,  # noqa: F811
) -> None:
    held = await world.key(await world.person())
    record = await keys.find(held.id)
    assert record is not None
    alarm = Alarm(services.database, services.audit)
    for second in range(0, 1_200, 6):
        await alarm.passphrase_guessed(record, Attempt("r", "spot", 0), now=world.clock() + second * 1_000)
    async with services.database.read() as tx:
        kinds = [row.kind for row in await services.audit.list(tx)]
    assert kinds.count("key.passphrase_guessed") == 2
