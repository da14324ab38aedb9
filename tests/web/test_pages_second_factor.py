"""Codes, recovery codes, authenticators, the step-up, and where it leads."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given, strategies as st

from keywright.web.app import Console
from keywright.web.pages.second_factor import _next
from tests.support.clock import FakeClock
from tests.support.visitor import PASSWORD, RECOVERY, SECRET, Caller

HOME = "/api-management"


@pytest.mark.parametrize(
    "path", ["/security", "/", "/api-management/0123456789abcdef01234567", "/security/authenticator"]
)
def test_a_step_up_leads_to_our_own_pages(path: str) -> None:
    assert _next(path) == path


ELSEWHERE = [
    "",
    "security",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\nlocation: x",
    "http://evil.example",
    "https:evil.example",
    "HTTP://localhost:8400/security",
    "javascript:alert(1)",
    "/%2f%2fevil.example",
    "/%5cevil.example",
    "%2f%2fevil.example",
    "/security?next=//evil.example",
    "/security#x",
    "/.evil.example",
    "/@evil.example",
    "/security\n",
    "/ſecurity",
    "/security/..//evil.example",
    "\x00/security",
]


@pytest.mark.parametrize("path", ELSEWHERE)
def test_a_step_up_leads_nowhere_else(path: str) -> None:
    assert _next(path) == HOME


@given(st.one_of(st.text(max_size=40), st.from_regex(r"[/\\]{0,3}[a-z.:@%?#/\\-]{0,30}", fullmatch=True)))
def test_wherever_it_leads_is_one_path_of_this_host(path: str) -> None:
    led = _next(path)
    assert led in {path, HOME}
    assert led.startswith("/")
    assert not led.startswith("//")
    assert set(led) <= set("abcdefghijklmnopqrstuvwxyz0123456789/-")


@pytest.mark.parametrize("path", [path for path in ELSEWHERE if "\0" not in path])  # that one is no page at all
async def test_open_redirects_are_closed_in_the_page_too(ada: Caller, path: str) -> None:
    await ada.arrive()
    await ada.get(f"/step-up?next={quote(path)}")
    assert f'name="next" value="{HOME}"' in ada.text
    answer = await ada.post("/step-up", next=path, code=ada.code())
    assert answer.headers["location"] == f"{HOME}?done=stepped-up"


@pytest.mark.parametrize("between", [" ", "\u00a0", "\u202f", "\n"])
async def test_a_code_is_taken_as_an_app_shows_and_copies_it(ada: Caller, between: str) -> None:
    """In groups, with space around; what is looked at has six digits and nothing else (2FA-10)."""

    def copied() -> str:
        code = ada.code()
        return f" {code[:3]}{between}{code[3:]}\n"

    await ada.sign_up()
    await ada.post("/security/authenticator/start")
    found = SECRET.search(ada.text)
    assert found
    ada.totp_secret = found[1]
    assert (await ada.post("/security/authenticator/confirm", code=copied())).status_code == 200
    await ada.get("/security")
    await ada.post("/sign-out")
    await ada.get("/sign-in")
    await ada.post("/sign-in", follow=True, email=ada.email, password=PASSWORD)
    assert (await ada.post("/sign-in/code", code=copied())).headers["location"] == HOME
    await ada.get("/step-up")
    assert (await ada.post("/step-up", code=copied())).headers["location"] == f"{HOME}?done=stepped-up"


async def test_a_step_up_serves_ten_minutes(ada: Caller, clock: FakeClock) -> None:
    await ada.arrive()
    await ada.get("/security")
    assert 'name="code"' in ada.text, "signing in does not count as one (K2)"
    await ada.get("/step-up?next=/security")
    answer = await ada.post("/step-up", next="/security", code=ada.code())
    assert answer.headers["location"] == "/security?done=stepped-up"
    await ada.get("/security")
    assert 'name="code"' not in ada.text
    clock.advance(seconds=601)
    await ada.get("/security")
    assert 'name="code"' in ada.text


async def test_a_step_up_is_never_said_to_be_done_by_a_wrong_code(ada: Caller) -> None:
    """Not even while an earlier one still serves."""
    await ada.arrive()
    await ada.get("/step-up")
    await ada.post("/step-up", code=ada.code(), next="/security")
    await ada.get("/step-up")
    for code, status in ((ada.wrong_code(), 403), ("", 400), ("aaaa-bbbb-cccc-dddd", 403)):
        answer = await ada.post("/step-up", code=code, next="/security")
        assert answer.status_code == status
        assert 'name="next" value="/security"' in ada.text
        assert not code or code not in ada.text


async def test_a_used_code_says_how_long_to_wait(ada: Caller) -> None:
    await ada.arrive()
    code = ada.code()
    await ada.get("/step-up")
    await ada.post("/step-up", code=code)
    await ada.get("/step-up")
    answer = await ada.post("/step-up", code=code)
    assert answer.status_code == 403
    assert "used before" in ada.text
    assert "wait" in ada.text


async def test_after_too_many_codes_none_is_looked_at(ada: Caller, console: Console, clock: FakeClock) -> None:
    await ada.arrive()
    thief = Caller(console, clock, address="192.0.2.66")
    await thief.get("/sign-in")
    await thief.post("/sign-in", follow=True, email=ada.email, password="seven-lamps-under-rain")
    statuses = [(await thief.post("/sign-in/code", code=ada.wrong_code())).status_code for _ in range(6)]
    assert statuses == [403] * 5 + [429]
    assert thief.last is not None
    assert thief.last.headers["retry-after"] == "300"
    await ada.get("/step-up")
    answer = await ada.post("/step-up", code=ada.code())
    assert answer.status_code == 303, "the owner's own browser has attempts of its own"


async def test_an_authenticator_is_enrolled_and_shown_once(ada: Caller) -> None:
    await ada.sign_up()
    await ada.get("/security/authenticator")
    assert "otpauth://" not in ada.text
    answer = await ada.post("/security/authenticator/start")
    assert answer.status_code == 200
    assert "otpauth://totp/Keywright:ada" in ada.text
    assert "<svg" in answer.text
    assert "style=" not in answer.text, "the policy allows none"
    first = SECRET.findall(ada.text)[0]
    await ada.get("/security/authenticator")
    assert first not in ada.text
    await ada.post("/security/authenticator/start")
    second = SECRET.findall(ada.text)[0]
    assert second != first
    ada.totp_secret = first
    answer = await ada.post("/security/authenticator/confirm", code=ada.code())
    assert answer.status_code == 403, "the earlier one is void"
    assert second not in ada.text
    ada.totp_secret = second
    answer = await ada.post("/security/authenticator/confirm", code=ada.code())
    assert answer.status_code == 200
    assert len(set(RECOVERY.findall(ada.text))) == 10


async def test_what_takes_too_long_begins_again(ada: Caller, clock: FakeClock) -> None:
    await ada.sign_up()
    await ada.get("/security/authenticator")
    await ada.post("/security/authenticator/start")
    ada.totp_secret = SECRET.findall(ada.text)[0]
    clock.advance(seconds=901)
    answer = await ada.post("/security/authenticator/confirm", code=ada.code())
    assert answer.status_code == 403
    assert "took too long" in ada.text


async def test_an_authenticator_is_replaced_with_the_old_one_only(
    ada: Caller, console: Console, clock: FakeClock
) -> None:
    await ada.arrive()
    await ada.get("/security/authenticator")
    for code, status in (("", 400), (ada.wrong_code(), 403)):
        answer = await ada.post("/security/authenticator/start", code=code)
        assert answer.status_code == status
        assert not SECRET.search(ada.text)
    answer = await ada.post("/security/authenticator/start", code=ada.code())
    assert answer.status_code == 200
    old, new = ada.totp_secret, SECRET.findall(ada.text)[0]
    ada.totp_secret = new
    answer = await ada.post("/security/authenticator/confirm", code=ada.code())
    assert answer.headers["location"] == "/security?done=authenticator-set"
    other = Caller(console, clock, totp_secret=old, used_step=ada.used_step)
    assert (await other.sign_in()).status_code == 403


async def test_a_recovery_code_lets_in_once(ada: Caller, console: Console, clock: FakeClock) -> None:
    codes = await ada.arrive()
    for typed, status in ((codes[0].upper().replace("-", " "), 303), (codes[0], 403), ("x" * 5_000, 403), ("", 403)):
        other = Caller(console, clock, address="192.0.2.5")
        await other.get("/sign-in")
        await other.post("/sign-in", follow=True, email=ada.email, password="seven-lamps-under-rain")
        await other.get("/sign-in/recovery")
        answer = await other.post("/sign-in/recovery", code=typed)
        assert answer.status_code == status, typed[:20]
        assert await other.is_in() is (status == 303)
    await ada.get("/security")
    assert "9 left" in ada.text


async def test_a_recovery_code_steps_up_too(ada: Caller) -> None:
    codes = await ada.arrive()
    await ada.get("/step-up")
    assert (await ada.post("/step-up", code=codes[1])).status_code == 303
