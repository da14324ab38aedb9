"""A sub-account's key is rotated through a master key by processes that are killed at every step, and by answers that are lost,
while a bot trades on: not one request fails, and nothing stays at the exchange that nobody knows."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from keywright.app.services import Services
from keywright.audit.events import Actor
from keywright.errors import KeywrightError
from keywright.secret import Secret
from keywright.vault import rules
from keywright.vault.mastery import ACCEPT_MASTER
from keywright.vault.model import NewConnection, Pasted
from keywright.vault.rotation import Step
from keywright.vault.service import Vault
from keywright.vault.terms import Purpose
from tests.doubles.exchange import DoubleKey, Said, Seen, running_in_thread
from tests.doubles.kucoin import KucoinDouble
from tests.faults.test_rotation_killed import ROTATIONS, kill_and_begin_anew, trade, vault_of
from tests.support.killable import Hands, Say, new_account, opened

KILLS, SUB = 14, "gridbot7"
OURS, MASTERS = "127.0.0.1", "127.0.0.2"


async def rotate_on(services: Services, account_id: str, say: Say, url: str) -> None:
    """Do what is next, for ever: have a key made, switch, finish or now and then roll back. Say it before and after."""
    hands, vault, chance = Hands(services, account_id), vault_of(services, url), random.Random()
    say("ready")
    while True:
        async with services.database.read() as tx:
            connection = await vault.connection(tx, account_id, "bot")
        rotation = connection.record.rotation
        proven = {"proof": hands.proof(), "actor": hands.actor, "now": services.clock()}
        try:
            if rotation is not None and (rotation.step is Step.UNDOING or chance.random() < 0.2):
                say("undoing")
                await vault.roll_back(account_id, "bot", **proven)  # type: ignore[arg-type]
                say("undone")
            elif rotation is None or rotation.step in (Step.MAKING, Step.MADE):
                say("making")
                await vault.renew(account_id, "bot", **proven)  # type: ignore[arg-type]
            elif rotation.step is Step.ADDED:
                say("switching")
                await vault.switch(account_id, "bot", **proven)  # type: ignore[arg-type]
            else:
                say("finishing")
                await vault.finish(account_id, "bot", **proven)  # type: ignore[arg-type]
                say("finished")
        except KeywrightError as problem:
            say("trouble", type(problem).__name__)  # an answer was lost, now and then: the next turn goes on


def now_and_then(chance: random.Random, lost: Counter[str]) -> object:
    """Return what loses answers about sub-accounts' keys now and then, after everything was done."""

    def spoil(seen: Seen, said: Said) -> Said | None:
        if seen.path == "/api/v1/sub/api-key" and chance.random() < (0.05 if seen.method == "GET" else 0.3):
            lost[seen.method] += 1
            return None if chance.random() < 0.5 else Said(500, b'{"code":"500000","msg":"Internal Server Error"}')
        return said

    return spoil


async def take(services: Services, vault: Vault, hands: Hands, name: str, key: DoubleKey, purpose: Purpose) -> None:
    """Have a key held."""
    accept = frozenset({ACCEPT_MASTER} if purpose is Purpose.MASTER else ())
    given = Pasted(key.key, Secret(key.secret), Secret(key.passphrase), accept)
    await vault.reserve(hands.account_id, "kucoin", actor=hands.actor, now=services.clock())
    new = NewConnection(name, "kucoin", given, (), purpose)
    await vault.connect(hands.account_id, new, proof=hands.proof(), actor=hands.actor, now=services.clock())


@pytest.mark.slow
def test_agt_13_no_request_fails_and_no_key_is_left_there_though_it_is_killed_at_every_step(tmp_path: Path) -> None:
    asyncio.run(_rotated_and_killed(tmp_path))


async def _rotated_and_killed(data: Path) -> None:
    with running_in_thread(KucoinDouble(lambda: int(time.time() * 1_000))) as exchange:
        account_id = await new_account(data)
        async with opened(data) as services:
            vault, hands = vault_of(services, exchange.url), Hands(services, account_id)
            for at, address in enumerate((OURS, MASTERS)):
                async with services.database.write() as tx:
                    place = rules.egress_place(address)
                    await vault.pool.add(tx, place, actor=Actor("operator"), now=services.clock() + at)
            first = exchange.sub_accounts.new_key(SUB, addresses=(OURS,))
            await take(services, vault, hands, "bot", first, Purpose.BOTS)
            await take(
                services, vault, hands, "head", exchange.new_key("General", addresses=(MASTERS,)), Purpose.MASTER
            )
            proven = {"proof": hands.proof(), "actor": hands.actor, "now": services.clock()}
            await vault.name_master(account_id, "bot", "head", **proven)  # type: ignore[arg-type]
            lost = Counter[str]()
            exchange.spoils = now_and_then(random.Random(13), lost)  # type: ignore[assignment]
            enough = asyncio.Event()
            trading = asyncio.create_task(trade(services, account_id, vault, enough))
            steps = await asyncio.to_thread(kill_and_begin_anew, rotate_on, data, account_id, exchange.url, kills=KILLS)
            enough.set()
            sent = await trading
            exchange.spoils = None
            async with services.database.read() as tx:
                connection = await vault.connection(tx, account_id, "bot")
            rotation = connection.record.rotation
            proven = {"proof": hands.proof(), "actor": hands.actor, "now": services.clock()}
            if rotation is not None and rotation.step is Step.ENDING:  # nobody goes back to what may be deleted
                connection = (await vault.finish(account_id, "bot", **proven)).connection  # type: ignore[arg-type]
            elif rotation is not None:
                connection = await vault.roll_back(account_id, "bot", **proven)  # type: ignore[arg-type]
            assert connection.holds
            assert sent > KILLS, "the bot traded all the while"
            assert steps["finished"] >= ROTATIONS, steps
            assert sum(lost.values()), "answers were lost as well"
            (left,) = exchange.sub_accounts.of(SUB)
            assert rules.masked(left.key) == connection.key.masked, "of all that was made, the one that serves is there"
            async with services.database.read() as tx:
                await services.audit.verify(tx)
            made = len(exchange.keys) - 2
            print(f"{sent} requests, {made} keys made, answers lost {dict(lost)}, steps begun {dict(steps)}")
