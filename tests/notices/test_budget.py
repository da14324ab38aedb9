"""No flood of messages to a stranger, and no silence bought with a flood."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import select, update

from keywright.app.services import Services
from keywright.audit.events import SYSTEM
from keywright.notices.budget import A_KIND, CAUSED_BY_KEYS, GRAVE, GRAVE_KINDS, OTHERS, may_mail
from keywright.notices.service import DAY_MS
from keywright.notices.wording import WORDINGS
from keywright.secret import Secret
from keywright.storage.tables import accounts, deliveries, notices
from tests.support.clock import FakeClock
from tests.support.withdrawing import desk_of
from tests.support.world import World

BOUND = GRAVE + OTHERS


async def mailed(services: Services, email: str = "ada@example.org") -> Counter[str]:
    """Return of which kinds messages were written to an address, and how many."""
    query = select(notices.c.kind).join(deliveries, deliveries.c.notice_id == notices.c.id)
    async with services.database.read() as tx:
        return Counter((await tx.execute(query.where(deliveries.c.recipient == email))).scalars())


async def test_whoever_orders_and_takes_back_withdrawals_silences_nothing_else(
    services: Services, world: World, clock: FakeClock
) -> None:
    desk = await desk_of(world)
    began = await mailed(services)
    for number in range(16):
        asked = await desk.asks(f"w{number}")
        async with services.database.write() as tx:
            await services.approvals.take_back(tx, asked.id, asked_by="sandbox", now=clock())
    await world.key(desk.person, name="another")
    async with services.database.write() as tx:
        await services.notices.post(tx, desk.account_id, "watch.new_address", subject=desk.key.id, now=clock())
        await services.identity.freeze(tx, desk.account_id, actor=SYSTEM, now=clock())
    assert await mailed(services) - began == Counter(
        {"approval.asked": 16, "approval.refused": 16, "key.issued": 1, "watch.new_address": 1, "account.frozen": 1}
    )


async def test_a_flood_of_one_kind_is_listed_and_silences_that_kind_only(
    services: Services, world: World, clock: FakeClock
) -> None:
    ada, bob = await world.person(), await world.person("bob@example.org")
    async with services.database.write() as tx:
        await tx.execute(update(accounts).where(accounts.c.id == bob.account.id).values(email_verified_at=clock()))
        for person in (ada, bob):
            for _ in range(50):
                await services.notices.post(tx, person.account.id, "approval.asked", now=clock())
            await services.notices.post(tx, person.account.id, "approval.refused", now=clock())
        assert len(await services.notices.of(tx, ada.account.id, limit=100)) == 52
    assert await mailed(services) == {"account.created": 1, "approval.asked": A_KIND, "approval.refused": 1}
    assert await mailed(services, "bob@example.org") == {
        "account.created": 1,
        "approval.asked": 50,
        "approval.refused": 1,
    }
    clock.advance(ms=DAY_MS - 1)
    for _ in range(2):
        async with services.database.write() as tx:
            await services.notices.post(tx, ada.account.id, "approval.asked", now=clock())
        clock.advance(ms=1)
    assert (await mailed(services))["approval.asked"] == A_KIND + 1, "only what was a whole day ago makes room"


async def test_no_address_that_nobody_proved_gets_more_than_the_bound_in_a_day(
    services: Services, world: World, clock: FakeClock
) -> None:
    ada, _ = await world.person(), await world.person("bob@example.org")
    for kind in sorted(WORDINGS):
        async with services.database.write() as tx:
            for _ in range(A_KIND + 1):
                await services.notices.post(tx, ada.account.id, kind, now=clock())
    sent = await mailed(services)
    assert sent.total() == BOUND
    assert max(sent.values()) == A_KIND
    assert (await mailed(services, "bob@example.org")).total() == 1


async def test_codes_and_what_others_write_there_are_counted_elsewhere(
    services: Services, world: World, clock: FakeClock
) -> None:
    ada, bob = await world.person(), await world.person("bob@example.org")
    async with services.database.write() as tx:
        for person in (ada, bob):
            for _ in range(BOUND):
                await services.notices.post_code(
                    tx, person.account.id, "email", Secret("493817"), recipient="ada@example.org", now=clock()
                )
        for _ in range(A_KIND):
            await services.notices.post(tx, ada.account.id, "notices.test", now=clock())
    assert (await mailed(services))["notices.test"] == A_KIND


@pytest.mark.parametrize("kind", sorted(GRAVE_KINDS - CAUSED_BY_KEYS))
def test_nothing_that_a_key_alone_causes_silences_what_is_grave(kind: str) -> None:
    flood = {other: A_KIND for other in WORDINGS if other in CAUSED_BY_KEYS or other not in GRAVE_KINDS}
    assert may_mail(kind, flood)
    assert not may_mail(kind, {kind: A_KIND})
    assert not may_mail(kind, {"key.deleted": 0, **dict.fromkeys(sorted(GRAVE_KINDS - {kind})[:5], A_KIND)})


def test_what_is_worth_a_line_in_the_chat_is_grave_unless_a_key_orders_it_at_will() -> None:
    assert set(WORDINGS) >= GRAVE_KINDS
    assert {kind for kind, wording in WORDINGS.items() if wording.chat} - GRAVE_KINDS == {"approval.asked"}
