"""Whose address counts: the peer's, unless the peer is a proxy we were told to trust. Pure.

`X-Forwarded-For` is read from the right, past trusted proxies, to the first address that is none of them: everything to
the left of that was written by the client and proves nothing. `Forwarded`, `X-Real-IP` and their like are never read.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import NamedTuple

from keywright.protocol.message import Request

Networks = tuple[tuple[int, int, int], ...]


def compile_networks(blocks: tuple[str, ...]) -> Networks:
    """Return CIDR blocks as (IP version, mask, network) integers, which compare in a fraction of the time."""
    parsed = [ipaddress.ip_network(block) for block in blocks]
    return tuple((net.version, int(net.netmask), int(net.network_address)) for net in parsed)


LONGEST = 45
"""Characters of the longest address in text: IPv6 with an IPv4 tail."""


class Address(NamedTuple):
    """An address that was understood."""

    version: int
    """Of IP: 4 or 6. IPv4 mapped into IPv6 counts as what it is."""
    number: int
    text: str
    """In canonical spelling."""
    neighbourhood: str
    """What limits by address count: the address itself, or of IPv6 its /64, which one customer has whole."""


def parse_address(text: str) -> Address | None:
    """Return what an address in text stands for; `None` if it is none.

    A zone (`fe80::1%eth0`) makes it none: no allowlist can hold one.
    """
    return _parse(text) if len(text) <= LONGEST else None  # nothing longer is kept in the cache


@lru_cache(maxsize=16_384)
def _parse(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return None
        address = address.ipv4_mapped or address
    number, spelled = int(address), str(address)
    return Address(address.version, number, spelled, spelled if address.version == 4 else f"{number >> 64:x}/64")


def neighbourhood(address: str) -> str:
    """Return what limits by address count, as in `Address`; text that is no address counts by itself."""
    parsed = parse_address(address)
    return address if parsed is None else parsed.neighbourhood


def is_within(address: str, networks: Networks) -> bool:
    """Tell whether an address lies in one of the networks; text that is no address lies in none."""
    parsed = parse_address(address)
    return parsed is not None and lies_in(parsed, networks)


def lies_in(address: Address, networks: Networks) -> bool:
    """Tell whether an address lies in one of the networks."""
    version, number, _, _ = address
    for net_version, mask, network in networks:  # noqa: SIM110  a generator in `any` takes twice as long
        if version == net_version and number & mask == network:
            return True
    return False


def client_address(request: Request, *, trusted: Networks) -> str:
    """Return the client's address in canonical text, or an empty string when it can't be known."""
    found = find_client(request, trusted=trusted)
    return "" if found is None else found.text


def find_client(request: Request, *, trusted: Networks) -> Address | None:
    """Return the client's address, or `None` when it can't be known.

    A proxy we trust that forwards nonsense makes it unknown: a bound key is then refused, never let in.
    """
    peer = parse_address(request.peer or "")
    if peer is None or not trusted or not lies_in(peer, trusted):
        return peer
    hops = b",".join(request.header(b"x-forwarded-for")).decode("latin-1").split(",")
    for hop in reversed(hops):
        forwarded = parse_address(hop.strip())
        if forwarded is None or not lies_in(forwarded, trusted):
            return forwarded
    return None  # every hop was one of our proxies: nobody said who asked
