"""The rest that withdrawals are given after whoever is asked to confirm them may be someone else. Pure query: of the audit
log, which nobody can take an event out of.

Who stole a session and a code must wait as long as the owner needs to hear of it (case 2FA-14), and gains nothing by
changing what is asked for. Exchanges do the same after the same changes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from keywright.audit.events import Kind, rests_withdrawals
from keywright.audit.log import AuditLog
from keywright.errors import Conflict
from keywright.storage.transaction import Tx

HOUR_MS = 60 * 60 * 1000
MOST = 100
"""Events looked at; the newest one that counts is among them, or an account was enrolled a hundred times within a rest."""

AFTER = (
    Kind.AUTHENTICATOR_SET,
    Kind.PASSKEY_ADDED,
    Kind.PASSKEY_REMOVED,
    Kind.RECOVERY_CODE_USED,
    Kind.PASSWORD_CHANGED,
    Kind.TRADING_PASSWORD_SET,
)
"""What withdrawals rest after."""


class Resting(Conflict):
    """No withdrawal goes out yet."""


@dataclass(frozen=True, slots=True)
class Rest:
    """That an account's withdrawals rest."""

    after: str
    """The kind of event that this follows."""
    until: int


class Holds:
    """Tells whose withdrawals rest."""

    def __init__(self, *, audit: AuditLog, hold_ms: int) -> None:
        self._audit = audit
        self.hold_ms = hold_ms
        """For how long; 0: never."""

    async def rest_of(self, tx: Tx, account_id: str, *, now: int) -> Rest | None:
        """Return that the account's withdrawals rest at `now`, and until when; `None` where they don't."""
        if not self.hold_ms:
            return None
        since = now - self.hold_ms + 1
        for event in await self._audit.list(tx, account_id=account_id, kinds=AFTER, since=since, limit=MOST):
            if rests_withdrawals(event.kind, json.loads(event.detail)):
                return Rest(event.kind, event.at + self.hold_ms)
        return None

    async def require_none(self, tx: Tx, account_id: str, *, now: int) -> None:
        """Do nothing unless the account's withdrawals rest; raises `Resting` that says how long."""
        rest = await self.rest_of(tx, account_id, now=now)
        if rest is not None:
            raise Resting(
                "no withdrawal goes out for {hours} h",
                hint="a second factor or a password was changed, or a recovery code used; its owner is to hear of it first",
                hours=-(-(rest.until - now) // HOUR_MS),
            )
