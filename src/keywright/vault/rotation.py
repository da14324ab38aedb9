"""How another key takes over a connection, step by step: which steps there are, and when each may be taken. Pure.

    making      the exchange is to make the new key, through a master key: its mark and its passphrase are kept before it is asked
    made        it made it, and the secret is kept; what the key may do is not proved yet
    added       the new key was proved and is kept beside the one that serves
    switched    it serves; the one before is kept, to go back to
    ending      it serves; the one before is being deleted at the exchange, through the master key: nobody goes back to it
    undoing     the one before serves again; the new one is to be deleted at the exchange, through the master key
    (ended)     finished: the one before is destroyed here; or rolled back: the new one is

A guided rotation has two of them, added and switched: its owner makes and deletes the keys. Each step is one transaction, and
what is to be done next can be read off the record: whatever was killed goes on where it was. At the exchange both keys work
until the old one is deleted, so no request fails meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from keywright.errors import Conflict, Invalid
from keywright.vault.beside import Beside
from keywright.vault.evidence import Probe, Right
from keywright.vault.terms import Accepted

OVERLAP_MS = 24 * 60 * 60 * 1000
"""How long the key before is kept to go back to; then its owner is asked to end it."""

UNDER_WAY_MS = 60 * 1000
"""How long after it was sent a request may still reach an exchange, whatever became of the process that sent it; a client here
gives up after a quarter of that."""

FROM_USE = (Right.READ, Right.TRADE, Right.MARGIN, Right.FUTURES, Right.PORTFOLIO_MARGIN)
"""What a bot may be using: a key without it would make its orders fail."""


class Step(StrEnum):
    """How far a rotation is. Stable strings."""

    MAKING = "making"
    MADE = "made"
    ADDED = "added"
    SWITCHED = "switched"
    ENDING = "ending"
    UNDOING = "undoing"


@dataclass(frozen=True, slots=True)
class Rotation:
    """A rotation that is under way."""

    step: Step
    other_key_id: str
    """The new key until it serves, the one before from then on."""
    began_at: int
    switched_at: int | None = None
    master_id: str = ""
    """The master connection that makes and deletes its keys; empty where their owner does."""
    remark: str = ""
    """The mark that the new key bears at the exchange, so that it can be found there whatever was killed."""
    ending_at: int | None = None
    """When the exchange was last asked to delete the key before."""
    beside: Beside | None = None
    """What is known of the other key; `None` in a rotation that was begun before that was kept."""

    @property
    def is_guided(self) -> bool:
        """Tell whether its owner makes and deletes the keys."""
        return not self.master_id

    @property
    def is_switched(self) -> bool:
        """Tell whether the new key serves, and the other one is the key before."""
        return self.step in (Step.SWITCHED, Step.ENDING)

    @property
    def due_at(self) -> int | None:
        """When the key before should be ended; `None` until the new one serves."""
        return None if self.switched_at is None else self.switched_at + OVERLAP_MS

    def accepted(self, of_serving: tuple[Accepted, ...]) -> tuple[Accepted, ...]:
        """Return what was accepted of the other key; that of the one that serves, where nothing was kept apart."""
        return of_serving if self.beside is None else self.beside.accepted

    def require_unswitched(self) -> None:
        """Do nothing if the new key may serve from now on; raises `Conflict`."""
        if self.step in (Step.MAKING, Step.MADE):
            raise Conflict("the new key is not proved yet", hint="have the rotation go on, or roll it back")
        if self.step is Step.UNDOING:
            raise Conflict("this rotation is being rolled back", hint="roll it back once more, so that it ends")
        if self.is_switched:
            raise Conflict("the new key serves already", hint="finish the rotation, or roll it back")

    def switched(self, serving_key_id: str, *, beside: Beside, now: int) -> Rotation:
        """Return what it is once the new key serves, and `serving_key_id` is the one before. Raises `Conflict`."""
        self.require_unswitched()
        return replace(self, step=Step.SWITCHED, other_key_id=serving_key_id, switched_at=now, beside=beside)

    def ending(self, *, now: int) -> Rotation:
        """Return what it is once the exchange is asked to delete the key before."""
        return replace(self, step=Step.ENDING, ending_at=now)

    def require_way_back(self, *, now: int) -> None:
        """Do nothing unless the key before may be deleted at the exchange at any moment; raises `Conflict`."""
        if self.ending_at is not None and now < self.ending_at + UNDER_WAY_MS:
            raise Conflict(
                "the key before is being deleted at the exchange",
                hint="finish the rotation; where that can't be, roll it back in a minute",
            )

    def written(self) -> dict[str, Any]:
        """Return it as plain values; `read` is the way back."""
        guided: dict[str, Any] = {
            "step": self.step.value,
            "other_key_id": self.other_key_id,
            "began_at": self.began_at,
            "switched_at": self.switched_at,
        }
        if self.beside is not None:
            guided["beside"] = self.beside.written()
        if self.is_guided:
            return guided
        by_a_master = guided | {"master_id": self.master_id, "remark": self.remark}
        return by_a_master if self.ending_at is None else by_a_master | {"ending_at": self.ending_at}

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Rotation:
        """Return what `written` gave. Raises `Invalid` for what it never gave."""
        try:
            switched_at, ending_at = kept["switched_at"], kept.get("ending_at")
            return cls(
                Step(kept["step"]),
                str(kept["other_key_id"]),
                int(kept["began_at"]),
                None if switched_at is None else int(switched_at),
                str(kept.get("master_id", "")),
                str(kept.get("remark", "")),
                None if ending_at is None else int(ending_at),
                Beside.read(kept.get("beside")),
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


def require_no_abler(before: Probe, after: Probe) -> None:
    """Do nothing unless a key that was made in another's image may do more than that one; raises `Invalid`."""
    more = [one for one in after.evidence if one.allowed and one.right is not Right.ADDRESS_FILTER]
    beyond = [one.said or one.right.value for one in more if not before.may(one.right)]
    if beyond:
        raise Invalid(
            "{exchange} gave the new key more rights than the one before has: {rights}",
            hint="roll the rotation back, and look at {exchange} why",
            rights=", ".join(beyond),
            exchange=after.exchange.title,
        )
