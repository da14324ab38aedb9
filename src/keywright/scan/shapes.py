"""What the credentials of each exchange look like, and what only looks like them. Pure.

A shape alone proves little: KuCoin's keys look like MongoDB's ids, its secrets are UUIDs. `text` asks for more than a shape.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass

from keywright.scan.model import Part

# The names are how an exchange is spoken of in files, lower case; none may be a part of an everyday word.
NAMES: dict[str, tuple[bytes, ...]] = {
    "kucoin": (b"kucoin", b"kc-api", b"kc_api"),
    "binance": (b"binance", b"x-mbx-apikey"),
    "bitfinex": (b"bitfinex", b"bfxapi", b"bfx_", b"bfx-api"),
    "okx": (b"okx", b"okex", b"ok-access"),
    "bybit": (b"bybit", b"x-bapi"),
    "kraken": (b"kraken",),
    "keywright": (b"keywright",),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """One form of one part of an exchange's credentials."""

    exchange: str
    part: Part
    pattern: re.Pattern[bytes]
    bits: float
    """Least information per character, by its own frequencies: what people type by hand has less."""
    is_mixed: bool = False
    """Whether it always has small letters, capitals and digits: hashes in hex don't."""


def _shape(exchange: str, part: Part, pattern: bytes, bits: float, *, is_mixed: bool = False) -> Shape:
    return Shape(exchange, part, re.compile(pattern), bits, is_mixed)


_UUID = rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"

# KuCoin, Binance, Bitfinex: spec of their wires and examples of their documentation. OKX: a UUID and 32 capital hex
# digits. Bybit: 18 and 36 letters and digits. Kraken: base64 of 42 and 64 bytes. Ours look like KuCoin's on purpose.
SHAPES: tuple[Shape, ...] = (
    _shape("kucoin", Part.KEY, rb"[0-9a-f]{24}", 2.9),
    _shape("kucoin", Part.SECRET, _UUID, 3.0),
    _shape("keywright", Part.KEY, rb"[0-9a-f]{24}", 2.9),
    _shape("keywright", Part.SECRET, _UUID, 3.0),
    _shape("binance", Part.KEY, rb"[A-Za-z0-9]{64}", 4.5, is_mixed=True),
    _shape("binance", Part.SECRET, rb"[A-Za-z0-9]{64}", 4.5, is_mixed=True),
    _shape("bitfinex", Part.KEY, rb"[A-Za-z0-9]{40,48}", 4.2, is_mixed=True),
    _shape("bitfinex", Part.SECRET, rb"[A-Za-z0-9]{40,48}", 4.2, is_mixed=True),
    _shape("okx", Part.KEY, _UUID, 3.0),
    _shape("okx", Part.SECRET, rb"[0-9A-F]{32}", 3.0),
    _shape("bybit", Part.KEY, rb"[A-Za-z0-9]{18}", 3.3, is_mixed=True),
    _shape("bybit", Part.SECRET, rb"[A-Za-z0-9]{36}", 4.0, is_mixed=True),
    _shape("kraken", Part.KEY, rb"[A-Za-z0-9+/]{56}", 4.4, is_mixed=True),
    _shape("kraken", Part.SECRET, rb"[A-Za-z0-9+/]{86}==", 4.6, is_mixed=True),
)

LENGTHS = frozenset({18, 24, 32, 36, 56, 64, 88, *range(40, 49)})
"""Of all shapes: a quick look before the patterns."""

WITH_PASSPHRASE = frozenset({"kucoin", "okx", "keywright"})

PUBLISHED = frozenset(
    {
        # Binance's documentation of signed endpoints: key and secret of its example.
        b"vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
        b"NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
    }
)
"""Credentials that an exchange prints in its documentation: everybody has them."""

_WORDS = rb"your|example|sample|dummy|change.?me|placeholder|insert|todo|fake|xxx"
_UNREAL = re.compile(rb"(?i)" + _WORDS + rb"|0{6}|1{6}|abcdef0|012345|123456|deadbeef")
_UNREAL_PHRASE = re.compile(rb"(?i)" + _WORDS)  # people do choose 123456


def shapes_of(token: bytes) -> tuple[Shape, ...]:
    """Return the shapes a piece of text has, of exchanges' credentials; none for what somebody made up to fill a place."""
    if len(token) not in LENGTHS:
        return ()
    found = tuple(shape for shape in SHAPES if shape.pattern.fullmatch(token))
    if not found or _UNREAL.search(token) or token in PUBLISHED:
        return ()
    bits, is_mixed = information(token), _is_mixed(token)
    return tuple(shape for shape in found if bits >= shape.bits and (is_mixed or not shape.is_mixed))


def information(token: bytes) -> float:
    """Return the bits per character, by the frequencies of the characters in the text itself (Shannon)."""
    size = len(token)
    return -sum(n / size * math.log2(n / size) for n in Counter(token).values())


def is_unreal(value: bytes) -> bool:
    """Tell whether a passphrase is plainly there to be replaced."""
    return bool(_UNREAL_PHRASE.search(value))


def _is_mixed(token: bytes) -> bool:
    """Tell whether it has small letters, capitals, and digits as chance brings them: a long name has one, or none."""
    digits = sum(48 <= byte <= 57 for byte in token)
    return token != token.lower() and token != token.upper() and digits >= (1 if len(token) < 36 else 2)
