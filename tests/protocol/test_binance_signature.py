"""Signing, reading and checking on Binance's wire: what is covered, what is not, time, keys, robustness."""

from __future__ import annotations

import base64
import gc
import subprocess
import sys
import time
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings, strategies as st

from keywright.errors import Invalid
from keywright.protocol import binance_keys
from keywright.protocol.binance import BinanceDialect, BinanceSigner, Claim, in_time
from keywright.protocol.message import Request
from keywright.protocol.refusal import Reason, Refused
from keywright.secret import Secret
from tests.protocol.binance_wire import (
    DIALECT,
    KEY,
    NOW,
    ORDER,
    PRIVATE,
    PUBLIC,
    SECRET,
    mac,
    received,
    signature_of,
    signed,
    verdict,
)

STAMP = b"timestamp=1700000000000"
KINDS: list[dict[str, Any]] = [{"secret": SECRET}, {"private_key": PRIVATE["ed25519"]}, {"private_key": PRIVATE["rsa"]}]
CHECKS: list[dict[str, Any]] = [{"secret": SECRET}, {"public_key": PUBLIC["ed25519"]}, {"public_key": PUBLIC["rsa"]}]
NAMES = ["hmac", "ed25519", "rsa"]


def refusal(request: Request) -> Refused:
    with pytest.raises(Refused) as refused:
        DIALECT.read(request)
    return refused.value


# ── what is covered, and what is not


@pytest.mark.parametrize("place", ["query", "body"])
def test_sig_01_every_byte_of_the_payload_is_covered(place: str) -> None:
    """Any one byte changed is refused, by reading or by comparing: each of its bits, and all of them at once."""
    honest = signed(place=place)
    text = honest.body or honest.query
    begins = honest.target[: len(honest.target) - len(honest.query)] if not honest.body else b""
    for position in range(text.index(b"&signature=")):
        for flip in (1, 2, 4, 8, 16, 32, 64, 128, 255):
            changed = bytearray(text)
            changed[position] ^= flip
            target, body = (honest.target, bytes(changed)) if honest.body else (begins + bytes(changed), b"")
            assert verdict(Request("POST", target, honest.headers, body, None)) != "allowed"


@pytest.mark.parametrize(("kind", "check"), list(zip(NAMES, CHECKS, strict=True)), ids=NAMES)
def test_sig_01_one_bit_of_the_signature_decides(kind: str, check: dict[str, Any]) -> None:
    if kind == "hmac":
        right = bytes.fromhex(mac(ORDER).decode())

        def spell(raw: bytes) -> str:
            return raw.hex()
    else:
        right = base64.b64decode(
            signature_of(kind, ORDER).replace(b"%2B", b"+").replace(b"%2F", b"/").replace(b"%3D", b"=")
        )

        def spell(raw: bytes) -> str:
            return quote(base64.b64encode(raw), safe="")

    assert verdict(signed(signature=spell(right).encode()), **check) == "allowed"
    for bit in range(0, len(right) * 8, 1 if kind == "hmac" else 7):
        wrong = bytearray(right)
        wrong[bit // 8] ^= 1 << bit % 8
        assert verdict(signed(signature=spell(bytes(wrong)).encode()), **check) == "signature_mismatch"


def test_what_is_not_covered_is_in_the_claim_for_replay() -> None:
    """Method, path and place change nothing about the signature: Binance's way. So `once` holds the first two."""
    account = DIALECT.read(signed("GET", b"/api/v3/account", STAMP))
    other = DIALECT.read(signed("GET", b"/sapi/v1/account/apiRestrictions", STAMP))
    deleted = DIALECT.read(signed("DELETE", b"/api/v3/account", STAMP))
    for claim in (account, other, deleted):
        DIALECT.check(claim, secret=SECRET)
    assert account.signature == other.signature == deleted.signature
    assert account.payload == other.payload == deleted.payload
    assert len({account.once, other.once, deleted.once}) == 3
    in_query, in_body = (DIALECT.read(signed(place=place)) for place in ("query", "body"))
    assert in_query.once == in_body.once  # moved between query and body it is the same request, so caught as a replay


def test_other_headers_are_not_covered_and_change_nothing() -> None:
    honest = signed()
    more = ((b"x-http-method-override", b"DELETE"), (b"x-mbx_apikey", b"x"), (b"x-mbx-time-unit", b"MICROSECOND"))
    request = Request(honest.method, honest.target, (*honest.headers, *more), honest.body, None)
    assert DIALECT.read(request) == DIALECT.read(honest)


def test_a_second_spelling_of_a_signature_is_no_second_request() -> None:
    upper = DIALECT.read(signed(signature=mac(ORDER).upper()))
    assert upper == DIALECT.read(signed())
    plain = signature_of("ed25519", ORDER)
    for spelling in (plain.replace(b"%2F", b"/"), plain.replace(b"%3D", b"%3d")):
        claim = DIALECT.read(signed(signature=spelling))
        DIALECT.check(claim, public_key=PUBLIC["ed25519"])
        assert claim == DIALECT.read(signed(signature=plain))


@pytest.mark.parametrize("change", ["%s=", "=%s", "%s%%3D", "%s%%0A", "%%20%s", "+%s", "%s%%00"])
def test_a_signature_has_no_other_spelling(change: str) -> None:
    for kind, check in zip(NAMES[1:], CHECKS[1:], strict=True):
        assert verdict(signed(signature=(change % signature_of(kind, ORDER).decode()).encode()), **check) != "allowed"
    assert verdict(signed(signature=(change % mac(ORDER).decode()).encode())) != "allowed"


def test_a_base64_signature_with_spare_bits_set_is_not_taken() -> None:
    text = signature_of("ed25519", ORDER).replace(b"%2B", b"+").replace(b"%2F", b"/").replace(b"%3D", b"=")
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    alike = [text[:85] + letters[i : i + 1] + b"==" for i in range(64)]
    alike = [t for t in alike if base64.b64decode(t) == base64.b64decode(text)]
    taken = [t for t in alike if verdict(signed(signature=quote(t, safe="").encode()), **CHECKS[1]) == "allowed"]
    assert len(alike) == 16
    assert taken == [text]


# ── keys


@pytest.mark.parametrize(("key", "check"), list(zip(KINDS, CHECKS, strict=True)), ids=NAMES)
@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", b"/api/v3/account", b""),
        ("GET", "/api/v3/openOrders?symbol=%E8%BF%99", b""),
        ("POST", b"/api/v3/order", b"symbol=A&side=BUY"),
        ("POST", b"/api/v3/order?symbol=A&side=BUY", b""),
        ("DELETE", b"/api/v3/order", b"symbol=A"),
        ("PUT", "/api/v3/userDataStream", b""),
    ],
)
def test_what_is_signed_here_is_accepted_here(
    method: str, target: Any, body: bytes, key: dict[str, Any], check: dict[str, Any]
) -> None:
    for window, expected in ((None, 5_000_000), (60_000, 60_000_000), (Decimal("6000.346"), 6_000_346)):
        sent = DIALECT.sign(method, target, body, key=KEY, now_ms=NOW, recv_window_ms=window, **key)
        assert verdict(received(sent), **check) == "allowed"
        claim = DIALECT.read(received(sent))
        assert (claim.key_id, claim.timestamp_ms, claim.recv_window_us) == (KEY, NOW, expected)
        assert ((b"content-type", b"application/x-www-form-urlencoded") in sent.headers) == bool(sent.body)


@settings(max_examples=200, deadline=None)
@given(key=st.binary(min_size=1, max_size=200), payload=st.binary(max_size=300))
def test_the_prepared_signer_is_hmac(key: bytes, payload: bytes) -> None:
    assert binance_keys.with_secret(Secret(key))(payload) == mac(payload, Secret(key))


def test_a_key_of_one_kind_never_takes_a_signature_of_another() -> None:
    made = {"hmac": mac(ORDER), **{kind: signature_of(kind, ORDER) for kind in NAMES[1:]}}
    for kind, signature in made.items():
        taken = [
            name
            for name, check in zip(NAMES, CHECKS, strict=True)
            if verdict(signed(signature=signature), **check) == "allowed"
        ]
        assert taken == [kind]


def test_a_public_key_is_no_hmac_secret() -> None:
    """The old trick: what is public, used as a secret. The key decides the algorithm, never the request."""
    forged = mac(ORDER, Secret(PUBLIC["rsa"]))
    assert verdict(signed(signature=forged), public_key=PUBLIC["rsa"]) == "signature_mismatch"


def test_sig_31_an_empty_secret_fits_nothing_and_signs_nothing() -> None:
    assert verdict(signed(signature=mac(ORDER, Secret(b""))), secret=Secret(b"")) == "signature_mismatch"
    with pytest.raises(Invalid):
        BinanceSigner(key=KEY, secret=Secret(b""))


@pytest.mark.parametrize("pem", ["", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
def test_what_is_no_key_is_invalid_and_not_repeated(pem: str) -> None:
    claim = DIALECT.read(signed())
    for call in (
        lambda: BinanceSigner(key=KEY, private_key=Secret(pem)),
        lambda: DIALECT.check(claim, public_key=pem.encode()),
    ):
        with pytest.raises(Invalid) as invalid:
            call()
        assert not pem or pem not in str(invalid.value)


def test_small_rsa_keys_and_other_curves_are_invalid() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    for key in (rsa.generate_private_key(65537, 1024), ec.generate_private_key(ec.SECP256R1())):  # noqa: S505 - so small on purpose
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(Invalid):
            BinanceSigner(key=KEY, private_key=Secret(private))
        with pytest.raises(Invalid):
            DIALECT.check(DIALECT.read(signed()), public_key=public)


def test_exactly_one_key_is_given() -> None:
    claim = DIALECT.read(signed())
    for call in (
        lambda: BinanceSigner(key=KEY),
        lambda: BinanceSigner(key=KEY, secret=SECRET, private_key=PRIVATE["rsa"]),
        lambda: DIALECT.check(claim),
        lambda: DIALECT.check(claim, secret=SECRET, public_key=PUBLIC["rsa"]),
    ):
        with pytest.raises(Invalid):
            call()


def test_the_work_is_the_same_whatever_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    work: list[object] = []

    class Counted:
        @staticmethod
        def digest(_key: bytes, message: bytes, _name: str) -> bytes:
            work.append(("mac", len(message)))
            return b"\0" * 32

        @staticmethod
        def compare_digest(_one: bytes, _other: bytes) -> bool:
            work.append("compare")
            return False

    monkeypatch.setattr(binance_keys, "hmac", Counted)
    works = []
    for request, secret in (
        (signed(), SECRET),
        (signed(signature=mac(b"other")), SECRET),
        (signed(signature=b""), SECRET),
        (signed(), Secret("nobody's secret")),
        (signed(), Secret(b"")),
    ):
        work.clear()
        verdict(request, secret=secret)
        works.append(list(work))
    assert works == [[("mac", len(ORDER)), "compare"]] * 5


# ── time


@pytest.mark.parametrize(
    ("stamp_us", "window_us", "expected"),
    [
        (NOW * 1000, 0, True),
        ((NOW + 999) * 1000, 5_000_000, True),
        ((NOW + 1000) * 1000 - 1, 5_000_000, True),
        ((NOW + 1000) * 1000, 5_000_000, False),
        ((NOW - 5000) * 1000, 5_000_000, True),
        ((NOW - 5000) * 1000 - 1, 5_000_000, False),
        ((NOW - 5001) * 1000, 5_000_000, False),
        ((NOW - 60_000) * 1000, 60_000_000, True),
        ((NOW - 6000) * 1000 - 346, 6_000_346, True),
        ((NOW - 6000) * 1000 - 347, 6_000_346, False),
        (NOW * 1000 - 1, 0, False),
    ],
)
def test_ts_01_the_time_rule_to_the_microsecond(stamp_us: int, window_us: int, expected: bool) -> None:
    assert in_time(stamp_us, recv_window_us=window_us, now_ms=NOW) is expected


def test_ts_01_a_claim_out_of_time_says_by_how_much() -> None:
    claim = DIALECT.read(signed())
    DIALECT.check_time(claim, now_ms=NOW)
    for now, skew in ((NOW + 5001, -5001), (NOW - 1000, 1000)):
        with pytest.raises(Refused) as refused:
            DIALECT.check_time(claim, now_ms=now)
        assert refused.value.reason is Reason.TIMESTAMP_OUT_OF_WINDOW
        assert refused.value.facts == {"skew_ms": skew, "window_ms": 5000}


def test_ts_01_an_operator_may_bound_the_window() -> None:
    claim = DIALECT.read(signed("GET", payload=b"recvWindow=60000&" + STAMP))
    DIALECT.check_time(claim, now_ms=NOW + 60_000)
    with pytest.raises(Refused):
        DIALECT.check_time(claim, now_ms=NOW + 10_001, widest_ms=10_000)


@given(stamp=st.integers(10**15, 10**16 - 1), window=st.integers(0, 60_000_000), late=st.integers(-1, 1))
def test_a_request_may_be_forgotten_exactly_when_the_rule_refuses_it(stamp: int, window: int, late: int) -> None:
    claim = Claim(KEY, stamp, window, b"", "GET", b"/", b"")
    assert not in_time(stamp, recv_window_us=window, now_ms=claim.forget_at_ms + max(late, 0))
    assert in_time(stamp, recv_window_us=window, now_ms=claim.forget_at_ms - 1) or window < 1000


@pytest.mark.parametrize(
    ("payload", "unit"),
    [
        (b"timestamp=1700000000", "seconds"),
        (b"timestamp=1700000000000000000", "nanoseconds"),
        *(
            (b"timestamp=" + text, "")
            for text in (b"", b"nan", b"1700000000000.5", b"01700000000000", b"-170000000000")
        ),
        *((b"timestamp=" + text, "") for text in (b"1_70000000000", b"1" * 5000, b"0000000000000", b"0x18bcfe56800")),
    ],
)
def test_ts_02_a_timestamp_is_13_or_16_digits(payload: bytes, unit: str) -> None:
    refused = refusal(signed("GET", payload=payload))
    assert refused.reason is Reason.TIMESTAMP_MALFORMED
    assert refused.facts["unit"] == unit


@pytest.mark.parametrize(
    "window", [b"60001", b"60000.001", b"5000.1234", b"05", b"-1", b"", b"1e3", b".5", b"5.", b"9" * 5000]
)
def test_ts_02_a_recv_window_is_milliseconds_with_three_decimals(window: bytes) -> None:
    refused = refusal(signed("GET", payload=STAMP + b"&recvWindow=" + window))
    assert (refused.reason, refused.facts["parameter"]) == (Reason.TIMESTAMP_MALFORMED, "recvWindow")


# ── signing what can't be sent


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": "/api/v3/order?symbol=é"},
        {"target": "/api/v3/order?symbol=a b"},
        {"target": "/api/v3/order?symbol=\ud800"},
        {"target": "api/v3/order"},
        {"target": "/api/v3/order?"},
        {"target": "/api/v3/order?timestamp=1"},
        {"target": "/api/v3/order?signature=1"},
        {"target": "/api/v3/order?a=%41"},
        {"target": "/api/v3/order?a=%E8&SIGNATURE=1"},
        {"target": "/api/v3/order?recvWindow=1", "recv_window_ms": 5},
        {"target": "/api/v3/order?a=1&a=2"},
        {"target": "/api/v3/order?" + "&".join(f"a{n}=1" for n in range(300))},
        {"method": "POST", "target": "/api/v3/order?a=1", "body": b"b=2"},
        {"method": "get"},
        {"body": b"a=1"},
        {"method": "POST", "body": b"{}"},
        {"now_ms": 1_700_000_000},
        {"now_ms": -1},
        {"now_ms": 10**5000},
        {"recv_window_ms": 60_001},
        {"recv_window_ms": -1},
        {"recv_window_ms": Decimal("NaN")},
        {"recv_window_ms": Decimal("1.0001")},
        {"recv_window_ms": Decimal("1E+4000")},
        {"recv_window_ms": 10**5000},
        {"key": ""},
        {"key": "a\nb"},
        {"key": "\ud800"},
    ],
    ids=",".join,
)
def test_what_would_be_refused_is_not_signed(wrong: dict[str, Any]) -> None:
    values: dict[str, Any] = {"method": "GET", "target": "/api/v3/order", "body": b"", "key": KEY, "now_ms": NOW}
    with pytest.raises(Invalid):
        DIALECT.sign(**(values | {"secret": SECRET} | wrong))


# ── robustness


def test_a_signer_and_a_claim_show_nothing() -> None:
    signer = BinanceSigner(key=KEY, secret=SECRET)
    assert SECRET.reveal_text() not in repr(signer)
    assert "LTCBTC" not in repr(DIALECT.read(signed()))
    with pytest.raises(TypeError):
        signer.__reduce_ex__(2)


@pytest.mark.parametrize("key", [b"", b"\xff\xfe", "ｋ".encode(), b"a b", b"a\0b", b"k" * 10_000])
def test_sig_31_what_can_t_be_a_key_id_is_the_id_of_no_key(key: bytes) -> None:
    assert DIALECT.read(signed(key=key)).key_id == ""


@pytest.mark.parametrize(
    "text",
    [
        b"a" * 10_000_000,
        b"a=" + b"b" * 10_000_000,
        b"a=b&" * 2_500_000,
        b"&" * 10_000_000,
        b"=" * 10_000_000,
        b"a=" + b"%" * 10_000_000,
        b"a=" + b"%C3%A9" * 1_500_000,
        b"a=" + b"%C3" * 3_000_000,
        b"a=" + b"signature=" * 1_000_000,
        b"a=" + b"x" * 5_000_000 + b"%" + b"x" * 5_000_000,
        b"\xff" * 10_000_000,
        b"{" * 10_000_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_ten_megabytes_are_read_or_refused_without_delay(text: bytes) -> None:
    """Linear: a quadratic reader would take hours. Of the processor's time, and generous, since machines are shared."""
    gc.collect()
    began = time.process_time()
    request = signed(payload=text + b"&" + STAMP, signature=b"0" * 64)
    assert verdict(request) in {"signature_mismatch", "body_malformed"}
    DIALECT.read_order(request)
    assert verdict(signed(place="query", payload=text, signature=b"0" * 64)) != "allowed"
    assert time.process_time() - began < 10


def test_importing_the_dialect_loads_no_cryptography() -> None:
    program = "import keywright.protocol.binance, sys; print('cryptography' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_public_route_is_checked_for_method_target_and_body_alone() -> None:
    BinanceDialect.check_target("GET", b"/api/v3/klines?symbol=A&interval=1m")
    BinanceDialect.check_body(signed(), body_allowed=True)
    for call in (
        lambda: BinanceDialect.check_target("GET", b"/api/v3/klines?symbol=%41"),
        lambda: BinanceDialect.check_body(signed(), body_allowed=False),
        lambda: BinanceDialect.check_body(signed(content_type=None), body_allowed=True),
        lambda: BinanceDialect.read(signed(), body_allowed=False),
    ):
        with pytest.raises(Refused):
            call()
