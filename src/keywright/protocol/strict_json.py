"""JSON that two parsers could not read differently, or `Invalid`.

A body is judged here and acted on elsewhere, by somebody else's parser. What RFC 8259 leaves to the reader (the second
of two equal names, half a surrogate pair, NaN, numbers of any length) is therefore refused, never settled.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, NoReturn

from keywright.errors import Invalid

DEEPEST = 32
"""Objects and arrays inside one another; `{}` counts as 1. The deepest body a real client sends has 3."""
LONGEST_NUMBER = 100
"""Digits of an integer, characters of a fraction. CPython itself gives up at 4,300 digits, with a ValueError."""
LARGEST_EXPONENT = 999
"""Beyond it a ten-byte literal would cost whoever turns it into an integer megabytes (`1e9999999`)."""

# A string, closed or running to the end of the text. Possessive, so that hostile quotes can't make it quadratic.
_STRING = re.compile(r'"(?:[^"\\]++|\\.?)*+"?', re.DOTALL)
_NO_BRACKETS = re.compile(r"[^\[\]{}]++")


def loads(body: bytes) -> Any:
    """Return the object or array that `body` is, with every fraction a `Decimal`.

    Raises `Invalid` for whatever is malformed, ambiguous or out of bounds, and nothing else.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Invalid(f"the body is not UTF-8 (byte {error.start})") from None
    _refuse_deep(text)  # first: the decoder recurses
    try:
        value, end = _DECODER.raw_decode(text) if text[:1] in "{[" else (None, -1)
        if end != len(text):  # space around it, or what should not be there: said as the decoder says it
            value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        # `error.msg` is one of the decoder's fixed texts: nothing of the body gets into a log through it.
        raise Invalid(f"the body is not JSON: {error.msg} (character {error.pos})") from None
    if not isinstance(value, dict | list):
        raise Invalid("the body is not a JSON object or array")
    if "\\u" in text:  # the only way in for half a pair: UTF-8 can't carry one
        _refuse_half_pairs(value)
    return value


def _refuse_deep(text: str) -> None:
    """Do nothing if no value of `text` lies deeper than `DEEPEST`; raise `Invalid` otherwise."""
    if text.count("{") + text.count("[") <= DEEPEST:
        return
    depth = 0
    for bracket in _NO_BRACKETS.sub("", _STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > DEEPEST:
            raise Invalid(f"the body is nested more than {DEEPEST} deep")


def _refuse_half_pairs(value: Any) -> None:
    """Do nothing if every string in `value` is Unicode text; raise `Invalid` otherwise."""
    if isinstance(value, str):
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise Invalid("the body holds half of a surrogate pair")
    elif isinstance(value, list):
        for item in value:
            _refuse_half_pairs(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            _refuse_half_pairs(name)
            _refuse_half_pairs(item)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise Invalid("the body names a field twice in one object")
    return value


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > LONGEST_NUMBER:
        raise Invalid(f"the body holds an integer of more than {LONGEST_NUMBER} digits")
    return int(digits)


def _fraction(literal: str) -> Decimal:
    exponent = literal.lower().partition("e")[2]
    # The length is looked at first, so that the exponent is never a long integer itself.
    if len(literal) > LONGEST_NUMBER or abs(int(exponent or "0")) > LARGEST_EXPONENT:
        raise Invalid(
            f"the body holds a number of more than {LONGEST_NUMBER} characters or beyond 1e{LARGEST_EXPONENT}"
        )
    return Decimal(literal)


def _constant(name: str) -> NoReturn:
    raise Invalid(f"the body holds {name}, which JSON does not have")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_fraction, parse_constant=_constant
)
