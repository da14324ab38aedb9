"""Whose address counts: the peer's, unless the peer is a proxy we were told to trust. Pure.

`X-Forwarded-For` is read from the right, past trusted proxies, to the first address that is none of them: everything to
the left of that was written by the client and proves nothing. `Forwarded`, `X-Real-IP` and their like are never read.
"""

from __future__ import annotations

import ipaddress
from functools import lru_cache

from keywright.protocol.message import Request

Networks = tuple[tuple[int, int, int], ...]


def compile_networks(blocks: tuple[str, ...]) -> Networks:
    """Return CIDR blocks as (IP version, mask, network) integers, which compare in a fraction of the time."""
    parsed = [ipaddress.ip_network(block) for block in blocks]
    return tuple((net.version, int(net.netmask), int(net.network_address)) for net in parsed)


LONGEST = 45
"""Characters of the longest address in text: IPv6 with an IPv4 tail."""


def parse_address(text: str) -> tuple[int, int, str] | None:
    """Return (IP version, number, canonical text) of an address, IPv4 mapped into IPv6 turned back; `None` if it is none.

    A zone (`fe80::1%eth0`) makes it none: no allowlist can hold one.
    """
    return _parse(text) if len(text) <= LONGEST else None  # nothing longer is kept in the cache


@lru_cache(maxsize=16_384)
def _parse(text: str) -> tuple[int, int, str] | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return None
        address = address.ipv4_mapped or address
    return address.version, int(address), str(address)


def neighbourhood(address: str) -> str:
    """Return what limits by address count: the address itself, or of IPv6 its /64, which one customer has whole."""
    parsed = parse_address(address)
    if parsed is None or parsed[0] == 4:
        return address
    return f"{parsed[1] >> 64:x}/64"


def is_within(address: str, networks: Networks) -> bool:
    """Tell whether an address lies in one of the networks; text that is no address lies in none."""
    parsed = parse_address(address)
    if parsed is None:
        return False
    version, number, _ = parsed
    for net_version, mask, network in networks:  # noqa: SIM110  a generator in `any` takes twice as long
        if version == net_version and number & mask == network:
            return True
    return False


def client_address(request: Request, *, trusted: Networks) -> str:
    """Return the client's address in canonical text, or an empty string when it can't be known.

    A proxy we trust that forwards nonsense makes it unknown: a bound key is then refused, never let in.
    """
    parsed = parse_address(request.peer or "")
    if parsed is None:
        return ""
    if not trusted or not is_within(parsed[2], trusted):
        return parsed[2]
    hops = b",".join(request.header(b"x-forwarded-for")).decode("latin-1").split(",")
    for hop in reversed(hops):
        forwarded = parse_address(hop.strip())
        if forwarded is None:
            return ""
        if not is_within(forwarded[2], trusted):
            return forwarded[2]
    return ""  # every hop was one of our proxies: nobody said who asked
