"""How strings that were signed are shown: hidden where they carry secrets, marked where bytes can't be seen.

Rule 1: hidden is what a field named like a secret holds, in a query or a JSON body, and every place where one of the
given secrets itself stands, however it came there.
Rule 2: what is shown is one line. A byte that no terminal shows is written `‹0A›`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus, unquote_to_bytes

from keywright.protocol.explain_model import Difference

AROUND = 24
"""Bytes shown on either side of a difference."""
LONGEST = 2000
"""Characters of a string that are shown."""
HIDDEN = "•••"

_FIELD = rb"(?:[\w%.-]*(?:pass(?:phrase|word|wd)|secret|token|private_?key)[\w%.-]*|otp|pin|pass)"
# To the next `&` or the end, over whatever follows the query: better too much than the rest of a passphrase with a `{`.
_IN_QUERY = re.compile(rb"(?i)(?:^|[?&])" + _FIELD + rb"=([^&]*)")
_IN_JSON = re.compile(rb'(?i)"' + _FIELD + rb'"\s*:\s*(?:"((?:[^"\\]|\\.)*+)"?|([^",}\]]+))', re.DOTALL)
LONG_ENOUGH = 4
"""Bytes of a decoded value that is hidden wherever it stands; shorter ones stand everywhere by chance."""

Spans = list[tuple[int, int]]


def show(message: bytes, hide: Iterable[bytes] = ()) -> str:
    """Return the whole of a string that was signed, safe to print; its middle left out where it is very long."""
    text = _render(message, 0, len(message), _hidden(message, hide))
    half = LONGEST // 2
    return text if len(text) <= LONGEST else f"{text[:half]} … {text[-half:]}"


def compare(server: bytes, client: bytes, *, hide: Iterable[bytes] = ()) -> Difference:
    """Return the first byte in which two strings differ, and what stands around it in each."""
    shorter = min(len(server), len(client))
    offset: int | None = next((at for at in range(shorter) if server[at] != client[at]), shorter)
    if offset == shorter and len(server) == len(client):
        offset = None
    hide = tuple(hide)
    return Difference(
        offset,
        _around(server, offset, hide),
        _around(client, offset, hide),
        _byte(server, offset),
        _byte(client, offset),
        len(server),
        len(client),
    )


def hidden_values(query: bytes) -> tuple[bytes, ...]:
    """Return what a query holds under names that stand for secrets, in every spelling: decoded, an `&` may be in it."""
    parts = (part.partition(b"=") for part in query.split(b"&"))
    values = [value for name, _, value in parts if _IN_QUERY.match(b"?" + unquote_to_bytes(name) + b"=")]
    return tuple(form for value in values for form in spellings(value) if len(form) >= LONG_ENOUGH)


def spellings(value: bytes) -> tuple[bytes, ...]:
    """Return a value as it may stand in a string that was signed: as it is, encoded, and decoded."""
    spaced = unquote_to_bytes(value.replace(b"+", b" "))
    return value, unquote_to_bytes(value), spaced, quote(value, safe="").encode(), quote_plus(value).encode()


def _byte(message: bytes, offset: int | None) -> int | None:
    return message[offset] if offset is not None and offset < len(message) else None


def _around(message: bytes, offset: int | None, hide: Iterable[bytes]) -> str:
    at = 0 if offset is None else offset
    start, end = max(0, at - AROUND), min(len(message), at + AROUND)
    shown = _render(message, start, end, _hidden(message, hide))
    return f"{'…' if start else ''}{shown}{'…' if end < len(message) else ''}"


def _hidden(message: bytes, hide: Iterable[bytes]) -> Spans:
    """Return what must not be seen, as places from … to, in order and apart from one another."""
    found = [match.span(1) for match in _IN_QUERY.finditer(message)]
    found += [match.span(match.lastindex or 0) for match in _IN_JSON.finditer(message)]
    for secret in filter(None, hide):
        found += [match.span() for match in re.finditer(re.escape(secret), message)]
    apart: Spans = []
    for start, end in sorted(span for span in found if span[0] < span[1]):
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def _render(message: bytes, start: int, end: int, hidden: Spans) -> str:
    pieces, at = [], start
    for first, last in hidden:
        if last <= start or first >= end:
            continue
        pieces += [_text(message[at : max(at, first)]), HIDDEN]
        at = min(last, end)
    return "".join([*pieces, _text(message[at:end])])


def _text(part: bytes) -> str:
    return "".join(
        character if character.isprintable() else _codes(character)
        for character in part.decode("utf-8", "surrogateescape")
    )


def _codes(character: str) -> str:
    return "".join(f"‹{byte:02X}›" for byte in character.encode("utf-8", "surrogateescape"))
