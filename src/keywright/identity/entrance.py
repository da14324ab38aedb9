"""The way in: sign up, sign in, second factor, step-up. Each attempt is counted before it is looked at.

An attempt is written and committed first, then the work is done, then it is forgiven if it was right. So that fifty at
once, on however many nodes, never count past each other, and a process that dies in between forgets none. Switching off
is never limited this way: `freeze` counts only by the asker's own address.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from keywright.audit.events import Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Busy, CodeReused, Limited, NotProven
from keywright.identity import limits, store
from keywright.identity.attempts import Attempts, Subjects
from keywright.identity.factors import Factors
from keywright.identity.limits import Window
from keywright.identity.model import Account, Credentials, FactorProof, Opened, Session, Visitor
from keywright.identity.operators import Operators
from keywright.identity.rules import address_or_none
from keywright.identity.service import IdentityService
from keywright.identity.sessions import Sessions, actor_of
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.storage.transaction import Database, Tx

T = TypeVar("T")
STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class Entrance:
    """Signs people in. Takes transactions of its own: an attempt must be on record though the rest is undone."""

    database: Database
    identity: IdentityService
    sessions: Sessions
    factors: Factors
    operators: Operators
    audit: AuditLog
    keyring: Keyring

    async def sign_up(self, email: str, password: Secret, *, visitor: Visitor, now: int) -> Opened:
        """Make an account and open a session in it, whose second factor is still to come.

        Raises `Invalid`, `Conflict` for an address that is taken, and `Limited`.
        """
        await self.charge({f"sign-up:{visitor.counted_as}": limits.SIGN_UP}, now=now)
        password_hash = await self.identity.hash_password(email, password)
        async with self.database.write() as tx:
            account = await self.identity.open_account(tx, email, password_hash=password_hash, visitor=visitor, now=now)
            return await self.sessions.open(tx, account.id, device="", visitor=visitor, now=now)

    async def sign_in(self, email: str, password: Secret, *, visitor: Visitor, now: int) -> Opened:
        """Open a session for who knows the password; its second factor is still to come.

        Raises `NotProven`, alike and after the same work for an account that there isn't, and `Limited`.
        """
        found = await self._matched(email, password, visitor=visitor, now=now)
        async with self.database.write() as tx:
            _, credentials = await self.identity.find(tx, found[0].id)
            if credentials.password_hash != found[1].password_hash:  # changed since it was looked at
                raise _no_match()
            return await self.sessions.open(
                tx,
                found[0].id,
                device=self.sessions.device_of(found[0].id, found[1], visitor),
                visitor=visitor,
                now=now,
            )

    async def freeze(self, email: str, password: Secret, *, visitor: Visitor, now: int) -> None:
        """Refuse every key of the account if address and password are right: for an owner who can't get in.

        Never says whether they were. Counts by the asker's address only, so nobody can use up the owner's attempts.
        Raises `Limited`.
        """
        subjects = {f"switch-off:{visitor.counted_as}": limits.SWITCH_OFF}
        await self.charge(subjects, now=now)
        async with self.database.read() as tx:
            found = await self.identity.recognise(tx, email)
        if not await self._is_right(found, password, subjects, now=now) or found is None:
            return
        account = found[0]
        actor = Actor(account.id, "password", visitor.address, visitor.agent, visitor.request_id)
        async with self.database.write() as tx:
            await self.identity.freeze(tx, account.id, actor=actor, now=now)

    async def prove_code(self, session: Session, code: str, *, visitor: Visitor, now: int) -> Opened:
        """Complete a half-open session with a code of the authenticator. Raises `NotProven`, `CodeReused`, `Limited`."""

        async def prove(tx: Tx) -> FactorProof:
            return await self.identity.prove_second_factor(tx, session.account_id, code, now=now)

        return await self._rise(session, "factor", limits.FACTOR, prove, visitor=visitor, now=now)

    async def prove_recovery_code(self, session: Session, code: Secret, *, visitor: Visitor, now: int) -> Opened:
        """Complete a half-open session with a recovery code, which is burned. Raises `NotProven`, `Limited`."""

        async def prove(tx: Tx) -> FactorProof:
            return await self.factors.burn_recovery_code(tx, session, code, visitor=visitor, now=now)

        return await self._rise(session, "recovery", limits.RECOVERY, prove, visitor=visitor, now=now)

    async def step_up(self, session: Session, code: Secret, *, visitor: Visitor, now: int) -> Opened:
        """Prove the second factor again in a complete session, by authenticator or recovery code.

        Raises `NotProven`, `CodeReused`, `Limited`.
        """
        if not session.is_complete:
            raise NotProven("sign in first")
        typed = code.reveal()[:64].decode("utf-8", "replace").strip()
        if typed.replace(
            " ", ""
        ).isdecimal():  # meant for a code, whatever is wrong with it; no recovery code has digits only
            return await self.prove_code(session, typed, visitor=visitor, now=now)
        return await self.prove_recovery_code(session, code, visitor=visitor, now=now)

    async def confirm_authenticator(
        self, session: Session, code: str, *, visitor: Visitor, now: int
    ) -> tuple[Opened, tuple[Secret, ...]]:
        """Enrol the pending authenticator; return the session, risen, and for the first one recovery codes to be shown once.

        Replacing one ends every other session, and the recovery codes stay. Raises `NotProven`, `Limited`.
        """
        subjects = {f"enrol:{session.account_id}": limits.FACTOR[:3]}
        await self.charge(subjects, now=now)
        async with self.database.write() as tx:
            await self.identity.lock(tx, session.account_id)  # of two at once the second one replaces, which takes more
            _, credentials = await self.identity.find(tx, session.account_id)
            has_factor = credentials.has_factor
            proof = await self.factors.confirm_authenticator(
                tx, session, code, has_factor=has_factor, visitor=visitor, now=now
            )
            await store.forgive_attempts(tx, subjects, at=now)
            if has_factor:
                await self.sessions.end_others(tx, session, visitor=visitor, why="authenticator replaced", now=now)
                return await self.sessions.step_up(tx, session, proof=proof, visitor=visitor, now=now), ()
            opened = await self.sessions.complete(tx, session, credentials, proof=proof, visitor=visitor, now=now)
            return opened, await self.factors.make_recovery_codes(tx, opened.session, visitor=visitor, now=now)

    async def claim_operator(self, session: Session, code: Secret, *, visitor: Visitor, now: int) -> Opened:
        """Make the session's account an operator's by the one-time link's code; the session has a new token.

        Raises `NotProven`, `Limited`.
        """
        subjects = {f"claim:{visitor.counted_as}": limits.CLAIM}
        await self.charge(subjects, now=now)
        async with self.database.write() as tx:
            await self.identity.lock(tx, session.account_id)
            await self.operators.claim(tx, session, code, visitor=visitor, now=now)
            await store.forgive_attempts(tx, subjects, at=now)
            return await self.sessions.renew(tx, session, now=now)

    async def prove_at_terminal(self, account_id: str, code: str, *, now: int) -> FactorProof:
        """Use up a code that the local owner typed at the command line; return its proof. Raises `NotProven`, `Limited`."""
        subjects = {f"factor:{account_id}:terminal": limits.FACTOR}
        await self.charge(subjects, now=now)
        try:
            async with self.database.write() as tx:
                proof = await self.identity.prove_second_factor(tx, account_id, code, now=now)
                await store.forgive_attempts(tx, subjects, at=now)
                return proof
        except CodeReused:
            async with self.database.write() as tx:
                event = Event(Kind.CODE_REUSED, Actor("operator", agent="cli"), account_id, account_id)
                await self.audit.record(tx, event, now=now)
            raise

    async def charge(self, subjects: Subjects, *, now: int) -> None:
        """Count one attempt against each of the subjects, on record before this returns.

        Raises `Limited` when one of them has had its share; then nothing is counted.
        """
        await Attempts(self.database).charge(subjects, now=now)

    async def forgive(self, subjects: Subjects, *, at: int) -> None:
        """Take back what `charge` counted at `at`."""
        await Attempts(self.database).forgive(subjects, at=at)

    async def forget(self, *, now: int) -> None:
        """Drop attempts and sessions whose time is over."""
        async with self.database.write() as tx:
            await store.forget_attempts(tx, before=now - limits.LONGEST_MS)
            await self.sessions.forget(tx, now=now)

    async def _matched(
        self, email: str, password: Secret, *, visitor: Visitor, now: int
    ) -> tuple[Account, Credentials]:
        async with self.database.read() as tx:
            found = await self.identity.recognise(tx, email)
        device = self.sessions.device_of(found[0].id, found[1], visitor) if found else ""
        subjects = self._sign_in_subjects(email, device=device, visitor=visitor)
        await self.charge(subjects, now=now)
        if not await self._is_right(found, password, subjects, now=now) or found is None:
            raise _no_match()
        await self.forgive(subjects, at=now)
        return found

    async def _is_right(
        self, found: tuple[Account, Credentials] | None, password: Secret, subjects: Subjects, *, now: int
    ) -> bool:
        try:
            return await self.identity.matches(found[1] if found else None, password)
        except Busy:  # not looked at, so it says nothing about who asked
            await self.forgive(subjects, at=now)
            raise

    def _sign_in_subjects(self, email: str, *, device: str, visitor: Visitor) -> Subjects:
        name = self._name_of(email)
        if device:
            return {f"password:{name}:{device}": limits.PASSWORD}
        return {
            f"password:{name}:{visitor.counted_as}": limits.PASSWORD,
            f"password:{name}": limits.PASSWORD_STRANGERS,
            f"password@{visitor.counted_as}": limits.ADDRESS,
            "password": limits.EVERYONE,
        }

    def _name_of(self, email: str) -> str:
        """Return what stands for an e-mail address on record: people type passwords into that field."""
        key = self.keyring.derive("attempts/v1").reveal()
        return hmac.new(key, (address_or_none(email) or "").encode(), "sha256").hexdigest()[:24]

    async def attempt(
        self,
        session: Session,
        what: str,
        windows: Sequence[Window],
        work: Callable[[Tx], Awaitable[T]],
        *,
        visitor: Visitor,
        now: int,
    ) -> T:
        """Return what `work` returns, in a transaction of its own; what it raises counts as a wrong attempt at `what`.

        Raises `Limited` when there were too many.
        """
        # What can't be guessed strangers try by their address: none of them can use up the owner's attempts.
        strangers = STRANGER if windows is limits.FACTOR else visitor.counted_as
        subjects = {f"{what}:{session.account_id}:{session.device or strangers}": windows}
        try:
            await self.charge(subjects, now=now)
        except Limited:
            with suppress(Limited):  # said once an hour: refused attempts are many, and the audit log keeps everything
                await self.charge({f"said:{session.account_id}": limits.SAID}, now=now)
                await self._note(Kind.FACTOR_LIMITED, session, visitor, now=now)
            raise
        try:
            async with self.database.write() as tx:
                done = await work(tx)
                await store.forgive_attempts(tx, subjects, at=now)
                return done
        except CodeReused:
            await self._note(Kind.CODE_REUSED, session, visitor, now=now)
            raise

    async def rise(self, tx: Tx, session: Session, proof: FactorProof, *, visitor: Visitor, now: int) -> Opened:
        """Complete the session by the proof, or step it up where it is complete. Raises `NotProven`."""
        if session.is_complete:
            return await self.sessions.step_up(tx, session, proof=proof, visitor=visitor, now=now)
        _, credentials = await self.identity.find(tx, session.account_id)
        return await self.sessions.complete(tx, session, credentials, proof=proof, visitor=visitor, now=now)

    async def _rise(
        self,
        session: Session,
        what: str,
        windows: Sequence[Window],
        prove: Callable[[Tx], Awaitable[FactorProof]],
        *,
        visitor: Visitor,
        now: int,
    ) -> Opened:
        async def work(tx: Tx) -> Opened:
            await self.identity.lock(tx, session.account_id)  # before its sessions' rows and the audit log's
            return await self.rise(tx, session, await prove(tx), visitor=visitor, now=now)

        return await self.attempt(session, what, windows, work, visitor=visitor, now=now)

    async def _note(self, kind: Kind, session: Session, visitor: Visitor, *, now: int) -> None:
        async with self.database.write() as tx:
            event = Event(kind, actor_of(session, visitor), session.account_id, session.account_id)
            await self.audit.record(tx, event, now=now)


def _no_match() -> NotProven:
    return NotProven("that e-mail address and password don't belong together", hint="check both and try again")
