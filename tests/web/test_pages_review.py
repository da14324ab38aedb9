"""What a second look at the console found: each would be easy to lose again."""

from __future__ import annotations

import shlex
import subprocess

import pyrage
import pytest
from sqlalchemy import update

from keywright.client.snippets import clients_of_key
from keywright.storage.tables import accounts, api_keys
from tests.support.visitor import Caller
from tests.support.world import World

WISH = {"name": "bot", "memo": "", "permissions": "read trade", "environment": "spot", "addresses": ""}


async def test_a_step_up_in_one_tab_leaves_the_button_that_disables_in_another_one_working(ada: Caller) -> None:
    """K10: one click, whatever happened elsewhere meanwhile."""
    await ada.arrive()
    key_id, _ = await ada.make_key("trade")
    ada.clock.advance(seconds=700)
    await ada.get("/api-management")
    in_another_tab = ada.csrf
    await ada.get("/step-up")
    await ada.post("/step-up", code=ada.code())
    answer = await ada.post(f"/api-management/{key_id}/disable", csrf=in_another_tab)
    assert answer.headers["location"] == "/api-management?done=key-disabled"


async def test_a_browser_that_two_accounts_share_is_known_to_both(ada: Caller, world: World) -> None:
    await ada.arrive()
    await ada.post("/sign-out", follow=True)
    first, ada.email = (ada.email, ada.totp_secret), "second@example.org"
    await ada.sign_up()
    await ada.enrol()
    await ada.post("/sign-out", follow=True)
    second = (ada.email, ada.totp_secret)
    for ada.email, ada.totp_secret in (first, second):
        await ada.sign_in()
        await ada.post("/sign-out", follow=True)
    async with world.services.database.read() as tx:
        opened = [one.detail for one in await world.services.audit.list(tx, limit=100) if one.kind == "session.opened"]
    assert ["true" in one for one in opened[::-1]] == [False, False, True, True]


async def test_the_accounts_password_can_not_be_guessed_through_the_passphrase(ada: Caller) -> None:
    """Without a code, in a stolen session: the answer that it is the password is had ten times at most."""
    await ada.sign_up(password="Seven-Lamps-Rain-9")
    await ada.enrol()
    await ada.get("/api-management/new")
    await ada.post("/api-management/new", **WISH)
    seen = [
        (await ada.post("/api-management/create", **WISH, passphrase="Seven-Lamps-Rain-9")).status_code
        for _ in range(11)
    ]
    assert seen == [400] * 10 + [429]


async def test_a_passphrase_that_is_only_too_weak_costs_no_attempt(ada: Caller) -> None:
    await ada.arrive()
    await ada.get("/api-management/new")
    await ada.post("/api-management/new", **WISH)
    for _ in range(12):
        assert (await ada.post("/api-management/create", **WISH, passphrase="Aa1aaaa")).status_code == 400


async def test_a_mistyped_code_is_answered_as_a_code_and_a_recovery_code_serves_for_a_step_up(ada: Caller) -> None:
    codes = await ada.arrive()
    await ada.get("/security")
    for typed in ("12345", "123 456", "1234567"):
        await ada.post("/security/recovery-codes", code=typed)
        assert "That code is not right" in ada.text
    assert "or one of your recovery codes" in ada.text
    answer = await ada.post("/security/recovery-codes", code=codes[0])
    assert answer.status_code == 200


@pytest.mark.parametrize("how", ["frozen", "full"])
async def test_who_can_make_no_key_now_is_told_before_typing_anything(ada: Caller, how: str) -> None:
    await ada.arrive()
    if how == "frozen":
        await ada.get("/security")
        await ada.post("/security/freeze")
    else:
        for number in range(5):
            await ada.make_key(name=f"bot {number}", passphrase=f"Tide-wharf-{number}9-Q")
    assert (await ada.get("/api-management/new")).status_code in {400, 409}
    assert "frozen" in ada.text if how == "frozen" else "at most 5 keys" in ada.text


async def test_the_list_shows_that_a_record_was_altered(ada: Caller, world: World) -> None:
    await ada.arrive()
    key_id, _ = await ada.make_key()
    async with world.services.database.write() as tx:
        await tx.execute(update(api_keys).where(api_keys.c.id == key_id).values(permissions="read,trade,withdraw"))
    await ada.get("/api-management")
    assert "Altered" in ada.text


async def test_no_operator_is_made_by_writing_to_the_database(ada: Caller, world: World) -> None:
    await ada.arrive()
    await world.person("bob@example.org")
    async with world.services.database.write() as tx:
        await tx.execute(update(accounts).values(operator_at=1))
    await ada.get("/operator")
    assert "bob@example.org" not in ada.text


async def test_becoming_an_operator_renews_the_session(ada: Caller, world: World) -> None:
    await ada.arrive()
    await world.person("bob@example.org")
    async with world.services.database.write() as tx:
        code = await world.services.entrance.operators.new_code(tx, now=world.clock())
    await ada.get("/operator")
    before = ada.client.cookies["keywright"]
    await ada.post("/operator/claim", code=code.reveal_text(), follow=True)
    assert ada.client.cookies["keywright"] != before
    assert "bob@example.org" in ada.text


async def test_the_file_of_a_key_can_be_read_by_a_shell_whatever_the_passphrase(ada: Caller) -> None:
    await ada.arrive()
    key_id, secret = await ada.make_key()
    hostile = "aB3$USER#x`id`'\"&("
    answer = await ada.post(
        f"/api-management/{key_id}/download",
        api_key=key_id,
        api_secret=secret,
        api_passphrase=hostile,
        file_password="four-lamps-in-a-row",
    )
    plain = pyrage.passphrase.decrypt(answer.content, "four-lamps-in-a-row").decode()
    assert f"KUCOIN_PASSPHRASE={shlex.quote(hostile)}\n" in plain
    told = subprocess.run(["sh", "-c", f'{plain}\nprintf %s "$KUCOIN_PASSPHRASE"'], capture_output=True, check=True)
    assert told.stdout.decode() == hostile


@pytest.mark.parametrize("environment", ["spot", "futures"])
@pytest.mark.parametrize("may_order", [False, True])
def test_the_code_beside_a_key_is_of_its_environment_and_spends_nothing_it_may_not(
    environment: str, *, may_order: bool
) -> None:
    shown = clients_of_key(spot="http://s", futures="http://f", environment=environment, may_order=may_order)
    text = "\n".join(code for _, code in shown)
    assert ("http://f" in text) or environment == "spot"
    if environment == "futures":
        assert "http://s" not in text
    assert ("create_order" in text) is (may_order and environment == "spot")


async def test_no_hint_at_the_console_names_a_command(ada: Caller) -> None:
    await ada.arrive()
    await ada.get("/api-management/ffffffffffffffffffffffff")
    assert "keywright keys" not in ada.text
    key_id, _ = await ada.make_key()
    await ada.get(f"/api-management/{key_id}")
    await ada.post(f"/api-management/{key_id}/delete", sure="yes")
    assert "keywright keys" not in ada.text
