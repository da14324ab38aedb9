"""Verbs of accounts: make one, prove its second factor, freeze it. One transaction each, its event inside."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from keywright.audit.events import SYSTEM, Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import CodeReused, Conflict, NotFound, NotProven
from keywright.identity import rules, store, totp
from keywright.identity.factors import ENROLLED, totp_place
from keywright.identity.model import Account, Credentials, Enrolled, FactorProof, Visitor
from keywright.identity.passwords import Passwords
from keywright.identity.store import external
from keywright.identity.store.sub_accounts import find_sub_account
from keywright.ids import new_id, new_uid
from keywright.sealing.envelope import open_sealed, seal
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.storage.changes import announce
from keywright.storage.transaction import Tx


class IdentityService:
    """Accounts and their second factors."""

    def __init__(self, *, keyring: Keyring, audit: AuditLog, passwords: Passwords, sandbox: bool = False) -> None:
        self._keyring = keyring
        self._audit = audit
        self._passwords = passwords
        self._sandbox = sandbox

    async def hash_password(self, email: str, password: Secret) -> str:
        """Return the hash of an acceptable password: before the transaction, because hashing takes its time.

        Raises `Invalid` for an e-mail address or password that breaks the rules.
        """
        address = rules.email_address(email)
        about = (address, address.partition("@")[0], "keywright")
        # In a thread: judging takes milliseconds, in which no other request would be answered.
        return await self._passwords.hash(await asyncio.to_thread(rules.password, password, about=about))

    async def create_account(
        self, tx: Tx, email: str, *, password_hash: str, actor: Actor | None = None, now: int
    ) -> Enrolled:
        """Make an account with a TOTP secret of its own; return both. The secret can be shown once, after the commit.

        Raises `Invalid` for an address that is none and `Conflict` for one that is taken, or kept for the sandbox's demo.
        """
        secret = totp.new_secret()
        account = await self._insert(tx, email, password_hash=password_hash, totp_secret=secret, actor=actor, now=now)
        return Enrolled(account, secret)

    async def open_account(
        self, tx: Tx, email: str, *, password_hash: str, visitor: Visitor, actor: Actor | None = None, now: int
    ) -> Account:
        """Make an account whose second factor is still to come; nothing that needs one can be done with it before.

        Raises `Invalid` for an address that is none and `Conflict` for one that is taken, or kept for the sandbox's demo.
        """
        actor = actor or Actor("", "", visitor.address, visitor.agent, visitor.request_id)
        return await self._insert(tx, email, password_hash=password_hash, totp_secret=None, actor=actor, now=now)

    async def _insert(
        self, tx: Tx, email: str, *, password_hash: str, totp_secret: Secret | None, actor: Actor | None, now: int
    ) -> Account:
        address = rules.email_address(email)
        if address == DEMO_EMAIL and not self._sandbox:
            raise Conflict("{email} is kept for the sandbox's demo", hint="choose another address", email=DEMO_EMAIL)
        uid = new_uid()
        while await store.is_uid_taken(tx, uid):  # nine digits: a birthday among thirty thousand accounts
            uid = new_uid()
        account = Account(new_id("acc"), uid, address, now, None, has_factor=totp_secret is not None)
        sealed = seal(self._keyring, totp_secret, place=totp_place(account.id)) if totp_secret else b""
        await store.insert_account(tx, account, Credentials(password_hash, sealed, 0))
        by = actor or Actor("")
        by = by if by.id else replace(by, id=account.id)
        version = ENROLLED if totp_secret else 1
        event = Event(Kind.ACCOUNT_CREATED, by, account.id, account.id, version, {"email": account.email})
        await self._audit.record(tx, event, now=now)
        return account

    async def account(self, tx: Tx, *, email: str = "", account_id: str = "") -> Account:
        """Return the account of this e-mail address or id; raises `NotFound`."""
        return (await self._find(tx, email=email, account_id=account_id))[0]

    async def lock(self, tx: Tx, account_id: str) -> Account:
        """Return the account, and make other writers about it wait until this transaction ends."""
        await store.lock_account(tx, account_id=account_id)
        return await self.account(tx, account_id=account_id)

    async def lock_unfrozen(self, tx: Tx, account_id: str, sub_account: str = "") -> Account:
        """Return the account as `lock` does, for what nobody may do while it or this sub-account of it is frozen.

        Raises `Conflict` where one is, `NotFound` for a sub-account that is unknown or someone else's.
        """
        account = await self.lock(tx, account_id)
        if account.frozen_at is not None:
            raise Conflict("the account is frozen", hint="lift the freeze first")
        if sub_account:
            sub = await find_sub_account(tx, account_id, name=sub_account)
            if sub is None:
                raise NotFound("there is no sub-account {name}", name=sub_account[:32])
            if sub.frozen_at is not None:
                raise Conflict("the sub-account is frozen", hint="lift the freeze first")
        return account

    async def accounts(self, tx: Tx) -> list[Account]:
        """Return every account, oldest first."""
        return await store.list_accounts(tx)

    async def page(self, tx: Tx, *, search: str = "", after: str = "", limit: int) -> list[Account]:
        """Return accounts, oldest first, from the one `after` on: those whose address, number or id begins like `search`.

        Raises `NotFound` when there is no account `after`.
        """
        last = await self.account(tx, account_id=after) if after else None
        place = (last.created_at, last.id) if last else None
        ids = await external.page_of_accounts(tx, search=search.strip().lower(), after=place, limit=limit)
        return await store.find_accounts(tx, ids)

    async def prove_second_factor(self, tx: Tx, account_id: str, code: str, *, now: int) -> FactorProof:
        """Use up a TOTP code and return the proof that it was right.

        Raises `NotProven` when it is wrong or late, or the account has no authenticator, and `CodeReused` when its time step
        was used already: by any action, in any process. Limits are `entrance`'s: this verb tries as often as it is called.
        """
        await store.lock_account(tx, account_id=account_id)  # or a code of one that is being replaced would still serve
        _, credentials = await self._find(tx, account_id=account_id)
        if not credentials.has_factor:
            raise NotProven("this account has no second factor yet", hint="sign in at the console and enrol one")
        secret = open_sealed(self._keyring, credentials.totp_sealed, place=totp_place(account_id))
        step = totp.step_of_code(secret, code, now=now)
        if step is None:
            raise NotProven(
                "that code is not right", hint="use the six digits your authenticator shows now; is its clock right?"
            )
        if not await store.consume_totp_step(tx, account_id=account_id, step=step):
            wait = (step + 1) * totp.STEP_MS - now
            seconds = max(1, -(-wait // 1000))
            raise CodeReused(
                "that code was used before",
                hint="each code serves once: wait {seconds} s for the next one",
                seconds=seconds,
            )
        return FactorProof(account_id, "totp", now)

    async def waive_for_sandbox_demo(self, tx: Tx, account_id: str, *, now: int) -> FactorProof:
        """Return a proof without a code: for the demo account of a sandbox, the one exception that K16 makes.

        Raises `NotProven` for any other account, and before a real service.
        """
        await self._demo(tx, account_id)
        return FactorProof(account_id, "sandbox-demo", now)

    async def totp_secret_of_sandbox_demo(self, tx: Tx, account_id: str) -> Secret:
        """Return the demo account's TOTP secret once more; no other account's is ever shown after enrolment."""
        credentials = await self._demo(tx, account_id)
        return open_sealed(self._keyring, credentials.totp_sealed, place=totp_place(account_id))

    async def freeze_demo(self, tx: Tx, *, now: int) -> None:
        """Freeze the demo account if there is one: its keys were made without a person, and may reach no real service."""
        if await store.find_account(tx, email=DEMO_EMAIL) is not None:
            account = await self.account(tx, email=DEMO_EMAIL)
            await self.freeze(tx, account.id, actor=SYSTEM, now=now)

    async def _demo(self, tx: Tx, account_id: str) -> Credentials:
        account, credentials = await self._find(tx, account_id=account_id)
        if not self._sandbox or account.email != DEMO_EMAIL:
            raise NotProven("only the sandbox's demo account needs no code")
        return credentials

    async def is_password(self, tx: Tx, account_id: str, candidate: Secret) -> bool:
        """Tell whether `candidate` is the account's password."""
        _, credentials = await self._find(tx, account_id=account_id)
        return await self.matches(credentials, candidate)

    async def matches(self, credentials: Credentials | None, candidate: Secret) -> bool:
        """Tell whether `candidate` is the password behind the credentials; takes as long when there are none.

        Nothing beyond the longest password is hashed. Raises `Busy` when too many wait already.
        """
        return await self._passwords.matches(
            credentials.password_hash if credentials else self._passwords.nobodys, rules.as_typed(candidate)
        )

    async def can_have(self, tx: Tx, email: str) -> bool:
        """Tell whether a new account may have this address; raises `Invalid` for one that is none."""
        address = rules.email_address(email)
        is_kept = address == DEMO_EMAIL and not self._sandbox
        return not is_kept and await store.find_account(tx, email=address) is None

    async def recognise(self, tx: Tx, email: str) -> tuple[Account, Credentials] | None:
        """Return the account of what was typed as an e-mail address, or `None`: for sign-in, which tells neither."""
        address = rules.address_or_none(email)
        return await store.find_account(tx, email=address) if address else None

    async def freeze(self, tx: Tx, account_id: str, *, actor: Actor, now: int) -> None:
        """Freeze the account: every request with any of its keys is refused from the commit on. Needs no factor (N8)."""
        await store.lock_account(tx, account_id=account_id)  # or one that is being lifted would count as done
        account, _ = await self._find(tx, account_id=account_id)
        if account.frozen_at is not None:
            return  # already so: switching off never fails
        await store.set_frozen(tx, account_id=account_id, at=now)
        await announce(tx)
        await self._audit.record(tx, Event(Kind.ACCOUNT_FROZEN, actor, account_id, account_id), now=now)

    async def unfreeze(self, tx: Tx, account_id: str, *, proof: FactorProof, actor: Actor, now: int) -> None:
        """Lift a freeze. Raises `NotProven` without a fresh proof of this account's factor, `Conflict` if not frozen."""
        await store.lock_account(tx, account_id=account_id)
        account, _ = await self._find(tx, account_id=account_id)
        if proof.account_id != account_id or not proof.is_fresh(now=now):
            raise NotProven("lifting a freeze takes the account's second factor")
        if account.frozen_at is None:
            raise Conflict("the account is not frozen")
        await store.set_frozen(tx, account_id=account_id, at=None)
        await announce(tx)
        await self._audit.record(tx, Event(Kind.ACCOUNT_UNFROZEN, actor, account_id, account_id), now=now)

    async def find(self, tx: Tx, account_id: str) -> tuple[Account, Credentials]:
        """Return the account and what it is recognised by; raises `NotFound`. For the way in only."""
        return await self._find(tx, account_id=account_id)

    async def _find(self, tx: Tx, *, email: str = "", account_id: str = "") -> tuple[Account, Credentials]:
        found = await store.find_account(tx, email=rules.email_address(email) if email else "", account_id=account_id)
        if found is None:
            raise NotFound(
                "there is no account {name}", hint="`keywright accounts list` shows them all", name=email or account_id
            )
        return found


DEMO_EMAIL = "demo@keywright.example"
"""The sandbox's demo account. RFC 2606 keeps `.example` free: no mail ever goes there."""
