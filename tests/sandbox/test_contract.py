"""The official SDK's typed models read our answers, and find every field filled.

Its client swallows what its models refuse, so they are asked directly: a field of the wrong type raises here, and a
field that comes out empty is one a bot would miss.
"""

from __future__ import annotations

import importlib
import json
import warnings
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.sandbox.conftest import Exchange

pytestmark = pytest.mark.clients

MODELS = "kucoin_universal_sdk.generate"
# Null at KuCoin too, or only there for what the sandbox does not offer.
NULLABLE = {
    "taxes", "hostedStatus",
    "stp", "tags", "remark", "confirms", "contractAddress", "maxWithdraw", "maxDeposit", "depositFeeRate",
    "withdrawMaxFee", "depositTierFee", "callauctionPriceFloor", "callauctionPriceCeiling",
    "callauctionFirstStageStartTime", "callauctionSecondStageStartTime", "callauctionThirdStageStartTime",
    "tradingStartTime", "expireDate", "settleDate", "settlementFee", "cancelledOcoOrderIds", "sellTaxRate", "buyTaxRate",
    "common_response",
}  # fmt: skip

MAY_BE_EMPTY = {"failedSymbols", "marginAccounts", "tradeHFAccounts"}


def model(module: str, name: str) -> Any:
    """Return one of the SDK's models."""
    stem = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is written with escapes that Python warns of where it is compiled first
        return getattr(importlib.import_module(f"{MODELS}.{module}.model_{stem}"), name)


def read(module: str, name: str, data: Any) -> None:
    """Read `data` as the SDK's model of that name; every field it knows is there and survives."""
    parsed = model(module, name).from_dict(data)
    assert parsed is not None
    assert_filled(json.loads(parsed.model_dump_json(by_alias=True)), at=name)


def assert_filled(value: Any, *, at: str) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in NULLABLE:
                assert inner is not None, f"{at}.{key}"
                assert_filled(inner, at=f"{at}.{key}")
    elif isinstance(value, list):
        assert value or at.rpartition(".")[2] in MAY_BE_EMPTY, f"{at} is empty"
        for inner in value[:3]:
            assert_filled(inner, at=at)


@pytest.mark.parametrize(
    ("module", "name", "target"),
    [
        ("spot.market", "GetServerTimeResp", "/api/v1/timestamp"),
        ("spot.market", "GetServiceStatusResp", "/api/v1/status"),
        ("spot.market", "GetAllSymbolsResp", "/api/v2/symbols"),
        ("spot.market", "GetSymbolResp", "/api/v2/symbols/ETH-BTC"),
        ("spot.market", "GetAllCurrenciesResp", "/api/v3/currencies"),
        ("spot.market", "GetCurrencyResp", "/api/v3/currencies/USDT"),
        ("spot.market", "GetAllTickersResp", "/api/v1/market/allTickers"),
        ("spot.market", "Get24hrStatsResp", "/api/v1/market/stats?symbol=BTC-USDT"),
        ("spot.market", "GetTickerResp", "/api/v1/market/orderbook/level1?symbol=BTC-USDT"),
        ("spot.market", "GetPartOrderBookResp", "/api/v1/market/orderbook/level2_20?symbol=BTC-USDT"),
        ("spot.market", "GetPartOrderBookResp", "/api/v1/market/orderbook/level2_100?symbol=BTC-USDT"),
        ("spot.market", "GetFullOrderBookResp", "/api/v3/market/orderbook/level2?symbol=BTC-USDT"),
        ("spot.market", "GetKlinesResp", "/api/v1/market/candles?symbol=BTC-USDT&type=1min"),
        ("spot.market", "GetTradeHistoryResp", "/api/v1/market/histories?symbol=BTC-USDT"),
        ("account.account", "GetSpotAccountListResp", "/api/v1/accounts"),
        ("account.account", "GetSpotAccountListResp", "/api/v1/accounts?type=trade"),
        ("account.account", "GetSpotAccountTypeResp", "/api/v1/hf/accounts/opened"),
        ("account.account", "GetSpotLedgerResp", "/api/v1/accounts/ledgers"),
        ("account.account", "GetSpotHfLedgerResp", "/api/v1/hf/accounts/ledgers"),
        ("account.transfer", "GetTransferQuotasResp", "/api/v1/accounts/transferable?currency=USDT&type=MAIN"),
        ("account.fee", "GetSpotActualFeeResp", "/api/v1/trade-fees?symbols=BTC-USDT"),
        ("account.fee", "GetBasicFeeResp", "/api/v1/base-fee"),
    ],
)  # fmt: skip
async def test_the_sdk_reads_what_can_be_asked(exchange: Exchange, module: str, name: str, target: str) -> None:
    await exchange.place({"symbol": "BTC-USDT", "side": "buy", "type": "market", "size": "0.01"})
    read(module, name, await exchange.get(target))


async def test_the_sdk_reads_sub_accounts(exchange: Exchange) -> None:
    await exchange.fund(USDT="5")
    await exchange.fund(BTC="0.1", into="MAIN")
    for name, target in (
        ("GetSpotSubAccountsSummaryV2Resp", "/api/v2/sub/user"),
        ("GetSpotSubAccountListV2Resp", "/api/v2/sub-accounts"),
        ("GetSpotSubAccountDetailResp", "/api/v1/sub-accounts/dddddddddddddddddddddddd"),
    ):
        read("account.subaccount", name, await exchange.get(target))


async def test_the_sdk_reads_one_account(exchange: Exchange) -> None:
    [entry] = await exchange.get("/api/v1/accounts?type=trade&currency=USDT")
    read("account.account", "GetSpotAccountDetailResp", await exchange.get(f"/api/v1/accounts/{entry['id']}"))


async def test_the_sdk_reads_pages_that_are_empty(exchange: Exchange) -> None:
    for module, name, target in (
        ("account.deposit", "GetDepositHistoryResp", "/api/v1/deposits"),
        ("margin.market", "GetCrossMarginSymbolsResp", "/api/v3/margin/symbols"),
    ):
        assert model(module, name).from_dict(await exchange.get(target)).items == []


async def test_the_sdk_reads_the_life_of_an_order(exchange: Exchange) -> None:
    far = {"symbol": "BTC-USDT", "side": "buy", "type": "limit", "price": "50000", "size": "0.001"}
    terms = {"remark": "note", "tags": "tag", "stp": "CN", "timeInForce": "GTT", "cancelAfter": 600}
    first = await exchange.post("/api/v1/hf/orders", {**far, **terms, "clientOid": "a"})
    read("spot.order", "AddOrderResp", first)
    read("spot.order", "AddOrderTestResp", await exchange.post("/api/v1/hf/orders/test", {**far, "clientOid": "b"}))
    read("spot.order", "AddOrderTestOldResp", await exchange.post("/api/v1/orders/test", {**far, "clientOid": "b"}))
    read("spot.order", "AddOrderOldResp", await exchange.post("/api/v1/orders", {**far, "clientOid": "c"}))
    read("spot.order", "AddOrderSyncResp", await exchange.post("/api/v1/hf/orders/sync", {**far, "clientOid": "d"}))
    await exchange.place({"symbol": "BTC-USDT", "side": "buy", "type": "market", "funds": "10"})

    order_id = first["orderId"]
    read("spot.order", "GetOrderByOrderIdResp", await exchange.order(order_id))
    by_oid = await exchange.get("/api/v1/hf/orders/client-order/a?symbol=BTC-USDT")
    read("spot.order", "GetOrderByClientOidResp", by_oid)
    read("spot.order", "GetOpenOrdersResp", await exchange.get("/api/v1/hf/orders/active?symbol=BTC-USDT"))
    read("spot.order", "GetSymbolsWithOpenOrderResp", await exchange.get("/api/v1/hf/orders/active/symbols"))
    read("spot.order", "GetClosedOrdersResp", await exchange.get("/api/v1/hf/orders/done?symbol=BTC-USDT"))
    read("spot.order", "GetTradeHistoryResp", await exchange.get("/api/v1/hf/fills?symbol=BTC-USDT"))
    read("spot.order", "GetOrderByOrderIdOldResp", await exchange.get(f"/api/v1/orders/{order_id}"))
    read("spot.order", "GetOrderByClientOidOldResp", await exchange.get("/api/v1/order/client-order/a"))
    read("spot.order", "GetOrdersListOldResp", await exchange.get("/api/v1/orders?status=active"))
    read("spot.order", "GetTradeHistoryOldResp", await exchange.get("/api/v1/fills"))

    ended = await exchange.delete(f"/api/v1/hf/orders/{order_id}?symbol=BTC-USDT")
    read("spot.order", "CancelOrderByOrderIdResp", ended)
    ended = await exchange.delete("/api/v1/order/client-order/c")
    read("spot.order", "CancelOrderByClientOidOldResp", ended)
    ended = await exchange.delete("/api/v1/hf/orders/client-order/d?symbol=BTC-USDT")
    read("spot.order", "CancelOrderByClientOidResp", ended)
    again = await exchange.post("/api/v1/orders", {**far, "clientOid": "e"})
    ended = await exchange.delete(f"/api/v1/orders/{again['orderId']}")
    read("spot.order", "CancelOrderByOrderIdOldResp", ended)
    await exchange.post("/api/v1/orders", {**far, "clientOid": "f"})
    read("spot.order", "CancelAllOrdersResp", await exchange.delete("/api/v1/hf/orders/cancelAll"))
    await exchange.post("/api/v1/orders", {**far, "clientOid": "g"})
    read("spot.order", "BatchCancelOrderOldResp", await exchange.delete("/api/v1/orders"))
    read("spot.order", "CancelAllOrdersBySymbolResp", await exchange.delete("/api/v1/hf/orders?symbol=BTC-USDT"))


async def test_the_sdk_reads_transfers(exchange: Exchange) -> None:
    body = {"clientOid": "t", "currency": "USDT", "amount": "5", "type": "INTERNAL"}
    flexible = {**body, "fromAccountType": "MAIN", "toAccountType": "TRADE"}
    read("account.transfer", "FlexTransferResp", await exchange.post("/api/v3/accounts/universal-transfer", flexible))
    down = {**flexible, "clientOid": "d", "type": "PARENT_TO_SUB", "toUserId": "d" * 24}
    read("account.transfer", "FlexTransferResp", await exchange.post("/api/v3/accounts/universal-transfer", down))
    inner = {"clientOid": "u", "currency": "USDT", "amount": "5", "from": "trade", "to": "main"}
    read("account.transfer", "InnerTransferResp", await exchange.post("/api/v2/accounts/inner-transfer", inner))


async def test_the_sdk_reads_withdrawals(exchange: Exchange) -> None:
    address = "TXYZabcdefghijkmnopqrstuvwxyz12345"
    body = {"currency": "USDT", "toAddress": address, "amount": "5", "withdrawType": "ADDRESS", "chain": "trx"}
    made = await exchange.post("/api/v3/withdrawals", body)
    read("account.withdrawal", "WithdrawalV3Resp", made)
    read("account.withdrawal", "GetWithdrawalHistoryResp", await exchange.get("/api/v1/withdrawals?currency=USDT"))
    one = await exchange.get(f"/api/v1/withdrawals/{made['withdrawalId']}")
    read("account.withdrawal", "GetWithdrawalHistoryByIdResp", one)
    quotas = await exchange.get("/api/v1/withdrawals/quotas?currency=USDT&chain=trx")
    read("account.withdrawal", "GetWithdrawalQuotasResp", quotas)
    old = {**body, "address": body["toAddress"]}
    read("account.withdrawal", "WithdrawalV1Resp", await exchange.post("/api/v1/withdrawals", old))


async def test_the_sdk_reads_contracts(exchange: Exchange) -> None:
    contracts = await exchange.get("/api/v1/contracts/active", environment="futures")
    read("futures.market", "GetAllSymbolsResp", contracts)
