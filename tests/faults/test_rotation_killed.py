"""A held key is rotated again and again by processes that are killed, while a bot trades on: not one request fails."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import keywright.vault.connector  # noqa: F401  loaded before a process is ready, so that its kill falls into a rotation
from keywright.app.services import Services
from keywright.app.vaults import vault_over, ways_of
from keywright.audit.events import Actor
from keywright.errors import KeywrightError
from keywright.secret import Secret
from keywright.vault import rules
from keywright.vault.destinations import read_origin
from keywright.vault.evidence import Exchange
from keywright.vault.model import NewConnection, Pasted
from keywright.vault.rotation import Step
from keywright.vault.seam import KeyDenied
from keywright.vault.service import Vault
from tests.doubles.exchange import DoubleKey, running_in_thread
from tests.doubles.kucoin import KucoinDouble
from tests.support.killable import Hands, Say, new_account, opened, start, told

KILLS = 12
ROTATIONS = 3
"""At least so many must come to their end, for the kills to have fallen into each step."""

Keys = list[tuple[str, str, str]]


def vault_of(services: Services, url: str) -> Vault:
    """Return the vault over an installation, with the double in KuCoin's place."""
    origins = {Exchange.KUCOIN: read_origin(url, loopback=True)}
    ways = ways_of(services.database, services.keyring, origins=origins, clock=services.clock)
    services_of_vault = services.database, services.keyring, services.audit, services.identity
    vault = vault_over(*services_of_vault, ways=ways, asks=None, most=services.vault._most)
    vault._charge = None  # nobody rotates as often
    return vault


async def rotate_on(services: Services, account_id: str, say: Say, url: str, keys: Keys) -> None:
    """Do what is next, for ever: begin, switch, finish or now and then roll back. Say it before and after."""
    hands, vault, chance = Hands(services, account_id), vault_of(services, url), random.Random()
    say("ready")
    while True:
        async with services.database.read() as tx:
            connection = await vault.connection(tx, account_id, "bot")
        rotation = connection.record.rotation
        proven = {"proof": hands.proof(), "actor": hands.actor, "now": services.clock()}
        if rotation is None:
            key, secret, passphrase = chance.choice(keys)
            say("beginning")
            try:
                await vault.begin_rotation(account_id, "bot", Pasted(key, Secret(secret), Secret(passphrase)), **proven)  # type: ignore[arg-type]
            except KeywrightError:
                continue  # the key that serves, by chance
        elif rotation.step is Step.ADDED:
            say("switching")
            await vault.switch(account_id, "bot", **proven)  # type: ignore[arg-type]
        elif chance.random() < 0.2:
            say("rolling back")
            await vault.roll_back(account_id, "bot", **proven)  # type: ignore[arg-type]
        else:
            say("finishing")
            await vault.finish(account_id, "bot", **proven)  # type: ignore[arg-type]
            say("finished")


async def trade(services: Services, account_id: str, vault: Vault, until: asyncio.Event) -> int:
    """Send requests with whatever key serves at the time, until told to stop; raises when a key is refused that serves.

    One that was taken out of service while its request was under way may be: here no day lies between a switch and the end.
    """
    sent = 0
    while not until.is_set():
        async with services.database.write() as tx:
            handed = await vault.credentials(
                tx, account_id, "bot", purpose="signing", actor=Actor("bot"), now=services.clock()
            )
        try:
            await vault._asks.probe(handed.credentials, handed.outlet, now=services.clock())
        except KeyDenied:
            async with services.database.read() as tx:
                serving = (await vault.connection(tx, account_id, "bot")).key.id
            if serving == handed.connection.key.id:
                raise
            continue
        sent += 1
    return sent


@pytest.mark.slow
def test_agt_13_rotation_under_load_fails_no_request_though_it_is_killed_at_every_step(tmp_path: Path) -> None:
    asyncio.run(_rotated_and_killed(tmp_path))


async def _rotated_and_killed(data: Path) -> None:
    with running_in_thread(KucoinDouble(lambda: int(time.time() * 1_000))) as exchange:
        made: list[DoubleKey] = [exchange.new_key(addresses=("127.0.0.1",)) for _ in range(12)]
        keys: Keys = [(one.key, one.secret, one.passphrase) for one in made]
        account_id = await new_account(data)
        async with opened(data) as services:
            vault, hands = vault_of(services, exchange.url), Hands(services, account_id)
            async with services.database.write() as tx:
                await vault.pool.add(tx, rules.egress_place("127.0.0.1"), actor=Actor("operator"), now=services.clock())
            await vault.reserve(account_id, "kucoin", actor=hands.actor, now=services.clock())
            key, secret, passphrase = keys[0]
            new = NewConnection("bot", "kucoin", Pasted(key, Secret(secret), Secret(passphrase)))
            proven = {"proof": hands.proof(), "actor": hands.actor, "now": services.clock()}
            await vault.connect(account_id, new, **proven)  # type: ignore[arg-type]
            enough = asyncio.Event()
            trading = asyncio.create_task(trade(services, account_id, vault, enough))
            steps = await asyncio.to_thread(
                kill_and_begin_anew, rotate_on, data, account_id, exchange.url, keys, kills=KILLS
            )
            enough.set()
            sent = await trading
            async with services.database.read() as tx:
                connection = await vault.connection(tx, account_id, "bot")
            assert connection.holds
            assert sent > KILLS, "the bot traded all the while"
            assert steps["finished"] >= ROTATIONS, steps
            async with services.database.read() as tx:
                await services.audit.verify(tx)


def kill_and_begin_anew(work: Callable[..., Awaitable[None]], *arguments: Any, kills: int) -> Counter[str]:
    """Let processes rotate, and kill each after a while of its own; return how often each step was begun."""
    steps, chance, rounds = Counter[str](), random.Random(13), 0
    while rounds < kills or steps["finished"] < ROTATIONS:
        rounds += 1
        assert rounds < 10 * kills, steps
        process, facts = start(work, *arguments)
        try:
            for _ in range(chance.randint(1, 6)):  # facts, not seconds: a busy machine gets as far as an idle one
                assert facts.poll(60), "it does not go on"
                steps[facts.recv()[0]] += 1
            time.sleep(chance.uniform(0, 0.15))
        finally:
            process.kill()
        process.join()
        steps.update(fact[0] for fact in told(facts))
    return steps
