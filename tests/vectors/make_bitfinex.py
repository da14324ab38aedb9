"""Writes bitfinex.json, the vectors of Bitfinex's wire. Run it after a change here: `python tests/vectors/make_bitfinex.py`.

Rule 1: nothing of Keywright is imported. Payloads and MACs are made by the standard library alone, verdicts are stated by
hand; so the file can prove the product wrong, in any language.
Rule 2: all text stands for its UTF-8 bytes, except `body_base64`. `payload` is what the receiver takes the MAC of.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parent / "bitfinex.json"

KEY = "Kw7bitfinexVectorKey0123456789abcdefghijklm"
SECRET = "Kw7bitfinexVectorSecret0123456789abcdefghij"
NONCE = "1700000000000000"
PUBLISHED_SECRET = "mheO6dR8ovSsxZQCOYEFCtelpuxcWGTfHw7te326y6jOwq5WpvFQ9JNljoTwBXZGv5It07m9RXSPpDQEK2w"  # a test's, of JKorf/Bitfinex.Net
PUBLISHED_SIGNATURE = "b27b3f276d8d08dc5783c4d848f94605f98c62b7ec76db2acd48d337a479efb65b8002a0aa10999650622e66d6c631de"

WALLETS = "/v2/auth/r/wallets"
SUBMIT = "/v2/auth/w/order/submit"
ORDER = '{"type":"EXCHANGE LIMIT","symbol":"tBTCUSD","amount":"0.001","price":"50000"}'


def mac(secret: str, message: bytes) -> str:
    return hmac.new(secret.encode(), message, hashlib.sha384).hexdigest()


@dataclass(frozen=True, slots=True)
class Case:
    """One request and what becomes of it. What is not given is as an honest client would have it."""

    id: str
    verdict: str = "allowed"
    method: str = "POST"
    target: str = WALLETS
    body: str | bytes = "{}"
    nonce: str = NONCE
    last_nonce: int = 0
    signed: str | None = None
    """Another payload than that of what is sent."""
    headers: dict[str, str | None] = field(default_factory=dict)
    """Instead of the honest ones; `None` leaves one out."""
    twice: str = ""
    """A header sent a second time with the same value."""


# Found while reading, so no payload exists. Every other verdict is found later.
AT_READ = {
    *("method_not_allowed", "target_not_canonical", "body_malformed", "malformed", "header_missing"),
    *("header_repeated", "nonce_malformed"),
}

CASES = (
    # Honest requests, one shape each.
    Case("read-with-braces"),
    Case("read-without-body", body=""),
    Case("order", target=SUBMIT, body=ORDER),
    Case("order-with-spaces", target=SUBMIT, body='{"type": "EXCHANGE LIMIT", "symbol": "tBTCUSD"}\n'),
    Case("order-in-unicode", target=SUBMIT, body='{"meta":{"note":"hé ✓ 😀"}}'),
    Case("array", target="/v2/auth/w/x", body="[[],{}]"),
    Case("symbol-in-path", target="/v2/auth/r/orders/tBTCUSD"),
    Case("symbol-and-id-in-path", target="/v2/auth/r/order/tBTCUSD:123/trades"),
    Case("price-in-path", target="/v2/auth/w/alert/price:tBTCUSD:600.5/del"),
    Case("trailing-colon", target="/v2/auth/w/position/increase:"),
    Case("derivative-in-path", target="/v2/auth/r/orders/tBTCF0:USTF0"),
    Case("derivative-in-path-with-milliseconds", target="/v2/auth/r/orders/tBTCF0:USTF0", nonce="1700000000000"),
    Case("digit-at-the-end-with-microseconds", target="/v2/auth/r/orders/12"),
    Case("nonce-1", nonce="1"),
    Case("nonce-in-milliseconds", nonce="1700000000000"),
    Case("nonce-at-the-highest-taken", nonce=str(2**52)),
    Case("nonce-one-above", last_nonce=int(NONCE) - 1),
    Case("underscores-beside", headers={"bfx_apikey": "another"}),
    # The nonce.
    Case("nonce-used", "nonce_not_increasing", last_nonce=int(NONCE)),
    Case("nonce-one-below", "nonce_not_increasing", last_nonce=int(NONCE) + 1),
    Case("milliseconds-after-microseconds", "nonce_not_increasing", nonce="1700000000000", last_nonce=int(NONCE)),
    Case("nonce-that-would-strand-the-key", "nonce_malformed_late", nonce=str(2**52 + 1)),
    Case("nonce-at-the-maximum", "nonce_malformed_late", nonce=str(2**53 - 1)),
    Case("nonce-above-the-maximum", "nonce_malformed", nonce=str(2**53)),
    Case("nonce-in-nanoseconds", "nonce_malformed", nonce="1700000000000000000"),
    Case("nonce-0", "nonce_malformed", nonce="0"),
    Case("nonce-with-leading-zero", "nonce_malformed", nonce="01700000000000"),
    Case("nonce-with-sign", "nonce_malformed", nonce="+1700000000000"),
    Case("nonce-with-point", "nonce_malformed", nonce="1700000000.5"),
    Case("nonce-in-hex", "nonce_malformed", nonce="0x60a24181e4000"),
    Case("nonce-with-exponent", "nonce_malformed", nonce="17e14"),
    Case("nonce-with-space", "nonce_malformed", nonce=" 1700000000000"),
    Case("nonce-empty", "nonce_malformed", nonce=""),
    Case("nonce-in-full-width-digits", "nonce_malformed", nonce="１７００００００００００００"),
    Case("nonce-of-5000-digits", "nonce_malformed", nonce="1" * 5000),
    # The seam between path and nonce.
    Case("digit-at-the-end-with-milliseconds", "nonce_malformed", target="/v2/auth/r/x12", nonce="1700000000000"),
    Case(
        "digit-moved-into-the-nonce",
        "nonce_malformed",
        target="/v2/auth/r/x",
        nonce="11700000000000000",
        signed="/api/v2/auth/r/x11700000000000000{}",
    ),
    Case(
        "digit-moved-into-the-path",
        "nonce_malformed",
        target="/v2/auth/r/x1",
        nonce="700000000000000",
        signed="/api/v2/auth/r/x1700000000000000{}",
    ),
    Case(
        "zero-moved-into-the-nonce",
        "nonce_malformed",
        target="/v2/auth/r/orders/tBTCF0:USTF",
        nonce="01700000000000",
        signed="/api/v2/auth/r/orders/tBTCF0:USTF01700000000000{}",
    ),
    # One thing signed, another sent.
    Case("other-path", "signature_mismatch", target="/v2/auth/w/withdraw", signed=f"/api{WALLETS}{NONCE}{{}}"),
    Case("other-case-of-path", "signature_mismatch", target="/v2/auth/r/Wallets", signed=f"/api{WALLETS}{NONCE}{{}}"),
    Case("trailing-slash-added", "signature_mismatch", target=WALLETS + "/", signed=f"/api{WALLETS}{NONCE}{{}}"),
    Case("path-without-api-signed", "signature_mismatch", signed=f"{WALLETS}{NONCE}{{}}"),
    Case("other-nonce", "signature_mismatch", signed=f"/api{WALLETS}1700000000000001{{}}"),
    Case("other-body", "signature_mismatch", body='{"a":10}', signed=f'/api{WALLETS}{NONCE}{{"a":1}}'),
    Case("body-for-no-body", "signature_mismatch", signed=f"/api{WALLETS}{NONCE}"),
    Case("no-body-for-body", "signature_mismatch", body="", signed=f"/api{WALLETS}{NONCE}{{}}"),
    Case("white-space-added-to-body", "signature_mismatch", body="{} ", signed=f"/api{WALLETS}{NONCE}{{}}"),
    Case("signed-for-the-websocket", "signature_mismatch", signed=f"AUTH{NONCE}"),
    Case("signature-in-capitals", "signature_mismatch", headers={"bfx-signature": "CAPITALS"}),
    Case("signature-in-base64", "signature_mismatch", headers={"bfx-signature": "BASE64"}),
    Case("signature-of-sha-256", "signature_mismatch", headers={"bfx-signature": "SHA-256"}),
    Case("signature-cut", "signature_mismatch", headers={"bfx-signature": "CUT"}),
    Case("signature-empty", "signature_mismatch", headers={"bfx-signature": ""}),
    # What can't be read in one way only.
    Case("get", "method_not_allowed", method="GET", body=""),
    Case("method-in-lower-case", "method_not_allowed", method="post"),
    Case("delete", "method_not_allowed", method="DELETE"),
    Case("query", "target_not_canonical", target=WALLETS + "?limit=1", signed=f"/api{WALLETS}{NONCE}{{}}"),
    Case("empty-query", "target_not_canonical", target=WALLETS + "?", signed=f"/api{WALLETS}{NONCE}{{}}"),
    Case("fragment", "target_not_canonical", target=WALLETS + "#a"),
    Case("brace-in-path", "target_not_canonical", target=WALLETS + "{}", body=""),
    Case("encoded-colon", "target_not_canonical", target="/v2/auth/r/orders/tBTCF0%3AUSTF0"),
    Case("double-slash", "target_not_canonical", target="/v2/auth//r/wallets"),
    Case("dot-dot-segment", "target_not_canonical", target="/v2/auth/r/../w/withdraw"),
    Case("absolute-form", "target_not_canonical", target="https://api.bitfinex.com/v2/auth/r/wallets"),
    Case("with-api-as-signed", "target_not_canonical", target="/api/v2/auth/r/wallets"),
    Case("public-path", "target_not_canonical", target="/v2/calc/fx"),
    Case("version-1", "target_not_canonical", target="/v1/account_infos"),
    Case("full-width-digit-in-path", "target_not_canonical", target="/v2/auth/r/orders/１"),
    Case("body-of-digits", "body_malformed", body="12", signed=f"/api{WALLETS}{NONCE}12"),
    Case("body-null", "body_malformed", body="null"),
    Case("body-after-space", "body_malformed", body=" {}"),
    Case("body-with-bom", "body_malformed", body="\ufeff{}"),
    Case("body-in-utf-16", "body_malformed", body="{}".encode("utf-16-le")),
    Case("body-duplicate-name", "body_malformed", body='{"amount":"1","amount":"1000"}'),
    Case("body-nan", "body_malformed", body='{"amount":NaN}'),
    Case("body-half-pair", "body_malformed", body='{"a":"\\ud800"}'),
    Case("body-too-deep", "body_malformed", body="[" * 33 + "]" * 33),
    # What is claimed.
    Case("key-missing", "header_missing", headers={"bfx-apikey": None}),
    Case("nonce-missing", "header_missing", headers={"bfx-nonce": None}),
    Case("signature-missing", "header_missing", headers={"bfx-signature": None}),
    Case("key-with-underscore", "header_missing", headers={"bfx-apikey": None, "bfx_apikey": KEY}),
    Case("key-twice", "header_repeated", twice="bfx-apikey"),
    Case("nonce-twice", "header_repeated", twice="bfx-nonce"),
    Case("signature-twice", "header_repeated", twice="bfx-signature"),
    Case("token", "malformed", headers={"bfx-token": "pub:api:x"}),
)


def respelled(signature: str, message: bytes, how: str) -> str:
    """Return what a lenient decoder, or a careless one, would take for the MAC."""
    return {
        "CAPITALS": signature.upper(),
        "BASE64": base64.b64encode(bytes.fromhex(signature)).decode(),
        "SHA-256": hmac.new(SECRET.encode(), message, hashlib.sha256).hexdigest(),
        "CUT": signature[:-1],
    }.get(how, how)


def written(case: Case) -> dict[str, Any]:
    """Return the vector of a case."""
    body = case.body.encode() if isinstance(case.body, str) else case.body
    sent = f"/api{case.target}{case.nonce}".encode() + body
    message = sent if case.signed is None else case.signed.encode()
    signature = mac(SECRET, message)
    headers: dict[str, str | None] = {"bfx-apikey": KEY, "bfx-nonce": case.nonce, "bfx-signature": signature}
    headers |= case.headers
    if case.headers.get("bfx-signature") is not None:
        headers["bfx-signature"] = respelled(signature, message, str(case.headers["bfx-signature"]))
    named = [[name, value] for name, value in headers.items() if value is not None]
    if case.twice:
        named += [pair for pair in named if pair[0] == case.twice]
    request: dict[str, Any] = {"method": case.method, "target": case.target, "headers": named}
    if isinstance(case.body, str):
        request["body"] = case.body
    else:
        request["body_base64"] = base64.b64encode(case.body).decode()
    late = case.verdict == "nonce_malformed_late"  # by `nonce_above`: the payload is there, and its signature holds
    return {
        "id": case.id,
        "source": "derived",
        "secret": SECRET,
        "last_nonce": case.last_nonce,
        "request": request,
        "payload": None if case.verdict in AT_READ else sent.decode(),
        "signed_base64": base64.b64encode(message).decode(),
        "signature": signature,
        "verdict": "nonce_malformed" if late else case.verdict,
    }


def published() -> Iterator[dict[str, Any]]:
    """Yield the one vector anyone has published, its signature as printed there."""
    body = '{"type":"LIMIT","symbol":"tBTCUSD","price":15,"amount":"0.1"}'
    payload = f"/api{SUBMIT}1696751141337{body}"
    yield {
        "id": "published-jkorf",
        "source": "published: JKorf/Bitfinex.Net, BitfinexClientTests.cs (a third party; Bitfinex printed none)",
        "secret": PUBLISHED_SECRET,
        "last_nonce": 0,
        "request": {
            "method": "POST",
            "target": SUBMIT,
            "headers": [["bfx-apikey", KEY], ["bfx-nonce", "1696751141337"], ["bfx-signature", PUBLISHED_SIGNATURE]],
            "body": body,
        },
        "payload": payload,
        "signed_base64": base64.b64encode(payload.encode()).decode(),
        "signature": PUBLISHED_SIGNATURE,
        "verdict": "allowed",
    }


def text() -> str:
    """Return the file's whole content."""
    vectors = {
        "note": "Text stands for its UTF-8 bytes. signature = hex(HMAC-SHA384(secret, signed)). payload: what the receiver "
        "takes the MAC of, null where the request can't be read. verdict: 'allowed', or the reason of the first check that "
        "fails, the nonce's against last_nonce and the highest taken (2^52) being the last.",
        "requests": [*published(), *map(written, CASES)],
    }
    return json.dumps(vectors, ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(text(), encoding="utf-8")
