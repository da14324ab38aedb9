"""One account as an operator sees it, and the decision about its identity."""

from __future__ import annotations

import pytest

from keywright.audit.events import Actor
from keywright.identity.model import FactorProof
from tests.support.clock import FakeClock
from tests.support.household import Household, household
from tests.support.visitor import everything
from tests.support.world import World


@pytest.fixture
async def home(world: World, clock: FakeClock) -> Household:
    home = await household(world.services, clock)
    async with world.services.database.write() as tx:
        await world.services.own.identities.submit_identity(
            tx,
            home.bobs_account_id,
            name="Bob Example",
            country="FR",
            document="passport",
            last_digits="1234",
            proof=FactorProof(home.bobs_account_id, "totp", clock()),
            actor=Actor(home.bobs_account_id),
            now=clock(),
        )
    return home


async def state(home: Household) -> tuple[str, str]:
    async with home.services.database.read() as tx:
        found = await home.services.own.identities.of(tx, home.bobs_account_id)
    assert found is not None
    return found.state.value, found.reason


def path(home: Household, account_id: str = "") -> str:
    return f"/operator/accounts/{account_id or home.bobs_account_id}"


async def test_an_operator_sees_keys_and_states_and_never_a_secret(home: Household) -> None:
    await home.ada.get(path(home, home.account_id))
    assert "active" in home.ada.text
    assert home.secret not in home.ada.text
    assert home.active not in home.ada.text, "masked, as in the list"


async def test_an_operator_approves_with_a_second_factor_and_refuses_with_a_reason(home: Household) -> None:
    await home.ada.get(path(home))
    for said in ("Bob Example", "France", "Passport", "…1234"):
        assert said in home.ada.text
    done = await home.ada.post(f"{path(home)}/identity", decision="approve", version="1")
    assert done.status_code == 303, home.ada.text
    assert await state(home) == ("approved", "")
    await home.ada.get(path(home))
    done = await home.ada.post(f"{path(home)}/identity", decision="refuse", version="2", reason="It is not readable.")
    assert done.status_code == 303, home.ada.text
    assert await state(home) == ("refused", "It is not readable.")
    async with home.services.database.read() as tx:
        rows = await home.services.audit.list(tx, account_id=home.bobs_account_id, limit=2)
    assert [(row.kind, row.actor) for row in rows] == [
        ("identity.refused", home.account_id),
        ("identity.approved", home.account_id),
    ]


async def test_approving_takes_a_step_up(home: Household, clock: FakeClock) -> None:
    clock.advance(seconds=601)
    await home.ada.get(path(home))
    before = await state(home)
    answer = await home.ada.post(f"{path(home)}/identity", decision="approve", version="1")
    assert answer.status_code == 400
    assert await state(home) == before


@pytest.mark.parametrize(
    "sent",
    [
        {"decision": "perhaps", "version": "1"},
        {"decision": "approve", "version": "9"},
        {"decision": "approve", "version": "x"},
        {"decision": "refuse", "version": "1", "reason": ""},
        {},
    ],
)
async def test_what_is_no_decision_decides_nothing(home: Household, sent: dict[str, str]) -> None:
    await home.ada.get(path(home))
    before = await everything(home.services)
    assert 400 <= (await home.ada.post(f"{path(home)}/identity", **sent)).status_code < 500
    assert await everything(home.services) == before


async def test_others_find_no_such_page(home: Household) -> None:
    assert (await home.bob.get(path(home, home.account_id))).status_code == 404
    await home.bob.get("/security")
    answer = await home.bob.post(f"{path(home)}/identity", decision="approve", version="1")
    assert answer.status_code == 404
    assert await state(home) == ("submitted", "")


async def test_accounts_are_found_by_how_they_begin(home: Household) -> None:
    await home.ada.get("/operator?search=bob@")
    assert "bob@example.org" in home.ada.text
    assert f"/operator/accounts/{home.account_id}" not in home.ada.text
    await home.ada.get("/operator?search=%25")
    assert "No account begins like that" in home.ada.text
    assert (await home.ada.get("/operator?after=acc_000000000000000000000000")).status_code == 404
