"""Client code that we show: it reads the key from the environment and never carries it."""

from __future__ import annotations

KUCOIN = "KC-API-"
"""The header prefix that KuCoin's own clients send."""

CCXT = """\
import ccxt, os                                        # pip install ccxt
exchange = ccxt.kucoin({{
    "apiKey": os.environ["KUCOIN_API_KEY"],
    "secret": os.environ["KUCOIN_SECRET_KEY"],
    "password": os.environ["KUCOIN_PASSPHRASE"],
}})
for name in exchange.urls["api"]:
    is_futures = name.startswith("futures")
    exchange.urls["api"][name] = "{futures}" if is_futures else "{spot}"
print(exchange.fetch_balance()["free"])
order = exchange.create_order("BTC/USDT", "market", "buy", 0.001)
print(exchange.fetch_order(order["id"], "BTC/USDT")["status"])
"""

SDK = """\
import os                                              # pip install kucoin-universal-sdk
from kucoin_universal_sdk.api import DefaultClient
from kucoin_universal_sdk.model import ClientOptionBuilder, TransportOptionBuilder
client = DefaultClient(
    ClientOptionBuilder()
    .set_key(os.environ["KUCOIN_API_KEY"])
    .set_secret(os.environ["KUCOIN_SECRET_KEY"])
    .set_passphrase(os.environ["KUCOIN_PASSPHRASE"])
    .set_spot_endpoint("{spot}")
    .set_futures_endpoint("{futures}")
    .set_broker_endpoint("{spot}")
    .set_transport_option(TransportOptionBuilder().build())
    .build()
)
print(client.rest_service().get_account_service().get_account_api().get_apikey_info().to_dict())
"""

CURL = """\
target=/api/v1/accounts
stamp=$(date +%s%3N)
hmac() {{ printf %s "$1" | openssl dgst -sha256 -hmac "$KUCOIN_SECRET_KEY" -binary | base64; }}
curl -s "{spot}$target" -H "{prefix}KEY: $KUCOIN_API_KEY" -H "{prefix}TIMESTAMP: $stamp" \\
  -H "{prefix}SIGN: $(hmac "${{stamp}}GET$target")" -H "{prefix}PASSPHRASE: $(hmac "$KUCOIN_PASSPHRASE")" \\
  -H "{prefix}KEY-VERSION: 3"
"""


CCXT_ORDER = """\
order = exchange.create_order("BTC/USDT", "market", "buy", 0.001)
print(exchange.fetch_order(order["id"], "BTC/USDT")["status"])
"""

CCXT_FUTURES = """\
import ccxt, os                                        # pip install ccxt
exchange = ccxt.kucoinfutures({{
    "apiKey": os.environ["KUCOIN_API_KEY"],
    "secret": os.environ["KUCOIN_SECRET_KEY"],
    "password": os.environ["KUCOIN_PASSPHRASE"],
}})
for name in exchange.urls["api"]:
    exchange.urls["api"][name] = "{futures}"
print(exchange.privateGetUserApiKey()["data"])
"""

PYTHON_KUCOIN = """\
import base64, hashlib, hmac, os                       # pip install python-kucoin
from kucoin.client import Client
names = ("KUCOIN_API_KEY", "KUCOIN_SECRET_KEY", "KUCOIN_PASSPHRASE")
key, secret, passphrase = (os.environ[name] for name in names)
client = Client(key, secret, passphrase)
client.API_URL, client.FUTURES_API_URL = "{spot}", "{futures}"
hashed = base64.b64encode(hmac.new(secret.encode(), passphrase.encode(), hashlib.sha256).digest())
client.session.headers.update({{"KC-API-PASSPHRASE": hashed.decode(), "KC-API-KEY-VERSION": "3"}})
print(client.get_accounts())
"""

FREQTRADE = """\
{{
  "exchange": {{
    "name": "kucoin",
    "enable_ws": false,
    "ccxt_config": {{
      "urls": {{
        "api": {{
          "public": "{spot}", "private": "{spot}", "broker": "{spot}", "earn": "{spot}", "webExchange": "{spot}",
          "uta": "{spot}", "utaV2": "{spot}", "utaPrivate": "{spot}",
          "futuresPublic": "{futures}", "futuresPrivate": "{futures}"
        }}
      }}
    }}
  }}
}}
"""
"""A second configuration beside the bot's own; key, secret and passphrase come from `FREQTRADE__EXCHANGE__…`."""

ENVIRONMENT = """\
for name in KUCOIN_API_KEY KUCOIN_SECRET_KEY KUCOIN_PASSPHRASE; do
  read -rsp "$name: " "$name"; echo; export "$name"
done
"""

ADDRESS = "curl -s {spot}/api/v1/my-ip\n"

CURL_PLAIN_TARGET, CURL_FUTURES_TARGET = "target=/api/v1/accounts", "target=/api/v1/user/api-key"


def clients(*, spot: str, futures: str, prefix: str = KUCOIN) -> list[tuple[str, str]]:
    """Return code for ccxt, the official SDK and curl, each with its title and these addresses."""
    parts = [("curl", CURL)]
    if prefix == KUCOIN:  # the others know KuCoin's headers only
        parts = [("ccxt", CCXT), ("the official KuCoin SDK", SDK), *parts]
    return [(title, code.format(spot=spot, futures=futures, prefix=prefix)) for title, code in parts]


def clients_to_choose_from(
    *, spot: str, futures: str, may_order: bool, prefix: str = KUCOIN
) -> list[tuple[str, str, str]]:
    """Return code for every client there is code for, each with a name for it and its title; for a spot key."""
    shown = [("curl", "curl", CURL)]
    if prefix == KUCOIN:
        shown = [
            ("ccxt", "ccxt", CCXT if may_order else CCXT.replace(CCXT_ORDER, "")),
            ("sdk", "kucoin-universal-sdk", SDK),
            ("python-kucoin", "python-kucoin", PYTHON_KUCOIN),
            ("freqtrade", "freqtrade: keywright.json", FREQTRADE),
            *shown,
        ]
    return [(name, title, code.format(spot=spot, futures=futures, prefix=prefix)) for name, title, code in shown]


def clients_of_key(
    *, spot: str, futures: str, environment: str, may_order: bool, prefix: str = KUCOIN
) -> list[tuple[str, str]]:
    """Return code that works with one key as it stands: in its environment, and placing an order only where it may.

    Before a real service nothing that is pasted to try a key should spend money, so `may_order` is for the sandbox.
    """
    if environment == "futures":
        shown = [("curl", CURL.replace(CURL_PLAIN_TARGET, CURL_FUTURES_TARGET)), ("ccxt", CCXT_FUTURES), ("SDK", SDK)]
        spot = futures  # a futures key is known at the futures gateway only, for what both serve as well
    else:
        shown = [("curl", CURL), ("ccxt", CCXT if may_order else CCXT.replace(CCXT_ORDER, "")), ("SDK", SDK)]
    code = {title: text.format(spot=spot, futures=futures, prefix=prefix) for title, text in shown}
    if prefix != KUCOIN:
        return [("curl", code["curl"])]
    return [("ccxt", code["ccxt"]), ("the official KuCoin SDK", code["SDK"]), ("curl", code["curl"])]
