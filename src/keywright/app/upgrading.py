"""`keywright database upgrade`: the newest schema, in a database of either kind, and a new one where there was none.

On PostgreSQL this is the only way: a server there never changes the schema, so that its role need not be allowed to.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from keywright.app import folders as files, store
from keywright.app.addresses import address_of
from keywright.app.folders import Folders, folders_of
from keywright.app.installation import make_in, open_installation
from keywright.app.postgres import revision_at
from keywright.settings import Settings
from keywright.storage import schema
from keywright.storage.address import Address
from keywright.storage.engine import open_database


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What became of a database."""

    name: str
    before: str | None
    """`None`: it was empty, or not there."""
    after: str
    backup: Path | None
    """The copy made before, of an embedded database."""


async def upgrade_database(settings: Settings, *, now: int) -> Upgraded:
    """Bring the settings' database to the newest schema; make it where there is none. All or nothing.

    Raises `Unusable` for a database that is foreign, or of a newer version.
    """
    folders = folders_of(settings)
    address = address_of(settings)
    if address is not None:
        return await _upgrade_at(address, folders, now=now)
    before = schema.revision_of_file(folders.database) if folders.database.exists() else None
    installation = await open_installation(folders, now=now)
    await installation.database.close()
    backup = files.copy_before_upgrade(folders, before, now) if before not in {None, schema.HEAD} else None
    return Upgraded(str(folders.database), before, schema.HEAD, backup)


async def _upgrade_at(address: Address, folders: Folders, *, now: int) -> Upgraded:
    files.check(folders)
    database = open_database(address, patient=True)
    try:
        before = await revision_at(address, database)
        if before is None:
            files.make(folders)
            with files.hold(folders.data / "making.lock", wait=True):
                async with database.write() as tx:
                    await store.lock_making(tx)  # another machine may be making it too
                    before = await schema.revision(tx)
                    if before is None:
                        await make_in(tx, folders, now=now)
        if before not in {None, schema.HEAD}:
            from keywright.storage.migrate import upgrade_in  # noqa: PLC0415  loads Alembic, a quarter of a second

            async with database.write() as tx:
                await store.lock_making(tx)
                await upgrade_in(tx)
    finally:
        await database.close()
    return Upgraded(address.place, before, schema.HEAD, None)
