"""What is made ready in advance: MACs from kept states, JSON from a kept encoder, a signer for one credential."""

from __future__ import annotations

import hashlib
import hmac
import json
import pickle
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from keywright.errors import Invalid
from keywright.protocol import canonical
from keywright.protocol.kucoin import KucoinDialect, KucoinSigner, Pepper
from keywright.protocol.message import Request
from keywright.protocol.prepared import MacKey, compact_json, mac_key
from keywright.protocol.refusal import Refused
from keywright.secret import Secret
from tests.protocol.wire import DIALECT, KEY, PASSPHRASE, SECRET, verdict

NOW = 1_700_000_000_000


@given(key=st.binary(max_size=200), message=st.binary(max_size=300))
def test_a_mac_from_kept_states_is_the_mac(key: bytes, message: bytes) -> None:
    ready = mac_key(Secret(key))
    for _ in range(2):  # nothing of one message is left in the next
        assert ready.digest(message) == hmac.new(key, message, hashlib.sha256).digest()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(value=st.lists(_JSON, max_size=4) | st.dictionaries(st.text(), _JSON, max_size=6))
def test_compact_json_is_what_the_standard_library_writes(value: Any) -> None:
    try:
        expected = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    except UnicodeEncodeError:
        with pytest.raises(Invalid):
            compact_json(value)
    else:
        assert compact_json(value) == expected


_NAMES = st.sampled_from(["a", "é", 'q"', "back\\slash", "\n", ""])


@settings(max_examples=500)
@given(value=st.dictionaries(_NAMES, st.text(max_size=8), min_size=1), then=st.integers() | st.none() | st.text())
def test_an_object_of_text_is_written_alike_before_and_after_one_of_other_values(value: Any, then: Any) -> None:
    """The way around the encoder is taken by names alone, so the same names are tried with other values too."""
    for each in (value, dict.fromkeys(value, then), value):
        try:
            expected = json.dumps(each, separators=(",", ":"), ensure_ascii=False).encode()
        except UnicodeEncodeError:
            with pytest.raises(Invalid):
                compact_json(each)
        else:
            assert compact_json(each) == expected


class Word(StrEnum):
    A = 'a"b'


def test_text_that_is_more_than_text_is_written_as_what_it_says() -> None:
    assert compact_json({"a": Word.A}) == b'{"a":"a\\"b"}'
    assert compact_json({Word.A: "b"}) == b'{"a\\"b":"b"}'
    assert compact_json({1: "b"}) == b'{"1":"b"}'
    assert compact_json({True: "b"}) == b'{"true":"b"}'


@pytest.mark.parametrize("bits", [256, 384])
@given(key=st.binary(max_size=200), message=st.binary(max_size=300))
def test_a_mac_of_either_size_is_the_mac(bits: int, key: bytes, message: bytes) -> None:
    assert mac_key(Secret(key), bits=bits).digest(message) == hmac.new(key, message, f"sha{bits}").digest()


@pytest.mark.parametrize("value", [{"a": float("nan")}, {"a": {1}}, {"a": "\ud800"}, {(1, 2): "a"}, {"a": b"canary"}])
def test_what_json_can_t_say_is_invalid_and_not_shown(value: Any) -> None:
    with pytest.raises(Invalid) as invalid:
        compact_json(value)
    assert invalid.value.__cause__ is None
    assert "canary" not in str(invalid.value)


def test_a_body_that_holds_itself_is_invalid() -> None:
    value: dict[str, Any] = {}
    value["self"] = value
    with pytest.raises(Invalid):
        compact_json(value)


_TARGETS = st.binary(max_size=30) | st.text("/ab.~-_?&=%+2F ;!é", max_size=24).map(lambda text: b"/" + text.encode())


@settings(max_examples=1_000)
@given(target=_TARGETS)
def test_what_is_canonical_at_a_glance_is_canonical_step_by_step(target: bytes) -> None:
    path, _, query = target.partition(b"?")
    try:
        slowly = canonical._read_slowly(target, path, query)
    except Refused:
        assert canonical.is_plain(target) is None
    else:
        assert canonical.read_target(target) == slowly


# ── a signer


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("body", [b"", b'{"a":1}', {"a": "é"}, [], {}])
def test_a_signer_signs_as_the_dialect_does(version: int, body: Any) -> None:
    signer = KucoinSigner(KEY, SECRET, PASSPHRASE, version=version)
    target = "/api/v1/orders?a=b%20c"
    for now in (NOW, NOW + 1):
        expected = DIALECT.sign(
            "POST", target, body, key=KEY, secret=SECRET, passphrase=PASSPHRASE, now_ms=now, version=version
        )
        assert signer.sign("POST", target, body, now_ms=now) == expected
        assert signer.sign("POST", target.encode(), body, now_ms=now) == expected


def test_what_a_signer_signs_is_accepted() -> None:
    signer = KucoinSigner(KEY, SECRET, PASSPHRASE)
    for method, target, body in (
        ("GET", "/api/v1/accounts", b""),
        ("DELETE", "/api/v1/orders?symbol=BTC-USDT", b""),
        ("POST", "/api/v1/orders", {"symbol": "BTC-USDT", "size": "1"}),
    ):
        sent = signer.sign(method, target, body, now_ms=NOW)
        assert verdict(Request(sent.method, sent.target, sent.headers, sent.body, None)) == "allowed"


def test_a_signer_remembers_targets_within_bounds_and_none_with_a_passphrase() -> None:
    signer = KucoinSigner(KEY, SECRET, PASSPHRASE)
    for number in range(2_000):
        signer.sign("GET", f"/api/v1/orders/{number}", now_ms=NOW)
    signer.sign("DELETE", "/api/v1/sub/api-key?passphrase=canary", now_ms=NOW)
    signer.sign("GET", "/api/v1/" + "x" * 1_000, now_ms=NOW)
    assert all(len(known) <= 512 for known in signer._known.values())
    remembered = [target for known in signer._known.values() for target in known]
    assert remembered
    assert not [target for target in remembered if "canary" in str(target) or len(target) > 256]


def test_a_reader_remembers_targets_within_bounds_and_none_with_a_passphrase() -> None:
    dialect = KucoinDialect()
    for number in range(3_000):
        dialect.check_target("GET", b"/api/v1/orders/%d" % number)
    for target in (b"/a?passphrase=canary", b"/a?%70assphrase=canary", b"/a?Pass=canary", b"/canary" + b"x" * 300):
        for _ in range(2):
            assert dialect.check_target("GET", target) == canonical.read_target(target)
    remembered = [target for known in dialect._known.values() for target in known]
    assert 0 < len(remembered) <= 1_024
    assert not [target for target in remembered if b"canary" in target]


def test_a_target_that_was_refused_is_refused_again_and_by_every_method() -> None:
    dialect = KucoinDialect()
    dialect.check_target("GET", b"/a")
    for method, target in (("GET", b"/a//b"), ("get", b"/a"), ("TRACE", b"/a"), ("POST", b"/a b")):
        for _ in range(2):
            with pytest.raises(Refused):
                dialect.check_target(method, target)


@pytest.mark.parametrize(
    "holder", [KucoinSigner(KEY, SECRET, PASSPHRASE), MacKey(SECRET), mac_key(SECRET), Pepper(SECRET)]
)
def test_what_holds_a_secret_shows_nothing_and_is_not_copied(holder: object) -> None:
    assert repr(holder).endswith("(•••)")
    assert "•••" in f"{holder}"
    with pytest.raises(TypeError):
        pickle.dumps(holder)


def test_a_signed_request_shows_no_header_query_or_body() -> None:
    sent = KucoinSigner(KEY, SECRET, PASSPHRASE).sign(
        "POST", "/api/v1/x?passphrase=canary", b'{"canary":1}', now_ms=NOW
    )
    assert repr(sent) == "SignedRequest(POST /api/v1/x …)"
