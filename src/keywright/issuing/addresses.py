"""What an allowlist may hold: single addresses and CIDR blocks, each in one canonical spelling. Pure.

`ipaddress` takes more spellings than a person means: host masks (`10.0.0.0/0.255.255.255`) and zones are refused here,
and IPv4 mapped into IPv6 is turned back, because `::ffff:10.0.0.1` is not in `10.0.0.0/8` for it.
"""

from __future__ import annotations

import ipaddress
import re

from keywright.errors import Invalid

PREFIX = re.compile(r"/[0-9]{1,3}", re.ASCII)
WIDEST_V4, WIDEST_V6 = 16, 32
"""The widest blocks taken: 65,536 IPv4 addresses, one provider's IPv6 allocation. Wider binds a key to nothing."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_allowlist(entries: tuple[str, ...], *, most: int) -> tuple[str, ...]:
    """Return the entries as canonical CIDR blocks, sorted, without repeats.

    Raises `Invalid` naming the first entry that can't be taken and what to write instead.
    """
    if len(entries) > most:
        raise Invalid(
            "an allowlist holds at most {most} entries",
            hint="join neighbours into CIDR blocks",
            field="addresses",
            most=most,
        )
    networks = {_network(entry) for entry in entries}
    return tuple(
        str(network) for network in sorted(networks, key=lambda n: (n.version, int(n.network_address), n.prefixlen))
    )


def _network(entry: str) -> Network:
    text = entry.strip()
    address, slash, prefix = text.partition("/")
    if "%" in text or (slash and not PREFIX.fullmatch(slash + prefix)):
        raise _refused(entry, hint="write it like 203.0.113.7, 203.0.113.0/24 or 2001:db8::/48")
    parsed: ipaddress.IPv4Address | ipaddress.IPv6Address | None = None
    try:
        parsed = ipaddress.ip_address(address)
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            if slash and int(prefix) < 96:  # the mapped range is ::ffff:0:0/96
                raise _refused(entry, hint="write IPv4 addresses as such")
            parsed, prefix = parsed.ipv4_mapped, str(int(prefix) - 96) if slash else ""
        network = ipaddress.ip_network(f"{parsed}/{prefix}" if slash else str(parsed), strict=True)
    except ValueError as error:
        if "host bits" not in str(error):
            raise _refused(entry, hint="write it like 203.0.113.7, 203.0.113.0/24 or 2001:db8::/48") from None
        raise _refused(
            entry,
            hint="it has bits set after its prefix; the block is {block}, the single address {address}",
            block=ipaddress.ip_network(f"{parsed}/{prefix}", strict=False),
            address=parsed,
        ) from None
    widest = WIDEST_V4 if network.version == 4 else WIDEST_V6
    if network.prefixlen < widest:
        raise _refused(
            entry,
            hint="a block is at most /{widest} wide; this one holds {count} addresses",
            widest=widest,
            count=f"{network.num_addresses:,}",
        )
    if network.is_multicast or network.is_unspecified:
        raise _refused(entry, hint="no request comes from there")
    return network


def _refused(entry: str, *, hint: str, **values: object) -> Invalid:
    return Invalid(
        "{entry} is not an address a key can be bound to",
        hint=hint,
        field="addresses",
        entry=repr(entry[:64]),
        **values,
    )


def plain_address(block: str) -> str:
    """Return a CIDR block as people write it: a single address without its prefix length."""
    return block.removesuffix("/128" if ":" in block else "/32")
