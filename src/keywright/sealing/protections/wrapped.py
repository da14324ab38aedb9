"""The wrapping key inside a protection: AES-256-GCM under the way's outer key, bound to the protection's own row.

Layout: `0x01 | nonce, 12 bytes | ciphertext and tag`. With another database, id, kind or parameters it does not open: a
weaker cost or another place to look can't be slipped under it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keywright.errors import Unopenable
from keywright.sealing.keyring import KEY_BYTES, NONCE_BYTES
from keywright.secret import Secret

FORMAT = b"\x01"
PASSPHRASE, AGE = "passphrase", "age"
ATTENDED = frozenset({PASSPHRASE, AGE})
"""The kinds that take a person; every other finds its outer key by itself."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a way that asks nobody may look."""

    database_id: str
    key_file: Path
    """Where a vault's key file lies, unless its protection names another."""
    environ: Mapping[str, str]


class NewProtection(Protocol):
    """What is asked for: a kind, and how its outer key is made."""

    @property
    def kind(self) -> str:
        """Return the kind's name."""

    def make(self, surroundings: Surroundings, *, protection_id: str) -> tuple[dict[str, object], Secret]:
        """Return the parameters to keep, and the outer key, which is kept only where the way keeps it."""


@dataclass(frozen=True, slots=True)
class Protection:
    """One way, as it is kept."""

    id: str
    kind: str
    parameters: str
    """JSON, byte for byte as it was wrapped."""
    wrapped: bytes
    created_at: int

    @property
    def asks(self) -> bool:
        """Tell whether it takes a person."""
        return self.kind in ATTENDED

    def read(self) -> Mapping[str, Any]:
        """Return the parameters. Raises `Unopenable` where they are none."""
        try:
            found = json.loads(self.parameters)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise Unopenable("the parameters of a protection can't be read")
        return found


def wrap_in(
    wrapping_key: Secret,
    *,
    outer: Secret,
    database_id: str,
    id_: str,
    kind: str,
    parameters: Mapping[str, object],
    now: int,
) -> Protection:
    """Return a protection that gives `wrapping_key` to whoever brings `outer`."""
    text = json.dumps(parameters, sort_keys=True, separators=(",", ":"))
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(outer.reveal()).encrypt(nonce, wrapping_key.reveal(), _context(database_id, id_, kind, text))
    return Protection(id_, kind, text, FORMAT + nonce + sealed, now)


def unwrap_from(protection: Protection, *, outer: Secret, database_id: str) -> Secret:
    """Return the wrapping key inside a protection.

    Raises `Unopenable` when this is not its outer key, or any part of it was altered: which of them can't be told.
    """
    head, sealed = protection.wrapped[: 1 + NONCE_BYTES], protection.wrapped[1 + NONCE_BYTES :]
    context = _context(database_id, protection.id, protection.kind, protection.parameters)
    try:
        if not head.startswith(FORMAT) or len(outer.reveal()) != KEY_BYTES:
            raise ValueError
        return Secret(AESGCM(outer.reveal()).decrypt(head[1:], sealed, context))
    except (InvalidTag, ValueError):
        raise Unopenable("this does not open the vault") from None


def _context(*parts: str) -> bytes:
    """Return the associated data: each part with its length, so that no two protections share their bytes."""
    encoded = [part.encode() for part in ("keywright vault protection", *parts)]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)
