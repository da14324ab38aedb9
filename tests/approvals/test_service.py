"""Approvals from being asked to being carried out. PERM cases by id."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from keywright.app.withdrawals import settle_approvals
from keywright.approvals.model import GRACE_MS, MOST_WAITING, Approval, State
from keywright.approvals.rules import digest_of, withdrawal_of
from keywright.errors import Conflict, Invalid, KeywrightError, LimitReached, NotFound, NotProven, Unusable
from keywright.identity.model import FactorProof
from keywright.identity.whitelist import NotListed
from keywright.storage.tables import approvals as table
from tests.support.withdrawing import HOUR_MS, OTHER_TRON, TO, TRON, Desk, desk_of
from tests.support.world import World


@pytest.fixture
async def desk(world: World) -> Desk:
    return await desk_of(world)


async def _alter(desk: Desk, approval: Approval, **values: Any) -> None:
    async with desk.world.services.database.write() as tx:
        await tx.execute(update(table).where(table.c.id == approval.id).values(**values))


async def _row(desk: Desk, approval: Approval) -> dict[str, Any]:
    async with desk.world.services.database.read() as tx:
        return dict((await tx.execute(select(table).where(table.c.id == approval.id))).one()._mapping)


async def _kinds(desk: Desk) -> list[str]:
    async with desk.world.services.database.read() as tx:
        await desk.world.services.audit.verify(tx)
        found = await desk.world.services.audit.list(tx, account_id=desk.account_id)
    return [row.kind for row in found if row.kind.startswith("approval.")][::-1]


async def test_what_is_asked_waits_is_confirmed_and_carried_out_once(desk: Desk) -> None:
    asked = await desk.asks()
    assert (asked.state, asked.withdrawal.amount, asked.withdrawal.to) == (State.WAITING, "250", TO)
    with pytest.raises(Conflict, match="waiting"):
        await desk.consumes(asked)
    assert (await desk.confirms(asked)).factor == "totp"
    assert (await desk.consumes(asked)).state is State.CONSUMED
    with pytest.raises(Conflict, match="consumed"):
        await desk.consumes(asked)
    assert await _kinds(desk) == ["approval.asked", "approval.confirmed", "approval.consumed"]


async def test_asking_twice_gives_the_same_approval_and_another_detail_is_a_conflict(desk: Desk) -> None:
    asked = await desk.asks()
    assert await desk.asks(amount="250.00") == asked
    for change in ({"amount": "251"}, {"detail": {"memo": "7"}}, {"detail": {"fee": "2"}}, {"sub_account": "sub_1"}):
        with pytest.raises(Conflict):
            await desk.asks(**change)
    assert (await desk.asks(asked_by="tok_1")).id != asked.id
    bob = await desk_of(desk.world, "bob@example.org")
    with pytest.raises(Conflict):
        await bob.asks()
    assert await _kinds(desk) == ["approval.asked"] * 2


async def test_asked_fifty_times_at_once_there_is_one(desk: Desk) -> None:
    made = await asyncio.gather(*(desk.asks() for _ in range(50)))
    assert len({one.id for one in made}) == 1
    assert await _kinds(desk) == ["approval.asked"]


async def test_no_other_proof_confirms(desk: Desk) -> None:
    asked, another = await desk.asks(), await desk.asks("w2")
    now = desk.world.clock()
    bob = await desk.world.person("bob@example.org")
    for proof in (
        FactorProof(desk.account_id, "totp", now),  # a step-up
        desk.proof(another),  # made for something else
        desk.proof(asked, "recovery"),
        desk.proof(asked, "sandbox-demo"),
        FactorProof(desk.account_id, "totp", now - 1).made_for(asked.purpose),
        FactorProof(desk.account_id, "totp", now + 1).made_for(asked.purpose),
        FactorProof(bob.account.id, "totp", now).made_for(asked.purpose),
    ):
        with pytest.raises(NotProven):
            await desk.confirms(asked, proof=proof)
    assert await desk.state(asked) == "waiting"
    with pytest.raises(NotProven):  # nor does a proof made for it serve anything else
        async with desk.world.services.database.write() as tx:
            await desk.world.services.identity.unfreeze(
                tx, desk.account_id, proof=desk.proof(asked), actor=desk.world.actor(desk.person), now=now
            )


async def test_nobody_confirms_refuses_or_reads_another_ones(desk: Desk) -> None:
    asked = await desk.asks()
    bob = await desk_of(desk.world, "bob@example.org")
    for attempt in (bob.confirms(asked), bob.refuses(asked), bob.consumes(asked, asked_by="tok_1")):
        with pytest.raises(NotFound):
            await attempt
    async with desk.world.services.database.read() as tx:
        assert await bob.world.services.approvals.waiting(tx, bob.account_id, now=bob.world.clock()) == []
        with pytest.raises(NotFound):
            await bob.world.services.approvals.status(tx, asked.id, asked_by="tok_1", now=bob.world.clock())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("detail", '{"amount":"9","currency":"USDT","chain":"trx","address":"%s"}' % TRON),
        ("detail", "[]"),
        ("digest", b"x" * 32),
        ("state", "confirmed"),
        ("state", "paid"),
        ("expires_at", 9_000_000_000_000),
        ("asked_by", "tok_1"),
        ("sub_account", "sub_1"),
        ("created_at", 1),
        ("approval_mac", b"x" * 32),
    ],
)
async def test_perm_14_a_row_that_was_altered_confirms_and_pays_nothing(desk: Desk, name: str, value: Any) -> None:
    asked = await desk.asks()
    await _alter(desk, asked, **{name: value})
    with pytest.raises(Unusable, match="altered"):
        await desk.confirms(asked)
    with pytest.raises((Unusable, NotFound)):
        await desk.consumes(asked)
    if value != "paid":  # an unknown state is taken for one that is over
        assert (await desk.refuses(asked)).state is State.REFUSED


async def test_perm_14_what_is_paid_is_what_was_confirmed(desk: Desk) -> None:
    asked = await desk.asks()
    await desk.confirms(asked)
    row = {"amount": "250", "currency": "USDT", "chain": "trx", "address": TRON}
    for change in ({"amount": "251"}, {"address": OTHER_TRON}, {"chain": "xtz"}, {"memo": "1"}, {"currency": "USDC"}):
        with pytest.raises(Conflict, match="something else"):
            await desk.consumes(asked, digest=digest_of(desk.account_id, "", withdrawal_of("withdrawal", row | change)))
    with pytest.raises(Conflict, match="something else"):
        await desk.consumes(asked, digest=digest_of(desk.account_id, "sub1", withdrawal_of("withdrawal", row)))
    with pytest.raises(Conflict, match="something else"):
        await desk.consumes(asked, digest=digest_of("acc_0", "", withdrawal_of("withdrawal", row)))
    await desk.consumes(asked, digest=digest_of(desk.account_id, "", withdrawal_of("withdrawal", row)))


async def test_what_is_confirmed_is_what_was_shown(desk: Desk) -> None:
    asked, another = await desk.asks(), await desk.asks("w2", amount="2")
    with pytest.raises(Conflict, match="no longer what was shown"):
        await desk.confirms(asked, digest=another.digest)
    assert await desk.state(asked) == "waiting"


async def test_an_older_copy_of_a_row_brings_nothing_back(desk: Desk) -> None:
    asked = await desk.asks()
    waiting = await _row(desk, asked)
    await desk.confirms(asked)
    confirmed = await _row(desk, asked)
    await desk.consumes(asked)
    for copy in (waiting, confirmed):
        await _alter(desk, asked, **copy)
        for attempt in (desk.confirms(asked), desk.consumes(asked)):
            with pytest.raises(Unusable):
                await attempt


async def test_a_planted_row_is_worth_nothing(desk: Desk) -> None:
    asked = await desk.asks()
    await desk.confirms(asked)
    planted = await _row(desk, asked) | {"id": "apv_" + "0" * 24, "reference": "w9"}
    async with desk.world.services.database.write() as tx:
        await tx.execute(insert(table).values(**planted))
    with pytest.raises(Unusable):
        async with desk.world.services.database.write() as tx:
            await desk.world.services.approvals.consume(
                tx, planted["id"], digest=asked.digest, asked_by="sandbox", now=desk.world.clock()
            )


async def test_perm_16_fifty_confirms_and_fifty_executions_at_once(desk: Desk) -> None:
    asked = await desk.asks()
    confirms = await asyncio.gather(*(desk.confirms(asked) for _ in range(50)), return_exceptions=True)
    assert Counter(type(one).__name__ for one in confirms) == {"Approval": 1, "Conflict": 49}
    executions = await asyncio.gather(*(desk.consumes(asked) for _ in range(50)), return_exceptions=True)
    assert Counter(type(one).__name__ for one in executions) == {"Approval": 1, "Conflict": 49}
    assert await _kinds(desk) == ["approval.asked", "approval.confirmed", "approval.consumed"]


async def test_its_time_runs_out(desk: Desk) -> None:
    asked, confirmed, used = await desk.asks(), await desk.asks("w2"), await desk.asks("w3")
    desk.world.clock.advance(ms=HOUR_MS - 1)
    await desk.confirms(confirmed)
    await desk.confirms(used)
    desk.world.clock.advance(ms=1)
    assert await desk.state(asked) == "expired"
    with pytest.raises(Conflict, match="time to confirm"):
        await desk.confirms(asked)
    with pytest.raises(Conflict, match="expired"):
        await desk.refuses(asked)
    desk.world.clock.advance(ms=GRACE_MS - 1)
    await desk.consumes(used)
    desk.world.clock.advance(ms=1)
    with pytest.raises(Conflict, match="expired"):
        await desk.consumes(confirmed)
    await settle_approvals(desk.world.services)
    await settle_approvals(desk.world.services)
    assert Counter(await _kinds(desk))["approval.expired"] == 2
    desk.world.clock.advance(ms=-2 * HOUR_MS)  # a clock set back revives nothing
    for one in (asked, confirmed):
        assert await desk.state(one) == "expired"


async def test_perm_18_what_happens_after_the_confirmation_stops_the_execution(desk: Desk) -> None:
    world, services = desk.world, desk.world.services
    first = await desk.asks()
    await desk.confirms(first)
    async with services.database.write() as tx:
        await services.identity.freeze(tx, desk.account_id, actor=world.actor(desk.person), now=world.clock())
    for attempt in (desk.consumes(first), desk.asks("w2")):
        with pytest.raises(Conflict, match="frozen"):
            await attempt
    async with services.database.write() as tx:
        await services.identity.unfreeze(
            tx, desk.account_id, proof=world.proof(desk.person), actor=world.actor(desk.person), now=world.clock()
        )
    [listed] = await _addresses(desk)
    async with services.database.write() as tx:
        await services.whitelist.remove(tx, desk.account_id, listed, actor=world.actor(desk.person), now=world.clock())
    with pytest.raises(NotListed):
        await desk.consumes(first)
    await desk.lists()
    await world.disable(desk.person, desk.key.id)
    with pytest.raises(Conflict, match="switched off"):
        await desk.consumes(first)
    assert await desk.state(first) == "confirmed"


async def _addresses(desk: Desk) -> list[str]:
    async with desk.world.services.database.read() as tx:
        return [one.id for one in await desk.world.services.whitelist.of(tx, desk.account_id)]


async def test_a_frozen_account_confirms_nothing_and_refuses(desk: Desk) -> None:
    asked = await desk.asks()
    async with desk.world.services.database.write() as tx:
        actor = desk.world.actor(desk.person)
        await desk.world.services.identity.freeze(tx, desk.account_id, actor=actor, now=desk.world.clock())
    with pytest.raises(Conflict, match="frozen"):
        await desk.confirms(asked)
    assert (await desk.refuses(asked)).state is State.REFUSED


async def test_the_asker_takes_it_back_until_it_is_carried_out(desk: Desk) -> None:
    asked, used = await desk.asks(), await desk.asks("w2")
    await desk.confirms(used)
    await desk.consumes(used)
    approvals, now = desk.world.services.approvals, desk.world.clock()
    async with desk.world.services.database.write() as tx:
        assert (await approvals.take_back(tx, asked.id, asked_by="sandbox", now=now)).state is State.REFUSED
    with pytest.raises(Conflict, match="consumed"):
        async with desk.world.services.database.write() as tx:
            await approvals.take_back(tx, used.id, asked_by="sandbox", now=now)


async def test_too_many_wait(desk: Desk) -> None:
    for number in range(MOST_WAITING):
        await desk.asks(f"w{number}")
    with pytest.raises(LimitReached):
        await desk.asks("one-too-many")
    async with desk.world.services.database.read() as tx:
        found = await desk.world.services.approvals.waiting(tx, desk.account_id, now=desk.world.clock())
    await desk.refuses(found[0])
    await desk.asks("one-more")


@pytest.mark.parametrize(
    "change",
    [
        {"reference": ""},
        {"reference": "a b"},
        {"reference": "x" * 129},
        {"expires_in": 59_999},
        {"expires_in": 86_400_001},
        {"kind": "trade"},
        {"amount": "1e3"},
        {"detail": {"address": "T O"}},
        {"detail": {"surprise": "1"}},
        {"detail": {"remark": "a\nb"}},
        {"detail": {"memo": 7}},
    ],
)
async def test_what_can_t_be_taken_makes_nothing(desk: Desk, change: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await desk.asks(**change)
    assert await _kinds(desk) == []


async def test_without_a_key_the_list_binds_once_it_is_switched_on(desk: Desk) -> None:
    elsewhere = {"address": OTHER_TRON, "key": ""}
    with pytest.raises(NotListed):
        await desk.asks(detail={"address": OTHER_TRON})
    assert (await desk.asks("w1", asked_by="tok_1", detail=elsewhere)).state is State.WAITING
    async with desk.world.services.database.write() as tx:
        actor = desk.world.actor(desk.person)
        await desk.world.services.whitelist.switch_on(tx, desk.account_id, actor=actor, now=desk.world.clock())
    with pytest.raises(NotListed):
        await desk.asks("w2", asked_by="tok_1", detail=elsewhere)


async def test_an_unknown_account_is_not_asked(desk: Desk) -> None:
    with pytest.raises(KeywrightError):
        await desk.asks(account_id="acc_" + "0" * 24)
