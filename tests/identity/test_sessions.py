"""Sessions from a password to their end. WEB-09 and 2FA-23 by id."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from keywright.errors import NotFound, NotProven
from keywright.identity.model import ABSOLUTE_MS, FRESH_MS, IDLE_MS, FactorProof
from keywright.secret import Secret
from keywright.storage.tables import sessions
from tests.identity.doorway import Doorway, visitor

MINUTES_30, HOURS_12, MINUTES_10 = 30 * 60_000, 12 * 60 * 60_000, 10 * 60_000


async def test_a_session_is_found_by_its_token_and_by_no_other(door: Doorway) -> None:
    ada = await door.world.person()
    opened = await door.signed_in(ada)
    found = await door.found(opened.token)
    assert found is not None
    assert found[0] == opened.session
    assert found[1] == ada.account
    token = opened.token.reveal()
    for other in (b"", token[:-1], token + b"=", token.swapcase(), token + b"\n", b"\xff" * 43, b"x" * 1_000_000):
        assert await door.found(Secret(other)) is None


@pytest.mark.parametrize(
    "planted",
    [
        {"factor_at": 1, "factor": "totp"},
        {"step_up_at": 1_700_000_000_000, "step_up_factor": "totp"},
        {"created_at": 1_699_999_999_999},
        {"device": "0" * 32},
        {"token_digest": hashlib.sha256(b"planted").digest()},
        {"session_mac": b""},
    ],
    ids=lambda planted: next(iter(planted)),
)
async def test_a_session_altered_in_the_database_opens_nothing(door: Doorway, planted: dict[str, Any]) -> None:
    """Decision 0016: whoever writes to the database can't make themselves a session, nor lift one."""
    ada = await door.world.person()
    half = await door.half_open(ada)
    async with door.database.write() as tx:
        await tx.execute(update(sessions).values(**planted))
    assert not await door.lives(half.token)
    assert not await door.lives(Secret("planted"))


async def test_a_session_can_not_be_given_to_another_account(door: Doorway) -> None:
    ada, bob = await door.world.person(), await door.world.person("bob@example.org")
    complete = await door.signed_in(ada)
    async with door.database.write() as tx:
        await tx.execute(update(sessions).values(account_id=bob.account.id))
    assert not await door.lives(complete.token)


async def test_the_database_keeps_no_token(door: Doorway) -> None:
    ada = await door.world.person()
    opened = await door.signed_in(ada)
    (row,) = await door.rows(sessions)
    assert opened.token.reveal() not in repr(row).encode()
    assert len(row.token_digest) == 32


async def test_web_09_the_token_is_new_at_each_rise_and_the_old_one_dead(door: Doorway) -> None:
    ada = await door.world.person()
    half = await door.half_open(ada)
    complete = await door.prove(half.session, ada.code(door.clock()))
    risen = await door.stepped_up(complete.session, ada)
    again = await door.stepped_up(risen.session, ada)
    tokens = [half.token, complete.token, risen.token, again.token]
    assert len({token.reveal() for token in tokens}) == 4
    assert [await door.lives(token) for token in tokens] == [False, False, False, True]
    assert len({one.session.id for one in (half, complete, risen, again)}) == 1, "it is one session all along"


async def test_web_09_a_planted_half_open_session_is_worth_nothing_once_it_rose(door: Doorway) -> None:
    """Who plants the token of a session that waits for its code has a dead one when the owner gives it."""
    ada = await door.world.person()
    planted = await door.half_open(ada)
    await door.prove(planted.session, ada.code(door.clock()))
    assert not await door.lives(planted.token)


async def test_web_09_an_ended_session_stays_ended(door: Doorway) -> None:
    ada = await door.world.person()
    opened = await door.signed_in(ada)
    entrance, who = door.entrance, visitor()
    async with door.database.write() as tx:
        await entrance.sessions.end(tx, opened.session, opened.session.id, visitor=who, why="x", now=door.clock())
    assert not await door.lives(opened.token)
    with pytest.raises(NotProven, match="has ended"):
        await door.prove(opened.session, door.next_code(ada))
    with pytest.raises(NotProven, match="has ended"):
        await door.stepped_up(opened.session, ada)
    async with door.database.write() as tx:
        await entrance.sessions.touch(tx, opened.session, now=door.clock())
    assert not await door.lives(opened.token)
    assert await door.rows(sessions) == []


async def test_web_09_each_browser_has_a_session_of_its_own(door: Doorway) -> None:
    ada = await door.world.person()
    one, other = await door.signed_in(ada), await door.signed_in(ada)
    await door.stepped_up(one.session, ada)
    found = await door.found(other.token)
    assert found is not None
    assert found[0].step_up_at is None, "a step-up is of its session only"


async def test_a_half_open_session_can_not_step_up(door: Doorway) -> None:
    ada = await door.world.person()
    half = await door.half_open(ada)
    code = Secret(ada.code(door.clock()))
    with pytest.raises(NotProven, match="sign in first"):
        await door.entrance.step_up(half.session, code, visitor=visitor(), now=door.clock())
    async with door.database.write() as tx:
        with pytest.raises(NotProven):
            await door.entrance.sessions.step_up(
                tx, half.session, proof=door.world.proof(ada), visitor=visitor(), now=door.clock()
            )
    assert half.session.step_up(now=door.clock()) is None


async def test_a_session_rises_by_a_fresh_proof_of_its_own_account_only(door: Doorway) -> None:
    ada, bob = await door.world.person("ada@example.org"), await door.world.person("bob@example.org")
    half, complete = await door.half_open(ada), await door.signed_in(ada)
    now, verbs = door.clock(), door.entrance.sessions
    for proof in (
        door.world.proof(bob),
        FactorProof(ada.account.id, "totp", now - FRESH_MS - 1),
        FactorProof(ada.account.id, "totp", now + 1),
    ):
        async with door.database.write() as tx:
            _, credentials = await door.identity.find(tx, ada.account.id)
            with pytest.raises(NotProven):
                await verbs.complete(tx, half.session, credentials, proof=proof, visitor=visitor(), now=now)
            with pytest.raises(NotProven):
                await verbs.step_up(tx, complete.session, proof=proof, visitor=visitor(), now=now)
    assert await door.lives(half.token)


async def test_2fa_16_a_step_up_serves_ten_minutes_and_not_a_millisecond_more(door: Doorway) -> None:
    ada = await door.world.person()
    complete = await door.signed_in(ada)
    assert complete.session.step_up(now=door.clock()) is None, "signing in is none"
    session = (await door.stepped_up(complete.session, ada)).session
    now = door.clock()
    assert session.step_up(now=now) == FactorProof(ada.account.id, "totp", now)
    assert session.step_up(now=now + MINUTES_10) is not None
    assert session.step_up(now=now + MINUTES_10 + 1) is None
    assert session.step_up(now=now - 1) is None, "the clock was set back: one from the future does not serve"


@pytest.mark.parametrize(("idle", "lives"), [(MINUTES_30 - 1, True), (MINUTES_30, False), (MINUTES_30 + 1, False)])
async def test_2fa_23_a_session_ends_after_half_an_hour_without_use(door: Doorway, idle: int, *, lives: bool) -> None:
    assert IDLE_MS == MINUTES_30
    opened = await door.signed_in(await door.world.person())
    door.clock.advance(ms=idle)
    assert await door.lives(opened.token) is lives


@pytest.mark.parametrize(("age", "lives"), [(HOURS_12 - 1, True), (HOURS_12, False), (HOURS_12 + 1, False)])
async def test_2fa_23_a_session_ends_after_twelve_hours_however_busy(door: Doorway, age: int, *, lives: bool) -> None:
    """Counted from the password, not from the second factor, which may come half an hour later."""
    assert ABSOLUTE_MS == HOURS_12
    ada = await door.world.person()
    began = door.clock()
    opened = await door.signed_in(ada)
    session = opened.session
    while door.clock() < began + age - MINUTES_30:
        door.clock.advance(ms=MINUTES_30 - 1)
        async with door.database.write() as tx:
            await door.entrance.sessions.touch(tx, session, now=door.clock())
    door.clock.now = began + age
    assert await door.lives(opened.token) is lives


async def test_2fa_23_no_rise_makes_a_session_older_than_twelve_hours(door: Doorway) -> None:
    ada = await door.world.person()
    began = door.clock()
    session = (await door.signed_in(ada)).session
    while session.ends_at() < began + HOURS_12:
        door.clock.advance(seconds=20 * 60)
        session = (await door.stepped_up(session, ada)).session
    assert session.ends_at() == began + HOURS_12


async def test_2fa_23_no_rise_brings_back_a_session_whose_time_is_over(door: Doorway) -> None:
    """Its row is still there until it is forgotten; whoever held on to it gets nothing for a right code."""
    ada = await door.world.person()
    half = await door.half_open(ada)
    complete = await door.prove(half.session, ada.code(door.clock()))
    waiting = await door.half_open(ada)
    door.clock.advance(ms=MINUTES_30)
    code = door.next_code(ada)
    for session in (waiting.session, complete.session):
        with pytest.raises(NotProven, match="has ended"):
            await door.prove(session, code)
    assert (await door.prove((await door.half_open(ada)).session, code)).session.is_complete, "nor was it used up"


async def test_2fa_23_a_clock_set_back_makes_no_session_live_longer(door: Doorway) -> None:
    ada = await door.world.person()
    opened = await door.signed_in(ada)
    seen = door.clock()
    door.clock.now = seen - 1
    assert not await door.lives(opened.token), "one that was used in the future is none of now"
    async with door.database.write() as tx:
        await door.entrance.sessions.touch(tx, opened.session, now=door.clock())
    (row,) = await door.rows(sessions)
    assert row.seen_at == seen, "its last use never goes back"
    door.clock.now = seen + MINUTES_30
    assert not await door.lives(opened.token)


async def test_using_a_session_keeps_it_alive(door: Doorway) -> None:
    opened = await door.signed_in(await door.world.person())
    door.clock.advance(ms=MINUTES_30 - 1)
    async with door.database.write() as tx:
        await door.entrance.sessions.touch(tx, opened.session, now=door.clock())
    door.clock.advance(ms=MINUTES_30 - 1)
    assert await door.lives(opened.token)


async def test_a_session_shows_the_accounts_other_living_ones(door: Doorway) -> None:
    ada, bob = await door.world.person("ada@example.org"), await door.world.person("bob@example.org")
    old = await door.signed_in(ada)
    door.clock.advance(ms=MINUTES_30)
    one, other = await door.signed_in(ada), await door.signed_in(ada)
    await door.signed_in(bob)
    async with door.database.read() as tx:
        shown = await door.entrance.sessions.of(tx, ada.account.id, now=door.clock())
    assert [session.id for session in shown] == [other.session.id, one.session.id]
    assert old.session.id not in {session.id for session in shown}


async def test_a_session_can_be_ended_from_another_one_without_a_step_up(door: Doorway) -> None:
    ada = await door.world.person()
    mine, lost = await door.signed_in(ada), await door.signed_in(ada)
    async with door.database.write() as tx:
        await door.entrance.sessions.end(
            tx, mine.session, lost.session.id, visitor=visitor(), why="ended by its owner", now=door.clock()
        )
    assert not await door.lives(lost.token)
    assert await door.lives(mine.token)
    ended = (await door.events())[-1]
    assert (ended.kind, ended.subject, ended.actor) == ("session.ended", lost.session.id, ada.account.id)
    assert ended.detail == '{"because":"ended by its owner"}'


async def test_perm_06_someone_elses_session_is_no_session(door: Doorway) -> None:
    ada, bob = await door.world.person("ada@example.org"), await door.world.person("bob@example.org")
    adas, bobs = await door.signed_in(ada), await door.signed_in(bob)
    messages = set()
    for session_id in (adas.session.id, "ses_unknown", ""):
        async with door.database.write() as tx:
            with pytest.raises(NotFound) as missing:
                await door.entrance.sessions.end(
                    tx, bobs.session, session_id, visitor=visitor(), why="x", now=door.clock()
                )
        messages.add((missing.value.message, missing.value.hint))
    assert len(messages) == 1
    assert await door.lives(adas.token)


async def test_who_only_knows_the_password_ends_no_session_but_their_own(door: Doorway) -> None:
    ada = await door.world.person()
    owners, half = await door.signed_in(ada), await door.half_open(ada)
    verbs, who, now = door.entrance.sessions, visitor(), door.clock()
    async with door.database.write() as tx:
        with pytest.raises(NotProven):
            await verbs.end(tx, half.session, owners.session.id, visitor=who, why="x", now=now)
        with pytest.raises(NotProven):
            await verbs.end_others(tx, half.session, visitor=who, why="x", now=now)
        await verbs.end(tx, half.session, half.session.id, visitor=who, why="x", now=now)
    assert await door.lives(owners.token)
    assert not await door.lives(half.token)


async def test_ending_the_others_leaves_this_one_and_other_accounts(door: Doorway) -> None:
    ada, bob = await door.world.person("ada@example.org"), await door.world.person("bob@example.org")
    mine, bobs = await door.signed_in(ada), await door.signed_in(bob)
    others = [await door.half_open(ada), await door.signed_in(ada)]
    async with door.database.write() as tx:
        ended = await door.entrance.sessions.end_others(tx, mine.session, visitor=visitor(), why="x", now=door.clock())
    assert ended == 2
    assert [await door.lives(one.token) for one in (mine, bobs, *others)] == [True, True, False, False]
    assert (await door.kinds()).count("session.ended") == 2


async def test_ending_the_others_ends_those_too_that_wait_for_the_clock(door: Doorway) -> None:
    """Used before the clock was set back, a session is none of now, and would be one again later."""
    ada = await door.world.person()
    mine, other = await door.signed_in(ada), await door.signed_in(ada)
    used = door.clock()
    door.clock.now = used - 1
    assert not await door.lives(other.token)
    async with door.database.write() as tx:
        await door.entrance.sessions.end_others(tx, mine.session, visitor=visitor(), why="x", now=door.clock())
    door.clock.now = used + 1
    assert not await door.lives(other.token)


async def test_sessions_whose_time_is_over_are_forgotten_and_no_others(door: Doorway) -> None:
    ada = await door.world.person()
    await door.signed_in(ada)
    door.clock.advance(ms=MINUTES_30 + 1)
    living = await door.signed_in(ada)
    await door.entrance.forget(now=door.clock())
    assert [row.id for row in await door.rows(sessions)] == [living.session.id]
    assert "session.ended" not in await door.kinds()


async def test_an_agent_is_cut_so_that_no_request_can_bloat_the_database(door: Doorway) -> None:
    ada = await door.world.person()
    who = replace(visitor(), agent="x" * 100_000)
    opened = await door.entrance.sign_in(
        ada.account.email, Secret("seven-lamps-under-rain"), visitor=who, now=door.clock()
    )
    assert len(opened.session.agent) == 256


async def test_a_frozen_accounts_session_lives_on_so_that_its_owner_can_look(door: Doorway) -> None:
    """A freeze refuses keys, not people: who froze must be able to sign in and lift it."""
    ada = await door.world.person()
    opened = await door.signed_in(ada)
    async with door.database.write() as tx:
        await door.identity.freeze(tx, ada.account.id, actor=door.world.actor(ada), now=door.clock())
    found = await door.found(opened.token)
    assert found is not None
    assert found[1].frozen_at == door.clock()
