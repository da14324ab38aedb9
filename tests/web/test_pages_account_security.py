"""Sessions, recovery codes, and the switch that refuses every key."""

from __future__ import annotations

import re

import pytest

from keywright.web.app import Console
from tests.support.clock import FakeClock
from tests.support.visitor import RECOVERY, Caller


async def again(ada: Caller, console: Console, clock: FakeClock, address: str) -> Caller:
    """Return Ada's other browser, signed in."""
    other = Caller(console, clock, address=address, totp_secret=ada.totp_secret, used_step=ada.used_step)
    await other.sign_in()
    ada.used_step = other.used_step
    return other


async def test_every_session_is_shown_and_can_be_ended(ada: Caller, console: Console, clock: FakeClock) -> None:
    await ada.arrive()
    other = await again(ada, console, clock, "192.0.2.5")
    await ada.get("/security")
    assert "192.0.2.5" in ada.text
    found = re.search(r"/security/sessions/(ses_[0-9a-f]{24})/end", ada.text)
    assert found
    answer = await ada.post(found[0])
    assert answer.headers["location"] == "/security?done=session-ended"
    assert not await other.is_in()
    await ada.get("/security")
    answer = await ada.post(found[0])
    assert answer.status_code == 404
    assert "no such session" in ada.text


async def test_ending_ones_own_session_signs_out(ada: Caller, console: Console, clock: FakeClock) -> None:
    await ada.arrive()
    other = await again(ada, console, clock, "192.0.2.5")
    await other.get("/security")
    mine = re.search(r"/security/sessions/(ses_[0-9a-f]{24})/end", other.text)
    assert mine
    await ada.get("/security")
    answer = await ada.post(mine[0])
    assert answer.headers["location"] == "/sign-in?done=signed-out"
    assert not await ada.is_in()


async def test_new_recovery_codes_take_a_step_up_and_kill_the_old_ones(ada: Caller) -> None:
    old = await ada.arrive()
    await ada.get("/security")
    for code, status in (("", 400), (ada.wrong_code(), 403)):
        answer = await ada.post("/security/recovery-codes", code=code)
        assert answer.status_code == status
        assert not RECOVERY.findall(ada.text)
    answer = await ada.post("/security/recovery-codes", code=ada.code())
    new = set(RECOVERY.findall(ada.text))
    assert answer.status_code == 200
    assert len(new) == 10
    assert not new & set(old)
    await ada.get("/step-up")
    assert (await ada.post("/step-up", code=old[0])).status_code == 403


async def test_a_freeze_needs_no_code_and_lifting_it_does(ada: Caller) -> None:
    """N8."""
    await ada.arrive()
    await ada.get("/security")
    for _ in range(2):
        answer = await ada.post("/security/freeze")
        assert answer.headers["location"] == "/security?done=frozen"
        await ada.get("/security?done=frozen")
        assert "Your account is frozen" in ada.text
    await ada.get("/api-management")
    assert "Your account is frozen" in ada.text
    await ada.get("/security")
    for code, status in (("", 400), (ada.wrong_code(), 403)):
        assert (await ada.post("/security/unfreeze", code=code)).status_code == status
        assert "Your account is frozen" in ada.text
    answer = await ada.post("/security/unfreeze", code=ada.code())
    assert answer.headers["location"] == "/security?done=unfrozen"
    await ada.get("/api-management")
    assert "Your account is frozen" not in ada.text
    await ada.get("/security")
    assert (await ada.post("/security/unfreeze")).status_code == 409


@pytest.mark.parametrize("done", ["frozen", "session-ended"])
async def test_a_notice_is_not_repeated_over_an_error(ada: Caller, done: str) -> None:
    await ada.arrive()
    await ada.get(f"/no?done={done}")
    assert "frozen" not in ada.text
