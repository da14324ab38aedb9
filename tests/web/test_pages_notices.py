"""The list of notices, the bell, and the page behind "this was not me"."""

from __future__ import annotations

import re

from keywright.app.services import Services
from keywright.notices.links import LASTS_MS
from keywright.web.app import Console
from tests.support.clock import FakeClock
from tests.support.visitor import Caller, events_of


async def link_to_freeze(services: Services, caller: Caller) -> str:
    """Return the path and query of the link in the newest message to someone."""
    async with services.database.read() as tx:
        account = await services.identity.account(tx, email=caller.email)
        (newest, *_) = await services.notices.of(tx, account.id)
    return services.notices.freeze_url(newest, origin="")


async def test_what_happened_is_listed_and_counted_until_it_was_read(ada: Caller) -> None:
    await ada.arrive()
    key_id, _ = await ada.make_key("trade", name="night bot")
    await ada.get("/notices")
    assert "The API key “night bot” was made" in ada.text
    assert f'href="/api-management/{key_id}"' in ada.text
    unread = re.search(r"Notices: (\d+) unread", ada.text)
    assert unread
    assert int(unread[1]) >= 3
    answer = await ada.post("/notices/read")
    assert answer.headers["location"] == "/notices"
    await ada.get("/notices")
    assert "unread" not in ada.text
    assert "Mark all as read" not in ada.text
    assert "The API key “night bot” was made" in ada.text


async def test_nobody_sees_what_others_are_told(ada: Caller, console: Console, clock: FakeClock) -> None:
    await ada.arrive()
    await ada.make_key("trade", name="night bot")
    bob = Caller(console, clock, address="198.51.100.9", email="bob@example.org")
    await bob.arrive()
    await bob.get("/notices")
    assert "night bot" not in bob.text


async def test_older_notices_are_a_page_away(ada: Caller, services: Services, clock: FakeClock) -> None:
    await ada.arrive()
    async with services.database.write() as tx:
        account = await services.identity.account(tx, email=ada.email)
        for _ in range(40):
            clock.advance(seconds=1)
            await services.notices.post(tx, account.id, "notices.test", now=clock())
    await ada.get("/notices")
    assert "Your account was made" not in ada.text
    older = re.search(r'href="(/notices\?before=ntc_[0-9a-f]{24})"', ada.text)
    assert older
    await ada.get(older[1])
    assert "Your account was made" in ada.text
    await ada.get("/notices?before=ntc_nonsense%07")
    assert "Nothing to tell" in ada.text


async def test_following_the_link_changes_nothing(
    ada: Caller, services: Services, console: Console, clock: FakeClock
) -> None:
    """Mail programs and scanners follow links by themselves."""
    await ada.arrive()
    link = await link_to_freeze(services, ada)
    stranger = Caller(console, clock, address="192.0.2.99")
    for _ in range(3):
        answer = await stranger.get(link)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "same-origin"
    assert "ada@example.org" not in stranger.text, "a link that was passed on tells nobody whose it is"
    assert "account.frozen" not in {event.kind for event in await events_of(services)}


async def test_the_button_freezes_at_once_without_signing_in(
    ada: Caller, services: Services, console: Console, clock: FakeClock
) -> None:
    await ada.arrive()
    link = await link_to_freeze(services, ada)
    phone = Caller(console, clock, address="192.0.2.99")
    await phone.get(link)
    answer = await phone.post("/notices/freeze", t=link.partition("?t=")[2])
    assert answer.headers["location"] == "/notices/frozen"
    await phone.get("/notices/frozen")
    assert "Every key is switched off" in phone.text
    (*_, frozen) = await events_of(services)
    assert (frozen.kind, frozen.actor) == ("account.frozen", "notice-link")
    assert "192.0.2.99" in frozen.origin
    assert (await phone.get(link)).status_code == 409, "a link serves once"
    await ada.get("/notices")
    assert "Your account is frozen" in ada.text


async def test_a_link_that_is_too_old_or_nonsense_freezes_nothing(
    ada: Caller, services: Services, console: Console, clock: FakeClock
) -> None:
    await ada.arrive()
    link = await link_to_freeze(services, ada)
    stranger = Caller(console, clock, address="192.0.2.99")
    await stranger.get(link)
    token = link.partition("?t=")[2]
    for nonsense in (
        "",
        "x" * 5_000,
        token[:-1],
        token + "x",
        "ntc_\x01",
        "ntc_" + "f" * 24 + ".9999999999999." + "A" * 43,
    ):
        assert (await stranger.post("/notices/freeze", csrf=stranger.csrf or None, t=nonsense)).status_code == 404
        await stranger.get(link)
    clock.advance(ms=LASTS_MS)
    assert (await stranger.get(link)).status_code == 404
    assert "account.frozen" not in {event.kind for event in await events_of(services)}
