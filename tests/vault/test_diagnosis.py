"""What refusals mean: every message that people are known to struggle with, and what differential questions find."""

from __future__ import annotations

import re

import pytest

from keywright.vault import factors, signs
from keywright.vault.diagnosis import Diagnosis, explain, recognise, seen_in
from keywright.vault.evidence import Exchange
from keywright.vault.factors import Factor
from keywright.vault.wire_reply import Reply
from keywright.vault.words import Words

# (who, text as it was found, what is to blame: likeliest first)
MESSAGES = [
    ("Binance", '{"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}', "clock"),
    ("Binance", 'binance {"code":-1021,"msg":"Timestamp for this request is outside of the recvWindow."}', "clock"),
    ("Binance", "APIError(code=-1021): Timestamp for this request was 1000ms ahead of the server's time.", "clock"),
    ("Binance", "irrecoverable error: -1021 ... {'code': -1021}", "clock"),
    ("KuCoin", '{"code":"400002","msg":"Invalid KC-API-TIMESTAMP"}', "clock"),
    ("KuCoin", "InvalidNonce: kucoin Invalid KC-API-TIMESTAMP", "clock"),
    (
        "Binance",
        '{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action, request ip: 103.126.149.19"}',
        "address key permission environment",
    ),
    (
        "Binance",
        '{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}',
        "address key permission environment",
    ),
    ("Binance", "Invalid API key, IP or permissions for action", "address key permission environment"),
    ("Binance", "Please enable Spot & Margin Trading!", "permission"),
    ("KuCoin", '403 {"code":"400006","msg":"Invalid request ip"}', "address"),
    ("KuCoin", "Invalid request ip, the current clientIp is:e3b:e3b:…", "address"),
    ("KuCoin", "kucoin Invalid request ip, the current clientIp is:203.0.113.9", "address"),
    ("Gate", '{"label":"IP_FORBIDDEN","message":"Request IP not in whitelist: 142.163.85.117"}', "address"),
    (
        "OKX",
        '{"msg":"Your IP 1.1.1.1 is not included in your API key\'s xxxx IP whitelist.","code":"50110"}',
        "address",
    ),
    ("Bybit", '{"retCode":10010,"retMsg":"Unmatched IP, please check your API key\'s bound IP addresses."}', "address"),
    ("Bitvavo", "{'errorCode': 307, 'error': 'This key does not allow access from this IP.'}", "address"),
    ("Phemex", "Request IP Mismatch", "address"),
    ("Hummingbot", "Unhandled error in background task: MAC mismatch after password reset", "store"),
    ("Bitfinex", "['error', 10114, 'nonce: small']", "nonce"),
    ("Kraken", '{"error":["EAPI:Invalid nonce"]}', "nonce"),
    ("KuCoin", '{"code":"400005","msg":"Invalid KC-API-SIGN"}', "secret"),
    ("Bitfinex", "[ 'error', 10100, 'apikey: invalid' ]", "key secret address"),
    ("Bitfinex", '["error",10100,"apikey: digest invalid"]', "secret"),
    ("Bybit", '{"retCode":10004,"retMsg":"error sign!"}', "secret"),
    ("aws-vault", "aws-vault: error: Specified keyring backend not available, try --help", "store"),
    # The diagnosis map.
    ("Binance", '{"code":-1022,"msg":"Signature for this request is not valid."}', "secret"),
    ("Binance", '{"code":-2014,"msg":"API-key format invalid."}', "key"),
    ("Binance", '{"code":-2008,"msg":"Invalid Api-Key ID."}', "key environment"),
    ("Binance", '{"code":-2010,"msg":"Symbol not whitelisted for API key."}', "symbol"),
    (
        "KuCoin",
        '{"code":"400001","msg":"Please check the header of your request for KC-API-KEY, KC-API-SIGN, KC-API-TIMESTAMP"}',
        "request",
    ),
    ("KuCoin", '401-{"code":"400003","msg":"KC-API-KEY not exists"}', "key environment"),
    ("KuCoin", '{"code":"400003","msg":"KC-API-KEY does not exist."}', "key environment"),
    ("KuCoin", '{"code":"400004","msg":"Invalid KC-API-PASSPHRASE"}', "passphrase secret"),
    ("KuCoin", '{"code":"400007","msg":"Access denied, require more permission."}', "permission"),
    ("KuCoin", '{"code":"411100","msg":"User is frozen"}', "account"),
    ("KuCoin", 'kucoin {"code":"400700","msg":"risk"}', "account"),
    ("KuCoin", 'kucoin {"code":"600004","msg":"region"}', "account"),
    ("KuCoin", 'kucoin {"code":"400500","msg":"Your located country/region is not supported"}', "account"),
    ("Bybit", '{"retCode":10003,"retMsg":"API key is invalid."}', "key environment"),
    ("Bybit", '{"retCode":33004,"retMsg":"your api key has expired"}', "key"),
    ("OKX", '{"code":"50119","msg":"API key doesn\'t exist"}', "key environment"),
    # The same, as programs log it.
    (
        "Binance",
        "binance.exceptions.BinanceAPIException: APIError(code=-2015): Invalid API-key, IP, or permissions for action.",
        "address key permission environment",
    ),
    (
        "Binance",
        'InvalidNonce: binance {"code":-1021,"msg":"Timestamp for this request was 1000ms ahead of the server\'s time."}',
        "clock",
    ),
    ("Binance", "APIError(code=-2014): API-key format invalid.", "key"),
    ("Binance", "{ code: -1022, msg: 'Signature for this request is not valid.' }", "secret"),
    ("Binance", '{"code":-2010,"msg":"This action is disabled on this account."}', "account"),
    ("KuCoin", "ccxt.base.errors.AuthenticationError: kucoin Invalid KC-API-PASSPHRASE", "passphrase secret"),
    ("KuCoin", "ccxt.base.errors.AuthenticationError: kucoin KC-API-KEY not exists", "key environment"),
    ("KuCoin", "HTTP status is 400. Error: {'code': '400005', 'msg': 'Invalid KC-API-SIGN'}", "secret"),
    ("KuCoin", "kucoin Access denied, require more permission.", "permission"),
    ("Bitfinex", 'bitfinex ["error",10114,"nonce: small"]', "nonce"),
    ("Bitfinex", 'bitfinex {"message":"Nonce is too small."}', "nonce"),
    ("Bitfinex", '401 Unauthorized {"message":"Could not find a key matching the given X-BFX-APIKEY."}', "key"),
    ("Bitfinex", '401 Unauthorized {"message":"Invalid X-BFX-SIGNATURE."}', "secret"),
    ("Bitfinex", 'bitfinex {"message":"This API key does not have permission for this action"}', "permission"),
]


@pytest.mark.parametrize(("who", "text", "blamed"), MESSAGES)
def test_every_message_that_people_struggle_with_is_recognised(who: str, text: str, blamed: str) -> None:
    told = recognise(text)
    assert told is not None
    assert (told.exchange, " ".join(told.factors)) == (who, blamed)
    _is_said_whole(told)


@pytest.mark.parametrize(
    ("who", "text", "blamed"), [row for row in MESSAGES if row[0] in {"KuCoin", "Binance", "Bitfinex"}]
)
def test_an_answer_means_the_same_as_its_text_in_a_log(who: str, text: str, blamed: str) -> None:
    told = explain(Exchange(who.lower()), Reply(400, text.encode()))
    assert " ".join(told.factors) == blamed
    assert told.said


def _is_said_whole(told: Diagnosis) -> None:
    assert told.hint
    assert not re.search(r"[{}]", told.message + told.hint)
    assert told.said


def test_early_and_late_are_told_apart() -> None:
    early = recognise("Timestamp for this request was 1000ms ahead of the server's time.")
    late = recognise("Timestamp for this request is outside of the recvWindow.")
    assert early is not None
    assert late is not None
    assert (early.words, late.words) == (factors.EARLY, factors.LATE)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Invalid API-key, IP, or permissions for action, request ip: 103.126.149.19", "103.126.149.19"),
        ("Invalid request ip, the current clientIp is:203.0.113.9", "203.0.113.9"),
        ("Invalid request IP, the current client IP is: 203.0.113.9.", "203.0.113.9"),
        ("Request IP not in whitelist: 142.163.85.117", "142.163.85.117"),
        ("Your IP 1.1.1.1 is not included in your API key's xxxx IP whitelist.", "1.1.1.1"),
        ("Invalid request ip, the current clientIp is:2001:db8::7", "2001:db8::7"),
        ("Invalid request ip", ""),
        ("request ip: 999.1.1.1", ""),
    ],
)
def test_the_address_that_was_seen_is_read_out_of_the_text(text: str, seen: str) -> None:
    assert seen_in(text) == seen


def test_an_address_that_is_not_ours_settles_what_binance_merges() -> None:
    body = b'{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action, request ip: 103.126.149.19"}'
    ours = explain(Exchange.BINANCE, Reply(401, body), address="103.126.149.19")
    assert not ours.is_certain
    other = explain(Exchange.BINANCE, Reply(401, body), address="198.51.100.7")
    assert other.is_certain
    assert other.factor is Factor.ADDRESS
    assert "left from 103.126.149.19, and 198.51.100.7 is reserved" in other.message


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, b"<!DOCTYPE html><html><head><title>Access denied | Error 1015</title></head></html>"),
        (401, b"<html><body>403 ERROR The request could not be satisfied.</body></html>"),
        (451, b"<html><title>Unavailable For Legal Reasons</title></html>"),
        (200, b"<!doctype html><title>Just a moment...</title>"),
    ],
)
@pytest.mark.parametrize("exchange", Exchange)
def test_a_page_is_the_network_and_never_the_key(exchange: Exchange, status: int, body: bytes) -> None:
    told = explain(exchange, Reply(status, body, ((b"content-type", b"text/html; charset=UTF-8"),)))
    assert told.factors == (Factor.NETWORK,)
    assert "the key is not to blame" in told.hint
    assert "<" not in told.said


@pytest.mark.parametrize("exchange", Exchange)
@pytest.mark.parametrize(
    ("status", "body", "factor"),
    [
        (429, b"slow down", Factor.LIMIT),
        (503, b"", Factor.EXCHANGE),
        (400, b'{"x":1}', Factor.UNKNOWN),
        (401, b"\xff", Factor.UNKNOWN),
    ],
)
def test_what_is_not_known_is_not_guessed(exchange: Exchange, status: int, body: bytes, factor: Factor) -> None:
    told = explain(exchange, Reply(status, body))
    assert told.factors == (factor,)
    assert told.is_certain == (factor is not Factor.UNKNOWN)


def test_texts_that_say_nothing_are_not_recognised() -> None:
    for text in (
        "",
        "order 400006 filled",
        "code 10004",
        'kucoin {"code":"200000","data":1}',
        '{"code":"200000"}',
        "Traceback (most recent call last)",
    ):
        assert recognise(text) is None


def test_a_huge_text_is_looked_at_quickly() -> None:
    assert recognise("Your IP " * 100_000 + "<" * 100_000) is None


def test_every_saying_is_used_and_has_its_values() -> None:
    used = {sign.words for table in (*signs.SIGNS.values(), signs.OTHERS) for sign in table}
    told = {value for value in vars(factors).values() if isinstance(value, Words)}
    by_code = {
        *(factors.PAGE, factors.DOWN, factors.NOT_KNOWN, factors.ALL_WELL, factors.FOREIGN_SEEN, factors.FOREIGN_V6),
        *(factors.LEFT_ELSEWHERE, factors.OTHER_ENVIRONMENT, factors.NO_RIGHT_BOX, factors.KEY_OR_ADDRESS),
        *(factors.NO_BOX, *factors.AT.values()),
    }
    assert told - by_code <= used
    names = {name for one in told for text in one for name in re.findall(r"\{(\w+)\}", text)}
    assert names <= {"exchange", "page", "filter", "seen", "address", "box", "right", "other"}
