"""Bitfinex's wire, version 2: `BitfinexDialect` signs requests, reads what one claims, checks the claim, says a refusal.

The payload is `/api`, path, nonce and body with nothing between them; which requests that leaves unambiguous is
`bitfinex_payload`'s subject, how each refusal is said is `bitfinex_refusals`', what a request would do `bitfinex_orders`'.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field

from keywright.protocol import bitfinex_orders, bitfinex_payload, bitfinex_refusals, canonical
from keywright.protocol.bitfinex_payload import HIGHEST_TAKEN, KEY_ID, LARGEST_NONCE, nonce_above
from keywright.protocol.bitfinex_signer import BitfinexSigner, Body
from keywright.protocol.message import Answer, Request, SignedRequest
from keywright.protocol.order import Intent
from keywright.protocol.refusal import Reason, Refused
from keywright.secret import Secret

__all__ = ["HIGHEST_TAKEN", "LARGEST_NONCE", "BitfinexDialect", "BitfinexSigner", "Claim", "nonce_above"]

LONGEST_VALUE = 512
"""Bytes of a header value that are looked at. The longest honest one, a signature, has 96."""

_NAMES = (b"bfx-apikey", b"bfx-nonce", b"bfx-signature")
_TOKEN = b"bfx-token"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a well-formed request says of itself. Nothing of it is proved before `check`."""

    key_id: str
    """Empty where what was sent can't be the id of any key: no such key exists."""
    nonce: int
    """For `nonce_above`, once the signature holds."""
    signature: bytes
    """The header's value; after `check` 96 lower-case hex digits, so that it may name the request."""
    payload: bytes = field(repr=False)
    """What was signed. Not shown: bodies may carry addresses and codes."""


@dataclass(frozen=True, slots=True)
class BitfinexDialect:
    """Bitfinex's way of saying things."""

    # ── the sender's side

    def sign(
        self,
        method: str,
        target: bytes | str,
        body: Body = b"",
        *,
        key: str,
        secret: Secret,
        now_ms: int | None = None,
        nonce: int | None = None,
    ) -> SignedRequest:
        """Return the request signed as it must be sent: an empty body goes as `{}`.

        The nonce is the one given, else `now_ms` in microseconds, as the official libraries have it: two requests of one
        millisecond need a nonce each, or one `BitfinexSigner` for both. Raises `Invalid` for a request that `read` would refuse
        (the content of a JSON body is not looked at), and without a nonce or time that can be used.
        """
        return BitfinexSigner(key, secret).sign(method, target, body, now_ms=now_ms, nonce=nonce)

    # ── the receiver's side

    @staticmethod
    def check_target(method: str, target: bytes) -> None:
        """Do nothing if method and target have one reading only: what `read` begins with.

        Raises `Refused` with METHOD_NOT_ALLOWED or TARGET_NOT_CANONICAL.
        """
        bitfinex_payload.check_target(method, target)

    @staticmethod
    def check_body(request: Request) -> None:
        """Do nothing if the body may be there and has one reading only: all of `read` that a public route needs besides.

        Raises `Refused` with BODY_NOT_ALLOWED or BODY_MALFORMED.
        """
        canonical.check_beginning_of_body(request.body, may_follow=request.method == "POST")
        canonical.check_body(request.body)

    def read(self, request: Request) -> Claim:
        """Return what the request claims.

        Raises `Refused`, for the first of these that does not hold; the dearest look comes last:
        1 METHOD_NOT_ALLOWED · 2 TARGET_NOT_CANONICAL · 3 BODY_MALFORMED by its first byte · 4 MALFORMED for a token,
        HEADER_REPEATED, HEADER_MISSING · 5 NONCE_MALFORMED · 6 BODY_MALFORMED by its content.
        """
        # 1, 2, 3  can it have been signed without ambiguity
        bitfinex_payload.check_signed(request.method, request.target)
        canonical.check_beginning_of_body(request.body, may_follow=True)
        # 4, 5  what it says of itself
        key, stated, signature = _values(request)
        nonce = bitfinex_payload.read_nonce(stated)
        bitfinex_payload.check_seam(request.target, stated)
        # 6  can its body be read in one way only
        canonical.check_body(request.body)
        return Claim(
            key_id=key.decode() if KEY_ID.fullmatch(key) else "",
            nonce=nonce,
            signature=signature,
            payload=bitfinex_payload.payload(request.target, stated, request.body),
        )

    def check(self, claim: Claim, *, secret: Secret) -> None:
        """Do nothing if the signature holds.

        The work is the same whatever comes out, so a caller who has no such key runs it with a secret that nobody knows
        and answers KEY_UNKNOWN. `nonce_above` is to follow. Raises `Refused(SIGNATURE_MISMATCH)`.
        """
        # The header itself is compared, not what it decodes to: hex in capitals would pass for a second request.
        mac = hmac.digest(secret.reveal(), claim.payload, "sha384").hex().encode()
        matched = hmac.compare_digest(mac, claim.signature)
        # With an empty secret anyone could have signed; a client that was given no keys does.
        matched &= bool(secret)
        if not matched:
            raise Refused(Reason.SIGNATURE_MISMATCH)

    def refuse(self, refused: Refused) -> Answer:
        """Return the refusal as Bitfinex would say it."""
        return bitfinex_refusals.answer(refused)

    def hint(self, refused: Refused) -> str:
        """Return what the person who sent the request should do. Bitfinex's answer has no place of its own for it."""
        return bitfinex_refusals.hint(refused)

    def understand(self, status: int, body: bytes) -> tuple[Reason, ...]:
        """Return what an error answer may mean, likeliest first; empty for one that is no refusal. Never raises."""
        return bitfinex_refusals.understand(status, body)

    def read_order(self, request: Request) -> tuple[Intent, ...]:
        """Return what an authentic request would do; one `unknown` where it can't be told. Never raises."""
        return bitfinex_orders.read_order(request)


def _values(request: Request) -> tuple[bytes, bytes, bytes]:
    """Return the values of our headers, each sent once. An underscore in place of a hyphen is another name."""
    values: dict[bytes, bytes] = {}
    for name, value in request.headers:
        if name == _TOKEN:
            # No MAC covers it, and a service behind us might go by it: then the key checked is not the one that acts.
            raise Refused(Reason.MALFORMED, what="bfx-token is not taken: sign with a key and its secret")
        if name not in _NAMES:
            continue
        if name in values:  # even if equal: two readers might take one each
            raise Refused(Reason.HEADER_REPEATED, header=name.decode())
        # Cut to nothing rather than short: no id, nonce or MAC is empty.
        values[name] = value if len(value) <= LONGEST_VALUE else b""
    for name in _NAMES:
        if name not in values:
            raise Refused(Reason.HEADER_MISSING, header=name.decode())
    key, nonce, signature = (values[name] for name in _NAMES)
    return key, nonce, signature
