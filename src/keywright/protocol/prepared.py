"""`mac_key`: an HMAC whose key is worked in once, and the compact JSON of a request's body.

What a key does to an HMAC is the same for every message (RFC 2104, section 4), so it is done once and copied: by the
compiled part where it is, else by `MacKey`. That is cryptography's, which takes a third of the time of `hmac.digest` and
fewer calls than two hashes of `hashlib` do. Measured: docs/performance.md.
"""

from __future__ import annotations

import hmac
import json
from binascii import b2a_base64, hexlify
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, final

from keywright.errors import Invalid
from keywright.protocol.native import native
from keywright.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hmac import HMAC

_ESCAPED = bytes(range(0x20)) + b'"\\'
"""What JSON must escape in a string."""


class Mac(Protocol):
    """A secret, ready to make MACs with. Shows itself as little as the secret does, and is not copied.

    Its verbs are for `bytes`. Who calls one often keeps the bound method.
    """

    def digest(self, message: bytes, /) -> bytes:
        """Return the MAC: 32 bytes, with SHA-384 48."""
        ...

    def base64(self, message: bytes, /) -> bytes:
        """Return the MAC as KuCoin's wire has it: 44 characters."""
        ...

    def hex(self, message: bytes, /) -> bytes:
        """Return the MAC as Binance's and Bitfinex's wires have it, in lower case."""
        ...

    def hex_around(self, before: bytes, number: int, after: bytes, /) -> tuple[bytes, bytes]:
        """Return a number, 0 to 2^63 - 1, in digits, and the MAC in hex of what is before it, its digits and what is after it."""
        ...

    def is_digest(self, message: bytes, digest: bytes, /) -> bool:
        """Tell whether this is the MAC, in time that does not depend on where they differ."""
        ...

    def is_base64(self, message: bytes, text: bytes, /) -> bool:
        """Tell whether this is the MAC in its one spelling in base64, in time that does not depend on where they differ."""
        ...


def mac_key(secret: Secret, *, bits: int = 256) -> Mac:
    """Return the secret ready to make MACs with: HMAC-SHA256, or with SHA-384."""
    if native is None:
        return MacKey(secret, bits=bits)
    key: Mac = native.Mac(secret.reveal(), bits)
    return key


@final
class MacKey:
    """A `Mac` without the compiled part. What verifies spells out what it could call: each call would cost a tenth."""

    __slots__ = ("_start",)

    def __init__(self, secret: Secret, *, bits: int = 256) -> None:
        from cryptography.hazmat.primitives import hashes, hmac as kept  # noqa: PLC0415  6 ms: only for who makes a key

        hashed = hashes.SHA384() if bits == 384 else hashes.SHA256()
        self._start: Callable[[], HMAC] = kept.HMAC(secret.reveal(), hashed).copy

    def digest(self, message: bytes, /) -> bytes:
        """Return the MAC."""
        mac = self._start()
        mac.update(message)
        return mac.finalize()

    def base64(self, message: bytes, /) -> bytes:
        """Return the MAC in base64."""
        mac = self._start()
        mac.update(message)
        return b2a_base64(mac.finalize(), newline=False)

    def hex(self, message: bytes, /) -> bytes:
        """Return the MAC in hex."""
        return hexlify(self.digest(message))

    def hex_around(self, before: bytes, number: int, after: bytes, /) -> tuple[bytes, bytes]:
        """Return a number in digits, and the MAC in hex of all three."""
        digits = b"%d" % number
        return digits, self.hex(before + digits + after)

    def is_digest(self, message: bytes, digest: bytes, /) -> bool:
        """Tell whether this is the MAC."""
        mac = self._start()
        mac.update(message)
        return hmac.compare_digest(mac.finalize(), digest)

    def is_base64(self, message: bytes, text: bytes, /) -> bool:
        """Tell whether this is the MAC in base64."""
        mac = self._start()
        mac.update(message)
        return hmac.compare_digest(b2a_base64(mac.finalize(), newline=False), text)

    def __repr__(self) -> str:
        return "Mac(•••)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a MAC's key can't be pickled or copied")


def compact_json(value: Any) -> bytes:
    """Return an object or array as JSON without spaces, in UTF-8: written once, so that what is signed is what is sent.

    Raises `Invalid` for what JSON can't say or says differently to different readers: amounts are best given as text.
    """
    try:
        if type(value) is dict and (text := _text_object(value)) is not None:
            return text
        return "".join(_chunks(value, 0)).encode()
    except (TypeError, ValueError, RecursionError):
        # Without the error itself: it may hold a value of the body.
        raise Invalid("this body can't be written as JSON", hint="give numbers as text", field="body") from None


class _Shape:
    """What is the same in every object with the same names: all but the values."""

    __slots__ = ("pieces", "quotes")

    def __init__(self, names: tuple[Any, ...]) -> None:
        self.pieces: list[str] = []
        """In turn what stands before a value, and its place; last what closes the object. Empty: not to be written so."""
        if names and all(type(name) is str for name in names):
            quoted = [json.encoder.encode_basestring(name) for name in names]
            for name in quoted:
                self.pieces += [f'{{{name}:"' if not self.pieces else f'",{name}:"', ""]
            self.pieces.append('"}')
        around = "".join(self.pieces).encode()
        self.quotes = len(around) - len(around.translate(None, _ESCAPED))
        """How many characters of `_ESCAPED` the pieces have. More than these are of a value."""


@lru_cache(maxsize=256)
def _shape(*names: Any) -> _Shape:
    return _Shape(names)


def _of_text(fields: dict[Any, Any]) -> bytes | None:
    """Return an object whose values are all text that needs no escaping, which is what an order is; `None` for any other.

    Clients send the same names again and again: written around them, an object takes half the time.
    """
    shape = _shape(*fields)
    if not shape.pieces:
        return None
    pieces = shape.pieces.copy()
    pieces[1::2] = fields.values()
    try:
        text = "".join(pieces).encode()
    except TypeError:  # a value that is no text, and so it will be the next time
        shape.pieces = []
        return None
    return text if len(text) - len(text.translate(None, _ESCAPED)) == shape.quotes else None


def _refuse(value: Any) -> NoReturn:
    raise TypeError(f"{type(value).__name__} is no JSON")


def _encoder() -> Callable[[Any, int], Iterable[str]]:
    """Return what `json.dumps` would make for each call and then throw away: 40% of its time."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is not None:
        made: Callable[[Any, int], Iterable[str]] = make(
            None, _refuse, json.encoder.encode_basestring, None, ":", ",", False, False, False
        )
        return made
    plain = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False)
    return lambda value, _depth: (plain.encode(value),)


_chunks = _encoder()
_text_object: Callable[[dict[Any, Any]], bytes | None] = native.text_object if native else _of_text
