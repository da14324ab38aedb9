"""What is made ready in advance: MACs from kept states, JSON from a kept encoder, a signer for one credential."""

from __future__ import annotations

import hashlib
import hmac
import json
import pickle
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from keywright.errors import Invalid
from keywright.protocol import canonical
from keywright.protocol.kucoin import KucoinSigner, Pepper
from keywright.protocol.message import Request
from keywright.protocol.prepared import MacKey, compact_json
from keywright.protocol.refusal import Refused
from keywright.secret import Secret
from tests.protocol.wire import DIALECT, KEY, PASSPHRASE, SECRET, verdict

NOW = 1_700_000_000_000


@given(key=st.binary(max_size=200), message=st.binary(max_size=300))
def test_a_mac_from_kept_states_is_the_mac(key: bytes, message: bytes) -> None:
    ready = MacKey(Secret(key))
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
    assert 0 < len(signer._targets) <= 512
    assert not [target for target in signer._targets if "canary" in str(target) or len(target) > 256]


@pytest.mark.parametrize("holder", [KucoinSigner(KEY, SECRET, PASSPHRASE), MacKey(SECRET), Pepper(SECRET)])
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
