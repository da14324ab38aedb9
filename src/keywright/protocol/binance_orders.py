"""What an authentic request would do on Binance: each path's parameters read into `Intent`s.

Rule 1: a path nobody described here, if it is not a GET, is `unknown`; so is a described one whose parameters don't say
what they must, or say it in other than plain decimals. Nothing is guessed, nothing rounded.
Rule 2: a notional is told for limit orders on spot and margin, price × quantity, and for market orders by what they
spend. Not on futures, where the contract's size is not in the request; not where a price is pegged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from typing import Any

from keywright.errors import Invalid
from keywright.protocol import binance_canonical, strict_json
from keywright.protocol.message import Request
from keywright.protocol.order import Action, Intent
from keywright.protocol.refusal import Refused

Fields = Mapping[str, str]
Read = Callable[[Fields], tuple[Intent, ...]]

MOST_ORDERS = 50
"""Of one batch. Binance takes 5, on one of its markets 10."""

# Binance's own rule for a DECIMAL, in ASCII digits alone: no sign, no exponent, no NaN.
_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,20})?")
_EXACT = Context(prec=80)
_SIDES = {"BUY": "buy", "SELL": "sell"}
_WORD = re.compile(r"[A-Z][A-Z_]{0,39}")
_PRICED = frozenset({"limit", "limit_maker", "stop_loss_limit", "take_profit_limit"})


def read_order(request: Request) -> tuple[Intent, ...]:
    """Return what an authentic request would do; one `unknown` where it can't be told. Never raises."""
    if request.method == "GET":
        return (Intent(Action.OTHER),)
    try:
        form = binance_canonical.read(request.method, request.target, request.body)
        fields = dict(binance_canonical.pairs(form.payload))
        read = _PATHS.get((request.method, form.path.decode()))
        if read is None:
            raise Invalid("a write to a path that nobody described")  # not named: anything could stand in it
        return read(fields)
    except Refused as refused:
        return (Intent(Action.UNKNOWN, why=str(refused.facts.get("rule", refused.reason.value))),)
    except Invalid as invalid:
        return (Intent(Action.UNKNOWN, why=invalid.message),)


# ── single values


def _text(fields: Fields, name: str) -> str:
    if not (value := fields.get(name, "")):
        raise Invalid(f"'{name}' is missing")
    return value


def _number(fields: Fields, name: str) -> Decimal | None:
    """Return a number, `None` where it was not sent."""
    if (value := fields.get(name)) is None:
        return None
    if not _NUMBER.fullmatch(value):
        raise Invalid(f"'{name}' is no plain decimal")
    return Decimal(value)


def _amount(fields: Fields, name: str = "amount") -> Decimal:
    if (amount := _number(fields, name)) is None:
        raise Invalid(f"'{name}' is missing")
    return amount


def _side(fields: Fields, name: str) -> str:
    if (side := _SIDES.get(fields.get(name, ""))) is None:
        raise Invalid(f"'{name}' is neither BUY nor SELL")
    return side


def _type(fields: Fields, name: str) -> str:
    if not _WORD.fullmatch(value := _text(fields, name)):
        raise Invalid(f"'{name}' is no type of order")
    return value.lower()


# ── orders


def _placed(fields: Fields, leg: str = "", *, side: str = "", size: str = "", spot: bool = True) -> Intent:
    """Return one order. `leg` begins the names of its parameters; `side` and `size` name those that legs share."""

    def name(of: str) -> str:
        return f"{leg}{of[0].upper()}{of[1:]}" if leg else of

    kind = _type(fields, name("type"))
    price = _number(fields, name("price"))
    pegged = name("pegPriceType") in fields or "priceMatch" in fields
    amount = _number(fields, size or name("quantity"))
    spent = None if leg else _number(fields, "quoteOrderQty")
    notional = None
    if spot and kind in _PRICED and price is not None and amount is not None and not pegged:
        notional = _EXACT.multiply(price, amount)
    elif spot and kind == "market" and amount is None:
        notional = spent
    if kind in _PRICED and not pegged and price is None:
        raise Invalid(f"'{name('price')}' is missing")
    return Intent(
        Action.PLACE,
        symbol=_text(fields, "symbol"),
        side=_side(fields, side or name("side")),
        type=kind,
        price=None if pegged else price,
        size=amount,
        notional=notional,
    )


def _order(fields: Fields) -> tuple[Intent, ...]:
    return (_placed(fields),)


def _futures_order(fields: Fields) -> tuple[Intent, ...]:
    return (_placed(fields, spot=False),)


def _cancel(fields: Fields) -> tuple[Intent, ...]:
    return (Intent(Action.CANCEL, symbol=fields.get("symbol") or None),)


def _cancel_replace(fields: Fields) -> tuple[Intent, ...]:
    return (Intent(Action.CANCEL, symbol=_text(fields, "symbol")), _placed(fields))


def _amend(fields: Fields) -> tuple[Intent, ...]:
    return (Intent(Action.AMEND, symbol=_text(fields, "symbol"), size=_amount(fields, "newQty")),)


def _old_oco(fields: Fields) -> tuple[Intent, ...]:
    unpriced = {name: value for name, value in fields.items() if name != "price"} | {"type": "STOP_LOSS"}
    limit = fields.get("stopLimitPrice")
    stop = unpriced if limit is None else {**fields, "type": "STOP_LOSS_LIMIT", "price": limit}
    return (_placed({**fields, "type": "LIMIT_MAKER"}), _placed(stop))


def _oco(fields: Fields) -> tuple[Intent, ...]:
    return tuple(_placed(fields, leg, side="side", size="quantity") for leg in ("above", "below"))


def _pending(leg: str = "", *, size: str = "pendingQuantity") -> Read:
    """Return what reads a working order and the pending ones, `leg` telling apart those of a pair."""
    legs = ("pendingAbove", "pendingBelow") if leg else ("pending",)

    def read(fields: Fields) -> tuple[Intent, ...]:
        if size and size not in fields:
            raise Invalid(f"'{size}' is missing")
        # One that pays the other has no quantity: it takes what the working order brings. No such name is ever sent.
        pending = (_placed(fields, each, side="pendingSide", size=size or "-") for each in legs)
        return (_placed(fields, "working"), *pending)

    return read


def _twap(fields: Fields) -> tuple[Intent, ...]:
    size = _amount(fields, "quantity")
    return (Intent(Action.PLACE, _text(fields, "symbol"), _side(fields, "side"), "algorithm", size=size),)


def _futures_amend(fields: Fields) -> tuple[Intent, ...]:
    symbol, side = _text(fields, "symbol"), _side(fields, "side") if "side" in fields else None
    size, price = _number(fields, "quantity"), _number(fields, "price")
    return (Intent(Action.AMEND, symbol, side, price=price, size=size),)


def _batch(read: Read) -> Read:
    def orders(fields: Fields) -> tuple[Intent, ...]:
        listed = strict_json.loads(_text(fields, "batchOrders").encode())
        if not isinstance(listed, list) or not 0 < len(listed) <= MOST_ORDERS:
            raise Invalid("'batchOrders' is no list of orders")
        return tuple(intent for order in listed for intent in read(_as_fields(order)))

    return orders


def _as_fields(order: Any) -> Fields:
    """Return one order of a batch as a form would have it: text stays, integers and fractions become plain decimals."""
    if not isinstance(order, dict):
        raise Invalid("'batchOrders' holds something that is no order")
    fields = {}
    for name, value in order.items():
        if isinstance(value, bool | list | dict):
            continue  # flags; nothing that an intent is read from
        if value is not None:
            fields[name] = f"{value:f}" if isinstance(value, Decimal) else str(value)
    return fields


# ── money


def _withdrawal(fields: Fields) -> tuple[Intent, ...]:
    address, tag = _text(fields, "address"), fields.get("addressTag", "")
    if any(character.isspace() for character in address + tag):
        raise Invalid("'address' holds white space")  # which parts address and tag below
    destination = f"{address} {tag}" if tag else address
    coin, amount = _text(fields, "coin"), _amount(fields)
    return (Intent(Action.WITHDRAW, size=amount, currency=coin, destination=destination),)


def _transfer(*destination: str, instead: str = "") -> Read:
    """Return what reads a transfer to where the named parameters say; to `instead` where none was sent."""

    def read(fields: Fields) -> tuple[Intent, ...]:
        where = " ".join(fields[name] for name in destination if fields.get(name)) or instead
        if not where:
            raise Invalid(f"'{destination[0]}' is missing")
        asset, amount = _text(fields, "asset"), _amount(fields)
        return (Intent(Action.TRANSFER, size=amount, currency=asset, destination=where),)

    return read


def _other(_fields: Fields) -> tuple[Intent, ...]:
    return (Intent(Action.OTHER),)


_SAPI, _SUB = "/sapi/v1", "/sapi/v1/sub-account"
_STREAMS = (
    "/api/v3/userDataStream",
    f"{_SAPI}/userDataStream",
    f"{_SAPI}/userDataStream/isolated",
    "/fapi/v1/listenKey",
)

_PATHS: Mapping[tuple[str, str], Read] = {
    ("POST", "/api/v3/order"): _order,
    ("POST", "/api/v3/order/test"): _other,
    ("POST", "/api/v3/sor/order"): _order,
    ("POST", "/api/v3/sor/order/test"): _other,
    ("DELETE", "/api/v3/order"): _cancel,
    ("DELETE", "/api/v3/openOrders"): _cancel,
    ("DELETE", "/api/v3/orderList"): _cancel,
    ("POST", "/api/v3/order/cancelReplace"): _cancel_replace,
    ("PUT", "/api/v3/order/amend/keepPriority"): _amend,
    ("POST", "/api/v3/order/oco"): _old_oco,
    ("POST", "/api/v3/orderList/oco"): _oco,
    ("POST", "/api/v3/orderList/oto"): _pending(),
    ("POST", "/api/v3/orderList/otoco"): _pending("pair"),
    ("POST", "/api/v3/orderList/opo"): _pending(size=""),
    ("POST", "/api/v3/orderList/opoco"): _pending("pair", size=""),
    ("POST", f"{_SAPI}/margin/order"): _order,
    ("POST", f"{_SAPI}/margin/order/oco"): _old_oco,
    ("POST", f"{_SAPI}/margin/order/oto"): _pending(),
    ("POST", f"{_SAPI}/margin/order/otoco"): _pending("pair"),
    ("DELETE", f"{_SAPI}/margin/order"): _cancel,
    ("DELETE", f"{_SAPI}/margin/openOrders"): _cancel,
    ("DELETE", f"{_SAPI}/margin/orderList"): _cancel,
    ("POST", f"{_SAPI}/algo/spot/newOrderTwap"): _twap,
    ("DELETE", f"{_SAPI}/algo/spot/order"): _cancel,
    ("POST", f"{_SAPI}/algo/futures/newOrderTwap"): _twap,
    ("POST", f"{_SAPI}/algo/futures/newOrderVp"): _twap,
    ("DELETE", f"{_SAPI}/algo/futures/order"): _cancel,
    ("POST", f"{_SAPI}/capital/withdraw/apply"): _withdrawal,
    ("POST", f"{_SAPI}/localentity/withdraw/apply"): _withdrawal,
    ("POST", f"{_SAPI}/asset/transfer"): _transfer("type", "toSymbol"),
    ("POST", f"{_SAPI}/futures/transfer"): _transfer("type"),
    ("POST", f"{_SAPI}/margin/transfer"): _transfer("type"),
    ("POST", f"{_SAPI}/margin/isolated/transfer"): _transfer("transTo"),
    ("POST", f"{_SUB}/universalTransfer"): _transfer("toEmail", "toAccountType"),
    ("POST", f"{_SUB}/transfer/subToSub"): _transfer("toEmail"),
    ("POST", f"{_SUB}/transfer/subToMaster"): _transfer(instead="master"),
    ("POST", f"{_SUB}/futures/transfer"): _transfer("email", "type"),
    ("POST", f"{_SUB}/margin/transfer"): _transfer("email", "type"),
    ("POST", f"{_SUB}/futures/internalTransfer"): _transfer("toEmail", "futuresType"),
    ("POST", f"{_SAPI}/managed-subaccount/deposit"): _transfer("toEmail"),
    ("POST", f"{_SAPI}/managed-subaccount/withdraw"): _transfer(instead="master"),
    ("POST", f"{_SAPI}/broker/transfer"): _transfer("toId", instead="master"),
    ("POST", f"{_SAPI}/broker/transfer/futures"): _transfer("toId", instead="master"),
    ("POST", f"{_SAPI}/broker/universalTransfer"): _transfer("toId", "toAccountType"),
    **{(method, path): _other for path in _STREAMS for method in ("POST", "PUT", "DELETE")},
    **{
        (method, f"{market}/{path}"): read
        for market in ("/fapi/v1", "/dapi/v1")
        for method, path, read in (
            ("POST", "order", _futures_order),
            ("PUT", "order", _futures_amend),
            ("DELETE", "order", _cancel),
            ("DELETE", "allOpenOrders", _cancel),
            ("POST", "batchOrders", _batch(_futures_order)),
            ("PUT", "batchOrders", _batch(_futures_amend)),
            ("DELETE", "batchOrders", _cancel),
        )
    },
}
