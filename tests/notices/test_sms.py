"""Codes as text messages, against a real gateway: one that takes JSON, on this machine, through Apprise."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from keywright.app.services import Services
from keywright.notices import sms as sms_module
from keywright.notices.courier import CODE_MS, Courier, Undelivered
from keywright.notices.mail import Sender
from keywright.notices.model import Channel
from keywright.notices.sms import AppriseSms
from keywright.secret import Secret
from keywright.storage.tables import deliveries, notices
from tests.notices.test_courier import Pigeon
from tests.support.clock import FakeClock
from tests.support.room import Room, open_room
from tests.support.texts import all_texts
from tests.support.world import Person, World

pytestmark = pytest.mark.filterwarnings("ignore:'(imghdr|cgi)' is deprecated:DeprecationWarning")  # in Apprise

NUMBER = "+4915112345678"
WISH = {
    "name": "night bot",
    "permissions": ["read", "trade"],
    "environment": "spot",
    "addresses": [],
    "sub_account": "",
}


@pytest.fixture
def room() -> Iterator[Room]:
    """Give a gateway."""
    with open_room() as room:
        yield room


def courier(services: Services, sms: Any) -> Courier:
    sender = Sender("Keywright", "keys@example.org")
    texts = all_texts().of
    return Courier(
        *(services.database, services.keyring, services.notices, texts, "https://keys.example.org", sender, Pigeon()),
        chat=None,
        clock=services.clock,
        sms=sms,
    )


async def post(services: Services, person: Person, code: str = "482913", **wish: Any) -> None:
    """Put a code for a key into the outbox, to the phone."""
    async with services.database.write() as tx:
        await services.notices.post_code(
            tx,
            person.account.id,
            "key.create",
            Secret(code),
            recipient=NUMBER,
            channel=Channel.SMS,
            detail={**WISH, **wish},
            now=services.clock(),
        )


async def sent(services: Services) -> list[Any]:
    async with services.database.read() as tx:
        return list(await tx.execute(select(deliveries).where(deliveries.c.channel == "sms")))


async def test_a_code_arrives_at_its_number_and_says_which_key_it_confirms(
    services: Services, world: World, room: Room
) -> None:
    ada = await world.person()
    await post(services, ada, sub_account="trading1")
    await courier(services, AppriseSms([room.sms_url])).round()
    (said,) = room.said
    assert said["to"] == NUMBER
    assert said["message"] == (
        '482913: confirms the API key "night bot": read, trade (trading1)\n\n@keys.example.org #482913'
    )
    assert said["message"].isascii(), "other signs halve the room in a message"


async def test_nothing_of_number_or_code_is_left_or_shown(
    services: Services, world: World, room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    ada = await world.person()
    await post(services, ada)
    async with services.database.read() as tx:
        waiting = repr([tuple(row) for table in (notices, deliveries) for row in await tx.execute(select(table))])
    await courier(services, AppriseSms([room.sms_url])).round()
    (row,) = await sent(services)
    assert row.body_sealed is None
    assert row.delivered_at is not None
    for secret in (NUMBER, NUMBER[1:], "482913", "t0ken"):
        assert secret not in waiting + repr(row) + caplog.text + repr(AppriseSms([room.sms_url]))


async def test_the_next_gateway_is_asked_where_one_does_not_take_it(
    services: Services, world: World, room: Room
) -> None:
    ada = await world.person()
    await post(services, ada)
    with open_room() as broken:
        broken.status = 500
        await courier(services, AppriseSms([broken.sms_url, room.sms_url])).round()
        assert len(broken.said) == len(room.said) == 1


async def test_what_no_gateway_takes_is_tried_again_until_the_code_is_too_old(
    services: Services, world: World, room: Room, clock: FakeClock
) -> None:
    room.status = 503
    ada = await world.person()
    await post(services, ada)
    carries = courier(services, AppriseSms([room.sms_url]))
    await carries.round()
    (row,) = await sent(services)
    assert (row.next_at, row.failed_at) == (clock() + 30_000, None)
    assert "t0ken" not in row.error
    clock.advance(ms=CODE_MS + 1)
    room.status = 200
    await carries.round()
    (row,) = await sent(services)
    assert row.failed_at is not None
    assert len(room.said) == 1


async def test_a_gateway_that_is_gone_or_slow_is_told(
    services: Services, world: World, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await world.person()
    await post(services, ada)
    await courier(services, None).round()
    (row,) = await sent(services)
    assert row.failed_at is not None
    monkeypatch.setattr(sms_module, "SECONDS", 0.2)
    room.pause = 3.0
    with pytest.raises(Undelivered, match="in time"):
        await AppriseSms([room.sms_url]).send(NUMBER, "x")
    room.over.set()


async def test_a_number_is_no_way_into_the_url(room: Room) -> None:
    """Numbers are checked before; were one not, it would still be a value in the URL and nothing else."""
    await AppriseSms([room.sms_url]).send("+1&:from=evil/../x?y#z", "x")
    (said,) = room.said
    assert said["to"] == "+1&:from=evil/../x?y#z"
    assert "from" not in said
