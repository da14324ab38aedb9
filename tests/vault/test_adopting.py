"""A bot's file gives up its key: all of it, nothing else, and it can have it back."""

from __future__ import annotations

import json

import pytest

from keywright.errors import Conflict, Invalid, KeywrightError, NotFound
from keywright.secret import Secret
from keywright.vault.adopting import Adoption, Plan, difference, plan, restored
from keywright.vault.evidence import Credentials, Exchange
from keywright.vault.profiles import Format
from tests.scan.planted import Planted, ccxt, env, freqtrade, plant

KUCOIN, BINANCE = plant("kucoin"), plant("binance")
HELD = Credentials(Exchange.KUCOIN, KUCOIN.key, Secret(KUCOIN.secret), Secret(KUCOIN.passphrase))


def values(one: Planted) -> list[bytes]:
    return [value.encode() for value in (one.key, one.secret, one.passphrase) if value]


def held_by(planned: Plan) -> Credentials:
    return planned.credentials


def test_a_dotenv_file_keeps_everything_but_the_key() -> None:
    content = b"# my bot\r\nSYMBOL=BTC-USDT\r\n" + env(KUCOIN).encode() + b"\nNOTE='gr\xfc\xdfe'"
    planned = plan(content, path="bot/.env")
    assert planned.credentials == HELD
    assert KUCOIN.passphrase not in repr(planned)
    assert not [value for value in values(KUCOIN) if value in planned.content]
    assert planned.content.splitlines() == [
        *content.splitlines()[:3],
        b"# KUCOIN_API_KEY: in the vault of keywright",
        b"# KUCOIN_SECRET_KEY: in the vault of keywright",
        b"# KUCOIN_PASSPHRASE: in the vault of keywright",
        *content.splitlines()[6:],
    ]
    assert restored(planned.content, planned.adoption, HELD) == content


def test_the_bot_is_given_the_key_under_the_names_it_had() -> None:
    content = f'BOT_KUCOIN_KEY="{KUCOIN.key}"\nexport KUCOIN_SECRET={KUCOIN.secret}\nKUCOIN_API_PASSWORD = {KUCOIN.passphrase}\n'
    planned = plan(content.encode(), path="prod.env")
    assert planned.adoption.options() == (
        "--name", "key=BOT_KUCOIN_KEY", "--name", "secret=KUCOIN_SECRET", "--name", "passphrase=KUCOIN_API_PASSWORD",
    )  # fmt: skip


def test_freqtrade_s_configuration_stays_valid_and_its_key_comes_by_the_environment() -> None:
    content = freqtrade(KUCOIN).encode()
    planned = plan(content, path="config.json")
    assert planned.adoption.format is Format.FREQTRADE
    assert planned.adoption.options() == ("--format", "freqtrade")
    exchange = json.loads(planned.content)["exchange"]
    assert (exchange["key"], exchange["secret"], exchange["password"]) == ("", "", "")
    assert restored(planned.content, planned.adoption, HELD) == content


def test_every_place_it_stands_in_is_emptied() -> None:
    content = f"{env(KUCOIN)}# before: {KUCOIN.secret}\n#KUCOIN_API_KEY={KUCOIN.key}\n".encode()
    planned = plan(content, path=".env")
    assert not [value for value in values(KUCOIN) if value in planned.content]
    assert restored(planned.content, planned.adoption, HELD) == content


def test_the_note_of_it_holds_nothing_of_the_key_and_reads_back() -> None:
    planned = plan(env(KUCOIN).encode(), path=".env")
    note = planned.adoption.written()
    assert not [value for value in values(KUCOIN) if value.decode() in note]
    assert Adoption.read(note) == planned.adoption
    for text in ("", "{}", "[]", '{"spots": [{"x": 1}]}'):
        with pytest.raises(Invalid):
            Adoption.read(text)


def test_the_change_is_shown_without_values() -> None:
    content = env(KUCOIN).encode()
    shown = difference(content, plan(content, path=".env"), path=".env")
    assert "-KUCOIN_API_KEY=•••" in shown
    assert "+# KUCOIN_API_KEY: in the vault of keywright" in shown
    assert not [value for value in values(KUCOIN) if value.decode() in shown]


def test_several_exchanges_are_asked_apart() -> None:
    content = (env(KUCOIN) + env(BINANCE)).encode()
    with pytest.raises(Conflict, match="several exchanges"):
        plan(content, path=".env")
    first = plan(content, path=".env", exchange=Exchange.BINANCE)
    assert KUCOIN.secret.encode() in first.content
    second = plan(first.content, path=".env")
    assert not [value for value in values(KUCOIN) + values(BINANCE) if value in second.content]
    assert restored(restored(second.content, second.adoption, HELD), first.adoption, held_by(first)) == content


@pytest.mark.parametrize(
    ("content", "path", "error"),
    [
        ("", ".env", NotFound),
        (f"KUCOIN_API_KEY={KUCOIN.key}\n", ".env", NotFound),
        (env(Planted("kucoin", KUCOIN.key, KUCOIN.secret)), ".env", NotFound),  # no passphrase
        (env(KUCOIN) + env(plant("kucoin", 8)), ".env", Conflict),
        (env(KUCOIN) + f"OTHER_KUCOIN_API_KEY={KUCOIN.key}\n", ".env", Conflict),
        ("# " + env(KUCOIN).replace("\n", "\n# "), ".env", Conflict),
        (ccxt(KUCOIN), "bot.py", Invalid),
        (f'KUCOIN="--api-key {KUCOIN.key}"\n' + env(KUCOIN), ".env", Invalid),
        (env(KUCOIN) + "x" * (1 << 20), ".env", Invalid),
    ],
)
def test_what_cannot_be_taken_whole_is_left_as_it_is(content: str, path: str, error: type[KeywrightError]) -> None:
    with pytest.raises(error) as caught:
        plan(content.encode(), path=path)
    assert KUCOIN.secret not in f"{caught.value} {caught.value.hint}"


PRIVATE = """{
  // my bot
  "max_open_trades": 3, /* not more */
  "exchange": {
    "name": "kucoin",
    "key": "KEY",
    "secret": "SECRET", // from 2026
    "password": "PHRASE",
    "pair_whitelist": ["BTC/USDT", "{}[]", "a\\"b"],
  },
  // "secret": "SECRET"
  "api_server": {"password": "PHRASE", "jwt_secret_key": "x"},
}
"""


def private(text: str = PRIVATE) -> bytes:
    return (
        text.replace("KEY", KUCOIN.key).replace("SECRET", KUCOIN.secret).replace("PHRASE", KUCOIN.passphrase).encode()
    )


def test_freqtrade_s_comments_and_trailing_commas_are_kept_and_a_word_that_something_else_uses_too() -> None:
    planned = plan(private(), path="user_data/config.json")
    assert planned.credentials == HELD
    text = planned.content.decode()
    assert '"key": "",\n    "secret": "", // from 2026\n    "password": "",\n' in text
    assert '// "secret": ""' in text
    assert f'"api_server": {{"password": "{KUCOIN.passphrase}"' in text  # of another thing
    assert restored(planned.content, planned.adoption, HELD) == private()


def test_a_part_of_freqtrade_s_configuration_is_taken_when_it_is_said_whose_it_is() -> None:
    part = private('{"exchange": {"key": "KEY", "secret": "SECRET", "password": "PHRASE"}}')
    with pytest.raises(Invalid, match="does not say whose key") as caught:
        plan(part, path="config-private.json")
    assert "--exchange" in caught.value.hint
    planned = plan(part, path="config-private.json", exchange=Exchange.KUCOIN)
    assert planned.credentials == HELD
    assert restored(planned.content, planned.adoption, HELD) == part


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + env(KUCOIN).encode(),
        env(KUCOIN).replace("\n", "\r\n").encode(),
        env(KUCOIN).replace("KUCOIN_API_KEY=", "  export KUCOIN_API_KEY=").encode(),
        env(KUCOIN).replace(f"'{KUCOIN.secret}'", f'"{KUCOIN.secret}"  # of the night grid').encode(),
        env(KUCOIN).rstrip("\n").encode(),
        (env(KUCOIN) + f"KUCOIN_API_KEY={KUCOIN.key}\n").encode(),
        b"# M\xfcnchen\r\n\r\n" + env(KUCOIN).encode() + b"\x00\xff=\n",
    ],
)
def test_a_dotenv_file_is_taken_however_it_is_written_and_given_back_byte_for_byte(content: bytes) -> None:
    planned = plan(content, path=".env")
    assert planned.credentials == HELD
    assert not [value for value in values(KUCOIN) if value in planned.content]
    assert planned.content.startswith(content[:3] if content.startswith(b"\xef") else b"")
    assert restored(planned.content, planned.adoption, HELD) == content


def test_a_unit_s_file_of_variables_is_taken_whatever_it_is_called() -> None:
    assert plan(env(KUCOIN).encode(), path="/etc/default/grid").credentials == HELD
    with pytest.raises(Invalid, match="reads its key from this file itself"):
        plan(f"def key(): return 1\n{env(KUCOIN)}".encode(), path="/opt/grid/settings")


KEYS_JSON = {"kucoin": {"apiKey": KUCOIN.key, "secret": KUCOIN.secret, "password": KUCOIN.passphrase}}


@pytest.mark.parametrize(
    ("content", "path", "said", "hint"),
    [
        (json.dumps(KEYS_JSON), "keys.local.json", "before they look at their environment", "exec --format ccxt"),
        (json.dumps({"api": {"key": KUCOIN.key}}), "settings.json", "no other JSON is known", "keywright vault add"),
        ('{"exchange": {"key": ', "config.json", "no JSON that freqtrade would take", "freqtrade show-config"),
        (
            f"services:\n  bot:\n    environment:\n      - KUCOIN_API_KEY={KUCOIN.key}\n",
            *("docker-compose.yml", "docker inspect", "keywright vault add"),
        ),
        (f"[Service]\nEnvironment=KUCOIN_API_KEY={KUCOIN.key}\n", "grid.service", "Environment=", "EnvironmentFile="),
        ("connector: kucoin\nkucoin_api_key: 7b2263\n", "conf/connectors/kucoin.yml", "encrypted", "hbot"),
        (
            f"BINANCE_API_KEY={BINANCE.key}\nBINANCE_SECRET='-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----'\n",
            *(".env", "private key in PEM", "give @ and its path"),
        ),
    ],
)
def test_what_can_not_be_taken_is_said_with_what_to_do_instead(content: str, path: str, said: str, hint: str) -> None:
    with pytest.raises((Invalid, NotFound)) as caught:
        plan(content.encode(), path=path)
    assert said in caught.value.message
    assert hint in caught.value.hint
    assert KUCOIN.key not in f"{caught.value} {caught.value.hint}"


def test_a_changed_file_or_another_key_is_not_written_over() -> None:
    planned = plan(env(KUCOIN).encode(), path=".env")
    with pytest.raises(Conflict, match="was changed"):
        restored(planned.content + b"A=1\n", planned.adoption, HELD)
    other = Credentials(Exchange.KUCOIN, KUCOIN.key, Secret(plant("kucoin", 8).secret), Secret(KUCOIN.passphrase))
    with pytest.raises(Conflict, match="another key"):
        restored(planned.content, planned.adoption, other)
