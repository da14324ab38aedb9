"""`connector`: reaches an exchange by the way out that it is given, a local address or a proxy, and takes no other.

Rule 1: a local address that is gone is an error. Nothing leaves from another one in its place.
Rule 2: a name is looked up once, all it leads to is checked, and the connection goes to what was checked: no second look-up
that might answer otherwise.
Rule 3: the family of what is connected to is the local address's own; a host with both does not leak over the other. Through a
proxy it is IPv4 where the host has that: an exchange is to see one address, and most proxies have no other.

Loads aiohttp, which takes a fifth of a second: `wire` loads this when something is to be sent.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from ipaddress import ip_address
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError, ProxyType
from python_socks.async_.asyncio import Proxy as Dialler

from keywright.vault.destinations import Origin, Proxy, check_addresses
from keywright.vault.egress import Lookup, look_up
from keywright.vault.way_out import Egress, EgressGone, gone

_TYPES = {"socks5": ProxyType.SOCKS5, "socks5h": ProxyType.SOCKS5, "http": ProxyType.HTTP}


def connector(egress: Egress, origin: Origin, *, tls: ssl.SSLContext, lookup: Lookup = look_up) -> aiohttp.TCPConnector:
    """Return what connects to one origin, through one way out."""
    shared: dict[str, Any] = {
        "ssl": tls,
        "resolver": _Pinned(egress, origin, lookup),
        "use_dns_cache": False,  # looked up and checked anew for each connection, and connected to as checked
        "local_addr": (egress.address, 0) if egress.address else None,
        "limit": 0,
        "keepalive_timeout": 30,
        "happy_eyeballs_delay": None,
    }
    if egress.proxy is None:
        return aiohttp.TCPConnector(**shared)
    return _ThroughProxy(egress, egress.proxy, lookup, **shared)


class _Pinned(AbstractResolver):
    """Looks a name up once for each connection, and gives out only what was checked and can be reached from the egress."""

    def __init__(self, egress: Egress, origin: Origin, lookup: Lookup) -> None:
        self._egress, self._origin, self._lookup = egress, origin, lookup

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002  # the egress decides it
    ) -> list[ResolveResult]:
        if self._egress.proxy is not None and self._egress.proxy.scheme == "socks5h":
            return [_entry(host, host, port, socket.AF_INET)]  # the proxy looks it up; TLS holds it to the name
        found = await self._lookup(host, port)
        check_addresses(found, self._origin)
        if self._egress.proxy is None:
            wanted = _family(self._egress)
        else:
            wanted = 4 if any(address.version == 4 for address in found) else None
        reachable = [address for address in dict.fromkeys(found) if wanted in {None, address.version}]
        if not reachable:
            raise OSError(errno.ENETUNREACH, f"no address of its family can be reached from {self._egress}")
        return [
            _entry(host, str(address), port, socket.AF_INET if address.version == 4 else socket.AF_INET6)
            for address in reachable
        ]

    async def close(self) -> None:
        """Nothing is held open."""


class _ThroughProxy(aiohttp.TCPConnector):
    """Connects to a proxy from the local address, and asks it for the destination that was checked.

    aiohttp-socks has such a connector too, which leaves from whatever address the system picks: it does not hand
    `local_addr` on (version 0.12).
    """

    def __init__(self, egress: Egress, proxy: Proxy, lookup: Lookup, **shared: Any) -> None:
        super().__init__(**shared)
        self._egress, self._proxy, self._lookup = egress, proxy, lookup

    async def _wrap_create_connection(
        self,
        *args: Any,
        addr_infos: list[Any],
        req: Any,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  # aiohttp's signature
        **kwargs: Any,
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        kwargs.pop("client_error", None)
        host, port = addr_infos[0][4][:2]
        dialler = Dialler(
            _TYPES[self._proxy.scheme],
            await self._proxy_address(),
            self._proxy.port,
            username=self._proxy.user or None,
            password=self._proxy.password.reveal_text() if self._proxy.password else None,
            rdns=self._proxy.scheme == "socks5h",
        )
        local = (self._egress.address, 0) if self._egress.address else None
        try:
            sock = await dialler.connect(host, port, timeout=timeout.sock_connect, local_addr=local)
        except ProxyConnectionError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise gone(self._egress) from None
            raise self._refused("it does not answer") from None
        except ProxyTimeoutError:
            raise self._refused("it does not answer in time") from None
        except (ProxyError, OSError) as error:
            raise self._refused(str(error)[:120]) from None
        loop = asyncio.get_running_loop()
        try:
            return await loop.create_connection(*args, **kwargs, sock=sock)
        except ssl.SSLCertVerificationError as error:
            raise aiohttp.ClientConnectorCertificateError(req.connection_key, error) from error
        except (ssl.SSLError, OSError) as error:
            raise aiohttp.ClientConnectorSSLError(req.connection_key, error) from error

    async def _proxy_address(self) -> str:
        """Return where the proxy is, of the family that can be reached from the local address."""
        try:
            found = await self._lookup(self._proxy.host, self._proxy.port)
        except OSError:
            raise self._refused("its name leads nowhere") from None
        wanted = _family(self._egress)
        for address in found:
            if wanted in {None, address.version}:
                return str(address)
        raise self._refused(f"it has no address that can be reached from {self._egress.address}")

    def _refused(self, why: str) -> EgressGone:
        return EgressGone(
            "the proxy {proxy} of this connection can't be used: {why}",
            hint="look whether it runs, and at its user and password. Nothing was sent, and nothing goes round it",
            proxy=str(self._proxy),
            why=why,
        )


def _family(egress: Egress) -> int | None:
    return ip_address(egress.address).version if egress.address else None


def _entry(name: str, host: str, port: int, family: socket.AddressFamily) -> ResolveResult:
    return ResolveResult(
        hostname=name, host=host, port=port, family=family, proto=socket.IPPROTO_TCP, flags=socket.AI_NUMERICHOST
    )
