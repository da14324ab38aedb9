from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given, strategies as st

from keywright.errors import Invalid
from keywright.issuing.addresses import parse_allowlist


@pytest.mark.parametrize(
    ("entry", "canonical"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        (" 203.0.113.0/24 ", "203.0.113.0/24"),
        ("2001:DB8::1", "2001:db8::1/128"),
        ("2001:db8::/48", "2001:db8::/48"),
        ("::ffff:1.2.3.4", "1.2.3.4/32"),
        ("::ffff:1.2.3.0/120", "1.2.3.0/24"),
        ("127.0.0.1", "127.0.0.1/32"),
    ],
)
def test_ip_08_each_address_has_one_spelling(entry: str, canonical: str) -> None:
    assert parse_allowlist((entry,), most=20) == (canonical,)


@pytest.mark.parametrize(
    "entry",
    [
        "10.0.0.1/8",
        "0.0.0.0/0",
        "::/0",
        "0.0.0.0",
        "10.0.0.0/8",
        "2001:d00::/24",
        "010.0.0.1",
        "127.1",
        "1.2.3.4/33",
        "1.2.3.4/-1",
        "1.2.3.4/",
        "1.2.3.4/ 24",
        "1.2.3.4/２４",
        "10.0.0.0/0.255.255.255",
        "10.0.0.0/255.255.255.0",
        "fe80::1%eth0",
        "fe80::/64%eth0",
        "::ffff:0:0/95",
        "2130706433",
        "0x7f.1",
        "localhost",
        "224.0.0.1",
        "1.2.3.4:443",
        "[::1]",
        "",
        " ",
        "1.2.3.4,5.6.7.8",
        "x" * 100_000,
    ],
)
def test_ip_08_what_could_be_meant_otherwise_or_binds_to_nothing_is_refused(entry: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_allowlist((entry,), most=20)
    assert refused.value.hint
    assert len(refused.value.message) < 200


def test_ip_08_a_thousand_entries_are_too_many() -> None:
    with pytest.raises(Invalid, match="at most 20"):
        parse_allowlist(tuple(f"10.0.{n // 256}.{n % 256}" for n in range(1000)), most=20)


def test_host_bits_are_told_apart_from_a_typing_error() -> None:
    with pytest.raises(Invalid) as refused:
        parse_allowlist(("203.0.113.9/24",), most=20)
    assert "203.0.113.0/24" in refused.value.hint


def test_repeats_fold_and_the_order_is_always_the_same() -> None:
    assert parse_allowlist(("9.9.9.9", "2001:db8::1", "1.1.1.1", "9.9.9.9/32"), most=20) == (
        "1.1.1.1/32",
        "9.9.9.9/32",
        "2001:db8::1/128",
    )


@given(st.text(max_size=60))
def test_any_text_is_taken_or_refused_and_what_is_taken_is_canonical(text: str) -> None:
    try:
        (taken,) = parse_allowlist((text,), most=20)
    except Invalid:
        return
    assert str(ipaddress.ip_network(taken, strict=True)) == taken
    assert parse_allowlist((taken,), most=20) == (taken,)
