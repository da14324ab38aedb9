"""AGT-11 on the wire: packets of a connection leave from its address and from no other, captured between two namespaces.

One network namespace is the machine that holds keys, with four addresses on one interface, the first of which the system
would choose; the other is the world, with an exchange and a proxy. What passes between is captured as raw frames.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import secrets
import shutil
import socket
import subprocess
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar

import pytest

from keywright.vault.client import VenueClient, Ways
from keywright.vault.clocks import Nonces, NoncesInMemory
from keywright.vault.destinations import Address, Origin, read_proxy
from keywright.vault.evidence import Exchange
from keywright.vault.way_out import Egress, EgressGone
from tests.doubles.exchange import DoubleKey
from tests.doubles.kucoin import KucoinDouble
from tests.doubles.proxies import ProxyDouble, running_proxy
from tests.support.clock import FakeClock
from tests.vault.ways import pasted

pytestmark = pytest.mark.namespaces

# Addresses of the internet, on a wire that leads nowhere: those of a private network would rightly be refused.
FIRST, A, B, GOING = (f"93.184.216.{last}" for last in (10, 11, 12, 13))
EXCHANGE, PROXY = "93.184.216.34", "93.184.216.35"
CLONE_NEWNET = 0x4000_0000
OUTGOING = 4  # linux/if_packet.h: PACKET_OUTGOING

T = TypeVar("T")


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


def _run_in(namespace: str, work: Callable[[], Awaitable[T]]) -> T:
    """Run something in a loop of its own, in a thread that lives in the namespace; return what it returns."""
    outcome: list[T] = []
    failure: list[BaseException] = []

    def live() -> None:
        try:
            with Path(f"/run/netns/{namespace}").open("rb") as file:
                if ctypes.CDLL(None, use_errno=True).setns(file.fileno(), CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            outcome.append(asyncio.run(work()))  # type: ignore[arg-type]
        except BaseException as error:  # noqa: BLE001  # handed on to whoever waits
            failure.append(error)

    thread = threading.Thread(target=live)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    if failure:
        raise failure[0]
    return outcome[0]


@dataclass
class World:
    """The other side: an exchange, a proxy, and every frame that came in."""

    bot: str
    """The namespace of the machine that holds keys."""
    double: KucoinDouble
    frames: list[bytes] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.double.url.rpartition(":")[2])

    def sources(self, *, to: str = "", holding: bytes = b"") -> set[str]:
        """Return the addresses that IPv4 packets came from, of those to an address, or with something in them."""
        found = set()
        for frame in list(self.frames):
            if frame[12:14] == b"\x08\x00":
                source, destination = (socket.inet_ntoa(frame[start : start + 4]) for start in (26, 30))
                if to in {"", destination} and holding in frame:
                    found.add(source)
        return found

    def six(self) -> list[bytes]:
        """Return IPv6 packets that are not the kernel's own: TCP and UDP."""
        return [frame for frame in self.frames if frame[12:14] == b"\x86\xdd" and frame[20] in {6, 17}]


@pytest.fixture
def world() -> Iterator[World]:
    """Give two namespaces with a wire between them, and what lives in the world."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.fail("network namespaces need root and iproute2: apt install iproute2, and run as root")
    tag = secrets.token_hex(3)
    bot, outside = f"kwbot{tag}", f"kwout{tag}"
    ready, over = threading.Event(), threading.Event()
    made = World(bot, KucoinDouble(FakeClock()))
    try:
        for name in (bot, outside):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("link", "add", f"kwa{tag}", "netns", bot, "type", "veth", "peer", "name", f"kwb{tag}", "netns", outside)
        for name, device, addresses in (
            (bot, f"kwa{tag}", (FIRST, A, B, GOING)),
            (outside, f"kwb{tag}", (EXCHANGE, PROXY)),
        ):
            for address in addresses:
                _ip("-n", name, "address", "add", f"{address}/24", "dev", device)
            _ip("-n", name, "link", "set", device, "up")

        async def live() -> None:
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as tap:
                tap.bind((f"kwb{tag}", 0))
                tap.setblocking(False)
                asyncio.get_running_loop().add_reader(tap, _take, tap, made.frames)
                await made.double.start(EXCHANGE)
                proxy = ProxyDouble("socks5", leaves_from=PROXY, address=PROXY, port=1080)
                async with running_proxy(proxy):
                    ready.set()
                    while not over.is_set():
                        await asyncio.sleep(0.02)
                asyncio.get_running_loop().remove_reader(tap)
                await made.double.stop()

        thread = threading.Thread(target=_run_in, args=(outside, live))
        thread.start()
        try:
            assert ready.wait(20)
            yield made
        finally:
            over.set()
            thread.join(20)
    finally:
        for name in (bot, outside):
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def _take(tap: socket.socket, frames: list[bytes]) -> None:
    with suppress(BlockingIOError):  # until there is no more
        while True:
            frame, where = tap.recvfrom(65_536)
            if where[2] != OUTGOING:
                frames.append(frame)


async def _lookup(host: str, port: int) -> list[Address]:
    return [ip_address(EXCHANGE if host == "exchange.test" else host)]


def _client(world: World, egress: Egress) -> VenueClient:
    clock = FakeClock()
    origin = Origin("http", "exchange.test", world.port)
    nonces = Nonces(NoncesInMemory(), clock=clock)
    return VenueClient(Exchange.KUCOIN, egress, Ways(clock, nonces, {Exchange.KUCOIN: origin}, lookup=_lookup))


async def _probes(world: World, egress: Egress, key: DoubleKey) -> str:
    async with _client(world, egress) as asking:
        await asking.probe(pasted(world.double, key))
        return (await asking.probe(pasted(world.double, key))).seen_address


def test_agt_11_packets_of_two_connections_leave_from_their_own_addresses_and_no_other(world: World) -> None:
    keys = {address: world.double.new_key(addresses=(address,)) for address in (A, B)}

    async def both() -> list[str]:
        return await asyncio.gather(*(_probes(world, Egress(address), key) for address, key in keys.items()))

    assert _run_in(world.bot, both) == [A, B]
    for address, key in keys.items():
        assert world.sources(holding=key.key.encode()) == {address}
    assert world.sources() == {A, B}  # never the first, which the system would choose
    assert world.six() == []


def test_agt_11_through_a_socks_proxy_packets_leave_from_the_address_to_the_proxy_only(world: World) -> None:
    key = world.double.new_key(addresses=(PROXY,))
    egress = Egress(A, read_proxy(f"socks5://{PROXY}:1080"))
    assert _run_in(world.bot, lambda: _probes(world, egress, key)) == PROXY
    assert world.sources(holding=key.key.encode()) == {A}
    assert world.sources(to=PROXY) == {A}
    assert world.sources(to=EXCHANGE) == set()
    assert world.sources() == {A}
    assert world.six() == []


def test_agt_11_an_address_that_goes_takes_its_connection_with_it(world: World) -> None:
    key = world.double.new_key(addresses=(GOING,))
    assert _run_in(world.bot, lambda: _probes(world, Egress(GOING), key)) == GOING
    before = world.sources()
    (device,) = (name for name in _devices(world.bot) if name.startswith("kwa"))
    _ip("-n", world.bot, "address", "delete", f"{GOING}/24", "dev", device)
    world.frames.clear()
    with pytest.raises(EgressGone, match=r"93\.184\.216\.13"):
        _run_in(world.bot, lambda: _probes(world, Egress(GOING), key))
    assert before == {GOING}
    assert world.sources(holding=key.key.encode()) == set()
    assert world.sources() <= {GOING}  # the last of the connections that were closed


def _devices(namespace: str) -> list[str]:
    told = subprocess.run(["ip", "-n", namespace, "-o", "link"], check=True, capture_output=True, text=True).stdout
    return [line.split()[1].partition("@")[0].rstrip(":") for line in told.splitlines()]
