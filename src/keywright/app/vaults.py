"""The vault of an installation, with the ways to the exchanges that the settings name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keywright.audit.log import AuditLog
from keywright.clock import Clock
from keywright.identity import limits
from keywright.identity.attempts import Attempts
from keywright.sealing.keyring import Keyring
from keywright.setting_values import is_loopback
from keywright.settings import Settings
from keywright.storage.transaction import Database
from keywright.vault.asking import Exchanges, NoncesInDatabase
from keywright.vault.client import Ways
from keywright.vault.clocks import Nonces
from keywright.vault.destinations import Origin, read_origin
from keywright.vault.evidence import Exchange
from keywright.vault.safe import Safe
from keywright.vault.seam import Asks
from keywright.vault.service import Vault
from keywright.vault.tending import Most

if TYPE_CHECKING:
    from keywright.identity.service import IdentityService  # loads what hashes passwords


def ways_of(database: Database, keyring: Keyring, *, origins: Mapping[Exchange, Origin], clock: Clock) -> Ways:
    """Return what every question to an exchange shares."""
    nonces = Nonces(NoncesInDatabase(database, Safe(keyring)), clock=clock)
    return Ways(clock, nonces, dict(origins))


def vault_over(
    database: Database,
    keyring: Keyring,
    audit: AuditLog,
    identity: IdentityService | None,
    *,
    ways: Ways,
    asks: Asks | None,
    most: Most,
) -> Vault:
    """Return the vault in a database. Without `identity` it is a personal one: no accounts, and nobody to count against."""
    attempts = Attempts(database)

    async def charge(account_id: str, now: int, *, of: str = "held") -> None:
        await attempts.charge({f"{of}:{account_id}": limits.HELD_KEYS}, now=now)

    return Vault.over(
        database,
        keyring,
        audit,
        asks or Exchanges(ways),
        lock_account=identity.lock_unfrozen if identity is not None else None,
        charge=charge if identity is not None else None,
        most=most,
    )


def origins_of_exchanges(settings: Settings) -> dict[Exchange, Origin]:
    """Return where the settings say that exchanges are, of those that are not at their own address."""
    named = {
        Exchange.KUCOIN: settings.kucoin_url,
        Exchange.BINANCE: settings.binance_url,
        Exchange.BITFINEX: settings.bitfinex_url,
    }
    return {
        exchange: read_origin(url, loopback=is_loopback(urlsplit(url).hostname or ""))
        for exchange, url in named.items()
        if url
    }
