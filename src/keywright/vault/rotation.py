"""How another key takes over a connection, step by step: which steps there are, and when each may be taken. Pure.

    added       the new key was proved and is kept beside the one that serves
    switched    it serves; the one before is kept, to go back to
    (ended)     finished: the one before is destroyed here; or rolled back: the new one is

Each step is one transaction, and what is to be done next can be read off the record: whatever was killed goes on where it was.
At the exchange both keys work until their owner deletes the old one, so no request fails meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from keywright.errors import Conflict, Invalid
from keywright.vault.evidence import Probe, Right

OVERLAP_MS = 24 * 60 * 60 * 1000
"""How long the key before is kept to go back to; then its owner is asked to end it."""

FROM_USE = (Right.READ, Right.TRADE, Right.MARGIN, Right.FUTURES, Right.PORTFOLIO_MARGIN)
"""What a bot may be using: a key without it would make its orders fail."""


class Step(StrEnum):
    """How far a rotation is. Stable strings."""

    ADDED = "added"
    SWITCHED = "switched"


@dataclass(frozen=True, slots=True)
class Rotation:
    """A rotation that is under way."""

    step: Step
    other_key_id: str
    """The new key until it serves, the one before from then on."""
    began_at: int
    switched_at: int | None = None

    @property
    def due_at(self) -> int | None:
        """When the key before should be ended; `None` until the new one serves."""
        return None if self.switched_at is None else self.switched_at + OVERLAP_MS

    def switched(self, serving_key_id: str, *, now: int) -> Rotation:
        """Return what it is once the new key serves, and `serving_key_id` is the one before. Raises `Conflict`."""
        if self.step is not Step.ADDED:
            raise Conflict("the new key serves already", hint="finish the rotation, or roll it back")
        return replace(self, step=Step.SWITCHED, other_key_id=serving_key_id, switched_at=now)

    def written(self) -> dict[str, Any]:
        """Return it as plain values; `read` is the way back."""
        return {
            "step": self.step.value,
            "other_key_id": self.other_key_id,
            "began_at": self.began_at,
            "switched_at": self.switched_at,
        }

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Rotation:
        """Return what `written` gave. Raises `Invalid` for what it never gave."""
        try:
            switched_at = kept["switched_at"]
            return cls(
                Step(kept["step"]),
                str(kept["other_key_id"]),
                int(kept["began_at"]),
                None if switched_at is None else int(switched_at),
            )
        except (KeyError, TypeError, ValueError):
            raise Invalid("this is no rotation that was kept") from None


def require_none(rotation: Rotation | None) -> None:
    """Do nothing unless a rotation is under way; raises `Conflict`."""
    if rotation is not None:
        raise Conflict("this connection is being rotated", hint="finish the rotation, or roll it back, first")


def require(rotation: Rotation | None) -> Rotation:
    """Return the rotation under way; raises `Conflict` when there is none."""
    if rotation is None:
        raise Conflict("this connection is not being rotated", hint="begin with its new key")
    return rotation


def require_as_able(before: Probe, after: Probe) -> None:
    """Do nothing if the new key may do all that a bot may be doing with the old one; raises `Invalid` naming what it lacks."""
    lacks = [right for right in FROM_USE if before.may(right) and not after.may(right)]
    if lacks:
        words = [before.of(right).said or right.value for right in lacks]
        raise Invalid(
            "the new key may not do what the one before may: {rights}",
            hint="tick the same boxes for it at {exchange}; a bot that uses them would stand still",
            rights=", ".join(words),
            exchange=after.exchange.title,
        )
