"""A held key for a program on this machine: from the personal vault, handed out on the record."""

from __future__ import annotations

from keywright.app.protecting import OWNER
from keywright.app.vault_opening import opened_vault
from keywright.app.vault_place import VaultPlace
from keywright.audit.log import LABEL, AuditLog
from keywright.clock import Clock, wall_clock_ms
from keywright.vault.evidence import Credentials
from keywright.vault.handing import hand_out, personal_book
from keywright.vault.model import PERSONAL


async def credentials_for(name: str, *, purpose: str, place: VaultPlace, clock: Clock = wall_clock_ms) -> Credentials:
    """Return a connection's credentials in the clear, with an event that says for what.

    Raises `Locked`, `NotFound`, `Conflict` for a connection that is suspended, and `Unusable` for one that was altered.
    """
    async with opened_vault(place, clock=clock) as vault:
        book, pool = personal_book(vault.keyring, AuditLog(vault.keyring.derive(LABEL)))
        async with vault.database.write() as tx:
            handed = await hand_out(tx, book, pool, PERSONAL, name, purpose=purpose, actor=OWNER, now=clock())
            return handed.credentials
