"""A personal vault in folders of its own, made at the cheapest cost; and what it looks like from outside."""

from __future__ import annotations

import asyncio
import itertools
import os
import resource
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from keywright.app import personal_vault
from keywright.app.personal_vault import make_personal_vault, open_personal_vault
from keywright.app.protecting import OWNER, add_protection, change_passphrase, make_protection, remove_protection
from keywright.app.services import Services
from keywright.app.vault_archive import Archive
from keywright.app.vault_backup import copy_vault, restore_vault
from keywright.app.vault_opening import Closed, look_at_vault
from keywright.app.vault_place import VaultPlace, vault_place_of
from keywright.clock import wall_clock_ms
from keywright.errors import KeywrightError
from keywright.sealing.protections.key_file import ByKeyFile
from keywright.sealing.protections.passphrase import CHEAPEST, ByPassphrase
from keywright.sealing.protections.wrapped import PASSPHRASE as PASSPHRASE_KIND, NewProtection
from keywright.secret import Secret
from keywright.settings import Settings
from keywright.storage.transaction import Tx
from keywright.vault import rules
from keywright.vault.model import PERSONAL, NewConnection, Pasted
from keywright.vault.service import Vault as HeldKeys
from tests.doubles.exchange import DoubleKey
from tests.support.clock import FakeClock
from tests.support.holding import PASSPHRASE as API_PASSPHRASE, SECRET, Obliging

PASSPHRASE = "seven lamps under rain"
OTHER = "four otters in amber light"


@dataclass
class Vault:
    """One vault, for one test."""

    folder: Path
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        self.data = self.folder / "data"
        self.environ = {
            "XDG_DATA_HOME": str(self.data),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_RUNTIME_DIR": str(self.folder / "run"),
        }
        self.settings = Settings()

    @property
    def place(self) -> VaultPlace:
        return vault_place_of(self.settings, environ=self.environ)

    @property
    def file(self) -> Path:
        return self.place.folders.database

    async def make(self, new: NewProtection | None = None) -> str:
        """Make it; by the passphrase above unless something else is asked for."""
        return await make_personal_vault(self.settings, new or by_passphrase(), clock=self.clock, environ=self.environ)

    @asynccontextmanager
    async def opened(self, *, key: Secret | None = None, accept: bool = False) -> AsyncIterator[Services]:
        """Open it as commands do."""
        async with open_personal_vault(
            self.settings, key=key, accept=accept, clock=self.clock, environ=self.environ
        ) as services:
            yield services

    async def look(self) -> Closed:
        """Look at it from outside."""
        return await look_at_vault(self.settings, environ=self.environ)

    async def key(self, passphrase: str = PASSPHRASE) -> Secret:
        """Return its wrapping key, by the passphrase."""
        return personal_vault.unlock(await self.look(), Secret(passphrase))

    async def change(self, key: Secret, words: str) -> None:
        """Give it another passphrase."""
        closed = await self.look()
        (current,) = [one for one in closed.protections if one.asks]
        async with self.opened(key=key) as services, services.database.write() as tx:
            await change_passphrase(
                tx,
                current,
                by_passphrase(words),
                wrapping_key=key,
                surroundings=closed.surroundings(self.environ),
                audit=services.audit,
                now=self.clock(),
            )

    async def copied(self) -> Archive:
        """Return a copy of it, as backups hold it."""
        key = await self.key()
        async with self.opened(key=key) as services:
            return await copy_vault(services, self.place, key, now=self.clock())

    async def kinds(self, key: Secret) -> list[str]:
        """Return the kinds of its events."""
        async with self.opened(key=key) as services, services.database.read() as tx:
            await services.audit.verify(tx)
            return [event.kind for event in reversed(await services.audit.list(tx, limit=1_000_000))]


def by_passphrase(words: str = PASSPHRASE) -> ByPassphrase:
    """Return a passphrase at the cheapest cost."""
    return ByPassphrase(Secret(words), CHEAPEST)


async def hold_grid(vault: Vault, key: DoubleKey, new: NewProtection) -> None:
    """Make the vault, protected as asked, with a connection `grid` that has this key of an exchange's double."""
    vault.clock.now = wall_clock_ms()
    await vault.make(new)
    wrapping_key = await vault.key() if new.kind == PASSPHRASE_KIND else None
    async with vault.opened(key=wrapping_key) as services:
        async with services.database.write() as tx:
            await services.vault.pool.add(tx, rules.egress_place("127.0.0.1"), actor=OWNER, now=vault.clock())
        await services.vault.reserve(PERSONAL, "kucoin", actor=OWNER, now=vault.clock())
        given = NewConnection("grid", "kucoin", Pasted(key.key, Secret(key.secret), Secret(key.passphrase)))
        await services.vault.connect(PERSONAL, given, actor=OWNER, now=vault.clock())


def everything_in(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, with its bytes; what SQLite keeps beside an open database left out."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.endswith(("-wal", "-shm", ".lock")) and path.stat().st_size
    }


# ── work for processes that will be killed in the middle of it


async def change_on_and_on(folder: Path, say: Callable[..., None]) -> None:
    """Change the passphrase from one to the other until someone ends it."""
    vault = Vault(folder)
    say("ready")
    for turn in itertools.count():
        words = (OTHER, PASSPHRASE)[turn % 2]
        key = await vault.key((PASSPHRASE, OTHER)[turn % 2])
        await vault.change(key, words)
        say("changed", words)


async def restore_on_and_on(folder: Path, say: Callable[..., None]) -> None:
    """Put a backup in the vault's place until someone ends it."""
    vault = Vault(folder)
    archive = await vault.copied()
    say("ready")
    for _ in itertools.count():
        vault.clock.advance(seconds=1)
        await restore_vault(archive, vault.place, replace=True, clock=vault.clock)
        say("restored", "")


async def live_on_and_on(folder: Path, say: Callable[..., None]) -> None:
    """Do everything that changes a vault, from a way in to a rotation taken back, over and over until someone ends it."""
    vault = Vault(folder)
    key, closed = await vault.key(), await vault.look()
    around = closed.surroundings(vault.environ)
    async with vault.opened(key=key) as services:
        keys, audit, database = held_keys_of(services), services.audit, services.database
        say("ready")
        for turn in itertools.count(1):
            vault.clock.advance(seconds=1)
            now, name = vault.clock(), f"grid {turn}"
            made = make_protection(ByKeyFile(), wrapping_key=key, surroundings=around, now=now)
            async with database.write() as tx:
                await add_protection(tx, made, audit=audit, now=now)
                # One of its own: what a process before reserved, and was killed, is in the pool for two hours more.
                place = rules.egress_place(f"198.18.{secrets.randbelow(256)}.{secrets.randbelow(256)}")
                egress = await keys.pool.add(tx, place, actor=OWNER, now=now)
            await keys.reserve(PERSONAL, "kucoin", actor=OWNER, now=now)
            await keys.connect(PERSONAL, NewConnection(name, "kucoin", _pasted(2 * turn)), actor=OWNER, now=now)
            say("connected", name)
            async with database.write() as tx:
                await keys.edit(tx, PERSONAL, name, bots=("night grid",), actor=OWNER, now=now)
            await keys.begin_rotation(PERSONAL, name, _pasted(2 * turn + 1), actor=OWNER, now=now)
            await keys.switch(PERSONAL, name, actor=OWNER, now=now)
            say("switched", name)
            await keys.roll_back(PERSONAL, name, actor=OWNER, now=now)
            async with database.write() as tx:
                await keys.suspend(tx, PERSONAL, name, actor=OWNER, now=now)
            await keys.check(PERSONAL, name, actor=OWNER, now=now)
            async with database.write() as tx:
                await keys.remove(tx, PERSONAL, name, actor=OWNER, now=now)
            say("removed", name)
            async with database.write() as tx:
                await keys.pool.remove(tx, egress.id, actor=OWNER, now=now)
                await remove_protection(tx, made.id, audit=audit, now=now)


async def twenty(_: Tx) -> int:
    """Return how many connections there may be."""
    return 20


def held_keys_of(services: Services) -> HeldKeys:
    """Return the verbs of held keys in an opened vault, with somebody in the exchanges' place who says yes."""
    return HeldKeys.over(services.database, services.keyring, services.audit, Obliging(), most=twenty)


def _pasted(number: int) -> Pasted:
    return Pasted(f"{number + os.getpid() * 1_000_000:024x}", Secret(SECRET), Secret(API_PASSPHRASE))


def run(
    work: Callable[[Path, Callable[..., None]], Awaitable[None]],
    folder: Path,
    facts: Connection,
    most_bytes: int | None = None,
) -> None:
    """Do the work in this process, telling each fact after its commit; with `most_bytes` no file grows beyond that."""
    if most_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    async def inside() -> None:
        await work(folder, lambda *fact: facts.send(fact))

    try:
        asyncio.run(inside())
    except KeywrightError as error:
        facts.send(("ended", type(error).__name__, error.message))
