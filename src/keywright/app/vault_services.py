"""The verbs over a vault, wired without what a server has beside them: in a personal vault nobody signs in.

Most commands of `keywright vault` need no more, and don't wait for the rest to load.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from keywright.app.vault_opening import opened_vault
from keywright.app.vault_place import vault_place_of
from keywright.app.vaults import origins_of_exchanges, vault_over, ways_of
from keywright.audit.log import LABEL, AuditLog
from keywright.clock import Clock, wall_clock_ms
from keywright.sealing.keyring import Keyring
from keywright.settings import Settings
from keywright.storage.transaction import Database, Tx
from keywright.vault.client import Ways
from keywright.vault.service import Vault


@dataclass(frozen=True, slots=True)
class VaultServices:
    """What surfaces call about held keys."""

    database: Database
    keyring: Keyring
    audit: AuditLog
    clock: Clock
    vault: Vault
    ways: Ways
    """To the exchanges whose keys are held."""


@asynccontextmanager
async def open_vault_services(settings: Settings, *, clock: Clock = wall_clock_ms) -> AsyncIterator[VaultServices]:
    """Give the verbs over the settings' personal vault, opened; close it at the end. Raises as `opened_vault` does."""
    async with opened_vault(vault_place_of(settings), clock=clock) as opened:
        audit = AuditLog(opened.keyring.derive(LABEL))
        ways = ways_of(opened.database, opened.keyring, origins=origins_of_exchanges(settings), clock=clock)

        async def most(_tx: Tx) -> int:
            return settings.connections_per_account

        vault = vault_over(opened.database, opened.keyring, audit, None, ways=ways, asks=None, most=most)
        yield VaultServices(opened.database, opened.keyring, audit, clock, vault, ways)
