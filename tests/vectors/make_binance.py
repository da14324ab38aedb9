"""Writes binance.json, the vectors of Binance's wire. Run it after a change here: `python tests/vectors/make_binance.py`.

Rule 1: nothing of Keywright is imported. MACs are made by the standard library, Ed25519 and RSA signatures by
`cryptography`, payloads and verdicts are stated by hand; so the file can prove the product wrong, in any language.
Rule 2: all text stands for its UTF-8 bytes, except `body_base64`. All three kinds of signature are deterministic. The
keys are for vectors only and open nothing.
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
from urllib.parse import quote

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

HERE = Path(__file__).parent
VECTORS = HERE / "binance.json"

# Published by Binance in its documentation.
KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"

ED25519_SEED = hashlib.sha256(b"a seed for vectors only").digest()
RSA_PEM = """-----BEGIN PRIVATE KEY-----
MIIEvwIBADANBgkqhkiG9w0BAQEFAASCBKkwggSlAgEAAoIBAQC67Cv5X/Gu9D3z
xANIrtkhNt9k0qKWtIQ/YDsEHFlPGiH0LThnW+vrSWpGVtbgqqptlUWbCyMxQ5es
VVYI/Wgck8gJ+WwzbxWI1OkUF0miRjusW+OXfM0FDsJe7Y6qotfo9Gtwi446QNY2
O9QDrMZDx/zSgVSOlmpshAig96I8rB4L4uKw7PBZmGuin1CaOGGreWHarB0UoQdz
9tGpjIX/rgZEP+Pjlt4gebGNeFKIHNAmmnonaIU/ynKa7id/s6F9bAGtel32zE0L
3Av2uipdBq1M/3uGn0mQX5BfnnEeiKU9uZ2cyvhmXAuBiES2qYpZn308sfRZaiIG
D2qHEQBbAgMBAAECggEAN4DRPecjWJPloXBemUJx7s7gXou9A4ruifMFEx9n1Xkp
A9w5l1dQIjlWeTRn8aY7nPZqCLOx63rqmp1sQpccRwAKsguB+XPOrSarXu/bSXgZ
WACg/+Zq6kmLpaxcZIaeHeoVzQFjZiDCerAhMEYpSQ8lH0yP0xcO2tIJzeI6JlFj
OhlKTEJr8ass1qMkzgLZh1LTO2aMhjbzN8qPz1JTdWkZjH5nXUMurEV/MJQW71LE
zRnmJYdTpK9p7SCUGG/GszU+bIxZIcpO0AUzmLCKSpt2hOpAtde2vKg5IjPYR6g8
WOc/mLoMWBeaflxhjGTE6ECOKnkcpaxsZrUv431m4QKBgQDlq7/5C86pn6TP+lZG
w7pwrCAF2NJgRbJEph9dd41NtP48uKEVxhphsGLQCfyI34xnBxlb2VR2qyvkgyFm
ihS3+qecPucYkrJqB0+z3PvnZPFjbb6VYF0GwET3pspU0hPGTEZsbElqq/aOecOM
SRa3/f9/AAJOp/zxDvr14GFKfwKBgQDQWd4h0tYT8jb7dLeaG9nFSyvBlrD1Gj1o
/zqmNn6GitLznvxC8AqCp38urlOKDDSV9Slo0tI2hQDecBCDYTtdcp0DsQ0r14F9
N/VhVkFacvtv2/saPiSgvG/5/GF4SUrhI2Rzplrc/9tFszjAGbfZgDrS/t3BLVWX
Ahv/uAjEJQKBgQCpTL/In/GJjEr7nLe4llN69wbsCHabzQSqIiMAzT32SDMZI6hq
2otb86ADZzkm1FM1J0CEOmJOz8MdQaR/Z836COVBAgVsUcb+7cDM/1sZqYlfF+jj
SBOLBHRScjq359v30wYeqnw8C+NGB3Akm0QKAUwznBgXTzHfqIFKekp9lQKBgQCZ
qd4hlg0bsuWIOYH8IBRR5WoFIi2q58po+Ox5j/FrK1IAKb6lY8JssDol5J5qTywt
eR4sWGh/m0KTy5TyQLD278QL5/Xt4sh24OGSA3q5ydnVmymsJi7/eVsgxVnhzDR0
rZS1kviqy+0dj9wIGi+1M1SvLxfAFL5uXDjoNgQJHQKBgQC9HlFshb4FJubDqWs/
RvyrKXPyGVhIHY1T0blm4x4hzbBc/EFlIn9z/E41bJQi5a76DZvi84HmRpKO7Nky
tfhZv44G9ggIb/VaUHa/DYQNvg55Eu6fyz+6gpq4T9rwLqvV2zcK3ReVtheKOqmj
hQpo9wMPJELJVz334xoP/JYFdQ==
-----END PRIVATE KEY-----
"""

STAMP = "timestamp=1700000000000"
ORDER = f"symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&{STAMP}"
FORM = "application/x-www-form-urlencoded"


def keys() -> dict[str, dict[str, str]]:
    """Return the key pairs of the vectors, in PEM."""
    pairs: dict[str, Ed25519PrivateKey | RSAPrivateKey] = {
        "ed25519": Ed25519PrivateKey.from_private_bytes(ED25519_SEED)
    }
    rsa = load_pem_private_key(RSA_PEM.encode(), None)
    assert isinstance(rsa, RSAPrivateKey)
    pairs["rsa"] = rsa
    return {
        kind: {
            "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
            "public_key": key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        }
        for kind, key in pairs.items()
    }


def sign(kind: str, payload: bytes) -> str:
    """Return a signature in its one spelling: hex in lower case, or base64."""
    if kind == "hmac":
        return hmac.new(SECRET.encode(), payload, hashlib.sha256).hexdigest()
    if kind == "ed25519":
        return base64.b64encode(Ed25519PrivateKey.from_private_bytes(ED25519_SEED).sign(payload)).decode()
    rsa = load_pem_private_key(RSA_PEM.encode(), None)
    assert isinstance(rsa, RSAPrivateKey)
    return base64.b64encode(rsa.sign(payload, PKCS1v15(), SHA256())).decode()


@dataclass(frozen=True, slots=True)
class Case:
    """One request and what becomes of it. What is not given is as an honest client would have it."""

    id: str
    verdict: str = "allowed"
    method: str = "POST"
    path: str = "/api/v3/order"
    payload: str = ORDER
    """The parameters as sent, without the signature."""
    in_query: bool = False
    kind: str = "hmac"
    signed: str | None = None
    """What was signed in the payload's place."""
    spelled: str = ""
    """How the signature is written, instead of as it should be: upper, mixed, raw, padless, empty."""
    query: str | None = None
    body: str | bytes | None = None
    """Query and body as they stand, where neither is the payload and its signature."""
    headers: dict[str, str | None] = field(default_factory=dict)
    twice: str = ""


GET: dict[str, Any] = {"method": "GET", "path": "/api/v3/openOrders", "in_query": True}

# Found by comparing; every other refusal is found while reading, so that no payload exists.
COMPARED = {"allowed", "signature_mismatch"}

CASES = (
    # Honest requests, one shape each.
    Case("post-form"),
    Case("post-in-query", in_query=True),
    Case("get", payload=f"symbol=BTCUSDT&{STAMP}", **GET),
    Case("get-timestamp-alone", payload=STAMP, **GET),
    Case("put", method="PUT", path="/api/v3/order/amend/keepPriority", payload=f"symbol=A&newQty=1&orderId=2&{STAMP}"),
    Case("delete-in-query", method="DELETE", payload=f"symbol=A&orderId=1&{STAMP}", in_query=True),
    Case("delete-form", method="DELETE", payload=f"symbol=A&orderId=1&{STAMP}"),
    Case(
        "sapi", path="/sapi/v1/capital/withdraw/apply", payload=f"coin=BTC&address=bc1q&amount=0.1&name=a%20b&{STAMP}"
    ),
    Case("timestamp-in-microseconds", payload="timestamp=1700000000000123", **GET),
    Case("recv-window-with-decimals", payload=f"recvWindow=6000.346&{STAMP}", **GET),
    Case("recv-window-greatest", payload=f"recvWindow=60000&{STAMP}", **GET),
    Case("recv-window-nothing", payload=f"recvWindow=0&{STAMP}", **GET),
    Case("empty-value", payload=f"name=&{STAMP}", **GET),
    Case("space-as-plus", payload=f"name=a+b&{STAMP}", **GET),
    Case("space-as-percent-20", payload=f"name=a%20b&{STAMP}", **GET),
    Case("non-ascii", payload=f"symbol=%EF%BC%91%E8%BF%99&{STAMP}", **GET),
    Case("lower-case-escapes", payload=f"symbol=%e8%bf%99&{STAMP}", **GET),
    Case("json-in-a-value", payload=f"symbols=%5B%22BTCUSDT%22%2C%22A%22%5D&{STAMP}", **GET),
    Case("every-plain-byte", payload=f"a=-._~!$'()*,:@/&{STAMP}", **GET),
    Case("every-reserved-byte", payload=f"a=%26%3D%3F%23%5B%5D%7B%7D%22%25%2B%3B&{STAMP}", **GET),
    Case("a-list", path="/sapi/v1/asset/dust", payload=f"asset=BTC&asset=USDT&{STAMP}"),
    Case("hmac-in-upper-case", spelled="upper"),
    Case("hmac-in-mixed-case", spelled="mixed"),
    Case("media-type-with-charset", headers={"Content-Type": FORM + "; charset=UTF-8"}),
    Case("ed25519-form", kind="ed25519"),
    Case("ed25519-get", kind="ed25519", payload=f"symbol=BTCUSDT&{STAMP}", **GET),
    Case("rsa-form", kind="rsa"),
    Case("rsa-get", kind="rsa", payload=f"symbol=BTCUSDT&{STAMP}", **GET),
    # One thing signed, another sent.
    Case("other-value", "signature_mismatch", signed=ORDER.replace("quantity=1", "quantity=2")),
    Case("pairs-swapped", "signature_mismatch", payload=f"b=2&a=1&{STAMP}", signed=f"a=1&b=2&{STAMP}", **GET),
    Case("signed-before-encoding", "signature_mismatch", payload=f"n=a%20b&{STAMP}", signed=f"n=a b&{STAMP}", **GET),
    Case("plus-for-percent-20", "signature_mismatch", payload=f"n=a+b&{STAMP}", signed=f"n=a%20b&{STAMP}", **GET),
    Case("escape-in-the-other-case", "signature_mismatch", payload=f"n=%2b&{STAMP}", signed=f"n=%2B&{STAMP}", **GET),
    Case("parameter-added", "signature_mismatch", payload=f"a=1&{STAMP}", signed=STAMP, **GET),
    Case("recv-window-added", "signature_mismatch", payload=f"{STAMP}&recvWindow=60000", signed=STAMP, **GET),
    Case("question-mark-signed", "signature_mismatch", payload=STAMP, signed=f"?{STAMP}", **GET),
    Case("path-signed", "signature_mismatch", payload=STAMP, signed=f"/api/v3/openOrders?{STAMP}", **GET),
    Case("ed25519-other-value", "signature_mismatch", kind="ed25519", signed=f"a=1&{STAMP}"),
    Case("rsa-other-value", "signature_mismatch", kind="rsa", signed=f"a=1&{STAMP}"),
    Case("ed25519-not-encoded", "body_malformed", kind="ed25519", spelled="raw"),
    Case("rsa-without-padding", "signature_mismatch", kind="rsa", spelled="padless"),
    Case("ed25519-without-padding", "signature_mismatch", kind="ed25519", spelled="padless"),
    Case("signature-empty", "signature_mismatch", spelled="empty"),
    # What can't be read in one way only.
    Case("signature-first", "target_not_canonical", query=f"signature=SIGNATURE&{STAMP}", payload=STAMP, **GET),
    Case("signature-in-the-middle", "body_malformed", body=f"a=1&signature=SIGNATURE&{STAMP}"),
    Case("two-signatures", "body_malformed", body=f"{ORDER}&signature=SIGNATURE&signature=SIGNATURE"),
    Case("signature-name-encoded", "body_malformed", body=f"{ORDER}&%73ignature=x&signature=SIGNATURE"),
    Case("signature-name-in-another-case", "body_malformed", body=f"{ORDER}&Signature=x&signature=SIGNATURE"),
    Case("name-twice", "body_malformed", payload=f"quantity=1&quantity=2&{STAMP}"),
    Case("name-twice-in-another-case", "body_malformed", payload=f"symbol=A&SYMBOL=B&{STAMP}"),
    Case("timestamp-twice", "target_not_canonical", payload=f"{STAMP}&{STAMP}", **GET),
    Case("a-list-elsewhere", "body_malformed", payload=f"asset=BTC&asset=USDT&{STAMP}"),
    Case("name-encoded", "target_not_canonical", payload=f"s%79mbol=A&{STAMP}", **GET),
    Case("letter-encoded", "target_not_canonical", payload=f"symbol=%41&{STAMP}", **GET),
    Case("no-equals", "target_not_canonical", payload=f"symbol&{STAMP}", **GET),
    Case("two-equals", "target_not_canonical", payload=f"a=1=2&{STAMP}", **GET),
    Case("no-name", "target_not_canonical", payload=f"=1&{STAMP}", **GET),
    Case("ampersand-first", "target_not_canonical", payload=f"&{STAMP}", **GET),
    Case("ampersand-twice", "target_not_canonical", payload=f"a=1&&{STAMP}", **GET),
    Case("semicolon", "target_not_canonical", payload=f"a=1;b=2&{STAMP}", **GET),
    Case("space", "body_malformed", payload=f"name=a b&{STAMP}"),
    Case("raw-non-ascii", "body_malformed", payload=f"name=é&{STAMP}"),
    Case("raw-json", "body_malformed", payload=f'batchOrders=[{{"symbol":"A"}}]&{STAMP}'),
    Case("bad-escape", "target_not_canonical", payload=f"a=%zz&{STAMP}", **GET),
    Case("cut-escape", "target_not_canonical", payload=f"a=%4&{STAMP}", **GET),
    Case("encoded-nul", "target_not_canonical", payload=f"a=%00&{STAMP}", **GET),
    Case("encoded-line-end", "target_not_canonical", payload=f"a=%0D%0Ab&{STAMP}", **GET),
    Case("overlong-utf-8", "target_not_canonical", payload=f"a=%C0%AF&{STAMP}", **GET),
    Case("surrogate", "target_not_canonical", payload=f"a=%ED%A0%80&{STAMP}", **GET),
    Case("mixed", "body_not_allowed", query="symbol=LTCBTC", body=f"quantity=1&{STAMP}&signature=SIGNATURE"),
    Case("mixed-signature-apart", "body_not_allowed", query="signature=SIGNATURE", body=ORDER),
    Case("boundary-shifted", "body_not_allowed", query="a=1b", body=f"=2&{STAMP}&signature=SIGNATURE"),
    Case("get-with-body", "body_not_allowed", method="GET", path="/api/v3/openOrders", payload=STAMP),
    Case("bare-question-mark", "target_not_canonical", query="", body=f"{ORDER}&signature=SIGNATURE"),
    Case("json-body", "body_malformed", body='{"symbol":"A"}'),
    Case("body-not-utf-8", "body_malformed", body=b"\xff"),
    Case("media-type-json", "body_malformed", headers={"Content-Type": "application/json"}),
    Case("media-type-missing", "body_malformed", headers={"Content-Type": None}),
    Case("encoded-slash-in-path", "target_not_canonical", path="/api%2Fv3/order"),
    Case("double-slash", "target_not_canonical", path="/api//v3/order"),
    Case("dot-dot-segment", "target_not_canonical", path="/api/v3/x/../order"),
    Case("head", "method_not_allowed", **{**GET, "method": "HEAD", "payload": STAMP}),
    Case("method-in-lower-case", "method_not_allowed", method="post"),
    # What is claimed.
    Case("key-missing", "header_missing", headers={"X-MBX-APIKEY": None}),
    Case("key-with-underscores", "header_missing", headers={"X-MBX-APIKEY": None, "X_MBX_APIKEY": KEY}),
    Case("key-twice", "header_repeated", twice="X-MBX-APIKEY"),
    Case("signature-missing", "header_missing", body=ORDER),
    Case("timestamp-missing", "header_missing", payload="symbol=A", **GET),
    Case("timestamp-in-another-case", "header_missing", payload="Timestamp=1700000000000", **GET),
    Case("timestamp-in-seconds", "timestamp_malformed", payload="timestamp=1700000000", **GET),
    Case("timestamp-empty", "timestamp_malformed", payload="timestamp=", **GET),
    Case("timestamp-with-sign", "timestamp_malformed", payload="timestamp=+1700000000000", **GET),
    Case("timestamp-in-full-width", "timestamp_malformed", payload="timestamp=" + "%EF%BC%91" * 13, **GET),
    Case("recv-window-too-great", "timestamp_malformed", payload=f"recvWindow=60000.001&{STAMP}", **GET),
    Case("recv-window-four-decimals", "timestamp_malformed", payload=f"recvWindow=5000.0001&{STAMP}", **GET),
    Case("recv-window-nan", "timestamp_malformed", payload=f"recvWindow=NaN&{STAMP}", **GET),
    Case("recv-window-with-exponent", "timestamp_malformed", payload=f"recvWindow=5e3&{STAMP}", **GET),
)


def as_sent(kind: str, signature: str, spelled: str) -> str:
    """Return a signature as the request has it."""
    if spelled == "empty":
        return ""
    if kind == "hmac":
        mixed = "".join(c.upper() if n % 2 else c for n, c in enumerate(signature))
        return {"": signature, "upper": signature.upper(), "mixed": mixed}[spelled]
    plain = signature.rstrip("=") if spelled == "padless" else signature
    return plain if spelled == "raw" else quote(plain, safe="")


def written(case: Case) -> dict[str, Any]:
    """Return the case as it stands in the file."""
    signed = case.payload if case.signed is None else case.signed
    signature = sign(case.kind, signed.encode())
    sent = as_sent(case.kind, signature, case.spelled)
    query, body = case.query, case.body
    if query is None and body is None:
        text = f"{case.payload}&signature={sent}"
        query, body = (text, None) if case.in_query else (None, text)
    target = case.path if query is None else f"{case.path}?{query.replace('SIGNATURE', sent)}"
    headers: dict[str, str | None] = {"X-MBX-APIKEY": KEY, "Content-Type": FORM if body else None} | case.headers
    listed = [[name, value] for name, value in headers.items() if value is not None]
    listed += [pair for pair in listed if pair[0] == case.twice]
    request: dict[str, Any] = {"method": case.method, "target": target, "headers": listed}
    if isinstance(body, bytes):
        request["body_base64"] = base64.b64encode(body).decode()
    else:
        request["body"] = (body or "").replace("SIGNATURE", sent)
    return {
        "id": case.id,
        "source": "derived",
        "kind": case.kind,
        "request": request,
        "signed": signed,
        "payload": case.payload if case.verdict in COMPARED else None,
        "signature": signature,
        "verdict": case.verdict,
    }


NON_ASCII = "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC"
PUBLISHED = (
    (
        "published-rest-hmac",
        "rest-api.md, SIGNED endpoint example for POST /api/v3/order",
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
        "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
    ),
    (
        "published-rest-hmac-non-ascii",
        "rest-api.md, the same with a symbol that is percent-encoded before it is signed",
        f"{NON_ASCII}&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
        "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
    ),
    (
        "published-signature-examples",
        "binance/binance-signature-examples README.md",
        "timestamp=1578963600000",
        "d84e6641b1e328e7b418fff030caed655c266299c9355e36ce801ed14631eed4",
    ),
)
# Example 3 of rest-api.md: signed as one text, so refused here. See docs/divergences/binance.md.
MIXED_QUERY = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC"
MIXED_BODY = "quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
MIXED_SIGNATURE = "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77"

# Published for the WebSocket API, which signs sorted parameters and, unlike REST, does not encode them: the MAC alone.
WS = f"apiKey={KEY}&price=%s&quantity=%s&recvWindow=%s&side=%s&symbol=%s&timeInForce=GTC&timestamp=1645423376532&type=LIMIT"
MACS = [
    {
        "id": "published-ws-hmac",
        "source": "published: web-socket-api.md",
        "message": WS % ("52000.00", "0.01000000", "100", "SELL", "BTCUSDT"),
        "mac": "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24",
    },
    {
        "id": "published-ws-hmac-non-ascii",
        "source": "published: web-socket-api.md",
        "message": WS % ("0.10000000", "1.00000000", "5000", "BUY", "１２３４５６"),
        "mac": "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd",
    },
]


def published() -> Iterator[dict[str, Any]]:
    """Yield what Binance published, signatures as printed there."""
    headers = [["X-MBX-APIKEY", KEY], ["Content-Type", FORM]]
    for name, source, payload, signature in PUBLISHED:
        body = f"{payload}&signature={signature}"
        yield {
            "id": name,
            "source": f"published: {source}",
            "kind": "hmac",
            "request": {"method": "POST", "target": "/api/v3/order", "headers": headers, "body": body},
            "signed": payload,
            "payload": payload,
            "signature": signature,
            "verdict": "allowed",
        }
    yield {
        "id": "published-rest-hmac-mixed",
        "source": "published: rest-api.md, Example 3: mixed query string and request body",
        "kind": "hmac",
        "request": {
            "method": "POST",
            "target": f"/api/v3/order?{MIXED_QUERY}",
            "headers": headers,
            "body": f"{MIXED_BODY}&signature={MIXED_SIGNATURE}",
        },
        "signed": MIXED_QUERY + MIXED_BODY,
        "payload": None,
        "signature": MIXED_SIGNATURE,
        "verdict": "body_not_allowed",
    }


def text() -> str:
    """Return the file."""
    vectors = {
        "note": "Binance REST: a signature is over the parameters as sent, without itself; method, path and headers are not signed.",
        "api_key": KEY,
        "secret": SECRET,
        "keys": keys(),
        "macs": MACS,
        "requests": [*published(), *map(written, CASES)],
    }
    return json.dumps(vectors, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    VECTORS.write_text(text(), encoding="utf-8")
