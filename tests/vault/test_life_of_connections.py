"""Whatever is done to connections, in whatever order: a key has one owner, an address serves one, what is bad serves none."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from keywright.app.chores import check_connections
from keywright.app.services import wire
from keywright.errors import Conflict, KeywrightError
from keywright.identity.passwords import CHEAPEST
from keywright.identity.policy_model import Policy
from keywright.sealing.keyring import Keyring, new_data_key
from keywright.storage.engine import open_database, sqlite_url
from keywright.storage.tables import held_keys
from keywright.vault.evidence import Right
from keywright.vault.model import Status
from keywright.vault.seam import KeyRefused
from tests.support.clock import FakeClock
from tests.support.world import Person, World
from tests.vault.conftest import Dealings, Told, kucoin, probed

ADDRESSES = ("203.0.113.1", "203.0.113.2")
WHO, KEYS = st.sampled_from(["ada", "bob"]), st.integers(1, 3)


class Connections(RuleBasedStateMachine):
    """Two people, three keys, two addresses. The model is who holds which key by what name, and what was suspended."""

    empty: Path

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="kwheld"))
        shutil.copy(self.empty, self.folder / "keywright.db")
        self.clock, told = FakeClock(), Told(probed(addresses=ADDRESSES))
        self.database = open_database(sqlite_url(self.folder / "keywright.db"))
        keyring = Keyring("db_test", {1: new_data_key()})
        services = wire(self.database, keyring, policy=Policy(), clock=self.clock, hasher=CHEAPEST, asks=told)
        services.vault._charge = None  # how often someone may try is another test's
        self.dealings = Dealings(World(services, self.clock), told)
        self.held: dict[tuple[str, str], int] = {}
        self.suspended: set[tuple[str, str]] = set()
        self.people: dict[str, Person] = self.run(self._settle())

    def run(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(work)

    async def _settle(self) -> dict[str, Person]:
        async with self.database.write() as tx:
            await self.dealings.services.audit.begin(tx)
        await self.dealings.pool(*ADDRESSES)
        return {name: await self.dealings.world.person(f"{name}@example.org") for name in ("ada", "bob")}

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.run(self.database.close())
            self.loop.close()
            shutil.rmtree(self.folder)

    @rule(who=WHO, key=KEYS)
    def connect(self, who: str, key: int) -> None:
        place = who, f"bot {key}"
        is_free = key not in self.held.values() and place not in self.held and len(self.held) < len(ADDRESSES)
        try:
            self.run(self.dealings.connect(self.people[who], kucoin(key), place[1]))
        except Conflict:
            assert not is_free
            self._let_go(who)
        else:
            assert is_free
            self.held[place] = key

    def _let_go(self, who: str) -> None:
        """Give up what was reserved for a key that was not taken, or it keeps the other one from the address."""
        person, now = self.people[who], self.clock()
        actor = self.dealings.world.actor(person)
        self.run(self.dealings.vault.release(person.account.id, "kucoin", actor=actor, now=now))

    @rule(who=WHO, key=KEYS)
    def give_a_bad_one(self, who: str, key: int) -> None:
        good, self.dealings.told.answer = self.dealings.told.answer, probed(Right.WITHDRAW, addresses=ADDRESSES)
        try:
            self.run(self.dealings.connect(self.people[who], kucoin(key), "bad"))
        except (KeyRefused, Conflict):
            pass
        else:
            raise AssertionError("a key that can withdraw was taken")
        finally:
            self.dealings.told.answer = good
            self._let_go(who)

    @rule(who=WHO, key=KEYS, other=KEYS)
    def replace(self, who: str, key: int, other: int) -> None:
        person, place = self.people[who], (who, f"bot {key}")
        actor, proof = self.dealings.world.actor(person), self.dealings.world.proof(person)
        is_free = place in self.held and other not in {held for at, held in self.held.items() if at != place}
        try:
            self.run(
                self.dealings.vault.replace_key(
                    person.account.id, place[1], kucoin(other), proof=proof, actor=actor, now=self.clock()
                )
            )
        except KeywrightError:
            assert not is_free
        else:
            assert is_free
            self.held[place] = other
            self.suspended.discard(place)

    @rule(who=WHO, key=KEYS)
    def remove(self, who: str, key: int) -> None:
        person, place = self.people[who], (who, f"bot {key}")
        actor, proof = self.dealings.world.actor(person), self.dealings.world.proof(person)

        async def remove() -> None:
            async with self.database.write() as tx:
                await self.dealings.vault.remove(
                    tx, person.account.id, place[1], proof=proof, actor=actor, now=self.clock()
                )

        try:
            self.run(remove())
        except KeywrightError:
            assert place not in self.held
        else:
            del self.held[place]
            self.suspended.discard(place)

    @rule(gained=st.booleans())
    def a_day_passes(self, *, gained: bool) -> None:
        """All keys gain a way out at their exchange, or are as they should be; the chore comes by."""
        rights = (Right.WITHDRAW,) if gained else ()
        self.dealings.told.answer = probed(*rights, addresses=ADDRESSES)
        self.clock.advance(days=1, seconds=1)
        self.run(check_connections(self.dealings.services))
        self.dealings.told.answer = probed(addresses=ADDRESSES)
        self.suspended |= self.held.keys() if gained else set()

    @invariant()
    def what_the_model_says_is_there(self) -> None:
        if hasattr(self, "people"):
            self.run(self._compare())

    async def _compare(self) -> None:
        async with self.database.read() as tx:
            found = await self.dealings.vault.everyone(tx)
            rows = (await tx.execute(select(held_keys).where(held_keys.c.key_digest.is_not(None)))).all()
        names = {person.account.id: name for name, person in self.people.items()}
        there = {(names[one.record.account_id], one.name): one for one in found}
        assert there.keys() == self.held.keys()
        assert all(one.holds for one in found)
        assert len({one.egress.id for one in found}) == len(found)
        assert len(rows) == len(found)
        for place, connection in there.items():
            assert (connection.record.status is Status.SUSPENDED) == (place in self.suspended)
            try:
                credentials = await self.dealings.hand_out(self.people[place[0]], place[1])
            except Conflict:
                assert place in self.suspended
            else:
                assert place not in self.suspended
                assert credentials.key == kucoin(self.held[place]).key


def test_in_whatever_order_a_key_has_one_owner_and_an_address_serves_one(empty_sqlite: Path) -> None:
    Connections.empty = empty_sqlite
    cheap = settings(max_examples=15, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(Connections, settings=cheap)
