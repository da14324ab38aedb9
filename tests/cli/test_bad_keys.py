"""Each exchange is connected at the command line, and a key with something wrong is refused or explained in plain words.

The exchanges are doubles on the loopback that verify signatures, addresses, times and passphrases. The same keys are given in
Chromium by `tests/browser/test_bad_keys.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Terminal
from tests.doubles.binance import BinanceDouble
from tests.doubles.bitfinex import BitfinexDouble
from tests.doubles.exchange import Double, DoubleKey, running_in_thread
from tests.doubles.kucoin import KucoinDouble
from tests.support.bad_keys import BAD, DEFECTS, IMPOSSIBLE, Bad

OURS, SECOND = "127.0.0.7", "127.0.0.8"
MADE = {
    "kucoin": lambda double: double.sub_accounts.new_key("gridbot7", addresses=(OURS,)),
    "binance": lambda double: double.new_key(addresses=(OURS,)),
    "bitfinex": lambda double: double.new_key(addresses=(OURS,)),
}


@pytest.fixture
def doubles(keywright: Terminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Double]]:
    """Give the exchanges, and a vault with one address for a key and one to try from."""
    with (
        running_in_thread(KucoinDouble(keywright.clock)) as kucoin,
        running_in_thread(BinanceDouble(keywright.clock)) as binance,
        running_in_thread(BitfinexDouble(keywright.clock)) as bitfinex,
    ):
        for double in (kucoin, binance, bitfinex):
            monkeypatch.setenv(f"KEYWRIGHT_{double.name.upper()}_URL", double.url)
        assert keywright("vault init --by key-file").code == 0
        assert keywright(f"vault egress add {OURS}").code == 0
        yield {double.name: double for double in (kucoin, binance, bitfinex)}


def given(key: DoubleKey, **changed: str) -> str:
    parts = {"key": key.key, "secret": key.secret, "passphrase": key.passphrase} | changed
    return json.dumps({name: value for name, value in parts.items() if value})


def test_every_mistake_is_told_of_for_every_exchange() -> None:
    there = {(one.exchange, one.defect) for one in BAD}
    wanted = {(exchange, defect) for exchange in MADE for defect in DEFECTS}
    assert wanted - there == IMPOSSIBLE


@pytest.mark.parametrize("exchange", MADE)
def test_a_good_key_is_connected(keywright: Terminal, doubles: dict[str, Double], exchange: str) -> None:
    assert keywright(f"vault egress add {SECOND} --trial").code == 0
    key = MADE[exchange](doubles[exchange])
    added = keywright(f"vault add grid --exchange {exchange} --stdin", given(key))
    assert added.code == 0, added.err
    assert added.err.splitlines()[-1].startswith("grid is held: ")  # nothing speaks against it
    assert keywright("vault check grid").code == 0
    assert keywright("vault diagnose grid").code == 0
    shown = keywright("vault show grid").out
    assert "withdraw\tno\tproven" in shown
    assert "bound to addresses\tyes\t" in shown


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.id)
def test_a_bad_key_is_refused_or_explained(keywright: Terminal, doubles: dict[str, Double], bad: Bad) -> None:
    double = doubles[bad.exchange]
    key = bad.make(double, OURS)
    double.skew_ms = bad.skew_ms
    accept = "" if bad.exchange != "bitfinex" else "--accept unproven-address-filter"
    if bad.defect == "unfiltered":
        assert keywright(f"vault egress add {SECOND} --trial").code == 0
    told = keywright(f"vault add grid --exchange {bad.exchange} --stdin {accept}", given(key, **bad.given))
    assert (told.code, told.out) == (bad.code, ""), told.err
    for sentence in bad.sentences(OURS):
        assert sentence in told.err
    for secret in (key.key, key.secret, key.passphrase, *bad.given.values()):
        assert not secret or secret not in told.err
    held = keywright("vault list --json").json["connections"]
    assert [one["name"] for one in held] == (["grid"] if bad.is_taken else [])


FUTURES = {
    "kucoin": '{"code":"400007","msg":"Access denied, require more permission."}',
    "binance": '{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action, request ip: 127.0.0.7"}',
    "bitfinex": '["error",10001,"Invalid order: not enough tradable balance for 0.1 BTCF0:USTF0 at 9000"]',
}
"""What each says to a futures order of a key that is for spot."""


@pytest.mark.parametrize(
    ("exchange", "told", "hint"),
    [
        ("kucoin", "The key has not the right that this needs (Futures).", "tick “Futures” on the key's page"),
        (
            "binance",
            "The key has not the right that this needs (Enable Futures).",
            "tick “Enable Futures” on the key's page",
        ),
        (
            "bitfinex",
            "A key of Bitfinex has no box of its own for this (futures).",
            "must be opened for the account first",
        ),
    ],
)
def test_a_spot_key_that_a_bot_used_for_futures_is_explained(
    keywright: Terminal, doubles: dict[str, Double], exchange: str, told: str, hint: str
) -> None:
    key = MADE[exchange](doubles[exchange])
    accept = "" if exchange != "bitfinex" else "--accept unproven-address-filter"
    assert keywright(f"vault add grid --exchange {exchange} --stdin {accept}", given(key)).code == 0
    for command, typed in (
        ("vault diagnose grid --for futures", ""),
        ("vault diagnose grid --for futures --said -", FUTURES[exchange]),
    ):
        explained = keywright(command, typed)
        if typed and exchange == "bitfinex":  # it took the key: the order is what it refused
            assert explained.out.startswith("Bitfinex took the key, and refused the order itself.")
            continue
        assert explained.code == 6
        assert explained.out.startswith(told)
        assert "key, secret, clock and address are right" in explained.out
        assert hint in explained.err
