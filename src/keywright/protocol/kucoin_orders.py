"""What an authentic request on KuCoin's wire would do, from its exact bytes. `read_order` is where to start.

Rule 1: what can't be understood is `unknown`, never guessed: a write nobody described, a field of the wrong kind, a
parameter stated twice. Reads move nothing.
Rule 2: `notional` is stated where nothing in the request could make it more: price × size of a limit order on spot and
margin, the funds of a market order, the value a futures order is given in. Contracts have a value no request states.
Rule 3: spot and futures have one path for orders, `/api/v1/orders`; what tells them apart is the symbol, `BTC-USDT` or
`XBTUSDTM`. Fields: `kucoin_fields`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from keywright.errors import Invalid
from keywright.protocol import canonical, strict_json
from keywright.protocol.kucoin_fields import EXACT, Fields, NotUnderstood, once_each, one_of, positive, stated, text
from keywright.protocol.message import Request
from keywright.protocol.order import Action, Intent
from keywright.protocol.refusal import Refused

MOST_ORDERS = 50
"""Of one batch. KuCoin takes 20 on its largest, fewer elsewhere."""

Read = Callable[[Any], tuple[Intent, ...]]

_ID = r"[A-Za-z0-9._~-]+"
_TRIGGERS = ("stopPrice", "triggerStopUpPrice", "triggerStopDownPrice")


def read_order(request: Request) -> tuple[Intent, ...]:
    """Return what an authentic request would do; one `unknown` where it can't be told. Never raises.

    A cancellation is one intent, however many orders it names. Of a batch, each order is one, in order; one order of it
    that can't be understood is `unknown` in its place.
    """
    try:
        canonical.check_method(request.method)
        target = canonical.read_target(request.target)
        if request.method in {"GET", "HEAD"}:
            return (Intent(Action.OTHER),)
        path = target.path.decode()
        if request.method == "DELETE":
            return _cancelled(path, once_each(canonical.pairs(target.query)), request.body)
        read = _POSTS.get(path) if request.method == "POST" else None
        if read is None:
            return (_unknown("nobody described this write"),)
        if target.query:
            return (_unknown("a query beside a body: which of the two counts is not said"),)
        return read(strict_json.loads(request.body) if request.body else {})
    except Refused as refused:
        return (_unknown(str(refused.facts.get("rule", refused.reason.value))),)
    except (Invalid, NotUnderstood) as error:
        return (_unknown(str(error)),)


def _unknown(why: str) -> Intent:
    return Intent(Action.UNKNOWN, why=why)


# ── placing


def _placed(body: Any) -> tuple[Intent, ...]:
    """Read one order of any kind: hf, classic, margin, stop, futures."""
    order = stated(body)
    symbol, side = text(order, "symbol"), one_of(order, "side", "buy", "sell")
    if "-" not in symbol:
        return (_contracts(order, symbol, side),)
    kind = one_of(order, "type", "limit", "market")
    price, size, funds = (positive(order, name) for name in ("price", "size", "funds"))
    notional = funds
    if kind == "limit":
        if price is None or size is None or funds is not None:
            raise NotUnderstood("a limit order states price and size, and no funds")
        notional = EXACT.multiply(price, size)
    elif price is not None or (size is None) == (funds is None):
        raise NotUnderstood("a market order states size or funds, one of them, and no price")
    return (Intent(Action.PLACE, symbol, side, _with_trigger(order, kind), price, size, notional),)


def _contracts(order: Fields, symbol: str, side: str | None) -> Intent:
    """Read one order on futures: so many contracts, or an amount, or a value; or whatever closes the position."""
    kind = one_of(order, "type", "limit", "market")
    price = positive(order, "price")
    if (kind == "limit") != (price is not None):
        raise NotUnderstood("a limit order states its price, a market order none")
    size, amount, value = (positive(order, name) for name in ("size", "qty", "valueQty"))
    sizes = sum(each is not None for each in (size, amount, value))
    closes = order.get("closeOrder", False)
    if not isinstance(closes, bool) or sizes != (0 if closes else 1):
        raise NotUnderstood("an order on futures states one of size, qty and valueQty, or closes the position")
    # An amount in the base currency is no number of contracts: a limit on `size` must not take it for one.
    return Intent(Action.PLACE, symbol, side, _with_trigger(order, kind), price, size, value)


def _with_trigger(order: Fields, kind: str) -> str:
    triggers = [positive(order, name) for name in _TRIGGERS]
    return f"stop_{kind}" if any(trigger is not None for trigger in triggers) else kind


def _either(body: Any) -> tuple[Intent, ...]:
    """Read an OCO order: a limit, and a stop-limit in its place. The dearer of the two is what it may come to."""
    order = stated(body)
    symbol, side = text(order, "symbol"), one_of(order, "side", "buy", "sell")
    price, size, other = positive(order, "price"), positive(order, "size"), positive(order, "limitPrice")
    if price is None or size is None or other is None or positive(order, "stopPrice") is None:
        raise NotUnderstood("an OCO order states price, size, stopPrice and limitPrice")
    notional = EXACT.multiply(max(price, other), size)
    return (Intent(Action.PLACE, symbol, side, "oco", price, size, notional),)


def _several(body: Any) -> tuple[Intent, ...]:
    """Read a batch: a list (futures), or an `orderList` whose symbol may stand outside (classic)."""
    outside: Fields = {}
    if isinstance(body, dict):
        outside, body = body, body.get("orderList")
    if not isinstance(body, list) or not 1 <= len(body) <= MOST_ORDERS:
        raise NotUnderstood(f"a batch is a list of 1 to {MOST_ORDERS} orders")
    return tuple(intent for order in body for intent in _of_several(order, outside.get("symbol")))


def _of_several(order: Any, symbol: Any) -> tuple[Intent, ...]:
    try:
        if symbol is not None:
            own = stated(order).get("symbol")
            if own is not None and own != symbol:
                raise NotUnderstood("an order of a batch names another symbol than the batch")
            order = {**order, "symbol": symbol}
        return _placed(order)
    except NotUnderstood as error:
        return (_unknown(str(error)),)


def _altered(body: Any) -> tuple[Intent, ...]:
    order = stated(body)
    _names_one(order, "orderId", "clientOid")
    price, size = positive(order, "newPrice"), positive(order, "newSize")
    if price is None and size is None:
        raise NotUnderstood("nothing is altered: neither newPrice nor newSize")
    # Only limit orders can be altered, so that both together bound what it comes to.
    notional = None if price is None or size is None else EXACT.multiply(price, size)
    return (Intent(Action.AMEND, text(order, "symbol"), price=price, size=size, notional=notional),)


# ── cancelling


def _cancelled(path: str, query: Fields, body: bytes) -> tuple[Intent, ...]:
    if path == "/api/v1/orders/multi-cancel":
        named = stated(strict_json.loads(body))
        if not any(isinstance(named.get(name), list) and named[name] for name in ("orderIdsList", "clientOidsList")):
            raise NotUnderstood("neither orderIdsList nor clientOidsList names an order")
        return (Intent(Action.CANCEL),)
    if body:
        raise NotUnderstood("a body where none is expected")
    if re.fullmatch(rf"/api/v[13]/withdrawals/{_ID}", path):
        return (Intent(Action.OTHER),)  # a withdrawal called back
    if not _CANCELS.fullmatch(path):
        raise NotUnderstood("nobody described this write")
    symbol = text(query, "symbol") if "symbol" in query else None
    size = positive(query, "cancelSize") if path.startswith("/api/v1/hf/orders/cancel/") else None
    return (Intent(Action.CANCEL, symbol, size=size),)


_CANCELS = re.compile(
    "|".join(
        (
            rf"/api/v1/orders(?:/{_ID}|/client-order/{_ID})?",
            rf"/api/v1/order/client-order/{_ID}",
            rf"/api/v1/hf/orders(?:/{_ID}|/client-order/{_ID}|/cancel/{_ID}|/sync/{_ID}|/sync/client-order/{_ID})?",
            rf"/api/v3/hf/margin/orders(?:/{_ID}|/client-order/{_ID})?",
            rf"/api/v1/stop-order/{_ID}",
            r"/api/v1/stopOrders",
            r"/api/v3/orders",
            rf"/api/v3/oco/(?:order|client-order)/{_ID}",
            r"/api/v3/oco/orders",
        )
    )
)


def _names_one(body: Fields, *names: str) -> None:
    if sum(body.get(name) is not None for name in names) != 1:
        raise NotUnderstood(f"one of {' and '.join(names)} names the order")


# ── moving


def _withdrawn(address: str) -> Read:
    """Return what reads a withdrawal whose destination stands in the field `address`."""

    def read(body: Any) -> tuple[Intent, ...]:
        order = stated(body)
        to = text(order, address)
        if "address" in order and "toAddress" in order:
            raise NotUnderstood("two fields name a destination")
        kind = text(order, "withdrawType").lower() if address == "toAddress" else "address"
        amount = positive(order, "amount")
        if amount is None:
            raise NotUnderstood("'amount' is missing")
        return (Intent(Action.WITHDRAW, type=kind, size=amount, currency=text(order, "currency"), destination=to),)

    return read


def _moved(*destination: str, to: str = "") -> Read:
    """Return what reads a transfer: to what the named fields say, those that are there; or to `to`."""

    def read(body: Any) -> tuple[Intent, ...]:
        order = stated(body)
        where = " ".join([to] * bool(to) + [text(order, name) for name in destination if order.get(name) is not None])
        amount = positive(order, "amount")
        if not where or amount is None:
            raise NotUnderstood("a transfer states its amount and where it goes")
        return (Intent(Action.TRANSFER, size=amount, currency=text(order, "currency"), destination=where),)

    return read


def _other(_body: Any) -> tuple[Intent, ...]:
    return (Intent(Action.OTHER),)


def _will_cancel(_body: Any) -> tuple[Intent, ...]:
    """Read the dead man's switch, which cancels later: no order is placed by it, and none larger."""
    return (Intent(Action.CANCEL),)


_POSTS: dict[str, Read] = {
    **dict.fromkeys(
        (
            "/api/v1/hf/orders",
            "/api/v1/hf/orders/sync",
            "/api/v1/orders",
            "/api/v1/margin/order",
            "/api/v3/hf/margin/order",
            "/api/v3/hf/margin/stop-order",
            "/api/v1/stop-order",
            "/api/v1/st-orders",
        ),
        _placed,
    ),
    **dict.fromkeys(("/api/v1/hf/orders/multi", "/api/v1/hf/orders/multi/sync", "/api/v1/orders/multi"), _several),
    "/api/v1/hf/orders/alter": _altered,
    "/api/v3/oco/order": _either,
    "/api/v1/hf/orders/dead-cancel-all": _will_cancel,
    "/api/v1/withdrawals": _withdrawn("address"),
    "/api/v3/withdrawals": _withdrawn("toAddress"),
    "/api/v3/accounts/universal-transfer": _moved("toAccountType", "toAccountTag", "toUserId"),
    "/api/v2/accounts/inner-transfer": _moved("to", "toTag"),
    "/api/v2/accounts/sub-transfer": _moved("direction", "subUserId", "subAccountType"),
    "/api/v1/transfer-in": _moved(to="CONTRACT"),
    "/api/v2/transfer-out": _moved("recAccountType"),
    "/api/v3/transfer-out": _moved("recAccountType"),
    # A test places nothing; a token opens a feed; an address receives.
    **dict.fromkeys(
        (
            "/api/v1/hf/orders/test",
            "/api/v1/orders/test",
            "/api/v1/margin/order/test",
            "/api/v3/hf/margin/order/test",
            "/api/v1/bullet-private",
            "/api/v1/bullet-public",
            "/api/v3/deposit-address/create",
            "/api/v1/deposit-addresses",
        ),
        _other,
    ),
}
