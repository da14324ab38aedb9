"""Finds credentials in one text. Pure: bytes in, hits out, in time linear in the text.

1. whose? a text that names no exchange, in itself or in its path, holds nothing that a shape alone could prove
2. what has a shape? each piece of text is held against the shapes of all exchanges
3. what is it called, and who is named near? `words`
4. has it another half close by? then a weak name, such as "key", is enough
5. passphrases have no shape: they count beside a secret, or where their name says whose they are
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import islice

from keywright.scan.model import Hit, Part, Rule
from keywright.scan.shapes import WITH_PASSPHRASE, Shape, is_unreal, shapes_of
from keywright.scan.words import NAME_BYTES, Mentions, exchanges_in, name_before, part_named

Known = Callable[[str], str | None]
"""Tells whose credential a piece of text is, for certain: an exchange's name, or `None`."""

NEAR = 1_500
"""Bytes between a value and the exchange's name: a class, a block of settings."""

APART = 800
"""Bytes between the two halves of a pair."""

ALLOWED = b"keywright:allow"
"""A line that says so is passed over: somebody looked at it."""

_TOKEN = re.compile(
    rb"(?<![A-Za-z0-9_+/-])(?:[A-Za-z0-9+/]{40,90}={0,2}|[A-Za-z0-9][A-Za-z0-9-]{16,66}[A-Za-z0-9])(?![A-Za-z0-9_+/=-])"
)
_PHRASE = re.compile(
    rb"""(?i)(?:passphrase|password|passwd|_pass)["'`]?[ \t]*(?:=>|:=|=|:|\()[ \t]*(?:["'`]([!-~]{7,32}?)["'`]|([!-~]{7,32})[ \t\r]*$)""",
    re.MULTILINE,
)
_NAME_END = re.compile(rb"[a-z0-9_.\-]+\Z")
_NO_VALUE = re.compile(
    rb"[${}<>()\[\]]|\*\*|(?i:environ|getenv|process\.|config|secret|none|null|true|false|string|self\.)"
)


@dataclass(frozen=True, slots=True)
class _Raw:
    """A hit before its line is known."""

    at: int
    exchange: str
    part: Part
    rule: Rule
    token: bytes


@dataclass(frozen=True, slots=True)
class _Piece:
    """A piece of text with a shape, and what stands around it."""

    start: int
    token: bytes
    shapes: tuple[Shape, ...]
    name: bytes
    part: Part | None


def find(text: bytes, *, path: str = "", known: Known | None = None) -> list[Hit]:
    """Return the credentials in a text, by line. `path` says whose they may be; `known` recognises what we have."""
    low, in_path = text.lower(), exchanges_in(path.lower().encode("utf-8", "replace"))
    exchanges = exchanges_in(low) | in_path
    if not exchanges and known is None:
        return []
    starts, mentions = _LineStarts(text), Mentions(low, exchanges)
    pieces: list[_Piece] = []
    raws: list[_Raw] = []
    for found in _TOKEN.finditer(text):
        at, token = found.start(), found[0]
        whose = known(token.decode()) if known is not None else None
        if whose is not None:
            raws.append(_Raw(at, whose, Part.KEY, Rule.HELD, token))
        shapes = tuple(shape for shape in shapes_of(token) if shape.exchange in exchanges)
        if shapes:
            name = name_before(low[starts.line_start(at, within=NAME_BYTES) : at])
            pieces.append(_Piece(at, token, shapes, name, part_named(name)))
    held, halves = {raw.at for raw in raws}, _Halves(pieces)
    raws += [
        raw
        for piece in pieces
        if piece.start not in held and (raw := _judged(piece, halves, mentions, in_path)) is not None
    ]
    raws += _phrases(text, low, sorted(raws, key=lambda raw: raw.at))
    raws.sort(key=lambda raw: raw.at)  # so that no line's characters are counted twice
    hits = [_hit(raw, starts, path) for raw in raws if not starts.is_allowed(raw.at)]
    return sorted(hits, key=lambda hit: (hit.line, hit.column))


def _judged(piece: _Piece, halves: _Halves, mentions: Mentions, in_path: frozenset[str]) -> _Raw | None:
    """Return what a piece with a shape is taken for, `None` for nothing: what nothing names is nothing."""
    candidates = [shape for shape in piece.shapes if shape.part is piece.part]
    named = exchanges_in(piece.name)
    for shape in candidates:
        if shape.exchange in named:
            return _Raw(piece.start, shape.exchange, shape.part, Rule.NAMED, piece.token)
    near = {
        shape.exchange: shape
        for shape in candidates
        if shape.exchange in in_path or mentions.is_near(shape.exchange, piece.start, within=NEAR)
    }
    if not near:
        return None
    exchange = mentions.nearest(frozenset(near), piece.start)
    if piece.name not in WEAK:
        return _Raw(piece.start, exchange, near[exchange].part, Rule.NEAR, piece.token)
    if halves.has_other(piece, near[exchange]):
        return _Raw(piece.start, exchange, near[exchange].part, Rule.PAIRED, piece.token)
    return None


WEAK = frozenset({b"key", b"secret", b"password", b"private", b"id"})
"""Names that so much else has too: they count for a pair only."""


class _Halves:
    """Where the named parts of each exchange's credentials stand, in order: what is near is looked up, not searched for."""

    def __init__(self, pieces: Iterable[_Piece]) -> None:
        self._at: dict[tuple[str, Part], list[tuple[int, bytes]]] = {}
        for piece in pieces:
            for shape in piece.shapes:
                if shape.part is piece.part:
                    self._at.setdefault((shape.exchange, shape.part), []).append((piece.start, piece.token))

    def has_other(self, piece: _Piece, shape: Shape) -> bool:
        """Tell whether the other half of a piece of this shape is close to it: the nearest on either side that is not the same
        text again.
        """
        wanted = Part.SECRET if shape.part is Part.KEY else Part.KEY
        places = self._at.get((shape.exchange, wanted), [])
        first = bisect_left(places, (piece.start - APART, b""))
        for at, token in islice(places, first, first + MOST_NEAR):
            if at > piece.start + APART:
                return False
            if token != piece.token:
                return True
        return False


MOST_NEAR = 2 * APART // 18
"""So many pieces fit into the bytes around one at the most: none is shorter than a key of Bybit's."""


def _phrases(text: bytes, low: bytes, raws: list[_Raw]) -> list[_Raw]:
    """Return the passphrases: named for an exchange that has them, or close to a secret of one."""
    secrets = [raw for raw in raws if raw.part is Part.SECRET and raw.exchange in WITH_PASSPHRASE]
    places = [raw.at for raw in secrets]
    if not exchanges_in(low) & WITH_PASSPHRASE and not secrets:
        return []
    found = []
    for match in _PHRASE.finditer(text):
        value, at = match[1] or match[2], match.start(1 if match[1] else 2)
        if _NO_VALUE.search(value) or is_unreal(value):
            continue
        name = _NAME_END.search(low, max(0, match.start() - NAME_BYTES), match.start())
        named = exchanges_in(name[0] if name else b"") & WITH_PASSPHRASE
        index = bisect_left(places, at - APART)
        beside = secrets[index].exchange if index < len(places) and places[index] <= at + APART else None
        if named:
            found.append(_Raw(at, min(named), Part.PASSPHRASE, Rule.NAMED, value))
        elif beside is not None:
            found.append(_Raw(at, beside, Part.PASSPHRASE, Rule.PAIRED, value))
    return found


def _hit(raw: _Raw, starts: _LineStarts, path: str) -> Hit:
    line, column = starts.place(raw.at)
    # A passphrase's digest in a baseline that is published could be guessed at, so it tells only where one stands.
    covered = path.encode("utf-8", "surrogateescape") if raw.part is Part.PASSPHRASE else raw.token
    parts = (b"keywright scan 1", raw.exchange.encode(), raw.part.value.encode(), covered)
    is_key = raw.part is Part.KEY
    shown = f"{raw.token[:4].decode()}…{raw.token[-4:].decode()}" if is_key else f"{len(raw.token)} characters"
    return Hit(raw.exchange, raw.part, raw.rule, line, column, shown, sha256(b"\0".join(parts)).hexdigest()[:32])


class _LineStarts:
    """Where the lines of a text begin. A line may be megabytes long, so none is looked through for each hit in it."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._last = 0, 1
        """The last place that was asked for, and its column."""

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(found.end() for found in re.finditer(rb"\n", self._text))]

    @cached_property
    def _allowed(self) -> frozenset[int]:
        """The lines that say so."""
        return frozenset(
            bisect_right(self._starts, found.start()) for found in re.finditer(re.escape(ALLOWED), self._text)
        )

    def line_start(self, at: int, *, within: int) -> int:
        """Return where the line of a place begins, or how far back was looked."""
        first = max(0, at - within)
        return max(first, self._text.rfind(b"\n", first, at) + 1)

    def place(self, at: int) -> tuple[int, int]:
        """Return line and column, from 1, the column in characters. Quick where places are asked for in their order."""
        line = bisect_right(self._starts, at)
        before, column = self._last if self._last[0] >= self._starts[line - 1] else (self._starts[line - 1], 1)
        if before > at:
            before, column = self._starts[line - 1], 1
        column += len(self._text[before:at].decode("utf-8", "replace"))
        self._last = at, column
        return line, column

    def is_allowed(self, at: int) -> bool:
        """Tell whether the line of a place is to be passed over."""
        return bool(self._allowed) and bisect_right(self._starts, at) in self._allowed
