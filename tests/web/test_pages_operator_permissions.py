"""Permissions that operators freeze everywhere at the console (N8)."""

from __future__ import annotations

import pytest
from sqlalchemy import delete

from keywright.issuing.model import Permission
from keywright.storage.tables import frozen_permissions
from tests.support.clock import FakeClock
from tests.support.household import Household, household
from tests.support.world import World


@pytest.fixture
async def home(world: World, clock: FakeClock) -> Household:
    home = await household(world.services, clock)
    await home.ada.get("/operator/permissions")
    return home


async def frozen(home: Household) -> set[str]:
    async with home.services.database.read() as tx:
        return {one.value for one in await home.services.issuing.frozen_permissions(tx)}


async def test_n8_one_click_freezes_and_lifting_takes_a_step_up(home: Household) -> None:
    home.ada.clock.advance(seconds=700)
    await home.ada.get("/operator/permissions")
    assert "1 active key has it." in home.ada.text  # Ada's, which may trade
    answer = await home.ada.post("/operator/permissions/freeze", permission="trade")
    assert answer.headers["location"] == "/operator/permissions?done=permission-frozen"
    assert await frozen(home) == {"trade"}
    await home.ada.get("/operator/permissions")
    assert "by ada@example.org" in home.ada.text
    assert (await home.ada.post("/operator/permissions/lift", permission="trade")).status_code == 400
    assert "This takes your second factor" in home.ada.text
    assert await frozen(home) == {"trade"}
    code = home.ada.code()
    assert (await home.ada.post("/operator/permissions/lift", permission="trade", code=code)).status_code == 303
    assert await frozen(home) == set()


async def test_a_freeze_whose_row_was_removed_is_shown_and_still_counts(home: Household) -> None:
    await home.ada.post("/operator/permissions/freeze", permission="withdraw")
    async with home.services.database.write() as tx:
        await tx.execute(delete(frozen_permissions))
    await home.ada.get("/operator/permissions")
    assert "the audit log says that it is frozen" in home.ada.text
    assert await frozen(home) == {"withdraw"}


async def test_a_word_that_is_no_permission_changes_nothing(home: Household) -> None:
    for path in ("freeze", "lift"):
        assert (await home.ada.post(f"/operator/permissions/{path}", permission="everything")).status_code == 400
        await home.ada.get("/operator/permissions")
    assert await frozen(home) == set()


async def test_only_keys_that_work_are_counted(home: Household) -> None:
    async with home.services.database.read() as tx:
        before = await home.services.issuing.count_active(tx)
    assert (before[Permission.READ], before[Permission.TRADE], before[Permission.WITHDRAW]) == (1, 1, 0)


async def test_who_is_no_operator_freezes_nothing(home: Household) -> None:
    await home.bob.get("/security")
    for path in ("freeze", "lift"):
        answer = await home.bob.post(f"/operator/permissions/{path}", permission="trade", code=home.bob.code())
        assert answer.status_code == 404
        await home.bob.get("/security")
    assert await frozen(home) == set()
