"""Keys of other exchanges in tests of the pages: who stands in the exchanges' place there, and a key that is held."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from keywright.app.services import Services
from keywright.audit.events import Actor
from keywright.errors import KeywrightError
from keywright.identity.model import FactorProof
from keywright.secret import Secret
from keywright.vault import rules
from keywright.vault.evidence import Credentials, Evidence, Exchange, Grade, Probe, Right, SubKey, WantedKey
from keywright.vault.model import NewConnection, Pasted
from keywright.vault.seam import Outlet
from tests.support.clock import FakeClock

EGRESS = "203.0.113.77"
KEY, SECRET, PASSPHRASE = "6512ab34cd56ef7890ab12cd", "0fb2b3a4-5c6d-4e7f-8a9b-0c1d2e3f4a5b", "Quay-and-lamp-7"
OTHER_KEY = "7512ab34cd56ef7890ab12cd"


@dataclass
class Obliging:
    """Says of every key that it reads and trades, and is bound to where it is asked from; or what it is told to say."""

    says: Probe | KeywrightError | None = None
    more: tuple[Evidence, ...] = ()
    """What keys may do besides."""
    seen: str | KeywrightError = ""
    """What is seen from outside; empty: each address as it is."""
    asked: list[Credentials] = field(default_factory=list)

    async def probe(self, credentials: Credentials, outlet: Outlet, *, now: int) -> Probe:
        self.asked.append(credentials)
        if isinstance(self.says, KeywrightError):
            raise self.says
        if self.says is not None:
            return replace(self.says, exchange=credentials.exchange, at=now)
        return probe_of(credentials.exchange, *self.more, address=outlet.egress.place, now=now)

    async def sub_keys(self, master: Credentials, outlet: Outlet, sub_account: str) -> tuple[SubKey, ...]:
        raise NotImplementedError  # the double of KuCoin answers these: tests/vault/test_renewing.py

    async def make_sub_key(self, master: Credentials, outlet: Outlet, wanted: WantedKey) -> Credentials:
        raise NotImplementedError

    async def delete_sub_key(
        self, master: Credentials, outlet: Outlet, sub_account: str, key: str, passphrase: Secret
    ) -> None:
        raise NotImplementedError

    async def is_bound(self, credentials: Credentials, outlet: Outlet) -> bool | None:
        return True

    async def address(self, outlet: Outlet, *, now: int) -> str:
        if isinstance(self.seen, KeywrightError):
            raise self.seen
        return self.seen or outlet.egress.place


def probe_of(exchange: Exchange, *more: Evidence, address: str = EGRESS, now: int = 0) -> Probe:
    """Return what is said of a key that reads and trades, and `more`; without an address it works from anywhere."""
    named = {
        Right.READ: "General",
        Right.TRADE: "Spot",
        Right.WITHDRAW: "Transfer",
        Right.INTERNAL_TRANSFER: "InnerTransfer",
    }
    others = {one.right for one in more}
    evidence = [
        Evidence(right, right in {Right.READ, Right.TRADE}, Grade.PROVEN, said)
        for right, said in named.items()
        if right not in others
    ]
    bound = Evidence(Right.ADDRESS_FILTER, bool(address), Grade.DECLARED, "ipWhitelist")
    known = [] if Right.ADDRESS_FILTER in others else [bound]
    return Probe(exchange, now, (*evidence, *more, *known), addresses=(address,) if address else ())


async def pool(services: Services, *addresses: str) -> None:
    """Put addresses into the pool."""
    async with services.database.write() as tx:
        for address in addresses or (EGRESS,):
            place = rules.egress_place(address)
            await services.vault.pool.add(tx, place, actor=Actor("operator"), now=services.clock())


async def held_key(services: Services, account_id: str, clock: FakeClock, *, name: str = "grid", key: str = KEY) -> str:
    """Have a key of KuCoin's held for an account; return its connection's id."""
    actor, now = Actor(account_id), clock()
    await services.vault.reserve(account_id, "kucoin", actor=actor, now=now)
    connection = await services.vault.connect(
        account_id,
        NewConnection(name, "kucoin", Pasted(key, Secret(SECRET), Secret(PASSPHRASE)), ("night grid",)),
        proof=FactorProof(account_id, "totp", now),
        actor=actor,
        now=now,
    )
    return connection.id
