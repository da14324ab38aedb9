"""The new-key page's purposes and addresses, and the line that tells of a key's first request."""

from __future__ import annotations

import re

import pytest

from keywright.gateway import store
from keywright.gateway.model import Attempt
from keywright.issuing.model import Owner, Status
from tests.support.visitor import Caller, events_of
from tests.support.world import World

WISH = {"name": "bot", "memo": "", "permissions": "read trade", "environment": "spot", "addresses": ""}


def ticked(page: str) -> set[str]:
    return set(re.findall(r'name="permissions" value="(\w+)" checked', page))


@pytest.mark.parametrize(
    ("purpose", "name", "permissions", "environment"),
    [
        ("portfolio", "Portfolio", {"read"}, "spot"),
        ("spot-bot", "SpotBot", {"read", "trade"}, "spot"),
        ("futures-bot", "FuturesBot", {"read", "trade"}, "futures"),
        ("export", "Export", {"read"}, "spot"),
        ("payouts", "Payouts", {"read", "withdraw"}, "spot"),
        ("custom", "", {"read"}, "spot"),
        ("", "", {"read"}, "spot"),
        ("../nonsense", "", {"read"}, "spot"),
    ],
)
async def test_a_purpose_fills_in_the_form_by_a_link(
    ada: Caller, purpose: str, name: str, permissions: set[str], environment: str
) -> None:
    """Without script as well; without a purpose only reading is ticked (K4)."""
    await ada.arrive()
    await ada.get(f"/api-management/new?purpose={purpose}")
    assert f'name="name" type="text" value="{name}"' in ada.text
    assert ticked(ada.text) == permissions
    assert re.search(rf'value="{environment}" checked', ada.text)
    assert ada.text.count('aria-current="true" data-purpose') == 1
    assert "<b>" not in ada.text


async def test_the_purpose_that_was_chosen_is_still_chosen_after_a_mistake_and_on_the_way_back(ada: Caller) -> None:
    await ada.arrive()
    await ada.get("/api-management/new?purpose=payouts")
    wish = {**WISH, "purpose": "payouts", "permissions": "read withdraw"}
    chosen = 'aria-current="true" data-purpose="payouts"'
    answer = await ada.post("/api-management/new", **wish)
    assert answer.status_code == 400
    assert chosen in ada.text
    await ada.post("/api-management/new", **{**wish, "addresses": "203.0.113.7"})
    assert 'name="purpose" value="payouts"' in ada.text
    await ada.post("/api-management/create", **{**wish, "addresses": "203.0.113.7"}, back="1")
    assert chosen in ada.text


async def test_addresses_are_echoed_as_they_will_be_kept(ada: Caller) -> None:
    await ada.arrive()
    await ada.get("/api-management/new")
    typed = "203.0.113.0/24,\n  ::ffff:198.51.100.7; 2001:DB8:0::/48\t203.0.113.0/24"
    await ada.post("/api-management/new", **{**WISH, "addresses": typed})
    said = "Works only from 198.51.100.7, 203.0.113.0/24 (256 addresses), 2001:db8::/48 (65,536 networks)."
    assert said in ada.text


@pytest.mark.parametrize("block", ["0.0.0.0/0", "::/0", "10.0.0.0/8"])
async def test_a_block_that_holds_everybody_is_refused_with_what_it_holds(ada: Caller, block: str) -> None:
    await ada.arrive()
    await ada.get("/api-management/new")
    answer = await ada.post("/api-management/new", **{**WISH, "addresses": block})
    assert answer.status_code == 400
    assert "holds" in ada.text
    assert "addresses." in ada.text


async def test_all_that_is_wrong_is_said_at_once_each_with_its_field(ada: Caller) -> None:
    await ada.arrive()
    await ada.get("/api-management/new")
    wrong = {"name": "x" * 33, "memo": "y" * 65, "environment": "moon", "addresses": "203.0.113.7, here"}
    for path in ("/api-management/new", "/api-management/create"):
        answer = await ada.post(path, **{**WISH, **wrong})
        assert answer.status_code == 400
        assert "4 things need your attention" in ada.text
        for name in wrong:
            assert f'<a href="#{name}">' in ada.text
            assert f'id="{name}-error"' in ada.text
        assert "x" * 33 in ada.text, "and what was typed stays"


async def test_the_banner_stands_over_the_form(ada: Caller) -> None:
    """K3."""
    await ada.arrive()
    await ada.get("/api-management/new")
    assert 0 < ada.text.index("Never send key, secret or passphrase") < ada.text.index('id="wish"')


# ── switching it on


async def pending(ada: Caller, *, code: str = "") -> str:
    """Let Ada make a key and say nothing of its values; return its id."""
    await ada.get("/api-management/new")
    await ada.post("/api-management/new", **WISH)
    await ada.post("/api-management/create", **WISH, passphrase="Tide-wharf-29-Q", code=code or ada.code())
    found = re.search(r'action="/api-management/([0-9a-f]{24})/acknowledge"', ada.text)
    assert found, ada.text
    return found[1]


async def test_a_key_is_shown_off_and_switched_on_without_a_code(ada: Caller, world: World) -> None:
    """LIFE-11."""
    await ada.arrive()
    key = await pending(ada)
    async with world.services.database.read() as tx:
        owner = Owner((await world.services.identity.account(tx, email=ada.email)).id)
        assert (await world.services.issuing.key(tx, owner, key)).status_at(world.clock()) is Status.PENDING
    world.clock.advance(seconds=599)
    answer = await ada.post(f"/api-management/{key}/acknowledge")
    assert answer.headers["location"] == f"/api-management/{key}?done=key-on"
    async with world.services.database.read() as tx:
        assert (await world.services.issuing.key(tx, owner, key)).status_at(world.clock()) is Status.ACTIVE
    assert [event.kind for event in await events_of(world.services)][-1] == "key.acknowledged"


async def test_switched_on_in_place_it_is_one_part_of_the_page_without_values(ada: Caller) -> None:
    await ada.arrive()
    key = await pending(ada)
    answer = await ada.send(
        "POST",
        f"/api-management/{key}/acknowledge",
        {"csrf": ada.csrf},
        hx_request="true",
        origin=ada.origin,
        sec_fetch_site="same-origin",
    )
    assert answer.status_code == 200
    assert answer.text.strip().startswith("<section")
    assert "The key is on" in answer.text
    assert "Tide-wharf-29-Q" not in answer.text


async def test_ten_minutes_later_it_can_not_be_switched_on(ada: Caller, world: World) -> None:
    await ada.arrive()
    key = await pending(ada)
    world.clock.advance(seconds=600)
    await ada.get("/api-management")
    answer = await ada.post(f"/api-management/{key}/acknowledge")
    assert answer.status_code == 409
    assert "within ten minutes" in ada.text


async def test_nobody_else_switches_a_key_on(ada: Caller, bob: Caller) -> None:
    await ada.arrive()
    key = await pending(ada)
    await bob.arrive()
    await bob.get("/api-management")
    assert (await bob.post(f"/api-management/{key}/acknowledge")).status_code == 404


async def test_a_refusal_of_the_time_before_is_no_news_once_the_key_is_on(ada: Caller, world: World) -> None:
    await ada.arrive()
    key = await pending(ada)
    path = f"/api-management/{key}/first-use?since={world.clock()}"
    await asked(world, ada, key, "key_pending")
    token = ada.csrf
    await ada.get(f"{path}&shown=waiting")
    assert "Refused: Key not confirmed yet" in ada.text
    await ada.post(f"/api-management/{key}/acknowledge", csrf=token)
    await ada.get(f"{path}&shown=key_pending")
    assert "Waiting for its first request" in ada.text


# ── the first request


async def asked(world: World, ada: Caller, key: str, verdict: str, *, address: str = "203.0.113.7") -> None:
    """Let a request of this key have been answered so."""
    async with world.services.database.read() as tx:
        account = await world.services.identity.account(tx, email=ada.email)
    attempt = Attempt(
        request_id=f"req-{world.clock()}",
        started_at=world.clock(),
        address=address,
        method="GET",
        path="/api/v1/accounts",
        key_id=key,
        account_id=account.id,
        environment="spot",
        verdict=verdict,
        status=200 if verdict == "allowed" else 401,
    )
    async with world.services.database.write() as tx:
        await store.keep_usage(tx, [attempt])


async def test_the_line_waits_and_nothing_is_sent_while_it_does(ada: Caller) -> None:
    await ada.arrive()
    await ada.make_key("trade")
    assert "Waiting for its first request" in ada.text
    watched = re.search(r'data-watch="([^"]+)"', ada.text)
    assert watched
    answer = await ada.get(watched[1])
    assert (answer.status_code, answer.text) == (204, "")


async def test_a_refused_first_request_says_why_and_the_line_goes_on(ada: Caller, world: World) -> None:
    await ada.arrive()
    key, _ = await ada.make_key("trade")
    path = f"/api-management/{key}/first-use?since={world.clock()}"
    await asked(world, ada, key, "passphrase_mismatch")
    answer = await ada.get(f"{path}&shown=waiting")
    assert answer.status_code == 200
    assert "<html" not in ada.text
    assert "Refused: Wrong passphrase" in ada.text
    assert "the passphrase is this key's own" in ada.text
    assert "203.0.113.7" in ada.text
    assert "data-watch" in ada.text
    assert (await ada.get(f"{path}&shown=passphrase_mismatch")).status_code == 204
    world.clock.advance(seconds=2)
    await asked(world, ada, key, "address_not_allowed", address="198.51.100.4")
    await ada.get(f"{path}&shown=passphrase_mismatch")
    assert "Refused: Address not on the list" in ada.text


async def test_the_first_request_that_is_accepted_turns_the_line_green_for_good(ada: Caller, world: World) -> None:
    await ada.arrive()
    key, _ = await ada.make_key("trade")
    path = f"/api-management/{key}/first-use?since={world.clock()}"
    await asked(world, ada, key, "signature_mismatch")
    world.clock.advance(seconds=2)
    await asked(world, ada, key, "allowed")
    await ada.get(f"{path}&shown=signature_mismatch")
    assert 'class="used"' in ada.text
    assert "It works." in ada.text
    assert "203.0.113.7" in ada.text
    assert "data-watch" not in ada.text
    world.clock.advance(seconds=2)
    await asked(world, ada, key, "signature_mismatch")
    await ada.get(f"{path}&shown=waiting")
    assert "It works." in ada.text


@pytest.mark.parametrize("since", ["", "x", "-1", "9" * 40, "²"])
async def test_ten_minutes_are_enough_and_nonsense_is_no_time(ada: Caller, world: World, since: str) -> None:
    await ada.arrive()
    key, _ = await ada.make_key("trade")
    began = world.clock()
    world.clock.advance(seconds=601)
    answer = await ada.get(f"/api-management/{key}/first-use?since={began}&shown=waiting")
    assert answer.status_code == 200
    assert "stopped looking" in ada.text
    assert "data-watch" not in ada.text
    assert (await ada.get(f"/api-management/{key}/first-use?since={since}")).status_code == 200


async def test_somebody_elses_key_has_no_first_use(ada: Caller, bob: Caller) -> None:
    await ada.arrive()
    key, _ = await ada.make_key("trade")
    await bob.arrive()
    answer = await bob.get(f"/api-management/{key}/first-use")
    assert answer.status_code == 404
