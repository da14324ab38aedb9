"""Work that other processes do, so that they can be killed in the middle of it.

Each process says what it was told by the services, a line a fact, only after the commit: whoever reads a line may rely
on it. A forked process that imported everything long ago is ready in a few milliseconds, so a hundred can be killed.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import resource
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from keywright.app.folders import Folders
from keywright.app.installation import open_installation
from keywright.app.services import Services, wire
from keywright.audit.events import Actor
from keywright.clock import wall_clock_ms
from keywright.errors import KeywrightError
from keywright.identity.model import FactorProof
from keywright.identity.passwords import CHEAPEST
from keywright.identity.policy_model import Policy
from keywright.issuing.model import Issued, NewKey, Owner, Passphrase
from keywright.secret import Secret
from keywright.storage import migrate, postgres  # noqa: F401  heavy: loaded before the fork
from keywright.storage.address import parse_address
from tests.support.server import url_file
from tests.support.world import PASSWORD

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload([__name__, "tests.support.vault"])

KEPT = 3
"""Keys the loop of `churn` keeps alive, below the limit of five."""

Say = Callable[..., None]


def folders(data: Path) -> Folders:
    """Return the folders of `--data-dir data`."""
    return Folders(data, data / "config")


@asynccontextmanager
async def opened(data: Path) -> AsyncIterator[Services]:
    """Give the services of an installation as the command line wires them, but for a cheap password hash."""
    named = url_file(data)
    address = parse_address(named.read_text()) if named.exists() else None
    installation = await open_installation(folders(data), address=address, now=wall_clock_ms())
    try:
        yield wire(installation.database, installation.keyring, policy=Policy(), clock=wall_clock_ms, hasher=CHEAPEST)
    finally:
        await installation.database.close()


async def new_account(data: Path, email: str = "ada@example.org") -> str:
    """Make an account, and the installation if need be; return the account's id."""
    async with opened(data) as services:
        password_hash = await services.identity.hash_password(email, PASSWORD)
        async with services.database.write() as tx:
            enrolled = await services.identity.create_account(
                tx, email, password_hash=password_hash, now=services.clock()
            )
    return enrolled.account.id


@dataclass(frozen=True)
class Hands:
    """One account's verbs, each its own transaction, proofs waived: these tests are not about proving."""

    services: Services
    account_id: str

    @property
    def owner(self) -> Owner:
        return Owner(self.account_id)

    @property
    def actor(self) -> Actor:
        return Actor(self.account_id, factor="totp", agent="tests")

    def proof(self) -> FactorProof:
        return FactorProof(self.account_id, "totp", self.services.clock())

    async def passphrase(self) -> Passphrase:
        typed = Secret(f"Pw-{secrets.token_hex(8)}")
        async with self.services.database.read() as tx:
            return await self.services.issuing.vet_passphrase(tx, self.owner, typed)

    async def create(self, name: str = "bot") -> Issued:
        passphrase = await self.passphrase()
        new_key = NewKey(name, passphrase, frozenset({"read", "trade"}), "spot", ())
        async with self.services.database.write() as tx:
            return await self.services.issuing.issue(
                tx, self.owner, new_key, proof=self.proof(), actor=self.actor, now=self.services.clock()
            )

    async def disable(self, key_id: str) -> None:
        async with self.services.database.write() as tx:
            await self.services.issuing.disable(tx, self.owner, key_id, actor=self.actor, now=self.services.clock())

    async def enable(self, key_id: str) -> None:
        async with self.services.database.write() as tx:
            await self.services.issuing.enable(
                tx, self.owner, key_id, proof=self.proof(), actor=self.actor, now=self.services.clock()
            )

    async def delete(self, key_id: str) -> None:
        async with self.services.database.write() as tx:
            await self.services.issuing.delete(
                tx, self.owner, key_id, proof=self.proof(), actor=self.actor, now=self.services.clock()
            )

    async def rename(self, key_id: str, name: str) -> None:
        async with self.services.database.write() as tx:
            await self.services.issuing.rename(
                tx, self.owner, key_id, name=name, actor=self.actor, now=self.services.clock()
            )


async def nothing(_services: Services, _account_id: str, _say: Say) -> None:
    """Only open the installation, which makes it if need be."""


async def churn(services: Services, account_id: str, say: Say) -> None:
    """Make, disable and delete keys until someone ends it, telling each after its commit."""
    hands = Hands(services, account_id)
    async with services.database.read() as tx:
        keys = [key.id for key in await services.issuing.keys(tx, hands.owner)]
    say("ready")
    for turn in itertools.count():
        while len(keys) >= KEPT:
            oldest = keys.pop(0)
            await hands.disable(oldest)
            say("disabled", oldest)
            await hands.delete(oldest)
            say("deleted", oldest)
        issued = await hands.create(f"bot {turn}")
        keys.append(issued.key.id)
        say("created", issued.key.id, issued.secret.reveal_text())
        if turn % 2:
            await hands.disable(keys[-1])
            say("disabled", keys[-1])


async def create_many(services: Services, account_id: str, say: Say, count: int) -> None:
    """Try to make `count` keys at once, telling how each attempt ended."""
    hands = Hands(services, account_id)

    async def attempt() -> None:
        try:
            issued = await hands.create()
        except KeywrightError as error:
            say(type(error).__name__, error.message)
        else:
            say("created", issued.key.id)

    await asyncio.gather(*(attempt() for _ in range(count)))


def start(
    work: Callable[..., Awaitable[None]], data: Path, account_id: str, *arguments: Any, most_bytes: int | None = None
) -> tuple[BaseProcess, Connection]:
    """Run `work` in a process of its own; return it and the end of the pipe where its facts arrive.

    With `most_bytes` no file can grow beyond that: a disk that is full for this process alone.
    """
    facts, inner = FORKS.Pipe(duplex=False)
    process = FORKS.Process(target=_run, args=(work, data, account_id, inner, arguments, most_bytes), daemon=True)
    process.start()
    inner.close()
    return process, facts


def _run(
    work: Callable[..., Awaitable[None]],
    data: Path,
    account_id: str,
    facts: Connection,
    arguments: tuple[Any, ...],
    most_bytes: int | None,
) -> None:
    if most_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    async def inside() -> None:
        async with opened(data) as services:
            await work(services, account_id, lambda *fact: facts.send(fact), *arguments)

    try:
        asyncio.run(inside())
    except KeywrightError as error:
        facts.send(("ended", type(error).__name__, error.message))
    else:
        facts.send(("ended", "", ""))


def told(facts: Connection) -> list[tuple[str, ...]]:
    """Return every fact that arrived, until the other end closed."""
    arrived: list[tuple[str, ...]] = []
    while True:
        try:
            arrived.append(facts.recv())
        except (EOFError, OSError):  # OSError: it was killed in the middle of a line, which told nothing
            facts.close()
            return arrived
