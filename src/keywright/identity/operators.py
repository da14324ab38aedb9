"""Operators: who may see every account. One is made by a one-time link, which only who started the server has seen."""

from __future__ import annotations

import hmac
import secrets

from keywright.audit.events import Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import NotProven
from keywright.identity import store
from keywright.identity.limits import DAY_MS
from keywright.identity.model import Account, FactorProof, Session, Visitor
from keywright.identity.sessions import actor_of
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.storage.transaction import Tx

LINK_MS = DAY_MS
"""How long a link serves: who needs it later asks the command line for a new one."""

LABEL = "operator-link/v1"
"""The label under which the keyring derives the key of the digests."""

PREFIX = "kwop-"
MOST_TYPED = 128


class Operators:
    """Makes operators."""

    def __init__(self, *, keyring: Keyring, audit: AuditLog) -> None:
        self._audit = audit
        self._key = keyring.derive(LABEL).reveal()

    async def new_code(self, tx: Tx, *, now: int) -> Secret:
        """Return the code of a one-time operator link, valid for a day; an older one that was not used is void."""
        code = Secret(PREFIX + secrets.token_urlsafe(24))
        # The event first: who records one waits for who recorded before, so two at once leave one link and not two.
        await self._audit.record(tx, Event(Kind.OPERATOR_LINK_MADE, Actor("operator"), "", "operator"), now=now)
        await store.insert_operator_link(tx, digest=self._digest(code), now=now, expires_at=now + LINK_MS)
        return code

    async def claim(self, tx: Tx, session: Session, code: Secret, *, visitor: Visitor, now: int) -> None:
        """Make the session's account an operator's, and the code void.

        Raises `NotProven` for a session without second factor, and for a code that is wrong, was used, or is too old.
        """
        if not session.is_complete:
            raise NotProven("sign in first, with a second factor")
        typed = code.reveal().strip()
        good = len(typed) <= MOST_TYPED and await store.use_operator_link(
            tx, digest=self._digest(Secret(typed)), now=now
        )
        if not good:
            raise NotProven(
                "that operator link is not right, was used, or is more than a day old",
                hint="`keywright operator link` makes a new one",
            )
        await store.set_operator(tx, account_id=session.account_id, at=now)
        event = Event(Kind.OPERATOR_CLAIMED, actor_of(session, visitor), session.account_id, session.account_id)
        await self._audit.record(tx, event, now=now)

    async def is_operator(self, tx: Tx, account: Account) -> bool:
        """Tell whether the account became an operator's by a link: the audit log must know of it, not the row alone."""
        return account.operator_at is not None and await self._audit.knows(tx, account.id, Kind.OPERATOR_CLAIMED)

    async def require(self, tx: Tx, proof: FactorProof, *, now: int) -> None:
        """Do nothing if this is an operator's second factor, proved a moment ago; raises `NotProven`."""
        found = await store.find_account(tx, account_id=proof.account_id)
        if found is None or not proof.is_fresh(now=now) or not await self.is_operator(tx, found[0]):
            raise NotProven("this takes an operator's second factor", hint="`keywright operator link` makes one")

    def _digest(self, code: Secret) -> bytes:
        """Return what recognises a code: keyed, so that nobody plants one by writing to the database."""
        return hmac.digest(self._key, b"operator link\0" + code.reveal(), "sha256")
