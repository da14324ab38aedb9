"""Each mistake, made as clients make it: a signature over something else than what is sent, and nothing told but that."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings, strategies as st

from keywright.errors import Invalid
from keywright.protocol.explain import EXCHANGES, Explanation, Mistake, compare, explain
from keywright.protocol.explain_causes import TEXTS
from keywright.protocol.message import Request
from keywright.secret import Secret
from tests.protocol.wire import DIALECT, KEY, PASSPHRASE, PASSPHRASE_HEADER, SECRET, STAMP, mac, signed, with_headers

NOW = int(STAMP) + 120
S, P, T = SECRET.reveal(), PASSPHRASE.reveal(), STAMP.encode()
ORDER = b'{"symbol":"BTC-USDT","side":"buy","size":"0.001"}'
MAC = hmac.digest(S, T + b"GET/api/v1/accounts?currency=BTC", "sha256")
# Its base64 has both of the characters that the URL-safe alphabet replaces.
ODD_STAMP, ODD = next(
    (str(stamp), value)
    for stamp in range(int(STAMP), int(STAMP) + 5000)
    if {43, 47} <= set(value := mac(f"{stamp}GET/api/v1/accounts?currency=BTC".encode()))
)


def told(
    request: Request, *, secret: Secret = SECRET, passphrase: Secret | None = PASSPHRASE, now: int = NOW
) -> Explanation:
    return explain(request, secret=secret, passphrase=passphrase, now_ms=now)


def get(signed_text: bytes, target: bytes = b"/api/v1/accounts?currency=BTC", **instead: Any) -> Request:
    return signed("GET", target, **({"sign": mac(T + signed_text)} | instead))


def post(signed_body: bytes, body: bytes = ORDER) -> Request:
    return signed("POST", b"/api/v1/orders", body, over=("POST", b"/api/v1/orders", signed_body))


def by(secret: bytes, **instead: Any) -> Request:
    """Return a request whose client used other bytes as its secret, for both MACs."""
    other = Secret(secret)
    made = {"sign": mac(T + b"GET/api/v1/accounts?currency=BTC", other), "passphrase": mac(P, other)}
    return signed(**(made | instead))


def hashed(name: str) -> bytes:
    return base64.b64encode(hmac.digest(S, T + b"GET/api/v1/accounts?currency=BTC", name))


WHOLE = b"GET/api/v1/accounts?currency=BTC"
SPACED = b"/api/v1/accounts?remark=a%20b"

CASES: Mapping[str, tuple[Mistake, Request]] = {
    "seconds signed": (Mistake.STAMP_SIGNED_IN_OTHER_UNIT, signed(sign=mac(T[:10] + WHOLE))),
    "seconds with a point": (Mistake.STAMP_SIGNED_IN_OTHER_UNIT, signed(sign=mac(T[:10] + b".0" + WHOLE))),
    "microseconds signed": (Mistake.STAMP_SIGNED_IN_OTHER_UNIT, signed(sign=mac(T + b"000" + WHOLE))),
    "clock read twice": (Mistake.STAMP_READ_TWICE, signed(sign=mac(str(int(STAMP) - 7).encode() + WHOLE))),
    "other header's stamp": (
        Mistake.STAMP_OF_OTHER_HEADER,
        with_headers(signed(sign=mac(b"1600000000000" + WHOLE)), [(b"x-timestamp", b"1600000000000")]),
    ),
    "method in lower case": (Mistake.METHOD_LOWER_CASE, get(b"get/api/v1/accounts?currency=BTC")),
    "another method": (Mistake.METHOD_OTHER, get(b"POST/api/v1/accounts?currency=BTC")),
    "without /api": (Mistake.PATH_WITHOUT_PREFIX, get(b"GET/v1/accounts?currency=BTC")),
    "without /api/v1": (Mistake.PATH_WITHOUT_PREFIX, get(b"GET/accounts?currency=BTC")),
    "sent without /api": (
        Mistake.PATH_SENT_WITHOUT_PREFIX,
        get(WHOLE, target=b"/v1/accounts?currency=BTC"),
    ),
    "sent below a prefix": (Mistake.PATH_SENT_BELOW_OTHER, get(WHOLE, target=b"/spot/api/v1/accounts?currency=BTC")),
    "host signed": (
        Mistake.PATH_WITH_HOST,
        with_headers(get(b"GEThttps://api.kucoin.com" + WHOLE[3:]), [(b"host", b"api.kucoin.com")]),
    ),
    "slash at the end": (Mistake.PATH_SLASH, get(b"GET/api/v1/accounts/", target=b"/api/v1/accounts")),
    "path decoded": (Mistake.PATH_ENCODING, get(b"GET/api/v1/a b", target=b"/api/v1/a%20b")),
    "query not signed": (Mistake.QUERY_NOT_SIGNED, get(b"GET/api/v1/accounts")),
    "no question mark": (Mistake.QUERY_MARK, get(b"GET/api/v1/accountscurrency=BTC")),
    "query decoded, ambiguous": (
        Mistake.QUERY_DECODED,
        get(b"GET/api/v1/accounts?remark=a&b", target=b"/api/v1/accounts?remark=a%26b"),
    ),
    "encoded twice for signing": (
        Mistake.QUERY_ENCODED_TWICE,
        get(b"GET/api/v1/accounts?remark=a%2520b", target=SPACED),
    ),
    "encoded twice for sending": (
        Mistake.QUERY_ENCODED_TWICE,
        get(b"GET/api/v1/accounts?remark=a%20b", target=b"/api/v1/accounts?remark=a%2520b"),
    ),
    "plus for %20": (Mistake.QUERY_PLUS_FOR_SPACE, get(b"GET/api/v1/accounts?remark=a+b", target=SPACED)),
    "%20 for plus": (
        Mistake.QUERY_PLUS_FOR_SPACE,
        get(b"GET/api/v1/accounts?remark=a%20b", target=b"/api/v1/accounts?remark=a+b"),
    ),
    "lower-case escapes": (
        Mistake.QUERY_ESCAPES_DIFFER,
        get(b"GET/api/v1/accounts?remark=%c3%a9%2b", target=b"/api/v1/accounts?remark=%C3%A9%2B"),
    ),
    "more escaped": (
        Mistake.QUERY_ESCAPES_DIFFER,
        get(b"GET/api/v1/accounts?at=12%3A30", target=b"/api/v1/accounts?at=12:30"),
    ),
    "sorted": (Mistake.QUERY_SORTED, get(b"GET/api/v1/accounts?a=2&b=1", target=b"/api/v1/accounts?b=1&a=2")),
    "parameters as a body": (
        Mistake.QUERY_AS_BODY,
        get(b'GET/api/v1/accounts{"currency": "BTC"}'),
    ),
    "not canonical": (Mistake.TARGET_NOT_CANONICAL, signed(target=b"/api/v1//accounts")),
    "another exchange's host": (Mistake.HOST_FOREIGN, with_headers(signed(), [(b"host", b"api.binance.com")])),
    "futures at the spot host": (
        Mistake.HOST_FOREIGN,
        with_headers(signed(target=b"/api/v1/contracts/active"), [(b"host", b"api.kucoin.com")]),
    ),
    "body not signed": (Mistake.BODY_NOT_SIGNED, post(b"")),
    "body with spaces": (Mistake.BODY_SERIALISED_AGAIN, post(json.dumps(json.loads(ORDER)).encode())),
    "body sorted": (
        Mistake.BODY_SERIALISED_AGAIN,
        post(json.dumps(json.loads(ORDER), sort_keys=True, separators=(",", ":")).encode()),
    ),
    "body escaped": (
        Mistake.BODY_SERIALISED_AGAIN,
        post(b'{"note":"\\u00e9"}', body='{"note":"é"}'.encode()),
    ),
    "body by Go": (Mistake.BODY_SERIALISED_AGAIN, post(b'{"note":"a\\u0026b"}', body=b'{"note":"a&b"}')),
    "body by JavaScript": (Mistake.BODY_SERIALISED_AGAIN, post(b'{"size":10}', body=b'{"size": 10.0}')),
    "body as Python's str": (Mistake.BODY_SERIALISED_AGAIN, post(str(json.loads(ORDER)).encode())),
    "body as a form": (Mistake.BODY_SERIALISED_AGAIN, post(b"symbol=BTC-USDT&side=buy&size=0.001")),
    "body with a line end": (Mistake.BODY_WHITE_SPACE, post(ORDER + b"\n")),
    "braces for nothing": (Mistake.BODY_FOR_EMPTY, get(WHOLE + b"{}")),
    "None for nothing": (Mistake.BODY_FOR_EMPTY, get(WHOLE + b"None")),
    "body percent-encoded": (Mistake.BODY_AS_FORM, post(quote(ORDER).encode())),
    "body on GET": (Mistake.BODY_NOT_TAKEN, signed("GET", b"/api/v1/accounts", b'{"a":1}')),
    "body no JSON": (Mistake.BODY_NOT_TAKEN, signed("POST", b"/api/v1/orders", b"a=1")),
    "method first": (Mistake.ORDER_OTHER, signed(sign=mac(b"GET" + T + WHOLE[3:]))),
    "no timestamp": (Mistake.PART_LEFT_OUT, signed(sign=mac(WHOLE))),
    "line end by echo": (Mistake.PART_ADDED, get(WHOLE + b"\n")),
    "key added": (Mistake.PART_ADDED, signed(sign=mac(T + KEY.encode() + WHOLE))),
    "secret with a line end": (Mistake.SECRET_WHITE_SPACE, by(S + b"\n")),
    "secret with a space": (Mistake.SECRET_WHITE_SPACE, by(b" " + S)),
    "secret in quotes": (Mistake.SECRET_QUOTED, by(b'"' + S + b'"')),
    "secret from hex": (Mistake.SECRET_DECODED, by(bytes.fromhex(S.decode().replace("-", "")))),
    "secret without hyphens": (Mistake.SECRET_CHANGED, by(S.replace(b"-", b""))),
    "secret unset": (Mistake.SECRET_EMPTY, by(b"")),
    "secret None": (Mistake.SECRET_EMPTY, by(b"None")),
    "passphrase as secret": (Mistake.SECRET_IS_PASSPHRASE, by(P)),
    "key as secret": (Mistake.SECRET_IS_KEY, by(KEY.encode())),
    "secret sent": (Mistake.SECRET_IN_REQUEST, signed(key=S)),
    "another secret": (Mistake.SECRET_OTHER, by(b"another secret altogether")),
    "SHA-512": (Mistake.HASH_OTHER, signed(sign=hashed("sha512"))),
    "SHA-1": (Mistake.HASH_OTHER, signed(sign=hashed("sha1"))),
    "no HMAC": (
        Mistake.HASH_WITHOUT_HMAC,
        signed(sign=base64.b64encode(hashlib.sha256(S + T + WHOLE).digest())),
    ),
    "HMAC's arguments": (Mistake.HMAC_ARGUMENTS_SWAPPED, signed(sign=mac(S, Secret(T + WHOLE)))),
    "hex": (Mistake.SIGNATURE_HEX, signed(sign=MAC.hex().encode())),
    "URL-safe": (
        Mistake.SIGNATURE_URL_SAFE,
        signed(stamp=ODD_STAMP, sign=ODD.replace(b"+", b"-").replace(b"/", b"_")),
    ),
    "unpadded": (Mistake.SIGNATURE_UNPADDED, signed(sign=base64.b64encode(MAC).rstrip(b"="))),
    "percent-encoded": (Mistake.SIGNATURE_PERCENT_ENCODED, signed(sign=quote(base64.b64encode(MAC)).encode())),
    "plus lost": (Mistake.SIGNATURE_PLUS_LOST, signed(stamp=ODD_STAMP, sign=ODD.replace(b"+", b" "))),
    "base64 of hex": (Mistake.SIGNATURE_BASE64_OF_HEX, signed(sign=base64.b64encode(MAC.hex().encode()))),
    "b'…'": (Mistake.SIGNATURE_SURROUNDED, signed(sign=b"b'" + base64.b64encode(MAC) + b"'")),
    "stray bits": (
        Mistake.SIGNATURE_NOT_CANONICAL,
        signed(sign=(plain := base64.b64encode(MAC))[:-2] + bytes([plain[-2] + 1]) + b"="),
    ),
    "no signature": (Mistake.HEADER_MISSING, signed(sign=None)),
    "key twice": (Mistake.HEADER_REPEATED, with_headers(signed(), [(b"kc-api-key", KEY.encode())])),
    "byte order mark": (Mistake.HEADER_UNPRINTABLE, signed(key=b"\xef\xbb\xbf" + KEY.encode())),
    "version 9": (Mistake.KEY_VERSION_UNKNOWN, signed(key_version=b"9")),
    "no version": (Mistake.KEY_VERSION_MISSING, signed(key_version=None)),
    "version 1": (Mistake.KEY_VERSION_1, signed(key_version=None, passphrase=P)),
    "passphrase in clear": (Mistake.PASSPHRASE_IN_CLEAR, signed(passphrase=P)),
    "passphrase twice": (Mistake.PASSPHRASE_TWICE, signed(passphrase=mac(PASSPHRASE_HEADER))),
    "passphrase in hex": (Mistake.PASSPHRASE_ENCODING, signed(passphrase=hmac.digest(S, P, "sha256").hex().encode())),
    "passphrase in base64": (Mistake.PASSPHRASE_NOT_HASHED, signed(passphrase=base64.b64encode(P))),
    "passphrase swapped": (Mistake.PASSPHRASE_ARGUMENTS_SWAPPED, signed(passphrase=mac(S, PASSPHRASE))),
    "passphrase with a line end": (Mistake.PASSPHRASE_WHITE_SPACE, signed(passphrase=mac(P + b"\n"))),
    "passphrase by another secret": (Mistake.PASSPHRASE_OTHER_SECRET, signed(passphrase=mac(P, Secret(S + b"\n")))),
    "passphrase by SHA-512": (
        Mistake.PASSPHRASE_OTHER_HASH,
        signed(passphrase=base64.b64encode(hmac.digest(S, P, "sha512"))),
    ),
    "another passphrase": (Mistake.PASSPHRASE_OTHER, signed(passphrase=mac(b"another one"))),
    "anything else signed": (Mistake.SIGNED_OTHER, signed(sign=mac(b"something else"))),
    "stamp in seconds": (Mistake.STAMP_IN_OTHER_UNIT, signed(stamp=STAMP[:10])),
    "stamp with a point": (Mistake.STAMP_MALFORMED, signed(stamp=STAMP[:10] + ".25")),
    "clock behind": (Mistake.CLOCK_OFF, signed(stamp=str(NOW - 30_001))),
    "clock ahead, but within ours": (Mistake.CLOCK_BEYOND_EXCHANGE, signed(stamp=str(NOW + 12_000))),
}
UNSURE = {
    Mistake.SECRET_OTHER,
    Mistake.SIGNED_OTHER,
    Mistake.HOST_FOREIGN,
    Mistake.HEADER_UNPRINTABLE,
    Mistake.KEY_VERSION_1,
    Mistake.CLOCK_BEYOND_EXCHANGE,
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_named(case: str) -> None:
    mistake, request = CASES[case]
    explanation = told(request)
    found = {cause.id: cause for cause in explanation.causes}
    assert mistake in found, found
    assert found[mistake].certain is (mistake not in UNSURE)
    assert explanation.holds is (not any(cause.certain for cause in explanation.causes) and explanation.signature_holds)
    assert len(found) <= 3, "a person reads the first; the others must not drown it"
    certain = [cause.certain for cause in explanation.causes]
    assert certain == sorted(certain, reverse=True)


def test_every_mistake_of_kucoin_s_wire_has_its_case() -> None:
    elsewhere = {
        Mistake.NONCE_TOO_LARGE,
        Mistake.NONCE_NOT_ABOVE_LAST,
        Mistake.QUERY_SIGNED_THOUGH_UNSIGNED,
        Mistake.SIGNATURE_BASE64,
        Mistake.SIGNATURE_UPPER_CASE,
        Mistake.KEY_PAIR_OTHER,
    }
    assert set(Mistake) - elsewhere == {mistake for mistake, _ in CASES.values()}
    assert set(TEXTS) == set(Mistake)


@pytest.mark.parametrize("case", CASES)
def test_nothing_shows_the_secret_or_the_passphrase(case: str) -> None:
    _, request = CASES[case]
    shown = repr(told(request))
    assert S.decode() not in shown
    assert P.decode() not in shown
    assert PASSPHRASE_HEADER.decode() not in shown


@pytest.mark.parametrize(
    "request_",
    [
        signed(),
        signed("POST", b"/api/v1/orders", ORDER),
        signed("DELETE", b"/api/v1/orders?symbol=BTC-USDT"),
        signed(target=b"/api/v1/accounts?remark=a+b", over=("GET", b"/api/v1/accounts?remark=a b", b"")),
        signed(target=b"/api/v1/accounts?note=%C3%A9", over=("GET", "/api/v1/accounts?note=é".encode(), b"")),
    ],
)
def test_what_the_gateway_takes_is_said_to_hold(request_: Request) -> None:
    explanation = told(request_)
    assert (explanation.holds, explanation.signature_holds, explanation.passphrase_holds) == (True, True, True)
    assert explanation.causes == ()
    assert explanation.skew_ms == -120
    assert explanation.difference is not None
    assert explanation.difference.offset is None


def test_a_plus_that_was_not_decoded_with_the_rest_does_not_hold() -> None:
    """The server's decoded form has a space there: what only resembles it is no candidate."""
    explanation = told(get(b"GET/api/v1/accounts?remark=a+b c", target=b"/api/v1/accounts?remark=a+b%20c"))
    assert not explanation.signature_holds
    assert [cause.id for cause in explanation.causes] == [Mistake.QUERY_DECODED]


def test_our_own_signer_s_requests_hold() -> None:
    sent = DIALECT.sign("POST", "/api/v1/orders", ORDER, key=KEY, secret=SECRET, passphrase=PASSPHRASE, now_ms=NOW)
    assert told(Request(sent.method, sent.target, sent.headers, sent.body, None)).holds


def test_several_mistakes_at_once_are_all_found() -> None:
    other = Secret(S + b"\n")
    request = signed(
        "POST",
        b"/api/v1/orders",
        ORDER,
        sign=hmac.digest(other.reveal(), T + b"POST/v1/orders" + json.dumps(json.loads(ORDER)).encode(), "sha256")
        .hex()
        .encode(),
        passphrase=mac(P, other),
    )
    assert {cause.id for cause in told(request).causes} == {
        Mistake.PATH_WITHOUT_PREFIX,
        Mistake.BODY_SERIALISED_AGAIN,
        Mistake.SECRET_WHITE_SPACE,
        Mistake.SIGNATURE_HEX,
        Mistake.PASSPHRASE_OTHER_SECRET,
    }


def test_both_strings_and_the_place_where_they_part_are_told() -> None:
    explanation = told(post(json.dumps(json.loads(ORDER)).encode()))
    assert explanation.server_signed == (f"{STAMP}POST/api/v1/orders{ORDER.decode()}",)
    assert (
        explanation.client_signed
        == f'{STAMP}POST/api/v1/orders{{"symbol": "BTC-USDT", "side": "buy", "size": "0.001"}}'
    )
    difference = explanation.difference
    assert difference is not None
    assert (difference.offset, difference.part) == (len(f'{STAMP}POST/api/v1/orders{{"symbol":'), "body")
    assert (difference.server_byte, difference.client_byte) == (ord('"'), ord(" "))


@pytest.mark.parametrize(
    ("signed_text", "part"),
    [
        (b"get/api/v1/accounts?currency=BTC", "method"),
        (b"GET/v1/accounts?currency=BTC", "path"),
        (b"GET/api/v1/accounts", "query"),
        (WHOLE + b"{}", "end"),
    ],
)
def test_the_part_is_named(signed_text: bytes, part: str) -> None:
    difference = told(get(signed_text)).difference
    assert difference is not None
    assert difference.part == part


def test_a_secret_given_with_white_space_is_told_from_one_used_with_it() -> None:
    explanation = told(signed(), secret=Secret(S + b" "))
    assert explanation.causes[0].id is Mistake.SECRET_WHITE_SPACE
    assert "you gave" in explanation.causes[0].sentence


def test_without_a_passphrase_it_is_not_looked_at() -> None:
    assert told(signed(passphrase=b"anything"), passphrase=None).passphrase_holds is None


@pytest.mark.parametrize("window", [5_000, 30_000])
def test_the_window_is_inclusive(window: int) -> None:
    for skew, holds in ((window, True), (-window, True), (window + 1, False), (-window - 1, False)):
        request = signed(stamp=str(NOW + skew))
        explanation = explain(request, secret=SECRET, passphrase=PASSPHRASE, now_ms=NOW, window_ms=window)
        assert (explanation.holds, explanation.skew_ms) == (holds, skew)


@pytest.mark.parametrize(
    ("target", "body"),
    [
        (b"/api/v1/sub/api-key?subName=a&passphrase=hush%21hush", b""),
        (b"/api/v1/sub/api-key?passphrase=hush!hush&subName=a", b""),
        (b"/api/v1/sub/api-key?apiPassphrase=hush%26hush", b""),
        (b"/api/v1/sub/api-key?pass%70hrase=hush%21hush", b""),
        (b"/api/v1/sub/api-key", b'{"passphrase":"hush!hush","a":1}'),
        (b"/api/v1/sub/api-key", b'{"password" : "hush\\"hush"}'),
    ],
)
def test_what_stands_under_a_secret_s_name_is_hidden(target: bytes, body: bytes) -> None:
    method = "POST" if body else "GET"
    for over in (target, target.replace(b"%21", b"!").replace(b"%26", b"&"), b"/other"):
        explanation = told(signed(method, target, body, over=(method, over, body)))
        assert "hush" not in repr(explanation)
        assert "•••" in repr(explanation.server_signed)


@pytest.mark.parametrize(
    ("server", "client", "offset", "bytes_"),
    [
        (b"abc", b"abc", None, (None, None)),
        (b"abc", b"abd", 2, (0x63, 0x64)),
        (b"abc", b"abc\n", 3, (None, 0x0A)),
        (b"", b"a", 0, (None, 0x61)),
        (b"\xc3\xa9", b"e\xcc\x81", 0, (0xC3, 0x65)),
    ],
)
def test_two_strings_are_compared_byte_for_byte(server: bytes, client: bytes, offset: int | None, bytes_: Any) -> None:
    difference = compare(server, client)
    assert (difference.offset, (difference.server_byte, difference.client_byte)) == (offset, bytes_)
    assert (difference.server_length, difference.client_length) == (len(server), len(client))


def test_bytes_that_can_t_be_seen_are_written_out() -> None:
    difference = compare("GET/a\u202eb\x1b[2J".encode(), b"GET/a\xff\n")
    assert difference.server == "GET/a‹E2›‹80›‹AE›b‹1B›[2J"
    assert difference.client == "GET/a‹FF›‹0A›"


@pytest.mark.parametrize("memo", ["Kw-wire-7%21", "Kw-wire-7!", "f03a5284-5c39-4aaa-9b20-dea10bdcf8e3"])
def test_the_secret_and_the_passphrase_are_hidden_wherever_they_stand(memo: str) -> None:
    shown = repr(told(signed(target=f"/api/v1/accounts?memo={memo}".encode())))
    assert "Kw-wire" not in shown
    assert "f03a5284" not in shown


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_comparing_never_fails_and_is_right(server: bytes, client: bytes) -> None:
    difference = compare(server, client)
    if difference.offset is None:
        assert server == client
    else:
        assert server[: difference.offset] == client[: difference.offset]
        assert server[difference.offset : difference.offset + 1] != client[difference.offset : difference.offset + 1]
    assert difference.server.isprintable()


_NAMES = st.sampled_from(
    [b"kc-api-key", b"kc-api-sign", b"kc-api-timestamp", b"kc-api-passphrase", b"kc-api-key-version", b"host",
     b"x-mbx-apikey", b"bfx-apikey", b"bfx-nonce", b"bfx-signature", b"content-type"]
)  # fmt: skip
_VALUES = st.binary(max_size=30) | st.from_regex(rb"\A[0-9]{9,20}\Z") | st.just(base64.b64encode(MAC))
_BODIES = st.binary(max_size=40) | st.recursive(
    st.none() | st.floats() | st.text(max_size=5), st.lists, max_leaves=5
).map(lambda value: json.dumps({"a": value}).encode())


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(EXCHANGES),
    st.sampled_from(["GET", "POST", "get", "PURGE"]),
    st.binary(max_size=40) | st.from_regex(rb"\A/api/v1/[a-z]*\?[a-z&=%0-9+]*\Z"),
    st.lists(st.tuples(_NAMES, _VALUES), max_size=7),
    _BODIES,
    st.binary(min_size=1, max_size=40),
    st.none() | st.binary(max_size=10).map(Secret),
)
def test_no_request_makes_it_fail(
    exchange: str,
    method: str,
    target: bytes,
    headers: list[tuple[bytes, bytes]],
    body: bytes,
    secret: bytes,
    passphrase: Any,
) -> None:
    request = Request(method, target, tuple(headers), body, None)
    explanation = explain(request, exchange=exchange, secret=Secret(secret), passphrase=passphrase, now_ms=NOW)
    assert all(shown.isprintable() for shown in explanation.server_signed)


def test_what_can_t_be_asked_is_refused() -> None:
    with pytest.raises(Invalid, match="kucoin, binance, bitfinex"):
        explain(signed(), exchange="kraken", secret=SECRET, passphrase=None, now_ms=NOW)
    with pytest.raises(Invalid, match="empty"):
        explain(signed(), secret=Secret(b""), passphrase=None, now_ms=NOW)
