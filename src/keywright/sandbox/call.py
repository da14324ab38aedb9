"""One request as its route sees it: whose it is, what it asks for, when it came, and the database to answer from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

from keywright.errors import Invalid
from keywright.sandbox import amounts, service
from keywright.sandbox.approver import NOBODY, Approver
from keywright.sandbox.model import Declined, Owner, Search, SubAccountsOf, no_sub_accounts
from keywright.storage.transaction import Database, Tx

MOST_PARAMETERS = 64
_LAST_MOMENT = 10**13
"""Milliseconds: the year 2286. Later ones are seconds mistaken for something finer, or mischief."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request, taken apart."""

    owner: Owner
    path: Mapping[str, str]
    """The variable parts of the path, by name."""
    query: Mapping[str, str]
    body: Mapping[str, Any]
    now: int
    database: Database
    sub_accounts_of: SubAccountsOf = no_sub_accounts
    approver: Approver = NOBODY
    key_id: str = ""
    """The API key the request was signed with."""
    address: str = ""
    """Where it came from, as the gateway decided it."""

    def text(self, name: str, *, required: bool = False) -> str:
        """Return a query parameter; empty when it is not given. Raises `Declined` when it must be."""
        value = self.query.get(name, "")
        if required and not value:
            raise Declined("400100", f"{name} is required.")
        return value

    def whole(self, name: str, *, least: int = 0, most: int = _LAST_MOMENT) -> int | None:
        """Return a query parameter as a whole number within bounds, `None` when it is not given."""
        value = self.query.get(name, "")
        if not value:
            return None
        if not (value.isascii() and value.isdigit() and len(value) <= 20) or not least <= int(value) <= most:
            raise Declined("400100", f"{name} is not a whole number from {least} to {most}.")
        return int(value)

    def field(self, name: str) -> str:
        """Return a text field of the body; raises `Declined` when it is missing or something else."""
        value = self.body.get(name)
        if not isinstance(value, str) or not value:
            raise Declined("400100", f"{name} is required.")
        return value

    def amount(self, name: str) -> Decimal:
        """Return an amount of the body above zero; raises `Declined` when it is missing or something else."""
        try:
            amount = amounts.amount(self.body.get(name), field=name)
        except Invalid as error:
            raise Declined("400100", f"{error.message}.") from None
        if not amount:
            raise Declined("400100", f"{name} must be above zero.")
        return amount

    def paging(self, *, least: int = 10, most: int = 500) -> tuple[int, int]:
        """Return the number and the size of the page that is asked for."""
        size = self.whole("pageSize", least=1, most=most) or 50
        return self.whole("currentPage", least=1, most=1_000_000) or 1, max(least, size)

    def search(self, *, offset: int = 0, limit: int, symbol_required: bool = False) -> Search:
        """Return what of its orders or fills the owner is looking for."""
        return Search(
            symbol=self.text("symbol", required=symbol_required),
            side=self.text("side"),
            kind=self.text("type"),
            order_id=self.text("orderId"),
            start_at=self.whole("startAt"),
            end_at=self.whole("endAt"),
            before=self.whole("lastId", most=2**63 - 1),
            offset=offset,
            limit=limit,
        )

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        """Give a transaction in which the owner's books are up to date. Writes before it only if something happened."""
        async with self.database.read() as tx:
            if not await service.needs_attention(tx, self.owner, now=self.now):
                yield tx
                return
        async with self.database.write() as tx:
            await service.attend(tx, self.owner, now=self.now)
            yield tx


def parameters(query: bytes) -> dict[str, str]:
    """Return the parameters of a query, decoded; raises `Invalid` where two readers could see two things."""
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except ValueError:  # not ASCII, not UTF-8 once decoded, or too many
        raise Invalid("the query can't be read") from None
    found = dict(pairs)
    if any("\0" in value for value in found.values()):
        raise Invalid("a query parameter holds a NUL")  # PostgreSQL takes no such text, SQLite would
    if len(found) != len(pairs):
        raise Invalid("a query parameter is given twice")
    return found
