"""Verbs of second factors: enrol an authenticator, replace it, make recovery codes, burn one.

An authenticator's secret is pending in the session that began, until a code proves that it arrived. It is shown once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from keywright.audit.events import Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import NotProven, Unusable
from keywright.identity import recovery, store, totp
from keywright.identity.model import PENDING_MS, Account, FactorProof, Session, Visitor
from keywright.identity.sessions import actor_of
from keywright.sealing.envelope import Place, open_sealed, seal
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.storage.transaction import Tx

ENROLLED = 2
"""The version of an account, as the audit log tells it, from which on it has an authenticator: none is then taken for the
first one, though someone emptied its sealed secret in the database (decision 0016)."""


class Factors:
    """Authenticators and recovery codes of every account."""

    def __init__(self, *, keyring: Keyring, audit: AuditLog) -> None:
        self._keyring = keyring
        self._audit = audit
        self._recovery_key = keyring.derive(recovery.LABEL)

    async def begin_authenticator(self, tx: Tx, session: Session, *, has_factor: bool, now: int) -> Secret:
        """Make a secret for an authenticator, pending in this session; return it to be shown once.

        An earlier one that was pending is void. Raises `NotProven` when one is to be replaced without a fresh step-up.
        """
        await self._require(tx, session, has_factor=has_factor, now=now)
        secret = totp.new_secret()
        sealed = seal(self._keyring, secret, place=_pending_place(session))
        await store.set_pending_totp(tx, session, sealed=sealed, at=now)
        return secret

    async def confirm_authenticator(
        self, tx: Tx, session: Session, code: str, *, has_factor: bool, visitor: Visitor, now: int
    ) -> FactorProof:
        """Make the pending secret the account's second factor, because `code` shows that it arrived; use the code up.

        Raises `NotProven` when the code is not of the pending secret, or nothing is pending any more.
        """
        await self._require(tx, session, has_factor=has_factor, now=now)
        sealed, at = await store.pending_totp(tx, session)
        if not sealed or at is None or not 0 <= now - at <= PENDING_MS:
            raise NotProven("this took too long", hint="start again with a new code to scan")
        secret = open_sealed(self._keyring, sealed, place=_pending_place(session))
        step = totp.step_of_code(secret, code, now=now)
        if step is None:
            raise NotProven(
                "that code is not right", hint="use the six digits your authenticator shows now; is its clock right?"
            )
        kept = seal(self._keyring, secret, place=totp_place(session.account_id))
        await store.set_totp(tx, account_id=session.account_id, sealed=kept, step=step)
        await store.set_pending_totp(tx, session, sealed=b"", at=None)
        detail = {"replaced": has_factor}
        await self._record(tx, Kind.AUTHENTICATOR_SET, session, visitor, now=now, detail=detail, version=ENROLLED)
        return FactorProof(session.account_id, "totp", now)

    async def make_recovery_codes(self, tx: Tx, session: Session, *, visitor: Visitor, now: int) -> tuple[Secret, ...]:
        """Make ten recovery codes and return them to be shown once; all older ones are dead.

        Raises `NotProven` unless the session was stepped up, or completed at this very moment by enrolling the first factor.
        """
        if session.step_up(now=now) is None and session.factor_at != now:
            raise NotProven("to make recovery codes takes the account's second factor", hint="give a fresh code")
        await store.lock_account(tx, account_id=session.account_id)  # two at once would leave twenty
        codes = tuple(recovery.new_code() for _ in range(recovery.COUNT))
        digests = [recovery.digest_of(self._recovery_key, session.account_id, code) for code in codes]
        kept = [digest for digest in digests if digest is not None]
        await store.replace_recovery_codes(tx, account_id=session.account_id, digests=kept, now=now)
        await self._record(tx, Kind.RECOVERY_CODES_MADE, session, visitor, now=now, detail={"count": len(codes)})
        return codes

    async def burn_recovery_code(
        self, tx: Tx, session: Session, code: Secret, *, visitor: Visitor, now: int
    ) -> FactorProof:
        """Use up a recovery code and return the proof that it was right.

        Raises `NotProven` when it is wrong, was used, or was replaced by newer ones: which of them is not told.
        """
        digest = recovery.digest_of(self._recovery_key, session.account_id, code)
        account_id = session.account_id
        if digest is None or not await store.burn_recovery_code(tx, account_id=account_id, digest=digest, now=now):
            raise NotProven(
                "that recovery code is not right", hint="each one serves once; newer ones replace all older"
            )
        left = await store.count_recovery_codes(tx, account_id=account_id)
        await self._record(tx, Kind.RECOVERY_CODE_USED, session, visitor, now=now, detail={"left": left})
        return FactorProof(account_id, "recovery", now)

    async def recovery_codes_left(self, tx: Tx, account: Account) -> int:
        """Return how many of the account's recovery codes were not used."""
        return await store.count_recovery_codes(tx, account_id=account.id)

    async def _require(self, tx: Tx, session: Session, *, has_factor: bool, now: int) -> None:
        if not has_factor and await self._audit.latest_version(tx, session.account_id) >= ENROLLED:
            raise Unusable(
                "this account's record was altered outside Keywright: its authenticator is gone",
                hint="tell whoever runs this; they can freeze the account and run `keywright audit verify`",
            )
        if has_factor and session.step_up(now=now) is None:
            raise NotProven("to replace an authenticator takes the account's second factor", hint="give a fresh code")

    async def _record(
        self,
        tx: Tx,
        kind: Kind,
        session: Session,
        visitor: Visitor,
        *,
        now: int,
        detail: Mapping[str, object],
        version: int = 0,
    ) -> None:
        actor = actor_of(session, visitor)
        if kind is Kind.RECOVERY_CODE_USED:  # while signing in, this code is the factor: none was proved before
            actor = replace(actor, factor="recovery")
        event = Event(kind, actor, session.account_id, session.account_id, version, detail)
        await self._audit.record(tx, event, now=now)


def totp_place(account_id: str) -> Place:
    """Return where an account's authenticator secret lives."""
    return Place("accounts", account_id, account_id)


def _pending_place(session: Session) -> Place:
    return Place("sessions", session.id, session.account_id)
