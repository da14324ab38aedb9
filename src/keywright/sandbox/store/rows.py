"""Between rows and nouns: what a value of the model is called in the tables, and back."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, and_

from keywright.sandbox.amounts import plain
from keywright.sandbox.model import Balance, Fill, Line, NewOrder, Order, Owner, Purse, Transfer


def of(table: Table, owner: Owner) -> ColumnElement[bool]:
    """Return the predicate that keeps a query to what is this owner's."""
    return and_(table.c.account_id == owner.account_id, table.c.sub_account == owner.sub_account)


def owner_values(owner: Owner) -> dict[str, str]:
    """Return the columns that say whose a row is."""
    return {"account_id": owner.account_id, "sub_account": owner.sub_account}


def _owner(row: Row[Any]) -> Owner:
    return Owner(row.account_id, row.sub_account)


def _text(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def purse_values(purse: Purse) -> dict[str, str]:
    """Return the columns that name a purse."""
    return {**owner_values(purse.owner), "book": purse.book, "currency": purse.currency}


def purse(row: Row[Any]) -> Purse:
    """Return the purse a row is about."""
    return Purse(_owner(row), row.book, row.currency)


def balance(row: Row[Any]) -> Balance:
    """Return what a row of balances says."""
    return Balance(Decimal(row.available), Decimal(row.held), row.id)


def line_values(line: Line) -> dict[str, object]:
    """Return the row of a statement line; its number is the database's to give."""
    return {
        **purse_values(line.purse),
        "amount": plain(line.amount),
        "fee": plain(line.fee),
        "balance": plain(line.balance),
        "kind": line.kind,
        "context": line.context,
        "at": line.at,
    }


def line(row: Row[Any]) -> Line:
    """Return the statement line a row is."""
    return Line(
        purse=purse(row),
        amount=Decimal(row.amount),
        fee=Decimal(row.fee),
        balance=Decimal(row.balance),
        kind=row.kind,
        context=row.context,
        at=row.at,
        number=row.id,
    )


def transfer_values(transfer: Transfer) -> dict[str, object]:
    """Return the row of a transfer."""
    return {
        **owner_values(transfer.owner),
        "id": transfer.id,
        "client_oid": transfer.client_oid,
        "currency": transfer.currency,
        "amount": plain(transfer.amount),
        "source": transfer.source,
        "target": transfer.target,
        "at": transfer.at,
    }


def transfer(row: Row[Any]) -> Transfer:
    """Return the transfer a row is."""
    amount = Decimal(row.amount)
    return Transfer(row.id, _owner(row), row.client_oid, row.currency, amount, row.source, row.target, row.at)


def order_values(order: Order) -> dict[str, object]:
    """Return the whole row of an order."""
    new = order.new
    terms = {
        "time_in_force": new.time_in_force,
        "cancel_after": new.cancel_after,
        "post_only": new.post_only,
        "hidden": new.hidden,
        "iceberg": new.iceberg,
        "visible_size": _text(new.visible_size),
        "stp": new.stp,
        "remark": new.remark,
        "tags": new.tags,
        "trade_type": new.trade_type,
    }
    return {
        **owner_values(order.owner),
        "id": order.id,
        "number": order.number,
        "client_oid": new.client_oid,
        "symbol": new.symbol,
        "side": new.side,
        "kind": new.kind,
        "price": _text(new.price),
        "size": _text(new.size),
        "funds": _text(new.funds),
        "terms": json.dumps(terms),
        "created_at": order.created_at,
        **progress_values(order),
    }


def progress_values(order: Order) -> dict[str, object]:
    """Return the columns of an order that change over its life."""
    return {
        "deal_size": plain(order.deal_size),
        "deal_funds": plain(order.deal_funds),
        "fee": plain(order.fee),
        "cut_size": plain(order.cut_size),
        "held": plain(order.held),
        "updated_at": order.updated_at,
        "closed_at": None if order.open else order.updated_at,
        "cancelled_at": order.updated_at if order.cancelled else None,
    }


def order(row: Row[Any]) -> Order:
    """Return the order a row is."""
    terms = json.loads(row.terms)
    terms["visible_size"] = _number(terms["visible_size"])
    new = NewOrder(
        symbol=row.symbol,
        side=row.side,
        kind=row.kind,
        client_oid=row.client_oid,
        price=_number(row.price),
        size=_number(row.size),
        funds=_number(row.funds),
        **terms,
    )
    return Order(
        id=row.id,
        number=row.number,
        owner=_owner(row),
        new=new,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deal_size=Decimal(row.deal_size),
        deal_funds=Decimal(row.deal_funds),
        fee=Decimal(row.fee),
        cut_size=Decimal(row.cut_size),
        held=Decimal(row.held),
        open=row.closed_at is None,
        cancelled=row.cancelled_at is not None,
    )


def fill_values(fill: Fill) -> dict[str, object]:
    """Return the row of a fill; its place in the history is the database's to give."""
    return {
        **owner_values(fill.owner),
        "number": fill.number,
        "order_id": fill.order_id,
        "counter_order_id": fill.counter_order_id,
        "symbol": fill.symbol,
        "side": fill.side,
        "kind": fill.kind,
        "liquidity": fill.liquidity,
        "price": plain(fill.price),
        "size": plain(fill.size),
        "funds": plain(fill.funds),
        "fee": plain(fill.fee),
        "fee_rate": plain(fill.fee_rate),
        "at": fill.at,
    }


def fill(row: Row[Any]) -> Fill:
    """Return the fill a row is."""
    return Fill(
        number=row.number,
        order_id=row.order_id,
        counter_order_id=row.counter_order_id,
        owner=_owner(row),
        symbol=row.symbol,
        side=row.side,
        kind=row.kind,
        liquidity=row.liquidity,
        price=Decimal(row.price),
        size=Decimal(row.size),
        funds=Decimal(row.funds),
        fee=Decimal(row.fee),
        fee_rate=Decimal(row.fee_rate),
        at=row.at,
    )
