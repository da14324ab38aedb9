from __future__ import annotations

import asyncio
from gettext import NullTranslations

import pytest

from keywright.app.chores import every, tell_deadlines
from keywright.app.services import Services
from keywright.notices.model import Notice
from keywright.notices.saying import say
from tests.support.clock import FakeClock
from tests.support.world import Person, World


async def test_a_chore_that_fails_is_done_again(caplog: pytest.LogCaptureFixture) -> None:
    done = 0

    async def work() -> None:
        nonlocal done
        done += 1
        raise ValueError("a value that no log should hold")

    task = asyncio.create_task(every(0.001, work))
    while done < 3:
        await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert "ValueError" in caplog.text
    assert "no log should hold" not in caplog.text


async def test_each_point_before_a_deadline_is_told_once(services: Services, world: World, clock: FakeClock) -> None:
    """K12: 30, 14, 7 and 1 day before, and on the day."""
    ada = await world.person()
    await world.key(ada, "trade", name="free bot")  # without addresses: it expires after 90 days
    for _ in range(91):
        for _ in range(2):
            await tell_deadlines(services)
        clock.advance(days=1)
    told = await _deadlines(services, ada)
    assert [(one.kind, one.detail["days"]) for one in reversed(told)] == [
        ("deadline.expiry", days) for days in (30, 14, 7, 1, 0)
    ]
    (line,) = {say(one, NullTranslations()).title for one in told}
    assert line == "The API key “free bot” expires on 2024-02-12"


async def _deadlines(services: Services, person: Person) -> list[Notice]:
    async with services.database.read() as tx:
        found = await services.notices.of(tx, person.account.id)
    return [one for one in found if one.kind.startswith("deadline.")]
