"""The policy: operators decide it while servers run; what was written behind our back is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import delete, update

from keywright.app.services import wire
from keywright.audit.events import Actor
from keywright.errors import Conflict, Invalid, LimitReached, NotProven, Unusable
from keywright.identity.model import FRESH_MS, FactorProof
from keywright.identity.passwords import CHEAPEST
from keywright.identity.policy_model import RULES, Policy, StoredPolicy, rule_of
from keywright.identity.prerequisites import Profile
from keywright.settings import read_settings
from keywright.storage.tables import audit_events, policy
from tests.support.audit import drop_guards
from tests.support.operators import make_operator
from tests.support.world import Person, World


@pytest.fixture
async def ada(world: World) -> Person:
    """Give an operator."""
    person = await world.person()
    await make_operator(world.services, person.account.id)
    return person


async def change(world: World, person: Person, wanted: Mapping[str, object], **more: Any) -> StoredPolicy:
    named = {"proof": world.proof(person), "actor": world.actor(person), "now": world.clock(), **more}
    async with world.services.database.write() as tx:
        return await world.services.policies.change(tx, wanted, **named)


async def current(world: World) -> Policy:
    async with world.services.database.read() as tx:
        return await world.services.policies.current(tx)


async def told(world: World) -> dict[str, Any]:
    async with world.services.database.read() as tx:
        newest = (await world.services.audit.list(tx, limit=1))[0]
    assert (newest.kind, newest.subject, newest.account_id) == ("policy.changed", "policy", "")
    return dict(json.loads(newest.detail))


async def test_k21_an_operator_changes_a_rule_and_gives_it_back(world: World, ada: Person) -> None:
    world.given(keys_per_account=4)
    stored = await change(world, ada, {"keys_per_account": "2", "profile": "platform"})
    assert stored.values == {"keys_per_account": 2, "profile": "platform"}
    assert (stored.version, stored.changed_by, stored.changed_at) == (1, ada.account.id, world.clock())
    assert (await current(world)).keys_per_account == 2
    assert (await current(world)).profile is Profile.PLATFORM
    assert await told(world) == {
        "before": {"keys_per_account": 4, "profile": "personal"},
        "after": {"keys_per_account": 2, "profile": "platform"},
        "defaults": [],
    }
    await change(world, ada, {"keys_per_account": None})
    assert (await current(world)).keys_per_account == 4
    assert await told(world) == {
        "before": {"keys_per_account": 2},
        "after": {"keys_per_account": 4},
        "defaults": ["keys_per_account"],
    }
    world.given(keys_per_account=7)  # another start with other settings: what was not decided follows them
    assert (await current(world)).keys_per_account == 7
    assert (await current(world)).profile is Profile.PLATFORM


async def test_a_rule_that_says_what_the_settings_say_stays_when_they_change(world: World, ada: Person) -> None:
    await change(world, ada, {"keys_per_account": 5})
    world.given(keys_per_account=50)
    assert (await current(world)).keys_per_account == 5


async def test_what_changes_nothing_leaves_no_event(world: World, ada: Person) -> None:
    await change(world, ada, {"key_lifetime_days": 30})
    assert (await change(world, ada, {"key_lifetime_days": 30})).version == 1
    assert (await change(world, ada, {"keys_per_account": None})).version == 1


async def test_a_change_counts_at_once_in_every_process(world: World, ada: Person) -> None:
    """Two sets of services over one database are two processes: nothing of the policy is kept in memory."""
    services = world.services
    other = World(
        wire(services.database, services.keyring, policy=Policy(), clock=world.clock, hasher=CHEAPEST), world.clock
    )
    bob = await world.person("bob@example.org")
    await other.key(bob)
    await change(world, ada, {"keys_per_account": 1, "sub_accounts_per_account": 0, "key_lifetime_days": 10})
    with pytest.raises(LimitReached, match="at most 1 keys"):
        await other.key(bob, name="second")
    with pytest.raises(LimitReached, match="at most 0 sub-accounts"):
        await other.sub_account(bob)
    eve = await other.person("eve@example.org")
    made = (await other.key(eve, "trade")).key
    assert made.grant.expires_at == made.created_at + 10 * 86_400_000


async def test_k2_the_profile_holds_for_the_next_key(world: World, ada: Person) -> None:
    await change(world, ada, {"profile": "exchange"})
    with pytest.raises(Conflict, match="trading password"):
        await world.key(ada)
    await change(world, ada, {"profile": None})
    await world.key(ada)


@pytest.mark.parametrize("how", ["nobody", "another", "stale", "by the row alone"])
async def test_it_takes_an_operators_fresh_second_factor(world: World, ada: Person, how: str) -> None:
    bob = await world.person("bob@example.org")
    proof = {
        "nobody": FactorProof("acc_unknown", "totp", world.clock()),
        "another": world.proof(bob),
        "stale": FactorProof(ada.account.id, "totp", world.clock() - FRESH_MS - 1),
        "by the row alone": world.proof(bob),
    }[how]
    if how == "by the row alone":
        from keywright.identity import store

        async with world.services.database.write() as tx:
            await store.set_operator(tx, account_id=bob.account.id, at=1)
    with pytest.raises(NotProven, match="operator"):
        await change(world, ada, {"keys_per_account": 1}, proof=proof)
    assert (await current(world)).keys_per_account == 5


async def test_a_service_token_needs_no_person(world: World) -> None:
    async with world.services.database.write() as tx:
        stored = await world.services.policies.change_by_service(
            tx, {"disable_idle_days": 60}, actor=Actor("tok_1"), now=world.clock()
        )
    assert stored.changed_by == "tok_1"
    assert (await current(world)).disable_idle_days == 60


async def test_who_looked_at_an_older_policy_changes_nothing(world: World, ada: Person) -> None:
    await change(world, ada, {"keys_per_account": 3}, version=0)
    with pytest.raises(Conflict, match="meanwhile"):
        await change(world, ada, {"keys_per_account": 9}, version=0)
    assert (await current(world)).keys_per_account == 3


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"keys_per_account": 0},
        {"keys_per_account": 1_001},
        {"keys_per_account": "many"},
        {"keys_per_account": "٣"},
        {"keys_per_account": True},
        {"keys_per_account": 1.5},
        {"profile": "bank"},
        {"profile": 1},
        {"addresses_per_key": 5},
        {"__class__": 5},
    ],
)
async def test_what_no_rule_can_say_changes_nothing(world: World, ada: Person, wanted: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        await change(world, ada, wanted)
    async with world.services.database.read() as tx:
        assert (await world.services.policies.stored(tx)).version == 0


BEHIND_OUR_BACK = {
    "another value": update(policy).values(content='{"keys_per_account": 900}'),
    "no JSON": update(policy).values(content="{"),
    "a later version": update(policy).values(version=2),
    "another author": update(policy).values(changed_by="acc_1"),
    "no row": delete(policy),
}


@pytest.mark.parametrize("how", BEHIND_OUR_BACK)
async def test_a_policy_that_was_written_behind_our_back_is_none(world: World, ada: Person, how: str) -> None:
    """Nothing is made by it, neither by what it says nor by looser settings, until an operator decides anew; and keys can
    be switched off meanwhile."""
    held = await world.key(ada)
    await change(world, ada, {"keys_per_account": 3})
    async with world.services.database.write() as tx:
        await tx.execute(BEHIND_OUR_BACK[how])
    with pytest.raises(Unusable, match="altered outside Keywright"):
        await world.key(ada, name="second")
    with pytest.raises(Unusable, match="altered outside Keywright"):
        await world.sub_account(ada)
    await world.disable(ada, held.id)
    stored = await change(world, ada, {"keys_per_account": 2})
    assert (stored.version, stored.holds) == (2, True)
    assert (await told(world))["altered"] is True
    await world.key(ada, name="second")


async def test_an_older_policy_put_back_is_none(world: World, ada: Person) -> None:
    await change(world, ada, {"keys_per_account": 900})
    async with world.services.database.read() as tx:
        from sqlalchemy import select

        older = (await tx.execute(select(policy))).one()._asdict()
    await change(world, ada, {"keys_per_account": 2})
    async with world.services.database.write() as tx:
        await tx.execute(update(policy).values(**older))
    with pytest.raises(Unusable, match="altered outside Keywright"):
        await current(world)


async def test_while_the_policy_is_altered_a_new_withdrawal_address_waits_longest(world: World, ada: Person) -> None:
    await change(world, ada, {"whitelist_hold_hours": 1})
    async with world.services.database.read() as tx:
        assert await world.services.policies.hold_ms(tx) == 3_600_000
    async with world.services.database.write() as tx:
        await tx.execute(delete(policy))
    async with world.services.database.read() as tx:
        assert await world.services.policies.hold_ms(tx) == 720 * 3_600_000


async def test_an_event_that_nobody_recorded_makes_the_policy_none(world: World, ada: Person) -> None:
    """Who can also write to the log, without its key, gains nothing: the row's own MAC is not theirs."""
    await change(world, ada, {"keys_per_account": 3})
    async with world.services.database.write() as tx:
        await drop_guards(tx)
        await tx.execute(update(audit_events).where(audit_events.c.subject == "policy").values(subject_version=2))
        await tx.execute(update(policy).values(version=2))
    with pytest.raises(Unusable):
        await current(world)


async def test_an_operator_closes_the_door_and_ends_connecting_while_the_server_runs(world: World, ada: Person) -> None:
    before = await current(world)
    assert (before.sign_up, before.connections_per_account) == ("open", 20)
    await change(world, ada, {"sign_up": "closed", "connections_per_account": "0"})
    after = await current(world)
    assert (after.sign_up, after.connections_per_account) == ("closed", 0)
    with pytest.raises(Invalid, match="choose one of open, closed"):
        await change(world, ada, {"sign_up": "auto"})


def test_rules_take_what_the_settings_of_the_same_name_take() -> None:
    for name, rule in RULES.items():
        for value in (rule.least, rule.most) if not rule.words else rule.words:
            settings, _ = read_settings({name: value}, environ={"HOME": "/nowhere"})
            assert getattr(settings, name) == value
            assert rule.checked(value) == value
        for value in (rule.least - 1, rule.most + 1, "none of these"):
            with pytest.raises(Invalid):
                read_settings({name: value}, environ={"HOME": "/nowhere"})
            with pytest.raises(Invalid):
                rule.checked(value)
    assert rule_of("profile").words == tuple(Profile)
