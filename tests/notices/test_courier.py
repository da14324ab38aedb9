from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import select, update

from keywright.app.services import Services
from keywright.notices import courier as courier_module
from keywright.notices.courier import CODE_MS, HELD_MS, PAUSES_MS, Courier, Undelivered
from keywright.notices.mail import Sender
from keywright.notices.model import Channel, phrase_place
from keywright.sealing.envelope import seal
from keywright.secret import Secret
from keywright.storage.tables import accounts, deliveries
from keywright.web.texts import PSEUDO
from tests.support.clock import FakeClock
from tests.support.texts import all_texts
from tests.support.world import World

ORIGIN = "https://keys.example.org"
TWO_DAYS_MS = 48 * 3_600_000


@dataclass
class Pigeon:
    """A carrier that keeps what it was given, unless it is told to fail."""

    problem: BaseException | None = None
    meanwhile: Callable[[], Any] | None = None
    sent: list[EmailMessage] = field(default_factory=list)
    channel = Channel.EMAIL
    raw = True

    async def send(self, message: EmailMessage, *, name: str) -> None:
        if self.meanwhile:
            await self.meanwhile()
        if self.problem:
            raise self.problem
        self.sent.append(message)


def courier(services: Services, post: Any, chat: Any = None) -> Courier:
    sender = Sender("Keywright", "keys@example.org")
    texts = all_texts(with_pseudo=True).of
    return Courier(
        services.database, services.keyring, services.notices, texts, ORIGIN, sender, post, chat, services.clock
    )


async def rows(services: Services) -> list[Any]:
    async with services.database.read() as tx:
        return list((await tx.execute(select(deliveries).order_by(deliveries.c.id))).all())


async def code(services: Services, account_id: str, recipient: str = "ada@example.org") -> None:
    async with services.database.write() as tx:
        await services.notices.post_code(
            tx, account_id, "email", Secret("493817"), recipient=recipient, now=services.clock()
        )


async def test_a_message_goes_out_once_and_says_what_happened(services: Services, world: World) -> None:
    ada = await world.person()
    post = Pigeon()
    assert await courier(services, post).round() == 1
    assert await courier(services, post).round() == 0
    (message,) = post.sent
    assert message["To"] == ada.account.email
    assert message["Subject"] == "Keywright: Your account was made"
    assert message["Auto-Submitted"] == "auto-generated"
    text = message.get_content()
    assert f"{ORIGIN}/notices/freeze?t=ntc_" in text
    assert f"The only official address is {ORIGIN}." in text


async def test_two_couriers_never_send_the_same_message(services: Services, world: World) -> None:
    await world.person()
    second = Pigeon()
    first = Pigeon(meanwhile=courier(services, second).round)
    await courier(services, first).round()
    assert (len(first.sent), len(second.sent)) == (1, 0)


async def test_who_dies_before_the_note_leaves_the_message_to_the_next_under_the_same_id(
    services: Services, world: World, clock: FakeClock
) -> None:
    await world.person()
    dying = Pigeon(problem=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        await courier(services, dying).round()
    after = Pigeon()
    assert await courier(services, after).round() == 0, "it may still be on its way"
    clock.advance(ms=HELD_MS)
    assert await courier(services, after).round() == 1
    clock.advance(days=3)
    again = Pigeon()
    async with services.database.write() as tx:
        await tx.execute(update(deliveries).values(next_at=0))
    await courier(services, again).round()
    assert after.sent[0]["Message-ID"] == again.sent[0]["Message-ID"]


async def test_a_server_that_is_down_is_tried_for_two_days_then_no_more(
    services: Services, world: World, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    await world.person()
    began = clock()
    post = Pigeon(problem=Undelivered("the server can't be reached", is_carrier=True))
    for pause in PAUSES_MS:
        await courier(services, post).round()
        (row,) = await rows(services)
        assert row.next_at - clock() == pause
        clock.now = row.next_at
    await courier(services, post).round()
    (row,) = await rows(services)
    assert (row.tries, row.next_at) == (len(PAUSES_MS) + 1, None)
    assert TWO_DAYS_MS * 0.9 <= clock() - began <= TWO_DAYS_MS * 1.1
    assert (row.failed_at, row.error) == (clock(), "the server can't be reached")
    assert "given up" in caplog.text
    assert "ada@example.org" not in caplog.text


async def test_a_server_that_comes_back_gets_what_waited(services: Services, world: World, clock: FakeClock) -> None:
    await world.person()
    await courier(services, Pigeon(problem=Undelivered("down", is_carrier=True))).round()
    clock.advance(ms=PAUSES_MS[0])
    post = Pigeon()
    assert await courier(services, post).round() == 1
    (row,) = await rows(services)
    assert (row.delivered_at, row.next_at, row.error) == (clock(), None, "")


async def test_a_server_that_is_down_is_asked_once_a_round(services: Services, world: World) -> None:
    for name in "abcde":
        await world.person(f"{name}@example.org")
    asked = 0

    async def count() -> None:
        nonlocal asked
        asked += 1

    post = Pigeon(problem=Undelivered("down", is_carrier=True), meanwhile=count)
    await courier(services, post).round()
    assert asked == 1
    assert [row.tries for row in await rows(services)] == [1, 0, 0, 0, 0]


async def test_what_is_refused_for_good_is_not_tried_again(services: Services, world: World) -> None:
    await world.person()
    await courier(services, Pigeon(problem=Undelivered("no such user", is_final=True))).round()
    (row,) = await rows(services)
    assert (row.next_at, row.error) == (None, "no such user")


async def test_no_mail_goes_to_reserved_domains(services: Services, world: World) -> None:
    await world.person("ada@keywright.example")
    post = Pigeon()
    assert await courier(services, post).round() == 0
    (row,) = await rows(services)
    assert row.next_at is None
    assert not post.sent


async def test_a_code_is_in_its_message_and_gone_afterwards(services: Services, world: World) -> None:
    ada = await world.person()
    await code(services, ada.account.id)
    post = Pigeon()
    await courier(services, post).round()
    (message,) = [one for one in post.sent if "493817" in one.get_content()]
    assert "493817" not in message["Subject"]
    assert all(row.body_sealed is None for row in await rows(services))


async def test_a_code_to_another_address_brings_no_link_and_no_phrase(services: Services, world: World) -> None:
    ada = await world.person()
    await code(services, ada.account.id, recipient="new@example.org")
    post = Pigeon()
    await courier(services, post).round()
    (message,) = [one for one in post.sent if one["To"] == "new@example.org"]
    assert "/notices/freeze" not in message.get_content()


async def test_a_code_that_is_too_old_is_not_sent(services: Services, world: World, clock: FakeClock) -> None:
    ada = await world.person()
    await code(services, ada.account.id)
    clock.advance(ms=CODE_MS + 1)
    post = Pigeon()
    await courier(services, post).round()
    assert "493817" not in "".join(one.get_content() for one in post.sent)
    assert (await rows(services))[-1].body_sealed is None


async def test_leak_a_code_moved_to_another_message_does_not_open(services: Services, world: World) -> None:
    ada, bob = await world.person(), await world.person("bob@example.org")
    await code(services, ada.account.id)
    await code(services, bob.account.id, recipient="bob@example.org")
    sealed = (await rows(services))[-2].body_sealed
    async with services.database.write() as tx:
        mine = deliveries.c.recipient == "bob@example.org"
        await tx.execute(
            update(deliveries).where(mine, deliveries.c.body_sealed.is_not(None)).values(body_sealed=sealed)
        )
    post = Pigeon()
    await courier(services, post).round()
    assert not [one for one in post.sent if one["To"] == "bob@example.org" and "493817" in one.get_content()]


async def test_the_phrase_stands_in_the_message_and_a_planted_one_does_not(
    services: Services, world: World, clock: FakeClock
) -> None:
    ada, bob = await world.person(), await world.person("bob@example.org")
    sealed = seal(services.keyring, Secret("blue heron"), place=phrase_place(ada.account.id))
    async with services.database.write() as tx:
        await tx.execute(update(accounts).values(phrase_sealed=sealed))
    post = Pigeon()
    await courier(services, post).round()
    by_recipient = {str(one["To"]): one.get_content() for one in post.sent}
    assert "blue heron" in by_recipient[ada.account.email]
    assert "phrase" not in by_recipient[bob.account.email].partition("The only official")[0]


async def test_a_message_is_in_the_language_of_its_account(services: Services, world: World) -> None:
    await world.person()
    async with services.database.write() as tx:
        await tx.execute(update(accounts).values(language=PSEUDO))
    post = Pigeon()
    await courier(services, post).round()
    assert post.sent[0]["Subject"] == "Keywright: ⟦Your account was made⟧"


@pytest.mark.parametrize(
    "name", ["bot\r\nBcc: eve@example.org", "bot\nSubject: won", "=?utf-8?q?x=0ABcc:_eve=40example.org?=", "b\u2028ot"]
)
async def test_a_name_makes_no_header(services: Services, world: World, clock: FakeClock, name: str) -> None:
    ada = await world.person()
    async with services.database.write() as tx:
        await services.notices.post(tx, ada.account.id, "key.deleted", detail={"name": name}, now=clock())
    post = Pigeon()
    await courier(services, post).round()
    wire = post.sent[-1].as_bytes()
    head = wire.partition(b"\r\n\r\n")[0].replace(b"\r\n ", b"")
    assert not [line for line in head.split(b"\r\n") if line.lower().startswith((b"bcc:", b"subject: won"))]
    assert head.lower().count(b"\r\nsubject:") == 1


@dataclass
class Board:
    """A chat."""

    said: list[tuple[str, str]] = field(default_factory=list)

    async def send(self, title: str, text: str) -> None:
        self.said.append((title, text))


async def test_the_gravest_go_to_the_chat_too(services: Services, world: World, clock: FakeClock) -> None:
    ada = await world.person()
    services.notices._has_chat = True
    async with services.database.write() as tx:
        for kind in ("account.frozen", "key.disabled"):
            await services.notices.post(tx, ada.account.id, kind, now=clock())
    board = Board()
    await courier(services, Pigeon(), board).round()
    assert [title for title, _ in board.said] == ["Your account is frozen – ada@example.org"]


async def test_a_chat_that_is_down_holds_up_no_mail(services: Services, world: World, clock: FakeClock) -> None:
    ada = await world.person()
    services.notices._has_chat = True
    async with services.database.write() as tx:
        await services.notices.post(tx, ada.account.id, "account.frozen", now=clock())
    post = Pigeon()

    class Dead:
        async def send(self, title: str, text: str) -> None:
            raise Undelivered("down", is_carrier=True)

    await courier(services, post, Dead()).round()
    assert len(post.sent) == 2
    assert [row.channel for row in await rows(services) if row.next_at is not None] == ["chat"]


async def test_only_so_many_are_looked_at_in_one_round(
    services: Services, world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(courier_module, "AT_ONCE", 2)
    ada = await world.person()
    async with services.database.write() as tx:
        for _ in range(4):
            await services.notices.post(tx, ada.account.id, "notices.test", now=clock())
    post = Pigeon()
    assert [await courier(services, post).round() for _ in range(4)] == [2, 2, 1, 0]
