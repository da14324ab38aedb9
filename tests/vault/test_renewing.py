"""Rotation through a master key, against KuCoin's double: made there, proved, switched, and the old one deleted there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from keywright.app.chores import check_connections, tell_deadlines_of_held_keys
from keywright.app.services import Services, wire
from keywright.errors import Conflict, KeywrightError, NotProven
from keywright.identity.passwords import CHEAPEST
from keywright.identity.policy_model import Policy
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.storage.transaction import Database
from keywright.vault.destinations import read_origin
from keywright.vault.evidence import Exchange
from keywright.vault.mastery import ACCEPT_MASTER
from keywright.vault.model import Connection, NewConnection, Pasted, Status
from keywright.vault.rotation import Step
from keywright.vault.seam import KeyDenied, KeyRefused
from keywright.vault.terms import Purpose
from keywright.vault.wire import Unreachable
from tests.doubles.exchange import DoubleKey, Said, Seen
from tests.doubles.kucoin import KucoinDouble
from tests.faults.test_audit_fails import NO_AUDIT, THROUGH_A_MASTER
from tests.support.clock import FakeClock
from tests.support.world import Person, World
from tests.vault.conftest import Dealings, Told
from tests.vault.test_connecting import everything, found_in

OURS, MASTERS = "127.0.0.7", "127.0.0.8"
SUB = "gridbot7"


@dataclass
class House:
    """An account at KuCoin with a sub-account, a bot on that, and somebody who holds both keys."""

    dealings: Dealings
    ada: Person
    kucoin: KucoinDouble
    master: DoubleKey
    first: DoubleKey

    async def hold(
        self, name: str, key: DoubleKey, *accept: str, purpose: Purpose = Purpose.BOTS, bots: tuple[str, ...] = ()
    ) -> Connection:
        given = Pasted(key.key, Secret(key.secret), Secret(key.passphrase), frozenset(accept))
        vault = self.dealings.vault
        await vault.reserve(self.ada.account.id, "kucoin", actor=self.told["actor"], now=self.told["now"])
        new = NewConnection(name, "kucoin", given, bots, purpose)
        return await vault.connect(self.ada.account.id, new, **self.told)

    @property
    def told(self) -> dict[str, Any]:
        world = self.dealings.world
        return {"proof": world.proof(self.ada), "actor": world.actor(self.ada), "now": world.clock()}

    async def do(self, verb: str, **rest: Any) -> Any:
        return await getattr(self.dealings.vault, verb)(self.ada.account.id, "grid", **self.told, **rest)

    async def name_master(self, master: str = "master", **rest: Any) -> Connection:
        return await self.dealings.vault.name_master(self.ada.account.id, "grid", master, **self.told, **rest)

    async def shown(self, name: str = "grid") -> Connection:
        return await self.dealings.shown(self.ada, name)

    async def step(self) -> Step | None:
        rotation = (await self.shown()).record.rotation
        return rotation.step if rotation else None

    async def serving(self) -> str:
        return (await self.dealings.hand_out(self.ada, "grid")).key

    @property
    def there(self) -> list[DoubleKey]:
        """The keys of the sub-account at the exchange."""
        return self.kucoin.sub_accounts.of(SUB)

    def asked(self, method: str) -> int:
        """Return how often the sub-account's keys were asked about by a method."""
        return sum(one.method == method and one.path == "/api/v1/sub/api-key" for one in self.kucoin.seen)


@pytest.fixture
async def services(sqlite: Database, keyring: Keyring, clock: FakeClock, kucoin: KucoinDouble) -> Services:
    origins = {Exchange.KUCOIN: read_origin(kucoin.url, loopback=True)}
    services = wire(sqlite, keyring, policy=Policy(), clock=clock, hasher=CHEAPEST, origins=origins)
    async with sqlite.write() as tx:
        await services.audit.begin(tx)
    return services


@pytest.fixture
async def bare(services: Services, clock: FakeClock, kucoin: KucoinDouble) -> House:
    """Give a house with nothing held."""
    services.vault._charge = None  # nobody tries as often
    dealings = Dealings(World(services, clock), Told())
    await dealings.pool(MASTERS, OURS)
    master = kucoin.new_key("General", addresses=(MASTERS,))
    first = kucoin.sub_accounts.new_key(SUB, addresses=(OURS,))
    return House(dealings, await dealings.world.person(), kucoin, master, first)


@pytest.fixture
async def house(bare: House) -> House:
    """Give a house whose bot is rotated through a master connection."""
    await bare.hold("master", bare.master, ACCEPT_MASTER, purpose=Purpose.MASTER)
    await bare.hold("grid", bare.first)
    await bare.name_master()
    return bare


def spoils(method: str, *, times: int = 1, said: Said | None = None) -> Callable[[Seen, Said], Said | None]:
    """Return what loses the answers to calls about sub-accounts' keys, or puts another in their place."""
    left = [times]

    def spoil(seen: Seen, answer: Said) -> Said | None:
        if seen.method != method or seen.path != "/api/v1/sub/api-key" or not left[0]:
            return answer
        left[0] -= 1
        return said

    return spoil


async def test_a_key_is_made_there_serves_and_the_old_one_is_deleted_there(house: House) -> None:
    added = await house.do("renew")
    (new,) = [one for one in house.there if one.key != house.first.key]
    assert (new.rights["permission"], new.addresses, new.expires_at) == ("General,Spot", (OURS,), None)
    assert added.record.rotation.step is Step.ADDED
    assert new.rights["remark"] == added.record.rotation.remark
    assert await house.serving() == house.first.key
    await house.do("switch")
    assert await house.serving() == new.key
    assert not house.first.deleted, "it is kept to go back to"
    done = await house.do("finish")
    assert (done.is_deleted, house.first.deleted) == (True, True)
    assert [one.key for one in house.there] == [new.key]
    assert (await house.step(), (await house.shown()).holds) == (None, True)
    kinds = [kind.removeprefix("connection.") for kind in await house.dealings.kinds()]
    steps = [one for one in kinds if one not in ("added", "opened") and not one.startswith("egress.")]
    assert steps == [
        "terms_set",
        "key_asked_for",
        "key_made",
        "rotation_begun",
        "switched",
        "rotation_ending",
        "renewed",
    ]


async def test_it_is_done_again_and_again_and_each_passphrase_is_another(house: House) -> None:
    seen = set()
    for _ in range(3):
        for verb in ("renew", "switch", "finish"):
            await house.do(verb)
        (only,) = house.there
        seen.add((only.key, only.passphrase))
    assert len({passphrase for _, passphrase in seen}) == 3


async def test_leak_07_the_new_secret_rests_nowhere_in_the_clear(house: House) -> None:
    for verb in ("renew", "switch", "finish"):
        await house.do(verb)
        for key in house.there:
            secrets = [text.encode() for text in (key.secret, key.passphrase)]
            assert found_in(await everything(house.dealings), *secrets) == []


async def test_each_side_leaves_from_its_own_address(house: House) -> None:
    house.kucoin.seen.clear()
    for verb in ("renew", "switch", "finish"):
        await house.do(verb)
    of_subs = {one.peer for one in house.kucoin.seen if one.path == "/api/v1/sub/api-key"}
    assert of_subs == {MASTERS}
    assert {one.peer for one in house.kucoin.seen if one.path == "/api/v1/user/api-key"} == {OURS}


# ── nothing is begun that can't be


async def test_a_master_that_lost_its_right_begins_nothing(house: House) -> None:
    house.master.rights["permission"] = "Spot"
    with pytest.raises(KeyDenied) as denied:
        await house.do("renew")
    assert "with the key of master: the key has not the right" in denied.value.message
    assert (await house.step(), house.asked("POST")) == (None, 0)
    assert await house.serving() == house.first.key


async def test_a_sub_account_that_is_called_otherwise_now_begins_nothing(house: House) -> None:
    house.kucoin.sub_accounts.names = {"renamed"}
    with pytest.raises(KeyDenied):
        await house.do("renew")
    assert await house.step() is None


async def test_a_refusal_to_make_one_ends_what_was_begun(house: House) -> None:
    too_many = Said(400, b'{"code":"400100","msg":"Parameter Error"}')
    house.kucoin.spoils = spoils("POST", said=too_many)
    made_before = len(house.there)

    def refuse_and_forget(seen: Seen, said: Said) -> Said | None:
        if seen.method == "POST" and seen.path == "/api/v1/sub/api-key":
            house.there[-1].deleted = True  # it said no, and made none
            return too_many
        return said

    house.kucoin.spoils = refuse_and_forget
    with pytest.raises(KeyDenied):
        await house.do("renew")
    assert (await house.step(), len(house.there)) == (None, made_before)


async def test_rights_that_no_call_can_give_are_left_to_their_owner(bare: House) -> None:
    key = bare.kucoin.sub_accounts.new_key(SUB, "General", "Spot", "Earn", addresses=(OURS,))
    await bare.hold("master", bare.master, ACCEPT_MASTER, purpose=Purpose.MASTER)
    await bare.hold("grid", key, "earn")
    await bare.name_master()
    with pytest.raises(Conflict, match="Earn"):
        await bare.do("renew")
    assert await bare.step() is None


async def test_without_a_master_it_is_guided_and_a_guided_one_stays_so(bare: House) -> None:
    await bare.hold("master", bare.master, ACCEPT_MASTER, purpose=Purpose.MASTER)
    await bare.hold("grid", bare.first)
    with pytest.raises(Conflict, match="no master connection is named"):
        await bare.do("renew")


# ── answers that are lost


@pytest.mark.parametrize("said", [None, Said(500, b'{"code":"500000","msg":"Internal Server Error"}'), Said(200, b"x")])
async def test_a_key_that_was_made_when_the_answer_was_lost_is_found_deleted_and_made_anew(
    house: House, said: Said | None
) -> None:
    house.kucoin.spoils = spoils("POST", said=said)
    with pytest.raises(KeywrightError) as lost:
        await house.do("renew")
    assert not isinstance(lost.value, KeyDenied)
    assert (await house.step(), len(house.there)) == (Step.MAKING, 2)
    (orphan,) = [one for one in house.there if one.key != house.first.key]
    added = await house.do("renew")
    assert orphan.deleted
    assert added.record.rotation.step is Step.ADDED
    assert len(house.there) == 2, "the one that serves and one new one"


async def test_what_was_made_when_the_answer_was_lost_is_deleted_by_rolling_back(house: House) -> None:
    house.kucoin.spoils = spoils("POST")
    with pytest.raises(Unreachable):
        await house.do("renew")
    await house.do("roll_back")
    assert ([one.key for one in house.there], await house.step()) == ([house.first.key], None)


async def test_a_copy_that_turned_up_late_is_deleted_at_the_end(house: House) -> None:
    added = await house.do("renew")
    late = house.kucoin.sub_accounts.new_key(SUB, remark=added.record.rotation.remark, addresses=(OURS,))
    (new,) = [one for one in house.there if one.key not in (house.first.key, late.key)]
    late.passphrase = new.passphrase
    await house.do("switch")
    await house.do("finish")
    assert [one.key for one in house.there] == [new.key]


async def test_a_deletion_whose_answer_was_lost_is_looked_up(house: House) -> None:
    await house.do("renew")
    await house.do("switch")
    house.kucoin.spoils = spoils("DELETE")
    with pytest.raises(Unreachable):
        await house.do("finish")
    assert (house.first.deleted, await house.step()) == (True, Step.ENDING)
    assert (await house.do("finish")).is_deleted is True
    assert house.asked("DELETE") == 1, "what is gone is not deleted twice"


# ── the end


async def test_it_does_not_end_while_the_exchange_takes_the_old_key(house: House) -> None:
    await house.do("renew")
    await house.do("switch")
    keep = house.kucoin.sub_accounts._delete

    def pretend(given: dict[str, Any]) -> object:
        return given

    house.kucoin.sub_accounts._delete = pretend  # type: ignore[method-assign]
    with pytest.raises(Conflict, match="does not say that the key before is gone"):
        await house.do("finish")
    assert await house.step() is Step.ENDING
    house.kucoin.sub_accounts._delete = keep  # type: ignore[method-assign]
    assert (await house.do("finish")).is_deleted is True


async def test_a_master_that_lost_its_right_meanwhile_ends_nothing_and_its_owner_can_delete_by_hand(
    house: House,
) -> None:
    await house.do("renew")
    await house.do("switch")
    house.master.rights["permission"] = "Spot"
    with pytest.raises(KeyDenied):
        await house.do("finish")
    assert (await house.step(), house.first.deleted) == (Step.SWITCHED, False)
    house.first.deleted = True
    assert (await house.do("finish")).is_deleted is True


async def test_a_passphrase_that_can_t_stand_in_an_address_is_not_sent_in_one(bare: House) -> None:
    bare.first.passphrase = "Quay&lamp#7%+"
    await bare.hold("master", bare.master, ACCEPT_MASTER, purpose=Purpose.MASTER)
    await bare.hold("grid", bare.first)
    await bare.name_master()
    await bare.do("renew")
    await bare.do("switch")
    with pytest.raises(Conflict, match="can't be deleted from here"):
        await bare.do("finish")
    bare.first.deleted = True
    assert (await bare.do("finish")).is_deleted is True


# ── back


@pytest.mark.parametrize("switched", [False, True])
async def test_going_back_deletes_the_new_key_there(house: House, switched: bool) -> None:
    await house.do("renew")
    if switched:
        await house.do("switch")
    back = await house.do("roll_back")
    assert (back.record.rotation, await house.serving()) == (None, house.first.key)
    assert [one.key for one in house.there] == [house.first.key]
    assert "connection.rotation_undone" in await house.dealings.kinds()


async def test_going_back_serves_the_old_key_at_once_though_the_exchange_is_away(house: House) -> None:
    await house.do("renew")
    await house.do("switch")
    house.kucoin.spoils = lambda seen, said: None if seen.path == "/api/v1/sub/api-key" else said
    with pytest.raises(Unreachable):
        await house.do("roll_back")
    assert (await house.step(), await house.serving()) == (Step.UNDOING, house.first.key)
    with pytest.raises(Conflict, match="being rolled back"):
        await house.do("switch")
    house.kucoin.spoils = None
    await house.do("roll_back")
    assert ([one.key for one in house.there], await house.step()) == ([house.first.key], None)


async def test_agt_13_nobody_goes_back_to_a_key_that_was_being_deleted_when_all_was_killed(
    house: House, clock: FakeClock
) -> None:
    """The request may reach the exchange after whoever sent it is gone."""
    await house.do("renew")
    await house.do("switch")
    new = await house.serving()
    house.kucoin.spoils = spoils("DELETE")
    with pytest.raises(Unreachable):
        await house.do("finish")
    with pytest.raises(Conflict, match="is being deleted"):
        await house.do("roll_back")
    clock.advance(seconds=61)
    with pytest.raises(Conflict, match="does not know the key before any more"):
        await house.do("roll_back")
    assert (await house.serving(), await house.step()) == (new, Step.ENDING)
    assert (await house.do("finish")).is_deleted is True


async def test_what_could_not_be_deleted_can_be_gone_back_to_a_minute_later(house: House, clock: FakeClock) -> None:
    await house.do("renew")
    await house.do("switch")
    house.kucoin.sub_accounts._delete = lambda given: given  # type: ignore[method-assign]
    with pytest.raises(Conflict, match="does not say that the key before is gone"):
        await house.do("finish")
    del house.kucoin.sub_accounts._delete
    clock.advance(seconds=59)
    with pytest.raises(Conflict, match="is being deleted"):
        await house.do("roll_back")
    clock.advance(seconds=1)
    house.kucoin.spoils = lambda _seen, _said: None
    with pytest.raises(Unreachable):  # once it may be gone, nobody goes back unseen
        await house.do("roll_back")
    house.kucoin.spoils = None
    back = await house.do("roll_back")
    assert (back.record.rotation, await house.serving()) == (None, house.first.key)
    assert [one.key for one in house.there] == [house.first.key]


async def test_what_is_left_there_is_named_when_nobody_can_delete_it(house: House) -> None:
    await house.do("renew")
    house.master.deleted = True
    with pytest.raises(KeyDenied):
        await house.do("roll_back")
    back = await house.do("roll_back", leave=True)
    assert back.record.rotation is None
    async with house.dealings.services.database.read() as tx:
        (event,) = await house.dealings.services.audit.list(tx, kind="connection.rotation_undone")
    assert json.loads(event.detail)["left"].startswith("keywright-")


async def test_a_connection_is_not_removed_while_a_key_of_it_may_be_left_there(house: House) -> None:
    await house.do("renew")
    vault, database = house.dealings.vault, house.dealings.services.database
    with pytest.raises(Conflict, match="is being made or deleted"):
        async with database.write() as tx:
            await vault.remove(tx, house.ada.account.id, "grid", **house.told)


# ── masters


async def test_a_master_key_is_taken_once_its_owner_accepts_by_name_what_it_is(bare: House) -> None:
    with pytest.raises(KeyRefused) as refused:
        await bare.hold("master", bare.master, purpose=Purpose.MASTER)
    assert [one.accept for one in refused.value.findings if one.refuses] == [ACCEPT_MASTER]
    held = await bare.hold("master", bare.master, ACCEPT_MASTER, purpose=Purpose.MASTER)
    assert [(one.what, one.by) for one in held.record.accepted] == [(ACCEPT_MASTER, bare.ada.account.id)]
    assert held.record.status is Status.ACTIVE
    checked = await bare.dealings.vault.check(
        bare.ada.account.id, "master", actor=bare.told["actor"], now=bare.told["now"]
    )
    assert checked.connection.record.status is Status.ACTIVE


@pytest.mark.parametrize(
    ("permissions", "addresses"),
    [
        (("General", "Transfer"), (MASTERS,)),
        (("General", "InnerTransfer"), (MASTERS,)),
        (("General", "Spot"), (MASTERS,)),
        (("General", "Margin"), (MASTERS,)),
        (("General", "Novel"), (MASTERS,)),
        (("General",), ()),
    ],
)
async def test_a_master_key_that_may_do_more_or_works_from_anywhere_is_refused_whatever_is_accepted(
    bare: House, permissions: tuple[str, ...], addresses: tuple[str, ...]
) -> None:
    key = bare.kucoin.new_key(*permissions, addresses=addresses)
    accept = (ACCEPT_MASTER, "margin", "trade", "no-address-filter", "other", "withdraw", "internal-transfer")
    with pytest.raises(KeyRefused):
        await bare.hold("master", key, *accept, purpose=Purpose.MASTER)


async def test_a_master_that_gains_a_right_is_suspended_and_then_rotates_nothing(house: House) -> None:
    house.master.rights["permission"] = "General,Spot"
    checked = await house.dealings.vault.check(
        house.ada.account.id, "master", actor=house.told["actor"], now=house.told["now"]
    )
    assert checked.connection.record.status is Status.SUSPENDED
    with pytest.raises(Conflict, match="is suspended"):
        await house.do("renew")


async def test_a_key_of_a_sub_account_is_no_master(bare: House) -> None:
    key = bare.kucoin.sub_accounts.new_key(SUB, "General", addresses=(MASTERS,))
    with pytest.raises(KeyRefused, match="belongs to the sub-account"):
        await bare.hold("master", key, ACCEPT_MASTER, purpose=Purpose.MASTER)


async def test_a_master_key_is_handed_to_no_program_and_named_for_no_bot(house: House) -> None:
    with pytest.raises(Conflict, match="handed to no program"):
        await house.dealings.hand_out(house.ada, "master")
    with pytest.raises(KeywrightError, match="no bot uses a master key"):
        async with house.dealings.services.database.write() as tx:
            account, told = house.ada.account.id, house.told
            await house.dealings.vault.edit(tx, account, "master", bots=("grid",), actor=told["actor"], now=told["now"])


async def test_only_the_key_s_own_master_can_be_named(bare: House) -> None:
    await bare.hold("master", bare.master, ACCEPT_MASTER, purpose=Purpose.MASTER)
    await bare.hold("grid", bare.first)
    bare.kucoin.sub_accounts.names.add("other")
    bare.first.rights["subName"] = "other"  # under another account's roof
    with pytest.raises(Conflict, match="does not find the key"):
        await bare.name_master()
    assert (await bare.shown()).record.terms.master_id == ""


async def test_no_bot_s_key_can_be_named_as_a_master_and_no_main_account_s_key_has_one(bare: House) -> None:
    main = bare.kucoin.new_key(addresses=(MASTERS,))
    await bare.hold("main", main)
    await bare.hold("grid", bare.first)
    with pytest.raises(Conflict, match="main is no master of grid"):
        await bare.name_master("main")


async def test_sto_14_terms_that_were_altered_serve_nothing(house: House) -> None:
    from sqlalchemy import update

    from keywright.storage.tables import connections

    async with house.dealings.services.database.write() as tx:
        await tx.execute(update(connections).where(connections.c.name == "master").values(terms=None))
    assert not (await house.shown("master")).holds


async def test_it_takes_the_second_factor_and_nobody_else_s_is_found(house: House) -> None:
    for verb in ("renew", "switch", "finish", "roll_back"):
        with pytest.raises((NotProven, Conflict)):
            told = house.told | {"proof": None}
            await getattr(house.dealings.vault, verb)(house.ada.account.id, "grid", **told)
    with pytest.raises(NotProven):
        await house.dealings.vault.renew(house.ada.account.id, "grid", **(house.told | {"proof": None}))
    with pytest.raises(NotProven):
        told = house.told | {"proof": None}
        await house.dealings.vault.name_master(house.ada.account.id, "grid", "", **told)
    assert house.asked("POST") == 0


async def test_what_was_started_with_the_old_key_is_known(house: House, clock: FakeClock) -> None:
    async def still() -> int | None:
        async with house.dealings.services.database.read() as tx:
            connection = await house.dealings.vault.connection(tx, house.ada.account.id, "grid")
            return await house.dealings.vault.still_started(tx, connection)

    started = clock()
    await house.serving()  # as `exec` does
    clock.advance(seconds=1)
    await house.do("renew")
    assert await still() is None
    await house.do("switch")
    assert await still() == started
    with pytest.raises(Conflict, match="has not been started anew since"):
        await house.do("finish")
    assert await house.step() is Step.SWITCHED
    clock.advance(seconds=1)
    await house.serving()
    assert await still() is None
    await house.do("finish")
    assert await house.step() is None


async def test_the_old_key_is_ended_under_a_running_program_when_its_owner_says_so(
    house: House, clock: FakeClock
) -> None:
    await house.serving()
    clock.advance(seconds=1)
    await house.do("renew")
    await house.do("switch")
    assert (await house.do("finish", despite_started=True)).is_deleted is True


# ── unasked


async def _days(house: House, clock: FakeClock, days: int) -> None:
    """Let days pass, and have the server do on the last of them what it does each day."""
    clock.advance(seconds=days * 86_400)
    await check_connections(house.dealings.services)


@pytest.fixture
async def itself(house: House) -> House:
    """Give a house whose owner wants the server to rotate by itself."""
    await house.name_master(by_itself=True)
    return house


async def test_k12_the_server_rotates_by_itself_a_week_before_day_90_and_ends_it_a_day_later(
    itself: House, clock: FakeClock
) -> None:
    await _days(itself, clock, 82)
    assert [one.key for one in itself.there] == [itself.first.key]
    await _days(itself, clock, 1)
    assert (await itself.step(), len(itself.there), itself.first.deleted) == (Step.SWITCHED, 2, False)
    await _days(itself, clock, 1)
    assert (await itself.step(), len(itself.there), itself.first.deleted) == (None, 1, True)
    await _days(itself, clock, 81)
    assert len(itself.there) == 1, "the new one is young"
    await _days(itself, clock, 1)
    assert len(itself.there) == 2
    async with itself.dealings.services.database.read() as tx:
        (event,) = await itself.dealings.services.audit.list(tx, kind="connection.renewed")
    assert event.actor == "system"


async def test_the_server_goes_on_with_a_deletion_whose_answer_was_lost(itself: House, clock: FakeClock) -> None:
    await _days(itself, clock, 83)
    itself.kucoin.spoils = spoils("DELETE")
    await _days(itself, clock, 1)
    assert (await itself.step(), itself.first.deleted) == (Step.ENDING, True)
    await _days(itself, clock, 1)
    assert (await itself.step(), len(itself.there)) == (None, 1)


async def test_unless_its_owner_said_so_it_does_not(house: House, clock: FakeClock) -> None:
    await _days(house, clock, 95)
    assert [one.key for one in house.there] == [house.first.key]


async def test_what_goes_wrong_is_told_and_tried_again_the_next_day(itself: House, clock: FakeClock) -> None:
    await _days(itself, clock, 82)
    itself.kucoin.spoils = spoils("POST")
    await _days(itself, clock, 1)
    assert await itself.step() is Step.MAKING
    assert "connection.rotation_failed" in await itself.dealings.told_of(itself.ada)
    await _days(itself, clock, 1)
    assert (await itself.step(), len(itself.there)) == (Step.SWITCHED, 2)


async def test_the_old_key_is_not_ended_under_a_program_that_was_started_with_it(
    itself: House, clock: FakeClock
) -> None:
    await itself.serving()  # as `exec` does
    await _days(itself, clock, 83)
    await _days(itself, clock, 2)
    assert (await itself.step(), itself.first.deleted) == (Step.SWITCHED, False)
    await itself.serving()
    await _days(itself, clock, 1)
    assert itself.first.deleted


async def test_a_rotation_that_its_owner_began_is_left_to_him_and_its_end_is_told(
    itself: House, clock: FakeClock
) -> None:
    own = itself.kucoin.sub_accounts.new_key(SUB, addresses=(OURS,))
    given = Pasted(own.key, Secret(own.secret), Secret(own.passphrase))
    await itself.dealings.vault.begin_rotation(itself.ada.account.id, "grid", given, **itself.told)
    await itself.do("switch")
    await _days(itself, clock, 1)
    await tell_deadlines_of_held_keys(itself.dealings.services)
    assert await itself.step() is Step.SWITCHED
    async with itself.dealings.services.database.read() as tx:
        told = await itself.dealings.services.notices.of(tx, itself.ada.account.id)
    assert "deadline.connection_overlap" in [one.kind for one in told]


@pytest.mark.parametrize("step", [Step.MADE, Step.ADDED])
async def test_a_new_key_that_is_gone_before_it_serves_is_given_up_and_another_made(
    itself: House, clock: FakeClock, step: Step
) -> None:
    """Deleted there by its owner, or by another process that made one at the same time: the server would fail each day."""
    await _days(itself, clock, 82)
    if step is Step.MADE:
        itself.kucoin.spoils = lambda seen, said: None if seen.path == "/api/v1/user/api-key" else said
        with pytest.raises(Unreachable):
            await itself.do("renew")
        itself.kucoin.spoils = None
    else:
        await itself.do("renew")
    assert await itself.step() is step
    (dead,) = [one for one in itself.there if one.key != itself.first.key]
    dead.deleted = True
    await _days(itself, clock, 1)
    assert (await itself.step(), [one.key for one in itself.there]) == (None, [itself.first.key])
    await _days(itself, clock, 1)
    assert await itself.step() is Step.SWITCHED
    assert (await itself.shown()).holds


async def test_a_new_key_that_the_exchange_is_slow_to_know_is_kept(itself: House, clock: FakeClock) -> None:
    await _days(itself, clock, 82)
    await itself.do("renew")
    (new,) = [one for one in itself.there if one.key != itself.first.key]
    new.addresses = ("127.0.0.99",)
    await _days(itself, clock, 1)
    assert (await itself.step(), new.deleted) == (Step.ADDED, False)


async def test_the_end_of_a_key_on_its_owner_s_word_counts_as_the_exchange_s(itself: House, clock: FakeClock) -> None:
    async with itself.dealings.services.database.write() as tx:
        told = itself.told
        ends_at = clock() + 30 * 86_400_000
        await itself.dealings.vault.edit(
            tx, itself.ada.account.id, "grid", ends_at=ends_at, actor=told["actor"], now=told["now"]
        )
    await _days(itself, clock, 22)
    assert await itself.step() is None
    await _days(itself, clock, 1)
    assert await itself.step() is Step.SWITCHED
    await _days(itself, clock, 1)
    assert ((await itself.step()), itself.first.deleted, (await itself.shown()).record.terms.ends_at) == (
        None,
        True,
        None,
    )
    for _ in range(20):  # it was said of the key before: the new one is not renewed each day
        await _days(itself, clock, 1)
    assert (itself.asked("POST"), await itself.step()) == (1, None)


@pytest.mark.parametrize("verb", sorted(THROUGH_A_MASTER))
async def test_sto_07_where_its_event_can_t_be_kept_nothing_is_named_and_no_key_made_there(
    house: House, verb: str
) -> None:
    async def act() -> None:
        await (house.do("renew") if verb == "Vault.renew" else house.name_master(by_itself=True))

    before, there = await everything(house.dealings), [one.key for one in house.there]
    async with house.dealings.services.database.write() as tx:
        await tx.exec_driver_sql(NO_AUDIT)
    with pytest.raises(KeywrightError, match="the audit log can't be written"):
        await act()
    assert await everything(house.dealings) == before
    assert [one.key for one in house.there] == there
    async with house.dealings.services.database.write() as tx:
        await tx.exec_driver_sql("DROP TRIGGER no_audit")
    await act()
