"""Captchas: solved by work, good once, for whom they were made, for half an hour."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from altcha.v2 import Challenge, Payload, create_challenge, solve_challenge
from hypothesis import HealthCheck, given, settings, strategies as st

from keywright.errors import Invalid
from keywright.identity.captcha import COST, LASTS_MS
from tests.support.world import World


def solved(challenge: dict[str, Any]) -> str:
    """Do the work that a browser does."""
    made = Challenge.from_dict(challenge)
    solution = solve_challenge(made)
    assert solution is not None
    return Payload(made, solution).to_base64()


def opened(answer: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.b64decode(answer))
    return found


def closed(found: dict[str, Any], **how: Any) -> str:
    return base64.b64encode(json.dumps(found, **how).encode()).decode()


async def spend(world: World, answer: str, bound_to: str = "ses_1") -> None:
    async with world.services.database.write() as tx:
        await world.services.captcha.spend(tx, answer, bound_to=bound_to, now=world.clock())


async def test_a_solution_is_good_once_however_it_is_written(world: World) -> None:
    answer = solved(world.services.captcha.challenge("ses_1", now=world.clock()))
    await spend(world, answer)
    found = opened(answer)
    for again in (answer, closed(found, indent=1), closed(dict(reversed(found.items()))), answer + "\n"):
        with pytest.raises(Invalid, match="used before"):
            await spend(world, again)


async def test_a_solution_serves_whom_its_challenge_was_made_for(world: World) -> None:
    answer = solved(world.services.captcha.challenge("ses_1", now=world.clock()))
    with pytest.raises(Invalid, match="another session"):
        await spend(world, answer, "ses_2")
    await spend(world, answer)


async def test_a_solution_lasts_as_long_as_its_challenge(world: World) -> None:
    challenges = [world.services.captcha.challenge("ses_1", now=world.clock()) for _ in range(2)]
    in_time, late = map(solved, challenges)
    world.clock.advance(ms=LASTS_MS - 1)
    await spend(world, in_time)
    world.clock.advance(ms=1)
    with pytest.raises(Invalid, match="too old"):
        await spend(world, late)


async def test_what_was_spent_is_forgotten_once_it_is_too_old_and_not_before(world: World) -> None:
    answer = solved(world.services.captcha.challenge("ses_1", now=world.clock()))
    await spend(world, answer)
    world.clock.advance(ms=LASTS_MS)
    async with world.services.database.write() as tx:
        await world.services.own.codes.forget(tx, now=world.clock())
    with pytest.raises(Invalid, match="too old"):
        await spend(world, answer)


async def test_work_that_was_not_done_is_worth_nothing(world: World) -> None:
    challenge = world.services.captcha.challenge("ses_1", now=world.clock())
    right = opened(solved(challenge))
    wrong = [
        "",
        "nonsense",
        "A" * 5_000,
        closed({"challenge": challenge}),
        closed({**right, "solution": {"counter": 1, "derivedKey": "00" * 32}}),
        closed({**right, "solution": {**right["solution"], "derivedKey": right["solution"]["derivedKey"][:-2]}}),
        closed({"challenge": [], "solution": None}),
    ]
    for answer in wrong:
        with pytest.raises(Invalid) as refused:
            await spend(world, answer)
        assert refused.value.field == "captcha"
        assert refused.value.hint


@pytest.mark.parametrize("what", ["cost", "nonce", "data", "keySignature", "keyPrefix"])
async def test_a_challenge_of_ones_own_making_is_worth_nothing(world: World, what: str) -> None:
    """Easier work, later end, another's name: all of it stands under the signature."""
    found = opened(solved(world.services.captcha.challenge("ses_1", now=world.clock())))
    parameters = found["challenge"]["parameters"]
    parameters[what] = {"cost": 1, "data": {**parameters["data"], "until": 2**60}}.get(what, "00" * 16)
    with pytest.raises(Invalid, match="not solved"):
        await spend(world, closed(found))


async def test_a_challenge_under_another_key_is_worth_nothing(world: World) -> None:
    data = opened(solved(world.services.captcha.challenge("ses_1", now=world.clock())))["challenge"]["parameters"][
        "data"
    ]
    own = create_challenge("PBKDF2/SHA-256", COST, counter=1, data=data, hmac_secret="guess", hmac_key_secret="guess")
    with pytest.raises(Invalid, match="not solved"):
        await spend(world, solved(own.to_dict()))
    unsigned = create_challenge("PBKDF2/SHA-256", 1, counter=1, data=data)
    with pytest.raises(Invalid, match="not solved"):
        await spend(world, solved(unsigned.to_dict()))


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200).map(lambda raw: base64.b64encode(raw).decode())))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
async def test_whatever_is_sent_is_refused_in_words(world: World, answer: str) -> None:
    with pytest.raises(Invalid):
        await spend(world, answer)
