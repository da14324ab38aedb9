"""N12: held keys are looked at again, and what must not be stops them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from keywright.app.chores import check_connections, tell_deadlines_of_held_keys
from keywright.audit.events import SYSTEM
from keywright.errors import Busy, Conflict, KeywrightError, NotProven
from keywright.protocol.refusal import Reason
from keywright.vault import rules
from keywright.vault.evidence import Credentials, Evidence, Grade, Right
from keywright.vault.model import Status
from keywright.vault.rules import CHECK_AGAIN_MS, CHECK_EVERY_MS, SPREAD_MS, next_check_at
from keywright.vault.seam import Checked, KeyDenied, Outlet
from tests.support.clock import T0
from tests.support.world import Person
from tests.vault.conftest import ADDRESS, KEY, OTHER, Dealings, kucoin, probed

DENIED = KeyDenied(KeywrightError("KuCoin refused the request"), reasons=(Reason.KEY_UNKNOWN,))


@pytest.fixture
async def ada(dealings: Dealings) -> Person:
    """Give somebody who has a key held."""
    ada = await dealings.world.person()
    await dealings.pool()
    await dealings.connect(ada)
    return ada


async def check(dealings: Dealings, ada: Person) -> Checked:
    actor = dealings.world.actor(ada)
    return await dealings.vault.check(ada.account.id, "grid bot", actor=actor, now=dealings.clock())


async def later(dealings: Dealings, *, days: int = 1) -> None:
    """Let a day pass, and the chore come by."""
    dealings.clock.advance(days=days)
    await check_connections(dealings.services)


async def test_once_a_day_the_exchange_is_asked_again_and_nobody_is_bothered(dealings: Dealings, ada: Person) -> None:
    await check_connections(dealings.services)
    assert len(dealings.told.asked) == 1
    await later(dealings)
    await check_connections(dealings.services)
    assert len(dealings.told.asked) == 2
    assert (await dealings.shown(ada)).record.checked_at == dealings.clock()
    assert (await dealings.kinds())[-1] == "connection.checked"
    assert await dealings.told_of(ada) == ["connection.added"]


async def test_a_key_that_gained_a_way_out_is_used_no_more(dealings: Dealings, ada: Person) -> None:
    dealings.told.answer = probed(Right.WITHDRAW)
    await later(dealings)
    shown = await dealings.shown(ada)
    assert (shown.record.status, shown.record.reasons) == (Status.SUSPENDED, ("exit withdraw",))
    with pytest.raises(Conflict, match="is suspended") as refused:
        await dealings.hand_out(ada)
    assert "`keywright vault show grid bot` says why" in refused.value.hint
    assert await dealings.told_of(ada) == ["connection.added", "connection.suspended"]
    await later(dealings)  # it is told once
    assert await dealings.told_of(ada) == ["connection.added", "connection.suspended"]


async def test_mended_it_is_used_again_once_its_owner_looked(dealings: Dealings, ada: Person) -> None:
    dealings.told.answer = probed(Right.WITHDRAW)
    await later(dealings)
    dealings.told.answer = probed()
    await later(dealings)
    assert (await dealings.shown(ada)).record.status is Status.SUSPENDED
    checked = await check(dealings, ada)
    assert (checked.connection.record.status, checked.connection.record.reasons) == (Status.ACTIVE, ())
    assert (await dealings.hand_out(ada)).key
    assert "connection.resumed" in await dealings.told_of(ada)


async def test_what_its_owner_stopped_goes_on_with_a_second_factor_only(dealings: Dealings, ada: Person) -> None:
    vault, actor, proof = dealings.vault, dealings.world.actor(ada), dealings.world.proof(ada)
    async with dealings.services.database.write() as tx:
        await vault.suspend(tx, ada.account.id, "grid bot", actor=actor, now=dealings.clock())
    with pytest.raises(NotProven):
        await check(dealings, ada)
    dealings.told.answer = probed(Right.WITHDRAW)
    await vault.check(ada.account.id, "grid bot", proof=proof, actor=actor, now=dealings.clock())
    assert (await dealings.shown(ada)).record.reasons == ("asked", "exit withdraw")
    dealings.told.answer = probed()
    await later(dealings)  # the daily check lifts nothing, and does not forget who stopped it
    with pytest.raises(NotProven):
        await check(dealings, ada)
    assert (await dealings.shown(ada)).record.status is Status.SUSPENDED
    again = await vault.check(
        ada.account.id, "grid bot", proof=dealings.world.proof(ada), actor=actor, now=dealings.clock()
    )
    assert (again.connection.record.status, again.connection.record.reasons) == (Status.ACTIVE, ())


async def test_what_its_owner_stops_while_it_is_suspended_stays_stopped(dealings: Dealings, ada: Person) -> None:
    """A key that was denied comes back by itself; not one whose owner stopped it meanwhile."""
    dealings.told.answer = DENIED
    await later(dealings)
    dealings.clock.advance(ms=CHECK_AGAIN_MS)
    await check_connections(dealings.services)
    for _ in range(2):
        async with dealings.services.database.write() as tx:
            actor = dealings.world.actor(ada)
            await dealings.vault.suspend(tx, ada.account.id, "grid bot", actor=actor, now=dealings.clock())
    assert (await dealings.shown(ada)).record.reasons == ("asked", "denied key_unknown")
    assert (await dealings.kinds())[-2:].count("connection.suspended") == 2, "to stop it twice is nothing new"
    dealings.told.answer = probed()
    await later(dealings)
    assert (await dealings.shown(ada)).record.status is Status.SUSPENDED
    with pytest.raises(NotProven):
        await check(dealings, ada)


async def test_a_key_that_lost_its_addresses_is_used_no_more(dealings: Dealings, ada: Person) -> None:
    dealings.told.answer = probed(addresses=())
    await later(dealings)
    assert (await dealings.shown(ada)).record.reasons == ("no_address_filter address_filter",)


async def test_what_its_owner_accepted_stays_accepted(dealings: Dealings) -> None:
    ada = await dealings.world.person()
    await dealings.pool()
    dealings.told.answer = probed(Right.MARGIN)
    await dealings.connect(ada, kucoin(accept=frozenset({"margin"})))
    await later(dealings)
    assert (await dealings.shown(ada)).record.status is Status.ACTIVE


async def test_a_key_that_may_be_used_from_elsewhere_too_is_told_of_and_works_on(
    dealings: Dealings, ada: Person
) -> None:
    dealings.told.answer = probed(addresses=(ADDRESS, OTHER))
    await later(dealings)
    assert (await dealings.shown(ada)).record.status is Status.ACTIVE
    assert await dealings.told_of(ada) == ["connection.added", "connection.drifted"]
    await later(dealings)
    assert (await dealings.told_of(ada))[2:] == []


async def test_a_key_that_is_denied_twice_is_suspended_and_comes_back_by_itself(
    dealings: Dealings, ada: Person
) -> None:
    """Once may be the exchange's own trouble."""
    dealings.told.answer = DENIED
    await later(dealings)
    assert (await dealings.shown(ada)).record.status is Status.ACTIVE
    dealings.clock.advance(ms=CHECK_AGAIN_MS)
    await check_connections(dealings.services)
    shown = await dealings.shown(ada)
    assert (shown.record.status, shown.record.reasons) == (Status.SUSPENDED, ("denied key_unknown",))
    dealings.told.answer = probed()
    await later(dealings)
    assert (await dealings.shown(ada)).record.status is Status.ACTIVE
    assert await dealings.told_of(ada) == ["connection.added", "connection.resumed", "connection.suspended"]


async def test_an_exchange_that_is_away_says_nothing_about_the_key(dealings: Dealings, ada: Person) -> None:
    dealings.told.answer = Busy("api.kucoin.com can't be reached")
    for _ in range(3):
        await later(dealings)
    asked = len(dealings.told.asked)
    await check_connections(dealings.services)
    assert len(dealings.told.asked) == asked  # not again within the hour
    dealings.clock.advance(ms=CHECK_AGAIN_MS)
    await check_connections(dealings.services)
    assert len(dealings.told.asked) == asked + 1
    assert (await dealings.shown(ada)).record.status is Status.ACTIVE


@pytest.mark.parametrize(
    ("wait_ms", "left_alone_ms"),
    [(0, CHECK_AGAIN_MS), (5_000, CHECK_AGAIN_MS), (7_200_000, 7_200_000), (3 * CHECK_EVERY_MS, CHECK_EVERY_MS)],
)
async def test_an_exchange_that_has_had_enough_is_left_alone_as_long_as_it_says(
    dealings: Dealings, ada: Person, wait_ms: int, left_alone_ms: int
) -> None:
    """An hour at least, a day at most. Who goes on asking is banned for longer."""
    said = KeywrightError("too many requests")
    dealings.told.answer = KeyDenied(said, reasons=(Reason.TOO_MANY_REQUESTS,), wait_ms=wait_ms)
    await later(dealings)
    asked = len(dealings.told.asked)
    dealings.clock.advance(ms=left_alone_ms - 1)
    await check_connections(dealings.services)
    assert len(dealings.told.asked) == asked
    dealings.clock.advance(ms=1)
    await check_connections(dealings.services)
    assert len(dealings.told.asked) == asked + 1
    shown = await dealings.shown(ada)
    assert (shown.record.status, shown.record.reasons) == (Status.ACTIVE, ())


async def test_what_is_likeliest_a_limit_is_no_word_against_the_key(dealings: Dealings, ada: Person) -> None:
    """A firewall's 403 before Binance is about requests, and perhaps about the address; of the key it knows nothing."""
    reasons = Reason.TOO_MANY_REQUESTS, Reason.ADDRESS_NOT_ALLOWED
    dealings.told.answer = KeyDenied(KeywrightError("403"), reasons=reasons)
    for _ in range(3):
        await later(dealings)
    assert (await dealings.shown(ada)).record.status is Status.ACTIVE


async def test_a_denied_key_is_tried_again_each_hour_of_the_first_two_days_then_daily(
    dealings: Dealings, ada: Person
) -> None:
    """An exchange that mended itself after two hours is not to keep a bot standing until tomorrow."""
    dealings.told.answer = DENIED
    await later(dealings)
    dealings.clock.advance(ms=CHECK_AGAIN_MS)
    await check_connections(dealings.services)
    assert (await dealings.shown(ada)).record.status is Status.SUSPENDED
    asked = []
    for _ in range(48):
        dealings.clock.advance(ms=CHECK_AGAIN_MS)
        before = len(dealings.told.asked)
        await check_connections(dealings.services)
        asked.append(len(dealings.told.asked) - before)
    assert asked[:20] == [1] * 20
    assert sum(asked[24:]) <= 2
    dealings.told.answer = probed()
    await later(dealings)
    assert (await dealings.shown(ada)).record.status is Status.ACTIVE


async def test_a_check_that_breaks_keeps_no_other_from_being_made_and_is_put_off(
    dealings: Dealings, ada: Person, caplog: pytest.LogCaptureFixture
) -> None:
    await dealings.pool(OTHER)
    dealings.told.answer = probed(addresses=(ADDRESS, OTHER))
    await dealings.connect(ada, kucoin(2), name="other bot")
    plain, asked = dealings.told.probe, list[str]()

    async def broken(credentials: Credentials, outlet: Outlet, *, now: int) -> object:
        asked.append(credentials.key)
        if credentials.key == KEY:
            raise RuntimeError(credentials.key)
        return await plain(credentials, outlet, now=now)

    dealings.told.probe = broken  # type: ignore[method-assign, assignment]
    await later(dealings)
    await check_connections(dealings.services)
    assert sorted(asked) == [kucoin(2).key, KEY]
    assert (await dealings.shown(ada, "other bot")).record.checked_at == dealings.clock()
    assert "RuntimeError" in caplog.text
    assert KEY not in caplog.text


async def test_an_answer_about_the_key_of_before_is_not_kept_for_the_new_one(dealings: Dealings, ada: Person) -> None:
    actor, proof, now = dealings.world.actor(ada), dealings.world.proof(ada), dealings.clock()
    plain = dealings.told.probe

    async def meanwhile(*given: object, **named: object) -> object:
        dealings.told.probe = plain  # type: ignore[method-assign]
        await dealings.vault.replace_key(ada.account.id, "grid bot", kucoin(2), proof=proof, actor=actor, now=now)
        return probed(Right.WITHDRAW)

    dealings.told.probe = meanwhile  # type: ignore[method-assign, assignment]
    with pytest.raises(Conflict, match="replaced meanwhile"):
        await check(dealings, ada)
    assert (await dealings.shown(ada)).record.status is Status.ACTIVE


async def test_where_the_system_chooses_the_address_another_one_is_kept_not_held_against_the_key(
    dealings: Dealings,
) -> None:
    """As at home, where the provider gives out another one at night, and it was entered at the exchange."""
    ada = await dealings.world.person()
    await dealings.pool("any")
    dealings.told.seen = ADDRESS
    dealings.told.answer = replace(probed(), seen_address=ADDRESS)
    assert (await dealings.connect(ada)).egress.shown == ADDRESS
    dealings.told.answer = replace(probed(addresses=(OTHER,)), seen_address=OTHER)
    checked = await check(dealings, ada)
    assert (checked.connection.record.status, checked.connection.egress.shown) == (Status.ACTIVE, OTHER)
    assert "egress.observed" in await dealings.kinds()
    assert (await dealings.hand_out(ada)).key


async def test_an_address_of_our_own_is_held_to(dealings: Dealings, ada: Person) -> None:
    dealings.told.answer = replace(probed(addresses=(OTHER,)), seen_address=OTHER)
    checked = await check(dealings, ada)
    assert checked.connection.record.status is Status.SUSPENDED
    assert checked.connection.egress.shown == ADDRESS


async def test_an_older_answer_lifts_no_suspension_that_came_meanwhile(dealings: Dealings, ada: Person) -> None:
    """Asked before the key gained a way out, and kept after that was found: it is well no more."""
    plain = dealings.told.probe

    async def meanwhile(*given: object, **named: object) -> object:
        dealings.told.probe = plain  # type: ignore[method-assign]
        dealings.told.answer = probed(Right.WITHDRAW)
        await later(dealings)
        return probed()

    dealings.told.probe = meanwhile  # type: ignore[method-assign, assignment]
    with pytest.raises(Conflict, match="changed meanwhile"):
        await check(dealings, ada)
    assert (await dealings.shown(ada)).record.reasons == ("exit withdraw",)
    dealings.told.answer = probed()
    assert (await check(dealings, ada)).connection.record.status is Status.ACTIVE


async def test_a_way_out_that_was_found_counts_whatever_came_meanwhile(dealings: Dealings, ada: Person) -> None:
    plain = dealings.told.probe

    async def meanwhile(*given: object, **named: object) -> object:
        dealings.told.probe = plain  # type: ignore[method-assign]
        await later(dealings)
        return probed(Right.WITHDRAW)

    dealings.told.probe = meanwhile  # type: ignore[method-assign, assignment]
    await check(dealings, ada)
    assert (await dealings.shown(ada)).record.reasons == ("exit withdraw",)


async def test_a_check_that_a_server_missed_is_made_up_for(dealings: Dealings, ada: Person) -> None:
    """Also where somebody put it off in the database."""
    connection = await dealings.shown(ada)
    async with dealings.services.database.write() as tx:
        from keywright.vault import store

        await store.plan_check(tx, account_id=ada.account.id, connection_id=connection.id, at=T0 * 2)
    await later(dealings)
    assert len(dealings.told.asked) == 2


async def test_the_end_of_a_key_and_its_age_are_told_on_the_schedule(dealings: Dealings) -> None:
    ada = await dealings.world.person()
    await dealings.pool()
    dealings.told.answer = replace(probed(), created_at=T0, expires_at=T0 + 100 * 86_400_000)
    await dealings.connect(ada)
    told: dict[int, list[str]] = {}
    for day in range(1, 102):
        dealings.clock.advance(days=1)
        known = await _deadlines(dealings, ada)
        await tell_deadlines_of_held_keys(dealings.services)
        await tell_deadlines_of_held_keys(dealings.services)
        new = (await _deadlines(dealings, ada))[len(known) :]
        if new:
            told[day] = new
    age, end = "deadline.connection_age", "deadline.connection_expiry"
    assert {day: kinds for day, kinds in told.items() if age in kinds} == {
        60: [age],
        76: [age],
        83: [age],
        89: [age],
        90: [age],
    }
    assert [day for day, kinds in told.items() if end in kinds] == [70, 86, 93, 99, 100]


async def test_its_owner_is_told_once_that_a_key_could_not_be_asked_about_for_three_days(
    dealings: Dealings, ada: Person
) -> None:
    told: dict[int, list[str]] = {}
    for day in range(1, 13):
        dealings.told.answer = probed() if day == 6 else Busy("KuCoin can't be reached")
        await later(dealings)
        known = await _deadlines(dealings, ada)
        await tell_deadlines_of_held_keys(dealings.services)
        await tell_deadlines_of_held_keys(dealings.services)
        told[day] = (await _deadlines(dealings, ada))[len(known) :]
    unchecked = ["deadline.connection_unchecked"]
    assert {day: kinds for day, kinds in told.items() if kinds} == {3: unchecked, 9: unchecked}


async def test_its_owner_hears_of_it_late_where_the_server_was_off(dealings: Dealings, ada: Person) -> None:
    dealings.told.answer = Busy("KuCoin can't be reached")
    await later(dealings, days=9)
    await tell_deadlines_of_held_keys(dealings.services)
    assert await _deadlines(dealings, ada) == ["deadline.connection_unchecked"]


async def _deadlines(dealings: Dealings, ada: Person) -> list[str]:
    async with dealings.services.database.read() as tx:
        found = await dealings.services.notices.of(tx, ada.account.id)
    return [one.kind for one in reversed(found) if one.kind.startswith("deadline.")]


def test_checks_are_spread_over_two_hours() -> None:
    planned = [next_check_at(f"con_{number}", now=0) for number in range(1_000)]
    assert min(planned) >= CHECK_EVERY_MS - SPREAD_MS
    assert max(planned) <= CHECK_EVERY_MS
    tenths = [sum(1 for at in planned if (CHECK_EVERY_MS - at) * 10 // SPREAD_MS == tenth) for tenth in range(10)]
    assert min(tenths) > 60


async def tried_from_a_second_address(dealings: Dealings) -> Person:
    """Return somebody whose keys are tried from a second address, for their exchange tells nothing of a filter; it is there."""
    ada = await dealings.world.person()
    await dealings.pool()
    async with dealings.services.database.write() as tx:
        place, actor = rules.egress_place(OTHER), dealings.world.actor(ada)
        await dealings.vault.pool.add(tx, place, trial=True, actor=actor, now=dealings.clock())
    untold = Evidence(Right.ADDRESS_FILTER, None, Grade.UNPROVABLE)
    probe = probed(addresses=())
    others = (one for one in probe.evidence if one.right is not Right.ADDRESS_FILTER)
    dealings.told.answer = replace(probe, evidence=(*others, untold))
    dealings.told.bound = True
    return ada


async def test_what_a_trial_proved_holds_until_another_one_proves_otherwise(dealings: Dealings) -> None:
    ada = await tried_from_a_second_address(dealings)
    actor = dealings.world.actor(ada)
    made = await dealings.connect(ada)
    assert made.egress.place == ADDRESS  # no connection leaves from where keys are tried
    assert {one.egress.place for one in dealings.told.tried} == {OTHER}
    for bound, status in ((None, Status.ACTIVE), (False, Status.SUSPENDED)):
        dealings.told.bound = bound
        await later(dealings)
        assert (await dealings.shown(ada)).record.status is status
    with pytest.raises(Conflict, match="only tried from this address"):
        async with dealings.services.database.write() as tx:
            await dealings.vault.pool.share(tx, OTHER, shared=True, actor=actor, now=1)


@pytest.mark.parametrize("accepted", [False, True])
async def test_a_key_that_was_tried_once_serves_on_when_the_trial_address_is_taken_away(
    dealings: Dealings, accepted: bool
) -> None:
    """Nothing changed at the exchange; that nobody tries it any more is shown. A new key has nothing to stand on."""
    ada = await tried_from_a_second_address(dealings)
    actor = dealings.world.actor(ada)
    accept = frozenset({"unproven-address-filter"}) if accepted else frozenset[str]()
    await dealings.connect(ada, kucoin(accept=accept))
    async with dealings.services.database.write() as tx:
        await dealings.vault.pool.remove(tx, OTHER, actor=actor, now=dealings.clock())
    for _ in range(2):
        await later(dealings)
        shown = await dealings.shown(ada)
        known = shown.record.probe.of(Right.ADDRESS_FILTER)
        assert (shown.record.status, known.allowed, known.grade) == (Status.ACTIVE, True, Grade.DECLARED)
    assert await dealings.told_of(ada) == ["connection.added"]
    with pytest.raises(KeywrightError, match="does not tell whether this key is bound"):
        told: dict[str, Any] = {"proof": dealings.world.proof(ada), "actor": actor, "now": dealings.clock()}
        await dealings.vault.replace_key(ada.account.id, "grid bot", kucoin(3), **told)
    async with dealings.services.database.write() as tx:
        await dealings.vault.pool.add(tx, rules.egress_place(OTHER), trial=True, actor=actor, now=dealings.clock())
    dealings.told.bound = None
    await later(dealings)
    assert (await dealings.shown(ada)).record.status is Status.ACTIVE, "the way there failed"
    dealings.told.bound = False
    await later(dealings)
    assert (await dealings.shown(ada)).record.status is Status.SUSPENDED


async def test_the_chore_acts_as_the_system(dealings: Dealings, ada: Person) -> None:
    await later(dealings)
    async with dealings.services.database.read() as tx:
        (newest, *_) = await dealings.services.audit.list(tx)
    assert (newest.kind, newest.actor) == ("connection.checked", SYSTEM.id)
