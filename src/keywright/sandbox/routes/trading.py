"""An owner's orders and fills, in both of KuCoin's families of routes, over one book."""

from __future__ import annotations

from keywright.ids import new_key_id
from keywright.sandbox import answers, service
from keywright.sandbox.call import Call
from keywright.sandbox.model import Declined, Order
from keywright.sandbox.ordering import new_order, tradable
from keywright.sandbox.routes import Route


async def place(call: Call) -> object:
    """Take an order to the market."""
    return answers.placed(await _place(call, oid_required=False))


async def place_in_step(call: Call) -> object:
    """Take an order to the market and answer how it fared there."""
    return answers.placed_in_step(await _place(call, oid_required=False))


async def old_place(call: Call) -> object:
    """Take an order to the market, by the older route."""
    return {"orderId": (await _place(call, oid_required=True)).id}


async def rehearse(call: Call) -> object:
    """Judge an order and forget it."""
    new = new_order(call.body, oid_required=False, now=call.now)
    return {"orderId": new_key_id(), "clientOid": new.client_oid}


async def old_rehearse(call: Call) -> object:
    """Judge an order and forget it, by the older route."""
    new_order(call.body, oid_required=True, now=call.now)
    return {"orderId": new_key_id()}


async def order(call: Call) -> object:
    """Answer one of the owner's orders."""
    tradable(call.text("symbol", required=True))
    found = await _find(call, symbol=call.text("symbol"))
    if found is None:
        raise Declined("400100", "The order does not exist.")
    return answers.order(found)


async def old_order(call: Call) -> object:
    """Answer one of the owner's orders, by the older route."""
    found = await _find(call)
    if found is None:
        raise Declined("400100", "order not exist.")
    return answers.old_order(found)


async def active(call: Call) -> object:
    """Answer the owner's open orders of one market, newest first."""
    symbol = tradable(call.text("symbol", required=True)).symbol
    async with call.reading() as tx:
        found = await service.open_orders(tx, call.owner, symbol=symbol)
    return [answers.order(entry) for entry in reversed(found)]


async def active_symbols(call: Call) -> object:
    """Answer in which markets the owner has open orders."""
    async with call.reading() as tx:
        found = await service.open_orders(tx, call.owner)
    return {"symbols": sorted({entry.new.symbol for entry in found})}


async def done(call: Call) -> object:
    """Answer the owner's closed orders of one market, newest first."""
    limit = call.whole("limit", least=1, most=100) or 20
    search = call.search(limit=limit, symbol_required=True)
    async with call.reading() as tx:
        found, _ = await service.order_page(tx, call.owner, search, is_open=False)
    return {"lastId": found[-1].number if found else 0, "items": [answers.order(entry) for entry in found]}


async def old_orders(call: Call) -> object:
    """Answer a page of the owner's orders; closed ones unless it asks for active ones."""
    status = call.text("status") or "done"
    if status not in {"active", "done"}:
        raise Declined("400100", "status not in the given range!")
    number, size = call.paging()
    search = call.search(offset=(number - 1) * size, limit=size)
    async with call.reading() as tx:
        found, total = await service.order_page(tx, call.owner, search, is_open=status == "active")
    return answers.page(map(answers.old_order, found), number=number, size=size, total=total)


async def fills(call: Call) -> object:
    """Answer the owner's fills in one market, newest first."""
    limit = call.whole("limit", least=1, most=100) or 20
    search = call.search(limit=limit, symbol_required=True)
    async with call.reading() as tx:
        found, _ = await service.fill_page(tx, call.owner, search)
    items = [answers.fill(place, entry) for place, entry in found]
    return {"items": items, "lastId": found[-1][0] if found else 0}


async def old_fills(call: Call) -> object:
    """Answer a page of the owner's fills."""
    number, size = call.paging()
    search = call.search(offset=(number - 1) * size, limit=size)
    async with call.reading() as tx:
        found, total = await service.fill_page(tx, call.owner, search)
    items = (answers.old_fill(entry) for _, entry in found)
    return answers.page(items, number=number, size=size, total=total)


async def cancel(call: Call) -> object:
    """End one of the owner's orders."""
    return {"orderId": (await _cancel(call, symbol=call.text("symbol", required=True))).id}


async def cancel_by_client_oid(call: Call) -> object:
    """End one of the owner's orders by the client's own id for it."""
    return {"clientOid": (await _cancel(call, symbol=call.text("symbol", required=True))).new.client_oid}


async def old_cancel(call: Call) -> object:
    """End one of the owner's orders, by the older route."""
    return {"cancelledOrderIds": [(await _cancel(call)).id]}


async def old_cancel_by_client_oid(call: Call) -> object:
    """End one of the owner's orders by the client's own id for it, by the older route."""
    ended = await _cancel(call)
    return {"cancelledOrderId": ended.id, "clientOid": ended.new.client_oid, "cancelledOcoOrderIds": None}


async def cancel_market(call: Call) -> object:
    """End the owner's open orders of one market."""
    await _cancel_all(call, symbol=tradable(call.text("symbol", required=True)).symbol)
    return "success"


async def cancel_all(call: Call) -> object:
    """End every open order of the owner."""
    ended = await _cancel_all(call)
    return {"succeedSymbols": sorted({entry.new.symbol for entry in ended}), "failedSymbols": []}


async def old_cancel_all(call: Call) -> object:
    """End the owner's open orders, perhaps of one market only, by the older route."""
    ended = await _cancel_all(call, symbol=call.text("symbol"))
    return {"cancelledOrderIds": [entry.id for entry in ended]}


async def _place(call: Call, *, oid_required: bool) -> Order:
    new = new_order(call.body, oid_required=oid_required, now=call.now)
    async with call.database.write() as tx:
        return await service.place(tx, call.owner, new, now=call.now)


async def _find(call: Call, *, symbol: str = "") -> Order | None:
    async with call.reading() as tx:
        return await service.find_order(
            tx,
            call.owner,
            order_id=call.path.get("order_id", ""),
            client_oid=call.path.get("client_oid", ""),
            symbol=symbol,
        )


async def _cancel(call: Call, *, symbol: str = "") -> Order:
    async with call.database.write() as tx:
        return await service.cancel(
            tx,
            call.owner,
            order_id=call.path.get("order_id", ""),
            client_oid=call.path.get("client_oid", ""),
            symbol=symbol,
            now=call.now,
        )


async def _cancel_all(call: Call, *, symbol: str = "") -> list[Order]:
    async with call.database.write() as tx:
        return await service.cancel_all(tx, call.owner, symbol=symbol, now=call.now)


ROUTES = (
    Route("POST", "/api/v1/hf/orders", place),
    Route("POST", "/api/v1/hf/orders/sync", place_in_step),
    Route("POST", "/api/v1/hf/orders/test", rehearse),
    Route("POST", "/api/v1/orders", old_place),
    Route("POST", "/api/v1/orders/test", old_rehearse),
    Route("GET", "/api/v1/hf/orders/active", active),
    Route("GET", "/api/v1/hf/orders/active/symbols", active_symbols),
    Route("GET", "/api/v1/hf/orders/done", done),
    Route("GET", "/api/v1/hf/orders/client-order/{client_oid}", order),
    Route("GET", "/api/v1/hf/orders/{order_id}", order),
    Route("GET", "/api/v1/hf/fills", fills),
    Route("GET", "/api/v1/orders", old_orders),
    Route("GET", "/api/v1/orders/{order_id}", old_order),
    Route("GET", "/api/v1/order/client-order/{client_oid}", old_order),
    Route("GET", "/api/v1/fills", old_fills),
    Route("DELETE", "/api/v1/hf/orders", cancel_market),
    Route("DELETE", "/api/v1/hf/orders/cancelAll", cancel_all),
    Route("DELETE", "/api/v1/hf/orders/client-order/{client_oid}", cancel_by_client_oid),
    Route("DELETE", "/api/v1/hf/orders/{order_id}", cancel),
    Route("DELETE", "/api/v1/orders", old_cancel_all),
    Route("DELETE", "/api/v1/orders/{order_id}", old_cancel),
    Route("DELETE", "/api/v1/order/client-order/{client_oid}", old_cancel_by_client_oid),
)
