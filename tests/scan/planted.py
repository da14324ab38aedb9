"""Credentials that are made up here, each run anew in nobody's exchange: of the right shapes, in the ways people write them."""

from __future__ import annotations

import random
import string
import uuid
from dataclasses import dataclass

HEX, MIXED = "0123456789abcdef", string.ascii_letters + string.digits


@dataclass(frozen=True)
class Planted:
    """One exchange's credentials."""

    exchange: str
    key: str
    secret: str
    passphrase: str = ""


def plant(exchange: str, seed: int = 7) -> Planted:
    """Return credentials of an exchange's shape, the same for the same seed."""
    chance = random.Random(f"{exchange} {seed}")

    def mixed(length: int) -> str:
        while True:  # as exchanges', with all three kinds of characters
            text = "".join(chance.choices(MIXED, k=length))
            if sum(map(str.isdigit, text)) > 1 and text != text.lower() and text != text.upper():
                return text

    def unique() -> str:
        return str(uuid.UUID(int=chance.getrandbits(128), version=4))

    match exchange:
        case "kucoin":
            return Planted(exchange, "".join(chance.choices(HEX, k=24)), unique(), "Gate-Blue-17!")
        case "binance":
            return Planted(exchange, mixed(64), mixed(64))
        case "bitfinex":
            return Planted(exchange, mixed(43), mixed(43))
        case "okx":
            return Planted(exchange, unique(), "".join(chance.choices("0123456789ABCDEF", k=32)), "Okx-River-52#")
        case "bybit":
            return Planted(exchange, mixed(18), mixed(36))
        case _:
            raise ValueError(exchange)


EXCHANGES = ("kucoin", "binance", "bitfinex", "okx", "bybit")


def env(one: Planted) -> str:
    """As a `.env` file."""
    name = one.exchange.upper()
    lines = ["LOG_LEVEL=info", f"{name}_API_KEY={one.key}", f"export {name}_SECRET_KEY='{one.secret}'"]
    return "\n".join([*lines, *([f"{name}_PASSPHRASE={one.passphrase}"] if one.passphrase else [])]) + "\n"


def ccxt(one: Planted) -> str:
    """As a bot in Python."""
    phrase = f'    "password": "{one.passphrase}",\n' if one.passphrase else ""
    return (
        f"import ccxt\n\nexchange = ccxt.{one.exchange}({{\n"
        f'    "apiKey": "{one.key}",\n    "secret": "{one.secret}",\n{phrase}}})\nexchange.load_markets()\n'
    )


def freqtrade(one: Planted) -> str:
    """As freqtrade's configuration."""
    phrase = f', "password": "{one.passphrase}"' if one.passphrase else ""
    return (
        '{"max_open_trades": 3, "stake_currency": "USDT",\n'
        f' "exchange": {{"name": "{one.exchange}", "key": "{one.key}", "secret": "{one.secret}"{phrase},\n'
        '  "pair_whitelist": ["BTC/USDT"]}}\n'
    )


def yaml(one: Planted) -> str:
    """As a deployment's settings."""
    phrase = f"    passphrase: {one.passphrase}\n" if one.passphrase else ""
    return f"exchanges:\n  {one.exchange}:\n    api_key: {one.key}\n    api_secret: {one.secret}\n{phrase}"


def sdk(one: Planted) -> str:
    """As calls of a client library, in another language."""
    phrase = f'\n  .setApiPassphrase("{one.passphrase}")' if one.passphrase else ""
    return f'// {one.exchange} client\nclient\n  .setApiKey("{one.key}")\n  .setApiSecret("{one.secret}"){phrase};\n'


WAYS = (env, ccxt, freqtrade, yaml, sdk)
