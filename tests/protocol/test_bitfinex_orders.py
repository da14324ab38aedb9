"""What an authentic request on Bitfinex's wire would do, and that what can't be told is said to be so."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from keywright.protocol.message import Request
from keywright.protocol.order import Action, Intent
from tests.protocol.bitfinex_wire import DIALECT

ORDER = {"type": "EXCHANGE LIMIT", "symbol": "tBTCUSD", "amount": "0.5", "price": "100"}
TRANSFER = {"from": "exchange", "to": "margin", "currency": "USD", "amount": "5"}
PAID = {"wallet": "exchange", "method": "bitcoin", "amount": "0.1", "address": "bc1q"}


def read(path: str, body: Any = None, *, method: str = "POST") -> tuple[Intent, ...]:
    content = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
    return DIALECT.read_order(Request(method, path.encode("utf-8", "surrogateescape"), (), content, None))


def write(path: str, body: Any = None) -> Intent:
    (intent,) = read(f"/v2/auth/w/{path}", body)
    return intent


def test_an_order_is_read_from_its_exact_bytes() -> None:
    body = b'{"type":"EXCHANGE LIMIT","symbol":"tBTCUSD","amount":"-0.30","price":50000.10}'
    assert read("/v2/auth/w/order/submit", body) == (
        Intent(
            *(Action.PLACE, "tBTCUSD", "sell", "exchange_limit"),
            price=Decimal("50000.10"),
            size=Decimal("0.30"),
            notional=Decimal("15000.0300"),
        ),
    )


@pytest.mark.parametrize(
    ("change", "type_", "price", "notional"),
    [
        ({}, "exchange_limit", "100", "50.0"),
        ({"type": "LIMIT"}, "limit", "100", "50.0"),
        ({"type": "FOK"}, "fok", "100", "50.0"),
        ({"type": "EXCHANGE IOC"}, "exchange_ioc", "100", "50.0"),
        ({"type": "EXCHANGE MARKET"}, "exchange_market", None, None),
        ({"type": "EXCHANGE MARKET", "price": None}, "exchange_market", None, None),
        ({"type": "STOP"}, "stop", "100", None),
        ({"type": "EXCHANGE TRAILING STOP", "price_trailing": "3"}, "exchange_trailing_stop", None, None),
        ({"type": "STOP LIMIT", "price_aux_limit": "120"}, "stop_limit", "120", "60.0"),
        ({"flags": 4096}, "exchange_limit", "100", "50.0"),
        ({"flags": 16384, "price_oco_stop": "1"}, "exchange_limit", "100", None),
        ({"price_oco_stop": "1"}, "exchange_limit", "100", None),
        ({"flags": 512}, "exchange_limit", "100", None),
        ({"flags": "64"}, "exchange_limit", "100", None),
        ({"flags": -1}, "exchange_limit", "100", None),
        ({"symbol": "tBTCF0:USTF0", "type": "LIMIT"}, "limit", "100", None),
        ({"amount": 0.5, "price": 100}, "exchange_limit", "100", "50.0"),
        ({"price": "1e2"}, "exchange_limit", "100", "50.0"),
    ],
)
def test_a_notional_is_stated_only_where_nothing_can_make_it_more(
    change: dict[str, Any], type_: str, price: str | None, notional: str | None
) -> None:
    intent = write("order/submit", ORDER | change)
    assert (intent.action, intent.type, intent.side, intent.size) == (Action.PLACE, type_, "buy", Decimal("0.5"))
    assert intent.price == (None if price is None else Decimal(price))
    assert intent.notional == (None if notional is None else Decimal(notional))


@settings(max_examples=300, deadline=None)
@given(amount=st.integers(1, 10**40 - 1), price=st.integers(1, 10**40 - 1), places=st.integers(0, 39))
def test_no_digit_of_a_notional_is_rounded_away(amount: int, price: int, places: int) -> None:
    odd = f"1.{'0' * places}1"
    stated = write("order/submit", ORDER | {"amount": f"-{amount}", "price": odd})
    assert stated.notional is not None
    assert stated.size == amount
    assert Fraction(stated.notional) == Fraction(odd) * amount
    plain = write("order/submit", ORDER | {"amount": amount, "price": price})
    assert plain.notional is not None
    assert int(plain.notional) == amount * price


@pytest.mark.parametrize(
    "change",
    [
        *({"amount": 0}, {"amount": "-0.0"}, {"amount": None}, {"amount": True}, {"amount": "１"}, {"amount": " 1"}),
        *({"amount": "+1"}, {"amount": "1_0"}, {"amount": "0x1"}, {"amount": "NaN"}, {"amount": "Infinity"}, {"amount": ""}),
        *({"amount": ["1"]}, {"amount": "1" * 5000}, {"amount": "1e999999"}, {"amount": "1\n"}),
        *({"price": None}, {"price": "-5"}, {"price": 0}, {"price": "abc"}, {"type": "exchange limit"}, {"type": None}),
        *({"type": "NEW KIND"}, {"type": ["LIMIT"]}, {"symbol": None}, {"symbol": "BTCUSD"}, {"symbol": "tbtcusd"}),
        *({"symbol": "fUSD"}, {"symbol": 5}, {"symbol": "tBTCUSD\n"}, {"type": "STOP LIMIT"}, {"type": "STOP", "price": 0}),
    ],
    ids=str,
)  # fmt: skip
def test_an_order_spelled_otherwise_is_not_understood(change: dict[str, Any]) -> None:
    intent = write("order/submit", ORDER | change)
    assert (intent.action, bool(intent.why)) == (Action.UNKNOWN, True)


@pytest.mark.parametrize("body", [b"", b"[]", b"[1]", b"{", b'{"amount":NaN}', b'{"id":1,"id":2}', b"\xff", b"null"])
@pytest.mark.parametrize("path", ["order/submit", "order/cancel", "order/multi", "withdraw", "transfer"])
def test_a_body_without_one_reading_is_not_understood(path: str, body: bytes) -> None:
    assert write(path, body).action is Action.UNKNOWN


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"id": 1, "price": "5", "amount": "-2"}, Intent(Action.AMEND, None, "sell", None, Decimal(5), Decimal(2))),
        ({"id": 1, "delta": "1"}, Intent(Action.AMEND)),
        ({"id": 1, "delta": "1", "amount": "2"}, Intent(Action.AMEND, side="buy")),
        ({"cid": 1, "cid_date": "2024-01-01", "price": 3}, Intent(Action.AMEND, price=Decimal(3))),
    ],
)
def test_an_update_is_read_without_a_notional(body: dict[str, Any], expected: Intent) -> None:
    assert write("order/update", body) == expected


@pytest.mark.parametrize(
    "body", [{}, {"price": "5"}, {"id": 1, "price": 0}, {"id": 1, "amount": 0}, {"id": 1, "amount": "x"}]
)
def test_an_update_of_nothing_or_to_nothing_is_not_understood(body: dict[str, Any]) -> None:
    assert write("order/update", body).action is Action.UNKNOWN


def test_cancellations() -> None:
    assert write("order/cancel", {"id": 1}) == Intent(Action.CANCEL)
    assert write("order/cancel", {"cid": 1, "cid_date": "2024-01-01"}) == Intent(Action.CANCEL)
    assert write("order/cancel", {"all": 1}).action is Action.UNKNOWN
    for body in ({"id": [1, 2]}, {"cid": [[1, "2024-01-01"]]}, {"gid": [5]}, {"all": 1}):
        assert write("order/cancel/multi", body) == Intent(Action.CANCEL)
    assert write("order/cancel/multi", {}).action is Action.UNKNOWN


def test_a_batch_makes_an_intent_of_each_operation_in_order() -> None:
    operations = [["on", ORDER], ["ou", {"id": 1, "price": "5"}], ["oc", {"id": 1}], ["oc_multi", {"all": 1}]]
    operations += [["on", ORDER | {"amount": "-1"}], ["on", {}], ["xx", {}], ["on"], [["on"], {}], ["oc", []]]
    intents = read("/v2/auth/w/order/multi", {"ops": operations})
    assert [intent.action.value for intent in intents] == [
        *("place", "amend", "cancel", "cancel", "place"),
        *["unknown"] * 5,
    ]
    assert (intents[0].side, intents[4].side) == ("buy", "sell")


@pytest.mark.parametrize("ops", [None, [], {}, "on", [["on", ORDER]] * 76])
def test_a_batch_of_nothing_or_too_much_is_not_understood(ops: Any) -> None:
    assert write("order/multi", {"ops": ops}).action is Action.UNKNOWN


@pytest.mark.parametrize(
    ("change", "size", "destination"),
    [
        ({}, "0.1", "bc1q"),
        ({"payment_id": "77"}, "0.1", "bc1q 77"),
        ({"payment_id": 77}, "0.1", "bc1q 77"),
        ({"address": None, "invoice": "lnbc1"}, "0.1", "lnbc1"),
        ({"address": None, "invoice": "lnbc1", "amount": None}, None, "lnbc1"),
        ({"address": None, "method": "wire"}, "0.1", None),
    ],
)
def test_a_withdrawal_says_where_it_goes(change: dict[str, Any], size: str | None, destination: str | None) -> None:
    intent = write("withdraw", PAID | change)
    assert (intent.action, intent.destination) == (Action.WITHDRAW, destination)
    assert intent.size == (None if size is None else Decimal(size))


@pytest.mark.parametrize(
    "change",
    [{"amount": "-1"}, {"amount": None}, {"method": None}, {"invoice": "x"}, {"address": ["x"]}, {"address": ""}],
)
def test_a_withdrawal_that_does_not_say_so_is_not_understood(change: dict[str, Any]) -> None:
    assert write("withdraw", PAID | change).action is Action.UNKNOWN


def test_a_transfer_to_another_account_is_taken_for_a_withdrawal() -> None:
    assert write("transfer", TRANSFER) == Intent(Action.TRANSFER, size=Decimal(5), currency="USD", destination="margin")
    for other, destination in (({"email_dst": "a@b.example"}, "margin a@b.example"), ({"user_id_dst": 7}, "margin 7")):
        intent = write("transfer", TRANSFER | other)
        assert (intent.action, intent.destination, intent.currency) == (Action.WITHDRAW, destination, "USD")
    for wrong in ({"to": None}, {"from": 1}, {"currency": "usd"}, {"amount": "-5"}, {"email_dst": ["x"]}):
        assert write("transfer", TRANSFER | wrong).action is Action.UNKNOWN


@pytest.mark.parametrize(
    ("path", "method", "action"),
    [
        ("/v2/auth/r/wallets", "POST", Action.OTHER),
        ("/v2/auth/r/orders/tBTCF0:USTF0/hist", "POST", Action.OTHER),
        ("/v2/auth/calc/order/avail", "POST", Action.OTHER),
        ("/v2/tickers?symbols=ALL", "GET", Action.OTHER),
        ("/v2/auth/w/funding/offer/cancel", "POST", Action.OTHER),
        ("/v2/auth/w/deposit/address", "POST", Action.OTHER),
        ("/v2/auth/w/funding/offer/submit", "POST", Action.UNKNOWN),
        ("/v2/auth/w/funding/auto", "POST", Action.UNKNOWN),
        ("/v2/auth/w/position/claim", "POST", Action.UNKNOWN),
        ("/v2/auth/w/deriv/collateral/set", "POST", Action.UNKNOWN),
        ("/v2/auth/w/token", "POST", Action.UNKNOWN),
        ("/v2/auth/w/new", "POST", Action.UNKNOWN),
        ("/v2/auth/x/new", "POST", Action.UNKNOWN),
        ("/v2/auth/w/order/submit/", "POST", Action.UNKNOWN),
        ("/v2/auth/w/order/submit?a", "POST", Action.UNKNOWN),
        ("/v2/auth/w/order/submit", "GET", Action.UNKNOWN),
        ("/v2/auth/r/../w/withdraw", "POST", Action.UNKNOWN),
        ("\udcff", "POST", Action.UNKNOWN),
    ],
)
def test_reads_are_other_and_unknown_writes_are_unknown(path: str, method: str, action: Action) -> None:
    (intent,) = read(path, method=method)
    assert (intent.action, bool(intent.why)) == (action, action is Action.UNKNOWN)


_VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(["LIMIT", "tBTCUSD", "1.5"])
_FIELDS = ["type", "symbol", "amount", "price", "flags", "id", "cid", "all", "ops", "method", "address", "to", "from"]


@settings(max_examples=1_000, deadline=None)
@given(
    path=st.sampled_from(["order/submit", "order/update", "order/cancel/multi", "order/multi", "withdraw", "transfer"]),
    body=st.dictionaries(st.sampled_from(_FIELDS), _VALUES | st.lists(st.lists(_VALUES, max_size=2), max_size=3)),
)
def test_anything_at_all_is_an_intent(path: str, body: dict[str, Any]) -> None:
    for intent in read(f"/v2/auth/w/{path}", body):
        assert (intent.action is Action.UNKNOWN) == bool(intent.why)
        assert "canary" not in intent.why


@pytest.mark.parametrize("path", ["order/submit", "withdraw", "transfer", "order/multi"])
def test_why_repeats_nothing_of_the_body(path: str) -> None:
    body = {"type": "canary", "method": "canary!", "address": ["canary"], "to": "canary!", "ops": "canary"}
    assert "canary" not in write(path, body).why
