"""One call: which service token makes it, from where, and, where it takes a person, for whom."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from fastapi import Request
from fastapi.security import APIKeyHeader, HTTPBearer

from keywright.api.problems import Cause, Problem
from keywright.approvals.service import Approvals
from keywright.audit.events import Actor
from keywright.audit.log import AuditLog
from keywright.gateway.address import Networks
from keywright.identity import assertions
from keywright.identity.assertions import LIFETIME_MS, AssertionRefused
from keywright.identity.entrance import Entrance
from keywright.identity.identities import Identities
from keywright.identity.login import Login
from keywright.identity.model import FactorProof
from keywright.identity.policies import Policies
from keywright.identity.service import IdentityService
from keywright.identity.token_model import Scope, ServiceToken
from keywright.identity.tokens import Tokens
from keywright.issuing.service import IssuingService
from keywright.secret import Secret
from keywright.storage.transaction import Database

ASSERTION = "X-Keywright-Assertion"
PLACE = "keywright.call"
"""Where the call stands in the ASGI scope."""

SECOND_MS = 1_000

bearer = HTTPBearer(auto_error=False, scheme_name="serviceToken", description="A service token, `kwst_…`.")
assertion = APIKeyHeader(
    name=ASSERTION,
    auto_error=False,
    scheme_name="assertion",
    description="What the exchange says of its user, signed, for this one request: see docs/management-api.md.",
)


@dataclass(frozen=True)
class Office:
    """Everything a route may use."""

    database: Database
    identity: IdentityService
    issuing: IssuingService
    entrance: Entrance
    audit: AuditLog
    tokens: Tokens
    login: Login
    identities: Identities
    approvals: Approvals
    policies: Policies
    clock: Callable[[], int]
    answers_key: Secret
    """What calls under an Idempotency-Key are known by is keyed with it."""
    networks: Networks = ()
    """The proxies whose word on the client's address counts."""
    is_https: bool = False


@dataclass(frozen=True)
class Call:
    """A call whose service token holds."""

    office: Office
    token: ServiceToken
    method: str
    target: bytes
    body: bytes = field(repr=False)
    address: str
    agent: str
    request_id: str
    now: int
    said: tuple[str, ...] = field(default=(), repr=False)
    """What was given as assertion."""

    def actor(self, proof: FactorProof | None = None) -> Actor:
        """Return who acts, for the audit log: the token; and how the person it acts for was proved."""
        factor = proof.factor if proof else ""
        return Actor(self.token.id, factor, self.address, self.agent, self.request_id)

    def require(self, scope: Scope) -> None:
        """Do nothing if the token may do this; raises `Problem`."""
        if scope not in self.token.scopes:
            raise Problem(
                Cause.SCOPE_MISSING,
                f"this service token may not do that: it takes {scope.value}",
                hint="have a token made that may",
            )

    async def person(self, account_id: str, *, sub_account: str = "", fresh: bool = True) -> FactorProof:
        """Use up the assertion that came with the call, and return what it proves of the account's owner.

        It must be for this very request, and with `fresh` tell of a second factor of the last ten minutes. Raises `Problem`
        and `AssertionRefused`.
        """
        proof = await self._proved(account_id, sub_account=sub_account)
        if fresh and not proof.is_fresh(now=self.now):
            raise _stale()
        return proof

    async def person_for(self, account_id: str, purpose: str, *, sub_account: str = "", since: int) -> FactorProof:
        """Use up an assertion that confirms one thing and nothing else: its second factor was proved within the last
        minute, and after `since`, when there was something to confirm. Raises `Problem` and `AssertionRefused`."""
        proof = await self._proved(account_id, sub_account=sub_account)
        if proof.at < max(since - SECOND_MS, self.now - LIFETIME_MS):  # `factor_at` has whole seconds
            raise _stale()
        return replace(proof, at=self.now).made_for(purpose)

    async def _proved(self, account_id: str, *, sub_account: str) -> FactorProof:
        if len(self.said) != 1:
            raise Problem(
                Cause.ASSERTION_MISSING,
                "this takes a fresh assertion of the person whose account it is",
                hint=f"sign one for this request and send it as {ASSERTION}",
            )
        login = self.office.login
        said = login.check(self.said[0], now=self.now)
        if not assertions.is_for(said, self.method, self.target, self.body):
            raise AssertionRefused(
                "assertion_of_another_request",
                "this assertion is not for this request",
                hint="method, target_sha256 and body_sha256 name the one request it serves for",
            )
        async with self.office.database.write() as tx:
            return await login.person(tx, said, account_id, sub_account=sub_account, actor=self.actor(), now=self.now)


def _stale() -> AssertionRefused:
    return AssertionRefused(
        "factor_stale",
        "the second factor was proved too long ago for this",
        hint="ask your user for it again; factor_at says when it was proved",
    )


def may(scope: Scope) -> Callable[[Request], Awaitable[Call]]:
    """Return what gives a route its call, if the token may do what the route is for."""

    async def call(request: Request) -> Call:
        found: Call = request.scope[PLACE]
        found.require(scope)
        return found

    return call
