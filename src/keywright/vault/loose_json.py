"""Where texts stand in JSON as freqtrade takes it: with comments and trailing commas. Pure.

It reads a file to change it, not to trust it: what is no such text raises `ValueError`, and nothing is guessed.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

DEEPEST = 32

_TOKEN = re.compile(rb'"((?:[^"\\\n]|\\.)*)"|//[^\n]*|/\*.*?\*/|[{}\[\],:]|[^\s{}\[\],:"/]+|\s+', re.DOTALL)


class Text(NamedTuple):
    """A text in quotes: where what is between them stands, and what it means."""

    start: int
    end: int
    value: str


def texts_in(content: bytes) -> dict[tuple[str, ...], Text]:
    """Return every text that is the value of a name, by the names that lead to it; what stands in a list has none.

    Raises `ValueError`, also where a name stands twice: programs differ in which one they take.
    """
    found: dict[tuple[str, ...], Text] = {}
    open_: list[str | None] = []  # the name that each open object is at; "" for a list, `None` before a name
    seen: list[set[str]] = []
    tokens = _tokens(content)
    if not tokens or tokens[0][1] != b"{":
        raise ValueError("this is no object")
    for at, token, text in tokens:
        if token in {b"{", b"["}:
            if len(open_) == DEEPEST:
                raise ValueError("too deep")
            open_.append(None if token == b"{" else "")
            seen.append(set())
        elif token in {b"}", b"]"}:
            open_.pop()
            seen.pop()
        elif token == b"," and open_ and open_[-1] != "":
            open_[-1] = None
        elif text is None or not open_:
            continue
        elif open_[-1] is None:
            if text in seen[-1] or not text:
                raise ValueError("a name stands twice, or is empty")
            seen[-1].add(text)
            open_[-1] = text
        elif "" not in open_:
            found[tuple(name for name in open_ if name)] = Text(at + 1, at + len(token) - 1, text)
    if open_:
        raise ValueError("it is cut off")
    return found


def _tokens(content: bytes) -> list[tuple[int, bytes, str | None]]:
    """Return what the text is made of, without comments and spaces: where each piece is, and its value if it is in quotes."""
    found: list[tuple[int, bytes, str | None]] = []
    at = 3 if content.startswith(b"\xef\xbb\xbf") else 0
    depth = 0
    while at < len(content):
        piece = _TOKEN.match(content, at)
        if piece is None:
            raise ValueError("this is no JSON")
        token = piece[0]
        depth += (token in {b"{", b"["}) - (token in {b"}", b"]"})
        if depth < 0:
            raise ValueError("this is no JSON")
        if token.startswith(b'"'):
            found.append((at, token, str(json.loads(token))))
        elif not token.isspace() and not token.startswith(b"/"):
            found.append((at, token, None))
        at = piece.end()
    return found
