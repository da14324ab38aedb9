"""Withdrawals between two parts that don't know each other: the sandbox holds the money, approvals the owner's word."""

from __future__ import annotations

from contextlib import suppress

from keywright.app.services import Services
from keywright.approvals.model import MINUTE_MS, State, Withdrawal as Confirmed
from keywright.approvals.rules import digest_of
from keywright.approvals.service import Approvals
from keywright.errors import Busy, Conflict, KeywrightError, NotFound
from keywright.identity.destinations import Destination
from keywright.sandbox.amounts import plain
from keywright.sandbox.approver import Orderer, Word
from keywright.sandbox.model import Declined, Withdrawal
from keywright.storage.transaction import Tx

SANDBOX = "sandbox"
WORDS: dict[State, Word] = {State.WAITING: "waiting", State.CONFIRMED: "yes", State.CONSUMED: "paid"}


class OwnersWord:
    """Asks owners for the sandbox, and hears what they said: a `sandbox.approver.Approver`."""

    def __init__(self, approvals: Approvals, *, minutes: int) -> None:
        self._approvals = approvals
        self._expires_in = minutes * MINUTE_MS

    async def ask(self, tx: Tx, withdrawal: Withdrawal, by: Orderer, *, now: int) -> str:
        """Ask the owner to confirm the withdrawal; return the approval's id. Raises `Declined` with what to do."""
        detail = {
            "amount": plain(withdrawal.amount),
            "currency": withdrawal.currency,
            "chain": withdrawal.chain,
            "address": withdrawal.address,
            "memo": withdrawal.memo,
            "fee": plain(withdrawal.fee),
            "key": by.key_id,
            "from": by.address,
            "remark": withdrawal.remark,
        }
        try:
            asked = await self._approvals.ask(
                tx,
                account_id=withdrawal.owner.account_id,
                sub_account=withdrawal.owner.sub_account,
                asked_by=SANDBOX,
                reference=withdrawal.id,
                detail=detail,
                expires_in=self._expires_in,
                now=now,
            )
        except Busy:
            raise
        except KeywrightError as problem:
            raise Declined("400100", _sentence(problem)) from None
        return asked.id

    async def word(self, tx: Tx, approval_id: str, *, now: int) -> Word:
        """Return what the owner said."""
        try:
            asked = await self._approvals.status(tx, approval_id, asked_by=SANDBOX, now=now)
        except NotFound:  # someone took it out of the database
            return "no"
        return WORDS.get(asked.state, "no")

    async def consume(self, tx: Tx, withdrawal: Withdrawal, *, now: int) -> bool:
        """Take the owner's word for exactly this withdrawal; tell whether it is good."""
        to = Destination(withdrawal.currency, withdrawal.chain, withdrawal.address, withdrawal.memo)
        owner = withdrawal.owner
        digest = digest_of(owner.account_id, owner.sub_account, Confirmed(plain(withdrawal.amount), to))
        try:
            await self._approvals.consume(tx, withdrawal.approval_id, digest=digest, asked_by=SANDBOX, now=now)
        except Busy:
            raise
        except KeywrightError:
            return False
        return True

    async def take_back(self, tx: Tx, approval_id: str, *, now: int) -> None:
        """Let nothing come of what was asked."""
        with suppress(Conflict, NotFound):  # it is over already
            await self._approvals.take_back(tx, approval_id, asked_by=SANDBOX, now=now)


def _sentence(problem: KeywrightError) -> str:
    said = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
    return f"{said[:1].upper()}{said[1:]}."


async def settle_approvals(services: Services) -> None:
    """Write down which approvals ran out, one transaction each, and which whitelists ended."""
    now = services.clock()
    async with services.database.read() as tx:
        due = await services.approvals.due_to_expire(tx, now=now)
    for account_id, approval_id in due:
        async with services.database.write() as tx:
            await services.approvals.expire(tx, account_id, approval_id, now=now)
    async with services.database.write() as tx:
        await services.whitelist.settle(tx, now=now)
