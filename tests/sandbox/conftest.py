"""A paper exchange on a fake clock, spoken to as the gateway speaks to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from keywright.protocol.message import Identity, Request
from keywright.sandbox import service
from keywright.sandbox.app import Sandbox
from keywright.sandbox.approver import Orderer, Word
from keywright.sandbox.model import Declined, SubAccount, Withdrawal
from keywright.storage.engine import open_database, sqlite_url
from keywright.storage.tables import metadata
from keywright.storage.transaction import Database, Tx

START = 1_790_000_000_000
"""Milliseconds. The market is a function of the time, so every test sees the same one."""


DESK = SubAccount("sub_" + "d" * 24, 300_000_001, "desk", "the night desk", START, is_frozen=False)
"""Alice's sub-account."""


class Owners:
    """Stands for the owners of withdrawals: a test says what they say. The real ones are in tests/stories."""

    def __init__(self) -> None:
        self.asked: dict[str, tuple[Withdrawal, Orderer]] = {}
        self.words: dict[str, Word] = {}
        self.refuse_to_ask = ""

    async def ask(self, _tx: Tx, withdrawal: Withdrawal, by: Orderer, *, now: int) -> str:
        if self.refuse_to_ask:
            raise Declined("400100", self.refuse_to_ask)
        approval_id = f"apv_{len(self.asked)}_{now}"
        self.asked[approval_id] = withdrawal, by
        self.words[approval_id] = "waiting"
        return approval_id

    async def word(self, _tx: Tx, approval_id: str, *, now: int) -> Word:
        return self.words[approval_id]

    async def consume(self, _tx: Tx, withdrawal: Withdrawal, *, now: int) -> bool:
        asked = self.asked[withdrawal.approval_id][0]
        is_good = self.words[withdrawal.approval_id] == "yes" and withdrawal.amount == asked.amount
        if is_good:
            self.words[withdrawal.approval_id] = "paid"
        return is_good

    async def take_back(self, _tx: Tx, approval_id: str, *, now: int) -> None:
        self.words[approval_id] = "no"

    def say(self, word: Word) -> None:
        """Let every owner say this of what waits."""
        self.words |= {one: word for one, said in self.words.items() if said == "waiting"}


class Exchange:
    """Drives a `Sandbox`: who asks for what, and what time it is."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = START
        self.sub_accounts = {"alice": [DESK]}
        self.owners = Owners()
        self.sandbox = Sandbox(
            database, clock=lambda: self.now, sub_accounts_of=self._sub_accounts_of, approver=self.owners
        )

    async def _sub_accounts_of(self, account_id: str) -> Sequence[SubAccount]:
        return self.sub_accounts.get(account_id, [])

    async def fund(self, sub: SubAccount = DESK, *, into: str = "TRADE", **amounts: str) -> None:
        """Move money from the account's trade account into one of a sub-account's."""
        for currency, amount in amounts.items():
            body = {
                "clientOid": f"fund{currency}",
                "currency": currency,
                "amount": amount,
                "type": "PARENT_TO_SUB",
                "fromAccountType": "TRADE",
                "toAccountType": into,
                "toUserId": sub.id.removeprefix("sub_"),
            }
            await self.post("/api/v3/accounts/universal-transfer", body)

    def pass_time(self, *, seconds: int) -> None:
        """Let time pass. Nobody asks anything meanwhile."""
        self.now += seconds * 1000

    async def send(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        *,
        who: str = "alice",
        sub: str = "",
        environment: str = "spot",
    ) -> tuple[int, dict[str, Any]]:
        """Send a request; return HTTP status and envelope."""
        identity = Identity("req", environment, account_id=who, sub_account=sub)
        response = await self.sandbox.forward(Request(method, target.encode(), (), body, None), identity)
        assert dict(response.headers)[b"content-type"] == b"application/json"
        envelope: dict[str, Any] = json.loads(response.body)
        return response.status, envelope

    async def ask(self, method: str, target: str, body: dict[str, Any] | None, **who: str) -> Any:
        """Send a request that succeeds; return its data."""
        raw = b"" if body is None else json.dumps(body).encode()
        status, envelope = await self.send(method, target, raw, **who)
        assert (status, envelope["code"]) == (200, "200000"), envelope
        assert set(envelope) == {"code", "data"}
        return envelope["data"]

    async def get(self, target: str, **who: str) -> Any:
        """Return the data of a GET."""
        return await self.ask("GET", target, None, **who)

    async def post(self, target: str, body: dict[str, Any], **who: str) -> Any:
        """Return the data of a POST."""
        return await self.ask("POST", target, body, **who)

    async def delete(self, target: str, **who: str) -> Any:
        """Return the data of a DELETE."""
        return await self.ask("DELETE", target, None, **who)

    async def decline(
        self, method: str, target: str, body: dict[str, Any] | None = None, **who: str
    ) -> tuple[str, str]:
        """Send a request the exchange says no to, as business does: with HTTP 200. Return code and message."""
        raw = b"" if body is None else json.dumps(body).encode()
        status, envelope = await self.send(method, target, raw, **who)
        assert status == 200
        assert set(envelope) == {"code", "msg"}, envelope
        return envelope["code"], envelope["msg"]

    async def place(self, body: dict[str, Any], **who: str) -> dict[str, Any]:
        """Place an order and return how it stands."""
        placed = await self.post("/api/v1/hf/orders", body, **who)
        return await self.order(placed["orderId"], symbol=body["symbol"], **who)

    async def order(self, order_id: str, *, symbol: str = "BTC-USDT", **who: str) -> dict[str, Any]:
        """Return how an order stands."""
        found: dict[str, Any] = await self.get(f"/api/v1/hf/orders/{order_id}?symbol={symbol}", **who)
        return found

    async def best(self, symbol: str = "BTC-USDT") -> tuple[Decimal, Decimal]:
        """Return the best bid and ask."""
        level1 = await self.get(f"/api/v1/market/orderbook/level1?symbol={symbol}")
        return Decimal(level1["bestBid"]), Decimal(level1["bestAsk"])

    async def balance(self, currency: str, *, book: str = "trade", **who: str) -> tuple[Decimal, Decimal]:
        """Return what is available and what is held."""
        [entry] = await self.get(f"/api/v1/accounts?currency={currency}&type={book}", **who)
        return Decimal(entry["available"]), Decimal(entry["holds"])

    async def wrong_with_the_books(self) -> list[str]:
        """Return what the audit of the ledger finds."""
        async with self.database.read() as tx:
            return await service.audit_ledger(tx)


@pytest.fixture
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """Give an empty database: SQLite, or PostgreSQL where a test module asks for both."""
    if getattr(request, "param", "sqlite") == "postgres":
        found: Database = request.getfixturevalue("postgres")
        return found
    return open_database(sqlite_url(tmp_path / "sandbox.db"))


@pytest.fixture
async def exchange(kept: Database) -> AsyncIterator[Exchange]:
    """Give a paper exchange nobody has been to; afterwards its books must balance, whatever was done to it."""
    async with kept.engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
    opened = Exchange(kept)
    yield opened
    assert await opened.wrong_with_the_books() == []
    await kept.close()
