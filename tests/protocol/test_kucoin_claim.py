"""The TS and PP cases of the test catalogue that are the wire's own business, and the order in which `read` looks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from keywright.protocol.kucoin import KucoinDialect
from keywright.protocol.message import Request
from keywright.protocol.refusal import Reason, Refused
from keywright.secret import Secret
from tests.protocol.wire import DIALECT, PASSPHRASE, PEPPER, SECRET, WITH_VERSION_1, mac, signed, verdict


@pytest.mark.parametrize(
    ("stamp", "unit"),
    [
        (b"1700000000", "seconds"),
        (b"1700000000000000", "microseconds"),
        (b"1700000000000000000", "nanoseconds"),
        (b"1700000000.123", ""),
        (b"170000000000.", ""),
        (b"0x18bcfe56800", ""),
        (b"1_70000000000", ""),
        ("１７００００００００００００".encode(), ""),
        ("1700000000\u0660\u0660\u0660".encode(), ""),
        (b"+170000000000", ""),
        (b"-170000000000", ""),
        (b" 1700000000000", ""),
        (b"1700000000000 ", ""),
        (b"1700000000000\n", ""),
        (b"nan", ""),
        (b"inf", ""),
        (b"", ""),
        (b"1" * 10_000, ""),
        (b"01700000000000", ""),
        (b"2023-11-14T22", ""),
        (b"1700000000\x00\x00\x00", ""),
    ],
)
def test_ts_02_a_timestamp_is_thirteen_ascii_digits(stamp: bytes, unit: str) -> None:
    with pytest.raises(Refused) as refused:
        DIALECT.read(signed(timestamp=stamp), body_allowed=False)
    assert refused.value.reason is Reason.TIMESTAMP_MALFORMED
    assert refused.value.facts["unit"] == unit


def test_ts_02_leading_zeros_are_no_other_time() -> None:
    """Thirteen digits are read as they stand; the window then finds them years away."""
    assert DIALECT.read(signed(stamp="0001700000000"), body_allowed=False).timestamp_ms == 1_700_000_000


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"passphrase": PASSPHRASE.reveal()}, "passphrase_mismatch"),
        ({"passphrase": PASSPHRASE.reveal(), "key_version": b"1"}, "key_version_off"),
        ({"passphrase": PASSPHRASE.reveal(), "key_version": None}, "key_version_off"),
        ({"key_version": b"99"}, "key_version_unknown"),
        ({"key_version": b""}, "key_version_unknown"),
        ({"key_version": b"03"}, "key_version_unknown"),
        ({"key_version": "３".encode()}, "key_version_unknown"),
        ({"key_version": b"3 "}, "key_version_unknown"),
        ({"key_version": b"2"}, "allowed"),
        ({"passphrase": None}, "header_missing"),
    ],
)
def test_pp_01_the_passphrase_comes_hashed_and_the_version_is_known(change: dict[str, Any], expected: str) -> None:
    assert verdict(signed(**change)) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"key_version": b"1", "passphrase": PASSPHRASE.reveal()}, "allowed"),
        ({"key_version": None, "passphrase": PASSPHRASE.reveal()}, "allowed"),
        ({"key_version": b"1"}, "passphrase_mismatch"),
        ({"key_version": b"1", "passphrase": b""}, "passphrase_mismatch"),
        ({"key_version": b"1", "passphrase": b"x" * 10_000}, "passphrase_mismatch"),
        ({"key_version": b"3"}, "allowed"),
        ({"key_version": b"3", "passphrase": PASSPHRASE.reveal()}, "passphrase_mismatch"),
        ({"key_version": b"0"}, "key_version_unknown"),
    ],
)
def test_pp_01_version_1_where_the_operator_switched_it_on(change: dict[str, Any], expected: str) -> None:
    assert verdict(signed(**change), dialect=WITH_VERSION_1) == expected


def test_pp_02_the_signature_is_judged_before_the_passphrase() -> None:
    wrong = mac(b"Another-1!")
    assert verdict(signed(passphrase=wrong)) == "passphrase_mismatch"
    assert verdict(signed(passphrase=wrong, sign=mac(b"other"))) == "signature_mismatch"


@pytest.mark.parametrize("dialect", [DIALECT, WITH_VERSION_1])
def test_pp_02_no_passphrase_at_all_never_fits(dialect: KucoinDialect) -> None:
    """Not even a key whose record was made of nothing."""
    for version, of_nothing in ((b"3", b""), (b"1", mac(b""))):
        request = signed(passphrase=b"", key_version=version)
        digest = KucoinDialect.passphrase_digest(PEPPER, of_nothing)
        with pytest.raises(Refused):
            dialect.check(
                dialect.read(request, body_allowed=False), secret=SECRET, passphrase_digest=digest, pepper=PEPPER
            )


@pytest.mark.parametrize("passphrase", ["aB1!aB1", "x" * 32, "x" * 33, "é", "e\u0301", "🗝️ key", " edge ", "nul\x00nul"])
def test_pp_04_the_bytes_of_a_passphrase_count_exactly(passphrase: str) -> None:
    header = KucoinDialect.passphrase_header(SECRET, Secret(passphrase))
    assert header == mac(passphrase.encode())
    others = {passphrase + "x", passphrase[:-1], passphrase.strip() + "\x00", passphrase.swapcase() + " "}
    for other in others - {passphrase}:
        assert KucoinDialect.passphrase_header(SECRET, Secret(other)) != header


def test_pp_05_what_is_kept_is_neither_passphrase_nor_header() -> None:
    header = KucoinDialect.passphrase_header(SECRET, PASSPHRASE)
    kept = KucoinDialect.passphrase_digest(PEPPER, header)
    assert len(kept) == 32
    assert kept != KucoinDialect.passphrase_digest(Secret("another pepper"), header)


def test_each_look_comes_in_its_documented_order() -> None:
    """Broken everywhere, then mended from the front: each time the next look is the one that refuses."""
    target, body, headers = b"/api/v1/..", b'?{"a":1,"a":2}', signed(timestamp=b"x", key_version=b"9").headers
    broken = Request("delete", target, (*headers[:3], *headers[4:]), body, None)
    reasons = []
    for change in (
        {},
        {"method": "DELETE"},
        {"target": b"/api/v1/x"},
        {"method": "POST"},
        {"body": body[1:]},
        {"headers": headers},
        {"headers": signed(timestamp=b"x", key_version=b"1").headers},
        {"headers": signed(timestamp=b"x").headers},
        {"headers": signed().headers},
        {"body": b"{}"},
    ):
        values = {"method": broken.method, "target": broken.target, "headers": broken.headers, "body": broken.body}
        broken = Request(**(values | change), peer=None)  # type: ignore[arg-type]
        reasons.append(verdict(broken))
    assert reasons == [
        "method_not_allowed",
        "target_not_canonical",
        "body_not_allowed",
        "body_malformed",
        "header_missing",
        "key_version_unknown",
        "key_version_off",
        "timestamp_malformed",
        "body_malformed",
        "signature_mismatch",
    ]


_ANY_HEADER = st.tuples(
    st.sampled_from([b"kc-api-key", b"kc-api-sign", b"kc-api-timestamp", b"kc-api-passphrase", b"kc-api-key-version"]),
    st.binary(max_size=30) | st.sampled_from([b"1700000000000", b"3", b"2", b"1"]),
)
_ANY_REQUEST = st.builds(
    Request,
    method=st.sampled_from(["GET", "POST", "DELETE"]) | st.text(max_size=6),
    target=st.binary(max_size=40) | st.binary(max_size=40).map(lambda tail: b"/api/v1/x?" + tail),
    headers=st.just(signed().headers) | st.lists(_ANY_HEADER, max_size=6).map(tuple),
    body=st.just(b"") | st.binary(max_size=40) | st.binary(max_size=20).map(lambda tail: b"{" + tail),
    peer=st.none(),
)


@settings(max_examples=1_500, deadline=None)
@given(request=_ANY_REQUEST, body_allowed=st.booleans())
def test_anything_at_all_is_read_or_refused(request: Request, body_allowed: bool) -> None:
    for dialect in (DIALECT, WITH_VERSION_1):
        reason = verdict(request, body_allowed=body_allowed, dialect=dialect)
        assert reason != "allowed"
        assert dialect.refuse(Refused(Reason(reason))).status >= 400
