"""Asks the exchanges for the vault: each question with a client of its own, through the way out that is given."""

from __future__ import annotations

from keywright.storage.transaction import Database
from keywright.vault import store
from keywright.vault.client import Denied, VenueClient, Ways, is_bound
from keywright.vault.differential import why_denied
from keywright.vault.evidence import Credentials, Exchange, Probe
from keywright.vault.safe import Safe
from keywright.vault.seam import KeyDenied, Outlet


class Exchanges:
    """What the vault asks, over the network."""

    def __init__(self, ways: Ways) -> None:
        self.ways = ways

    async def probe(self, credentials: Credentials, outlet: Outlet, *, now: int) -> Probe:
        """Return what an exchange says that a key may do.

        Raises `KeyDenied` with what is to blame, and what goes wrong on the way.
        """
        async with VenueClient(credentials.exchange, outlet.way, self.ways) as client:
            try:
                return await client.probe(credentials, at=now)
            except Denied as denied:
                reply = denied.reply
                # A page, or a bare status, is from what stands before an exchange, which knows nothing of the key.
                reasons = client.reasons(reply) if reply.is_spoken else ()
                told = await why_denied(client, credentials, reply, address=outlet.egress.shown)
                explained = Denied(credentials.exchange, reply, told)
                raise KeyDenied(explained, reasons=reasons, wait_ms=reply.wait_ms) from None

    async def is_bound(self, credentials: Credentials, outlet: Outlet) -> bool | None:
        """Tell whether an exchange refuses a key from this address; `None` where the way there failed."""
        async with VenueClient(credentials.exchange, outlet.way, self.ways) as client:
            return await is_bound(client, credentials)

    async def address(self, outlet: Outlet, *, now: int) -> str:  # noqa: ARG002  the present is what is asked about
        """Return the address that KuCoin sees; the others don't tell."""
        async with VenueClient(Exchange.KUCOIN, outlet.way, self.ways) as client:
            return await client.address_seen()


class NoncesInDatabase:
    """The highest nonce of each held key, for all processes; of a key that is not held, in this process alone."""

    def __init__(self, database: Database, safe: Safe) -> None:
        self._database = database
        self._safe = safe
        self._given: dict[str, int] = {}

    async def next_nonce(self, key: str, *, at_least: int) -> int:
        """Keep and return the next nonce of a key. A key that is refused leaves no trace by having been asked about."""
        least = max(at_least, self._given.get(key, 0) + 1)
        async with self._database.write() as tx:
            nonce = await store.next_nonce(tx, digest=self._safe.fingerprint_of(key), at_least=least)
        self._given[key] = nonce = least if nonce is None else nonce
        return nonce
