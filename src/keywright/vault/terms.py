"""What a connection is for, and how its key is followed by the next one: what its owner decided, beside the key itself. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from keywright.errors import Invalid


class Purpose(StrEnum):
    """What a connection's key serves for. Stable strings."""

    BOTS = "bots"
    MASTER = "master"
    """To make and delete keys of sub-accounts, and nothing else: it is never handed to a program, and signs for none."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """Something that speaks against a key, and who took it all the same."""

    what: str
    """As its finding calls it: `margin`, `unproven-address-filter`."""
    by: str
    """An account's id, or `owner` in a personal vault."""
    at: int


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms a key is held under."""

    purpose: Purpose = Purpose.BOTS
    master_id: str = ""
    """The master connection its key is rotated through; empty: its owner makes the new key, and is guided."""
    by_itself: bool = False
    """Whether a running server begins and ends rotations when they are due, unasked."""
    ends_at: int | None = None
    """When the key ends at its exchange, on its owner's word: where the exchange does not tell."""

    def written(self) -> dict[str, Any] | None:
        """Return it as plain values, or `None` for what holds where nothing was ever said; `read` is the way back."""
        if self == Terms():
            return None
        return {
            "purpose": self.purpose.value,
            "master_id": self.master_id,
            "by_itself": self.by_itself,
            "ends_at": self.ends_at,
        }

    @classmethod
    def read(cls, kept: Mapping[str, Any] | None) -> Terms:
        """Return what `written` gave. Raises `Invalid` for what it never gave."""
        if kept is None:
            return cls()
        try:
            ends_at = kept["ends_at"]
            by_itself = kept["by_itself"]
            if not isinstance(by_itself, bool):
                raise TypeError
            return cls(
                Purpose(kept["purpose"]),
                str(kept["master_id"]),
                by_itself,
                None if ends_at is None else int(ends_at),
            )
        except (KeyError, TypeError, ValueError):
            raise Invalid("these are no terms that were kept") from None
