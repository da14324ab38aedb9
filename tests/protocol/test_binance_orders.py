"""What requests would do on Binance, read from their exact bytes."""

from __future__ import annotations

import json
from decimal import Decimal
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings, strategies as st

from keywright.protocol.message import Request
from keywright.protocol.order import Action, Intent
from tests.protocol.binance_wire import DIALECT, signed

D = Decimal
LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "0.5", "price": "50000.10"}
PLACED = Intent(Action.PLACE, "BTCUSDT", "buy", "limit", D("50000.10"), D("0.5"), D("25000.050"))
CANCEL = Intent(Action.CANCEL, "BTCUSDT")
WORKING = {f"working{name[0].upper()}{name[1:]}": value for name, value in LIMIT.items() if name != "symbol"}
PENDING = {"pendingSide": "SELL", "pendingType": "LIMIT_MAKER", "pendingPrice": "60000", "pendingQuantity": "0.5"}
PAIR = {
    "pendingSide": "SELL",
    "pendingQuantity": "0.5",
    "pendingAboveType": "LIMIT_MAKER",
    "pendingAbovePrice": "60000",
    "pendingBelowType": "STOP_LOSS",
    "pendingBelowStopPrice": "40000",
}
TAKE = Intent(Action.PLACE, "BTCUSDT", "sell", "limit_maker", D(60000), D("0.5"), D("30000.0"))
STOP = Intent(Action.PLACE, "BTCUSDT", "sell", "stop_loss", None, D("0.5"))
SYMBOL = {"symbol": "BTCUSDT"}


def intents(method: str, path: str, parameters: dict[str, str]) -> tuple[Intent, ...]:
    payload = urlencode(parameters | {"timestamp": "1700000000000"}, quote_via=quote).encode()
    read = [
        DIALECT.read_order(signed(method, path.encode(), payload, place=place))
        for place in (("query",) if method == "GET" else ("query", "body"))
    ]
    assert all(one == read[0] for one in read)
    return read[0]


def without(parameters: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in parameters.items() if name not in names}


@pytest.mark.parametrize(
    ("method", "path", "parameters", "expected"),
    [
        ("POST", "/api/v3/order", LIMIT, [PLACED]),
        ("POST", "/api/v3/sor/order", LIMIT, [PLACED]),
        ("POST", "/sapi/v1/margin/order", LIMIT, [PLACED]),
        (
            "POST",
            "/api/v3/order",
            {"symbol": "A", "side": "SELL", "type": "MARKET", "quoteOrderQty": "100"},
            [Intent(Action.PLACE, "A", "sell", "market", notional=D(100))],
        ),
        (
            "POST",
            "/api/v3/order",
            {"symbol": "A", "side": "SELL", "type": "MARKET", "quantity": "2"},
            [Intent(Action.PLACE, "A", "sell", "market", size=D(2))],
        ),
        (
            "POST",
            "/api/v3/order",
            {"symbol": "A", "side": "SELL", "type": "MARKET", "quantity": "2", "quoteOrderQty": "1"},
            [Intent(Action.PLACE, "A", "sell", "market", size=D(2))],
        ),
        (
            "POST",
            "/api/v3/order",
            LIMIT | {"pegPriceType": "MARKET_PEG"},
            [Intent(Action.PLACE, "BTCUSDT", "buy", "limit", size=D("0.5"))],
        ),
        (
            "POST",
            "/api/v3/order",
            LIMIT | {"type": "STOP_LOSS", "stopPrice": "1"},
            [Intent(Action.PLACE, "BTCUSDT", "buy", "stop_loss", D("50000.10"), D("0.5"))],
        ),
        ("DELETE", "/api/v3/order", SYMBOL | {"orderId": "1"}, [CANCEL]),
        ("DELETE", "/api/v3/openOrders", SYMBOL, [CANCEL]),
        ("DELETE", "/api/v3/orderList", SYMBOL | {"orderListId": "1"}, [CANCEL]),
        ("POST", "/api/v3/order/cancelReplace", LIMIT | {"cancelReplaceMode": "STOP_ON_FAILURE"}, [CANCEL, PLACED]),
        (
            "PUT",
            "/api/v3/order/amend/keepPriority",
            SYMBOL | {"orderId": "1", "newQty": "0.25"},
            [Intent(Action.AMEND, "BTCUSDT", size=D("0.25"))],
        ),
        (
            "POST",
            "/api/v3/order/oco",
            SYMBOL | {"side": "SELL", "quantity": "0.5", "price": "60000", "stopPrice": "40000"},
            [TAKE, STOP],
        ),
        (
            "POST",
            "/sapi/v1/margin/order/oco",
            SYMBOL
            | {"side": "SELL", "quantity": "0.5", "price": "60000", "stopPrice": "40000", "stopLimitPrice": "39000"},
            [TAKE, Intent(Action.PLACE, "BTCUSDT", "sell", "stop_loss_limit", D(39000), D("0.5"), D("19500.0"))],
        ),
        (
            "POST",
            "/api/v3/orderList/oco",
            SYMBOL
            | {"side": "SELL", "quantity": "0.5", "aboveType": "LIMIT_MAKER", "abovePrice": "60000"}
            | {"belowType": "STOP_LOSS", "belowStopPrice": "40000"},
            [TAKE, STOP],
        ),
        ("POST", "/api/v3/orderList/oto", SYMBOL | WORKING | PENDING, [PLACED, TAKE]),
        ("POST", "/api/v3/orderList/otoco", SYMBOL | WORKING | PAIR, [PLACED, TAKE, STOP]),
        (
            "POST",
            "/api/v3/orderList/opo",
            SYMBOL | WORKING | without(PENDING, "pendingQuantity"),
            [PLACED, Intent(Action.PLACE, "BTCUSDT", "sell", "limit_maker", D(60000))],
        ),
        (
            "POST",
            "/api/v3/orderList/opoco",
            SYMBOL | WORKING | without(PAIR, "pendingQuantity"),
            [
                PLACED,
                Intent(Action.PLACE, "BTCUSDT", "sell", "limit_maker", D(60000)),
                Intent(Action.PLACE, "BTCUSDT", "sell", "stop_loss"),
            ],
        ),
        (
            "POST",
            "/fapi/v1/order",
            LIMIT,
            [Intent(Action.PLACE, "BTCUSDT", "buy", "limit", D("50000.10"), D("0.5"))],
        ),
        (
            "POST",
            "/fapi/v1/batchOrders",
            {"batchOrders": json.dumps([LIMIT, LIMIT | {"quantity": 2, "reduceOnly": True}])},
            [
                Intent(Action.PLACE, "BTCUSDT", "buy", "limit", D("50000.10"), D("0.5")),
                Intent(Action.PLACE, "BTCUSDT", "buy", "limit", D("50000.10"), D(2)),
            ],
        ),
        ("DELETE", "/fapi/v1/batchOrders", SYMBOL | {"orderIdList": "[1,2]"}, [CANCEL]),
        (
            "POST",
            "/sapi/v1/capital/withdraw/apply",
            {"coin": "XRP", "address": "rAddress", "addressTag": "42", "amount": "10.5"},
            [Intent(Action.WITHDRAW, size=D("10.5"), currency="XRP", destination="rAddress 42")],
        ),
        (
            "POST",
            "/sapi/v1/asset/transfer",
            {"type": "MAIN_UMFUTURE", "asset": "USDT", "amount": "1"},
            [Intent(Action.TRANSFER, size=D(1), currency="USDT", destination="MAIN_UMFUTURE")],
        ),
        (
            "POST",
            "/sapi/v1/sub-account/universalTransfer",
            {"toEmail": "a@b.c", "fromAccountType": "SPOT", "toAccountType": "SPOT", "asset": "USDT", "amount": "1"},
            [Intent(Action.TRANSFER, size=D(1), currency="USDT", destination="a@b.c SPOT")],
        ),
        (
            "POST",
            "/sapi/v1/sub-account/transfer/subToMaster",
            {"asset": "USDT", "amount": "1"},
            [Intent(Action.TRANSFER, size=D(1), currency="USDT", destination="master")],
        ),
        ("GET", "/api/v3/order", SYMBOL, [Intent(Action.OTHER)]),
        ("GET", "/never/heard/of", {}, [Intent(Action.OTHER)]),
        ("POST", "/api/v3/order/test", {}, [Intent(Action.OTHER)]),
        ("PUT", "/api/v3/userDataStream", {"listenKey": "x"}, [Intent(Action.OTHER)]),
    ],
)
def test_a_request_is_read(method: str, path: str, parameters: dict[str, str], expected: list[Intent]) -> None:
    assert list(intents(method, path, parameters)) == expected


@pytest.mark.parametrize(
    ("method", "path", "parameters"),
    [
        ("POST", "/never/heard/of", LIMIT),
        ("POST", "/api/v3/order/", LIMIT),
        ("POST", "/API/v3/order", LIMIT),
        ("PUT", "/api/v3/order", LIMIT),
        ("POST", "/sapi/v1/giftcard/createCode", {"token": "BTC", "amount": "1"}),
        *(("POST", "/api/v3/order", without(LIMIT, name)) for name in ("symbol", "side", "type", "price")),
        *(
            ("POST", "/api/v3/order", LIMIT | {"quantity": number})
            for number in ("", "-1", "1e5", "NaN", "Infinity", "1_0", "０", "٣", "+1", " 1", "1" * 21, "9" * 5000, ".5")
        ),
        ("POST", "/api/v3/order", LIMIT | {"side": "buy"}),
        ("POST", "/api/v3/order", LIMIT | {"side": "HOLD"}),
        ("POST", "/api/v3/order", LIMIT | {"type": "limit"}),
        ("POST", "/api/v3/order", LIMIT | {"type": "ＬＩＭＩＴ"}),
        ("POST", "/api/v3/orderList/oto", SYMBOL | WORKING | without(PENDING, "pendingQuantity")),
        ("POST", "/api/v3/order/oco", SYMBOL | {"side": "SELL", "quantity": "1", "stopPrice": "1"}),
        ("PUT", "/api/v3/order/amend/keepPriority", SYMBOL),
        ("POST", "/sapi/v1/capital/withdraw/apply", {"coin": "BTC", "amount": "1"}),
        ("POST", "/sapi/v1/capital/withdraw/apply", {"coin": "BTC", "address": "x"}),
        ("POST", "/sapi/v1/capital/withdraw/apply", {"coin": "BTC", "address": "a b", "amount": "1"}),
        ("POST", "/sapi/v1/asset/transfer", {"asset": "USDT", "amount": "1"}),
        ("POST", "/sapi/v1/asset/transfer", {"type": "A", "amount": "1"}),
        *(
            ("POST", "/fapi/v1/batchOrders", {"batchOrders": text})
            for text in ("", "{}", "[]", "[1]", "x", "[{}]", '[{"a":NaN}]', "[" * 1000, json.dumps([LIMIT] * 51))
        ),
    ],
)
def test_what_is_not_understood_is_said_to_be_so(method: str, path: str, parameters: dict[str, str]) -> None:
    (only,) = intents(method, path, parameters)
    assert only.action is Action.UNKNOWN
    assert only.why


def test_an_ambiguous_body_is_unknown_and_nothing_of_it_is_repeated() -> None:
    headers = ((b"content-type", b"application/x-www-form-urlencoded"),)
    for body in (b"symbol=canary&symbol=canary", b"canary", b'{"canary":1}', b"canary=%ff", b"symbol=canary=1"):
        (only,) = DIALECT.read_order(Request("POST", b"/api/v3/order", headers, body, None))
        assert only.action is Action.UNKNOWN
        assert "canary" not in only.why
    (only,) = DIALECT.read_order(Request("POST", b"/canary", headers, b"a=1", None))
    assert "canary" not in only.why


def test_a_notional_is_exact() -> None:
    price, size = "12345678901234567890.12345678901234567891", "98765432109876543210.98765432109876543211"
    (only,) = intents("POST", "/api/v3/order", LIMIT | {"price": price, "quantity": size})
    assert only.notional is not None
    whole = int(price.replace(".", "")) * int(size.replace(".", ""))
    assert only.notional.as_tuple().exponent == -40
    assert int(only.notional.scaleb(40, None)) == whole or str(only.notional).replace(".", "") == str(whole)


@settings(max_examples=500, deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "\ud800"]),
    path=st.sampled_from([b"/api/v3/order", b"/fapi/v1/batchOrders", b"/sapi/v1/capital/withdraw/apply", b"/", b""]),
    names=st.lists(st.sampled_from(["symbol", "side", "type", "price", "batchOrders", "amount", "x"]), unique=True),
    values=st.lists(
        st.sampled_from(["BUY", "LIMIT", "1", "[{}]", "[[]]", "\x00", "é"]) | st.text(max_size=9), min_size=7
    ),
)
def test_reading_an_order_never_raises(method: str, path: bytes, names: list[str], values: list[str]) -> None:
    text = urlencode(dict(zip(names, values, strict=False)), errors="replace").encode()
    for request in (Request(method, path, (), text, None), Request(method, path + b"?" + text, (), b"", None)):
        assert all(isinstance(intent, Intent) for intent in DIALECT.read_order(request))
