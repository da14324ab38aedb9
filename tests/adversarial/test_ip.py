"""IP: binding a key to addresses. Left to others: IP-05 (there is no proxy token), IP-13 (there are no sub-accounts)."""

from __future__ import annotations

import socket
import tempfile
from pathlib import Path

import pytest

from keywright.errors import Invalid
from keywright.protocol.message import Header
from tests.support.door import Bot, Door, hang_up, serve

ACCOUNTS = "/api/v1/accounts"
BOUND = "198.51.100.7"
PROXIES = ("127.0.0.1/32", "10.1.0.0/16")


def forwarded(*values: str | bytes) -> tuple[Header, ...]:
    """Return `X-Forwarded-For` lines."""
    return tuple((b"X-Forwarded-For", value.encode() if isinstance(value, str) else value) for value in values)


async def seen_as(door: Door, bot: Bot, *headers: Header) -> str:
    """Return the address that a request with these headers is taken to come from; empty where it can't be known."""
    reply = await door.send(bot.signed("GET", ACCOUNTS).plus(*headers))
    assert reply is not None
    return door.usage.attempts[-1].address


async def test_ip_01_without_a_trusted_proxy_only_the_peer_counts(door: Door) -> None:
    bot = await door.bot(addresses=(BOUND,))
    for headers in ((), forwarded(BOUND), forwarded(f"{BOUND}, 127.0.0.1"), forwarded("127.0.0.1", BOUND)):
        hint = await door.refuses(bot.signed("GET", ACCOUNTS).plus(*headers), "address_not_allowed")
        assert "127.0.0.1" in hint
        assert BOUND not in hint
    await door.allows(door.kx.signed("GET", ACCOUNTS).plus(*forwarded("203.0.113.9")))
    assert door.echo.calls[-1][1].address == "127.0.0.1"


async def test_ip_02_what_the_client_writes_left_of_the_proxy_proves_nothing(door: Door) -> None:
    door.configure(trusted_proxies=PROXIES)
    bot = await door.bot(addresses=(BOUND,))
    hint = await door.refuses(
        bot.signed("GET", ACCOUNTS).plus(*forwarded(f"{BOUND}, 203.0.113.9")), "address_not_allowed"
    )
    assert "203.0.113.9" in hint
    await door.allows(bot.signed("GET", ACCOUNTS).plus(*forwarded(f"203.0.113.9, {BOUND}")))
    assert door.echo.calls[-1][1].address == BOUND


async def test_ip_02_proxies_behind_one_another_are_passed_over(door: Door) -> None:
    door.configure(trusted_proxies=PROXIES)
    bot = await door.bot(addresses=(BOUND,))
    await door.allows(bot.signed("GET", ACCOUNTS).plus(*forwarded(f"203.0.113.9, {BOUND}, 10.1.2.3, 10.1.255.255")))
    assert await seen_as(door, bot, *forwarded(f"{BOUND}, 203.0.113.9, 10.1.2.3")) == "203.0.113.9"
    assert await seen_as(door, bot, *forwarded(f"{BOUND}, 10.2.2.3")) == "10.2.2.3"
    assert await seen_as(door, bot, *forwarded(f"{BOUND}, ::ffff:10.1.2.3")) == BOUND
    assert not await seen_as(door, bot, *forwarded("10.1.2.3, 10.1.2.4"))


async def test_ip_02_a_peer_that_is_no_trusted_proxy_is_not_believed(door: Door) -> None:
    door.configure(trusted_proxies=("10.1.0.0/16",))
    bot = await door.bot(addresses=(BOUND,))
    await door.refuses(bot.signed("GET", ACCOUNTS).plus(*forwarded(BOUND)), "address_not_allowed")
    assert door.usage.attempts[-1].address == "127.0.0.1"


async def test_ip_04_lines_are_joined_in_order(door: Door) -> None:
    door.configure(trusted_proxies=PROXIES)
    bot = await door.bot(addresses=(BOUND,))
    await door.allows(bot.signed("GET", ACCOUNTS).plus(*forwarded("203.0.113.9", BOUND)))
    await door.refuses(bot.signed("GET", ACCOUNTS).plus(*forwarded(BOUND, "203.0.113.9")), "address_not_allowed")
    await door.allows(bot.signed("GET", ACCOUNTS).plus((b"x-forwarded-for", b"203.0.113.9"), *forwarded(BOUND)))


async def test_ip_04_what_is_no_address_makes_the_client_unknown(door: Door) -> None:
    door.configure(trusted_proxies=PROXIES)
    bot = await door.bot(addresses=(BOUND,))
    for value in (
        *(b"", b",", b",,,", b"unknown", b"_hidden", b"198.51.100.7:443", b"[::1]:80", b"[2001:db8::1]", b"localhost"),
        *(b"198.51.100.7,", b"198.51.100.7,unknown", b"x" * 10_000, b"198.51.100.07", b"198.51.100", b"3325256711"),
        *(b"0xc6336407", b"198.51.100.7/32", b"fe80::1%eth0", b"for=198.51.100.7", b'"198.51.100.7"', b"\xff\xfe"),
        *("１98.51.100.7".encode(), b"198.51.100.7 203.0.113.9", b"1" * 40),
    ):
        hint = await door.refuses(bot.signed("GET", ACCOUNTS).plus(*forwarded(value)), "address_not_allowed")
        assert "The address it came from" in hint
        assert door.usage.attempts[-1].address == ""
    await door.refuses(bot.signed("GET", ACCOUNTS), "address_not_allowed")
    await door.drops(bot.signed("GET", ACCOUNTS).plus(*forwarded(b"198.51.100.7\0")).bytes)


async def test_ip_06_other_headers_about_addresses_are_not_read(door: Door) -> None:
    others = tuple(
        (name, BOUND.encode())
        for name in (
            *(b"X-Real-IP", b"CF-Connecting-IP", b"True-Client-IP", b"X-Client-IP", b"X-Cluster-Client-IP"),
            *(b"X_Forwarded_For", b"X-Forwarded", b"X-Original-Forwarded-For", b"Fastly-Client-IP", b"X-ProxyUser-Ip"),
        )
    )
    others = (*others, (b"Forwarded", f"for={BOUND}".encode()))
    bot = await door.bot(addresses=(BOUND,))
    await door.refuses(bot.signed("GET", ACCOUNTS).plus(*others), "address_not_allowed")
    door.configure(trusted_proxies=PROXIES)
    await door.refuses(bot.signed("GET", ACCOUNTS).plus(*others), "address_not_allowed")
    assert await seen_as(door, bot, *others, *forwarded("203.0.113.9")) == "203.0.113.9"


@pytest.mark.parametrize(
    "entry",
    [
        *("10.0.0.1/8", "0.0.0.0/0", "::/0", "0.0.0.0", "::", "010.0.0.1", "127.1", "1.2.3.4/33", "1.2.3.4/-1"),
        *("10.0.0.0/0.255.255.255", "10.0.0.0/255.0.0.0", "fe80::1%eth0", "fe80::%eth0/64", "2130706433", "0x7f000001"),
        *("10.0.0.0/8", "2001::/16", "::ffff:0:0/96", "::ffff:1.2.3.4/8", "1.2.3.4/", "1.2.3.4/٣٢", "1.2.3.4,5.6.7.8"),
        *(
            "1.2.3.4 5.6.7.8",
            "1.2.3",
            "1.2.3.4.5",
            "example.org",
            "",
            "*",
            "1.2.3.*",
            "224.0.0.1",
            "ff02::1",
            "1.2.3.4\0",
        ),
        *("1.2.3.256", "[::1]", "1.2.3.4:80", "１.2.3.4", "/24", "1.2.3.4/24/24", "1.2.3.0/ 24"),
    ],
)
async def test_ip_08_what_is_no_address_or_too_wide_cannot_bind_a_key(door: Door, entry: str) -> None:
    with pytest.raises(Invalid) as refused:
        await door.bot(addresses=(entry,))
    assert refused.value.hint


async def test_ip_08_addresses_are_kept_in_one_spelling(door: Door) -> None:
    typed = ("::ffff:1.2.3.4", "2001:DB8:0:0::7", "1.2.3.4/32", " 203.0.113.0/24 ", "2001:db8::/32", "10.0.0.0/16")
    bot = await door.bot(addresses=typed)
    assert bot.held.key.grant.addresses == (
        *("1.2.3.4/32", "10.0.0.0/16", "203.0.113.0/24"),
        *("2001:db8::/32", "2001:db8::7/128"),
    )


async def test_ip_08_the_number_of_addresses_is_limited(door: Door) -> None:
    for count in (21, 1_000):
        with pytest.raises(Invalid, match="at most 20"):
            await door.bot(addresses=tuple(f"10.0.{number >> 8}.{number & 255}" for number in range(count)))
    await door.bot(addresses=tuple(f"10.0.0.{number}" for number in range(20)))


@pytest.mark.parametrize(
    ("block", "inside", "outside"),
    [
        ("203.0.113.0/24", ("203.0.113.0", "203.0.113.255"), ("203.0.112.255", "203.0.114.0")),
        ("203.0.113.7/32", ("203.0.113.7", "::ffff:203.0.113.7"), ("203.0.113.6", "203.0.113.8", "::203.0.113.7")),
        ("2001:db8::7/128", ("2001:db8::7", "2001:0DB8::0007"), ("2001:db8::6", "2001:db8::8")),
        (
            "2001:db8:0:1::/64",
            ("2001:db8:0:1::", "2001:db8:0:1:ffff:ffff:ffff:ffff"),
            ("2001:db8:0:0:ffff:ffff:ffff:ffff", "2001:db8:0:2::", "64:ff9b::203.0.113.7"),
        ),
        ("10.0.0.0/16", ("10.0.0.0", "10.0.255.255"), ("9.255.255.255", "10.1.0.0", "a00::")),
    ],
)
async def test_ip_09_the_edges_of_a_block_are_exact(
    door: Door, block: str, inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    door.configure(trusted_proxies=("127.0.0.1/32",))
    bot = await door.bot(addresses=(block,))
    for address in inside:
        await door.allows(bot.signed("GET", ACCOUNTS).plus(*forwarded(address)))
    for address in outside:
        await door.refuses(bot.signed("GET", ACCOUNTS).plus(*forwarded(address)), "address_not_allowed")


async def test_ip_10_an_address_with_a_zone_is_no_address_anywhere(door: Door) -> None:
    door.configure(trusted_proxies=("127.0.0.1/32",))
    for block in ("fe80::/64", "fe80::1"):
        bot = await door.bot(addresses=(block,))
        await door.allows(bot.signed("GET", ACCOUNTS).plus(*forwarded("fe80::1")))
        await door.refuses(bot.signed("GET", ACCOUNTS).plus(*forwarded("fe80::1%eth0")), "address_not_allowed")
        await door.refuses(bot.signed("GET", ACCOUNTS).plus(*forwarded("fe80::1%")), "address_not_allowed")


async def test_ip_11_without_a_peer_address_a_bound_key_is_refused(door: Door) -> None:
    """Over a Unix socket there is none; what a header says of it is not believed, trusted proxies or not."""
    door.configure(trusted_proxies=("0.0.0.0/0", "::/0"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "door.sock"
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(path))
        server = await serve(door.app("spot"), listening)
        try:
            for headers in ((), forwarded("127.0.0.1")):
                await door.refuses(door.kx.signed("GET", ACCOUNTS).plus(*headers), "address_not_allowed", to=path)
                await door.allows(door.kr.signed("GET", ACCOUNTS).plus(*headers), to=path)
        finally:
            await hang_up(server)


async def test_ip_12_what_moves_money_out_cannot_be_had_without_an_address(door: Door) -> None:
    for permissions in (("withdraw",), ("transfer",), ("trade", "transfer", "withdraw")):
        with pytest.raises(Invalid, match="needs at least one address"):
            await door.bot(*permissions)
