"""A held key as programs expect it: the names each wants, and nothing of another key beside it."""

from __future__ import annotations

import json

import pytest

from keywright.errors import Conflict, Invalid
from keywright.secret import Secret
from keywright.vault.evidence import Credentials, Exchange, KeyKind
from keywright.vault.profiles import INSIDE, Format, hand_over, is_foreign, variables

KUCOIN = Credentials(
    Exchange.KUCOIN, "6f1c" * 6, Secret("c9a5f1d2-43b7-4a0e-9c11-2f7ad0b6e983"), Secret("Gate-Blue-17!")
)
BINANCE = Credentials(Exchange.BINANCE, "kQ7v" * 16, Secret("Zr3P" * 16))
SHELL = {"PATH": "/usr/bin", "HOME": "/home/ada", "LC_ALL": "de_DE.UTF-8", "EDITOR": "vi"}


@pytest.mark.parametrize(
    ("format_", "credentials", "names"),
    [
        (Format.ENV, KUCOIN, ["KUCOIN_API_KEY", "KUCOIN_SECRET_KEY", "KUCOIN_PASSPHRASE"]),
        (Format.ENV, BINANCE, ["BINANCE_API_KEY", "BINANCE_SECRET_KEY"]),
        (Format.CCXT, KUCOIN, ["KUCOIN_APIKEY", "KUCOIN_SECRET", "KUCOIN_PASSWORD"]),
        (
            Format.FREQTRADE,
            KUCOIN,
            ["FREQTRADE__EXCHANGE__KEY", "FREQTRADE__EXCHANGE__SECRET", "FREQTRADE__EXCHANGE__PASSWORD"],
        ),
        (Format.NAUTILUS, BINANCE, ["BINANCE_API_KEY", "BINANCE_API_SECRET"]),
        (Format.KUCOIN_SDK, KUCOIN, ["API_KEY", "API_SECRET", "API_PASSPHRASE"]),
    ],
)
def test_each_program_finds_the_key_under_the_names_it_knows(
    format_: Format, credentials: Credentials, names: list[str]
) -> None:
    handed = hand_over(credentials, SHELL, connection="main", format=format_)
    values = [credentials.key, credentials.secret.reveal_text()]
    if credentials.passphrase is not None:
        values.append(credentials.passphrase.reveal_text())
    assert {name: handed.environ[name] for name in handed.given} == dict(zip(names, values, strict=True))
    assert handed.environ == {**SHELL, INSIDE: "main", **dict(zip(names, values, strict=True))}


def test_hummingbot_reads_it_from_its_standard_input() -> None:
    handed = hand_over(KUCOIN, SHELL, connection="main", format=Format.HUMMINGBOT)
    assert handed.environ == {**SHELL, INSIDE: "main"}
    assert handed.stdin is not None
    assert json.loads(handed.stdin.reveal()) == {
        "kucoin_api_key": KUCOIN.key,
        "kucoin_secret_key": "c9a5f1d2-43b7-4a0e-9c11-2f7ad0b6e983",
        "kucoin_passphrase": "Gate-Blue-17!",
    }


def test_files_are_named_and_their_content_stays_out_of_the_environment() -> None:
    handed = hand_over(KUCOIN, SHELL, connection="main", format=Format.FILES)
    assert set(handed.files) == {"KUCOIN_API_KEY_FILE", "KUCOIN_SECRET_KEY_FILE", "KUCOIN_PASSPHRASE_FILE"}
    assert KUCOIN.key not in repr(handed) + str(handed.environ)


def test_keys_of_a_shell_are_not_handed_on_and_all_else_is() -> None:
    keys = {
        "KUCOIN_API_KEY": "old", "KUCOIN_API_SECRET": "old", "MY_BINANCE_TESTNET_API_SECRET": "x", "BINANCE_SECRET_KEY": "y",
        "BFX_API_KEY": "1", "OKX_API_PASSPHRASE": "2", "FREQTRADE__EXCHANGE__KEY": "3", "API_SECRET": "4",
        "KRAKEN_PRIVATE_KEY": "5", "KEYWRIGHT_VAULT_PASSPHRASE": "6", "kucoin_api_key": "7", "KUCOIN_SECRET_KEY_FILE": "/x",
    }  # fmt: skip
    other = {
        "KUCOIN_MARKET": "BTC-USDT",
        "OPENAI_API_KEY": "z",
        "FREQTRADE__STAKE_AMOUNT": "5",
        "SSH_AUTH_SOCK": "/run/s",
    }
    handed = hand_over(BINANCE, {**SHELL, **keys, **other}, connection="b")
    assert handed.scrubbed == tuple(sorted(keys))
    assert {name for name in handed.environ if name not in handed.given} == {*SHELL, *other, INSIDE}
    assert handed.environ["BINANCE_SECRET_KEY"] == BINANCE.secret.reveal_text()


def test_a_pristine_environment_has_what_a_program_needs_and_no_more() -> None:
    handed = hand_over(BINANCE, {**SHELL, "OPENAI_API_KEY": "z"}, connection="b", pristine=True)
    assert set(handed.environ) == {"PATH", "HOME", "LC_ALL", INSIDE, "BINANCE_API_KEY", "BINANCE_SECRET_KEY"}


def test_one_key_at_a_time() -> None:
    with pytest.raises(Conflict, match="inside `keywright exec main`"):
        hand_over(BINANCE, {INSIDE: "main"}, connection="b")


@pytest.mark.parametrize(
    "value", ["12345678", "1e99", "0.5", "inf", "NaN", "true", "None", "[1]", '{"a": 1}', "123456789012e45678901234"]
)
def test_what_freqtrade_would_misread_is_caught(value: str) -> None:
    risky = Credentials(Exchange.KUCOIN, KUCOIN.key, KUCOIN.secret, Secret(value))
    with pytest.raises(Invalid, match="number or a literal") as caught:
        hand_over(risky, SHELL, connection="main", format=Format.FREQTRADE)
    assert value not in f"{caught.value} {caught.value.hint}"
    assert hand_over(risky, SHELL, connection="main").environ["KUCOIN_PASSPHRASE"] == value
    assert hand_over(risky, SHELL, connection="main", format=Format.FILES).files


def test_a_zero_byte_is_caught() -> None:
    odd = Credentials(Exchange.BINANCE, "k", Secret(b"a\0b"), kind=KeyKind.ED25519)
    with pytest.raises(Invalid, match="zero byte"):
        hand_over(odd, SHELL, connection="main")


def test_names_are_the_owner_s_own() -> None:
    handed = hand_over(KUCOIN, SHELL, connection="m", names={"key": "BOT_KEY", "passphrase": "BOT_PHRASE"})
    assert handed.given == ("BOT_KEY", "KUCOIN_SECRET_KEY", "BOT_PHRASE")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"pin": "X"}, "no part pin"),
        ({"key": "A B"}, "no name for a variable"),
        ({"key": INSIDE}, "no name for a variable"),
        ({"key": "SAME", "secret": "SAME"}, "two parts"),
    ],
)
def test_names_that_cannot_be_are_refused(names: dict[str, str], said: str) -> None:
    with pytest.raises(Invalid, match=said):
        hand_over(KUCOIN, SHELL, connection="m", names=names)


def test_the_sdk_s_names_are_kucoin_s_only() -> None:
    with pytest.raises(Invalid, match="keys of KuCoin only"):
        hand_over(BINANCE, SHELL, connection="m", format=Format.KUCOIN_SDK)


def test_whatever_we_hand_out_would_be_scrubbed_the_next_time() -> None:
    for exchange in Exchange:
        for format_ in (Format.ENV, Format.CCXT, Format.FREQTRADE, Format.NAUTILUS, Format.FILES):
            called = variables(exchange, format_)
            assert [name for name in called.values() if not is_foreign(name)] == [], (exchange, format_)
