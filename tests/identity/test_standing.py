"""Whether an account may have one more key: all that is asked for, and nothing that keeps it from switching one off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from sqlalchemy import update

from keywright.audit.events import Actor
from keywright.errors import Conflict, KeywrightError, NotProven
from keywright.identity.model import FRESH_MS, FactorProof, TradingProof
from keywright.identity.prerequisites import Profile
from keywright.issuing.model import Issued, NewKey
from keywright.secret import Secret
from keywright.storage.tables import accounts
from tests.support.world import Person, World


class Applicant:
    """Someone who wants a key, in an installation of some profile."""

    def __init__(self, world: World, person: Person, profile: Profile) -> None:
        self.world, self.person, self.id = world, person, person.account.id
        self.own = world.services.own
        world.given(profile=profile)

    async def put(self, **columns: object) -> None:
        """Write to the account's row."""
        async with self.world.services.database.write() as tx:
            await tx.execute(update(accounts).where(accounts.c.id == self.id).values(**columns))

    async def verify(self) -> None:
        """Have the identity approved."""
        async with self.world.services.database.write() as tx:
            actor, now = self.world.actor(self.person), self.world.clock()
            about = {"name": "Ada Lovelace", "country": "GB", "document": "passport", "last_digits": "1815"}
            said = await self.own.identities.submit_identity(
                tx, self.id, **about, proof=self.world.proof(self.person), actor=actor, now=now
            )
            await self.own.identities.decide_identity(
                tx, self.id, version=said.version, approve=True, actor=Actor("acc_operator"), now=now
            )

    def trading(self, *, at: int | None = None) -> TradingProof:
        return TradingProof(self.id, self.world.clock() if at is None else at)

    async def issue(self, trading: TradingProof | None = None, *, factor: str = "totp") -> Issued:
        services, now = self.world.services, self.world.clock()
        async with services.database.read() as tx:
            passphrase = await services.issuing.vet_passphrase(tx, self.person.owner, Secret("Tide-wharf-29-Q"))
        proof = FactorProof(self.id, factor, now)
        async with services.database.write() as tx:
            return await services.issuing.issue(
                tx,
                self.person.owner,
                NewKey("bot", passphrase, trading=trading),
                proof=proof,
                actor=self.world.actor(self.person),
                now=now,
            )

    async def rotate(self, key_id: str, trading: TradingProof | None = None, *, factor: str = "totp") -> Issued:
        services, now = self.world.services, self.world.clock()
        async with services.database.read() as tx:
            passphrase = await services.issuing.vet_passphrase(tx, self.person.owner, Secret("Moor-chain-83-W"))
        async with services.database.write() as tx:
            return await services.issuing.rotate(
                tx,
                self.person.owner,
                key_id,
                passphrase=passphrase,
                proof=FactorProof(self.id, factor, now),
                trading=trading,
                actor=self.world.actor(self.person),
                now=now,
            )

    async def done(self) -> list[str]:
        async with self.world.services.database.read() as tx:
            account = await self.world.services.identity.account(tx, account_id=self.id)
            return [step.name.value for step in await self.own.standing.steps(tx, account) if step.is_done]


@pytest.fixture
async def applicant(world: World) -> Applicant:
    return Applicant(world, await world.person(), Profile.EXCHANGE)


async def test_k2_an_exchange_asks_for_all_four_before_a_key(applicant: Applicant) -> None:
    trading = applicant.trading()
    said = []
    completions: list[Callable[[], Awaitable[None]]] = [
        partial(applicant.put, trading_password_hash="$argon2id$…"),
        applicant.verify,
        partial(applicant.put, whitelist_on_at=1),
    ]
    for complete in completions:
        with pytest.raises(Conflict) as refused:
            await applicant.issue(trading)
        said.append(refused.value.message)
        await complete()
    assert [text.split()[1] for text in said] == ["trading", "verified", "whitelist"]
    assert await applicant.done() == ["second_factor", "trading_password", "identity", "whitelist"]
    await applicant.issue(trading)


async def test_k5_beside_them_a_key_takes_the_trading_password_itself(applicant: Applicant) -> None:
    applicant.world.given(profile=Profile.PLATFORM)
    await applicant.put(trading_password_hash="$argon2id$…")
    now = applicant.world.clock()
    for proof in (
        None,
        TradingProof("acc_0", now),
        applicant.trading(at=now - FRESH_MS - 1),
        applicant.trading(at=now + 1),
    ):
        with pytest.raises(NotProven, match="trading password"):
            await applicant.issue(proof)
    await applicant.issue(applicant.trading())


async def test_k12_a_successor_takes_all_that_a_new_key_takes(applicant: Applicant) -> None:
    applicant.world.given(profile=Profile.PERSONAL)
    old = (await applicant.issue()).key.id
    applicant.world.given(profile=Profile.EXCHANGE)
    trading = applicant.trading()
    with pytest.raises(Conflict, match="trading password comes before"):
        await applicant.rotate(old, trading)
    with pytest.raises(Conflict, match="verified identity"):
        await applicant.rotate(old, factor="assertion")
    await applicant.put(trading_password_hash="$argon2id$…", whitelist_on_at=1)
    await applicant.verify()
    for proof in (None, TradingProof("acc_0", applicant.world.clock())):
        with pytest.raises(NotProven, match="trading password"):
            await applicant.rotate(old, proof)
    assert (await applicant.rotate(old, trading)).key.grant.predecessor_id == old


async def test_n17_a_successor_takes_of_who_is_vouched_for_what_their_first_key_took(applicant: Applicant) -> None:
    await applicant.verify()
    await applicant.put(whitelist_on_at=1)
    old = (await applicant.issue(factor="assertion")).key.id
    assert (await applicant.rotate(old, factor="assertion")).key.grant.predecessor_id == old


async def test_without_a_second_factor_there_is_no_key_in_any_profile(applicant: Applicant) -> None:
    for profile in Profile:
        applicant.world.given(profile=profile)
        await applicant.put(totp_sealed=b"")
        with pytest.raises(KeywrightError):
            await applicant.issue(applicant.trading())
        assert "second_factor" not in await applicant.done()


async def test_a_key_that_is_there_works_on_and_is_switched_off_whatever_was_lost(applicant: Applicant) -> None:
    world, owner = applicant.world, applicant.person.owner
    applicant.world.given(profile=Profile.PERSONAL)
    held = await world.key(applicant.person, "trade")
    applicant.world.given(profile=Profile.EXCHANGE)
    await applicant.put(totp_sealed=b"", trading_password_hash=None, whitelist_on_at=None)
    async with world.services.database.read() as tx:
        key = await world.services.issuing.key(tx, owner, held.id)
        assert (key.holds, key.disabled_at) == (True, None)
    await world.disable(applicant.person, held.id)
    async with world.services.database.write() as tx:
        gone = await world.services.issuing.delete(
            tx,
            owner,
            held.id,
            proof=world.proof(applicant.person),
            actor=world.actor(applicant.person),
            now=world.clock(),
        )
    assert gone.deleted_at is not None


async def test_k16_the_sandbox_demo_is_the_one_exception(applicant: Applicant) -> None:
    await applicant.issue(factor="sandbox-demo")


async def test_n17_who_an_exchange_vouches_for_needs_what_the_exchange_says(applicant: Applicant) -> None:
    await applicant.put(totp_sealed=b"")
    with pytest.raises(Conflict, match="verified identity"):
        await applicant.issue(factor="assertion")
    await applicant.verify()
    await applicant.put(whitelist_on_at=1)
    await applicant.issue(factor="assertion")
