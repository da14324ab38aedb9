from __future__ import annotations

import pytest

from tests.support.clock import FakeClock
from tests.support.exchange import BackEnd
from tests.support.loop import pytest_asyncio_loop_factories  # noqa: F401  # a hook
from tests.support.world import World


@pytest.fixture
async def back_end(world: World, clock: FakeClock) -> BackEnd:
    """Give an exchange's back end whose token may do everything, over a database of each kind."""
    return await BackEnd.with_token(world.services, clock)
