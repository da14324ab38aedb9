"""LIFE-01: fifty creates at once leave exactly five keys; the others are told so, and nobody hears of a lock."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from keywright.audit.events import Kind
from keywright.issuing.model import Owner
from tests.support import killable
from tests.support.killable import Hands
from tests.support.server import Codes, Installation
from tests.support.world import World

ATTEMPTS, LIMIT = 50, 5


async def test_fifty_creates_in_four_processes(tmp_path: Path) -> None:
    """SQLite: the processes queue at the database, not in anybody's memory."""
    data = tmp_path / "data"
    account_id = await killable.new_account(data)
    workers = [killable.start(killable.create_many, data, account_id, count) for count in (13, 13, 12, 12)]
    facts = [fact for _, pipe in workers for fact in await asyncio.to_thread(killable.told, pipe)]
    for process, _ in workers:
        await asyncio.to_thread(process.join, 60)
        assert process.exitcode == 0
    assert Counter(word for word, *_ in facts) == {"created": LIMIT, "LimitReached": ATTEMPTS - LIMIT, "ended": 4}
    async with killable.opened(data) as services, services.database.read() as tx:
        keys = await services.issuing.keys(tx, Owner(account_id))
        assert {key.id for key in keys} == {about[0] for word, *about in facts if word == "created"}
        events = await services.audit.list(tx, account_id=account_id, limit=100)
        assert Counter(event.kind for event in events) == {Kind.KEY_ISSUED: LIMIT, Kind.ACCOUNT_CREATED: 1}
        await services.audit.verify(tx)


async def test_fifty_creates_in_one_process(world: World) -> None:
    """Both databases. In PostgreSQL sixteen connections race; the account's row makes them queue."""
    person = await world.person()
    hands = Hands(world.services, person.account.id)
    ended = await asyncio.gather(*(hands.create() for _ in range(ATTEMPTS)), return_exceptions=True)
    kinds = Counter(type(one).__name__ for one in ended)
    assert kinds == {"Issued": LIMIT, "LimitReached": ATTEMPTS - LIMIT}
    async with world.services.database.read() as tx:
        assert len(await world.services.issuing.keys(tx, person.owner)) == LIMIT
        assert (await world.services.audit.verify(tx)).count == LIMIT + 1


async def test_creates_of_two_accounts_do_not_share_a_limit(world: World) -> None:
    """Each account has its own five, made at the same time."""
    people = [await world.person(f"person{number}@example.org") for number in range(3)]
    attempts = [Hands(world.services, person.account.id).create() for person in people for _ in range(LIMIT + 1)]
    ended = await asyncio.gather(*attempts, return_exceptions=True)
    assert Counter(type(one).__name__ for one in ended) == {"Issued": 3 * LIMIT, "LimitReached": 3}


async def test_disables_beside_creates(world: World) -> None:
    """Verbs of one account at the same time: each acknowledged change is there afterwards, the versions without a gap."""
    person = await world.person()
    hands = Hands(world.services, person.account.id)
    keys = [await hands.create(f"bot {number}") for number in range(3)]
    verbs = [hands.disable(issued.key.id) for issued in keys for _ in range(4)]
    renames = [hands.rename(issued.key.id, f"renamed {turn}") for issued in keys for turn in range(4)]
    await asyncio.gather(*verbs, *renames, hands.create("another"))
    async with world.services.database.read() as tx:
        for key in await world.services.issuing.keys(tx, person.owner):
            assert key.grant.version == await world.services.audit.latest_version(tx, key.id)
            assert (key.disabled_at is not None) == (key.name != "another")
        await world.services.audit.verify(tx)


def test_a_code_serves_one_of_two_commands(tmp_path: Path) -> None:
    """The same code typed into two commands at once: one is done, the other is told that it was used (RFC 6238, 5.2)."""
    installation = Installation(tmp_path)
    made = installation.cli("accounts", "create", "ada@example.org", "--json", stdin="seven-lamps-under-rain\n").json
    code = Codes(made["totp_secret"]).next()

    async def both() -> list[int]:
        typed = ("Quiet-Harbour-77", "Green-Lantern-42")
        commands = (
            asyncio.to_thread(installation.cli, "keys", "create", "bot", stdin=f"{passphrase}\n{code}\n")
            for passphrase in typed
        )
        return [said.code for said in await asyncio.gather(*commands)]

    assert sorted(asyncio.run(both())) == [0, 4]
    assert len(installation.cli("keys", "list", "--json").json["keys"]) == 1
