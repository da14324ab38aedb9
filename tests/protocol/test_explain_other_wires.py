"""Binance's and Bitfinex's wires, explained: what the dialects sign holds, and what clients get wrong is named."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping

import pytest

from keywright.protocol.binance import BinanceDialect
from keywright.protocol.bitfinex import BitfinexDialect
from keywright.protocol.explain import Explanation, Mistake, explain
from keywright.protocol.message import Header, Request, SignedRequest
from keywright.secret import Secret

SECRET = Secret("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j")
S, NOW = SECRET.reveal(), 1_700_000_000_000
FORM: Header = (b"content-type", b"application/x-www-form-urlencoded")


def told(exchange: str, request: Request) -> Explanation:
    return explain(request, exchange=exchange, secret=SECRET, passphrase=None, now_ms=NOW + 50)


def received(sent: SignedRequest) -> Request:
    return Request(sent.method, sent.target, sent.headers, sent.body, None)


# ── Binance

PARAMETERS = b"symbol=LTCBTC&side=BUY&recvWindow=5000&timestamp=1700000000000"


def sha256(text: bytes) -> bytes:
    return hmac.digest(S, text, "sha256").hex().encode()


def get(signed: bytes, sent: bytes = PARAMETERS, *, signature: bytes = b"", key: bool = True) -> Request:
    target = b"/api/v3/order?%b&signature=%b" % (sent, signature or sha256(signed))
    return Request("GET", target, ((b"x-mbx-apikey", b"k"),) if key else (), b"", None)


def post(signed: bytes, body: bytes = PARAMETERS) -> Request:
    return Request(
        "POST", b"/api/v3/order", ((b"x-mbx-apikey", b"k"), FORM), b"%b&signature=%b" % (body, sha256(signed)), None
    )


BINANCE: Mapping[str, tuple[Mistake, Request]] = {
    "decoded": (
        Mistake.QUERY_DECODED,
        get("a=é&timestamp=1700000000000".encode(), b"a=%C3%A9&timestamp=1700000000000"),
    ),
    "plus": (Mistake.QUERY_PLUS_FOR_SPACE, get(b"a=b+c&timestamp=1700000000000", b"a=b%20c&timestamp=1700000000000")),
    "sorted": (Mistake.QUERY_SORTED, get(b"&".join(sorted(PARAMETERS.split(b"&"))))),
    "question mark": (Mistake.QUERY_MARK, get(b"?" + PARAMETERS)),
    "path": (Mistake.PART_ADDED, get(b"/api/v3/order?" + PARAMETERS)),
    "as KuCoin": (Mistake.PART_ADDED, get(b"1700000000000GET/api/v3/order?" + PARAMETERS)),
    "timestamp added later": (Mistake.PART_LEFT_OUT, get(b"symbol=LTCBTC&side=BUY&recvWindow=5000")),
    "window added later": (Mistake.PART_LEFT_OUT, get(b"symbol=LTCBTC&side=BUY&timestamp=1700000000000")),
    "seconds signed": (Mistake.STAMP_SIGNED_IN_OTHER_UNIT, get(PARAMETERS[:-3])),
    "base64": (Mistake.SIGNATURE_BASE64, get(b"", signature=base64.b64encode(hmac.digest(S, PARAMETERS, "sha256")))),
    "body not signed": (Mistake.QUERY_NOT_SIGNED, post(b"")),
    "secret with a line end": (
        Mistake.SECRET_WHITE_SPACE,
        get(b"", signature=hmac.digest(S + b"\n", PARAMETERS, "sha256").hex().encode()),
    ),
    "no key": (Mistake.HEADER_MISSING, get(PARAMETERS, key=False)),
    "no signature": (
        Mistake.HEADER_MISSING,
        Request("GET", b"/api/v3/order?" + PARAMETERS, ((b"x-mbx-apikey", b"k"),), b"", None),
    ),
    "no timestamp": (Mistake.HEADER_MISSING, get(b"a=1", b"a=1")),
    "seconds": (Mistake.STAMP_IN_OTHER_UNIT, get(b"timestamp=1700000000", b"timestamp=1700000000")),
    "behind": (Mistake.CLOCK_OFF, get(b"timestamp=1699999995049", b"timestamp=1699999995049")),
    "ahead": (Mistake.CLOCK_OFF, get(b"timestamp=1700000001050", b"timestamp=1700000001050")),
    "not canonical": (
        Mistake.TARGET_NOT_CANONICAL,
        get(b"a=b|c&timestamp=1700000000000", b"a=b|c&timestamp=1700000000000"),
    ),
    "another secret": (Mistake.SECRET_OTHER, get(b"", signature=b"ab" * 32)),
}


@pytest.mark.parametrize("case", BINANCE)
def test_a_mistake_on_binance_s_wire_is_named(case: str) -> None:
    mistake, request = BINANCE[case]
    assert mistake in {cause.id for cause in told("binance", request).causes}


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/api/v3/account", b""),
        ("GET", "/api/v3/order?a=%C3%A9+b", b""),
        ("POST", "/api/v3/order", b"symbol=LTCBTC&side=BUY"),
    ],
)
def test_what_binance_s_dialect_signs_holds(method: str, target: str, body: bytes) -> None:
    sent = BinanceDialect.sign(method, target, body, key="k", secret=SECRET, now_ms=NOW)
    assert told("binance", received(sent)).holds


@pytest.mark.parametrize("stamp", [b"1700000000000", b"1700000000000123", b"1700000001049", b"1699999995050"])
def test_stamps_that_binance_takes_are_not_complained_of(stamp: bytes) -> None:
    request = get(b"timestamp=" + stamp, b"timestamp=" + stamp)
    assert told("binance", request).holds
    upper = Request(
        "GET",
        request.target.replace(sha256(b"timestamp=" + stamp), sha256(b"timestamp=" + stamp).upper()),
        request.headers,
        b"",
        None,
    )
    assert told("binance", upper).holds


# ── Bitfinex

PATH, BODY, NONCE = b"/v2/auth/w/order/submit", b'{"type":"LIMIT","symbol":"tBTCUSD"}', b"1700000000000000"


def sha384(text: bytes) -> bytes:
    return hmac.digest(S, text, "sha384").hex().encode()


def call(
    signed: bytes,
    *,
    nonce: bytes = NONCE,
    body: bytes = BODY,
    path: bytes = PATH,
    signature: bytes = b"",
    method: str = "POST",
) -> Request:
    headers = ((b"bfx-apikey", b"k"), (b"bfx-nonce", nonce), (b"bfx-signature", signature or sha384(signed)))
    return Request(method, path, headers, body, None)


RIGHT = b"/api" + PATH + NONCE + BODY
BITFINEX: Mapping[str, tuple[Mistake, Request]] = {
    "without /api": (Mistake.PATH_WITHOUT_PREFIX, call(PATH + NONCE + BODY)),
    "without a slash": (Mistake.PATH_SLASH, call(RIGHT[1:])),
    "query signed": (
        Mistake.QUERY_SIGNED_THOUGH_UNSIGNED,
        call(b"/api" + PATH + b"?a=1" + NONCE + BODY, path=PATH + b"?a=1"),
    ),
    "query sent": (Mistake.TARGET_NOT_CANONICAL, call(RIGHT, path=PATH + b"?a=1")),
    "milliseconds signed": (Mistake.STAMP_SIGNED_IN_OTHER_UNIT, call(b"/api" + PATH + NONCE[:13] + BODY)),
    "body with spaces": (
        Mistake.BODY_SERIALISED_AGAIN,
        call(b"/api" + PATH + NONCE + json.dumps(json.loads(BODY)).encode()),
    ),
    "braces signed, nothing sent": (Mistake.BODY_FOR_EMPTY, call(b"/api" + PATH + NONCE + b"{}", body=b"")),
    "nothing signed, braces sent": (Mistake.BODY_NOT_SIGNED, call(b"/api" + PATH + NONCE, body=b"{}")),
    "nonce first": (Mistake.ORDER_OTHER, call(NONCE + b"/api" + PATH + BODY)),
    "method": (Mistake.PART_ADDED, call(b"POST" + RIGHT)),
    "no nonce": (Mistake.PART_LEFT_OUT, call(b"/api" + PATH + BODY)),
    "SHA-256": (Mistake.HASH_OTHER, call(b"", signature=hmac.digest(S, RIGHT, "sha256").hex().encode())),
    "base64": (Mistake.SIGNATURE_BASE64, call(b"", signature=base64.b64encode(hmac.digest(S, RIGHT, "sha384")))),
    "capitals": (Mistake.SIGNATURE_UPPER_CASE, call(b"", signature=sha384(RIGHT).upper())),
    "nonce too large": (Mistake.NONCE_TOO_LARGE, call(b"/api" + PATH + b"9" * 19 + BODY, nonce=b"9" * 19)),
    "nonce no number": (Mistake.STAMP_MALFORMED, call(b"/api" + PATH + b"1.5" + BODY, nonce=b"1.5")),
    "nonce in milliseconds": (Mistake.NONCE_NOT_ABOVE_LAST, call(b"/api" + PATH + NONCE[:13] + BODY, nonce=NONCE[:13])),
    "another secret": (Mistake.SECRET_OTHER, call(b"", signature=b"ab" * 48)),
    "a GET": (Mistake.TARGET_NOT_CANONICAL, call(b"/api" + PATH + NONCE, body=b"", method="GET")),
}


@pytest.mark.parametrize("case", BITFINEX)
def test_a_mistake_on_bitfinex_s_wire_is_named(case: str) -> None:
    mistake, request = BITFINEX[case]
    assert mistake in {cause.id for cause in told("bitfinex", request).causes}


@pytest.mark.parametrize("body", [b"", BODY, b'{ "a" : [1] }'])
def test_what_bitfinex_s_dialect_signs_holds(body: bytes) -> None:
    sent = BitfinexDialect().sign("POST", PATH, body, key="k", secret=SECRET, now_ms=NOW)
    explanation = told("bitfinex", received(sent))
    assert (explanation.holds, explanation.skew_ms) == (True, -50)
