"""The policy as operators see and change it at the console."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import update

from keywright.identity.policy_model import RULES
from keywright.storage.tables import policy
from tests.support.clock import FakeClock
from tests.support.household import Household, household
from tests.support.visitor import everything
from tests.support.world import World


@pytest.fixture
async def home(world: World, clock: FakeClock) -> Household:
    home = await household(world.services, clock)
    await home.ada.get("/operator/policy")
    return home


def shown(home: Household) -> dict[str, str]:
    """Return what each rule's field holds."""
    fields = dict(re.findall(r'name="(\w+)" type="text" inputmode="numeric"[^>]* value="([^"]*)"', home.ada.text))
    chosen = re.search(r'<option value="(\w*)" selected>', home.ada.text)
    return {**fields, "profile": chosen[1] if chosen else ""}


async def version(home: Household) -> str:
    async with home.services.database.read() as tx:
        return str((await home.services.policies.stored(tx)).version)


async def save(home: Household, **changed: str) -> int:
    """Send the form as it was shown, with these fields changed."""
    fields = {**shown(home), "version": await version(home), **changed}
    return (await home.ada.post("/operator/policy", **fields)).status_code


async def test_k21_the_page_says_which_rule_is_whose_and_an_empty_field_gives_it_back(home: Household) -> None:
    assert set(shown(home).values()) == {""}
    assert home.ada.text.count("Default</span>") == len(RULES)
    assert await save(home, keys_per_account=" 2 ", profile="platform") == 303
    await home.ada.get("/operator/policy?done=policy-changed")
    assert "The policy is saved" in home.ada.text
    assert {name: value for name, value in shown(home).items() if value} == {
        "keys_per_account": "2",
        "profile": "platform",
    }
    assert home.ada.text.count("Set here</span>") == 2
    assert "by ada@example.org" in home.ada.text
    await home.ada.get("/api-management")
    assert "trading password" in home.ada.text  # the checklist goes by it at once
    await home.ada.get("/operator/policy")
    assert await save(home, profile="", keys_per_account="") == 303
    await home.ada.get("/operator/policy")
    assert set(shown(home).values()) == {""}


async def test_what_is_wrong_is_said_at_its_field_and_uses_no_code_up(home: Household) -> None:
    home.ada.clock.advance(seconds=700)
    await home.ada.get("/operator/policy")
    code = home.ada.code()
    assert await save(home, keys_per_account="0", key_lifetime_days="30", code=code) == 400
    assert "Give a whole number from 1 to 1000." in home.ada.text
    assert shown(home)["key_lifetime_days"] == "30"  # what was typed stays
    assert await save(home, keys_per_account="3", code="") == 400
    assert "This takes your second factor" in home.ada.text
    assert await save(home, keys_per_account="3", code=code) == 303


async def test_two_operators_at_once_do_not_undo_each_other(home: Household) -> None:
    assert await save(home, keys_per_account="3") == 303
    await home.ada.get("/operator/policy")
    assert await save(home, keys_per_account="9", version="0") == 409
    assert "was changed meanwhile" in home.ada.text
    async with home.services.database.read() as tx:
        assert (await home.services.policies.current(tx)).keys_per_account == 3


async def test_who_is_no_operator_neither_sees_nor_changes_it(home: Household) -> None:
    before = await everything(home.services)
    assert (await home.bob.get("/operator/policy")).status_code == 404
    await home.bob.get("/security")
    answer = await home.bob.post("/operator/policy", keys_per_account="9", version="0", code=home.bob.code())
    assert answer.status_code == 404
    after = await everything(home.services)
    assert after["policy"] == before["policy"] == []


async def test_a_policy_that_was_altered_is_said_to_be_and_saving_mends_it(home: Household) -> None:
    assert await save(home, keys_per_account="3") == 303
    async with home.services.database.write() as tx:
        await tx.execute(update(policy).values(content='{"keys_per_account": 900}'))
    await home.ada.get("/operator/policy")
    assert "altered outside Keywright" in home.ada.text
    assert "900" not in home.ada.text
    await home.ada.get("/sub-accounts")
    await home.ada.post("/sub-accounts/create", name="trading2", memo="")
    assert "altered outside Keywright" in home.ada.text
    await home.ada.get("/operator/policy")
    assert await save(home, keys_per_account="3") == 303
    await home.ada.get("/sub-accounts")
    assert (await home.ada.post("/sub-accounts/create", name="trading2", memo="")).status_code == 303
