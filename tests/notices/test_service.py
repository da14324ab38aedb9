from __future__ import annotations

import json

import pytest
from sqlalchemy import select, update

from keywright.app.services import Services
from keywright.audit.events import SYSTEM, Actor, Event, Kind
from keywright.errors import Conflict, Invalid, NotFound
from keywright.notices import links
from keywright.notices.about_keys import KEYS
from keywright.notices.model import Notice
from keywright.notices.saying import say
from keywright.notices.service import KEPT_MS, SETTLING_MS
from keywright.secret import Secret
from keywright.storage.tables import deliveries, notices
from tests.support.clock import FakeClock
from tests.support.texts import all_texts
from tests.support.withdrawing import desk_of
from tests.support.world import Person, World

ORIGIN = "https://keys.example.org"


async def told(services: Services, person: Person) -> list[Notice]:
    """Return what a person was told, newest first."""
    async with services.database.read() as tx:
        return await services.notices.of(tx, person.account.id)


async def kinds(services: Services, person: Person) -> list[str]:
    return [notice.kind for notice in await told(services, person)]


async def test_what_changes_a_key_is_told_with_its_name(services: Services, world: World) -> None:
    ada = await world.person()
    key = await world.key(ada, "trade", name="night bot", addresses=("203.0.113.7",))
    await world.disable(ada, key.id)
    newest, issued, _ = sorted(await told(services, ada), key=lambda one: one.kind != "key.disabled")
    assert (newest.kind, newest.subject, newest.detail["name"]) == ("key.disabled", key.id, "night bot")
    assert newest.detail["key"] == f"{key.id[:4]}…{key.id[-4:]}"
    assert {issued.kind, _.kind} == {"key.issued", "account.created"}


async def test_one_delivery_goes_to_the_account_of_each(services: Services, world: World) -> None:
    await world.person()
    async with services.database.read() as tx:
        (row,) = (await tx.execute(select(deliveries))).all()
    assert (row.channel, row.recipient, row.tries, row.body_sealed) == ("email", "ada@example.org", 0, None)


async def test_a_rename_is_no_news(services: Services, world: World, clock: FakeClock) -> None:
    ada = await world.person()
    key = await world.key(ada)
    before = await kinds(services, ada)
    async with services.database.write() as tx:
        await services.issuing.rename(tx, ada.owner, key.id, name="other", actor=world.actor(ada), now=clock())
    assert await kinds(services, ada) == before


async def test_what_is_undone_is_not_told(services: Services, world: World, clock: FakeClock) -> None:
    ada = await world.person()
    before = await kinds(services, ada)
    with pytest.raises(RuntimeError):
        async with services.database.write() as tx:
            await services.identity.freeze(tx, ada.account.id, actor=SYSTEM, now=clock())
            raise RuntimeError
    assert await kinds(services, ada) == before


async def test_a_notice_that_cannot_be_kept_undoes_the_change(
    services: Services, world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await world.person()

    async def broken(*_given: object, **_named: object) -> bool:
        raise RuntimeError

    monkeypatch.setattr("keywright.notices.store.insert_notice", broken)
    with pytest.raises(RuntimeError):
        async with services.database.write() as tx:
            await services.identity.freeze(tx, ada.account.id, actor=SYSTEM, now=clock())
    async with services.database.read() as tx:
        assert (await services.identity.account(tx, account_id=ada.account.id)).frozen_at is None


@pytest.mark.parametrize(
    ("known", "later_ms", "is_told"), [(False, SETTLING_MS, True), (True, SETTLING_MS, False), (False, 0, False)]
)
async def test_a_session_is_news_when_its_browser_is_new_and_the_account_is_not(
    services: Services, world: World, clock: FakeClock, known: bool, later_ms: int, is_told: bool
) -> None:
    ada = await world.person()
    clock.advance(ms=later_ms)
    event = Event(Kind.SESSION_OPENED, Actor(ada.account.id), ada.account.id, "ses_1", 0, {"known_device": known})
    async with services.database.write() as tx:
        await services.audit.record(tx, event, now=clock())
    assert ("session.opened" in await kinds(services, ada)) is is_told


async def test_an_event_of_no_account_is_told_to_nobody(services: Services, clock: FakeClock) -> None:
    async with services.database.write() as tx:
        for account_id in ("", "acc_nobody"):
            await services.audit.record(tx, Event(Kind.ACCOUNT_FROZEN, SYSTEM, account_id, "x"), now=clock())
        assert not (await tx.execute(select(notices))).all()


async def test_what_is_told_once_is_told_once(services: Services, world: World, clock: FakeClock) -> None:
    ada = await world.person()
    for _ in range(3):
        async with services.database.write() as tx:
            await services.notices.post(tx, ada.account.id, "notices.test", now=clock(), once="day 30")
    assert (await kinds(services, ada)).count("notices.test") == 1


async def test_there_is_no_notice_of_an_unknown_kind(services: Services, world: World, clock: FakeClock) -> None:
    ada = await world.person()
    async with services.database.write() as tx:
        with pytest.raises(Invalid):
            await services.notices.post(tx, ada.account.id, "weather.fine", now=clock())


async def test_a_key_of_someone_else_is_not_named(services: Services, world: World, clock: FakeClock) -> None:
    ada, bob = await world.person(), await world.person("bob@example.org")
    key = await world.key(ada, name="hers")
    async with services.database.write() as tx:
        await services.notices.post(tx, bob.account.id, "key.disabled", subject=key.id, now=clock())
    assert "hers" not in json.dumps([dict(one.detail) for one in await told(services, bob)])


@pytest.mark.parametrize("language", ["en", "de", "fr"])
async def test_whatever_is_told_of_a_sub_account_names_it(
    services: Services, world: World, clock: FakeClock, language: str
) -> None:
    desk = await desk_of(world)
    key = await world.key(desk.person, "withdraw", addresses=("127.0.0.1",), sub_account="trading1")
    desk.key = key
    asked = await desk.asks(sub_account="trading1")
    await desk.confirms(asked)
    async with services.database.write() as tx:
        for kind in KEYS:
            await services.notices.post(tx, desk.account_id, kind, subject=key.id, now=clock())
    texts = all_texts().of(language)
    label = {"en": "Sub-account", "de": "Unterkonto", "fr": "Sous-compte"}[language]
    said = [one for one in await told(services, desk.person) if one.subject in {key.id, asked.id}]
    assert {one.kind for one in said} >= {*KEYS, "approval.asked", "approval.confirmed"}
    for one in said:
        assert (label, "trading1") in say(one, texts).facts, one.kind


async def test_what_is_told_of_the_account_itself_names_no_sub_account(services: Services, world: World) -> None:
    desk = await desk_of(world)
    await desk.asks()
    for one in await told(services, desk.person):
        assert "Sub-account" not in dict(say(one, all_texts().of("en")).facts)


async def test_the_list_goes_on_where_it_ended_and_is_read_at_once(
    services: Services, world: World, clock: FakeClock
) -> None:
    ada, bob = await world.person(), await world.person("bob@example.org")
    for _ in range(5):  # at the same moment, too
        async with services.database.write() as tx:
            await services.notices.post(tx, ada.account.id, "notices.test", now=clock())
    seen: list[Notice] = []
    async with services.database.write() as tx:
        while page := await services.notices.of(tx, ada.account.id, before=seen[-1].id if seen else "", limit=2):
            seen += page
        assert len({one.id for one in seen}) == len(seen) == 6
        assert not await services.notices.of(tx, bob.account.id, before=seen[0].id), "a place of someone else's"
        assert await services.notices.unread(tx, ada.account.id) == 6
        await services.notices.mark_read(tx, ada.account.id, now=clock())
        assert await services.notices.unread(tx, ada.account.id) == 0
        assert await services.notices.unread(tx, bob.account.id) == 1


async def test_a_code_is_sealed_and_in_no_list(services: Services, world: World, clock: FakeClock) -> None:
    ada = await world.person()
    before = await kinds(services, ada)
    async with services.database.write() as tx:
        await services.notices.post_code(
            tx, ada.account.id, "key.create", Secret("493817"), recipient="new@example.org", now=clock()
        )
    async with services.database.read() as tx:
        rows = [repr(row) for table in (notices, deliveries) for row in await tx.execute(select(table))]
        assert await services.notices.unread(tx, ada.account.id) == len(before)
    assert "new@example.org" in "".join(rows)
    assert "493817" not in "".join(rows)
    assert await kinds(services, ada) == before


async def test_a_link_serves_once_and_for_its_account(services: Services, world: World, clock: FakeClock) -> None:
    ada = await world.person()
    (notice,) = await told(services, ada)
    token = services.notices.freeze_url(notice, origin=ORIGIN).partition("?t=")[2]
    async with services.database.write() as tx:
        assert (await services.notices.check_link(tx, token, now=clock())).account_id == ada.account.id
        assert await services.notices.use_link(tx, token, now=clock()) == ada.account.id
        with pytest.raises(Conflict):
            await services.notices.use_link(tx, token, now=clock())


async def test_a_link_that_is_altered_old_or_of_another_database_serves_nothing(
    services: Services, world: World, clock: FakeClock
) -> None:
    ada, bob = await world.person(), await world.person("bob@example.org")
    (notice,) = await told(services, ada)
    (bobs,) = await told(services, bob)
    token = services.notices.freeze_url(notice, origin=ORIGIN).partition("?t=")[2]
    name, until, mac = token.split(".")
    foreign = links.token_of(Secret(b"x" * 32), notice_id=name, account_id=ada.account.id, until=int(until))
    forged = [
        "", "x", f"{name}.{until}", f"{bobs.id}.{until}.{mac}", f"{name}.{int(until) + 1}.{mac}",
        f"{name}.{until}.{'A' * 43}", foreign, f" {token}", f"{token}=", token.replace(".", "%2e"), token + "\n",
    ]  # fmt: skip
    async with services.database.write() as tx:
        for one in forged:
            with pytest.raises(NotFound):
                await services.notices.use_link(tx, one, now=clock())
        with pytest.raises(NotFound):
            await services.notices.use_link(tx, token, now=notice.at + links.LASTS_MS)
        await tx.execute(update(notices).where(notices.c.id == notice.id).values(account_id=bob.account.id))
        with pytest.raises(NotFound):  # a row that was moved to someone else: their keys stay on
            await services.notices.use_link(tx, token, now=clock())


async def test_old_notices_are_forgotten_unless_they_are_on_their_way(
    services: Services, world: World, clock: FakeClock
) -> None:
    ada = await world.person()
    await world.key(ada)
    clock.advance(ms=KEPT_MS + 1)
    async with services.database.write() as tx:
        assert await services.notices.forget(tx, now=clock()) == 0
        await tx.execute(update(deliveries).values(next_at=None))
        assert await services.notices.forget(tx, now=clock()) == 2
    assert not await told(services, ada)
