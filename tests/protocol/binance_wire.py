"""A key of each kind, and requests as an independent client would sign them: not with our dialect."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from keywright.protocol.binance import BinanceDialect
from keywright.protocol.message import Request, SignedRequest
from keywright.protocol.refusal import Refused
from keywright.secret import Secret
from tests.vectors import make_binance

KEY = make_binance.KEY
SECRET = Secret(make_binance.SECRET)
KEYS = make_binance.keys()
PRIVATE = {kind: Secret(pems["private_key"]) for kind, pems in KEYS.items()}
PUBLIC = {kind: pems["public_key"].encode() for kind, pems in KEYS.items()}
NOW = 1_700_000_000_000
FORM = b"application/x-www-form-urlencoded"
ORDER = (
    b"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1700000000000"
)

DIALECT = BinanceDialect()


def mac(payload: bytes, secret: Secret = SECRET) -> bytes:
    return hmac.new(secret.reveal(), payload, hashlib.sha256).hexdigest().encode()


def signature_of(kind: str, payload: bytes) -> bytes:
    """Return a signature as it stands in a request, made by `cryptography` alone."""
    key = load_pem_private_key(PRIVATE[kind].reveal(), None)
    if isinstance(key, Ed25519PrivateKey):
        raw = key.sign(payload)
    else:
        assert isinstance(key, RSAPrivateKey)
        raw = key.sign(payload, PKCS1v15(), SHA256())
    return quote(base64.b64encode(raw), safe="").encode()


def signed(
    method: str = "POST",
    path: bytes = b"/api/v3/order",
    payload: bytes = ORDER,
    *,
    over: bytes | None = None,
    signature: bytes | None = None,
    place: str = "",
    key: bytes | None = KEY.encode(),
    content_type: bytes | None = FORM,
) -> Request:
    """Return a request with its parameters in the body, or in the query of a GET and where `place` says so."""
    made = mac(payload if over is None else over) if signature is None else signature
    text = payload + b"&signature=" + made
    in_query = (place or ("query" if method == "GET" else "body")) == "query"
    headers = [(b"x-mbx-apikey", key)] if key is not None else []
    if not in_query and content_type is not None:
        headers.append((b"content-type", content_type))
    target, body = (path + b"?" + text, b"") if in_query else (path, text)
    return Request(method, target, tuple(headers), body, "127.0.0.1")


def received(sent: SignedRequest) -> Request:
    return Request(sent.method, sent.target, sent.headers, sent.body, None)


def verdict(request: Request, **credentials: Any) -> str:
    """Return `allowed`, or the reason the dialect refuses the request for."""
    try:
        DIALECT.check(DIALECT.read(request), **(credentials or {"secret": SECRET}))
    except Refused as refused:
        return refused.reason.value
    return "allowed"
