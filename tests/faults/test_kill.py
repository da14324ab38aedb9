"""`kill -9` at any moment: what was acknowledged holds afterwards, and nothing is there by half."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import random
import signal
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import column, func, select, table

from keywright.app.checking import Still
from keywright.app.services import Services
from keywright.app.store import broken_structure
from keywright.errors import KeywrightError
from keywright.gateway.keys import Keys
from keywright.issuing.model import Owner, Status
from keywright.protocol.message import SignedRequest
from keywright.sandbox import service as sandbox
from keywright.storage.transaction import Database
from tests.browser.place import Clock
from tests.support import killable
from tests.support.bot import Bot
from tests.support.server import Installation

KILLS = {"embedded": 100, "on PostgreSQL": 12}
DEATHS = {"embedded": 4, "on PostgreSQL": 1}
"""How often a server is killed."""

SEED = 20_260_101

pytestmark = pytest.mark.slow


def kind_of(installation: Installation) -> str:
    return "on PostgreSQL" if installation.environment else "embedded"


class Told:
    """What dead processes had acknowledged."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.disabled: set[str] = set()
        self.deleted: set[str] = set()

    def hear(self, facts: list[tuple[str, ...]]) -> None:
        for word, *about in facts:
            if word == "created":
                self.secrets[about[0]] = about[1]
            elif word == "disabled":
                self.disabled.add(about[0])
            elif word == "deleted":
                self.deleted.add(about[0])
            else:
                assert word == "ready", (word, about)


async def settled(database: Database) -> None:
    """Return when PostgreSQL is done with what the dead had asked of it: it may still commit what nobody will be told."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    while not database.is_sqlite:
        async with database.read() as tx:
            if not (await tx.exec_driver_sql(others)).scalar_one():
                return
        await asyncio.sleep(0.01)


async def prove(services: Services, account_id: str, told: Told) -> None:
    """Assert that the installation is whole, and holds all that was told."""
    gateway = Keys(services.database, keyring=services.keyring, audit=services.audit, freshness=Still())
    async with services.database.read() as tx:
        await services.audit.verify(tx)
        assert await broken_structure(tx) == []
        keys = {key.id: key for key in await services.issuing.keys(tx, Owner(account_id), deleted=True)}
        events = table("audit_events", column("kind"), column("subject"))
        counted = (
            select(events.c.subject, func.count().label("times"))
            .where(events.c.kind == "key.issued")
            .group_by(events.c.subject)
        )
        issued = {row.subject: row.times for row in await tx.execute(counted)}
        heard = {key_id: await services.audit.latest_version(tx, key_id) for key_id in keys}
    assert issued == dict.fromkeys(keys, 1)  # each key has its one event, each such event its key
    assert len([key for key in keys.values() if key.deleted_at is None]) <= killable.KEPT + 1
    for key in keys.values():
        assert key.grant.version == heard[key.id]
        assert (key.disabled_at is not None) == (key.grant.status in {Status.DISABLED, Status.DELETED})
        record = await gateway.find(key.id)
        if key.deleted_at is not None:
            assert record is None
            continue
        assert record is not None, "the gateway can't open it"
        assert record.holds
        if key.id in told.secrets:  # what was shown is what the gateway verifies with
            assert record.secret.reveal_text() == told.secrets[key.id]
    assert told.secrets.keys() <= keys.keys()
    assert all(keys[key_id].disabled_at is not None for key_id in told.disabled)
    assert all(keys[key_id].deleted_at is not None for key_id in told.deleted)


async def test_kills_during_creates_and_disables(installation: Installation) -> None:
    """No key by half, no acknowledged disable undone, every shown secret of a key that is there, the chain whole."""
    data, kills = installation.data, KILLS[kind_of(installation)]
    account_id = await killable.new_account(data)
    moments, told = random.Random(SEED), Told()
    ended = 0
    for _ in range(kills):
        process, facts = killable.start(killable.churn, data, account_id)
        try:
            for _ in range(moments.randint(1, 4)):  # facts, not seconds: a busy machine gets as far as an idle one
                assert await asyncio.to_thread(facts.poll, 60), "it does not go on"
                told.hear([facts.recv()])
            await asyncio.sleep(moments.uniform(0, 0.02))
        finally:
            process.kill()
        told.hear(await asyncio.to_thread(killable.told, facts))
        process.join(60)
        ended += process.exitcode != -signal.SIGKILL
        async with killable.opened(data) as services:
            await settled(services.database)
            await prove(services, account_id, told)
    assert not ended, "some ended by themselves"
    assert min(len(told.secrets), len(told.disabled), len(told.deleted)) > kills // 8, "too little happened"


async def test_kills_while_an_installation_is_made(tmp_path: Path) -> None:
    """Whoever comes next finds a whole installation or none, and can use the folder either way."""
    moments, found = random.Random(SEED), {"nothing yet": 0, "made": 0}
    whole = 0.0
    for name in ("first", "second"):  # how long it takes here, today; the first also waits for what is loaded once
        began = time.monotonic()
        process, facts = killable.start(killable.nothing, tmp_path / name, "")
        await asyncio.to_thread(process.join, 30)
        killable.told(facts)
        whole = time.monotonic() - began
    for turn in range(15):
        data = tmp_path / str(turn)
        process, facts = killable.start(killable.nothing, data, "")
        await asyncio.sleep(whole * moments.uniform(0.1, 1.5))
        process.kill()
        process.join(60)
        killable.told(facts)
        is_made = (data / "keywright.db").exists()
        found["made" if is_made else "nothing yet"] += 1
        # What else the machine does comes and goes: towards the moment when it is made.
        whole *= 0.7 if is_made else 1.4
        account_id = await killable.new_account(data)
        async with killable.opened(data) as services:
            await prove(services, account_id, Told())
        assert not list(data.glob("*.new*"))
    assert all(found.values()), f"the moments were badly chosen: {found}"


# ── a real server, killed while it trades


class Trader(threading.Thread):
    """Sends market orders as fast as it can, none of them with an id of its own; knows which were answered."""

    def __init__(self, bot: Bot, numbers: Iterator[int]) -> None:
        super().__init__(daemon=True)
        self._bot, self._numbers = bot, numbers
        self.sent: dict[str, SignedRequest] = {}
        self.acknowledged: dict[str, str] = {}

    def run(self) -> None:
        for number in self._numbers:  # each order is known by its size
            size = f"{number / 1_000_000:.6f}"
            body = b'{"symbol":"BTC-USDT","side":"buy","type":"market","size":"%b"}' % size.encode()
            self.sent[size] = request = self._bot.sign_ahead("POST", "/api/v1/hf/orders", body)
            try:
                answer = self._bot.send(request)
            except (OSError, http.client.HTTPException):
                return  # refused, reset or closed without a word: the server is dead
            assert answer.code == "200000", answer
            self.acknowledged[size] = answer.data["orderId"]


def test_a_server_killed_while_trading(installation: Installation) -> None:
    """Acknowledged orders are there; each request was carried out at most once, sent again or not; the ledger proves out."""
    with installation.serving() as server:
        values = server.values
        server.stop()
    moments, clock = random.Random(SEED), Clock(installation.folder / "ahead")
    orders: dict[str, str] = {}
    numbers = itertools.count(10)
    unanswered = 0
    for _ in range(DEATHS[kind_of(installation)]):
        with installation.serving() as server:
            bot = server.bot(values)
            traders = [Trader(bot, numbers) for _ in range(4)]
            for trader in traders:
                trader.start()
            while not all(trader.acknowledged for trader in traders):
                time.sleep(0.01)
            time.sleep(moments.uniform(0.05, 0.3))
            server.kill()
            died_at = time.time()
            for trader in traders:
                trader.join(60)
                orders |= trader.acknowledged
        assert not asyncio.run(wrong_in_ledger(installation.data))
        # For the next one no time has gone by: what was signed still counts, however long all that took.
        clock.advance(ms=round((died_at - time.time()) * 1_000))
        with installation.serving(clock=clock.file) as server:
            clock.advance(ms=round(-server.ready_after * 1_000))
            bot = server.bot(values)
            for trader in traders:
                for size, request in list(trader.sent.items())[-20:]:
                    again = bot.send(request)
                    if size in trader.acknowledged:
                        assert again.code == "400100", again  # the mark survived
                    else:
                        unanswered += 1
                        assert again.code in {"400100", "200000"}, again
                        if again.code == "200000":
                            orders[size] = again.data["orderId"]
            server.stop()
        clock.advance(ms=-clock.offset)
    assert unanswered, "no request was in flight at any kill"
    with installation.serving() as server:
        done = every_order(server.bot(values))
        by_size = {size: order_id for order_id, size in done}
        assert len(by_size) == len(done), "an order was carried out twice"
        assert orders.items() <= by_size.items()
    assert not asyncio.run(wrong_in_ledger(installation.data))


def every_order(bot: Bot) -> list[tuple[str, str]]:
    """Return id and size of every closed order, page by page."""
    found, last = [], ""
    while True:
        page = bot.get(f"/api/v1/hf/orders/done?symbol=BTC-USDT&limit=100{last}").data
        found += [(item["id"], f"{Decimal(item['size']):.6f}") for item in page["items"]]
        if not page["items"]:
            return found
        last = f"&lastId={page['lastId']}"


async def wrong_in_ledger(data: Path) -> list[str]:
    """Return what the sandbox's own audit finds wrong, and the log's."""
    async with killable.opened(data) as services, services.database.read() as tx:
        try:
            await services.audit.verify(tx)
        except KeywrightError as broken:
            return [broken.message]
        return await sandbox.audit_ledger(tx)
