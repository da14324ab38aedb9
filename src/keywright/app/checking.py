"""`keywright database check`: does everything in the database hold that a decision rests on? Changes nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from keywright.app import folders as files, store
from keywright.app.checkpoints import checkpoints_of
from keywright.app.folders import Folders
from keywright.app.services import Services
from keywright.errors import KeywrightError
from keywright.gateway.keys import Keys
from keywright.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold."""

    what: str
    """`files`, `structure`, `orphans`, `audit`, `keys` or `held keys`."""
    about: str
    """What it is about, in words."""


class Still:
    """A freshness that never changes: what is checked is read once."""

    def sequence(self) -> int:
        """Return the same number each time."""
        return 0

    async def newest(self) -> int:
        """Return it, too."""
        return 0


async def check_database(services: Services, settings: Settings, folders: Folders) -> list[Finding]:
    """Return all that does not hold in an installation whose schema is this version's."""
    found = [Finding("files", about) for about in _open_to_others(folders)]
    async with services.database.read() as tx:
        found += [Finding("structure", about) for about in await store.broken_structure(tx)]
        found += [Finding("orphans", about) for about in await store.orphans(tx)]
    try:
        await checkpoints_of(services, settings).verify()
    except KeywrightError as problem:
        found.append(Finding("audit", problem.message))
    found += [Finding("keys", about) async for about in _altered_keys(services)]
    async with services.database.read() as tx:
        held, egress = await services.vault.everyone(tx), await services.vault.pool.all(tx)
    found += [Finding("held keys", f"the record of connection {one.id} was altered") for one in held if not one.holds]
    found += [
        Finding("held keys", f"the record of egress address {one.id} was altered") for one in egress if not one.holds
    ]
    return found


def _open_to_others(folders: Folders) -> list[str]:
    """Return which files are less private than they must be; the database itself was looked at when it was opened."""
    try:
        files.check(folders)
    except KeywrightError as problem:
        return [problem.message]
    kept = [folders.wrapping_key, folders.backups, *folders.backups.glob("*"), *folders.data.glob("keywright.db*")]
    return [f"others can reach {path}" for path in kept if path.exists() and _is_open(path)]


def _is_open(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o077)


async def _altered_keys(services: Services) -> AsyncIterator[str]:
    """Give which keys the gateway would refuse because their rows are not as we wrote them."""
    keys = Keys(services.database, keyring=services.keyring, audit=services.audit, freshness=Still())
    async with services.database.read() as tx:
        ids = await store.living_keys(tx)
    for key_id in ids:
        record = await keys.find(key_id)
        if record is None:
            yield f"key {key_id} can't be opened: its row was altered or moved"
        elif not record.holds:
            yield f"the grant of key {key_id} was altered outside Keywright"
