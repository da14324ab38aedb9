"""What the gateway believes about keys: never longer than it is true, never what was edited behind our back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update

from keywright.app.services import Services, wire
from keywright.audit.log import AuditLog
from keywright.gateway import keys as keys_module
from keywright.gateway.freshness import SqliteFreshness
from keywright.gateway.keys import Keys
from keywright.gateway.model import KeyRecord
from keywright.identity.passwords import CHEAPEST
from keywright.identity.policy_model import Policy
from keywright.issuing.freezing import frozen_permissions
from keywright.issuing.model import Permission
from keywright.protocol.refusal import Reason, Refused
from keywright.sealing.keyring import Keyring
from keywright.storage.engine import open_database, sqlite_url
from keywright.storage.tables import api_keys, audit_events, sub_accounts
from keywright.storage.transaction import Database, Tx
from tests.support.audit import drop_guards
from tests.support.clock import FakeClock
from tests.support.operators import make_operator
from tests.support.world import World


@pytest.fixture
def database(sqlite: Database) -> Database:
    return sqlite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keywright.db"


@pytest.fixture
def keys(services: Services, path: Path) -> Iterator[Keys]:
    freshness = SqliteFreshness(path)
    yield Keys(services.database, keyring=services.keyring, audit=services.audit, freshness=freshness)
    freshness.close()


async def test_a_key_is_found_opened_and_bound_to_its_networks(world: World, keys: Keys) -> None:
    held = await world.key(await world.person(), "trade", addresses=("203.0.113.0/24",))
    record = await keys.find(held.id)
    assert record is not None
    assert record.holds
    assert record.secret == held.secret
    assert record.networks == ((4, 0xFFFFFF00, 0xCB007100),)
    assert await keys.find(held.id) is record, "the second time it comes from the cache"


@pytest.mark.parametrize("key_id", ["", "0" * 24, "x" * 10_000, "' OR 1=1 --"])
async def test_sig_31_what_is_no_key_is_none(world: World, keys: Keys, key_id: str) -> None:
    await world.key(await world.person())
    assert await keys.find(key_id) is None


async def test_a_change_counts_from_its_commit_on(world: World, keys: Keys) -> None:
    ada = await world.person()
    held = await world.key(ada)
    assert (await _found(keys, held.id)).disabled_at is None
    await world.disable(ada, held.id)
    assert (await _found(keys, held.id)).disabled_at == world.clock()


async def test_a_permission_frozen_while_a_key_is_read_is_frozen_for_it_whoever_saw_that_first(
    world: World, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read before the freeze must not be kept as what holds after it: another request has seen the change by then."""
    ada = await world.person()
    held, other = await world.key(ada, "trade"), await world.key(ada, "trade")
    issuing, database = world.services.issuing, world.services.database
    await make_operator(world.services, ada.account.id)
    paused = False

    async def read_and_pause(tx: Tx, audit: AuditLog) -> frozenset[Permission]:
        nonlocal paused
        found = await frozen_permissions(tx, audit)
        if not paused:
            paused = True
            async with database.write() as freezing:
                await issuing.freeze_permission(freezing, "trade", actor=world.actor(ada), now=world.clock())
            assert (await _found(keys, other.id)).frozen == {"trade"}
        return found

    monkeypatch.setattr(keys_module, "frozen_permissions", read_and_pause)
    assert (await _found(keys, held.id)).frozen == {"trade"}
    assert (await _found(keys, held.id)).frozen == {"trade"}, "and in the cache"


async def test_a_change_by_another_process_counts_too(
    world: World, keys: Keys, path: Path, keyring: Keyring, clock: FakeClock
) -> None:
    ada = await world.person()
    held = await world.key(ada)
    await keys.find(held.id)
    other = open_database(sqlite_url(path))  # another engine stands for another process: it shares no connection
    elsewhere = World(wire(other, keyring, policy=Policy(), clock=clock, hasher=CHEAPEST), clock)
    await elsewhere.disable(ada, held.id)
    await other.close()
    assert (await _found(keys, held.id)).disabled_at == clock()


async def test_an_id_that_was_unknown_is_known_once_its_key_is_made(
    world: World, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await world.person()
    monkeypatch.setattr("keywright.ids.new_key_id", lambda: "a" * 24)
    assert await keys.find("a" * 24) is None
    await world.key(ada)
    assert await keys.find("a" * 24) is not None


async def test_a_frozen_account_freezes_its_keys(world: World, keys: Keys) -> None:
    ada = await world.person()
    held = await world.key(ada)
    assert (await _found(keys, held.id)).frozen_at is None
    async with world.services.database.write() as tx:
        await world.services.identity.freeze(tx, ada.account.id, actor=world.actor(ada), now=world.clock())
    assert (await _found(keys, held.id)).frozen_at == world.clock()


async def test_a_sub_accounts_key_carries_its_number_and_its_freeze(world: World, keys: Keys) -> None:
    ada = await world.person()
    held = await world.key(ada, sub_account="trading1")
    sub = await world.sub_account(ada, "trading1")
    assert (await _found(keys, held.id)).uid == sub.uid
    async with world.services.database.write() as tx:
        await world.services.sub_accounts.freeze(
            tx, ada.account.id, "trading1", actor=world.actor(ada), now=world.clock()
        )
    assert (await _found(keys, held.id)).out_of_use is Reason.KEY_FROZEN
    async with world.services.database.write() as tx:
        await world.services.sub_accounts.unfreeze(
            tx, ada.account.id, "trading1", proof=world.proof(ada), actor=world.actor(ada), now=world.clock()
        )
    assert (await _found(keys, held.id)).out_of_use is None


async def test_t1_a_key_whose_sub_account_was_taken_away_is_none(world: World, keys: Keys) -> None:
    held = await world.key(await world.person(), sub_account="trading1")
    async with world.services.database.write() as tx:
        await tx.execute(delete(sub_accounts))
    assert await keys.find(held.id) is None


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("permissions", "read,withdraw"),
        ("addresses", ""),
        ("expires_at", 1),
        ("status", "expired"),
        ("version", 2),
        ("grant_mac", bytes(32)),
    ],
)
async def test_t1_an_edited_row_makes_the_key_unusable_not_stronger(
    world: World, keys: Keys, column: str, value: object
) -> None:
    held = await world.key(await world.person(), "trade", addresses=("203.0.113.7",))
    await _edit(world, column, value)
    assert not (await _found(keys, held.id)).holds


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("environment", "futures"),
        ("account_id", None),
        ("sub_account", "s1"),
        ("permissions", "admin"),
        ("secret_sealed", b"\x01" * 60),
    ],
)
async def test_t1_a_row_that_was_moved_does_not_open(world: World, keys: Keys, column: str, value: object) -> None:
    held = await world.key(await world.person("ada@example.org"))
    mallory = await world.person("mallory@example.org")
    await _edit(world, column, mallory.account.id if column == "account_id" else value)
    assert await keys.find(held.id) is None


async def test_t1_a_row_rolled_back_to_before_it_was_disabled_stays_unusable(world: World, keys: Keys) -> None:
    ada = await world.person()
    held = await world.key(ada)
    async with world.services.database.read() as tx:
        before = (await tx.execute(select(api_keys))).one()
    await world.disable(ada, held.id)
    async with world.services.database.write() as tx:
        await tx.execute(update(api_keys).values(before._asdict()))
    record = await _found(keys, held.id)
    assert record.disabled_at is None
    assert not record.holds, "the audit log knows a newer version"


async def test_a_rolled_back_row_and_a_shortened_log_are_caught_by_the_chain(world: World, keys: Keys) -> None:
    ada = await world.person()
    await world.key(ada)
    async with world.services.database.read() as tx:
        before = (await tx.execute(select(api_keys))).one()
    held = before.id
    await world.disable(ada, held)
    async with world.services.database.write() as tx:
        await tx.execute(update(api_keys).values(before._asdict()))
        newest = (await tx.execute(select(func.max(audit_events.c.seq)))).scalar_one()
        await drop_guards(tx)
        await tx.execute(delete(audit_events).where(audit_events.c.seq == newest))
    async with world.services.database.read() as tx:
        with pytest.raises(Exception, match="audit chain is broken"):
            await world.services.audit.verify(tx)


async def test_an_unsealed_switch_always_refuses_even_without_the_keyring(world: World, keys: Keys) -> None:
    held = await world.key(await world.person())
    await _edit(world, "disabled_at", 1)
    assert (await _found(keys, held.id)).disabled_at == 1


async def test_without_the_database_nothing_is_believed(world: World, keys: Keys) -> None:
    held = await world.key(await world.person())
    await keys.find(held.id)
    keys._freshness.close()  # type: ignore[attr-defined]
    with pytest.raises(Refused) as refused:
        await keys.find(held.id)
    assert refused.value.reason is Reason.NOT_SURE


async def test_dos_08_the_cache_is_bounded(world: World, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys_module, "MAX_RECORDS", 3)
    monkeypatch.setattr(keys_module, "MAX_UNKNOWN", 3)
    ada = await world.person()
    held = [await world.key(ada) for _ in range(5)]
    for each in held:
        assert await keys.find(each.id)
    for number in range(10):
        assert await keys.find(f"{number:024x}") is None
    assert len(keys._records) <= 3
    assert len(keys._unknown) <= 3


async def _found(keys: Keys, key_id: str) -> KeyRecord:
    record = await keys.find(key_id)
    assert record is not None
    return record


async def _edit(world: World, column: str, value: object) -> None:
    async with world.services.database.write() as tx:
        await tx.execute(update(api_keys).values({column: value}))
