from __future__ import annotations

import pytest

from keywright.web.app import Console
from tests.support.clock import FakeClock
from tests.support.loop import pytest_asyncio_loop_factories  # noqa: F401  # a hook
from tests.support.visitor import Caller, console_over
from tests.support.world import World


@pytest.fixture
def console(world: World) -> Console:
    """Give the console over a database of each kind."""
    return console_over(world.services)


@pytest.fixture
def ada(console: Console, clock: FakeClock) -> Caller:
    """Give a browser that was never here before."""
    return Caller(console, clock)


@pytest.fixture
def bob(console: Console, clock: FakeClock) -> Caller:
    """Give somebody else's browser, at another address."""
    return Caller(console, clock, address="198.51.100.9", email="bob@example.org")
