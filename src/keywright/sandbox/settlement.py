"""What trades, cuts and endings mean: for the orders, for the fills that are told, for the money. Pure.

Every change of an order comes with the movements that keep this true: what its owner's trade account holds for it
(`Order.held`) covers exactly what of it is still open, at its limit and with the dearer of the two fees.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from keywright.sandbox import ledger
from keywright.sandbox.ledger import Movement, Posting
from keywright.sandbox.markets import MAKER_FEE, TAKER_FEE
from keywright.sandbox.matching import Matched, Trade
from keywright.sandbox.model import HOUSE, HOUSE_ORDER_ID, ZERO, Fill, Market, NewOrder, Order, Purse

DEARER_FEE = max(MAKER_FEE, TAKER_FEE)


@dataclass(slots=True)
class Settlement:
    """What has to be written, collected as it is worked out: orders by id, in their newest form."""

    orders: dict[str, Order] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)

    def newest(self, order: Order) -> Order:
        """Return the order as it stands after what was settled so far."""
        return self.orders.get(order.id, order)


def purse_of(order: Order, currency: str) -> Purse:
    """Return where an order's owner keeps a currency for trading."""
    return Purse(order.owner, "trade", currency)


def needed(new: NewOrder, size: Decimal, *, price: Decimal) -> Decimal:
    """Return what has to be held for `size` at `price`: quote with the fee for a buy, base for a sell."""
    return size * price * (1 + DEARER_FEE) if new.side == "buy" else size


def asked(new: NewOrder, matched: Matched) -> Decimal:
    """Return what the owner must have for an order to be taken at all.

    A limit order is judged at its limit and a buy in funds by its funds, as if nothing better came; where the order
    names no bound (a market order by size, a sale for funds), by what the book made of it.
    """
    if new.side == "sell":
        return new.size if new.size is not None else sum((trade.size for trade in matched.trades), ZERO)
    if new.size is not None and new.price is not None:
        return needed(new, new.size, price=new.price)
    spent = new.funds if new.funds is not None else sum((trade.funds for trade in matched.trades), ZERO)
    return spent * (1 + DEARER_FEE)


def settle_new(order: Order, matched: Matched, *, market: Market, number: int, now: int) -> Settlement:
    """Return the settlement of an order that just arrived. `number` is that of its first trade."""
    settlement = Settlement()
    held = asked(order.new, matched)
    _hold(settlement, order, held, market=market, now=now)
    settlement.orders[order.id] = replace(order, held=held)
    for cut in matched.cuts:
        cut_order(settlement, cut.order, cut.size, market=market, now=now)
    for index, trade in enumerate(matched.trades):
        _trade(settlement, order, trade, market=market, number=number + index, now=now)
    settled = settlement.newest(order)
    if matched.rests:
        _rehold(settlement, replace(settled, cut_size=settled.remaining - matched.rests), market=market, now=now)
    else:
        end(settlement, settled, market=market, now=now)
    return settlement


def settle_resting(settlement: Settlement, order: Order, *, market: Market, number: int, now: int) -> None:
    """Fill what is left of a resting order at its own price: the market came to it."""
    _fill(
        settlement,
        order,
        price=order.limit,
        size=order.remaining,
        liquidity="maker",
        counter=HOUSE_ORDER_ID,
        market=market,
        number=number,
        now=now,
    )
    _against_house(
        settlement, order, Trade(None, order.limit, order.remaining), market=market, fee_rate=MAKER_FEE, now=now
    )
    end(settlement, settlement.newest(order), market=market, now=now)


def cut_order(settlement: Settlement, order: Order, size: Decimal, *, market: Market, now: int) -> None:
    """Take `size` out of a resting order; it ends when nothing is left."""
    order = settlement.newest(order)
    if size >= order.remaining:
        end(settlement, order, market=market, now=now)
    else:
        _rehold(settlement, replace(order, cut_size=order.cut_size + size), market=market, now=now)


def end(settlement: Settlement, order: Order, *, market: Market, now: int) -> None:
    """End an order: give back what is still held; whatever of it was not traded counts as cancelled."""
    _hold(settlement, order, -order.held, market=market, now=now)
    left = order.remaining
    if order.new.size is None and order.new.funds is not None:
        # What is left of funds below one increment's worth can't be traded: that is no cancellation.
        cut = order.new.funds - order.deal_funds >= _dearest(settlement, order) * market.base_increment
    else:
        cut = bool(left + order.cut_size)
    settlement.orders[order.id] = replace(
        order, held=ZERO, cut_size=order.cut_size + left, open=False, cancelled=cut, updated_at=now
    )


def _dearest(settlement: Settlement, order: Order) -> Decimal:
    """Return the highest price an order traded at now; zero when it traded nothing, so that all of it is left."""
    return max((fill.price for fill in settlement.fills if fill.order_id == order.id), default=ZERO)


def _rehold(settlement: Settlement, order: Order, *, market: Market, now: int) -> None:
    """Keep an order open, holding for it what is left of it needs, no more."""
    held = needed(order.new, order.remaining, price=order.limit)
    _hold(settlement, order, held - order.held, market=market, now=now)
    settlement.orders[order.id] = replace(order, held=held, updated_at=now)


def _hold(settlement: Settlement, order: Order, amount: Decimal, *, market: Market, now: int) -> None:
    if amount:
        purse = purse_of(order, market.quote if order.new.side == "buy" else market.base)
        settlement.movements.append(Movement("", ledger.hold(purse, amount), now))


def _trade(settlement: Settlement, taker: Order, trade: Trade, *, market: Market, number: int, now: int) -> None:
    """Settle one meeting: both orders, a fill for each user in it, one movement of money."""
    maker = trade.maker
    _fill(
        settlement,
        taker,
        price=trade.price,
        size=trade.size,
        liquidity="taker",
        counter=maker.id if maker else HOUSE_ORDER_ID,
        market=market,
        number=number,
        now=now,
    )
    if maker is None:
        _against_house(settlement, taker, trade, market=market, fee_rate=TAKER_FEE, now=now)
        return
    _fill(
        settlement,
        maker,
        price=trade.price,
        size=trade.size,
        liquidity="maker",
        counter=taker.id,
        market=market,
        number=number,
        now=now,
    )
    postings, fees = [], []
    for order, rate in ((taker, TAKER_FEE), (maker, MAKER_FEE)):
        own, fee = _own_side(order, trade, market=market, fee_rate=rate)
        postings += own
        fees.append(fee)
    paid = sum((fee for _, fee in fees), ZERO)
    postings.append(Posting(Purse(HOUSE, "fees", market.quote), "available", paid))
    _pay(settlement, postings, fees, order=taker, number=number, now=now)
    maker = settlement.newest(maker)
    if maker.remaining:
        _rehold(settlement, maker, market=market, now=now)
    else:
        end(settlement, maker, market=market, now=now)


def _against_house(
    settlement: Settlement, order: Order, trade: Trade, *, market: Market, fee_rate: Decimal, now: int
) -> None:
    own, fee = _own_side(order, trade, market=market, fee_rate=fee_rate)
    base, quote = (Purse(HOUSE, "equity", currency) for currency in (market.base, market.quote))
    sign = 1 if order.new.side == "sell" else -1
    postings = [
        *own,
        Posting(base, "available", sign * trade.size),
        Posting(quote, "available", -sign * trade.funds),
        Posting(Purse(HOUSE, "fees", market.quote), "available", fee[1]),
    ]
    _pay(settlement, postings, [fee], order=order, number=settlement.fills[-1].number, now=now)


def _own_side(
    order: Order, trade: Trade, *, market: Market, fee_rate: Decimal
) -> tuple[list[Posting], tuple[Purse, Decimal]]:
    """Return what a trade does to one user's purses, paid out of what is held for the order, and its fee."""
    base, quote = purse_of(order, market.base), purse_of(order, market.quote)
    fee = trade.funds * fee_rate
    if order.new.side == "buy":
        return [Posting(quote, "held", -trade.funds - fee), Posting(base, "available", trade.size)], (quote, fee)
    return [Posting(base, "held", -trade.size), Posting(quote, "available", trade.funds - fee)], (quote, fee)


def _pay(
    settlement: Settlement,
    postings: list[Posting],
    fees: list[tuple[Purse, Decimal]],
    *,
    order: Order,
    number: int,
    now: int,
) -> None:
    context = json.dumps({"symbol": order.new.symbol, "orderId": order.id, "tradeId": str(number)})
    settlement.movements.append(Movement("Trade_Exchange", tuple(postings), now, context, tuple(fees)))


def _fill(
    settlement: Settlement,
    order: Order,
    *,
    price: Decimal,
    size: Decimal,
    liquidity: Literal["taker", "maker"],
    counter: str,
    market: Market,
    number: int,
    now: int,
) -> None:
    """Note a fill, and what it makes of its order: more dealt, less held."""
    order = settlement.newest(order)
    rate = TAKER_FEE if liquidity == "taker" else MAKER_FEE
    funds = price * size
    fee = funds * rate
    spent = funds + fee if order.new.side == "buy" else size
    settlement.fills.append(
        Fill(
            number=number,
            order_id=order.id,
            counter_order_id=counter,
            owner=order.owner,
            symbol=market.symbol,
            side=order.new.side,
            kind=order.new.kind,
            liquidity=liquidity,
            price=price,
            size=size,
            funds=funds,
            fee=fee,
            fee_rate=rate,
            at=now,
        )
    )
    settlement.orders[order.id] = replace(
        order,
        deal_size=order.deal_size + size,
        deal_funds=order.deal_funds + funds,
        fee=order.fee + fee,
        held=order.held - spent,
        updated_at=now,
    )
