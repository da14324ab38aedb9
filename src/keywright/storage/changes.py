"""The change sequence: a number raised in the transaction of every change that a gateway must hear of.

A gateway that sees a number it has not seen forgets what it cached. That catches every announcement that was missed. On
PostgreSQL the same transaction wakes whoever listens, so that nobody has to wait for the next look.
"""

from __future__ import annotations

import secrets

from sqlalchemy import func, insert, select, update

from keywright.storage.tables import change_sequence
from keywright.storage.transaction import Tx, note_change

KEYS = "keys"
"""Changes of keys and of the accounts that own them."""

CHANNEL = "keywright_changes"
"""What gateways on PostgreSQL listen to. It says that there is something to look at, never what: anybody may say that."""


async def announce(tx: Tx) -> None:
    """Raise the sequence of key changes, in the caller's transaction."""
    raised = update(change_sequence).where(change_sequence.c.name == KEYS).values(seq=change_sequence.c.seq + 1)
    if (await tx.execute(raised)).rowcount == 0:
        # The row is there from the first migration on: someone deleted it. Begin where no gateway has ever been.
        await tx.execute(insert(change_sequence).values(name=KEYS, seq=secrets.randbits(40)))
    if tx.dialect.name == "postgresql":
        await tx.execute(select(func.pg_notify(CHANNEL, "")))
        note_change(tx)


async def hold_back(tx: Tx) -> None:
    """Make whoever announces a change wait until this transaction ends, and wait for whoever has."""
    await tx.execute(select(change_sequence.c.seq).where(change_sequence.c.name == KEYS).with_for_update())


async def newest(tx: Tx) -> int:
    """Return the sequence as this transaction sees it; 0 before the first change."""
    query = select(change_sequence.c.seq).where(change_sequence.c.name == KEYS)
    return (await tx.execute(query)).scalar_one_or_none() or 0
