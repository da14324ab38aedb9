"""What signs and what verifies on Binance's wire: HMAC-SHA256, Ed25519, RSA. The key decides which, never the request.

`cryptography` is imported when the first Ed25519 or RSA key is loaded: HMAC needs none of it.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from keywright.errors import Invalid
from keywright.protocol.prepared import mac_key
from keywright.secret import Secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

Sign = Callable[[bytes], bytes]
"""A payload → its signature as it stands in the request, percent-encoded where it must be."""

LONGEST_SIGNATURE = 3 * 684
"""RSA of 4096 bits in base64, every character percent-encoded."""

_HEX = re.compile(rb"[0-9A-Fa-f]{64}")
_RSA_BITS = (2048, 3072, 4096)


def with_secret(secret: Secret) -> Sign:
    """Return what signs with an HMAC secret. Raises `Invalid` for an empty one: anyone could sign with it."""
    if not secret:
        raise Invalid("the secret is empty", field="secret")
    return mac_key(secret).hex


def with_private_key(private_key: Secret) -> Sign:
    """Return what signs with an Ed25519 or RSA private key, PKCS#8 in PEM, not encrypted.

    Raises `Invalid`, never showing the key, for anything else.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        key = load_pem_private_key(private_key.reveal(), password=None)
    except Exception:  # noqa: BLE001 - of several kinds; and their texts could quote what they were given
        raise Invalid("this is no private key in PEM (PKCS#8, not encrypted)", field="private_key") from None
    if isinstance(key, Ed25519PrivateKey):
        return lambda payload: _spelled(key.sign(payload))
    if isinstance(key, RSAPrivateKey):
        _check_size(key.key_size, "private_key")
        padding, digest = _rsa_scheme()
        return lambda payload: _spelled(key.sign(payload, padding, digest))
    raise Invalid("Binance takes Ed25519 and RSA keys", field="private_key")


def holds_for_secret(secret: Secret, payload: bytes, signature: bytes) -> bool:
    """Tell whether a canonical signature is the HMAC of the payload, in time that does not depend on where they differ."""
    expected = hmac.digest(secret.reveal(), payload, "sha256").hex().encode()
    # With an empty secret anyone could have signed.
    return hmac.compare_digest(expected, signature) & bool(secret)


def holds_for_public_key(public_key: bytes, payload: bytes, signature: bytes) -> bool:
    """Tell whether a canonical signature was made over the payload with the private part of `public_key`, a PEM.

    Raises `Invalid` where that is no Ed25519 or RSA key.
    """
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    key = _loaded(public_key)
    raw = b"" if _HEX.fullmatch(signature) else b64decode(signature)
    try:
        if isinstance(key, Ed25519PublicKey):
            key.verify(raw, payload)
        else:
            key.verify(raw, payload, *_rsa_scheme())
    except InvalidSignature:
        return False
    return True


def public_of(key: Secret) -> bytes:
    """Return the public key, in PEM, of an Ed25519 or RSA key in PEM: its private part, or already the public one.

    Raises `Invalid`, never showing the key, for anything else.
    """
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        PublicFormat,
        load_pem_private_key,
    )

    pem = key.reveal()
    if b"PRIVATE KEY-----" in pem:
        with_private_key(key)  # for its checks
        public = load_pem_private_key(pem, password=None).public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _loaded(pem)
    return pem


def canonical_signature(value: bytes) -> bytes:
    """Return the one spelling of a signature as it was sent, or nothing where it can't be one.

    HMAC is hex in either case, here in lower case; the others are base64, percent-encoded when sent, here decoded. So no
    second spelling passes for a second request.
    """
    if _HEX.fullmatch(value):
        return value.lower()
    # A bare `+` is a space in a form: whoever sends it forgot to encode.
    if not value or len(value) > LONGEST_SIGNATURE or b"+" in value:
        return b""
    text = unquote_to_bytes(value)
    try:
        raw = b64decode(text, validate=True)
    except ValueError:
        return b""
    return text if b64encode(raw) == text else b""


def _spelled(raw: bytes) -> bytes:
    return quote_from_bytes(b64encode(raw), safe="").encode()


@lru_cache(maxsize=1024)
def _loaded(public_key: bytes) -> Ed25519PublicKey | RSAPublicKey:
    """Return a key, parsed once: parsing takes longer than verifying. Public, so it may be remembered."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        key = load_pem_public_key(public_key)
    except Exception:  # noqa: BLE001 - of several kinds
        raise Invalid("this is no public key in PEM", field="public_key") from None
    if isinstance(key, RSAPublicKey):
        _check_size(key.key_size, "public_key")
        return key
    if isinstance(key, Ed25519PublicKey):
        return key
    raise Invalid("Binance takes Ed25519 and RSA keys", field="public_key")


def _rsa_scheme() -> tuple[Any, Any]:
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415

    return PKCS1v15(), SHA256()


def _check_size(bits: int, field: str) -> None:
    if bits not in _RSA_BITS:
        raise Invalid(f"RSA keys have 2048 to 4096 bits here, this one {bits}", field=field)
