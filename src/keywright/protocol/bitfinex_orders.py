"""What an authentic request on Bitfinex's wire would do, from its exact bytes. `read_order` is where to start.

Rule 1: what can't be understood is `unknown`, never guessed: another spelling of a number, of a symbol or of a type too.
Rule 2: reads are known by their path, `/v2/auth/r/` and `/v2/auth/calc/`. A write is known only if it stands here.
Rule 3: `notional` is stated where nothing in the request could make it more: a limit on spot or margin, on no derivative,
and no OCO or close order, whose other half has no bound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from typing import Any

from keywright.errors import Invalid
from keywright.protocol import bitfinex_payload, strict_json
from keywright.protocol.message import Request
from keywright.protocol.order import Action, Intent
from keywright.protocol.refusal import Refused

MOST_OPERATIONS = 75
"""Of one `order/multi`: Bitfinex's bound."""

Body = Mapping[str, Any]

_NUMBER = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?", re.ASCII)
_SYMBOL = re.compile(r"t[A-Z0-9]{2,24}(?::[A-Z0-9]{2,24})?")
_WORD = re.compile(r"[A-Za-z0-9_.+-]{1,64}")
_CURRENCY = re.compile(r"[A-Z0-9]{2,24}")
# Both factors have at most 100 digits each, so nothing is ever rounded: 28 digits, the default, would be.
_EXACT = Context(prec=300, Emax=10_000, Emin=-10_000)

_KINDS = ("LIMIT", "MARKET", "STOP", "STOP LIMIT", "TRAILING STOP", "FOK", "IOC")
_TYPES = frozenset((*_KINDS, *(f"EXCHANGE {kind}" for kind in _KINDS)))
_UNBOUND = 512 | 16_384  # the flags Close (its size is the position's) and OCO (its stop goes at any price)


class _NotUnderstood(Exception):
    """A body does not say what such a body must."""


def read_order(request: Request) -> tuple[Intent, ...]:
    """Return what an authentic request would do; one `unknown` where it can't be told. Never raises.

    A cancellation is one intent, however many orders it names: it says nothing of them but their ids. Of `order/multi`,
    each operation is one, in order.
    """
    try:
        bitfinex_payload.check_target(request.method, request.target)
    except Refused:
        return (_unknown("method or target is not canonical"),)
    path = request.path
    if path.startswith((b"/v2/auth/r/", b"/v2/auth/calc/")) or not path.startswith(b"/v2/auth/"):
        return (Intent(Action.OTHER),)
    if path in _HARMLESS:
        return (Intent(Action.OTHER),)
    read = _WRITES.get(path)
    if read is None:
        return (_unknown("nobody described this write"),)
    try:
        body = strict_json.loads(request.body)
        return read(_object(body))
    except Invalid as error:
        return (_unknown(error.message),)
    except _NotUnderstood as error:
        return (_unknown(str(error)),)


def _unknown(why: str) -> Intent:
    return Intent(Action.UNKNOWN, why=why)


# ── orders


def _submitted(body: Body) -> tuple[Intent, ...]:
    kind = body.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise _NotUnderstood("the order's type is none of Bitfinex's")
    amount = _number(body, "amount")
    if not amount:
        raise _NotUnderstood("the order has no amount, or one of 0")
    symbol = _matching(body, "symbol", _SYMBOL)
    if symbol is None:
        raise _NotUnderstood("the order has no symbol")
    plain = kind.removeprefix("EXCHANGE ")
    price = limit = None
    if plain == "STOP LIMIT":
        _positive(body, "price")  # where it wakes up; what it then bids is the other
        price = limit = _positive(body, "price_aux_limit")
    elif plain in {"LIMIT", "FOK", "IOC"}:
        price = limit = _positive(body, "price")
    elif plain == "STOP":
        price = _positive(body, "price")
    size = amount.copy_abs()  # `abs` would round to 28 digits
    notional = None
    if limit is not None and _is_bound(body) and "F0" not in {symbol[-2:], symbol.partition(":")[0][-2:]}:
        notional = _EXACT.multiply(limit, size)
    side = "sell" if amount < 0 else "buy"
    return (Intent(Action.PLACE, symbol, side, kind.lower().replace(" ", "_"), price, size, notional),)


def _is_bound(body: Body) -> bool:
    flags = body.get("flags")
    known = flags is None or (type(flags) is int and flags >= 0 and not flags & _UNBOUND)
    return known and body.get("price_oco_stop") is None


def _amended(body: Body) -> tuple[Intent, ...]:
    _named(body, "id", "cid")
    amount, price = _number(body, "amount"), body.get("price")
    if amount is not None and not amount:
        raise _NotUnderstood("the amount is 0")
    # No notional: whether the order is a limit, the request does not say. Nor a size where it states a difference.
    known = amount is not None and body.get("delta") is None
    return (
        Intent(
            Action.AMEND,
            side=None if amount is None else "sell" if amount < 0 else "buy",
            price=None if price is None else _positive(body, "price"),
            size=amount.copy_abs() if known and amount is not None else None,
        ),
    )


def _cancelled(body: Body) -> tuple[Intent, ...]:
    _named(body, "id", "cid")
    return (Intent(Action.CANCEL),)


def _several_cancelled(body: Body) -> tuple[Intent, ...]:
    _named(body, "id", "cid", "gid", "all")
    return (Intent(Action.CANCEL),)


def _several(body: Body) -> tuple[Intent, ...]:
    operations = body.get("ops")
    if not isinstance(operations, list) or not 1 <= len(operations) <= MOST_OPERATIONS:
        raise _NotUnderstood(f"'ops' is no list of 1 to {MOST_OPERATIONS} operations")
    return tuple(intent for operation in operations for intent in _operation(operation))


def _operation(operation: Any) -> tuple[Intent, ...]:
    if not isinstance(operation, list) or len(operation) != 2 or not isinstance(operation[0], str):
        return (_unknown("an operation is no pair of a name and an object"),)
    read = _OPERATIONS.get(operation[0])
    if read is None:
        return (_unknown("an operation is none of on, ou, oc, oc_multi"),)
    try:
        return read(_object(operation[1]))
    except _NotUnderstood as error:
        return (_unknown(str(error)),)


# ── money


def _withdrawn(body: Body) -> tuple[Intent, ...]:
    method = _matching(body, "method", _WORD)
    address, invoice, memo = (_text(body, name) for name in ("address", "invoice", "payment_id"))
    if method is None or (address and invoice):
        raise _NotUnderstood("the withdrawal has no method, or two destinations")
    # A memo decides who is paid as much as the address does. A wire to a bank names neither: no destination is known.
    destination = " ".join(filter(None, (address or invoice, memo))) or None
    # The method names a network; which currency that is, the request does not say.
    size = None if body.get("amount") is None and invoice else _positive(body, "amount")
    return (Intent(Action.WITHDRAW, type=method.lower(), size=size, destination=destination),)


def _transferred(body: Body) -> tuple[Intent, ...]:
    to, currency = _matching(body, "to", _WORD), _matching(body, "currency", _CURRENCY)
    if to is None or currency is None or _matching(body, "from", _WORD) is None:
        raise _NotUnderstood("the transfer does not say from where, to where and what")
    size = _positive(body, "amount")
    others = [body[name] for name in ("email_dst", "user_id_dst") if body.get(name) is not None]
    if not others:
        return (Intent(Action.TRANSFER, size=size, currency=currency, destination=to),)
    if not all(type(other) in {int, str} for other in others):
        raise _NotUnderstood("the transfer's other account is neither a text nor a number")
    # To another account. Whether that is the owner's too can't be told from here, so it is taken for one that is not.
    destination = " ".join(map(str, (to, *others)))
    return (Intent(Action.WITHDRAW, size=size, currency=currency, destination=destination),)


# ── fields


def _object(body: Any) -> Body:
    if not isinstance(body, dict):
        raise _NotUnderstood("not an object where one is needed")
    return body


def _number(body: Body, name: str) -> Decimal | None:
    """Return the number under `name`, a JSON number or its text; `None` where there is none."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, Decimal) or type(value) is int:
        return Decimal(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value)
    raise _NotUnderstood(f"'{name}' is no number")


def _positive(body: Body, name: str) -> Decimal:
    number = _number(body, name)
    if number is None or number <= 0:
        raise _NotUnderstood(f"'{name}' is missing or not above 0")
    return number


def _text(body: Body, name: str) -> str | None:
    value = body.get(name)
    if value is None or (isinstance(value, str) and value):
        return value
    if type(value) is int and name == "payment_id":
        return str(value)
    raise _NotUnderstood(f"'{name}' is no text")


def _matching(body: Body, name: str, pattern: re.Pattern[str]) -> str | None:
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _NotUnderstood(f"'{name}' is spelled as no such name is")
    return value


def _named(body: Body, *names: str) -> None:
    if all(body.get(name) is None for name in names):
        raise _NotUnderstood(f"which orders, is not said by {' or '.join(names)}")


_Read = Callable[[Body], tuple[Intent, ...]]

_OPERATIONS: Mapping[str, _Read] = {
    "on": _submitted,
    "ou": _amended,
    "oc": _cancelled,
    "oc_multi": _several_cancelled,
}
_WRITES: Mapping[bytes, _Read] = {
    b"/v2/auth/w/order/submit": _submitted,
    b"/v2/auth/w/order/update": _amended,
    b"/v2/auth/w/order/cancel": _cancelled,
    b"/v2/auth/w/order/cancel/multi": _several_cancelled,
    b"/v2/auth/w/order/multi": _several,
    b"/v2/auth/w/withdraw": _withdrawn,
    b"/v2/auth/w/transfer": _transferred,
}
# They move no order and no money. Lending (`funding/offer/submit`, `funding/auto` …), positions, collateral and `token`,
# which makes another credential, are left unknown on purpose.
_HARMLESS = frozenset(
    b"/v2/auth/w/" + path
    for path in (
        *(b"funding/offer/cancel", b"funding/offer/cancel/all", b"deposit/address", b"deposit/invoice"),
        *(b"alert/set", b"settings/set", b"settings/del", b"pulse/add", b"pulse/del"),
    )
)
