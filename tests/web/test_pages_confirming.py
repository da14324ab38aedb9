"""What making a key takes at its very end where the profile asks for it: trading password and a code sent by e-mail (K5)."""

from __future__ import annotations

import json
import re
from gettext import NullTranslations

import pytest
from sqlalchemy import select

from keywright.identity.model import FactorProof, Visitor
from keywright.identity.prerequisites import Profile
from keywright.issuing.model import ApiKey, Owner
from keywright.notices.model import Notice, code_place
from keywright.notices.saying import say
from keywright.sealing.envelope import open_sealed
from keywright.secret import Secret
from keywright.storage.tables import deliveries, notices
from tests.support.visitor import PASSWORD, Caller
from tests.support.world import World

WISH = {"name": "bot", "memo": "", "permissions": "read trade", "environment": "spot", "addresses": "203.0.113.7"}
TRADING, PASSPHRASE = "k7Qz2m", "Tide-wharf-29-Q"


@pytest.fixture
async def trader(ada: Caller, world: World) -> Caller:
    """Give someone at a platform who has all that it asks for, at the page that confirms a key."""
    world.given(profile=Profile.PLATFORM)
    await ada.arrive()
    account_id = (await owner_of(ada, world)).account_id
    async with world.services.database.read() as tx:
        session = (await world.services.entrance.sessions.of(tx, account_id, now=world.clock()))[0]
    await world.services.own.trading.set_trading_password(
        session,
        Secret(TRADING),
        password=Secret(PASSWORD),
        proof=FactorProof(account_id, "totp", world.clock()),
        visitor=Visitor(address="127.0.0.1", neighbourhood="127.0.0.1", agent="", device=None, request_id="req"),
        now=world.clock(),
    )
    await ada.get("/api-management/new")
    await ada.post("/api-management/new", **WISH)
    return ada


async def owner_of(caller: Caller, world: World) -> Owner:
    async with world.services.database.read() as tx:
        return Owner((await world.services.identity.account(tx, email=caller.email)).id)


async def mailed(caller: Caller, world: World, purpose: str = "key.create") -> list[str]:
    """Return the codes that lie in the outbox for this address, oldest first."""
    account_id = (await owner_of(caller, world)).account_id
    async with world.services.database.read() as tx:
        rows = await tx.execute(
            select(notices.c.id, deliveries.c.body_sealed, deliveries.c.recipient)
            .join(deliveries, deliveries.c.notice_id == notices.c.id)
            .where(notices.c.account_id == account_id, notices.c.kind == f"code.{purpose}")
            .order_by(deliveries.c.id)
        )
        found = []
        for notice_id, sealed, recipient in rows:
            assert recipient == caller.email
            place = code_place(notice_id, account_id)
            found.append(open_sealed(world.services.keyring, sealed, place=place).reveal_text())
        return found


async def keys(caller: Caller, world: World) -> list[ApiKey]:
    owner = await owner_of(caller, world)
    async with world.services.database.read() as tx:
        return await world.services.issuing.keys(tx, owner)


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06}"


async def make(caller: Caller, mailed_code: str, *, trading: str = TRADING, **wish: str) -> int:
    """Send the last form; return the answer's status."""
    answer = await caller.post(
        "/api-management/create",
        **{**WISH, **wish},
        passphrase=PASSPHRASE,
        code=caller.code(),
        trading_password=trading,
        mailed_code=mailed_code,
    )
    assert PASSPHRASE not in caller.text or answer.status_code == 200
    assert trading not in caller.text or not trading
    return answer.status_code


async def test_k5_a_key_takes_trading_password_and_the_code_from_the_mail(trader: Caller, world: World) -> None:
    assert "Trading password" in trader.text
    assert "Confirmation code" in trader.text
    answer = await trader.post("/api-management/send-code", **WISH)
    assert answer.status_code == 200
    assert f"A code is on its way to {trader.email}" in trader.text
    (code,) = await mailed(trader, world)
    assert re.fullmatch(r"\d{6}", code)
    assert code not in trader.text
    assert await make(trader, code) == 200
    assert len(await keys(trader, world)) == 1


async def messages(caller: Caller, world: World) -> list[str]:
    """Return what the messages with codes say, oldest first."""
    account_id = (await owner_of(caller, world)).account_id
    async with world.services.database.read() as tx:
        query = select(notices).where(notices.c.account_id == account_id, notices.c.kind == "code.key.create")
        rows = list(await tx.execute(query.order_by(notices.c.at, notices.c.id)))
    found = [Notice(row.id, account_id, row.kind, "", json.loads(row.detail), row.at) for row in rows]
    said = [say(one, NullTranslations()) for one in found]
    return [" ".join([one.title, one.text, *(f"{name}: {value}." for name, value in one.facts)]) for one in said]


async def test_the_message_says_which_key_and_what_it_may_do_for_a_successor_alike(
    trader: Caller, world: World
) -> None:
    key = await made(trader, world)
    await trader.post(f"/api-management/{key}/rotate/send-code")
    new, successor = await messages(trader, world)
    for said in (new, successor):
        assert f"Confirm the API key “{WISH['name']}”" in said
        assert "It may: read, trade. It will work for spot, from: 203.0.113.7." in said
    assert f"In place of: {key[:4]}…{key[-4:]}." in successor
    assert "In place of" not in new


async def test_one_profile_asks_for_neither(ada: Caller, world: World) -> None:
    """In the sandbox for oneself nothing is sent, asked or not."""
    await ada.arrive()
    await ada.get("/api-management/new")
    await ada.post("/api-management/new", **WISH)
    assert "Trading password" not in ada.text
    assert "Confirmation code" not in ada.text
    await ada.post("/api-management/send-code", **WISH)
    assert await mailed(ada, world) == []


async def test_what_is_only_missing_uses_up_nothing(trader: Caller, world: World) -> None:
    """No code of the authenticator, no try at what was sent."""
    await trader.post("/api-management/send-code", **WISH)
    (mail,) = await mailed(trader, world)
    code = trader.code()
    form = {**WISH, "passphrase": PASSPHRASE, "code": code}
    for missing in ({"trading_password": TRADING}, {"mailed_code": mail}, {}):
        answer = await trader.post("/api-management/create", **form, **missing)
        assert answer.status_code == 400
        assert re.search(r'href="#(trading_password|mailed_code)"', trader.text)
    answer = await trader.post("/api-management/create", **form, trading_password=TRADING, mailed_code=mail)
    assert answer.status_code == 200


async def test_a_wrong_trading_password_is_said_so_at_its_field(trader: Caller, world: World) -> None:
    await trader.post("/api-management/send-code", **WISH)
    (code,) = await mailed(trader, world)
    assert await make(trader, code, trading="k7Qz2n") == 403
    assert 'href="#trading_password"' in trader.text
    assert await keys(trader, world) == []
    assert await make(trader, code) == 200


async def test_a_wrong_code_is_said_so_at_its_field_and_five_are_too_many(trader: Caller, world: World) -> None:
    await trader.post("/api-management/send-code", **WISH)
    (code,) = await mailed(trader, world)
    for _ in range(5):
        assert await make(trader, wrong(code)) in {403, 429}
        assert 'href="#mailed_code"' in trader.text
    assert await make(trader, code) in {403, 429}
    assert await keys(trader, world) == []


async def test_a_newer_code_makes_the_older_one_worthless(trader: Caller, world: World) -> None:
    for _ in range(2):
        await trader.post("/api-management/send-code", **WISH)
    older, newer = await mailed(trader, world)
    if older != newer:
        assert await make(trader, older) == 403
    assert await make(trader, newer) == 200


async def test_a_code_is_too_old_after_fifteen_minutes(trader: Caller, world: World) -> None:
    await trader.post("/api-management/send-code", **WISH)
    (code,) = await mailed(trader, world)
    world.clock.advance(seconds=15 * 60)
    await trader.get("/api-management/new")
    assert await make(trader, code) == 403
    assert "no code is waiting" in trader.text.lower()


@pytest.mark.parametrize(
    "other", [{"permissions": "read transfer"}, {"environment": "futures"}, {"addresses": "198.51.100.4"}]
)
async def test_a_code_confirms_the_key_it_was_sent_for_and_no_stronger_one(
    trader: Caller, world: World, other: dict[str, str]
) -> None:
    await trader.post("/api-management/send-code", **WISH)
    (code,) = await mailed(trader, world)
    assert await make(trader, code, **other) == 403
    assert await keys(trader, world) == []
    assert "A code is on its way" not in trader.text, "none is, for this one"


async def test_sent_in_place_it_is_a_part_of_the_page_with_what_went_wrong(trader: Caller, world: World) -> None:
    token = trader.csrf
    for sent in range(12):
        answer = await trader.send(
            "POST",
            "/api-management/send-code",
            {**WISH, "csrf": token},
            hx_request="true",
            origin=trader.origin,
            sec_fetch_site="same-origin",
        )
        assert answer.status_code == 200
        assert "<html" not in answer.text
        if "on its way" not in answer.text:
            assert sent > 0
            assert 'class="error"' in answer.text
            break
    else:
        pytest.fail("a mailbox takes any number of codes")
    assert len(await mailed(trader, world)) == sent


async def test_no_code_is_sent_for_what_can_not_be_wished_for(trader: Caller, world: World) -> None:
    answer = await trader.post("/api-management/send-code", **{**WISH, "addresses": "0.0.0.0/0"})
    assert answer.status_code == 400
    assert await mailed(trader, world) == []


async def made(trader: Caller, world: World) -> str:
    """Make a key at a platform; return its id, with its page open and the step-up still fresh."""
    await trader.post("/api-management/send-code", **WISH)
    assert await make(trader, (await mailed(trader, world))[-1]) == 200
    key = (await keys(trader, world))[0].id
    await trader.post(f"/api-management/{key}/acknowledge")
    await trader.get(f"/api-management/{key}")
    return key


async def rotate(caller: Caller, key: str, **typed: str) -> int:
    fields = {"passphrase": "Moor-chain-83-W", "overlap": "24", **typed}
    return (await caller.post(f"/api-management/{key}/rotate", **fields)).status_code


async def test_k12_a_successor_takes_trading_password_and_a_code_of_its_own(trader: Caller, world: World) -> None:
    key = await made(trader, world)
    assert 'id="rotate-trading_password"' in trader.text
    assert 'id="rotate-mailed_code"' in trader.text
    assert await rotate(trader, key) == 400
    assert 'href="#rotate-trading_password"' in trader.text
    assert await rotate(trader, key, trading_password=TRADING) == 400
    assert 'href="#rotate-mailed_code"' in trader.text
    await trader.post(f"/api-management/{key}/rotate/send-code")
    assert f"A code is on its way to {trader.email}" in trader.text
    code = (await mailed(trader, world))[-1]
    assert await rotate(trader, key, trading_password="k7Qz2n", mailed_code=code) == 403
    assert await rotate(trader, key, trading_password=TRADING, mailed_code=wrong(code)) == 403
    assert len(await keys(trader, world)) == 1
    assert await rotate(trader, key, trading_password=TRADING, mailed_code=code) == 200
    assert len(await keys(trader, world)) == 2


async def test_a_code_for_a_new_key_confirms_no_successor_nor_the_other_way(trader: Caller, world: World) -> None:
    key = await made(trader, world)
    await trader.post("/api-management/send-code", **WISH)
    code = (await mailed(trader, world))[-1]
    assert await rotate(trader, key, trading_password=TRADING, mailed_code=code) == 403
    await trader.post(f"/api-management/{key}/rotate/send-code")
    code = (await mailed(trader, world))[-1]
    form = {**WISH, "passphrase": "Moor-chain-83-W", "trading_password": TRADING, "mailed_code": code}
    assert (await trader.post("/api-management/create", **form)).status_code == 403
    assert len(await keys(trader, world)) == 1


async def rebind(caller: Caller, key: str, addresses: str, **typed: str) -> int:
    return (await caller.post(f"/api-management/{key}/addresses", addresses=addresses, **typed)).status_code


async def bound_to(trader: Caller, world: World) -> tuple[str, ...]:
    return (await keys(trader, world))[0].grant.addresses


async def test_k8_other_addresses_take_what_a_new_key_takes_and_a_code_for_these(trader: Caller, world: World) -> None:
    key = await made(trader, world)
    before, new = await bound_to(trader, world), "198.51.100.4\n198.51.100.5"
    assert 'id="addresses-trading_password"' in trader.text
    assert await rebind(trader, key, new) == 400
    assert 'href="#addresses-trading_password"' in trader.text
    assert await rebind(trader, key, new, trading_password=TRADING) == 400
    assert 'href="#addresses-mailed_code"' in trader.text
    await trader.post(f"/api-management/{key}/addresses/send-code", addresses=new)
    assert f"A code is on its way to {trader.email}" in trader.text
    assert "198.51.100.5" in trader.text, "what was typed stays there"
    code = (await mailed(trader, world, "key.addresses"))[-1]
    typed = {"trading_password": TRADING, "mailed_code": code}
    assert await rebind(trader, key, new, **{**typed, "trading_password": "k7Qz2n"}) == 403
    assert await rebind(trader, key, new, **{**typed, "mailed_code": wrong(code)}) == 403
    assert await rebind(trader, key, "203.0.113.66", **typed) == 403, "it was sent for other ones"
    assert await bound_to(trader, world) == before
    assert await rebind(trader, key, "198.51.100.5, 198.51.100.4", **typed) == 303
    assert await bound_to(trader, world) == ("198.51.100.4/32", "198.51.100.5/32")
    await trader.get(f"/api-management/{key}")
    assert await rebind(trader, key, new, **typed) == 403, "it serves once"


async def test_no_code_is_sent_for_addresses_that_can_not_be_taken(trader: Caller, world: World) -> None:
    key = await made(trader, world)
    answer = await trader.post(f"/api-management/{key}/addresses/send-code", addresses="0.0.0.0/0")
    assert answer.status_code == 400
    assert 'href="#addresses-addresses"' in trader.text
    assert await mailed(trader, world, "key.addresses") == []
    assert (await trader.post("/api-management/" + "0" * 24 + "/addresses/send-code", addresses="")).status_code == 404
