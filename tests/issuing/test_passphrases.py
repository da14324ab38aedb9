"""A key's passphrase: set anew with step-up and the current one, everything else stays. K25, K18 by number."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from keywright.errors import Conflict, Invalid, KeywrightError, NotFound, NotProven, Unusable
from keywright.identity.model import FactorProof
from keywright.issuing.model import ApiKey, Owner, Passphrase
from keywright.issuing.rules import DAY_MS
from keywright.secret import Secret
from tests.issuing.test_service import _row
from tests.support.world import PASSWORD, Held, Person, World

NEW = Secret("Tr4ding-Pass-91")


async def vetted(world: World, person: Person, typed: Secret = NEW) -> Passphrase:
    async with world.services.database.read() as tx:
        return await world.services.issuing.vet_passphrase(tx, person.owner, typed, about=("bot",))


async def change(world: World, person: Person, held: Held, new: Secret | Passphrase = NEW, **more: Any) -> ApiKey:
    passphrase = new if isinstance(new, Passphrase) else await vetted(world, person, new)
    given: dict[str, Any] = {"current": held.passphrase, "new": passphrase, "proof": world.proof(person)} | more
    async with world.services.database.write() as tx:
        return await world.services.issuing.change_passphrase(
            tx, person.owner, held.id, actor=world.actor(person), now=world.clock(), **given
        )


async def is_its_passphrase(world: World, person: Person, held: Held, passphrase: Secret) -> bool:
    """Tell by the verb itself: only who gives the current one is told that a new one is the same."""
    try:
        await change(world, person, held, passphrase, current=passphrase)
    except NotProven:
        return False
    except Invalid as refused:
        return "has already" in refused.message
    raise AssertionError


async def test_k25_the_new_one_is_the_keys_passphrase_and_the_old_one_is_not(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada, "trade", addresses=("203.0.113.7",))
    changed = await change(world, ada, held)
    assert await is_its_passphrase(world, ada, held, NEW)
    assert not await is_its_passphrase(world, ada, held, held.passphrase)
    assert changed.grant.version == held.key.grant.version + 1
    async with world.services.database.read() as tx:
        shown = await world.services.issuing.key(tx, ada.owner, held.id)
    assert shown == changed
    for name in ("permissions", "environment", "addresses", "status", "expires_at", "account_id"):
        assert getattr(changed.grant, name) == getattr(held.key.grant, name)
    assert (changed.name, changed.memo, changed.created_at) == (held.key.name, held.key.memo, held.key.created_at)


async def test_k25_the_secret_stays_and_neither_passphrase_is_kept(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada)
    before = await _row(world, held.id)
    await change(world, ada, held)
    after = await _row(world, held.id)
    assert before.secret_sealed == after.secret_sealed  # type: ignore[attr-defined]
    assert before.passphrase_digest != after.passphrase_digest  # type: ignore[attr-defined]
    for passphrase in (NEW, held.passphrase):
        assert passphrase.reveal() not in repr(after).encode()


async def test_k25_it_takes_a_fresh_factor_of_the_owner(world: World) -> None:
    ada, bob = await world.person("ada@example.org"), await world.person("bob@example.org")
    held = await world.key(ada)
    now = world.clock()
    for proof in (
        world.proof(bob),
        FactorProof(ada.account.id, "totp", now - 600_001),
        FactorProof(ada.account.id, "totp", now + 1),
    ):
        with pytest.raises(NotProven, match="second factor"):
            await change(world, ada, held, proof=proof)
    assert await is_its_passphrase(world, ada, held, held.passphrase)


@pytest.mark.parametrize("wrong", [b"", b"wrong", b"\xff\xfe", b"x" * 100_000])
async def test_k25_it_takes_the_current_passphrase_of_this_very_key(world: World, wrong: bytes) -> None:
    ada = await world.person()
    held, other = await world.key(ada), await world.key(ada)
    for current in (Secret(wrong), other.passphrase, held.secret):
        with pytest.raises(NotProven, match="not the key's passphrase") as refused:
            await change(world, ada, held, current=current)
        assert "make a new key" in refused.value.hint
    assert await is_its_passphrase(world, ada, held, held.passphrase)


async def test_k18_the_new_one_is_neither_the_same_nor_another_keys_nor_the_accounts_password(world: World) -> None:
    ada = await world.person(password=Secret("Quiet-Harbour-77"))
    held, other = await world.key(ada), await world.key(ada)
    with pytest.raises(Invalid, match="has already"):
        await change(world, ada, held, held.passphrase)
    with pytest.raises(Invalid, match="another of your keys"):
        await change(world, ada, held, other.passphrase)
    with pytest.raises(Invalid, match="account's password"):
        await change(world, ada, held, Secret("Quiet-Harbour-77"))
    with pytest.raises(Invalid, match="easily guessed"):
        await change(world, ada, held, Secret("Passw0rd!"))


async def test_k18_a_disabled_keys_passphrase_counts_and_a_deleted_ones_does_not(world: World) -> None:
    ada = await world.person()
    held, other = await world.key(ada), await world.key(ada)
    await world.disable(ada, other.id)
    with pytest.raises(Invalid, match="another of your keys"):
        await change(world, ada, held, other.passphrase)
    async with world.services.database.write() as tx:
        await world.services.issuing.delete(
            tx, ada.owner, other.id, proof=world.proof(ada), actor=world.actor(ada), now=world.clock()
        )
    await change(world, ada, held, other.passphrase)


async def test_a_passphrase_that_was_vetted_for_someone_else_is_not_taken(world: World) -> None:
    ada, bob = await world.person("ada@example.org"), await world.person("bob@example.org")
    held = await world.key(ada)
    with pytest.raises(Invalid, match="another account"):
        await change(world, ada, held, await vetted(world, bob))


async def test_k18_two_keys_changed_at_once_are_never_given_the_same_one(world: World) -> None:
    ada = await world.person()
    keys = [await world.key(ada) for _ in range(5)]
    outcomes = await asyncio.gather(*(change(world, ada, held) for held in keys), return_exceptions=True)
    assert sum(isinstance(outcome, ApiKey) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Invalid) for outcome in outcomes) == 4


async def test_of_twenty_changes_of_one_key_at_once_one_finds_the_current_passphrase(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada)
    tried = [change(world, ada, held, Secret(f"Tr4ding-Pass-{number}")) for number in range(20, 40)]
    outcomes = await asyncio.gather(*tried, return_exceptions=True)
    assert sum(isinstance(outcome, ApiKey) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, NotProven) for outcome in outcomes) == 19


async def test_perm_06_someone_elses_key_is_no_key(world: World) -> None:
    ada, bob = await world.person("ada@example.org"), await world.person("bob@example.org")
    held = await world.key(ada)
    passphrase = await vetted(world, bob)
    for owner, key_id in ((bob.owner, held.id), (Owner(bob.account.id, "s1"), held.id), (bob.owner, "0" * 24)):
        async with world.services.database.write() as tx:
            with pytest.raises(NotFound):
                await world.services.issuing.change_passphrase(
                    tx,
                    owner,
                    key_id,
                    current=held.passphrase,
                    new=passphrase,
                    proof=world.proof(bob),
                    actor=world.actor(bob),
                    now=world.clock(),
                )


async def test_an_expired_a_deleted_and_an_altered_key_get_no_new_one(world: World) -> None:
    ada = await world.person()
    expiring, deleted, altered = await world.key(ada, "trade"), await world.key(ada), await world.key(ada)
    await world.disable(ada, deleted.id)
    async with world.services.database.write() as tx:
        await world.services.issuing.delete(
            tx, ada.owner, deleted.id, proof=world.proof(ada), actor=world.actor(ada), now=world.clock()
        )
        await tx.exec_driver_sql(f"UPDATE api_keys SET permissions = 'read,withdraw' WHERE id = '{altered.id}'")
    with pytest.raises(Conflict, match="deleted"):
        await change(world, ada, deleted)
    with pytest.raises(Unusable, match="altered"):
        await change(world, ada, altered)
    world.clock.advance(ms=90 * DAY_MS)
    with pytest.raises(Conflict, match="time is up"):
        await change(world, ada, expiring)


async def test_a_disabled_key_gets_a_new_one_and_stays_off(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada)
    await world.disable(ada, held.id)
    changed = await change(world, ada, held)
    assert changed.disabled_at is not None
    assert changed.status_at(world.clock()) == "disabled"


async def test_aud_01_a_change_leaves_one_event_and_no_passphrase_in_it(world: World) -> None:
    ada = await world.person()
    held = await world.key(ada)
    await change(world, ada, held)
    async with world.services.database.read() as tx:
        events = await world.services.audit.list(tx)
        await world.services.audit.verify(tx)
    assert [row.kind for row in events] == ["key.passphrase_changed", "key.issued", "account.created"]
    assert (events[0].subject, events[0].subject_version, events[0].actor) == (held.id, 2, ada.account.id)
    for passphrase in (NEW, held.passphrase, PASSWORD):
        assert passphrase.reveal_text() not in repr(events)


async def test_sto_07_when_its_event_can_not_be_written_the_old_one_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await world.person()
    held = await world.key(ada)
    before = await _row(world, held.id)

    async def broken(*_: object, **__: object) -> int:
        raise KeywrightError("no room in the archive")

    monkeypatch.setattr(world.services.audit, "record", broken)
    with pytest.raises(KeywrightError, match="no room"):
        await change(world, ada, held)
    monkeypatch.undo()
    assert await _row(world, held.id) == before
    await change(world, ada, held)
