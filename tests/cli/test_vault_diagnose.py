"""`keywright vault diagnose`, with doubles behind it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Terminal
from tests.doubles.bitfinex import BitfinexDouble
from tests.doubles.exchange import DoubleKey, Said, Seen, running_in_thread
from tests.doubles.kucoin import KucoinDouble

OURS, SECOND = "127.0.0.7", "127.0.0.8"


@pytest.fixture
def kucoin(keywright: Terminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[KucoinDouble]:
    with running_in_thread(KucoinDouble(keywright.clock)) as double:
        monkeypatch.setenv("KEYWRIGHT_KUCOIN_URL", double.url)
        assert keywright("vault init --by key-file").code == 0
        assert keywright(f"vault egress add {OURS}").code == 0
        yield double


@pytest.fixture
def held(keywright: Terminal, kucoin: KucoinDouble) -> DoubleKey:
    """Give a key that is held as `grid`."""
    key = kucoin.new_key(addresses=(OURS,))
    given = json.dumps({"key": key.key, "secret": key.secret, "passphrase": key.passphrase})
    added = keywright("vault add grid --exchange kucoin --stdin", given)
    assert added.code == 0, added.err
    return key


def test_a_key_that_works_is_said_to(keywright: Terminal, held: DoubleKey) -> None:
    told = keywright("vault diagnose grid")
    assert told.code == 0
    assert told.out.startswith("KuCoin takes this key, from this address, at this time.\n")
    assert keywright("vault diagnose grid --json").json["rights"] == ["read", "trade"]


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"deleted": True}, 4, "KuCoin does not know this key."),
        ({"passphrase": "Another12345"}, 4, "The passphrase is wrong, or the secret"),
        ({"addresses": (SECOND,)}, 11, f"KuCoin does not take this key from {OURS}."),
        ({"rights": {"permission": "Spot"}}, 6, "The key has not the right that this needs"),
    ],
)
def test_b5_what_is_to_blame_is_said_with_the_exchange_s_own_words(
    keywright: Terminal, held: DoubleKey, change: dict[str, object], code: int, said: str
) -> None:
    for name, value in change.items():
        setattr(held, name, value)
    told = keywright("vault diagnose grid")
    assert told.code == code, told.out
    assert told.out.startswith(said)
    assert "KuCoin said: {" in told.out
    assert "hint: " in told.err
    for secret in (held.key, held.secret, "Abc12345678"):
        assert secret not in told.out + told.err


def test_a_right_that_was_needed_is_named_by_its_box(keywright: Terminal, held: DoubleKey) -> None:
    told = keywright(
        "vault diagnose grid --said - --for futures",
        '{"code":"400007","msg":"Access denied, require more permission."}',
    )
    assert told.code == 6
    assert told.out.startswith("The key has not the right that this needs (Futures).")


def test_a_clock_that_is_off_is_said_in_seconds(keywright: Terminal, kucoin: KucoinDouble, held: DoubleKey) -> None:
    kucoin.skew_ms = -45_000
    told = keywright("vault diagnose grid")
    assert told.code == 13
    # The test's clock stands still while the question is on its way: on a slow machine that is some tenths.
    assert re.match(r"This machine's clock is 4[2-5]\.[0-9] seconds ahead of KuCoin's", told.out)


def test_a_suspended_key_is_diagnosed_too_and_each_time_leaves_its_event(keywright: Terminal, held: DoubleKey) -> None:
    held.rights = {"permission": "General,Transfer"}
    assert keywright("vault check grid").code == 10
    told = keywright("vault diagnose grid --for trade")
    assert told.code == 6
    exported = keywright("vault show grid --json").json
    assert exported["status"] == "suspended"


def test_a_line_of_a_log_is_recognised_without_asking_anybody(keywright: Terminal, kucoin: KucoinDouble) -> None:
    line = 'binance {"code":-2015,"msg":"Invalid API-key, IP, or permissions for action, request ip: 203.0.113.9"}'
    kucoin.seen.clear()
    told = keywright("vault diagnose --said -", line)
    assert told.code == 11
    assert "To blame, likeliest first: address, key, permission, environment." in told.out
    assert keywright("vault diagnose --said - --json", line).json["to_blame"][0] == "address"
    assert kucoin.seen == []


def test_nonsense_is_answered_with_what_to_do(keywright: Terminal, kucoin: KucoinDouble) -> None:
    for command, typed, code, said in (
        ("vault diagnose", "", 2, "name a connection, or give --said"),
        ("vault diagnose --said -", "all is well", 5, "nothing in this text is known here"),
        ("vault diagnose --said /nowhere", "", 1, "can't be read"),
        ("vault diagnose nobody", "", 5, "nobody"),
        ("vault diagnose nobody --for flying", "", 2, "there is no right 'flying'"),
    ):
        told = keywright(command, typed)
        assert told.code == code, command
        assert said in told.err
        assert "hint: " in told.err or code == 1


def test_a_second_address_of_the_pool_tells_a_foreign_address_from_a_deleted_key(
    keywright: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        running_in_thread(KucoinDouble(keywright.clock)) as kucoin,
        running_in_thread(BitfinexDouble(keywright.clock)) as bitfinex,
    ):
        monkeypatch.setenv("KEYWRIGHT_KUCOIN_URL", kucoin.url)
        monkeypatch.setenv("KEYWRIGHT_BITFINEX_URL", bitfinex.url)
        assert keywright("vault init --by key-file").code == 0
        assert keywright(f"vault egress add {OURS}").code == 0
        key = bitfinex.new_key(addresses=(OURS,))
        given = json.dumps({"key": key.key, "secret": key.secret})
        added = keywright("vault add lend --exchange bitfinex --accept unproven-address-filter --stdin", given)
        assert added.code == 0, added.err
        key.addresses = (SECOND,)  # its owner entered another
        merged = keywright("vault diagnose lend")
        assert "To blame, likeliest first: key, secret, address." in merged.out
        assert f"is {OURS} under “IP Access restrictions”" in merged.err
        assert keywright(f"vault egress add {SECOND}").code == 0
        told = keywright("vault diagnose lend")
        assert told.code == 11
        assert "from a second address it is let in" in told.out


def test_agt_07_what_was_signed_is_not_repeated_where_an_exchange_sends_it_back(
    keywright: Terminal, kucoin: KucoinDouble, held: DoubleKey
) -> None:
    """A firewall, or an exchange being mended, may echo a request: its key, signature and passphrase header."""
    sent: list[str] = []

    def echoes(seen: Seen, said: Said) -> Said:
        told = {name: text for name, text in seen.headers.items() if name.startswith("kc-api-")}
        sent.extend(text for name, text in told.items() if name in {"kc-api-key", "kc-api-sign", "kc-api-passphrase"})
        refusal = {"code": "400003", "msg": f"KC-API-KEY not exists {told}"}
        return Said(401, json.dumps(refusal).encode()) if told else said

    kucoin.spoils = echoes
    for command in ("vault diagnose grid", "vault diagnose grid --json", "vault check grid"):
        told_of = keywright(command)
        assert sent, "nothing signed was echoed"
        assert "does not know this key" in told_of.out + told_of.err
        assert not [one for one in sent if one in told_of.out + told_of.err]
