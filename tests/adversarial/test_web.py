"""WEB: the console attacked as a web application. Rows of the catalogue by id.

What is said of every form is tried with every form: their routes are read from the application, so that none that is
added later is forgotten. WEB-08 needs a browser (tests/browser); WEB-11 waits for exports, which there are not yet.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

from keywright.app.services import Services, wire
from keywright.identity.passwords import CHEAPEST
from keywright.identity.policy_model import Policy
from keywright.issuing.model import Owner
from keywright.sealing.keyring import Keyring, new_data_key
from keywright.storage.engine import open_database, sqlite_url
from tests.support.clock import FakeClock
from tests.support.household import CHANGES_NOTHING, FORMS, FROM_ELSEWHERE, Household, csrf_of, household
from tests.support.visitor import (
    ORIGIN,
    PASSWORD,
    Answer,
    Caller,
    ask,
    console_over,
    everything,
    form_routes,
    shown_routes,
)

HTTPS = "https://keys.example.org"
FORM = "application/x-www-form-urlencoded"
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def test_every_form_there_is_has_its_row(embedded: Services) -> None:
    """Without this, a new form would be attacked by nobody."""
    assert set(form_routes(console_over(embedded))) == FORMS.keys()


# ── WEB-01: cookies


@pytest.mark.parametrize(
    ("origin", "prefix", "secure"), [(HTTPS, "__Host-", True), (ORIGIN, "", False)], ids=["https", "loopback"]
)
async def test_web_01_cookies_are_held_to_this_host(
    embedded: Services, clock: FakeClock, origin: str, prefix: str, secure: bool
) -> None:
    """Over http on loopback browsers refuse `__Host-` and `Secure`: everything else holds there too."""
    caller = Caller(console_over(embedded, origins=(origin,)), clock, origin=origin)
    seen: list[str] = []

    async def note(response: Any) -> None:
        seen.extend(response.headers.get_list("set-cookie"))

    caller.client.event_hooks["response"].append(note)
    await caller.arrive()
    await caller.post("/sign-out")
    await caller.sign_in()
    await caller.get("/no/such/page")
    names = {cookie.partition("=")[0] for cookie in seen}
    assert names == {f"{prefix}keywright", f"{prefix}keywright-device"}
    for cookie in seen:
        value, *attributes = cookie.split("; ")
        assert re.fullmatch(r"[\w-]+=[\w.-]+", value), cookie
        assert {"Path=/", "HttpOnly", "SameSite=Lax"} <= set(attributes)
        assert ("Secure" in attributes) is secure
        assert not [one for one in attributes if one.lower().startswith("domain")]
        assert [one for one in attributes if one.startswith("Max-Age")] == (
            ["Max-Age=31536000"] if "-device" in value else []
        )


# ── WEB-02: forms belong to one visitor


async def test_web_02_no_form_is_taken_without_its_visitors_own_token(home: Household) -> None:
    ada, clock = home.ada, home.ada.clock
    before_step_up = ada.token
    await home.step_up()
    stranger = Caller(home.console, clock)
    await stranger.get("/sign-in")
    right = csrf_of(home, ada.token)
    wrong = {
        "none": None,
        "empty": "",
        "made up": "0" * 64,
        "another session's of the same account": csrf_of(home, home.elsewhere.token),
        "another account's": csrf_of(home, home.bob.token),
        "a visitor's who never signed in": stranger.csrf,
        "from before the step-up": csrf_of(home, before_step_up),
        "cut off": right[:-1],
        "in capitals": right.upper(),
        "not ASCII": "é" * 64,
    }
    before = await everything(home.services)
    for pattern, fields in FORMS.items():
        if pattern in CHANGES_NOTHING:
            continue
        for what, token in wrong.items():
            form = fields if token is None else {**fields, "csrf": token}
            answer = await ada.send("POST", home.path(pattern), form, origin=ORIGIN, sec_fetch_site="same-origin")
            assert answer.status_code == 403, (pattern, what)
            assert "set-cookie" not in answer.headers, (pattern, what)
        assert await everything(home.services) == before, pattern


async def test_web_02_a_token_in_the_address_or_in_a_header_counts_for_nothing(home: Household) -> None:
    before, right = await everything(home.services), csrf_of(home, home.ada.token)
    path = home.path("/api-management/{key_id:key}/disable")
    for answer in (
        await home.ada.send("POST", f"{path}?csrf={right}", {}, sec_fetch_site="same-origin"),
        await home.ada.send("POST", path, {}, sec_fetch_site="same-origin", x_csrf_token=right),
        await home.ada.send("POST", path, {"csrf[]": right}, sec_fetch_site="same-origin"),
    ):
        assert answer.status_code == 403
    assert await everything(home.services) == before


async def test_web_02_a_form_without_a_cookie_is_refused(home: Household) -> None:
    """A token needs the cookie it belongs to, even where nobody has to be signed in."""
    for cookie in ("", home.ada.token):
        csrf = csrf_of(home, cookie)
        for path in ("/sign-in", "/sign-up", "/switch-off"):
            body = f"csrf={csrf}&email=ada%40example.org&password={PASSWORD}".encode()
            answer = await ask(home.console, "POST", path, [("content-type", FORM), ("origin", ORIGIN)], body)
            assert answer.status == 403, path


# ── WEB-03: only forms, only from our own pages


def foreign() -> Iterator[tuple[int, dict[str, str]]]:
    """Give the status and the headers of every post that is not one of ours."""
    for site in ("cross-site", "same-site", "", "nonsense"):
        yield 403, {"sec-fetch-site": site}
        yield 403, {"sec-fetch-site": site, "origin": ORIGIN}
    for origin in (
        "null",
        "https://evil.example",
        "https://localhost:8400",
        "http://localhost:8400.evil.example",
        "http://localhost:84000",
        "http://evil.example/http://localhost:8400",
        "http://localhost:8400/",
        "http://localhost",
        "HTTP://LOCALHOST:8400",
        "",
    ):
        yield 403, {"origin": origin}
        if origin != "null":
            yield 403, {"origin": origin, "sec-fetch-site": "same-origin"}
    for kind in ("text/plain", "application/json", "multipart/form-data; boundary=x", "", "x", f"{FORM}, text/plain"):
        yield 415, {"content-type": kind}
        yield 403, {"content-type": kind, "origin": "https://evil.example"}


async def test_web_03_forms_come_from_our_own_pages_and_as_forms(home: Household) -> None:
    """Session, token and fields are right each time: it is only where the post comes from, or how."""
    before, right = await everything(home.services), csrf_of(home, home.ada.token)
    for pattern, fields in FORMS.items():
        for status, headers in foreign():
            answer = await home.ada.send("POST", home.path(pattern), {**fields, "csrf": right}, **headers)
            # Where it comes from is no matter to what another site posts; how it comes is.
            wanted = 415 if pattern in FROM_ELSEWHERE and "content-type" in headers else status
            assert answer.status_code == wanted, (pattern, headers)
        assert await everything(home.services) == before, pattern


async def test_web_03_no_other_method_does_what_a_post_does(home: Household) -> None:
    before, right = await everything(home.services), csrf_of(home, home.ada.token)
    also_shown = set(shown_routes(home.console))
    for pattern, fields in FORMS.items():
        form = {**fields, "csrf": right}
        shown = {404} if pattern == "/notices/freeze" else {200, 303}  # it is shown to who has the link
        for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "X-POST"):
            answer = await home.ada.send(method, home.path(pattern), form, sec_fetch_site="same-origin", origin=ORIGIN)
            if method in {"GET", "HEAD"} and pattern in also_shown:
                assert answer.status_code in shown
            else:
                assert answer.status_code == 405, (pattern, method)
                assert "POST" in answer.headers["allow"]
        answer = await home.ada.send(
            "GET", home.path(pattern), form, sec_fetch_site="same-origin", x_http_method_override="POST"
        )
        assert answer.status_code in {*shown, 405}
        assert await everything(home.services) == before, pattern


# ── WEB-04: no other origin reads an answer


@pytest.mark.parametrize("origin", ["null", "https://evil.example", f"{ORIGIN}.evil.example", ORIGIN])
async def test_web_04_no_answer_lets_another_origin_read_it(home: Household, origin: str) -> None:
    wish = {"access_control_request_method": "POST", "access_control_request_headers": "x-a"}
    for path in (
        "/",
        "/sign-in",
        "/api-management",
        "/healthz",
        "/.well-known/jwks.json",
        "/no",
        home.path("/security"),
    ):
        for method in ("GET", "OPTIONS"):
            answer = await home.ada.send(method, path, None, origin=origin, **wish)
            assert not [name for name in answer.headers if name.startswith("access-control")], (path, method)


# ── WEB-06: headers on every answer


async def every_kind_of_answer(embedded: Services, clock: FakeClock, origin: str) -> list[tuple[str, Answer]]:
    """Return one answer of each kind."""
    console, host = console_over(embedded, origins=(origin,)), origin.partition("//")[2]
    asset = re.search(r'href="(/static/[^"]+)"', (await ask(console, "GET", "/sign-in", host=host)).body.decode())
    assert asset
    form = [("content-type", FORM), ("origin", origin)]

    async def post(path: str, *headers: tuple[str, str], body: bytes = b"a=1") -> Answer:
        return await ask(console, "POST", path, headers or form, body, host=host)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    limited = Caller(console, clock, origin=origin, address="192.0.2.99")
    await limited.get("/sign-in")
    answers = [await limited.post("/sign-in", email="nobody@example.org", password="x") for _ in range(40)]
    too_many = Answer(answers[-1].status_code, answers[-1].headers.raw, answers[-1].content)
    found = [
        ("200", await ask(console, "GET", "/sign-in", host=host)),
        ("200", await ask(console, "HEAD", "/sign-in", host=host)),
        ("200", await ask(console, "GET", asset[1], host=host)),
        ("200", await ask(console, "GET", "/healthz", host=host)),
        ("200", await ask(console, "GET", "/.well-known/jwks.json", host=host)),
        ("303", await ask(console, "GET", "/security", host=host)),
        ("400", await post("/sign-in", body=b"%ff")),
        ("403", await post("/sign-in")),
        ("404", await ask(console, "GET", "/no", host=host)),
        ("404", await ask(console, "GET", "/static/no.css", host=host)),
        ("405", await ask(console, "PUT", "/sign-in", host=host)),
        ("405", await ask(console, "PUT", "/healthz", host=host)),
        ("413", await post("/sign-in", body=b"a" * 70_000)),
        ("415", await post("/sign-in", ("origin", origin), ("content-type", "text/plain"))),
        ("421", await ask(console, "GET", "/sign-in", host="evil.example")),
        ("429", too_many),
    ]
    site = console._site
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(type(site.database), "read", broken)
        cookie = ("cookie", f"{'__Host-' if origin == HTTPS else ''}keywright={'x' * 43}")
        found.append(("500", await ask(console, "GET", "/sign-in", [cookie], host=host)))
        patched.setattr(type(site.pages), "page", broken)
        found.append(("500", await ask(console, "GET", "/sign-in", host=host)))
    return found


@pytest.mark.parametrize("origin", [HTTPS, ORIGIN])
async def test_web_06_every_answer_carries_the_security_headers(
    embedded: Services, clock: FakeClock, origin: str
) -> None:
    for status, answer in await every_kind_of_answer(embedded, clock, origin):
        assert str(answer.status) == status, answer.body[:200]
        for name, value in HEADERS.items():
            assert answer.header(name) == value, (status, name)
        policy = answer.header("content-security-policy") or ""
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "camera=()" in (answer.header("permissions-policy") or "")
        assert answer.header("strict-transport-security") == ("max-age=63072000" if origin == HTTPS else None)
        assert answer.header("cache-control"), status
        assert not [name for name, _ in answer.headers if name.lower() in {b"server", b"x-powered-by", b"etag"}]


async def test_web_06_only_files_that_never_change_are_kept(embedded: Services, clock: FakeClock) -> None:
    kept = [
        a for _, a in await every_kind_of_answer(embedded, clock, ORIGIN) if a.header("cache-control") != "no-store"
    ]
    assert [answer.header("content-type") for answer in kept] == ["text/css; charset=utf-8"] or len(kept) == 1


# ── WEB-09: a token is new at every rise, the old one is dead


async def test_web_09_a_planted_cookie_is_worth_nothing_after_signing_in(home: Household) -> None:
    planted = "x" * 43
    victim = Caller(home.console, home.ada.clock, totp_secret=home.ada.totp_secret, used_step=home.ada.used_step)
    victim.client.cookies.set("keywright", planted, domain="localhost.local", path="/")
    await victim.sign_in()
    assert victim.token != planted
    assert not await victim.borrow(planted).is_in()
    assert await victim.is_in()


async def test_web_09_every_rise_makes_a_new_token_and_kills_the_old_one(embedded: Services, clock: FakeClock) -> None:
    caller = Caller(console_over(embedded), clock)
    tokens: list[str] = []

    async def risen(what: str) -> None:
        assert caller.token not in tokens, what
        for old in tokens:
            thief = caller.borrow(old)
            answer = await thief.get("/security/authenticator")
            assert answer.headers.get("location") == "/sign-in?next=/security/authenticator", what
        tokens.append(caller.token)

    await caller.get("/sign-up")
    await risen("a stranger")
    await caller.sign_up()
    await risen("the account is made")
    await caller.enrol()
    await risen("the second factor is enrolled")
    await caller.get("/step-up")
    await caller.post("/step-up", code=caller.code())
    await risen("stepped up")
    await caller.get("/security/authenticator")
    await caller.post("/security/authenticator/start")
    found = re.search(r"secret=([A-Z2-7]{32})", caller.text)
    assert found
    caller.totp_secret = found[1]
    await caller.post("/security/authenticator/confirm", code=caller.code())
    await risen("another authenticator")
    await caller.get("/security")
    await caller.post("/sign-out")
    await risen("signed out")
    await caller.get("/sign-in")
    await caller.post("/sign-in", email=caller.email, password=PASSWORD)
    await risen("the password")
    await caller.get("/sign-in/code")
    await caller.post("/sign-in/code", code=caller.code())
    await risen("the code")
    assert await caller.is_in()


async def test_web_09_signing_in_again_ends_the_session_that_is_left(home: Household) -> None:
    """Else its token would live on for hours, in whoever's hands, and nobody would see it used."""
    left = home.ada.token
    await home.ada.get("/security")
    await home.ada.post("/sign-in", email=home.ada.email, password=PASSWORD)
    assert home.ada.last is not None
    assert home.ada.last.headers["location"] == "/sign-in/code"
    assert not await home.ada.borrow(left).is_in()
    left = home.bob.token
    await home.bob.get("/security")
    await home.bob.post("/sign-up", email="another@example.org", password=PASSWORD)
    assert not await home.bob.borrow(left).is_in()


async def test_web_09_sessions_end_alone_or_together(home: Household) -> None:
    assert await home.elsewhere.is_in()
    await home.ada.get("/security")
    await home.ada.post("/security/sessions/end-others")
    assert not await home.elsewhere.is_in()
    assert await home.ada.is_in()
    assert await home.bob.is_in(), "an account's own"
    left = home.ada.token
    await home.ada.post("/sign-out", csrf=csrf_of(home, left))
    assert not await home.ada.borrow(left).is_in()


async def test_web_09_nobody_ends_anothers_session(home: Household) -> None:
    await home.bob.get("/security")
    answer = await home.bob.post(f"/security/sessions/{home.session_id}/end")
    assert answer.status_code == 404
    assert await home.ada.is_in()


async def test_web_09_a_session_of_another_installation_opens_nothing(
    home: Household, empty_sqlite: Path, tmp_path: Path, clock: FakeClock
) -> None:
    copy(empty_sqlite, tmp_path / "other.db")
    database = open_database(sqlite_url(tmp_path / "other.db"))
    other = wire(database, Keyring("db_other", {1: new_data_key()}), policy=Policy(), clock=clock, hasher=CHEAPEST)
    thief = Caller(console_over(other), clock)
    thief.client.headers["cookie"] = f"keywright={home.ada.token}"
    assert not await thief.is_in()
    answer = await thief.send("POST", "/sign-out", {"csrf": csrf_of(home, home.ada.token)})
    assert answer.headers["location"] == "/sign-in"
    await database.close()


# ── WEB-10: nothing a request says of hosts is believed


EVIL = "evil.example"


async def test_web_10_no_header_moves_us_to_another_host(home: Household) -> None:
    poisons = [
        ("x-forwarded-host", EVIL),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-server", EVIL),
        ("x-host", EVIL),
        ("x-original-host", EVIL),
        ("forwarded", f"host={EVIL};proto=https"),
        ("x-original-url", f"//{EVIL}/"),
        ("x-rewrite-url", f"//{EVIL}/"),
        ("x-forwarded-prefix", f"//{EVIL}"),
    ]
    for path in ("/", "/security", "/sign-in", "/no", "/sign-in?next=//evil.example", "/?done=//evil.example"):
        for host in ("localhost:8400", EVIL, f"localhost:8400.{EVIL}", f"{EVIL}/localhost:8400", "localhost", "", None):
            answer = await ask(home.console, "GET", path, poisons, host=host)
            assert EVIL not in (answer.header("location") or "")
            assert EVIL.encode() not in answer.body, (path, host)
            assert answer.status == (421 if host != "localhost:8400" else answer.status)
            if answer.header("location"):
                assert re.fullmatch(r"/[a-z/-]*(\?next=/[a-z-]+)?", answer.header("location") or "")


async def test_web_10_of_two_hosts_neither_is_believed(embedded: Services) -> None:
    console = console_over(embedded)
    for other in (EVIL, "localhost:8400"):
        assert (await ask(console, "GET", "/sign-in", [("host", other)])).status == 421


@pytest.mark.parametrize(
    "host", ["[", "]", "localhost:8400, evil.example", "localhost:8400\xff", "@", "%00", "a" * 9_000]
)
async def test_web_10_a_host_that_is_none_is_only_elsewhere(embedded: Services, host: str) -> None:
    answer = await ask(console_over(embedded), "GET", "/sign-in", host=host)
    assert answer.status == 421
    assert b"http://localhost:8400" in answer.body


@pytest.mark.parametrize(
    "path",
    [
        "/docs",
        "/redoc",
        "/openapi.json",
        "/metrics",
        "/.git",
        "/.git/config",
        "/.env",
        "/admin",
        "/debug",
        "/development",
    ],
)
async def test_web_10_what_is_not_meant_to_be_seen_is_not_there(home: Household, path: str) -> None:
    assert (await home.ada.get(path)).status_code == 404


async def test_web_10_trace_echoes_nothing(embedded: Services) -> None:
    for path in ("/", "/sign-in", "/no", "/healthz"):
        answer = await ask(console_over(embedded), "TRACE", path, [("x-canary", "sparrow")])
        assert answer.status in {404, 405}
        assert b"sparrow" not in answer.body


@pytest.mark.parametrize("path", ["/sign-%69n", "/%6fperator", "/sign-in%0A", "/security%2f", "/%2e/security", "/%"])
async def test_web_10_a_page_has_one_address(home: Household, path: str) -> None:
    """What a proxy forbids can't be reached by writing it otherwise."""
    answer = await ask(home.console, "GET", path, [("cookie", f"keywright={home.ada.token}")])
    assert answer.status == 404


# ── WEB-12: cookie jars


async def test_web_12_of_two_cookies_of_one_name_neither_counts(home: Household) -> None:
    mine, planted = f"keywright={home.ada.token}", f"keywright={'x' * 43}"
    for headers in (
        [("cookie", f"{mine}; {planted}")],
        [("cookie", f"{planted}; {mine}")],
        [("cookie", mine), ("cookie", planted)],
        [("cookie", f"{mine}; {mine}")],
    ):
        answer = await ask(home.console, "GET", "/security", headers)
        assert (answer.status, answer.header("location")) == (303, "/sign-in?next=/security")
        assert len(answer.cookies) == 1
    assert (await ask(home.console, "GET", "/security", [("cookie", f"a=b; {mine};c")])).status == 200


async def test_web_12_over_https_only_the_cookie_that_can_not_be_tossed_counts(
    embedded: Services, clock: FakeClock
) -> None:
    """A sub-domain may plant `keywright` for the whole domain, never `__Host-keywright`."""
    home = await household(embedded, clock, origins=(HTTPS,))
    host = HTTPS.partition("//")[2]
    tossed = await ask(home.console, "GET", "/security", [("cookie", f"keywright={home.ada.token}")], host=host)
    assert tossed.status == 303
    both = f"keywright={'x' * 43}; __Host-keywright={home.ada.token}; __Host-Keywright={'y' * 43}"
    assert (await ask(home.console, "GET", "/security", [("cookie", both)], host=host)).status == 200


@pytest.mark.parametrize(
    "cookie",
    [
        "keywright=" + "x" * 8_192,
        "keywright=" + "x" * 44,
        "keywright=",
        "keywright",
        "=" * 8_192,
        ";" * 8_192,
        "keywright=\xff\xfe" + "x" * 41,
        'keywright="' + "x" * 41 + '"',
        "keywright=" + "x" * 42 + "\n",
        "keywright-device=" + "\xff" * 8_192,
        "keywright-device=" + "0" * 32 + "." + "0" * 64,
    ],
)
async def test_web_12_a_strange_cookie_makes_a_new_visitor(embedded: Services, cookie: str) -> None:
    answer = await ask(console_over(embedded), "GET", "/sign-in", [("cookie", cookie)])
    assert answer.status == 200
    assert re.match(r"keywright=[\w-]{43};", answer.cookies[0])


# ── races


async def test_a_form_sent_twice_at_once_makes_one_key(home: Household) -> None:
    """LIFE-04 over HTTP: a double click. Both carry the same code, which serves once."""
    home.ada.clock.advance(seconds=601)
    await home.ada.get("/api-management/new")
    fields = {**FORMS["/api-management/create"], "code": home.ada.code(), "csrf": csrf_of(home, home.ada.token)}
    twin = home.ada.borrow(home.ada.token)
    answers = await asyncio.gather(
        *(one.send("POST", "/api-management/create", fields, origin=ORIGIN) for one in (home.ada, twin))
    )
    assert min(answer.status_code for answer in answers) == 200
    assert sum("api-secret" in answer.text for answer in answers) == 1


async def test_two_requests_at_once_while_a_session_rises(home: Household) -> None:
    """One steps up, the others carry the token from before: they are answered as it was, or as to nobody; never risen."""
    home.ada.clock.advance(seconds=601)
    await home.ada.get("/security")
    before, code = home.ada.token, home.ada.code()
    others = [home.ada.borrow(before) for _ in range(8)]
    fields = {"csrf": csrf_of(home, before), "next": "/security", "code": code}
    risen, *answers = await asyncio.gather(
        home.ada.send("POST", "/step-up", fields, origin=ORIGIN), *(one.get("/security") for one in others)
    )
    assert risen.headers["location"] == "/security?done=stepped-up"
    for answer in answers:
        assert (answer.status_code, answer.headers.get("location")) in {(200, None), (303, "/sign-in?next=/security")}
        assert "set-cookie" not in answer.headers
    assert not [one for one in others if await one.is_in()]
    assert await home.ada.is_in()


async def test_a_post_whose_session_ends_meanwhile_does_not_rise(
    home: Household, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner ends a thief's session while the thief's code is looked at: no new token comes out of it."""
    home.ada.clock.advance(seconds=601)
    await home.ada.get("/security")
    thief, code = home.ada.borrow(home.ada.token), home.ada.code()
    entrance = home.console._site.entrance
    charge = type(entrance).charge

    async def slow(self: Any, subjects: Any, *, now: int) -> None:
        await charge(self, subjects, now=now)
        await home.elsewhere.get("/security")
        await home.elsewhere.post("/security/sessions/end-others")

    with monkeypatch.context() as patched:
        patched.setattr(type(entrance), "charge", slow)
        fields = {**FORMS["/api-management/create"], "csrf": csrf_of(home, home.ada.token), "code": code}
        answer = await thief.send("POST", "/api-management/create", fields, origin=ORIGIN)
    assert answer.status_code == 403
    assert "has ended" in answer.text
    assert "set-cookie" not in answer.headers
    async with home.services.database.read() as tx:
        assert len(await home.services.issuing.keys(tx, Owner(home.account_id))) == 2


async def test_a_post_that_holds_back_its_end_gains_no_time(home: Household) -> None:
    """Who asks is looked up when a form is whole: a session that ended, or a step-up that is over, serves no more."""
    ada, clock = home.ada, home.ada.clock
    body = f"csrf={csrf_of(home, ada.token)}&code=".encode()
    sent: list[Any] = []
    may_end = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await may_end.wait()
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/api-management/{home.off}/delete",
        "raw_path": f"/api-management/{home.off}/delete".encode(),
        "query_string": b"",
        "headers": [
            (b"host", b"localhost:8400"),
            (b"content-type", FORM.encode()),
            (b"origin", ORIGIN.encode()),
            (b"cookie", f"keywright={ada.token}".encode()),
        ],
        "client": ("127.0.0.1", 1),
    }
    held_back = asyncio.create_task(home.console(scope, receive, send))
    await asyncio.sleep(0.05)
    await home.elsewhere.get("/security")
    await home.elsewhere.post("/security/sessions/end-others")
    clock.advance(seconds=1)
    before = await everything(home.services)
    may_end.set()
    await held_back
    assert sent[0]["status"] == 303
    assert dict(sent[0]["headers"])[b"location"] == b"/sign-in"
    assert await everything(home.services) == before


async def test_a_form_that_never_ends_is_given_up(embedded: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keywright.web.posted.BODY_SECONDS", 0.01)
    console = console_over(embedded)
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost:8400"), (b"content-type", FORM.encode()), (b"origin", ORIGIN.encode())]
    scope = {"type": "http", "method": "POST", "path": "/sign-in", "query_string": b"", "headers": headers}
    await console(scope, receive, send)
    assert sent[0]["status"] == 408
    assert dict(sent[0]["headers"])[b"connection"] == b"close"
