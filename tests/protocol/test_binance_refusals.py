"""How every reason is said on Binance's wire, and what Binance's own answers are taken for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from keywright.protocol.binance_errors import MEANINGS
from keywright.protocol.refusal import Reason, Refused
from tests.protocol.binance_wire import DIALECT

NO_KEY = "Invalid API-key, IP, or permissions for action."
ILLEGAL = "Illegal characters found in a parameter."
EXPECTED: dict[Reason, tuple[int, int, str]] = {
    Reason.MALFORMED: (400, -1100, ILLEGAL),
    Reason.HEADERS_TOO_LARGE: (431, -1100, ILLEGAL),
    Reason.BODY_TOO_LARGE: (413, -1100, ILLEGAL),
    Reason.LENGTH_REQUIRED: (411, -1100, ILLEGAL),
    Reason.METHOD_NOT_ALLOWED: (405, -1020, "This operation is not supported."),
    Reason.TARGET_NOT_CANONICAL: (400, -1100, ILLEGAL),
    Reason.BODY_NOT_ALLOWED: (400, -1100, ILLEGAL),
    Reason.BODY_MALFORMED: (400, -1100, ILLEGAL),
    Reason.ROUTE_UNKNOWN: (404, -1020, "This operation is not supported."),
    Reason.HEADER_MISSING: (401, -2014, "API-key format invalid."),
    Reason.HEADER_REPEATED: (400, -1101, "Duplicate values for a parameter detected."),
    Reason.TIMESTAMP_MALFORMED: (
        400,
        -1102,
        "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.",
    ),
    Reason.TIMESTAMP_OUT_OF_WINDOW: (400, -1021, "Timestamp for this request is outside of the recvWindow."),
    Reason.NONCE_MALFORMED: (400, -1100, ILLEGAL),
    Reason.NONCE_NOT_INCREASING: (400, -1100, ILLEGAL),
    Reason.KEY_VERSION_UNKNOWN: (400, -1020, "This operation is not supported."),
    Reason.KEY_VERSION_OFF: (400, -1020, "This operation is not supported."),
    Reason.KEY_UNKNOWN: (401, -2015, NO_KEY),
    Reason.SIGNATURE_MISMATCH: (400, -1022, "Signature for this request is not valid."),
    Reason.PASSPHRASE_MISMATCH: (401, -2015, NO_KEY),
    Reason.KEY_PENDING: (401, -2015, NO_KEY),
    Reason.KEY_REPLACED: (401, -2015, NO_KEY),
    Reason.KEY_DISABLED: (401, -2015, NO_KEY),
    Reason.KEY_EXPIRED: (401, -2015, NO_KEY),
    Reason.KEY_OTHER_ENVIRONMENT: (401, -2015, NO_KEY),
    Reason.KEY_FROZEN: (403, -1002, "You are not authorized to execute this request."),
    Reason.KEY_ALTERED: (401, -2015, NO_KEY),
    Reason.ADDRESS_NOT_ALLOWED: (401, -2015, NO_KEY),
    Reason.PERMISSION_MISSING: (401, -2015, NO_KEY),
    Reason.PERMISSION_FROZEN: (401, -2015, NO_KEY),
    Reason.ORDER_LIMIT: (400, -2010, "This action is disabled on this account."),
    Reason.REPLAYED: (400, -1130, "Data sent for parameter 'signature' is not valid."),
    Reason.TOO_MANY_REQUESTS: (429, -1003, "Too many requests queued."),
    Reason.NOT_SURE: (503, -1001, "Internal error; unable to process your request. Please try again."),
    Reason.UPSTREAM_UNREACHABLE: (
        503,
        -1007,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
    ),
}


def said(reason: Reason, **facts: Any) -> tuple[int, dict[str, Any]]:
    answer = DIALECT.refuse(Refused(reason, **facts))
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_said_as_the_table_has_it(reason: Reason) -> None:
    status, body = said(reason)
    assert (status, body["code"], body["msg"]) == EXPECTED[reason]
    assert set(body) == {"code", "msg", "hint"}
    assert body["hint"].endswith(".")


@pytest.mark.parametrize(
    ("reason", "facts", "status", "code", "words"),
    [
        (Reason.HEADER_MISSING, {"parameter": "signature"}, 400, -1102, "Mandatory parameter 'signature'"),
        (Reason.HEADER_MISSING, {"parameter": "timestamp"}, 400, -1102, "Mandatory parameter 'timestamp'"),
        (Reason.HEADER_MISSING, {"header": "X-MBX-APIKEY"}, 401, -2014, "API-key format"),
        (Reason.TIMESTAMP_MALFORMED, {"parameter": "recvWindow"}, 400, -1102, "'recvWindow'"),
        (Reason.TIMESTAMP_MALFORMED, {"parameter": "recvWindow", "most_ms": 60_000}, 400, -1131, "less than 60000"),
        (Reason.TIMESTAMP_OUT_OF_WINDOW, {"skew_ms": 1000}, 400, -1021, "1000ms ahead of the server's time."),
        (Reason.TIMESTAMP_OUT_OF_WINDOW, {"skew_ms": -9000}, 400, -1021, "outside of the recvWindow."),
        (Reason.BODY_MALFORMED, {"repeated": True}, 400, -1101, "Duplicate values"),
        (Reason.PERMISSION_MISSING, {"path": "/sapi/v1/capital/withdraw/apply"}, 400, -2015, NO_KEY),
        (Reason.PERMISSION_MISSING, {"path": "/api/v3/order"}, 401, -2015, NO_KEY),
    ],
)
def test_facts_choose_among_binance_s_words(
    reason: Reason, facts: dict[str, Any], status: int, code: int, words: str
) -> None:
    got, body = said(reason, **facts)
    assert (got, body["code"]) == (status, code)
    assert words in body["msg"]


@pytest.mark.parametrize(
    ("reason", "facts", "words"),
    [
        (Reason.TIMESTAMP_OUT_OF_WINDOW, {"skew_ms": 41_250}, ["41250 ms ahead", "1000 ms", "NTP"]),
        (Reason.TIMESTAMP_OUT_OF_WINDOW, {"skew_ms": -6_000, "window_ms": 5_000}, ["6000 ms behind", "5000 ms"]),
        (Reason.TIMESTAMP_MALFORMED, {"unit": "seconds"}, ["looks like seconds", "13 digits"]),
        (Reason.ADDRESS_NOT_ALLOWED, {"address": "2001:db8::7"}, ["2001:db8::7", "list"]),
        (Reason.PERMISSION_MISSING, {"needed": "withdraw"}, ["'withdraw'", "new key"]),
        (Reason.KEY_OTHER_ENVIRONMENT, {"base_url": "https://x.example"}, ["https://x.example"]),
        (Reason.TARGET_NOT_CANONICAL, {"rule": "the path holds '//'"}, ["The path holds '//'."]),
        (Reason.METHOD_NOT_ALLOWED, {"allowed": ["GET"]}, ["GET"]),
        (Reason.BODY_TOO_LARGE, {"most_bytes": 65536}, ["65536"]),
        (Reason.TOO_MANY_REQUESTS, {"retry_after_ms": 250}, ["250 ms"]),
        (Reason.REPLAYED, {}, ["Look up"]),
        (Reason.SIGNATURE_MISMATCH, {}, ["Percent-encode", "exactly as it is sent"]),
    ],
)
def test_a_hint_says_what_to_do(reason: Reason, facts: dict[str, Any], words: list[str]) -> None:
    hint = said(reason, **facts)[1]["hint"]
    assert [word for word in words if word not in hint] == []


def test_a_hint_holds_no_words_that_clients_look_for() -> None:
    """ccxt looks for these in the whole body, before the code."""
    for reason in Reason:
        body = DIALECT.refuse(Refused(reason, allowed=["GET"], needed="trade", rule="a rule")).body.decode()
        for words in ("Price * QTY is zero or less", "LOT_SIZE", "PRICE_FILTER", "MAX_POSITION", "operation privilege"):
            assert words not in body


def test_an_unknown_key_and_an_altered_one_read_the_same() -> None:
    assert said(Reason.KEY_UNKNOWN) == said(Reason.KEY_ALTERED)


# ── the other way round


def error(code: int, msg: str = "") -> bytes:
    return json.dumps({"code": code, "msg": msg}).encode()


@pytest.mark.parametrize("reason", Reason)
def test_what_we_say_is_understood(reason: Reason) -> None:
    """Where the wire has a code of its own for a reason, it is among what our own answer may mean."""
    answer = DIALECT.refuse(
        Refused(reason, parameter="signature") if reason is Reason.HEADER_MISSING else Refused(reason)
    )
    code = EXPECTED[reason][1]
    if code in MEANINGS and code not in {-1020, -1101, -2015, -1001} and reason is not Reason.HEADER_MISSING:
        assert DIALECT.understand(answer.status, answer.body)[0] in {reason, Reason.PERMISSION_MISSING}


@pytest.mark.parametrize(
    ("status", "body", "first"),
    [
        (401, error(-2015, NO_KEY), [Reason.KEY_UNKNOWN, Reason.ADDRESS_NOT_ALLOWED, Reason.PERMISSION_MISSING]),
        (400, error(-2015, NO_KEY), [Reason.KEY_UNKNOWN, Reason.ADDRESS_NOT_ALLOWED, Reason.PERMISSION_MISSING]),
        (401, error(-2014), [Reason.KEY_UNKNOWN, Reason.HEADER_MISSING]),
        (400, error(-2008), [Reason.KEY_UNKNOWN]),
        (400, error(-1022), [Reason.SIGNATURE_MISMATCH]),
        (400, error(-1021), [Reason.TIMESTAMP_OUT_OF_WINDOW]),
        (400, error(-1131), [Reason.TIMESTAMP_MALFORMED]),
        (400, error(-1102, "Mandatory parameter 'timestamp' was not sent"), [Reason.TIMESTAMP_MALFORMED]),
        (400, error(-1102, "Mandatory parameter 'signature' was not sent"), [Reason.HEADER_MISSING]),
        (400, error(-1102, "Mandatory parameter 'symbol' was not sent"), []),
        (400, error(-2010, "This action is disabled on this account."), [Reason.KEY_FROZEN]),
        (400, error(-2010, "Account has insufficient balance for requested action."), []),
        (400, error(-1121, "Invalid symbol."), []),
        (409, error(-2021, "Order cancel-replace partially failed."), []),
        (429, error(-1003), [Reason.TOO_MANY_REQUESTS]),
        (418, b"", [Reason.TOO_MANY_REQUESTS]),
        (403, b"<html>403 Forbidden</html>", [Reason.TOO_MANY_REQUESTS, Reason.ADDRESS_NOT_ALLOWED]),
        (451, b"{}", [Reason.ADDRESS_NOT_ALLOWED]),
        (404, b"<html>", [Reason.ROUTE_UNKNOWN]),
        (502, b"<html>", [Reason.UPSTREAM_UNREACHABLE]),
        (504, error(-1007), [Reason.UPSTREAM_UNREACHABLE]),
        (401, b"", [Reason.KEY_UNKNOWN]),
        (200, b"{}", []),
        (200, b"[]", []),
        (200, b'{"code":200,"msg":"success"}', []),
        (200, b'{"code":0}', []),
        (400, b'{"code":true}', []),
        (400, b'{"code":"-2015"}', []),
        (500, b'{"code":' + b"9" * 5000 + b"}", [Reason.UPSTREAM_UNREACHABLE]),
        (429, b"{" * 1_000_000, [Reason.TOO_MANY_REQUESTS]),
        (400, b'{"code":-2015,"code":-1022}', []),
    ],
)
def test_an_answer_is_understood(status: int, body: bytes, first: list[Reason]) -> None:
    understood = list(DIALECT.understand(status, body))
    assert understood[: len(first)] == first
    assert bool(understood) == bool(first)


@settings(max_examples=500, deadline=None)
@given(st.integers(-(10**9), 10**9), st.binary(max_size=100) | st.text(max_size=60).map(lambda t: error(-1022, t)))
def test_understanding_never_raises(status: int, body: bytes) -> None:
    assert all(isinstance(reason, Reason) for reason in DIALECT.understand(status, body))
