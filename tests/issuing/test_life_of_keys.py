"""Whatever is done to keys, in whatever order: what a small model says of them is what is there (LIFE-01 to 13)."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from keywright.app.chores import end_overlaps, expire, remove_never_shown
from keywright.app.services import wire
from keywright.errors import Conflict, Invalid, KeywrightError
from keywright.identity.passwords import CHEAPEST
from keywright.identity.policy_model import Policy
from keywright.issuing.model import ApiKey, NewKey, Passphrase, Status
from keywright.issuing.rules import DAY_MS, HOUR_MS, PENDING_MS, places_taken
from keywright.sealing.keyring import Keyring, new_data_key
from keywright.secret import Secret
from keywright.storage.engine import open_database, sqlite_url
from tests.support.clock import FakeClock
from tests.support.world import Person, World

PLACES = 3
LIFETIME_DAYS = 10


@dataclass(frozen=True)
class Said:
    """What the model says of one key."""

    made_at: int
    expires_at: int | None
    pending: bool = False
    off: bool = False
    predecessor: str = ""
    until: int | None = None
    at_once: bool = False


class Keys(RuleBasedStateMachine):
    """Drives the verbs and the model beside one another; time passes with chores and without."""

    empty: Path | None = None
    """A migrated, empty database, to copy for each example; or …"""
    url = ""
    """… the one that all examples share, each with a person of its own."""
    keyring = Keyring("db_test", {1: new_data_key()})

    @initialize()
    def begin(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="kwlife"))
        if self.empty is not None:
            shutil.copy(self.empty, self.folder / "keywright.db")
        self.clock = FakeClock()
        self.database = open_database(self.url or sqlite_url(self.folder / "keywright.db"))
        policy = Policy(PLACES, LIFETIME_DAYS)
        services = wire(self.database, self.keyring, policy=policy, clock=self.clock, hasher=CHEAPEST)
        self.world = World(services, self.clock)
        self.said: dict[str, Said] = {}
        self.gone: set[str] = set()
        self.frozen = False
        self.ada: Person = self.run(self._settle())

    def run(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(work)

    async def _settle(self) -> Person:
        if not self.url:
            async with self.database.write() as tx:
                await self.world.services.audit.begin(tx)
        return await self.world.person(f"ada-{secrets.token_hex(8)}@example.org")

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.run(self.database.close())
            self.loop.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    # ── what is done

    def do(self, verb: str, key_id: str | None, *, proved: bool, **more: Any) -> Any:
        """Do it; return what came of it, or the error."""
        if proved:
            more["proof"] = self.world.proof(self.ada)

        async def once() -> Any:
            done = getattr(self.world.services.issuing, verb)
            named = () if key_id is None else (key_id,)
            async with self.database.write() as tx:
                return await done(
                    tx, self.ada.owner, *named, **more, actor=self.world.actor(self.ada), now=self.clock()
                )

        try:
            return self.run(once())
        except (Conflict, Invalid) as refused:
            return refused

    def passphrase(self) -> Passphrase:
        return Passphrase(self.ada.account.id, Secret(f"Pw-{secrets.token_hex(8)}"))

    @rule(trades=st.booleans(), pending=st.booleans())
    def issue(self, trades: bool, pending: bool) -> None:
        wanted = frozenset({"trade"} if trades else {"read"})
        came = self.do("issue", None, proved=True, new_key=NewKey("bot", self.passphrase(), wanted, pending=pending))
        if self.frozen or self._places() >= PLACES:
            assert isinstance(came, KeywrightError)
            return
        expires_at = self.clock() + LIFETIME_DAYS * DAY_MS if trades else None
        self.said[came.key.id] = Said(self.clock(), expires_at, pending)

    @precondition(lambda self: self.said)
    @rule(data=st.data(), hours=st.sampled_from([0, 1, 24, 168]), pending=st.booleans())
    def rotate(self, data: st.DataObject, hours: int, pending: bool) -> None:
        key_id = self._one(data)
        old = self.said[key_id]
        came = self.do(
            "rotate", key_id, proved=True, passphrase=self.passphrase(), overlap_hours=hours, pending=pending
        )
        if self.frozen or self._status(key_id) is not Status.ACTIVE or self._mate(key_id):
            assert isinstance(came, KeywrightError)
            return
        expires_at = None if old.expires_at is None else self.clock() + LIFETIME_DAYS * DAY_MS
        self.said[came.key.id] = Said(self.clock(), expires_at, pending, predecessor=key_id)
        at_once = pending and not hours
        until = self.clock() + (PENDING_MS + 5 * 60_000 if at_once else hours * HOUR_MS)
        self.said[key_id] = replace(old, until=until, at_once=at_once, off=hours == 0 and not pending)

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        key_id = self._one(data)
        status = self._status(key_id)
        in_time = status is Status.PENDING and self.clock() < self.said[key_id].made_at + PENDING_MS
        came = self.do("acknowledge", key_id, proved=False)
        assert isinstance(came, ApiKey) == (in_time or status is Status.ACTIVE)
        if in_time:
            key = self.said[key_id]
            self.said[key_id] = replace(key, pending=False)
            old = self.said.get(key.predecessor)
            if old and old.at_once:
                self.said[key.predecessor] = replace(old, off=True)

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def disable(self, data: st.DataObject) -> None:
        key_id = self._one(data)
        assert isinstance(self.do("disable", key_id, proved=False), ApiKey), "switching off never fails"
        self.said[key_id] = replace(self.said[key_id], off=True)

    @precondition(lambda self: self.said)
    @rule(data=st.data())
    def enable(self, data: st.DataObject) -> None:
        key_id = self._one(data)
        key = self.said[key_id]
        replaced = key.until is not None and self.clock() >= key.until and self._successor(key_id)
        over = key.expires_at is not None and self.clock() >= key.expires_at
        may = self._status(key_id) is Status.DISABLED and not key.pending and not over and not replaced
        came = self.do("enable", key_id, proved=True)
        assert isinstance(came, ApiKey) == bool(may)
        if may:
            until = None if key.until is not None and self.clock() >= key.until else key.until
            self.said[key_id] = replace(key, off=False, until=until)

    @precondition(lambda self: self.said)
    @rule(data=st.data(), discard=st.booleans())
    def remove(self, data: st.DataObject, discard: bool) -> None:
        key_id = self._one(data)
        status = self._status(key_id)
        may = self.said[key_id].pending if discard else status is not Status.ACTIVE
        came = self.do("discard" if discard else "delete", key_id, proved=not discard)
        assert isinstance(came, ApiKey) == may
        if may:
            self._bury(key_id)

    @precondition(lambda self: self.said)
    @rule(data=st.data(), name=st.sampled_from(["a", "bot", "Grid"]))
    def rename(self, data: st.DataObject, name: str) -> None:
        assert isinstance(self.do("rename", self._one(data), proved=False, name=name), ApiKey)

    @rule()
    def freeze(self) -> None:
        async def turn() -> None:
            identity, actor = self.world.services.identity, self.world.actor(self.ada)
            async with self.database.write() as tx:
                if self.frozen:
                    proof = self.world.proof(self.ada)
                    await identity.unfreeze(tx, self.ada.account.id, proof=proof, actor=actor, now=self.clock())
                else:
                    await identity.freeze(tx, self.ada.account.id, actor=actor, now=self.clock())

        self.run(turn())
        self.frozen = not self.frozen

    @rule(passed=st.sampled_from([1, PENDING_MS, HOUR_MS, DAY_MS, LIFETIME_DAYS * DAY_MS]), chores=st.integers(0, 2))
    def time_passes(self, passed: int, chores: int) -> None:
        """With the chores in one order, in the other, or with none: the server was off."""
        self.clock.now += passed
        if not chores:
            return
        rounds: list[Callable[..., Awaitable[None]]] = [expire, remove_never_shown, end_overlaps]
        for chore in rounds[:: 1 if chores == 1 else -1]:
            self.run(chore(self.world.services))
        for key_id in [one for one, key in self.said.items() if key.pending]:
            if self.clock() >= self.said[key_id].made_at + PENDING_MS:
                self._bury(key_id)
        for key_id, key in self.said.items():
            if key.until is not None and self.clock() >= key.until:
                self.said[key_id] = replace(key, off=True)

    # ── what must hold

    @invariant()
    def all_is_as_the_model_says(self) -> None:
        if not hasattr(self, "ada"):
            return

        async def look() -> list[ApiKey]:
            async with self.database.read() as tx:
                await self.world.services.audit.verify(tx)
                return await self.world.services.issuing.keys(tx, self.ada.owner)

        keys = self.run(look())
        assert {key.id: key.status_at(self.clock()) for key in keys} == {one: self._status(one) for one in self.said}
        assert all(key.holds for key in keys)
        assert not self.gone & self.said.keys()
        assert places_taken(keys) == self._places() <= PLACES

    def _one(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(list(self.said)))  # in the order they were made: ids are drawn by chance

    def _places(self) -> int:
        return sum(key.predecessor not in self.said for key in self.said.values())

    def _successor(self, key_id: str) -> str:
        return next((one for one, key in self.said.items() if key.predecessor == key_id), "")

    def _mate(self, key_id: str) -> str:
        before = self.said[key_id].predecessor
        return before if before in self.said else self._successor(key_id)

    def _status(self, key_id: str) -> Status:
        key, now = self.said[key_id], self.clock()
        if key.off or (key.until is not None and now >= key.until):
            return Status.DISABLED
        if key.pending:
            return Status.PENDING
        return Status.EXPIRED if key.expires_at is not None and now >= key.expires_at else Status.ACTIVE

    def _bury(self, key_id: str) -> None:
        key = self.said.pop(key_id)
        self.gone.add(key_id)
        old = self.said.get(key.predecessor)
        if old and old.until is not None:
            over = not key.pending and self.clock() >= old.until
            self.said[key.predecessor] = replace(old, until=None, at_once=False, off=old.off or over)


def _run(machine: type[Keys], *, examples: int) -> None:
    checks = list(HealthCheck)
    profile = settings(max_examples=examples, stateful_step_count=25, deadline=None, suppress_health_check=checks)
    run_state_machine_as_test(machine, settings=profile)


def test_life_of_keys_on_sqlite(empty_sqlite: Path) -> None:
    class OnSqlite(Keys):
        empty = empty_sqlite

    _run(OnSqlite, examples=30)


@pytest.mark.postgres
def test_life_of_keys_on_postgres(postgres_url: str) -> None:
    async def begin() -> None:
        database = open_database(postgres_url)
        services = wire(database, Keys.keyring, policy=Policy(), clock=FakeClock(), hasher=CHEAPEST)
        async with database.write() as tx:
            await services.audit.begin(tx)
        await database.close()

    class OnPostgres(Keys):
        url = postgres_url

    asyncio.run(begin())
    _run(OnPostgres, examples=10)
