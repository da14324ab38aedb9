"""Queries of the gateway: key records with their owners, marks of seen requests, usage. SQL of this part lives here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from keywright.gateway.model import Attempt
from keywright.storage.tables import accounts, api_keys, key_last_use, replay_entries, replay_epoch, usage_records
from keywright.storage.transaction import Tx


async def find_key(tx: Tx, key_id: str) -> Row[Any] | None:
    """Return the row of a key that is not deleted, with its account's uid and freeze; or `None`."""
    query = (
        select(api_keys, accounts.c.uid, accounts.c.frozen_at.label("account_frozen_at"))
        .join(accounts, accounts.c.id == api_keys.c.account_id)
        .where(api_keys.c.id == key_id, api_keys.c.deleted_at.is_(None))
    )
    return (await tx.execute(query)).one_or_none()


async def replay_epoch_of(tx: Tx) -> Row[int, int] | None:
    """Return since when marks are kept (`began_at`) and the latest expiry of a dropped one (`forgotten_until`).

    `None` when the row is gone: someone emptied the store.
    """
    return (await tx.execute(select(replay_epoch.c.began_at, replay_epoch.c.forgotten_until))).one_or_none()


async def begin_replay(tx: Tx, *, began_at: int) -> None:
    """Note since when marks are kept; 0 in a new database, before which there were no requests."""
    await tx.execute(delete(replay_epoch))
    await tx.execute(insert(replay_epoch).values(id=1, began_at=began_at, forgotten_until=0))


async def load_marks(tx: Tx) -> Sequence[Row[bytes, int]]:
    """Return the marks that are kept: rows of `digest` and `expires_at`."""
    return (await tx.execute(select(replay_entries.c.digest, replay_entries.c.expires_at))).all()


async def keep_marks(tx: Tx, marks: Iterable[tuple[bytes, int]], *, now: int) -> None:
    """Keep marks of (digest, expiry), and drop those whose time is over, noting the latest of them."""
    over = replay_entries.c.expires_at < now
    latest = (await tx.execute(select(func.max(replay_entries.c.expires_at)).where(over))).scalar_one()
    if latest is not None:
        await tx.execute(delete(replay_entries).where(over))
        await tx.execute(
            update(replay_epoch).where(replay_epoch.c.forgotten_until < latest).values(forgotten_until=latest)
        )
    await tx.execute(insert(replay_entries), [{"digest": digest, "expires_at": until} for digest, until in marks])


async def keep_usage(tx: Tx, attempts: Sequence[Attempt]) -> None:
    """Keep one usage record per attempt, and each key's last accepted use."""
    await tx.execute(
        insert(usage_records),
        [
            {
                "at": attempt.started_at,
                "request_id": attempt.request_id,
                "key_id": attempt.key_id,
                "account_id": attempt.account_id,
                "environment": attempt.environment,
                "address": attempt.address,
                "agent": attempt.agent,
                "method": attempt.method,
                "path": attempt.path,
                "verdict": attempt.verdict,
                "status": attempt.status,
                "latency_us": attempt.latency_us,
            }
            for attempt in attempts
        ],
    )
    latest: dict[str, Attempt] = {}
    for attempt in attempts:
        if attempt.key_id and attempt.verdict == "allowed":
            known = latest.setdefault(attempt.key_id, attempt)
            if attempt.started_at > known.started_at:
                latest[attempt.key_id] = attempt
    for key_id in sorted(latest):  # in one order everywhere: two writers then can't wait for each other
        await _note_use(tx, key_id, at=latest[key_id].started_at, address=latest[key_id].address)


async def forget_usage(tx: Tx, *, before: int) -> int:
    """Drop usage records older than `before`; return how many."""
    return (await tx.execute(delete(usage_records).where(usage_records.c.at < before))).rowcount


async def _note_use(tx: Tx, key_id: str, *, at: int, address: str) -> None:
    """Keep a key's last use; an earlier one never replaces a later one."""
    mine = key_last_use.c.key_id == key_id
    known = (await tx.execute(select(key_last_use.c.at).where(mine).with_for_update())).scalar_one_or_none()
    if known is None:
        await tx.execute(insert(key_last_use).values(key_id=key_id, at=at, address=address))
    elif known < at:
        await tx.execute(update(key_last_use).where(mine).values(at=at, address=address))
