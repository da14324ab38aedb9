from __future__ import annotations

import pytest

from tests.identity.doorway import Doorway
from tests.support.loop import pytest_asyncio_loop_factories  # noqa: F401  # a hook
from tests.support.world import World


@pytest.fixture
def door(world: World) -> Doorway:
    """Give short ways through the entrance, over a database of each kind."""
    return Doorway(world)
