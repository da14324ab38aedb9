"""SSRF: where a connection may never lead, and what an answer may never do. 04 is in tests/vault/test_egress.py."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from ipaddress import ip_address
from pathlib import Path

import pytest

import keywright
from keywright.errors import KeywrightError
from keywright.settings import Settings, read_settings
from keywright.vault.destinations import Proxy, is_special, read_origin, read_proxy
from keywright.vault.model import NewConnection, Pasted
from keywright.vault.way_out import Egress, EgressGone
from keywright.vault.wire import MOST_BYTES, Unreachable, Wire
from tests.doubles.hostile import (
    Hostile,
    Say,
    body_drop_by_drop,
    chunks_without_end,
    continues_without_end,
    elsewhere,
    gzip_bomb,
    head_drop_by_drop,
    heads_without_end,
    one_long_head,
    running_hostile,
    silence,
    ten_gigabytes,
)
from tests.doubles.proxies import ProxyDouble, running_proxy


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
    assert given == {"name", "exchange", "pasted", "bots", "purpose", "key", "secret", "passphrase", "accept"}


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


# ── SSRF-07: what a real server answers, on the loopback

LOCAL = "127.0.0.7"
SECRET_HEADERS = ((b"kc-api-passphrase", b"canary"), (b"content-type", b"application/json"))
MOST = MOST_BYTES + 4 * 1024 * 1024
"""What may be on its way in the buffers of both ends when the answer is broken off."""


@asynccontextmanager
async def wire_to(hostile: Hostile, proxy: Proxy | None = None, *, total_s: float = 2.0) -> AsyncIterator[Wire]:
    wire = Wire(read_origin(hostile.url, loopback=True), Egress(LOCAL, proxy), total_s=total_s)
    try:
        async with asyncio.timeout(30):
            yield wire
    finally:
        await wire.close()


@asynccontextmanager
async def by_way_of(scheme: str) -> AsyncIterator[Proxy | None]:
    """Give the way out: none, or a proxy as an operator gives it."""
    if not scheme:
        yield None
        return
    async with running_proxy(ProxyDouble(scheme)) as proxy:
        yield read_proxy(proxy.url)


@pytest.mark.parametrize("scheme", ["", "socks5", "http"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_ssrf_07_nobody_is_sent_anywhere_with_what_was_signed(status: int, scheme: str) -> None:
    async with running_hostile(silence) as inside, by_way_of(scheme) as proxy:
        for where in (f"{inside.url}/latest/meta-data", f"//127.0.0.1:{inside.port}/", "http://169.254.169.254/"):
            async with running_hostile(elsewhere(status, where)) as hostile, wire_to(hostile, proxy) as wire:
                for method in ("GET", "POST", "DELETE"):
                    reply = await wire.send(
                        method, b"/api/v1/orders", SECRET_HEADERS, b"{}" if method == "POST" else b""
                    )
                    assert (reply.status, reply.body) == (status, b"")
                assert len(hostile.heard) == 3
        assert inside.heard == []


@pytest.mark.parametrize("scheme", ["", "socks5", "http"])
@pytest.mark.parametrize(
    "say",
    [ten_gigabytes, chunks_without_end, heads_without_end, one_long_head],
    ids=lambda say: say.__name__,
)
async def test_ssrf_07_an_answer_without_end_is_broken_off_by_its_size(say: Say, scheme: str) -> None:
    async with by_way_of(scheme) as proxy, running_hostile(say) as hostile, wire_to(hostile, proxy, total_s=25) as wire:
        with pytest.raises(Unreachable):
            await wire.send("GET", b"/api/v1/accounts", SECRET_HEADERS)
        assert hostile.sent < MOST * (2 if scheme else 1)
    assert len(hostile.heard) == 1, "asked once"


@pytest.mark.parametrize("scheme", ["", "socks5", "http"])
@pytest.mark.parametrize(
    "say", [body_drop_by_drop, head_drop_by_drop, continues_without_end, silence], ids=lambda say: say.__name__
)
async def test_ssrf_07_an_answer_that_comes_drop_by_drop_is_broken_off_by_its_time(say: Say, scheme: str) -> None:
    began = time.monotonic()
    async with by_way_of(scheme) as proxy, running_hostile(say) as hostile, wire_to(hostile, proxy) as wire:
        with pytest.raises(Unreachable, match="no answer in time"):
            await wire.send("GET", b"/api/v1/accounts", SECRET_HEADERS)
    assert time.monotonic() - began < 20


async def test_ssrf_07_what_is_packed_is_not_unpacked() -> None:
    async with running_hostile(gzip_bomb) as hostile, wire_to(hostile, total_s=20) as wire:
        reply = await wire.send("GET", b"/api/v1/accounts")
        assert reply.body.startswith(b"\x1f\x8b")
        assert len(reply.body) < 100_000
        assert b"accept-encoding" not in hostile.heard[0].lower()


@pytest.mark.parametrize(
    "say",
    [
        elsewhere(302, "http://127.0.0.1:1/"),
        heads_without_end,
        one_long_head,
        ten_gigabytes,
        head_drop_by_drop,
        silence,
    ],
    ids=["elsewhere", "heads", "one head", "ten gigabytes", "drops", "silence"],
)
@pytest.mark.parametrize("scheme", ["socks5", "http"])
async def test_ssrf_07_a_proxy_that_answers_as_nobody_should_is_an_error(
    scheme: str, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing goes round it, to where it was to lead."""
    monkeypatch.setattr("keywright.vault.wire.CONNECT_S", 1.0)
    began = time.monotonic()
    async with running_hostile(silence) as exchange, running_hostile(say) as bad:
        proxy = read_proxy(f"{scheme}://127.0.0.1:{bad.port}")
        async with wire_to(exchange, proxy, total_s=4) as wire:
            with pytest.raises((EgressGone, Unreachable)):
                await wire.send("GET", b"/api/v1/accounts", SECRET_HEADERS)
        assert exchange.heard == []
        assert bad.sent < MOST
        assert not any(b"canary" in head for head in bad.heard)
    assert time.monotonic() - began < 20


def test_ssrf_06_every_address_that_is_asked_is_a_setting_of_the_operators() -> None:
    """Where a request of ours can go is in settings, which are read once from file and environment; no page and no call of the
    management API writes one."""
    asked = {one.name for one in fields(Settings) if one.name.endswith(("_url", "_url_file", "_urls_file"))}
    assert asked >= {"kucoin_url", "binance_url", "bitfinex_url", "database_url", "chat_urls_file", "sms_urls_file"}
    source = Path(keywright.__file__).parent
    for surface in ("web", "api"):
        for module in (source / surface).rglob("*.py"):
            written = re.findall(
                r"(?:visit\.text|visit\.form|Field)\([^)]*\"([a-z_]*url[a-z_]*)\"", module.read_text("utf-8")
            )
            assert written == [], f"{module} takes an address from somebody"


@pytest.mark.parametrize("name", ["kucoin_url", "binance_url", "bitfinex_url"])
@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "http://169.254.169.254", "http://10.0.0.1", "https://u:p@api.kucoin.com", "ftp://a"]
)
def test_ssrf_01_a_setting_leads_to_no_place_inside_either(name: str, url: str) -> None:
    with pytest.raises(KeywrightError):
        read_settings({}, environ={"HOME": "/nowhere", f"KEYWRIGHT_{name.upper()}": url})
