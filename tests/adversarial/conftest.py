"""The catalogue's fixtures: a door with the catalogue's keys, at the catalogue's moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keywright.app.services import wire
from keywright.identity.passwords import CHEAPEST
from keywright.issuing.model import Policy
from keywright.sealing.keyring import Keyring
from keywright.storage.transaction import Database
from tests.support.clock import FakeClock
from tests.support.door import Door, open_door


@pytest.fixture
async def door(sqlite: Database, keyring: Keyring, clock: FakeClock, tmp_path: Path) -> AsyncIterator[Door]:
    """Give an open door."""
    services = wire(sqlite, keyring, policy=Policy(), clock=clock, hasher=CHEAPEST)
    async with sqlite.write() as tx:
        await services.audit.begin(tx)
    async with open_door(services, clock, tmp_path / "keywright.db") as door:
        yield door
