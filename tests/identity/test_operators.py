from __future__ import annotations

import asyncio

import pytest

from keywright.errors import KeywrightError, Limited, NotProven
from keywright.identity.limits import DAY_MS, HOUR_MS
from keywright.identity.model import Session
from keywright.secret import Secret
from keywright.storage.tables import accounts, operator_links
from tests.identity.doorway import Doorway, visitor


async def new_code(door: Doorway) -> Secret:
    async with door.database.write() as tx:
        return await door.entrance.operators.new_code(tx, now=door.clock())


async def claim(door: Doorway, session: Session, code: Secret, *, address: str = "198.51.100.7") -> None:
    await door.entrance.claim_operator(session, code, visitor=visitor(address), now=door.clock())


async def operators(door: Doorway) -> list[str]:
    return [row.id for row in await door.rows(accounts) if row.operator_at is not None]


async def test_a_link_makes_one_operator_once(door: Doorway) -> None:
    ada, bob = await door.world.person("ada@example.org"), await door.world.person("bob@example.org")
    code = await new_code(door)
    await claim(door, (await door.signed_in(ada)).session, Secret(b" " + code.reveal() + b"\n"))
    assert await operators(door) == [ada.account.id]
    with pytest.raises(NotProven):
        await claim(door, (await door.signed_in(bob)).session, code)
    assert await operators(door) == [ada.account.id]
    claimed = [event for event in await door.events() if event.kind.startswith("operator.")]
    assert [(event.kind, event.actor, event.subject) for event in claimed] == [
        ("operator.link_made", "operator", "operator"),
        ("operator.claimed", ada.account.id, ada.account.id),
    ]


async def test_of_fifty_claims_at_once_one_wins(door: Doorway) -> None:
    people = [await door.world.person(f"person{number}@example.org") for number in range(10)]
    claimants = [(await door.signed_in(person)).session for person in people]
    code = await new_code(door)
    outcomes = await asyncio.gather(
        *(claim(door, session, code, address=f"198.51.100.{turn}") for turn in range(5) for session in claimants),
        return_exceptions=True,
    )
    assert outcomes.count(None) == 1
    assert all(isinstance(outcome, NotProven) for outcome in outcomes if outcome is not None)
    assert len(await operators(door)) == 1


async def test_a_link_serves_for_a_day_and_not_a_millisecond_more(door: Doorway) -> None:
    ada = await door.world.person()
    code = await new_code(door)
    made = door.clock()
    door.clock.now = made + DAY_MS - 60_000
    session = (await door.signed_in(ada)).session
    door.clock.now = made + DAY_MS
    with pytest.raises(NotProven, match="more than a day old"):
        await claim(door, session, code)
    door.clock.now = made + DAY_MS - 1
    await claim(door, session, code)


async def test_a_newer_link_makes_the_older_one_void_also_when_made_at_once(door: Doorway) -> None:
    session = (await door.signed_in(await door.world.person())).session
    codes = await asyncio.gather(*(new_code(door) for _ in range(6)))
    assert len(await door.rows(operator_links)) == 1
    outcomes = await asyncio.gather(*(claim(door, session, code) for code in codes), return_exceptions=True)
    assert outcomes.count(None) == 1


async def test_a_link_needs_a_session_with_its_second_factor(door: Doorway) -> None:
    ada = await door.world.person()
    half = await door.half_open(ada)
    code = await new_code(door)
    with pytest.raises(NotProven, match="sign in first"):
        await claim(door, half.session, code)
    assert await operators(door) == []
    await claim(door, (await door.signed_in(ada)).session, code)


@pytest.mark.parametrize("typed", [b"", b"kwop-", b"kwop-" + b"x" * 32, b"\xff" * 40, b"x" * 10_000])
async def test_what_is_no_link_makes_no_operator(door: Doorway, typed: bytes) -> None:
    session = (await door.signed_in(await door.world.person())).session
    await new_code(door)
    with pytest.raises(NotProven) as refused:
        await claim(door, session, Secret(typed))
    assert "operator link" in refused.value.hint
    assert await operators(door) == []


async def test_the_database_keeps_no_link(door: Doorway) -> None:
    code = await new_code(door)
    (row,) = await door.rows(operator_links)
    assert len(row.code_digest) == 32
    assert code.reveal() not in repr([row, *await door.events()]).encode()
    assert len(code.reveal()) == len("kwop-") + 32  # 192 bits


async def test_guessing_links_is_limited_by_address_and_the_right_one_is_not_counted(door: Doorway) -> None:
    ada = await door.world.person()
    session = (await door.signed_in(ada)).session
    code = await new_code(door)
    for _ in range(10):
        with pytest.raises(NotProven):
            await claim(door, session, Secret("kwop-wrong"))
    with pytest.raises(Limited):
        await claim(door, session, code)
    door.clock.advance(ms=HOUR_MS)
    session = (await door.signed_in(ada)).session
    counted = await door.counted()
    await claim(door, session, code)
    assert await door.counted() == counted


async def test_sto_07_without_its_event_there_is_neither_link_nor_operator(
    door: Doorway, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = (await door.signed_in(await door.world.person())).session
    code = await new_code(door)
    before = [await door.rows(table) for table in (accounts, operator_links)]

    async def broken(*_: object, **__: object) -> int:
        raise KeywrightError("no room in the archive")

    monkeypatch.setattr(type(door.world.services.audit), "record", broken)
    with pytest.raises(KeywrightError, match="no room"):
        await new_code(door)
    with pytest.raises(KeywrightError, match="no room"):
        await claim(door, session, code)
    monkeypatch.undo()
    assert [await door.rows(table) for table in (accounts, operator_links)] == before
    await claim(door, session, code)
