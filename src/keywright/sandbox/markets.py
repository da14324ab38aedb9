"""What can be traded: the pairs, the currencies, the contracts, and what trading costs. Fixed, so that bots find them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from keywright.sandbox.model import Book, Declined, Market

MAKER_FEE = Decimal("0.001")
TAKER_FEE = Decimal("0.001")
"""KuCoin's own rates at level 0, for both sides; charged in the quote currency."""

OPENED_AT = 1_577_836_800
"""Seconds: 1 January 2020. There are no candles before it."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A network a currency travels on."""

    name: str
    id: str
    min_withdrawal: str
    withdrawal_fee: str
    min_deposit: str
    confirms: int
    needs_memo: bool = False


@dataclass(frozen=True, slots=True)
class Currency:
    """A currency and where it travels."""

    code: str
    full_name: str
    precision: int
    chains: tuple[Chain, ...]


@dataclass(frozen=True, slots=True)
class Contract:
    """A perpetual futures contract. Listed so that futures clients load; not traded yet."""

    symbol: str
    base: str
    quote: str
    underlying: str
    """The spot pair whose price it follows."""
    lot: Decimal
    tick: Decimal
    max_leverage: int
    opened_at: int


def _market(
    symbol: str,
    price: str,
    increment: str,
    *,
    base_increment: str,
    quote_increment: str,
    base_min: str,
    base_max: str,
    quote_min: str,
    depth: str,
    spread_ticks: int,
) -> Market:
    base, quote = symbol.split("-")
    return Market(
        base=base,
        quote=quote,
        group="USDS" if quote == "USDT" else quote,
        start_price=Decimal(price),
        price_increment=Decimal(increment),
        base_increment=Decimal(base_increment),
        quote_increment=Decimal(quote_increment),
        base_min=Decimal(base_min),
        base_max=Decimal(base_max),
        quote_min=Decimal(quote_min),
        quote_max=Decimal(99_999_999),
        depth=Decimal(depth),
        spread_ticks=spread_ticks,
    )


# fmt: off
MARKETS: dict[str, Market] = {
    market.symbol: market
    for market in (
        _market("BTC-USDT", "100000", "0.1", base_increment="0.00000001", quote_increment="0.000001",
                base_min="0.00001", base_max="10000", quote_min="0.1", depth="0.5", spread_ticks=5),
        _market("ETH-USDT", "4000", "0.01", base_increment="0.0000001", quote_increment="0.000001",
                base_min="0.0001", base_max="100000", quote_min="0.1", depth="8", spread_ticks=5),
        _market("SOL-USDT", "200", "0.001", base_increment="0.0001", quote_increment="0.001",
                base_min="0.01", base_max="1000000", quote_min="0.1", depth="150", spread_ticks=10),
        _market("KCS-USDT", "12", "0.001", base_increment="0.0001", quote_increment="0.0001",
                base_min="0.1", base_max="1000000", quote_min="0.1", depth="500", spread_ticks=2),
        _market("ETH-BTC", "0.04", "0.00001", base_increment="0.0000001", quote_increment="0.00000001",
                base_min="0.0001", base_max="100000", quote_min="0.000001", depth="8", spread_ticks=1),
    )
}

CURRENCIES: dict[str, Currency] = {
    currency.code: currency
    for currency in (
        Currency("BTC", "Bitcoin", 8, (Chain("BTC", "btc", "0.001", "0.0005", "0.0002", 3),)),
        Currency("ETH", "Ethereum", 8, (Chain("ERC20", "eth", "0.005", "0.002", "0.001", 64),)),
        Currency("SOL", "Solana", 8, (Chain("SOL", "sol", "0.1", "0.01", "0.02", 200),)),
        Currency("KCS", "KCS", 8, (Chain("KCC", "kcc", "0.5", "0.01", "0.1", 20),)),
        Currency("USDT", "Tether", 8, (
            Chain("TRC20", "trx", "3", "1.5", "1", 1),
            Chain("ERC20", "eth", "10", "4", "1", 12),
            Chain("TON", "ton", "3", "0.5", "1", 1, needs_memo=True),
        )),
    )
}

CONTRACTS: tuple[Contract, ...] = (
    Contract("XBTUSDTM", "XBT", "USDT", "BTC-USDT", Decimal("0.001"), Decimal("0.1"), 125, 1_585_555_200_000),
    Contract("ETHUSDTM", "ETH", "USDT", "ETH-USDT", Decimal("0.01"), Decimal("0.01"), 100, 1_585_555_200_000),
    Contract("SOLUSDTM", "SOL", "USDT", "SOL-USDT", Decimal("0.1"), Decimal("0.001"), 75, 1_614_153_600_000),
)

STARTER: dict[Book, dict[str, Decimal]] = {
    "main": {"USDT": Decimal(10_000)},
    "trade": {"USDT": Decimal(100_000), "BTC": Decimal(1), "ETH": Decimal(10), "SOL": Decimal(100), "KCS": Decimal(1000)},
}
"""What every account finds when it first comes, per book."""
# fmt: on


def market(symbol: str) -> Market:
    """Return the pair; raises `Declined` in the words of market data, where ccxt reads `BadSymbol`."""
    found = MARKETS.get(symbol)
    if found is None:
        raise Declined("400100", "Unsupported trading pair.")
    return found


def currency(code: str) -> Currency:
    """Return the currency; raises `Declined` when there is none of that code."""
    found = CURRENCIES.get(code)
    if found is None:
        raise Declined("400100", "Currency not exists.")
    return found
