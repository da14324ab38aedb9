"""The keyring: data keys by version, newest seals, all open; and the keys derived from it, one label per purpose.

A keyring is immutable: adding a version returns a new one. Derived keys (HKDF-SHA256, RFC 5869) come from the oldest
version, so that MACs and digests stay valid when a newer version begins to seal.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keywright.errors import Invalid, Unopenable
from keywright.secret import Secret

KEY_BYTES = 32
NONCE_BYTES = 12


@dataclass(frozen=True)
class Keyring:
    """Data keys of one database, by version (1, 2 …)."""

    database_id: str
    keys: Mapping[int, Secret] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.keys:
            raise Invalid("a keyring needs at least one key")
        object.__setattr__(self, "keys", MappingProxyType(dict(self.keys)))

    @property
    def newest(self) -> int:
        """The version that seals."""
        return max(self.keys)

    def with_new_version(self) -> Keyring:
        """Return a keyring with one more version, which seals from then on."""
        return Keyring(self.database_id, {**self.keys, self.newest + 1: new_data_key()})

    def key(self, version: int) -> Secret:
        """Return the data key of `version`; raises `Unopenable` when the ring has none such."""
        try:
            return self.keys[version]
        except KeyError:
            raise Unopenable(f"sealed under version {version} of the keyring, which is not on the ring") from None

    def derive(self, label: str) -> Secret:
        """Return the 32-byte key for one purpose, for instance `audit/v1`; different labels share nothing."""
        return Secret(
            HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=f"keywright {label}".encode()).derive(self._root)
        )

    @cached_property
    def _root(self) -> bytes:
        return self.keys[min(self.keys)].reveal()


def new_data_key() -> Secret:
    """Return a fresh data key."""
    return Secret(AESGCM.generate_key(bit_length=KEY_BYTES * 8))


def wrap(data_key: Secret, *, wrapping_key: Secret, database_id: str, version: int) -> bytes:
    """Return `data_key` sealed under the wrapping key, bound to its database and version."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(wrapping_key.reveal()).encrypt(nonce, data_key.reveal(), _wrap_context(database_id, version))


def unwrap(wrapped: bytes, *, wrapping_key: Secret, database_id: str, version: int) -> Secret:
    """Return the data key inside `wrapped`; raises `Unopenable` when this wrapping key did not make it."""
    nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
    try:
        return Secret(AESGCM(wrapping_key.reveal()).decrypt(nonce, sealed, _wrap_context(database_id, version)))
    except (InvalidTag, ValueError):
        raise Unopenable("the wrapping key does not open this database's keyring") from None


def _wrap_context(database_id: str, version: int) -> bytes:
    return f"keywright keyring\0{database_id}\0{version}".encode()
