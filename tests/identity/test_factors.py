"""Authenticators and recovery codes, from enrolment to the last one burned."""

from __future__ import annotations

import asyncio

import pyotp
import pytest
from sqlalchemy import select, update

from keywright.errors import KeywrightError, Limited, NotProven, Unusable
from keywright.identity.model import PENDING_MS, Opened
from keywright.identity.totp import STEP_MS
from keywright.secret import Secret
from keywright.storage.tables import accounts, recovery_codes, sessions
from tests.identity.doorway import Doorway, visitor
from tests.support.world import PASSWORD, Person


async def enrolled(door: Doorway) -> tuple[Opened, Person, tuple[Secret, ...]]:
    """Sign someone up by the console, authenticator and all."""
    half = await door.signed_up()
    secret = await door.new_authenticator(half.session, has_factor=False)
    opened, codes = await door.confirm(half.session, secret)
    found = await door.found(opened.token)
    assert found is not None
    return opened, Person(found[1], secret), codes


async def test_the_first_authenticator_completes_the_session_and_brings_recovery_codes(door: Doorway) -> None:
    half = await door.signed_up()
    secret = await door.new_authenticator(half.session, has_factor=False)
    opened, codes = await door.confirm(half.session, secret)
    assert opened.session.is_complete
    assert opened.device is not None
    assert len(codes) == 10
    assert not await door.lives(half.token)
    assert await door.kinds() == [
        "account.created",
        "account.authenticator_set",
        "session.opened",
        "account.recovery_codes_made",
    ]


async def test_the_code_that_enrolled_is_used_up(door: Doorway) -> None:
    _, ada, _ = await enrolled(door)
    half = await door.half_open(ada)
    with pytest.raises(NotProven, match="used before"):
        await door.prove(half.session, ada.code(door.clock()))
    await door.prove(half.session, door.next_code(ada))


async def test_a_wrong_code_enrols_nothing_and_the_right_one_still_does(door: Doorway) -> None:
    half = await door.signed_up()
    secret = await door.new_authenticator(half.session, has_factor=False)
    before = await door.rows(accounts)
    for code in ("000000", "", "12345", door.code_of(Secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"))):
        with pytest.raises(NotProven):
            await door.entrance.confirm_authenticator(half.session, code, visitor=visitor(), now=door.clock())
    assert await door.rows(accounts) == before
    assert (await door.confirm(half.session, secret))[0].session.is_complete


async def test_an_enrolment_takes_a_quarter_of_an_hour_at_most(door: Doorway) -> None:
    half = await door.signed_up()
    secret = await door.new_authenticator(half.session, has_factor=False)
    began = door.clock()
    for moment in (began + PENDING_MS + 1, began - 1):
        door.clock.now = moment
        with pytest.raises(NotProven, match="took too long"):
            await door.confirm(half.session, secret)
    door.clock.now = began + PENDING_MS
    assert await door.confirm(half.session, secret)


async def test_a_pending_secret_is_of_its_session_alone(door: Doorway) -> None:
    """Another session, of this account or of another one, can't confirm it; nor can one made of a moved row."""
    half = await door.signed_up()
    secret = await door.new_authenticator(half.session, has_factor=False)
    others = [await door.signed_up("bob@example.org")]
    others.append(
        await door.entrance.sign_in(
            "new@example.org", Secret("seven-lamps-under-rain"), visitor=visitor(), now=door.clock()
        )
    )
    for other in others:
        with pytest.raises(NotProven):
            await door.confirm(other.session, secret)
    async with door.database.write() as tx:
        sealed = (
            await tx.execute(select(sessions.c.pending_totp_sealed).where(sessions.c.id == half.session.id))
        ).scalar_one()
        await tx.execute(sessions.update().values(pending_totp_sealed=sealed, pending_at=door.clock()))
    for other in others:
        with pytest.raises(KeywrightError):
            await door.confirm(other.session, secret)


async def test_beginning_anew_makes_the_earlier_secret_void(door: Doorway) -> None:
    half = await door.signed_up()
    earlier = await door.new_authenticator(half.session, has_factor=False)
    later = await door.new_authenticator(half.session, has_factor=False)
    with pytest.raises(NotProven):
        await door.confirm(half.session, earlier)
    assert await door.confirm(half.session, later)


async def test_2fa_19_a_secret_is_given_once_sealed_at_rest_and_in_no_event(door: Doorway) -> None:
    half = await door.signed_up()
    secret = await door.new_authenticator(half.session, has_factor=False)
    (pending,) = await door.rows(sessions)
    assert secret.reveal() not in repr(pending).encode()
    opened, _ = await door.confirm(half.session, secret)
    (kept,), (row,) = await door.rows(accounts), await door.rows(sessions)
    assert row.pending_totp_sealed == b"", "nothing is left of the enrolment"
    assert kept.totp_sealed != pending.pending_totp_sealed
    shown = repr([*await door.events(), kept, row, opened])
    assert secret.reveal_text() not in shown
    async with door.database.read() as tx:
        with pytest.raises(NotProven):  # the one verb that tells a secret again is the sandbox demo's
            await door.identity.totp_secret_of_sandbox_demo(tx, opened.session.account_id)


async def test_2fa_14_an_authenticator_is_replaced_after_a_fresh_step_up_only(door: Doorway) -> None:
    ada = await door.world.person()
    half, complete = await door.half_open(ada), await door.signed_in(ada)
    stale = await door.stepped_up((await door.signed_in(ada)).session, ada)
    door.clock.advance(ms=600_001)
    for opened in (half, complete, stale):
        with pytest.raises(NotProven, match="to replace an authenticator"):
            await door.new_authenticator(opened.session, has_factor=True)
        with pytest.raises(Unusable, match="altered outside"):  # whoever says that there is none yet
            await door.new_authenticator(opened.session, has_factor=False)
    still = await door.prove((await door.half_open(ada)).session, door.next_code(ada))
    assert still.session.is_complete


@pytest.mark.parametrize("how", ["console", "command line"])
async def test_an_authenticator_emptied_in_the_database_is_not_taken_for_the_first_one(door: Doorway, how: str) -> None:
    """Decision 0016: whoever writes to the database sets a password of their own and would enrol a factor of their own."""
    if how == "console":
        fresh = await door.signed_up("ada@example.org")
        await door.confirm(fresh.session, await door.new_authenticator(fresh.session, has_factor=False))
        account_id = fresh.session.account_id
    else:
        account_id = (await door.world.person("ada@example.org")).account.id
    async with door.database.write() as tx:
        await tx.execute(update(accounts).where(accounts.c.id == account_id).values(totp_sealed=b"", totp_step=0))
    door.clock.advance(seconds=60)
    half = await door.entrance.sign_in("ada@example.org", PASSWORD, visitor=visitor(), now=door.clock())
    with pytest.raises(Unusable, match="altered outside"):
        await door.new_authenticator(half.session, has_factor=False)


async def test_replacing_one_ends_every_other_session_and_the_recovery_codes_stay(door: Doorway) -> None:
    ada = await door.world.person()
    lost, half = await door.signed_in(ada), await door.half_open(ada)
    mine = await door.stepped_up((await door.signed_in(ada)).session, ada)
    codes = await door.recovery_codes(mine.session)
    secret = await door.new_authenticator(mine.session, has_factor=True)
    door.clock.advance(seconds=30)
    risen, made = await door.confirm(mine.session, secret)
    assert made == ()
    assert [await door.lives(one.token) for one in (lost, half, mine, risen)] == [False, False, False, True]
    assert (await door.kinds())[-4:] == [
        "account.authenticator_set",
        "session.ended",
        "session.ended",
        "session.stepped_up",
    ]
    again = await door.half_open(ada)
    with pytest.raises(NotProven, match="not right"):
        await door.prove(again.session, door.next_code(ada))
    await door.entrance.prove_recovery_code(again.session, codes[0], visitor=visitor(), now=door.clock())
    replaced = Person(ada.account, secret)
    half = await door.half_open(ada)
    assert (await door.prove(half.session, door.next_code(replaced))).session.is_complete


async def test_a_step_used_before_the_replacement_stays_used(door: Doorway) -> None:
    """A code of the step after the present one may be used; the new authenticator's of the present one is then spent."""
    ada = await door.world.person()
    complete = await door.signed_in(ada)
    ahead = Secret(ada.code(door.clock() + STEP_MS))
    mine = await door.entrance.step_up(complete.session, ahead, visitor=visitor(), now=door.clock())
    secret = await door.new_authenticator(mine.session, has_factor=True)
    await door.confirm(mine.session, secret)
    half = await door.half_open(ada)
    with pytest.raises(NotProven, match="used before"):
        await door.prove(half.session, door.code_of(secret))


async def test_of_two_enrolments_at_once_one_wins(door: Doorway) -> None:
    """Two sessions that know the password, one account without a factor: the second would replace, which takes a code."""
    first = await door.signed_up()
    halves = [first] + [
        await door.entrance.sign_in(
            "new@example.org", Secret("seven-lamps-under-rain"), visitor=visitor(), now=door.clock()
        )
        for _ in range(4)
    ]
    secrets = [await door.new_authenticator(half.session, has_factor=False) for half in halves]
    outcomes = await asyncio.gather(
        *(door.confirm(half.session, secret) for half, secret in zip(halves, secrets, strict=True)),
        return_exceptions=True,
    )
    won = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert len(won) == 1
    assert all(isinstance(outcome, NotProven) for outcome in outcomes if isinstance(outcome, BaseException))
    assert (await door.kinds()).count("account.authenticator_set") == 1
    assert len(await door.rows(recovery_codes)) == 10


async def test_a_code_of_the_old_one_that_waited_for_its_replacement_is_worth_nothing(door: Doorway) -> None:
    """Read before the replacement was committed and used up after it: in PostgreSQL both would fit without a lock."""
    ada = await door.world.person()
    half = await door.half_open(ada)
    mine = await door.stepped_up((await door.signed_in(ada)).session, ada)
    secret = await door.new_authenticator(mine.session, has_factor=True)
    code = door.next_code(ada)
    async with door.database.write() as tx:
        await door.identity.lock(tx, ada.account.id)
        waiting = asyncio.create_task(door.prove(half.session, code))
        await asyncio.sleep(0.2)
        before = door.clock() - STEP_MS
        await door.entrance.factors.confirm_authenticator(
            tx,
            mine.session,
            pyotp.TOTP(secret.reveal_text()).at(before // 1000),
            has_factor=True,
            visitor=visitor(),
            now=door.clock(),
        )
    with pytest.raises(NotProven, match="not right"):
        await waiting


async def test_one_enrolment_confirmed_twenty_times_at_once_is_confirmed_once(door: Doorway) -> None:
    half = await door.signed_up()
    secret = await door.new_authenticator(half.session, has_factor=False)
    outcomes = await asyncio.gather(*(door.confirm(half.session, secret) for _ in range(20)), return_exceptions=True)
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
    assert all(isinstance(one, NotProven | Limited) for one in outcomes if isinstance(one, BaseException))
    assert len(await door.rows(recovery_codes)) == 10


async def test_enrolling_is_limited(door: Doorway) -> None:
    half = await door.signed_up()
    secret = await door.new_authenticator(half.session, has_factor=False)
    for _ in range(5):
        with pytest.raises(NotProven):
            await door.entrance.confirm_authenticator(half.session, "000000", visitor=visitor(), now=door.clock())
    with pytest.raises(Limited):
        await door.confirm(half.session, secret)
    door.clock.advance(seconds=300)
    assert await door.confirm(half.session, secret)


# ── recovery codes


async def test_2fa_16_making_codes_takes_a_fresh_step_up(door: Doorway) -> None:
    """Whoever finds a session open, or has only its password, gets no way back in."""
    ada = await door.world.person()
    half, complete = await door.half_open(ada), await door.signed_in(ada)
    stale = await door.stepped_up((await door.signed_in(ada)).session, ada)
    door.clock.advance(ms=600_001)
    for opened in (half, complete, stale):
        with pytest.raises(NotProven, match="to make recovery codes"):
            await door.recovery_codes(opened.session)
    assert await door.rows(recovery_codes) == []
    fresh = await door.stepped_up(stale.session, ada)
    assert len(await door.recovery_codes(fresh.session)) == 10


async def test_codes_made_anew_by_several_at_once_leave_ten(door: Doorway) -> None:
    opened, _, _ = await enrolled(door)
    made = await asyncio.gather(*(door.recovery_codes(opened.session) for _ in range(5)))
    assert len(await door.rows(recovery_codes)) == 10
    live = 0
    for codes in made:
        try:
            await door.entrance.step_up(opened.session, codes[0], visitor=visitor(), now=door.clock())
        except NotProven:
            continue
        live += 1
    assert live == 1


async def test_a_recovery_code_opens_and_steps_up_and_says_what_is_left(door: Doorway) -> None:
    opened, ada, codes = await enrolled(door)
    half = await door.half_open(ada)
    complete = await door.entrance.prove_recovery_code(half.session, codes[0], visitor=visitor(), now=door.clock())
    assert (complete.session.is_complete, complete.session.factor) == (True, "recovery")
    risen = await door.entrance.step_up(opened.session, codes[1], visitor=visitor(), now=door.clock())
    proof = risen.session.step_up(now=door.clock())
    assert proof is not None
    assert proof.factor == "recovery"
    used = [event.detail for event in await door.events() if event.kind == "account.recovery_code_used"]
    assert used == ['{"left":9}', '{"left":8}']
    async with door.database.read() as tx:
        assert await door.entrance.factors.recovery_codes_left(tx, ada.account) == 8


async def test_another_accounts_recovery_code_is_none(door: Doorway) -> None:
    _, _, codes = await enrolled(door)
    bob = await door.world.person("bob@example.org")
    half = await door.half_open(bob)
    with pytest.raises(NotProven):
        await door.entrance.prove_recovery_code(half.session, codes[0], visitor=visitor(), now=door.clock())
