"""Whom the exchange asks before money leaves it: `app` hands it one, so that the sandbox knows of no other part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from keywright.sandbox.model import Declined, Withdrawal
from keywright.storage.transaction import Tx

Word = Literal["waiting", "yes", "no", "paid"]
"""What the owner said: nothing yet; it may be carried out; it never will be; it was carried out."""


@dataclass(frozen=True, slots=True)
class Orderer:
    """Through what a withdrawal was ordered, for its owner to see."""

    key_id: str
    address: str


class Approver(Protocol):
    """Asks owners and hears what they say, in the transaction it is given."""

    async def ask(self, tx: Tx, withdrawal: Withdrawal, by: Orderer, *, now: int) -> str:
        """Ask the owner to confirm the withdrawal; return the approval's id. Raises `Declined` when it may not even wait."""

    async def word(self, tx: Tx, approval_id: str, *, now: int) -> Word:
        """Return what the owner said."""

    async def consume(self, tx: Tx, withdrawal: Withdrawal, *, now: int) -> bool:
        """Take the owner's word for exactly this withdrawal; tell whether it is good. It is good once."""

    async def take_back(self, tx: Tx, approval_id: str, *, now: int) -> None:
        """Let nothing come of what was asked; does nothing where that is so already."""


class NoApprover:
    """Stands where nobody can be asked: then nothing leaves."""

    async def ask(self, _tx: Tx, _withdrawal: Withdrawal, _by: Orderer, *, now: int) -> str:
        """Decline."""
        raise Declined("260210", f"withdraw.disabled ({now}): nobody can be asked to confirm it.")

    async def word(self, _tx: Tx, _approval_id: str, *, now: int) -> Word:  # noqa: ARG002  the protocol's
        """Return that nothing was said."""
        return "waiting"

    async def consume(self, _tx: Tx, _withdrawal: Withdrawal, *, now: int) -> bool:  # noqa: ARG002
        """Tell that it is not good."""
        return False

    async def take_back(self, _tx: Tx, _approval_id: str, *, now: int) -> None:
        """Do nothing."""


NOBODY = NoApprover()
