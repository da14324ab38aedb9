"""Queries of the gateway: key records with their owners, usage. SQL of this part lives here.

What is read of usage names the owner in each query: records of someone else's key are no records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    and_,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from keywright.gateway.model import Attempt
from keywright.gateway.usage_model import ALLOWED, HOUR_MS, MINUTE_MS, REFUSED, Count, Record, Wanted
from keywright.issuing.model import Owner
from keywright.storage.tables import (
    accounts,
    api_keys,
    key_last_use,
    sub_accounts,
    usage_counts,
    usage_records,
)
from keywright.storage.transaction import Tx

MINUTES_KEPT_MS = 3 * HOUR_MS
"""Of counts by minute: they serve the span of an hour, and are dropped once an hour."""


async def find_key(tx: Tx, key_id: str) -> Row[Any] | None:
    """Return the row of a key that is not deleted, with its owner's uid and freeze; or `None`.

    A key of a sub-account that does not exist is none: nobody could freeze it.
    """
    subs = sub_accounts.c
    of_sub = and_(subs.account_id == api_keys.c.account_id, subs.name == api_keys.c.sub_account)
    owner = (
        func.coalesce(subs.uid, accounts.c.uid).label("uid"),
        func.coalesce(accounts.c.frozen_at, subs.frozen_at).label("account_frozen_at"),
    )
    query = (
        select(api_keys, *owner)
        .join(accounts, accounts.c.id == api_keys.c.account_id)
        .outerjoin(sub_accounts, of_sub)
        .where(or_(api_keys.c.sub_account == "", subs.id.is_not(None)))
        .where(api_keys.c.id == key_id, api_keys.c.deleted_at.is_(None))
    )
    return (await tx.execute(query)).one_or_none()


async def keep_usage(tx: Tx, attempts: Sequence[Attempt]) -> None:
    """Keep one usage record per attempt, count it, and keep each key's last accepted use."""
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
    await _count(tx, attempts)
    latest: dict[str, Attempt] = {}
    for attempt in attempts:
        if attempt.key_id and attempt.verdict == "allowed":
            known = latest.setdefault(attempt.key_id, attempt)
            if attempt.started_at > known.started_at:
                latest[attempt.key_id] = attempt
    for key_id in sorted(latest):  # in one order everywhere: two writers then can't wait for each other
        await _note_use(tx, key_id, at=latest[key_id].started_at, address=latest[key_id].address)


async def forget_usage(tx: Tx, *, before: int) -> int:
    """Drop usage records older than `before`, and their counts by whole hours; return how many records."""
    await tx.execute(delete(usage_counts).where(usage_counts.c.at + usage_counts.c.unit_ms <= before))
    newest = (await tx.execute(select(func.max(key_last_use.c.at)))).scalar_one() or 0
    minutes = (usage_counts.c.unit_ms == MINUTE_MS, usage_counts.c.at < newest - MINUTES_KEPT_MS)
    await tx.execute(delete(usage_counts).where(*minutes))
    return (await tx.execute(delete(usage_records).where(usage_records.c.at < before))).rowcount


async def _note_use(tx: Tx, key_id: str, *, at: int, address: str) -> None:
    """Keep a key's last use; an earlier one never replaces a later one."""
    mine = key_last_use.c.key_id == key_id
    known = (await tx.execute(select(key_last_use.c.at).where(mine).with_for_update())).scalar_one_or_none()
    if known is None:
        await tx.execute(insert(key_last_use).values(key_id=key_id, at=at, address=address))
    elif known < at:
        await tx.execute(update(key_last_use).where(mine).values(at=at, address=address))


async def _count(tx: Tx, attempts: Sequence[Attempt]) -> None:
    """Add the attempts of known keys to the counts of their minutes and hours."""
    counts = Counter(
        (attempt.key_id, unit, attempt.started_at - attempt.started_at % unit, *_sort_of(attempt))
        for attempt in attempts
        if attempt.key_id
        for unit in (MINUTE_MS, HOUR_MS)
    )
    if not counts:
        return
    names = ("key_id", "unit_ms", "at", "verdict", "method", "address")
    into = (sqlite if tx.dialect.name == "sqlite" else postgresql).insert(usage_counts)
    adding = into.on_conflict_do_update(
        index_elements=names, set_={"requests": usage_counts.c.requests + into.excluded.requests}
    )
    # In one order everywhere, as below.
    await tx.execute(adding, [{**dict(zip(names, k, strict=True)), "requests": counts[k]} for k in sorted(counts)])


def _sort_of(attempt: Attempt) -> tuple[str, str, str]:
    return attempt.verdict, attempt.method, attempt.address


# ── usage, read ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def records_between(
    tx: Tx,
    owner: Owner,
    key_id: str,
    wanted: Wanted,
    *,
    low: int,
    high: int | None = None,
    beyond: tuple[int, int] | None = None,
    newer: bool = False,
    limit: int,
) -> list[Record]:
    """Return records with `low` <= at < `high`, newest first; with `newer`, oldest first.

    `beyond` is time and id of the record that they come after in that order.
    """
    at, row = usage_records.c.at, usage_records.c.id
    query = select(usage_records).where(*_mine(usage_records, owner, key_id, wanted), at >= low)
    if high is not None:
        query = query.where(at < high)
    if beyond is not None and newer:
        query = query.where(at >= beyond[0], or_(at > beyond[0], row > beyond[1]))
    elif beyond is not None:
        query = query.where(at <= beyond[0], or_(at < beyond[0], row < beyond[1]))
    order = (at, row) if newer else (at.desc(), row.desc())
    return [_record(found) for found in await tx.execute(query.order_by(*order).limit(limit))]


async def records_since(tx: Tx, owner: Owner, key_id: str, wanted: Wanted, *, after: int, limit: int) -> list[Record]:
    """Return the newest of the records that were written after this one, whenever their requests began."""
    mine = _mine(usage_records, owner, key_id, wanted)
    query = select(usage_records).where(*mine, usage_records.c.id > after)
    return [_record(found) for found in await tx.execute(query.order_by(usage_records.c.id.desc()).limit(limit))]


async def newest_record(tx: Tx, owner: Owner, key_id: str) -> int:
    """Return the id of the record that was written last; 0 where there is none."""
    query = select(func.max(usage_records.c.id)).where(*_mine(usage_records, owner, key_id, Wanted()))
    return (await tx.execute(query)).scalar_one() or 0


async def moment_of(tx: Tx, owner: Owner, key_id: str, record_id: int) -> int | None:
    """Return when the request of this record began; `None` where there is none of the key's."""
    mine = _mine(usage_records, owner, key_id, Wanted())
    query = select(usage_records.c.at).where(*mine, usage_records.c.id == record_id)
    return (await tx.execute(query)).scalar_one_or_none()


async def units_with(
    tx: Tx, owner: Owner, key_id: str, wanted: Wanted, *, beyond: int | None, newer: bool, limit: int
) -> list[tuple[int, int]]:
    """Return minutes or hours that hold what is wanted, and how many, from the one `beyond` lies in on."""
    at, unit = usage_counts.c.at, wanted.unit_ms
    query = select(at, func.sum(usage_counts.c.requests)).where(*_counted(owner, key_id, wanted)).group_by(at)
    if beyond is not None:
        query = query.where(at >= beyond - beyond % unit) if newer else query.where(at <= beyond)
    query = query.order_by(at if newer else at.desc()).limit(limit)
    return [(begins, int(many)) for begins, many in await tx.execute(query)]


async def counts_by_bucket(tx: Tx, owner: Owner, key_id: str, wanted: Wanted, *, width_ms: int) -> dict[int, Count]:
    """Return how many requests began in each bucket of this width that has any."""
    begins = (usage_counts.c.at - usage_counts.c.at % width_ms).label("begins")
    query = select(begins, *_sums()).where(*_counted(owner, key_id, wanted)).group_by("begins")
    return {row.begins: Count(int(row.requests), int(row.refused)) for row in await tx.execute(query)}


async def counts_by_sort(tx: Tx, owner: Owner, key_id: str, wanted: Wanted) -> dict[tuple[str, str], int]:
    """Return how many requests there were by verdict and method."""
    sort = (usage_counts.c.verdict, usage_counts.c.method)
    query = select(*sort, func.sum(usage_counts.c.requests)).where(*_counted(owner, key_id, wanted)).group_by(*sort)
    return {(verdict, method): int(many) for verdict, method, many in await tx.execute(query)}


async def count_addresses(tx: Tx, owner: Owner, key_id: str, wanted: Wanted) -> int:
    """Return from how many addresses the requests came."""
    query = select(func.count(usage_counts.c.address.distinct())).where(*_counted(owner, key_id, wanted))
    return (await tx.execute(query)).scalar_one()


async def addresses_since(tx: Tx, owner: Owner, key_id: str, wanted: Wanted, *, most: int) -> list[str]:
    """Return from where the requests came, those of the newest units first."""
    address = usage_counts.c.address
    query = select(address).where(*_counted(owner, key_id, wanted)).group_by(address)
    return list((await tx.execute(query.order_by(func.max(usage_counts.c.at).desc(), address).limit(most))).scalars())


async def counts_by_key(tx: Tx, owner: Owner, *, since: int) -> dict[str, Count]:
    """Return how many requests each of the owner's keys made in the hours since then."""
    mine = (api_keys.c.account_id == owner.account_id, api_keys.c.sub_account == owner.sub_account)
    ids = select(api_keys.c.id).where(*mine, api_keys.c.slot.is_not(None))
    of_hours = (usage_counts.c.unit_ms == HOUR_MS, usage_counts.c.at >= since)
    query = select(usage_counts.c.key_id, *_sums()).where(usage_counts.c.key_id.in_(ids), *of_hours)
    rows = await tx.execute(query.group_by(usage_counts.c.key_id))
    return {row.key_id: Count(int(row.requests), int(row.refused)) for row in rows}


def _mine(table: Any, owner: Owner, key_id: str, wanted: Wanted) -> list[ColumnElement[bool]]:
    """Return what holds of rows of this key, if it is the owner's, that are wanted; their time aside."""
    named = (api_keys.c.account_id == owner.account_id, api_keys.c.sub_account == owner.sub_account)
    found = [table.c.key_id == key_id, select(api_keys.c.id).where(api_keys.c.id == key_id, *named).exists()]
    if wanted.verdict == REFUSED:
        found.append(table.c.verdict != ALLOWED)
    elif wanted.verdict:
        found.append(table.c.verdict == wanted.verdict)
    if wanted.method:
        found.append(table.c.method == wanted.method)
    if wanted.address:
        found.append(table.c.address == wanted.address)
    return found


def _counted(owner: Owner, key_id: str, wanted: Wanted) -> list[ColumnElement[bool]]:
    reach = and_(usage_counts.c.unit_ms == wanted.unit_ms, usage_counts.c.at > wanted.since - wanted.unit_ms)
    return [*_mine(usage_counts, owner, key_id, wanted), reach]


def _sums() -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    requests = usage_counts.c.requests
    refused = case((usage_counts.c.verdict == ALLOWED, 0), else_=requests)
    return func.sum(requests).label("requests"), func.sum(refused).label("refused")


def _record(row: Row[Any]) -> Record:
    return Record(
        row.id,
        row.at,
        row.request_id,
        row.environment,
        row.address,
        row.agent,
        row.method,
        row.path,
        row.verdict,
        row.status,
        row.latency_us,
    )
