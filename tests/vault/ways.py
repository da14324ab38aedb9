"""What the vault's tests put between a client and the doubles."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from keywright.vault.client import VenueClient, Ways
from keywright.vault.clocks import Nonces, NoncesInMemory
from keywright.vault.destinations import read_origin
from keywright.vault.evidence import Credentials, Exchange
from keywright.vault.pasted import credentials
from keywright.vault.way_out import Egress
from tests.doubles.exchange import Double, DoubleKey

ADDRESS = "127.0.0.7"
"""The address that connections of these tests leave from."""


class Ticking:
    """A clock that goes on from where another stands, in step with the loop's: a slow machine then seems no skewed clock."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock, self._from = clock, time.monotonic()

    def __call__(self) -> int:
        return self._clock() + int((time.monotonic() - self._from) * 1_000)


def ways(double: Double, clock: Callable[[], int]) -> Ways:
    """Return ways on which the exchange is its double. Both clocks go on from where the test's stands."""
    if not isinstance(double.clock, Ticking):
        double.clock = Ticking(clock)
    clock = double.clock
    origins = {Exchange(double.name): read_origin(double.url, loopback=True)}
    return Ways(clock=clock, nonces=Nonces(NoncesInMemory(), clock=clock), origins=origins)


def client(
    double: Double, clock: Callable[[], int], *, address: str = ADDRESS
) -> AbstractAsyncContextManager[VenueClient]:
    """Return a client of a double that leaves from an address of the loopback."""
    return VenueClient(Exchange(double.name), Egress(address), ways(double, clock))


def pasted(double: Double, key: DoubleKey) -> Credentials:
    """Return the key as its owner would paste it."""
    return credentials(Exchange(double.name), key=key.key, secret=key.secret, passphrase=key.passphrase or None)
