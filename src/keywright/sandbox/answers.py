"""Orders, fills, accounts and statements in KuCoin's shapes. Pure.

KuCoin tells an order in two dialects: that of `hf/orders` and the older one of `orders`. Both are told of one book.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from keywright.sandbox.amounts import plain
from keywright.sandbox.model import ZERO, Balance, Fill, Line, Order, Purse


def order(found: Order) -> dict[str, object]:
    """Return an order as `hf/orders` tells it."""
    cancelled_funds, remain_funds = _funds_left(found)
    return {
        **_shared(found),
        "funds": plain(_funds(found)),
        "cancelledSize": plain(found.cut_size),
        "cancelledFunds": plain(cancelled_funds),
        "remainSize": plain(found.remaining),
        "remainFunds": plain(remain_funds),
        "inOrderBook": found.open,
        "active": found.open,
        "lastUpdatedAt": found.updated_at,
    }


def old_order(found: Order) -> dict[str, object]:
    """Return an order as `orders` tells it."""
    return {
        **_shared(found),
        "funds": plain(found.new.funds or ZERO),
        "stop": "",
        "stopTriggered": False,
        "stopPrice": "0",
        "isActive": found.open,
        "taxRate": "0",
        "taxCurrency": "",
    }


def _shared(found: Order) -> dict[str, object]:
    new = found.new
    return {
        "id": found.id,
        "clientOid": new.client_oid,
        "symbol": new.symbol,
        "opType": "DEAL",
        "type": new.kind,
        "side": new.side,
        "price": plain(new.price or ZERO),
        "size": plain(new.size or ZERO),
        "dealSize": plain(found.deal_size),
        "dealFunds": plain(found.deal_funds),
        "fee": plain(found.fee),
        "feeCurrency": new.symbol.partition("-")[2],
        "stp": new.stp or None,
        "timeInForce": new.time_in_force,
        "postOnly": new.post_only,
        "hidden": new.hidden,
        "iceberg": new.iceberg,
        "visibleSize": plain(new.visible_size or ZERO),
        "cancelAfter": max(0, new.cancel_after),
        "channel": "API",
        "remark": new.remark,
        "tags": new.tags,
        "cancelExist": found.cancelled,
        "tradeType": new.trade_type,
        "tax": "0",
        "createdAt": found.created_at,
    }


def _funds(found: Order) -> Decimal:
    new = found.new
    if new.funds is not None:
        return new.funds
    return new.price * new.size if new.price is not None and new.size is not None else ZERO


def _funds_left(found: Order) -> tuple[Decimal, Decimal]:
    """Return which part of an order's funds was cancelled, and which is left."""
    new, left = found.new, _funds(found) - found.deal_funds
    if new.price is not None:
        cancelled = found.cut_size * new.price
        return cancelled, left - cancelled
    return (left, ZERO) if new.funds is not None else (ZERO, ZERO)


def placed(found: Order) -> dict[str, object]:
    """Return what `hf/orders` answers to a new order."""
    return {"orderId": found.id, "clientOid": found.new.client_oid}


def placed_in_step(found: Order) -> dict[str, object]:
    """Return what `hf/orders/sync` answers: the order after its first meeting with the book."""
    return {
        **placed(found),
        "orderTime": found.created_at,
        "originSize": plain(found.new.size or ZERO),
        "dealSize": plain(found.deal_size),
        "remainSize": plain(found.remaining),
        "canceledSize": plain(found.cut_size),
        "originFunds": plain(_funds(found)),
        "dealFunds": plain(found.deal_funds),
        "remainFunds": plain(_funds_left(found)[1]),
        "canceledFunds": plain(_funds_left(found)[0]),
        "status": "open" if found.open else "done",
        "matchTime": found.updated_at,
    }


def fill(place: int, found: Fill) -> dict[str, object]:
    """Return a fill as `hf/fills` tells it."""
    return {"id": place, **old_fill(found), "tradeId": found.number, "taxRate": "0", "tax": "0"}


def old_fill(found: Fill) -> dict[str, object]:
    """Return a fill as `fills` tells it: its trade id is text there."""
    return {
        "symbol": found.symbol,
        "tradeId": str(found.number),
        "orderId": found.order_id,
        "counterOrderId": found.counter_order_id,
        "side": found.side,
        "liquidity": found.liquidity,
        "forceTaker": False,
        "price": plain(found.price),
        "size": plain(found.size),
        "funds": plain(found.funds),
        "fee": plain(found.fee),
        "feeRate": plain(found.fee_rate),
        "feeCurrency": found.symbol.partition("-")[2],
        "stop": "",
        "tradeType": "TRADE",
        "type": found.kind,
        "createdAt": found.at,
    }


def account(purse: Purse, balance: Balance, *, called: str) -> dict[str, object]:
    """Return one entry of `accounts`; `called` is the type it was asked for as."""
    return {"id": balance.account_id, "currency": purse.currency, "type": called, **sums(balance)}


def sums(balance: Balance) -> dict[str, object]:
    """Return the three sums every account answer carries."""
    return {"balance": plain(balance.total), "available": plain(balance.available), "holds": plain(balance.held)}


def line(entry: Line) -> dict[str, object]:
    """Return a statement line as `accounts/ledgers` tells it."""
    return {
        "id": str(entry.number),
        "currency": entry.purse.currency,
        "amount": plain(abs(entry.amount)),
        "fee": plain(entry.fee),
        "balance": plain(entry.balance),
        "accountType": entry.purse.book.upper(),
        "bizType": entry.kind,
        "direction": "out" if entry.amount < 0 else "in",
        "createdAt": entry.at,
        "context": entry.context,
    }


def hf_line(entry: Line) -> dict[str, object]:
    """Return a statement line as `hf/accounts/ledgers` tells it: its time is text there."""
    return {**line(entry), "accountType": "TRADE_HF", "createdAt": str(entry.at), "tax": "0"}


def page(items: Iterable[object], *, number: int, size: int, total: int) -> dict[str, object]:
    """Return a page of something."""
    return {
        "currentPage": number,
        "pageSize": size,
        "totalNum": total,
        "totalPage": -(-total // size),
        "items": list(items),
    }
