"""Two real clients sign requests for Bitfinex with their own code; the dialect must take what is theirs, and sign alike.

Nothing is sent: ccxt's `sign` returns what it would send, and bitfinex-api-py's middleware runs up to the call that would.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings, strategies as st

from keywright.protocol.message import Request
from keywright.protocol.order import Action
from keywright.protocol.refusal import Reason, Refused
from tests.protocol.bitfinex_wire import DIALECT, KEY, SECRET, verdict

pytestmark = pytest.mark.clients

Json = dict[str, Any]
Send = Callable[[str, Json], Request]
"""Path below `/v2/`, parameters → what the client would put on the wire."""

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_NAMES = st.from_regex(r"[a-z][a-z_]{0,8}", fullmatch=True)
_NESTED = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(-1e9, 1e9) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_BODIES = st.dictionaries(_NAMES, _NESTED, max_size=4)
_PATHS = st.sampled_from(
    [
        *("auth/r/wallets", "auth/w/order/submit", "auth/r/orders/tBTCUSD", "auth/r/orders/tBTCF0:USTF0"),
        *("auth/r/order/tBTCUSD:123/trades", "auth/w/alert/price:tBTCUSD:600.5/del", "auth/calc/order/avail"),
    ]
)

many = settings(max_examples=300, deadline=None)


def on_the_wire(url: str, headers: Any, body: Any) -> Request:
    """Return the request as `requests` sends it: urllib3's own encoding of the target is the last step before the socket."""
    import requests
    from urllib3.util.url import _encode_target

    prepared = requests.Request("POST", url, headers=headers, data=body).prepare()
    named = tuple((name.lower().encode(), as_bytes(value)) for name, value in prepared.headers.items())
    target = _encode_target(prepared.path_url).encode("ascii")
    return Request("POST", target, named, as_bytes(prepared.body or b""), None)


def as_bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


@pytest.fixture(scope="module")
def exchange() -> Any:
    import ccxt

    return ccxt.bitfinex({"apiKey": KEY, "secret": SECRET.reveal_text(), "enableRateLimit": False})


@pytest.fixture(scope="module")
def ccxt(exchange: Any) -> Send:
    def send(path: str, parameters: Json) -> Request:
        sent = exchange.sign(path, ["private"], "POST", parameters)
        return on_the_wire(sent["url"], sent["headers"], sent["body"])

    return send


@pytest.fixture(scope="module")
def middleware() -> Any:
    from bfxapi.rest._interface.middleware import Middleware

    return Middleware("https://api.bitfinex.com/v2", KEY, SECRET.reveal_text())


@pytest.fixture(scope="module")
def bfxapi(middleware: Any) -> Send:
    from bfxapi.rest._interface import middleware as module

    def send(path: str, parameters: Json) -> Request:
        sent: list[Request] = []

        class Answered:
            def json(self, cls: Any) -> list[Any]:
                return []

        def post(url: str, data: Any, params: Any, headers: Any, timeout: float) -> Answered:
            sent.append(on_the_wire(url, headers, data))
            return Answered()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module.requests, "post", post)
            middleware.post(path, body=parameters or None)
        return sent.pop()

    return send


@pytest.fixture(params=["ccxt", "bfxapi"])
def send(request: pytest.FixtureRequest) -> Send:
    found: Send = request.getfixturevalue(request.param)
    return found


# ── theirs here


@many
@given(path=_PATHS, body=_BODIES)
def test_ccxt_s_requests_are_taken(ccxt: Send, path: str, body: Json) -> None:
    sent = ccxt(path, body)
    assert sent.target == f"/v2/{path}".encode()
    assert json.loads(sent.body) == body
    assert verdict(sent) == "allowed"


@many
@given(path=_PATHS, body=_BODIES)
def test_bitfinex_api_py_s_requests_are_taken(bfxapi: Send, path: str, body: Json) -> None:
    sent = bfxapi(path, body)
    assert bool(sent.body) == bool(body)
    assert verdict(sent) == "allowed"


def private_paths(exchange: Any) -> list[str]:
    paths = list(exchange.describe()["api"]["private"]["post"])
    assert len(paths) > 75
    return paths


@pytest.mark.parametrize("symbol", ["tBTCUSD", "tBTCF0:USTF0", "fUSD", "tDOGE:USD", "fUSTF0"])
def test_every_private_endpoint_of_ccxt_is_taken(exchange: Any, ccxt: Send, symbol: str) -> None:
    values = {"symbol": symbol, "currency": "USTF0", "id": "123", "key": symbol, "price": "600.5", "type": "price"}
    for path in private_paths(exchange):
        sent = ccxt(path, {name: values[name] for name in re.findall(r"{(\w+)}", path)})
        assert verdict(sent) == "allowed", path
        assert sent.target == b"/v2/" + re.sub(r"{(\w+)}", lambda found: values[found[1]], path).encode()


def test_a_path_that_ends_in_a_digit_takes_milliseconds_only_after_a_lone_zero(ccxt: Send, bfxapi: Send) -> None:
    """ccxt counts milliseconds: 13 digits, which could be cut elsewhere. bitfinex-api-py's 16 could not."""
    for path, expected in (("auth/r/orders/tX10", "nonce_malformed"), ("auth/r/orders/tBTCF0", "allowed")):
        assert verdict(ccxt(path, {})) == expected
        assert verdict(bfxapi(path, {})) == "allowed"


def test_their_nonces_rise_as_ours_are_to(ccxt: Send, bfxapi: Send) -> None:
    for client in (ccxt, bfxapi):
        nonces = [DIALECT.read(client("auth/r/wallets", {})).nonce for _ in range(50)]
        assert nonces == sorted(set(nonces))


def test_one_key_for_both_clients_strands_the_slower_counter(ccxt: Send, bfxapi: Send) -> None:
    highest = DIALECT.read(bfxapi("auth/r/wallets", {})).nonce
    assert verdict(ccxt("auth/r/wallets", {}), last_nonce=highest) == "nonce_not_increasing"


# ── ours there


@many
@given(path=_PATHS, body=_BODIES)
def test_what_we_sign_is_what_they_sign(ccxt: Send, bfxapi: Send, path: str, body: Json) -> None:
    for client in (ccxt, bfxapi):
        theirs = client(path, body)
        if not theirs.body:
            continue  # bitfinex-api-py sends none where ccxt, the Node library and we send `{}`
        ours = DIALECT.sign(
            "POST", theirs.target, theirs.body, key=KEY, secret=SECRET, nonce=int(theirs.header(b"bfx-nonce")[0])
        )
        for name, value in ours.headers:
            assert theirs.header(name) == (value,)


# ── their own calls, read


def test_the_orders_of_ccxt_are_understood(exchange: Any, ccxt: Send) -> None:
    markets = [("BTC/USD", "tBTCUSD", "BTC", "USD", True), ("BTC/USDT:USDT", "tBTCF0:USTF0", "BTC", "USDT", False)]
    exchange.markets = {}
    exchange.set_markets(
        [
            {
                "id": id_, "symbol": symbol, "base": base, "quote": quote, "spot": spot, "swap": not spot,
                "type": "spot" if spot else "swap", "contract": not spot, "active": True,
                "precision": {"amount": 8, "price": 5}, "limits": {},
            }
            for symbol, id_, base, quote, spot in markets
        ]
    )  # fmt: skip
    for symbol, id_, *_ in markets:
        for kind, side, price in (("limit", "buy", 100), ("limit", "sell", 100), ("market", "sell", None)):
            asked = exchange.create_order_request(symbol, kind, side, 0.5, price)
            (intent,) = DIALECT.read_order(ccxt("auth/w/order/submit", asked))
            assert (intent.action, intent.symbol, intent.side) == (Action.PLACE, id_, side)
            assert str(intent.size) == "0.5"


@pytest.mark.parametrize(
    ("call", "action"),
    [
        (lambda api: api.submit_order("EXCHANGE LIMIT", "tBTCUSD", 0.5, "100.1", flags=4096), Action.PLACE),
        (lambda api: api.update_order(1, price=5), Action.AMEND),
        (lambda api: api.cancel_order(id=1), Action.CANCEL),
        (lambda api: api.cancel_order_multi(all=True), Action.CANCEL),
        (lambda api: api.submit_wallet_withdrawal("exchange", "tetheruse", "0x1", 5.5), Action.WITHDRAW),
        (lambda api: api.transfer_between_wallets("exchange", "margin", "USD", "USD", 1), Action.TRANSFER),
        (lambda api: api.submit_funding_offer("LIMIT", "fUSD", "5", "0.1", 2), Action.UNKNOWN),
        (lambda api: api.get_wallets(), Action.OTHER),
        (lambda api: api.get_orders_history(symbol="tBTCF0:USTF0"), Action.OTHER),
        (lambda api: api.get_symbol_margin_info("tBTCF0:USTF0"), Action.OTHER),
    ],
)
def test_the_calls_of_bitfinex_api_py_are_understood(
    middleware: Any, bfxapi: Send, call: Callable[[Any], object], action: Action
) -> None:
    from bfxapi.rest._interfaces.rest_auth_endpoints import RestAuthEndpoints

    sent: list[Request] = []

    class Asked(Exception):
        """What was asked is all that is wanted."""

    class Recorder:
        def post(self, endpoint: str, body: Any = None) -> None:
            sent.append(bfxapi(endpoint, body))
            raise Asked

    api = RestAuthEndpoints.__new__(RestAuthEndpoints)
    api._m = Recorder()
    with pytest.raises(Asked):
        call(api)
    assert verdict(sent[0]) == "allowed"
    assert [intent.action for intent in DIALECT.read_order(sent[0])] == [action]


# ── our refusals, raised


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("key_unknown", "AuthenticationError"),
        ("signature_mismatch", "AuthenticationError"),
        ("header_missing", "AuthenticationError"),
        ("address_not_allowed", "AuthenticationError"),
        ("nonce_not_increasing", "InvalidNonce"),
        ("nonce_malformed", "InvalidNonce"),
        ("permission_missing", "PermissionDenied"),
        ("key_frozen", "PermissionDenied"),
        ("body_malformed", "BadRequest"),
        ("route_unknown", "BadRequest"),
        ("order_limit", "BadRequest"),
        ("replayed", "BadRequest"),
        ("too_many_requests", "RateLimitExceeded"),
        ("not_sure", "OnMaintenance"),
        ("upstream_unreachable", "OnMaintenance"),
    ],
)
def test_ccxt_raises_what_fits_the_refusal(exchange: Any, reason: str, expected: str) -> None:
    answer = DIALECT.refuse(Refused(Reason(reason), rule="a rule", needed="trade"))
    text = answer.body.decode()
    with pytest.raises(Exception) as raised:
        exchange.handle_errors(answer.status, "", "", "POST", {}, text, json.loads(text), {}, "")
    assert type(raised.value).__name__ == expected


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("key_unknown", "InvalidCredentialError"),
        ("signature_mismatch", "InvalidCredentialError"),
        ("body_malformed", "RequestParameterError"),
        ("permission_missing", "GenericError"),
    ],
)
def test_bitfinex_api_py_raises_what_fits_the_refusal(middleware: Any, reason: str, expected: str) -> None:
    answer = DIALECT.refuse(Refused(Reason(reason)))
    with pytest.raises(Exception) as raised:
        middleware._Middleware__handle_error(json.loads(answer.body))
    assert type(raised.value).__name__ == expected


def test_the_host_is_none_of_the_signature_s_business(exchange: Any) -> None:
    sent = exchange.sign("auth/r/wallets", ["private"], "POST", {})
    assert urlsplit(sent["url"]).path == "/v2/auth/r/wallets"
    elsewhere = sent["url"].replace("api.bitfinex.com", "test.example")
    assert verdict(on_the_wire(elsewhere, sent["headers"], sent["body"])) == "allowed"
