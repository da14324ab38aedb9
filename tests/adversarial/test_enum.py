"""ENUM: what the work done tells. Counted, not timed: a count is the same on every machine."""

from __future__ import annotations

import hmac
from types import SimpleNamespace
from typing import Any

import pytest
from argon2 import extract_parameters
from sqlalchemy import event

from keywright.errors import KeywrightError
from keywright.identity import totp
from keywright.protocol import kucoin_checking
from keywright.protocol.prepared import Mac, mac_key
from keywright.secret import Secret
from tests.identity.doorway import WRONG, Doorway, visitor, wrong_code
from tests.support.clock import T0
from tests.support.door import Door, Shot
from tests.support.world import PASSWORD, World

ACCOUNTS = "/api/v1/accounts"


class Counted:
    """A `Mac` that notes what is held against it, compiled or not: which verb, and how long what was compared."""

    def __init__(self, mac: Mac, calls: list[tuple[str, int]]) -> None:
        self._mac, self._calls = mac, calls
        self.digest, self.base64 = mac.digest, mac.base64

    def is_base64(self, message: bytes, text: bytes, /) -> bool:
        self._calls.append(("signature", len(text)))
        return self._mac.is_base64(message, text)

    def is_digest(self, message: bytes, digest: bytes, /) -> bool:
        self._calls.append(("passphrase", len(digest)))
        return self._mac.is_digest(message, digest)


@pytest.fixture(autouse=True)
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Give what is noted of every key that is read from here on, the decoy's too."""
    noted: list[tuple[str, int]] = []
    monkeypatch.setattr(kucoin_checking, "mac_key", lambda secret: Counted(mac_key(secret), noted))
    return noted


async def work(door: Door, calls: list[tuple[str, int]], shot: Shot, reason: str) -> list[tuple[str, int]]:
    """Return what was held against MACs while the request was judged."""
    calls.clear()
    await door.refuses(shot, reason)
    return list(calls)


@pytest.mark.parametrize("target", [ACCOUNTS, f"{ACCOUNTS}?q=a%20b", f"{ACCOUNTS}?q=a%2Bb"])
async def test_enum_05_unknown_keys_cost_the_same_work_as_known_ones(
    door: Door, calls: list[tuple[str, int]], target: str
) -> None:
    shot = door.kr.signed("GET", target)
    wrong = shot.but(sign=door.kb.mac(b"x"))
    disabled = await door.bot()
    await door.world.disable(disabled.person, disabled.id)
    cases = {
        "unknown": await work(door, calls, shot.but(key=b"0" * 24), "key_unknown"),
        "known, wrong signature": await work(door, calls, wrong, "signature_mismatch"),
        "disabled, wrong": await work(
            door, calls, disabled.signed("GET", target).but(sign=wrong.value("sign")), "signature_mismatch"
        ),
    }
    candidates = 2 if "%20" in target else 1
    once = [*[("signature", 44)] * candidates, ("passphrase", 32)]
    assert all(case == once for case in cases.values()), cases


async def test_enum_05_an_id_that_can_be_no_key_costs_the_same_work(door: Door, calls: list[tuple[str, int]]) -> None:
    shot = door.kr.signed("GET", ACCOUNTS)
    known = await work(door, calls, shot.but(sign=door.kb.mac(b"x")), "signature_mismatch")
    for name in (b"", b"x", b"k" * 10_000, b"\xff", b"0" * 24):
        assert await work(door, calls, shot.but(key=name), "key_unknown") == known


async def test_enum_05_the_answer_to_an_unknown_key_is_the_answer_to_an_altered_one(door: Door) -> None:
    """A deleted key, one edited behind the service's back and one that never was read alike, hint and all."""
    altered, raised = await door.bot(), await door.bot()
    door.sql("UPDATE api_keys SET permissions = 'read,trade,withdraw' WHERE id = ?", altered.id)
    door.sql("UPDATE api_keys SET version = version + 1 WHERE id = ?", raised.id)
    never = door.kr.signed("GET", ACCOUNTS).but(key=b"0" * 24)
    hint = await door.refuses(never, "key_unknown")
    for bot in (altered, raised):
        assert await door.refuses(bot.signed("GET", ACCOUNTS), "key_altered") == hint


# ── signing in


class Watched:
    """What one attempt to sign in costs and says: hashes by their parameters, statements by their text, the error."""

    def __init__(self, world: World) -> None:
        self.doorway = Doorway(world)
        self._passwords = world.services.identity._passwords
        self._hasher = self._passwords._hasher
        self._engine = world.services.database.engine.sync_engine

    async def sign_in(self, email: str, password: Secret) -> tuple[list[Any], list[str], object]:
        hashed: list[Any] = []
        statements: list[str] = []

        def verify(password_hash: str, candidate: bytes) -> bool:
            hashed.append((extract_parameters(password_hash), len(candidate)))
            return self._hasher.verify(password_hash, candidate)

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            statements.append(statement)

        self._passwords._hasher = SimpleNamespace(verify=verify)  # type: ignore[assignment]
        event.listen(self._engine, "before_cursor_execute", note)
        try:
            clock = self.doorway.clock
            told: object = type(
                await self.doorway.entrance.sign_in(email, password, visitor=visitor(), now=clock())
            ).__name__
        except KeywrightError as error:
            told = (type(error), error.args, error.message, error.hint, error.texts, error.values, error.exit_code)
        finally:
            event.remove(self._engine, "before_cursor_execute", note)
            self._passwords._hasher = self._hasher
        return hashed, statements, told


async def test_enum_01_an_unknown_account_costs_and_says_what_a_wrong_password_does(world: World) -> None:
    watched = Watched(world)
    await world.person()
    known = await watched.sign_in("ada@example.org", WRONG)
    hashed, statements, told = known
    assert len(hashed) == 1, "one Argon2id computation"
    assert statements
    assert isinstance(told, tuple)
    assert await watched.sign_in("nobody@example.org", WRONG) == known


async def test_enum_01_also_for_one_that_signed_up_without_factor_and_for_what_is_no_address(world: World) -> None:
    watched = Watched(world)
    await watched.doorway.signed_up("new@example.org")
    hashed, _, told = await watched.sign_in("new@example.org", WRONG)
    for email in ("nobody@example.org", "", "nobody", "x" * 100_000, "\0@\ud800", "nobody@example.org' OR 1=1 --"):
        again = await watched.sign_in(email, WRONG)
        assert (again[0], again[2]) == (hashed, told)


async def test_enum_01_the_limit_comes_at_the_same_attempt_for_both(world: World) -> None:
    watched = Watched(world)
    await world.person()
    said = [
        [await watched.sign_in(email, WRONG) for _ in range(12)] for email in ("ada@example.org", "nobody@example.org")
    ]
    assert said[0] == said[1]
    assert [len(hashed) for hashed, _, _ in said[0]] == [1] * 10 + [0, 0]


async def test_enum_01_freezing_says_nothing_about_either(world: World) -> None:
    doorway = Doorway(world)
    await world.person()
    for email, password in (("ada@example.org", PASSWORD), ("ada@example.org", WRONG), ("nobody@example.org", WRONG)):
        answered: object = doorway.entrance.freeze(email, password, visitor=visitor(), now=T0)
        assert await answered is None  # type: ignore[misc]


async def test_enum_03_a_frozen_account_looks_like_any_other_until_its_second_factor(world: World) -> None:
    watched = Watched(world)
    doorway = watched.doorway
    people = [await world.person("ada@example.org"), await world.person("bob@example.org")]
    async with world.services.database.write() as tx:
        await world.services.identity.freeze(tx, people[1].account.id, actor=world.actor(people[1]), now=world.clock())
    for password in (PASSWORD, WRONG):
        said = [await watched.sign_in(person.account.email, password) for person in people]
        assert said[0] == said[1]
    told = set()
    for person in people:
        half = await doorway.half_open(person)
        with pytest.raises(KeywrightError) as refused:
            await doorway.prove(half.session, wrong_code(person, world.clock()))
        told.add((type(refused.value), refused.value.message, refused.value.hint))
    assert len(told) == 1


def test_enum_05_every_position_of_the_window_is_made_and_compared_whatever_the_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret = totp.new_secret()
    compared: list[tuple[int, int]] = []

    def compare_digest(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr(totp, "hmac", SimpleNamespace(compare_digest=compare_digest))
    codes = [totp.code_at(secret, now=T0 + steps * totp.STEP_MS) for steps in range(-2, 3)]
    right = codes[2]
    nearly = [f"{(int(digit) + 1) % 10}{right[1:]}" for digit in right[:1]] + [f"{right[:5]}{(int(right[5]) + 1) % 10}"]
    for typed in (*codes, *nearly, "", "12345", "1234567", "\ud800", "x" * 100_000):
        compared.clear()
        totp.step_of_code(secret, typed, now=T0)
        assert compared == [(totp.DIGITS, totp.DIGITS)] * (2 * totp.DRIFT_STEPS + 1), typed[:10]
