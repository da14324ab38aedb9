"""What is taken for a credential, and what is not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from hypothesis import given, strategies

from keywright.scan.model import Hit, Part, Rule
from keywright.scan.text import find
from tests.scan.planted import EXCHANGES, WAYS, Planted, ccxt, env, freqtrade, plant

KUCOIN = plant("kucoin")


def parts(hits: list[Hit]) -> set[tuple[str, Part]]:
    return {(hit.exchange, hit.part) for hit in hits}


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_part_is_found_as_people_write_it(way: Callable[[Planted], str], exchange: str) -> None:
    one = plant(exchange)
    hits = find(way(one).encode())
    wanted = {(exchange, Part.KEY), (exchange, Part.SECRET)}
    assert parts(hits) == wanted | ({(exchange, Part.PASSPHRASE)} if one.passphrase else set())
    for hit in hits:
        line = way(one).encode().splitlines()[hit.line - 1]
        value = {Part.KEY: one.key, Part.SECRET: one.secret, Part.PASSPHRASE: one.passphrase}[hit.part]
        assert line[hit.column - 1 :].startswith(value.encode()), "line and column are where it begins"
        assert value not in repr(hit), "nothing of it is shown but the ends of a key"


def test_headers_of_a_log_are_found() -> None:
    one = plant("binance")
    log = f"> GET /api/v1/accounts\n> KC-API-KEY: {KUCOIN.key}\n> X-MBX-APIKEY: {one.key}\n"
    assert parts(find(log.encode())) == {("kucoin", Part.KEY), ("binance", Part.KEY)}


def test_the_file_s_name_says_whose_they_are() -> None:
    text = f'{{"apiKey": "{KUCOIN.key}", "secret": "{KUCOIN.secret}"}}'.encode()
    assert find(text) == []
    assert parts(find(text, path="keys/kucoin.json")) == {("kucoin", Part.KEY), ("kucoin", Part.SECRET)}


@pytest.mark.parametrize(
    "text",
    [
        f"kucoin order {KUCOIN.key} was filled, client order {KUCOIN.secret}",
        f'{{"exchange": "kucoin", "orderId": "{KUCOIN.key}", "clientOid": "{KUCOIN.secret}"}}',
        f'{{"exchange": "kucoin", "key": "{KUCOIN.key}"}}',  # half of a pair, under a name that anything has
        f"https://api.kucoin.com/api/v1/orders/{KUCOIN.key}",
        'kucoin = {"apiKey": os.environ["KUCOIN_API_KEY"], "secret": os.environ["KUCOIN_SECRET_KEY"]}',
        "KUCOIN_API_KEY=your-kucoin-api-key-0000\nKUCOIN_PASSPHRASE=your-passphrase\n",
        "KUCOIN_API_KEY=0123456789abcdef01234567",
        "KUCOIN_API_KEY=aaaaaaaaaaaabbbbbbbbbbbb",
        "KUCOIN_PASSPHRASE=${KUCOIN_PASSPHRASE}\nkucoin password: process.env.PASSWORD\n",
        f"binance-connector==3.1 --hash=sha256:{hashlib.sha256(b'wheel').hexdigest()}",
        f'binance_secret_sha256 = "{hashlib.sha256(b"secret").hexdigest()}"',
        'implicit = {"privateGetV5AccountQueryDcpInfoAndMore": 1}  # bybit api_secret',
        "# the documentation's own example\nbinance_secret = NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
    ],
)
def test_what_only_looks_like_one_is_passed_over(text: str) -> None:
    assert find(text.encode()) == []


def test_a_line_that_somebody_looked_at_is_passed_over() -> None:
    text = f"KUCOIN_API_KEY={KUCOIN.key}  # keywright:allow  of a test\nKUCOIN_SECRET_KEY={KUCOIN.secret}\n"
    assert parts(find(text.encode())) == {("kucoin", Part.SECRET)}


def test_what_is_ours_for_certain_is_found_wherever_it_stands() -> None:
    text = f"GET /orders?x={KUCOIN.key} HTTP/1.1".encode()
    assert find(text) == []
    (hit,) = find(text, known=lambda token: "kucoin" if token == KUCOIN.key else None)
    assert (hit.exchange, hit.rule) == ("kucoin", Rule.HELD)


def test_rules_say_how_sure_it_is() -> None:
    assert {hit.rule for hit in find(env(KUCOIN).encode())} == {Rule.NAMED}
    rules = {hit.part: hit.rule for hit in find(ccxt(KUCOIN).encode())}
    assert rules == {Part.KEY: Rule.NEAR, Part.SECRET: Rule.PAIRED, Part.PASSPHRASE: Rule.PAIRED}
    assert {hit.rule for hit in find(freqtrade(plant("binance")).encode())} == {Rule.PAIRED}


def test_a_digest_recognises_a_key_elsewhere_and_tells_nothing_of_a_passphrase() -> None:
    here, there = (
        {hit.part: hit.digest for hit in find(way(KUCOIN).encode(), path=path)}
        for way, path in ((env, "a/.env"), (ccxt, "bot.py"))
    )
    assert here[Part.KEY] == there[Part.KEY]
    assert here[Part.SECRET] == there[Part.SECRET]
    other = Planted("kucoin", KUCOIN.key, KUCOIN.secret, "Other-Lamp-29?")
    changed = {hit.part: hit.digest for hit in find(env(other).encode(), path="a/.env")}
    assert changed[Part.PASSPHRASE] == here[Part.PASSPHRASE], "it depends on the place, not on the value"


@pytest.mark.parametrize("end", [b"\n", b" "], ids=["lines", "one line"])
def test_a_text_full_of_halves_takes_as_long_as_its_length(end: bytes) -> None:
    """A hundred thousand that look alike: held each against each, they would take hours."""
    half = f'kucoin "secret": "{KUCOIN.secret}",'.encode()
    assert find((half + end) * 50_000) == []
    both = (half + f'"key": "{KUCOIN.key}", "password": "{KUCOIN.passphrase}"'.encode() + end) * 20_000
    assert len(find(both)) == 60_000


@given(strategies.binary(max_size=400), strategies.sampled_from(EXCHANGES))
def test_no_bytes_upset_it(noise: bytes, exchange: str) -> None:
    text = b"kucoin " + noise + b"\n" + env(plant(exchange)).encode() + noise
    assert find(text, known=lambda _: None) is not None
