"""Idempotency-Key: the same call sent twice makes one thing (case LIFE-04). What it made is told again, never its secret.

Calls are known by keyed digests: a body may hold a passphrase, and whoever reads the database must not try words on it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from keywright.api import store
from keywright.api.call import Call
from keywright.api.problems import Cause, Problem
from keywright.storage.transaction import Database, Tx

LABEL = "kept-answers/v1"
"""The label under which the keyring derives the key of the digests that calls are known by."""

KEPT_MS = 24 * 60 * 60 * 1000
"""How long a call is known by its name."""


@dataclass(frozen=True, slots=True)
class Named:
    """A call under a name of the caller's choosing; an empty name is none."""

    call: Call
    name: str

    async def made(self, tx: Tx) -> str | None:
        """Return the id of what this very call made before, or `None`. Ask with what it makes locked against others.

        Raises `Problem` when the name served for another call.
        """
        if not self.name:
            return None
        found = await store.find_answer(tx, token_id=self.call.token.id, name_digest=self._name())
        if found is None:
            return None
        digest, subject = found
        if not hmac.compare_digest(digest, self._request()):
            raise _of_another()
        return subject

    async def keep(self, tx: Tx, subject: str) -> None:
        """Keep the id of what this call made, in the transaction that made it.

        Raises `Problem` when the name has just served for another call, which this one did not wait for.
        """
        if self.name and not await store.keep_answer(
            tx,
            token_id=self.call.token.id,
            name_digest=self._name(),
            request_digest=self._request(),
            subject=subject,
            now=self.call.now,
        ):
            raise _of_another()

    def _name(self) -> bytes:
        return self._digest(b"name", self.name.encode())

    def _request(self) -> bytes:
        return self._digest(b"request", self.call.method.encode(), self.call.target, self.call.body)

    def _digest(self, *said: bytes) -> bytes:
        key = self.call.office.answers_key.reveal()
        return hmac.digest(key, b"\0".join((self.call.token.id.encode(), *said)), "sha256")


def _of_another() -> Problem:
    return Problem(
        Cause.ANSWER_OF_ANOTHER,
        "this Idempotency-Key served for another call",
        hint="give each call a key of its own; repeat a call with the very same body",
    )


async def forget(database: Database, *, now: int) -> None:
    """Drop what was kept longer than a day."""
    async with database.write() as tx:
        await store.forget_answers(tx, before=now - KEPT_MS)
