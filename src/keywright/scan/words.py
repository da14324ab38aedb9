"""The words around a value: what it is called, and which exchange is spoken of near it. Pure.

Everything here is given lower case.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from keywright.scan.model import Part
from keywright.scan.shapes import NAMES

# What may stand between a name and its value: `"apiKey": "`, `KEY=`, `key => '`, `.set_key("`, `--api-key `, `<key>`.
_NAME = re.compile(
    rb"""([a-z0-9_.\-\[\]]+)["'`\])]{0,3}[ \t]*(?:=>|:=|==?|:|,|\(|>|[ \t])[ \t]*[a-z]{0,2}["'`(]{0,3}[ \t]*\Z"""
)
_NOT_ONE = re.compile(
    rb"hash|sha\d|digest|checksum|integrity|commit|etag|order|oid\b|client_?id|public|uuid|token_?id|address|signature"
)
_PASSPHRASE = re.compile(rb"passphrase|password|passwd|_pass\b|passwort")
_SECRET = re.compile(rb"secret|private|sec_?key")
_KEY = re.compile(rb"api[_\-.]?key|access[_\-.]?key|apikey|api[_\-.]?id|\bkey\b|_key\b|kc-api-key|mbx-apikey")

NAME_BYTES = 120
"""How far before a value its name may begin."""


def name_before(line: bytes) -> bytes:
    """Return what a value is called by the text before it in its line; empty where nothing names it."""
    found = _NAME.search(line[-NAME_BYTES:])
    return found[1] if found else b""


def part_named(name: bytes) -> Part | None:
    """Return which part of credentials a name says, or `None`: neither, or plainly something else."""
    if not name or _NOT_ONE.search(name):
        return None
    if _PASSPHRASE.search(name):
        return Part.PASSPHRASE
    if _SECRET.search(name):
        return Part.SECRET
    return Part.KEY if _KEY.search(name) else None


def exchanges_in(text: bytes) -> frozenset[str]:
    """Return the exchanges a text names."""
    return frozenset(exchange for exchange, names in NAMES.items() if any(name in text for name in names))


class Mentions:
    """Where a text names each of some exchanges."""

    def __init__(self, text: bytes, exchanges: frozenset[str]) -> None:
        self._at = {exchange: _places(text, NAMES[exchange]) for exchange in exchanges}

    def is_near(self, exchange: str, at: int, *, within: int) -> bool:
        """Tell whether it is named within so many bytes of a place."""
        return self._distance(exchange, at) <= within

    def nearest(self, exchanges: frozenset[str], at: int) -> str:
        """Return which of them is named nearest to a place; ties go by name."""
        return min(sorted(exchanges), key=lambda exchange: self._distance(exchange, at))

    def _distance(self, exchange: str, at: int) -> int:
        places = self._at.get(exchange, [])
        index = bisect_left(places, at)
        return min((abs(place - at) for place in places[max(0, index - 1) : index + 1]), default=1 << 60)


def _places(text: bytes, names: tuple[bytes, ...]) -> list[int]:
    return sorted(found.start() for name in names for found in re.finditer(re.escape(name), text))
