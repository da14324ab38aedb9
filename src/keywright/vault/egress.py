"""What requests leave by is there or it is not: a local address is tried, a name is looked up. `connector` goes through it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from keywright.vault.destinations import Address
from keywright.vault.way_out import Egress, gone

Lookup = Callable[[str, int], Awaitable[list[Address]]]
"""A name and a port → every address it leads to."""


async def look_up(host: str, port: int) -> list[Address]:
    """Return every address the system's resolver knows for a name. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [ip_address(str(where[0]).partition("%")[0]) for _, _, _, _, where in found]


def check_egress(egress: Egress) -> None:
    """Do nothing if the local address is one of this machine's. Raises `EgressGone`."""
    if not egress.address:
        return
    family = socket.AF_INET6 if ":" in egress.address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.bind((egress.address, 0))
    except OSError:
        raise gone(egress) from None
