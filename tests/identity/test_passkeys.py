"""Passkeys: added beside the authenticator, asked, answered, removed."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from keywright.errors import Conflict, Invalid, LimitReached, NotFound, NotProven
from keywright.identity.model import FRESH_MS
from keywright.identity.passkeys import MOST
from keywright.storage.tables import challenges
from tests.identity.doorway import Doorway, visitor
from tests.identity.passkey_door import RP, PasskeyDoor, create, with_passkey
from tests.support.passkey import EDDSA, ES256, RS256, SoftPasskey


@pytest.fixture
async def ada(door: Doorway) -> PasskeyDoor:
    """Give Ada, who has added a passkey."""
    return await with_passkey(door)


@pytest.mark.parametrize("algorithm", [ES256, EDDSA, RS256])
async def test_a_passkey_of_each_algorithm_steps_up_again_and_again(door: Doorway, algorithm: int) -> None:
    ada = await with_passkey(door, soft=SoftPasskey(algorithm))
    for _ in range(3):
        door.clock.advance(ms=FRESH_MS + 1)
        assert ada.session.step_up(now=ada.now) is None
        ada.opened = await ada.prove(ada.soft.get(await ada.options()))
        proof = ada.session.step_up(now=ada.now)
        assert proof is not None
        assert (proof.factor, proof.at) == ("passkey", ada.now)
    (kept,) = await ada.kept()
    assert (kept.sign_count, kept.last_used_at) == (3, ada.now)
    assert await door.counted() == 0


async def test_a_passkey_completes_signing_in_and_the_browser_is_known_afterwards(ada: PasskeyDoor) -> None:
    half = await ada.half_open()
    opened = await ada.prove(ada.soft.get(await ada.options(half)), half)
    assert opened.session.is_complete
    assert opened.session.factor == "passkey"
    assert opened.session.step_up(now=ada.now) is None
    assert opened.device is not None
    again = await ada.door.half_open(ada.person, device=opened.device)
    assert again.session.device


@pytest.mark.parametrize(
    "transports", [{}, {"transports": []}, {"transports": None}, {"transports": ["smart-card", "x"]}]
)
async def test_one_that_says_nothing_of_how_it_is_reached_is_added_and_signs_in(
    door: Doorway, transports: dict[str, Any]
) -> None:
    """`getTransports()` is missing in older browsers, and may be empty in any (WebAuthn section 5.2.1)."""
    person = await door.world.person()
    opened = await door.stepped_up((await door.signed_in(person)).session, person)
    services, soft = door.world.services, SoftPasskey()
    options = await services.passkeys.creation_options(opened.session, person.account, rp=RP, now=door.clock())
    answer = soft.create(options, **transports)
    passkey = await services.passkeys.add(
        opened.session, answer, name="old key", rp=RP, visitor=visitor(), now=door.clock()
    )
    ada = PasskeyDoor(door, person, opened, soft, passkey)
    half = await ada.half_open()
    asked = json.loads(await ada.options(half))
    assert [one.keys() for one in asked["allowCredentials"]] == [{"id", "type"}], "no hint where none was given"
    signed_in = await ada.prove(soft.get(json.dumps(asked)), half)
    assert signed_in.session.is_complete
    ada.opened = signed_in
    stepped = await ada.prove(soft.get(await ada.options()))
    assert stepped.session.step_up(now=ada.now) is not None


async def test_one_that_counts_nothing_is_taken_each_time(door: Doorway) -> None:
    """Those that are kept in several places say 0 for ever (WebAuthn section 6.1.1)."""
    ada = await with_passkey(door, soft=SoftPasskey(counts=False))
    for _ in range(2):
        ada.opened = await ada.prove(ada.soft.get(await ada.options()))
    assert (await ada.kept())[0].sign_count == 0


async def test_what_a_browser_is_asked_for(ada: PasskeyDoor) -> None:
    services = ada.door.world.services
    made = json.loads(await services.passkeys.creation_options(ada.session, ada.person.account, rp=RP, now=ada.now))
    assert made["rp"]["id"] == "localhost"
    assert made["attestation"] == "none"
    assert made["authenticatorSelection"]["userVerification"] == "required"
    assert [one["alg"] for one in made["pubKeyCredParams"]] == [EDDSA, ES256, RS256]
    assert [one["id"] for one in made["excludeCredentials"]] == [ada.passkey.credential_id]
    assert ada.person.account.email not in made["user"]["id"]
    asked = json.loads(await ada.options())
    assert asked["userVerification"] == "required"
    assert [one["id"] for one in asked["allowCredentials"]] == [ada.passkey.credential_id]
    assert made["challenge"] != asked["challenge"] != json.loads(await ada.options())["challenge"]


async def test_adding_and_removing_are_recorded_with_the_name_and_without_the_credential(ada: PasskeyDoor) -> None:
    services = ada.door.world.services
    await services.passkeys.remove(ada.session, ada.passkey.id, visitor=visitor(), now=ada.now)
    added, removed = (await ada.door.events())[-2:]
    assert (added.kind, removed.kind) == ("account.passkey_added", "account.passkey_removed")
    assert added.subject == removed.subject == ada.passkey.id
    assert json.loads(added.detail) == {"name": "phone"}
    assert '"factor":"totp"' in added.origin
    assert ada.passkey.credential_id not in added.detail + added.origin + added.subject
    assert await ada.kept() == []


async def test_the_step_up_it_gave_is_said_in_the_audit_log(ada: PasskeyDoor) -> None:
    ada.opened = await ada.prove(ada.soft.get(await ada.options()))
    last = (await ada.door.events())[-1]
    assert last.kind == "session.stepped_up"
    assert '"factor":"passkey"' in last.origin


async def test_adding_and_removing_take_a_fresh_step_up(ada: PasskeyDoor) -> None:
    ada.door.clock.advance(ms=FRESH_MS + 1)
    services = ada.door.world.services
    with pytest.raises(NotProven):
        await create(ada.door, ada.session, SoftPasskey())
    with pytest.raises(NotProven):
        await services.passkeys.remove(ada.session, ada.passkey.id, visitor=visitor(), now=ada.now)
    assert len(await ada.kept()) == 1


async def test_a_step_up_by_passkey_lets_add_and_remove_passkeys(ada: PasskeyDoor) -> None:
    ada.door.clock.advance(ms=FRESH_MS + 1)
    ada.opened = await ada.prove(ada.soft.get(await ada.options()))
    other = await create(ada.door, ada.session, SoftPasskey(), name="  the   blue key ")
    assert other.name == "the blue key"
    services = ada.door.world.services
    await services.passkeys.remove(ada.session, ada.passkey.id, visitor=visitor(), now=ada.now)
    assert [one.id for one in await ada.kept()] == [other.id]
    with pytest.raises(NotFound):
        await services.passkeys.remove(ada.session, ada.passkey.id, visitor=visitor(), now=ada.now)


async def test_the_last_passkey_may_go_because_the_authenticator_stays(ada: PasskeyDoor) -> None:
    services = ada.door.world.services
    await services.passkeys.remove(ada.session, ada.passkey.id, visitor=visitor(), now=ada.now)
    with pytest.raises(NotFound, match="no passkey"):
        await ada.options()
    ada.opened = await ada.door.stepped_up(ada.session, ada.person)


async def test_a_new_account_has_no_passkey_before_its_authenticator(door: Doorway) -> None:
    """Recovery codes come with the authenticator: a passkey alone would leave nobody a way back."""
    opened = await door.signed_up()
    with pytest.raises(NotProven):
        await create(door, opened.session, SoftPasskey())


@pytest.mark.parametrize("name", ["", "   ", "x" * 41, "tab\x00let", "\u202egnp"])
async def test_a_name_that_can_not_be_shown_is_refused(ada: PasskeyDoor, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        await create(ada.door, ada.session, SoftPasskey(), name=name)
    assert refused.value.field == "name"
    assert len(await ada.kept()) == 1


async def test_an_account_has_ten_at_most(ada: PasskeyDoor) -> None:
    for number in range(MOST - 1):
        await create(ada.door, ada.session, SoftPasskey(), name=f"key {number}")
    with pytest.raises(LimitReached, match="at most 10"):
        await create(ada.door, ada.session, SoftPasskey())
    assert len(await ada.kept()) == MOST


async def test_the_same_credential_is_kept_once_whoever_has_it(ada: PasskeyDoor) -> None:
    with pytest.raises(Conflict, match="already"):
        await create(ada.door, ada.session, ada.soft)
    bob = await with_passkey(ada.door, "bob@example.org")
    with pytest.raises(Conflict, match="already"):
        await create(ada.door, bob.session, ada.soft)


async def test_a_challenge_that_nobody_answered_is_forgotten(ada: PasskeyDoor) -> None:
    await ada.options()
    ada.door.clock.advance(seconds=4 * 60)
    await ada.door.world.services.passkeys.forget(now=ada.now)
    assert len(await ada.door.rows(challenges)) == 1
    ada.door.clock.advance(seconds=2 * 60)
    await ada.door.world.services.passkeys.forget(now=ada.now)
    assert await ada.door.rows(challenges) == []


async def test_a_session_has_one_open_challenge_for_each_purpose_however_often_it_asks(ada: PasskeyDoor) -> None:
    await asyncio.gather(*(ada.options() for _ in range(8)))
    assert len(await ada.door.rows(challenges)) == 1


# ── bound to what is confirmed


async def test_what_is_confirmed_is_confirmed_once_and_the_session_stays_as_it_was(ada: PasskeyDoor) -> None:
    services, thing = ada.door.world.services, "approval app_1 00ff"
    answer = ada.soft.get(await ada.options(made_for=thing))
    proof = await services.passkeys.confirm(ada.session, answer, rp=RP, made_for=thing, visitor=visitor(), now=ada.now)
    assert (proof.account_id, proof.factor, proof.at) == (ada.person.account.id, "passkey", ada.now)
    assert proof.is_for(thing, now=ada.now)
    assert not proof.is_fresh(now=ada.now)
    assert await ada.door.lives(ada.opened.token)
    with pytest.raises(NotProven, match="no longer open"):
        await services.passkeys.confirm(ada.session, answer, rp=RP, made_for=thing, visitor=visitor(), now=ada.now)


async def test_what_was_confirmed_for_one_thing_serves_no_other_and_no_step_up(ada: PasskeyDoor) -> None:
    services, one, other = ada.door.world.services, "approval app_1 00ff", "approval app_1 00fe"
    answer = ada.soft.get(await ada.options(made_for=one))
    with pytest.raises(NotProven, match="no longer open"):
        await services.passkeys.confirm(ada.session, answer, rp=RP, made_for=other, visitor=visitor(), now=ada.now)
    assert await ada.refusal(answer) == "challenge"
    plain = ada.soft.get(await ada.options())
    with pytest.raises(NotProven, match="no longer open"):
        await services.passkeys.confirm(ada.session, plain, rp=RP, made_for=one, visitor=visitor(), now=ada.now)
    half = await ada.half_open()
    early = ada.soft.get(await ada.options(half, made_for=one))
    with pytest.raises(NotProven, match="sign in first"):
        await services.passkeys.confirm(half, early, rp=RP, made_for=one, visitor=visitor(), now=ada.now)
    assert await ada.refusal(early, half) == "challenge"
