"""Binance's wire: `BinanceDialect` signs requests, reads what one claims, checks the claim, and says a refusal.

The payload is the parameters as they were sent, in the query or in the body; it covers **neither method, nor path, nor
headers**, so whoever holds one signed request may send it elsewhere: what replay has to bind is in `Claim`. Which
payloads are unambiguous is `binance_canonical`'s subject, keys are `binance_keys`', refusals `binance_refusals`'.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from keywright.errors import Invalid
from keywright.protocol import binance_canonical, binance_errors, binance_keys, binance_orders, binance_refusals
from keywright.protocol.binance_signer import KEY_HEADER, KEY_ID, RECV_WINDOW, WIDEST_WINDOW_MS, BinanceSigner
from keywright.protocol.message import Answer, Request, SignedRequest
from keywright.protocol.order import Intent
from keywright.protocol.refusal import Reason, Refused
from keywright.secret import Secret

__all__ = ["KEY_HEADER", "WIDEST_WINDOW_MS", "BinanceDialect", "BinanceSigner", "Claim", "in_time"]

DEFAULT_WINDOW_MS = 5_000
AHEAD_MS = 1_000
"""How far a request may be ahead of the server's time; exactly this far is too far."""

# Milliseconds, or microseconds, of a present-day time; a leading zero would be a second spelling of one.
_TIMESTAMP = re.compile(rb"[1-9](?:[0-9]{12}|[0-9]{15})")
_OTHER_UNITS = {10: "seconds", 19: "nanoseconds"}


@dataclass(frozen=True, slots=True)
class Claim:
    """What a well-formed request says of itself. Nothing of it is proved before `check`."""

    key_id: str
    """Empty where what was sent can't be the id of any key: no such key exists."""
    timestamp_us: int
    """Microseconds, from whichever unit was sent."""
    recv_window_us: int
    signature: bytes
    """In its one spelling: hex in lower case, or base64. Empty where it can't be a signature."""
    method: str
    """Not signed. Together with `path`, what replay must bind besides the payload."""
    path: bytes
    """Not signed."""
    payload: bytes = field(repr=False)
    """What was signed, exactly as received. Not shown: parameters may carry what is nobody's business."""

    @property
    def timestamp_ms(self) -> int:
        """The stated time in whole milliseconds."""
        return self.timestamp_us // 1_000

    @property
    def forget_at_ms(self) -> int:
        """From when on the time rule refuses this request anyway: until then it must be remembered."""
        return (self.timestamp_us + self.recv_window_us) // 1_000 + 1

    @property
    def once(self) -> bytes:
        """What names this one use of the payload: method, path, payload. Two spellings of a signature share it."""
        return b"%b\0%b\0%b" % (self.method.encode(), self.path, self.payload)


@dataclass(frozen=True, slots=True)
class BinanceDialect:
    """Binance's way of saying things: spot `/api`, `/sapi`, and whatever else is signed alike."""

    # ── the sender's side

    @staticmethod
    def sign(
        method: str,
        target: bytes | str,
        body: bytes | dict[str, Any],
        *,
        key: str,
        secret: Secret | None = None,
        private_key: Secret | None = None,
        now_ms: int,
        recv_window_ms: Decimal | int | None = None,
    ) -> SignedRequest:
        """Return the request signed as it must be sent. Who signs often keeps a `BinanceSigner`, which this makes."""
        signer = BinanceSigner(key=key, secret=secret, private_key=private_key, recv_window_ms=recv_window_ms)
        return signer.sign(method, target, body, now_ms=now_ms)

    # ── the receiver's side

    @staticmethod
    def check_target(method: str, target: bytes) -> None:
        """Do nothing if method and target have one reading only: what `read` begins with.

        Raises `Refused` with METHOD_NOT_ALLOWED or TARGET_NOT_CANONICAL.
        """
        binance_canonical.read(method, target, b"")

    @staticmethod
    def check_body(request: Request, *, body_allowed: bool) -> None:
        """Do nothing if the body may be there and has one reading only. Raises `Refused`."""
        if request.body and not body_allowed:
            raise Refused(Reason.BODY_NOT_ALLOWED)
        binance_canonical.read(request.method, request.target, request.body)
        if request.body:
            binance_canonical.check_media_type(request.header(b"content-type"))

    @staticmethod
    def read(request: Request, *, body_allowed: bool = True) -> Claim:
        """Return what the request claims. `body_allowed` says whether its route takes one at all.

        Raises `Refused`, for the first of these that does not hold:
        1 METHOD_NOT_ALLOWED · 2 TARGET_NOT_CANONICAL · 3 BODY_NOT_ALLOWED, BODY_MALFORMED ·
        4 HEADER_REPEATED, HEADER_MISSING (`header`, or `parameter` for signature and timestamp) · 5 TIMESTAMP_MALFORMED.
        """
        body = request.body
        if body and not body_allowed:
            raise Refused(Reason.BODY_NOT_ALLOWED)
        # 1, 2, 3  can it have been signed without ambiguity
        form = binance_canonical.read(request.method, request.target, body)
        if body:
            binance_canonical.check_media_type(request.header(b"content-type"))
        # 4, 5  what it says of itself
        keys = request.header(KEY_HEADER)
        if len(keys) > 1:  # even if equal: two readers might take one each
            raise Refused(Reason.HEADER_REPEATED, header="X-MBX-APIKEY")
        if not keys:
            raise Refused(Reason.HEADER_MISSING, header="X-MBX-APIKEY")
        if form.signature is None:
            raise Refused(Reason.HEADER_MISSING, parameter="signature")
        return Claim(
            key_id=keys[0].decode() if KEY_ID.fullmatch(keys[0]) else "",
            timestamp_us=_read_timestamp(form),
            recv_window_us=_read_window(form),
            signature=binance_keys.canonical_signature(form.signature),
            method=request.method,
            path=form.path,
            payload=form.payload,
        )

    @staticmethod
    def check(claim: Claim, *, secret: Secret | None = None, public_key: bytes | None = None) -> None:
        """Do nothing if the signature holds for the key's secret, or for its public key in PEM. The key decides which.

        The work depends on the claim and the kind of key alone, so a caller who has no such key runs it with one that
        nobody knows and answers KEY_UNKNOWN. Raises `Refused(SIGNATURE_MISMATCH)`; `Invalid` without exactly one key.
        """
        if secret is not None and public_key is None:
            holds = binance_keys.holds_for_secret(secret, claim.payload, claim.signature)
        elif public_key is not None and secret is None:
            holds = binance_keys.holds_for_public_key(public_key, claim.payload, claim.signature)
        else:
            raise Invalid("a signature is checked with a secret or with a public key: give one of them")
        if not holds:
            raise Refused(Reason.SIGNATURE_MISMATCH)

    @staticmethod
    def check_time(claim: Claim, *, now_ms: int, widest_ms: int = WIDEST_WINDOW_MS) -> None:
        """Do nothing if the stated time is near `now_ms` by Binance's rule; `widest_ms` bounds what a sender may ask for.

        Raises `Refused(TIMESTAMP_OUT_OF_WINDOW)` with `skew_ms` (negative: behind) and `window_ms`.
        """
        window_us = min(claim.recv_window_us, widest_ms * 1_000)
        if not in_time(claim.timestamp_us, recv_window_us=window_us, now_ms=now_ms):
            raise Refused(
                Reason.TIMESTAMP_OUT_OF_WINDOW, skew_ms=claim.timestamp_ms - now_ms, window_ms=window_us // 1_000
            )

    @staticmethod
    def refuse(refused: Refused) -> Answer:
        """Return the refusal as Binance would say it, with a hint for the person who has to do something about it."""
        return binance_refusals.answer(refused)

    @staticmethod
    def understand(status: int, body: bytes) -> tuple[Reason, ...]:
        """Return what an error answer of Binance may mean, likeliest first; empty for one that is no refusal."""
        return binance_errors.understand(status, body)

    @staticmethod
    def read_order(request: Request) -> tuple[Intent, ...]:
        """Return what an authentic request would do; one `unknown` where it can't be told."""
        return binance_orders.read_order(request)


def in_time(timestamp_us: int, *, recv_window_us: int, now_ms: int) -> bool:
    """Tell whether a time holds by Binance's rule: timestamp < now + 1 s, and now − timestamp ≤ recvWindow."""
    now_us = now_ms * 1_000
    return timestamp_us < now_us + AHEAD_MS * 1_000 and now_us - timestamp_us <= recv_window_us


def _read_timestamp(form: binance_canonical.Form) -> int:
    value = binance_canonical.value_of(form.payload, b"timestamp")
    if value is None:
        raise Refused(Reason.HEADER_MISSING, parameter="timestamp")
    if not _TIMESTAMP.fullmatch(value):
        unit = _OTHER_UNITS.get(len(value), "") if value.isdigit() else ""
        raise Refused(Reason.TIMESTAMP_MALFORMED, parameter="timestamp", unit=unit)
    return int(value) * (1_000 if len(value) == 13 else 1)


def _read_window(form: binance_canonical.Form) -> int:
    value = binance_canonical.value_of(form.payload, b"recvWindow")
    if value is None:
        return DEFAULT_WINDOW_MS * 1_000
    window = RECV_WINDOW.fullmatch(value)
    if window is None:
        raise Refused(Reason.TIMESTAMP_MALFORMED, parameter="recvWindow")
    window_us = int(window[1]) * 1_000 + int((window[2] or b"").ljust(3, b"0"))
    if window_us > WIDEST_WINDOW_MS * 1_000:
        raise Refused(Reason.TIMESTAMP_MALFORMED, parameter="recvWindow", most_ms=WIDEST_WINDOW_MS)
    return window_us
