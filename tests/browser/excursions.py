"""What takes more than one person or one key to look at: a rotating pair, a withdrawal, an account before its operator."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email import message_from_bytes, policy
from email.message import EmailMessage

from playwright.sync_api import Page, expect

from keywright.app.services import opened
from keywright.audit.events import Actor
from keywright.identity.model import FactorProof
from keywright.settings import Settings
from tests.browser.pages import (
    CODE,
    button,
    expect_problem,
    expect_said,
    expect_title,
    field,
    give_code,
    link,
    read_values,
    reload_until,
    section,
    unfold,
)
from tests.browser.place import Running
from tests.browser.shortcut import Account, new_account

TRON = "TXYZabcdefghijkmnopqrstuvwxyz12345"
OWN = "Cliff-Parade-58-V"
"""Each key's passphrase is its own; the account has a key with the usual one."""
PATIENCE = 20.0


def rotating(page: Page, running: Running, account: Account) -> Iterator[str]:
    """Show a key and its successor, from the form on until the old one is off."""
    values = account.makes_key("night", "trade", passphrase=OWN, memo="In Vienna", addresses="127.0.0.1 2001:db8::/48")
    old = f"{running.console}/api-management/{values.api_key}"
    assert running.bot(values).is_served()
    running.clock.advance(minutes=11)  # nothing is confirmed any more
    page.goto(old)
    form = unfold(page, "Make its successor")
    yield "rotate"
    for passphrase, code in (("easy", account.authenticator.wrong_code()), ("Orbit-Lemon-42", "")):
        form.get_by_label("Passphrase of the new key", exact=True).fill(passphrase)
        form.get_by_label(CODE).fill(code or account.authenticator.code())
        button(page, "Make the successor of key night").click()
        if not code:
            break
        expect_problem(page, "passphrase")
        yield "rotate, refused"
    new = read_values(page)
    yield "successor made"
    page.goto(old)
    expect(section(page, "This key is being replaced")).to_contain_text("waits for your word")
    yield "key, its successor waits"
    _acknowledges(page, f"{running.console}/api-management/{new.api_key}/acknowledge")
    assert running.bot(values).is_served()
    page.reload()
    reload_until(section(page, "This key is being replaced"), "127.0.0.1")
    yield "key, being replaced"
    page.goto(f"{running.console}/api-management")
    yield "keys, a pair"
    assert running.bot(new).is_served()
    page.goto(f"{running.console}/api-management/{new.api_key}")
    reload_until(section(page, "This key replaces another"), "Your program uses the new key")
    yield "key, a successor"
    with page.expect_navigation(wait_until="load"):
        button(page, "Disable the old key").click()
    page.goto(old)
    expect(section(page, "This key is being replaced")).to_contain_text("The old key is off")
    yield "key, replaced"


def _acknowledges(page: Page, path: str) -> None:
    """Say that a secret arrived, though its page was left."""
    csrf = page.locator("input[name=csrf]").first.get_attribute("value") or ""
    origin = re.sub(r"(//[^/]+).*", r"\1", path)
    assert page.request.post(path, form={"csrf": csrf}, headers={"origin": origin}).ok


def withdrawing(page: Page, running: Running, account: Account) -> Iterator[str]:
    """Show the list of addresses, and withdrawals before and after they were decided about."""
    payer = running.bot(account.makes_key("payer", "withdraw", passphrase=OWN, addresses="127.0.0.1"))
    running.clock.advance(minutes=11)
    yield from _listing(page, running, account)
    page.goto(f"{running.console}/approvals")
    yield "approvals, none"
    for amount in ("250", "40"):
        order = {"currency": "USDT", "chain": "trx", "amount": amount, "toAddress": TRON, "withdrawType": "ADDRESS"}
        ordered = payer.post(
            "/api/v3/withdrawals", **order, remark="The month’s profit, to where nothing trades it away"
        )
        assert ordered.code == "200000", ordered
    page.reload()
    yield "approvals, two wait"
    page.locator("summary", has_text="Profile menu").click()
    expect(link(page, "Confirmations 2 wait for you")).to_be_visible()
    yield "profile menu, two wait"
    page.reload()
    card = section(page, "Withdraw 250 USDT")
    card.get_by_label(CODE).fill(account.authenticator.wrong_code())
    button(page, "Confirm the withdrawal of 250 USDT").click()
    expect_problem(page, "not right")
    yield "approvals, code refused"
    card.get_by_label(CODE).fill(account.authenticator.code())
    button(page, "Confirm the withdrawal of 250 USDT").click()
    expect_said(page, "Confirmed. It is paid out in a moment.")
    button(page, "Refuse the withdrawal of 40 USDT").click()
    expect(section(page, "Earlier")).to_contain_text("40 USDT")
    yield "approvals, decided"
    page.goto(f"{running.console}/security")
    yield "security, with addresses"


def _listing(page: Page, running: Running, account: Account) -> Iterator[str]:
    page.goto(f"{running.console}/security/withdrawal-addresses")
    expect_title(page, "Withdrawal addresses")
    yield "withdrawal addresses, none"
    add = section(page, "Add an address")
    for address in ("nowhere", TRON):
        add.get_by_label("Name").fill("Cold wallet")
        add.get_by_label("Currency and network").select_option("USDT · TRC20")
        add.get_by_label("Address", exact=True).fill(address)
        if add.get_by_label(CODE).count():
            add.get_by_label(CODE).fill(account.authenticator.code())
        button(page, "Add address").click()
        if address != TRON:
            expect_problem(page)
            yield "withdrawal addresses, refused"
    expect_said(page, "The address is on your list.")
    yield "withdrawal addresses, one"
    unfold(page, "Change")
    field(page, "Don’t ask up to this much a day, in USDT").fill("much")
    button(page, "Stop asking up to this amount").click()
    expect_problem(page)
    yield "withdrawal addresses, exemption refused"
    field(page, "Don’t ask up to this much a day, in USDT").fill("25")
    button(page, "Stop asking up to this amount").click()
    unfold(page, "Change")
    yield "withdrawal addresses, exempt"
    button(page, "Switch on").click()
    expect_said(page, "Every withdrawal goes to your addresses only.")
    running.clock.advance(minutes=11)
    page.reload()
    expect(button(page, "Switch off")).to_be_visible()
    yield "withdrawal addresses, switched on"


def judging(page: Page, running: Running, operator: Account) -> Iterator[str]:
    """Show an account to an operator, who is signed in already, while its identity waits and afterwards."""
    customer = new_account(running, name="customer")
    customer.makes_key("bot", "trade", addresses="127.0.0.1 2001:db8::/48")
    customer.client.close()
    with ThreadPoolExecutor() as aside:  # Playwright's loop runs in this thread
        aside.submit(asyncio.run, _submits_identity(running, customer.email)).result()
    running.clock.advance(minutes=11)
    page.goto(f"{running.console}/operator?search={customer.email}")
    yield "accounts, searched"
    link(page, customer.email).click()
    expect(section(page, "Identity")).to_contain_text("Waits for a decision")
    yield "account, identity waits"
    field(page, CODE).fill(operator.authenticator.wrong_code())
    button(page, "Approve").click()
    expect_problem(page, "not right")
    yield "account, approval refused"
    field(page, "Why it is refused").fill("The name is not the one on the document.")
    button(page, "Refuse").click()
    expect(section(page, "Identity")).to_contain_text("Refused because")
    button(page, f"Freeze account {customer.email}").click()
    expect_said(page, "The account is frozen")
    page.goto(f"{running.console}/operator?search={customer.email}")
    link(page, customer.email).click()
    yield "account, refused and frozen"


def governing(page: Page, running: Running, operator: Account) -> Iterator[str]:
    """Show an operator, who is signed in already, what holds for every account. What is changed is put back."""
    running.clock.advance(minutes=11)
    page.goto(f"{running.console}/operator/posture")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    yield "state of all keys"
    link(page, "Policy").click()
    expect_title(page, "Policy")
    yield "policy"
    field(page, "Keys per account").fill("none")
    give_code(page, operator.authenticator.wrong_code(), press="Save policy")
    expect_problem(page, "whole number")
    yield "policy, refused"
    field(page, "Keys per account").fill("")
    field(page, "Lifetime of a key without addresses").fill("365")
    give_code(page, operator.authenticator.code(), press="Save policy")
    expect_said(page, "The policy is saved.")
    yield "policy, saved"
    field(page, "Lifetime of a key without addresses").fill("")
    button(page, "Save policy").click()
    expect_said(page, "The policy is saved.")
    link(page, "Frozen permissions").click()
    expect_title(page, "Frozen permissions")
    yield "permissions"
    button(page, "Freeze Transfer everywhere").click()
    expect_said(page, "Frozen. Every call that takes this permission is refused")
    running.clock.advance(minutes=11)
    page.reload()
    give = section(page, "Transfer")
    give.get_by_label(CODE).fill(operator.authenticator.wrong_code())
    give.get_by_role("button").click()
    expect_problem(page, "not right")
    yield "permissions, lifting refused"
    give.get_by_label(CODE).fill(operator.authenticator.code())
    give.get_by_role("button").click()
    expect_said(page, "The freeze is lifted.")
    yield from _giving_tokens(page, running, operator)


def _giving_tokens(page: Page, running: Running, operator: Account) -> Iterator[str]:
    link(page, "Service tokens").click()
    link(page, "New service token").click()
    expect_title(page, "New service token")
    running.clock.advance(minutes=11)
    page.reload()
    yield "new service token"
    field(page, "Name").fill("account pages")
    page.get_by_role("checkbox", name="keys:read", exact=True).check()
    give_code(page, operator.authenticator.wrong_code(), press="Make service token")
    expect_problem(page, "where it may be used from")
    yield "new service token, refused"
    page.get_by_label("Addresses of its program").fill("127.0.0.1 2001:db8::/48")
    give_code(page, operator.authenticator.code(), press="Make service token")
    expect_title(page, "Service token account pages is made")
    yield "service token made"
    link(page, "I have stored it").click()
    yield "service tokens"
    button(page, "Disable service token account pages").click()
    expect_said(page, "The service token is disabled.")
    yield "service tokens, one disabled"
    link(page, "Audit log").click()
    expect_title(page, "Audit log")
    button(page, "Check it now").click()
    expect(page.get_by_text("Holds", exact=True)).to_be_visible()
    yield "audit log, checked"
    page.get_by_label("Kind").select_option("policy.changed")
    button(page, "Show").click()
    expect(page.get_by_text("keys_per_account").or_(page.get_by_text("key_lifetime_days")).first).to_be_visible()
    page.locator("summary", has_text="More").first.click()
    yield "audit log, filtered"
    page.get_by_label("Account").fill("nobody@example.org")
    button(page, "Show").click()
    expect_problem(page, "no such account")
    yield "audit log, refused"


async def _submits_identity(running: Running, email: str) -> None:
    """Let an identity wait: the sandbox approves on the spot, so it is submitted as where an exchange stands behind."""
    settings = Settings(data_dir=str(running.installation.data), upstream="https://exchange.example")
    async with opened(settings, clock=running.clock) as services, services.database.write() as tx:
        account = await services.identity.account(tx, email=email)
        await services.own.identities.submit_identity(
            tx,
            account.id,
            name="Ada Lovelace",
            country="GB",
            document="passport",
            last_digits="1815",
            proof=FactorProof(account.id, "totp", running.clock()),
            actor=Actor(account.id),
            now=running.clock(),
        )


def freeze_link(running: Running, email: str) -> str:
    """Wait for a mail with a link "this was not me" for this address; return the link."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for path in (running.installation.data / "outbox").glob("*.eml"):
            letter = message_from_bytes(path.read_bytes(), policy=policy.default)
            assert isinstance(letter, EmailMessage)
            found = re.search(r"http://\S+/notices/freeze\?t=\S+", str(letter.get_content()))
            if letter["To"] == email and found:
                return found[0]
        time.sleep(0.1)
    raise AssertionError(f"no mail with a link came for {email}")
