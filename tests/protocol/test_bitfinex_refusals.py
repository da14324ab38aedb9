"""Every reason is said as Bitfinex would, in the words that clients compare; and what Bitfinex says is understood."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from keywright.protocol import bitfinex_refusals
from keywright.protocol.bitfinex import nonce_above
from keywright.protocol.refusal import Reason, Refused
from tests.protocol.bitfinex_wire import DIALECT

LIVE = {
    Reason.KEY_UNKNOWN: (10100, "apikey: invalid"),
    Reason.KEY_ALTERED: (10100, "apikey: invalid"),
    Reason.KEY_PENDING: (10100, "apikey: invalid"),
    Reason.KEY_REPLACED: (10100, "apikey: invalid"),
    Reason.KEY_DISABLED: (10100, "apikey: invalid"),
    Reason.KEY_EXPIRED: (10100, "apikey: invalid"),
    Reason.KEY_OTHER_ENVIRONMENT: (10100, "apikey: invalid"),
    Reason.SIGNATURE_MISMATCH: (10100, "apikey: digest invalid"),
    Reason.NONCE_NOT_INCREASING: (10114, "nonce: small"),
    Reason.PERMISSION_MISSING: (10001, "api_key: permission invalid"),
    Reason.PERMISSION_FROZEN: (10001, "api_key: permission invalid"),
    Reason.TOO_MANY_REQUESTS: (11010, "ratelimit: error"),
    Reason.NOT_SURE: (20060, "maintenance"),
    Reason.UPSTREAM_UNREACHABLE: (20060, "maintenance"),
}
OURS = {
    Reason.HEADER_MISSING: 10100,
    Reason.HEADER_REPEATED: 10100,
    Reason.PASSPHRASE_MISMATCH: 10100,
    Reason.ADDRESS_NOT_ALLOWED: 10100,
    Reason.NONCE_MALFORMED: 10114,
    Reason.KEY_FROZEN: 10001,
}
"""Every other reason is 10020, a fault of the request."""


def said(reason: Reason, **facts: Any) -> list[Any]:
    answer = DIALECT.refuse(Refused(reason, **facts))
    assert answer.status == 500
    value = json.loads(answer.body)
    assert isinstance(value, list)
    return value


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_an_error_of_three_elements(reason: Reason) -> None:
    kind, code, text = said(reason)
    assert kind == "error"
    if reason in LIVE:
        assert (code, text) == LIVE[reason]
    else:
        assert code == OURS.get(reason, 10020)
        assert text.endswith(DIALECT.hint(Refused(reason)))


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_hint_even_without_facts(reason: Reason) -> None:
    assert DIALECT.hint(Refused(reason)).endswith(".")


def test_the_table_has_nothing_but_reasons() -> None:
    assert set(bitfinex_refusals.TABLE) == set(Reason)


def test_an_unknown_key_and_an_altered_one_read_the_same() -> None:
    assert said(Reason.KEY_UNKNOWN) == said(Reason.KEY_ALTERED)
    assert DIALECT.hint(Refused(Reason.KEY_UNKNOWN)) == DIALECT.hint(Refused(Reason.KEY_ALTERED))


@pytest.mark.parametrize(
    ("reason", "facts", "words"),
    [
        (Reason.NONCE_NOT_INCREASING, {"nonce": 5, "last_nonce": 9}, ["has used 9", "5 is not", "at a time"]),
        (Reason.NONCE_NOT_INCREASING, {"nonce": 17 * 10**11, "last_nonce": 17 * 10**14}, ["finer unit", "new key"]),
        (Reason.NONCE_MALFORMED, {"unit": "nanoseconds"}, ["looks like nanoseconds"]),
        (Reason.NONCE_MALFORMED, {"highest": 2**52}, [str(2**52), "not taken", "microseconds"]),
        (Reason.NONCE_MALFORMED, {"rule": "a rule"}, ["A rule.", "leading zero"]),
        (Reason.ADDRESS_NOT_ALLOWED, {"address": "2001:db8::7"}, ["2001:db8::7", "list"]),
        (Reason.PERMISSION_MISSING, {"needed": "withdraw"}, ["'withdraw'", "never change"]),
        (Reason.KEY_OTHER_ENVIRONMENT, {"base_url": "https://x.example"}, ["https://x.example"]),
        (Reason.METHOD_NOT_ALLOWED, {"allowed": ["POST"]}, ["POST"]),
        (Reason.BODY_TOO_LARGE, {"most_bytes": 65536}, ["65536 bytes"]),
        (Reason.TOO_MANY_REQUESTS, {"retry_after_ms": 250}, ["250 ms"]),
        (Reason.ORDER_LIMIT, {"rule": "at most 100 USD"}, ["At most 100 USD.", "nothing was ordered"]),
        (Reason.SIGNATURE_MISMATCH, {}, ["HMAC-SHA384", "lower case"]),
    ],
)
def test_a_hint_says_what_to_do(reason: Reason, facts: dict[str, Any], words: list[str]) -> None:
    hint = DIALECT.hint(Refused(reason, **facts))
    assert [word for word in words if word not in hint] == []


def test_the_facts_of_the_nonce_rule_are_those_the_hints_use() -> None:
    for nonce, last, words in ((17, 10**15, "finer unit"), (2**53 - 1, 0, "was not taken")):
        with pytest.raises(Refused) as refused:
            nonce_above(nonce, last_nonce=last)
        assert words in DIALECT.hint(refused.value)


def test_our_words_are_none_that_clients_look_for() -> None:
    for reason in set(Reason) - set(LIVE):
        text = said(reason, rule="", allowed=["POST"], highest=1)[2].lower()
        for words in (
            "balance is only",
            "not enough exchange balance",
            "order not found",
            "symbol: invalid",
            "apikey:",
        ):
            assert words not in text


def test_an_answer_is_ascii_whatever_the_facts_hold() -> None:
    assert DIALECT.refuse(Refused(Reason.ADDRESS_NOT_ALLOWED, address='"é\n{0}')).body.isascii()


# ── understanding


@pytest.mark.parametrize("reason", Reason)
def test_what_we_say_is_understood(reason: Reason) -> None:
    answer = DIALECT.refuse(Refused(reason, rule="a rule", address="203.0.113.9"))
    understood = DIALECT.understand(answer.status, answer.body)
    assert reason in understood
    assert reason in LIVE or understood == (reason,)


@pytest.mark.parametrize(
    ("status", "body", "first"),
    [
        (500, b'["error",10100,"apikey: invalid"]', Reason.KEY_UNKNOWN),
        (500, b'["error",10100,"apikey: digest invalid"]', Reason.SIGNATURE_MISMATCH),
        (500, b'["error", 10100, "something new"]', Reason.KEY_UNKNOWN),
        (500, b'["error",10100]', Reason.KEY_UNKNOWN),
        (500, b'["error",10112,null]', Reason.SIGNATURE_MISMATCH),
        (500, b'["error",10114,"nonce: small"]', Reason.NONCE_NOT_INCREASING),
        (500, b'["error",10001,"api_key: permission invalid"]', Reason.PERMISSION_MISSING),
        (500, b'["error",11010,"ratelimit: error"]', Reason.TOO_MANY_REQUESTS),
        (429, b'{"error":"ERR_RATE_LIMIT"}', Reason.TOO_MANY_REQUESTS),
        (429, b"<html>slow down</html>", Reason.TOO_MANY_REQUESTS),
        (500, b'["error",20060,"maintenance"]', Reason.UPSTREAM_UNREACHABLE),
        (503, b'{"code":503,"error":"temporarily_unavailable","error_description":"x"}', Reason.UPSTREAM_UNREACHABLE),
        (400, b'{"message":"Nonce is too small."}', Reason.NONCE_NOT_INCREASING),
        (502, b"<html><h1>502 Bad Gateway</h1></html>", Reason.UPSTREAM_UNREACHABLE),
        (404, b"", Reason.ROUTE_UNKNOWN),
    ],
)
def test_what_bitfinex_says_is_understood(status: int, body: bytes, first: Reason) -> None:
    assert DIALECT.understand(status, body)[0] is first


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b"[]"),
        (200, b'[1567590617.442,"on-req",null,null,[],null,"SUCCESS","Submitting 1 orders."]'),
        (500, b'["error",10001,"Invalid order: not enough exchange balance for 1 BTCUSD at 1"]'),
        (500, b'["error",10020,"symbol: invalid"]'),
        (500, b'["error",null,null]'),
        (500, b'["error",true,"x"]'),
        (500, b"oops"),
        (500, b'["error",NaN,"x"]'),
        (500, b'["error",' + b"1" * 5000 + b',"x"]'),
        (500, b"[" * 100_000),
        (500, b'{"error":{"message":"x"}}'),
        (200, b"\xff"),
        (0, b""),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_refusal_is_taken_for_none(status: int, body: bytes) -> None:
    assert DIALECT.understand(status, body) == ()


@settings(max_examples=500, deadline=None)
@given(
    status=st.integers(),
    body=st.binary(max_size=60)
    | st.lists(st.text(max_size=9) | st.integers() | st.none() | st.just("error"), max_size=4).map(
        lambda value: json.dumps(value).encode()
    ),
)
def test_anything_at_all_is_understood_or_not(status: int, body: bytes) -> None:
    assert set(DIALECT.understand(status, body)) <= set(Reason)
