"""`open_case` and `diagnose`: why an exchange refuses a held key, found out through the connection's own address.

The credentials are opened in a transaction, with an event that says for what; the exchange is asked after it.
"""

from __future__ import annotations

from dataclasses import dataclass

from keywright.audit.events import Actor, Kind
from keywright.storage.transaction import Tx
from keywright.vault.client import VenueClient, Ways
from keywright.vault.differential import Found, differential
from keywright.vault.evidence import Right
from keywright.vault.seam import Handed, Outlet
from keywright.vault.service import Vault
from keywright.vault.wire_reply import Reply


@dataclass(frozen=True, slots=True)
class Case:
    """A connection with its credentials in the clear, and a second way out, where one is free."""

    handed: Handed
    second: Outlet | None


async def open_case(tx: Tx, vault: Vault, account_id: str, wanted: str, *, actor: Actor, now: int) -> Case:
    """Return a connection opened for a diagnosis, suspended or not: a suspended one is what people wonder about.

    Raises `NotFound`, `Conflict` while the account is frozen, and `Unusable` for one that was altered or whose address is gone.
    """
    await vault.book.lock(tx, account_id)
    connection, sealed = await vault.book.good(tx, account_id, wanted)
    outlet = await vault.pool.outlet(tx, connection.egress.id)
    credentials = vault.book.open(connection, sealed)
    await vault.book.record(tx, Kind.CONNECTION_OPENED, connection, actor, now=now, purpose="diagnosis")
    return Case(Handed(connection, credentials, outlet), await vault.pool.spare(tx, connection.egress, now=now))


async def diagnose(ways: Ways, case: Case, *, refused: Reply | None = None, wanted: Right | None = None) -> Found:
    """Return what is to blame. `refused` is an answer that somebody wonders about, `wanted` the right that it needed."""
    handed = case.handed
    exchange, address = handed.credentials.exchange, handed.outlet.egress.shown
    async with VenueClient(exchange, handed.outlet.way, ways) as client:
        if case.second is None:
            return await differential(client, handed.credentials, address=address, refused=refused, wanted=wanted)
        async with VenueClient(exchange, case.second.way, ways) as second:
            return await differential(
                *(client, handed.credentials), address=address, refused=refused, wanted=wanted, second=second
            )
