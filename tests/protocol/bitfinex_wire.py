"""A key, and requests as an independent client of Bitfinex would sign them: with the standard library, not with our dialect."""

from __future__ import annotations

import hashlib
import hmac

from keywright.protocol.bitfinex import BitfinexDialect, nonce_above
from keywright.protocol.message import Request, SignedRequest
from keywright.protocol.refusal import Refused
from keywright.secret import Secret

KEY = "Kw7bitfinexWireKey0123456789abcdefghijklmno"
SECRET = Secret("Kw7bitfinexWireSecret0123456789abcdefghijkl")
NONCE = b"1700000000000000"
WALLETS = b"/v2/auth/r/wallets"
SUBMIT = b"/v2/auth/w/order/submit"
ORDER = b'{"type":"EXCHANGE LIMIT","symbol":"tBTCUSD","amount":"-0.5","price":"50000"}'

DIALECT = BitfinexDialect()


def mac(message: bytes, secret: Secret = SECRET) -> bytes:
    return hmac.new(secret.reveal(), message, hashlib.sha384).hexdigest().encode()


def signed(
    target: bytes = WALLETS,
    body: bytes = b"{}",
    *,
    method: str = "POST",
    nonce: bytes | None = NONCE,
    over: bytes | None = None,
    **instead: bytes | None,
) -> Request:
    """Return a request whose signature is over `over` if given, else over what is sent.

    `instead` replaces header values by their short name (`apikey=…`, `signature=…`); `None` leaves one out.
    """
    values: dict[str, bytes | None] = {
        "apikey": KEY.encode(),
        "nonce": nonce,
        "signature": mac(b"/api" + target + (nonce or b"") + body if over is None else over),
    }
    headers = [(f"bfx-{name}".encode(), value) for name, value in (values | instead).items() if value is not None]
    return Request(method, target, tuple(headers), body, "127.0.0.1")


def received(sent: SignedRequest) -> Request:
    return Request(sent.method, sent.target, sent.headers, sent.body, None)


def verdict(request: Request, *, secret: Secret = SECRET, last_nonce: int = 0) -> str:
    """Return `allowed`, or the reason the dialect refuses the request for."""
    try:
        claim = DIALECT.read(request)
        DIALECT.check(claim, secret=secret)
        nonce_above(claim.nonce, last_nonce=last_nonce)
    except Refused as refused:
        return refused.reason.value
    return "allowed"
