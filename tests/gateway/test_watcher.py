"""The watch over keys, over a database of each kind: what is told, what is not told twice, what a restart remembers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from keywright.app.services import Services
from keywright.gateway import watch
from keywright.gateway.model import Attempt
from keywright.gateway.usage import Usage
from keywright.gateway.watcher import Watcher
from keywright.notices.model import Notice
from keywright.storage.tables import api_keys, usage_records
from tests.support.clock import T0, FakeClock
from tests.support.world import Held, Person, World

MINUTE, HOUR, DAY = watch.MINUTE_MS, watch.HOUR_MS, watch.DAY_MS
HOME, AWAY = "203.0.113.7", "198.51.100.4"


class Post:
    """A key of Ada's, and the log book of a gateway that it is used at."""

    def __init__(self, services: Services, ada: Person, key: Held) -> None:
        self.services, self.ada, self.key = services, ada, key
        self.restart()

    def restart(self) -> None:
        """Be another process: nothing is remembered but what is written."""
        self.usage = Usage(self.services.database, Watcher(self.services.notices))

    async def uses(
        self, at: int, *, address: str = HOME, agent: str = "ccxt", verdict: str = "allowed", times: int = 1
    ) -> None:
        """Let the key be used, and the use be written."""
        one = Attempt(
            "r",
            "spot",
            at,
            "GET",
            "/api/v1/accounts",
            address,
            agent,
            self.key.id,
            self.ada.account.id,
            verdict,
            200,
            900,
        )
        for _ in range(times):
            self.usage.keep(replace(one))
        await self.usage.flush()

    async def told(self, kind: str) -> list[Notice]:
        """Return what Ada was told of this kind, newest first."""
        async with self.services.database.read() as tx:
            found = await self.services.notices.of(tx, self.ada.account.id, limit=1_000)
        return [one for one in found if one.kind == kind]


@pytest.fixture
async def post(services: Services, world: World) -> Post:
    """Give a key that was made now."""
    ada = await world.person()
    return Post(services, ada, await world.key(ada, "trade"))


async def test_a_new_address_is_told_once(post: Post) -> None:
    await post.uses(T0 + 1)
    (told,) = await post.told(watch.NEW_ADDRESS)
    assert (told.detail["from"], told.subject, told.detail["name"]) == (HOME, post.key.id, "bot")
    for day in range(1, 60, 3):
        await post.uses(T0 + day * DAY)
        if day % 2:
            post.restart()
    assert len(await post.told(watch.NEW_ADDRESS)) == 1


async def test_an_address_counts_as_new_again_after_thirty_days(post: Post) -> None:
    await post.uses(T0)
    await post.uses(T0 + HOUR, address=AWAY)
    for day in (10, 20, 30, 31):
        await post.uses(T0 + day * DAY, address=AWAY)
    await post.uses(T0 + 32 * DAY)
    assert [one.detail["from"] for one in await post.told(watch.NEW_ADDRESS)] == [HOME, AWAY, HOME]


async def test_a_second_new_address_within_the_hour_is_told_when_the_hour_is_over(post: Post) -> None:
    """Not forgotten: else a thief would only have to come soon after the owner has moved."""
    await post.uses(T0)
    await post.uses(T0 + MINUTE, address=AWAY)
    assert len(await post.told(watch.NEW_ADDRESS)) == 1
    post.restart()
    await post.uses(T0 + HOUR, address=AWAY)
    assert [one.detail["from"] for one in await post.told(watch.NEW_ADDRESS)] == [AWAY, HOME]


async def test_addresses_of_one_household_are_one(post: Post) -> None:
    await post.uses(T0, address="2001:db8:1:2::1")
    await post.uses(T0 + 2 * HOUR, address="2001:db8:1:2:ffff::9")
    assert len(await post.told(watch.NEW_ADDRESS)) == 1


async def test_a_refused_request_makes_no_address_known(post: Post) -> None:
    await post.uses(T0, verdict="signature_mismatch")
    assert not await post.told(watch.NEW_ADDRESS)
    await post.uses(T0 + 1)
    assert len(await post.told(watch.NEW_ADDRESS)) == 1


async def test_ten_refusals_within_a_minute_are_told_once_an_hour(post: Post) -> None:
    for second in range(0, 45, 5):
        await post.uses(T0 + second * 1_000, verdict="permission_missing")
    post.restart()
    assert not await post.told(watch.REFUSED)
    await post.uses(T0 + 50_000, verdict="permission_missing")
    (told,) = await post.told(watch.REFUSED)
    assert (told.detail["count"], told.detail["reason"]) == (10, "permission missing")
    for minute in (1, 10, 59):
        post.restart()
        await post.uses(T0 + minute * MINUTE, verdict="permission_missing", times=20)
    assert len(await post.told(watch.REFUSED)) == 1
    await post.uses(T0 + 62 * MINUTE, verdict="permission_missing", times=20)
    assert len(await post.told(watch.REFUSED)) == 2


async def test_strangers_who_know_an_id_can_cause_one_notice_a_day(post: Post) -> None:
    for hour in range(48):
        await post.uses(T0 + hour * HOUR, verdict="signature_mismatch", times=30, address=f"192.0.2.{hour}")
    assert len(await post.told(watch.UNSIGNED)) == 2
    assert not await post.told(watch.REFUSED) + await post.told(watch.NEW_ADDRESS) + await post.told(watch.TWO_PLACES)


async def test_what_is_our_own_fault_is_told_to_nobody(post: Post) -> None:
    await post.uses(T0, verdict="upstream_unreachable", times=50)
    await post.uses(T0, verdict="", times=50)
    assert not await post.told(watch.REFUSED)


async def test_a_dormant_key_that_wakes_is_told(post: Post) -> None:
    await post.uses(T0)
    await post.uses(T0 + 29 * DAY)
    assert not await post.told(watch.DORMANT)
    await post.uses(T0 + 59 * DAY)
    (told,) = await post.told(watch.DORMANT)
    assert told.detail["days"] == 30
    await post.uses(T0 + 59 * DAY + HOUR)
    assert len(await post.told(watch.DORMANT)) == 1


async def test_a_key_that_was_never_used_rests_from_its_making_on(post: Post) -> None:
    async with post.services.database.write() as tx:
        await tx.execute(update(api_keys).values(created_at=T0 - 40 * DAY))
    await post.uses(T0)
    (told,) = await post.told(watch.DORMANT)
    assert told.detail["days"] == 40


async def test_two_addresses_within_ten_minutes_are_told_and_the_same_two_not_again(post: Post) -> None:
    await post.uses(T0)
    await post.uses(T0 + 9 * MINUTE, address=AWAY)
    (told,) = await post.told(watch.TWO_PLACES)
    assert told.detail["places"] == [AWAY, HOME]
    for hour in (1, 2, 30):
        post.restart()
        await post.uses(T0 + hour * HOUR)
        await post.uses(T0 + hour * HOUR + 1, address=AWAY)
    assert len(await post.told(watch.TWO_PLACES)) == 1
    await post.uses(T0 + 31 * HOUR)
    await post.uses(T0 + 31 * HOUR + 1, address="192.0.2.9")
    assert len(await post.told(watch.TWO_PLACES)) == 2, "a third one is"


async def test_moving_from_one_address_to_another_is_not_two_at_once(post: Post) -> None:
    await post.uses(T0)
    await post.uses(T0 + 12 * MINUTE, address=AWAY)
    assert not await post.told(watch.TWO_PLACES)


async def test_two_programs_within_ten_minutes_are_told_also_after_a_restart(post: Post) -> None:
    await post.uses(T0)
    post.restart()
    await post.uses(T0 + 5 * MINUTE, agent="curl/8")
    (told,) = await post.told(watch.TWO_PLACES)
    assert told.detail["places"] == ["ccxt", "curl/8"]


async def test_two_servers_see_each_others_requests(post: Post) -> None:
    await post.uses(T0)
    other = Post(post.services, post.ada, post.key)
    await other.uses(T0 + MINUTE, address=AWAY)
    assert len(await post.told(watch.TWO_PLACES)) == 1


async def test_a_watch_that_fails_keeps_no_record_from_being_written(
    post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_given: object, **_named: object) -> None:
        raise ValueError("a value that no log should hold")

    monkeypatch.setattr("keywright.notices.store.insert_notice", broken)
    await post.uses(T0)
    async with post.services.database.read() as tx:
        assert len((await tx.execute(select(usage_records))).all()) == 1
    assert "the watch over keys failed: ValueError" in caplog.text
    assert "no log should hold" not in caplog.text
    monkeypatch.undo()
    await post.uses(T0 + 1)
    assert len(await post.told(watch.NEW_ADDRESS)) == 1, "what failed was not learned"


async def test_what_is_undone_was_not_learned(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_given: object, **_named: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("keywright.gateway.store.keep_usage", broken)
        with pytest.raises(RuntimeError):
            await post.uses(T0)
    assert not await post.told(watch.NEW_ADDRESS)
    await post.usage.flush()
    assert len(await post.told(watch.NEW_ADDRESS)) == 1


async def test_addresses_that_count_as_new_anyhow_are_forgotten(post: Post, clock: FakeClock) -> None:
    await post.uses(T0)
    clock.advance(days=40)
    await post.usage.forget(before=0, now=clock())
    post.restart()
    await post.uses(clock())
    assert len(await post.told(watch.NEW_ADDRESS)) == 2
