"""Every reason is said, as the refusal table has it, in the words that clients match on, with a hint that helps."""

from __future__ import annotations

import json
from typing import Any

import pytest

from keywright.protocol import kucoin_refusals
from keywright.protocol.kucoin import KucoinDialect
from keywright.protocol.refusal import Reason, Refused
from tests.protocol.wire import DIALECT, signed

HEADERS = "Please check the header of your request for KC-API-KEY, KC-API-SIGN, KC-API-TIMESTAMP, KC-API-PASSPHRASE"
OLD_KEY = "V1 & V2 API keys are no longer supported by this API. Please create a V3 API key."
BUSY = "Too many requests. User-level rate limit exceeded."

# Written out once more, by hand, from the specification's table and the live texts beside it.
EXPECTED = {
    Reason.MALFORMED: (400, "400100", "Parameter Error"),
    Reason.HEADERS_TOO_LARGE: (431, "400100", "Parameter Error"),
    Reason.BODY_TOO_LARGE: (413, "400100", "Parameter Error"),
    Reason.LENGTH_REQUIRED: (411, "400100", "Parameter Error"),
    Reason.METHOD_NOT_ALLOWED: (405, "400100", "Parameter Error"),
    Reason.TARGET_NOT_CANONICAL: (400, "400100", "Parameter Error"),
    Reason.BODY_NOT_ALLOWED: (400, "400100", "Parameter Error"),
    Reason.BODY_MALFORMED: (400, "400100", "Parameter Error"),
    Reason.ROUTE_UNKNOWN: (404, "404000", "Url Not Found"),
    Reason.HEADER_MISSING: (400, "400001", HEADERS),
    Reason.HEADER_REPEATED: (400, "400001", HEADERS),
    Reason.TIMESTAMP_MALFORMED: (400, "400002", "Invalid KC-API-TIMESTAMP"),
    Reason.TIMESTAMP_OUT_OF_WINDOW: (400, "400002", "Invalid KC-API-TIMESTAMP"),
    Reason.KEY_VERSION_UNKNOWN: (400, "400009", "Invalid KC-API-KEY-VERSION."),
    Reason.KEY_VERSION_OFF: (401, "400008", OLD_KEY),
    Reason.KEY_UNKNOWN: (401, "400003", "KC-API-KEY not exists"),
    Reason.SIGNATURE_MISMATCH: (401, "400005", "Invalid KC-API-SIGN"),
    Reason.PASSPHRASE_MISMATCH: (401, "400004", "Invalid KC-API-PASSPHRASE"),
    Reason.KEY_PENDING: (401, "400003", "KC-API-KEY not exists"),
    Reason.KEY_REPLACED: (401, "400003", "KC-API-KEY not exists"),
    Reason.KEY_DISABLED: (401, "400003", "KC-API-KEY not exists"),
    Reason.KEY_EXPIRED: (401, "400003", "KC-API-KEY not exists"),
    Reason.KEY_OTHER_ENVIRONMENT: (401, "400003", "KC-API-KEY not exists"),
    Reason.KEY_FROZEN: (403, "411100", "User is frozen"),
    Reason.KEY_ALTERED: (401, "400003", "KC-API-KEY not exists"),
    Reason.ADDRESS_NOT_ALLOWED: (403, "400006", "Invalid request ip, the current clientIp is:203.0.113.9"),
    Reason.PERMISSION_MISSING: (403, "400007", "Access denied, require more permission."),
    Reason.PERMISSION_FROZEN: (403, "400007", "Access denied, require more permission."),
    Reason.ORDER_LIMIT: (400, "400100", "Parameter Error"),
    Reason.REPLAYED: (400, "400100", "Parameter Error"),
    Reason.NONCE_MALFORMED: (400, "400100", "Parameter Error"),
    Reason.NONCE_NOT_INCREASING: (400, "400100", "Parameter Error"),
    Reason.TOO_MANY_REQUESTS: (429, "429000", BUSY),
    Reason.NOT_SURE: (503, "503000", "Service Unavailable"),
    Reason.UPSTREAM_UNREACHABLE: (503, "503000", "Service Unavailable"),
}


def said(reason: Reason, dialect: KucoinDialect = DIALECT, **facts: Any) -> dict[str, str]:
    body = json.loads(dialect.refuse(Refused(reason, **facts)).body)
    assert isinstance(body, dict)
    return body


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_said_as_the_table_has_it(reason: Reason) -> None:
    answer = DIALECT.refuse(Refused(reason, address="203.0.113.9"))
    body = json.loads(answer.body)
    assert (answer.status, body["code"], body["msg"]) == EXPECTED[reason]
    assert set(body) == {"code", "msg", "hint"}


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_a_hint_even_without_facts(reason: Reason) -> None:
    hint = said(reason)["hint"]
    assert hint.endswith(".")
    assert "{" not in hint.replace("'{'", "")


@pytest.mark.parametrize("reason", Reason)
def test_an_exchange_with_headers_of_its_own_never_says_kc_api(reason: Reason) -> None:
    own = KucoinDialect(header_prefix="ACME-")
    assert "KC-API" not in own.refuse(Refused(reason)).body.decode()


def test_a_hint_holds_no_words_that_clients_look_for() -> None:
    """ccxt looks for these in the whole body, after the code."""
    for reason in Reason:
        hint = said(reason, rule="", allowed=["GET"], most_bytes=1, retry_after_ms=5, needed="trade")["hint"].lower()
        for words in ("require more permission", "exceeded the access frequency", "does not exist"):
            assert words not in hint


@pytest.mark.parametrize(
    ("reason", "facts", "words"),
    [
        (
            Reason.TIMESTAMP_OUT_OF_WINDOW,
            {"skew_ms": 41_250, "window_ms": 30_000},
            ["41250 ms ahead", "30000 ms", "NTP"],
        ),
        (Reason.TIMESTAMP_OUT_OF_WINDOW, {"skew_ms": -30_001}, ["30001 ms behind"]),
        (Reason.TIMESTAMP_OUT_OF_WINDOW, {"skew_ms": -1_698_300_000_000}, ["seconds", "milliseconds"]),
        (Reason.TIMESTAMP_MALFORMED, {"unit": "seconds"}, ["looks like seconds", "KC-API-TIMESTAMP is milliseconds"]),
        (Reason.ADDRESS_NOT_ALLOWED, {"address": "2001:db8::7"}, ["2001:db8::7", "list"]),
        (Reason.PERMISSION_MISSING, {"needed": "withdraw"}, ["'withdraw'", "never change", "new key"]),
        (Reason.KEY_OTHER_ENVIRONMENT, {"base_url": "https://futures.example"}, ["https://futures.example"]),
        (Reason.KEY_OTHER_ENVIRONMENT, {"base_url": ""}, ["that environment's base URL"]),
        (Reason.ADDRESS_NOT_ALLOWED, {"address": ""}, ["The address it came from"]),
        (Reason.MALFORMED, {"what": "a request names its host once"}, ["A request names its host once."]),
        (Reason.KEY_DISABLED, {}, ["disabled", "enable"]),
        (Reason.KEY_EXPIRED, {}, ["expired", "new one"]),
        (Reason.HEADER_MISSING, {"header": "KC-API-SIGN"}, ["KC-API-SIGN", "once"]),
        (Reason.HEADER_REPEATED, {"header": "KC-API-SIGN"}, ["KC-API-SIGN", "once"]),
        (Reason.TARGET_NOT_CANONICAL, {"rule": "the path holds '//'"}, ["The path holds '//'."]),
        (Reason.BODY_MALFORMED, {"rule": "the body names a field twice"}, ["The body names a field twice."]),
        (Reason.SIGNATURE_MISMATCH, {"rule": "a value holds '+'"}, ["A value holds '+'.", "timestamp + METHOD"]),
        (Reason.TOO_MANY_REQUESTS, {"retry_after_ms": 250}, ["250 ms"]),
        (Reason.BODY_TOO_LARGE, {"most_bytes": 65536}, ["65536 bytes"]),
        (Reason.METHOD_NOT_ALLOWED, {"allowed": ["DELETE", "GET"]}, ["DELETE, GET"]),
        (Reason.KEY_VERSION_OFF, {}, ["KC-API-KEY-VERSION: 3", "base64(HMAC-SHA256(secret, passphrase))"]),
        (Reason.REPLAYED, {}, ["Look up"]),
        (Reason.ORDER_LIMIT, {"rule": "this key takes orders up to 100 USDT"}, ["100 USDT", "nothing was ordered"]),
    ],
)
def test_a_hint_says_what_to_do(reason: Reason, facts: dict[str, Any], words: list[str]) -> None:
    hint = said(reason, **facts)["hint"]
    assert [word for word in words if word not in hint] == []


def test_an_unknown_key_and_an_altered_one_read_the_same() -> None:
    assert said(Reason.KEY_UNKNOWN) == said(Reason.KEY_ALTERED)


def test_not_sure_and_unreachable_read_differently() -> None:
    assert said(Reason.NOT_SURE)["hint"] != said(Reason.UPSTREAM_UNREACHABLE)["hint"]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (b"/api/v1/x#f", "The path holds '#'"),
        (b"/api/v1/x?a=1#f", "The query holds '#': percent-encode it."),
        (b"/api/v1/x?a={", "The query holds '{': percent-encode it."),
        (b"/api/v1/x?a=\xc3\xa9", "The query holds the byte 0xC3: percent-encode it."),
        (b"/api/v1/x?a=\x1b[2J", "The query holds the byte 0x1B: percent-encode it."),
        (b"/api/v1/x?a=50%", "a plain '%' is written %25"),
        (b"/api/v1/x?a=%FF", "not UTF-8"),
        (b"/api/v1/x?a=%0A", "control character"),
        (b"/api//x", "The path holds '//'."),
        (b"/api/../x", "'.' or '..' segment"),
        (b"http://x/api", "no scheme, no host"),
    ],
)
def test_what_is_not_canonical_is_named(target: bytes, words: str) -> None:
    with pytest.raises(Refused) as refused:
        DIALECT.read(signed(target=target), body_allowed=False)
    assert words in json.loads(DIALECT.refuse(refused.value).body)["hint"]


def test_an_answer_is_ascii_whatever_the_facts_hold() -> None:
    answer = DIALECT.refuse(Refused(Reason.ADDRESS_NOT_ALLOWED, address='"é\n{0}'))
    assert answer.body.isascii()
    assert json.loads(answer.body)["msg"].endswith('"é\n{0}')


def test_the_table_has_nothing_but_reasons() -> None:
    assert set(kucoin_refusals.TABLE) == set(Reason) == set(EXPECTED)
