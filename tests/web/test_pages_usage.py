"""A key's usage in the console: what is shown to whom, filters, following, files."""

from __future__ import annotations

import asyncio
import csv
import gc
import json
import re
from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from sqlalchemy import event

from keywright.gateway import records
from keywright.gateway.advice import advice
from keywright.gateway.export import FORMULA
from keywright.gateway.model import Attempt
from keywright.gateway.usage import Usage
from keywright.web.app import Console
from keywright.web.pages import usage as page_module
from tests.support.clock import T0, FakeClock
from tests.support.visitor import Caller
from tests.support.world import World

MINUTE_MS = 60_000
ROW = re.compile(r'<tr role="row" data-id="(\d+)"')


class Log:
    """Writes down what a key was used for, as the gateway does."""

    def __init__(self, world: World, clock: FakeClock, key_id: str) -> None:
        self.world, self.clock, self.key_id = world, clock, key_id

    async def keeps(self, *verdicts: str, **changes: Any) -> None:
        """Keep one record a verdict, now."""
        usage = Usage(self.world.services.database)
        plain = Attempt(
            "r1",
            "spot",
            self.clock(),
            "GET",
            "/api/v1/accounts",
            "203.0.113.7",
            "ccxt",
            self.key_id,
            "acc",
            "",
            200,
            900,
        )
        for verdict in verdicts:
            usage.keep(replace(plain, verdict=verdict, **changes))
        await usage.flush()


@pytest.fixture
async def log(ada: Caller, world: World, clock: FakeClock) -> Log:
    """Give the log of a key of Ada's, who is signed in."""
    await ada.arrive()
    key_id, _ = await ada.make_key("trade")
    return Log(world, clock, key_id)


@pytest.fixture
def here(log: Log) -> str:
    """Give where the usage of that key stands."""
    return f"/api-management/{log.key_id}/usage"


def shown(caller: Caller) -> list[int]:
    """Return the ids of the records on the page last seen."""
    assert caller.last is not None
    return [int(found) for found in ROW.findall(caller.last.text)]


def sums(caller: Caller) -> list[str]:
    """Return the figures of the page last seen."""
    assert caller.last is not None
    return re.findall(r"<dd>([\d,]+)</dd>", caller.last.text.partition('class="sums"')[2].partition("</dl>")[0])


async def test_k13_each_request_is_shown_with_all_that_is_known_of_it(ada: Caller, log: Log, here: str) -> None:
    await log.keeps("allowed", method="POST", path="/api/v1/orders", address="2001:db8::7", latency_us=1_540)
    assert (await ada.get(here)).status_code == 200
    for said in ("POST", "/api/v1/orders", "2001:db8::7", "Allowed", "200", "1.5 ms"):
        assert said in ada.text
    exact = re.search(r'<time datetime="([^"]+Z)" title="([^"]+) UTC">', ada.text.partition("<tbody role")[2])
    assert exact
    assert exact[1] == exact[2].replace(" ", "T") + "Z"


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("signature_mismatch", "Wrong signature"),
        ("address_not_allowed", "Address not on the list"),
        ("permission_missing", "Permission missing"),
        ("replayed", "Sent a second time"),
        ("key_other_environment", "Other environment"),
        ("", "Broken off"),
    ],
)
async def test_k14_a_refusal_is_said_in_words_with_what_to_do(
    ada: Caller, log: Log, here: str, verdict: str, words: str
) -> None:
    await log.keeps(verdict, address="198.51.100.4", status=401)
    await ada.get(here)
    assert words in ada.text
    assert advice(verdict, address="198.51.100.4", base_url="http://spot") in ada.text
    if verdict == "key_other_environment":
        assert "http://spot" in ada.text, "it is a key of the spot environment"


async def test_there_are_as_many_on_a_page_as_fit_and_links_to_the_others(
    ada: Caller, log: Log, here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "LEAF", 10)
    await log.keeps(*["allowed"] * 25)
    seen = []
    path = here
    while path:
        await ada.get(path)
        seen += shown(ada)
        link = re.search(r'href="([^"]+before=\d+)"', ada.text)
        path = link[1] if link else ""
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == 25
    newer = re.search(r'href="([^"]+after=\d+)"', ada.text)
    assert newer
    await ada.get(newer[1])
    assert shown(ada) == seen[10:20]


async def test_filters_are_in_the_address_and_the_sums_follow_them(ada: Caller, log: Log, here: str) -> None:
    await log.keeps("allowed", "allowed", "replayed", "signature_mismatch")
    await log.keeps("allowed", method="DELETE", address="198.51.100.4")
    for query, rows, figures in (
        ("", 5, ["5", "2", "2"]),
        ("?verdict=refused", 2, ["2", "2", "1"]),
        ("?verdict=replayed", 1, ["1", "1", "1"]),
        ("?verdict=allowed&method=delete", 1, ["1", "0", "1"]),
        ("?address=%20203.0.113.7%20", 4, ["4", "2", "1"]),
        ("?address=::ffff:198.51.100.4", 1, ["1", "0", "1"]),
        ("?method=PUT", 0, ["0", "0", "0"]),
    ):
        assert (await ada.get(here + query)).status_code == 200
        assert (len(shown(ada)), sums(ada)) == (rows, figures), query


async def test_a_span_leaves_out_what_is_older(ada: Caller, log: Log, here: str, clock: FakeClock) -> None:
    for _ in range(3):
        await log.keeps("allowed")
        clock.advance(ms=20 * 60 * MINUTE_MS)
        await ada.sign_in()
    found = {}
    for span in ("1h", "24h", "7d", "30d", "all"):
        await ada.get(f"{here}?span={span}")
        found[span] = len(shown(ada))
        assert sums(ada)[0] == str(found[span])
    assert found == {"1h": 0, "24h": 1, "7d": 3, "30d": 3, "all": 3}


@pytest.mark.parametrize(
    "query", ["span=year", "verdict=good", "method=G-T", "address=203.0.113", "address=203.0.113.0/24", "method=%C3%9C"]
)
async def test_a_filter_that_is_none_is_said_at_its_field(ada: Caller, log: Log, here: str, query: str) -> None:
    await log.keeps("allowed")
    answer = await ada.get(f"{here}?{query}")
    assert answer.status_code == 400
    assert 'aria-invalid="true"' in answer.text
    assert shown(ada) == []
    for ending in ("csv", "json"):
        assert (await ada.get(f"{here}/export.{ending}?{query}")).status_code == 400


@pytest.mark.parametrize("query", ["before=x", "before=-1", "after=9999999999999999999999", "before=0", "after=%07"])
async def test_a_place_that_is_none_is_the_beginning(ada: Caller, log: Log, here: str, query: str) -> None:
    await log.keeps("allowed")
    assert (await ada.get(f"{here}?{query}")).status_code == 200
    assert len(shown(ada)) == 1


async def test_the_table_beside_the_chart_says_what_it_shows(ada: Caller, log: Log, here: str) -> None:
    await log.keeps("allowed", "allowed", "replayed")
    await ada.get(here)
    assert re.search(r'<tr data-at="\d+" data-allowed="2" data-refused="1">', ada.text)
    assert "Each line is 1 hour." in ada.text


async def test_only_the_owner_sees_it_and_everyone_else_is_told_there_is_none(
    ada: Caller, bob: Caller, log: Log, here: str
) -> None:
    await log.keeps("allowed")
    await bob.arrive()
    for path in (here, f"{here}/newer", f"{here}/export.csv", f"{here}/export.json"):
        assert (await ada.get(path)).status_code == 200
        answer = await bob.get(path)
        assert answer.status_code == 404
        assert "203.0.113.7" not in answer.text
        unknown = await bob.get(path.replace(log.key_id, "0" * 24))
        assert unknown.status_code == 404


async def test_signed_out_there_is_only_the_way_in(console: Console, clock: FakeClock, here: str) -> None:
    stranger = Caller(console, clock)
    for path, onward in ((here, f"?next={here}"), (f"{here}/export.csv", "")):
        assert (await stranger.get(path)).headers["location"] == f"/sign-in{onward}"
    answer = await stranger.get(f"{here}/newer", **{"hx-request": "true"})
    assert answer.headers["hx-redirect"] == "/sign-in"


async def test_following_brings_what_came_once_and_says_how_much(ada: Caller, log: Log, here: str) -> None:
    await log.keeps("allowed")
    await ada.get(here)
    upto = re.search(r'data-upto="(\d+)"', ada.text)
    assert upto
    quiet = await ada.get(f"{here}/newer?span=24h&after={upto[1]}")
    assert quiet.text.strip() == ""
    assert json.loads(quiet.headers["hx-trigger"])["followed"] == {"upto": int(upto[1]), "said": ""}
    await log.keeps("allowed", "replayed")
    news = await ada.get(f"{here}/newer?span=24h&after={upto[1]}")
    followed = json.loads(news.headers["hx-trigger"])["followed"]
    assert len(shown(ada)) == 2
    assert followed == {"upto": shown(ada)[0], "said": "2 new requests. 1 refused."}
    assert "<html" not in news.text
    refused = await ada.get(f"{here}/newer?span=24h&verdict=refused&after={upto[1]}")
    assert len(ROW.findall(refused.text)) == 1
    assert (await ada.get(f"{here}/newer?after={followed['upto']}")).text.strip() == ""


async def test_a_csv_holds_what_the_filter_shows(ada: Caller, log: Log, here: str) -> None:
    await log.keeps("allowed", "replayed", "allowed")
    answer = await ada.get(f"{here}/export.csv?verdict=allowed")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    day = "2023-11-14"
    assert answer.headers["content-disposition"] == f'attachment; filename="keywright-usage-{log.key_id[:8]}-{day}.csv"'
    rows = list(csv.DictReader(StringIO(answer.text, newline="")))
    assert [row["verdict"] for row in rows] == ["allowed", "allowed"]
    assert {row["key"] for row in rows} == {"bot"}


async def test_web_11_a_name_and_an_agent_like_a_formula_are_text_in_the_file(
    ada: Caller, world: World, clock: FakeClock
) -> None:
    await ada.arrive()
    key_id, _ = await ada.make_key(name="=HYPERLINK(0)")
    await Log(world, clock, key_id).keeps("allowed", agent="@SUM(A1:A9)")
    answer = await ada.get(f"/api-management/{key_id}/usage/export.csv")
    (row,) = list(csv.reader(StringIO(answer.text, newline="")))[1:]
    assert "'=HYPERLINK(0)" in row
    assert "'@SUM(A1:A9)" in row
    assert not [cell for cell in row if cell[:1] in FORMULA]
    assert "HYPERLINK" not in answer.headers["content-disposition"]


async def test_a_json_file_holds_the_same_and_masks_the_key(ada: Caller, log: Log, here: str) -> None:
    await log.keeps("allowed", "replayed")
    answer = await ada.get(f"{here}/export.json?verdict=refused")
    assert answer.headers["content-type"] == "application/json"
    found = answer.json()
    assert [one["verdict"] for one in found["records"]] == ["replayed"]
    assert (found["schema"], found["count"], found["most"], found["name"]) == (1, 1, 100_000, "bot")
    assert log.key_id not in answer.text, "LEAK-11: the key's id is masked"
    empty = await ada.get(f"{here}/export.json?method=PUT")
    assert (empty.json()["records"], empty.json()["count"]) == ([], 0)


async def test_a_file_ends_at_its_bound_and_the_page_says_so(
    ada: Caller, log: Log, here: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_module, "MOST_EXPORTED", 3)
    await log.keeps(*["allowed"] * 5)
    await ada.get(here)
    assert "A file holds the newest 3 of these 5 requests" in ada.text
    answer = await ada.get(f"{here}/export.json")
    assert (answer.json()["count"], answer.json()["most"]) == (3, 3)
    assert len((await ada.get(f"{here}/export.csv")).text.splitlines()) == 4


async def test_the_list_says_what_each_key_did_in_a_day_and_leads_there(ada: Caller, log: Log, here: str) -> None:
    await ada.get("/api-management")
    assert "24 h:" not in ada.text
    await log.keeps("allowed", "allowed", "replayed")
    await ada.get("/api-management")
    assert "24 h: 3 requests, 1 refused" in ada.text
    assert f'href="{here}"' in ada.text
    await ada.get(f"/api-management/{log.key_id}")
    assert f'href="{here}"' in ada.text


async def test_k20_a_key_that_nobody_used_for_30_days_is_flagged(
    ada: Caller, log: Log, here: str, clock: FakeClock
) -> None:
    flag = "Not used for 30 days: disable or delete it"
    clock.advance(days=29)
    await ada.sign_in()
    await ada.get("/api-management")
    assert flag not in ada.text, "never used, but 29 days old"
    await log.keeps("allowed")
    clock.advance(days=29)
    await ada.sign_in()
    await ada.get("/api-management")
    assert flag not in ada.text, "used 29 days ago"
    await log.keeps("signature_mismatch")
    clock.advance(days=1)
    await ada.sign_in()
    await ada.get("/api-management")
    assert flag in ada.text, "a refused try is no use"
    for page in (f"/api-management/{log.key_id}", here):
        await ada.get(page)
        assert "was not used for 30 days" in ada.text
    await ada.get("/api-management")
    await ada.post(f"/api-management/{log.key_id}/disable")
    await ada.get("/api-management")
    assert flag not in ada.text
    assert "Not used for 30 days: delete it" in ada.text


async def test_a_deleted_keys_requests_stay_readable_for_its_owner(ada: Caller, log: Log, here: str) -> None:
    await log.keeps("allowed")
    await ada.get("/api-management")
    await ada.post(f"/api-management/{log.key_id}/disable")
    await ada.get(f"/api-management/{log.key_id}")
    await ada.post(f"/api-management/{log.key_id}/delete", code=ada.code(), sure="yes")
    assert (await ada.get(here)).status_code == 200
    assert len(shown(ada)) == 1


async def test_strangers_requests_are_not_shown(ada: Caller, log: Log, here: str) -> None:
    await log.keeps("key_unknown", key_id="", account_id="")
    await ada.get(f"{here}?span=all")
    assert shown(ada) == []
    assert T0


@pytest.mark.parametrize("ending", ["csv", "json"])
async def test_who_goes_away_while_a_file_is_read_costs_no_connection(
    ada: Caller, log: Log, here: str, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the database was asked is waited for: a statement given up would take its connection with it."""
    monkeypatch.setattr(records, "PIECE", 2)
    await log.keeps(*["allowed"] * 9)
    engine = log.world.services.database.engine
    lost: list[object] = []
    event.listen(engine.sync_engine, "invalidate", lambda *found: lost.append(found))
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: lost.append(context["message"]))
    pieces: list[bytes] = []
    has_gone = asyncio.Event()

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def is_asked(*_statement: object) -> None:
        if len(pieces) == 2:  # what begins the file, and two records
            has_gone.set()

    await ada.get_until(has_gone, f"{here}/export.{ending}", pieces)
    gc.collect()
    await asyncio.sleep(0)
    assert has_gone.is_set()
    assert len(pieces) < 5, "nobody reads the rest, so nobody looks for it"
    assert lost == []
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
