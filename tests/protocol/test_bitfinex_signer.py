"""`BitfinexSigner`: what it signs is what `sign` signs, and its nonces only rise."""

from __future__ import annotations

import copy
import pickle
from itertools import pairwise

import pytest
from hypothesis import given, settings, strategies as st

from keywright.errors import Invalid
from keywright.protocol.bitfinex import LARGEST_NONCE, BitfinexSigner
from keywright.protocol.bitfinex_signer import MOST_TARGETS
from keywright.secret import Secret
from tests.protocol.bitfinex_wire import DIALECT, KEY, ORDER, SECRET, SUBMIT, WALLETS, received, verdict

NOW = 1_700_000_000_000


def nonce_of(sent: object) -> int:
    return int(dict(sent.headers)[b"bfx-nonce"])  # type: ignore[attr-defined]


@settings(max_examples=200, deadline=None)
@given(times=st.lists(st.integers(NOW - 5, NOW + 5), min_size=1, max_size=20), last=st.integers(0, NOW * 1000 + 3))
def test_nonces_rise_whatever_the_clock_does(times: list[int], last: int) -> None:
    signer = BitfinexSigner(KEY, SECRET, last_nonce=last)
    given_ = [last, *(nonce_of(signer.sign("POST", WALLETS, b"", now_ms=now)) for now in times)]
    assert all(one < next_ for one, next_ in pairwise(given_))
    assert signer.last_nonce == given_[-1]


@pytest.mark.parametrize("secret", [SECRET, Secret("x" * 127), Secret("x" * 128), Secret("x" * 129), Secret("é" * 300)])
@pytest.mark.parametrize("body", [b"", b"{}", ORDER, '{"é":"✓"}'.encode()])
def test_a_signer_signs_what_the_dialect_checks(secret: Secret, body: bytes) -> None:
    """Secrets around the block of SHA-384, where a hand-made HMAC goes wrong first."""
    signer = BitfinexSigner(KEY, secret)
    for target in (WALLETS, SUBMIT, "/v2/auth/r/orders/tBTCF0:USTF0", "/v2/auth/r/x9"):
        sent = signer.sign("POST", target, body, now_ms=NOW)
        assert sent.body == (body or b"{}")
        assert verdict(received(sent), secret=secret) == "allowed"
        assert sent == DIALECT.sign("POST", target, body, key=KEY, secret=secret, nonce=nonce_of(sent))


def test_an_object_is_written_once_and_signed_as_sent() -> None:
    signer = BitfinexSigner(KEY, SECRET)
    sent = signer.sign("POST", SUBMIT, {"symbol": "tBTCUSD", "note": "é"}, now_ms=NOW)
    assert sent.body == '{"symbol":"tBTCUSD","note":"é"}'.encode()
    assert verdict(received(sent)) == "allowed"
    assert signer.sign("POST", WALLETS, {}, now_ms=NOW).body == b"{}"


def test_the_nonce_is_microseconds_unless_one_is_given() -> None:
    assert nonce_of(DIALECT.sign("POST", WALLETS, b"", key=KEY, secret=SECRET, now_ms=NOW)) == NOW * 1000
    assert nonce_of(DIALECT.sign("POST", WALLETS, b"", key=KEY, secret=SECRET, now_ms=NOW, nonce=7)) == 7
    assert nonce_of(DIALECT.sign("POST", WALLETS, b"", key=KEY, secret=SECRET, nonce=LARGEST_NONCE)) == LARGEST_NONCE


@pytest.mark.parametrize(
    "wrong",
    [
        *({"method": "GET"}, {"method": "post"}, {"target": "/v2/auth/r/x?a=1"}, {"target": "/v2/auth/r/\ud800"}),
        *({"target": "/v2/calc/fx"}, {"target": "/v2/auth/r/x1", "nonce": 5}, {"body": b"a=1"}, {"body": b" {}"}),
        *({"body": {"a": float("nan")}}, {"nonce": 0}, {"nonce": -1}, {"nonce": LARGEST_NONCE + 1}, {"now_ms": None}),
        *({"now_ms": 1_700_000_000}, {"now_ms": NOW * 1000}, {"now_ms": -NOW}, {"key": ""}, {"key": "a\nb"}),
        *({"key": "\ud800"}, {"secret": Secret(b"")}),
    ],
    ids=str,
)  # fmt: skip
def test_what_would_be_refused_is_not_signed(wrong: dict[str, object]) -> None:
    asked = {"method": "POST", "target": WALLETS, "body": b"", "key": KEY, "secret": SECRET, "now_ms": NOW} | wrong
    with pytest.raises(Invalid):
        DIALECT.sign(**asked)  # type: ignore[arg-type]


def test_what_can_t_be_signed_uses_no_nonce() -> None:
    signer = BitfinexSigner(KEY, SECRET, last_nonce=9)
    for target, body in (("/v2/auth/r/x?", b""), (WALLETS, b"1")):
        with pytest.raises(Invalid):
            signer.sign("POST", target, body, now_ms=NOW)
    assert signer.last_nonce == 9


def test_a_nonce_given_to_a_signer_must_rise_too() -> None:
    signer = BitfinexSigner(KEY, SECRET, last_nonce=9)
    assert nonce_of(signer.sign("POST", WALLETS, nonce=10)) == 10
    with pytest.raises(Invalid):
        signer.sign("POST", WALLETS, nonce=10)


def test_after_the_last_nonce_there_is_none() -> None:
    signer = BitfinexSigner(KEY, SECRET, last_nonce=LARGEST_NONCE - 1)
    assert nonce_of(signer.sign("POST", WALLETS, now_ms=NOW)) == LARGEST_NONCE
    with pytest.raises(Invalid) as invalid:
        signer.sign("POST", WALLETS, now_ms=NOW)
    assert "new key" in invalid.value.hint
    with pytest.raises(Invalid):
        BitfinexSigner(KEY, SECRET, last_nonce=LARGEST_NONCE + 1)


def test_remembered_targets_do_not_grow_without_end() -> None:
    signer = BitfinexSigner(KEY, SECRET)
    for number in range(MOST_TARGETS + 10):
        signer.sign("POST", f"/v2/auth/r/order/tBTCUSD:{number}/trades", now_ms=NOW)
    assert len(signer._targets) <= MOST_TARGETS


def test_a_signer_shows_nothing_and_is_not_copied() -> None:
    signer = BitfinexSigner(KEY, SECRET)
    assert repr(signer) == "BitfinexSigner(•••)"
    for spread in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            spread(signer)
