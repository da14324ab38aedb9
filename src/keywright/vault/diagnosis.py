"""What an exchange's refusal means, from its own words: `explain` for an answer, `recognise` for any text. Pure.

Rule 1: the exchange's text comes first, and is shown beside ours; the status alone decides nothing but what is a page.
Rule 2: where one text has several causes, all are named, likeliest first. `differential` then tells them apart.
Rule 3: what is unknown is called so. A wrong diagnosis makes people switch protections off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from keywright.vault import factors
from keywright.vault.evidence import Exchange
from keywright.vault.factors import Factor
from keywright.vault.signs import OTHERS, SIGNS, Sign
from keywright.vault.venues.known import VENUES
from keywright.vault.wire_reply import Reply
from keywright.vault.words import Words

LONGEST = 65_536
"""Characters that are looked at: a log has more than one refusal, and the first is the one that counts."""
LONGEST_SAID = 300


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is to blame, and what to do next."""

    factors: tuple[Factor, ...]
    """Likeliest first. One alone is certain."""
    words: Words
    values: dict[str, object] = field(default_factory=dict)
    said: str = ""
    """The exchange's own words."""
    exchange: str = ""
    """Who said it: one of ours, or another whose words are known."""
    proved: tuple[str, ...] = ()
    """What was tried to tell causes apart, and how it went: one line each, in English."""

    @property
    def factor(self) -> Factor:
        """The likeliest."""
        return self.factors[0]

    @property
    def is_certain(self) -> bool:
        """Whether nothing else comes into question."""
        return len(self.factors) == 1 and self.factor is not Factor.UNKNOWN

    @property
    def message(self) -> str:
        """What is wrong, in English."""
        return self.words.message.format_map(self.values)

    @property
    def hint(self) -> str:
        """What to do, in English."""
        return self.words.hint.format_map(self.values)


def explain(exchange: Exchange, reply: Reply, *, address: str = "") -> Diagnosis:
    """Return what an exchange's answer means. `address` is the one reserved for the connection, where it is known."""
    text = reply.body[:LONGEST].decode("utf-8", "replace")
    if reply.is_page:
        return _diagnosed(exchange.title, (Factor.NETWORK,), factors.PAGE, _title_of_page(text), exchange)
    found = _first(SIGNS[exchange], text)
    if found is not None:
        return _with_address(_of(found, text, exchange), text, address)
    if reply.status in {418, 429}:
        return _diagnosed(exchange.title, (Factor.LIMIT,), factors.TOO_MANY, text, exchange)
    if reply.status >= 500:
        return _diagnosed(exchange.title, (Factor.EXCHANGE,), factors.DOWN, text, exchange)
    return _diagnosed(exchange.title, (Factor.UNKNOWN,), factors.NOT_KNOWN, text, exchange)


def recognise(text: str, *, exchange: Exchange | None = None, address: str = "") -> Diagnosis | None:
    """Return what a text means that somebody found in a log: an answer, an exception of a client, a whole line.

    `None` where nothing in it is known.
    """
    text = text[:LONGEST]
    for one in (exchange,) if exchange else Exchange:
        found = _first(SIGNS[one], text)
        if found is not None and (exchange or found.is_unmistakable or one.value in text.lower()):
            return _with_address(_of(found, text, one), text, address)
    found = _first(OTHERS, text)
    if found is not None:
        return _with_address(_diagnosed(found.of or "the exchange", found.factors, found.words, text), text, address)
    if re.search(r"(?i)<!doctype html|<html|cloudflare|error 1015|you are being rate limited", text):
        title = exchange.title if exchange else "the exchange"
        return _diagnosed(title, (Factor.NETWORK,), factors.PAGE, _title_of_page(text), exchange)
    return None


def certain(diagnosis: Diagnosis, factor: Factor, words: Words, **values: object) -> Diagnosis:
    """Return it with one cause left."""
    return replace(diagnosis, factors=(factor,), words=words, values=diagnosis.values | values)


def _first(signs: tuple[Sign, ...], text: str) -> Sign | None:
    return next((sign for sign in signs if sign.pattern.search(text)), None)


def _of(sign: Sign, text: str, exchange: Exchange) -> Diagnosis:
    return _diagnosed(exchange.title, sign.factors, sign.words, text, exchange)


def _diagnosed(
    title: str, blamed: tuple[Factor, ...], words: Words, said: str, exchange: Exchange | None = None
) -> Diagnosis:
    values: dict[str, object] = {"exchange": title, "page": title, "filter": "IP whitelist"}
    if exchange is not None:
        venue = VENUES[exchange]
        values |= {"page": venue.key_page, "filter": venue.filter_name}
    return Diagnosis(blamed, words, values, " ".join(said.split())[:LONGEST_SAID], title)


# `request ip: 103.126.149.19`, `the current clientIp is:e3b::1`, `not in whitelist: 142.163.85.117`, `Your IP 1.1.1.1 is not`
_SEEN = re.compile(
    r"(?:request ip|client ?ip(?: address)? is|not in whitelist|Your IP)\s*:?\s*([0-9A-Fa-f:.]{2,45}[0-9A-Fa-f])",
    re.IGNORECASE,
)


def seen_in(text: str) -> str:
    """Return the address an exchange says it saw, as it is written canonically; empty where it says none."""
    found = _SEEN.search(text)
    if found is None:
        return ""
    try:
        return str(ip_address(found[1]))
    except ValueError:
        return ""


def _with_address(diagnosis: Diagnosis, text: str, address: str) -> Diagnosis:
    """Return it with the address that was seen: one that is not ours settles the matter."""
    if Factor.ADDRESS not in diagnosis.factors:
        return diagnosis
    seen = seen_in(text)
    cut = re.search(r"clientIp is:[0-9a-f]+:", text)  # IPv6, cut short by whoever copied it
    if not seen and cut:
        return certain(diagnosis, Factor.ADDRESS, factors.FOREIGN_V6, seen="IPv6")
    if not seen and diagnosis.words is factors.FOREIGN and address:
        return certain(diagnosis, Factor.ADDRESS, factors.FOREIGN_SEEN, seen=address)
    if not seen:
        return named(diagnosis, address)
    if address and ip_address(seen) != ip_address(address):
        return certain(diagnosis, Factor.ADDRESS, factors.LEFT_ELSEWHERE, seen=seen, address=address)
    if diagnosis.factors == (Factor.ADDRESS,):
        words = factors.FOREIGN_V6 if ":" in seen else factors.FOREIGN_SEEN
        return certain(diagnosis, Factor.ADDRESS, words, seen=seen)
    return named(replace(diagnosis, values=diagnosis.values | {"seen": seen}), address)


def named(diagnosis: Diagnosis, address: str) -> Diagnosis:
    """Return it with the connection's address named, where it sends people to look for that."""
    words = factors.AT.get(diagnosis.words)
    if words is None or not address:
        return diagnosis
    return replace(diagnosis, words=words, values=diagnosis.values | {"address": address})


def _title_of_page(text: str) -> str:
    found = re.search(r"(?is)<title[^>]*>(.*?)</title>", text)
    return found[1] if found else re.sub(r"<[^>]*>", " ", text)
