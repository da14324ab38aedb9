"""Verbs of the account's own password: give it once more before a change, change it."""

from __future__ import annotations

from dataclasses import replace

from keywright.audit.events import Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Busy, Conflict, Invalid, NotProven
from keywright.identity import limits
from keywright.identity.attempts import Attempts, Subjects
from keywright.identity.model import Account, Credentials, FactorProof, Opened, Session, Visitor
from keywright.identity.service import IdentityService
from keywright.identity.sessions import Sessions, actor_of
from keywright.identity.store import particulars
from keywright.secret import Secret
from keywright.storage.transaction import Database, Tx


class OwnPassword:
    """Passwords of every account, after sign-in. Takes transactions of its own: an attempt must be on record."""

    def __init__(self, *, database: Database, audit: AuditLog, identity: IdentityService, sessions: Sessions) -> None:
        self._database = database
        self._audit = audit
        self._identity = identity
        self._sessions = sessions

    async def confirm(self, account_id: str, typed: Secret, *, now: int) -> tuple[Account, Credentials]:
        """Return the account if that is its password, and what it was recognised by: for a change that asks for it anew.

        Raises `NotProven` when it is not, `Limited` after too many, `Busy`.
        """
        account, credentials, is_right = await self._looked_at(account_id, typed, now=now, counts=False)
        if not is_right:
            raise NotProven("that is not your password", hint="type the one you sign in with")
        return account, credentials

    async def is_it(self, account_id: str, text: Secret, *, now: int) -> bool:
        """Tell whether a text that is to be shown is the account's password: an answer nobody may have for the asking.

        Raises `Limited` when it was so too often, `Busy`.
        """
        return (await self._looked_at(account_id, text, now=now, counts=True))[2]

    async def _looked_at(
        self, account_id: str, typed: Secret, *, now: int, counts: bool
    ) -> tuple[Account, Credentials, bool]:
        """Return the account and whether that is its password; the answer that is worth something counts as an attempt."""
        subjects: Subjects = {f"password-again:{account_id}": limits.PASSWORD_AGAIN}
        attempts = Attempts(self._database)
        await attempts.charge(subjects, now=now)
        async with self._database.read() as tx:
            account, credentials = await self._identity.find(tx, account_id)
        try:
            is_right = await self._identity.matches(credentials, typed)
        except Busy:  # not looked at, so it says nothing about who asked
            await attempts.forgive(subjects, at=now)
            raise
        if is_right is not counts:
            await attempts.forgive(subjects, at=now)
        return account, credentials, is_right

    async def change_password(
        self, session: Session, current: Secret, new: Secret, *, proof: FactorProof, visitor: Visitor, now: int
    ) -> Opened:
        """Let the account be recognised by another password; every other session ends, every browser is unknown again.

        Return this session under a new token, with what this browser is recognised by from now on. Raises `NotProven`
        without the current password or a fresh second factor, `Invalid`, `Limited`, `Conflict` when it was changed
        meanwhile.
        """
        if not session.is_complete or proof.account_id != session.account_id or not proof.is_fresh(now=now):
            raise NotProven("to change the password takes the account's second factor", hint="give a fresh code")
        account, known = await self.confirm(session.account_id, current, now=now)
        if new == current:
            raise Invalid("that is the password it has already", hint="choose another one", field="password")
        password_hash = await self._identity.hash_password(account.email, new)
        actor = actor_of(session, visitor)
        async with self._database.write() as tx:
            await self._identity.lock(tx, account.id)
            _, credentials = await self._identity.find(tx, account.id)
            if credentials.password_hash != known.password_hash:  # of two at once, one is late
                raise Conflict("the password was changed meanwhile", hint="sign in again")
            await self._set(tx, account.id, password_hash, actor=actor, now=now)
            await self._sessions.end_others(tx, session, visitor=visitor, why="password changed", now=now)
            credentials = replace(credentials, password_hash=password_hash)
            return await self._sessions.renew_with_device(tx, session, credentials, now=now)

    async def set_at_terminal(
        self, tx: Tx, account_id: str, password_hash: str, *, proof: FactorProof, actor: Actor, now: int
    ) -> int:
        """Let the account be recognised by another password, for the local owner; return how many sessions that ended.

        Raises `NotProven` without a fresh second factor of the account.
        """
        if proof.account_id != account_id or not proof.is_fresh(now=now):
            raise NotProven("to change the password takes the account's second factor", hint="give a fresh code")
        await self._identity.lock(tx, account_id)
        await self._set(tx, account_id, password_hash, actor=actor, now=now)
        return await self._sessions.end_all(tx, account_id, actor=actor, why="password changed", now=now)

    async def _set(self, tx: Tx, account_id: str, password_hash: str, *, actor: Actor, now: int) -> None:
        await particulars.set_password_hash(tx, account_id=account_id, password_hash=password_hash)
        await self._audit.record(tx, Event(Kind.PASSWORD_CHANGED, actor, account_id, account_id), now=now)
