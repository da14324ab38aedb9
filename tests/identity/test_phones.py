"""The account's phone: shown to be its owner's, chosen with a code from the mailbox, bounded in what it costs (K5)."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from keywright.app.services import wire
from keywright.errors import Conflict, Invalid, KeywrightError, Limited, NotFound, NotProven
from keywright.identity import phone_numbers
from keywright.identity.limits import DAY_MS, Window
from keywright.identity.model import FactorProof, Session
from keywright.identity.passwords import CHEAPEST
from keywright.identity.phones import CHOICE, PURPOSE, Phone, Phones, Way
from keywright.identity.policy_model import Policy
from keywright.notices.model import Channel, code_place
from keywright.sealing.envelope import open_sealed
from keywright.secret import Secret
from keywright.storage.tables import accounts, attempts, audit_events, deliveries, notices
from tests.identity.doorway import Doorway, visitor
from tests.support.world import Person

NUMBER, OTHER = "+4915112345678", "+436641234567"


class Caller:
    """Someone signed in, and what they do about their phone."""

    def __init__(self, door: Doorway, person: Person, session: Session) -> None:
        self.door, self.person, self.session = door, person, session
        self.services = door.world.services

    @property
    def phones(self) -> Phones:
        return self.services.own.phones

    def proof(self) -> FactorProof:
        return self.door.world.proof(self.person)

    async def sent(self, purpose: str) -> str:
        """Return the newest code of a purpose, as it goes out."""
        async with self.door.database.read() as tx:
            query = select(notices.c.id, deliveries.c.body_sealed).join(deliveries)
            query = query.where(notices.c.kind == f"code.{purpose}", notices.c.account_id == self.person.account.id)
            row = list(await tx.execute(query.order_by(deliveries.c.id)))[-1]
        place = code_place(row.id, self.person.account.id)
        return open_sealed(self.services.keyring, row.body_sealed, place=place).reveal_text().split()[0]

    async def asks(self, number: str = NUMBER, *, proof: FactorProof | None = None) -> str:
        return await self.phones.send_code(
            self.person.account, number, proof=proof or self.proof(), now=self.door.clock()
        )

    async def gives(self, code: str, number: str = NUMBER, *, proof: FactorProof | None = None) -> None:
        await self.phones.set_phone(
            self.session,
            number,
            Secret(code),
            proof=proof or self.proof(),
            visitor=visitor(),
            now=self.door.clock(),
        )

    async def adds(self, number: str = NUMBER) -> None:
        await self.asks(number)
        await self.gives(await self.sent(PURPOSE), number)

    async def asks_for_choice(self) -> str:
        async with self.door.database.write() as tx:
            await self.phones.send_choice_code(tx, self.person.account, now=self.door.clock())
        return await self.sent(CHOICE)

    async def chooses(self, code: str, *, proof: FactorProof | None = None) -> None:
        await self.phones.send_codes_to_phone(
            self.session, Secret(code), proof=proof or self.proof(), visitor=visitor(), now=self.door.clock()
        )

    async def phone(self) -> Phone | None:
        async with self.door.database.read() as tx:
            return await self.phones.of(tx, self.person.account.id)

    async def way(self) -> Way:
        async with self.door.database.read() as tx:
            return await self.phones.way(tx, self.person.account)

    async def sealed(self) -> bytes | None:
        async with self.door.database.read() as tx:
            mine = select(accounts.c.phone_sealed).where(accounts.c.id == self.person.account.id)
            found: bytes | None = (await tx.execute(mine)).scalar_one()
            return found

    async def plant(self, sealed: bytes | None) -> None:
        """Write the row behind Keywright's back."""
        async with self.door.database.write() as tx:
            mine = accounts.c.id == self.person.account.id
            await tx.execute(update(accounts).where(mine).values(phone_sealed=sealed))


@pytest.fixture
async def ada(door: Doorway) -> Caller:
    person = await door.world.person()
    return Caller(door, person, (await door.signed_in(person)).session)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("+49 1511 2345678", NUMBER),
        ("0049 1511 2345678", NUMBER),
        (" +49-1511-2345678 ", NUMBER),
        ("+1 (415) 555-2671", "+14155552671"),
        ("+43 664 1234567", OTHER),
    ],
)
def test_a_number_has_one_spelling(typed: str, kept: str) -> None:
    assert phone_numbers.e164(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        *("", "+", "01511 2345678", "1511 2345678", "+49151", "+999123456789", "+4915112345678 ext. 5", "tel:+1", "x"),
        *("+1 900 555 1212", "+882 16 1234567", "+49 30 123456", "+1 800 555 0100", "+" + "1" * 10_000, "+49\x001511"),
    ],
)
def test_what_is_no_number_of_a_mobile_phone_is_told(typed: str) -> None:
    with pytest.raises(Invalid) as problem:
        phone_numbers.e164(typed)
    assert problem.value.field == "phone"


async def test_a_number_is_the_account_s_once_its_code_was_typed_and_no_sooner(ada: Caller) -> None:
    assert await ada.asks("0049 1511 2345678") == NUMBER
    assert await ada.phone() is None
    code = await ada.sent(PURPOSE)
    for wrong in (f"{(int(code) + 1) % 10**6:06}", "", "x"):
        with pytest.raises(NotProven):
            await ada.gives(wrong)
    with pytest.raises(NotProven):
        await ada.gives(code, OTHER)  # was sent for another number
    await ada.gives(code)
    found = await ada.phone()
    assert found is not None
    assert (found.number, found.shown, found.gets_codes) == (NUMBER, "+49 ••• 78", False)
    with pytest.raises(NotProven):
        await ada.gives(code)  # serves once
    assert (await ada.door.kinds())[-1] == "account.phone_set"
    assert (await ada.way()).channel is Channel.EMAIL


async def test_each_step_takes_a_fresh_second_factor(ada: Caller) -> None:
    bob = await ada.door.world.person("bob@example.org")
    await ada.adds()
    code = await ada.asks_for_choice()
    old = FactorProof(ada.person.account.id, "totp", ada.door.clock() - 11 * 60_000)
    for proof in (old, ada.door.world.proof(bob)):
        for attempt in (
            ada.asks(OTHER, proof=proof),
            ada.gives("000000", proof=proof),
            ada.chooses(code, proof=proof),
            ada.phones.send_codes_by_mail(ada.session, proof=proof, visitor=visitor(), now=ada.door.clock()),
            ada.phones.remove(ada.session, proof=proof, visitor=visitor(), now=ada.door.clock()),
        ):
            with pytest.raises(NotProven):
                await attempt


async def test_codes_go_to_the_phone_only_by_a_code_from_the_mailbox(ada: Caller) -> None:
    """Who has session and second factor, and not the mailbox, can't get round it with a phone of their own."""
    await ada.adds()
    with pytest.raises(NotProven):
        await ada.chooses("000000")
    code = await ada.asks_for_choice()
    await ada.adds(OTHER)  # the code was for the number before
    with pytest.raises(NotProven):
        await ada.chooses(code)
    await ada.chooses(await ada.asks_for_choice())
    way = await ada.way()
    assert (way.channel, way.recipient) == (Channel.SMS, OTHER)
    with pytest.raises(Conflict):
        await ada.asks_for_choice()


async def test_another_number_gets_no_codes_until_it_is_chosen_and_a_removed_one_none(ada: Caller) -> None:
    await ada.adds()
    await ada.chooses(await ada.asks_for_choice())
    await ada.adds(OTHER)
    assert (await ada.way()).channel is Channel.EMAIL
    await ada.chooses(await ada.asks_for_choice())
    await ada.phones.send_codes_by_mail(ada.session, proof=ada.proof(), visitor=visitor(), now=ada.door.clock())
    assert (await ada.way()).channel is Channel.EMAIL
    await ada.phones.remove(ada.session, proof=ada.proof(), visitor=visitor(), now=ada.door.clock())
    assert await ada.phone() is None
    for attempt in (
        ada.asks_for_choice(),
        ada.phones.remove(ada.session, proof=ada.proof(), visitor=visitor(), now=ada.door.clock()),
    ):
        with pytest.raises(NotFound):
            await attempt
    told = [kind for kind in await ada.door.kinds() if kind.startswith(("account.phone", "account.codes"))]
    assert told == [
        "account.phone_set",
        "account.codes_sent_to",
        "account.phone_set",
        "account.codes_sent_to",
        "account.codes_sent_to",
        "account.phone_removed",
    ]


async def test_a_number_that_was_planted_moved_or_put_back_gets_no_code(ada: Caller) -> None:
    await ada.adds()
    await ada.chooses(await ada.asks_for_choice())
    before = await ada.sealed()
    bob = Caller(ada.door, person := await ada.door.world.person("bob@example.org"), ada.session)
    bob.session = (await ada.door.signed_in(person)).session
    await bob.adds(OTHER)
    await bob.chooses(await bob.asks_for_choice())
    for planted in (await bob.sealed(), b"x", b"\x01" * 80):
        await ada.plant(planted)
        assert await ada.phone() is None
        assert (await ada.way()).recipient == "ada@example.org"
    await ada.plant(before)
    assert (await ada.way()).channel is Channel.SMS
    await ada.adds(OTHER)
    await ada.plant(before)  # an older copy of the row
    assert await ada.phone() is None
    assert (await ada.way()).channel is Channel.EMAIL
    await ada.phones.remove(ada.session, proof=ada.proof(), visitor=visitor(), now=ada.door.clock())


async def test_nothing_at_rest_shows_number_or_code(ada: Caller) -> None:
    await ada.adds()
    await ada.asks(OTHER)
    code = await ada.sent(PURPOSE)
    found: list[Any] = []
    async with ada.door.database.read() as tx:
        for table in (accounts, attempts, audit_events, deliveries, notices):
            found += [repr(tuple(row)) for row in await tx.execute(select(table))]
    for secret in (NUMBER, NUMBER[1:], NUMBER[3:], OTHER, OTHER[1:]):
        assert secret not in "".join(found)
    assert f"'{code}'" not in "".join(found)
    assert NUMBER not in repr(await ada.phone()) + repr(await ada.way())


async def test_text_messages_are_limited_for_an_account_a_number_and_everyone(ada: Caller) -> None:
    world = ada.door.world
    numbers = [f"+49151123456{at:02}" for at in range(30)]
    taken = 0
    with pytest.raises(Limited):
        for number in numbers:
            await ada.asks(number)
            taken += 1
    assert taken == 5
    people = [Caller(ada.door, await world.person(f"p{at}@example.org"), ada.session) for at in range(6)]
    with pytest.raises(Limited):
        for person in people:
            await person.asks(OTHER)
    ada.door.clock.advance(ms=DAY_MS)
    await ada.asks()


async def test_everyone_together_texts_so_much_and_no_more(ada: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keywright.identity.limits.SMS_EVERYONE", (Window(2, DAY_MS),))
    bob = Caller(ada.door, await ada.door.world.person("bob@example.org"), ada.session)
    await ada.asks(NUMBER)
    await bob.asks(OTHER)
    with pytest.raises(Limited):
        await ada.asks("+4915112345699")


async def test_without_a_gateway_there_is_no_phone_and_codes_come_by_mail(ada: Caller) -> None:
    await ada.adds()
    await ada.chooses(await ada.asks_for_choice())
    services = ada.services
    without = wire(services.database, services.keyring, policy=Policy(), clock=ada.door.clock, hasher=CHEAPEST)
    ada.services = without
    assert (await ada.way()).channel is Channel.EMAIL
    for attempt in (ada.asks(OTHER), ada.gives("000000"), ada.asks_for_choice(), ada.chooses("000000")):
        with pytest.raises(KeywrightError):
            await attempt
    await ada.phones.remove(ada.session, proof=ada.proof(), visitor=visitor(), now=ada.door.clock())
    assert await ada.phone() is None
