"""The courier: takes what is due from the outbox to its carrier, again and again until it is there, or two days are over.

Every message goes out at least once: who dies between the sending and the note of it sends it again, under the same
Message-ID. Two couriers never send the same one at once: each takes it first, by moving its next time, and only who moved
it sends.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from gettext import NullTranslations
from typing import Protocol

from keywright.errors import Unopenable
from keywright.notices import mail, store
from keywright.notices.mail import Sender
from keywright.notices.model import Addressee, Channel, Delivery, Notice, code_place, phrase_place
from keywright.notices.saying import one_line, say, text_message
from keywright.notices.service import Notices
from keywright.sealing.envelope import open_sealed
from keywright.sealing.keyring import Keyring
from keywright.storage.transaction import Database, Tx

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
PAUSES_MS = (
    30 * SECOND, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 12 * HOUR, 20 * HOUR,
)  # fmt: skip
"""How long a message waits after its first, second … failed try. When they are used up, two days are over."""

HELD_MS = 3 * MINUTE
"""How long a courier keeps a message to itself: longer than any carrier takes. One that died lets go of it then."""

CODE_MS = 15 * MINUTE
"""So long is a message with a code worth sending."""

AT_ONCE = 20
"""Messages looked at in one round."""

RESERVED = (".example", ".invalid", ".localhost")
"""RFC 2606: no mail ever goes there; the sandbox's demo account has such an address."""

log = logging.getLogger(__name__)


class Undelivered(Exception):
    """A message did not go out. `is_final`: nor will it ever. `is_carrier`: the carrier itself is out of reach.
    `is_expected`: nobody need hear of it."""

    def __init__(
        self, reason: str, *, is_final: bool = False, is_carrier: bool = False, is_expected: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason, self.is_final, self.is_carrier, self.is_expected = reason, is_final, is_carrier, is_expected


class Post(Protocol):
    """Takes mails: to a server, or into a folder."""

    channel: Channel
    raw: bool
    """Whether people open what is written."""

    async def send(self, message: EmailMessage, *, name: str) -> None:
        """Send a mail; raises `Undelivered`. The same `name` always stands for the same one."""


class Chat(Protocol):
    """Takes short texts to the operator's chat."""

    async def send(self, title: str, text: str) -> None:
        """Send a text; raises `Undelivered`."""


class Sms(Protocol):
    """Takes text messages to a number."""

    async def send(self, number: str, text: str) -> None:
        """Send a text; raises `Undelivered`."""


@dataclass(frozen=True)
class Courier:
    """Carries the outbox of one installation."""

    database: Database
    keyring: Keyring
    notices: Notices
    texts: Callable[[str], NullTranslations]
    origin: str
    sender: Sender
    post: Post
    chat: Chat | None
    clock: Callable[[], int]
    sms: Sms | None = None

    async def round(self) -> int:
        """Carry what is due; return how many messages went out."""
        async with self.database.read() as tx:
            due = await store.due(tx, now=self.clock(), limit=AT_ONCE)
        carried, out_of_reach = 0, set[str]()
        for delivery in due:
            if delivery.channel in out_of_reach:
                continue  # its try is not counted: nothing was tried
            async with self.database.write() as tx:
                if not await store.claim(tx, delivery, until=self.clock() + HELD_MS):
                    continue
            try:
                channel = await self._carry(delivery)
            except Undelivered as problem:
                await self._put_off(delivery, problem)
                if problem.is_carrier:
                    out_of_reach.add(delivery.channel)
                continue
            async with self.database.write() as tx:
                await store.delivered(tx, delivery, channel=channel, now=self.clock())
            carried += 1
        return carried

    async def _carry(self, delivery: Delivery) -> Channel:
        async with self.database.read() as tx:
            notice, addressee = await self._look_up(tx, delivery)
        if delivery.channel == Channel.CHAT:
            await self._chat(notice, addressee)
            return Channel.CHAT
        if delivery.channel == Channel.SMS:
            await self._text(delivery, notice, addressee)
            return Channel.SMS
        if self.post.channel is Channel.EMAIL and delivery.recipient.lower().endswith(RESERVED):
            raise Undelivered("no mail goes to a reserved domain", is_final=True, is_expected=True)
        await self.post.send(self._message(delivery, notice, addressee), name=f"{notice.id}-{delivery.id}")
        return self.post.channel

    async def _look_up(self, tx: Tx, delivery: Delivery) -> tuple[Notice, Addressee]:
        notice = await store.notice_of(tx, delivery)
        addressee = await store.find_addressee(tx, notice.account_id) if notice else None
        if notice is None or addressee is None:
            raise Undelivered("its notice is gone", is_final=True)
        if notice.has_code and (delivery.body_sealed is None or self.clock() - notice.at > CODE_MS):
            raise Undelivered("its code is too old", is_final=True)
        return notice, addressee

    def _message(self, delivery: Delivery, notice: Notice, addressee: Addressee) -> EmailMessage:
        language = addressee.language or "en"
        texts = self.texts(language)
        said = say(notice, texts)
        # Who typed someone else's address into a form must not have that person switch off keys, or the other way round.
        is_own = delivery.recipient == addressee.email
        text = mail.text_of(
            said,
            texts=texts,
            origin=self.origin,
            code=self._code(delivery, notice),
            freeze_url=self.notices.freeze_url(notice, origin=self.origin) if is_own else "",
            phrase=self._phrase(addressee) if is_own else "",
        )
        try:
            return mail.message(
                said.title,
                text,
                sender=self.sender,
                recipient=delivery.recipient,
                message_id=f"{notice.id}.{delivery.id}",
                at=notice.at,
                language=language,
                raw=self.post.raw,
            )
        except (ValueError, IndexError):
            raise Undelivered("its recipient is no address", is_final=True) from None

    def _code(self, delivery: Delivery, notice: Notice) -> str:
        if delivery.body_sealed is None:
            return ""
        try:
            place = code_place(notice.id, notice.account_id)
            return one_line(open_sealed(self.keyring, delivery.body_sealed, place=place).reveal_text())
        except Unopenable:
            raise Undelivered("its code was altered", is_final=True) from None

    def _phrase(self, addressee: Addressee) -> str:
        if not addressee.phrase_sealed:
            return ""
        try:
            place = phrase_place(addressee.account_id)
            return open_sealed(self.keyring, addressee.phrase_sealed, place=place).reveal_text()
        except Unopenable:  # planted or moved: a message without it is better than none, or than someone else's
            return ""

    async def _chat(self, notice: Notice, addressee: Addressee) -> None:
        if self.chat is None:
            raise Undelivered("no chat is set up any more", is_final=True)
        said = say(notice, self.texts("en"))
        facts = "\n".join(f"{name}: {value}" for name, value in said.facts)
        await self.chat.send(f"{said.title} – {addressee.email}", f"{said.text}\n{facts}")

    async def _text(self, delivery: Delivery, notice: Notice, addressee: Addressee) -> None:
        if self.sms is None:
            raise Undelivered("no gateway for text messages is set up any more", is_final=True)
        code, _, number = self._code(delivery, notice).partition(" ")
        said = say(notice, self.texts(addressee.language or "en"))
        await self.sms.send(number, text_message(said, code=code, origin=self.origin))

    async def _put_off(self, delivery: Delivery, problem: Undelivered) -> None:
        error, now = one_line(problem.reason), self.clock()
        async with self.database.write() as tx:
            if problem.is_final or delivery.tries >= len(PAUSES_MS):
                await store.give_up(tx, delivery, error=error, now=now)
                if not problem.is_expected:
                    log.warning("a message of notice %s was given up: %s", delivery.notice_id, error)
            else:
                await store.put_off(tx, delivery, until=now + PAUSES_MS[delivery.tries], error=error)
