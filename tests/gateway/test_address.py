from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, strategies as st

from keywright.gateway.address import client_address, compile_networks, is_within, neighbourhood, parse_address
from keywright.protocol.message import Request

PROXY = compile_networks(("10.0.0.0/24", "fd00::/64"))


def _request(peer: str | None, *forwarded: str) -> Request:
    return Request(
        "GET", b"/", tuple((b"x-forwarded-for", line.encode("latin-1", "replace")) for line in forwarded), b"", peer
    )


def test_without_trusted_proxies_only_the_peer_counts() -> None:
    assert client_address(_request("127.0.0.1", "198.51.100.7"), trusted=()) == "127.0.0.1"


def test_behind_a_trusted_proxy_the_last_address_it_wrote_counts() -> None:
    assert client_address(_request("10.0.0.5", "198.51.100.7, 203.0.113.9"), trusted=PROXY) == "203.0.113.9"


def test_proxies_in_a_row_are_walked_over_from_the_right() -> None:
    assert client_address(_request("10.0.0.5", "1.1.1.1, 203.0.113.9, 10.0.0.7"), trusted=PROXY) == "203.0.113.9"


def test_ip_04_two_lines_are_one_list_in_order() -> None:
    assert client_address(_request("10.0.0.5", "198.51.100.7", "203.0.113.9"), trusted=PROXY) == "203.0.113.9"


@pytest.mark.parametrize(
    "line",
    [
        "",
        ",",
        "unknown",
        "_hidden",
        "1.2.3.4:443",
        "[::1]:80",
        "1.2.3.4, ",
        "\x00",
        "x" * 10_240,
        "fe80::1%eth0",
        "10.0.0.9",
    ],
)
def test_ip_04_nonsense_from_a_trusted_proxy_makes_the_address_unknown(line: str) -> None:
    assert client_address(_request("10.0.0.5", line), trusted=PROXY) == ""
    assert client_address(_request("10.0.0.5"), trusted=PROXY) == ""


def test_ip_11_no_peer_no_address() -> None:
    assert client_address(_request(None, "1.2.3.4"), trusted=PROXY) == ""
    assert not is_within("", compile_networks(("0.0.0.0/0",)))


def test_ip_08_a_mapped_address_is_the_ipv4_it_maps() -> None:
    assert client_address(_request("::ffff:203.0.113.7"), trusted=()) == "203.0.113.7"
    assert is_within("::ffff:203.0.113.7", compile_networks(("203.0.113.0/24",)))


def test_ip_10_a_zone_is_refused_always() -> None:
    assert parse_address("fe80::1%eth0") is None
    assert not is_within("fe80::1%eth0", compile_networks(("fe80::/64",)))


@pytest.mark.parametrize(
    ("block", "first", "last", "after"),
    [
        ("203.0.113.0/24", "203.0.113.0", "203.0.113.255", "203.0.114.0"),
        ("203.0.113.7/32", "203.0.113.7", "203.0.113.7", "203.0.113.8"),
        ("2001:db8::1/128", "2001:db8::1", "2001:db8::1", "2001:db8::2"),
        ("2001:db8::/64", "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::"),
    ],
)
def test_ip_09_edges_are_exact(block: str, first: str, last: str, after: str) -> None:
    networks = compile_networks((block,))
    assert is_within(first, networks)
    assert is_within(last, networks)
    assert not is_within(after, networks)
    assert not is_within(str(ipaddress.ip_address(first) - 1), networks)


@given(st.ip_addresses(), st.ip_addresses(), st.integers(0, 128))
def test_masks_agree_with_the_library(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
    base: ipaddress.IPv4Address | ipaddress.IPv6Address,
    prefix: int,
) -> None:
    network = ipaddress.ip_network((base, min(prefix, base.max_prefixlen)), strict=False)
    if isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address.scope_id):
        return
    assert is_within(str(address), compile_networks((str(network),))) == (address in network)


def test_limits_count_an_ipv4_address_and_an_ipv6_network_of_64_bits() -> None:
    assert neighbourhood("203.0.113.7") != neighbourhood("203.0.113.8")
    assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8::ffff:ffff:ffff:ffff")
    assert neighbourhood("2001:db8::1") != neighbourhood("2001:db8:0:1::1")
    assert neighbourhood("") == ""
