"""2FA and ENUM over HTTP: what the console's pages add to the verbs, which test_2fa.py attacks. Rows of the catalogue by id."""

from __future__ import annotations

import asyncio
import base64
import re
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import update

from keywright.identity.passwords import Passwords
from keywright.storage.tables import api_keys
from tests.support.household import FORMS, OTHER_PASSPHRASE, PASSPHRASE, Household, csrf_of
from tests.support.visitor import CSRF, ORIGIN, PASSWORD, Caller, ask, events_of, everything

AT_ONCE = 50


async def half_in(home: Household, address: str) -> Caller:
    """Return a browser that knows Ada's password."""
    caller = Caller(home.console, home.ada.clock, address=address)
    await caller.get("/sign-in")
    await caller.post("/sign-in", follow=True, email=home.ada.email, password=PASSWORD)
    return caller


# ── 2FA: codes


async def test_2fa_02_of_many_submits_of_one_code_at_once_one_wins(home: Household) -> None:
    """Fifty sessions of strangers: the five that the limit lets pass are looked at, and one of those is let in."""
    callers = [await half_in(home, f"192.0.2.{number}") for number in range(AT_ONCE)]
    code = home.ada.code()
    answers = await asyncio.gather(*(caller.post("/sign-in/code", code=code) for caller in callers))
    outcomes = Counter((answer.status_code, answer.headers.get("location")) for answer in answers)
    assert outcomes[303, "/api-management"] == 1, outcomes
    assert outcomes.keys() <= {(303, "/api-management"), (403, None), (429, None)}
    assert [await caller.is_in() for caller in callers].count(True) == 1
    kinds = Counter(event.kind for event in await events_of(home.services))
    assert kinds["account.code_reused"] >= 1


async def test_2fa_02_known_browsers_race_for_a_code_too(home: Household) -> None:
    """Every one of these has attempts of its own, so that all fifty are looked at: still one wins."""
    browsers = []
    for number in range(8):
        caller = Caller(
            home.console,
            home.ada.clock,
            address=f"192.0.2.{number}",
            totp_secret=home.ada.totp_secret,
            used_step=home.ada.used_step,
        )
        await caller.sign_in()
        home.ada.used_step = caller.used_step
        await caller.post("/sign-out")
        await caller.get("/sign-in")
        await caller.post("/sign-in", follow=True, email=home.ada.email, password=PASSWORD)
        browsers.append(caller)
    code = home.ada.code()
    answers = await asyncio.gather(*(caller.post("/sign-in/code", code=code) for caller in browsers))
    assert Counter(answer.status_code for answer in answers) == {303: 1, 403: len(browsers) - 1}


NO_CODES = [
    "",
    "wrong",
    "１２３４５６",
    "٠١٢٣٤٥",
    "1234567",
    "12345",
    " 123456",
    "12 34 56",
    "123456\n",
    "123456\x00",
    "-12345",
    "1e5",
    "null",
    "[123456]",
    "x" * 10_000,
    "'; DROP TABLE accounts; --",
]


async def test_2fa_10_only_six_digits_are_a_code(home: Household) -> None:
    for number, typed in enumerate(NO_CODES):
        caller = await half_in(home, f"192.0.2.{number}")
        home.ada.clock.advance(seconds=301)  # so that no limit answers in the code's place
        if number % 9 == 8:
            home.ada.clock.advance(seconds=3_600)
            caller = await half_in(home, f"192.0.2.{number}")
        answer = await caller.post("/sign-in/code", code=home.ada.wrong_code() if typed == "wrong" else typed)
        assert answer.status_code == (400 if "\0" in typed else 403), repr(typed[:20])
        assert not await caller.is_in()
        assert typed[:20] not in answer.text or not typed.strip() or len(typed) < 6


async def test_2fa_10_a_code_as_list_or_twice_is_one_code(home: Household) -> None:
    caller = await half_in(home, "192.0.2.1")
    code, token = home.ada.code(), csrf_of(home, caller.token)
    headers = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("origin", ORIGIN),
        ("cookie", f"keywright={caller.token}"),
    ]
    for body in (
        f"csrf={token}&code[]={code}",
        f"csrf={token}&code=&code={code}",
        f"csrf={token}&code=000000&code={code}",
    ):
        assert (await ask(home.console, "POST", "/sign-in/code", headers, body.encode())).status == 403
    good = await ask(home.console, "POST", "/sign-in/code", headers, f"csrf={token}&code={code}&code=000000".encode())
    assert good.status == 303, "the first of several counts, everywhere"


async def test_2fa_12_a_half_session_reaches_the_second_factor_and_nothing_else(home: Household) -> None:
    """Every route there is: sent to the code, or answered as to a stranger."""
    caller = await half_in(home, "192.0.2.1")
    before = await everything(home.services)
    open_to_all = {
        "/sign-in",
        "/sign-up",
        "/switch-off",
        "/strength",
        "/login/assertion",
        "/language",
        "/notices/freeze",
        "/sign-in/code",
        "/sign-in/recovery",
        "/passkeys/options",
        "/sign-out",
    }
    for pattern, fields in FORMS.items():
        if pattern in open_to_all:
            continue
        form = {**fields, "csrf": csrf_of(home, caller.token)}
        for more in ({}, {"hx_request": "true"}):
            answer = await caller.send("POST", home.path(pattern), form, origin=ORIGIN, **more)
            sent_to = answer.headers.get("location") or answer.headers.get("hx-redirect")
            assert sent_to == "/sign-in/code", pattern
        assert await everything(home.services) == before, pattern
    for path in ("/api-management", "/api-management/new", f"/api-management/{home.active}", "/security", "/step-up"):
        assert (await caller.get(path)).headers["location"].partition("?")[0] == "/sign-in/code"
    assert (await caller.get("/operator")).status_code == 200
    assert "bob@example.org" not in caller.text


@pytest.mark.parametrize("scheme", ["Basic", "Bearer", "Digest"])
async def test_2fa_12_no_other_way_in_is_taken(home: Household, scheme: str) -> None:
    """Basic and bearer authorization, an API key (K16), a known browser's cookie: none opens anything."""
    value = base64.b64encode(f"{home.ada.email}:{PASSWORD}".encode()).decode() if scheme == "Basic" else home.secret
    ways: list[list[tuple[str, str]]] = [
        [("authorization", f"{scheme} {value}")],
        [("kc-api-key", home.active), ("kc-api-passphrase", PASSPHRASE), ("kc-api-sign", home.secret)],
        [("kc-api-key", home.active), ("cookie", f"keywright={home.active}")],
        [("cookie", f"keywright={home.secret}")],
        [("cookie", f"keywright-device={_device(home.ada)}")],
        [("cookie", f"keywright={_device(home.ada)[:43]}")],
        [("x-forwarded-user", home.ada.email), ("x-remote-user", home.ada.email), ("remote-user", home.ada.email)],
        [("x-keywright-account", home.account_id), ("x-keywright-assertion", "x")],
    ]
    for headers in ways:
        for path in ("/api-management", "/security", f"/api-management/{home.active}"):
            answer = await ask(home.console, "GET", path, headers)
            assert (answer.header("location") or "").partition("?")[0] == "/sign-in"
            assert answer.header("www-authenticate") is None


def _device(caller: Caller) -> str:
    return next(cookie.value or "" for cookie in caller.client.cookies.jar if cookie.name.endswith("-device"))


async def test_2fa_12_a_known_browser_still_needs_both_factors(home: Household) -> None:
    await home.ada.post("/sign-out", csrf=csrf_of(home, home.ada.token))
    await home.ada.get("/sign-in")
    answer = await home.ada.post("/sign-in", email=home.ada.email, password=PASSWORD)
    assert answer.headers["location"] == "/sign-in/code"
    assert not await home.ada.is_in()


SENSITIVE = (
    "/api-management/create",
    "/api-management/{key_id:key}/addresses",
    "/api-management/{key_id:key}/passphrase",
    "/api-management/{key_id:key}/enable",
    "/api-management/{key_id:key}/delete",
    "/api-management/{key_id:key}/rotate",
    "/sub-accounts/create",
    "/security/trading-password",
    "/security/phrase",
    "/security/passkeys/{passkey_id:row}/remove",
    "/security/withdrawal-addresses/add",
    "/security/withdrawal-addresses/{address_id:row}/exempt",
    "/security/recovery-codes",
    "/security/unfreeze",
    "/security/authenticator/start",
    "/step-up",
)


@pytest.mark.parametrize("code", ["", "wrong", "aaaa-bbbb-cccc-dddd"])
async def test_2fa_16_after_ten_minutes_what_is_sensitive_asks_again(home: Household, code: str) -> None:
    await home.ada.get("/security")
    await home.ada.post("/security/freeze")
    home.ada.clock.advance(seconds=601)
    await home.ada.get("/security")  # seen: the clock stood on
    before = await everything(home.services)
    before.pop("attempts")
    for pattern in SENSITIVE:
        key = home.off if pattern.endswith(("enable", "delete")) else home.active
        typed = home.ada.wrong_code() if code == "wrong" else code
        form = {**FORMS[pattern], "code": typed, "csrf": csrf_of(home, home.ada.token)}
        answer = await home.ada.send("POST", home.path(pattern, key=key), form, origin=ORIGIN)
        assert answer.status_code in ({400} if not code else {403, 429}), (pattern, answer.status_code)
        assert 'name="code"' in answer.text, pattern
        assert "api-secret" not in answer.text
        after = await everything(home.services)
        after.pop("attempts")
        for told in ("audit_events", "audit_head", "notices", "deliveries"):  # that somebody guesses
            after[told] = before[told]
        assert after == before, pattern


async def test_2fa_16_at_the_tenth_minute_it_still_serves(home: Household) -> None:
    home.ada.clock.advance(seconds=600)
    await home.ada.get("/security")
    assert (await home.ada.post("/security/recovery-codes")).status_code == 200


async def test_2fa_16_disabling_never_asks(home: Household) -> None:
    home.ada.clock.advance(seconds=1_200)
    await home.ada.get("/api-management")
    answer = await home.ada.post(f"/api-management/{home.active}/disable")
    assert answer.headers["location"] == "/api-management?done=key-disabled"


# ── ENUM: nobody learns who has an account


def uniform(answer: Any) -> tuple[int, dict[str, str], str]:
    """Return an answer without what is random in each."""
    headers = {name: value for name, value in answer.headers.items() if name not in {"x-request-id", "set-cookie"}}
    text = CSRF.sub("", answer.text)
    return answer.status_code, headers, re.sub(r"\b(?=[\da-z-]*@)[\w.-]+@example\.org|[0-9a-f]{32}", "", text)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the parameters of every hash that a password is compared with."""
    seen: list[str] = []
    matches = Passwords.matches

    async def noted(self: Passwords, password_hash: str, candidate: Any) -> bool:
        seen.append(password_hash.rpartition("$")[0].rpartition("$")[0])
        return await matches(self, password_hash, candidate)

    monkeypatch.setattr(Passwords, "matches", noted)
    return seen


async def test_enum_01_an_unknown_address_is_answered_like_a_wrong_password(home: Household, hashed: list[str]) -> None:
    answers, work = [], []
    for number, (email, password) in enumerate(
        [
            ("ada@example.org", "wrong-horse-battery"),
            ("nib@example.org", "wrong-horse-battery"),
            ("nib@example.org", PASSWORD),
            ("bob@example.org", "x" * 1_000),
            ("ada@example.org", ""),
        ]
    ):
        caller = Caller(home.console, home.ada.clock, address=f"192.0.2.{number}")
        await caller.get("/sign-in")
        hashed.clear()
        answers.append(uniform(await caller.post("/sign-in", email=email, password=password)))
        work.append(list(hashed))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 403
    assert all(one == work[0] for one in work), "one hash each, of the same cost"
    assert len(work[0]) == 1


async def test_enum_01_the_limit_says_nothing_either(home: Household) -> None:
    seen = []
    for number, email in enumerate(("ada@example.org", "nib@example.org")):
        caller = Caller(home.console, home.ada.clock, address=f"192.0.2.{number}")
        await caller.get("/sign-in")
        answers = [await caller.post("/sign-in", email=email, password="wrong") for _ in range(12)]
        seen.append([uniform(answer) for answer in answers])
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) in range(1, 301)
    assert seen[0] == seen[1]


async def test_enum_01_switching_off_says_nothing(home: Household, hashed: list[str]) -> None:
    answers = []
    for number, (email, password) in enumerate(
        [("bob@example.org", PASSWORD), ("bob@example.org", "wrong"), ("nib@example.org", PASSWORD), ("nobody", "")]
    ):
        caller = Caller(home.console, home.ada.clock, address=f"192.0.2.{number}")
        await caller.get("/switch-off")
        hashed.clear()
        answers.append(uniform(await caller.post("/switch-off", email=email, password=password)))
        assert len(hashed) == 1
    assert answers[0][0] == 200
    assert all(answer == answers[0] for answer in answers)


async def test_enum_02_signing_up_says_that_an_address_is_taken_and_only_so_often(home: Household) -> None:
    """Without mail there is no other channel to say it by. Twenty an hour from one address, sixty a day."""
    caller = Caller(home.console, home.ada.clock, address="192.0.2.1")
    await caller.get("/sign-up")
    statuses = [
        (await caller.post("/sign-up", email="ada@example.org", password=PASSWORD)).status_code for _ in range(21)
    ]
    assert statuses == [409] * 20 + [429]


async def test_enum_03_a_frozen_account_is_told_to_its_owner_only(home: Household) -> None:
    await home.ada.get("/security")  # so that both are asked for the same
    await home.ada.post(home.path("/security/passkeys/{passkey_id:row}/remove"))
    await home.bob.get("/security")
    await home.bob.post("/security/freeze")
    wrong = Caller(home.console, home.ada.clock, address="192.0.2.1")
    await wrong.get("/sign-in")
    frozen = uniform(await wrong.post("/sign-in", email="bob@example.org", password="wrong-horse-battery"))
    other = Caller(home.console, home.ada.clock, address="192.0.2.2")
    await other.get("/sign-in")
    assert uniform(await other.post("/sign-in", email="ada@example.org", password="wrong-horse-battery")) == frozen
    right = [await half_in(home, "192.0.2.3")]
    right.append(Caller(home.console, home.ada.clock, address="192.0.2.4", totp_secret=home.bob.totp_secret))
    await right[1].get("/sign-in")
    await right[1].post("/sign-in", follow=True, email="bob@example.org", password=PASSWORD)
    pages = [uniform(await caller.get("/sign-in/code")) for caller in right]
    assert pages[0] == pages[1], "until the second factor is proved"


async def test_enum_06_anothers_key_is_a_key_that_is_not_there(home: Household) -> None:
    await home.bob.get("/step-up")
    await home.bob.post("/step-up", code=home.bob.code(), next="/security")
    before = await everything(home.services)
    for pattern in [one for one in FORMS if "{key_id:key}" in one] + ["/api-management/{key_id:key}"]:
        fields = {**FORMS.get(pattern, {}), "csrf": csrf_of(home, home.bob.token)}
        method = "POST" if pattern in FORMS else "GET"
        answers = [
            await home.bob.send(method, home.path(pattern, key=key), fields, origin=ORIGIN, **more)
            for key in (home.active, home.off, "0" * 24)
            for more in ({}, {"if_none_match": "*"}, {"hx_request": "true"})
        ]
        found = {(answer.status_code, answer.headers.get("content-length")) for answer in answers}
        assert len(found) == 1, (pattern, found)
        assert answers[0].status_code == 404
        texts = {re.sub(r"[0-9a-f]{24,}", "", answer.text) for answer in answers}
        assert len(texts) == 1
        assert not [name for answer in answers for name in answer.headers if name in {"etag", "last-modified"}]
    assert await everything(home.services) == before


async def test_enum_06_pages_of_operators_are_not_there_for_others(home: Household) -> None:
    await home.bob.get("/security")
    answer = await home.bob.post(f"/operator/accounts/{home.account_id}/freeze")
    nothing = await home.bob.post("/operator/accounts/x/freeze")
    assert (answer.status_code, nothing.status_code) == (404, 404)
    assert "ada@example.org" not in (await home.bob.get("/operator")).text
    assert "ada@example.org" in (await home.ada.get("/operator")).text


async def test_perm_10_ids_that_are_none_are_no_page(home: Household) -> None:
    for key in (
        "-1",
        "0",
        "*",
        "%",
        "1 OR 1=1",
        "x" * 24,
        home.active.upper(),
        home.active + "0",
        f"{home.active}/",
        "%00",
    ):
        for caller in (home.ada, home.bob):
            answer = await ask(home.console, "GET", f"/api-management/{key}", [("cookie", f"keywright={caller.token}")])
            assert answer.status == 404, key
    form = [("content-type", "application/x-www-form-urlencoded"), ("origin", ORIGIN)]
    for path in ("/security/sessions/%00/end", "/security/sessions/\udcff/end", "/operator/accounts/%00/freeze"):
        sent = [*form, ("cookie", f"keywright={home.ada.token}")]
        body = f"csrf={csrf_of(home, home.ada.token)}".encode()
        assert (await ask(home.console, "POST", path.replace("\udcff", "%ff"), sent, body)).status == 404


async def test_an_altered_key_can_be_switched_off_and_deleted_only(home: Household) -> None:
    async with home.services.database.write() as tx:
        await tx.execute(update(api_keys).where(api_keys.c.id == home.active).values(permissions="read,trade,withdraw"))
    await home.ada.get(f"/api-management/{home.active}")
    assert "altered outside Keywright" in home.ada.text
    assert "/rename" not in home.ada.text
    changes: dict[str, dict[str, str]] = {"rename": {"name": "x"}, "addresses": {}, "enable": {}}
    changes["passphrase"] = {"current": PASSPHRASE, "passphrase": OTHER_PASSPHRASE + "x"}
    before = await everything(home.services)
    for what, fields in changes.items():
        await home.ada.get(f"/api-management/{home.active}")
        answer = await home.ada.post(f"/api-management/{home.active}/{what}", **fields)
        assert answer.status_code == 409, what
        assert "only be disabled and deleted" in home.ada.text
    assert await everything(home.services) == before
    await home.ada.get(f"/api-management/{home.active}")
    assert (await home.ada.post(f"/api-management/{home.active}/disable")).status_code == 303
    await home.ada.get(f"/api-management/{home.active}")
    answer = await home.ada.post(f"/api-management/{home.active}/delete", sure="yes")
    assert answer.headers["location"] == "/api-management?done=key-deleted"
