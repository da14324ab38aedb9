"""`from keywright import sign, Signer, verify`: one way for three exchanges, one family of errors, nothing shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

import keywright
from keywright import Invalid, KeywrightError, Reason, Refused, Secret, SignedRequest, Signer, sign, verify
from keywright.protocol.kucoin import KucoinDialect
from tests.vectors import make_kucoin
from tests.vectors.make_kucoin import PASSPHRASE

NOW = 1_700_000_000_000
CREDENTIALS: dict[str, dict[str, Any]] = {
    "kucoin": {"secret": "a secret canary", "passphrase": "a passphrase canary"},
    "binance": {"secret": "a secret canary"},
    "bitfinex": {"secret": "a secret canary"},
}
PROOFS: dict[str, dict[str, Any]] = {
    "kucoin": {**CREDENTIALS["kucoin"]},
    "binance": {**CREDENTIALS["binance"]},
    "bitfinex": {**CREDENTIALS["bitfinex"], "last_nonce": 0},
}
REQUESTS: dict[str, list[tuple[str, str, bytes]]] = {
    "kucoin": [("GET", "/api/v1/accounts?currency=BTC", b""), ("POST", "/api/v1/orders", b'{"size":"1"}')],
    "binance": [("GET", "/api/v3/account?omitZeroBalances=true", b""), ("POST", "/api/v3/order", b"symbol=LTCBTC")],
    "bitfinex": [("POST", "/v2/auth/r/wallets", b"{}"), ("POST", "/v2/auth/w/order/submit", b'{"amount":"1"}')],
}
EXCHANGES = list(REQUESTS)
CASES = [(exchange, *request) for exchange in EXCHANGES for request in REQUESTS[exchange]]


def made(exchange: str, method: str, target: str, body: bytes = b"", **other: Any) -> SignedRequest:
    return sign(
        exchange, method, target, body=body, **{"key": "key-1", "now_ms": NOW, **CREDENTIALS[exchange], **other}
    )


def proved(exchange: str, sent: SignedRequest, **other: Any) -> keywright.Proved:
    terms = {"now_ms": NOW, **PROOFS[exchange], **other}
    return verify(exchange, sent.method, sent.target, sent.headers, sent.body, **terms)


@pytest.mark.parametrize(("exchange", "method", "target", "body"), CASES)
def test_what_is_signed_is_verified(exchange: str, method: str, target: str, body: bytes) -> None:
    sent = made(exchange, method, target, body)
    assert (sent.method, sent.target.startswith(target.split("?", maxsplit=1)[0].encode())) == (method, True)
    answer = proved(exchange, sent, key="key-1")
    assert (answer.exchange, answer.key_id) == (exchange, "key-1")
    assert (answer.timestamp_ms, answer.nonce) == ((None, NOW * 1000) if exchange == "bitfinex" else (NOW, None))
    assert answer.once


def test_what_a_signature_does_not_cover_is_told() -> None:
    covered = {}
    for exchange in EXCHANGES:
        answer = proved(exchange, made(exchange, *REQUESTS[exchange][1]))
        covered[exchange] = (answer.covers_method, answer.covers_path, answer.covers_query, answer.covers_body)
    assert covered == {
        "kucoin": (True, True, True, True),
        "binance": (False, False, True, True),
        "bitfinex": (False, True, False, True),
    }


@pytest.mark.parametrize(("exchange", "method", "target", "body"), CASES)
def test_a_signer_made_once_signs_alike(exchange: str, method: str, target: str, body: bytes) -> None:
    signer = Signer(exchange, key="key-1", **CREDENTIALS[exchange])
    assert signer.sign(method, target, body, now_ms=NOW) == made(exchange, method, target, body)
    assert proved(exchange, signer.sign(method, target, body, now_ms=NOW + 1)).key_id == "key-1"
    assert signer.exchange == exchange


@pytest.mark.parametrize("wrap", [str, str.encode, Secret], ids=["text", "bytes", "Secret"])
@pytest.mark.parametrize("exchange", EXCHANGES)
def test_secrets_come_as_people_have_them(exchange: str, wrap: Callable[[str], Any]) -> None:
    wrapped = {name: wrap(value) for name, value in CREDENTIALS[exchange].items()}
    assert proved(exchange, made(exchange, *REQUESTS[exchange][0], **wrapped), **wrapped).key_id == "key-1"


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_nothing_that_is_kept_or_raised_shows_a_secret(exchange: str) -> None:
    signer = Signer(exchange, key="key-1", **CREDENTIALS[exchange])
    sent = made(exchange, *REQUESTS[exchange][0])
    shown = [repr(signer), str(signer), repr(sent), repr(proved(exchange, sent))]
    with pytest.raises(KeywrightError) as error:
        proved(exchange, sent, secret="another canary")
    assert "canary" not in " ".join([*shown, repr(error.value), str(error.value.__dict__)])


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_what_does_not_hold_is_refused(exchange: str) -> None:
    method, target, body = REQUESTS[exchange][1]
    sent = made(exchange, method, target, body)

    def reason(**change: Any) -> Reason:
        with pytest.raises(Refused) as refused:
            proved(
                exchange,
                sent._replace(**{k: v for k, v in change.items() if k in sent._fields}),
                **{k: v for k, v in change.items() if k not in sent._fields},
            )
        return refused.value.reason

    assert reason(secret="another") is Reason.SIGNATURE_MISMATCH
    assert reason(key="another") is Reason.KEY_UNKNOWN
    assert reason(headers=tuple(h for h in sent.headers if h[0] == b"content-type")) is Reason.HEADER_MISSING
    assert reason(headers=sent.headers * 2) in {Reason.HEADER_REPEATED, Reason.BODY_MALFORMED}
    assert reason(target=b"/a/../b") is Reason.TARGET_NOT_CANONICAL
    assert reason(body=sent.body.replace(b'"1"', b'"2"').replace(b"LTC", b"ETH")) is Reason.SIGNATURE_MISMATCH
    if exchange == "bitfinex":
        assert reason(last_nonce=NOW * 1000) is Reason.NONCE_NOT_INCREASING
    else:
        assert reason(now_ms=NOW + 5_001) is Reason.TIMESTAMP_OUT_OF_WINDOW
        assert reason(now_ms=NOW - 5_001) is Reason.TIMESTAMP_OUT_OF_WINDOW
        assert reason(now_ms=NOW + 11, window_ms=10) is Reason.TIMESTAMP_OUT_OF_WINDOW
    if exchange == "kucoin":
        assert reason(passphrase="another") is Reason.PASSPHRASE_MISMATCH


def test_an_asymmetric_key_of_binance_is_verified_by_its_public_half() -> None:
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    sent = made("binance", *REQUESTS["binance"][0], secret=None, private_key=pem)
    for half in (public, public.decode()):
        assert proved("binance", sent, secret=None, public_key=half).key_id == "key-1"
    with pytest.raises(Refused):
        proved("binance", sent)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Signer("mtgox", key="k", secret="s"),
        lambda: sign("KUCOIN", "GET", "/", key="k", secret="s", passphrase="p", now_ms=NOW),
        lambda: verify("mtgox", "GET", "/", {}, now_ms=NOW),
        lambda: Signer("kucoin", key="k", secret="s"),
        lambda: Signer("kucoin", key="k", secret="s", passphrase=""),
        lambda: Signer("kucoin", key="k", passphrase="p"),
        lambda: Signer("kucoin", key="", secret="s", passphrase="p"),
        lambda: Signer("binance", key="k"),
        lambda: Signer("binance", key="k", secret="s", private_key="p"),
        lambda: Signer("binance", key="k", private_key="no PEM"),
        lambda: Signer("bitfinex", key="k", secret=""),
        lambda: verify("kucoin", "GET", "/a", {}, now_ms=NOW, secret="s"),
        lambda: verify("binance", "GET", "/a", {}, now_ms=NOW),
        lambda: verify("bitfinex", "POST", "/v2/auth/r/a", {}, now_ms=NOW, secret="s"),
        lambda: sign("kucoin", "get", "/a", key="k", secret="s", passphrase="p", now_ms=NOW),
        lambda: sign("kucoin", "GET", "/a b", key="k", secret="s", passphrase="p", now_ms=NOW),
        lambda: sign("kucoin", "GET", "/a", body=b"{}", key="k", secret="s", passphrase="p", now_ms=NOW),
        lambda: sign("kucoin", "GET", "/a", key="k", secret="s", passphrase="p", now_ms=NOW // 1000),
        lambda: sign("kucoin", "POST", "/a", body={"a": {1}}, key="k", secret="s", passphrase="p", now_ms=NOW),
        lambda: sign("binance", "POST", "/a", body=["a"], key="k", secret="s", now_ms=NOW),
        lambda: sign("binance", "POST", "/a", body={"a": 0.1}, key="k", secret="s", now_ms=NOW),
    ],
)
def test_what_can_t_be_taken_is_invalid(wrong: Callable[[], object]) -> None:
    with pytest.raises(Invalid):
        wrong()


def test_headers_come_as_a_mapping_or_as_pairs_in_any_case() -> None:
    method, target, body = REQUESTS["kucoin"][1]
    sent = made("kucoin", method, target, body)
    text = {name.decode().upper(): value.decode() for name, value in sent.headers}
    for headers in (text, list(text.items()), sent.headers):
        assert verify("kucoin", method, target, headers, body, now_ms=NOW, **PROOFS["kucoin"]).key_id == "key-1"


def test_a_body_may_be_an_object() -> None:
    sent = sign("kucoin", "POST", "/api/v1/orders", body={"size": "1"}, key="k", now_ms=NOW, **CREDENTIALS["kucoin"])
    assert sent.body == b'{"size":"1"}'


VECTORS = [
    vector
    for vector in json.loads(make_kucoin.VECTORS.read_text("utf-8"))["requests"]
    if vector["verdict"] == "allowed"
    and not vector["accept_version_1"]
    and vector["passphrase_header"]
    == KucoinDialect.passphrase_header(Secret(vector["secret"]), Secret(PASSPHRASE)).decode()
]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
def test_the_public_verify_takes_every_vector_that_is_allowed(vector: dict[str, Any]) -> None:
    asked = vector["request"]
    headers = {name.lower(): value for name, value in asked["headers"]}
    stamp = int(headers["kc-api-timestamp"])
    terms = {"now_ms": stamp, "secret": vector["secret"], "passphrase": PASSPHRASE}
    answer = verify("kucoin", asked["method"], asked["target"], headers, asked["body"].encode(), **terms)
    assert (answer.key_id, answer.timestamp_ms) == (headers["kc-api-key"], stamp)


def test_there_are_vectors_to_take() -> None:
    assert len(VECTORS) > 20


def test_every_public_name_is_there_and_no_other() -> None:
    assert all(getattr(keywright, name) is not None for name in keywright.__all__)
    with pytest.raises(AttributeError):
        _ = keywright.nothing


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_one_exchange_s_wire_loads_no_other(exchange: str) -> None:
    program = f"""
import sys, keywright
bare = {{name for name, module in sys.modules.items() if module is not None}}
keywright.Signer({exchange!r}, key="k", secret="s", passphrase="p").sign("POST", "/v2/auth/r/a", b"", now_ms={NOW})
print(*[name for name in sys.modules if name.startswith("keywright.")], "bare" * any(n.startswith("keywright.") for n in bare))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "bare" not in loaded
    assert not [name for name in loaded for other in EXCHANGES if other != exchange and other in name]


def test_importing_is_no_matter_of_seconds() -> None:
    """A sanity check; what it takes is measured in docs/performance.md."""
    began = os.times()
    subprocess.run([sys.executable, "-c", "from keywright import sign, Signer, verify"], check=True)
    ended = os.times()  # the processor's time: what else a busy machine does meanwhile is no matter of ours
    assert ended.children_user + ended.children_system - began.children_user - began.children_system < 2
