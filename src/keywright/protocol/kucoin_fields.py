"""Single fields of KuCoin's bodies and queries, read strictly: what `kucoin_orders` is made of.

A field that is `null` counts as left out, as KuCoin has it (python-kucoin sends several); any other surprise is
`NotUnderstood`. Its texts name fields, never values: they go into logs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Context, Decimal
from typing import Any

from keywright.protocol.canonical import Pairs

Fields = Mapping[str, Any]

# Both factors of a product have at most 100 digits, so nothing is ever rounded: 28 digits, the default, would be.
EXACT = Context(prec=300, Emax=10_000, Emin=-10_000)
_NUMBER = re.compile(r"[0-9]{1,40}(?:\.[0-9]{1,40})?", re.ASCII)
_LONGEST_TEXT = 256


class NotUnderstood(Exception):
    """A request does not say what such a request must, or says it twice."""


def stated(body: Any) -> Fields:
    """Return the object's fields that are not `null`."""
    if not isinstance(body, dict):
        raise NotUnderstood("an object is expected")
    return {name: value for name, value in body.items() if value is not None}


def once_each(pairs: Pairs) -> Fields:
    """Return a query's parameters, each stated once."""
    fields = {name.decode(): value.decode() for name, value in pairs}
    if len(fields) != len(pairs):
        raise NotUnderstood("a parameter is stated twice")
    return fields


def text(fields: Fields, name: str) -> str:
    """Return a field that must be there and be text."""
    value = fields.get(name)
    if not isinstance(value, str) or not value or len(value) > _LONGEST_TEXT:
        raise NotUnderstood(f"'{name}' is missing, or no text")
    return value


def one_of(fields: Fields, name: str, *known: str) -> str:
    """Return a field that must be one of these words, as they are written."""
    value = fields.get(name)
    if not isinstance(value, str) or value not in known:
        raise NotUnderstood(f"'{name}' is none of {', '.join(known)}")
    return value


def positive(fields: Fields, name: str) -> Decimal | None:
    """Return an amount above 0, given as a number or as its decimal text; `None` where it is not there."""
    value = fields.get(name)
    if value is None:
        return None
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    if not is_number and not (isinstance(value, str) and _NUMBER.fullmatch(value)):
        raise NotUnderstood(f"'{name}' is no plain decimal number")
    number = Decimal(value)
    if number <= 0:
        raise NotUnderstood(f"'{name}' is not above 0")
    return number
