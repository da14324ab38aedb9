"""The SIG cases of the test catalogue as they stand on Bitfinex's wire, the order in which `read` looks, and nonces."""

from __future__ import annotations

import hmac
import time
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from keywright.errors import Invalid
from keywright.protocol import bitfinex
from keywright.protocol.bitfinex import HIGHEST_TAKEN, LARGEST_NONCE, BitfinexDialect, nonce_above
from keywright.protocol.dialect import Dialect
from keywright.protocol.message import Request
from keywright.protocol.refusal import Reason, Refused
from keywright.secret import Secret
from tests.protocol.bitfinex_wire import DIALECT, KEY, NONCE, ORDER, SECRET, SUBMIT, WALLETS, mac, signed, verdict

MOST = 10_000_000


def test_sig_01_one_bit_of_the_mac_decides() -> None:
    right = bytes.fromhex(signed().header(b"bfx-signature")[0].decode())
    for bit in range(384):
        wrong = bytearray(right)
        wrong[bit // 8] ^= 1 << bit % 8
        assert verdict(signed(signature=wrong.hex().encode())) == "signature_mismatch"


@pytest.mark.parametrize("part", ["path", "nonce", "body"])
def test_one_byte_of_what_is_covered_decides(part: str) -> None:
    """Every byte, every one of its bits, and a byte more or less anywhere."""
    honest = {"path": SUBMIT, "nonce": NONCE, "body": ORDER}
    over = b"/api" + SUBMIT + NONCE + ORDER
    text = honest[part]
    changed = [
        text[:at] + bytes([text[at] ^ bit]) + text[at + 1 :]
        for at in range(len(text))
        for bit in (1, 2, 4, 8, 16, 32, 64, 128)
    ]
    changed += [text[:at] + text[at + 1 :] for at in range(len(text))]
    changed += [text[:at] + b"1" + text[at:] for at in range(len(text) + 1)]
    assert len(changed) == len(text) * 10 + 1
    for other in changed:
        sent = honest | {part: other}
        if sent == honest:
            continue
        assert verdict(signed(sent["path"], sent["body"], nonce=sent["nonce"], over=over)) != "allowed"
    assert verdict(signed(SUBMIT, ORDER, over=over)) == "allowed"


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "post", "Post", "POST ", "", "ＰＯＳＴ", "TRACE"]
)
def test_sig_02_the_method_is_post_for_the_mac_does_not_say(method: str) -> None:
    assert verdict(signed(method=method)) == "method_not_allowed"


@pytest.mark.parametrize("query", [b"?", b"?limit=1", b"?a=%26", b"?{}"])
def test_sig_03_a_query_is_covered_by_nothing_and_so_refused(query: bytes) -> None:
    for over in (b"/api" + WALLETS + NONCE + b"{}", None):
        assert verdict(signed(WALLETS + query, over=over)) == "target_not_canonical"


@pytest.mark.parametrize(
    "path",
    [
        *(b"//v2/auth/r/wallets", b"/v2//auth/r/wallets", b"/v2/auth/r/./wallets", b"/v2/auth/r/../w/withdraw"),
        *(b"/v2/auth/r/wallets/.", b"/v2/auth/..", b"/v2/auth/r/wallets//", b"", b"*", b"/", b"/v2/auth", b"/V2/auth/r/x"),
        *(b"v2/auth/r/wallets", b"https://api.bitfinex.com/v2/auth/r/wallets", b"/v2/auth/r/a;b", b"/v2/auth/r/%61"),
        *(b"/v2/auth/r/a,b", b"/v2/auth/r/\xff", b"/v2/auth/r/\x00", b"/v2/auth/r/a b", b"/v2/auth/r/[1]", b"/v2/auth/r/\xef\xbc\x91"),
    ],
)  # fmt: skip
def test_sig_04_to_07_a_path_has_one_spelling(path: bytes) -> None:
    assert verdict(signed(path)) == "target_not_canonical"


@pytest.mark.parametrize("name", ["apikey", "nonce", "signature"])
@pytest.mark.parametrize("same", [True, False], ids=["same", "other"])
def test_sig_24_each_header_stands_once(name: str, same: bool) -> None:
    honest, header = signed(), f"bfx-{name}".encode()
    again = (header, honest.header(header)[0] if same else b"2")
    for headers in ((*honest.headers, again), (again, *honest.headers)):
        with pytest.raises(Refused) as refused:
            DIALECT.read(Request("POST", WALLETS, headers, b"{}", None))
        assert (refused.value.reason, refused.value.facts["header"]) == (Reason.HEADER_REPEATED, header.decode())


@pytest.mark.parametrize("name", ["apikey", "nonce", "signature"])
def test_sig_25_an_underscore_makes_another_header(name: str) -> None:
    nothing: dict[str, Any] = {name: None}
    bare = signed(**nothing)
    value = signed().header(f"bfx-{name}".encode())[0]
    underscored = Request("POST", WALLETS, (*bare.headers, (f"bfx_{name}".encode(), value)), b"{}", None)
    assert verdict(underscored) == "header_missing"


@pytest.mark.parametrize("change", [b" %b", b"%b ", b"%b\x00", b"0x%b", b"\t%b", b"%b\xff"])
def test_sig_25_a_signature_has_one_spelling(change: bytes) -> None:
    right = signed().header(b"bfx-signature")[0]
    assert verdict(signed(signature=change % right)) == "signature_mismatch"
    assert verdict(signed(signature=right.upper())) == "signature_mismatch"


def test_sig_31_another_key_s_mac_and_an_empty_secret_fit_nothing() -> None:
    assert verdict(signed(), secret=Secret("another secret")) == "signature_mismatch"
    over = mac(b"/api" + WALLETS + NONCE + b"{}", Secret(b""))
    assert verdict(signed(signature=over), secret=Secret(b"")) == "signature_mismatch"


@pytest.mark.parametrize("key", [b"", b"k" * 10_000, b"a\x00b", b"' OR 1=1 --", b"\xff", "é".encode(), b"a b", b"a/b"])
def test_sig_31_what_can_t_be_a_key_id_is_the_id_of_no_key(key: bytes) -> None:
    claim = DIALECT.read(signed(apikey=key))
    assert claim.key_id == ""
    DIALECT.check(claim, secret=SECRET)


def test_a_token_beside_a_signature_is_refused() -> None:
    """No MAC covers it, and a service behind the gateway might act for whom it names."""
    honest = signed()
    beside = Request("POST", WALLETS, (*honest.headers, (b"bfx-token", b"pub:api:x")), b"{}", None)
    assert verdict(beside) == "malformed"


def test_the_work_is_the_same_whatever_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """So an unknown key and a wrong signature can't be told apart by the clock."""
    work: list[str] = []

    class Counted:
        @staticmethod
        def digest(key: bytes, message: bytes, name: str) -> bytes:
            work.append(f"mac {len(message)}")
            return hmac.digest(key, message, name)

        @staticmethod
        def compare_digest(one: bytes, other: bytes) -> bool:
            work.append("compare")
            return hmac.compare_digest(one, other)

    monkeypatch.setattr(bitfinex, "hmac", Counted)
    works = []
    for request, secret in (
        (signed(), SECRET),
        (signed(over=b"other"), SECRET),
        (signed(signature=b""), SECRET),
        (signed(), Secret("nobody's")),
        (signed(), Secret(b"")),
    ):
        work.clear()
        verdict(request, secret=secret)
        works.append(list(work))
    assert works == [["mac 40", "compare"]] * 5


def test_a_claim_does_not_show_what_was_signed() -> None:
    assert "canary" not in repr(DIALECT.read(signed(b"/v2/auth/w/withdraw", b'{"address":"canary"}')))


def test_each_look_comes_in_its_documented_order() -> None:
    """Broken everywhere, then mended from the front: each time the next look is the one that refuses."""
    honest = signed()
    token = (b"bfx-token", b"x")
    parts: dict[str, Any] = {"method": "GET", "target": WALLETS + b"?", "body": b'1{"a":1,"a":2}', "peer": None}
    parts["headers"] = (token, *signed(nonce=b"x").headers)
    reasons = []
    for change in (
        {},
        {"method": "POST"},
        {"target": WALLETS},
        {"body": b'{"a":1,"a":2}'},
        {"headers": (*signed(nonce=b"x").headers[:2],)},
        {"headers": signed(nonce=b"x").headers},
        {"headers": honest.headers},
        {"body": b"[]"},
    ):
        parts |= change
        reasons.append(verdict(Request(**parts)))
    assert reasons == [
        *("method_not_allowed", "target_not_canonical", "body_malformed", "malformed", "header_missing"),
        *("nonce_malformed", "body_malformed", "signature_mismatch"),
    ]


# ── nonces


@pytest.mark.parametrize(
    "nonce",
    [
        *(b"", b"0", b"-1", b"+1", b"01", b"1.0", b"1e3", b"0x1", b"1_0", b" 1", b"1 ", b"1\n", b"nan", b"inf"),
        *(str(2**53).encode(), b"9" * 16, b"1" * 17, b"1" * 5000, b"1" * 1_000_000, "１".encode(), "١".encode(), b"1\x00"),
    ],
    ids=lambda nonce: repr(nonce[:20]),
)  # fmt: skip
def test_a_nonce_is_plain_digits_up_to_two_to_the_53(nonce: bytes) -> None:
    assert verdict(signed(nonce=nonce)) == "nonce_malformed"


@settings(max_examples=500, deadline=None)
@given(nonce=st.integers(-10, LARGEST_NONCE + 10), last=st.integers(0, LARGEST_NONCE))
def test_a_nonce_is_taken_if_and_only_if_it_is_above_the_last(nonce: int, last: int) -> None:
    found = None
    try:
        nonce_above(nonce, last_nonce=last, highest=LARGEST_NONCE)
    except Refused as refused:
        found = refused.reason
    expected = Reason.NONCE_NOT_INCREASING if nonce <= last else None
    assert found is (Reason.NONCE_MALFORMED if nonce > LARGEST_NONCE else expected)


@pytest.mark.parametrize(
    ("nonce", "last", "reason"),
    [
        (1, 0, None),
        (2, 2, Reason.NONCE_NOT_INCREASING),
        (1, 2, Reason.NONCE_NOT_INCREASING),
        (HIGHEST_TAKEN, 0, None),
        (HIGHEST_TAKEN + 1, 0, Reason.NONCE_MALFORMED),
        (LARGEST_NONCE, 0, Reason.NONCE_MALFORMED),
    ],
)
def test_no_nonce_may_use_up_what_is_left_of_a_key(nonce: int, last: int, reason: Reason | None) -> None:
    if reason is None:
        nonce_above(nonce, last_nonce=last)
        return
    with pytest.raises(Refused) as refused:
        nonce_above(nonce, last_nonce=last)
    assert refused.value.reason is reason
    assert ("highest" in refused.value.facts) == (reason is Reason.NONCE_MALFORMED)


# ── public routes


@pytest.mark.parametrize(
    ("method", "target", "reason"),
    [
        ("GET", b"/v2/tickers?symbols=tBTCUSD,fUSD", None),
        ("GET", b"/v2/candles/trade:1m:tBTCF0:USTF0/hist", None),
        ("POST", b"/v2/calc/fx", None),
        ("DELETE", b"/v2/tickers", Reason.METHOD_NOT_ALLOWED),
        ("GET", WALLETS, Reason.METHOD_NOT_ALLOWED),
        ("GET", b"/v2/tickers?a=%zz", Reason.TARGET_NOT_CANONICAL),
        ("GET", b"/v2/tickers?a=%ff", Reason.TARGET_NOT_CANONICAL),
        ("GET", b"/v2/../tickers", Reason.TARGET_NOT_CANONICAL),
    ],
)
def test_a_public_route_is_checked_for_method_and_target_alone(
    method: str, target: bytes, reason: Reason | None
) -> None:
    found = None
    try:
        DIALECT.check_target(method, target)
    except Refused as refused:
        found = refused.reason
    assert found is reason


def test_a_public_route_takes_a_body_on_post_alone() -> None:
    DIALECT.check_body(Request("POST", b"/v2/calc/fx", (), b'{"ccy1":"BTC"}', None))
    DIALECT.check_body(Request("GET", b"/v2/tickers", (), b"", None))
    with pytest.raises(Refused) as refused:
        DIALECT.check_body(Request("GET", b"/v2/tickers", (), b"{}", None))
    assert refused.value.reason is Reason.BODY_NOT_ALLOWED


# ── whatever comes

_ANY_HEADER = st.tuples(
    st.sampled_from([b"bfx-apikey", b"bfx-nonce", b"bfx-signature", b"bfx-token"]) | st.binary(max_size=6),
    st.binary(max_size=30) | st.sampled_from([NONCE, b"0" * 96]),
)
_ANY_REQUEST = st.builds(
    Request,
    method=st.sampled_from(["POST", "GET"]) | st.text(max_size=6),
    target=st.binary(max_size=30) | st.binary(max_size=30).map(lambda tail: b"/v2/auth/w/" + tail),
    headers=st.just(signed().headers) | st.lists(_ANY_HEADER, max_size=6).map(tuple),
    body=st.just(b"") | st.binary(max_size=40) | st.binary(max_size=20).map(lambda tail: b"{" + tail),
    peer=st.none(),
)


@settings(max_examples=1_500, deadline=None)
@given(request=_ANY_REQUEST)
def test_anything_at_all_is_read_or_refused(request: Request) -> None:
    reason = verdict(request)
    assert reason != "allowed"
    assert DIALECT.refuse(Refused(Reason(reason))).status == 500
    assert DIALECT.read_order(request)


@settings(max_examples=500, deadline=None)
@given(
    method=st.text(max_size=5) | st.just("POST"),
    target=st.text(st.characters(), max_size=20) | st.text(st.characters(), max_size=9).map("/v2/auth/".__add__),
    body=st.binary(max_size=9),
    key=st.text(st.characters(), max_size=9),
    now_ms=st.none() | st.integers(),
    nonce=st.none() | st.integers(),
)
def test_anything_at_all_is_signed_or_invalid(**asked: Any) -> None:
    try:
        sent = DIALECT.sign(asked.pop("method"), asked.pop("target"), asked.pop("body"), secret=SECRET, **asked)
    except Invalid:
        return
    DIALECT.check(DIALECT.read(Request(sent.method, sent.target, sent.headers, b"{}", None)), secret=SECRET)


@pytest.mark.parametrize(
    "request_",
    [
        signed(body=b"[" * MOST),
        signed(body=b'{"a":"' + b"x" * MOST + b'"}'),
        signed(body=b'{"a":"' + b"\\" * MOST),
        signed(body=b"{" + b'"a":1,' * (MOST // 6) + b'"b":1}'),
        signed(body=b'{"a":' + b"9" * MOST + b"}"),
        signed(b"/v2/auth/r/" + b"1" * MOST),
        signed(b"/v2/auth/r/" + b"a/" * (MOST // 2)),
        signed(b"/v2/auth/r" + b"/." * (MOST // 2)),
        signed(nonce=b"1" * MOST),
        signed(signature=b"0" * MOST),
        signed(apikey=b"\xff" * MOST),
    ],
    ids=range(11),
)
def test_ten_megabytes_take_linear_time(request_: Request) -> None:
    """A bound so wide that only work which grows by the square can break it."""
    start = time.process_time()
    assert verdict(request_) in {"allowed", *(reason.value for reason in Reason)}
    DIALECT.read_order(request_)
    assert time.process_time() - start < 10


def test_this_is_a_dialect() -> None:
    verbs = [name for name in vars(Dialect) if not name.startswith("_")]
    assert len(verbs) == 6
    assert all(callable(getattr(DIALECT, verb)) for verb in verbs)
    assert BitfinexDialect() == DIALECT
    assert KEY in str(DIALECT.read(signed()))
