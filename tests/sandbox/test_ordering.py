"""What an order must be before it meets the book, and in which words it is declined."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from keywright.sandbox.model import Declined
from keywright.sandbox.ordering import new_order

NOW = 1_790_000_000_000
LIMIT: dict[str, Any] = {
    "clientOid": "c-1", "symbol": "BTC-USDT", "side": "buy", "type": "limit", "price": "50000", "size": "0.001",
}  # fmt: skip
MARKET: dict[str, Any] = {"clientOid": "c-1", "symbol": "BTC-USDT", "side": "buy", "type": "market", "funds": "5"}


def declined(body: dict[str, Any], *, oid_required: bool = False) -> tuple[str, str]:
    with pytest.raises(Declined) as said:
        new_order(body, oid_required=oid_required, now=NOW)
    return said.value.code, said.value.message


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"symbol": "NO-PAIR"}, "900001", "symbol not exists"),
        ({"symbol": None}, "900001", "symbol not exists"),
        ({"symbol": ["BTC-USDT"]}, "900001", "symbol not exists"),
        ({"size": "0.000001"}, "400100", "Order size below the minimum requirement."),
        ({"size": "0"}, "400100", "Order size below the minimum requirement."),
        ({"size": "0.000012345"}, "600100", "Order size increment invalid."),
        ({"price": "50000.01"}, "400100", "Price increment invalid."),
        ({"price": "0"}, "400100", "Price increment invalid."),
        ({"price": "1", "size": "0.00001"}, "600101", "The order funds should more then 0.1 USDT."),
        ({"price": None}, "400100", "validation.createOrder.priceIsRequired"),
        ({"size": None}, "400100", "validation.createOrder.sizeIsRequired"),
        ({"side": "BUY"}, "400100", "side not in the given range!"),
        ({"type": "stop"}, "400100", "type not in the given range!"),
        ({"timeInForce": "DAY"}, "400100", "timeInForce not in the given range!"),
        ({"stp": "XX"}, "400100", "stp not in the given range!"),
        ({"tradeType": "MARGIN_TRADE"}, "400100", "tradeType not in the given range!"),
    ],
)
def test_an_order_is_declined_in_kucoins_words(change: dict[str, Any], code: str, message: str) -> None:
    assert declined({**LIMIT, **change}) == (code, message)


@pytest.mark.parametrize(
    "change",
    [
        {"size": "NaN"}, {"size": "-1"}, {"size": "1e99"}, {"size": True}, {"size": {}}, {"size": "1" * 60},
        {"price": "1e20"}, {"price": "9" * 20}, {"clientOid": "a b"}, {"clientOid": "x" * 41}, {"clientOid": ""},
        {"clientOid": 7}, {"remark": "x" * 21}, {"remark": 1}, {"postOnly": "yes"}, {"hidden": 1},
        {"timeInForce": "GTT"}, {"timeInForce": "GTT", "cancelAfter": 0}, {"timeInForce": "GTT", "cancelAfter": 1.5},
        {"timeInForce": "GTT", "cancelAfter": True}, {"timeInForce": "GTT", "cancelAfter": "٣"},
        {"clientTimestamp": NOW - 10_000, "allowMaxTimeWindow": 9_999}, {"size": "100001"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_declined(change: dict[str, Any]) -> None:
    assert declined({**LIMIT, **change})[0] in {"400100", "400370", "300000"}


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"funds": "0.01"}, "600100", "Funds below the minimum requirement."),
        ({"funds": "5.0000001"}, "400100", "Funds increment invalid."),
        ({"funds": None}, "400100", "A market order takes either size or funds."),
        ({"size": "1"}, "400100", "A market order takes either size or funds."),
        ({"funds": "1000000000"}, "300000", "Order funds above the maximum requirement."),
    ],
)
def test_a_market_order_is_declined_in_kucoins_words(change: dict[str, Any], code: str, message: str) -> None:
    assert declined({**MARKET, **change}) == (code, message)


def test_the_clients_own_id_is_required_where_the_route_says_so() -> None:
    assert declined({**LIMIT, "clientOid": None}, oid_required=True) == (
        "400100", "validation.createOrder.clientOidIsRequired",
    )  # fmt: skip
    assert new_order({**LIMIT, "clientOid": None}, oid_required=False, now=NOW).client_oid == ""


def test_amounts_may_be_strings_integers_or_floats() -> None:
    new = new_order({**LIMIT, "price": 50000, "size": Decimal("0.0010")}, oid_required=True, now=NOW)
    assert (new.price, new.size) == (Decimal(50000), Decimal("0.001"))


def test_the_official_clients_defaults_mean_nothing_special() -> None:
    defaults = {"timeInForce": "GTC", "postOnly": False, "hidden": False, "iceberg": False, "cancelAfter": -1}
    assert new_order({**LIMIT, **defaults}, oid_required=True, now=NOW) == new_order(LIMIT, oid_required=True, now=NOW)


def test_an_order_that_comes_in_time_is_taken() -> None:
    body = {**LIMIT, "clientTimestamp": NOW - 10_000, "allowMaxTimeWindow": 10_000}
    assert new_order(body, oid_required=True, now=NOW).client_oid == "c-1"


def test_a_market_order_waits_for_nothing() -> None:
    new = new_order({**MARKET, "price": "1", "timeInForce": "GTT", "postOnly": True}, oid_required=True, now=NOW)
    assert (new.price, new.time_in_force, new.post_only) == (None, "GTC", False)
