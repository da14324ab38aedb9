"""Somebody with an address on the list and a key that may withdraw: what tests of approvals begin with."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keywright.app.services import opened
from keywright.approvals.model import Approval
from keywright.identity.destinations import Destination
from keywright.identity.model import FactorProof
from keywright.identity.whitelist import Listed
from keywright.settings import Settings
from tests.support.world import Held, Person, World

TRON = "TXYZabcdefghijkmnopqrstuvwxyz12345"
OTHER_TRON = "TABCabcdefghijkmnopqrstuvwxyz12345"
TO = Destination("USDT", "trx", TRON)
HERE = ("127.0.0.1",)
HOUR_MS = 3_600_000


@dataclass
class Desk:
    """Asks and decides in short words; each is one transaction."""

    world: World
    person: Person
    key: Held

    @property
    def account_id(self) -> str:
        return self.person.account.id

    async def lists(self, to: Destination = TO, label: str = "Cold wallet") -> Listed:
        """Put an address on the list."""
        world = self.world
        async with world.services.database.write() as tx:
            return await world.services.whitelist.add(
                tx,
                self.account_id,
                to,
                label=label,
                proof=world.proof(self.person),
                actor=world.actor(self.person),
                now=world.clock(),
            )

    async def asks(
        self, reference: str = "w1", *, amount: str = "250", asked_by: str = "sandbox", **more: Any
    ) -> Approval:
        """Ask for a withdrawal that the key ordered."""
        detail = {
            "amount": amount,
            "currency": "USDT",
            "chain": "trx",
            "address": TRON,
            "fee": "1.5",
            "key": self.key.id,
        }
        detail |= {"from": "127.0.0.1", **more.pop("detail", {})}
        terms = {"account_id": self.account_id, "expires_in": HOUR_MS, **more}
        async with self.world.services.database.write() as tx:
            return await self.world.services.approvals.ask(
                tx, asked_by=asked_by, reference=reference, detail=detail, now=self.world.clock(), **terms
            )

    def proof(self, approval: Approval, factor: str = "totp") -> FactorProof:
        """Return a proof made for this approval, now."""
        return FactorProof(self.account_id, factor, self.world.clock()).made_for(approval.purpose)

    async def confirms(self, approval: Approval, *, proof: FactorProof | None = None, digest: bytes = b"") -> Approval:
        """Confirm it."""
        async with self.world.services.database.write() as tx:
            return await self.world.services.approvals.confirm(
                tx,
                self.account_id,
                approval.id,
                digest=digest or approval.digest,
                proof=proof or self.proof(approval),
                actor=self.world.actor(self.person),
                now=self.world.clock(),
            )

    async def refuses(self, approval: Approval) -> Approval:
        """Refuse it."""
        async with self.world.services.database.write() as tx:
            return await self.world.services.approvals.refuse(
                tx, self.account_id, approval.id, actor=self.world.actor(self.person), now=self.world.clock()
            )

    async def consumes(self, approval: Approval, *, digest: bytes = b"", asked_by: str = "sandbox") -> Approval:
        """Carry it out, as who asked for it would."""
        async with self.world.services.database.write() as tx:
            return await self.world.services.approvals.consume(
                tx, approval.id, digest=digest or approval.digest, asked_by=asked_by, now=self.world.clock()
            )

    async def state(self, approval: Approval) -> str:
        """Return how it stands now."""
        async with self.world.services.database.read() as tx:
            found = await self.world.services.approvals.one(tx, self.account_id, approval.id)
        return found.at(self.world.clock()).state.value


async def desk_of(world: World, email: str = "ada@example.org", *, lists: bool = True) -> Desk:
    """Return a person with a key that may withdraw and, unless it is not wanted, a listed address."""
    person = await world.person(email)
    desk = Desk(world, person, await world.key(person, "withdraw", addresses=HERE))
    if lists:
        await desk.lists()
    return desk


def waiting_in(folder: Path, clock: Callable[[], int], reference: str = "w1", *, sub_account: str = "") -> str:
    """Let a withdrawal wait for the oldest account of an installation; return the approval's id."""

    async def ask() -> str:
        async with opened(Settings(data_dir=str(folder)), clock=clock) as services, services.database.write() as tx:
            account, *_ = await services.identity.accounts(tx)  # the oldest
            asked = await services.approvals.ask(
                tx,
                account_id=account.id,
                sub_account=sub_account,
                asked_by="tok_cli",
                reference=reference,
                detail={"amount": "250", "currency": "USDT", "chain": "trx", "address": TRON},
                expires_in=HOUR_MS,
                now=clock(),
            )
            return asked.id

    return asyncio.run(ask())
