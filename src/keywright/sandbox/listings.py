"""What can be traded, in KuCoin's shapes and with its full field sets. Pure."""

from __future__ import annotations

from keywright.sandbox import ladder, prices
from keywright.sandbox.amounts import plain
from keywright.sandbox.markets import MAKER_FEE, MARKETS, TAKER_FEE, Contract, Currency
from keywright.sandbox.model import Market

_FUNDING_MS = 28_800_000


def symbol(market: Market) -> dict[str, object]:
    """Return a pair as `symbols` tells it."""
    return {
        "symbol": market.symbol,
        "name": market.symbol,
        "baseCurrency": market.base,
        "quoteCurrency": market.quote,
        "feeCurrency": market.quote,
        "market": market.group,
        "baseMinSize": plain(market.base_min),
        "quoteMinSize": plain(market.quote_min),
        "baseMaxSize": plain(market.base_max),
        "quoteMaxSize": plain(market.quote_max),
        "baseIncrement": plain(market.base_increment),
        "quoteIncrement": plain(market.quote_increment),
        "priceIncrement": plain(market.price_increment),
        "priceLimitRate": "0.1",
        "minFunds": plain(market.quote_min),
        "isMarginEnabled": False,
        "enableTrading": True,
        "feeCategory": 1,
        "makerFeeCoefficient": "1.00",
        "takerFeeCoefficient": "1.00",
        "st": False,
        "callauctionIsEnabled": False,
        "callauctionPriceFloor": None,
        "callauctionPriceCeiling": None,
        "callauctionFirstStageStartTime": None,
        "callauctionSecondStageStartTime": None,
        "callauctionThirdStageStartTime": None,
        "tradingStartTime": None,
    }


def currency(entry: Currency) -> dict[str, object]:
    """Return a currency as `currencies` tells it, with its chains."""
    chains = [
        {
            "chainName": chain.name,
            "withdrawalMinSize": chain.min_withdrawal,
            "depositMinSize": chain.min_deposit,
            "withdrawFeeRate": "0",
            "withdrawalMinFee": chain.withdrawal_fee,
            "isWithdrawEnabled": True,
            "isDepositEnabled": True,
            "confirms": chain.confirms,
            "preConfirms": chain.confirms,
            "contractAddress": "",
            "withdrawPrecision": entry.precision,
            "maxWithdraw": None,
            "maxDeposit": None,
            "needTag": chain.needs_memo,
            "chainId": chain.id,
        }
        for chain in entry.chains
    ]
    return {
        "currency": entry.code,
        "name": entry.code,
        "fullName": entry.full_name,
        "precision": entry.precision,
        "confirms": None,
        "contractAddress": None,
        "isMarginEnabled": False,
        "isDebitEnabled": False,
        "chains": chains,
    }


def fees(market: Market) -> dict[str, object]:
    """Return what trading a pair costs."""
    return {"symbol": market.symbol, "takerFeeRate": plain(TAKER_FEE), "makerFeeRate": plain(MAKER_FEE)}


def contract(entry: Contract, *, at: int) -> dict[str, object]:
    """Return a contract as futures' `contracts/active` tells it: amounts are JSON numbers there."""
    market = MARKETS[entry.underlying]
    second = at // 1000
    last = ladder.last_price(market, at=at)
    before = ladder.last_price(market, at=at - 86_400_000)
    low, high = (ticks * market.price_increment for ticks in prices.extremes(market, second - 86_400, second))
    traded = prices.volume(market, second - 86_400, second)
    name, base = entry.symbol, entry.base
    return {
        "symbol": name,
        "rootSymbol": entry.quote,
        "type": "FFWCSX",
        "firstOpenDate": entry.opened_at,
        "expireDate": None,
        "settleDate": None,
        "baseCurrency": base,
        "quoteCurrency": entry.quote,
        "settleCurrency": entry.quote,
        "maxOrderQty": 1_000_000,
        "maxPrice": 1_000_000.0,
        "lotSize": 1,
        "tickSize": float(entry.tick),
        "indexPriceTickSize": float(entry.tick),
        "multiplier": float(entry.lot),
        "initialMargin": 1 / entry.max_leverage,
        "maintainMargin": 0.5 / entry.max_leverage,
        "maxRiskLimit": 100_000,
        "minRiskLimit": 100_000,
        "riskStep": 50_000,
        "makerFeeRate": 0.0002,
        "takerFeeRate": 0.0006,
        "takerFixFee": 0.0,
        "makerFixFee": 0.0,
        "settlementFee": None,
        "isDeleverage": True,
        "isQuanto": False,
        "isInverse": False,
        "markMethod": "FairPrice",
        "fairMethod": "FundingRate",
        "fundingBaseSymbol": f".{base}INT8H",
        "fundingQuoteSymbol": f".{entry.quote}INT8H",
        "fundingRateSymbol": f".{name}FPI8H",
        "indexSymbol": f".K{base}{entry.quote}",
        "settlementSymbol": "",
        "status": "Open",
        "fundingFeeRate": 0.0001,
        "predictedFundingFeeRate": 0.0001,
        "fundingRateGranularity": _FUNDING_MS,
        "openInterest": "0",
        "turnoverOf24h": float(traded * last),
        "volumeOf24h": float(traded),
        "markPrice": float(last),
        "indexPrice": float(last),
        "lastTradePrice": float(last),
        "nextFundingRateTime": _FUNDING_MS - at % _FUNDING_MS,
        "maxLeverage": entry.max_leverage,
        "sourceExchanges": ["kucoin"],
        "premiumsSymbol1M": f".{name}PI",
        "premiumsSymbol8H": f".{name}PI8H",
        "fundingBaseSymbol1M": f".{base}INT",
        "fundingQuoteSymbol1M": f".{entry.quote}INT",
        "lowPrice": float(low),
        "highPrice": float(high),
        "priceChgPct": float(round((last - before) / before, 4)),
        "priceChg": float(last - before),
        "k": 490.0,
        "m": 300.0,
        "f": 1.3,
        "mmrLimit": 0.3,
        "mmrLevConstant": float(entry.max_leverage),
        "supportCross": True,
        "buyLimit": float(last * 105 / 100),
        "sellLimit": float(last * 95 / 100),
    }
