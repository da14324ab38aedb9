"""The account's own password, given once more and changed: whoever was in with the old one is out."""

from __future__ import annotations

import asyncio

import pytest

from keywright.audit.events import Actor
from keywright.errors import Conflict, Invalid, KeywrightError, Limited, NotProven
from keywright.identity.model import FRESH_MS, FactorProof, Opened, Session
from keywright.secret import Secret
from tests.identity.doorway import WRONG, Doorway, visitor
from tests.support.world import PASSWORD, Person

NEW = Secret("four-otters-in-amber")


async def change(
    door: Doorway,
    person: Person,
    session: Session,
    *,
    current: Secret = PASSWORD,
    new: Secret = NEW,
    proof: FactorProof | None = None,
) -> Opened:
    return await door.world.services.own.password.change_password(
        session,
        current,
        new,
        proof=proof or door.world.proof(person),
        visitor=visitor(),
        now=door.clock(),
    )


async def test_2fa_21_a_changed_password_ends_every_other_session(door: Doorway) -> None:
    person = await door.world.person()
    here, there = await door.signed_in(person), await door.signed_in(person)
    half = await door.half_open(person)
    changed = await change(door, person, here.session)
    assert not await door.lives(there.token)
    assert not await door.lives(half.token)
    assert not await door.lives(here.token), "its own token is new"
    assert await door.lives(changed.token)
    with pytest.raises(NotProven):
        await door.half_open(person)
    await door.half_open(person, password=NEW)
    assert [kind for kind in await door.kinds() if kind in {"account.password_changed", "session.ended"}] == [
        "account.password_changed",
        "session.ended",
        "session.ended",
    ]


async def test_browsers_that_were_known_are_strangers_but_for_this_one(door: Doorway) -> None:
    person = await door.world.person()
    here, there = await door.signed_in(person), await door.signed_in(person)
    changed = await change(door, person, here.session)
    assert changed.device is not None
    known = await door.half_open(person, device=changed.device, password=NEW)
    assert known.session.device
    for old in (here.device, there.device):
        assert old is not None
        assert not (await door.half_open(person, device=old, password=NEW)).session.device


async def test_2fa_21_it_takes_the_current_one_and_the_second_factor(door: Doorway) -> None:
    person = await door.world.person()
    opened = await door.signed_in(person)
    stale = FactorProof(person.account.id, "totp", door.clock() - FRESH_MS - 1)
    for wrong in ({"current": WRONG}, {"proof": stale}, {"proof": FactorProof("acc_0", "totp", door.clock())}):
        with pytest.raises(NotProven):
            await change(door, person, opened.session, **wrong)
    half = await door.half_open(person)
    with pytest.raises(NotProven):
        await change(door, person, half.session)
    assert await door.lives(opened.token)
    assert "account.password_changed" not in await door.kinds()


async def test_the_new_one_must_be_another_and_hard_to_guess(door: Doorway) -> None:
    person = await door.world.person()
    opened = await door.signed_in(person)
    for new in (PASSWORD, Secret("short"), Secret("password123"), Secret("ada@example.org")):
        with pytest.raises(Invalid) as refused:
            await change(door, person, opened.session, new=new)
        assert refused.value.field == "password"


async def test_the_current_one_cannot_be_guessed_from_within(door: Doorway) -> None:
    person = await door.world.person()
    opened = await door.signed_in(person)
    for _ in range(10):
        with pytest.raises(NotProven):
            await change(door, person, opened.session, current=WRONG)
    with pytest.raises(Limited):
        await change(door, person, opened.session)
    await door.half_open(person)  # signing in is counted apart


async def test_of_two_changes_at_once_one_is_late(door: Doorway) -> None:
    person = await door.world.person()
    opened = await door.signed_in(person)

    async def attempt(new: str) -> str:
        try:
            await change(door, person, opened.session, new=Secret(new))
        except (Conflict, NotProven) as refused:
            return type(refused).__name__
        return "changed"

    said = await asyncio.gather(attempt("four-otters-in-amber"), attempt("nine-herons-over-flax"))
    assert said.count("changed") == 1


async def test_who_signs_in_while_it_is_changed_does_not_get_in_with_the_old_one(door: Doorway) -> None:
    """The password was right when it was looked at, and another one when the session is opened."""
    person = await door.world.person()
    opened = await door.signed_in(person)
    identity = door.identity
    matches = type(identity).matches

    async def then_it_is_changed(self: object, credentials: object, candidate: Secret) -> bool:
        is_right = await matches(identity, credentials, candidate)  # type: ignore[arg-type]
        with pytest.MonkeyPatch.context() as again:
            again.setattr(type(identity), "matches", matches)
            await change(door, person, opened.session)
        return is_right

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(identity), "matches", then_it_is_changed)
        with pytest.raises(NotProven):
            await door.half_open(person)


async def test_the_local_owner_sets_it_with_the_second_factor_and_every_session_ends(door: Doorway) -> None:
    person = await door.world.person()
    opened = await door.signed_in(person)
    own, actor = door.world.services.own.password, Actor(person.account.id, "totp", agent="cli")
    password_hash = await door.identity.hash_password(person.account.email, NEW)
    async with door.database.write() as tx:
        with pytest.raises(KeywrightError):
            stale = FactorProof(person.account.id, "totp", door.clock() - FRESH_MS - 1)
            await own.set_at_terminal(tx, person.account.id, password_hash, proof=stale, actor=actor, now=door.clock())
        ended = await own.set_at_terminal(
            tx, person.account.id, password_hash, proof=door.world.proof(person), actor=actor, now=door.clock()
        )
    assert ended == 1
    assert not await door.lives(opened.token)
    await door.half_open(person, password=NEW)
