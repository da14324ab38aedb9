"""Usage as its owner reads it: a leaf of records, what is newer, figures of a span, everything in pieces.

Verbs, each in the reader's transaction. How much there is never decides what a page costs: sums come from counts that
were added up when the records were written, and the same counts tell where few among many are to be looked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

from keywright.gateway import buckets, store
from keywright.gateway.buckets import Span
from keywright.gateway.usage_model import ALLOWED, Count, Figures, Leaf, Record, Wanted
from keywright.issuing.model import Owner
from keywright.storage.transaction import Database, Tx

PIECE = 250
"""Records read in one transaction of an export: none stays open while a slow reader takes the last piece, and what the
gateways beside it wait for each is a few milliseconds."""


async def leaf(
    tx: Tx,
    owner: Owner,
    key_id: str,
    wanted: Wanted,
    *,
    before: int = 0,
    after: int = 0,
    limit: int = 50,
) -> Leaf:
    """Return the newest records, those older than the record `before`, or those just newer than `after`.

    A record that is gone by now has nothing older beside it; for what was newer, the newest are shown.
    """
    beyond = await _place(tx, owner, key_id, before or after)
    if before and beyond is None:
        return Leaf((), has_newer=True, has_older=False)
    newer = bool(after) and beyond is not None
    found = await _look(tx, owner, key_id, wanted, beyond=beyond, newer=newer, limit=limit + 1)
    has_more, shown = len(found) > limit, found[:limit]
    if newer:
        return Leaf(tuple(reversed(shown)), has_newer=has_more, has_older=True)
    return Leaf(tuple(shown), has_newer=bool(before), has_older=has_more)


async def since(
    tx: Tx, owner: Owner, key_id: str, wanted: Wanted, *, after: int, limit: int
) -> tuple[list[Record], int]:
    """Return the records written after this one, newest first, and the id to go on from.

    In the order they were written, which is not quite that of their times: none is missed and none comes twice.
    """
    newest = await store.newest_record(tx, owner, key_id)
    if newest <= after:
        return [], after
    return await store.records_since(tx, owner, key_id, wanted, after=after, limit=limit), newest


async def newest(tx: Tx, owner: Owner, key_id: str) -> int:
    """Return what following begins with: the id of the record that was written last, 0 where there is none."""
    return await store.newest_record(tx, owner, key_id)


async def figures(tx: Tx, owner: Owner, key_id: str, wanted: Wanted, span: Span) -> Figures:
    """Return what the span holds of what is wanted."""
    sorts = await store.counts_by_sort(tx, owner, key_id, replace(wanted, verdict="", method="", address=""))
    by_verdict: Counter[str] = Counter()
    for (verdict, _), many in sorts.items():
        by_verdict[verdict] += many
    return Figures(
        by_bucket=await store.counts_by_bucket(tx, owner, key_id, wanted, width_ms=span.width_ms),
        addresses=await store.count_addresses(tx, owner, key_id, wanted),
        by_verdict=dict(by_verdict),
        methods=tuple(sorted({method for _, method in sorts})),
    )


async def lately(tx: Tx, owner: Owner, *, now: int) -> dict[str, Count]:
    """Return what each of the owner's keys did in the span "24h": one query for all."""
    return await store.counts_by_key(tx, owner, since=buckets.SPANS["24h"].begins(now))


async def first_use(tx: Tx, owner: Owner, key_id: str) -> int | None:
    """Return when a request with this key was first allowed, as far as records go back."""
    found = await _look(tx, owner, key_id, Wanted(verdict=ALLOWED), beyond=None, newer=True, limit=1)
    return found[0].at if found else None


async def places(tx: Tx, owner: Owner, key_id: str, *, since: int, most: int = 20) -> list[tuple[str, int]]:
    """Return from where requests with this key were allowed since then, and when last; the newest first."""
    found = []
    for address in await store.addresses_since(tx, owner, key_id, Wanted(since=since, verdict=ALLOWED), most=most):
        wanted = Wanted(since=since, verdict=ALLOWED, address=address)
        found += [
            (address, one.at) for one in await _look(tx, owner, key_id, wanted, beyond=None, newer=False, limit=1)
        ]
    return sorted(found, key=lambda one: one[1], reverse=True)


async def pieces(
    database: Database, owner: Owner, key_id: str, wanted: Wanted, *, most: int
) -> AsyncIterator[tuple[Record, ...]]:
    """Yield what is wanted, newest first, at most so many records in all, each piece in a transaction of its own."""
    left, before = most, 0
    while left > 0:
        async with database.read() as tx:
            part = await leaf(tx, owner, key_id, wanted, before=before, limit=min(PIECE, left))
        if part.records:
            yield part.records
        if not part.has_older:
            return
        left, before = left - len(part.records), part.records[-1].id


async def _place(tx: Tx, owner: Owner, key_id: str, record_id: int) -> tuple[int, int] | None:
    at = await store.moment_of(tx, owner, key_id, record_id) if record_id else None
    return None if at is None else (at, record_id)


async def _look(
    tx: Tx,
    owner: Owner,
    key_id: str,
    wanted: Wanted,
    *,
    beyond: tuple[int, int] | None,
    newer: bool,
    limit: int,
) -> list[Record]:
    """Return at most so many records beyond a place, looking only where the counts say that there are some."""
    if not wanted.is_narrow:
        return await store.records_between(
            tx, owner, key_id, wanted, low=wanted.since, beyond=beyond, newer=newer, limit=limit
        )
    at = beyond[0] if beyond else None
    units = await store.units_with(tx, owner, key_id, wanted, beyond=at, newer=newer, limit=limit + 1)
    found: list[Record] = []
    for low, high in buckets.ranges(units, unit_ms=wanted.unit_ms, enough=limit):
        found += await store.records_between(
            tx,
            owner,
            key_id,
            wanted,
            low=max(low, wanted.since),
            high=high,
            beyond=beyond,
            newer=newer,
            limit=limit - len(found),
        )
        if len(found) >= limit:
            break
    return found
