"""Client code that we show: it reads the key from the environment and never carries it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keywright.app.demo import Demo
    from keywright.app.server import Running

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
    exchange.urls["api"][name] = "{futures}" if name.startswith("futures") else "{spot}"
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
    .set_spot_endpoint("{spot}").set_futures_endpoint("{futures}").set_broker_endpoint("{spot}")
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


def exports(values: Demo) -> str:
    """Return the lines that put the key into a shell's environment: the one place where they are printed."""
    return "\n".join(
        f"export {name}={value}"
        for name, value in (
            ("KUCOIN_API_KEY", values.api_key),
            ("KUCOIN_SECRET_KEY", values.api_secret.reveal_text()),
            ("KUCOIN_PASSPHRASE", values.api_passphrase.reveal_text()),
        )
    )


def clients(running: Running, *, prefix: str = KUCOIN) -> str:
    """Return code for ccxt, the official SDK and curl, with this server's addresses."""
    parts = [("curl", CURL)]
    if prefix == KUCOIN:  # the others know KuCoin's headers only
        parts = [("ccxt", CCXT), ("the official KuCoin SDK", SDK), *parts]
    return "\n".join(
        f"── {name} ──\n{code.format(spot=running.spot_url, futures=running.futures_url, prefix=prefix)}"
        for name, code in parts
    )


def first_start(running: Running, values: Demo, *, prefix: str = KUCOIN) -> str:
    """Return what the first start shows: a key, shown once, and how to trade with it from a second terminal."""
    return (
        f"\nA demo account with play money and a key that may read and trade (spot). They are shown once: copy them now.\n"
        f"In a second terminal:\n\n{exports(values)}\n\n{clients(running, prefix=prefix)}"
    )
