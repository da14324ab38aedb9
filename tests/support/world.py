"""People and keys to act with: accounts that can make codes, and short ways to make keys."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Any

import pyotp

from keywright.app.services import Services
from keywright.audit.events import Actor
from keywright.identity.model import Account, FactorProof, SubAccount
from keywright.issuing.model import ApiKey, NewKey, Owner
from keywright.protocol.kucoin import KucoinDialect
from keywright.protocol.message import SignedRequest
from keywright.secret import Secret
from tests.support.clock import FakeClock

PASSWORD = Secret("seven-lamps-under-rain")


@dataclass(frozen=True)
class Person:
    """An account and its authenticator."""

    account: Account
    totp_secret: Secret

    @property
    def owner(self) -> Owner:
        return Owner(self.account.id)

    def code(self, now: int) -> str:
        """Return the code that the authenticator shows."""
        return pyotp.TOTP(self.totp_secret.reveal_text()).at(now // 1000)


@dataclass(frozen=True)
class Held:
    """A key in the hands of its bot: all three values, plain."""

    key: ApiKey
    secret: Secret
    passphrase: Secret

    @property
    def id(self) -> str:
        return self.key.id

    def sign(self, method: str, target: str, body: bytes = b"", *, now: int, version: int = 3) -> SignedRequest:
        """Return the request signed as a client would."""
        return KucoinDialect(accept_version_1=True).sign(
            method,
            target,
            body,
            key=self.id,
            secret=self.secret,
            passphrase=self.passphrase,
            now_ms=now,
            version=version,
        )


class World:
    """Short ways to make what a test needs. Every verb it calls is the product's own."""

    def __init__(self, services: Services, clock: FakeClock) -> None:
        self.services = services
        self.clock = clock

    async def person(self, email: str = "ada@example.org", password: Secret = PASSWORD) -> Person:
        """Make an account."""
        password_hash = await self.services.identity.hash_password(email, password)
        async with self.services.database.write() as tx:
            enrolled = await self.services.identity.create_account(
                tx, email, password_hash=password_hash, now=self.clock()
            )
        return Person(enrolled.account, enrolled.totp_secret)

    def given(self, **rules: Any) -> None:
        """Let the settings say this of some rules of the policy."""
        policies = self.services.policies
        policies.given = replace(policies.given, **rules)

    def actor(self, person: Person) -> Actor:
        return Actor(person.account.id, factor="totp", agent="tests")

    def proof(self, person: Person) -> FactorProof:
        """Return a fresh proof, for tests that are not about proving."""
        return FactorProof(person.account.id, "totp", self.clock())

    async def key(
        self,
        person: Person,
        *permissions: str,
        name: str = "bot",
        environment: str = "spot",
        addresses: tuple[str, ...] = (),
        sub_account: str = "",
        pending: bool = False,
    ) -> Held:
        """Make a key, read always among its permissions."""
        owner = Owner(person.account.id, sub_account)
        if sub_account:
            await self.sub_account(person, sub_account)
        typed = Secret(f"Pw-{secrets.token_hex(8)}")
        async with self.services.database.read() as tx:
            passphrase = await self.services.issuing.vet_passphrase(tx, owner, typed)
        new_key = NewKey(name, passphrase, frozenset(permissions), environment, addresses, pending=pending)
        async with self.services.database.write() as tx:
            issued = await self.services.issuing.issue(
                tx, owner, new_key, proof=self.proof(person), actor=self.actor(person), now=self.clock()
            )
        return Held(issued.key, issued.secret, typed)

    async def sub_account(self, person: Person, name: str = "trading1") -> SubAccount:
        """Return the sub-account of this name; make it if there is none."""
        subs = self.services.sub_accounts
        async with self.services.database.write() as tx:
            for known in await subs.all(tx, person.account.id):
                if known.name == name:
                    return known
            return await subs.create(
                tx, person.account.id, name, proof=self.proof(person), actor=self.actor(person), now=self.clock()
            )

    async def disable(self, person: Person, key_id: str) -> ApiKey:
        """Switch a key off."""
        async with self.services.database.write() as tx:
            return await self.services.issuing.disable(
                tx, person.owner, key_id, actor=self.actor(person), now=self.clock()
            )
