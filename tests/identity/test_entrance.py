"""The way in: what is counted, what is forgiven, what each verb leaves in the audit log. AUD-01 and STO-07 by id."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import update

from keywright.errors import Busy, CodeReused, Conflict, Invalid, KeywrightError, Limited, NotProven
from keywright.identity import limits
from keywright.identity.passwords import Passwords
from keywright.secret import Secret
from keywright.storage.tables import accounts, attempts, operator_links, recovery_codes, sessions
from tests.identity.doorway import WRONG, Doorway, visitor, wrong_code
from tests.support.world import PASSWORD, Person

EVERYTHING = (accounts, sessions, recovery_codes, operator_links)


async def sign_in(door: Doorway, email: str, password: Secret, **more: Any) -> Any:
    return await door.entrance.sign_in(email, password, visitor=visitor(**more), now=door.clock())


# ── signing up


async def test_signing_up_makes_an_account_without_factor_and_a_session_that_waits_for_one(door: Doorway) -> None:
    half = await door.signed_up()
    found = await door.found(half.token)
    assert found is not None
    session, account, credentials = found
    assert (account.email, account.has_factor, credentials.has_factor) == ("new@example.org", False, False)
    assert not session.is_complete
    assert half.device is None
    with pytest.raises(NotProven, match="no second factor yet"):
        await door.prove(session, "000000")


async def test_a_taken_address_and_a_weak_password_make_nothing(door: Doorway) -> None:
    await door.signed_up()
    before = [await door.rows(table) for table in EVERYTHING]
    with pytest.raises(Conflict):
        await door.signed_up(" NEW@example.org")
    for email, password in (("bob", PASSWORD), ("bob@example.org", Secret("password123"))):
        with pytest.raises(Invalid):
            await door.entrance.sign_up(email, password, visitor=visitor(), now=door.clock())
    assert [await door.rows(table) for table in EVERYTHING] == before


async def test_of_ten_sign_ups_with_one_address_at_once_one_is_made(door: Doorway) -> None:
    outcomes = await asyncio.gather(*(door.signed_up() for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 9
    assert await door.kinds() == ["account.created"]


async def test_signing_up_is_limited_by_address(door: Doorway) -> None:
    for _ in range(20):
        with pytest.raises(Invalid):
            await door.entrance.sign_up("bob", PASSWORD, visitor=visitor(), now=door.clock())
    with pytest.raises(Limited):
        await door.signed_up()
    await door.entrance.sign_up("new@example.org", PASSWORD, visitor=visitor("203.0.113.9"), now=door.clock())


# ── signing in


async def test_a_right_password_opens_a_session_that_is_not_complete_and_says_nothing_yet(door: Doorway) -> None:
    ada = await door.world.person()
    half = await sign_in(door, " ADA@example.org", PASSWORD)
    assert (half.session.account_id, half.session.is_complete) == (ada.account.id, False)
    assert await door.kinds() == ["account.created"]


async def test_what_was_right_is_not_counted(door: Doorway) -> None:
    ada = await door.world.person()
    complete = await door.signed_in(ada)
    risen = await door.stepped_up(complete.session, ada)
    codes = await door.recovery_codes(risen.session)
    half = await door.half_open(ada)
    await door.entrance.prove_recovery_code(half.session, codes[0], visitor=visitor(), now=door.clock())
    await door.entrance.prove_at_terminal(ada.account.id, door.next_code(ada), now=door.clock())
    assert await door.counted() == 0


async def test_what_was_wrong_is_counted_for_whom_it_concerns(door: Doorway) -> None:
    ada = await door.world.person()
    with pytest.raises(NotProven):
        await sign_in(door, ada.account.email, WRONG)
    subjects = [row.subject for row in await door.rows(attempts)]
    assert len(subjects) == 4, "address and account, account, address, everyone"
    assert not any("ada@" in subject for subject in subjects), "people type passwords into that field"


async def test_a_right_password_does_not_take_back_somebody_elses_wrong_ones(door: Doorway) -> None:
    """At the very same millisecond, from the same address: each takes back its own one and no more."""
    ada = await door.world.person()
    for _ in range(3):
        with pytest.raises(NotProven):
            await sign_in(door, ada.account.email, WRONG)
    for _ in range(5):
        await sign_in(door, ada.account.email, PASSWORD)
    assert await door.counted() == 3 * 4


async def test_right_and_wrong_at_once_leave_exactly_the_wrong_ones(door: Doorway) -> None:
    ada = await door.world.person()
    tried = [sign_in(door, ada.account.email, one) for one in (PASSWORD, WRONG) * 4]
    outcomes = await asyncio.gather(*tried, return_exceptions=True)
    assert sum(isinstance(outcome, NotProven) for outcome in outcomes) == 4
    assert await door.counted() == 4 * 4


async def test_a_password_is_limited_from_one_address_and_the_owner_elsewhere_gets_in(door: Doorway) -> None:
    ada = await door.world.person()
    for _ in range(10):
        with pytest.raises(NotProven):
            await sign_in(door, ada.account.email, WRONG, address="203.0.113.9")
    with pytest.raises(Limited):
        await sign_in(door, ada.account.email, PASSWORD, address="203.0.113.9")
    assert await sign_in(door, ada.account.email, PASSWORD)


async def test_a_thousand_addresses_do_not_keep_a_known_browser_out(door: Doorway) -> None:
    ada = await door.world.person()
    device = (await door.signed_in(ada)).device
    for number in range(100):
        with pytest.raises(NotProven):
            await sign_in(door, ada.account.email, WRONG, address=f"203.0.{number}.9")
    with pytest.raises(Limited):
        await sign_in(door, ada.account.email, PASSWORD)
    assert (await sign_in(door, ada.account.email, PASSWORD, device=device)).session.device


async def test_an_ipv6_customer_is_one_address(door: Doorway) -> None:
    """The surface says what an address counts as: of IPv6 the whole network."""
    ada = await door.world.person()
    neighbours = [replace(visitor(f"2001:db8::{number}"), neighbourhood="2001:db8::/64") for number in range(11)]
    for who in neighbours[:10]:
        with pytest.raises(NotProven):
            await door.entrance.sign_in(ada.account.email, WRONG, visitor=who, now=door.clock())
    with pytest.raises(Limited):
        await door.entrance.sign_in(ada.account.email, PASSWORD, visitor=neighbours[10], now=door.clock())


async def test_a_password_that_nobody_looked_at_is_not_counted(door: Doorway, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = await door.world.person()

    async def busy(*_: object) -> bool:
        raise Busy("too many passwords are being checked at once")

    monkeypatch.setattr(Passwords, "matches", busy)
    for attempt in (sign_in(door, ada.account.email, PASSWORD), freeze(door, ada.account.email, PASSWORD)):
        with pytest.raises(Busy):
            await attempt
    assert await door.counted() == 0


# ── switching off without getting in


async def freeze(door: Doorway, email: str, password: Secret, **more: Any) -> None:
    await door.entrance.freeze(email, password, visitor=visitor(**more), now=door.clock())


async def test_n8_address_and_password_freeze_and_nothing_is_told(door: Doorway) -> None:
    ada = await door.world.person()
    for email, password in ((ada.account.email, WRONG), ("nobody@example.org", PASSWORD), ("", Secret(""))):
        await freeze(door, email, password)
    assert await door.kinds() == ["account.created"]
    await freeze(door, ada.account.email, PASSWORD)
    await freeze(door, ada.account.email, PASSWORD)
    *_, frozen = await door.events()
    assert await door.kinds() == ["account.created", "account.frozen"]
    assert (frozen.actor, '"factor":"password"' in frozen.origin) == (ada.account.id, True)


async def test_nobody_uses_up_the_attempts_of_an_owner_who_would_switch_off(door: Doorway) -> None:
    ada = await door.world.person()
    for _ in range(10):
        await freeze(door, ada.account.email, WRONG, address="203.0.113.9")
    with pytest.raises(Limited):
        await freeze(door, ada.account.email, PASSWORD, address="203.0.113.9")
    await freeze(door, ada.account.email, PASSWORD)
    assert (await door.kinds())[-1] == "account.frozen"


# ── at the terminal


async def test_codes_at_the_terminal_are_counted_apart_from_the_consoles(door: Doorway) -> None:
    ada = await door.world.person()
    for _ in range(5):
        with pytest.raises(NotProven):
            await door.entrance.prove_at_terminal(ada.account.id, wrong_code(ada, door.clock()), now=door.clock())
    with pytest.raises(Limited):
        await door.entrance.prove_at_terminal(ada.account.id, ada.code(door.clock()), now=door.clock())
    assert (await door.signed_in(ada)).session.is_complete


async def test_2fa_01_a_code_given_twice_at_the_terminal_is_noted(door: Doorway) -> None:
    ada = await door.world.person()
    code = ada.code(door.clock())
    proof = await door.entrance.prove_at_terminal(ada.account.id, code, now=door.clock())
    assert (proof.account_id, proof.factor, proof.at) == (ada.account.id, "totp", door.clock())
    with pytest.raises(CodeReused):
        await door.entrance.prove_at_terminal(ada.account.id, code, now=door.clock())
    reused = (await door.events())[-1]
    assert (reused.kind, reused.actor, reused.subject) == ("account.code_reused", "operator", ada.account.id)


# ── the record


async def verbs_of(door: Doorway) -> tuple[Person, dict[str, tuple[Callable[[], Awaitable[Any]], list[str]]]]:
    """Return someone, and each verb that changes something, ready to be called once, with the events it leaves."""
    ada = await door.world.person()
    half, using = await door.half_open(ada), await door.half_open(ada)
    complete, other = await door.signed_in(ada), await door.signed_in(ada)
    replacing = await door.stepped_up((await door.signed_in(ada)).session, ada)
    codes = await door.recovery_codes(replacing.session)
    secret = await door.new_authenticator(replacing.session, has_factor=True)
    signed_up = await door.signed_up("first@example.org")
    first = await door.new_authenticator(signed_up.session, has_factor=False)
    async with door.database.write() as tx:
        link = await door.entrance.operators.new_code(tx, now=door.clock())
    session, who, now = complete.session, visitor(), door.clock()

    async def end() -> None:
        async with door.database.write() as tx:
            await door.entrance.sessions.end(tx, session, other.session.id, visitor=who, why="x", now=now)

    async def new_link() -> None:
        async with door.database.write() as tx:
            await door.entrance.operators.new_code(tx, now=now)

    return ada, {
        "sign up": (lambda: door.signed_up("bob@example.org"), ["account.created"]),
        "prove code": (lambda: door.prove(half.session, door.next_code(ada)), ["session.opened"]),
        "prove recovery code": (
            lambda: door.entrance.prove_recovery_code(using.session, codes[0], visitor=who, now=door.clock()),
            ["account.recovery_code_used", "session.opened"],
        ),
        "step up": (lambda: door.stepped_up(session, ada), ["session.stepped_up"]),
        "step up by recovery code": (
            lambda: door.entrance.step_up(session, codes[1], visitor=who, now=door.clock()),
            ["account.recovery_code_used", "session.stepped_up"],
        ),
        "recovery codes": (lambda: door.recovery_codes(replacing.session), ["account.recovery_codes_made"]),
        "claim": (
            lambda: door.entrance.claim_operator(session, link, visitor=who, now=now),
            ["operator.claimed"],
        ),
        "link": (new_link, ["operator.link_made"]),
        "end": (end, ["session.ended"]),
        "first authenticator": (
            lambda: door.confirm(signed_up.session, first),
            ["account.authenticator_set", "session.opened", "account.recovery_codes_made"],
        ),
        "replace authenticator": (
            lambda: door.confirm(replacing.session, secret),
            ["account.authenticator_set", *["session.ended"] * 3, "session.stepped_up"],
        ),
        "freeze": (lambda: freeze(door, ada.account.email, PASSWORD), ["account.frozen"]),
    }


async def test_aud_01_each_verb_leaves_exactly_its_events_with_who_and_from_where(door: Doorway) -> None:
    ada, verbs = await verbs_of(door)
    for name, (verb, expected) in verbs.items():
        before = len(await door.events())
        await verb()
        new = (await door.events())[before:]
        assert [event.kind for event in new] == expected, name
        for event in new:
            if name == "link":
                assert event.actor == "operator"
                continue
            assert event.actor.startswith("acc_"), name
            for fact in ('"address":"198.51.100.7"', '"agent":"Firefox"', '"request_id":"req_1"'):
                assert fact in event.origin, name
            if name not in {"sign up", "freeze"}:
                assert '"session":"ses_' in event.origin, name
    assert {event.account_id for event in await door.events() if event.kind == "session.opened"} >= {ada.account.id}


async def test_sto_07_where_its_event_can_not_be_written_no_verb_changes_anything(
    door: Doorway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither token nor code is used up: once the log can be written again, each of them does what was asked for."""
    _, verbs = await verbs_of(door)

    async def broken(*_: object, **__: object) -> int:
        raise KeywrightError("no room in the archive")

    before = [sorted(map(repr, await door.rows(table))) for table in EVERYTHING]
    for name, (verb, _) in verbs.items():
        with monkeypatch.context() as patched:
            patched.setattr(type(door.world.services.audit), "record", broken)
            with pytest.raises(KeywrightError, match="no room"):
                await verb()
        assert [sorted(map(repr, await door.rows(table))) for table in EVERYTHING] == before, name
    for verb, _ in verbs.values():
        await verb()


async def test_wrong_codes_without_end_are_told_to_the_log_once_an_hour(door: Doorway) -> None:
    ada = await door.world.person()
    half = await door.half_open(ada)
    for _ in range(60):  # two hours
        for _ in range(3):
            with pytest.raises((NotProven, Limited)):
                await door.prove(half.session, wrong_code(ada, door.clock()))
        door.clock.advance(seconds=120)
    limited = [event.at for event in await door.events() if event.kind == "account.factor_limited"]
    assert 2 <= len(limited) <= 3
    assert all(later - earlier >= limits.HOUR_MS for earlier, later in pairwise(limited))


async def test_an_account_frozen_while_someone_waits_at_the_code_is_still_signed_in_to(door: Doorway) -> None:
    ada = await door.world.person()
    half = await door.half_open(ada)
    async with door.database.write() as tx:
        await tx.execute(update(accounts).values(frozen_at=door.clock()))
    assert (await door.prove(half.session, ada.code(door.clock()))).session.is_complete
