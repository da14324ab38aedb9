"""Password hashing: Argon2id, in a thread, few at a time, so that a flood of guesses can't eat the memory."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher, profiles
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from argon2.low_level import ARGON2_VERSION

from keywright.errors import Busy
from keywright.secret import Secret

T = TypeVar("T")

CONCURRENT = 2
"""Hashes computed at once. Each takes 64 MiB for about 100 ms; a queue of twice that is the most anyone waits in."""

QUEUE = 32


class Passwords:
    """Hashes and verifies passwords (RFC 9106's second recommended parameters by default)."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)
        self._slots = asyncio.Semaphore(CONCURRENT)
        self._waiting = 0
        self.nobodys = _hash_of_nobody(self._hasher)
        """The hash of no password: what is compared where there is no account, so that it takes as long."""

    async def hash(self, password: Secret) -> str:
        """Return the encoded hash of `password`. Raises `Busy` when too many wait already."""
        return await self._bounded(self._hasher.hash, password.reveal())

    async def matches(self, password_hash: str, candidate: Secret) -> bool:
        """Tell whether `candidate` is the password behind the hash. Raises `Busy` when too many wait already."""
        try:
            return await self._bounded(self._hasher.verify, password_hash, candidate.reveal())
        except (VerifyMismatchError, InvalidHashError):
            return False

    async def _bounded(self, work: Callable[..., T], *args: object) -> T:
        if self._waiting >= QUEUE:
            raise Busy("too many passwords are being checked at once", hint="try again in a few seconds")
        self._waiting += 1
        try:
            async with self._slots:
                return await asyncio.to_thread(work, *args)
        finally:
            self._waiting -= 1


def _hash_of_nobody(hasher: PasswordHasher) -> str:
    """Return an encoded hash with the hasher's parameters and random bytes for its result, which took no hashing."""
    salt, result = (base64.b64encode(os.urandom(n)).decode().rstrip("=") for n in (hasher.salt_len, hasher.hash_len))
    cost = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${cost}${salt}${result}"


CHEAPEST = PasswordHasher.from_parameters(profiles.CHEAPEST)
"""For tests only: a millisecond a hash."""
