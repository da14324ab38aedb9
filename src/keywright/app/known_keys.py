"""What recognises the keys of this machine: those its personal vault holds, and those its server issued or holds."""

from __future__ import annotations

from collections.abc import Callable

from keywright.app.folders import folders_of
from keywright.app.personal_vault import open_personal_vault
from keywright.app.services import Services, opened
from keywright.app.vault_place import vault_place_of
from keywright.clock import Clock, wall_clock_ms
from keywright.errors import Unusable
from keywright.ids import KEY_ID
from keywright.issuing.model import Owner
from keywright.settings import Settings

Known = Callable[[str], str | None]


async def known_keys(settings: Settings, *, clock: Clock = wall_clock_ms) -> Known:
    """Return what tells whose key a piece of text is. It holds ids and fingerprints, and no secret.

    Raises `Locked` where the vault is, and `Unusable` where this machine has neither vault nor server.
    """
    knows: list[Known] = []
    if vault_place_of(settings).has_vault():
        async with open_personal_vault(settings, clock=clock) as services:
            knows.append(await _held(services))
    if settings.database_url or folders_of(settings).database.exists():
        async with opened(settings, clock=clock) as services:
            knows += [await _held(services), await _issued(services)]
    if not knows:
        raise Unusable("there is neither a vault nor a server here", hint="leave --known out, or name it by --data-dir")
    return lambda text: next((whose for known in knows if (whose := known(text)) is not None), None)


async def _held(services: Services) -> Known:
    async with services.database.read() as tx:
        return await services.vault.recognise(tx)


async def _issued(services: Services) -> Known:
    async with services.database.read() as tx:
        ids = set()
        for account in await services.identity.accounts(tx):
            owners = [
                Owner(account.id),
                *(Owner(account.id, sub.name) for sub in await services.sub_accounts.all(tx, account.id)),
            ]
            ids |= {key.id for owner in owners for key in await services.issuing.keys(tx, owner, deleted=True)}
    return lambda text: "keywright" if KEY_ID.fullmatch(text) and text in ids else None
