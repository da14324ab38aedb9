"""The list of withdrawal addresses: what widens it takes a step-up and time, what narrows it neither."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from keywright.app.withdrawals import settle_approvals
from keywright.approvals.model import State
from keywright.errors import Conflict, Invalid, LimitReached, NotFound, NotProven
from keywright.identity.model import FactorProof
from keywright.identity.store import destinations as rows
from keywright.identity.whitelist import MOST_ADDRESSES, Listed, NotListed, Switch, Whitelist
from keywright.storage.tables import accounts, approvals, withdrawal_addresses
from tests.support.withdrawing import OTHER_TRON, TO, Desk, desk_of
from tests.support.world import World

HOUR_MS = 3_600_000
HOLD_MS = 24 * HOUR_MS
OTHER = replace(TO, address=OTHER_TRON)


@pytest.fixture
async def desk(world: World) -> Desk:
    return await desk_of(world, lists=False)


def holding(desk: Desk) -> Whitelist:
    """Return the verbs of a service: a new address waits a day."""
    desk.world.given(whitelist_hold_hours=HOLD_MS // HOUR_MS)
    return desk.world.services.whitelist


async def do(desk: Desk, verb: Callable[..., Awaitable[Any]], *given: Any, proof: Any = None, **named: Any) -> Any:
    """Do it as its owner, in a transaction."""
    more = {"proof": proof or desk.world.proof(desk.person)} if proof is not False else {}
    async with desk.world.services.database.write() as tx:
        return await verb(
            tx, desk.account_id, *given, **more, **named, actor=desk.world.actor(desk.person), now=desk.world.clock()
        )


async def listed(desk: Desk) -> list[Listed]:
    async with desk.world.services.database.read() as tx:
        return await desk.world.services.whitelist.of(tx, desk.account_id)


async def switch(desk: Desk, whitelist: Whitelist | None = None) -> Switch:
    async with desk.world.services.database.read() as tx:
        return await (whitelist or desk.world.services.whitelist).switch(tx, desk.account_id, now=desk.world.clock())


async def required(desk: Desk, whitelist: Whitelist | None = None) -> Listed:
    async with desk.world.services.database.read() as tx:
        verb = (whitelist or desk.world.services.whitelist).require
        return await verb(tx, desk.account_id, TO, now=desk.world.clock())


async def test_an_address_is_added_named_and_removed(desk: Desk) -> None:
    whitelist = desk.world.services.whitelist
    added = await desk.lists()
    await do(desk, whitelist.relabel, added.id, "Ledger", proof=False)
    assert [(one.label, one.to, one.holds) for one in await listed(desk)] == [("Ledger", TO, True)]
    assert (await required(desk)).id == added.id
    await do(desk, whitelist.remove, added.id, proof=False)
    assert await listed(desk) == []
    with pytest.raises(NotListed):
        await required(desk)
    with pytest.raises(NotFound):
        await do(desk, whitelist.remove, added.id, proof=False)
    await desk.lists()


@pytest.mark.parametrize("verb", ["relabel", "end_exemption"])
async def test_an_address_removed_while_it_is_changed_stays_removed(
    desk: Desk, verb: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The change is paused between its read and its write, and the removal given all the time it takes."""
    whitelist, added = desk.world.services.whitelist, await desk.lists()
    await do(desk, whitelist.exempt, added.id, "5")
    find = rows.find_address
    removals: list[asyncio.Task[Any]] = []

    async def find_and_pause(tx: Any, **named: Any) -> Any:
        found = await find(tx, **named)
        if not removals:
            removals.append(asyncio.create_task(do(desk, whitelist.remove, added.id, proof=False)))
            await asyncio.wait(removals, timeout=0.5)
        return found

    monkeypatch.setattr(rows, "find_address", find_and_pause)
    given = ("Renamed",) if verb == "relabel" else ()
    await do(desk, getattr(whitelist, verb), added.id, *given, proof=False)
    await asyncio.gather(*removals)
    assert await listed(desk) == []
    with pytest.raises(NotListed):
        await required(desk)


async def test_what_was_taken_off_the_list_is_not_written_to(desk: Desk) -> None:
    added = await desk.lists()
    await do(desk, desk.world.services.whitelist.remove, added.id, proof=False)
    async with desk.world.services.database.write() as tx:
        values = {"removed_at": None}
        written = await rows.update_address(tx, account_id=desk.account_id, address_id=added.id, values=values)
    assert not written
    assert await listed(desk) == []


async def test_what_widens_the_list_takes_a_fresh_step_up(desk: Desk) -> None:
    whitelist, now = desk.world.services.whitelist, desk.world.clock()
    added = await desk.lists()
    await do(desk, whitelist.switch_on, proof=False)
    bob = await desk.world.person("bob@example.org")
    for proof in (
        FactorProof(desk.account_id, "totp", now - 600_001),
        FactorProof(bob.account.id, "totp", now),
        FactorProof(desk.account_id, "totp", now).made_for("approval x"),
    ):
        for verb, given in ((whitelist.exempt, (added.id, "5")), (whitelist.switch_off, ())):
            with pytest.raises(NotProven):
                await do(desk, verb, *given, proof=proof)
        with pytest.raises(NotProven):
            await do(desk, whitelist.add, OTHER, label="Mine", proof=proof)


async def test_a_new_address_waits(desk: Desk) -> None:
    whitelist = holding(desk)
    await do(desk, whitelist.add, TO, label="Cold wallet")
    with pytest.raises(NotListed, match="24 h"):
        await required(desk, whitelist)
    desk.world.clock.advance(ms=HOLD_MS - 1)
    with pytest.raises(NotListed, match="1 h"):
        await required(desk, whitelist)
    desk.world.clock.advance(ms=1)
    await required(desk, whitelist)


async def test_an_address_is_listed_once(desk: Desk) -> None:
    await desk.lists()
    with pytest.raises(Conflict):
        await desk.lists()


async def test_a_list_has_an_end(desk: Desk) -> None:
    for number in range(MOST_ADDRESSES):
        await desk.lists(replace(TO, memo=str(number)))
    with pytest.raises(LimitReached):
        await desk.lists(OTHER)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("address", OTHER_TRON),
        ("currency", "USDC"),
        ("chain", "eth"),
        ("memo", "1"),
        ("exempt_daily", "1000000"),
        ("created_at", 1),
        ("label", "My own"),
    ],
)
async def test_an_altered_row_leads_nowhere(desk: Desk, name: str, value: Any) -> None:
    added = await desk.lists()
    async with desk.world.services.database.write() as tx:
        await tx.execute(update(withdrawal_addresses).values({name: value}))
    [found] = await listed(desk)
    assert (found.holds, found.exempt_daily) == (False, None)
    with pytest.raises(NotListed):
        await required(desk)
    with pytest.raises(Conflict, match="altered"):
        await do(desk, desk.world.services.whitelist.exempt, added.id, "5")
    await do(desk, desk.world.services.whitelist.remove, added.id, proof=False)
    assert await listed(desk) == []


async def test_an_older_copy_of_a_row_is_no_address(desk: Desk) -> None:
    added = await desk.lists()
    async with desk.world.services.database.read() as tx:
        copy = dict((await tx.execute(select(withdrawal_addresses))).one()._mapping)
    await do(desk, desk.world.services.whitelist.remove, added.id, proof=False)
    async with desk.world.services.database.write() as tx:
        await tx.execute(update(withdrawal_addresses).values(**copy))
    with pytest.raises(NotListed):
        await required(desk)


async def test_it_is_switched_on_at_once_and_off_after_a_while(desk: Desk) -> None:
    whitelist = holding(desk)
    assert await switch(desk, whitelist) == Switch(is_on=False)
    with pytest.raises(Conflict):
        await do(desk, whitelist.switch_off)
    began = desk.world.clock()
    await do(desk, whitelist.switch_on, proof=False)
    await do(desk, whitelist.switch_on, proof=False)
    assert await switch(desk, whitelist) == Switch(is_on=True, since=began)
    assert await do(desk, whitelist.switch_off) == began + HOLD_MS
    with pytest.raises(Conflict):
        await do(desk, whitelist.switch_off)
    await do(desk, whitelist.switch_on, proof=False)  # changed their mind
    assert await switch(desk, whitelist) == Switch(is_on=True, since=began)
    desk.world.clock.advance(ms=1)
    ends_at = await do(desk, whitelist.switch_off)
    desk.world.clock.now = ends_at - 1
    assert (await switch(desk, whitelist)).is_on
    await settle_approvals(desk.world.services)
    assert await _noted(desk) == began
    desk.world.clock.advance(ms=1)
    assert not (await switch(desk, whitelist)).is_on
    await settle_approvals(desk.world.services)
    assert await _noted(desk) is None


async def _noted(desk: Desk) -> int | None:
    async with desk.world.services.database.read() as tx:
        found = (await tx.execute(select(accounts).where(accounts.c.id == desk.account_id))).one()
    at: int | None = found.whitelist_on_at
    return at


async def test_clearing_the_note_in_the_account_switches_nothing_off(desk: Desk) -> None:
    await do(desk, desk.world.services.whitelist.switch_on, proof=False)
    async with desk.world.services.database.write() as tx:
        await tx.execute(update(accounts).values(whitelist_on_at=None, whitelist_off_at=1))
    assert (await switch(desk)).is_on


async def test_k17_one_address_may_be_exempt_up_to_an_amount_a_day(desk: Desk) -> None:
    whitelist = desk.world.services.whitelist
    added, other = await desk.lists(), await desk.lists(OTHER, "Hot wallet")
    await do(desk, whitelist.exempt, added.id, "300.0")
    with pytest.raises(Conflict, match="one address at a time"):
        await do(desk, whitelist.exempt, other.id, "1")
    for amount in ("0", "1e3", "", "a lot"):
        with pytest.raises(Invalid):
            await do(desk, whitelist.exempt, added.id, amount)
    first = await desk.asks("w1", amount="250")
    assert (first.state, first.factor) == (State.CONFIRMED, "exempt")
    await desk.consumes(first)
    assert (await desk.asks("w2", amount="50.000001")).state is State.WAITING
    assert (await desk.asks("w3", amount="50")).state is State.CONFIRMED
    assert (await desk.asks("w4", amount="0.000001")).state is State.WAITING
    assert (await desk.asks("w5", amount="1", detail={"address": OTHER_TRON})).state is State.WAITING
    desk.world.clock.advance(days=1)
    assert (await desk.asks("w6", amount="300")).state is State.CONFIRMED
    desk.world.clock.advance(days=1)
    await do(desk, whitelist.end_exemption, added.id, proof=False)
    assert (await desk.asks("w7", amount="1")).state is State.WAITING
    await do(desk, whitelist.exempt, other.id, "1")


@pytest.mark.parametrize("edit", [{"state": "refused"}, {"factor": "totp"}, {"detail": "{}"}])
async def test_k17_what_was_spent_can_t_be_edited_away(desk: Desk, edit: dict[str, str]) -> None:
    added = await desk.lists()
    await do(desk, desk.world.services.whitelist.exempt, added.id, "300")
    spent = await desk.asks("w1", amount="300")
    async with desk.world.services.database.write() as tx:
        await tx.execute(update(approvals).where(approvals.c.id == spent.id).values(**edit))
    assert (await desk.asks("w2", amount="1")).state is State.WAITING


async def test_nobody_touches_another_ones_list(desk: Desk) -> None:
    added = await desk.lists()
    bob = await desk_of(desk.world, "bob@example.org", lists=False)
    whitelist = desk.world.services.whitelist
    with pytest.raises(NotFound):
        await do(bob, whitelist.remove, added.id, proof=False)
    with pytest.raises(NotFound):
        await do(bob, whitelist.exempt, added.id, "1")
    with pytest.raises(NotListed):
        await required(bob)
