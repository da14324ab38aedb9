"""The trading password: six characters, proved beside the second factor, guessed by nobody."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from keywright.errors import Invalid, Limited, NotProven
from keywright.identity import limits, rules
from keywright.identity.model import FRESH_MS, FactorProof, Opened, TradingProof
from keywright.secret import Secret
from keywright.storage.tables import accounts
from tests.identity.doorway import WRONG, Doorway, visitor
from tests.support.world import PASSWORD, Person

GOOD = Secret("482913")


class Trader:
    """Someone signed in, and what they do with their trading password."""

    def __init__(self, door: Doorway, person: Person, opened: Opened) -> None:
        self.door, self.person, self.session = door, person, opened.session
        self.trading = door.world.services.own.trading

    async def set(self, new: Secret = GOOD, password: Secret = PASSWORD, *, proof: FactorProof | None = None) -> None:
        await self.trading.set_trading_password(
            self.session,
            new,
            password=password,
            proof=proof or self.door.world.proof(self.person),
            visitor=visitor(),
            now=self.door.clock(),
        )

    async def prove(self, typed: Secret = GOOD, *, proof: FactorProof | None = None) -> TradingProof:
        proof = proof or self.door.world.proof(self.person)
        return await self.trading.prove_trading_password(
            self.person.account.id, typed, proof=proof, now=self.door.clock()
        )

    async def kept(self) -> str:
        async with self.door.database.read() as tx:
            query = select(accounts.c.trading_password_hash).where(accounts.c.id == self.person.account.id)
            return str((await tx.execute(query)).scalar_one())


@pytest.fixture
async def trader(door: Doorway) -> Trader:
    person = await door.world.person()
    return Trader(door, person, await door.signed_in(person))


async def test_it_is_set_and_proved(trader: Trader) -> None:
    await trader.set()
    proof = await trader.prove()
    now = trader.door.clock()
    assert proof == TradingProof(trader.person.account.id, now)
    assert proof.is_fresh(now=now + FRESH_MS)
    assert not proof.is_fresh(now=now + FRESH_MS + 1)
    assert not proof.is_fresh(now=now - 1)
    assert (await trader.door.kinds())[-1] == "account.trading_password_set"


async def test_another_one_takes_its_place(trader: Trader) -> None:
    await trader.set()
    await trader.set(Secret("k7Qz2m"))
    with pytest.raises(NotProven, match="not your trading password"):
        await trader.prove()
    await trader.prove(Secret("k7Qz2m"))
    details = [event.detail for event in await trader.door.events() if event.kind == "account.trading_password_set"]
    assert details == ['{"replaced":false}', '{"replaced":true}']


@pytest.mark.parametrize(
    "typed",
    ["", "48291", "4829131", "48 913", "48291é", "٤٨٢٩١٣", "111111", "123456", "654321", "121212", "310185", "qwerty"],
)
async def test_what_is_no_six_characters_or_easily_guessed_is_refused(trader: Trader, typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        await trader.set(Secret(typed))
    assert refused.value.field == "trading_password"


async def test_it_is_no_part_of_the_password_or_the_address() -> None:
    for typed in ("amps7u", "AMPS7U"):
        with pytest.raises(Invalid, match="part of your password"):
            rules.trading_password(Secret(typed), password=Secret("seven-lAmps7under"), about=())
    with pytest.raises(Invalid, match="e-mail"):
        rules.trading_password(Secret("adaq9x"), password=PASSWORD, about=("adaq9x@example.org",))


async def test_to_set_it_takes_password_and_second_factor(trader: Trader) -> None:
    with pytest.raises(NotProven, match="not your password"):
        await trader.set(password=WRONG)
    stale = FactorProof(trader.person.account.id, "totp", trader.door.clock() - FRESH_MS - 1)
    another = FactorProof("acc_0", "totp", trader.door.clock())
    for proof in (stale, another):
        with pytest.raises(NotProven, match="second factor"):
            await trader.set(proof=proof)
        with pytest.raises(NotProven, match="second factor"):
            await trader.prove(proof=proof)


async def test_without_one_there_is_nothing_to_prove(trader: Trader) -> None:
    with pytest.raises(NotProven, match="no trading password yet"):
        await trader.prove()


async def test_2fa_07_guessing_for_a_year_is_hopeless_and_right_ones_do_not_count(trader: Trader) -> None:
    await trader.set()
    for _ in range(30):
        await trader.prove()
    looked_at, clock, ends = 0, trader.door.clock, trader.door.clock() + 30 * limits.DAY_MS
    while clock() < ends:
        try:
            await trader.prove(Secret("000001"))
        except NotProven:
            looked_at += 1
        except Limited as limited:
            clock.advance(ms=limited.retry_ms)
    possible = 880_000  # six digits that are taken; a test below counts them
    assert 0 < looked_at * 13 / possible < 1e-3, looked_at


def test_nine_in_ten_of_random_six_digits_are_taken() -> None:
    sample = [f"{number * 7919 % 10**6:06}" for number in range(1, 2_001)]
    taken = 0
    for digits in sample:
        try:
            rules.trading_password(Secret(digits), password=PASSWORD, about=())
        except Invalid:
            continue
        taken += 1
    assert taken / len(sample) >= 0.85


async def test_the_whole_house_guesses_no_faster_than_its_share(trader: Trader) -> None:
    """Somebody with many accounts is slowed as a whole; the figure is of all accounts together."""
    windows = {"trading": limits.TRADING_EVERYONE}
    for _ in range(limits.TRADING_EVERYONE[0].most):
        await trader.door.entrance.charge(windows, now=trader.door.clock())
    await trader.set()
    with pytest.raises(Limited):
        await trader.prove()


async def test_nobody_plants_one_by_writing_to_the_database(trader: Trader) -> None:
    """A hash of one's own choosing, and that of an account of one's own, open nothing."""
    bob = await trader.door.world.person("bob@example.org")
    bobs = Trader(trader.door, bob, await trader.door.signed_in(bob))
    await bobs.set()
    planted = [await bobs.kept(), await trader.door.identity._passwords.hash(GOOD)]
    for one in planted:
        async with trader.door.database.write() as tx:
            mine = accounts.c.id == trader.person.account.id
            await tx.execute(update(accounts).where(mine).values(trading_password_hash=one))
        with pytest.raises(NotProven):
            await trader.prove()


async def test_what_is_kept_does_not_yield_to_who_tries_every_six_digits(trader: Trader) -> None:
    await trader.set()
    assert not await trader.door.identity._passwords.matches(await trader.kept(), GOOD), "it takes the keyring's key"
