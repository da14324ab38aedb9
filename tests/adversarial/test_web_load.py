"""DOS and AUD over HTTP: what the console takes in, and what it leaves on record. Rows of the catalogue by id."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import httpx2
import pytest

from keywright.app.services import Services
from keywright.identity.passwords import CONCURRENT, QUEUE
from keywright.secret import Secret
from tests.support.clock import FakeClock
from tests.support.household import FORMS, PASSPHRASE, Household, csrf_of, household
from tests.support.visitor import (
    ORIGIN,
    PASSWORD,
    SECRET,
    Caller,
    ask,
    console_over,
    events_of,
    everything,
    form_routes,
)

FORM = [("content-type", "application/x-www-form-urlencoded"), ("origin", ORIGIN)]
MOST = 64 * 1024


# ── DOS


async def test_dos_04_a_form_is_bounded_in_bytes_and_fields(embedded: Services) -> None:
    console = console_over(embedded)
    visitor = Caller(console, FakeClock())
    await visitor.get("/sign-in")
    cookie = [*FORM, ("cookie", f"keywright={visitor.token}")]
    padding = MOST - len(f"csrf={visitor.csrf}&email=")
    just = f"csrf={visitor.csrf}&email={'a' * padding}".encode()
    cases: list[tuple[int, Any, list[tuple[str, str]]]] = [
        (403, just, cookie),
        (413, just + b"a", cookie),
        (413, [b"a" * 4_096] * 17, cookie),
        (413, b"", [*cookie, ("content-length", "10000000000000000000")]),
        (403, b"", [*cookie, ("content-length", "\xb2")]),
        (400, b"&".join(b"a%d=1" % n for n in range(6_000)), cookie),
        (400, b"&" * 60_000, cookie),
        (413, b"&".join(b"a=1" for _ in range(100_000)), cookie),
        (400, b"csrf=%ff", cookie),
        (400, b"csrf=%ed%a0%80", cookie),
        (400, "csrf=é".encode(), cookie),
    ]
    for status, body, headers in cases:
        answer = await ask(console, "POST", "/sign-in", headers, body)
        assert answer.status == status, (status, body[:30])
        assert answer.header("connection") == ("close" if status == 413 else None)


async def turned_away(work: list[Coroutine[Any, Any, httpx2.Response]], gate: threading.Event, *, kept: int) -> None:
    """Start it all while the gate is shut: as much as is kept waits behind it, the rest hears 503; then all is answered."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        while sum(task.done() for task in tasks) < len(tasks) - kept:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert {task.result().status_code for task in tasks if task.done()} == {503}
        assert sum(task.done() for task in tasks) == len(tasks) - kept
    finally:
        gate.set()
    answers = await asyncio.gather(*tasks)
    assert sum(answer.status_code != 503 for answer in answers) == kept


async def test_dos_06_many_sign_ins_at_once_are_answered_or_turned_away(
    home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two hashes at once and a short queue: the rest hears 503, and that counts against nobody."""
    callers = [Caller(home.console, home.ada.clock, address=f"192.0.2.{number}") for number in range(200)]
    for caller in callers:
        await caller.get("/sign-in")
    gate, at_once = threading.Event(), 0
    passwords = home.services.identity._passwords
    verify = passwords._hasher.verify

    class Shut:
        """A hasher behind the gate."""

        def verify(self, *arguments: Any) -> bool:
            nonlocal at_once
            at_once += 1
            assert at_once <= CONCURRENT
            gate.wait(300)
            at_once -= 1
            return verify(*arguments)

    monkeypatch.setattr(passwords, "_hasher", Shut())
    posts = [
        caller.post("/sign-in", email=f"nobody-{number}@example.org", password="wrong-horse")
        for number, caller in enumerate(callers)
    ]
    await turned_away(posts, gate, kept=QUEUE)
    assert passwords._waiting == 0
    counted = (await everything(home.services))["attempts"]
    assert sum("'password'" in row for row in counted) == QUEUE


async def test_dos_06_measuring_passwords_is_bounded_too(embedded: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr("keywright.web.pages.arriving.strength", lambda *_, **__: 2 if gate.wait(300) else 0)
    caller = Caller(console_over(embedded), FakeClock())
    fields = {"secret": "x"}
    posts = [caller.send("POST", "/strength", fields, origin=ORIGIN) for _ in range(60)]
    await turned_away(posts, gate, kept=17)


async def test_dos_06_locking_files_is_bounded_too(home: Household, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()
    monkeypatch.setattr("keywright.web.pages.key_shown.encrypt", lambda *_: b"x" if gate.wait(300) else b"")
    fields = {**FORMS["/api-management/{key_id:key}/download"], "csrf": csrf_of(home, home.ada.token)}
    path = f"/api-management/{home.active}/download"
    await turned_away([home.ada.send("POST", path, fields, origin=ORIGIN) for _ in range(20)], gate, kept=5)


@pytest.mark.parametrize(
    "text", ["a" * 60_000, "1," * 30_000, "\u00e9" * 10_000, "::" * 20_000, "a@" * 20_000, " " * 60_000, "(((" * 20_000]
)
async def test_dos_09_a_long_field_is_refused_and_nothing_breaks(home: Household, text: str) -> None:
    home.ada.clock.advance(seconds=601)
    await home.ada.get("/security")
    for pattern, fields in FORMS.items():
        if pattern in {"/sign-out", "/security/sessions/end-others"}:
            continue
        longest = max(fields, default="code")
        for field in {longest, *list(fields)[:2]}:
            form = {**fields, field: text, "csrf": csrf_of(home, home.ada.token)}
            answer = await home.ada.send("POST", home.path(pattern), form, origin=ORIGIN)
            assert answer.status_code < 500, (pattern, field)


@pytest.mark.parametrize("languages", ["en;q=0.1," * 5_000, "x" * 50_000, "-" * 9_000, "de-" * 900, "\xff", ";q=9"])
async def test_dos_09_any_language_header_is_answered(embedded: Services, languages: str) -> None:
    answer = await ask(console_over(embedded), "GET", "/sign-in", [("accept-language", languages)])
    assert answer.status == 200
    assert answer.header("vary") == "Cookie, Accept-Language, HX-Request"


# ── AUD


async def test_aud_01_every_form_leaves_its_event(embedded: Services, clock: FakeClock) -> None:
    """One story through most forms, in order. Routes without an event change nothing but a session not yet complete."""
    home = await household(embedded, clock)
    seen: set[str] = set()
    agent = "Mozilla/5.0 Firefox/140.0"

    async def does(
        caller: Caller, pattern: str, *kinds: str, factor: str | tuple[str, ...] = "totp", key: str = "", **fields: str
    ) -> Any:
        seen.add(pattern)
        before = len(await events_of(embedded))
        session = await session_of(caller)
        answer = await caller.send(
            "POST", home.path(pattern, key=key), {**fields, "csrf": csrf_of(home, caller.token)}, origin=ORIGIN
        )
        assert answer.status_code in {200, 303}, (pattern, caller.text)
        new = (await events_of(embedded))[before:]
        assert [event.kind for event in new] == list(kinds), pattern
        factors = (factor,) * len(new) if isinstance(factor, str) else factor
        for event, proved in zip(new, factors, strict=True):
            origin = json.loads(event.origin)
            assert origin["address"] == caller.address, pattern
            assert origin["agent"] == agent
            assert origin["request_id"] == answer.headers["x-request-id"]
            assert origin.get("session") == session, pattern
            assert origin.get("factor", "") == proved, (pattern, event.kind)
            assert event.actor.startswith("acc_")
        return answer

    async def session_of(caller: Caller) -> str | None:
        async with embedded.database.read() as tx:
            found = await embedded.entrance.sessions.find(tx, Secret(caller.token), now=clock())
        return found[0].id if found else None

    new = Caller(home.console, clock, address="192.0.2.50", email="new@example.org")
    await new.get("/sign-up")
    await does(new, "/strength", secret="x")
    await does(new, "/sign-up", "account.created", factor="", email=new.email, password=PASSWORD)
    await does(new, "/security/authenticator/start")
    found = SECRET.search(new.text)
    assert found
    new.totp_secret = found[1]
    kinds = ("account.authenticator_set", "session.opened", "account.recovery_codes_made")
    answer = await does(new, "/security/authenticator/confirm", *kinds, factor=("", "totp", "totp"), code=new.code())
    codes = re.findall(r"\b[a-z2-7]{4}(?:-[a-z2-7]{4}){3}\b", answer.text)
    await does(new, "/sign-out", "session.ended")
    await new.get("/sign-in")
    await does(new, "/sign-in", email=new.email, password=PASSWORD)
    with_code = ("account.recovery_code_used", "session.opened")
    await does(new, "/sign-in/recovery", *with_code, factor=("recovery", "recovery"), code=codes[0])
    await does(new, "/sign-out", "session.ended", factor="recovery")
    await new.get("/sign-in")
    await does(new, "/sign-in", email=new.email, password=PASSWORD)
    await does(new, "/sign-in/code", "session.opened", code=new.code())
    await does(new, "/step-up", "session.stepped_up", code=new.code())
    await does(new, "/security/recovery-codes", "account.recovery_codes_made")
    await does(new, "/security/freeze", "account.frozen")
    await does(new, "/security/unfreeze", "account.unfrozen")

    stranger = Caller(home.console, clock, address="192.0.2.51")
    await stranger.get("/switch-off")
    await does(stranger, "/switch-off", "account.frozen", factor="password", email=new.email, password=PASSWORD)

    ada = home.ada
    await does(ada, "/api-management/new", **FORMS["/api-management/new"])
    await does(ada, "/api-management/summary", **FORMS["/api-management/summary"])
    await does(ada, "/api-management/send-code", **FORMS["/api-management/send-code"])
    made = await does(ada, "/api-management/create", "key.issued", **FORMS["/api-management/create"])
    per_key = "/api-management/{key_id:key}"
    waits = re.search(r"/api-management/([0-9a-f]{24})/acknowledge", made.text)
    assert waits
    await does(ada, f"{per_key}/acknowledge", "key.acknowledged", key=waits[1])
    await does(ada, f"{per_key}/download", **FORMS[f"{per_key}/download"])
    await does(ada, f"{per_key}/rename", "key.renamed", name="other", memo="")
    await does(ada, f"{per_key}/addresses", "key.addresses_changed", addresses="203.0.113.7")
    await does(ada, f"{per_key}/passphrase", "key.passphrase_changed", current=PASSPHRASE, passphrase="Halyard-52-W")
    await does(ada, f"{per_key}/disable", "key.disabled")
    await does(ada, f"{per_key}/disable")
    await does(ada, f"{per_key}/enable", "key.enabled")
    made = await does(ada, f"{per_key}/rotate", "key.issued", "key.rotated", **FORMS[f"{per_key}/rotate"])
    waits = re.search(r"/api-management/([0-9a-f]{24})/acknowledge", made.text)
    assert waits
    await does(ada, f"{per_key}/discard", "key.discarded", "key.kept", key=waits[1])
    await does(ada, f"{per_key}/delete", "key.deleted", key=home.off, sure="yes")
    await does(ada, "/sub-accounts/create", "sub_account.created", name="trading2", memo="")
    per_sub = "/sub-accounts/{sub_id:row}"
    await does(ada, f"{per_sub}/describe", "sub_account.described", memo="days")
    await does(ada, f"{per_sub}/transfer", **FORMS[f"{per_sub}/transfer"])
    await does(ada, f"{per_sub}/freeze", "sub_account.frozen")
    await does(ada, f"{per_sub}/unfreeze", "sub_account.unfrozen")
    await withdraws(does, ada, home)
    await does(ada, "/operator/accounts/{account_id:row}/freeze", "account.frozen")
    async with embedded.database.write() as tx:
        code = await embedded.entrance.operators.new_code(tx, now=clock())
    await does(home.bob, "/operator/claim", "operator.claimed", code=code.reveal_text())
    await does(ada, "/security/sessions/{session_id:row}/end", "session.ended")
    home.elsewhere.used_step = ada.used_step
    await home.elsewhere.sign_in()
    await does(ada, "/security/sessions/end-others", "session.ended")
    assert seen <= set(form_routes(home.console))  # every form by itself is test_aud's; this is about their order


@pytest.mark.parametrize(
    "agent",
    [
        b"Firefox\x1b[31mred\x1b[0m",
        b"Firefox\r\n2026-01-01 forged line",
        "Firefox\u2028forged\u2029".encode(),
        b"Firefox\x00\xff\xfe",
        b"x" * 1_000_000,
        b"",
    ],
)
async def test_aud_05_what_browsers_say_of_themselves_stays_in_its_line(home: Household, agent: bytes) -> None:
    """The server's parser lets none of these bytes through but the last ones; whatever stands before it might."""
    path = f"/api-management/{home.active}/disable"
    headers = [*FORM, ("cookie", f"keywright={home.ada.token}"), ("user-agent", agent.decode("latin-1"))]
    answer = await ask(home.console, "POST", path, headers, f"csrf={csrf_of(home, home.ada.token)}".encode())
    assert answer.status == 303
    event = (await events_of(home.services))[-1]
    assert event.kind == "key.disabled"
    assert event.origin.isascii()
    assert event.origin.isprintable()
    assert len(json.loads(event.origin).get("agent", "")) <= 512


async def withdraws(does: Callable[..., Awaitable[Any]], ada: Caller, home: Household) -> None:
    """Send every form about withdrawals."""
    path = "/security/withdrawal-addresses"
    await does(ada, f"{path}/add", "withdrawal_address.added", **FORMS[f"{path}/add"])
    one = f"{path}/{{address_id:row}}"
    await does(ada, f"{one}/label", "withdrawal_address.labelled", label="Ledger")
    await does(ada, f"{one}/exempt", "withdrawal_address.exempted", daily="5")
    await does(ada, f"{one}/end-exemption", "withdrawal_address.exempted")
    await does(ada, f"{path}/switch-on", "whitelist.switched_on")
    await does(ada, f"{path}/switch-off", "whitelist.switched_off")
    await ada.get("/approvals")
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', ada.text)
    assert digest
    confirm = "/approvals/{approval_id:row}/confirm"
    await does(ada, confirm, "session.stepped_up", "approval.confirmed", digest=digest[1], code=ada.code())
    await does(ada, "/approvals/{approval_id:row}/refuse", "approval.refused")
    await does(ada, f"{one}/remove", "withdrawal_address.removed")
