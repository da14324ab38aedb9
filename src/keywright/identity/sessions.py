"""Verbs of sessions: opened by a password, complete with the second factor, sensitive for ten minutes after a step-up.

The browser keeps 256 random bits, the database their SHA-256. At every rise of privilege they are drawn anew, so that a
token from before, planted or seen by someone, is worth nothing afterwards (case WEB-09).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import replace

from keywright.audit.events import Actor, Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import NotFound, NotProven
from keywright.identity import devices, store
from keywright.identity.model import (
    ABSOLUTE_MS,
    IDLE_MS,
    Account,
    Credentials,
    FactorProof,
    Opened,
    Session,
    Visitor,
)
from keywright.ids import new_id
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.storage.transaction import Tx

TOUCH_MS = 1_000
"""A session's last use is written when it is at least this much newer: exact to a second, and no write for each asset."""

AGENT_MAX = 256
"""Characters of a user agent that are kept."""

MAC_LABEL = "session/v1"
"""The label under which the keyring derives the key of the rows' MACs."""


class Sessions:
    """Sessions of every account."""

    def __init__(self, *, keyring: Keyring, audit: AuditLog) -> None:
        self._audit = audit
        self._device_key = keyring.derive(devices.LABEL)
        self._mac_key = keyring.derive(MAC_LABEL).reveal()

    def device_of(self, account_id: str, credentials: Credentials, visitor: Visitor) -> str:
        """Return the device id of a browser that this account signed in with before, or an empty string."""
        return devices.device_of(self._device_key, account_id, credentials.password_hash, visitor.device)

    async def open(self, tx: Tx, account_id: str, *, device: str, visitor: Visitor, now: int) -> Opened:
        """Open a session for who gave the right password. It is not complete: the second factor is still to come."""
        token = _new_token()
        session = Session(
            id=new_id("ses"),
            account_id=account_id,
            created_at=now,
            seen_at=now,
            factor="",
            factor_at=None,
            step_up_factor="",
            step_up_at=None,
            address=visitor.address,
            agent=visitor.agent[:AGENT_MAX],
            device=device,
        )
        digest = _digest(token)
        await store.insert_session(tx, session, token_digest=digest, mac=self._mac(session, digest))
        return Opened(session, token)

    async def find(self, tx: Tx, token: Secret, *, now: int) -> tuple[Session, Account, Credentials] | None:
        """Return the living session of this token, with its account.

        `None` when it never was, ended, its time is over, or its row is not as we wrote it (decision 0016).
        """
        digest = _digest(token)
        found = await store.find_session(tx, digest)
        if found is None:
            return None
        session, mac, account, credentials = found
        if not hmac.compare_digest(mac, self._mac(session, digest)) or not session.lives(now=now):
            return None
        return session, account, credentials

    async def touch(self, tx: Tx, session: Session, *, now: int) -> None:
        """Note that the session is in use: it idles from now on."""
        await store.touch_session(tx, session, now=now)

    async def complete(
        self, tx: Tx, session: Session, credentials: Credentials, *, proof: FactorProof, visitor: Visitor, now: int
    ) -> Opened:
        """Make a session complete: the second factor was proved, at sign-in or by enrolling it. Its token is new.

        The browser is known from now on. Raises `NotProven` for a proof that is not of this account and of now, and when the
        session ended meanwhile.
        """
        if proof.account_id != session.account_id or not proof.is_fresh(now=now):
            raise NotProven("sign in first")
        device, given = session.device, None
        if not device:
            device, given = devices.new_token(self._device_key, session.account_id, credentials.password_hash)
        risen = replace(session, factor=proof.factor, factor_at=now, device=device)
        detail = {"factor": proof.factor, "known_device": bool(session.device)}
        opened = await self._rise(tx, risen, Kind.SESSION_OPENED, visitor=visitor, now=now, detail=detail)
        return replace(opened, device=given)

    async def step_up(self, tx: Tx, session: Session, *, proof: FactorProof, visitor: Visitor, now: int) -> Opened:
        """Let a complete session do what is sensitive, for ten minutes. Its token is new.

        Raises `NotProven` for a session that is not complete, for a proof that is not of now, and when it ended meanwhile.
        """
        if not session.is_complete or proof.account_id != session.account_id or not proof.is_fresh(now=now):
            raise NotProven("sign in first")
        risen = replace(session, step_up_factor=proof.factor, step_up_at=proof.at)
        return await self._rise(tx, risen, Kind.SESSION_STEPPED_UP, visitor=visitor, now=now, detail={})

    async def end(self, tx: Tx, session: Session, session_id: str, *, visitor: Visitor, why: str, now: int) -> None:
        """End one of the account's sessions, this one or another. Needs no step-up.

        Raises `NotFound`, and `NotProven` when who only knows the password would end another one.
        """
        if session_id != session.id and not session.is_complete:
            raise NotProven("sign in first")
        await store.lock_account(tx, account_id=session.account_id)  # before the session's row and the audit log's
        if not await store.delete_session(tx, account_id=session.account_id, session_id=session_id):
            raise NotFound("there is no such session", hint="it may have ended already")
        await self._record_end(tx, session, session_id, visitor=visitor, why=why, now=now)

    async def end_others(self, tx: Tx, session: Session, *, visitor: Visitor, why: str, now: int) -> int:
        """End every other session of the account; return how many there were. Raises `NotProven` as `end` does."""
        if not session.is_complete:
            raise NotProven("sign in first")
        await store.lock_account(tx, account_id=session.account_id)
        ended = 0
        for one in await store.list_sessions(tx, account_id=session.account_id):
            # Those too that a clock set back makes wait: they would live again. One may have ended by itself meanwhile.
            if one.id == session.id or not await store.delete_session(
                tx, account_id=session.account_id, session_id=one.id
            ):
                continue
            if now < one.ends_at():
                await self._record_end(tx, session, one.id, visitor=visitor, why=why, now=now)
                ended += 1
        return ended

    async def end_all(self, tx: Tx, account_id: str, *, actor: Actor, why: str, now: int) -> int:
        """End every session of the account, for who acts outside of all of them; return how many there were."""
        await store.lock_account(tx, account_id=account_id)
        ended = 0
        for one in await store.list_sessions(tx, account_id=account_id):
            if await store.delete_session(tx, account_id=account_id, session_id=one.id) and now < one.ends_at():
                await self._audit.record(
                    tx, Event(Kind.SESSION_ENDED, actor, account_id, one.id, 0, {"because": why}), now=now
                )
                ended += 1
        return ended

    async def of(self, tx: Tx, account_id: str, *, now: int) -> list[Session]:
        """Return the account's living sessions, newest first."""
        return [one for one in await store.list_sessions(tx, account_id=account_id) if one.lives(now=now)]

    async def forget(self, tx: Tx, *, now: int) -> None:
        """Drop what is left of sessions whose time is over."""
        await store.forget_sessions(tx, seen_before=now - IDLE_MS, created_before=now - ABSOLUTE_MS)

    async def _record_end(
        self, tx: Tx, session: Session, session_id: str, *, visitor: Visitor, why: str, now: int
    ) -> None:
        actor = actor_of(session, visitor)
        event = Event(Kind.SESSION_ENDED, actor, session.account_id, session_id, 0, {"because": why})
        await self._audit.record(tx, event, now=now)

    async def _rise(
        self, tx: Tx, risen: Session, kind: Kind, *, visitor: Visitor, now: int, detail: dict[str, object]
    ) -> Opened:
        opened = await self.renew(tx, risen, now=now)
        event = Event(kind, actor_of(risen, visitor), risen.account_id, risen.id, 0, detail)
        await self._audit.record(tx, event, now=now)
        return opened

    async def renew(self, tx: Tx, session: Session, *, now: int) -> Opened:
        """Give the session a new token, as it stands now; the old one is dead. Raises `NotProven` when it ended meanwhile."""
        token = _new_token()
        held = session.lives(now=now)
        renewed = replace(session, seen_at=max(now, session.seen_at))
        digest = _digest(token)
        if not held or not await store.update_session(tx, renewed, token_digest=digest, mac=self._mac(renewed, digest)):
            raise NotProven("this session has ended", hint="sign in again")
        return Opened(renewed, token)

    async def renew_with_device(self, tx: Tx, session: Session, credentials: Credentials, *, now: int) -> Opened:
        """Give the session a new token and its browser a new mark, because a changed password made the old one void.

        Raises `NotProven` when it ended meanwhile.
        """
        device, given = devices.new_token(self._device_key, session.account_id, credentials.password_hash)
        return replace(await self.renew(tx, replace(session, device=device), now=now), device=given)

    def _mac(self, session: Session, token_digest: bytes) -> bytes:
        """Return the MAC over all of a session that a decision rests on; when it was last seen changes at every use."""
        covered = [
            token_digest.hex(),
            session.id,
            session.account_id,
            session.created_at,
            session.factor,
            session.factor_at,
            session.step_up_factor,
            session.step_up_at,
            session.device,
        ]
        return hmac.digest(self._mac_key, b"session\0" + json.dumps(covered).encode(), "sha256")


def actor_of(session: Session, visitor: Visitor) -> Actor:
    """Return who acts in a session: its account, by the factor that was proved last, from where it is now."""
    factor = session.step_up_factor or session.factor
    return Actor(session.account_id, factor, visitor.address, visitor.agent, visitor.request_id, session.id)


def _new_token() -> Secret:
    return Secret(secrets.token_urlsafe(32))


def _digest(token: Secret) -> bytes:
    return hashlib.sha256(token.reveal()).digest()
