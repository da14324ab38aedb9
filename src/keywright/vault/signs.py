"""The words by which refusals are known, exchange by exchange. Each is a text that an exchange, or a program, really said.

Where a text was found is beside it: an issue thread (owner/repository#number) or a page of documentation. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from keywright.vault import factors as words
from keywright.vault.evidence import Exchange
from keywright.vault.factors import Factor
from keywright.vault.words import Words

_F = Factor


@dataclass(frozen=True, slots=True)
class Sign:
    """One text, what is to blame for it, and how to say that."""

    pattern: re.Pattern[str]
    factors: tuple[Factor, ...]
    words: Words
    is_unmistakable: bool = True
    """Whether no other exchange says so: a bare number needs to know whose it is."""
    of: str = ""
    """Who says it, where that is none of ours."""


def _said(text: str, saying: Words, *factors: Factor, mistakable: bool = False, of: str = "") -> Sign:
    return Sign(re.compile(text, re.IGNORECASE), factors, saying, not mistakable, of)


def _code(code: str) -> str:
    """A code as it stands in JSON, in a client's exception or in a log: `"code":-1021`, `code=-1021`, `code: -1021`."""
    return rf"(?:code|errorCode|retCode|error)['\"]?\s*[:=]\s*['\"]?{re.escape(code)}\b"


_KUCOIN = (
    # The texts before the codes: 400001's names the timestamp as well.
    _said(r"check the header of your request for KC-API", words.NO_HEADER, _F.REQUEST),  # sieblyio/kucoin-api#44
    _said(r"Invalid KC-API-TIMESTAMP", words.OUT_OF_TIME, _F.CLOCK),  # Kucoin/kucoin-api-docs#480, ccxt#23301, #10556
    _said(r"KC-API-KEY(?: does)? not exist", words.UNKNOWN_KEY, _F.KEY, _F.ENVIRONMENT),
    _said(r"Invalid KC-API-PASSPHRASE", words.PASSPHRASE, _F.PASSPHRASE, _F.SECRET),  # JKorf/Kucoin.Net#61
    _said(r"Invalid KC-API-SIGN", words.SIGNATURE, _F.SECRET),  # Kucoin/kucoin-api-docs#466, hummingbot#6707
    _said(r"Invalid request ip", words.FOREIGN, _F.ADDRESS),  # Kucoin/kucoin-api-docs#395, ccxt#4969, OctoBot's comment
    _said(r"requires? more permission", words.NO_RIGHT, _F.PERMISSION),  # ccxt#7199
    _said(r"V1 & V2 API keys are no longer|Invalid KC-API-KEY-VERSION", words.OLD_VERSION, _F.KEY),
    _said(r"User (?:is|are) frozen", words.FROZEN, _F.ACCOUNT),
    _said(_code("400001"), words.NO_HEADER, _F.REQUEST, mistakable=True),
    _said(_code("400002"), words.OUT_OF_TIME, _F.CLOCK, mistakable=True),
    _said(_code("400003"), words.UNKNOWN_KEY, _F.KEY, _F.ENVIRONMENT, mistakable=True),
    _said(_code("400004"), words.PASSPHRASE, _F.PASSPHRASE, _F.SECRET, mistakable=True),
    _said(_code("400005"), words.SIGNATURE, _F.SECRET, mistakable=True),
    _said(_code("400006"), words.FOREIGN, _F.ADDRESS, mistakable=True),
    _said(_code("400007"), words.NO_RIGHT, _F.PERMISSION, mistakable=True),
    _said(_code("400008") + "|" + _code("400009"), words.OLD_VERSION, _F.KEY, mistakable=True),
    _said(_code("411100") + "|" + _code("400700"), words.FROZEN, _F.ACCOUNT, mistakable=True),
    _said(
        "|".join(_code(code) for code in ("600004", "400500", "400301", "400302", "400303", "400304", "200009")),
        words.REGION,
        _F.ACCOUNT,
        mistakable=True,
    ),
    _said(_code("429000") + "|Too many requests", words.TOO_MANY, _F.LIMIT, mistakable=True),
    _said(_code("1015"), words.PAGE, _F.NETWORK, mistakable=True),
    _said("|".join(_code(code) for code in ("500000", "503000", "230005")), words.DOWN, _F.EXCHANGE, mistakable=True),
    _said(r"['\"]code['\"]\s*:\s*['\"](?!200000)(?:2|9)\d{5}['\"]", words.NOT_A_REFUSAL, _F.REQUEST, mistakable=True),
)

_BINANCE = (
    # ccxt/binance-trade-bot#215, #396; chrisleekr/binance-trading-bot#572; askmike/gekko#1855
    _said(r"1000ms ahead of the server's time", words.EARLY, _F.CLOCK),
    _said(r"outside of the recvWindow", words.LATE, _F.CLOCK),  # ccxt/ccxt#2281
    _said(_code("-1021"), words.OUT_OF_TIME, _F.CLOCK),
    _said(r"Signature for this request is not valid|" + _code("-1022"), words.SIGNATURE, _F.SECRET),
    _said(r"Invalid Api-Key ID|" + _code("-2008"), words.UNKNOWN_KEY, _F.KEY, _F.ENVIRONMENT),
    _said(r"API-key format invalid|" + _code("-2014"), words.BAD_FORM, _F.KEY),  # UPetit#25
    # Hephyrius/binance_futures_bot#3; ccxt/node-binance-api#629, #414; ccxt/binance-trade-bot#425; python-binance#1336
    _said(
        r"Invalid API-key, IP, or permissions|Invalid API key, IP or permissions|" + _code("-2015"),
        words.KEY_ADDRESS_OR_RIGHT,
        *(_F.ADDRESS, _F.KEY, _F.PERMISSION, _F.ENVIRONMENT),
    ),
    _said(r"Please enable Spot & Margin Trading", words.NO_RIGHT, _F.PERMISSION),  # ccxt/binance-trade-bot#425
    _said(r"Symbol not whitelisted for API key", words.NOT_LISTED, _F.SYMBOL),  # Binance's errors.md, -2010
    # Binance's errors.md, -2010 and its kin: nothing about the order, and no other key would help.
    _said(r"action is disabled on this account|may not place or cancel orders", words.FROZEN, _F.ACCOUNT),
    _said(r"Not found, authenticated, or authorized|" + _code("-1099"), words.NO_RIGHT, _F.PERMISSION, _F.KEY),
    _said(r"not authorized to execute this request|" + _code("-1002"), words.NO_RIGHT, _F.PERMISSION, _F.ACCOUNT),
    _said(_code("-1102"), words.NO_HEADER, _F.REQUEST),
    _said(_code("-1003") + "|" + _code("-1015"), words.TOO_MANY, _F.LIMIT),
    _said(
        r"restricted location|service unavailable from a restricted", words.REGION, _F.ACCOUNT, _F.NETWORK
    ),  # ccxt#15872, HTTP 451
    _said("|".join(_code(code) for code in ("-1001", "-1006", "-1007", "-1008")), words.DOWN, _F.EXCHANGE),
    _said(_code("-2010") + r"|['\"]code['\"]\s*:\s*-\d{4}", words.NOT_A_REFUSAL, _F.REQUEST, mistakable=True),
)

_BITFINEX = (
    _said(r"apikey: digest invalid", words.SIGNATURE, _F.SECRET),
    # Says the key is invalid, and may mean the signature: bitfinex-api-node#80, #217, #575, #587; Bitfinex.Net#108.
    _said(r"apikey: invalid|\b10100\b", words.KEY_OR_SIGNATURE, _F.KEY, _F.SECRET, _F.ADDRESS),
    _said(
        r"nonce: small|\b10114\b|nonce is too small", words.LOW_NONCE, _F.NONCE
    ),  # bitfinex-api-py#120, MikaLendingBot#448
    # Its first version, which old bots speak; ccxt's bitfinex.py has all three.
    _said(r"Could not find a key matching the given X-BFX-APIKEY", words.UNKNOWN_KEY, _F.KEY),
    _said(r"Invalid X-BFX-SIGNATURE", words.SIGNATURE, _F.SECRET),
    _said(r"API key does not have permission for this action", words.NO_RIGHT, _F.PERMISSION, mistakable=True),
    _said(r"api_key: permission invalid|permission invalid", words.NO_RIGHT, _F.PERMISSION),
    _said(r"\b10112\b|\b10113\b|\b10111\b", words.SIGNATURE, _F.SECRET, mistakable=True),
    _said(r"ratelimit|\b11010\b|ERR_RATE_LIMIT", words.TOO_MANY, _F.LIMIT, mistakable=True),
    _said(r"\b20060\b|\bmaintenance\b|temporarily_unavailable", words.DOWN, _F.EXCHANGE, mistakable=True),
    _said(r"\[\s*['\"]error['\"]\s*,\s*\d+", words.NOT_A_REFUSAL, _F.REQUEST, mistakable=True),
)

SIGNS: Mapping[Exchange, tuple[Sign, ...]] = {
    Exchange.KUCOIN: _KUCOIN,
    Exchange.BINANCE: _BINANCE,
    Exchange.BITFINEX: _BITFINEX,
}
"""In the order in which they are looked for."""

OTHERS: tuple[Sign, ...] = (
    _said(r"IP_FORBIDDEN|Request IP not in whitelist", words.FOREIGN, _F.ADDRESS, of="Gate"),
    _said(r"not included in your API key's .*IP whitelist|" + _code("50110"), words.FOREIGN, _F.ADDRESS, of="OKX"),
    _said(_code("50119"), words.UNKNOWN_KEY, _F.KEY, _F.ENVIRONMENT, of="OKX"),
    _said(r"Unmatched IP|" + _code("10010"), words.FOREIGN, _F.ADDRESS, of="Bybit"),  # sieblyio/bybit-api#555
    _said(_code("10003"), words.UNKNOWN_KEY, _F.KEY, _F.ENVIRONMENT, of="Bybit"),
    _said(_code("10004") + r"|bybit.{0,40}\b10004\b", words.SIGNATURE, _F.SECRET, of="Bybit"),  # sieblyio/bybit-api#87
    _said(_code("33004"), words.UNKNOWN_KEY, _F.KEY, of="Bybit"),
    # bitvavo/python-bitvavo-api#7
    _said(r"does not allow access from this IP", words.FOREIGN, _F.ADDRESS, of="Bitvavo"),
    _said(r"Request IP Mismatch", words.FOREIGN, _F.ADDRESS, of="Phemex"),  # phemex-python-api#7
    _said(r"EAPI:Invalid nonce", words.LOW_NONCE, _F.NONCE, of="Kraken"),  # veox/python3-krakenex#21, freqtrade#2613
    _said(r"EAPI:Invalid key", words.UNKNOWN_KEY, _F.KEY, of="Kraken"),
    _said(r"EAPI:Invalid signature", words.SIGNATURE, _F.SECRET, of="Kraken"),
    _said(r"EGeneral:Permission denied", words.NO_RIGHT, _F.PERMISSION, of="Kraken"),
    _said(r"\bMAC mismatch\b", words.OWN_STORE, _F.STORE, of="Hummingbot"),  # hummingbot#6662
    _said(r"keyring backend not available", words.OWN_STORE, _F.STORE, of="aws-vault"),  # 99designs/aws-vault#822
)
"""Texts of exchanges whose keys can't be held yet, and of programs: a log shows them all the same."""
