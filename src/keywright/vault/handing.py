"""How a held key is handed out in the clear: one verb, for whoever has a book and a pool.

It stands apart from the vault's other verbs so that what starts a bot loads nothing that asks exchanges.
"""

from __future__ import annotations

from keywright.audit.events import Actor, Kind
from keywright.audit.log import AuditLog
from keywright.errors import Conflict
from keywright.sealing.keyring import Keyring
from keywright.storage.transaction import Tx
from keywright.vault.book import Book
from keywright.vault.model import Status
from keywright.vault.pool import Pool
from keywright.vault.safe import Safe
from keywright.vault.seam import Handed


def personal_book(keyring: Keyring, audit: AuditLog) -> tuple[Book, Pool]:
    """Return book and pool of a personal vault, which has no accounts: whoever opened it is its owner."""
    safe = Safe(keyring)
    book = Book(safe=safe, audit=audit, lock_account=None)
    return book, Pool(safe=safe, audit=audit, book=book)


async def hand_out(
    tx: Tx, book: Book, pool: Pool, account_id: str, wanted: str, *, purpose: str, actor: Actor, now: int
) -> Handed:
    """Hand out a connection's credentials in the clear, with an event that says for what.

    Raises `NotFound`, `Conflict` for one that is suspended or a master's, `Unusable` for one that was altered or whose address is gone.
    """
    await book.lock(tx, account_id)
    connection, sealed = await book.good(tx, account_id, wanted)
    if connection.record.status is not Status.ACTIVE:
        raise Conflict(
            "the connection {name} is suspended",
            hint="`keywright vault show {name}` says why; mend that, then have it checked: `keywright vault check {name}`",
            name=connection.name,
        )
    if connection.is_master:
        raise Conflict(
            "{name} is a master connection: its key serves for rotation and is handed to no program",
            hint="connect a key of the sub-account that the bot trades on",
            name=connection.name,
        )
    outlet = await pool.outlet(tx, connection.egress.id)
    credentials = book.open(connection, sealed)
    await book.record(tx, Kind.CONNECTION_OPENED, connection, actor, now=now, purpose=purpose)
    return Handed(connection, credentials, outlet)
