"""The audit log as operators read it at the console."""

from __future__ import annotations

import asyncio
import csv
import gc
import json
import re
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlalchemy.event import listen, listens_for

from keywright.audit.events import Actor, Event, Kind
from keywright.storage.tables import audit_events
from keywright.web.pages import operator_audit
from tests.support.audit import drop_guards
from tests.support.clock import FakeClock
from tests.support.household import Household, household
from tests.support.visitor import events_of
from tests.support.world import World

DAY_MS = 86_400_000
TEMPLATES = Path(operator_audit.__file__).parent.parent / "templates"
LISTED = re.compile(r'id="event-(\d+)"')


@pytest.fixture
async def home(world: World, clock: FakeClock) -> Household:
    home = await household(world.services, clock)
    await home.ada.get("/operator/audit")
    return home


async def listed(home: Household, query: str = "") -> list[int]:
    answer = await home.ada.get(f"/operator/audit{query}")
    assert answer.status_code == 200, home.ada.text
    return [int(seq) for seq in LISTED.findall(home.ada.text)]


async def note(home: Household, *, name: str = "bot", agent: str = "", at: int | None = None) -> None:
    async with home.services.database.write() as tx:
        event = Event(Kind.KEY_RENAMED, Actor(home.account_id, agent=agent), home.account_id, "k1", 1, {"name": name})
        await home.services.audit.record(tx, event, now=home.ada.clock() if at is None else at)


async def test_k21_events_are_listed_newest_first_and_page_by_page(
    home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator_audit, "LEAF", 7)
    everything = [event.seq for event in await events_of(home.services)]
    seen, query = [], ""
    while True:
        found = await listed(home, query)
        seen += found
        older = re.search(r"before=(\d+)", home.ada.text)
        if not older:
            break
        assert len(found) == 7
        query = f"?before={older[1]}"
    assert seen == sorted(everything, reverse=True)
    assert "Newest" in home.ada.text


def test_every_kind_of_event_is_said_in_words_and_none_twice() -> None:
    words = TEMPLATES.joinpath("event_words.html").read_text("utf-8")
    said = dict(re.findall(r'"([a-z_]+\.[a-z_]+)": pgettext\("event", "([^"]+)"\)', words))
    assert set(said) == {*Kind}
    assert len(set(said.values())) == len(said)


async def test_events_are_said_in_the_readers_language_beside_their_stable_names(home: Household) -> None:
    page = (await home.ada.get("/operator/audit?kind=key.disabled", **{"accept-language": "de"})).text
    assert re.search(r">Schlüssel deaktiviert</strong>\s*<code[^>]*>key.disabled</code>", page)
    assert '<option value="key.disabled" selected>Schlüssel deaktiviert · key.disabled</option>' in page
    assert "Schlüssel deaktiviert" not in (await home.ada.get("/operator/audit/export.csv?kind=key.disabled")).text


async def test_filters_by_kind_account_and_day(home: Household) -> None:
    events = {event.seq: event for event in await events_of(home.services)}
    found = await listed(home, "?kind=key.issued")
    assert found == [seq for seq in sorted(events, reverse=True) if events[seq].kind == "key.issued"]
    assert found
    for named in (home.bobs_account_id, "bob@example.org", "Bob@Example.org"):
        found = await listed(home, f"?account={named}")
        assert {events[seq].account_id for seq in found} == {home.bobs_account_id}
    await note(home, at=home.ada.clock() + 3 * DAY_MS)
    (newest,) = await listed(home, "?since=" + _day(home.ada.clock() + 3 * DAY_MS))
    assert newest == max(events) + 1
    day = _day(home.ada.clock())
    assert await listed(home, f"?since={day}&until={day}") == sorted(events, reverse=True)[:50]
    assert await listed(home, "?until=2001-01-01") == []
    assert "Nothing fits this filter" in home.ada.text


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("?kind=key.stolen", "There is no such kind of event"),
        ("?account=nobody@example.org", "There is no such account"),
        ("?account=acc_1", "There is no such account"),
        ("?since=yesterday", "That is not a day"),
        ("?until=2026-13-01", "That is not a day"),
    ],
)
async def test_a_filter_that_is_none_is_said_to_be(home: Household, query: str, said: str) -> None:
    assert (await home.ada.get(f"/operator/audit{query}")).status_code == 400
    assert said in home.ada.text
    for ending in ("csv", "ndjson"):
        assert (await home.ada.get(f"/operator/audit/export.{ending}{query}")).status_code == 400


async def test_web_11_a_file_holds_what_the_filter_shows_and_no_formula(
    home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator_audit, "PIECE", 2)
    for number in range(5):
        await note(home, name="=1+1", agent=f"=cmd|'{number}'!A1\r\n\0")
    answer = await home.ada.get("/operator/audit/export.csv?kind=key.renamed")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(
        r'attachment; filename="keywright-audit-[0-9-]{10}\.csv"', answer.headers["content-disposition"]
    )
    rows = list(csv.DictReader(StringIO(answer.text, newline="")))
    assert [row["agent"][:7] for row in rows] == ["'=cmd|'"] * 5
    assert not [cell for row in rows for cell in row.values() if cell[:1] in "=+-@" and cell]
    assert json.loads(rows[0]["detail"]) == {"name": "=1+1"}
    lines = (await home.ada.get("/operator/audit/export.ndjson")).text.splitlines()
    told = [json.loads(line) for line in lines]
    assert [one["seq"] for one in told] == [event.seq for event in (await events_of(home.services))[::-1]]
    assert {one["schema"] for one in told} == {1}
    assert told[0]["detail"] == {"name": "=1+1"}


async def test_n9_the_page_says_whether_the_chain_holds(home: Household) -> None:
    assert "Not since this server started" in home.ada.text
    await home.ada.post("/operator/audit/check")
    await home.ada.get("/operator/audit")
    assert "Holds</span>" in home.ada.text
    async with home.services.database.write() as tx:
        await drop_guards(tx)
        await tx.execute(update(audit_events).where(audit_events.c.seq == 2).values(detail='{"name": "forged"}'))
    assert "forged" not in home.ada.text
    await home.ada.post("/operator/audit/check")
    await home.ada.get("/operator/audit")
    assert "the audit chain is broken at event 2" in home.ada.text
    assert "Holds</span>" not in home.ada.text


@pytest.mark.parametrize(
    "values",
    [{"detail": "{"}, {"origin": "[]"}, {"at": 10**18}, {"kind": "no.kind"}, {"actor": "acc_1"}, {"account_id": "x"}],
)
async def test_an_altered_event_is_shown_as_it_stands(home: Household, values: dict[str, object]) -> None:
    newest = max(await listed(home))
    async with home.services.database.write() as tx:
        await drop_guards(tx)
        await tx.execute(update(audit_events).where(audit_events.c.seq == newest).values(**values))
    assert newest in await listed(home)
    for ending in ("csv", "ndjson"):
        assert (await home.ada.get(f"/operator/audit/export.{ending}")).status_code == 200


async def test_aud_05_what_strangers_chose_is_text(home: Household) -> None:
    await note(home, name="<script>alert(1)</script>", agent="\x1b[31mred\u202e<b>")
    answer = await home.ada.get("/operator/audit")
    assert "<script>alert" not in answer.text
    assert "<b>" not in answer.text


async def test_who_is_no_operator_reads_nothing_of_it(home: Household) -> None:
    for path in ("", "/export.csv", "/export.ndjson"):
        assert (await home.bob.get(f"/operator/audit{path}")).status_code == 404
    await home.bob.get("/security")
    assert (await home.bob.post("/operator/audit/check")).status_code == 404


@pytest.mark.parametrize("ending", ["csv", "ndjson"])
async def test_who_goes_away_while_the_log_is_downloaded_costs_no_connection(
    home: Household, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the database was asked is waited for: a statement given up would take its connection with it."""
    monkeypatch.setattr(operator_audit, "PIECE", 2)
    engine, lost = home.services.database.engine, list[object]()
    listen(engine.sync_engine, "invalidate", lambda *found: lost.append(found))
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: lost.append(context["message"]))
    pieces, has_gone = list[bytes](), asyncio.Event()

    @listens_for(engine.sync_engine, "before_cursor_execute")
    def is_asked(*_statement: object) -> None:
        if len(pieces) == 2:
            has_gone.set()

    await home.ada.get_until(has_gone, f"/operator/audit/export.{ending}", pieces)
    gc.collect()
    await asyncio.sleep(0)
    assert has_gone.is_set()
    assert len(pieces) < 5, "nobody reads the rest, so nobody looks for it"
    assert lost == []
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
