"""Parameters given as a dict, written as the form that Binance takes: `FormWriter`.

Rule: written once, each value percent-encoded, so that what is signed is what is sent. Values are best given as text:
another type is written where there is one way to write it, and refused where there are several.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, final
from urllib.parse import quote

from keywright.errors import Invalid
from keywright.protocol.binance_canonical import MOST_PARAMETERS, is_name

MOST_SHAPES = 256
"""Lists of names remembered. A client has dozens."""

_PLAIN = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-"
"""What stands in a value as it is."""


@final
class FormWriter:
    """Writes forms for one signer, which adds parameters of its own: `added`, in lower case."""

    __slots__ = ("_added", "_shapes")

    def __init__(self, added: frozenset[str]) -> None:
        self._added = added
        self._shapes: dict[tuple[Any, ...], tuple[list[str], bytes]] = {}

    def write(self, fields: dict[Any, Any]) -> tuple[bytes, bool]:
        """Return the form, in the dict's order, and whether it is known to be canonical: no value had to be encoded.

        Raises `Invalid` for a name that can't be one, stands there twice or is added by the signer, and for values that
        are neither text nor numbers nor booleans.
        """
        # Clients send the same names again and again: what stands around the values is made once.
        pieces, between = self._shapes.get(names := tuple(fields)) or self._shape(names)
        pieces = pieces.copy()
        pieces[1::2] = fields.values()
        try:
            form = "".join(pieces).encode()
        except (TypeError, UnicodeEncodeError):
            return self._encoded(fields), False
        # Without what stands in names and values as it is, only the signs between them may be left.
        if form.translate(None, _PLAIN) != between:
            return self._encoded(fields), False
        return form, True

    def _shape(self, names: tuple[Any, ...]) -> tuple[list[str], bytes]:
        """Return the form without its values, each place empty, and the signs between names and values."""
        if len(names) > MOST_PARAMETERS - len(self._added):
            raise Invalid(f"there are more than {MOST_PARAMETERS} parameters", field="body")
        if not all(isinstance(name, str) and is_name(name.encode("utf-8", "surrogatepass")) for name in names):
            raise Invalid("a name is a letter and then letters, digits or '_', at most 64", field="body")
        lowered = {name.lower() for name in names}
        if twice := lowered & self._added:
            raise Invalid(f"'{min(twice)}' is added by the signer: leave it out", field="body")
        if len(lowered) != len(names):
            raise Invalid("two parameters differ in upper and lower case alone", field="body")
        pieces: list[str] = []
        for name in names:
            pieces += [f"&{name}=" if pieces else f"{name}=", ""]
        if len(self._shapes) >= MOST_SHAPES:
            self._shapes.clear()
        shape = self._shapes[names] = pieces, "".join(pieces).encode().translate(None, _PLAIN)
        return shape

    @staticmethod
    def _encoded(fields: dict[Any, Any]) -> bytes:
        try:
            return "&".join(f"{name}={quote(_text(value), safe='')}" for name, value in fields.items()).encode()
        except UnicodeEncodeError:
            raise Invalid("a value holds half of a surrogate pair", field="body") from None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or (isinstance(value, Decimal) and value.is_finite()):
        return f"{value:f}" if isinstance(value, Decimal) else str(value)
    raise Invalid("a value of a form is text, a whole number, a Decimal or a boolean", hint="give amounts as text")
