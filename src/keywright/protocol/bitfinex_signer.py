"""`BitfinexSigner`: one credential made ready, so that a request costs little more than its MAC.

Rule: a nonce it has given is never given again, nor a smaller one. It reads no clock; the time is handed in.
Where the nanoseconds go: half into the MAC; a target is checked once and then remembered.
"""

from __future__ import annotations

from typing import Any, NoReturn, final

from keywright.errors import Invalid
from keywright.protocol import bitfinex_payload
from keywright.protocol.bitfinex_payload import KEY_ID, LARGEST_NONCE
from keywright.protocol.message import Header, SignedRequest
from keywright.protocol.native import made
from keywright.protocol.prepared import compact_json, mac_key
from keywright.protocol.refusal import Refused
from keywright.secret import Secret

Body = bytes | dict[str, Any] | list[Any]
"""As sent, or an object or array to be written as compact JSON."""

MOST_TARGETS = 1024
"""Targets remembered. A bot has dozens; ids in paths must not grow it without end."""

_BEGINNINGS = frozenset(b"{[")
_JSON: Header = (b"content-type", b"application/json")
_EARLIEST_MS = 10**12  # 13 digits: 2001. Less is seconds, and its nonces would have fewer than 16 digits.
_LATEST_MS = LARGEST_NONCE // 1000


@final
class BitfinexSigner:
    """Signs for one key, each time with a higher nonce.

    Not for two threads at once, nor for two processes with one key: requests that overtake one another are refused by the
    exchange, whatever signs them. Bitfinex's way is a key for each worker.
    """

    __slots__ = ("_last", "_ready", "_targets")

    def __init__(self, key: str, secret: Secret, *, last_nonce: int = 0) -> None:
        """Make ready. `last_nonce` is the highest the key has used, where that is known.

        Raises `Invalid` for what can't be the id of a key, an empty secret, or a nonce out of range.
        """
        key_id = _bytes(key)
        if not KEY_ID.fullmatch(key_id):
            raise Invalid("this can't be the id of a key", field="key")
        if not secret:
            raise Invalid("with an empty secret anyone could sign", field="secret")
        if not 0 <= last_nonce <= LARGEST_NONCE:
            raise Invalid("the last nonce is 0 to 2^53 - 1", field="last_nonce")
        self._last = last_nonce
        self._targets: dict[bytes | str, tuple[bytes, bytes]] = {}
        key_header: Header = (b"bfx-apikey", key_id)
        self._ready = self._targets, mac_key(secret, bits=384).hex_around, key_header

    @property
    def last_nonce(self) -> int:
        """The highest nonce given so far: to be kept where another signer will go on with this key."""
        return self._last

    def sign(
        self,
        method: str,
        target: bytes | str,
        body: Body = b"",
        *,
        now_ms: int | None = None,
        nonce: int | None = None,
    ) -> SignedRequest:
        """Return the request signed as it must be sent; no body, or an empty one, goes as `{}`.

        Its nonce is the one given, else `now_ms` in microseconds, or one more than the last where that is not above it.
        Raises `Invalid` for what `read` would refuse (the content of a JSON body given as bytes is not looked at), for a
        nonce not above the last, and for a time that is not in milliseconds.
        """
        if nonce is None and now_ms is not None and _EARLIEST_MS <= now_ms <= _LATEST_MS:
            last, nonce = self._last, now_ms * 1000
            if nonce <= last:
                nonce = last + 1 if last < LARGEST_NONCE else self._given(last + 1, now_ms)
        else:
            nonce = self._given(nonce, now_ms)
            _check(method, _bytes(target), nonce)  # it may have fewer digits than one that was made of a time
        targets, mac, key = self._ready
        try:
            start, raw = targets[target]
        except KeyError:
            start, raw = self._look_at(method, target)
        if method != "POST":
            _check(method, raw)
        if body == b"":
            body = b"{}"  # as the Node library and ccxt have it
        else:
            if not isinstance(body, bytes):
                body = compact_json(body)
            if body[0] not in _BEGINNINGS:
                raise _unsignable("a body begins with '{' or '[', with nothing before it")
        stated, signature = mac(start, nonce, body)
        self._last = nonce  # only now: a request that can't be signed uses none
        headers = (key, (b"bfx-nonce", stated), (b"bfx-signature", signature), _JSON)
        return made(SignedRequest, (method, raw, headers, body))

    def _given(self, nonce: int | None, now_ms: int | None) -> int:
        if nonce is None:
            raise Invalid("a time is milliseconds since 1970, 13 digits", field="now_ms" if now_ms else "nonce")
        if not self._last < nonce <= LARGEST_NONCE:
            hint = "Make a new key: this one has used its last." if self._last == LARGEST_NONCE else ""
            raise Invalid("a nonce is above the last one, and at most 2^53 - 1", hint=hint, field="nonce")
        return nonce

    def _look_at(self, method: str, target: bytes | str) -> tuple[bytes, bytes]:
        """Return how the payload of a target begins, and the target, and remember them: they are those of a signed call.

        Raises `Invalid` for any other.
        """
        raw = _bytes(target)
        _check(method, raw)
        if len(self._targets) >= MOST_TARGETS:
            self._targets.clear()
        known = self._targets[target] = b"/api" + raw, raw
        return known

    def __repr__(self) -> str:
        return "BitfinexSigner(•••)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a BitfinexSigner can't be pickled or copied: two would give one nonce twice")


def _check(method: str, raw: bytes, nonce: int = LARGEST_NONCE) -> None:
    """Do nothing if the receiver would take this nonce after this target. Raises `Invalid` otherwise."""
    try:
        bitfinex_payload.check_signed(method, raw)
        bitfinex_payload.check_seam(raw, b"%d" % nonce)
    except Refused as refused:
        raise _unsignable(refused.facts.get("rule", refused.reason.value)) from refused


def _unsignable(why: str) -> Invalid:
    return Invalid(f"this request can't be signed: {why}")


def _bytes(text: bytes | str) -> bytes:
    """Return `text` as UTF-8. Half a surrogate pair becomes bytes that stand neither in an id nor in a target."""
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
