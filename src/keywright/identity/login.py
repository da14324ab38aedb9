"""Accounts that sign in elsewhere: an exchange brings its own login and vouches for its users by signed assertions.

What an assertion may say, and when it holds, is `assertions`' business; here each one is used up, and belongs to an account
that was made for that user. That an account is someone's is told by the audit log too: whoever edits the row alone gains
nothing (decision 0016).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace

from keywright.audit.events import Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Conflict, Invalid, NotFound, NotProven
from keywright.identity import assertions
from keywright.identity.assertions import Assertion, AssertionRefused, Issuer
from keywright.identity.identities import Identities
from keywright.identity.model import Account, FactorProof, Opened, Session, Visitor
from keywright.identity.passwords import Passwords
from keywright.identity.service import IdentityService
from keywright.identity.sessions import Sessions
from keywright.identity.store import external as store
from keywright.identity.whitelist import Whitelist
from keywright.sealing.keyring import Keyring
from keywright.storage.transaction import Tx

LABEL = "external-account/v1"
"""The label under which the keyring derives the key of what the audit log knows an account's owner by."""

FACTOR = "assertion"
"""The factor of who was proved by an exchange's word."""

KEPT_MS = 2 * assertions.LIFETIME_MS
"""How long a used assertion is remembered after its end, against clocks that are set back."""


@dataclass(frozen=True, slots=True)
class Login:
    """Knows who an exchange's user is here. Without an issuer nobody signs in elsewhere, and nothing is vouched for."""

    identity: IdentityService
    audit: AuditLog
    passwords: Passwords
    keyring: Keyring
    identities: Identities
    whitelist: Whitelist
    issuer: Issuer | None = None
    url: str = ""
    """Where people sign in; empty: not by browser."""

    def check(self, token: str, *, now: int) -> Assertion:
        """Return what the token says; raises `AssertionRefused` when it proves nothing, or nobody may vouch here."""
        if self.issuer is None:
            raise AssertionRefused(
                "login_not_set_up",
                "nobody may vouch for people here",
                hint="set login_issuer and login_jwks_file, and start again",
            )
        return assertions.check(token, self.issuer, now=now)

    async def create(self, tx: Tx, external_id: str, *, email: str, actor: Actor, now: int) -> Account:
        """Make an account for someone who signs in elsewhere: it has no password, and no code of ours.

        An address that an account has already is left to it, and the new one has none: nobody locks a user of the exchange
        out, or learns who is here, by an address, and no account becomes another's by it. Raises `Invalid`, and `Conflict`
        where there is one of this name.
        """
        if not assertions.NAME.fullmatch(external_id):
            raise Invalid(
                "that can't be an exchange's name for its user",
                hint="printable ASCII without spaces, at most 128 characters",
                field="external_id",
            )
        if await store.account_id_of(tx, external_id=external_id) is not None:
            raise Conflict("there is an account of {name} already", name=external_id)
        has_address = bool(email) and await self.identity.can_have(tx, email)
        account = await self.identity.open_account(
            tx,
            email if has_address else nowhere(),
            password_hash=self.passwords.nobodys,
            visitor=Visitor(actor.address, actor.agent),
            actor=actor,
            now=now,
        )
        await store.link_account(tx, account_id=account.id, external_id=external_id)
        subject = self._link(account.id, external_id)
        by = actor if actor.id else replace(actor, id=account.id)
        event = Event(Kind.ACCOUNT_LINKED, by, account.id, subject, 0, {"external_id": external_id})
        await self.audit.record(tx, event, now=now)
        return await self.identity.account(tx, account_id=account.id)

    async def account_of(self, tx: Tx, external_id: str) -> Account:
        """Return the account of the exchange's user; raises `NotFound`, also where a row was altered to say so."""
        account_id = await store.account_id_of(tx, external_id=external_id)
        if account_id is None or not await self.audit.knows(
            tx, self._link(account_id, external_id), Kind.ACCOUNT_LINKED
        ):
            raise NotFound("there is no account of this user", hint="make it first")
        return await self.identity.account(tx, account_id=account_id)

    async def spend(self, tx: Tx, assertion: Assertion) -> None:
        """Use the assertion up. Commit this before anything is done on the strength of it. Raises `AssertionRefused`."""
        issuer = self.issuer.name if self.issuer else ""
        digest = hashlib.sha256(f"{issuer}\0{assertion.jti}".encode()).digest()
        if not await store.spend_assertion(tx, digest=digest, expires_at=assertion.expires_at):
            raise AssertionRefused(
                "assertion_used", "this assertion was used before", hint="sign a new one, with a new jti"
            )

    async def person(
        self, tx: Tx, assertion: Assertion, account_id: str, *, sub_account: str = "", actor: Actor, now: int
    ) -> FactorProof:
        """Use up an assertion that this person is here, and return when their second factor was proved.

        What it says of identity and whitelist counts from now on. Raises `AssertionRefused` when it is someone else's, of
        another sub-account, or was used before.
        """
        await self.spend(tx, assertion)
        try:
            account = await self.account_of(tx, assertion.subject)
        except NotFound:
            account = None
        # Who is signed in as a sub-account does nothing to the account itself, or to another one of it.
        is_elsewhere = bool(assertion.sub_account) and assertion.sub_account != sub_account
        if account is None or account.id != account_id or is_elsewhere:
            raise AssertionRefused(
                "assertion_of_another", "this assertion is about someone else", hint="sub names the account's own user"
            )
        return await self._hear(tx, account, assertion, actor=actor, now=now)

    async def arrive(self, tx: Tx, assertion: Assertion, *, actor: Actor, now: int) -> Account:
        """Return the account of who comes from the exchange's login; it is made when they come for the first time.

        What the assertion says of identity and whitelist counts from now on. The assertion was used up before.
        """
        actor = replace(actor, factor=FACTOR)
        try:
            account = await self.account_of(tx, assertion.subject)
        except NotFound:
            account = await self.create(tx, assertion.subject, email=assertion.email, actor=actor, now=now)
        await self._hear(tx, account, assertion, actor=replace(actor, id=account.id), now=now)
        return account

    async def open(self, tx: Tx, sessions: Sessions, account_id: str, *, visitor: Visitor, now: int) -> Opened:
        """Open a complete session for who arrived. Raises `NotProven` for an account that signs in here."""
        account, credentials = await self.identity.find(tx, account_id)
        if not account.external_id:
            raise NotProven("this account signs in here")
        half = await sessions.open(tx, account_id, device="", visitor=visitor, now=now)
        proof = FactorProof(account_id, FACTOR, now)
        opened = await sessions.complete(tx, half.session, credentials, proof=proof, visitor=visitor, now=now)
        return replace(opened, device=None)  # a known browser has attempts of its own, and here there is nothing to try

    async def step_up(
        self, tx: Tx, sessions: Sessions, session: Session, *, factor_at: int, visitor: Visitor, now: int
    ) -> Opened:
        """Let the session do what is sensitive, by a second factor that the exchange proved. Raises `NotProven`."""
        proof = FactorProof(session.account_id, FACTOR, factor_at)
        return await sessions.step_up(tx, session, proof=proof, visitor=visitor, now=now)

    async def _hear(self, tx: Tx, account: Account, assertion: Assertion, *, actor: Actor, now: int) -> FactorProof:
        proof = FactorProof(account.id, FACTOR, assertion.factor_at or 0)
        actor = replace(actor, factor=FACTOR)
        if assertion.identity:
            approved = assertion.identity == "approved"
            await self.identities.vouch_identity(tx, account.id, approved=approved, actor=actor, now=now)
        if assertion.has_whitelist and account.whitelist_on_at is None:
            # That it was switched off there is not heard: ours is loosened by a step-up here only.
            await self.whitelist.switch_on(tx, account.id, actor=actor, now=now)
        return proof

    async def forget(self, tx: Tx, *, now: int) -> None:
        """Drop used assertions that nobody could use again."""
        await store.forget_assertions(tx, before=now - KEPT_MS)

    def _link(self, account_id: str, external_id: str) -> str:
        """Return what the audit log knows the pair by: keyed, so that nobody who edits the database can say so."""
        said = f"{account_id}\0{external_id}".encode()
        return "login_" + hmac.new(self.keyring.derive(LABEL).reveal(), said, "sha256").hexdigest()[:24]


def nowhere() -> str:
    """Return an address that stands for someone whose own is not known: RFC 2606 keeps `.invalid`, no mail goes there.

    It can't be foretold, or somebody could have taken it.
    """
    return f"{secrets.token_hex(12)}@elsewhere.invalid"
