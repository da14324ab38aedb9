"""What a connection may be called, where its requests may leave from, and when it is looked at again. Pure."""

from __future__ import annotations

import hashlib
import ipaddress
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

from keywright.errors import Invalid, LimitReached
from keywright.secret import Secret
from keywright.vault.destinations import read_proxy
from keywright.vault.evidence import Exchange
from keywright.vault.model import ANY_ADDRESS, EgressKind
from keywright.vault.terms import Purpose
from keywright.vault.way_out import Egress

HOUR_MS = 60 * 60 * 1000
RESERVED_MS = 2 * HOUR_MS
"""How long an address is kept for someone who makes a key: a second factor, a code by mail and lunch fit into it."""

CHECK_EVERY_MS = 24 * HOUR_MS
SPREAD_MS = 2 * HOUR_MS
"""Checks come up to this much early, each connection at a time of its own: a thousand never ask at once."""

CHECK_AGAIN_MS = HOUR_MS
"""After a check that came to nothing, because the exchange or the way there failed."""

CHECK_HOURLY_MS = 2 * CHECK_EVERY_MS
"""For how long after the last good answer a denied key is asked about each hour: what ended it may have been the exchange's."""

NAME_MAX, BOTS_MAX = 32, 10
UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Categories of characters that show nothing."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where requests are to leave from, as an operator wrote it."""

    kind: EgressKind
    place: str
    user: Secret | None = None
    """`user:password` for a proxy that wants them."""


def name(text: str) -> str:
    """Return the name if a connection may be called that; raises `Invalid`."""
    label = _label(text, field="name")
    if not label:
        raise Invalid("a connection needs a name", hint="call it after the bot that uses it", field="name")
    return label


def is_text(name: str) -> bool:
    """Tell whether anything could be called that: halves of characters, from bytes that were no UTF-8, no query takes."""
    return not any(0xD800 <= ord(one) < 0xE000 for one in name)


def bots(labels: Iterable[str]) -> tuple[str, ...]:
    """Return what uses a connection, as its owner calls it, each once; raises `Invalid`."""
    named = tuple(dict.fromkeys(filter(None, (_label(text, field="bots") for text in labels))))
    if len(named) > BOTS_MAX:
        raise Invalid(
            "at most {most} bots can be named", hint="give each a key of its own", field="bots", most=BOTS_MAX
        )
    return named


def master_without_bots(purpose: Purpose, bots: tuple[str, ...]) -> None:
    """Do nothing unless bots are named for a master key; raises `Invalid`."""
    if purpose is Purpose.MASTER and bots:
        raise Invalid("no bot uses a master key", hint="leave the bots out: it serves for rotation alone", field="bots")


def exchange(word: str) -> Exchange:
    """Return the exchange; raises `Invalid` for one whose keys can't be held."""
    try:
        return Exchange(word.strip().lower())
    except ValueError:
        raise Invalid(
            "keys of {word} can't be held",
            hint="choose kucoin, binance or bitfinex",
            field="exchange",
            word=repr(word[:32]),
        ) from None


def room_for(held: int, *, most: int) -> None:
    """Do nothing if an account that holds so many connections may have one more; raises `LimitReached`."""
    if held >= most:
        raise LimitReached("an account holds at most {most} connections", hint="remove one that is not used", most=most)


def egress_place(text: str) -> Place:
    """Return where requests are to leave from: an address of this machine, or a proxy by its URL; raises `Invalid`.

    `any` is whatever address the system chooses. No message shows what was given: there may be a password in it.
    """
    written = text.strip()
    if written == "any":
        return Place(EgressKind.LOCAL, ANY_ADDRESS)
    if "://" in written:
        proxy = read_proxy(written)
        host = f"[{proxy.host}]" if ":" in proxy.host else proxy.host
        user = Secret(proxy.user.encode() + b":" + (proxy.password or Secret("")).reveal()) if proxy.user else None
        return Place(EgressKind(proxy.scheme), f"{host}:{proxy.port}", user)
    try:
        address = ipaddress.ip_address(written)
    except ValueError:
        raise _no_place() from None
    if address.is_multicast or (address.is_unspecified and written != ANY_ADDRESS):
        raise _no_place()
    return Place(EgressKind.LOCAL, str(address))


def next_check_at(connection_id: str, *, now: int) -> int:
    """Return when a connection that was checked now is checked again."""
    share = int.from_bytes(hashlib.sha256(connection_id.encode()).digest()[:4], "big") / 2**32
    return now + CHECK_EVERY_MS - int(share * SPREAD_MS)


def masked(key: str) -> str:
    """Return enough of a key to tell it from another."""
    return f"{key[:4]}…{key[-4:]}"


def way_out(kind: EgressKind, place: str, user: Secret | None) -> Egress:
    """Return the way out that an egress address is; `user` is what its proxy is told."""
    if kind is EgressKind.LOCAL:
        return Egress(address=place)
    proxy = read_proxy(f"{kind}://{place}")
    if user is None:
        return Egress(proxy=proxy)
    name, _, password = user.reveal_text().partition(":")
    return Egress(proxy=replace(proxy, user=name, password=Secret(password) if password else None))


def _no_place() -> Invalid:
    return Invalid(
        "that is no address that requests can leave from",
        hint="write an address of this machine, any, socks5://host:port or http://host:port, with user:password@ before "
        "the host where the proxy wants them",
        field="address",
    )


def _label(text: str, *, field: str) -> str:
    label = text.strip()
    if len(label) > NAME_MAX:
        raise Invalid("a name has at most {most} characters", field=field, most=NAME_MAX)
    if any(unicodedata.category(one) in UNSEEN for one in label):
        raise Invalid("a name holds no invisible characters", field=field)
    return label
