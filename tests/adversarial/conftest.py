"""The catalogue's fixtures: a door with the catalogue's keys, a household at the console, at the catalogue's moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.support.door")  # a case fails with what it got, not with a bare AssertionError

from keywright.app.services import Services, wire  # noqa: E402
from keywright.identity.passwords import CHEAPEST  # noqa: E402
from keywright.identity.policy_model import Policy  # noqa: E402
from keywright.sealing.keyring import Keyring  # noqa: E402
from keywright.storage.transaction import Database  # noqa: E402
from tests.cli.conftest import ada, keywright  # noqa: E402  the command line, as it is typed
from tests.support.clock import FakeClock  # noqa: E402
from tests.support.door import Door, open_door  # noqa: E402
from tests.support.holding import Obliging  # noqa: E402
from tests.support.household import Household, household  # noqa: E402

__all__ = ["ada", "keywright"]


@pytest.fixture
async def embedded(sqlite: Database, keyring: Keyring, clock: FakeClock) -> Services:
    """Give the services over the embedded database only: for attacks on what stands above it."""
    services = wire(sqlite, keyring, policy=Policy(), clock=clock, hasher=CHEAPEST, has_sms=True, asks=Obliging())
    async with sqlite.write() as tx:
        await services.audit.begin(tx)
    return services


@pytest.fixture
async def door(embedded: Services, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Door]:
    """Give an open door."""
    async with open_door(embedded, clock, tmp_path / "keywright.db") as door:
        yield door


@pytest.fixture
async def home(embedded: Services, clock: FakeClock) -> Household:
    """Give a household that has settled."""
    return await household(embedded, clock)
