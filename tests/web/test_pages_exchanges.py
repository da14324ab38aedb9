"""Keys of other exchanges at the console: an address, a guide, the key, and what the exchange says of it."""

from __future__ import annotations

import re
from html import unescape

import pytest

from keywright.app.services import Services
from keywright.errors import Busy
from keywright.vault.evidence import Evidence, Grade, Right
from tests.support.clock import FakeClock
from tests.support.holding import EGRESS, KEY, OTHER_KEY, PASSPHRASE, SECRET, Obliging, pool
from tests.support.visitor import Caller, events_of, everything

GIVEN = {"name": "grid", "bots": "night grid", "key": KEY, "secret": SECRET, "passphrase": PASSPHRASE}
WITHDRAWS = Evidence(Right.WITHDRAW, allowed=True, grade=Grade.PROVEN, said="Transfer")
BORROWS = Evidence(Right.MARGIN, allowed=True, grade=Grade.PROVEN, said="Margin")


@pytest.fixture
def exchange(services: Services) -> Obliging:
    """Give who stands in the exchanges' place."""
    found = services.vault._asks
    assert isinstance(found, Obliging)
    return found


async def connects(ada: Caller, **changed: str) -> int:
    """Go the whole way to a key of KuCoin's, and return how the last step was answered."""
    await ada.get("/exchanges/new")
    await ada.post("/exchanges/new", exchange="kucoin", follow=True)
    return (await ada.post("/exchanges/new/kucoin", **{**GIVEN, "code": ada.code(), **changed})).status_code


def said(ada: Caller) -> str:
    """Return the page as it reads."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", ada.text)).split())


async def test_a_key_is_connected_from_the_address_to_its_page(ada: Caller, services: Services) -> None:
    await pool(services)
    await ada.arrive()
    await ada.get("/exchanges")
    assert "No exchange connected yet" in said(ada)
    await ada.get("/exchanges/new")
    await ada.post("/exchanges/new", exchange="kucoin", follow=True)
    assert f">{EGRESS}</code>" in ada.text
    assert "Confirmed: seen from outside" in said(ada)
    assert "https://www.kucoin.com/account/api" in ada.text
    assert {"General", "Spot", "Withdrawal", "FlexTransfers"} <= set(
        re.findall(r'<strong translate="no">(\w+)<', ada.text)
    )
    answer = await ada.post("/exchanges/new/kucoin", **GIVEN, code=ada.code())
    assert answer.status_code == 303, ada.text
    assert answer.headers["cache-control"] == "no-store"
    await ada.get(answer.headers["location"])
    assert "What the key may do" in said(ada)
    assert "Withdraw no proven Transfer" in said(ada)
    assert "Bound to addresses yes declared ipWhitelist" in said(ada)
    await ada.get("/exchanges")
    assert f"grid KuCoin · night grid {KEY[:4]}…{KEY[-4:]}" in said(ada)
    assert "no way out for money: proven" in said(ada)
    for secret in (SECRET, PASSPHRASE):
        assert secret not in repr(await everything(services))


async def test_where_no_address_is_free_that_is_said_before_any_key_is_made(ada: Caller) -> None:
    await ada.arrive()
    await ada.get("/exchanges/new")
    answer = await ada.post("/exchanges/new", exchange="binance")
    assert answer.status_code == 409
    assert "No address is free for another key" in said(ada)
    assert "keywright vault" not in said(ada)
    await ada.get("/exchanges/new/binance")
    assert "No address is kept for you" in said(ada)
    assert 'name="secret"' not in ada.text
    await ada.post("/exchanges/new", exchange="mtgox")
    assert "can't be held" in said(ada)


async def test_an_address_that_is_given_back_is_the_next_ones(ada: Caller, bob: Caller, services: Services) -> None:
    await pool(services)
    await ada.arrive()
    await ada.get("/exchanges/new")
    await ada.post("/exchanges/new", exchange="kucoin", follow=True)
    await bob.arrive()
    await bob.get("/exchanges/new")
    assert (await bob.post("/exchanges/new", exchange="kucoin")).status_code == 409
    await ada.post("/exchanges/new/kucoin/give-back", follow=True)
    assert "The address is free for others again." in said(ada)
    await bob.get("/exchanges/new")
    await bob.post("/exchanges/new", exchange="kucoin", follow=True)
    assert f">{EGRESS}</code>" in bob.text


async def test_an_address_that_nobody_confirmed_is_called_so(
    ada: Caller, services: Services, exchange: Obliging
) -> None:
    exchange.seen = Busy("no answer in time")
    await pool(services)
    await ada.arrive()
    await ada.get("/exchanges/new")
    await ada.post("/exchanges/new", exchange="kucoin", follow=True)
    assert "Unconfirmed: within the last day nobody outside" in said(ada)
    assert f">{EGRESS}</code>" in ada.text
    exchange.seen = ""
    await ada.post("/exchanges/new", exchange="kucoin", follow=True)
    assert "Confirmed: seen from outside" in said(ada)


async def test_a_key_that_can_withdraw_is_refused_with_the_box_to_untick_and_nothing_of_it_stays(
    ada: Caller, services: Services, exchange: Obliging
) -> None:
    await pool(services)
    await ada.arrive()
    exchange.more = (WITHDRAWS, BORROWS)
    assert await connects(ada) == 400
    assert "This key can withdraw money (Transfer)." in said(ada)
    assert "Untick “Withdrawal” on the key's page at KuCoin" in said(ada)
    assert "Accept that this key may also do this: Margin" in said(ada)
    assert "Accept that this key may also do this: Withdraw" not in said(ada)
    assert 'value="grid"' in ada.text
    rows = repr(await everything(services))
    for text in (KEY, SECRET, PASSPHRASE):
        assert text not in ada.text
        assert text not in rows
    exchange.more = (BORROWS,)
    assert (await ada.post("/exchanges/new/kucoin", **GIVEN)).status_code == 400
    answer = await ada.post("/exchanges/new/kucoin", **GIVEN, accept="margin", follow=True)
    assert answer.status_code == 200
    assert "Accepted all the same It may do more than trade: Margin by ada@example.org" in said(ada)
    kinds = [event.kind for event in await events_of(services) if event.kind.startswith("connection.")]
    assert kinds == ["connection.refused", "connection.refused", "connection.added"]


async def test_what_is_no_key_is_said_at_its_field_and_costs_no_code(ada: Caller, services: Services) -> None:
    await pool(services)
    await ada.arrive()
    await ada.get("/exchanges/new")
    await ada.post("/exchanges/new", exchange="kucoin", follow=True)
    code = ada.code()
    for changed, field in (
        ({"key": SECRET, "secret": KEY}, "key"),
        ({"secret": "short"}, "secret"),
        ({"passphrase": ""}, "passphrase"),
        ({"name": " "}, "name"),
        ({"bots": ",".join(f"bot {number}" for number in range(11))}, "bots"),
    ):
        answer = await ada.post("/exchanges/new/kucoin", **{**GIVEN, "code": code, **changed})
        assert answer.status_code == 400
        assert f'href="#{field}"' in ada.text, field
    assert (await ada.post("/exchanges/new/kucoin", **GIVEN, code=code)).status_code == 303


async def test_without_a_fresh_second_factor_no_exchange_is_asked(
    ada: Caller, services: Services, exchange: Obliging
) -> None:
    await pool(services)
    await ada.arrive()
    assert await connects(ada, code="000000") == 403
    assert await connects(ada, code="") == 400
    assert exchange.asked == []


async def test_a_connection_is_checked_called_otherwise_suspended_replaced_and_removed(
    ada: Caller, services: Services, exchange: Obliging
) -> None:
    await pool(services)
    await ada.arrive()
    assert await connects(ada) == 303
    assert ada.last is not None
    here = ada.last.headers["location"].partition("?")[0]
    await ada.get(here)
    await ada.post(f"{here}/edit", name="swing", bots="one, two", follow=True)
    assert "Several bots share this key" in said(ada)
    await ada.post(f"{here}/suspend", follow=True)
    assert "Suspended: nothing uses this key You suspended it." in said(ada)
    await ada.post(f"{here}/check", follow=True)
    assert "bots use it again" in said(ada)
    exchange.more = (WITHDRAWS,)
    await ada.post(f"{here}/check", follow=True)
    assert "Money could leave: Withdraw" in said(ada)
    assert "This key can withdraw money (Transfer)." in said(ada)
    answer = await ada.post(f"{here}/replace", key=OTHER_KEY, secret=SECRET, passphrase=PASSPHRASE)
    assert answer.status_code == 400
    assert "The key was not taken" in said(ada)
    exchange.more = ()
    await ada.post(f"{here}/replace", key=OTHER_KEY, secret=SECRET, passphrase=PASSPHRASE, follow=True)
    assert "delete it at the exchange, too" in said(ada)
    assert f"{OTHER_KEY[:4]}…" in said(ada)
    assert (await ada.post(f"{here}/remove")).status_code == 400
    await ada.post(f"{here}/remove", sure="yes", follow=True)
    assert "Now delete it at KuCoin, too" in said(ada)
    assert (await ada.get(here)).status_code == 404


async def test_a_connection_that_its_owner_stopped_goes_on_with_a_code_only(
    ada: Caller, services: Services, clock: FakeClock
) -> None:
    await pool(services)
    await ada.arrive()
    assert await connects(ada) == 303
    assert ada.last is not None
    here = ada.last.headers["location"].partition("?")[0]
    await ada.get(here)
    await ada.post(f"{here}/suspend", follow=True)
    clock.advance(seconds=11 * 60)
    await ada.get(here)
    assert "Check now" not in said(ada)
    assert (await ada.post(f"{here}/check")).status_code == 400
    assert "You suspended it." in said(ada)
    await ada.post(f"{here}/check", follow=True, code=ada.code())
    assert "bots use it again" in said(ada)


async def test_another_key_takes_over_step_by_step_and_back(
    ada: Caller, services: Services, exchange: Obliging
) -> None:
    await pool(services)
    await ada.arrive()
    assert await connects(ada) == 303
    assert ada.last is not None
    here = ada.last.headers["location"].partition("?")[0]
    new = {"key": OTHER_KEY, "secret": SECRET, "passphrase": PASSPHRASE}
    old_mask, new_mask = (f"{key[:4]}…{key[-4:]}" for key in (KEY, OTHER_KEY))
    await ada.get(here)
    assert (await ada.post(f"{here}/switch")).status_code == 409
    await ada.post(f"{here}/rotate", **new, follow=True)
    assert f"Serves now {old_mask} the old key Kept beside it {new_mask} the new key" in said(ada)
    assert "Check and replace" not in said(ada)
    exchange.more = (WITHDRAWS,)
    assert (await ada.post(f"{here}/switch")).status_code == 400
    assert "This key can withdraw money (Transfer)." in said(ada)
    exchange.more = ()
    await ada.get(here)
    await ada.post(f"{here}/switch", follow=True)
    assert f"Serves now {new_mask} the new key" in said(ada)
    await ada.post(f"{here}/roll-back", follow=True)
    assert "Rolled back. The old key serves" in said(ada)
    await ada.post(f"{here}/rotate", **new, follow=True)
    await ada.post(f"{here}/switch", follow=True)
    await ada.post(f"{here}/finish", follow=True)
    assert "Now delete it at the exchange, too." in said(ada)
    assert f"API key {new_mask}" in said(ada)


async def test_someone_elses_connection_is_no_page_and_takes_no_form(
    ada: Caller, bob: Caller, services: Services
) -> None:
    await pool(services)
    await bob.arrive()
    assert await connects(bob) == 303
    assert bob.last is not None
    theirs = bob.last.headers["location"].partition("?")[0]
    none = f"/exchanges/con_{'0' * 24}"
    await ada.arrive()
    before = await everything(services)
    answers = []
    for path in (theirs, none):
        found = [(await ada.get(path)).status_code]
        await ada.get("/exchanges")
        for what in ("check", "edit", "suspend", "replace", "rotate", "switch", "finish", "roll-back", "remove"):
            form = {"name": "mine", "key": KEY, "secret": SECRET, "passphrase": PASSPHRASE, "sure": "yes"}
            found.append((await ada.post(f"{path}/{what}", **form, code="")).status_code)
        answers.append(found)
    assert answers[0] == answers[1]
    assert set(answers[0]) == {404}
    after = await everything(services)
    assert after["connections"] == before["connections"]
    assert after["held_keys"] == before["held_keys"]


async def test_a_reservation_that_is_over_takes_no_key(ada: Caller, services: Services, clock: FakeClock) -> None:
    await pool(services)
    await ada.arrive()
    await ada.get("/exchanges/new")
    await ada.post("/exchanges/new", exchange="kucoin", follow=True)
    clock.advance(seconds=7_201)
    await ada.sign_in()
    await ada.get("/exchanges/new/kucoin")
    answer = await ada.post("/exchanges/new/kucoin", **GIVEN, code=ada.code())
    assert answer.status_code == 409
    assert "No address is reserved for this key" in said(ada)
    assert 'name="secret"' not in ada.text


async def test_a_bot_that_was_refused_is_explained_and_what_was_pasted_is_not_shown_again(
    ada: Caller, services: Services
) -> None:
    await pool(services)
    await ada.arrive()
    assert await connects(ada) == 303
    await ada.get("/exchanges")
    here = re.findall(r'href="(/exchanges/con_\w+)"', ada.text)[0]
    await ada.get(here)
    pasted = f"key={KEY} kucoin Access denied, require more permission."
    before = await everything(services)
    assert (await ada.post(f"{here}/explain", wanted="futures", said=pasted)).status_code == 200
    assert "The key has not the right that this needs (Futures)." in said(ada)
    assert "Tick “Futures” on the key's page (https://www.kucoin.com/account/api)." in said(ada)
    assert KEY not in ada.text
    await ada.post(f"{here}/explain", wanted="flying", said="no idea")
    assert "KuCoin answered something that is not known here." in said(ada)
    await ada.post(f"{here}/explain", wanted="trade", said="")
    assert "The key may do that, as far as KuCoin said when it was last asked." in said(ada)
    assert (await everything(services))["audit_events"] == before["audit_events"]
