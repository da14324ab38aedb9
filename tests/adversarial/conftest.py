"""The catalogue's fixtures: a door with the catalogue's keys, at the catalogue's moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.support.door")  # a case fails with what it got, not with a bare AssertionError

from keywright.app.services import wire  # noqa: E402
from keywright.identity.passwords import CHEAPEST  # noqa: E402
from keywright.issuing.model import Policy  # noqa: E402
from keywright.sealing.keyring import Keyring  # noqa: E402
from keywright.storage.transaction import Database  # noqa: E402
from tests.support.clock import FakeClock  # noqa: E402
from tests.support.door import Door, open_door  # noqa: E402


@pytest.fixture
async def door(sqlite: Database, keyring: Keyring, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Door]:
    """Give an open door."""
    services = wire(sqlite, keyring, policy=Policy(), clock=clock, hasher=CHEAPEST)
    async with sqlite.write() as tx:
        await services.audit.begin(tx)
    async with open_door(services, clock, tmp_path / "keywright.db") as door:
        yield door
