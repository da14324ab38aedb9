"""Codes that are sent to people: once, in time, for one thing, and never guessed."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from keywright.errors import KeywrightError, Limited, NotProven
from keywright.identity import limits
from keywright.identity.codes import LASTS_MS, MOST_TRIES, Codes
from keywright.secret import Secret
from keywright.storage.tables import challenges
from tests.support.world import Person, World

PURPOSE = "key.create"


class Post:
    """Sends codes to somebody, and has them typed."""

    def __init__(self, world: World, person: Person) -> None:
        self.world, self.account_id = world, person.account.id
        self.codes: Codes = world.services.own.codes

    async def send(self, *, purpose: str = PURPOSE, context: str = "") -> Secret:
        async with self.world.services.database.write() as tx:
            return await self.codes.make(tx, self.account_id, purpose, context=context, now=self.world.clock())

    async def type(self, code: Secret, *, purpose: str = PURPOSE, context: str = "", account_id: str = "") -> None:
        now, account_id = self.world.clock(), account_id or self.account_id
        await self.codes.count_try(account_id, purpose, now=now)
        async with self.world.services.database.write() as tx:
            await self.codes.burn(tx, account_id, purpose, code, context=context, now=now)

    async def is_taken(self, code: Secret, **about: str) -> bool:
        try:
            await self.type(code, **about)
        except NotProven:
            return False
        return True


@pytest.fixture
async def post(world: World) -> Post:
    return Post(world, await world.person())


def other_than(code: Secret) -> Secret:
    return Secret(f"{(int(code.reveal()) + 1) % 10**6:06}")


async def test_a_code_has_six_digits_and_serves_once(post: Post) -> None:
    code = await post.send()
    assert len(code.reveal()) == 6
    assert code.reveal().isdigit()
    await post.type(code)
    assert not await post.is_taken(code)


async def test_of_fifty_at_once_one_is_taken(post: Post) -> None:
    code = await post.send()
    taken = await asyncio.gather(*(attempt(post, code) for _ in range(50)))
    assert taken.count(True) == 1


async def attempt(post: Post, code: Secret) -> bool:
    try:
        await post.type(code)
    except KeywrightError:
        return False
    return True


async def test_people_may_type_it_with_spaces(post: Post) -> None:
    text = (await post.send()).reveal_text()
    await post.type(Secret(f" {text[:3]} {text[3:]} "))


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "١٢٣٤٥٦", "abcdef", "0" * 10_000, "\udcff".join("123456")])
async def test_nonsense_is_no_code(post: Post, typed: str) -> None:
    await post.send()
    assert not await post.is_taken(Secret(typed.encode("utf-8", "surrogateescape")))


async def test_a_code_lasts_fifteen_minutes(post: Post) -> None:
    code = await post.send()
    post.world.clock.advance(ms=LASTS_MS)
    assert not await post.is_taken(code)
    code = await post.send()
    post.world.clock.advance(ms=LASTS_MS - 1)
    assert await post.is_taken(code)


async def test_five_wrong_ones_make_it_worthless(post: Post) -> None:
    code = await post.send()
    for _ in range(MOST_TRIES):
        assert not await post.is_taken(other_than(code))
    post.world.clock.advance(seconds=360)
    assert not await post.is_taken(code)
    assert await post.is_taken(await post.send())


async def test_a_newer_one_takes_the_place_of_the_older(post: Post) -> None:
    older, newer = await post.send(), await post.send()
    assert older == newer or not await post.is_taken(older)
    assert await post.is_taken(newer)


async def test_it_counts_for_its_account_purpose_and_context_alone(post: Post) -> None:
    bob = await post.world.person("bob@example.org")
    code = await post.send(context="this key")
    assert not await post.is_taken(code, context="another key")
    assert not await post.is_taken(code)
    assert not await post.is_taken(code, purpose="email", context="this key")
    assert not await post.is_taken(code, context="this key", account_id=bob.account.id)
    assert await post.is_taken(code, context="this key")


async def test_nothing_that_could_be_typed_is_kept(post: Post) -> None:
    code = await post.send()
    async with post.world.services.database.read() as tx:
        rows = repr(list(await tx.execute(select(challenges))))
    assert code.reveal_text() not in rows


async def test_what_fails_afterwards_gives_the_code_back_but_not_the_try(post: Post) -> None:
    code, now = await post.send(), post.world.clock()
    await post.codes.count_try(post.account_id, PURPOSE, now=now)
    with pytest.raises(ZeroDivisionError):
        async with post.world.services.database.write() as tx:
            await post.codes.burn(tx, post.account_id, PURPOSE, code, now=now)
            raise ZeroDivisionError
    for _ in range(MOST_TRIES - 1):
        assert not await post.is_taken(other_than(code))
    post.world.clock.advance(seconds=360)
    assert not await post.is_taken(code), "the try that was undone had counted"


async def test_a_mailbox_is_spared(post: Post) -> None:
    for _ in range(5):
        await post.send()
    with pytest.raises(Limited):
        await post.send()
    await post.send(purpose="email")
    post.world.clock.advance(seconds=900)
    await post.send()


async def test_2fa_07_guessing_for_a_year_is_hopeless(post: Post) -> None:
    """Whoever asks for codes and guesses them, with every limit used up for a month: how many guesses were looked at."""
    looked_at = 0
    clock = post.world.clock
    ends = clock() + 30 * limits.DAY_MS
    while clock() < ends:
        code = await post.send()
        for _ in range(MOST_TRIES):
            try:
                assert not await post.is_taken(other_than(code))
            except Limited as limited:
                clock.advance(ms=limited.retry_ms)
                break
            looked_at += 1
    a_year = looked_at * 13
    assert a_year / 10**6 < 1e-3, looked_at
    assert looked_at > 0


async def test_they_are_forgotten_when_their_time_is_long_over(post: Post) -> None:
    await post.send()
    async with post.world.services.database.write() as tx:
        await post.codes.forget(tx, now=post.world.clock() + LASTS_MS + limits.DAY_MS + 1)
        assert not list(await tx.execute(select(challenges)))
