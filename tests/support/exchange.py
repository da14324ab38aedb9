"""An exchange that brings its own login: it signs what it says of its users, and calls the management API."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keywright.api.answers import LABEL
from keywright.api.app import PREFIX, ManagementApi
from keywright.api.call import ASSERTION, Office
from keywright.app.services import Services
from keywright.audit.events import Actor
from keywright.gateway.address import compile_networks
from keywright.identity.assertions import Issuer, read_keys
from keywright.identity.token_model import Scope
from keywright.secret import Secret
from tests.support.clock import FakeClock

NAME, KEY_ID, ORIGIN = "https://exchange.example", "2026-a", "http://localhost:8400"
_NUMBERS = itertools.count(1)


@dataclass
class Exchange:
    """Signs with one Ed25519 key."""

    clock: FakeClock
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def jwks(self) -> bytes:
        """The public key, as an exchange would publish it."""
        member = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(self.key.public_key()))
        return json.dumps({"keys": [member | {"kid": KEY_ID, "use": "sig", "alg": "EdDSA"}]}).encode()

    @property
    def issuer(self) -> Issuer:
        return Issuer(NAME, read_keys(self.jwks), (ORIGIN, "http://127.0.0.1:8400"))

    def claims(self, subject: str, **more: Any) -> dict[str, Any]:
        """Return what is said of a user whose second factor was proved this moment; `None` leaves a claim out."""
        now = self.clock() // 1000
        said = {"iss": NAME, "aud": ORIGIN, "iat": now, "exp": now + 60, "sub": subject, "factor_at": now}
        said |= {"jti": f"assertion-{next(_NUMBERS):08}"} | more
        return {name: value for name, value in said.items() if value is not None}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """Return the assertion."""
        return jwt.encode(claims, self.key, algorithm="EdDSA", headers={"kid": KEY_ID} | header)

    def vouch(self, subject: str, method: str, target: str, body: bytes = b"", **more: Any) -> str:
        """Return an assertion for one request."""
        about = {
            "method": method,
            "target_sha256": hashlib.sha256(target.encode()).hexdigest(),
            "body_sha256": hashlib.sha256(body).hexdigest(),
        }
        return self.sign(self.claims(subject, **(about | more)))


def with_login(services: Services, exchange: Exchange, url: str = "") -> Services:
    """Return the services of an installation that this exchange vouches at."""
    return replace(services, login=replace(services.login, issuer=exchange.issuer, url=url))


def office_of(services: Services, **more: Any) -> Office:
    """Return what the management API is made of."""
    return Office(
        database=services.database,
        identity=services.identity,
        issuing=services.issuing,
        entrance=services.entrance,
        audit=services.audit,
        tokens=services.tokens,
        login=services.login,
        identities=services.own.identities,
        approvals=services.approvals,
        policies=services.policies,
        clock=services.clock,
        answers_key=services.keyring.derive(LABEL),
        **more,
    )


async def new_token(
    services: Services, *scopes: str, addresses: tuple[str, ...] = (), expires_at: int | None = None
) -> Secret:
    """Return a service token that may do this, everything if nothing is named."""
    async with services.database.write() as tx:
        made = await services.tokens.create(
            tx,
            "the exchange's back end",
            scopes=scopes or [scope.value for scope in Scope],
            addresses=addresses,
            expires_at=expires_at,
            proof=None,
            actor=Actor("operator", agent="tests"),
            now=services.clock(),
        )
    return made.secret


@dataclass
class BackEnd:
    """The exchange's back end, with a service token."""

    services: Services
    exchange: Exchange
    token: Secret
    address: str = "203.0.113.50"
    office: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.api = ManagementApi(office_of(self.services, **self.office))

    @classmethod
    async def with_token(cls, services: Services, clock: FakeClock, *scopes: str) -> BackEnd:
        """Return a back end whose token may do this, everything if nothing is named."""
        exchange = Exchange(clock)
        services = with_login(services, exchange)
        return cls(services, exchange, await new_token(services, *scopes))

    async def send(
        self,
        method: str,
        path: str,
        sent: Any = None,
        *,
        user: str = "",
        assertion: str | None = None,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        **claims: Any,
    ) -> httpx2.Response:
        """Call; with `user` an assertion of that person goes along, with these claims."""
        body = content if content is not None else b"" if sent is None else json.dumps(sent).encode()
        named = {"authorization": f"Bearer {self.token.reveal_text()}", "user-agent": "exchange/1"}
        if body:
            named["content-type"] = "application/json"
        if user:
            assertion = self.exchange.vouch(user, method, PREFIX + path, body, **claims)
        if assertion is not None:
            named[ASSERTION] = assertion
        named |= headers or {}
        transport = httpx2.ASGITransport(app=self.api, client=(self.address, 40_000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:8400") as client:
            answer = await client.request(method, PREFIX + path, content=body, headers=named)
        assert answer.headers["cache-control"] == "no-store"
        assert "set-cookie" not in answer.headers
        return answer

    async def refused(self, reason: str, method: str, path: str, sent: Any = None, **more: Any) -> dict[str, Any]:
        """Call, and check that it is refused for this reason, as a problem."""
        answer = await self.send(method, path, sent, **more)
        said: dict[str, Any] = answer.json()
        assert said.get("reason") == reason, said
        assert answer.headers["content-type"] == "application/problem+json"
        assert said["status"] == answer.status_code
        assert said["type"] == f"urn:keywright:problem:{reason}"
        assert said["request_id"] == answer.headers["x-request-id"]
        return said

    async def account(self, external_id: str = "user-1") -> str:
        """Make an account for a user; return its id."""
        made = await self.send("POST", "/accounts", {"external_id": external_id})
        assert made.status_code == 201, made.text
        found: str = made.json()["id"]
        return found

    async def key(self, account_id: str, user: str = "user-1", **wanted: Any) -> dict[str, Any]:
        """Make a key and acknowledge it; return what was answered."""
        wish = {"name": "bot", "passphrase": "Tide-wharf-29-Q", **wanted}
        made = await self.send("POST", f"/accounts/{account_id}/keys", wish, user=user)
        assert made.status_code == 201, made.text
        found: dict[str, Any] = made.json()
        done = await self.send("POST", f"/accounts/{account_id}/keys/{found['key']['id']}/acknowledge", user=user)
        assert done.status_code == 200, done.text
        return found


TRUSTED = compile_networks(("203.0.113.50/32",))
"""Networks of a proxy at the back end's own address."""
