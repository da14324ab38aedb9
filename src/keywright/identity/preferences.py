"""Verbs of what people choose for themselves: the phrase that shows a message is ours, and the language."""

from __future__ import annotations

from keywright.audit.events import Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Invalid, NotProven, Unopenable
from keywright.identity import said
from keywright.identity.model import FactorProof, Session, Visitor
from keywright.identity.own_password import OwnPassword
from keywright.identity.sessions import actor_of
from keywright.identity.store import particulars
from keywright.notices.model import phrase_place
from keywright.sealing.envelope import open_sealed, seal
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.storage.transaction import Database, Tx

LANGUAGE_MAX = 16


class Preferences:
    """Phrase and language of every account."""

    def __init__(self, *, database: Database, keyring: Keyring, audit: AuditLog, own_password: OwnPassword) -> None:
        self._database = database
        self._keyring = keyring
        self._audit = audit
        self._own_password = own_password

    async def phrase(self, tx: Tx, account_id: str) -> str:
        """Return the account's anti-phishing phrase to be shown to its owner; empty where none was chosen.

        One that does not open is none: it was put there by somebody else.
        """
        sealed = await particulars.phrase_sealed(tx, account_id=account_id)
        if not sealed:
            return ""
        try:
            return open_sealed(self._keyring, sealed, place=phrase_place(account_id)).reveal_text()
        except Unopenable:
            return ""

    async def set_phrase(
        self, session: Session, text: str, *, email: str, proof: FactorProof, visitor: Visitor, now: int
    ) -> None:
        """Keep the phrase that every message and the sign-in page carry from now on (K3); an empty one gives it up.

        Raises `NotProven` without a fresh second factor, `Invalid` for what anyone could guess and for the account's own
        password, which must not be shown: who asks too often whether it is that is `Limited`.
        """
        account_id = session.account_id
        if proof.account_id != account_id or not proof.is_fresh(now=now):
            raise NotProven("to set the phrase takes the account's second factor", hint="give a fresh code")
        chosen = ""
        if text.strip():
            chosen = said.phrase(text, about=(email, email.partition("@")[0], "keywright"))
            if await self._own_password.is_it(account_id, Secret(chosen), now=now):
                raise Invalid("that is your password", hint="choose words that may be seen", field="phrase")
        sealed = seal(self._keyring, Secret(chosen), place=phrase_place(account_id)) if chosen else None
        async with self._database.write() as tx:
            await particulars.set_phrase_sealed(tx, account_id=account_id, sealed=sealed)
            actor = actor_of(session, visitor)
            event = Event(Kind.PHRASE_SET, actor, account_id, account_id, 0, {"present": bool(chosen)})
            await self._audit.record(tx, event, now=now)

    async def set_language(self, tx: Tx, session: Session, language: str, *, visitor: Visitor, now: int) -> None:
        """Keep what the account's owner wants to be answered and written to in. Which languages there are, `web` knows."""
        account_id = session.account_id
        await particulars.set_language(tx, account_id=account_id, language=language[:LANGUAGE_MAX])
        actor = actor_of(session, visitor)
        event = Event(Kind.LANGUAGE_SET, actor, account_id, account_id, 0, {"language": language[:LANGUAGE_MAX]})
        await self._audit.record(tx, event, now=now)
