"""What an authentic request would do: every write KuCoin has for orders and money, and what is left unknown."""

from __future__ import annotations

import csv
import json
from decimal import Context, Decimal
from importlib import resources
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from keywright.protocol.message import Request
from keywright.protocol.order import Action, Intent
from tests.protocol.wire import DIALECT

LIMIT = {"clientOid": "1", "side": "buy", "symbol": "BTC-USDT", "type": "limit", "price": "50000.1", "size": "0.002"}
MARKET = {"side": "sell", "symbol": "BTC-USDT", "type": "market", "size": "0.5"}
FUTURES = {"side": "buy", "symbol": "XBTUSDTM", "type": "limit", "price": "50000", "size": 3, "leverage": 2}
OCO = {**LIMIT, "stopPrice": "49000", "limitPrice": "60000"}
UNIVERSAL = {"currency": "USDT", "amount": "5", "type": "INTERNAL", "fromAccountType": "MAIN", "toAccountType": "TRADE"}


def would(method: str, target: str, body: Any = None) -> tuple[Intent, ...]:
    raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    return DIALECT.read_order(Request(method, target.encode(), (), raw, None))


def one(method: str, target: str, body: Any = None) -> Intent:
    (intent,) = would(method, target, body)
    return intent


def test_a_limit_order_is_read_to_the_last_digit() -> None:
    expected = Intent(
        Action.PLACE, "BTC-USDT", "buy", "limit", Decimal("50000.1"), Decimal("0.002"), Decimal("100.0002")
    )
    for path in ("hf/orders", "hf/orders/sync", "orders", "margin/order"):
        assert one("POST", f"/api/v1/{path}", LIMIT) == expected
    assert one("POST", "/api/v3/hf/margin/order", LIMIT) == expected
    many = {**LIMIT, "price": "1" * 40, "size": "0." + "3" * 40}
    assert one("POST", "/api/v1/orders", many).notional == Decimal(int("1" * 40) * int("3" * 40)).scaleb(-40, CTX)


CTX = Context(prec=200)


@pytest.mark.parametrize("amount", ["5", 5, 5.0, "5.0"])
def test_an_amount_comes_as_text_or_as_a_number(amount: object) -> None:
    order = {"side": "buy", "symbol": "BTC-USDT", "type": "market", "funds": amount}
    intent = one("POST", "/api/v1/orders", order)
    assert (intent.type, intent.size, intent.notional) == ("market", None, Decimal(5))


def test_a_market_order_by_size_has_no_notional() -> None:
    intent = one("POST", "/api/v1/hf/orders", MARKET)
    assert (intent.side, intent.size, intent.notional) == ("sell", Decimal("0.5"), None)


def test_null_counts_as_left_out() -> None:
    """python-kucoin sends it."""
    assert (
        one("POST", "/api/v1/orders", {**LIMIT, "trade_type": None, "funds": None, "stopPrice": None}).type == "limit"
    )


def test_a_stop_order_is_named_so() -> None:
    assert one("POST", "/api/v1/stop-order", {**LIMIT, "stop": "loss", "stopPrice": "1"}).type == "stop_limit"
    assert one("POST", "/api/v1/st-orders", {**FUTURES, "triggerStopUpPrice": "9"}).type == "stop_limit"


@pytest.mark.parametrize(
    ("change", "size", "notional"),
    [
        ({}, Decimal(3), None),
        ({"size": None, "qty": "0.1"}, None, None),
        ({"size": None, "valueQty": "250"}, None, Decimal(250)),
        ({"size": None, "closeOrder": True}, None, None),
    ],
)
def test_an_order_on_futures_has_contracts_or_a_value(change: Any, size: Any, notional: Any) -> None:
    for path in ("orders", "st-orders"):
        intent = one("POST", f"/api/v1/{path}", {**FUTURES, **change})
        assert (intent.action, intent.symbol, intent.size, intent.notional) == (
            Action.PLACE,
            "XBTUSDTM",
            size,
            notional,
        )


def test_a_batch_is_one_intent_for_each_order() -> None:
    bad = {**LIMIT, "side": "hold"}
    actions = [
        intent.action for intent in would("POST", "/api/v1/hf/orders/multi", {"orderList": [LIMIT, bad, MARKET]})
    ]
    assert actions == [Action.PLACE, Action.UNKNOWN, Action.PLACE]
    classic = {"symbol": "BTC-USDT", "orderList": [{k: v for k, v in LIMIT.items() if k != "symbol"}]}
    assert would("POST", "/api/v1/orders/multi", classic) == would("POST", "/api/v1/orders", LIMIT)
    assert [intent.symbol for intent in would("POST", "/api/v1/orders/multi", [FUTURES, FUTURES])] == ["XBTUSDTM"] * 2


def test_an_oco_order_comes_to_the_dearer_of_its_two() -> None:
    intent = one("POST", "/api/v3/oco/order", OCO)
    assert (intent.type, intent.notional) == ("oco", Decimal(120))


def test_an_alteration_says_what_becomes_of_the_order() -> None:
    intent = one("POST", "/api/v1/hf/orders/alter", {"symbol": "A-B", "orderId": "1", "newPrice": "2", "newSize": "3"})
    assert intent == Intent(Action.AMEND, "A-B", price=Decimal(2), size=Decimal(3), notional=Decimal(6))
    assert one("POST", "/api/v1/hf/orders/alter", {"symbol": "A-B", "clientOid": "1", "newSize": "3"}).notional is None


@pytest.mark.parametrize(
    ("target", "symbol"),
    [
        ("/api/v1/hf/orders/67120bbef094e200070976f6?symbol=BTC-USDT", "BTC-USDT"),
        ("/api/v1/hf/orders/1?orderId=1&symbol=BTC-USDT", "BTC-USDT"),
        ("/api/v1/hf/orders/client-order/c-1?symbol=BTC-USDT", "BTC-USDT"),
        ("/api/v1/hf/orders/sync/1?symbol=BTC-USDT", "BTC-USDT"),
        ("/api/v1/hf/orders/sync/client-order/1?symbol=BTC-USDT", "BTC-USDT"),
        ("/api/v1/hf/orders?symbol=BTC-USDT", "BTC-USDT"),
        ("/api/v1/hf/orders/cancelAll", None),
        ("/api/v1/orders/1", None),
        ("/api/v1/orders", None),
        ("/api/v1/orders/client-order/1?symbol=XBTUSDTM", "XBTUSDTM"),
        ("/api/v1/order/client-order/1", None),
        ("/api/v1/stop-order/1", None),
        ("/api/v1/stop-order/cancel?symbol=BTC-USDT", "BTC-USDT"),
        ("/api/v1/stop-order/cancelOrderByClientOid?clientOid=1", None),
        ("/api/v1/stopOrders?symbol=XBTUSDTM", "XBTUSDTM"),
        ("/api/v3/orders?symbol=XBTUSDTM", "XBTUSDTM"),
        ("/api/v3/hf/margin/orders?symbol=BTC-USDT&tradeType=MARGIN_TRADE", "BTC-USDT"),
        ("/api/v3/hf/margin/orders/1?symbol=BTC-USDT", "BTC-USDT"),
        ("/api/v3/hf/margin/orders/client-order/1?symbol=BTC-USDT", "BTC-USDT"),
        ("/api/v3/oco/order/1", None),
        ("/api/v3/oco/client-order/1", None),
        ("/api/v3/oco/orders", None),
    ],
)
def test_every_way_to_cancel(target: str, symbol: str | None) -> None:
    assert one("DELETE", target) == Intent(Action.CANCEL, symbol)


def test_a_part_of_an_order_is_cancelled() -> None:
    intent = one("DELETE", "/api/v1/hf/orders/cancel/1?symbol=A-B&cancelSize=0.5")
    assert intent == Intent(Action.CANCEL, "A-B", size=Decimal("0.5"))


def test_several_orders_are_cancelled_by_a_body() -> None:
    assert one("DELETE", "/api/v1/orders/multi-cancel", {"orderIdsList": ["1", "2"]}) == Intent(Action.CANCEL)
    assert one("DELETE", "/api/v1/orders/multi-cancel", {"orderIdsList": []}).action is Action.UNKNOWN
    assert one("DELETE", "/api/v1/orders/multi-cancel").action is Action.UNKNOWN


@pytest.mark.parametrize(
    ("target", "body", "kind", "destination"),
    [
        ("/api/v1/withdrawals", {"address": "0xA"}, "address", "0xA"),
        ("/api/v3/withdrawals", {"toAddress": "0xA", "withdrawType": "ADDRESS"}, "address", "0xA"),
        ("/api/v3/withdrawals", {"toAddress": "a@example.org", "withdrawType": "MAIL"}, "mail", "a@example.org"),
    ],
)
def test_a_withdrawal_says_what_goes_where(target: str, body: Any, kind: str, destination: str) -> None:
    intent = one("POST", target, {"currency": "USDT", "amount": 5.25, **body})
    assert intent == Intent(Action.WITHDRAW, type=kind, size=Decimal("5.25"), currency="USDT", destination=destination)


@pytest.mark.parametrize(
    ("target", "body", "destination"),
    [
        ("/api/v3/accounts/universal-transfer", {}, "TRADE"),
        (
            "/api/v3/accounts/universal-transfer",
            {"toUserId": "63743f07e0c5230001761d08"},
            "TRADE 63743f07e0c5230001761d08",
        ),
        ("/api/v2/accounts/inner-transfer", {"from": "main", "to": "trade_hf"}, "trade_hf"),
        ("/api/v2/accounts/sub-transfer", {"direction": "OUT", "subUserId": "u1"}, "OUT u1"),
        ("/api/v1/transfer-in", {"payAccountType": "MAIN"}, "CONTRACT"),
        ("/api/v2/transfer-out", {"recAccountType": "MAIN"}, "MAIN"),
        ("/api/v3/transfer-out", {"recAccountType": "TRADE"}, "TRADE"),
    ],
)
def test_a_transfer_says_what_goes_where(target: str, body: Any, destination: str) -> None:
    intent = one("POST", target, {**UNIVERSAL, **body})
    assert intent == Intent(Action.TRANSFER, size=Decimal(5), currency="USDT", destination=destination)


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("GET", "/api/v1/anything?a=1&a=2", None),
        ("HEAD", "/api/v1/orders", None),
        ("POST", "/api/v1/hf/orders/test", LIMIT),
        ("POST", "/api/v1/bullet-private", None),
        ("DELETE", "/api/v1/withdrawals/1", None),
    ],
)
def test_what_moves_nothing_is_other(method: str, target: str, body: Any) -> None:
    assert one(method, target, body) == Intent(Action.OTHER)


_NO_SYMBOL = {k: v for k, v in LIMIT.items() if k != "symbol"}


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("POST", "/api/v1/nobody/knows", LIMIT),
        ("POST", "/api/v1/sub/api-key", {"subName": "a"}),
        ("PUT", "/api/v1/orders", LIMIT),
        ("PATCH", "/api/v1/orders", LIMIT),
        ("post", "/api/v1/orders", LIMIT),
        ("POST", "/api/v1/../orders", LIMIT),
        ("POST", "/api/v1/orders/", LIMIT),
        ("POST", "/api/v1/orders?symbol=ETH-USDT", LIMIT),
        ("POST", "/api/v1/orders", None),
        ("POST", "/api/v1/orders", b"[]"),
        ("POST", "/api/v1/orders", b"{"),
        ("POST", "/api/v1/orders", b'{"size":"1","size":"1000"}'),
        ("POST", "/api/v1/orders", b'["limit"]'),
        ("POST", "/api/v1/orders", _NO_SYMBOL),
        *(
            ("POST", "/api/v1/orders", {**LIMIT, **change})
            for change in (
                *({"side": "BUY"}, {"side": 1}, {"type": "Limit"}, {"type": None}, {"price": None}, {"size": None}),
                *({"funds": "5"}, {"size": "-1"}, {"size": "0"}, {"size": 0}, {"size": True}, {"size": "1e3"}),
                *({"size": " 1"}, {"size": "１"}, {"size": "0x10"}, {"size": [1]}, {"size": ""}, {"size": "NaN"}),
                *({"symbol": ""}, {"symbol": 5}, {"symbol": "A" * 300}, {"symbol": "BTCUSDT", "qty": "1"}),
            )
        ),
        ("POST", "/api/v1/orders", {**MARKET, "funds": "5"}),
        ("POST", "/api/v1/orders", {**MARKET, "price": "5"}),
        ("POST", "/api/v1/orders", {**FUTURES, "qty": "1"}),
        ("POST", "/api/v1/orders", {**FUTURES, "closeOrder": True}),
        ("POST", "/api/v1/orders", {**FUTURES, "closeOrder": "true"}),
        ("POST", "/api/v1/orders", {**FUTURES, "price": None}),
        ("POST", "/api/v1/hf/orders/multi", {"orderList": []}),
        ("POST", "/api/v1/hf/orders/multi", {"orderList": [LIMIT] * 51}),
        ("POST", "/api/v1/orders/multi", {"symbol": "ETH-USDT", "orderList": [LIMIT]}),
        ("POST", "/api/v3/oco/order", LIMIT),
        ("POST", "/api/v1/hf/orders/alter", {"symbol": "A-B", "orderId": "1"}),
        ("POST", "/api/v1/hf/orders/alter", {"symbol": "A-B", "newSize": "1"}),
        ("POST", "/api/v1/hf/orders/alter", {"symbol": "A-B", "orderId": "1", "clientOid": "1", "newSize": "1"}),
        ("DELETE", "/api/v1/hf/orders?symbol=A-B&symbol=C-D", None),
        ("DELETE", "/api/v1/hf/orders?symbol=", None),
        ("DELETE", "/api/v1/orders", {}),
        ("DELETE", "/api/v1/nobody/knows", None),
        ("DELETE", "/api/v1/sub/api-key?apiKey=1&subName=a&passphrase=canary", None),
        ("POST", "/api/v3/withdrawals", {"currency": "A", "amount": "1", "toAddress": "canary"}),
        (
            "POST",
            "/api/v3/withdrawals",
            {"currency": "A", "amount": "1", "address": "canary", "withdraw_type": "ADDRESS"},
        ),
        ("POST", "/api/v1/withdrawals", {"currency": "A", "amount": "1", "address": "canary", "toAddress": "b"}),
        ("POST", "/api/v1/withdrawals", {"currency": "A", "address": "canary"}),
        ("POST", "/api/v2/accounts/inner-transfer", {"currency": "A", "amount": "1", "from": "main"}),
        ("POST", "/api/v2/transfer-out", {"currency": "A", "amount": "1"}),
    ],
)
def test_what_is_not_understood_is_unknown_and_says_why(method: str, target: str, body: Any) -> None:
    intents = would(method, target, body)
    assert [intent.action for intent in intents] == [Action.UNKNOWN]
    assert intents[0].why
    assert "canary" not in intents[0].why


def test_every_write_of_the_route_table_is_described() -> None:
    text = resources.files("keywright.gateway").joinpath("kucoin_routes.csv").read_text("utf-8")
    for row in csv.DictReader(text.splitlines()):
        if row["method"] not in {"GET", "HEAD"}:
            path = "/".join("x1" if segment.startswith("{") else segment for segment in row["path"].split("/"))
            (intent,) = would(row["method"], path, b"{}" if row["body"] == "yes" else None)
            assert "nobody described" not in intent.why, path


@settings(max_examples=600)
@given(
    method=st.sampled_from(["POST", "DELETE", "GET"]) | st.text(max_size=5),
    target=st.sampled_from(["/api/v1/orders", "/api/v1/hf/orders/multi", "/api/v3/withdrawals"])
    | st.text(max_size=20).map(lambda tail: "/api/v1/orders?" + tail),
    body=st.binary(max_size=60)
    | st.dictionaries(
        st.sampled_from(["symbol", "side", "type", "size", "price", "amount", "orderList", "currency"]),
        st.none()
        | st.text(max_size=8)
        | st.integers()
        | st.floats(allow_nan=False)
        | st.lists(st.integers(), max_size=3),
    ).map(lambda value: json.dumps(value).encode()),
)
def test_anything_at_all_is_read(method: str, target: str, body: bytes) -> None:
    intents = DIALECT.read_order(Request(method, target.encode("utf-8", "replace"), (), body, None))
    assert intents
    assert all(intent.why for intent in intents if intent.action is Action.UNKNOWN)
