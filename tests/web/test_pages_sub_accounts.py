"""Sub-accounts at the console: made with a code, each with its own keys and money, frozen at once (K15)."""

from __future__ import annotations

import re

from tests.support.visitor import Caller, everything
from tests.support.world import World

PASSPHRASE = "Tide-wharf-29-Q"


async def make(caller: Caller, name: str, memo: str = "") -> str:
    """Make a sub-account; return its page."""
    await caller.get("/sub-accounts")
    answer = await caller.post("/sub-accounts/create", name=name, memo=memo, code=caller.code())
    assert answer.status_code == 303, caller.text
    return str(answer.headers["location"].partition("?")[0])


async def test_one_is_made_with_a_code_and_shown(ada: Caller) -> None:
    await ada.arrive()
    await ada.get("/sub-accounts")
    refused = await ada.post("/sub-accounts/create", name="trading1", memo="")
    assert refused.status_code == 400
    page = await make(ada, "trading1", "the night desk")
    await ada.get(page)
    assert "0 keys" in ada.text
    await ada.get("/sub-accounts")
    assert "trading1" in ada.text
    assert "the night desk" in ada.text


async def test_a_name_that_will_not_do_says_why_and_makes_nothing(ada: Caller) -> None:
    await ada.arrive()
    await ada.get("/sub-accounts")
    answer = await ada.post("/sub-accounts/create", name="no digits", memo="x", code=ada.code())
    assert answer.status_code == 400
    assert "at least one of each" in ada.text
    assert 'value="no digits"' in ada.text
    await make(ada, "trading1")
    await ada.get("/sub-accounts")
    answer = await ada.post("/sub-accounts/create", name="trading1", memo="")
    assert answer.status_code == 409


async def test_its_keys_have_a_panel_of_their_own(ada: Caller) -> None:
    await ada.arrive()
    await make(ada, "trading1")
    main, _ = await ada.make_key(name="mainbot", passphrase=PASSPHRASE)
    sub, _ = await ada.make_key(name="subbot", passphrase="Quiet-Harbour-77", sub="trading1")
    await ada.get("/api-management")
    assert (main in ada.text, sub in ada.text) == (True, False)
    assert 'href="/api-management?sub=trading1"' in ada.text
    await ada.get("/api-management/new?sub=trading1")
    assert "purpose=spot-bot&sub=trading1#wish" in ada.text
    assert '<input type="hidden" name="sub" value="trading1">' in ada.text
    await ada.get("/api-management?sub=trading1")
    assert (main in ada.text, sub in ada.text) == (False, True)
    assert 'href="/api-management/new?sub=trading1"' in ada.text


async def test_a_key_of_it_is_managed_like_any_other_and_leads_back_to_its_panel(ada: Caller) -> None:
    await ada.arrive()
    await make(ada, "trading1")
    key, _ = await ada.make_key(name="subbot", passphrase=PASSPHRASE, sub="trading1")
    await ada.get(f"/api-management/{key}")
    assert 'href="/api-management?sub=trading1"' in ada.text
    await ada.get(f"/api-management/{key}/usage")
    answer = await ada.post(f"/api-management/{key}/disable")
    assert answer.headers["location"] == "/api-management?sub=trading1&done=key-disabled"
    await ada.get(f"/api-management/{key}")
    answer = await ada.post(f"/api-management/{key}/delete", sure="yes", code=ada.code())
    assert answer.headers["location"] == "/api-management?sub=trading1&done=key-deleted"


async def test_somebody_elses_is_no_page(ada: Caller, bob: Caller) -> None:
    await ada.arrive()
    page = await make(ada, "trading1")
    key, _ = await ada.make_key(name="subbot", passphrase=PASSPHRASE, sub="trading1")
    await bob.arrive()
    for path in (page, "/api-management?sub=trading1", "/api-management/new?sub=trading1", f"/api-management/{key}"):
        assert (await bob.get(path)).status_code == 404, path
    await bob.get("/sub-accounts")
    for verb in ("freeze", "unfreeze", "describe", "transfer"):
        assert (await bob.post(f"{page}/{verb}", memo="", code=bob.code())).status_code == 404, verb


async def test_money_moves_there_and_back(ada: Caller, world: World) -> None:
    await ada.arrive()
    page = await make(ada, "trading1")
    await ada.get(page)
    assert re.search(r">10000 USDT<", ada.text)
    before = await everything(world.services)
    for amount, said in {
        "": "no amount",
        "-1": "no amount",
        "1e9": "not that much",
        "0.0000000001": "decimals",
    }.items():
        answer = await ada.post(f"{page}/transfer", direction="there", currency="USDT", amount=amount)
        assert (answer.status_code, said in ada.text) == (400, True), amount
    answer = await ada.post(f"{page}/transfer", direction="there", currency="NOPE", amount="1")
    assert answer.status_code == 400
    assert (await everything(world.services))["sandbox_postings"] == before["sandbox_postings"]
    answer = await ada.post(f"{page}/transfer", direction="there", currency="USDT", amount="250")
    assert answer.status_code == 303
    await ada.get(page)
    assert re.search(r">250 USDT<", ada.text)
    await ada.post(f"{page}/transfer", direction="back", currency="USDT", amount="250")
    await ada.get(page)
    assert not re.search(r">250 USDT<", ada.text)


async def test_freezing_takes_no_code_and_thawing_does(ada: Caller) -> None:
    await ada.arrive()
    page = await make(ada, "trading1")
    await ada.get(page)
    assert (await ada.post(f"{page}/freeze")).status_code == 303
    await ada.get("/api-management?sub=trading1")
    assert "This sub-account is frozen" in ada.text
    await ada.get(page)
    assert (await ada.post(f"{page}/describe", memo="days")).status_code == 303
    ada.clock.advance(seconds=660)
    await ada.get(page)
    assert (await ada.post(f"{page}/unfreeze")).status_code == 400
    await ada.get(page)
    assert (await ada.post(f"{page}/unfreeze", code=ada.code())).status_code == 303
