"""2FA-18: passkeys attacked. Each answer that is not to be taken is refused for a reason of its own, and counts as an attempt."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable

import pytest

from keywright.errors import KeywrightError, Limited
from keywright.identity import ceremony
from keywright.identity.ceremony import CHALLENGE_MS, Mismatch
from keywright.identity.model import RelyingParty
from tests.identity.doorway import Doorway, visitor
from tests.identity.passkey_door import RP, PasskeyDoor, create, with_passkey
from tests.support.passkey import BE, BS, UP, UV, SoftPasskey, b64, unb64
from tests.support.world import World

AT_ONCE = 50


@pytest.fixture
async def ada(world: World) -> PasskeyDoor:
    """Give Ada, who has added a passkey, over a database of each kind."""
    return await with_passkey(Doorway(world))


# ── who signs, for whom, and how

BENT = {
    "another origin": ({"origin": "https://evil.example"}, "origin"),
    "our origin by https": ({"origin": "https://localhost:8400"}, "origin"),
    "another port": ({"origin": "http://localhost:8401"}, "origin"),
    "our origin, and more": ({"origin": "http://localhost:8400.evil.example"}, "origin"),
    "our origin with a slash": ({"origin": "http://localhost:8400/"}, "origin"),
    "no origin": ({"origin": "null"}, "origin"),
    "inside a frame of someone": ({"framed": True}, "origin"),
    "another RP": ({"rp_id": "evil.example"}, "rp"),
    "an RP that ends like ours": ({"rp_id": "evil.localhost"}, "rp"),
    "an RP that begins like ours": ({"rp_id": "localhost.evil.example"}, "rp"),
    "nobody was verified": ({"flags": UP}, "verification"),
    "nobody was there": ({"flags": UV}, "verification"),
    "neither": ({"flags": 0}, "verification"),
    "kept elsewhere but not to be": ({"flags": UP | UV | BS}, "signature"),
}


@pytest.mark.parametrize(("changes", "label"), BENT.values(), ids=BENT)
async def test_2fa_18_an_answer_for_elsewhere_or_without_the_person_is_refused(
    ada: PasskeyDoor, changes: dict[str, object], label: str
) -> None:
    answer = ada.soft.bent(**changes).get(await ada.options())
    assert await ada.refusal(answer) == label
    assert await ada.door.counted() == 1
    ada.opened = await ada.prove(ada.soft.bent(flags=UP | UV | BE | BS, count=7).get(await ada.options()))


@pytest.mark.parametrize(("changes", "label"), BENT.values(), ids=BENT)
async def test_2fa_18_and_none_is_added_that_way(ada: PasskeyDoor, changes: dict[str, object], label: str) -> None:
    soft = SoftPasskey().bent(**changes)
    with pytest.raises(Mismatch) as refused:
        await create(ada.door, ada.session, soft)
    assert refused.value.label == label.replace("signature", "registration")
    assert len(await ada.kept()) == 1


async def test_2fa_18_a_key_of_another_is_no_signature(ada: PasskeyDoor) -> None:
    forged = SoftPasskey(credential_id=ada.soft.credential_id)
    assert await ada.refusal(forged.get(await ada.options())) == "signature"


async def test_2fa_18_every_byte_of_a_signature_counts(ada: PasskeyDoor) -> None:
    said = json.loads(ada.soft.get(await ada.options()))
    signature = bytearray(unb64(said["response"]["signature"]))
    signature[-1] ^= 1
    said["response"]["signature"] = b64(bytes(signature))
    assert await ada.refusal(json.dumps(said)) == "signature"


# ── challenges


async def test_2fa_18_an_answer_serves_once(ada: PasskeyDoor) -> None:
    answer = ada.soft.get(await ada.options())
    ada.opened = await ada.prove(answer)
    assert await ada.refusal(answer) == "challenge"
    await ada.options()  # that another one is open changes nothing
    assert await ada.refusal(answer) == "challenge"


async def test_2fa_18_of_many_uses_of_one_answer_at_once_one_wins(ada: PasskeyDoor) -> None:
    for session in (await ada.half_open(), ada.session):
        answer = ada.soft.get(await ada.options(session))

        async def attempt(number: int, answer: str = answer, session: object = session) -> str:
            try:
                await ada.prove(answer, session, address=f"192.0.2.{number}")  # type: ignore[arg-type]
            except KeywrightError as problem:
                return problem.label if isinstance(problem, Mismatch) else type(problem).__name__
            return "proved"

        outcomes = Counter(await asyncio.gather(*map(attempt, range(AT_ONCE))))
        assert outcomes["proved"] == 1, outcomes
        assert outcomes.keys() <= {"proved", "challenge", "Limited"}
    assert (await ada.kept())[0].sign_count == 2


async def test_2fa_18_a_challenge_belongs_to_its_session(ada: PasskeyDoor) -> None:
    """A phisher's browser can't use what was asked of the owner's, nor the other way round."""
    other = (await ada.door.signed_in(ada.person, address="203.0.113.9")).session
    for asked, given in ((other, ada.session), (ada.session, other)):
        assert await ada.refusal(ada.soft.get(await ada.options(asked)), given) == "challenge"


async def test_2fa_18_a_challenge_belongs_to_its_purpose(ada: PasskeyDoor) -> None:
    half = await ada.half_open()
    early = ada.soft.get(await ada.options(half))
    complete = (await ada.prove(ada.soft.get(await ada.options(half)), half)).session
    assert complete.id == half.id
    assert await ada.refusal(early, complete) == "challenge"
    signing_in = ada.soft.get(await ada.options(half))
    assert await ada.refusal(signing_in, complete) == "challenge"
    stepping_up = ada.soft.get(await ada.options(complete))
    assert await ada.refusal(stepping_up, half) == "challenge"


async def test_2fa_18_what_was_signed_for_adding_is_no_proof_and_the_other_way_round(ada: PasskeyDoor) -> None:
    made = await ada.door.world.services.passkeys.creation_options(ada.session, ada.person.account, rp=RP, now=ada.now)
    assert await ada.refusal(ada.soft.get(made)) == "challenge"
    assert await ada.refusal(ada.soft.get(await ada.options(), kind="webauthn.create")) == "type"
    assert await ada.refusal(SoftPasskey().create(made)) in {"challenge", "type"}


async def test_2fa_18_a_challenge_lasts_five_minutes_by_a_clock_that_goes_on(ada: PasskeyDoor) -> None:
    answer = ada.soft.get(await ada.options())
    ada.door.clock.advance(ms=CHALLENGE_MS)
    assert await ada.refusal(answer) == "challenge"
    answer = ada.soft.get(await ada.options())
    ada.door.clock.advance(ms=CHALLENGE_MS - 1)
    ada.opened = await ada.prove(answer)
    answer = ada.soft.get(await ada.options())
    services = ada.door.world.services
    with pytest.raises(Mismatch):  # set back to before it was asked
        async with ada.door.database.write() as tx:
            await services.passkeys.passkeys.prove(tx, ada.session, answer, rp=RP, now=ada.now - 1)


# ── nonsense

GARBAGE: dict[str, Callable[[dict[str, object]], object]] = {
    "nothing": lambda _: "",
    "no JSON": lambda _: "{",
    "null": lambda _: None,
    "a list": lambda _: [],
    "deep": lambda _: "[" * 10_000,
    "long": lambda said: {**said, "more": "x" * ceremony.MOST_BYTES},
    "no response": lambda said: {**said, "response": None},
    "an empty response": lambda said: {**said, "response": {}},
    "no id": lambda said: {**said, "rawId": None},
    "an id that is not base64": lambda said: {**said, "rawId": "é"},
    "client data that is a number": lambda said: {**said, "response": {"clientDataJSON": 7}},
    "client data of nothing": lambda said: {**said, "response": {"clientDataJSON": b64(b"{}")}},
}


@pytest.mark.parametrize("make", GARBAGE.values(), ids=GARBAGE)
async def test_2fa_18_garbage_is_refused_and_counted(
    ada: PasskeyDoor, make: Callable[[dict[str, object]], object]
) -> None:
    made = make(json.loads(ada.soft.get(await ada.options())))
    text = made if isinstance(made, str) else json.dumps(made)
    assert await ada.refusal(text) == "unreadable"
    assert await ada.door.counted() == 1


@pytest.mark.parametrize("part", ["authenticatorData", "signature"])
@pytest.mark.parametrize("value", ["", "AA", b64(b"\xff" * 2_000), None, 7])
async def test_2fa_18_garbage_inside_is_refused(ada: PasskeyDoor, part: str, value: object) -> None:
    said = json.loads(ada.soft.get(await ada.options()))
    said["response"][part] = value
    assert await ada.refusal(json.dumps(said)) in {"unreadable", "rp", "signature"}


@pytest.mark.parametrize(
    ("fmt", "statement", "label"),
    [
        ("none", {"sig": b"x"}, "registration"),
        ("packed", {}, "registration"),
        ("packed", {"alg": -7, "sig": b"x" * 70}, "registration"),
        ("packed", {"alg": -7, "sig": b"x" * 70, "x5c": [b"x"]}, "registration"),
        ("tpm", {}, "attestation"),
        ("fido-u2f", {"sig": b"x", "x5c": [b"x"]}, "attestation"),
        ("android-safetynet", {"ver": "1", "response": b"x"}, "attestation"),
        ("of-my-own", {}, "attestation"),
    ],
)
async def test_2fa_18_garbage_of_attestations_adds_nothing(
    ada: PasskeyDoor, fmt: str, statement: dict[str, object], label: str
) -> None:
    services = ada.door.world.services
    options = await services.passkeys.creation_options(ada.session, ada.person.account, rp=RP, now=ada.now)
    answer = SoftPasskey().create(options, fmt=fmt, statement=statement)
    with pytest.raises(Mismatch) as refused:
        await services.passkeys.add(ada.session, answer, name="x", rp=RP, visitor=visitor(), now=ada.now)
    assert refused.value.label in {label, "unreadable"}
    assert len(await ada.kept()) == 1


# ── limits


async def test_2fa_18_refused_answers_are_limited_and_codes_are_not_used_up_by_them(ada: PasskeyDoor) -> None:
    half = await ada.half_open()
    for _ in range(5):
        assert await ada.refusal("{}", half) == "unreadable"
    good = ada.soft.get(await ada.options(half))
    with pytest.raises(Limited):
        await ada.prove(good, half)
    assert (await ada.door.kinds())[-1] == "account.factor_limited"
    elsewhere = await ada.half_open(address="203.0.113.9")
    opened = await ada.prove(ada.soft.get(await ada.options(elsewhere)), elsewhere, address="203.0.113.9")
    assert opened.session.is_complete
    await ada.door.prove(half, ada.door.next_code(ada.person))


async def test_2fa_18_every_official_origin_at_the_host_is_taken_and_no_other(ada: PasskeyDoor) -> None:
    here = RelyingParty("localhost", ("https://localhost", "http://localhost:8400"))
    services = ada.door.world.services
    for origin in here.origins:
        answer = ada.soft.bent(origin=origin, count=ada.soft.count).get(await ada.options())
        ada.soft.count += 1
        await services.passkeys.prove(ada.session, answer, rp=here, visitor=visitor(), now=ada.now)
