"""A key, and requests as an independent client would sign them: with the standard library, not with our dialect."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable

from keywright.protocol.kucoin import KucoinDialect
from keywright.protocol.message import Header, Request
from keywright.protocol.refusal import Refused
from keywright.secret import Secret

KEY = "5c2db93503aa674c74a31734"
SECRET = Secret("f03a5284-5c39-4aaa-9b20-dea10bdcf8e3")
PASSPHRASE = Secret("Kw-wire-7!")
PEPPER = Secret(b"pepper of the tests")
STAMP = "1700000000000"

DIALECT = KucoinDialect()
WITH_VERSION_1 = KucoinDialect(accept_version_1=True)


def mac(message: bytes, secret: Secret = SECRET) -> bytes:
    return base64.b64encode(hmac.new(secret.reveal(), message, hashlib.sha256).digest())


PASSPHRASE_HEADER = mac(PASSPHRASE.reveal())
PASSPHRASE_DIGEST = hmac.new(PEPPER.reveal(), PASSPHRASE_HEADER, hashlib.sha256).digest()


def signed(
    method: str = "GET",
    target: bytes = b"/api/v1/accounts?currency=BTC",
    body: bytes = b"",
    *,
    over: tuple[str, bytes, bytes] | None = None,
    stamp: str = STAMP,
    **instead: bytes | None,
) -> Request:
    """Return a request whose signature is over `over` (method, target, body) if given, else over what is sent.

    `instead` replaces header values by their short name (`sign=…`, `key_version=…`); `None` leaves one out.
    """
    signed_method, signed_target, signed_body = over or (method, target, body)
    values: dict[str, bytes | None] = {
        "key": KEY.encode(),
        "sign": mac(f"{stamp}{signed_method}".encode() + signed_target + signed_body),
        "timestamp": stamp.encode(),
        "passphrase": PASSPHRASE_HEADER,
        "key_version": b"3",
    }
    headers = [
        (f"kc-api-{name.replace('_', '-')}".encode(), value)
        for name, value in (values | instead).items()
        if value is not None
    ]
    return Request(method, target, tuple(headers), body, "127.0.0.1")


def with_headers(request: Request, more: Iterable[Header]) -> Request:
    return Request(request.method, request.target, (*request.headers, *more), request.body, request.peer)


def verdict(
    request: Request, *, body_allowed: bool = False, dialect: KucoinDialect = DIALECT, secret: Secret = SECRET
) -> str:
    """Return `allowed`, or the reason the dialect refuses the request for."""
    try:
        claim = dialect.read(request, body_allowed=body_allowed)
        dialect.check(claim, secret=secret, passphrase_digest=PASSPHRASE_DIGEST, pepper=PEPPER)
    except Refused as refused:
        return refused.reason.value
    return "allowed"
