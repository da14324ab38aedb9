"""2FA: the second factor, the sessions it completes and the password before it, attacked. Rows of the catalogue by id.

Of 2FA-08: there is no store beside the database. Attempts are counted in the database itself, by every process alike, and
where that is gone nobody signs in. Of 2FA-13: nobody resets a password by mail; the local owner does, with a code.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import unicodedata
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from keywright.app.services import Services, opened, wire
from keywright.errors import CodeReused, Invalid, KeywrightError, Limited, NotProven
from keywright.identity import limits, rules, totp
from keywright.identity.limits import DAY_MS, HOUR_MS, MINUTE_MS
from keywright.identity.model import Opened
from keywright.identity.passwords import CHEAPEST
from keywright.identity.policy_model import Policy
from keywright.identity.sessions import actor_of
from keywright.issuing.model import NewKey, Status
from keywright.notices.service import SETTLING_MS
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.settings import Settings
from keywright.storage.engine import open_database, sqlite_url
from keywright.storage.tables import accounts, deliveries, notices, recovery_codes, sessions
from tests.cli.conftest import Terminal
from tests.identity.doorway import Doorway, prove_many, visitor, wrong_code
from tests.support import killable
from tests.support.clock import FakeClock
from tests.support.household import Household
from tests.support.visitor import Caller
from tests.support.world import PASSWORD, World

ATTEMPTS = 50


@pytest.fixture
def door(world: World) -> Doorway:
    """Give short ways through the entrance, over a database of each kind."""
    return Doorway(world)


# ── 2FA-01, 02: a code serves once


async def test_2fa_01_a_code_serves_once_and_its_second_use_is_noted(door: Doorway) -> None:
    ada = await door.world.person()
    code = ada.code(door.clock())
    one, other = await door.half_open(ada), await door.half_open(ada, address="203.0.113.9")
    complete = await door.prove(one.session, code)
    for session in (other.session, complete.session):
        with pytest.raises(CodeReused) as refused:
            await door.prove(session, code, address="203.0.113.9")
        assert "wait" in refused.value.hint
    assert (await door.kinds())[-3:] == ["session.opened", "account.code_reused", "account.code_reused"]
    noted = (await door.events())[-1]
    assert noted.subject == ada.account.id
    assert '"address":"203.0.113.9"' in noted.origin
    found = await door.found(other.token)
    assert found is not None
    assert not found[0].is_complete


async def test_2fa_01_one_counter_for_every_action(door: Doorway) -> None:
    """What signed in can neither step up nor serve at the terminal, nor the other way round."""
    ada = await door.world.person()
    code = ada.code(door.clock())
    complete = await door.prove((await door.half_open(ada)).session, code)
    with pytest.raises(CodeReused):
        await door.entrance.step_up(complete.session, Secret(code), visitor=visitor(), now=door.clock())
    with pytest.raises(CodeReused):
        await door.entrance.prove_at_terminal(ada.account.id, code, now=door.clock())
    later = door.next_code(ada)
    await door.entrance.prove_at_terminal(ada.account.id, later, now=door.clock())
    with pytest.raises(CodeReused):
        await door.prove((await door.half_open(ada)).session, later)


async def test_2fa_01_a_later_code_makes_the_earlier_one_worthless(door: Doorway) -> None:
    ada = await door.world.person()
    earlier = ada.code(door.clock())
    await door.prove((await door.half_open(ada)).session, door.next_code(ada))
    with pytest.raises(CodeReused):
        await door.prove((await door.half_open(ada)).session, earlier)


async def test_2fa_02_of_fifty_sessions_with_one_code_one_is_completed(
    door: Doorway, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await door.world.person()
    halves = [await door.half_open(ada) for _ in range(ATTEMPTS)]
    code = ada.code(door.clock())
    outcomes = await asyncio.gather(*(door.prove(half.session, code) for half in halves), return_exceptions=True)
    kinds = Counter(type(outcome).__name__ for outcome in outcomes)
    assert kinds["Opened"] == 1
    assert kinds.keys() <= {"Opened", "CodeReused", "Limited"}
    assert sum(row.factor_at is not None for row in await door.rows(sessions)) == 1
    assert (await door.kinds()).count("session.opened") == 1


async def test_2fa_02_of_fifty_with_attempts_to_spare_one_wins_too(
    door: Doorway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit lets few of fifty come as far as the code: without it all of them are held off by the counter alone."""
    monkeypatch.setattr(limits, "FACTOR", (limits.Window(1_000, HOUR_MS),))
    ada = await door.world.person()
    halves = [await door.half_open(ada) for _ in range(ATTEMPTS)]
    code = ada.code(door.clock())
    outcomes = await asyncio.gather(*(door.prove(half.session, code) for half in halves), return_exceptions=True)
    assert Counter(type(outcome).__name__ for outcome in outcomes) == {"Opened": 1, "CodeReused": ATTEMPTS - 1}
    assert (await door.kinds()).count("account.code_reused") == ATTEMPTS - 1


async def test_2fa_02_across_processes_one_wins(tmp_path: Path) -> None:
    """SQLite: what holds them off is in the database, not in anybody's memory."""
    data = tmp_path / "data"
    async with killable.opened(data) as services:
        ada = await World(services, FakeClock(services.clock())).person()
        code = ada.code(services.clock())
        workers = [killable.start(prove_many, data, ada.account.id, code, count) for count in (13, 13, 12, 12)]
        facts = [fact for _, pipe in workers for fact in await asyncio.to_thread(killable.told, pipe)]
        for process, _ in workers:
            await asyncio.to_thread(process.join, 10)
        kinds = Counter(word for word, *_ in facts)
        assert (kinds.pop("proved"), kinds.pop("ended")) == (1, 4)
        assert kinds.keys() <= {"CodeReused", "Limited"}
        assert kinds.total() == ATTEMPTS - 1
        async with services.database.read() as tx:
            await services.audit.verify(tx)


# ── 2FA-03, 04: recovery codes


async def test_2fa_03_of_fifty_uses_at_once_and_any_number_later_one_is_ever_taken(
    door: Doorway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RECOVERY", (limits.Window(1_000, HOUR_MS),))
    ada = await door.world.person()
    code, *_ = await door.recovery_codes((await door.signed_in(ada)).session)
    halves = [await door.half_open(ada) for _ in range(ATTEMPTS)]
    use = door.entrance.prove_recovery_code
    outcomes = await asyncio.gather(
        *(use(half.session, code, visitor=visitor(), now=door.clock()) for half in halves), return_exceptions=True
    )
    assert Counter(type(outcome).__name__ for outcome in outcomes) == {"Opened": 1, "NotProven": ATTEMPTS - 1}
    for _ in range(3):
        door.clock.advance(days=1)
        half = await door.half_open(ada)
        with pytest.raises(NotProven):
            await use(half.session, code, visitor=visitor(), now=door.clock())
    assert sum(row.used_at is not None for row in await door.rows(recovery_codes)) == 1
    assert (await door.kinds()).count("account.recovery_code_used") == 1


async def test_2fa_03_recovery_codes_are_limited_as_well(door: Doorway) -> None:
    ada = await door.world.person()
    code, *_ = await door.recovery_codes((await door.signed_in(ada)).session)
    half = await door.half_open(ada)
    tried = []
    for number in range(60):
        typed = code if number == 59 else Secret("aaaa-aaaa-aaaa-aaaa")
        with pytest.raises((NotProven, Limited)) as refused:
            await door.entrance.prove_recovery_code(half.session, typed, visitor=visitor(), now=door.clock())
        tried.append(type(refused.value).__name__)
    assert Counter(tried) == {"NotProven": 5, "Limited": 55}


async def test_2fa_04_codes_made_anew_kill_the_old_ones_used_or_not(door: Doorway) -> None:
    ada = await door.world.person()
    session = (await door.signed_in(ada)).session
    old = await door.recovery_codes(session)
    new = await door.recovery_codes(session)
    assert not {code.reveal() for code in old} & {code.reveal() for code in new}
    half = await door.half_open(ada)
    for code in old[:4]:
        with pytest.raises(NotProven, match="not right"):
            await door.entrance.prove_recovery_code(half.session, code, visitor=visitor(), now=door.clock())
    assert (
        await door.entrance.prove_recovery_code(half.session, new[0], visitor=visitor(), now=door.clock()) is not None
    )


async def test_2fa_04_a_code_is_taken_as_people_type_it_and_any_spelling_burns_it(door: Doorway) -> None:
    ada = await door.world.person()
    codes = await door.recovery_codes((await door.signed_in(ada)).session)
    spelled: tuple[Callable[[str], str], ...] = (
        str.upper,
        lambda text: text.replace("-", ""),
        lambda text: f" {text.replace('-', ' ')}\n",
    )
    for code, spell in zip(codes, spelled, strict=False):
        half = await door.half_open(ada)
        typed = Secret(spell(code.reveal_text()))
        await door.entrance.prove_recovery_code(half.session, typed, visitor=visitor(), now=door.clock())
        again = await door.half_open(ada)
        with pytest.raises(NotProven):
            await door.entrance.prove_recovery_code(again.session, code, visitor=visitor(), now=door.clock())


@pytest.mark.parametrize("typed", [b"a" * 10_000, b"abcdefghijklmnop" * 640, b"\xff" * 10_000, b"", b"\0" * 16])
async def test_2fa_04_what_can_be_no_code_is_refused_like_a_wrong_one(door: Doorway, typed: bytes) -> None:
    ada = await door.world.person()
    await door.recovery_codes((await door.signed_in(ada)).session)
    half = await door.half_open(ada)
    told = set()
    for code in (Secret(typed), Secret("aaaa-aaaa-aaaa-aaaa")):
        with pytest.raises(NotProven) as refused:
            await door.entrance.prove_recovery_code(half.session, code, visitor=visitor(), now=door.clock())
        told.add((type(refused.value), refused.value.message, refused.value.hint))
    assert len(told) == 1


# ── 2FA-05, 10: which codes are looked at


@pytest.mark.parametrize(("steps", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
async def test_2fa_05_a_clock_may_be_one_step_off(door: Doorway, steps: int, *, taken: bool) -> None:
    ada = await door.world.person()
    half = await door.half_open(ada)
    code = ada.code(door.clock() + steps * totp.STEP_MS)
    if taken:
        assert (await door.prove(half.session, code)).session.is_complete
    else:
        with pytest.raises(NotProven, match="not right"):
            await door.prove(half.session, code)


def _spelled_otherwise(code: str) -> list[str]:
    wide = "".join(chr(0xFF10 + int(digit)) for digit in code)
    arabic = "".join(chr(0x0660 + int(digit)) for digit in code)
    spaced = [f" {code}", f"{code} ", f"{code}\n", f"{code}\0", f"{code[:3]} {code[3:]}"]
    return [wide, arabic, *spaced, f"0{code}", f"{code}0", code[:5], f"+{code[1:]}", f"['{code}']", "null", "None", ""]


async def test_2fa_10_only_six_ascii_digits_are_a_code(door: Doorway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "FACTOR", (limits.Window(1_000, HOUR_MS),))
    ada = await door.world.person()
    half = await door.half_open(ada)
    code = ada.code(door.clock())
    assert code != "000000"
    for typed in ("000000", "\ud800" * 6, "9" * 1_000_000, *_spelled_otherwise(code)):
        with pytest.raises(NotProven, match="not right"):
            await door.prove(half.session, typed)
    assert (await door.prove(half.session, code)).session.is_complete, "and none of them used it up"


# ── 2FA-07, 09: guessing


def _moments() -> list[int]:
    """Return when the attacker comes: each minute of two hours, each hour of two days, each day of a month and more."""
    minutes = [minute * MINUTE_MS for minute in range(120)]
    hours = [2 * HOUR_MS + hour * HOUR_MS for hour in range(48)]
    return [*minutes, *hours, *(50 * HOUR_MS + day * DAY_MS for day in range(32))]


@pytest.mark.slow
@pytest.mark.parametrize("addresses", [1, 1_000])
async def test_2fa_07_ten_thousand_guesses_are_looked_at_as_often_as_the_windows_allow(
    door: Doorway, addresses: int
) -> None:
    """Fifty at each of two hundred moments, by someone who knows the password; in PostgreSQL six at each.

    Six is one more than any window lets through while the clock stands. From one address it is fifty at each tenth moment
    and six at the others: what is counted is the account's, and who has a thousand addresses has that one too.
    """
    ada = await door.world.person()
    looked_at: list[int] = []
    began, asked = door.clock(), 0
    for turn, moment in enumerate(_moments()):
        door.clock.now = began + moment
        half = await door.half_open(ada)
        wrong = wrong_code(ada, door.clock())
        for _ in range(50 if door.database.is_sqlite and (addresses > 1 or turn % 10 == 0) else 6):
            asked += 1
            address = f"203.0.{asked % addresses // 250}.{asked % addresses % 250}"
            try:
                await door.prove(half.session, wrong, address=address)
            except Limited:
                continue
            except NotProven:
                looked_at.append(moment)
    assert asked == (1_200 if not door.database.is_sqlite else 10_000 if addresses > 1 else 2_080)
    expected: list[int] = []
    for moment in _moments():
        while len(expected) < asked and not limits.wait_ms(expected, limits.FACTOR, now=moment):
            expected.append(moment)
    assert looked_at == expected, "exactly what the windows allow, no more and no less"
    for window in (*limits.FACTOR, limits.Window(20, HOUR_MS), limits.Window(50, DAY_MS)):
        assert max(sum(at <= one < at + window.period_ms for one in looked_at) for at in looked_at) <= window.most
    assert (await door.kinds()).count("account.factor_limited") > 30


async def test_2fa_07_a_guess_beyond_the_limit_is_not_even_looked_at(door: Doorway) -> None:
    ada = await door.world.person()
    half = await door.half_open(ada)
    for _ in range(5):
        with pytest.raises(NotProven):
            await door.prove(half.session, wrong_code(ada, door.clock()))
    code = ada.code(door.clock())
    with pytest.raises(Limited) as limited:
        await door.prove(half.session, code)
    assert limited.value.retry_ms == 5 * MINUTE_MS
    (row,) = await door.rows(accounts)
    assert row.totp_step == 0, "the right one is not used up"
    assert (await door.kinds())[-1] == "account.factor_limited"


async def test_2fa_07_fifty_guesses_at_once_never_count_past_each_other(door: Doorway) -> None:
    ada = await door.world.person()
    halves = [await door.half_open(ada) for _ in range(ATTEMPTS)]
    wrong = wrong_code(ada, door.clock())
    outcomes = await asyncio.gather(*(door.prove(half.session, wrong) for half in halves), return_exceptions=True)
    assert Counter(type(outcome).__name__ for outcome in outcomes) == {"NotProven": 5, "Limited": ATTEMPTS - 5}


async def test_2fa_07_new_sessions_browsers_and_ways_in_bring_no_new_attempts(door: Doorway) -> None:
    ada = await door.world.person()
    for number in range(5):
        half = await door.half_open(
            ada, address=f"203.0.113.{number}", device=Secret(f"{secrets.token_hex(16)}.{'0' * 64}")
        )
        with pytest.raises(NotProven):
            await door.prove(half.session, wrong_code(ada, door.clock()))
    with pytest.raises(Limited):
        await door.prove((await door.half_open(ada)).session, ada.code(door.clock()))


async def test_2fa_09_who_uses_up_the_attempts_locks_no_known_browser_out(door: Doorway) -> None:
    """The attacker has the password and burns every attempt for a month."""
    ada = await door.world.person()
    known = await door.signed_in(ada)
    held = await door.world.key(ada, "trade")
    began = door.clock()
    for moment in range(0, 3 * DAY_MS, HOUR_MS):
        door.clock.now = began + moment
        half = await door.half_open(ada, address="203.0.113.9")
        for _ in range(12):
            with pytest.raises((NotProven, Limited)):
                await door.prove(half.session, wrong_code(ada, door.clock()))
    with pytest.raises(Limited) as limited:
        await door.prove((await door.half_open(ada, address="203.0.113.9")).session, door.next_code(ada))
    assert limited.value.retry_ms > 20 * DAY_MS

    # the owner, from a browser that is known
    owner = await door.signed_in(ada, device=known.device)
    assert owner.session.is_complete
    # … in whose session a key is switched off, without a code
    async with door.database.write() as tx:
        off = await door.world.services.issuing.disable(
            tx, ada.owner, held.id, actor=actor_of(owner.session, visitor()), now=door.clock()
        )
    assert off.grant.status is Status.DISABLED
    # … and from a browser that is not known: no way in, and still a way to switch everything off
    await door.entrance.freeze(ada.account.email, PASSWORD, visitor=visitor("192.0.2.1"), now=door.clock())
    async with door.database.read() as tx:
        assert (await door.identity.account(tx, account_id=ada.account.id)).frozen_at == door.clock()


async def test_2fa_09_a_session_that_was_open_before_goes_on_stepping_up(door: Doorway) -> None:
    ada = await door.world.person()
    mine = await door.signed_in(ada)
    half = await door.half_open(ada, address="203.0.113.9")
    for _ in range(8):
        with pytest.raises((NotProven, Limited)):
            await door.prove(half.session, wrong_code(ada, door.clock()))
    assert (await door.stepped_up(mine.session, ada)).session.step_up(now=door.clock()) is not None


# ── 2FA-16, 19: what a session may do, and what it is never shown


async def test_2fa_16_what_is_sensitive_takes_a_step_up_of_the_last_ten_minutes(door: Doorway) -> None:
    ada = await door.world.person()
    session = (await door.stepped_up((await door.signed_in(ada)).session, ada)).session
    proof = session.step_up(now=door.clock())
    assert proof is not None
    typed = Secret(f"Pw-{secrets.token_hex(8)}")
    async with door.database.read() as tx:
        passphrase = await door.world.services.issuing.vet_passphrase(tx, ada.owner, typed)
    issue, actor = door.world.services.issuing.issue, actor_of(session, visitor())
    door.clock.advance(ms=600_001)
    assert session.step_up(now=door.clock()) is None
    async with door.database.write() as tx:
        with pytest.raises(NotProven):  # who kept the proof itself gets no further
            await issue(tx, ada.owner, NewKey("bot", passphrase), proof=proof, actor=actor, now=door.clock())
    with pytest.raises(NotProven):
        await door.new_authenticator(session, has_factor=True)
    door.clock.advance(ms=-1)
    async with door.database.write() as tx:
        await issue(tx, ada.owner, NewKey("bot", passphrase), proof=proof, actor=actor, now=door.clock())


async def test_2fa_19_a_secret_can_not_be_had_again_once_it_was_confirmed(door: Doorway) -> None:
    half = await door.signed_up()
    secret = await door.new_authenticator(half.session, has_factor=False)
    opened, codes = await door.confirm(half.session, secret)
    async with door.database.write() as tx:
        with pytest.raises(NotProven):
            await door.identity.totp_secret_of_sandbox_demo(tx, opened.session.account_id)
        with pytest.raises(NotProven):  # to see another one takes a step-up, and that one is new
            await door.entrance.factors.begin_authenticator(tx, opened.session, has_factor=True, now=door.clock())
    door.clock.advance(seconds=30)
    risen = await door.entrance.step_up(
        opened.session, Secret(door.code_of(secret)), visitor=visitor(), now=door.clock()
    )
    assert await door.new_authenticator(risen.session, has_factor=True) != secret
    everywhere = repr([await door.rows(table) for table in (accounts, sessions, recovery_codes)]) + repr(
        await door.events()
    )
    for value in (secret, *codes):
        assert value.reveal_text() not in everywhere


# ── 2FA-20: passwords


CONTEXT = ("ada@example.org", "ada", "keywright")


@pytest.mark.parametrize(
    ("password", "taken"),
    [
        ("seven-lamps-under-rain", True),
        ("seven lamps under rain", True),
        ("  seven lamps under  rain", True),
        ("🦊🌊🏮🎻🪁🧭🗿🪷🛶🦉", True),
        ("пять лодок у тихой воды", True),
        ("kW7#q", False),
        ("password12345", False),
        ("qwertyuiop123", False),
        ("ada@example.org", False),
        ("keywrightkeywright", False),
    ],
)
def test_2fa_20_length_and_how_easily_it_is_guessed_count_and_nothing_else(password: str, *, taken: bool) -> None:
    if taken:
        assert rules.password(Secret(password), about=CONTEXT).reveal_text() == password, "not trimmed, not changed"
    else:
        with pytest.raises(Invalid):
            rules.password(Secret(password), about=CONTEXT)


def drawn(alphabet: str, count: int) -> str:
    """Return so many characters, drawn as if by chance, the same ones each time."""
    drawn_bytes = hashlib.shake_256(alphabet.encode()).digest(count)
    return "".join(alphabet[byte % len(alphabet)] for byte in drawn_bytes)


@pytest.mark.parametrize(("count", "taken"), [(9, False), (10, True), (64, True), (128, True), (129, False)])
def test_2fa_20_ten_to_a_hundred_and_twenty_eight_characters(count: int, *, taken: bool) -> None:
    for alphabet in ("abcdefghijkmnpqrstuvwxyz23456789", "äöüßéèêñ각힣ếữ🦊🌊🏮🎻"):
        password = Secret(drawn(alphabet, count))
        if taken:
            assert rules.password(password, about=()) == password
        else:
            with pytest.raises(Invalid, match="10 to 128 characters"):
                rules.password(password, about=())


LONGEST_DECOMPOSED = "Großmütterchens-Fährte" + "각" * 100
"""Decomposed, as some keyboards type it, a Hangul syllable takes nine bytes instead of three."""


@pytest.mark.parametrize("plain", ["Großmütterchens-Fährte", "ẩn-dụ-giữa-những-cơn-mưa", LONGEST_DECOMPOSED])
async def test_2fa_20_composed_and_decomposed_are_one_password(door: Doorway, plain: str) -> None:
    typed = [Secret(unicodedata.normalize(form, plain)) for form in ("NFC", "NFD")]
    assert typed[0] != typed[1]
    for number, chosen in enumerate(typed):
        person = await door.world.person(f"person{number}@example.org", chosen)
        for password in typed:
            assert not (await door.half_open(person, password=password)).session.is_complete


async def test_2fa_20_what_begins_with_the_password_is_not_the_password(door: Doorway) -> None:
    longest = Secret(drawn("abcdefghijkmnpqrstuvwxyz23456789", 128))
    decomposed = Secret("marsh-lantern-4821" + "ế" * 99)
    assert len(unicodedata.normalize("NFD", decomposed.reveal_text()).encode()) == 513, "where typing was cut off once"
    for number, password in enumerate((longest, decomposed)):
        person = await door.world.person(f"person{number}@example.org", password)
        nfd = unicodedata.normalize("NFD", password.reveal_text())
        for more in ("x", "x" * 1_000, "\0", " "):
            with pytest.raises(NotProven):
                await door.half_open(person, password=Secret(nfd + more))
        assert not (await door.half_open(person, password=Secret(nfd))).session.is_complete


class CountingHasher:
    """Notes what is hashed."""

    def __init__(self, hasher: Any) -> None:
        self._hasher = hasher
        self.seen: list[int] = []

    def hash(self, password: bytes) -> Any:
        self.seen.append(len(password))
        return self._hasher.hash(password)

    def verify(self, password_hash: str, password: bytes) -> Any:
        self.seen.append(len(password))
        return self._hasher.verify(password_hash, password)


@pytest.mark.parametrize("size", [129, 10_000, 10_000_000])
async def test_2fa_20_what_is_too_long_is_refused_before_it_is_hashed(door: Doorway, size: int) -> None:
    ada = await door.world.person()
    passwords = door.identity._passwords
    passwords._hasher = counting = CountingHasher(passwords._hasher)  # type: ignore[assignment]
    for piece in (b"x", "é".encode(), b"e\xcc\x81", b"\xff"):
        flood = Secret(piece * size)
        with pytest.raises(Invalid):
            await door.entrance.sign_up("bob@example.org", flood, visitor=visitor(), now=door.clock())
        assert counting.seen == []
        with pytest.raises(NotProven):
            await door.half_open(ada, password=flood)
        assert counting.seen == [0], "as much work as for any other password, and not a byte of this one"
        counting.seen.clear()


async def test_2fa_10_an_error_never_repeats_what_was_typed(door: Doorway) -> None:
    ada = await door.world.person()
    half = await door.half_open(ada)
    typed = Secret("canary-canary-can")
    tried = (
        door.half_open(ada, password=typed),
        door.prove(half.session, typed.reveal_text()),
        door.entrance.prove_recovery_code(half.session, typed, visitor=visitor(), now=door.clock()),
        door.entrance.sign_up("bob@example.org", Secret("canarycanary"), visitor=visitor(), now=door.clock()),
    )
    for attempt in tried:
        with pytest.raises(KeywrightError) as refused:
            await attempt
        assert "canary" not in repr((refused.value, refused.value.message, refused.value.hint, refused.value.values))


# ── 2FA-08, 13, 22: limits without another store, a password set anew, and who is told


async def test_2fa_08_limits_hold_in_every_process_and_without_the_database_nobody_gets_in(
    embedded: Services, keyring: Keyring, clock: FakeClock, tmp_path: Path
) -> None:
    door = Doorway(World(embedded, clock))
    ada = await door.world.person()
    other = open_database(sqlite_url(tmp_path / "keywright.db"))
    elsewhere = Doorway(World(wire(other, keyring, policy=Policy(), clock=clock, hasher=CHEAPEST), clock))
    half = await door.half_open(ada)
    tried = 0
    with pytest.raises(Limited):
        for at in range(50):  # by turns, here and there
            try:
                await (door, elsewhere)[at % 2].prove(half.session, wrong_code(ada, door.clock()))
            except NotProven:
                tried += 1
    assert tried == limits.FACTOR[0].most
    for one in (door, elsewhere):
        with pytest.raises(Limited):
            await one.prove(half.session, ada.code(door.clock()))
    await other.close()
    door.clock.advance(ms=DAY_MS)
    async with door.database.write() as tx:
        await tx.execute(text("DROP TABLE attempts"))
    for attempt in (door.half_open(ada), door.prove(half.session, ada.code(door.clock()))):
        with pytest.raises((DBAPIError, KeywrightError)):
            await attempt


def test_2fa_13_a_password_set_anew_takes_a_code_once_and_the_second_factor_is_asked_for_as_before(
    ada: Terminal,
) -> None:
    command = "accounts set-password ada@example.org"
    assert ada(command, "four-otters-in-amber").code == 4, "without a code"
    assert ada(command, "four-otters-in-amber", "000000").code == 4
    code = ada.code()
    assert ada(command, "four-otters-in-amber", code).code == 0
    assert ada(command, "nine-boats-at-anchor", code).code == 4, "it served"

    async def sign_in() -> Opened:
        async with opened(Settings(data_dir=str(ada.folder)), clock=ada.clock) as services:
            return await services.entrance.sign_in(
                "ada@example.org", Secret("four-otters-in-amber"), visitor=visitor(), now=ada.clock()
            )

    assert not asyncio.run(sign_in()).session.is_complete


async def test_2fa_13_no_page_resets_a_password(home: Household) -> None:
    stranger = Caller(home.console, home.ada.clock, address="192.0.2.77")
    for path in ("/reset", "/sign-in/reset", "/forgot", "/password/reset"):
        assert (await stranger.get(path)).status_code == 404, path
    answer = await stranger.get("/security/password")
    assert answer.headers["location"].startswith("/sign-in")


async def test_2fa_22_a_new_browser_a_changed_factor_and_a_failed_burst_are_told_in_their_own_transaction(
    door: Doorway,
) -> None:
    services, ada = door.world.services, await door.world.person()
    door.clock.advance(ms=SETTLING_MS)

    async def told() -> list[str]:
        async with door.database.read() as tx:
            rows = await tx.execute(
                select(notices.c.kind)
                .join(deliveries, deliveries.c.notice_id == notices.c.id)
                .order_by(deliveries.c.id)
            )
            return [row.kind for row in rows]

    here = await door.stepped_up((await door.signed_in(ada)).session, ada)
    assert (await told())[-1] == "session.opened"
    await door.confirm(here.session, await door.new_authenticator(here.session, has_factor=True))
    assert (await told())[-1] == "account.authenticator_set"
    half = await door.half_open(ada)
    with pytest.raises(Limited):
        for _ in range(50):
            with suppress(NotProven):
                await door.prove(half.session, wrong_code(ada, door.clock()))
    assert (await told())[-1] == "account.factor_limited"

    async def broken(*given: Any, **named: Any) -> None:
        raise OSError

    before = await door.kinds()
    services.audit.listen(broken)
    door.clock.advance(ms=DAY_MS)
    with pytest.raises(OSError):
        await door.recovery_codes(replace(here.session, step_up_at=door.clock()))
    assert await door.kinds() == before, "what can't be told is not done"
