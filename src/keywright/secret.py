"""`Secret`: bytes that don't print. A floor: imports nothing of ours.

Rules: the plain value is reached only by `.reveal()`, which is greppable; everything that would show, store or copy it
by accident (repr, str, format, pickle, JSON, hashing as a dict key) gives `Secret(•••)` or fails.
"""

from __future__ import annotations

import hmac
from typing import NoReturn, final


@final
class Secret:
    """Holds a secret's bytes without showing them."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes | str) -> None:
        self._value = value.encode() if isinstance(value, str) else bytes(value)

    def reveal(self) -> bytes:
        """Return the plain bytes. Each call is a place a reviewer looks at."""
        return self._value

    def reveal_text(self) -> str:
        """Return the plain value as text (UTF-8)."""
        return self._value.decode()

    def equals(self, other: Secret) -> bool:
        """Tell whether both hold the same bytes, in time that does not depend on where they differ."""
        return hmac.compare_digest(self._value, other._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.equals(other)

    __hash__ = None  # type: ignore[assignment]  # unhashable on purpose: a secret is no dictionary key

    def __repr__(self) -> str:
        return "Secret(•••)"

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a Secret can't be pickled or copied")
