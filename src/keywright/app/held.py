"""A held key for a program on this machine: from the personal vault, handed out on the record."""

from __future__ import annotations

from keywright.app.personal_vault import open_personal_vault
from keywright.app.protecting import OWNER
from keywright.clock import Clock, wall_clock_ms
from keywright.settings import Settings
from keywright.vault.evidence import Credentials
from keywright.vault.model import PERSONAL


async def credentials_for(name: str, *, purpose: str, settings: Settings, clock: Clock = wall_clock_ms) -> Credentials:
    """Return a connection's credentials in the clear, with an event that says for what.

    Raises `Locked`, `NotFound`, and `Conflict` for a connection that is suspended.
    """
    async with open_personal_vault(settings, clock=clock) as services, services.database.write() as tx:
        handed = await services.vault.credentials(tx, PERSONAL, name, purpose=purpose, actor=OWNER, now=clock())
        return handed.credentials
