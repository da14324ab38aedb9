"""The doubles as fixtures, on the test's clock."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.doubles.binance import BinanceDouble
from tests.doubles.bitfinex import BitfinexDouble
from tests.doubles.exchange import running
from tests.doubles.kucoin import KucoinDouble
from tests.support.clock import FakeClock


@pytest.fixture
async def kucoin(clock: FakeClock) -> AsyncIterator[KucoinDouble]:
    """Give KuCoin."""
    async with running(KucoinDouble(clock)) as double:
        yield double


@pytest.fixture
async def binance(clock: FakeClock) -> AsyncIterator[BinanceDouble]:
    """Give Binance."""
    async with running(BinanceDouble(clock)) as double:
        yield double


@pytest.fixture
async def bitfinex(clock: FakeClock) -> AsyncIterator[BitfinexDouble]:
    """Give Bitfinex."""
    async with running(BitfinexDouble(clock)) as double:
        yield double
