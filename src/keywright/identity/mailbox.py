"""Verbs of the account's e-mail address: that it is its owner's is shown by a code that is sent there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from keywright.audit.events import Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Conflict
from keywright.identity.codes import Codes
from keywright.identity.model import Account, Session, Visitor
from keywright.identity.sessions import actor_of
from keywright.identity.store import particulars
from keywright.notices.model import Channel
from keywright.secret import Secret
from keywright.storage.transaction import Database, Tx

PURPOSE = "email"


class PostsCodes(Protocol):
    """What sends codes: `Notices.post_code`."""

    async def __call__(
        self,
        tx: Tx,
        account_id: str,
        purpose: str,
        code: Secret,
        *,
        recipient: str,
        channel: Channel = Channel.EMAIL,
        detail: Mapping[str, object] | None = None,
        now: int,
    ) -> None: ...


class Mailbox:
    """Verifies e-mail addresses."""

    def __init__(self, *, database: Database, audit: AuditLog, codes: Codes, post_code: PostsCodes) -> None:
        self._database = database
        self._audit = audit
        self._codes = codes
        self._post_code = post_code

    async def send_code(self, tx: Tx, account: Account, *, now: int) -> None:
        """Send a code to the account's e-mail address. Raises `Limited`, and `Conflict` for one that is verified."""
        if account.email_verified_at is not None:
            raise Conflict("your e-mail address is verified already")
        code = await self._codes.make(tx, account.id, PURPOSE, context=account.email, now=now)
        await self._post_code(tx, account.id, PURPOSE, code, recipient=account.email, now=now)

    async def waits(self, tx: Tx, account: Account, *, now: int) -> bool:
        """Tell whether a code was sent that can still be typed."""
        return await self._codes.waits(tx, account.id, PURPOSE, now=now)

    async def verify_email(
        self, session: Session, account: Account, typed: Secret, *, visitor: Visitor, now: int
    ) -> None:
        """Note that the address is its owner's, because the code that was sent there was typed here.

        Raises `NotProven`, `Limited`.
        """
        await self._codes.count_try(account.id, PURPOSE, now=now)
        async with self._database.write() as tx:
            await self._codes.burn(tx, account.id, PURPOSE, typed, context=account.email, now=now)
            await particulars.set_email_verified(tx, account_id=account.id, at=now)
            event = Event(Kind.EMAIL_VERIFIED, actor_of(session, visitor), account.id, account.id)
            await self._audit.record(tx, event, now=now)
