"""What an exchange that brings its own login says of its user: a JWT (RFC 7519), signed, for at most 60 seconds. Pure.

Which algorithm may sign is a property of the key, never of the token (RFC 8725 section 3.1), no header names a key or
where to find one, and the time is handed in.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from keywright.errors import Invalid, NotProven

LONGEST = 8_192
LIFETIME_MS = 60_000
AHEAD_MS = 5_000
"""How far the exchange's clock may be ahead of ours."""

HEADER = {"alg", "kid", "typ"}
"""What a header may hold: no `jku`, `jwk` or `x5u`, which would let the sender choose the key, and no `crit`."""

ALGORITHMS = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
"""What signs with a key, by its type and curve."""

LEAST_RSA_BITS = 2_048
JTI = re.compile(r"[\x21-\x7e]{16,128}")
NAME = re.compile(r"[\x21-\x7e]{1,128}")
"""An exchange's name for its user: printable ASCII without spaces, so that no two look alike."""

IDENTITIES = frozenset({"none", "submitted", "approved", "refused"})


class AssertionRefused(NotProven):
    """An assertion that proves nothing. `reason` is stable: `assertion_invalid`, `assertion_used`,
    `assertion_of_another`, `assertion_of_another_request`, `factor_stale`, `login_not_set_up`."""

    def __init__(self, reason: str, message: str, *, hint: str = "", **values: object) -> None:
        super().__init__(message, hint=hint, **values)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Key:
    """A public key and the one algorithm that signs with it."""

    algorithm: str
    key: jwt.PyJWK


@dataclass(frozen=True, slots=True)
class Issuer:
    """An exchange that brings its own login: its name, its keys by id, and who its assertions must be meant for."""

    name: str
    keys: Mapping[str, Key]
    audiences: tuple[str, ...]
    """Our own origins."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """What was said, by who may say it. That it was not used before is the verb's to find out."""

    subject: str
    """The exchange's name for its user."""
    jti: str
    expires_at: int
    factor_at: int | None
    """When the user's second factor was proved at the exchange, in milliseconds; `None`: it says nothing of one."""
    sub_account: str = ""
    email: str = ""
    identity: str = ""
    """`none`, `submitted`, `approved` or `refused`; empty: it says nothing of it."""
    has_whitelist: bool | None = None
    """Whether withdrawals go to listed addresses only; `None`: it says nothing of it."""
    nonce: str = ""
    request: tuple[str, str, str] = ("", "", "")
    """Method, and the SHA-256 of target and body, of the one request it is for; empty for one that is for none."""


def read_keys(text: bytes) -> Mapping[str, Key]:
    """Return the keys of a JSON Web Key Set (RFC 7517) by their ids; raises `Invalid` unless all may be used.

    Asymmetric public keys only: a shared secret would let whoever checks sign too.
    """
    try:
        found = json.loads(text)
        members = found["keys"]
        if not isinstance(members, list) or not members:
            raise Invalid("the key set holds no key")
        keys = [_key(member) for member in members]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Invalid("that is no JSON Web Key Set", hint='it looks like {"keys": [{"kty": "OKP", …}]}') from None
    if len(dict(keys)) != len(keys):
        raise Invalid("two keys of the key set have the same kid", hint="give each a kid of its own")
    return dict(keys)


def _key(member: Mapping[str, Any]) -> tuple[str, Key]:
    algorithm = ALGORITHMS.get((member["kty"], member.get("crv")))
    if algorithm is None or member.get("alg", algorithm) != algorithm or member.get("use", "sig") != "sig":
        raise Invalid(
            "a key of the key set can't be used", hint="RSA for RS256, P-256 for ES256 or Ed25519 for EdDSA, to sign"
        )
    if "d" in member:
        raise Invalid("the key set holds a private key", hint="give its public half, and make a new pair")
    try:
        key = jwt.PyJWK(dict(member), algorithm=algorithm)
    except (jwt.PyJWTError, ValueError):
        raise Invalid("a key of the key set can't be read") from None
    if isinstance(key.key, RSAPublicKey) and key.key.key_size < LEAST_RSA_BITS:
        raise Invalid("an RSA key of the key set is too short", hint="use {bits} bits or more", bits=LEAST_RSA_BITS)
    return str(member.get("kid", "")), Key(algorithm, key)


def check(token: str, issuer: Issuer, *, now: int) -> Assertion:
    """Return what the token says, if the issuer signed it, for us, a moment ago. Raises `AssertionRefused`."""
    if len(token) > LONGEST:
        raise _invalid("this assertion is too long")
    claims = _signed(token, issuer)
    if claims.get("iss") != issuer.name or claims.get("aud") not in issuer.audiences:
        raise _invalid(
            "this assertion is from someone else, or for someone else", hint="iss is yours, aud our official address"
        )
    issued_at, expires_at = _moment(claims, "iat"), _moment(claims, "exp")
    if issued_at > now + AHEAD_MS or expires_at <= now or not 0 < expires_at - issued_at <= LIFETIME_MS:
        raise _invalid(
            "this assertion's time is up, or was never right", hint="it lives at most 60 s; run NTP on both sides"
        )
    factor_at = _moment(claims, "factor_at") if "factor_at" in claims else None
    if factor_at is not None and factor_at > now + AHEAD_MS:
        raise _invalid("this assertion's second factor lies in the future")
    if not JTI.fullmatch(_text(claims, "jti")) or not NAME.fullmatch(_text(claims, "sub")):
        raise _invalid(
            "this assertion's jti or sub is missing", hint="jti: 16 characters or more, new each time; sub: your user"
        )
    whitelist, identity = claims.get("whitelist"), _text(claims, "identity")
    if whitelist not in (None, "on", "off") or (identity and identity not in IDENTITIES):
        raise _invalid("this assertion's identity or whitelist says what is not known here")
    return Assertion(
        subject=_text(claims, "sub"),
        jti=_text(claims, "jti"),
        expires_at=expires_at,
        factor_at=None if factor_at is None else min(factor_at, now),
        sub_account=_text(claims, "sub_account"),
        email=_text(claims, "email"),
        identity=identity,
        has_whitelist=None if whitelist is None else whitelist == "on",
        nonce=_text(claims, "nonce"),
        request=(_text(claims, "method"), _text(claims, "target_sha256"), _text(claims, "body_sha256")),
    )


def is_for(assertion: Assertion, method: str, target: bytes, body: bytes) -> bool:
    """Tell whether the assertion is for this one request."""
    wanted = (method, hashlib.sha256(target).hexdigest(), hashlib.sha256(body).hexdigest())
    return hmac.compare_digest("\0".join(assertion.request).encode(), "\0".join(wanted).encode())


def _signed(token: str, issuer: Issuer) -> dict[str, Any]:
    """Return the claims of a token that one of the issuer's keys signed, as that key signs."""
    try:
        header = jwt.get_unverified_header(token)
        kid = header.get("kid", "")
        key = issuer.keys.get(kid) if isinstance(kid, str) else None
        if key is None or not header.keys() <= HEADER or header.get("alg") != key.algorithm:
            raise _invalid(
                "this assertion is not signed with a key known here", hint="name it by kid; no header but alg, kid, typ"
            )
        options: Any = {"verify_signature": True} | dict.fromkeys(
            ("verify_exp", "verify_nbf", "verify_iat", "verify_aud", "verify_iss", "verify_sub", "verify_jti"), False
        )
        return jwt.decode(token, key.key, algorithms=[key.algorithm], options=options)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        raise _invalid("this assertion's signature does not hold") from None


def _moment(claims: Mapping[str, Any], name: str) -> int:
    """Return a NumericDate in milliseconds; whole seconds only, far from where arithmetic would suffer."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 33:
        raise _invalid(
            "one of this assertion's times is missing or no whole number of seconds", hint="iat, exp, factor_at"
        )
    return value * 1_000


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name, "")
    if not isinstance(value, str) or len(value) > 320 or not value.isprintable():
        raise _invalid("one of this assertion's claims is no text")
    return value


def _invalid(message: str, *, hint: str = "") -> AssertionRefused:
    return AssertionRefused("assertion_invalid", message, hint=hint)
