"""What a bot complained of is explained from its words and from what its key may do, and nobody is asked."""

from __future__ import annotations

import json

import pytest

from keywright.vault.complaint import explained
from keywright.vault.evidence import Exchange, Probe, Right
from keywright.vault.venues import binance, bitfinex, kucoin
from tests.doubles.binance import TRADES as FLAGS
from tests.doubles.bitfinex import TRADES as SCOPES
from tests.doubles.exchange import T0

ADDRESS = "127.0.0.7"
MERGED = '{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action, request ip: 127.0.0.7"}'
PROBES: dict[Exchange, Probe] = {
    Exchange.KUCOIN: kucoin.read_permissions(
        json.dumps({"code": "200000", "data": {"permission": "General,Spot", "createdAt": T0}}).encode(), at=T0
    ),
    Exchange.BINANCE: binance.read_permissions(json.dumps(FLAGS | {"createTime": T0}).encode(), at=T0),
    Exchange.BITFINEX: bitfinex.read_permissions(
        json.dumps([[scope, *flags] for scope, flags in SCOPES.items()]).encode(), at=T0
    ),
}


@pytest.mark.parametrize(
    ("exchange", "text", "wanted", "blamed", "said"),
    [
        # A spot key that is used for futures: with the exchange's words, or without.
        (Exchange.KUCOIN, "kucoin Access denied, require more permission.", Right.FUTURES, "permission", "“Futures”"),
        (Exchange.KUCOIN, "", Right.FUTURES, "permission", "“Futures”"),
        (Exchange.BINANCE, MERGED, Right.FUTURES, "permission", "“Enable Futures”"),
        (Exchange.BITFINEX, "", Right.FUTURES, "account", "must be opened for the account first"),
        # The right is there: then it is not to blame.
        (Exchange.BINANCE, MERGED, Right.TRADE, "address key environment", "is 127.0.0.7 under"),
        (Exchange.BINANCE, MERGED, None, "address key permission environment", "is 127.0.0.7 under"),
        # Another thing is to blame, whatever was tried.
        (Exchange.KUCOIN, '{"code":"400002","msg":"Invalid KC-API-TIMESTAMP"}', Right.FUTURES, "clock", "NTP"),
        (
            Exchange.KUCOIN,
            "Invalid request ip, the current clientIp is:198.51.100.9",
            None,
            "address",
            "change nothing",
        ),
        # Nothing is known.
        (Exchange.KUCOIN, "it does not work", None, "unknown", "its own words"),
    ],
)
def test_it_is_explained(exchange: Exchange, text: str, wanted: Right | None, blamed: str, said: str) -> None:
    told = explained(text, probe=PROBES[exchange], address=ADDRESS, wanted=wanted)
    assert told is not None
    assert " ".join(told.factors) == blamed
    assert said in told.hint
    assert "{" not in told.message + told.hint


def test_where_nothing_speaks_against_a_key_nothing_is_made_up() -> None:
    assert explained(" ", probe=PROBES[Exchange.KUCOIN], address=ADDRESS, wanted=Right.TRADE) is None
    assert explained("", probe=PROBES[Exchange.KUCOIN], address="") is None
