"""Forms on Binance's wire that a signer writes itself, and forms that it looks at by a glance."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given, settings, strategies as st

from keywright.errors import Invalid
from keywright.protocol import binance_canonical
from keywright.protocol.binance import BinanceSigner
from keywright.protocol.refusal import Reason, Refused
from tests.protocol.binance_wire import KEY, NOW, SECRET, received, verdict

ADDED = frozenset({b"timestamp", b"signature"})
NAMES = st.sampled_from(["symbol", "a", "b_1", "quantity", "A1"])


def signer() -> BinanceSigner:
    return BinanceSigner(key=KEY, secret=SECRET)


@settings(max_examples=500)
@given(values=st.dictionaries(NAMES, st.text(max_size=8), min_size=1, max_size=4))
def test_a_dict_becomes_a_form_that_says_the_same_and_is_accepted(values: dict[str, str]) -> None:
    ready = signer()
    for _ in range(2):  # the second time the names are known
        try:
            sent = ready.sign("POST", "/api/v3/order", values, now_ms=NOW)
        except Invalid:
            text = "".join(values.values())
            assert any(
                ord(character) < 0x20 or character == "\x7f" or "\ud800" <= character <= "\udfff" for character in text
            )
            return
        assert verdict(received(sent), secret=SECRET) == "allowed"
        said = parse_qsl(sent.body.decode(), keep_blank_values=True)
        assert said[:-2] == list(values.items())
        assert [name for name, _ in said[-2:]] == ["timestamp", "signature"]


def test_values_that_are_no_text_are_written_in_their_one_way() -> None:
    fields = {"a": 1, "b": Decimal("1E-7"), "c": True, "d": "x y&z", "e": ""}
    sent = signer().sign("POST", "/api/v3/order", fields, now_ms=NOW)
    assert sent.body.startswith(b"a=1&b=0.0000001&c=true&d=x%20y%26z&e=&timestamp=")
    assert verdict(received(sent), secret=SECRET) == "allowed"


@pytest.mark.parametrize(
    "fields",
    [
        {"a": 0.1},
        {"a": None},
        {"a": ["b"]},
        {"a": b"b"},
        {"a": Decimal("NaN")},
        {"a": "\ud800"},
        {"a": "line\nend"},
        {"a b": "1"},
        {"a=b": "1"},
        {"": "1"},
        {1: "1"},
        {"a": "1", "A": "2"},
        {"timestamp": "1"},
        {"Signature": "1"},
        {f"n{number}": "1" for number in range(300)},
    ],
)
def test_what_no_form_can_say_is_invalid_whatever_was_signed_before(fields: dict[Any, Any]) -> None:
    ready = signer()
    ready.sign("POST", "/api/v3/order", {"a": "1"}, now_ms=NOW)
    for _ in range(2):
        with pytest.raises(Invalid):
            ready.sign("POST", "/api/v3/order", fields, now_ms=NOW)


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET", "/api/v3/order"), ("POST", "/api/v3/order?a=1"), ("POST", "/api//v3"), ("PATCH", "/a")],
)
def test_a_dict_goes_where_a_form_may_go_alone(method: str, target: str) -> None:
    for _ in range(2):
        with pytest.raises(Invalid):
            signer().sign(method, target, {"b": "1"}, now_ms=NOW)


def test_an_empty_dict_is_no_body() -> None:
    assert signer().sign("POST", "/a", {}, now_ms=NOW) == signer().sign("POST", "/a", now_ms=NOW)


def test_what_is_remembered_is_signed_as_the_first_time() -> None:
    ready = signer()
    for method, target, body in (
        ("GET", "/api/v3/order?symbol=A", b""),
        ("GET", b"/api/v3/order?symbol=A", b""),
        ("DELETE", "/api/v3/order?symbol=A", b""),
        ("GET", "/api/v3/account", b""),
        ("POST", "/api/v3/order", b"symbol=A"),
        ("POST", "/api/v3/order", {"symbol": "A"}),
        ("POST", "/api/v3/order", b""),
    ):
        fresh = signer().sign(method, target, body, now_ms=NOW)
        assert [ready.sign(method, target, body, now_ms=NOW) for _ in range(3)] == [fresh] * 3
        assert verdict(received(fresh), secret=SECRET) == "allowed"


def test_a_target_that_can_t_be_signed_never_can() -> None:
    ready = signer()
    ready.sign("GET", "/a?b=1", now_ms=NOW)
    for method, target in (("GET", "/a?b=1&b=2"), ("HEAD", "/a?b=1"), ("GET", "/a?timestamp=1"), ("GET", "/a?b=%41")):
        for _ in range(2):
            with pytest.raises(Invalid):
                ready.sign(method, target, now_ms=NOW)


def test_remembered_targets_do_not_grow_without_end() -> None:
    ready = signer()
    for number in range(3_000):
        ready.sign("GET", f"/api/v3/order?orderId={number}", now_ms=NOW)
    ready.sign("GET", "/api/v3/order?a=" + "x" * 1_000, now_ms=NOW)
    assert 0 < len(ready._known) <= 1_024
    assert all(len(target) <= 256 for _, target, _ in ready._known)


TOKENS = st.sampled_from(
    [b"a", b"B", b"=", b"&", b"1", b"_", b"-", b"%20", b"%", b"+", b" ", b"timestamp", b"signature"]
)


@settings(max_examples=2_000)
@given(text=st.lists(TOKENS, max_size=9).map(b"".join))
def test_what_passes_at_a_glance_passes_when_it_is_read(text: bytes) -> None:
    """The look that a signer takes agrees with the reader, which knows nothing of it."""
    try:
        form = binance_canonical._read(b"/a", text, Reason.BODY_MALFORMED)
        fine = form.signature is None and not form.names & ADDED
    except Refused:
        fine = False
    for _ in range(2):
        try:
            binance_canonical.read_unsigned("POST", b"/a", text, added=ADDED)
        except (Refused, Invalid):
            assert not fine
        else:
            assert fine


def test_a_form_is_what_urlencode_makes_of_an_order() -> None:
    order = {"symbol": "LTCBTC", "side": "BUY", "quantity": "1.5", "price": "0.1"}
    sent = signer().sign("POST", "/api/v3/order", order, now_ms=NOW)
    assert sent.body.startswith(urlencode(order).encode() + b"&timestamp=")
