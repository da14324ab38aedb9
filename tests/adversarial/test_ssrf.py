"""SSRF-01, 02, 05, 06: where a connection may never lead. 04 is in tests/vault/test_egress.py, 07 in test_client.py there."""

from __future__ import annotations

from dataclasses import fields
from ipaddress import ip_address

import pytest

from keywright.errors import KeywrightError
from keywright.vault.destinations import is_special, read_origin
from keywright.vault.model import NewConnection, Pasted


@pytest.mark.parametrize("scheme", ["file", "gopher", "ftp", "unix", "http+unix", "jar", "http", "ws", "", "HTTPS "])
def test_ssrf_01_other_schemes_are_refused(scheme: str) -> None:
    with pytest.raises(KeywrightError):
        read_origin(f"{scheme}://api.kucoin.com")


@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1",
            "localhost",
            "localhost.",
            "LOCALHOST",
            "a.localhost",
            "0.0.0.0",
            "127.1",
            "2130706433",
            "0x7f.1",
        ),
        *(
            "0177.0.0.1",
            "0x7f000001",
            "[::]",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "169.254.169.254",
            "100.64.0.1",
            "[fd00::1]",
        ),
        *(
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "[fe80::1]",
            "[fe80::1%25eth0]",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
        ),
        *(
            "[2001:0:53aa:64c::1]",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "192.0.2.1",
            "127。0。0。1",
            "①②⑦.0.0.1",
        ),
    ],
)
def test_ssrf_02_addresses_inside_are_refused_however_they_are_written(host: str) -> None:
    for port in ("", ":443", ":8080"):
        with pytest.raises(KeywrightError):
            read_origin(f"https://{host}{port}")


@pytest.mark.parametrize(
    "url",
    [
        "https://api.kucoin.com@evil.example",
        "https://evil@api.kucoin.com",
        "https://@api.kucoin.com",
        "https://api.kucoin.com\\@evil.example",
        "https://api.kucoin.com\\.evil.example",
        "https://api.ku\tcoin.com",
        "https://api.ku\ncoin.com",
        " https://api.kucoin.com",
        "https://api.kucoin.com ",
        "https://api.kucoin.com#@evil.example",
        "https://api.kucoin.com?@evil.example",
        "https://api.kucoin.com/path",
        "https://api.kucoin.com//",
        "https://аpi.kucoin.com",  # a Cyrillic letter
        "https://xn--/",
        "https://api..kucoin.com",
        "https://-api.kucoin.com",
        "https://api.kucoin.com.",
        "https://api.kucoin.com:",
        "https://api.kucoin.com:0",
        "https://api.kucoin.com:65536",
        "https://api.kucoin.com:44３",
        "https://[::1",
        "https://[api.kucoin.com]",
        "https://::1",
        "https:///api.kucoin.com",
        "https:api.kucoin.com",
        "https://",
        "",
        "https://" + "a" * 64 + ".com",
        "https://" + "a." * 130 + "com",
    ],
)
def test_ssrf_05_what_parsers_read_differently_is_refused(url: str) -> None:
    with pytest.raises(KeywrightError):
        read_origin(url)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.kucoin.com", "https://api.kucoin.com"),
        ("HTTPS://API.KuCoin.com/", "https://api.kucoin.com"),
        ("https://api.kucoin.com:443", "https://api.kucoin.com"),
        ("https://api.kucoin.com:8443", "https://api.kucoin.com:8443"),
        ("https://93.184.216.34", "https://93.184.216.34"),
        ("https://[2606:2800:220:1::1]:8443", "https://[2606:2800:220:1::1]:8443"),
    ],
)
def test_what_is_plain_is_taken(url: str, origin: str) -> None:
    assert str(read_origin(url)) == origin


def test_a_service_on_this_machine_is_taken_where_the_operator_says_so_and_nothing_else_is() -> None:
    for url in ("http://127.0.0.1:9000", "http://localhost:9000", "https://[::1]:9000"):
        assert read_origin(url, loopback=True).loopback
    for url in ("http://93.184.216.34", "http://10.0.0.1:9000", "http://169.254.169.254"):
        with pytest.raises(KeywrightError):
            read_origin(url, loopback=True)


def test_ssrf_06_nothing_that_the_owner_of_a_key_gives_is_a_place() -> None:
    """Where exchanges are is the operator's setting, where requests leave from the operator's pool."""
    given = {one.name for kind in (NewConnection, Pasted) for one in fields(kind)}
    assert given == {"name", "exchange", "pasted", "bots", "key", "secret", "passphrase", "accept"}


def test_no_password_is_shown() -> None:
    with pytest.raises(KeywrightError) as refused:
        read_origin("https://user:hunter2@api.kucoin.com")
    assert "hunter2" not in refused.value.message + refused.value.hint


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "2606:4700::1111", "2a00:1450::1"],
)
def test_the_internet_is_not_special(address: str) -> None:
    assert not is_special(ip_address(address))
