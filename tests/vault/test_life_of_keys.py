"""Whatever happens to a key that is held, in whatever order, and wherever a verb is cut: what serves works, and all is known."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from keywright.app.chores import check_connections
from keywright.app.services import wire
from keywright.errors import Conflict, KeywrightError
from keywright.identity.passwords import CHEAPEST
from keywright.identity.policy_model import Policy
from keywright.sealing.keyring import Keyring, new_data_key
from keywright.secret import Secret
from keywright.storage.engine import open_database, sqlite_url
from keywright.storage.tables import audit_events, held_keys
from keywright.vault.mastery import ACCEPT_MASTER
from keywright.vault.model import Connection, NewConnection, Pasted, Status
from keywright.vault.terms import Purpose
from tests.doubles.exchange import DoubleKey
from tests.doubles.kucoin import KucoinDouble
from tests.support.clock import FakeClock
from tests.support.world import World
from tests.vault.boundaries import Boundaries, Cut, Fault, Killed
from tests.vault.conftest import Dealings, Told

OURS, MASTERS = "127.0.0.7", "127.0.0.8"
SUB = "gridbot7"
ROTATING = ("renew", "switch", "finish", "roll_back", "leave")
VERBS = (
    *ROTATING, "begin", "begin_abler", "replace", "check", "chore", "by_itself", "suspend", "ends", "stay", "start", "remove", "connect",
    "check_master", "suspend_master", "remove_master", "connect_master", "name", "name_by_itself", "unname", "reserve",
)  # fmt: skip
THERE = (
    "delete_serving", "delete_other", "untick", "tick_more", "tick_margin", "restore", "move", "expire", "master_loses",
    "master_gains", "master_ends",
)  # fmt: skip


class Keys(RuleBasedStateMachine):
    """One person with a bot's connection and its master's; what happens at KuCoin happens at its double."""

    empty: Path
    say: Callable[..., None] = staticmethod(lambda *_: None)

    @initialize(by_itself=st.booleans())
    def begin(self, *, by_itself: bool) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp(prefix="kwkeys"))
        shutil.copy(self.empty, self.folder / "keywright.db")
        self.clock = FakeClock()
        self.kucoin = KucoinDouble(self.clock)
        self.cuts = Boundaries(self.kucoin)
        self.database = open_database(sqlite_url(self.folder / "keywright.db"))
        self.patch = mock.patch("keywright.vault.client.Wire", self.cuts.wire())
        self.patch.start()
        keyring = Keyring("db_test", {1: new_data_key()})
        self.services = wire(self.database, keyring, policy=Policy(), clock=self.clock, hasher=CHEAPEST)
        self.services.vault._charge = None  # how often someone may try is another test's
        self.vault = self.services.vault
        self.dealings = Dealings(World(self.services, self.clock), Told())
        self.deleted_here: set[str] = set()
        self.deleted_there: set[str] = set()
        self.stopped = False
        self.abler: set[str] = set()
        """Keys of which its owner accepted that they may borrow."""
        delete = self.kucoin.sub_accounts._delete

        def deleting(given: dict[str, Any]) -> object:
            done = delete(given)
            if done is not None:
                self.deleted_here.add(given["apiKey"])
            return done

        self.kucoin.sub_accounts._delete = deleting  # type: ignore[method-assign]
        self.run(self._settle(by_itself))
        self.cuts.over(self.database)

    def run(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(work)

    async def _settle(self, by_itself: bool) -> None:
        async with self.database.write() as tx:
            await self.services.audit.begin(tx)
        await self.dealings.pool(MASTERS, OURS)
        self.ada = await self.dealings.world.person()
        self.master = self.kucoin.new_key("General", addresses=(MASTERS,), created_at=1_600_000_000_000)
        await self._connect("master")
        await self._connect("grid")
        await self.vault.name_master(self.who, "grid", "master", by_itself=by_itself, **self.told)

    def teardown(self) -> None:
        if not hasattr(self, "ada"):
            return
        try:
            self.run(self._leads_out())
        finally:
            self.run(self.database.close())
            self.loop.close()
            self.patch.stop()
            shutil.rmtree(self.folder)

    # ── who acts

    @property
    def who(self) -> str:
        return self.ada.account.id

    @property
    def told(self) -> dict[str, Any]:
        world = self.dealings.world
        return {"proof": world.proof(self.ada), "actor": world.actor(self.ada), "now": self.clock()}

    def _unproven(self) -> dict[str, Any]:
        return {"actor": self.dealings.world.actor(self.ada), "now": self.clock()}

    def fresh(self) -> DoubleKey:
        """Return a key that its owner has just made on KuCoin's page."""
        return self.kucoin.sub_accounts.new_key(SUB, addresses=(OURS,), created_at=self.clock())

    def _given(self, key: DoubleKey, *accept: str) -> Pasted:
        return Pasted(key.key, Secret(key.secret), Secret(key.passphrase), frozenset(accept))

    async def _connect(self, name: str) -> None:
        is_master = name == "master"
        key = self.master if is_master else self.fresh()
        purpose = Purpose.MASTER if is_master else Purpose.BOTS
        given = self._given(key, ACCEPT_MASTER) if is_master else self._given(key)
        now = self._unproven()
        await self.vault.release(self.who, "kucoin", **now)
        await self.vault.reserve(self.who, "kucoin", **now)
        await self.vault.connect(self.who, NewConnection(name, "kucoin", given, (), purpose), **self.told)
        if not is_master:
            self.stopped = False

    async def act(self, verb: str) -> None:
        """Do what an owner or the server does."""
        vault, who = self.vault, self.who
        if verb in ("renew", "switch", "roll_back"):
            await getattr(vault, verb)(who, "grid", **self.told)
        elif verb == "finish":
            await vault.finish(who, "grid", despite_started=True, **self.told)
        elif verb == "leave":
            await vault.roll_back(who, "grid", leave=True, **self.told)
        elif verb == "begin":
            await vault.begin_rotation(who, "grid", self._given(self.fresh()), **self.told)
        elif verb == "begin_abler":
            key = self.fresh()
            key.rights["permission"] = "General,Spot,Margin"
            self.abler.add(key.key)
            await vault.begin_rotation(who, "grid", self._given(key, "margin"), **self.told)
        elif verb == "replace":
            self.stopped, was = False, self.stopped
            try:
                await vault.replace_key(who, "grid", self._given(self.fresh()), **self.told)
            except KeywrightError:
                self.stopped = was
                raise
        elif verb == "check":
            self.stopped, was = False, self.stopped
            try:
                await vault.check(who, "grid", **self.told)
            except KeywrightError:
                self.stopped = was
                raise
        elif verb == "chore":
            await check_connections(self.services)
        elif verb == "by_itself":
            await vault.rotate_by_itself(who, "grid", now=self.clock())
        elif verb in ("name", "name_by_itself"):
            await vault.name_master(who, "grid", "master", by_itself=verb != "name", **self.told)
        elif verb == "unname":
            await vault.name_master(who, "grid", "", **self.told)
        elif verb in ("connect", "connect_master"):
            await self._connect("master" if verb == "connect_master" else "grid")
        elif verb == "check_master":
            await vault.check(who, "master", **self.told)
        elif verb == "reserve":
            await vault.reserve(who, "kucoin", **self._unproven())
        elif verb == "start":
            await self.dealings.hand_out(self.ada, "grid")
        else:
            await self._in_one(verb)

    async def _in_one(self, verb: str) -> None:
        """Do what is one transaction of its caller's."""
        vault, who = self.vault, self.who
        name = "master" if verb.endswith("_master") else "grid"
        async with self.database.write() as tx:
            if verb.startswith("suspend"):
                await vault.suspend(tx, who, name, **self._unproven())
            elif verb.startswith("remove"):
                await vault.remove(tx, who, name, **self.told)
            else:
                days = {"ends": 20, "stay": 0}[verb]
                ends_at = self.clock() + days * 86_400_000 if days else 0
                await vault.edit(tx, who, name, ends_at=ends_at, **self._unproven())
        if verb == "suspend":
            self.stopped = True

    async def try_to(self, verb: str) -> str:
        """Do it, whatever comes of it."""
        try:
            await self.act(verb)
        except KeywrightError as error:
            return f"{type(error).__name__}: {error.message}"
        except Killed:
            return "killed"
        return "done"

    def at_kucoin(self, what: str) -> None:
        """Do what an owner does on KuCoin's pages."""
        keys = self.run(self._keys())
        serving, other = keys.get("serving"), keys.get("other")
        if what == "delete_serving" and serving:
            serving.deleted = True
            self.deleted_there.add(serving.key)
        elif what == "delete_other" and other:
            other.deleted = True
            self.deleted_there.add(other.key)
        elif what in ("untick", "tick_more", "tick_margin") and serving:
            rights = {"untick": "General", "tick_more": "General,Spot,Transfer", "tick_margin": "General,Spot,Margin"}
            serving.rights["permission"] = rights[what]
        elif what == "move" and serving:
            serving.addresses = ("127.0.0.99",)
        elif what == "expire" and serving:
            serving.expires_at = self.clock()
            self.deleted_there.add(serving.key)
        elif what == "master_loses":
            self.master.rights["permission"] = "Spot"
        elif what == "master_gains":
            self.master.rights["permission"] = "General,Spot"
        elif what == "master_ends":
            self.master.deleted = True
        elif what == "restore":
            self._restore()

    def _restore(self) -> None:
        for key in self.kucoin.sub_accounts.of(SUB):
            key.rights["permission"], key.addresses = "General,Spot", (OURS,)
        self.master.rights["permission"], self.master.deleted = "General", False
        self.cuts.gone.clear()

    async def _keys(self) -> dict[str, DoubleKey]:
        """Return the keys of the connection as they are at KuCoin."""
        found = {}
        async with self.database.read() as tx:
            try:
                connection, sealed = await self.vault.book.find(tx, self.who, "grid")
            except KeywrightError:
                return {}
            found["serving"] = self.kucoin.keys[self.vault.book.open(connection, sealed).key]
            if connection.record.rotation is not None:
                held, sealed = await self.vault._other(tx, connection, connection.record.rotation)
                if held.digest is not None:
                    opened = self.vault.book.open(replace(connection, key=held), sealed)
                    found["other"] = self.kucoin.keys[opened.key]
        return found

    # ── rules

    @rule(
        verb=st.sampled_from(VERBS) | st.sampled_from(ROTATING) | st.sampled_from(ROTATING),
        fault=st.sampled_from([None, None, *Fault]),
        at=st.integers(0, 12) | st.integers(0, 40),
        another=st.sampled_from(VERBS) | st.sampled_from(ROTATING),
    )
    def someone_acts(self, verb: str, fault: Fault | None, at: int, another: str) -> None:
        async def meanwhile() -> None:
            said.append(f"{another}: {await self.try_to(another)}")

        said: list[str] = []
        self.cuts.count, self.cuts.cut = 0, Cut(at, fault, meanwhile) if fault else None
        came = self.run(self.try_to(verb))
        hit = fault if fault and self.cuts.cut is None else None
        self.cuts.cut = None
        self.say(f"{verb} {hit or ''}@{at} {said} -> {came}")

    @rule(what=st.sampled_from(THERE))
    def its_owner_acts_at_kucoin(self, what: str) -> None:
        self.say(f"KuCoin: {what}")
        self.at_kucoin(what)

    @rule(which=st.sampled_from([OURS, MASTERS]))
    def the_machine_loses_an_address(self, which: str) -> None:
        self.say(f"gone: {which}")
        self.cuts.gone ^= {which}

    @rule(days=st.sampled_from([1, 1, 1, 3, 20, 85]))
    def days_pass(self, days: int) -> None:
        self.clock.advance(days=days, seconds=1)
        self.say(f"{days} days: {self.run(self.try_to('chore'))}")

    # ── what holds

    @invariant()
    def all_is_well(self) -> None:
        if hasattr(self, "ada"):
            self.run(self._compare())

    async def _compare(self) -> None:
        async with self.database.read() as tx:
            found = {one.name: one for one in await self.vault.everyone(tx)}
            rows = (await tx.execute(select(held_keys))).all()
            events = (await tx.execute(select(audit_events).order_by(audit_events.c.seq))).all()
        assert all(one.holds for one in found.values())
        self._rows(found, rows)
        self._events(found, events)
        keys = await self._keys()
        self._made_here(found.get("grid"), keys, events)
        grid = found.get("grid")
        if grid is not None:
            self._serves(grid, keys["serving"])
            assert not self.stopped or grid.record.status is Status.SUSPENDED, "its owner stopped it"
        assert len({one.egress.id for one in found.values()}) == len(found)
        for name, one in found.items():
            await self._handed_out(name, one)

    def _rows(self, found: dict[str, Connection], rows: Any) -> None:
        wanted = set()
        for one in found.values():
            wanted.add(one.record.held_key_id)
            if one.record.rotation is not None:
                wanted.add(one.record.rotation.other_key_id)
        assert {row.id for row in rows if row.wiped_at is None} == wanted
        for row in rows:
            if row.wiped_at is not None:
                assert (row.key_sealed, row.secret_sealed, row.passphrase_sealed, row.key_digest) == (
                    b"",
                    b"",
                    None,
                    None,
                )

    def _events(self, found: dict[str, Connection], events: Any) -> None:
        still = ("connection.opened", "connection.rotation_failed", "connection.claimed")
        for one in found.values():
            told = [e.subject_version for e in events if e.subject == one.id and e.kind not in still]
            assert told == list(range(1, one.record.version + 1)), told

    def _made_here(self, grid: Connection | None, keys: dict[str, DoubleKey], events: Any) -> None:
        """Each key that was made through the master is known here, or there is a rotation that finds it by its mark."""
        known = {one.key for one in keys.values()}
        left = {json.loads(e.detail).get("left") for e in events if e.kind == "connection.rotation_undone"}
        mark = grid.record.rotation.remark if grid is not None and grid.record.rotation is not None else ""
        # What served once is its owner's to delete, who was told: these are the events that say so.
        told = ("connection.removed", "connection.switched", "connection.key_replaced", "connection.rotation_undoing")
        named = {v for e in events if e.kind in told for v in json.loads(e.detail).values() if isinstance(v, str)}
        for key in self.kucoin.sub_accounts.of(SUB):
            remark = key.rights["remark"]
            if remark.startswith("keywright-") and key.key not in known and remark != mark and remark not in left:
                assert f"{key.key[:4]}…{key.key[-4:]}" in named, f"a key is left there: {remark}"

    def _serves(self, grid: Connection, serving: DoubleKey) -> None:
        assert not serving.deleted or serving.key in self.deleted_there, "we deleted the key that serves"
        accepted = serving.key in self.abler or serving.rights["remark"].startswith("keywright-")
        assert accepted or not grid.exceptions(), "what was accepted of another key holds for this one"
        assert grid.record.probe.created_at == serving.created_at, "what is on record is another key's"

    async def _handed_out(self, name: str, one: Connection) -> None:
        class Undone(Exception):
            pass

        try:
            async with self.database.write() as tx:
                await self.vault.credentials(tx, self.who, name, purpose="exec", **self._unproven())
                raise Undone
        except Undone:
            assert one.record.status is Status.ACTIVE
            assert not one.is_master
        except Conflict:
            assert one.record.status is not Status.ACTIVE or one.is_master

    # ── there is a way out

    async def _leads_out(self) -> None:
        """Once all is mended at KuCoin, whatever is under way can be ended by its owner, and the connection used again."""
        self.cuts.cut = None
        self._restore()
        said = [await self.try_to(verb) for verb in ("check_master",)]
        keys = await self._keys()
        if not keys:
            return
        grid = await self.dealings.shown(self.ada, "grid")
        if grid.record.terms.by_itself and not keys["serving"].deleted and not self.stopped:
            await self._by_itself()
            keys = await self._keys()
        for verb in ("finish", "roll_back", "leave"):
            if grid.record.rotation is not None:
                said.append(await self.try_to(verb))
                grid = await self.dealings.shown(self.ada, "grid")
        assert grid.record.rotation is None, said
        said.append(await self.try_to("check"))
        if (await self.dealings.shown(self.ada, "grid")).record.status is not Status.ACTIVE or keys["serving"].deleted:
            said.append(await self.try_to("replace"))
        grid = await self.dealings.shown(self.ada, "grid")
        assert grid.record.status is Status.ACTIVE, said
        await self._compare()
        assert await self.try_to("remove") == "done"
        await self._compare()
        async with self.database.read() as tx:
            await self.services.audit.verify(tx)

    async def _by_itself(self) -> None:
        """What the server does by itself comes to an end by itself."""
        expired = (await self._keys())["serving"].expires_at is not None
        grid = await self.dealings.shown(self.ada, "grid")
        if expired or (grid.record.rotation is not None and grid.record.rotation.is_guided):
            return
        assert await self.try_to("check") == "done", "all is well"
        if "master" not in {one.name for one in await self._all()}:
            return
        mastered = await self._all()
        if any(one.is_master and one.record.status is not Status.ACTIVE for one in mastered):
            return
        rotation = grid.record.rotation
        if rotation is not None and rotation.master_id not in {one.id for one in mastered}:
            return
        if grid.record.terms.master_id not in {one.id for one in mastered}:
            return
        begun = await self._count("connection.key_asked_for")
        for _ in range(12):
            self.clock.advance(days=1, seconds=1)
            await check_connections(self.services)
            await self.try_to("start")
        grid = await self.dealings.shown(self.ada, "grid")
        rotation = grid.record.rotation
        failed = await self._why()
        assert rotation is None or rotation.began_at > self.clock() - 4 * 86_400_000, (rotation, failed)
        assert await self._count("connection.key_asked_for") - begun <= 2, "a young key needs no other"

    async def _all(self) -> list[Connection]:
        async with self.database.read() as tx:
            return await self.vault.everyone(tx)

    async def _count(self, kind: str) -> int:
        async with self.database.read() as tx:
            return len(await self.services.audit.list(tx, kind=kind, limit=1000))

    async def _why(self) -> list[str]:
        async with self.database.read() as tx:
            rows = await self.services.audit.list(tx, kind="connection.rotation_failed", limit=3)
        return [json.loads(row.detail)["why"] for row in rows]


def test_wherever_a_verb_is_cut_what_serves_works_and_every_key_is_known(empty_sqlite: Path) -> None:
    Keys.empty = empty_sqlite
    # The same few each time, for a suite that everybody waits for. To look for what is new, let it run without derandomize, with
    # hundreds of examples of 25 steps.
    few = settings(
        max_examples=3, stateful_step_count=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(Keys, settings=few)
