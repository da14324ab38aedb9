"""API Management: the list, one key and what can be done to it, a new one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from keywright.issuing.addresses import plain_address
from keywright.web.pages.key_pages import parse_addresses
from tests.support.clock import FakeClock
from tests.support.visitor import Caller, everything
from tests.support.world import World

PASSPHRASE = "Tide-wharf-29-Q"
WISH = {"name": "bot", "memo": "Server A", "permissions": "read trade", "environment": "spot", "addresses": ""}


@given(
    st.lists(st.from_regex(r"[0-9a-f.:/]{1,12}", fullmatch=True)),
    st.sampled_from([",", ";", " ", "\r\n", " , ", "\u3000"]),
)
def test_addresses_may_be_separated_as_people_do(entries: list[str], separator: str) -> None:
    assert parse_addresses(separator.join(entries)) == tuple(entries)


@given(st.text(max_size=100))
def test_no_entry_is_empty_or_holds_a_separator(text: str) -> None:
    for entry in parse_addresses(text):
        assert entry
        assert not set(entry) & set(",; \t\r\n")


@pytest.mark.parametrize(
    ("block", "plain"),
    [
        ("203.0.113.7/32", "203.0.113.7"),
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("2001:db8::1/128", "2001:db8::1"),
        ("2001:db8::/32", "2001:db8::/32"),
    ],
)
def test_an_address_is_shown_as_people_write_it(block: str, plain: str) -> None:
    assert plain_address(block) == plain


# ── a new key


async def test_a_key_is_made_in_three_steps_and_its_secret_shown_once(ada: Caller) -> None:
    """K4, K6."""
    await ada.arrive()
    await ada.get("/api-management/new")
    assert re.search(r'value="read"[^>]*checked', ada.text)
    assert not re.search(r'value="(trade|transfer|withdraw)"[^>]*checked', ada.text)
    answer = await ada.post("/api-management/new", **WISH)
    assert answer.status_code == 200
    assert "Places and cancels spot orders" in ada.text
    assert "Expires 90 days after it is made" in ada.text
    answer = await ada.post("/api-management/create", **WISH, passphrase=PASSPHRASE, code=ada.code())
    assert answer.status_code == 200
    secret = re.findall(r"\b[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b", ada.text)
    assert len(set(secret)) == 1
    assert PASSPHRASE in ada.text
    assert "KUCOIN_SECRET_KEY" in ada.text
    key = re.search(r'action="(/api-management/[0-9a-f]{24})/acknowledge"', ada.text)
    assert key
    answer = await ada.post(f"{key[1]}/acknowledge")
    assert answer.headers["location"] == f"{key[1]}?done=key-on"
    await ada.get("/api-management")
    assert secret[0] not in ada.text
    assert PASSPHRASE not in ada.text
    for shown in ("bot", "Server A", "Spot", "Trade", "until"):
        assert shown in ada.text


async def test_going_back_keeps_what_was_typed(ada: Caller) -> None:
    await ada.arrive()
    await ada.get("/api-management/new")
    await ada.post("/api-management/new", **WISH)
    answer = await ada.post("/api-management/create", **WISH, back="1", passphrase=PASSPHRASE)
    assert answer.status_code == 200
    assert 'value="bot"' in ada.text
    assert re.search(r'value="trade"[^>]*checked', ada.text)
    assert PASSPHRASE not in ada.text


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "has 1 to 32 characters"),
        ({"name": "x" * 33}, "has 1 to 32 characters"),
        ({"name": "a\x07b"}, "no invisible characters"),
        ({"name": "a\u202eb"}, "no invisible characters"),
        ({"memo": "x" * 65}, "has 0 to 64 characters"),
        ({"permissions": "read admin"}, "there is no permission 'admin'"),
        ({"environment": "margin"}, "there is no environment 'margin'"),
        ({"addresses": "10.0.0.0/8"}, "is not an address a key can be bound to"),
        ({"addresses": "localhost"}, "is not an address a key can be bound to"),
        ({"addresses": " ".join(f"10.0.0.{n}" for n in range(21))}, "at most 20 entries"),
        ({"permissions": "read withdraw"}, "needs at least one address"),
    ],
)
async def test_what_can_not_be_wished_for_comes_back_at_both_steps(
    ada: Caller, world: World, wrong: dict[str, str], said: str
) -> None:
    await ada.arrive()
    code = ada.code()
    await ada.get("/api-management")
    before = await everything(world.services)
    for path in ("/api-management/new", "/api-management/create"):
        await ada.get("/api-management/new")
        answer = await ada.post(path, **(WISH | wrong), passphrase=PASSPHRASE, code=code)
        assert answer.status_code == 400, path
        assert said.lower() in ada.text.lower()
        assert 'action="/api-management/new"' in answer.text
        assert PASSPHRASE not in ada.text
    assert await everything(world.services) == before, "the code was not used up either"


@pytest.mark.parametrize(
    ("passphrase", "said"),
    [
        ("", "has 7 to 32 characters"),
        ("Tide-wharf-29-Q" * 3, "has 7 to 32 characters"),
        ("tidewharf", "mixes at least three"),
        ("Tide wharf 29", "without spaces"),
        ("Password1!", "easily guessed"),
        ("seven-lamps-under-rain", "mixes at least three"),
    ],
)
async def test_a_passphrase_that_will_not_do_is_said_so(ada: Caller, passphrase: str, said: str) -> None:
    """K18."""
    await ada.arrive()
    await ada.get("/api-management/new")
    await ada.post("/api-management/new", **WISH)
    answer = await ada.post("/api-management/create", **WISH, passphrase=passphrase, code="000000")
    assert answer.status_code == 400
    assert said in ada.text
    assert 'action="/api-management/create"' in answer.text
    assert not passphrase or f'"{passphrase}"' not in ada.text


@pytest.mark.parametrize(
    ("code", "status", "said"), [("", 400, "takes your second factor"), ("wrong", 403, "not right")]
)
async def test_no_key_is_made_without_the_second_factor(ada: Caller, code: str, status: int, said: str) -> None:
    await ada.arrive()
    await ada.get("/api-management/new")
    await ada.post("/api-management/new", **WISH)
    answer = await ada.post("/api-management/create", **WISH, passphrase=PASSPHRASE, code=code and ada.wrong_code())
    assert answer.status_code == status
    assert said in ada.text
    assert 'name="name" value="bot"' in ada.text
    assert PASSPHRASE not in ada.text


async def test_five_keys_and_no_more(ada: Caller) -> None:
    """K7: disabled ones count, deleted ones don't."""
    await ada.arrive()
    keys = [(await ada.make_key(name=f"bot {n}", passphrase=f"Tide-wharf-{n}9-Q"))[0] for n in range(5)]
    await ada.get("/api-management")
    assert 'href="/api-management/new"' not in ada.text
    assert "You have 5 of 5 keys" in ada.text
    await ada.post(f"/api-management/{keys[0]}/disable")
    await ada.get("/api-management/new")
    answer = await ada.post("/api-management/create", **WISH, passphrase="Tide-wharf-69-Q", code=ada.code())
    assert answer.status_code == 400
    assert "at most 5 keys" in ada.text
    await ada.get(f"/api-management/{keys[0]}")
    await ada.post(f"/api-management/{keys[0]}/delete", sure="yes")
    await ada.make_key(name="bot 6", passphrase="Tide-wharf-79-Q")


async def test_a_frozen_account_makes_no_key(ada: Caller) -> None:
    await ada.arrive()
    await ada.get("/security")
    await ada.post("/security/freeze")
    await ada.get("/api-management/new")
    answer = await ada.post("/api-management/create", **WISH, passphrase=PASSPHRASE, code=ada.code())
    assert answer.status_code == 409
    assert "frozen" in ada.text


async def test_the_summary_is_a_part_of_the_page_for_whatever_is_typed(ada: Caller) -> None:
    await ada.arrive()
    await ada.get("/api-management/new")
    csrf = ada.csrf
    for fields in (
        WISH,
        {},
        {"permissions": "read withdraw"},
        {"addresses": "<b>nonsense"},
        {"environment": "futures"},
    ):
        answer = await ada.send("POST", "/api-management/summary", {**fields, "csrf": csrf}, hx_request="true")
        assert answer.status_code == 200
        assert "<html" not in answer.text
        assert "<b>" not in answer.text


# ── one key


async def test_disabling_is_one_click_and_for_htmx_one_row(ada: Caller, clock: FakeClock) -> None:
    """K10."""
    await ada.arrive()
    key, _ = await ada.make_key("trade")
    other, _ = await ada.make_key(passphrase="Sloop-ahead-41-Z")
    await ada.get("/api-management")
    answer = await ada.send("POST", f"/api-management/{key}/disable", {"csrf": ada.csrf}, hx_request="true")
    assert answer.status_code == 200
    assert answer.text.strip().startswith(f'<tr role="row" id="key-{key}"')
    assert answer.text.count("<tr") == 1
    assert "<html" not in answer.text
    assert "Disabled" in answer.text
    assert "Undo" in answer.text, "the code that made the key still serves"
    assert (await ada.post(f"/api-management/{key}/enable")).headers["location"].endswith("?done=key-enabled")
    clock.advance(seconds=11 * 60)
    await ada.get("/api-management")
    answer = await ada.send("POST", f"/api-management/{key}/disable", {"csrf": ada.csrf}, hx_request="true")
    assert "Undo" not in answer.text, "switching on takes a code now"
    assert "Enable" in answer.text
    await ada.get("/api-management")
    answer = await ada.post(f"/api-management/{other}/disable")
    assert answer.headers["location"] == "/api-management?done=key-disabled"


async def test_a_key_is_renamed_bound_enabled_and_deleted(ada: Caller) -> None:
    """K8, K10, K11, K25."""
    await ada.arrive()
    key, _ = await ada.make_key("trade")
    page = f"/api-management/{key}"

    async def done(what: str, **fields: str) -> str:
        await ada.get(page)
        answer = await ada.post(f"{page}/{what}", **fields)
        assert answer.status_code == 303, ada.text
        location: str = answer.headers["location"]
        return location

    assert await done("rename", name="Zoë ☃", memo="“quoted” & <b>") == f"{page}?done=key-renamed"
    await ada.get(page)
    assert "Zoë ☃" in ada.text
    assert "“quoted” & <b>" in ada.text
    assert await done("addresses", addresses="203.0.113.7; 2001:db8::1") == f"{page}?done=addresses-changed"
    await ada.get(page)
    assert "203.0.113.7" in ada.text
    assert "2001:db8::1" in ada.text
    changed = await done("passphrase", current=PASSPHRASE, passphrase="Sloop-ahead-41-Z")
    assert changed == f"{page}?done=passphrase-changed"
    assert await done("disable") == "/api-management?done=key-disabled"
    assert await done("enable") == f"{page}?done=key-enabled"
    await ada.get(page)
    assert (await ada.post(f"{page}/delete", sure="yes")).status_code == 409, "only what is off (K11)"
    assert await done("disable") == "/api-management?done=key-disabled"
    assert (await ada.post(f"{page}/delete", csrf=await _csrf(ada))).status_code == 400, "tick the box first"
    assert await done("delete", sure="yes") == "/api-management?done=key-deleted"
    assert (await ada.get(page)).headers["location"] == "/api-management"
    await ada.get("/api-management")
    for what in ("rename", "addresses", "enable", "delete"):
        answer = await ada.post(f"{page}/{what}", csrf=await _csrf(ada), name="x")
        assert answer.headers["location"] == "/api-management"
    assert (await ada.post(f"{page}/disable", csrf=await _csrf(ada))).status_code == 409


async def _csrf(ada: Caller) -> str:
    await ada.get("/api-management")
    return ada.csrf


@pytest.mark.parametrize(
    ("what", "fields", "status", "said", "kept"),
    [
        ("rename", {"name": "x" * 40, "memo": "kept memo"}, 400, "has 1 to 32 characters", "kept memo"),
        ("addresses", {"addresses": "10.0.0.1/8"}, 400, "is not an address", "10.0.0.1/8"),
        (
            "passphrase",
            {"current": "Wrong-one-29-Q", "passphrase": "Sloop-ahead-41-Z"},
            403,
            "not the key's passphrase",
            "",
        ),
        ("passphrase", {"current": PASSPHRASE, "passphrase": "weak"}, 400, "7 to 32", ""),
        ("passphrase", {"current": PASSPHRASE, "passphrase": PASSPHRASE}, 400, "has already", ""),
        ("enable", {}, 409, "not disabled", ""),
        ("delete", {"sure": "yes"}, 409, "only a disabled key", ""),
    ],
)
async def test_what_is_wrong_with_a_change_is_said_on_the_keys_page(
    ada: Caller, what: str, fields: dict[str, str], status: int, said: str, kept: str
) -> None:
    await ada.arrive()
    key, _ = await ada.make_key()
    await ada.get(f"/api-management/{key}")
    answer = await ada.post(f"/api-management/{key}/{what}", **fields)
    assert answer.status_code == status
    assert said in ada.text.lower()
    assert kept in ada.text
    for secret in (PASSPHRASE, "Sloop-ahead", "Wrong-one"):
        assert secret not in ada.text


async def test_an_old_key_says_so_and_an_expired_one_is_off(ada: Caller, clock: FakeClock) -> None:
    """K9, K19."""
    await ada.arrive()
    trading, _ = await ada.make_key("trade")
    await ada.make_key(passphrase="Sloop-ahead-41-Z", name="reader")
    clock.advance(days=90)
    await ada.sign_in()
    await ada.get("/api-management")
    assert "90 days old: rotate it" in ada.text
    assert "Expired" in ada.text
    await ada.get(f"/api-management/{trading}")
    await ada.post("/step-up", code=ada.code())
    await ada.get(f"/api-management/{trading}")
    assert (await ada.post(f"/api-management/{trading}/enable")).status_code == 409


# ── operators


async def test_an_operator_sees_every_account_and_can_freeze_one(ada: Caller, bob: Caller, world: World) -> None:
    """K21."""
    await bob.arrive()
    await ada.arrive()
    await ada.get("/operator")
    assert "Become the operator" in ada.text
    assert bob.email not in ada.text
    answer = await ada.post("/operator/claim", code="kwop-wrong")
    assert answer.status_code == 403
    assert "kwop-wrong" not in ada.text
    async with world.services.database.write() as tx:
        code = await world.services.entrance.operators.new_code(tx, now=world.clock())
    answer = await ada.post("/operator/claim", code=code.reveal_text())
    assert answer.headers["location"] == "/operator?done=operator-claimed"
    await ada.get("/operator")
    assert bob.email in ada.text
    async with world.services.database.read() as tx:
        bobs = await world.services.identity.account(tx, email=bob.email)
    freeze = f"/operator/accounts/{bobs.id}/freeze"
    assert freeze in ada.text
    answer = await ada.post(freeze)
    assert answer.headers["location"] == "/operator?done=account-frozen"
    await bob.get("/api-management")
    assert "Your account is frozen" in bob.text
    await ada.get("/operator")
    assert (await ada.post(f"/operator/accounts/acc_{'0' * 24}/freeze")).status_code == 404
    await bob.get("/operator")
    assert (await bob.post("/operator/claim", code=code.reveal_text())).status_code == 403, "it serves once"


async def test_a_stranger_is_told_to_sign_in_before_becoming_operator(ada: Caller) -> None:
    await ada.get("/operator")
    assert "Sign in first" in ada.text
    assert 'action="/operator' not in ada.text
