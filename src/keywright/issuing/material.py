"""What a key is made of: an id, a secret, and the digest by which its passphrase is recognised."""

from __future__ import annotations

import hmac

from keywright import ids
from keywright.protocol.kucoin import KucoinDialect
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret


def new_key() -> tuple[str, Secret]:
    """Return a fresh key id and secret, both from the operating system's random source."""
    return ids.new_key_id(), Secret(ids.new_api_secret())


def digest_of(keyring: Keyring, secret: Secret, passphrase: Secret) -> bytes:
    """Return what is kept of a passphrase: a keyed hash of the header value it makes. Nothing to leak, fast to check."""
    return KucoinDialect.passphrase_digest(pepper(keyring), KucoinDialect.passphrase_header(secret, passphrase))


def pepper(keyring: Keyring) -> Secret:
    """Return the key under which passphrases are recognised."""
    return keyring.derive("passphrase/v1")


def same_digest(one: bytes, other: bytes) -> bool:
    """Compare two digests in constant time."""
    return hmac.compare_digest(one, other)
