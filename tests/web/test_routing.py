"""The steps of every request: who asks, from where, whether a form is taken, what comes first."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, strategies as st
from sqlalchemy import select

from keywright import errors
from keywright.errors import Busy, Invalid, KeywrightError, Unusable
from keywright.storage.tables import sessions
from keywright.storage.transaction import Database
from keywright.web.app import Console
from keywright.web.posted import MOST_FIELDS, fields_of
from keywright.web.routing import status_of
from keywright.web.visit import AboutCode
from tests.support.clock import FakeClock
from tests.support.visitor import ORIGIN, PASSWORD, Caller, ask, console_over, events_of
from tests.support.world import World

# ── errors


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (errors.Limited("no", retry_ms=1), 429),
        (errors.NotFound("no"), 404),
        (errors.NotProven("no"), 403),
        (errors.CodeReused("no"), 403),
        (errors.Conflict("no"), 409),
        (errors.Invalid("no"), 400),
        (errors.LimitReached("no"), 400),
        (errors.Busy("no"), 503),
        (errors.Unusable("no"), 409),
        (KeywrightError("no"), 500),
    ],
)
def test_each_error_has_its_status_about_a_code_or_not(problem: KeywrightError, status: int) -> None:
    assert status_of(problem) == status
    assert status_of(AboutCode(problem)) == status


# ── what was posted

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(st.lists(st.tuples(NAMES, NAMES), max_size=MOST_FIELDS))
def test_a_form_is_read_as_it_was_written(fields: list[tuple[str, str]]) -> None:
    wanted: dict[str, list[str]] = {}
    for name, value in fields:
        wanted.setdefault(name, []).append(value)
    assert fields_of(urlencode(fields).encode()) == wanted


@given(st.binary(max_size=300))
def test_a_body_is_a_form_or_is_refused(body: bytes) -> None:
    try:
        fields = fields_of(body)
    except Invalid:
        return
    assert sum(map(len, fields.values())) <= MOST_FIELDS
    for name, values in fields.items():
        for text in (name, *values):
            text.encode("utf-8")  # no surrogate gets in


@pytest.mark.parametrize("body", [b"a=%ff", b"a=%ed%a0%80", "a=é".encode(), b"&" * (MOST_FIELDS + 1), b"a=%c0%af"])
def test_what_is_no_utf8_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid, match="can't be read"):
        fields_of(body)


# ── who asks


async def test_a_new_visitor_is_given_a_cookie_once(console: Console) -> None:
    first = await ask(console, "GET", "/sign-in")
    assert len(first.cookies) == 1
    kept = first.cookies[0].partition(";")[0]
    assert not (await ask(console, "GET", "/sign-in", [("cookie", kept)])).cookies


async def test_use_is_noted_once_a_second(ada: Caller, world: World, clock: FakeClock) -> None:
    await ada.arrive()

    async def seen_at() -> int:
        async with world.services.database.read() as tx:
            found: int = (await tx.execute(select(sessions.c.seen_at))).scalar_one()
            return found

    before = await seen_at()
    clock.advance(ms=999)
    await ada.get("/security")
    assert await seen_at() == before
    clock.advance(ms=1)
    await ada.get("/security")
    assert await seen_at() == clock()


async def test_pages_are_shown_though_nothing_can_be_written(
    ada: Caller, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ada.arrive()
    clock.advance(seconds=2)

    def full(_self: Database) -> Any:
        raise Busy("the database is locked, full or unreachable")

    monkeypatch.setattr(Database, "write", full)
    assert (await ada.get("/api-management")).status_code == 200
    answer = await ada.post("/security/freeze")
    assert answer.status_code == 503
    assert "database is locked, full or unreachable" in ada.text


@pytest.mark.parametrize(
    ("problem", "is_said"),
    [
        (Busy("nothing listens as PostgreSQL at db.internal:5432/keys"), False),
        (Unusable("the audit log can't be written, so nothing was changed"), False),
        (Busy("too many passwords are being checked at once"), True),
        (Unusable("this was altered outside Keywright, so nobody can confirm it"), True),
    ],
)
async def test_what_is_for_who_runs_this_is_told_to_them_and_not_to_visitors(
    ada: Caller,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    problem: KeywrightError,
    is_said: bool,
) -> None:
    def broken(_self: Database) -> Any:
        raise problem

    await ada.arrive()
    monkeypatch.setattr(Database, "read", broken)
    answer = await ada.get("/security")
    assert answer.status_code == status_of(problem)
    assert (problem.message.lower() in ada.text.lower()) == is_said
    assert ("can't be answered now" in ada.text) != is_said
    assert (problem.message in caplog.text) != is_said


@pytest.mark.parametrize(("idle", "lives"), [(30 * 60 - 1, True), (30 * 60, False)])
async def test_a_session_ends_after_half_an_hour_of_nothing(
    ada: Caller, clock: FakeClock, idle: int, lives: bool
) -> None:
    await ada.arrive()
    clock.advance(seconds=idle)
    assert await ada.is_in() is lives
    if not lives:
        assert (await ada.post("/security/freeze")).headers["location"] == "/sign-in?done=form-late"
        came_from = {"referer": f"{ORIGIN}/security", "origin": ORIGIN}
        late = await ada.send("POST", "/security/freeze", {"csrf": ada.csrf}, **came_from)
        assert late.headers["location"] == "/sign-in?next=/security&done=form-late"


# ── from where


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["203.0.113.7"], "192.0.2.1"),
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["8.8.8.8, 203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", ["8.8.8.8", "203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["nonsense"], ""),
        ("10.0.0.1", [], ""),
        ("::ffff:10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
        ("2001:DB8:0::1", [], "2001:db8::1"),
        ("fe80::1%eth0", [], ""),
        (None, [], ""),
    ],
)
async def test_the_address_is_the_peers_or_what_a_trusted_proxy_says(
    world: World, peer: str | None, forwarded: list[str], address: str
) -> None:
    console = console_over(world.services, trusted_proxies=("10.0.0.0/8",))
    headers = [("x-forwarded-for", one) for one in forwarded]
    first = await ask(console, "GET", "/sign-up", headers, peer=peer)
    csrf = first.body.decode().partition('name="csrf" value="')[2][:64]
    headers += [
        ("cookie", first.cookies[0].partition(";")[0]),
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", ORIGIN),
        ("x-real-ip", "1.2.3.4"),
        ("forwarded", "for=1.2.3.4"),
    ]
    body = urlencode({"csrf": csrf, "email": "ada@example.org", "password": PASSWORD}).encode()
    answer = await ask(console, "POST", "/sign-up", headers, body, peer=peer)
    assert answer.status == 303
    event = (await events_of(world.services))[-1]
    assert json.loads(event.origin).get("address", "") == address


async def test_neighbours_in_one_ipv6_network_share_their_attempts(console: Console, clock: FakeClock) -> None:
    async def statuses(addresses: list[str]) -> list[int]:
        found = []
        for address in addresses:
            caller = Caller(console, clock, address=address)
            await caller.get("/switch-off")
            found.append((await caller.post("/switch-off", email="nobody@example.org", password="x")).status_code)
        return found

    assert await statuses([f"2001:db8::{n}" for n in range(1, 12)]) == [200] * 10 + [429]
    assert await statuses(["2001:db8:0:1::1"]) == [200]


# ── what comes first


async def test_who_is_nobody_is_sent_to_sign_in(ada: Caller) -> None:
    assert (await ada.get("/api-management")).headers["location"] == "/sign-in"
    for path in ("/security", "/step-up", f"/api-management/{'0' * 24}", "/sign-in/code", "/exchanges/new/kucoin"):
        answer = await ada.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/sign-in?next={path}")


async def test_htmx_sends_the_whole_browser_there(ada: Caller) -> None:
    """A sign-in page inside a row of the table would be seen by nobody as what it is."""
    await ada.get("/sign-in")
    answer = await ada.send(
        "POST", f"/api-management/{'0' * 24}/disable", {"csrf": ada.csrf}, hx_request="true", origin=ORIGIN
    )
    assert (answer.status_code, answer.headers["hx-redirect"], answer.text) == (200, "/sign-in", "")
    assert "location" not in answer.headers
    assert "HX-Request" in answer.headers["vary"]


async def test_without_a_second_factor_there_is_a_checklist_and_nothing_else(ada: Caller) -> None:
    """K2."""
    await ada.sign_up()
    assert (await ada.get("/api-management")).status_code == 200
    assert "Before your first key" in ada.text
    assert 'href="/security/authenticator"' in ada.text
    for path in ("/api-management/new", "/security", "/step-up", f"/api-management/{'0' * 24}"):
        assert (await ada.get(path)).headers["location"] == "/security/authenticator"
    assert (await ada.get("/sign-in/code")).headers["location"] == "/security/authenticator"


async def test_languages_are_negotiated_and_said(ada: Caller) -> None:
    for wish in ("en", "xx", "", "en-US,en;q=0.5", "*"):
        answer = await ada.get("/sign-in", **{"accept-language": wish})
        assert '<html lang="en">' in answer.text
        assert "Accept-Language" in answer.headers["vary"]


async def test_every_answer_of_a_page_has_a_number_and_is_kept_by_nobody(ada: Caller) -> None:
    numbers = set()
    for path in ("/", "/sign-in", "/no", "/security", "/sign-in"):
        answer = await ada.get(path, **{"x-request-id": "mine"})
        assert answer.headers["cache-control"] == "no-store"
        numbers.add(answer.headers["x-request-id"])
    assert len(numbers) == 5
    assert "mine" not in numbers
