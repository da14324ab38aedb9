"""Amounts: decimal numbers in, decimal numbers out, exactly. Pure.

Clients send amounts as JSON strings, integers or floats, and Python writes the float 0.00001 as `1e-05`: so an exponent
is taken, within bounds, and everything is refused that would make the numbers behind it long.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal

from keywright.errors import Invalid

EXACT = Context(prec=80)
"""Wide enough that no product or sum of bounded amounts is ever rounded."""

_PLAIN = re.compile(r"\d{1,20}(?:\.\d{1,20})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_LARGEST_EXPONENT = 20
_MOST_DECIMALS = 18


def amount(value: object, *, field: str) -> Decimal:
    """Return the number that a string, an integer or a float of a body stands for.

    Raises `Invalid` for anything that is not a plain number at or above zero with at most 18 decimals.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise Invalid(f"{field} is not a number", field=field)
    text = str(value)
    if not _PLAIN.fullmatch(text):
        raise Invalid(f"{field} is not a plain positive number", field=field)
    number = Decimal(text)
    if not number:
        return Decimal(0)
    if number.adjusted() > _LARGEST_EXPONENT:
        raise Invalid(f"{field} is too large", field=field)
    number = Decimal(plain(number))  # trailing zeros say nothing: "1.0" is 1, "5E+1" is 50
    if number.as_tuple().exponent < -_MOST_DECIMALS:  # type: ignore[operator]  # the letters are NaN and infinity
        raise Invalid(f"{field} has more than {_MOST_DECIMALS} decimals", field=field)
    return number


def is_multiple(number: Decimal, *, of: Decimal) -> bool:
    """Tell whether `number` is a whole number of increments."""
    return EXACT.remainder(number, of) == 0


def floor_to(number: Decimal, *, increment: Decimal) -> Decimal:
    """Return the largest whole number of increments that is not above `number`."""
    return EXACT.multiply(EXACT.divide_int(number, increment), increment)


def plain(number: Decimal) -> str:
    """Write a number without exponent and without trailing zeros: `0.00001`, `100`, `0`."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text
