"""Asks the exchanges for the vault: each question with a client of its own, through the way out that is given."""

from __future__ import annotations

from keywright.secret import Secret
from keywright.storage.transaction import Database
from keywright.vault import store
from keywright.vault.client import Denied, VenueClient, Ways, is_bound
from keywright.vault.differential import why_denied
from keywright.vault.evidence import Credentials, Exchange, Probe, SubKey, WantedKey
from keywright.vault.factors import Factor
from keywright.vault.safe import Safe
from keywright.vault.seam import KeyDenied, Outlet
from keywright.vault.venues import kucoin, kucoin_sub_keys
from keywright.vault.venues.venue import Call, NotUnderstood


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
                reasons = client.own_reasons(reply)
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

    async def sub_keys(self, master: Credentials, outlet: Outlet, sub_account: str) -> tuple[SubKey, ...]:
        """Return the keys of a sub-account, as its master account is shown them. Raises `KeyDenied`."""
        return kucoin_sub_keys.read_list(await self._with_master(master, outlet, kucoin_sub_keys.listing(sub_account)))

    async def make_sub_key(self, master: Credentials, outlet: Outlet, wanted: WantedKey) -> Credentials:
        """Have a key made for a sub-account. Raises `KeyDenied` where none was made; after anything else one may have been."""
        answer = await self._with_master(master, outlet, kucoin_sub_keys.making(wanted))
        return kucoin_sub_keys.read_made(answer, wanted)

    async def delete_sub_key(
        self, master: Credentials, outlet: Outlet, sub_account: str, key: str, passphrase: Secret
    ) -> None:
        """Have a key of a sub-account deleted. Raises `KeyDenied`, and what goes wrong on the way."""
        await self._with_master(master, outlet, kucoin_sub_keys.deleting(sub_account, key, passphrase))

    async def _with_master(self, master: Credentials, outlet: Outlet, call: Call) -> bytes:
        """Return what is answered to a call of a master key. Raises `KeyDenied` where it was refused, and so did nothing."""
        async with VenueClient(master.exchange, outlet.way, self.ways) as client:
            reply = await client.send(master, call.method, call.target, call.body)
            try:
                kucoin.data_of(reply.body)
            except NotUnderstood:
                denied = Denied(master.exchange, reply)
                # A fault of its own, or of what stands before it: it may have done what it was asked to, and failed to say so.
                if reply.status >= 500 or denied.diagnosis.factor in (Factor.EXCHANGE, Factor.NETWORK):
                    raise denied from None
                if reply.status == 200 and not kucoin.is_refusal(reply.body):
                    raise
                raise KeyDenied(denied, reasons=client.reasons(reply)) from None
            return reply.body


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
