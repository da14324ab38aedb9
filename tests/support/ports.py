"""Ports for servers that have to be told theirs."""

from __future__ import annotations

import random
import socket
from contextlib import suppress
from pathlib import Path

GIVEN_OUT = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """Return a port that is free and stays so: whoever asks the system for any port is given one of others."""
    first_given_out = int(GIVEN_OUT.read_text().split()[0]) if GIVEN_OUT.exists() else 32_768
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(min(10_000, first_given_out - 1_000), first_given_out)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
