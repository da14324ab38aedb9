"""A vault over a database of each kind, with somebody in the exchanges' place who answers what he is told to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest

from keywright.app.services import Services, wire
from keywright.audit.events import Actor
from keywright.errors import KeywrightError
from keywright.identity.passwords import CHEAPEST
from keywright.identity.policy_model import Policy
from keywright.sealing.keyring import Keyring
from keywright.secret import Secret
from keywright.storage.transaction import Database
from keywright.vault import rules
from keywright.vault.evidence import Credentials, Evidence, Exchange, Grade, Probe, Right, SubKey, WantedKey
from keywright.vault.model import Connection, NewConnection, Pasted
from keywright.vault.seam import Outlet
from tests.support.clock import FakeClock
from tests.support.world import Person, World

ADDRESS, OTHER = "203.0.113.7", "203.0.113.8"
"""What the operator has: two addresses of his own."""

KEY, SECRET, PASSPHRASE = "6512ab34cd56ef7890ab12cd", "0fb2b3a4-5c6d-4e7f-8a9b-0c1d2e3f4a5b", "Quay-and-lamp-7"


def kucoin(index: int = 0, accept: frozenset[str] = frozenset()) -> Pasted:
    """Return a key of KuCoin's as somebody pastes it."""
    return Pasted(f"{index:024x}" if index else KEY, Secret(SECRET), Secret(PASSPHRASE), accept)


def probed(*rights: Right, exchange: Exchange = Exchange.KUCOIN, addresses: tuple[str, ...] = (ADDRESS,)) -> Probe:
    """Return what an exchange says of a key that may read and trade, and beside that what is named."""
    said = {Right.WITHDRAW: "Transfer", Right.INTERNAL_TRANSFER: "InnerTransfer", Right.MARGIN: "Margin"}
    names = {Right.READ: "General", Right.TRADE: "Spot", **said}
    has = {Right.READ, Right.TRADE, *rights}
    evidence = [Evidence(right, right in has, Grade.PROVEN, names[right]) for right in names]
    bound = Evidence(Right.ADDRESS_FILTER, bool(addresses), Grade.PROVEN, "ipWhitelist")
    return Probe(exchange, 0, (*evidence, bound), addresses=addresses)


@dataclass
class Told:
    """Answers in the exchanges' place."""

    answer: Probe | KeywrightError = field(default_factory=probed)
    seen: str | KeywrightError | None = None
    """What is seen from outside; `None`: each address as it is."""
    bound: bool | None = None
    """Whether a key is refused from where it is tried."""
    tried: list[Outlet] = field(default_factory=list)
    asked: list[tuple[Credentials, Outlet]] = field(default_factory=list)

    async def probe(self, credentials: Credentials, outlet: Outlet, *, now: int) -> Probe:
        self.asked.append((credentials, outlet))
        if isinstance(self.answer, KeywrightError):
            raise self.answer
        return replace(self.answer, exchange=credentials.exchange, at=now)

    async def is_bound(self, credentials: Credentials, outlet: Outlet) -> bool | None:
        self.tried.append(outlet)
        return self.bound

    async def address(self, outlet: Outlet, *, now: int) -> str:
        if isinstance(self.seen, KeywrightError):
            raise self.seen
        return outlet.egress.place if self.seen is None else self.seen

    async def sub_keys(self, master: Credentials, outlet: Outlet, sub_account: str) -> tuple[SubKey, ...]:
        raise NotImplementedError  # the double of KuCoin answers these: test_renewing.py

    async def make_sub_key(self, master: Credentials, outlet: Outlet, wanted: WantedKey) -> Credentials:
        raise NotImplementedError

    async def delete_sub_key(
        self, master: Credentials, outlet: Outlet, sub_account: str, key: str, passphrase: Secret
    ) -> None:
        raise NotImplementedError


class Dealings:
    """Short ways to do what owners do."""

    def __init__(self, world: World, told: Told) -> None:
        self.world, self.told = world, told
        self.services, self.vault, self.clock = world.services, world.services.vault, world.clock

    async def pool(self, *addresses: str) -> None:
        """Put addresses into the pool, one after the other: they are given out in that order."""
        async with self.services.database.write() as tx:
            given = addresses or (ADDRESS,)
            for before, address in enumerate(reversed(given), 1):  # the oldest is given out first
                place = rules.egress_place(address)
                await self.vault.pool.add(tx, place, actor=Actor("operator"), now=self.clock() - before)

    async def connect(self, person: Person, given: Pasted | None = None, name: str = "grid bot") -> Connection:
        """Reserve an address and have a key of KuCoin's held."""
        await self.vault.reserve(person.account.id, "kucoin", actor=self.world.actor(person), now=self.clock())
        return await self.vault.connect(
            person.account.id,
            NewConnection(name, "kucoin", given or kucoin()),
            proof=self.world.proof(person),
            actor=self.world.actor(person),
            now=self.clock(),
        )

    async def hand_out(self, person: Person, name: str = "grid bot") -> Credentials:
        """Return the credentials in the clear."""
        async with self.services.database.write() as tx:
            handed = await self.vault.credentials(
                tx, person.account.id, name, purpose="exec", actor=self.world.actor(person), now=self.clock()
            )
        return handed.credentials

    async def shown(self, person: Person, name: str = "grid bot") -> Connection:
        """Return a connection as its owner sees it."""
        async with self.services.database.read() as tx:
            return await self.vault.connection(tx, person.account.id, name)

    async def kinds(self) -> list[str]:
        """Return the kinds of all events about held keys, oldest first."""
        async with self.services.database.read() as tx:
            rows = await self.services.audit.list(tx)
        return [row.kind for row in reversed(rows) if row.kind.startswith(("connection.", "egress."))]

    async def told_of(self, person: Person) -> list[str]:
        """Return what kinds of notices about held keys someone got, by name: those of one moment have no order."""
        async with self.services.database.read() as tx:
            found = await self.services.notices.of(tx, person.account.id)
        return sorted(one.kind for one in found if one.kind.startswith("connection."))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def services(database: Database, keyring: Keyring, clock: FakeClock, told: Told) -> Services:
    services = wire(database, keyring, policy=Policy(), clock=clock, hasher=CHEAPEST, asks=told)
    async with database.write() as tx:
        await services.audit.begin(tx)
    return services


@pytest.fixture
def dealings(world: World, told: Told) -> Dealings:
    return Dealings(world, told)
