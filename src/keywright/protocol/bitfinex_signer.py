"""`BitfinexSigner`: one credential made ready, so that a request costs little more than its MAC.

Rule: a nonce it has given is never given again, nor a smaller one. It reads no clock; the time is handed in.
Where the nanoseconds go: the MAC takes 650 (`hmac.digest`, which hashes the key again, takes 1,640); a target is checked
once and then remembered.
"""

from __future__ import annotations

from binascii import hexlify
from typing import Any, NoReturn, final

from keywright.errors import Invalid
from keywright.protocol import bitfinex_payload, canonical
from keywright.protocol.bitfinex_payload import KEY_ID, LARGEST_NONCE
from keywright.protocol.message import Header, SignedRequest
from keywright.protocol.prepared import MacKey, compact_json
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
_FULL = 10**15  # from here on a nonce has 16 digits, and may follow any path
_made = tuple.__new__  # a named tuple past its own constructor, which costs as much again


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
        self._ready = self._targets.get, MacKey(secret, bits=384).start, key_header

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
        if now_ms is None or nonce is not None or not _EARLIEST_MS <= now_ms <= _LATEST_MS:
            nonce = self._given(nonce, now_ms)
        else:
            last, nonce = self._last, now_ms * 1000
            if nonce <= last:
                nonce = last + 1 if last < LARGEST_NONCE else self._given(last + 1, now_ms)
        if not isinstance(body, bytes):
            body = compact_json(body)
        if not body:
            body = b"{}"  # as the Node library and ccxt have it
        stated = b"%d" % nonce
        find, begin, key = self._ready
        known = find(target)
        if known is None or method != "POST" or body[0] not in _BEGINNINGS or nonce < _FULL:
            known = self._looked_at(method, target, stated, body)
        start, raw = known
        mac = begin()
        mac.update(start + stated + body)
        self._last = nonce  # only now: a request that can't be signed uses none
        headers = (key, (b"bfx-nonce", stated), (b"bfx-signature", hexlify(mac.finalize())), _JSON)
        return _made(SignedRequest, (method, raw, headers, body))

    def _given(self, nonce: int | None, now_ms: int | None) -> int:
        if nonce is None:
            raise Invalid("a time is milliseconds since 1970, 13 digits", field="now_ms" if now_ms else "nonce")
        if not self._last < nonce <= LARGEST_NONCE:
            hint = "Make a new key: this one has used its last." if self._last == LARGEST_NONCE else ""
            raise Invalid("a nonce is above the last one, and at most 2^53 - 1", hint=hint, field="nonce")
        return nonce

    def _looked_at(self, method: str, target: bytes | str, nonce: bytes, body: bytes) -> tuple[bytes, bytes]:
        """Return how the payload of a target begins, and the target, and remember them; raise `Invalid` where the receiver
        would refuse."""
        raw = _bytes(target)
        try:
            bitfinex_payload.check_signed(method, raw)
            bitfinex_payload.check_seam(raw, nonce)
            canonical.check_beginning_of_body(body, may_follow=True)
        except Refused as refused:
            reason = refused.facts.get("rule", refused.reason.value)
            raise Invalid(f"this request can't be signed: {reason}") from refused
        if len(self._targets) >= MOST_TARGETS:
            self._targets.clear()
        known = self._targets[target] = b"/api" + raw, raw
        return known

    def __repr__(self) -> str:
        return "BitfinexSigner(•••)"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a BitfinexSigner can't be pickled or copied: two would give one nonce twice")


def _bytes(text: bytes | str) -> bytes:
    """Return `text` as UTF-8. Half a surrogate pair becomes bytes that stand neither in an id nor in a target."""
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
