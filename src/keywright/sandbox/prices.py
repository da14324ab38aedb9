"""The market itself: the middle price of a pair at any second, as a pure function of pair and time.

Rule: the price is a start price times one plus a sum of waves. Each wave has a random-looking height at every multiple
of its period (a hash of pair, wave and count) and runs straight between two of them. Periods divide one another, so the
whole is straight between multiples of the smallest: extremes lie there, and a stretch of years is searched in
milliseconds by discarding what no finer wave could lift or sink far enough. Whole numbers only: every machine computes
the same market, and whoever asks later sees what the earlier one saw.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

from keywright.sandbox.amounts import floor_to
from keywright.sandbox.model import Market

# Period in seconds, height in millionths. Finest first; together they swing about 8 % around the start price.
_WAVES = (
    (15, 100),
    (60, 200),
    (300, 500),
    (1_800, 1_200),
    (10_800, 3_500),
    (86_400, 12_000),
    (691_200, 60_000),
)
_LONGEST = _WAVES[-1][0]
_MILLIONTHS = 1_000_000
_FINE = 1_000  # heights are drawn in thousandths of a millionth
_SCALE = _MILLIONTHS * _FINE * _LONGEST
# What all waves finer than the k-th can add or take, in units of _SCALE.
_FINER = tuple(sum(height for _, height in _WAVES[:k]) * _FINE * _LONGEST for k in range(len(_WAVES)))


@lru_cache(maxsize=65_536)
def _height(symbol: str, wave: int, count: int) -> int:
    """Return the height of a wave at one multiple of its period, evenly between plus and minus its largest."""
    digest = hashlib.blake2b(f"{symbol}|{wave}|{count}".encode(), digest_size=8).digest()
    largest = _WAVES[wave][1] * _FINE
    return int.from_bytes(digest) % (2 * largest + 1) - largest


def _swing(symbol: str, second: int, *, coarsest_from: int = 0) -> int:
    """Return the sum of the waves from `coarsest_from` up, in units of `_SCALE`: exact, so straight lines stay straight."""
    total = 0
    for wave in range(coarsest_from, len(_WAVES)):
        period = _WAVES[wave][0]
        count, rest = divmod(second, period)
        left = _height(symbol, wave, count)
        height = left * period
        if rest:
            height += (_height(symbol, wave, count + 1) - left) * rest
        total += height * (_LONGEST // period)
    return total


def _ticks(market: Market, swing: int) -> int:
    """Return the price of a swing in whole increments; rises with the swing."""
    start = int(market.start_price / market.price_increment)
    return max(1, start * (_SCALE + swing) // _SCALE)


def middle_ticks(market: Market, second: int) -> int:
    """Return the middle price in increments of the pair during that second."""
    return _ticks(market, _swing(market.symbol, max(0, second)))


def extremes(market: Market, first: int, last: int) -> tuple[int, int]:
    """Return the lowest and highest middle price (in increments) from one second to another, both included."""
    first, last = max(0, first), max(0, first, last)
    low = -_highest(market.symbol, first, last, sign=-1)
    return _ticks(market, low), _ticks(market, _highest(market.symbol, first, last, sign=1))


@lru_cache(maxsize=8_192)
def _highest(symbol: str, first: int, last: int, *, sign: int) -> int:
    """Return the highest swing (times `sign`) of a stretch: the most promising piece is always looked into first."""
    best = max(sign * _swing(symbol, first), sign * _swing(symbol, last))
    promising = [(-_SCALE, len(_WAVES) - 1, first, last)]  # a heap: what a piece could reach, negated
    while promising:
        could, wave, start, stop = heapq.heappop(promising)
        if -could <= best:
            break
        period, room = _WAVES[wave][0], _FINER[wave]
        b = sign * _swing(symbol, start, coarsest_from=wave)
        for left, right in _cut(start, stop, period=period):
            a, b = b, sign * _swing(symbol, right, coarsest_from=wave)
            if wave == 0:
                best = max(best, a, b)
            elif max(a, b) + room > best:
                best = max(best, sign * _swing(symbol, left if a > b else right))
                heapq.heappush(promising, (-max(a, b) - room, wave - 1, left, right))
    return best


def first_reached(market: Market, *, ticks: int, falling: bool, after: int, until: int) -> int | None:
    """Return the first second in (`after`, `until`] with the middle at or below `ticks` (`falling`), or at or above it."""
    if until <= after:
        return None
    pieces = [(len(_WAVES) - 1, max(0, after + 1), max(0, until))]
    while pieces:  # a stack with the earliest piece on top: the first hit is the earliest
        wave, start, stop = pieces.pop()
        period, room = _WAVES[wave][0], _FINER[wave]
        hopeful = []
        for left, right in _cut(start, stop, period=period):
            a = _swing(market.symbol, left, coarsest_from=wave)
            b = _swing(market.symbol, right, coarsest_from=wave)
            best = _ticks(market, min(a, b) - room) if falling else _ticks(market, max(a, b) + room)
            if best > ticks if falling else best < ticks:
                continue
            if wave:
                hopeful.append((wave - 1, left, right))
                continue
            for second in range(left, right + 1):  # at most sixteen
                reached = middle_ticks(market, second)
                if reached <= ticks if falling else reached >= ticks:
                    return second
        pieces.extend(reversed(hopeful))
    return None


def _cut(start: int, stop: int, *, period: int) -> Iterator[tuple[int, int]]:
    """Yield `start` … `stop` in stretches that cross no multiple of the period; neighbours share their end."""
    while True:
        end = min(stop, (start // period + 1) * period)
        yield start, end
        if end == stop:
            return
        start = end


def drawn(*what: object, below: int) -> int:
    """Return a number from 0 up to `below`, always the same for the same things: sizes that look alive."""
    digest = hashlib.blake2b("|".join(map(str, what)).encode(), digest_size=8).digest()
    return int.from_bytes(digest) % below


_SURGES = (60, 3_600)  # seconds; each speeds trading up or slows it down by at most 40 %, so volume never shrinks


def volume(market: Market, first: int, last: int) -> Decimal:
    """Return how much base was traded from one second to another: parts of a stretch add up to the whole."""
    moved = _traded(market.symbol, last) - _traded(market.symbol, first)
    return floor_to(market.depth * moved / 20_000, increment=market.base_increment)


def _traded(symbol: str, second: int) -> int:
    """Return what was traded up to a second, in thousandths of an even second's worth."""
    total = second * 1_000
    for period in _SURGES:
        count, rest = divmod(second, period)
        left = drawn(symbol, "volume", period, count, below=401) - 200
        right = drawn(symbol, "volume", period, count + 1, below=401) - 200
        total += left * (period - rest) + right * rest
    return total
