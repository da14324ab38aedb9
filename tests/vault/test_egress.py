"""From which address requests leave, alone and through proxies; and that nothing leaves from another."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from keywright.errors import Invalid, Unusable
from keywright.secret import Secret
from keywright.vault.client import VenueClient
from keywright.vault.destinations import Address, Origin, read_proxy
from keywright.vault.egress import check_egress
from keywright.vault.evidence import Exchange
from keywright.vault.way_out import Egress, EgressGone
from keywright.vault.wire import Unreachable, Wire, strict_tls
from tests.doubles.exchange import running
from tests.doubles.kucoin import KucoinDouble
from tests.doubles.proxies import ProxyDouble, running_proxy
from tests.support.clock import FakeClock
from tests.vault.ways import ADDRESS, pasted, ways

PROXIED = "127.0.0.66"


async def test_agt_11_two_connections_leave_from_their_own_addresses(kucoin: KucoinDouble, clock: FakeClock) -> None:
    keys = {address: kucoin.new_key(addresses=(address,)) for address in ("127.0.0.7", "127.0.0.8", "127.0.0.9")}
    shared = ways(kucoin, clock)

    async def probe(address: str) -> None:
        async with VenueClient(Exchange.KUCOIN, Egress(address), shared) as asking:
            for _ in range(3):
                assert (await asking.probe(pasted(kucoin, keys[address]))).seen_address == address

    await asyncio.gather(*map(probe, keys))
    for address, key in keys.items():
        assert {one.peer for one in kucoin.seen if one.headers.get("kc-api-key") == key.key} == {address}


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "http"])
@pytest.mark.parametrize("user", ["", "us%er"])
async def test_agt_11_through_a_proxy_the_local_address_is_kept(
    kucoin: KucoinDouble, clock: FakeClock, scheme: str, user: str
) -> None:
    key = kucoin.new_key(addresses=(PROXIED,))
    async with running_proxy(ProxyDouble(scheme, user=user, password="p4ss" if user else "")) as proxy:
        egress = Egress(ADDRESS, read_proxy(proxy.url))
        async with VenueClient(Exchange.KUCOIN, egress, ways(kucoin, clock)) as asking:
            probe = await asking.probe(pasted(kucoin, key))
    assert probe.seen_address == PROXIED
    assert kucoin.peers == {PROXIED}
    assert set(proxy.peers) == {ADDRESS}
    assert "p4ss" not in repr(egress) + str(egress)


async def test_the_environment_has_no_say(
    kucoin: KucoinDouble, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AGT-10: HTTP_PROXY, NO_PROXY and the like are whoever starts the process's."""
    async with running_proxy(ProxyDouble("http")) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        async with VenueClient(Exchange.KUCOIN, Egress(ADDRESS), ways(kucoin, clock)) as asking:
            await asking.probe(pasted(kucoin, kucoin.new_key()))
    assert proxy.peers == []
    assert kucoin.peers == {ADDRESS}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"user": "other", "password": Secret("wrong")}, "can't be used"),
        ({"port": 1}, "it does not answer"),
        ({"host": "nowhere.invalid"}, "its name leads nowhere"),
        ({"host": "::1"}, "no address that can be reached from 127.0.0.7"),
    ],
)
@pytest.mark.parametrize("scheme", ["socks5", "http"])
async def test_a_proxy_that_fails_is_an_error_and_nothing_goes_round_it(
    kucoin: KucoinDouble, clock: FakeClock, scheme: str, change: dict[str, object], said: str
) -> None:
    async with running_proxy(ProxyDouble(scheme, user="user", password="p4ss")) as proxy:
        wrong = replace(read_proxy(proxy.url), **change)  # type: ignore[arg-type]
        async with VenueClient(Exchange.KUCOIN, Egress(ADDRESS, wrong), ways(kucoin, clock)) as asking:
            with pytest.raises(EgressGone, match=said) as failed:
                await asking.probe(pasted(kucoin, kucoin.new_key()))
    assert kucoin.seen == []
    assert "p4ss" not in failed.value.message + failed.value.hint


async def test_an_address_that_goes_while_we_run_is_an_error_with_a_proxy_too(
    kucoin: KucoinDouble, clock: FakeClock
) -> None:
    async with running_proxy(ProxyDouble("socks5")) as proxy:
        egress = Egress("192.0.2.77", read_proxy(proxy.url))
        async with VenueClient(Exchange.KUCOIN, egress, ways(kucoin, clock)) as asking:
            with pytest.raises(EgressGone, match=r"192\.0\.2\.77"):
                await asking.probe(pasted(kucoin, kucoin.new_key()))
    assert proxy.peers == []
    assert kucoin.seen == []


def test_an_egress_is_checked_before_it_is_given_out() -> None:
    check_egress(Egress("127.0.0.200"))
    check_egress(Egress())
    for gone in ("192.0.2.1", "2001:db8::1"):
        with pytest.raises(EgressGone):
            check_egress(Egress(gone))


# ── names: looked up once, checked, and connected to as checked


class Names:
    """Answers look-ups, and counts them."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = list(answers), 0

    async def __call__(self, host: str, port: int) -> list[Address]:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [ip_address(one) for one in answer.split()]


def _wire(names: Names, origin: Origin, egress: Egress, tls: ssl.SSLContext | None = None) -> Wire:
    return Wire(origin, egress, lookup=names, tls=tls)


PRIVATE = [
    "10.0.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "::1",
    "fd00::1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::1",
]


@pytest.mark.parametrize("inside", PRIVATE)
async def test_ssrf_04_a_name_that_leads_inside_is_refused(inside: str) -> None:
    for answer in (inside, f"93.184.216.34 {inside}", f"{inside} 93.184.216.34"):
        names = Names(answer)
        wire = _wire(names, Origin("https", "api.kucoin.com", 443), Egress())
        with pytest.raises(Unusable, match="inside a private network"):
            await wire.send("GET", b"/api/v1/timestamp")
        await wire.close()
        assert names.asked == 1


async def test_ssrf_04_a_name_that_changes_its_mind_is_connected_to_as_it_was_checked(clock: FakeClock) -> None:
    """Rebinding: what was looked up is what is connected to, and a later look-up is checked anew."""
    async with running(KucoinDouble(clock)) as double:
        port = int(double.url.rpartition(":")[2])
        names = Names("127.0.0.1", "93.184.216.34")
        wire = _wire(names, Origin("http", "exchange.test", port, loopback=True), Egress(ADDRESS))
        assert (await wire.send("GET", b"/api/v1/timestamp")).status == 200
        assert (await wire.send("GET", b"/api/v1/timestamp")).status == 200
        assert names.asked == 1  # one connection, one look-up
        await wire.close()
        again = _wire(names, Origin("http", "exchange.test", port, loopback=True), Egress(ADDRESS))
        with pytest.raises(Unusable, match="service on this machine, and leads elsewhere"):
            await again.send("GET", b"/api/v1/timestamp")
        await again.close()
    assert double.seen[0].headers["host"] == f"exchange.test:{port}"


async def test_a_host_of_both_families_is_reached_over_the_address_s_own(clock: FakeClock) -> None:
    async with running(KucoinDouble(clock)) as double:
        port = int(double.url.rpartition(":")[2])
        wire = _wire(Names("::1 127.0.0.1"), Origin("http", "exchange.test", port, loopback=True), Egress(ADDRESS))
        assert (await wire.send("GET", b"/api/v1/timestamp")).status == 200
        await wire.close()
        only_6 = _wire(Names("::1"), Origin("http", "exchange.test", port, loopback=True), Egress(ADDRESS))
        with pytest.raises(Unreachable, match=r"can be reached from 127\.0\.0\.7"):
            await only_6.send("GET", b"/api/v1/timestamp")
        await only_6.close()
    assert double.peers == {ADDRESS}


@pytest.mark.parametrize("scheme", ["socks5", "http"])
async def test_through_a_proxy_a_host_of_both_families_is_reached_over_one(clock: FakeClock, scheme: str) -> None:
    """Else an exchange would see two addresses of one connection, by how the system orders what it looked up."""
    async with running(KucoinDouble(clock)) as double, running_proxy(ProxyDouble(scheme)) as proxy:
        port = int(double.url.rpartition(":")[2])
        egress = Egress(ADDRESS, read_proxy(proxy.url))
        wire = _wire(Names("::1 127.0.0.1"), Origin("http", "exchange.test", port, loopback=True), egress)
        assert (await wire.send("GET", b"/api/v1/timestamp")).status == 200
        await wire.close()
    assert proxy.asked_for == ["127.0.0.1"]


# ── AGT-10: TLS


def _certificate(folder: Path, name: str, days: str = "7") -> ssl.SSLContext:
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-subj",
        f"/CN={name}",
    ]
    subprocess.run(
        [
            *command,
            "-addext",
            f"subjectAltName=DNS:{name}",
            "-days",
            days,
            "-keyout",
            folder / "key.pem",
            "-out",
            folder / "cert.pem",
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@pytest.mark.parametrize("proxied", [False, True])
async def test_agt_10_a_certificate_nobody_vouches_for_is_refused(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, *, proxied: bool
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))  # a bot's own roots are not ours
    strict_tls.cache_clear()
    server = _certificate(tmp_path, "exchange.test")
    async with (
        running(KucoinDouble(clock), ssl_context=server) as double,
        running_proxy(ProxyDouble("socks5")) as proxy,
    ):
        egress = Egress(ADDRESS, read_proxy(proxy.url) if proxied else None)
        port = int(double.url.rpartition(":")[2])
        origin = Origin("https", "exchange.test", port, loopback=True)
        trusted = ssl.create_default_context(cafile=tmp_path / "cert.pem")
        for tls, host, works in (
            (None, origin, False),
            (trusted, origin, True),
            (trusted, replace(origin, host="other.test"), False),
        ):
            wire = _wire(Names("127.0.0.1"), host, egress, tls)
            if works:
                assert (await wire.send("GET", b"/api/v1/timestamp")).status == 200
            else:
                with pytest.raises(Unreachable, match="certificate does not hold"):
                    await wire.send("GET", b"/api/v1/timestamp")
            await wire.close()


async def test_agt_10_old_tls_is_refused(tmp_path: Path, clock: FakeClock) -> None:
    server = _certificate(tmp_path, "exchange.test")
    server.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        server.maximum_version = ssl.TLSVersion.TLSv1_1
    server.set_ciphers("ALL:@SECLEVEL=0")
    async with running(KucoinDouble(clock), ssl_context=server) as double:
        origin = Origin("https", "exchange.test", int(double.url.rpartition(":")[2]), loopback=True)
        wire = _wire(Names("127.0.0.1"), origin, Egress(ADDRESS), strict_tls())
        with pytest.raises(Unreachable):
            await wire.send("GET", b"/api/v1/timestamp")
        await wire.close()
    assert double.seen == []


def test_a_proxy_is_written_in_one_way() -> None:
    assert str(read_proxy("socks5://us:er@192.0.2.7:1080")) == "socks5://192.0.2.7:1080"
    for wrong in (
        "socks4://192.0.2.7:1080",
        "socks5://192.0.2.7",
        "socks5://192.0.2.7:1080/x",
        "192.0.2.7:1080",
        "socks5://:1080",
        "file:///x",
    ):
        with pytest.raises(Invalid):
            read_proxy(wrong)
