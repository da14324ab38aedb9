"""`BinanceSigner`: one credential made ready, HMAC, Ed25519 or RSA, so that a request costs little more than its signature.

Rule: nothing is signed that a receiver would refuse. A target is looked at once and then remembered; a form is looked at
each time, unless it was written here.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, NoReturn, final

from keywright.errors import Invalid
from keywright.protocol import binance_canonical, binance_keys
from keywright.protocol.binance_form import FormWriter
from keywright.protocol.message import Header, SignedRequest
from keywright.protocol.native import made
from keywright.protocol.refusal import Refused
from keywright.secret import Secret

KEY_HEADER = b"x-mbx-apikey"
KEY_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
"""What a key id may be made of, anywhere. A NUL, which PostgreSQL would not take in a query, never gets that far."""

WIDEST_WINDOW_MS = 60_000
RECV_WINDOW = re.compile(rb"(0|[1-9][0-9]{0,4})(?:\.([0-9]{1,3}))?")

MOST_KEPT, LONGEST_KEPT = 1_024, 256
"""Targets that a signer remembers, and bytes of the longest."""


@final
class BinanceSigner:
    """Signs for one key, with everything prepared that depends on the key alone. Shows nothing of it."""

    __slots__ = ("_added", "_before_stamp", "_form_headers", "_forms", "_headers", "_known", "_sign")

    def __init__(
        self,
        *,
        key: str,
        secret: Secret | None = None,
        private_key: Secret | None = None,
        recv_window_ms: Decimal | int | None = None,
    ) -> None:
        """Take an HMAC `secret`, or an Ed25519 or RSA `private_key` in PEM. Raises `Invalid` for anything else."""
        if not KEY_ID.fullmatch(key_id := key.encode("utf-8", "surrogatepass")):
            raise Invalid("this can't be the id of a key", field="key")
        if secret is not None and private_key is None:
            self._sign = binance_keys.with_secret(secret)
        elif private_key is not None and secret is None:
            self._sign = binance_keys.with_private_key(private_key)
        else:
            raise Invalid("a key signs with its secret or with its private key: give one of them")
        self._headers: tuple[Header, ...] = ((KEY_HEADER, key_id),)
        self._form_headers: tuple[Header, ...] = (
            *self._headers,
            (b"content-type", b"application/x-www-form-urlencoded"),
        )
        window = b"" if recv_window_ms is None else b"recvWindow=%b&" % _window(recv_window_ms)
        self._before_stamp = window + b"timestamp="
        self._added = frozenset({b"timestamp", b"signature", *([b"recvwindow"] if window else [])})
        self._forms = FormWriter(frozenset(name.decode() for name in self._added))
        self._known: dict[tuple[str, bytes | str, bool], tuple[bytes, bytes]] = {}

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a BinanceSigner can't be pickled or copied: it holds a key")

    def sign(
        self, method: str, target: bytes | str, body: bytes | dict[str, Any] = b"", *, now_ms: int
    ) -> SignedRequest:
        """Return the request as it must be sent: recvWindow if one was given, timestamp and signature added.

        They join the body if there is one, else the query. Both are percent-encoded already and signed in that form; a
        dict given as `body` is written as a form. Raises `Invalid` for a request that `read` would refuse, and for a time
        that has not 13 digits.
        """
        if not 1_000_000_000_000 <= now_ms <= 9_999_999_999_999:
            raise Invalid("a timestamp is milliseconds since 1970, 13 digits", field="now_ms")
        form, is_plain = self._forms.write(body) if isinstance(body, dict) else (body, body == b"")
        known = self._known.get((method, target, form == b"")) if is_plain else None
        before, text = known or self._look_at(method, target, form)
        if form:
            payload = b"%b&%b%d" % (form, self._before_stamp, now_ms)
            signed = b"%b&signature=%b" % (payload, self._sign(payload))
            return made(SignedRequest, (method, before, self._form_headers, signed))
        payload = b"%b%d" % (text, now_ms)
        signed = b"%b%b&signature=%b" % (before, payload, self._sign(payload))
        return made(SignedRequest, (method, signed, self._headers, b""))

    def _look_at(self, method: str, target: bytes | str, form: bytes) -> tuple[bytes, bytes]:
        """Return what is sent before the payload, and the payload of a query up to the timestamp, once the request was
        found canonical. Remembered: a bot asks for few targets, again and again. Forms are not, they are looked at."""
        if not isinstance(form, bytes):
            raise Invalid("a body of Binance's is a form: a dict, or bytes like a=1&b=2, percent-encoded", field="body")
        try:
            raw = target.encode() if isinstance(target, str) else target
            text = binance_canonical.read_unsigned(method, raw, form, added=self._added)
        except Refused as refused:
            reason = refused.facts.get("rule", refused.reason.value)
            raise Invalid(f"this request can't be signed: {reason}") from refused
        except UnicodeEncodeError:
            raise Invalid("the target holds half of a surrogate pair", field="target") from None
        if form:
            found = raw, b""
        elif text:
            found = raw[: -len(text)], b"%b&%b" % (text, self._before_stamp)
        else:
            found = raw + b"?", self._before_stamp
        if len(raw) <= LONGEST_KEPT:
            if len(self._known) >= MOST_KEPT:
                self._known.clear()
            self._known[method, target, form == b""] = found
        return found


def _window(recv_window_ms: Decimal | int) -> bytes:
    window = Decimal(recv_window_ms)
    value = f"{window:f}".encode() if window.is_finite() and 0 <= window <= WIDEST_WINDOW_MS else b""
    if not RECV_WINDOW.fullmatch(value):
        raise Invalid("a recvWindow is milliseconds up to 60000, at most three decimals", field="recv_window_ms")
    return value
