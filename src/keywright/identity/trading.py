"""The trading password: six characters that making a key takes beside the second factor, where the profile says so.

What is hashed is not what was typed but a keyed digest of it: six characters are searched through in no time by who has
the database alone, and nobody plants a hash of their own choosing by writing to it.
"""

from __future__ import annotations

import hmac

from keywright.audit.events import Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Busy, NotProven
from keywright.identity import limits, rules, store
from keywright.identity.attempts import Attempts, Subjects
from keywright.identity.model import FactorProof, Session, TradingProof, Visitor
from keywright.identity.own_password import OwnPassword
from keywright.identity.passwords import Passwords
from keywright.identity.sessions import actor_of
from keywright.identity.store import particulars
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.storage.transaction import Database

LABEL = "trading-password/v1"
"""The label under which the keyring derives the key of what is hashed."""


class TradingPasswords:
    """Trading passwords of every account. Takes transactions of its own: an attempt must be on record."""

    def __init__(
        self, *, database: Database, keyring: Keyring, audit: AuditLog, passwords: Passwords, own_password: OwnPassword
    ) -> None:
        self._database = database
        self._audit = audit
        self._passwords = passwords
        self._own_password = own_password
        self._key = keyring.derive(LABEL).reveal()

    async def set_trading_password(
        self, session: Session, new: Secret, *, password: Secret, proof: FactorProof, visitor: Visitor, now: int
    ) -> None:
        """Give the account a trading password, its first one or another; a forgotten one is replaced like this too.

        Takes the account's own password, which it must not be a part of. Raises `NotProven` when that is wrong or the
        second factor is not fresh, `Invalid`, `Limited`.
        """
        account_id = session.account_id
        _require(account_id, proof, now=now, to="set a trading password")
        account, _ = await self._own_password.confirm(account_id, password, now=now)
        kept = self._kept(account_id, rules.trading_password(new, password=password, about=(account.email,)))
        trading_hash = await self._passwords.hash(kept)
        async with self._database.write() as tx:
            await store.lock_account(tx, account_id=account_id)
            replaced = await particulars.trading_password_hash(tx, account_id=account_id) is not None
            await particulars.set_trading_password_hash(tx, account_id=account_id, trading_hash=trading_hash)
            actor = actor_of(session, visitor)
            event = Event(Kind.TRADING_PASSWORD_SET, actor, account_id, account_id, 0, {"replaced": replaced})
            await self._audit.record(tx, event, now=now)

    async def prove_trading_password(
        self, account_id: str, typed: Secret, *, proof: FactorProof, now: int
    ) -> TradingProof:
        """Return the proof that the account's trading password was typed: `IssuingService.issue` takes it as `trading`.

        Ask for it where `prerequisites.takes_trading_password` says so; show its errors at that field, with
        `visit.form(..., problem=problem, about="trading_password")`. Takes the second factor's proof, so that nobody
        guesses without one. Raises `NotProven` when it is wrong or there is none, and `Limited`. What switches off never
        asks for it.
        """
        _require(account_id, proof, now=now, to="give the trading password")
        subjects: Subjects = {f"trading:{account_id}": limits.TRADING, "trading": limits.TRADING_EVERYONE}
        attempts = Attempts(self._database)
        await attempts.charge(subjects, now=now)
        async with self._database.read() as tx:
            trading_hash = await particulars.trading_password_hash(tx, account_id=account_id)
        if trading_hash is None:
            await attempts.forgive(subjects, at=now)
            raise NotProven("this account has no trading password yet", hint="set one under Security")
        try:
            is_right = await self._passwords.matches(trading_hash, self._kept(account_id, typed))
        except Busy:  # not looked at, so it says nothing about who asked
            await attempts.forgive(subjects, at=now)
            raise
        if not is_right:
            raise NotProven(
                "that is not your trading password", hint="if you forgot it, set another one under Security"
            )
        await attempts.forgive(subjects, at=now)
        return TradingProof(account_id, now)

    def _kept(self, account_id: str, typed: Secret) -> Secret:
        """Return what is hashed in place of what was typed: bound to its account."""
        covered = b"trading password\0" + account_id.encode() + b"\0" + typed.reveal()[: rules.PASSWORD_BYTES_MAX]
        return Secret(hmac.new(self._key, covered, "sha256").hexdigest())


def _require(account_id: str, proof: FactorProof, *, now: int, to: str) -> None:
    if proof.account_id != account_id or not proof.is_fresh(now=now):
        raise NotProven("to {to} takes the account's second factor", hint="give a fresh code", to=to)
