"""Usage as its owner reads it: leaves, figures, what is new, pieces; over a database of each kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st
from sqlalchemy import func, select

from keywright.gateway import records, store
from keywright.gateway.buckets import DAY_MS, SPANS
from keywright.gateway.model import Attempt
from keywright.gateway.usage import Usage
from keywright.gateway.usage_model import HOUR_MS, MINUTE_MS, Count, Figures, Leaf, Record, Wanted
from keywright.issuing.model import Owner
from keywright.storage.tables import usage_counts, usage_records
from tests.support.clock import T0, FakeClock
from tests.support.world import Held, Person, World

VERDICTS = ("allowed", "signature_mismatch", "allowed", "address_not_allowed", "allowed")
METHODS = ("GET", "POST", "GET", "DELETE")
ADDRESSES = ("203.0.113.7", "198.51.100.4", "2001:db8::1")


def attempt(held: Held, number: int, **changes: Any) -> Attempt:
    """Return the attempt of this number: no two in a row are alike, and they lie seven minutes apart."""
    made = Attempt(
        request_id=f"r{number}",
        environment="spot",
        started_at=T0 + number * 7 * MINUTE_MS,
        method=METHODS[number % 4],
        path="/api/v1/orders",
        address=ADDRESSES[number % 3],
        agent="ccxt",
        key_id=held.id,
        account_id=held.key.grant.account_id,
        verdict=VERDICTS[number % 5],
        status=200,
        latency_us=1_500,
    )
    return replace(made, **changes)


async def kept(world: World, *attempts: Attempt) -> None:
    """Write the attempts down as the gateway does."""
    usage = Usage(world.services.database)
    for one in attempts:
        usage.keep(one)
    await usage.flush()


class Reader:
    """Someone who reads the usage of one key."""

    def __init__(self, world: World, owner: Owner, key_id: str) -> None:
        self.world, self.owner, self.key_id = world, owner, key_id

    async def leaf(self, wanted: Wanted = Wanted(), **place: int) -> Leaf:  # noqa: B008  frozen
        async with self.world.services.database.read() as tx:
            return await records.leaf(tx, self.owner, self.key_id, wanted, **place)

    async def figures(self, wanted: Wanted, span: str) -> Figures:
        async with self.world.services.database.read() as tx:
            return await records.figures(tx, self.owner, self.key_id, wanted, SPANS[span])

    async def since(self, wanted: Wanted, *, after: int, limit: int = 100) -> tuple[list[Record], int]:
        async with self.world.services.database.read() as tx:
            return await records.since(tx, self.owner, self.key_id, wanted, after=after, limit=limit)

    async def pieces(self, wanted: Wanted, *, most: int) -> list[tuple[Record, ...]]:
        database = self.world.services.database
        return [piece async for piece in records.pieces(database, self.owner, self.key_id, wanted, most=most)]


@pytest.fixture
async def ada(world: World) -> Person:
    """Give someone with keys."""
    return await world.person()


@pytest.fixture
async def held(world: World, ada: Person) -> Held:
    """Give her key."""
    return await world.key(ada, "trade")


@pytest.fixture
def reader(world: World, ada: Person, held: Held) -> Reader:
    """Give her eyes."""
    return Reader(world, ada.owner, held.id)


def numbers(found: Any) -> list[int]:
    return [int(one.request_id[1:]) for one in found]


async def test_the_newest_come_first_and_pages_join_without_gap_or_overlap(
    world: World, held: Held, reader: Reader
) -> None:
    await kept(world, *(attempt(held, number) for number in range(23)))
    first = await reader.leaf(limit=10)
    second = await reader.leaf(before=first.records[-1].id, limit=10)
    third = await reader.leaf(before=second.records[-1].id, limit=10)
    assert numbers([*first.records, *second.records, *third.records]) == list(range(22, -1, -1))
    assert [(one.has_newer, one.has_older) for one in (first, second, third)] == [
        (False, True),
        (True, True),
        (True, False),
    ]
    back = await reader.leaf(after=third.records[0].id, limit=10)
    assert numbers(back.records) == numbers(second.records)
    assert (back.has_newer, back.has_older) == (True, True)


async def test_requests_of_one_moment_are_told_apart(world: World, held: Held, reader: Reader) -> None:
    await kept(world, *(attempt(held, number, started_at=T0) for number in range(9)))
    seen: list[int] = []
    before = 0
    for _ in range(3):
        leaf = await reader.leaf(before=before, limit=3)
        seen += numbers(leaf.records)
        before = leaf.records[-1].id
    assert seen == list(range(8, -1, -1))


async def test_one_that_took_long_stands_where_it_began(world: World, held: Held, reader: Reader) -> None:
    await kept(world, attempt(held, 2), attempt(held, 3), attempt(held, 1))
    assert numbers((await reader.leaf()).records) == [3, 2, 1]
    new, upto = await reader.since(Wanted(), after=(await reader.leaf()).records[0].id)
    assert numbers(new) == [1], "what follows goes by when it was written, so it is not missed"
    assert await reader.since(Wanted(), after=upto) == ([], upto)


NARROW = (
    Wanted(verdict="allowed"),
    Wanted(verdict="refused"),
    Wanted(verdict="address_not_allowed"),
    Wanted(verdict="replayed"),
    Wanted(method="DELETE"),
    Wanted(address="198.51.100.4"),
    Wanted(verdict="refused", method="POST", address="2001:db8::1"),
)


def fits(one: Attempt, wanted: Wanted) -> bool:
    """Tell whether an attempt is wanted, the plain way."""
    verdict = wanted.verdict in {"", one.verdict} or (wanted.verdict == "refused" and one.verdict != "allowed")
    return (
        verdict
        and wanted.method in {"", one.method}
        and wanted.address in {"", one.address}
        and one.started_at >= wanted.since
    )


@pytest.mark.parametrize("wanted", NARROW, ids=lambda wanted: "-".join(filter(None, wanted_words(wanted))))
async def test_a_filter_finds_all_that_fits_and_nothing_else_on_every_page(
    world: World, held: Held, reader: Reader, wanted: Wanted
) -> None:
    attempts = [attempt(held, number) for number in range(200)]
    await kept(world, *attempts)
    for since in (0, T0 + 5 * HOUR_MS + 1):
        narrow = replace(wanted, since=since)
        right = [number for number in reversed(range(200)) if fits(attempts[number], narrow)]
        assert [number async for number in _older(reader, narrow)] == right
        assert [number async for number in _newer(reader, narrow, start=0)] == right[::-1]
        assert numbers(one for piece in await reader.pieces(narrow, most=1_000) for one in piece) == right


def wanted_words(wanted: Wanted) -> tuple[str, ...]:
    return wanted.verdict, wanted.method, wanted.address


async def _older(reader: Reader, wanted: Wanted) -> Any:
    leaf = await reader.leaf(wanted, limit=4)
    for one in numbers(leaf.records):
        yield one
    while leaf.has_older:
        leaf = await reader.leaf(wanted, before=leaf.records[-1].id, limit=4)
        for one in numbers(leaf.records):
            yield one


async def _newer(reader: Reader, wanted: Wanted, *, start: int) -> Any:
    leaf = await reader.leaf(wanted, limit=1_000)
    if not leaf.records:
        return
    yield numbers(leaf.records)[-1]
    at = leaf.records[-1].id
    while True:
        leaf = await reader.leaf(wanted, after=at, limit=4)
        for one in reversed(numbers(leaf.records)):
            yield one
        if not leaf.has_newer:
            return
        at = leaf.records[0].id


async def test_only_what_is_shown_is_looked_at_however_rare(
    world: World, held: Held, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page of a million costs what a page of a hundred does: the counts say in which hours to look."""
    await kept(world, *(attempt(held, number, verdict="allowed") for number in range(300)))
    await kept(world, attempt(held, 40, verdict="replayed"), attempt(held, 41, verdict="replayed"))
    looked: list[tuple[int, int]] = []
    between = store.records_between

    async def seen(*arguments: Any, **named: Any) -> Any:
        looked.append((named["low"], named["high"]))
        return await between(*arguments, **named)

    monkeypatch.setattr(store, "records_between", seen)
    found = await reader.leaf(Wanted(verdict="replayed"))
    assert numbers(found.records) == [41, 40]
    assert len(looked) == 1
    assert looked[0][1] - looked[0][0] <= 2 * HOUR_MS
    assert (await reader.leaf(Wanted(address="192.0.2.1"))).records == ()
    assert len(looked) == 1, "nothing was looked for that is nowhere"


async def test_figures_add_up_to_the_records(world: World, held: Held, reader: Reader) -> None:
    attempts = [attempt(held, number) for number in range(150)]
    await kept(world, *attempts)
    now = attempts[-1].started_at
    for name, span in SPANS.items():
        for wanted in (Wanted(), *NARROW):
            asked = replace(wanted, since=span.begins(now), unit_ms=span.unit_ms)
            right = [one for one in attempts if fits(one, asked)]
            found = await reader.figures(asked, name)
            assert found.total == Count(len(right), sum(one.verdict != "allowed" for one in right)), (name, wanted)
            assert found.addresses == len({one.address for one in right})
            assert all(at % span.width_ms == 0 for at in found.by_bucket)
            whole = [one for one in attempts if one.started_at >= asked.since]
            assert found.by_verdict == {
                verdict: sum(one.verdict == verdict for one in whole) for verdict in {one.verdict for one in whole}
            }


async def test_counts_go_on_where_the_last_batch_ended(world: World, held: Held, reader: Reader) -> None:
    for number in range(3):
        await kept(world, attempt(held, 0, started_at=T0 + number))
    async with world.services.database.read() as tx:
        rows = (await tx.execute(select(usage_counts.c.unit_ms, usage_counts.c.requests))).all()
    assert sorted(tuple(row) for row in rows) == [(MINUTE_MS, 3), (HOUR_MS, 3)]


async def test_a_stranger_sees_no_record_and_no_count_of_a_key_that_is_not_theirs(
    world: World, held: Held, reader: Reader, ada: Person
) -> None:
    await kept(world, *(attempt(held, number) for number in range(10)))
    eve = await world.person("eve@example.org")
    for owner in (eve.owner, Owner(ada.account.id, "sub")):
        thief = Reader(world, owner, held.id)
        known = (await reader.leaf()).records[3].id
        assert (await thief.leaf()).records == ()
        assert (await thief.leaf(before=known)).records == ()
        assert (await thief.leaf(after=known)).records == ()
        assert (await thief.leaf(Wanted(verdict="allowed"))).records == ()
        assert await thief.since(Wanted(), after=0) == ([], 0)
        assert await thief.pieces(Wanted(), most=10) == []
        found = await thief.figures(Wanted(), "all")
        assert (found.total, found.addresses, found.by_verdict, found.methods) == (Count(), 0, {}, ())
        async with world.services.database.read() as tx:
            assert await records.lately(tx, owner, now=T0) == {}


async def test_another_key_of_the_same_owner_is_another_list(
    world: World, held: Held, ada: Person, reader: Reader
) -> None:
    other = await world.key(ada, name="other")
    await kept(world, attempt(held, 1), attempt(other, 2))
    assert numbers((await reader.leaf()).records) == [1]
    record_of_other = (await Reader(world, ada.owner, other.id).leaf()).records[0].id
    assert (await reader.leaf(before=record_of_other)).records == (), "a place in another list is none in this one"


async def test_strangers_requests_are_nobodys(world: World, held: Held, reader: Reader) -> None:
    await kept(world, attempt(held, 1, key_id="", account_id="", verdict="key_unknown"))
    assert (await reader.leaf()).records == ()
    async with world.services.database.read() as tx:
        assert (await tx.execute(select(func.count()).select_from(usage_counts))).scalar_one() == 0


async def test_what_every_key_did_lately_is_one_answer(world: World, held: Held, ada: Person) -> None:
    other = await world.key(ada, name="other")
    now = T0 + 40 * HOUR_MS
    await kept(
        world,
        attempt(held, 0, started_at=now),
        attempt(held, 1, started_at=now, verdict="replayed"),
        attempt(other, 0, started_at=now - DAY_MS),
        attempt(other, 0, started_at=now - DAY_MS - HOUR_MS),
    )
    async with world.services.database.read() as tx:
        assert await records.lately(tx, ada.owner, now=now) == {held.id: Count(2, 1), other.id: Count(1, 0)}


async def test_pieces_end_at_the_most_and_hold_no_transaction_open_between(
    world: World, held: Held, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "PIECE", 4)
    await kept(world, *(attempt(held, number) for number in range(20)))
    sizes = [len(piece) for piece in await reader.pieces(Wanted(), most=10)]
    assert sizes == [4, 4, 2]
    assert [len(piece) for piece in await reader.pieces(Wanted(), most=100)] == [4] * 5
    async for _ in records.pieces(world.services.database, reader.owner, held.id, Wanted(), most=20):
        await kept(world, attempt(held, 99))  # a writer gets in


async def test_what_is_forgotten_is_forgotten_in_the_counts_too(world: World, held: Held, reader: Reader) -> None:
    await kept(world, *(attempt(held, number, started_at=T0 + number * HOUR_MS) for number in range(10)))
    assert await Usage(world.services.database).forget(before=T0 + 5 * HOUR_MS) == 5
    found = await reader.figures(Wanted(), "all")
    assert found.total.requests in {5, 6}, "counts are of whole hours: one that was cut stays until it is over"
    assert len((await reader.leaf()).records) == 5
    async with world.services.database.read() as tx:
        oldest = select(func.min(usage_counts.c.at)).where(usage_counts.c.unit_ms == MINUTE_MS)
        assert (await tx.execute(oldest)).scalar_one() >= T0 + 5 * HOUR_MS


async def test_a_record_that_is_gone_leads_to_the_newest_or_to_nothing_older(
    world: World, held: Held, reader: Reader, clock: FakeClock
) -> None:
    await kept(world, attempt(held, 1))
    assert (await reader.leaf(before=987_654)).records == ()
    assert numbers((await reader.leaf(after=987_654)).records) == [1]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), unique_by=lambda unit: unit[0]), st.integers(1, 30))
def test_ranges_cover_enough_units_in_order_and_never_overlap(units: list[tuple[int, int]], enough: int) -> None:
    from keywright.gateway.buckets import ranges

    for newer in (False, True):
        ordered = sorted(((at * HOUR_MS, count) for at, count in units), reverse=not newer)
        found = ranges(ordered, unit_ms=HOUR_MS, enough=enough)
        taken = [unit for unit in ordered if any(low <= unit[0] < high for low, high in found)]
        assert taken == ordered[: len(taken)]
        assert taken == ordered or sum(count for _, count in taken[1:]) >= enough
        assert sum(high - low for low, high in found) == len(taken) * HOUR_MS
        assert found == sorted(found, reverse=not newer)


async def test_no_column_holds_what_stood_in_a_query(world: World, held: Held, reader: Reader) -> None:
    """LEAK: the path is the route's template, so there is nothing to show that was in a query."""
    async with world.services.database.read() as tx:
        names = {column.name for column in usage_records.columns}
        assert not {name for name in names if "query" in name or "body" in name or "header" in name}
        assert (await tx.execute(select(func.count()).select_from(usage_records))).scalar_one() == 0
