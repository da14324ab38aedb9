"""What has to be so for money to go out: looked at when it is asked for, confirmed and carried out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import delete, update

from keywright.approvals.model import MOST_WAITING, Approval, State
from keywright.audit.events import SYSTEM
from keywright.errors import Conflict, LimitReached, NotFound
from keywright.storage.tables import api_keys, frozen_permissions
from tests.support.withdrawing import HERE, Desk, desk_of
from tests.support.world import World

SUB = "trading1"


async def _waiting(desk: Desk) -> list[Approval]:
    async with desk.world.services.database.read() as tx:
        return await desk.world.services.approvals.waiting(tx, desk.account_id, now=desk.world.clock())


@pytest.fixture
async def desk(world: World) -> Desk:
    return await desk_of(world)


@pytest.fixture
async def sub_desk(desk: Desk) -> Desk:
    """Give a desk whose key is a sub-account's."""
    key = await desk.world.key(desk.person, "withdraw", addresses=HERE, sub_account=SUB)
    return Desk(desk.world, desk.person, key)


async def do(desk: Desk, verb: Callable[..., Awaitable[Any]], *given: Any, **named: Any) -> None:
    async with desk.world.services.database.write() as tx:
        await verb(tx, *given, **named, now=desk.world.clock())


async def stopped(desk: Desk, waiting: Approval, confirmed: Approval, why: str, sub_account: str = "") -> None:
    """See that nothing is asked, confirmed or carried out, and that it can still be refused."""
    for attempt in (
        desk.asks("another", sub_account=sub_account),
        desk.confirms(waiting),
        desk.consumes(confirmed),
    ):
        with pytest.raises(Conflict, match=why):
            await attempt
    assert [await desk.state(one) for one in (waiting, confirmed)] == ["waiting", "confirmed"]


async def both(desk: Desk, sub_account: str = "") -> tuple[Approval, Approval]:
    """Return one that waits and one that is confirmed."""
    waiting, confirmed = [await desk.asks(name, sub_account=sub_account) for name in ("w1", "w2")]
    await desk.confirms(confirmed)
    return waiting, confirmed


async def test_nothing_goes_out_of_a_frozen_sub_account(sub_desk: Desk) -> None:
    pair, subs = await both(sub_desk, SUB), sub_desk.world.services.sub_accounts
    actor = sub_desk.world.actor(sub_desk.person)
    await do(sub_desk, subs.freeze, sub_desk.account_id, SUB, actor=actor)
    await stopped(sub_desk, *pair, "sub-account is frozen", SUB)
    proof = sub_desk.world.proof(sub_desk.person)
    await do(sub_desk, subs.unfreeze, sub_desk.account_id, SUB, proof=proof, actor=actor)
    assert (await sub_desk.consumes(pair[1])).state is State.CONSUMED


async def test_nothing_goes_out_while_the_operator_has_frozen_withdrawing(desk: Desk) -> None:
    pair = await both(desk)
    by_nobody = await desk.asks("w3", detail={"key": ""})
    await do(desk, desk.world.services.issuing.freeze_permission, "withdraw", actor=SYSTEM)
    await stopped(desk, *pair, "operator")
    with pytest.raises(Conflict, match="operator"):
        await desk.confirms(by_nobody)
    async with desk.world.services.database.write() as tx:
        await tx.execute(delete(frozen_permissions))  # the log still has it
    await stopped(desk, *pair, "operator")
    assert (await desk.refuses(pair[1])).state is State.REFUSED


async def test_another_frozen_permission_stops_no_withdrawal(desk: Desk) -> None:
    await do(desk, desk.world.services.issuing.freeze_permission, "trade", actor=SYSTEM)
    assert (await desk.consumes((await both(desk))[1])).state is State.CONSUMED


async def test_nothing_goes_out_once_the_key_that_ordered_it_is_off(desk: Desk) -> None:
    pair = await both(desk)
    await desk.world.disable(desk.person, desk.key.id)
    await stopped(desk, *pair, "switched off")


@pytest.mark.parametrize("change", [{"permissions": "read"}, {"expires_at": 9_000_000_000_000}])
async def test_nothing_goes_out_once_the_key_that_ordered_it_was_altered(desk: Desk, change: dict[str, Any]) -> None:
    pair = await both(desk)
    async with desk.world.services.database.write() as tx:
        await tx.execute(update(api_keys).where(api_keys.c.id == desk.key.id).values(**change))
    await stopped(desk, *pair, "may not withdraw")


async def test_a_key_orders_nothing_it_may_not(desk: Desk, sub_desk: Desk) -> None:
    reader = await desk.world.key(desk.person, "read", name="reader")
    for sub_account, key_id in (("", reader.id), ("", sub_desk.key.id), (SUB, desk.key.id), ("", "0" * 24)):
        with pytest.raises(Conflict, match="may not withdraw"):
            await desk.asks(sub_account=sub_account, detail={"key": key_id})


async def test_a_sub_account_that_there_is_not_is_not_asked_for(desk: Desk) -> None:
    for name in ("nobody77", SUB.upper()):
        with pytest.raises(NotFound):
            await desk.asks(sub_account=name, detail={"key": ""})


async def test_k15_a_sub_account_keeps_the_others_from_nothing(desk: Desk, sub_desk: Desk) -> None:
    mine = await desk.asks("first")
    for number in range(MOST_WAITING):
        desk.world.clock.advance(ms=1)
        await sub_desk.asks(f"w{number}", sub_account=SUB)
    with pytest.raises(LimitReached):
        await sub_desk.asks("one-too-many", sub_account=SUB)
    for number in range(MOST_WAITING - 1):
        await desk.asks(f"m{number}")
    with pytest.raises(LimitReached):
        await desk.asks("one-too-many")
    for number in range(5):
        await desk.confirms((await _waiting(desk))[number])
    found = await _waiting(desk)
    assert len(found) == 2 * MOST_WAITING - 5
    assert mine in found
