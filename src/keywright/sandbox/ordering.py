"""Reads an order out of a request body and judges it by its market's rules. Pure.

Declines in KuCoin's words: clients match on the texts. Fields nobody asked for, and fields that are null, are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from keywright.errors import Invalid
from keywright.sandbox.amounts import amount, is_multiple
from keywright.sandbox.markets import MARKETS
from keywright.sandbox.model import Declined, Kind, Market, NewOrder, Side

_CLIENT_OID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_LONGEST_NOTE = 20
_LONGEST_WAIT = 2_592_000  # seconds: KuCoin lets a GTT order live thirty days
_IN_FORCE = frozenset({"GTC", "GTT", "IOC", "FOK"})
_PREVENTION = frozenset({"CN", "CO", "CB", "DC"})


def client_oid(value: object) -> str:
    """Return a client's own order id; raises `Declined` unless it is 1 to 40 letters, digits, `_` or `-`."""
    if not isinstance(value, str) or not _CLIENT_OID.fullmatch(value):
        raise Declined("400100", "clientOid: 1 to 40 letters, digits, underscores or hyphens.")
    return value


def tradable(symbol: object) -> Market:
    """Return the pair an order names; raises `Declined` in the words order routes use."""
    found = MARKETS.get(symbol) if isinstance(symbol, str) else None
    if found is None:
        raise Declined("900001", "symbol not exists")
    return found


def new_order(body: Mapping[str, Any], *, oid_required: bool, now: int) -> NewOrder:
    """Return the order a body asks for; raises `Declined` when it breaks a rule of its market."""
    if body.get("clientOid") is None and oid_required:
        raise Declined("400100", "validation.createOrder.clientOidIsRequired")
    market = tradable(body.get("symbol"))
    side, kind = _side(body.get("side")), _kind(body.get("type"))
    try:
        price, size, funds = (_given(body, field) for field in ("price", "size", "funds"))
        visible_size = _given(body, "visibleSize")
    except Invalid as error:
        raise Declined("400100", f"{error.message}.") from None
    _refuse_late(body, now=now)
    if kind == "limit":
        if price is None or size is None:
            raise Declined("400100", f"validation.createOrder.{'price' if price is None else 'size'}IsRequired")
        _judge_price(price, market)
        _judge_size(size, market)
        funds = None
        if price * size < market.quote_min:
            raise Declined("600101", f"The order funds should more then {market.quote_min} {market.quote}.")
    else:
        price = None
        if (size is None) == (funds is None):
            raise Declined("400100", "A market order takes either size or funds.")
        if size is not None:
            _judge_size(size, market)
        elif funds is not None:
            _judge_funds(funds, market)
    in_force = _one_of(body, "timeInForce", _IN_FORCE, default="GTC") if kind == "limit" else "GTC"
    return NewOrder(
        symbol=market.symbol,
        side=side,
        kind=kind,
        client_oid=client_oid(body["clientOid"]) if body.get("clientOid") is not None else "",
        price=price,
        size=size,
        funds=funds,
        time_in_force=in_force,
        cancel_after=_cancel_after(body) if in_force == "GTT" else -1,
        post_only=_flag(body, "postOnly") and kind == "limit",
        hidden=_flag(body, "hidden"),
        iceberg=_flag(body, "iceberg"),
        visible_size=visible_size,
        stp=_one_of(body, "stp", _PREVENTION, default=""),
        remark=_note(body, "remark"),
        tags=_note(body, "tags"),
        trade_type=_one_of(body, "tradeType", frozenset({"TRADE"}), default="TRADE"),
    )


def _side(value: object) -> Side:
    if value == "buy":
        return "buy"
    if value == "sell":
        return "sell"
    raise Declined("400100", "side not in the given range!")


def _kind(value: object) -> Kind:
    if value == "market":
        return "market"
    if value in {"limit", None}:  # KuCoin's default
        return "limit"
    raise Declined("400100", "type not in the given range!")


def _given(body: Mapping[str, Any], field: str) -> Decimal | None:
    return None if body.get(field) is None else amount(body[field], field=field)


def _judge_price(price: Decimal, market: Market) -> None:
    if not price or not is_multiple(price, of=market.price_increment):
        raise Declined("400100", "Price increment invalid.")
    if price > market.start_price * 1000:  # so that no product of bounded amounts grows without bound
        raise Declined("400370", f"Max. price: {market.start_price * 1000}")


def _judge_size(size: Decimal, market: Market) -> None:
    if size < market.base_min:
        raise Declined("400100", "Order size below the minimum requirement.")
    if size > market.base_max:
        raise Declined("300000", "Order size above the maximum requirement.")
    if not is_multiple(size, of=market.base_increment):
        raise Declined("600100", "Order size increment invalid.")


def _judge_funds(funds: Decimal, market: Market) -> None:
    if funds < market.quote_min:
        raise Declined("600100", "Funds below the minimum requirement.")
    if funds > market.quote_max:
        raise Declined("300000", "Order funds above the maximum requirement.")
    if not is_multiple(funds, of=market.quote_increment):
        raise Declined("400100", "Funds increment invalid.")


def _one_of(body: Mapping[str, Any], field: str, allowed: frozenset[str], *, default: str) -> str:
    value = body.get(field)
    if value is None or value == "":
        return default
    if not isinstance(value, str) or value not in allowed:
        raise Declined("400100", f"{field} not in the given range!")
    return value


def _flag(body: Mapping[str, Any], field: str) -> bool:
    value = body.get(field)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise Declined("400100", f"{field} is neither true nor false.")


def _note(body: Mapping[str, Any], field: str) -> str | None:
    value = body.get(field)
    if value is None or (isinstance(value, str) and len(value) <= _LONGEST_NOTE):
        return value
    raise Declined("400100", f"{field}: at most {_LONGEST_NOTE} characters.")


def _whole(body: Mapping[str, Any], field: str) -> int | None:
    value = body.get(field)
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}", value):
        return int(value)
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**15):
        return value
    raise Declined("400100", f"{field} is not a whole number.")


def _cancel_after(body: Mapping[str, Any]) -> int:
    seconds = _whole(body, "cancelAfter")
    if seconds is None or not 0 < seconds <= _LONGEST_WAIT:
        raise Declined("400100", f"GTT takes a cancelAfter of 1 to {_LONGEST_WAIT} seconds.")
    return seconds


def _refuse_late(body: Mapping[str, Any], *, now: int) -> None:
    window, stamped = _whole(body, "allowMaxTimeWindow"), _whole(body, "clientTimestamp")
    if window is not None and stamped is not None and stamped + window < now:
        raise Declined("400100", "The order came later than allowMaxTimeWindow allows.")
