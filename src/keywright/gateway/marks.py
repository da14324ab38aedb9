"""Queries of the marks of seen requests, and of since when they are kept. SQL of the gateway's memory lives here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import BigInteger, LargeBinary, Row, delete, func, insert, literal, select, update
from sqlalchemy.dialects import postgresql

from keywright.storage.tables import replay_entries, replay_epoch
from keywright.storage.transaction import Tx


async def replay_epoch_of(tx: Tx) -> Row[int, int] | None:
    """Return since when marks are kept (`began_at`) and the latest expiry of a dropped one (`forgotten_until`).

    `None` when the row is gone: someone emptied the store.
    """
    return (await tx.execute(select(replay_epoch.c.began_at, replay_epoch.c.forgotten_until))).one_or_none()


async def lock_replay_epoch(tx: Tx, *, to_change: bool) -> Row[int, int] | None:
    """Return what `replay_epoch_of` does, and keep it so until this transaction ends; with `to_change` for nobody else."""
    query = select(replay_epoch.c.began_at, replay_epoch.c.forgotten_until).with_for_update(read=not to_change)
    return (await tx.execute(query)).one_or_none()


async def begin_replay(tx: Tx, *, began_at: int) -> None:
    """Note since when marks are kept; 0 in a new database, before which there were no requests."""
    await tx.execute(delete(replay_epoch))
    await tx.execute(insert(replay_epoch).values(id=1, began_at=began_at, forgotten_until=0))


async def load_marks(tx: Tx) -> Sequence[Row[bytes, int]]:
    """Return the marks that are kept: rows of `digest` and `expires_at`."""
    return (await tx.execute(select(replay_entries.c.digest, replay_entries.c.expires_at))).all()


async def keep_marks(tx: Tx, marks: Iterable[tuple[bytes, int]], *, now: int) -> None:
    """Keep marks of (digest, expiry), and drop those whose time is over."""
    await drop_marks(tx, now=now)
    await tx.execute(insert(replay_entries), [{"digest": digest, "expires_at": until} for digest, until in marks])


async def drop_marks(tx: Tx, *, now: int) -> None:
    """Drop marks whose time is over, noting the latest of them."""
    over = replay_entries.c.expires_at < now
    latest = (await tx.execute(select(func.max(replay_entries.c.expires_at)).where(over))).scalar_one()
    if latest is not None:
        await tx.execute(delete(replay_entries).where(over))
        await tx.execute(
            update(replay_epoch).where(replay_epoch.c.forgotten_until < latest).values(forgotten_until=latest)
        )


async def claim_marks(tx: Tx, marks: Iterable[tuple[bytes, int]]) -> set[bytes]:
    """Keep marks of (digest, expiry) on PostgreSQL; return the digests of those that nobody kept before."""
    digests, untils = zip(*sorted(marks), strict=True)  # in one order everywhere: two servers can't wait for each other
    rows = select(
        func.unnest(literal(list(digests), postgresql.ARRAY(LargeBinary))),
        func.unnest(literal(list(untils), postgresql.ARRAY(BigInteger))),
    )
    claim = postgresql.insert(replay_entries).from_select(["digest", "expires_at"], rows).on_conflict_do_nothing()
    return set((await tx.execute(claim.returning(replay_entries.c.digest))).scalars())
