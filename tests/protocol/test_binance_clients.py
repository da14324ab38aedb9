"""Two real clients build and sign requests; the dialect must take what is theirs, and they what is ours.

Nothing is sent: `requests` prepares each request, and urllib3's own encoding of targets, the last step before the socket,
is applied to it. Where a client signs something that the exchange itself could not accept since payloads are to be
percent-encoded before they are signed (2026-01-15), the test says so and expects the refusal.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from keywright.protocol.binance import BinanceSigner
from keywright.protocol.message import Request
from keywright.protocol.refusal import Reason, Refused
from tests.protocol.binance_wire import DIALECT, KEY, KEYS, NOW, PUBLIC, SECRET, verdict

pytestmark = pytest.mark.clients

Json = dict[str, Any]
many = settings(max_examples=60, deadline=None)

_PLAIN = st.text("ABCXYZabcxyz0123456789.-_", min_size=1, max_size=12)
_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
_NAMES = st.from_regex(r"\A[a-z][A-Za-z_]{0,8}\Z").filter(
    lambda name: name.lower() not in {"recvwindow", "timestamp", "signature", "symbol", "headers", "version"}
)
_LONG = st.dictionaries(_NAMES, _TEXT, max_size=20)


def _distinct(parameters: Json) -> bool:
    return len({name.lower() for name in parameters}) == len(parameters)


_PARAMETERS = _LONG.filter(_distinct)
_PLAIN_PARAMETERS = st.dictionaries(_NAMES, _PLAIN, max_size=20).filter(_distinct)

# Path, and whether ccxt signs its parameters unencoded there (`rawencode`).
FAMILIES = {
    "private": "order",
    "sapi": "margin/order",
    "sapiV2": "loan/flexible/repay",
    "sapiV3": "asset/getUserAsset",
    "sapiV4": "sub-account-like",
    "fapiPrivate": "order",
    "fapiPrivateV2": "account",
    "fapiPrivateV3": "account",
    "dapiPrivate": "order",
    "dapiPrivateV2": "leverageBracket",
    "eapiPrivate": "order",
    "papi": "um/order",
    "papiV2": "um/account",
}
RAW = ("capital/withdraw/apply", "sub-account/universalTransfer", "simple-earn/flexible/subscribe")


def on_the_wire(prepared: Any) -> Request:
    from urllib3.util.url import _encode_target

    def as_bytes(text: str | bytes) -> bytes:
        return text.encode() if isinstance(text, str) else text

    headers = tuple((name.lower().encode(), as_bytes(value)) for name, value in prepared.headers.items())
    target = _encode_target(prepared.path_url).encode("ascii")
    return Request(prepared.method, target, headers, as_bytes(prepared.body or b""), None)


@pytest.fixture(scope="module")
def ccxt_of() -> Any:
    import ccxt
    import requests

    def send(api: str, path: str, method: str, parameters: Json, secret: str = SECRET.reveal_text()) -> Request:
        exchange = ccxt.binance({"apiKey": KEY, "secret": secret})
        exchange.options["timeDifference"] = exchange.milliseconds() - NOW
        made = exchange.sign(path, [api], method, parameters)
        return on_the_wire(requests.Request(method, made["url"], made["headers"], data=made["body"]).prepare())

    return send


@pytest.fixture(scope="module")
def python_binance() -> Any:
    import requests
    from binance.client import Client

    loop = asyncio.new_event_loop()  # the client would make one itself and leave it open
    asyncio.set_event_loop(loop)
    client = Client(KEY, SECRET.reveal_text(), ping=False)
    session = requests.Session()
    session.headers.update(client._get_headers())

    def send(method: str, parameters: Json) -> Request:
        form = {"Content-Type": "application/x-www-form-urlencoded"} if method != "get" else {}
        made = client._get_request_kwargs(method, True, data=dict(parameters))
        request = requests.Request(
            method.upper(), "https://x/api/v3/order", form, data=made.get("data"), params=made.get("params")
        )
        return on_the_wire(session.prepare_request(request))

    yield send
    client.session.close()
    asyncio.set_event_loop(None)
    loop.close()


# ── ccxt 4.5.90


@pytest.mark.parametrize("method", ["GET", "DELETE", "POST", "PUT"])
@pytest.mark.parametrize("api", FAMILIES)
def test_ccxt_every_family_of_endpoints(ccxt_of: Any, api: str, method: str) -> None:
    if api == "sapiV4":  # its one path is a sub-account's, which ccxt signs unencoded: plain values only
        request = ccxt_of(api, FAMILIES[api], method, {"email": "a"})
    else:
        request = ccxt_of(api, FAMILIES[api], method, {"symbol": "这是测试币456", "note": "a b&c=d+e%41#", "empty": ""})
    assert verdict(request) == "allowed"
    claim = DIALECT.read(request)
    assert claim.key_id == KEY
    assert abs(claim.timestamp_ms - NOW) < 5_000
    assert claim.recv_window_us == 10_000_000  # ccxt's own default


@many
@given(
    api=st.sampled_from(["private", "sapi", "fapiPrivate"]),
    method=st.sampled_from(["GET", "POST"]),
    parameters=_PARAMETERS,
)
def test_ccxt_any_parameters(ccxt_of: Any, api: str, method: str, parameters: Json) -> None:
    assert verdict(ccxt_of(api, "myTrades", method, parameters)) == "allowed"


@pytest.mark.parametrize("path", RAW)
@many
@given(parameters=_PLAIN_PARAMETERS)
def test_ccxt_signs_some_paths_unencoded_which_plain_values_survive(ccxt_of: Any, path: str, parameters: Json) -> None:
    assert verdict(ccxt_of("sapi", path, "POST", parameters)) == "allowed"


@pytest.mark.parametrize("value", ["a b", "é", "a&b", '{"a":1}', "a=b", "50%", "a#b"])
@pytest.mark.parametrize("path", RAW)
def test_ccxt_signs_some_paths_unencoded_which_the_exchange_refuses(ccxt_of: Any, path: str, value: str) -> None:
    """ccxt's own bug since 2026: sends and signs what is not percent-encoded. Binance says -1022, we say what is odd."""
    assert verdict(ccxt_of("sapi", path, "POST", {"name": value})) == "body_malformed"


def test_ccxt_batches_are_signed_unencoded(ccxt_of: Any) -> None:
    """ccxt's own bug since 2026: a batch's JSON goes out as it is."""
    request = ccxt_of("fapiPrivate", "batchOrders", "POST", {"batchOrders": [{"symbol": "A"}]})
    assert b'[{"symbol' in request.body
    assert verdict(request) == "body_malformed"


def test_ccxt_lists_of_dust(ccxt_of: Any) -> None:
    request = ccxt_of("sapi", "asset/dust", "POST", {"asset": ["BTC", "USDT"]})
    assert b"asset=BTC&asset=USDT" in request.body
    assert verdict(request) == "allowed"


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_ccxt_with_other_kinds_of_keys(ccxt_of: Any, kind: str, method: str) -> None:
    private = KEYS[kind]["private_key"]
    request = ccxt_of("private", "order", method, {"symbol": "é b"}, private.strip() if kind == "ed25519" else private)
    assert verdict(request, public_key=PUBLIC[kind]) == "allowed"


# ── python-binance 1.0.37: sorts, signs names and values unencoded, lets requests encode them afterwards


@many
@given(method=st.sampled_from(["get", "post", "put", "delete"]), parameters=_PLAIN_PARAMETERS)
def test_python_binance_plain_parameters(python_binance: Any, method: str, parameters: Json) -> None:
    assert verdict(python_binance(method, {"symbol": "BTCUSDT", **parameters})) == "allowed"


def test_python_binance_encodes_a_symbol_before_it_signs_a_get(python_binance: Any) -> None:
    assert verdict(python_binance("get", {"symbol": "这是测试币456"})) == "allowed"


@many
@given(method=st.sampled_from(["get", "post"]), value=_TEXT)
def test_python_binance_and_what_must_be_encoded(python_binance: Any, method: str, value: str) -> None:
    """Its own bug since 2026: any other value is signed before it is encoded. Refused, unless encoding changes nothing."""
    same = re.fullmatch(r"[A-Za-z0-9._~-]*", value)
    got = verdict(python_binance(method, {"symbol": "A", "name": value}))
    if same:
        assert got == "allowed"
    elif method == "post":
        assert got == "signature_mismatch"
    else:  # some punctuation may stand in a query as it is
        assert got == "allowed" if re.fullmatch(r"[A-Za-z0-9._~!$'()*,:@/+-]*", value) else got != "allowed"


# ── and the other way round


@many
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    parameters=st.dictionaries(_NAMES, _TEXT, min_size=1, max_size=6).filter(_distinct),
)
def test_ours_verify_by_an_independent_computation(method: str, parameters: Json) -> None:
    from urllib.parse import urlencode

    text = urlencode(parameters)
    in_body = method != "GET"
    signer = BinanceSigner(key=KEY, secret=SECRET, recv_window_ms=5000)
    sent = signer.sign(
        method, "/api/v3/x" if in_body else f"/api/v3/x?{text}", text.encode() if in_body else b"", now_ms=NOW
    )
    payload, _, signature = (sent.body or sent.target.partition(b"?")[2]).rpartition(b"&signature=")
    assert payload.decode() == f"{text}&recvWindow=5000&timestamp={NOW}"
    assert signature.decode() == hmac.new(SECRET.reveal(), payload, hashlib.sha256).hexdigest()


def test_what_we_sign_is_what_ccxt_signs(ccxt_of: Any) -> None:
    theirs = ccxt_of("private", "openOrders", "GET", {"symbol": "BTCUSDT"})
    payload = DIALECT.read(theirs).payload
    import ccxt

    assert DIALECT.read(theirs).signature.decode() == ccxt.Exchange.hmac(payload, SECRET.reveal(), hashlib.sha256)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("timestamp_out_of_window", "InvalidNonce"),
        ("key_unknown", "AuthenticationError"),
        ("header_missing", "AuthenticationError"),
        ("signature_mismatch", "AuthenticationError"),
        ("address_not_allowed", "AuthenticationError"),
        ("permission_missing", "AuthenticationError"),
        ("key_frozen", "AuthenticationError"),
        ("replayed", "BadRequest"),
        ("target_not_canonical", "BadRequest"),
        ("body_malformed", "BadRequest"),
        ("route_unknown", "BadRequest"),
        ("order_limit", "InvalidOrder"),
        ("too_many_requests", "DDoSProtection"),
        ("not_sure", "OperationFailed"),
        ("upstream_unreachable", "RequestTimeout"),
    ],
)
def test_ccxt_raises_what_fits_the_refusal(reason: str, expected: str) -> None:
    """A replay must not look like a clock fault: bots would sign again and send the order twice."""
    import ccxt

    answer = DIALECT.refuse(Refused(Reason(reason), rule="a rule", needed="trade", retry_after_ms=10))
    text = answer.body.decode()
    with pytest.raises(ccxt.BaseError) as raised:
        ccxt.binance().handle_errors(
            answer.status, "", "https://api.binance.com/api/v3/order", "GET", {}, text, json.loads(text), {}, ""
        )
    assert type(raised.value).__name__ == expected
