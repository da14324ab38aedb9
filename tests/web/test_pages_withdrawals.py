"""The list of withdrawal addresses, and confirmations, as a browser without a script sees them."""

from __future__ import annotations

import asyncio
import re
from collections import Counter

import pytest
from sqlalchemy import update

from keywright.app.services import Services, wire
from keywright.audit.events import Actor
from keywright.identity.model import FactorProof
from keywright.identity.passwords import CHEAPEST
from keywright.identity.policy_model import Policy
from keywright.sealing.keyring import Keyring
from keywright.storage.tables import approvals
from keywright.storage.transaction import Database
from keywright.web.pages import approvals as confirmations, withdrawal_addresses
from tests.support.clock import FakeClock
from tests.support.holding import Obliging
from tests.support.household import Household, household
from tests.support.visitor import Caller, events_of

LIST, WAITING = withdrawal_addresses.HOME, confirmations.HOME
OTHER = {"label": "Hot wallet", "currency": "usdt", "chain": "trx", "address": "TABCabcdefghijkmnopqrstuvwxyz12345"}


@pytest.fixture
async def home(services: Services, clock: FakeClock) -> Household:
    return await household(services, clock)


async def confirm(home: Household, browser: Caller | None = None, *, code: str = "", digest: str = "") -> int:
    """Confirm what waits as its page shows it; return the status of the answer."""
    browser = browser or home.ada
    await browser.get(WAITING)
    shown = re.search(r'name="digest" value="([0-9a-f]{64})"', browser.text)
    answer = await browser.post(
        f"{WAITING}/{home.approval_id}/confirm",
        digest=digest or (shown[1] if shown else ""),
        code=code or browser.code(),
    )
    return answer.status_code


async def kinds(home: Household) -> list[str]:
    return [row.kind for row in await events_of(home.services) if row.subject == home.approval_id]


async def test_all_that_is_confirmed_is_shown(home: Household) -> None:
    await home.ada.get(WAITING)
    said = re.sub(r"<[^>]+>", "", home.ada.text)
    for words in ("Withdraw 250 USDT", "Cold wallet", "TXYZabcdefghijkmnopqrstuvwxyz12345", "trx", "tok_household"):
        assert words in said
    assert re.search(r'class="menu-count"[^>]*>1<', home.ada.text)
    await home.bob.get(WAITING)
    assert "Nothing waits for you" in home.bob.text
    assert 'class="menu-count"' not in home.bob.text


async def test_whose_it_is_is_shown(home: Household) -> None:
    await home.ada.get(WAITING)
    assert ">Sub-account<" not in home.ada.text
    async with home.services.database.write() as tx:
        now = home.services.clock()
        waits = await home.services.approvals.status(tx, home.approval_id, asked_by="tok_household", now=now)
        account_id = waits.account_id
        await home.services.sub_accounts.create(
            tx, account_id, "grid0001", proof=FactorProof(account_id, "totp", now), actor=Actor(account_id), now=now
        )
        to = {"currency": "USDT", "chain": "trx", "address": "TXYZabcdefghijkmnopqrstuvwxyz12345"}
        await home.services.approvals.ask(
            tx,
            account_id=account_id,
            sub_account="grid0001",
            asked_by="tok_household",
            reference="w2",
            detail={"amount": "3", **to},
            expires_in=3_600_000,
            now=now,
        )
    await home.ada.get(WAITING)
    assert re.search(r">Sub-account</dt>\s*<dd[^>]*><strong[^>]*>grid0001<", home.ada.text), home.ada.text


async def test_each_confirmation_takes_a_code_though_a_step_up_serves(home: Household) -> None:
    await home.ada.get(LIST)
    assert 'name="code"' not in home.ada.text  # a step-up serves there
    await home.ada.get(WAITING)
    digest = re.search(r'name="digest" value="([0-9a-f]{64})"', home.ada.text)
    assert digest
    answer = await home.ada.post(f"{WAITING}/{home.approval_id}/confirm", digest=digest[1])
    assert answer.status_code == 400
    assert "this takes your second factor" in home.ada.text.lower()
    assert await confirm(home) == 303
    assert await kinds(home) == ["approval.asked", "approval.confirmed"]
    await home.ada.get(WAITING)
    assert "Nothing waits for you" in home.ada.text


async def test_a_code_that_served_and_a_recovery_code_confirm_nothing(home: Household) -> None:
    used = home.ada.code()
    await home.ada.get("/step-up")
    await home.ada.post("/step-up", code=used, next="/security")
    assert await confirm(home, code=used) == 403
    assert "used before" in home.ada.text
    assert await confirm(home, code=home.recovery_codes[0]) == 400
    assert "recovery code confirms no withdrawal" in home.ada.text
    assert await confirm(home, code=home.ada.wrong_code()) == 403
    assert await kinds(home) == ["approval.asked"]
    await home.ada.get("/step-up")  # and the recovery code was not used up
    assert (await home.ada.post("/step-up", code=home.recovery_codes[0], next="/security")).status_code == 303


async def test_what_was_altered_since_it_was_shown_is_not_confirmed(home: Household) -> None:
    assert await confirm(home, digest="00" * 32) == 409
    assert "no longer what was shown" in home.ada.text
    async with home.services.database.write() as tx:
        altered = '{"amount":"9000","currency":"USDT","chain":"trx","address":"TABCabcdefghijkmnopqrstuvwxyz12345"}'
        await tx.execute(update(approvals).values(detail=altered))
    assert await confirm(home, digest="00" * 32) == 409
    assert "altered outside Keywright" in home.ada.text
    assert f"{home.approval_id}/confirm" not in home.ada.text
    answer = await home.ada.post(f"{WAITING}/{home.approval_id}/refuse")
    assert answer.status_code == 303


async def test_two_tabs_at_once_confirm_once(home: Household) -> None:
    await asyncio.gather(home.ada.get(WAITING), home.elsewhere.get(WAITING))
    first = home.ada.code()
    second = home.ada.code()
    home.ada.clock.advance(seconds=-20)  # both are of steps that are taken now
    statuses = await asyncio.gather(confirm(home, code=first), confirm(home, home.elsewhere, code=second))
    assert Counter(statuses)[303] == 1
    assert await kinds(home) == ["approval.asked", "approval.confirmed"]


async def test_refusing_takes_no_code_and_is_final(home: Household) -> None:
    await home.elsewhere.get(WAITING)
    assert (await home.elsewhere.post(f"{WAITING}/{home.approval_id}/refuse")).status_code == 303
    assert await confirm(home, digest="00" * 32) == 409
    await home.elsewhere.get(WAITING)
    assert (await home.elsewhere.post(f"{WAITING}/{home.approval_id}/refuse")).status_code == 409
    assert await kinds(home) == ["approval.asked", "approval.refused"]


async def test_nobody_else_sees_or_decides_it(home: Household) -> None:
    await home.bob.get(WAITING)
    for verb in ("confirm", "refuse"):
        answer = await home.bob.post(f"{WAITING}/{home.approval_id}/{verb}", digest="00" * 32, code=home.bob.code())
        assert answer.status_code in {404, 409}
    for verb in ("remove", "exempt", "label"):
        await home.bob.get(LIST)
        answer = await home.bob.post(f"{LIST}/{home.address_id}/{verb}", daily="5", label="x", code=home.bob.code())
        assert answer.status_code == 404 or "no such address" in home.bob.text
    assert await kinds(home) == ["approval.asked"]


async def test_an_address_is_added_named_exempted_and_removed(home: Household) -> None:
    ada = home.ada
    await ada.get(LIST)
    assert "Cold wallet" in ada.text
    await ada.post(f"{LIST}/add", follow=True, **OTHER)
    assert "The address is on your list." in ada.text
    await ada.post(f"{LIST}/{home.address_id}/label", follow=True, label="Ledger")
    assert "Ledger" in ada.text
    await ada.post(f"{LIST}/{home.address_id}/exempt", follow=True, daily="250.0")
    assert "up to 250 USDT a day" in ada.text
    await ada.post(f"{LIST}/{home.address_id}/end-exemption", follow=True)
    assert "up to 250 USDT a day" not in ada.text
    await ada.post(f"{LIST}/{home.address_id}/remove", follow=True)
    assert "Ledger" not in ada.text
    assert "Hot wallet" in ada.text


async def test_without_a_step_up_the_list_is_not_widened(home: Household, clock: FakeClock) -> None:
    clock.advance(seconds=601)
    ada = home.ada
    await ada.get(LIST)
    assert (await ada.post(f"{LIST}/add", **OTHER)).status_code == 400
    assert 'value="Hot wallet"' in ada.text
    await ada.post(f"{LIST}/switch-on", follow=True)
    assert "Every withdrawal goes to your addresses only." in ada.text
    assert (await ada.post(f"{LIST}/switch-off")).status_code == 400
    assert (await ada.post(f"{LIST}/switch-off", code=ada.wrong_code())).status_code == 403
    assert (await ada.post(f"{LIST}/switch-off", code=ada.code())).status_code == 303


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("address", "not one", "no spaces"),
        ("address", "0x00", "does not look like"),
        ("label", "", "1 to 40"),
        ("chain", "", "no network"),
        ("currency", "<script>", "no currency"),
        ("memo", "\t7\u202e", "one line"),
    ],
)
async def test_nonsense_is_told_apart_and_adds_nothing(home: Household, name: str, value: str, said: str) -> None:
    await home.ada.get(LIST)
    answer = await home.ada.post(f"{LIST}/add", **{**OTHER, name: value})
    assert answer.status_code == 400
    assert said in home.ada.text
    async with home.services.database.read() as tx:
        assert len(await home.services.whitelist.of(tx, home.account_id)) == 1


async def test_a_passkey_confirms_what_it_was_asked_for_and_no_step_up_serves(home: Household) -> None:
    await home.ada.get(WAITING)
    page, path = home.ada.text, f"{WAITING}/{home.approval_id}/confirm"
    purpose, digest = (
        re.search(r'data-passkey-purpose="([^"]+)"', page),
        re.search(r'name="digest" value="(\w+)"', page),
    )
    assert purpose
    assert digest

    async def answer(**fields: str) -> str:
        asked = await home.ada.client.post(
            "/passkeys/options", data={"csrf": home.ada.csrf, **fields}, headers={"origin": home.ada.origin}
        )
        return home.soft.get(asked.text)

    for fields in ({}, {"purpose": purpose[1][:-1] + "x"}):
        refused = await home.ada.post(path, digest=digest[1], passkey=await answer(**fields))
        assert refused.status_code == 403
        assert "no longer open" in home.ada.text
    assert await kinds(home) == ["approval.asked"]
    confirmed = await home.ada.post(path, digest=digest[1], passkey=await answer(purpose=purpose[1]))
    assert confirmed.status_code == 303
    assert await kinds(home) == ["approval.asked", "approval.confirmed"]


@pytest.mark.parametrize("language", ["en", "de", "fr"])
async def test_2fa_14_the_pages_say_until_when_withdrawals_rest_and_use_up_no_code(
    database: Database, keyring: Keyring, clock: FakeClock, language: str
) -> None:
    services = wire(database, keyring, policy=Policy(), clock=clock, hasher=CHEAPEST, rest_hours=24, asks=Obliging())
    async with database.write() as tx:
        await services.audit.begin(tx)
    home = await household(services, clock)  # Ada has just added a passkey
    await home.ada.post("/language", language=language, next="/security")
    title = {"en": "Withdrawals rest", "de": "Auszahlungen ruhen", "fr": "Retraits suspendus"}[language]
    for page in (WAITING, LIST, "/security"):
        await home.ada.get(page)
        assert title in home.ada.text, page
        assert "2023" in home.ada.text.partition(title)[2][:400], "the time it ends"
    await home.ada.get(WAITING)
    assert f"{home.approval_id}/confirm" not in home.ada.text
    code = home.ada.code()
    answer = await home.ada.post(f"{WAITING}/{home.approval_id}/confirm", digest="", code=code)
    assert answer.status_code == 409
    await home.bob.get(WAITING)
    assert title not in home.bob.text
    await home.ada.post("/step-up", code=code, next="/security")
    assert not [row for row in await events_of(services) if row.kind == "account.code_reused"]
