"""Another key takes over a connection, step by step, and nothing is between the two."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from keywright.app.chores import check_connections
from keywright.errors import Conflict, Invalid, KeywrightError, NotProven, Unusable
from keywright.protocol.refusal import Reason
from keywright.storage.tables import connections, held_keys
from keywright.vault import store
from keywright.vault.ending import Finished
from keywright.vault.evidence import Credentials, Probe, Right
from keywright.vault.model import Connection, Pasted, Status
from keywright.vault.rotation import OVERLAP_MS, Step
from keywright.vault.seam import KeyDenied, KeyRefused, Outlet
from keywright.vault.wire import Unreachable
from tests.support.world import Person
from tests.vault.conftest import ADDRESS, KEY, Dealings, kucoin, probed
from tests.vault.test_connecting import everything, found_in

NEW = 7
NEW_KEY = f"{NEW:024x}"
UNKNOWN = KeyDenied(KeywrightError("KuCoin does not know this key"), reasons=(Reason.KEY_UNKNOWN,))


class Turn:
    """Short ways to rotate, for one person's one connection."""

    def __init__(self, dealings: Dealings, person: Person) -> None:
        self.dealings, self.vault = dealings, dealings.vault
        self.who = person
        self.told: dict[str, Probe | KeywrightError] = {}
        dealings.told.probe = self._probe  # type: ignore[method-assign]

    async def _probe(self, credentials: Credentials, outlet: Outlet, *, now: int) -> Probe:
        answer = self.told.get(credentials.key, probed())
        if isinstance(answer, KeywrightError):
            raise answer
        return replace(answer, at=now)

    async def begin(self, given: Pasted | None = None) -> Connection:
        return await self.vault.begin_rotation(
            self.who.account.id, "grid bot", given or kucoin(NEW), proof=self.proof, actor=self.actor, now=self.now
        )

    async def switch(self) -> Connection:
        return await self.vault.switch(
            self.who.account.id, "grid bot", proof=self.proof, actor=self.actor, now=self.now
        )

    async def roll_back(self) -> Connection:
        return await self.vault.roll_back(
            self.who.account.id, "grid bot", proof=self.proof, actor=self.actor, now=self.now
        )

    async def finish(self) -> Finished:
        return await self.vault.finish(
            self.who.account.id, "grid bot", proof=self.proof, actor=self.actor, now=self.now
        )

    async def serving(self) -> str:
        return (await self.dealings.hand_out(self.who)).key

    @property
    def proof(self):  # type: ignore[no-untyped-def]  # noqa: ANN201
        return self.dealings.world.proof(self.who)

    @property
    def actor(self):  # type: ignore[no-untyped-def]  # noqa: ANN201
        return self.dealings.world.actor(self.who)

    @property
    def now(self) -> int:
        return self.dealings.clock()


@pytest.fixture
async def turn(dealings: Dealings) -> Turn:
    ada = await dealings.world.person()
    await dealings.pool()
    await dealings.connect(ada)
    return Turn(dealings, ada)


async def held(turn: Turn) -> list[bool]:
    """Return of each key that was ever held whether it still is, oldest first."""
    async with turn.dealings.services.database.read() as tx:
        rows = await tx.execute(select(held_keys.c.secret_sealed).order_by(held_keys.c.added_at, held_keys.c.id != ""))
        return [bool(row.secret_sealed) for row in rows]


async def test_the_old_key_serves_until_the_switch_and_is_kept_until_the_end(turn: Turn) -> None:
    begun = await turn.begin()
    assert begun.record.rotation is not None
    assert begun.record.rotation.step is Step.ADDED
    assert await turn.serving() == KEY
    turn.dealings.clock.advance(seconds=1)
    switched = await turn.switch()
    assert switched.record.rotation is not None
    assert (switched.record.rotation.step, switched.record.rotation.due_at) == (Step.SWITCHED, turn.now + OVERLAP_MS)
    assert await turn.serving() == NEW_KEY
    assert sorted(await held(turn)) == [True, True], "there is a way back"
    turn.told[KEY] = UNKNOWN
    done = await turn.finish()
    assert (done.is_deleted, done.old_key, done.connection.record.rotation) == (True, "6512…12cd", None)
    assert await turn.serving() == NEW_KEY
    assert sorted(await held(turn)) == [False, True]
    assert (await turn.dealings.shown(turn.who)).holds
    kinds = [kind for kind in await turn.dealings.kinds() if kind.startswith("connection.")]
    wanted = ["added", "rotation_begun", "opened", "switched", "opened", "rotated", "opened"]
    assert kinds == [f"connection.{word}" for word in wanted]


async def test_leak_07_neither_key_rests_in_the_clear_at_any_step(turn: Turn) -> None:
    secrets = [text.encode() for text in (KEY, NEW_KEY, kucoin().secret.reveal_text())]
    for step in (turn.begin, turn.switch, turn.finish):
        await step()
        assert found_in(await everything(turn.dealings), *secrets) == []


@pytest.mark.parametrize("is_deleted", [True, False, None])
async def test_it_is_told_whether_the_exchange_still_knows_the_old_key(turn: Turn, is_deleted: bool | None) -> None:
    await turn.begin()
    await turn.switch()
    trouble = KeyDenied(KeywrightError("Invalid request ip"), reasons=(Reason.ADDRESS_NOT_ALLOWED,))
    answers: dict[bool | None, Probe | KeywrightError] = {True: UNKNOWN, False: probed(), None: trouble}
    turn.told[KEY] = answers[is_deleted]
    assert (await turn.finish()).is_deleted is is_deleted


async def test_it_goes_back_after_the_switch_and_before(turn: Turn) -> None:
    await turn.begin()
    await turn.roll_back()
    assert await turn.serving() == KEY
    await turn.begin()
    await turn.switch()
    back = await turn.roll_back()
    assert (back.record.rotation, back.key.masked) == (None, "6512…12cd")
    assert await turn.serving() == KEY
    assert sorted(await held(turn)) == [False, False, True]


async def test_it_goes_back_though_the_exchange_can_t_be_asked(turn: Turn) -> None:
    await turn.begin()
    await turn.switch()
    turn.told[KEY] = Unreachable("KuCoin can't be reached")
    await turn.roll_back()
    assert await turn.serving() == KEY


async def test_nobody_goes_back_to_a_key_that_the_exchange_knows_no_longer(turn: Turn) -> None:
    """Its owner deleted it there before finishing, and then changed their mind: the new key is the only one that works."""
    await turn.begin()
    await turn.switch()
    turn.told[KEY] = UNKNOWN
    with pytest.raises(Conflict, match="does not know the key before any more"):
        await turn.roll_back()
    assert (await turn.serving(), await held(turn)) == (NEW_KEY, [True, True])
    await turn.finish()
    assert await turn.serving() == NEW_KEY


@pytest.mark.parametrize("answer", [UNKNOWN, probed(Right.WITHDRAW)])
async def test_a_rotation_ends_where_neither_key_is_of_use_and_the_next_check_says_so(
    turn: Turn, answer: Probe | KeywrightError
) -> None:
    """Else nothing would lead out of it."""
    await turn.begin()
    await turn.switch()
    turn.told |= {KEY: UNKNOWN, NEW_KEY: answer}
    done = await turn.finish()
    assert (done.is_deleted, done.connection.record.rotation) == (True, None)
    for _ in range(2):  # a key that is not known may be the exchange's own trouble, once
        await check_connections(turn.dealings.services)
        turn.dealings.clock.advance(seconds=86_400)
    assert (await turn.dealings.shown(turn.who)).record.status is Status.SUSPENDED


async def test_a_key_that_serves_again_is_looked_at_by_the_next_round_of_checks(turn: Turn) -> None:
    """Nobody has since it was replaced: what it may do now is not known, and what the record says is the other key's."""
    await turn.begin()
    await turn.switch()
    turn.told[KEY] = probed(Right.WITHDRAW)
    assert (await turn.roll_back()).record.status is Status.ACTIVE
    await check_connections(turn.dealings.services)
    shown = await turn.dealings.shown(turn.who)
    assert (shown.record.status, shown.record.reasons) == (Status.SUSPENDED, ("exit withdraw",))


async def test_the_new_key_can_come_back_after_a_roll_back(turn: Turn) -> None:
    """Its fingerprint is free again."""
    for _ in range(2):
        await turn.begin()
        await turn.roll_back()


async def test_a_new_key_that_may_do_too_much_or_too_little_changes_nothing(turn: Turn) -> None:
    before = await turn.dealings.shown(turn.who)
    turn.told[NEW_KEY] = probed(Right.WITHDRAW)
    with pytest.raises(KeyRefused, match="can withdraw"):
        await turn.begin()
    poor = probed()
    turn.told[NEW_KEY] = replace(
        poor, evidence=tuple(replace(one, allowed=False) if one.right is Right.TRADE else one for one in poor.evidence)
    )
    with pytest.raises(Invalid, match="may not do what the one before may: Spot"):
        await turn.begin()
    turn.told[NEW_KEY] = UNKNOWN
    with pytest.raises(KeyDenied):
        await turn.begin()
    assert await turn.dealings.shown(turn.who) == before
    assert await held(turn) == [True]


async def test_the_switch_asks_again_and_the_old_key_serves_on_where_the_answer_is_no(turn: Turn) -> None:
    await turn.begin()
    answers: list[tuple[Probe | KeywrightError, type[KeywrightError]]]
    answers = [(UNKNOWN, KeyDenied), (probed(Right.WITHDRAW), KeyRefused)]
    for answer, error in answers:
        turn.told[NEW_KEY] = answer
        with pytest.raises(error):
            await turn.switch()
        assert await turn.serving() == KEY
    turn.told[NEW_KEY] = probed()
    await turn.switch()
    turn.told[NEW_KEY] = UNKNOWN
    with pytest.raises(KeyDenied):
        await turn.finish()
    assert sorted(await held(turn)) == [True, True], "the old one is not given up for one that is dead"


async def test_steps_out_of_turn_are_refused_and_say_what_to_do(turn: Turn) -> None:
    for step in (turn.switch, turn.roll_back, turn.finish):
        with pytest.raises(Conflict, match="not being rotated"):
            await step()
    await turn.begin()
    with pytest.raises(Conflict, match="is being rotated"):
        await turn.begin(kucoin(8))
    with pytest.raises(Conflict, match="is being rotated"):
        await turn.vault.replace_key(
            turn.who.account.id, "grid bot", kucoin(8), proof=turn.proof, actor=turn.actor, now=turn.now
        )
    with pytest.raises(Conflict, match="does not serve yet"):
        await turn.finish()
    await turn.switch()
    with pytest.raises(Conflict, match="serves already"):
        await turn.switch()


async def test_what_is_accepted_of_a_key_goes_with_that_key(turn: Turn) -> None:
    """Margin was accepted of the new one: the one before may not have it, neither meanwhile nor after the way back."""
    turn.told[NEW_KEY] = probed(Right.MARGIN)
    for has_switched in (False, True):
        await turn.begin(kucoin(NEW, accept=frozenset({"margin"})))
        assert (await turn.dealings.shown(turn.who)).exceptions() == frozenset()
        if has_switched:
            assert (await turn.switch()).exceptions() == {"margin"}
        back = await turn.roll_back()
        assert (back.exceptions(), back.key.masked) == (frozenset(), "6512…12cd")
    turn.told[KEY] = probed(Right.MARGIN)
    await turn.vault.check(turn.who.account.id, "grid bot", actor=turn.actor, now=turn.now)
    assert (await turn.dealings.shown(turn.who)).record.reasons == ("beyond_trading margin",)


async def test_what_was_accepted_of_the_key_before_is_not_of_the_new_one(turn: Turn) -> None:
    turn.told[KEY] = turn.told[NEW_KEY] = probed(Right.MARGIN)
    own = kucoin(accept=frozenset({"margin"}))
    told: dict[str, Any] = {"proof": turn.proof, "actor": turn.actor, "now": turn.now}
    await turn.vault.replace_key(turn.who.account.id, "grid bot", own, **told)
    with pytest.raises(KeyRefused, match="more than trade"):
        await turn.begin()
    await turn.begin(kucoin(NEW, accept=frozenset({"margin"})))
    turn.told[NEW_KEY] = probed(Right.MARGIN, addresses=())
    with pytest.raises(KeyRefused, match="any address"):
        await turn.switch()
    turn.told[NEW_KEY] = probed(Right.MARGIN)
    await turn.switch()
    await turn.finish()
    assert (await turn.dealings.shown(turn.who)).exceptions() == {"margin"}


async def test_what_is_known_of_a_key_goes_with_that_key(turn: Turn) -> None:
    before = await turn.dealings.shown(turn.who)
    ends_at = turn.now + 20 * 86_400_000
    async with turn.dealings.services.database.write() as tx:
        who, actor = turn.who.account.id, turn.actor
        await turn.vault.edit(tx, who, "grid bot", ends_at=ends_at, actor=actor, now=turn.now)
    turn.told[NEW_KEY] = replace(probed(), created_at=turn.now, label="the new one")
    await turn.begin()
    switched = await turn.switch()
    assert (switched.record.probe.label, switched.record.terms.ends_at) == ("the new one", None)
    back = await turn.roll_back()
    assert (back.record.probe, back.record.terms.ends_at) == (before.record.probe, ends_at)
    assert (await turn.dealings.shown(turn.who)) == back


async def test_a_denial_is_held_against_the_key_that_was_denied(turn: Turn) -> None:
    await turn.begin()
    turn.told[KEY] = UNKNOWN
    with pytest.raises(KeyDenied):
        await turn.vault.check(turn.who.account.id, "grid bot", actor=turn.actor, now=turn.now)
    assert (await turn.switch()).record.reasons == ()
    turn.told[NEW_KEY] = UNKNOWN
    with pytest.raises(KeyDenied):
        await turn.vault.check(turn.who.account.id, "grid bot", actor=turn.actor, now=turn.now)
    assert (await turn.dealings.shown(turn.who)).record.status is Status.ACTIVE, "it was denied once"


@pytest.mark.parametrize(
    "changed", [{"kind": "ed25519"}, {"masked": "dead…beef"}, {"added_at": 1}, {"key_digest": None}, {}]
)
async def test_sto_14_the_row_of_the_other_key_is_under_the_record_s_mac(turn: Turn, changed: dict[str, Any]) -> None:
    """Altered or gone: the connection serves nothing, and can be removed."""
    await turn.begin()
    other = held_keys.c.masked != "6512…12cd"
    async with turn.dealings.services.database.write() as tx:
        await tx.execute(
            update(held_keys).where(other).values(**changed) if changed else delete(held_keys).where(other)
        )
    assert not (await turn.dealings.shown(turn.who)).holds
    for step in (turn.switch, turn.roll_back, turn.serving):
        with pytest.raises(Unusable, match="altered outside"):
            await step()
    async with turn.dealings.services.database.write() as tx:
        await turn.vault.remove(tx, turn.who.account.id, "grid bot", proof=turn.proof, actor=turn.actor, now=turn.now)
    assert not any(await held(turn))


async def test_a_rotation_from_before_that_was_kept_goes_on(turn: Turn) -> None:
    await turn.begin()
    connection = await turn.dealings.shown(turn.who)
    assert connection.record.rotation is not None
    old = replace(connection.record, rotation=replace(connection.record.rotation, beside=None))
    async with turn.dealings.services.database.write() as tx:
        await store.update_connection(tx, old, mac=turn.vault.book.mac(replace(connection, record=old)))
    assert (await turn.dealings.shown(turn.who)).holds
    await turn.switch()
    await turn.roll_back()
    assert await turn.serving() == KEY


async def test_n13_the_new_key_has_one_owner_too(turn: Turn, dealings: Dealings) -> None:
    eve = await dealings.world.person("eve@example.org")
    await dealings.pool("203.0.113.9")
    turn.told[kucoin(NEW).key] = probed(addresses=(ADDRESS, "203.0.113.9"))
    await dealings.connect(eve, kucoin(NEW))
    with pytest.raises(Conflict, match="another account holds this key"):
        await turn.begin()
    with pytest.raises(Invalid, match="serves already"):
        await turn.begin(kucoin())
    assert await turn.serving() == KEY


async def test_each_step_takes_the_second_factor(turn: Turn) -> None:
    vault, who, actor, now = turn.vault, turn.who.account.id, turn.actor, turn.now
    for step in (
        vault.begin_rotation(who, "grid bot", kucoin(NEW), actor=actor, now=now),
        vault.switch(who, "grid bot", actor=actor, now=now),
        vault.roll_back(who, "grid bot", actor=actor, now=now),
        vault.finish(who, "grid bot", actor=actor, now=now),
    ):
        with pytest.raises(NotProven):
            await step


async def test_a_rotation_that_was_written_behind_our_back_is_none(turn: Turn) -> None:
    await turn.begin()
    async with turn.dealings.services.database.write() as tx:
        record = (await tx.execute(select(connections.c.rotation))).scalar_one()
        await tx.execute(update(connections).values(rotation=record.replace("added", "switched")))
    with pytest.raises(Unusable, match="altered outside"):
        await turn.roll_back()
    assert not (await turn.dealings.shown(turn.who)).holds


async def test_removing_the_connection_destroys_both_keys(turn: Turn) -> None:
    await turn.begin()
    await turn.switch()
    async with turn.dealings.services.database.write() as tx:
        await turn.vault.remove(tx, turn.who.account.id, "grid bot", proof=turn.proof, actor=turn.actor, now=turn.now)
    assert await held(turn) == [False, False]
