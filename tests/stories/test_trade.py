"""A bot's whole way: unmodified clients against a real server, before and after restarts, with its key switched off and
on by another process. What came back is asserted field by field: the official SDK swallows errors and answers empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.support.server import Codes, Installation, Server, Values

pytestmark = [
    pytest.mark.clients,
    pytest.mark.filterwarnings(
        "ignore:.*invalid escape sequence"
    ),  # of the SDK's own source, when it is first compiled
]

SPOT_MARKETS = {"BTC/USDT", "ETH/USDT", "SOL/USDT", "KCS/USDT", "ETH/BTC"}
FAR_BELOW = 50_000
"""A bid that nobody meets: BTC costs about 100 000 on the sandbox."""


@pytest.fixture
def embedded(tmp_path: Path) -> Installation:
    """Give a folder nothing was ever started in, for what has nothing to do with the kind of database."""
    return Installation(tmp_path)


# ── the clients, made as their own documentation says


def ccxt_client(server: Server, values: Values, *, kind: str = "kucoin", **options: Any) -> Any:
    import ccxt

    exchange = getattr(ccxt, kind)(
        {"apiKey": values.api_key, "secret": values.api_secret, "password": values.api_passphrase, "options": options}
    )
    for name in exchange.urls["api"]:
        exchange.urls["api"][name] = server.futures if name.startswith("futures") else server.spot
    return exchange


def sdk_client(server: Server, values: Values) -> Any:
    from kucoin_universal_sdk.api import DefaultClient
    from kucoin_universal_sdk.model import ClientOptionBuilder, TransportOptionBuilder

    options = ClientOptionBuilder().set_key(values.api_key).set_secret(values.api_secret)
    options = options.set_passphrase(values.api_passphrase).set_spot_endpoint(server.spot)
    options = options.set_futures_endpoint(server.futures).set_broker_endpoint(server.spot)
    return DefaultClient(options.set_transport_option(TransportOptionBuilder().build()).build()).rest_service()


def python_kucoin_client(server: Server, values: Values) -> Any:
    from kucoin.client import Client

    client = Client(values.api_key, values.api_secret, values.api_passphrase)
    client.API_URL, client.FUTURES_API_URL = server.spot, server.futures
    return client


# ── their flows; each returns the ids of the orders it leaves behind, cancelled and filled


def trade_with_ccxt(server: Server, values: Values, **options: Any) -> tuple[str, str]:
    exchange = ccxt_client(server, values, **options)
    symbol = "BTC/USDT"
    assert abs(exchange.fetch_time() - exchange.milliseconds()) < 5_000
    assert set(exchange.load_markets()) > SPOT_MARKETS
    before = exchange.fetch_balance()
    assert before["BTC"]["total"] >= 1
    assert exchange.fetch_balance({"type": "main"})["USDT"]["total"] == 10_000

    resting = exchange.create_order(symbol, "limit", "buy", 0.001, FAR_BELOW)["id"]
    (shown,) = exchange.fetch_open_orders(symbol)
    assert (shown["id"], shown["status"], shown["price"], shown["amount"]) == (resting, "open", FAR_BELOW, 0.001)
    assert exchange.fetch_balance()["USDT"]["used"] == pytest.approx(50.05)  # 0.001 × 50 000 and its fee
    exchange.cancel_order(resting, symbol)
    assert exchange.fetch_order(resting, symbol)["status"] == "canceled"
    assert exchange.fetch_open_orders(symbol) == []
    assert exchange.fetch_balance()["USDT"] == before["USDT"]

    bought = exchange.create_order(symbol, "market", "buy", 0.001)["id"]
    filled = exchange.fetch_order(bought, symbol)
    assert (filled["status"], filled["filled"], filled["remaining"]) == ("closed", 0.001, 0)
    fills = [fill for fill in exchange.fetch_my_trades(symbol) if fill["order"] == bought]
    assert sum(Decimal(str(fill["amount"])) for fill in fills) == Decimal("0.001")
    assert all(fill["fee"]["currency"] == "USDT" and fill["fee"]["cost"] > 0 for fill in fills)
    after = exchange.fetch_balance()
    assert after["BTC"]["total"] == pytest.approx(before["BTC"]["total"] + 0.001)
    paid = sum(fill["cost"] + fill["fee"]["cost"] for fill in fills)
    assert after["USDT"]["total"] == pytest.approx(before["USDT"]["total"] - paid)
    assert {resting, bought} <= {order["id"] for order in exchange.fetch_closed_orders(symbol)}

    by_cost = exchange.create_market_buy_order_with_cost(symbol, 5)["id"]
    assert 4.9 < exchange.fetch_order(by_cost, symbol)["cost"] <= 5
    sold = exchange.create_order(symbol, "market", "sell", 0.001)["id"]
    assert exchange.fetch_order(sold, symbol)["filled"] == 0.001

    about = exchange.privateGetUserApiKey()["data"]
    assert (about["apiKey"], about["remark"], about["permission"]) == (values.api_key, "Demo", "General,Spot")
    return resting, bought


def trade_with_ccxt_old(server: Server, values: Values) -> tuple[str, str]:
    return trade_with_ccxt(server, values, hf=False)


def trade_with_ccxt_hf(server: Server, values: Values) -> tuple[str, str]:
    return trade_with_ccxt(server, values, hf=True)


def look_with_kucoinfutures(server: Server, values: Values) -> None:
    exchange = ccxt_client(server, values, kind="kucoinfutures")
    assert abs(exchange.fetch_time() - exchange.milliseconds()) < 5_000
    assert set(exchange.load_markets()) == {"BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT"}
    assert exchange.fetch_balance({"type": "spot"})["BTC"]["total"] >= 1
    assert exchange.privateGetUserApiKey()["data"]["apiKey"] == values.api_key


def trade_with_sdk(server: Server, values: Values) -> tuple[str, str]:
    from kucoin_universal_sdk.generate.account import account
    from kucoin_universal_sdk.generate.spot import market, order

    client = sdk_client(server, values)
    orders, accounts = client.get_spot_service().get_order_api(), client.get_account_service().get_account_api()
    markets = client.get_spot_service().get_market_api()
    assert markets.get_server_time().data > 1_700_000_000_000
    symbols = {entry.symbol for entry in markets.get_all_symbols(market.GetAllSymbolsReqBuilder().build()).data}
    assert symbols == {name.replace("/", "-") for name in SPOT_MARKETS}
    contracts = client.get_futures_service().get_market_api().get_all_symbols().data
    assert {entry.symbol for entry in contracts} == {"XBTUSDTM", "ETHUSDTM", "SOLUSDTM"}

    def balance(currency: str) -> Decimal:
        listed = accounts.get_spot_account_list(account.GetSpotAccountListReqBuilder().set_type("trade").build()).data
        (entry,) = [entry for entry in listed if entry.currency == currency]
        assert Decimal(entry.balance) == Decimal(entry.available) + Decimal(entry.holds)
        return Decimal(entry.balance)

    def fetch(order_id: str) -> Any:
        asked = order.GetOrderByOrderIdReqBuilder().set_symbol("BTC-USDT").set_order_id(order_id).build()
        return orders.get_order_by_order_id(asked)

    before = balance("BTC")
    new = order.AddOrderReqBuilder().set_side("buy").set_symbol("BTC-USDT")
    resting = orders.add_order(new.set_type("limit").set_price(str(FAR_BELOW)).set_size("0.001").build()).order_id
    assert resting
    (shown,) = orders.get_open_orders(order.GetOpenOrdersReqBuilder().set_symbol("BTC-USDT").build()).data
    assert (shown.id, shown.active, shown.price) == (resting, True, str(FAR_BELOW))
    cancelling = order.CancelOrderByOrderIdReqBuilder().set_symbol("BTC-USDT").set_order_id(resting).build()
    assert orders.cancel_order_by_order_id(cancelling).order_id == resting
    cancelled = fetch(resting)
    assert (cancelled.active, cancelled.cancel_exist) == (False, True)

    new = order.AddOrderReqBuilder().set_side("buy").set_symbol("BTC-USDT").set_type("market")
    bought = orders.add_order(new.set_funds("50").build()).order_id
    filled = fetch(bought)
    assert not filled.active
    assert Decimal(49) < Decimal(filled.deal_funds) <= 50
    asked = order.GetTradeHistoryReqBuilder().set_symbol("BTC-USDT").set_order_id(bought).build()
    fills = orders.get_trade_history(asked).items
    assert sum(Decimal(fill.size) for fill in fills) == Decimal(filled.deal_size)
    assert balance("BTC") == before + Decimal(filled.deal_size)
    done = orders.get_closed_orders(order.GetClosedOrdersReqBuilder().set_symbol("BTC-USDT").build()).items
    assert {resting, bought} <= {entry.id for entry in done}

    about = accounts.get_apikey_info()
    assert (about.api_key, about.remark, about.permission) == (values.api_key, "Demo", "General,Spot")
    assert (about.api_version, about.is_master) == (3, True)
    return resting, bought


FLOWS: list[Callable[[Server, Values], tuple[str, str]]] = [trade_with_ccxt_hf, trade_with_ccxt_old, trade_with_sdk]


def trade_with_all(server: Server, values: Values) -> Iterator[tuple[str, str]]:
    for flow in FLOWS:
        yield flow(server, values)
    look_with_kucoinfutures(server, values)


# ── the stories


def test_every_client_trades_twice_and_after_restarts(installation: Installation) -> None:
    """First start; again; after Ctrl-C; after kill -9. Key, orders, fills and balances are the same afterwards."""
    with installation.serving() as server:
        values = server.values
        left = [*trade_with_all(server, values), *trade_with_all(server, values)]
        balances = ccxt_client(server, values).fetch_balance()["total"]
        assert server.stop() == 0
        assert server.err == ""

    with installation.serving() as server:
        exchange = ccxt_client(server, values)
        assert exchange.fetch_balance()["total"] == balances
        for cancelled, filled in left:
            assert exchange.fetch_order(cancelled, "BTC/USDT")["status"] == "canceled"
            assert exchange.fetch_order(filled, "BTC/USDT")["status"] == "closed"
        assert {fill["order"] for fill in exchange.fetch_my_trades("BTC/USDT", limit=100)} >= {
            bought for _, bought in left
        }
        left = list(trade_with_all(server, values))
        resting = exchange.create_order("BTC/USDT", "limit", "buy", 0.002, FAR_BELOW)["id"]
        balances = exchange.fetch_balance()["total"]
        server.kill()

    with installation.serving() as server:
        exchange = ccxt_client(server, values)
        assert [order["id"] for order in exchange.fetch_open_orders("BTC/USDT")] == [resting]
        assert exchange.fetch_balance()["total"] == balances
        exchange.cancel_order(resting, "BTC/USDT")
        trade_with_ccxt(server, values)
        trade_with_sdk(server, values)


def test_a_key_is_switched_off_and_on_and_deleted_by_another_process(installation: Installation) -> None:
    """Disabled, the very next request is refused; enabled, the next is served; deleted, refused for good."""
    import ccxt

    with installation.serving() as server:
        values = server.values
        codes = Codes(installation.demo()["totp_secret"])
        exchange = ccxt_client(server, values)
        exchange.load_markets()
        resting = exchange.create_order("BTC/USDT", "limit", "buy", 0.001, FAR_BELOW)["id"]

        assert installation.cli("keys", "disable", values.api_key).code == 0
        with pytest.raises(ccxt.AuthenticationError):
            exchange.fetch_balance()
        with pytest.raises(ccxt.AuthenticationError):
            exchange.create_order("BTC/USDT", "market", "buy", 0.001)
        with pytest.raises(ccxt.AuthenticationError):
            exchange.cancel_order(resting, "BTC/USDT")

        assert installation.cli("keys", "enable", values.api_key, stdin=codes.next()).code == 0
        assert exchange.fetch_order(resting, "BTC/USDT")["status"] == "open"
        exchange.cancel_order(resting, "BTC/USDT")

        assert installation.cli("keys", "disable", values.api_key).code == 0
        assert installation.cli("keys", "delete", values.api_key, stdin=codes.next()).code == 0
        for _ in range(2):
            with pytest.raises(ccxt.AuthenticationError, match="400003"):
                exchange.fetch_balance()
        server.stop()

    with installation.serving() as server:
        with pytest.raises(ccxt.AuthenticationError, match="400003"):
            ccxt_client(server, values).fetch_balance()
        assert installation.cli("keys", "enable", values.api_key, stdin=codes.next()).code == 6
        assert installation.cli("audit", "verify").code == 0


def test_the_sdk_hears_that_its_key_is_disabled(embedded: Installation) -> None:
    """It raises for a status other than 200: with it, ours reaches the bot's own code."""
    with embedded.serving() as server:
        values = server.values
        accounts = sdk_client(server, values).get_account_service().get_account_api()
        assert accounts.get_apikey_info().api_key == values.api_key
        assert embedded.cli("keys", "disable", values.api_key).code == 0
        with pytest.raises(Exception, match="400003"):
            accounts.get_apikey_info()


def test_python_kucoin_needs_the_operators_leave(embedded: Installation) -> None:
    """It sends its passphrase in clear: refused by default in KuCoin's own words, taken where the operator says so."""
    from kucoin.exceptions import KucoinAPIException

    with embedded.serving() as server:
        values = server.values
        with pytest.raises(KucoinAPIException) as refused:
            python_kucoin_client(server, values).get_accounts()
        assert (refused.value.code, refused.value.status_code) == ("400008", 401)
        server.stop()

    with embedded.serving(KEYWRIGHT_ACCEPT_KEY_VERSION_1="true") as server:
        client = python_kucoin_client(server, values)
        assert {entry["currency"] for entry in client.get_accounts(account_type="trade")} >= {"BTC", "USDT"}
        resting = client.create_limit_order("BTC-USDT", "buy", str(FAR_BELOW), "0.001")["orderId"]
        assert client.get_order(resting)["isActive"] is True
        assert client.cancel_order(resting)["cancelledOrderIds"] == [resting]
        bought = client.hf_create_market_order("BTC-USDT", "buy", size="0.001")["orderId"]
        assert client.hf_get_order(bought, "BTC-USDT")["dealSize"] == "0.001"
        ccxt_client(server, values).fetch_balance()  # the others go on as before
