"""Who people say they are, and what is decided about it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from keywright.audit.events import Actor
from keywright.errors import Conflict, Invalid, Limited, NotFound, NotProven
from keywright.identity import said
from keywright.identity.identities import Identities, subject_of
from keywright.identity.model import FRESH_MS, FactorProof, Identity, IdentityState
from keywright.storage.tables import identities
from tests.support.world import Person, World

ADA = {"name": "Ada Lovelace", "country": "GB", "document": "passport", "last_digits": "1815"}
OPERATOR = Actor("acc_operator", "totp")


class Desk:
    """Where identities are handed in and decided about."""

    def __init__(self, world: World, person: Person) -> None:
        self.world, self.person, self.id = world, person, person.account.id
        self.identities: Identities = world.services.own.identities

    async def submit(self, **said_: str) -> Identity:
        async with self.world.services.database.write() as tx:
            return await self.identities.submit_identity(
                tx,
                self.id,
                **{**ADA, **said_},
                proof=self.world.proof(self.person),
                actor=self.world.actor(self.person),
                now=self.world.clock(),
            )

    async def decide(self, version: int, *, approve: bool = True, reason: str = "") -> Identity:
        async with self.world.services.database.write() as tx:
            return await self.identities.decide_identity(
                tx, self.id, version=version, approve=approve, reason=reason, actor=OPERATOR, now=self.world.clock()
            )

    async def is_verified(self) -> bool:
        async with self.world.services.database.read() as tx:
            return await self.identities.is_verified(tx, self.id)

    async def seen(self) -> Identity | None:
        async with self.world.services.database.read() as tx:
            return await self.identities.of(tx, self.id)

    async def edit(self, **columns: Any) -> None:
        """Write to the row behind our back."""
        async with self.world.services.database.write() as tx:
            await tx.execute(update(identities).where(identities.c.account_id == self.id).values(**columns))


@pytest.fixture
async def desk(world: World) -> Desk:
    return Desk(world, await world.person())


async def test_an_identity_is_handed_in_and_approved(desk: Desk) -> None:
    assert await desk.seen() is None
    handed_in = await desk.submit(name="  Ada \t Lovelace ", last_digits="18a5")
    assert handed_in.state is IdentityState.SUBMITTED
    assert (handed_in.name, handed_in.document) == ("Ada Lovelace", "passport 18A5")
    async with desk.world.services.database.read() as tx:
        assert await desk.identities.waiting(tx) == [handed_in]
    assert not await desk.is_verified()
    approved = await desk.decide(handed_in.version)
    assert (approved.state, approved.decided_by) == (IdentityState.APPROVED, "acc_operator")
    assert await desk.seen() == approved
    assert await desk.is_verified()
    async with desk.world.services.database.read() as tx:
        assert await desk.identities.waiting(tx) == []
        events = (await desk.world.services.audit.list(tx, limit=2))[::-1]
    assert [(event.kind, event.subject) for event in events] == [
        ("identity.submitted", subject_of(desk.id)),
        ("identity.approved", subject_of(desk.id)),
    ]
    assert "Lovelace" not in repr(events)


async def test_a_refused_one_has_a_reason_and_can_be_handed_in_again(desk: Desk) -> None:
    handed_in = await desk.submit()
    with pytest.raises(Invalid) as none_given:
        await desk.decide(handed_in.version, approve=False, reason="  ")
    assert none_given.value.field == "reason"
    refused = await desk.decide(handed_in.version, approve=False, reason="the name is cut off")
    assert (refused.state, refused.reason) == (IdentityState.REFUSED, "the name is cut off")
    with pytest.raises(Conflict):
        await desk.decide(refused.version)
    again = await desk.submit(name="Augusta Ada King")
    assert (await desk.decide(again.version)).reason == ""
    assert await desk.is_verified()


async def test_an_approval_can_be_taken_back_and_then_only_handed_in_again(desk: Desk) -> None:
    approved = await desk.decide((await desk.submit()).version)
    with pytest.raises(Conflict, match="verified already"):
        await desk.submit()
    assert await desk.decide(approved.version) == approved, "to say it twice changes nothing"
    await desk.decide(approved.version, approve=False, reason="a forged document")
    assert not await desk.is_verified()


async def test_nothing_is_decided_about_what_the_operator_did_not_see(desk: Desk) -> None:
    with pytest.raises(NotFound):
        await desk.decide(1)
    seen = await desk.submit()
    await desk.submit(name="Somebody Else")
    with pytest.raises(Conflict, match="meanwhile"):
        await desk.decide(seen.version)


async def test_the_sandbox_approves_on_the_spot(desk: Desk) -> None:
    services = desk.world.services
    desk.identities = Identities(keyring=services.keyring, audit=services.audit, sandbox=True)
    approved = await desk.submit()
    assert (approved.state, approved.decided_by) == (IdentityState.APPROVED, "sandbox")
    assert await desk.is_verified()


async def test_it_takes_the_second_factor(desk: Desk) -> None:
    async with desk.world.services.database.write() as tx:
        for proof in (FactorProof("acc_0", "totp", desk.world.clock()), FactorProof(desk.id, "totp", 0)):
            with pytest.raises(NotProven):
                await desk.identities.submit_identity(
                    tx, desk.id, **ADA, proof=proof, actor=OPERATOR, now=FRESH_MS + desk.world.clock()
                )


async def test_nobody_buries_the_operators_in_forms(desk: Desk) -> None:
    for _ in range(5):
        await desk.submit()
    with pytest.raises(Limited):
        await desk.submit()


async def test_an_approval_written_behind_our_back_is_none(desk: Desk) -> None:
    await desk.submit()
    await desk.edit(state="approved", decided_by="acc_operator", decided_at=1)
    assert not await desk.is_verified()
    found = await desk.seen()
    assert found is not None
    assert found.state is IdentityState.ALTERED
    with pytest.raises(Conflict, match="altered"):
        await desk.decide(found.version)
    await desk.decide((await desk.submit()).version)
    assert await desk.is_verified()


async def test_an_old_approval_put_back_is_none(desk: Desk) -> None:
    """The row of before, its MAC and all: the audit log knows a newer version."""
    approved = await desk.decide((await desk.submit()).version)
    async with desk.world.services.database.read() as tx:
        row = (await tx.execute(select(identities))).one()._asdict()
    await desk.decide(approved.version, approve=False, reason="forged")
    async with desk.world.services.database.write() as tx:
        await tx.execute(delete(identities))
        await tx.execute(insert(identities).values(**row))
    assert not await desk.is_verified()


async def test_another_accounts_approval_is_none_here(desk: Desk) -> None:
    bob = Desk(desk.world, await desk.world.person("bob@example.org"))
    await bob.decide((await bob.submit()).version)
    await desk.submit()
    async with desk.world.services.database.read() as tx:
        rows = {row.account_id: row._asdict() for row in await tx.execute(select(identities))}
    await desk.edit(**{**rows[bob.id], "account_id": desk.id, "version": rows[desk.id]["version"]})
    assert not await desk.is_verified()


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("name", ""),
        ("name", "A"),
        ("name", "1815"),
        ("name", "Ada\u202eecalevoL"),
        ("name", "x" * 101),
        ("name", "x" * 100_000),
        ("country", "XX"),
        ("country", "gb"),
        ("country", ""),
        ("document", "library card"),
        ("last_digits", "181"),
        ("last_digits", "18155"),
        ("last_digits", "18-5"),
        ("last_digits", "١٨١٥"),
    ],
)
def test_nonsense_is_refused_by_its_field(field: str, typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        said.identity(**{**ADA, field: typed})
    assert refused.value.field == field


@pytest.mark.parametrize("name", ["Ö Bo", "王小明", "Nguyễn Thị Minh Khai", "O’Connor-Smith, Jr."])
def test_people_are_called_all_sorts_of_things(name: str) -> None:
    assert said.identity(**{**ADA, "name": name})[0] == name


def test_there_are_as_many_countries_as_iso_knows() -> None:
    assert len(said.COUNTRIES) == 250
    assert {"DE", "AT", "CH", "FR", "GB", "US", "XK"} <= said.COUNTRIES
