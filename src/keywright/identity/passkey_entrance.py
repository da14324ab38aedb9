"""The way in by passkey: beside the authenticator's code wherever one is asked for, counted as attempts are."""

from __future__ import annotations

from dataclasses import dataclass

from keywright.errors import NotProven
from keywright.identity import limits
from keywright.identity.entrance import Entrance
from keywright.identity.model import Account, FactorProof, Opened, Passkey, RelyingParty, Session, Visitor
from keywright.identity.passkeys import CounterFell, Passkeys
from keywright.storage.transaction import Tx


@dataclass(frozen=True, slots=True)
class PasskeyEntrance:
    """Asks passkeys and takes their answers, for the entrance."""

    entrance: Entrance
    passkeys: Passkeys

    async def options(self, session: Session, *, rp: RelyingParty, made_for: str = "", now: int) -> str:
        """Return as JSON what a browser needs to ask a passkey; answered once, in this session, within five minutes.

        With `made_for`, a proof's purpose, its answer serves `confirm` alone. Raises `NotFound`.
        """
        async with self.entrance.database.write() as tx:
            return await self.passkeys.request_options(tx, session, rp=rp, made_for=made_for, now=now)

    async def prove(self, session: Session, answer: str, *, rp: RelyingParty, visitor: Visitor, now: int) -> Opened:
        """Complete a half-open session by a passkey, or step a complete one up. Raises `NotProven`, `Limited`."""

        async def work(tx: Tx) -> Opened:
            proof = await self.passkeys.prove(tx, session, answer, rp=rp, now=now)
            return await self.entrance.rise(tx, session, proof, visitor=visitor, now=now)

        try:
            return await self.entrance.attempt(session, "passkey", limits.PASSKEY, work, visitor=visitor, now=now)
        except CounterFell as fell:
            await self._note(fell, session, visitor, now=now)
            raise

    async def confirm(
        self, session: Session, answer: str, *, rp: RelyingParty, made_for: str, visitor: Visitor, now: int
    ) -> FactorProof:
        """Return a proof that was made for one purpose, by a passkey that was asked for it; the session stays as it is.

        Raises `NotProven`, `Limited`.
        """
        if not session.is_complete or not made_for:
            raise NotProven("sign in first")

        async def work(tx: Tx) -> FactorProof:
            return await self.passkeys.prove(tx, session, answer, rp=rp, made_for=made_for, now=now)

        try:
            return await self.entrance.attempt(session, "passkey", limits.PASSKEY, work, visitor=visitor, now=now)
        except CounterFell as fell:
            await self._note(fell, session, visitor, now=now)
            raise

    async def creation_options(self, session: Session, account: Account, *, rp: RelyingParty, now: int) -> str:
        """Return as JSON what a browser needs to make a passkey. Raises `NotProven` without a step-up, `LimitReached`."""
        async with self.entrance.database.write() as tx:
            return await self.passkeys.creation_options(tx, session, account, rp=rp, now=now)

    async def add(
        self, session: Session, answer: str, *, name: str, rp: RelyingParty, visitor: Visitor, now: int
    ) -> Passkey:
        """Keep the passkey that a browser has made. Raises as `Passkeys.add` does."""
        async with self.entrance.database.write() as tx:
            return await self.passkeys.add(tx, session, answer, name=name, rp=rp, visitor=visitor, now=now)

    async def remove(self, session: Session, passkey_id: str, *, visitor: Visitor, now: int) -> None:
        """Remove a passkey for good. Raises `NotProven` without a step-up, `NotFound`."""
        async with self.entrance.database.write() as tx:
            await self.passkeys.remove(tx, session, passkey_id, visitor=visitor, now=now)

    async def forget(self, *, now: int) -> None:
        """Drop challenges that nobody answered in time."""
        async with self.entrance.database.write() as tx:
            await self.passkeys.forget(tx, now=now)

    async def _note(self, fell: CounterFell, session: Session, visitor: Visitor, *, now: int) -> None:
        async with self.entrance.database.write() as tx:
            await self.passkeys.note_counter(tx, fell, session, visitor, now=now)
