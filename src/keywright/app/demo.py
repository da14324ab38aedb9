"""The sandbox's demo account and its keys: the one place where a key is made without a person (K16's exception).

Nothing of the demo is kept in the clear. Its password is derived from the keyring, so that it can be told again; its API
keys' values can't, so telling them again means a new key.
"""

from __future__ import annotations

import base64
import secrets
import string
from dataclasses import dataclass, field

from keywright.app.services import Services
from keywright.audit.events import Actor
from keywright.errors import NotFound
from keywright.identity.model import Account
from keywright.identity.service import DEMO_EMAIL
from keywright.identity.totp import code_at
from keywright.issuing.model import ApiKey, Environment, NewKey, Owner, Passphrase, Permission, Status
from keywright.secret import Secret


@dataclass(frozen=True, slots=True)
class Demo:
    """Everything needed to sign in and to trade on the sandbox."""

    email: str
    password: Secret
    totp_secret: Secret
    code: str
    """What an authenticator with that secret shows now."""
    api_key: str
    api_secret: Secret
    api_passphrase: Secret
    replaced: tuple[str, ...] = field(default=())
    """Ids of older demo keys that had to make room."""


async def demo(services: Services) -> Demo:
    """Return the demo account's values with a new API key (spot; read and trade); the account is made if need be.

    Older demo keys go on working, until their place is needed: then the one unused for longest is deleted.
    """
    password = _password(services)
    account = await _account(services, password)
    owner = Owner(account.id)
    passphrase = await _passphrase(services, owner)
    now = services.clock()
    actor = Actor(account.id, factor="sandbox-demo", agent="keywright demo")
    new_key = NewKey(
        name="Demo",
        memo="made by keywright demo",
        passphrase=passphrase,
        permissions=frozenset({Permission.READ, Permission.TRADE}),
        environment=Environment.SPOT,
    )
    replaced: list[str] = []
    async with services.database.write() as tx:
        proof = await services.identity.waive_for_sandbox_demo(tx, account.id, now=now)
        keys = await services.issuing.keys(tx, owner)
        most = (await services.policies.current(tx)).keys_per_account
        for stale in _stalest_first(keys)[: max(0, len(keys) + 1 - most)]:
            await services.issuing.disable(tx, owner, stale.id, actor=actor, now=now)
            await services.issuing.delete(tx, owner, stale.id, proof=proof, actor=actor, now=now)
            replaced.append(stale.id)
        issued = await services.issuing.issue(tx, owner, new_key, proof=proof, actor=actor, now=now)
        totp_secret = await services.identity.totp_secret_of_sandbox_demo(tx, account.id)
    return Demo(
        account.email,
        password,
        totp_secret,
        code_at(totp_secret, now=now),
        issued.key.id,
        issued.secret,
        passphrase.value,
        tuple(replaced),
    )


async def _account(services: Services, password: Secret) -> Account:
    async with services.database.read() as tx:
        try:
            return await services.identity.account(tx, email=DEMO_EMAIL)
        except NotFound:
            pass
    password_hash = await services.identity.hash_password(DEMO_EMAIL, password)
    async with services.database.write() as tx:
        enrolled = await services.identity.create_account(
            tx,
            DEMO_EMAIL,
            password_hash=password_hash,
            actor=Actor("system", agent="keywright demo"),
            now=services.clock(),
        )
    return enrolled.account


def _stalest_first(keys: list[ApiKey]) -> list[ApiKey]:
    return sorted(keys, key=lambda key: (key.grant.status is Status.ACTIVE, key.last_used_at or 0, key.created_at))


def _password(services: Services) -> Secret:
    derived = services.keyring.derive("demo-password/v1").reveal()
    return Secret(base64.b32encode(derived[:15]).decode().lower())  # 120 bits, easy to type


async def _passphrase(services: Services, owner: Owner) -> Passphrase:
    alphabet = string.ascii_letters + string.digits
    candidate = Secret("".join(secrets.choice(alphabet) for _ in range(20)) + "-Kw1")
    async with services.database.read() as tx:
        return await services.issuing.vet_passphrase(tx, owner, candidate)
