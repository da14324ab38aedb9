"""Verbs of the account's phone: a number that a code was sent to, and whether codes that confirm go there (K5).

Row and choice are sealed under a version that the audit log knows, so that no number which was planted, moved or put back
is ever sent a code; then codes go to the e-mail address, as they do where no gateway for text messages is set up.
To send codes to the phone takes, beside a step-up, a code from the mailbox: who has a session and a second factor but not
that mailbox must not get round it with a phone of their own.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from keywright.audit.events import Event, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Conflict, NotFound, NotProven, Unopenable
from keywright.identity import limits, phone_numbers, store
from keywright.identity.attempts import charge_within
from keywright.identity.codes import Codes
from keywright.identity.mailbox import PostsCodes
from keywright.identity.model import Account, FactorProof, Session, Visitor
from keywright.identity.sessions import actor_of
from keywright.identity.store import particulars
from keywright.notices.model import Channel
from keywright.sealing.envelope import Place, open_sealed, seal
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.storage.transaction import Database, Tx

PURPOSE = "phone"
"""Of the code that goes to a new number."""

CHOICE = "phone.choice"
"""Of the code that goes to the mailbox before codes go to the phone."""

LABEL = "phone/v1"
"""The label under which the keyring derives the key of what limits know a number by."""


@dataclass(frozen=True, slots=True)
class Phone:
    """An account's phone."""

    number: str = field(repr=False)
    """E.164."""
    verified_at: int
    gets_codes: bool = False

    @property
    def shown(self) -> str:
        """Its number, as it is shown and told."""
        return phone_numbers.masked(self.number)


@dataclass(frozen=True, slots=True)
class Way:
    """Where codes of an account go."""

    channel: Channel
    recipient: str = field(repr=False)
    shown: str


class Phones:
    """Phones of every account."""

    def __init__(
        self,
        *,
        database: Database,
        keyring: Keyring,
        audit: AuditLog,
        codes: Codes,
        post_code: PostsCodes,
        is_offered: bool,
    ) -> None:
        self._database = database
        self._keyring = keyring
        self._key = keyring.derive(LABEL).reveal()
        self._audit = audit
        self._codes = codes
        self._post_code = post_code
        self.is_offered = is_offered
        """Whether a gateway for text messages is set up."""

    async def of(self, tx: Tx, account_id: str) -> Phone | None:
        """Return the account's phone; `None` where there is none, or its row is not as we wrote it."""
        sealed = await particulars.phone_sealed(tx, account_id=account_id)
        if not sealed:
            return None
        version = await self._audit.latest_version(tx, _subject(account_id))
        try:
            kept = json.loads(open_sealed(self._keyring, sealed, place=_place(account_id, version)).reveal())
        except Unopenable:
            return None
        return Phone(kept["number"], kept["verified_at"], gets_codes=kept["gets_codes"])

    async def way(self, tx: Tx, account: Account) -> Way:
        """Return where a code goes that confirms something of this account."""
        phone = await self.of(tx, account.id) if self.is_offered else None
        if phone is not None and phone.gets_codes:
            return Way(Channel.SMS, phone.number, phone.shown)
        return Way(Channel.EMAIL, account.email, account.email)

    async def charge(self, tx: Tx, account_id: str, way: Way, *, now: int) -> None:
        """Count a code that is about to be sent, where sending it costs money: for the account, the number, and everyone.

        Raises `Limited`; it does not fall back to the mailbox, or whoever used the limit up would choose the way.
        """
        if way.channel is Channel.SMS:
            number = hmac.new(self._key, way.recipient.encode(), "sha256").hexdigest()[:24]
            subjects = {
                f"sms:{account_id}": limits.SMS,
                f"sms-to:{number}": limits.SMS,
                "sms": limits.SMS_EVERYONE,
            }
            await charge_within(tx, subjects, now=now)

    async def send_code(self, account: Account, typed: str, *, proof: FactorProof, now: int) -> str:
        """Send a code to a number that may become the account's; return the number as it is kept.

        Raises `NotProven` without a fresh second factor, `Invalid`, `Limited`, and `Conflict` where no text goes out.
        """
        self._require(account.id, proof, now=now)
        number = phone_numbers.e164(typed)
        way = Way(Channel.SMS, number, phone_numbers.masked(number))
        async with self._database.write() as tx:
            await self.charge(tx, account.id, way, now=now)
            code = await self._codes.make(tx, account.id, PURPOSE, context=number, now=now)
            await self._post_code(tx, account.id, PURPOSE, code, recipient=number, channel=Channel.SMS, now=now)
        return number

    async def set_phone(
        self, session: Session, typed: str, code: Secret, *, proof: FactorProof, visitor: Visitor, now: int
    ) -> None:
        """Keep a number as the account's, because the code that was sent there was typed here. Codes go where they went,
        but never to the number before: to the mailbox then.

        Raises `NotProven`, `Invalid`, `Limited`, `Conflict`.
        """
        account_id = session.account_id
        self._require(account_id, proof, now=now)
        number = phone_numbers.e164(typed)
        await self._codes.count_try(account_id, PURPOSE, now=now)
        async with self._database.write() as tx:
            await store.lock_account(tx, account_id=account_id)
            await self._codes.burn(tx, account_id, PURPOSE, code, context=number, now=now)
            before = await self.of(tx, account_id)
            phone = Phone(number, now)
            detail = {"number": phone.shown, "replaced": before is not None}
            await self._keep(tx, session, Kind.PHONE_SET, phone, detail, visitor=visitor, now=now)

    async def send_choice_code(self, tx: Tx, account: Account, *, now: int) -> None:
        """Send a code to the mailbox, before codes go to the phone. Raises `NotFound`, `Conflict`, `Limited`."""
        phone = await self._known(tx, account.id)
        if not self.is_offered or phone.gets_codes:
            raise Conflict("codes go to your phone already, or can't go there")
        code = await self._codes.make(tx, account.id, CHOICE, context=phone.number, now=now)
        await self._post_code(
            tx, account.id, CHOICE, code, recipient=account.email, detail={"number": phone.shown}, now=now
        )

    async def send_codes_to_phone(
        self, session: Session, code: Secret, *, proof: FactorProof, visitor: Visitor, now: int
    ) -> None:
        """Let codes that confirm go to the phone from now on. Raises `NotProven`, `NotFound`, `Limited`, `Conflict`."""
        account_id = session.account_id
        self._require(account_id, proof, now=now)
        await self._codes.count_try(account_id, CHOICE, now=now)
        async with self._database.write() as tx:
            await store.lock_account(tx, account_id=account_id)
            phone = await self._known(tx, account_id)
            await self._codes.burn(tx, account_id, CHOICE, code, context=phone.number, now=now)
            phone = replace(phone, gets_codes=True)
            await self._keep(tx, session, Kind.CODES_SENT_TO, phone, {"to": phone.shown}, visitor=visitor, now=now)

    async def send_codes_by_mail(self, session: Session, *, proof: FactorProof, visitor: Visitor, now: int) -> None:
        """Let codes that confirm go to the mailbox again; the number stays. Raises `NotProven`, `NotFound`."""
        account_id = session.account_id
        _require_proof(account_id, proof, now=now)
        async with self._database.write() as tx:
            await store.lock_account(tx, account_id=account_id)
            phone = replace(await self._known(tx, account_id), gets_codes=False)
            await self._keep(tx, session, Kind.CODES_SENT_TO, phone, {"to": "e-mail"}, visitor=visitor, now=now)

    async def remove(self, session: Session, *, proof: FactorProof, visitor: Visitor, now: int) -> None:
        """Forget the account's number; codes go to the mailbox. Raises `NotProven`, and `NotFound` where there is none.

        A row that was altered goes too.
        """
        account_id = session.account_id
        _require_proof(account_id, proof, now=now)
        async with self._database.write() as tx:
            await store.lock_account(tx, account_id=account_id)
            if await particulars.phone_sealed(tx, account_id=account_id) is None:
                raise NotFound("this account has no phone number")
            phone = await self.of(tx, account_id)
            detail = {"number": phone.shown if phone else ""}
            await self._keep(tx, session, Kind.PHONE_REMOVED, None, detail, visitor=visitor, now=now)

    async def _known(self, tx: Tx, account_id: str) -> Phone:
        phone = await self.of(tx, account_id)
        if phone is None:
            raise NotFound("this account has no phone number", hint="add one first")
        return phone

    async def _keep(
        self,
        tx: Tx,
        session: Session,
        kind: Kind,
        phone: Phone | None,
        detail: Mapping[str, object],
        *,
        visitor: Visitor,
        now: int,
    ) -> None:
        account_id = session.account_id
        version = await self._audit.latest_version(tx, _subject(account_id)) + 1
        sealed = None
        if phone is not None:
            kept = {"number": phone.number, "verified_at": phone.verified_at, "gets_codes": phone.gets_codes}
            sealed = seal(self._keyring, Secret(json.dumps(kept)), place=_place(account_id, version))
        await particulars.set_phone_sealed(tx, account_id=account_id, sealed=sealed)
        event = Event(kind, actor_of(session, visitor), account_id, _subject(account_id), version, detail)
        await self._audit.record(tx, event, now=now)

    def _require(self, account_id: str, proof: FactorProof, *, now: int) -> None:
        if not self.is_offered:
            raise Conflict("no text messages go out from here", hint="codes come by e-mail")
        _require_proof(account_id, proof, now=now)


def _require_proof(account_id: str, proof: FactorProof, *, now: int) -> None:
    if proof.account_id != account_id or not proof.is_fresh(now=now):
        raise NotProven("to change your phone takes the account's second factor", hint="give a fresh code")


def _subject(account_id: str) -> str:
    return f"phone:{account_id}"


def _place(account_id: str, version: int) -> Place:
    return Place("accounts.phone", account_id, account_id, version=version)
