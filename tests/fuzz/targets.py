"""What is fuzzed: each function takes bytes and raises `Found` where a rule does not hold. Needs no fuzzer by itself.

Each exchange's acceptance rule says that one signed string has one meaning. So a request is made of the bytes; if it is
taken, its string is cut in every other way, and none of these may be taken for the same string with another meaning.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal

from keywright.errors import Invalid
from keywright.protocol import strict_json
from keywright.protocol.canonical import METHODS
from tests.protocol import test_acceptance, test_binance_acceptance, test_bitfinex_acceptance
from tests.protocol.wire import STAMP

LONGEST = 200
"""Bytes that are looked at: every cut of them is tried."""


class Found(AssertionError):
    """Two requests share a signed string and mean different things, or two readers read a body differently."""


def kucoin(data: bytes) -> None:
    """Method, target and body, with nothing between them; as sent and as decoded."""
    if len(data) < 2:
        return
    methods, text = tuple(METHODS), b"/" + data[2:LONGEST]
    form = (methods[data[0] % len(methods)], text[: data[1] + 1], text[data[1] + 1 :], True)
    meaning = None
    for candidate in test_acceptance.ours(form):
        meaning = meaning or test_acceptance.meaning(form)
        signed = candidate.removeprefix(STAMP.encode())
        for method in methods:
            rest = signed.removeprefix(method.encode())
            for cut in range(len(rest) + 1) if len(rest) < len(signed) else ():
                other = (method, rest[:cut], rest[cut:], True)
                if candidate in test_acceptance.ours(other) and test_acceptance.meaning(other) != meaning:
                    raise Found(form, other)


def binance(data: bytes) -> None:
    """Query and body, joined with nothing between."""
    if not data:
        return
    text = data[1:LONGEST]
    form = ("POST", text[: data[0]], text[data[0] :])
    payload = test_binance_acceptance.ours(form)
    if payload is None:
        return
    meaning = test_binance_acceptance.meaning(form)
    for cut in range(len(payload) + 1):
        other = ("POST", payload[:cut], payload[cut:])
        if test_binance_acceptance.ours(other) == payload and test_binance_acceptance.meaning(other) != meaning:
            raise Found(form, other)


def bitfinex(data: bytes) -> None:
    """Path, nonce and body, with nothing between."""
    if len(data) < 2:
        return
    text = b"/v2/auth/" + data[2:LONGEST]
    first, second = sorted(9 + at % (len(text) - 8) for at in data[:2])
    form = (text[:first], text[first:second], text[second:])
    payload = test_bitfinex_acceptance.ours(form)
    if payload is None:
        return
    signed = payload.removeprefix(b"/api")
    for end in range(len(signed) + 1):
        for start in range(max(end - 17, 0), end + 1):
            other = (signed[:start], signed[start:end], signed[end:])
            if other != form and test_bitfinex_acceptance.ours(other) == payload:
                raise Found(form, other)


def body(data: bytes) -> None:
    """A JSON body that is taken is what the standard library reads, and is written again as the same."""
    try:
        value = strict_json.loads(data)
    except Invalid:
        return
    if value != json.loads(data, parse_float=Decimal):
        raise Found(data)


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    "kucoin": kucoin,
    "binance": binance,
    "bitfinex": bitfinex,
    "body": body,
}

SEEDS: Mapping[str, tuple[bytes, ...]] = {
    "kucoin": (
        b"\x02\x0dapi/v1/orders" + b'{"symbol":"BTC-USDT"}',
        b"\x00\xffapi/v1/accounts?currency=BTC&type=trade",
        b"\x05\xffa?b=c%20d&e=%C3%A9",
        b"\x02\x05a?b=%7B" + b"{}",
    ),
    "binance": (
        b"\xffsymbol=LTCBTC&side=BUY&timestamp=1700000000000&signature=00",
        b"\x00symbol=LTCBTC&quantity=1&a=%26",
    ),
    "bitfinex": (b"\x09\x19r/wallets1700000000000000{}", b"\x0d\x1dr/hist/F0:1{}1700000000000000[]"),
    "body": (b'{"a":[1,2.50,"\\u00e9"],"b":null}', b"[]", b'{"a":1,"a":2}'),
}
"""Where a fuzzer begins."""
