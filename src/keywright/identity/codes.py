"""One-time codes that are sent to people: six digits, good for fifteen minutes and one use. Start with `Codes.make`.

How to use them, for whatever purpose:

    async with database.write() as tx:                                     # asked for
        code = await codes.make(tx, account_id, "key.create", context=digest_of_the_wish, now=now)
        await notices.post_code(tx, account_id, "key.create", code, recipient=email, now=now)
    …
    await codes.count_try(account_id, "key.create", now=now)               # typed: the try is on record first
    async with database.write() as tx:
        await codes.burn(tx, account_id, "key.create", typed, context=digest_of_the_wish, now=now)
        …                                                                  # what it confirms, in the same transaction

A code counts for its account, its purpose and its context only; a newer one makes the older one worthless. What is kept is
a keyed digest. Tries are counted in a transaction of their own, so that no error in what follows takes them back.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets

from keywright.errors import NotProven
from keywright.identity import limits, store
from keywright.identity.attempts import Attempts, Subjects, charge_within
from keywright.identity.store import challenges
from keywright.identity.store.challenges import Asked
from keywright.ids import new_id
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.storage.transaction import Database, Tx

LABEL = "codes/v1"
"""The label under which the keyring derives the key of the digests."""

LASTS_MS = 15 * limits.MINUTE_MS
MOST_TRIES = 5
"""Wrong ones after which a code is worthless."""

DIGITS = 6
CODE = re.compile(r"[0-9]{6}", re.ASCII)
MOST_TYPED = 64


class Codes:
    """One-time codes of every account."""

    def __init__(self, *, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._key = keyring.derive(LABEL).reveal()

    async def make(self, tx: Tx, account_id: str, purpose: str, *, context: str = "", now: int) -> Secret:
        """Return a fresh code; the one before of this account and purpose is worthless.

        Raises `Limited` when the account was sent too many of this purpose: its owner's mailbox is spared too.
        """
        await charge_within(tx, {f"code-sent:{account_id}:{purpose}": limits.CODES_SENT}, now=now)
        code = Secret(f"{secrets.randbelow(10**DIGITS):0{DIGITS}}")
        asked = Asked(new_id("chl"), account_id, purpose, context, now + LASTS_MS)
        await challenges.void_codes(tx, account_id=account_id, purpose=purpose, now=now)
        await challenges.insert_code(tx, asked, digest=self._digest(asked, code), now=now)
        return code

    async def count_try(self, account_id: str, purpose: str, *, now: int) -> None:
        """Count one try, on record before this returns; `burn` takes it back if the code is right.

        Raises `Limited` when there were too many, and `NotProven` when no code waits or the one that does had its tries.
        """
        async with self._database.read() as tx:
            if await challenges.waiting_code(tx, account_id=account_id, purpose=purpose, now=now) is None:
                raise _none_waits()
        await Attempts(self._database).charge(_tries(account_id, purpose), now=now)
        async with self._database.write() as tx:
            asked = await challenges.waiting_code(tx, account_id=account_id, purpose=purpose, now=now)
            if asked is None or not await challenges.count_try(tx, asked, most=MOST_TRIES):
                raise _none_waits()

    async def burn(self, tx: Tx, account_id: str, purpose: str, typed: Secret, *, context: str = "", now: int) -> None:
        """Use the code up, after `count_try`: it confirms what this transaction does, and nothing else ever after.

        Raises `NotProven` when it is wrong, late, used, of another purpose, or was sent for another context.
        """
        asked = await challenges.waiting_code(tx, account_id=account_id, purpose=purpose, now=now)
        if asked is None:
            raise _none_waits()
        given = typed.reveal()[:MOST_TYPED].decode("utf-8", "replace").strip().replace(" ", "")
        digest = self._digest(asked, Secret(given))
        fits = CODE.fullmatch(given) is not None and hmac.compare_digest(asked.context.encode(), context.encode())
        if not fits or not await challenges.burn_code(tx, asked, digest=digest, now=now):
            raise NotProven("that code is not right", hint="use the newest one that was sent to you")
        await store.forgive_attempts(tx, _tries(account_id, purpose), at=now)

    async def waits(self, tx: Tx, account_id: str, purpose: str, *, context: str | None = None, now: int) -> bool:
        """Tell whether a code was sent, for this context or for any, that still waits for its answer."""
        asked = await challenges.waiting_code(tx, account_id=account_id, purpose=purpose, now=now)
        return asked is not None and context in {None, asked.context}

    async def forget(self, tx: Tx, *, now: int) -> None:
        """Drop what is left of challenges whose time is long over."""
        await challenges.forget_challenges(tx, before=now - limits.DAY_MS)

    def _digest(self, asked: Asked, code: Secret) -> bytes:
        """Return what recognises a code: keyed, and bound to all that it counts for."""
        covered = [asked.id, asked.account_id, asked.purpose, asked.context, asked.expires_at]
        return hmac.digest(self._key, json.dumps(covered).encode() + b"\0" + code.reveal(), "sha256")


def _tries(account_id: str, purpose: str) -> Subjects:
    return {f"code:{account_id}:{purpose}": limits.CODES}


def _none_waits() -> NotProven:
    return NotProven("no code is waiting to be typed", hint="ask for a new one; each lasts 15 minutes and five tries")
