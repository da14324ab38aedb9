"""Verbs of passkeys: added beside an authenticator, asked, proved, removed.

A row carries a MAC over all that a decision rests on, its counter among it, so that a planted or altered one opens nothing;
and one that the audit log knows as removed stays so. A challenge is kept as a keyed digest of itself, its session, its
purpose and what it is bound to: none that was not given out can be answered (decision 0028).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum

from keywright.audit.events import Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Conflict, LimitReached, NotFound, NotProven
from keywright.identity import ceremony, rules, store
from keywright.identity.ceremony import CHALLENGE_MS, Answer, Mismatch
from keywright.identity.model import Account, Challenge, FactorProof, Passkey, RelyingParty, Session, Visitor
from keywright.identity.sessions import actor_of
from keywright.identity.store import passkeys as rows
from keywright.sealing.keyring import Keyring
from keywright.storage.transaction import Tx

LABEL = "passkey/v1"
"""The label under which the keyring derives the key of MACs and digests."""

MOST = 10
"""Passkeys of one account."""


class Purpose(StrEnum):
    """What a challenge may be answered for."""

    ADD = "passkey-add"
    SIGN_IN = "passkey-sign-in"
    STEP_UP = "passkey-step-up"
    CONFIRM = "passkey-confirm"
    """One thing, by its digest: such an answer opens nothing else."""


class Passkeys:
    """Passkeys of every account."""

    def __init__(self, *, keyring: Keyring, audit: AuditLog) -> None:
        self._audit = audit
        self._key = keyring.derive(LABEL).reveal()

    async def of(self, tx: Tx, account_id: str) -> list[Passkey]:
        """Return the account's passkeys, oldest first, altered ones too: they can be removed."""
        return await rows.list_passkeys(tx, account_id=account_id)

    async def count(self, tx: Tx, account_id: str) -> int:
        """Return how many there are."""
        return await rows.count_passkeys(tx, account_id=account_id)

    def holds(self, passkey: Passkey) -> bool:
        """Tell whether the row is as we wrote it."""
        return hmac.compare_digest(passkey.mac, self._mac(passkey))

    async def creation_options(self, tx: Tx, session: Session, account: Account, *, rp: RelyingParty, now: int) -> str:
        """Return as JSON what a browser needs to make a passkey. Raises `NotProven` without a fresh step-up, `LimitReached`."""
        _require_step_up(session, now=now)
        known = await self.of(tx, account.id)
        _require_room(known)
        challenge = await self._ask(tx, session, Purpose.ADD, now=now)
        handle = hashlib.sha256(b"keywright passkey\0" + account.id.encode()).digest()
        ids = [one.credential_id for one in known]
        return ceremony.creation_options(rp, email=account.email, user_handle=handle, challenge=challenge, known=ids)

    async def add(
        self, tx: Tx, session: Session, answer: str, *, name: str, rp: RelyingParty, visitor: Visitor, now: int
    ) -> Passkey:
        """Keep the passkey that a browser has made: it is a second factor of the account from now on.

        Raises `NotProven` without a fresh step-up and for an answer that is not right, `Invalid` for the name,
        `LimitReached`, and `Conflict` for one that is known, or was removed.
        """
        _require_step_up(session, now=now)
        called = rules.passkey_name(name)
        await store.lock_account(tx, account_id=session.account_id)
        _require_room(await self.of(tx, session.account_id))
        given = ceremony.read(answer)
        await self._take(tx, session, Purpose.ADD, given, now=now)
        made = ceremony.check_registration(given, challenge=given.challenge, rp=rp)
        passkey = Passkey(made.id, session.account_id, called, made.public_key, made.sign_count, now, None)
        if await self._audit.knows(tx, passkey.id, Kind.PASSKEY_REMOVED):
            raise Conflict("that passkey was removed before", hint="make a new one")
        passkey = replace(passkey, mac=self._mac(passkey))
        await rows.insert_passkey(tx, passkey)
        await self._record(tx, Kind.PASSKEY_ADDED, passkey, session, visitor, now=now)
        return passkey

    async def remove(self, tx: Tx, session: Session, passkey_id: str, *, visitor: Visitor, now: int) -> None:
        """Remove a passkey for good. The authenticator stays, so it is never the last factor.

        Raises `NotProven` without a fresh step-up, `NotFound`.
        """
        _require_step_up(session, now=now)
        await store.lock_account(tx, account_id=session.account_id)
        passkey = next((one for one in await self.of(tx, session.account_id) if one.id == passkey_id), None)
        if passkey is None:
            raise NotFound("there is no such passkey", hint="it may have been removed already")
        await rows.delete_passkey(tx, passkey)
        await self._record(tx, Kind.PASSKEY_REMOVED, passkey, session, visitor, now=now)

    async def request_options(self, tx: Tx, session: Session, *, rp: RelyingParty, made_for: str = "", now: int) -> str:
        """Return as JSON what a browser needs to ask one of the account's passkeys: for the second step of signing in, for
        a step-up, or for the one thing it is `made_for`. An earlier challenge of this session for the same is void.

        Raises `NotFound` when the account has none.
        """
        known = [one.credential_id for one in await self.of(tx, session.account_id) if self.holds(one)]
        if not known:
            raise NotFound("this account has no passkey", hint="enter a code")
        challenge = await self._ask(tx, session, _purpose(session, made_for), made_for=made_for, now=now)
        return ceremony.request_options(rp, challenge=challenge, known=known)

    async def prove(
        self,
        tx: Tx,
        session: Session,
        answer: str,
        *,
        rp: RelyingParty,
        made_for: str = "",
        now: int,
    ) -> FactorProof:
        """Use up the answer of a passkey and return the proof that it was right.

        Raises `Mismatch`, and `CounterFell` when the answer is right but may be a copy's. Limits are the entrance's.
        """
        await store.lock_account(tx, account_id=session.account_id)  # or one that is being removed would still serve
        given = ceremony.read(answer)
        await self._take(tx, session, _purpose(session, made_for), given, made_for=made_for, now=now)
        found = [one for one in await self.of(tx, session.account_id) if one.credential_id == given.id]
        if not found or await self._audit.knows(tx, found[0].id, Kind.PASSKEY_REMOVED):
            raise Mismatch(
                "that passkey is none of this account's", hint="use another one, or enter a code", label="unknown"
            )
        (passkey,) = found
        if not self.holds(passkey):
            raise Mismatch(
                "the record of that passkey was altered outside Keywright",
                hint="remove it under Security, and enter a code",
                label="altered",
            )
        count = ceremony.check_assertion(given, challenge=given.challenge, rp=rp, public_key=passkey.public_key)
        if (count or passkey.sign_count) and count <= passkey.sign_count:  # WebAuthn section 7.2, step 22
            raise CounterFell(passkey, said=count)
        used = replace(passkey, sign_count=count)
        await rows.note_use(tx, passkey, sign_count=count, mac=self._mac(used), now=now)
        return FactorProof(session.account_id, "passkey", now, made_for)

    async def note_counter(self, tx: Tx, fell: CounterFell, session: Session, visitor: Visitor, *, now: int) -> None:
        """Record that a passkey's counter did not rise."""
        detail = {"name": fell.passkey.name, "known": fell.passkey.sign_count, "said": fell.said}
        event = Event(
            Kind.PASSKEY_COUNTER_FELL, actor_of(session, visitor), session.account_id, fell.passkey.id, 0, detail
        )
        await self._audit.record(tx, event, now=now)

    async def forget(self, tx: Tx, *, now: int) -> None:
        """Drop challenges that nobody answered in time."""
        await rows.forget_challenges(tx, before=now)

    async def _ask(self, tx: Tx, session: Session, purpose: Purpose, *, made_for: str = "", now: int) -> bytes:
        await store.lock_account(tx, account_id=session.account_id)
        value = secrets.token_bytes(32)
        challenge = Challenge(
            f"{purpose.value}:{session.id}",
            session.account_id,
            purpose.value,
            _bound(made_for),
            now,
            now + CHALLENGE_MS,
        )
        await rows.put_challenge(tx, challenge, value=self._digest(challenge, value))
        return value

    async def _take(
        self, tx: Tx, session: Session, purpose: Purpose, answer: Answer, *, made_for: str = "", now: int
    ) -> None:
        found = await rows.take_challenge(
            tx, challenge_id=f"{purpose.value}:{session.id}", account_id=session.account_id
        )
        if found is None:
            raise ceremony.over()
        challenge, digest = found
        is_ours = hmac.compare_digest(digest, self._digest(challenge, answer.challenge))
        is_bound = hmac.compare_digest(challenge.context, _bound(made_for))
        if not is_ours or not is_bound or not challenge.created_at <= now < challenge.expires_at:
            raise ceremony.over()

    async def _record(
        self, tx: Tx, kind: Kind, passkey: Passkey, session: Session, visitor: Visitor, *, now: int
    ) -> None:
        event = Event(kind, actor_of(session, visitor), session.account_id, passkey.id, detail={"name": passkey.name})
        await self._audit.record(tx, event, now=now)

    def _mac(self, passkey: Passkey) -> bytes:
        covered = [
            passkey.credential_id,
            passkey.account_id,
            passkey.public_key.hex(),
            passkey.sign_count,
            passkey.created_at,
        ]
        return hmac.digest(self._key, b"passkey\0" + json.dumps(covered).encode(), "sha256")

    def _digest(self, challenge: Challenge, value: bytes) -> bytes:
        covered = [
            value.hex(),
            challenge.id,
            challenge.account_id,
            challenge.purpose,
            challenge.context,
            challenge.created_at,
            challenge.expires_at,
        ]
        return hmac.digest(self._key, b"challenge\0" + json.dumps(covered).encode(), "sha256")


class CounterFell(Mismatch):
    """The answer was right, but the passkey's counter did not rise: there may be a copy of it."""

    def __init__(self, passkey: Passkey, *, said: int) -> None:
        super().__init__(
            "that passkey may have a copy: its counter did not rise",
            hint="enter a code, and remove the passkey under Security",
            label="counter",
        )
        self.passkey, self.said = passkey, said


def _purpose(session: Session, made_for: str) -> Purpose:
    if not session.is_complete:
        return Purpose.SIGN_IN
    return Purpose.CONFIRM if made_for else Purpose.STEP_UP


def _bound(made_for: str) -> str:
    return hashlib.sha256(made_for.encode()).hexdigest() if made_for else ""


def _require_step_up(session: Session, *, now: int) -> None:
    if session.step_up(now=now) is None:
        raise NotProven("to change passkeys takes the account's second factor", hint="give a fresh code")


def _require_room(known: Sequence[Passkey]) -> None:
    if len(known) >= MOST:
        raise LimitReached("an account has at most {most} passkeys", hint="remove one first", most=MOST)
