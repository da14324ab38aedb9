"""`MacKey`: HMAC-SHA256 whose key is worked in once, and the compact JSON of a request's body.

A key's two states are the same for every message (RFC 2104, section 4), so they are made once and copied: half the time of
`hmac.digest`, and as quick as copying cryptography's HMAC, which takes 9 ms to import. Measured: docs/performance.md.
"""

from __future__ import annotations

import json
from binascii import b2a_base64
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any, NoReturn, final

from keywright.errors import Invalid
from keywright.secret import Secret

_BLOCK = 64  # bytes that SHA-256 takes in at once; a longer key is hashed first
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


@final
class MacKey:
    """A secret, ready to make MACs with. Shows itself as little as the secret does."""

    __slots__ = ("inner", "outer")

    def __init__(self, secret: Secret) -> None:
        plain = secret.reveal()
        padded = (plain if len(plain) <= _BLOCK else sha256(plain).digest()).ljust(_BLOCK, b"\0")
        self.inner = sha256(padded.translate(_INNER)).copy
        """Starts the hash of a message; what it comes to goes into …"""
        self.outer = sha256(padded.translate(_OUTER)).copy
        """… this one, and out comes the MAC. For the two loops that can't spare a call; others use the verbs."""

    def digest(self, message: bytes) -> bytes:
        """Return the 32 bytes of HMAC-SHA256(secret, message)."""
        inner, outer = self.inner(), self.outer()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()

    def base64(self, message: bytes) -> bytes:
        """Return the MAC as it travels: base64, 44 characters."""
        return b2a_base64(self.digest(message), newline=False)

    def __repr__(self) -> str:
        return "MacKey(•••)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a MacKey can't be pickled or copied")


def compact_json(value: Any) -> bytes:
    """Return an object or array as JSON without spaces, in UTF-8: written once, so that what is signed is what is sent.

    Raises `Invalid` for what JSON can't say or says differently to different readers: amounts are best given as text.
    """
    try:
        return "".join(_chunks(value, 0)).encode()
    except (TypeError, ValueError, RecursionError):
        # Without the error itself: it may hold a value of the body.
        raise Invalid("this body can't be written as JSON", hint="give numbers as text", field="body") from None


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
