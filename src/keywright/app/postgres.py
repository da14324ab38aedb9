"""What a PostgreSQL database must be like before anything is done with it."""

from __future__ import annotations

from keywright.app import store
from keywright.errors import Unusable
from keywright.storage import schema
from keywright.storage.address import Address
from keywright.storage.transaction import Database

UNSAFE = {
    "fsync": ("off", "a power cut would lose what was acknowledged"),
    "full_page_writes": ("off", "a power cut could break what was written long ago"),
    "synchronous_commit": ("off", "a key that was switched off could work again after a crash"),
}
"""Settings of PostgreSQL under which our promises would not hold."""


async def check_schema_at(address: Address, database: Database) -> None:
    """Do nothing if the database can be used as it stands.

    Raises `Unusable` for one that is empty, older, newer, foreign, only follows another, or forgets what it acknowledged.
    """
    revision = await revision_at(address, database)
    if revision is None:
        raise Unusable(
            f"the PostgreSQL database {address.place} is empty: nothing of Keywright is in it",
            hint="keywright database upgrade makes what is needed",
        )
    if revision != schema.HEAD:
        raise Unusable(
            f"the PostgreSQL database {address.place} has the schema of an older version ({revision})",
            hint="keywright database upgrade brings it to this one; make a backup first",
        )


async def revision_at(address: Address, database: Database) -> str | None:
    """Return the migration the database stands at; `None` for an empty one. Raises `Unusable` as `check_schema_at` does."""
    async with database.read() as tx:
        server = await store.postgres_settings(tx)
        revision = await schema.revision(tx)
        is_empty = await schema.is_empty(tx)
    place = address.place
    if server["follows"] == "true":
        raise Unusable(f"PostgreSQL at {place} only follows another server", hint="name the primary in the URL")
    if server["server_encoding"] != "UTF8":
        raise Unusable(
            f"the database {place} keeps text as {server['server_encoding']}", hint="make one with --encoding UTF8"
        )
    for name, (value, why) in UNSAFE.items():
        if server[name] == value:
            raise Unusable(f"PostgreSQL at {place} runs with {name} = {value}: {why}", hint=f"set {name} = on")
    if revision is None and not is_empty:
        raise Unusable(f"the PostgreSQL database {place} is another program's", hint="give Keywright one of its own")
    if revision is not None and revision not in schema.KNOWN:
        raise Unusable(
            f"the PostgreSQL database {place} is another program's, or of a newer version (schema {revision})",
            hint="start that version, or give Keywright a database of its own",
        )
    return revision
