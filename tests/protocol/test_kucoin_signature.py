"""The SIG cases of the test catalogue that are the wire's own business, and what `check` does besides."""

from __future__ import annotations

import base64
import pickle
from itertools import permutations
from typing import Any

import pytest

from keywright.errors import Invalid
from keywright.protocol import kucoin_checking
from keywright.protocol.kucoin import KucoinDialect, KucoinVerifier, Pepper
from keywright.protocol.message import Request, SignedRequest
from keywright.protocol.prepared import Mac, mac_key
from keywright.protocol.refusal import Reason, Refused
from keywright.secret import Secret
from tests.protocol.wire import (
    DIALECT,
    KEY,
    PASSPHRASE,
    PASSPHRASE_DIGEST,
    PASSPHRASE_HEADER,
    PEPPER,
    SECRET,
    mac,
    signed,
    verdict,
    with_headers,
)

ACCOUNTS = b"/api/v1/accounts"
Q = ACCOUNTS + b"?q="


def test_sig_01_one_bit_of_the_mac_decides() -> None:
    honest = signed()
    assert verdict(honest) == "allowed"
    right = base64.b64decode(honest.header(b"kc-api-sign")[0])
    for bit in range(256):
        wrong = bytearray(right)
        wrong[bit // 8] ^= 1 << bit % 8
        assert verdict(signed(sign=base64.b64encode(wrong))) == "signature_mismatch"


def test_sig_02_the_method_is_signed_and_sent_in_upper_case() -> None:
    assert verdict(signed(over=("get", ACCOUNTS + b"?currency=BTC", b""))) == "signature_mismatch"
    assert verdict(signed("get")) == "method_not_allowed"


def test_sig_03_another_value_is_another_request() -> None:
    sent = signed(target=ACCOUNTS + b"?currency=ETH", over=("GET", ACCOUNTS + b"?currency=BTC", b""))
    assert verdict(sent) == "signature_mismatch"


@pytest.mark.parametrize("over", [b"/api/v1%2Faccounts", b"/api/v1/accounts"])
def test_sig_04_an_encoded_slash_is_not_canonical(over: bytes) -> None:
    assert verdict(signed(target=b"/api/v1%2Faccounts", over=("GET", over, b""))) == "target_not_canonical"


@pytest.mark.parametrize("text", [b"%2561ccounts", b"%2e%2e", b"%00", b"%0d%0a", b"%zz", b"%c0%af", b"%", b"%4"])
def test_sig_05_nothing_is_encoded_in_a_path(text: bytes) -> None:
    assert verdict(signed(target=b"/api/v1/" + text)) == "target_not_canonical"


@pytest.mark.parametrize("text", [b"%00", b"%0d%0a", b"%7F", b"%zz", b"%c0%af", b"%", b"%4", b"a%2"])
def test_sig_05_what_is_encoded_in_a_query_is_text(text: bytes) -> None:
    assert verdict(signed(target=Q + text)) == "target_not_canonical"


@pytest.mark.parametrize(
    "path",
    [
        *(b"//api/v1/accounts", b"/api//v1/accounts", b"/api/v1/./accounts", b"/api/v1/x/../accounts"),
        *(b"/api/v1/accounts/.", b"/api/v1/accounts/..", b"/api/v1/accounts//", b"/..", b"/.", b"//", b"", b"*"),
        *(b"api/v1/accounts", b"http://api.example/api/v1/accounts", b"/api/v1/accounts;v=1", b"/api/v1/\\accounts"),
    ],
)
def test_sig_06_a_path_has_one_spelling(path: bytes) -> None:
    assert verdict(signed(target=path)) == "target_not_canonical"


@pytest.mark.parametrize("path", [b"/api/v1/accounts/", b"/API/v1/accounts"])
def test_sig_06_07_a_slash_and_a_capital_are_part_of_what_is_signed(path: bytes) -> None:
    """The routes then find no such path; nothing on the way makes it another."""
    assert DIALECT.read(signed(target=path), body_allowed=False).candidates[0].endswith(b"GET" + path)
    assert verdict(signed(target=path, over=("GET", ACCOUNTS, b""))) == "signature_mismatch"


@pytest.mark.parametrize("text", [b"a+b", b"a%20b"])
def test_sig_08_what_the_official_sdk_signs_before_encoding_is_taken(text: bytes) -> None:
    assert verdict(signed(target=Q + text, over=("GET", Q + b"a b", b""))) == "allowed"


def test_sig_10_repeated_names_are_signed_in_their_order() -> None:
    one, other = ACCOUNTS + b"?currency=BTC&currency=ETH", ACCOUNTS + b"?currency=ETH&currency=BTC"
    assert verdict(signed(target=one)) == "allowed"
    assert verdict(signed(target=other, over=("GET", one, b""))) == "signature_mismatch"


@pytest.mark.parametrize(
    ("sent", "over"), [(b"a%2Bb", b"a+b"), (b"a+b", b"a%2Bb"), (b"a%20b", b"a+b"), (b"a%2Bb", b"a b")]
)
def test_sig_11_plus_and_space_never_stand_in_for_each_other(sent: bytes, over: bytes) -> None:
    assert verdict(signed(target=Q + sent, over=("GET", Q + over, b""))) == "signature_mismatch"


def test_sig_12_composed_and_decomposed_letters_are_different() -> None:
    nfd, nfc = b"e%CC%81", b"%C3%A9"
    assert verdict(signed(target=Q + nfd, over=("GET", Q + nfc, b""))) == "signature_mismatch"
    assert verdict(signed(target=Q + nfd, over=("GET", Q + "é".encode(), b""))) == "signature_mismatch"
    assert verdict(signed(target=Q + "é".encode())) == "target_not_canonical"


@pytest.mark.parametrize("sent", [b"%ff", b"%fe", b"%ED%A0%80", b"%C3", b"%F5%80%80%80"])
def test_sig_13_bytes_that_are_no_text_are_refused_before_any_mac(sent: bytes) -> None:
    """Stricter than a mismatch: strict UTF-8 is part of the acceptance rule, so nothing can merge into U+FFFD."""
    assert verdict(signed(target=Q + sent, over=("GET", Q + b"%ff", b""))) == "target_not_canonical"


@pytest.mark.parametrize(("over", "sent"), list(permutations([b"", b"{}", b"null", b" {}"], 2)))
def test_sig_14_no_body_passes_for_another(over: bytes, sent: bytes) -> None:
    expected = "signature_mismatch" if sent in {b"", b"{}"} else "body_malformed"
    assert verdict(signed("POST", b"/api/v1/orders", sent, over=("POST", b"/api/v1/orders", over))) == expected


def test_sig_15_a_query_can_t_be_moved_into_the_body() -> None:
    over = ("DELETE", b"/api/v1/orders?symbol=BTC-USDT", b"")
    moved = signed("DELETE", b"/api/v1/orders", b"?symbol=BTC-USDT", over=over)
    assert verdict(moved) == "body_not_allowed"
    assert verdict(moved, body_allowed=True) == "body_malformed"
    assert verdict(signed("POST", b"/x", b"?a=1", over=("POST", b"/x?a=1", b""))) == "body_malformed"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_sig_15_no_route_gives_a_get_a_body(method: str) -> None:
    assert verdict(signed(method, body=b"{}"), body_allowed=True) == "body_not_allowed"


def test_sig_15_a_delete_has_a_body_where_its_route_says_so() -> None:
    target, body = b"/api/v1/orders/multi-cancel", b'{"orderIdsList":["1"]}'
    assert verdict(signed("DELETE", target, body), body_allowed=True) == "allowed"
    assert verdict(signed("DELETE", target), body_allowed=True) == "allowed"
    assert verdict(signed("DELETE", target, body)) == "body_not_allowed"


def test_sig_17_head_and_get_are_signed_apart() -> None:
    target = ACCOUNTS + b"?currency=BTC"
    assert verdict(signed("HEAD", target, over=("GET", target, b""))) == "signature_mismatch"
    assert verdict(signed("GET", target, over=("HEAD", target, b""))) == "signature_mismatch"
    assert verdict(signed("HEAD", target)) == "allowed"


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "FOO", "OPTIONS", "", "GET ", "Get", "GET/api", "ＧＥＴ"])
def test_sig_18_other_methods_are_not_taken(method: str) -> None:
    assert verdict(signed(method)) == "method_not_allowed"


def test_sig_18_a_method_in_a_header_or_parameter_changes_nothing() -> None:
    request = with_headers(signed(target=ACCOUNTS + b"?_method=DELETE"), [(b"x-http-method-override", b"DELETE")])
    assert DIALECT.read(request, body_allowed=False).candidates[0].startswith(b"1700000000000GET/")
    assert verdict(request) == "allowed"


SHORT = ["key", "sign", "timestamp", "passphrase", "key-version"]


@pytest.mark.parametrize("name", SHORT)
@pytest.mark.parametrize("same", [True, False], ids=["same", "other"])
def test_sig_24_each_header_stands_once(name: str, same: bool) -> None:
    header = f"kc-api-{name}".encode()
    honest = signed()
    value = honest.header(header)[0] if same else b"2"
    for request in (
        with_headers(honest, [(header, value)]),
        Request("GET", honest.target, ((header, value), *honest.headers), b"", None),
    ):
        with pytest.raises(Refused) as refused:
            DIALECT.read(request, body_allowed=False)
        assert refused.value.reason is Reason.HEADER_REPEATED
        assert refused.value.facts["header"] == f"KC-API-{name.upper()}"


def without(name: str) -> Request:
    nothing: dict[str, Any] = {name: None}
    return signed(**nothing)


@pytest.mark.parametrize("name", ["key", "sign", "timestamp", "passphrase"])
def test_sig_25_an_underscore_makes_another_header(name: str) -> None:
    value = signed().header(f"kc-api-{name}".encode())[0]
    only = with_headers(without(name), [(f"kc_api_{name}".encode(), value)])
    assert verdict(only) == "header_missing"
    beside = with_headers(signed(), [(f"kc_api_{name}".encode(), b"something else")])
    assert verdict(beside) == "allowed"


@pytest.mark.parametrize("change", [b" %b", b"%b ", b"%b\x00", b"%b\n", b"\t%b"])
def test_sig_25_nothing_is_trimmed_off_a_signature(change: bytes) -> None:
    right = signed().header(b"kc-api-sign")[0]
    assert verdict(signed(sign=change % right)) == "signature_mismatch"


def test_sig_25_a_signature_has_one_spelling() -> None:
    right = signed().header(b"kc-api-sign")[0]
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    spellings = [right[:42] + letters[i : i + 1] + b"=" for i in range(64)]
    alike = [s for s in spellings if base64.b64decode(s, validate=True) == base64.b64decode(right)]
    assert len(alike) == 4
    assert [s for s in alike if verdict(signed(sign=s)) == "allowed"] == [right]
    for other in (
        right.rstrip(b"="),
        right + b"=",
        right.translate(bytes.maketrans(b"+/", b"-_")) + b"=",
        base64.b64decode(right),
    ):
        assert verdict(signed(sign=other)) == "signature_mismatch"


@pytest.mark.parametrize(
    "body",
    [
        *(b'{"size":"1","size":"1000"}', b'{"a":NaN}', b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b'{"a":"\\ud800"}'),
        *(b'{"a":' + b"9" * 5000 + b"}", b"[" * 100_000, b"{", b"[1,]", b"\xff", b"{}\x00", b'"{}"', b"1"),
    ],
    ids=lambda body: repr(body[:20]),
)
def test_sig_27_a_body_with_no_reading_or_two_is_refused(body: bytes) -> None:
    assert verdict(signed("POST", b"/api/v1/orders", body)) == "body_malformed"


def test_sig_31_another_key_s_mac_does_not_fit() -> None:
    assert verdict(signed(), secret=Secret("another secret")) == "signature_mismatch"


def test_sig_31_an_empty_secret_fits_nothing() -> None:
    """Anyone could sign with it; the official SDK, given no keys, does."""
    target = ACCOUNTS + b"?currency=BTC"
    nobody = Secret(b"")
    sent = signed(target=target, sign=mac(b"1700000000000GET" + target, nobody))
    assert verdict(sent, secret=nobody) == "signature_mismatch"


@pytest.mark.parametrize("key", [b"", b"k" * 10_000, b"a\x00b", b"' OR 1=1 --", b"\xff", "é".encode(), b"a b", b"a/b"])
def test_sig_31_what_can_t_be_a_key_id_is_the_id_of_no_key(key: bytes) -> None:
    """The claim can be read and its signature even holds; the gateway finds no key of that id."""
    claim = DIALECT.read(signed(key=key), body_allowed=False)
    assert claim.key_id == ""
    DIALECT.check(claim, secret=SECRET, passphrase_digest=PASSPHRASE_DIGEST, pepper=PEPPER)


@pytest.mark.parametrize("name", ["sign", "passphrase", "timestamp"])
def test_long_values_are_refused_without_being_looked_at(name: str) -> None:
    expected = {"sign": "signature_mismatch", "passphrase": "passphrase_mismatch", "timestamp": "timestamp_malformed"}
    long: dict[str, Any] = {name: b"1" * 10_000}
    assert verdict(signed(**long)) == expected[name]


class Counted:
    """A MAC's key that says what it is asked to do, and of how many bytes."""

    def __init__(self, key: Mac, work: list[str]) -> None:
        self.key, self.work = key, work

    def __getattr__(self, verb: str) -> Any:
        def counting(*given: bytes) -> Any:
            self.work.append(f"{verb} {[len(each) for each in given]}")
            return getattr(self.key, verb)(*given)

        return counting


def test_the_work_is_the_same_whatever_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """So an unknown key and a wrong signature can't be told apart by the clock, however often a key was used before."""
    work: list[str] = []
    monkeypatch.setattr(kucoin_checking, "mac_key", lambda secret: Counted(mac_key(secret), work))
    pepper = Pepper(PEPPER)

    def verifier(secret: Secret = SECRET) -> KucoinVerifier:
        return KucoinVerifier(secret, passphrase_digest=PASSPHRASE_DIGEST, pepper=pepper)

    used = verifier()
    used.check(DIALECT.read(signed(), body_allowed=False))
    over = ("GET", Q + b"a b", b"")
    right, second = signed(target=Q + b"a+b"), signed(target=Q + b"a+b", over=over)
    neither = signed(target=Q + b"a+b", over=("GET", b"/", b""))
    wrong = signed(target=Q + b"a+b", passphrase=mac(b"other"))
    works: dict[str, tuple[str, list[str]]] = {}
    for name, request, held in (
        ("unknown key", right, verifier(Secret("nobody's secret, of the same length"))),
        ("unknown key, wrong passphrase", wrong, verifier(Secret("nobody's secret, of the same length"))),
        ("fresh key, no candidate", neither, verifier()),
        ("no candidate", neither, used),
        ("first candidate", right, used),
        ("second candidate", second, used),
        ("wrong passphrase", wrong, used),
        ("wrong passphrase of a fresh key", wrong, verifier()),
        ("first use of a key", right, verifier()),
    ):
        work.clear()
        outcome = "allowed"
        try:
            held.check(DIALECT.read(request, body_allowed=False))
        except Refused as refused:
            outcome = refused.reason.value
        works[name] = outcome, list(work)
    base = works["unknown key"][1]
    assert [step.split()[0] for step in base] == ["is_base64", "is_base64", "is_digest"]
    assert works == {
        "unknown key": ("signature_mismatch", base),
        "unknown key, wrong passphrase": ("signature_mismatch", base),
        "fresh key, no candidate": ("signature_mismatch", base),
        "no candidate": ("signature_mismatch", base),
        "first candidate": ("allowed", base),
        "second candidate": ("allowed", base),
        "wrong passphrase": ("passphrase_mismatch", base),
        "wrong passphrase of a fresh key": ("passphrase_mismatch", base),
        "first use of a key": ("allowed", base),
    }


def test_a_passphrase_is_right_or_wrong_each_time_anew() -> None:
    verifier = KucoinVerifier(SECRET, passphrase_digest=PASSPHRASE_DIGEST, pepper=Pepper(PEPPER))
    wrong = DIALECT.read(signed(passphrase=mac(b"other")), body_allowed=False)
    right = DIALECT.read(signed(), body_allowed=False)
    for _ in range(2):
        with pytest.raises(Refused, match="passphrase_mismatch"):
            verifier.check(wrong)
        verifier.check(right)
    assert PASSPHRASE_HEADER.decode() not in repr(verifier)
    with pytest.raises(TypeError):
        pickle.dumps(verifier)


def test_a_mismatch_says_why_the_decoded_form_was_not_tried() -> None:
    claim = DIALECT.read(signed(target=Q + b"a%2Bb", over=("GET", Q + b"a+b", b"")), body_allowed=False)
    with pytest.raises(Refused) as refused:
        DIALECT.check(claim, secret=SECRET, passphrase_digest=PASSPHRASE_DIGEST, pepper=PEPPER)
    assert "percent-encode before signing" in refused.value.facts["rule"]


def test_a_claim_shows_neither_passphrase_nor_what_was_signed() -> None:
    claim = DIALECT.read(signed(target=ACCOUNTS + b"?passphrase=canary"), body_allowed=False)
    assert "canary" not in repr(claim)
    assert PASSPHRASE_HEADER.decode() not in repr(claim)


# ── signing


def _sign(method: str = "GET", target: bytes | str = ACCOUNTS, body: bytes = b"", **other: object) -> SignedRequest:
    values = {"key": KEY, "secret": SECRET, "passphrase": PASSPHRASE, "now_ms": 1_700_000_000_000} | other
    return DIALECT.sign(method, target, body, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", ACCOUNTS, b""),
        ("GET", "/api/v1/accounts?memo=a%2Bb%26c", b""),
        ("POST", "/api/v1/orders", '{"remark":"é"}'.encode()),
        ("DELETE", "/api/v1/orders/1?symbol=A", b""),
    ],
)
def test_what_is_signed_here_is_accepted_here(method: str, target: bytes | str, body: bytes, version: int) -> None:
    sent = _sign(method, target, body, version=version)
    assert verdict(Request(sent.method, sent.target, sent.headers, sent.body, None)) == "allowed"
    assert ((b"content-type", b"application/json") in sent.headers) == bool(body)


def test_version_1_is_signed_with_the_passphrase_in_clear() -> None:
    assert (b"kc-api-passphrase", PASSPHRASE.reveal()) in _sign(version=1).headers


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": "/api/v1/accounts?memo=é"},
        {"target": "/api/v1/accounts?memo=a b"},
        {"target": "/api/v1/accounts?memo=\ud800"},
        {"target": "api/v1/accounts"},
        {"method": "get"},
        {"body": b"{}"},
        {"method": "POST", "body": b"a=1"},
        {"now_ms": 1_700_000_000},
        {"now_ms": -1_700_000_000_00},
        {"version": 4},
        {"key": ""},
        {"key": "a\nb"},
        {"key": "\ud800"},
    ],
)
def test_what_would_be_refused_is_not_signed(wrong: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        _sign(**wrong)  # type: ignore[arg-type]


# ── the header prefix


def test_an_exchange_can_have_headers_of_its_own() -> None:
    own = KucoinDialect(header_prefix="ACME-")
    sent = own.sign("GET", ACCOUNTS, b"", key=KEY, secret=SECRET, passphrase=PASSPHRASE, now_ms=1_700_000_000_000)
    request = Request(sent.method, sent.target, sent.headers, sent.body, None)
    assert request.header(b"acme-sign")
    assert verdict(request, dialect=own) == "allowed"
    assert verdict(request) == "header_missing"
    assert verdict(signed(), dialect=own) == "header_missing"
    assert own == KucoinDialect(header_prefix="ACME-") != DIALECT
    assert hash(own) == hash(KucoinDialect(header_prefix="ACME-"))


@pytest.mark.parametrize(
    "prefix", ["", "-", "KC-API", "KC_API-", "KC API-", "KC-API-\n", "É-", "{0}-", "1-", "A" * 40 + "-"]
)
def test_a_prefix_that_is_no_header_name_is_invalid(prefix: str) -> None:
    with pytest.raises(Invalid):
        KucoinDialect(header_prefix=prefix)


# ── public routes


def test_a_public_route_is_checked_for_method_and_target_alone() -> None:
    DIALECT.check_target("GET", b"/api/v1/timestamp")
    DIALECT.check_target("GET", b"/api/v1/symbols?market=a+b%26")
    for method, target, reason in (
        ("get", b"/api/v1/timestamp", Reason.METHOD_NOT_ALLOWED),
        ("GET", b"/api/v1/../timestamp", Reason.TARGET_NOT_CANONICAL),
        ("GET", b"/api/v1/symbols?a=%ff", Reason.TARGET_NOT_CANONICAL),
    ):
        with pytest.raises(Refused) as refused:
            DIALECT.check_target(method, target)
        assert refused.value.reason is reason
