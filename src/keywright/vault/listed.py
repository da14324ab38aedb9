"""Addresses as exchanges list them: whole, or with parts left out. Pure."""

from __future__ import annotations

from ipaddress import ip_address


def may_be(address: str, shown: str) -> bool:
    """Tell whether an address may be the one that is shown in part: `203.**.154` stands for 203.x.y.154.

    A star, or a run of them, stands for one octet or several: KuCoin writes `127.**.1` for 127.0.0.1.
    """
    if "*" not in shown:
        return is_same(address, shown)
    separator = ":" if ":" in shown else "."
    parts, ours = shown.lower().split(separator), address.lower().split(separator)
    masked = [index for index, part in enumerate(parts) if "*" in part]
    before, after = parts[: masked[0]], parts[masked[-1] + 1 :]
    hidden = len(ours) - len(before) - len(after)
    if hidden < 1 or (len(parts) == len(ours) and hidden != masked[-1] - masked[0] + 1):
        return False
    between = [(index, part) for index, part in enumerate(parts[masked[0] : masked[-1]], masked[0]) if "*" not in part]
    seen = all(ours[index] == part for index, part in between) if len(parts) == len(ours) else True
    return seen and ours[: len(before)] == before and (not after or ours[-len(after) :] == after)


def is_same(one: str, other: str) -> bool:
    """Tell whether two texts are one address, however it is written."""
    try:
        return ip_address(one) == ip_address(other)
    except ValueError:
        return one == other
