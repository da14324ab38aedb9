"""Password, e-mail address, phrase and language, as their owner keeps them."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from keywright.storage.tables import accounts
from keywright.web.app import Console
from tests.support.clock import FakeClock
from tests.support.visitor import PASSWORD, Caller
from tests.support.world import World
from tests.web.test_pages_account_security import again

NEW = "four-otters-in-amber"
PHRASE = "blue otters at tea"


async def test_2fa_21_a_changed_password_signs_everybody_else_out(
    ada: Caller, console: Console, clock: FakeClock
) -> None:
    await ada.arrive()
    other = await again(ada, console, clock, "192.0.2.5")
    await ada.get("/security/password")
    answer = await ada.post("/security/password", current=PASSWORD, password=NEW, code=ada.code())
    assert answer.headers["location"] == "/security?done=password-changed"
    assert await ada.is_in()
    assert not await other.is_in()
    await ada.get("/security")
    await ada.post("/sign-out")
    await ada.get("/sign-in")
    await ada.post("/sign-in", email=ada.email, password=PASSWORD)
    assert "don't belong together" in ada.text
    await ada.sign_in(password=NEW)
    assert await ada.is_in()


async def test_2fa_21_without_the_current_one_or_the_code_nothing_is_changed(ada: Caller) -> None:
    await ada.arrive()
    await ada.get("/security/password")
    for fields, status, said in (
        ({"current": "nine-boats-at-anchor", "code": ada.code()}, 403, "not your password"),
        ({"current": PASSWORD, "password": "password123"}, 400, "easily guessed"),
        ({"current": PASSWORD, "password": PASSWORD}, 400, "it has already"),
    ):
        answer = await ada.post("/security/password", **{"password": NEW, **fields})
        assert (answer.status_code, said in ada.text) == (status, True), ada.text
        assert NEW not in ada.text
        assert PASSWORD not in ada.text
    ada.clock.advance(seconds=601)
    await ada.get("/security/password")
    assert (await ada.post("/security/password", current=PASSWORD, password=NEW)).status_code == 400


async def test_the_address_is_verified_by_a_code(ada: Caller, world: World) -> None:
    await ada.arrive()
    await ada.get("/security/email")
    assert "Not verified" in ada.text
    assert "Code from the e-mail" not in ada.text
    answer = await ada.post("/security/email/code")
    assert answer.headers["location"] == "/security/email?done=code-sent"
    await ada.get("/security/email")
    assert "Code from the e-mail" in ada.text
    answer = await ada.post("/security/email", code="000000")
    assert answer.status_code == 403
    async with world.services.database.write() as tx:
        account = await world.services.identity.account(tx, email=ada.email)
        codes = world.services.own.codes
        code = await codes.make(tx, account.id, "email", context=ada.email, now=world.clock())
    answer = await ada.post("/security/email", code=code.reveal_text())
    assert answer.headers["location"] == "/security?done=email-verified"
    await ada.get("/security/email")
    assert "Not verified" not in ada.text
    assert (await ada.post("/security/email/code")).status_code == 409


async def test_a_mailbox_is_not_filled(ada: Caller) -> None:
    await ada.arrive()
    await ada.get("/security/email")
    for _ in range(5):
        assert (await ada.post("/security/email/code")).status_code == 303
        await ada.get("/security/email")
    answer = await ada.post("/security/email/code")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) <= 900


async def choose(ada: Caller, phrase: str = PHRASE, **more: str) -> int:
    """Choose a phrase; return how that was answered."""
    await ada.get("/security/phrase")
    return (await ada.post("/security/phrase", phrase=phrase, code=ada.code(), **more)).status_code


async def test_k3_the_phrase_is_shown_between_password_and_code_in_a_browser_that_is_known(
    ada: Caller, console: Console, clock: FakeClock
) -> None:
    await ada.arrive()
    assert await choose(ada) == 303
    await ada.get("/security")
    await ada.post("/sign-out")
    await ada.get("/sign-in")
    assert PHRASE not in ada.text, "nothing before the password"
    await ada.post("/sign-in", follow=True, email=ada.email, password=PASSWORD)
    assert PHRASE in ada.text
    stranger = Caller(console, clock, address="198.51.100.9")
    await stranger.get("/sign-in")
    await stranger.post("/sign-in", follow=True, email=ada.email, password=PASSWORD)
    assert PHRASE not in stranger.text, "who stands between cannot show it"
    assert "never signed in with this browser" in stranger.text


async def test_a_phrase_that_is_given_up_is_gone(ada: Caller) -> None:
    await ada.arrive()
    await choose(ada)
    await ada.get("/security/phrase")
    assert PHRASE in ada.text
    assert await choose(ada, none="1") == 303
    await ada.get("/security/phrase")
    assert PHRASE not in ada.text


@pytest.mark.parametrize("phrase", ["abc", "x" * 41, "ada@example.org", "KEYWRIGHT", "a\u202eb\u202ecd", PASSWORD])
async def test_what_proves_nothing_or_must_not_be_seen_is_no_phrase(ada: Caller, phrase: str) -> None:
    await ada.arrive()
    assert await choose(ada, phrase) == 400


async def test_nobody_finds_the_password_by_asking_for_phrases(ada: Caller) -> None:
    await ada.arrive()
    assert await choose(ada, PASSWORD) == 400
    for _ in range(9):
        assert (await ada.post("/security/phrase", phrase=PASSWORD)).status_code == 400
    assert (await ada.post("/security/phrase", phrase=PASSWORD)).status_code == 429


async def test_a_phrase_that_somebody_put_there_is_not_shown(ada: Caller, world: World) -> None:
    """Another account's, moved: it opens in its own place only."""
    await ada.arrive()
    await choose(ada)
    bob = await world.person("bob@example.org")
    async with world.services.database.write() as tx:
        sealed = (await tx.execute(select(accounts.c.phrase_sealed).where(accounts.c.email == ada.email))).scalar_one()
        await tx.execute(update(accounts).where(accounts.c.id == bob.account.id).values(phrase_sealed=sealed))
        assert await world.services.own.preferences.phrase(tx, bob.account.id) == ""
