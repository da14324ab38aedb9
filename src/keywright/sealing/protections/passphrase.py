"""A passphrase that a person remembers, stretched by Argon2id (RFC 9106) with a salt of its own.

The same words open it however they were typed: composed or decomposed (NFC, as RFC 8265 has it), with the newline that a
pipe adds or without. Whatever does not open it fails alike.
"""

from __future__ import annotations

import os
import unicodedata
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from keywright.errors import Unopenable
from keywright.sealing.keyring import KEY_BYTES
from keywright.sealing.protections.wrapped import PASSPHRASE, Surroundings
from keywright.secret import Secret

SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Cost:
    """What one attempt takes, by name."""

    name: str
    passes: int
    memory_kib: int
    lanes: int


RFC_9106 = Cost("rfc-9106-low-memory", passes=3, memory_kib=64 * 1024, lanes=4)
"""RFC 9106's second recommended choice: 64 MiB, about a tenth of a second here."""

CHEAPEST = Cost("cheapest", passes=1, memory_kib=32, lanes=4)
"""For tests only."""

MOST = Cost("most", passes=64, memory_kib=4 * 1024 * 1024, lanes=64)
"""What an altered row may make us spend before it is found out: never more."""


@dataclass(frozen=True, slots=True)
class ByPassphrase:
    """Protect by this passphrase, at this cost."""

    passphrase: Secret
    cost: Cost = RFC_9106
    kind = PASSPHRASE

    def make(self, _surroundings: Surroundings, *, protection_id: str) -> tuple[dict[str, object], Secret]:  # noqa: ARG002
        """Return the cost with a fresh salt, and the stretched passphrase."""
        cost = self.cost
        parameters: dict[str, object] = {
            "kdf": "argon2id",
            "profile": cost.name,
            "passes": cost.passes,
            "memory_kib": cost.memory_kib,
            "lanes": cost.lanes,
            "salt": b64encode(os.urandom(SALT_BYTES)).decode(),
        }
        return parameters, stretch(self.passphrase, parameters)


def stretch(typed: Secret, parameters: Mapping[str, Any]) -> Secret:
    """Return the outer key that a passphrase makes. Raises `Unopenable` for parameters that are none of ours."""
    from argon2.low_level import ARGON2_VERSION, Type, hash_secret_raw  # noqa: PLC0415  an extra

    try:
        salt = b64decode(parameters["salt"], validate=True)
        cost = Cost("", int(parameters["passes"]), int(parameters["memory_kib"]), int(parameters["lanes"]))
        known = parameters["kdf"] == "argon2id" and len(salt) == SALT_BYTES
    except (KeyError, TypeError, ValueError):
        raise Unopenable("the parameters of a passphrase can't be read") from None
    most = (MOST.passes, MOST.memory_kib, MOST.lanes)
    spent = (cost.passes, cost.memory_kib, cost.lanes)
    if not known or any(not 1 <= one <= bound for one, bound in zip(spent, most, strict=True)):
        raise Unopenable("the parameters of a passphrase ask for what no version of this program does")
    return Secret(
        hash_secret_raw(
            normalised(typed).reveal(),
            salt,
            time_cost=cost.passes,
            memory_cost=cost.memory_kib,
            parallelism=cost.lanes,
            hash_len=KEY_BYTES,
            type=Type.ID,
            version=ARGON2_VERSION,
        )
    )


def normalised(typed: Secret) -> Secret:
    """Return a passphrase in the one form it is stretched in. What is no text stays as it is."""
    plain = typed.reveal().removesuffix(b"\n").removesuffix(b"\r")
    try:
        return Secret(unicodedata.normalize("NFC", plain.decode()))
    except UnicodeDecodeError:
        return Secret(plain)
