"""Seals a secret to the one row it belongs to: AES-256-GCM, with the row's place as associated data.

Layout: `0x01 | keyring version, 4 bytes big-endian | nonce, 12 bytes | ciphertext and tag`. Moved to another row, table,
account, environment or version, it does not open. Opening is a visible call, and few modules may make it.
"""

from __future__ import annotations

import os
from dataclasses import astuple, dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keywright.errors import Unopenable
from keywright.sealing.keyring import NONCE_BYTES, Keyring
from keywright.secret import Secret

FORMAT = b"\x01"
HEADER_BYTES = 5


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sealed value lives: it opens there and nowhere else."""

    table: str
    row: str
    account: str
    environment: str = ""
    version: int = 1

    def to_bytes(self) -> bytes:
        """Return the associated data: each part with its length, so that no two places share their bytes."""
        parts = [str(part).encode() for part in astuple(self)]
        return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def seal(keyring: Keyring, secret: Secret, *, place: Place) -> bytes:
    """Return `secret` sealed to `place` under the ring's newest key."""
    header = FORMAT + keyring.newest.to_bytes(4, "big")
    nonce = os.urandom(NONCE_BYTES)
    key = AESGCM(keyring.key(keyring.newest).reveal())
    return header + nonce + key.encrypt(nonce, secret.reveal(), header + place.to_bytes())


def open_sealed(keyring: Keyring, sealed: bytes, *, place: Place) -> Secret:
    """Return the secret inside `sealed`.

    Raises `Unopenable` when it was sealed elsewhere, by another keyring, or was altered: which of them can't be told.
    """
    header, nonce = sealed[:HEADER_BYTES], sealed[HEADER_BYTES : HEADER_BYTES + NONCE_BYTES]
    if len(sealed) <= HEADER_BYTES + NONCE_BYTES or not header.startswith(FORMAT):
        raise Unopenable("not a sealed value of a format this version knows")
    key = AESGCM(keyring.key(int.from_bytes(header[1:], "big")).reveal())
    try:
        return Secret(key.decrypt(nonce, sealed[HEADER_BYTES + NONCE_BYTES :], header + place.to_bytes()))
    except InvalidTag:
        raise Unopenable(
            "a sealed value does not open here: it was moved, altered, or sealed by another keyring"
        ) from None
