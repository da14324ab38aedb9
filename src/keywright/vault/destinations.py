"""Where requests of a connection may go: an origin over TLS, at an address out on the internet. Pure.

Rule 1: only an operator's settings name an origin or a proxy; nothing that a tenant types becomes one (SSRF-06).
Rule 2: every address a name leads to is looked at, and one that is not public refuses them all: a name that leads both out
and in is an attack or a mistake (SSRF-04).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from keywright.errors import Invalid, Unusable
from keywright.secret import Secret

Address = IPv4Address | IPv6Address

# Letters, digits and hyphens, the last label with a letter: neither `127.1` nor `2130706433` nor `0x7f.1` is a name.
_LABEL = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_NAME = re.compile(rf"(?:{_LABEL}\.)*(?=[a-z0-9-]*[a-z])(?!0x){_LABEL}")
_PORT = re.compile(r"[1-9][0-9]{0,4}")

# IPv4: RFC 6890 and its registry, said out loud, since what `is_global` means has changed between versions of Python.
_SPECIAL_4 = tuple(
    ip_network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    )
)
# IPv6: what is given out is in 2000::/3. Inside it, what carries an IPv4 address (Teredo, 6to4) or is no destination. NAT64
# (64:ff9b::/96), mapped (::ffff:0:0/96) and compatible addresses lie outside.
_GIVEN_OUT = ip_network("2000::/3")
_SPECIAL_6 = tuple(ip_network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port of an exchange, and whether it may be this machine."""

    scheme: str
    host: str
    port: int
    loopback: bool = False
    """Whether its address must be one of the loopback's instead: doubles in tests, a simulator on this machine."""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        standard = {"https": 443, "http": 80}[self.scheme]
        return f"{self.scheme}://{host}" + ("" if self.port == standard else f":{self.port}")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that requests go through. Shown without what it is opened with."""

    scheme: str
    """`socks5` (names are looked up here), `socks5h` (the proxy looks them up) or `http` (CONNECT)."""
    host: str
    port: int
    user: str = field(default="", repr=False)
    password: Secret | None = field(default=None, repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def read_origin(url: str, *, loopback: bool = False) -> Origin:
    """Return the origin an operator wrote. With `loopback` it must be this machine, and may speak plain http.

    Raises `Invalid` for everything else: other schemes, a path, credentials, numbers that only look like addresses.
    """
    scheme, host, port, rest, userinfo = _split(url)
    if rest or userinfo or scheme not in ({"https", "http"} if loopback else {"https"}):
        raise Invalid(
            "{shown} can't be the address of an exchange",
            hint="write it like https://api.kucoin.com: https, a host, no path, nothing else",
            shown=_shown(url),
        )
    origin = Origin(scheme, host, port or {"https": 443, "http": 80}[scheme], loopback)
    literal = _literal(host)
    if literal is not None:
        check_addresses([literal], origin)
    elif (host == "localhost" or host.endswith(".localhost")) and not loopback:
        raise _not_public(host)
    return origin


def read_proxy(url: str) -> Proxy:
    """Return the proxy an operator wrote: `socks5://[user:password@]host:port`. Raises `Invalid`, never showing it.

    A proxy may be anywhere: it is the operator's own.
    """
    scheme, host, port, rest, userinfo = _split(url)
    if rest or scheme not in {"socks5", "socks5h", "http"} or not port:
        raise Invalid(
            "this can't be a proxy",
            hint="write it like socks5://192.0.2.7:1080; the schemes are socks5, socks5h and http",
        )
    user, _, password = userinfo.partition(":")
    return Proxy(scheme, host, port, user, Secret(password) if password else None)


def check_addresses(found: Iterable[Address], origin: Origin) -> None:
    """Do nothing if every address a name led to is one this origin may have. Raises `Unusable`."""
    for address in found:
        if origin.loopback:
            if not address.is_loopback:
                raise Unusable(
                    "{host} is set up as a service on this machine, and leads elsewhere",
                    hint="give it an address of the loopback, like 127.0.0.1",
                    host=origin.host,
                )
        elif is_special(address):
            raise _not_public(origin.host)


def is_special(address: Address) -> bool:
    """Tell whether this is no address out on the internet, or carries one of the other family inside it."""
    if isinstance(address, IPv4Address):
        return any(address in block for block in _SPECIAL_4)
    zoned = address.scope_id is not None
    return zoned or address not in _GIVEN_OUT or any(address in block for block in _SPECIAL_6)


def _not_public(host: str) -> Unusable:
    return Unusable(
        "{host} leads to an address inside a private network, and no exchange is there",
        hint="look at the name servers of this machine, or at what the setting names; nothing was sent",
        host=host,
    )


def _split(url: str) -> tuple[str, str, int | None, str, str]:
    """Return scheme, host, port, path and after, and user info. Stricter than `urlsplit`, which mends what it reads."""
    scheme, colons, rest = url.partition("://")
    scheme = scheme.lower()
    printable = rest.isascii() and rest.isprintable() and not set(rest) & set(' \\"<>^`{|}')
    authority = re.match(r"[^/?#]*", rest)[0] if colons and printable else ""  # type: ignore[index]  # it always matches
    after = rest[len(authority) :] if authority else ""
    userinfo, at, location = authority.rpartition("@")
    if location.startswith("["):
        host, bracket, port = location[1:].partition("]")
        good = bool(bracket) and (not port or port.startswith(":")) and _literal(host) is not None and ":" in host
        port = port.removeprefix(":")
    else:
        host, colon, port = location.partition(":")
        host = host.lower()
        good = (_NAME.fullmatch(host) is not None or _literal(host) is not None) and not (colon and not port)
    good = good and (not port or (_PORT.fullmatch(port) is not None and int(port) < 65_536)) and len(host) <= 253
    if not good or (at and not userinfo):
        raise Invalid(
            "this can't be the address of a service", hint="write scheme, host and port, like https://api.kucoin.com"
        )
    return scheme, host, int(port) if port else None, "" if after == "/" else after, userinfo


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _shown(url: str) -> str:
    """What stands before an @ may be a password."""
    return "what stands there" if "@" in url else repr(url[:80])
