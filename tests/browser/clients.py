"""Real clients, pointed at the server under test."""

from __future__ import annotations

from typing import Any

from tests.browser.place import Running
from tests.support.server import Values


def ccxt_client(running: Running, values: Values) -> Any:
    """Return ccxt with this key, on the server's time."""
    import ccxt

    exchange = ccxt.kucoin(
        {
            "apiKey": values.api_key,
            "secret": values.api_secret,
            "password": values.api_passphrase,
        }
    )
    server = running.server
    for name in exchange.urls["api"]:
        exchange.urls["api"][name] = server.futures if name.startswith("futures") else server.spot
    exchange.load_time_difference()
    return exchange
