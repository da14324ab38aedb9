"""How the values of settings are read: each function takes what was found and returns the value, or raises `ValueError`
with what it takes. A floor: imports nothing of ours.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

CONSOLE_URL = re.compile(r"https://(?!-)[a-z0-9.-]+(?::(?!443$)[0-9]{1,5})?", re.ASCII)
"""What browsers send as Origin: lower case, no path, no default port. Anything else would match no form of ours."""

PUBLIC_URL = re.compile(r"https?://[A-Za-z0-9.\[\]:-]+")
LOGIN_URL = re.compile(r"(https://|http://(localhost|127\.0\.0\.1)(:|/))[A-Za-z0-9._~:/-]+", re.ASCII)


def text(value: object) -> str:
    """Return text without the space around it."""
    if not isinstance(value, str):
        raise ValueError("takes text")  # noqa: TRY004  one kind of error for one kind of mistake
    return value.strip()


def number(least: int, most: int) -> Callable[[object], int]:
    """Return what takes whole numbers from one to another."""

    def parse(value: object) -> int:
        number = int(value) if isinstance(value, str) and value.strip().isdigit() else value
        if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= most:
            raise ValueError(f"takes a whole number from {least} to {most}")
        return number

    return parse


def switch(value: object) -> bool:
    """Return whether it is on."""
    words = {"true": True, "on": True, "1": True, "yes": True, "false": False, "off": False, "0": False, "no": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise ValueError("takes true or false")


def one_of(*words: str) -> Callable[[object], str]:
    """Return what takes one of these words."""

    def parse(value: object) -> str:
        if value not in words:
            raise ValueError(f"takes one of {', '.join(words)}")
        return str(value)

    return parse


def blocks(value: object) -> tuple[str, ...]:
    """Return addresses and CIDR blocks as they are written canonically."""
    entries = [entry.strip() for entry in value.split(",") if entry.strip()] if isinstance(value, str) else value
    if not isinstance(entries, (list, tuple)):
        raise ValueError("takes a list of addresses or CIDR blocks")  # noqa: TRY004
    return tuple(str(ipaddress.ip_network(str(entry))) for entry in entries)


def service_url(value: object) -> str:
    """Return the address of a service: https, or on this machine http."""
    written = text(value)
    match = re.fullmatch(r"(https?)://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?/?", written, re.ASCII)
    if written and (match is None or (match[1] == "http" and not is_loopback(match[2].strip("[]")))):
        raise ValueError("takes https://host, without a path; http for this machine only")
    return written.rstrip("/")


def hours(value: object) -> int | str:
    """Return a number of hours, or `auto`."""
    return "auto" if value == "auto" else number(0, 720)(value)


def is_loopback(host: str) -> bool:
    """Tell whether this is the machine itself, by name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
