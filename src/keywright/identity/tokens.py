"""Service tokens: what programs of the operator's show at the management API. Scoped, addressed, dated and audited.

A token reads `kwst_`, 64 hex digits of 256 random bits, and a checksum of 8: so that a leak can be found by a pattern,
and a mistyped one is refused without a look at the database. Only a keyed digest is kept.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import re
import secrets
import unicodedata
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from keywright.audit.events import Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Invalid, NotFound, NotProven
from keywright.identity.model import FactorProof
from keywright.identity.store import tokens as store
from keywright.identity.token_model import Scope, ServiceToken
from keywright.ids import new_id
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.storage.transaction import Tx

LABEL = "service-token/v1"
"""The label under which the keyring derives the key of the digests and of the rows' MACs."""

PREFIX = "kwst_"
FORM = re.compile(rb"kwst_([0-9a-f]{64})([0-9a-f]{8})")
NAME_MAX = 64
LONGEST_DAYS = 3_650
TOUCH_MS = 60_000
"""A token's last use is written when it is at least this much newer, or from another address: exact to a minute."""


class TokenRefused(NotProven):
    """A service token that opens nothing. `reason` is stable: `token_unknown`, `token_disabled`, `token_expired`,
    `address_not_allowed`. All but the first are told only to who holds the token."""

    def __init__(self, reason: str, message: str, *, hint: str = "", token: ServiceToken | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason
        self.token = token
        """Which one it was, where that is known."""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made, and what opens with it: shown once."""

    token: ServiceToken
    secret: Secret


class Tokens:
    """Makes and recognises service tokens."""

    def __init__(self, *, keyring: Keyring, audit: AuditLog) -> None:
        self._audit = audit
        self._key = keyring.derive(LABEL).reveal()

    async def create(
        self,
        tx: Tx,
        name: str,
        *,
        scopes: Iterable[str],
        addresses: tuple[str, ...],
        expires_at: int | None,
        proof: FactorProof | None,
        actor: Actor,
        now: int,
    ) -> NewToken:
        """Make a token; what opens with it is in the answer and nowhere else: show it once, after the commit.

        `addresses` are canonical CIDR blocks. `proof` is the operator's; the operator's command line has none to give.
        Raises `Invalid`, and `NotProven` for an account that has not just proved its second factor.
        """
        if actor.id != LOCAL and (proof is None or proof.account_id != actor.id or not proof.is_fresh(now=now)):
            raise NotProven("to make a service token takes your second factor", hint="give a fresh code")
        if expires_at is not None and expires_at <= now:
            raise Invalid("a token expires later than now", field="expires")
        secret = new_secret()
        token = ServiceToken(
            id=new_id("tok"),
            name=checked_name(name),
            scopes=checked_scopes(scopes),
            addresses=addresses,
            created_at=now,
            created_by=actor.id,
            expires_at=expires_at,
            disabled_at=None,
        )
        digest = self._digest(secret)
        await store.insert_token(tx, token, digest=digest, mac=self._mac(token, digest))
        detail = {
            "name": token.name,
            "scopes": sorted(token.scopes),
            "addresses": list(token.addresses),
            "expires_at": token.expires_at,
        }
        await self._audit.record(tx, Event(Kind.TOKEN_CREATED, actor, "", token.id, 0, detail), now=now)
        return NewToken(token, secret)

    async def every(self, tx: Tx) -> list[ServiceToken]:
        """Return every token, newest first. One whose record was altered is shown as it stands, and opens nothing."""
        return [
            replace(token, holds=hmac.compare_digest(mac, self._mac(token, digest)))
            for token, digest, mac in await store.list_tokens(tx)
        ]

    async def disable(self, tx: Tx, token_id: str, *, actor: Actor, now: int) -> ServiceToken:
        """Switch a token off for good: every call that begins after the commit is refused. Never fails twice.

        Raises `NotFound`.
        """
        found = await store.token_of(tx, token_id)
        if found is None:
            raise NotFound("there is no service token {token}", token=token_id[:64])
        token, digest, _ = found
        if token.disabled_at is not None and await self._audit.knows(tx, token.id, Kind.TOKEN_DISABLED):
            return token
        off = replace(token, disabled_at=now)
        await store.disable_token(tx, token.id, now=now, mac=self._mac(off, digest))
        detail = {"name": token.name}
        await self._audit.record(tx, Event(Kind.TOKEN_DISABLED, actor, "", token.id, 0, detail), now=now)
        return off

    async def recognise(self, tx: Tx, secret: Secret, *, address: str, now: int) -> ServiceToken:
        """Return the token that opens with `secret`, from this address, now.

        Raises `TokenRefused`. A row that is not as we wrote it, or that the audit log knows as disabled, opens nothing.
        """
        found = await store.find_token(tx, digest=self._digest(secret)) if is_well_formed(secret) else None
        if found is None:
            raise _unknown()
        token, digest, mac = found
        if not hmac.compare_digest(mac, self._mac(token, digest)):
            raise _unknown()
        if token.disabled_at is not None or await self._audit.knows(tx, token.id, Kind.TOKEN_DISABLED):
            raise TokenRefused("token_disabled", "this service token is disabled", hint="have a new one made")
        if token.status_at(now) != "active":
            raise TokenRefused("token_expired", "this service token's time is up", hint="have a new one made")
        if not lies_in(address, token.addresses):
            raise TokenRefused(
                "address_not_allowed",
                "this service token may not be used from this address",
                hint="use it where it belongs, or have one made for this address",
                token=token,
            )
        return token

    async def note_foreign(self, tx: Tx, token: ServiceToken, *, actor: Actor, now: int) -> None:
        """Record that a token was shown from an address it is not bound to: someone else may have it."""
        await self._audit.record(tx, Event(Kind.TOKEN_REFUSED, actor, "", token.id, 0, {"name": token.name}), now=now)

    async def touch(self, tx: Tx, token: ServiceToken, *, address: str, now: int) -> None:
        """Note that the token was used."""
        await store.touch_token(tx, token.id, address=address, now=now)

    def _digest(self, secret: Secret) -> bytes:
        return hmac.digest(self._key, b"digest\0" + secret.reveal(), "sha256")

    def _mac(self, token: ServiceToken, digest: bytes) -> bytes:
        covered = [
            digest.hex(),
            token.id,
            token.name,
            sorted(token.scopes),
            list(token.addresses),
            token.created_at,
            token.created_by,
            token.expires_at,
            token.disabled_at,
        ]
        return hmac.digest(self._key, b"row\0" + json.dumps(covered).encode(), "sha256")


LOCAL = "operator"
"""Who acts at the operator's own command line, as the audit log calls it."""


def needs_touch(token: ServiceToken, *, address: str, now: int) -> bool:
    """Tell whether this use is worth writing down."""
    return token.last_used_from != address or now - (token.last_used_at or 0) >= TOUCH_MS


def new_secret() -> Secret:
    """Return what opens with a new token."""
    bits = secrets.token_hex(32)
    return Secret(f"{PREFIX}{bits}{_checksum(bits.encode())}")


def is_well_formed(secret: Secret) -> bool:
    """Tell whether this could be a token of ours at all, by its form and checksum."""
    found = FORM.fullmatch(secret.reveal())
    return found is not None and hmac.compare_digest(_checksum(found[1]).encode(), found[2])


def _checksum(bits: bytes) -> str:
    return f"{zlib.crc32(PREFIX.encode() + bits):08x}"


def checked_name(text: str) -> str:
    """Return the name if a token may be called that; raises `Invalid`."""
    name = text.strip()
    if not 1 <= len(name) <= NAME_MAX or any(unicodedata.category(one)[0] == "C" for one in name):
        raise Invalid("a token's name has {least} to {most} visible characters", field="name", least=1, most=NAME_MAX)
    return name


def checked_scopes(words: Iterable[str]) -> frozenset[Scope]:
    """Return the scopes; raises `Invalid` for one that does not exist, and for none at all."""
    known = {scope.value for scope in Scope}
    found = frozenset(words)
    for word in sorted(found - known):
        raise Invalid(
            "there is no scope {word}",
            hint="choose from {known}",
            field="scopes",
            word=repr(word[:32]),
            known=", ".join(sorted(known)),
        )
    if not found:
        raise Invalid("a token without a scope may do nothing", hint="give it at least one", field="scopes")
    return frozenset(Scope(word) for word in found)


def lies_in(address: str, blocks: tuple[str, ...]) -> bool:
    """Tell whether an address lies in one of the blocks; without blocks every one does. An unknown one never does."""
    if not blocks:
        return True
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    return any(parsed in network for network in map(ipaddress.ip_network, blocks) if network.version == parsed.version)


def _unknown() -> TokenRefused:
    return TokenRefused("token_unknown", "that is no service token of this installation", hint="is it whole?")
