"""Keys of other exchanges, shown from the empty list until one is removed: an excursion of the tour."""

from __future__ import annotations

from collections.abc import Iterator

from playwright.sync_api import Page, expect

from tests.browser.pages import (
    CODE,
    button,
    expect_problem,
    expect_said,
    expect_title,
    field,
    link,
    section,
    unfold,
)
from tests.browser.place import Running
from tests.browser.shortcut import Account
from tests.doubles.exchange import DoubleKey

CONNECT = "Check and connect"
ON_TRUST = "Accept that nobody can prove the key’s list of addresses"


def connecting(page: Page, running: Running, account: Account) -> Iterator[str]:
    """Show two exchanges' keys in every state; what was reserved for them is given back at the end."""
    running.clock.advance(minutes=11)  # nothing is confirmed any more
    page.goto(f"{running.console}/exchanges")
    yield "exchanges, none"
    link(page, "Connect an exchange").click()
    yield "exchanges, which"
    yield from _connecting_kucoin(page, running, account)
    yield from _looking_after(page, running)
    yield from _rotating(page, running, account)
    yield from _connecting_bitfinex(page, running, account)
    yield from _removing(page, running, account)


def fill_in_key(page: Page, key: DoubleKey, *, name: str = "", code: str = "") -> None:
    """Type what the exchange showed of a key into the form that is open; the code, where one is asked for."""
    if name:
        field(page, "Name").fill(name)
    field(page, "API key").fill(key.key)
    field(page, "API secret").fill(key.secret)
    if key.passphrase:
        field(page, "Passphrase").fill(key.passphrase)
    if code:
        field(page, CODE).first.fill(code)


def _address(page: Page, title: str) -> str:
    return page.get_by_role("group", name=f"Address for {title}", exact=True).inner_text()


def _connecting_kucoin(page: Page, running: Running, account: Account) -> Iterator[str]:
    button(page, "KuCoin").click()
    expect_title(page, "Connect KuCoin")
    yield "connect KuCoin"
    kucoin = running.exchanges.kucoin
    rights, addresses = ("General", "Spot", "Transfer", "InnerTransfer"), (_address(page, "KuCoin"),)
    key = kucoin.new_key(*rights, addresses=addresses, created_at=running.clock())
    fill_in_key(page, key, name="night grid", code=account.authenticator.wrong_code())
    page.get_by_label("Bot that uses it").fill("grid, the one in Vienna")
    button(page, CONNECT).click()
    expect_problem(page, "not right")
    yield "connect KuCoin, code refused"
    fill_in_key(page, key, code=account.authenticator.code())
    button(page, CONNECT).click()
    expect(section(page, "The key was not taken")).to_be_focused()
    yield "connect KuCoin, key refused"
    key.rights = {"permission": "General,Spot"}
    fill_in_key(page, key)
    button(page, CONNECT).click()
    expect_said(page, "Connected.")
    yield "connection, new"


def _looking_after(page: Page, running: Running) -> Iterator[str]:
    unfold(page, "Name and bots").get_by_label("Name", exact=True).fill("night\tgrid")
    button(page, "Save name and bots").click()
    expect_problem(page)
    yield "connection, name refused"
    button(page, "Suspend connection night grid").click()
    expect(page.get_by_text("You suspended it.")).to_be_visible()
    yield "connection, suspended"
    address = (_address(page, "KuCoin"),)  # others had it before
    key = [key for key in running.exchanges.kucoin.keys.values() if key.addresses == address][-1]
    key.rights = {"permission": "General,Spot,Transfer"}  # changed at the exchange, behind everybody's back
    button(page, "Check connection night grid and use it again").click()
    expect(page.get_by_text("Money could leave: Withdraw")).to_be_visible()
    yield "connection, unfit"
    key.rights = {"permission": "General,Spot"}
    button(page, "Check connection night grid and use it again").click()
    expect_said(page, "bots use it again")


def _rotating(page: Page, running: Running, account: Account) -> Iterator[str]:
    running.clock.advance(minutes=11)
    page.reload()
    address = _address(page, "KuCoin")
    new = running.exchanges.kucoin.new_key("General", "Spot", "Transfer", addresses=(address,))
    unfold(page, "Replace the key")
    yield "connection, replacing"
    fill_in_key(page, new, code=account.authenticator.wrong_code())
    button(page, "Check and rotate the key of night grid").click()
    expect_problem(page, "not right")
    yield "connection, replacing refused"
    fill_in_key(page, new, code=account.authenticator.code())
    button(page, "Check and rotate the key of night grid").click()
    expect(section(page, "The key was not taken")).to_be_focused()
    yield "connection, new key refused"
    new.rights = {"permission": "General,Spot"}
    fill_in_key(page, new)
    button(page, "Check and rotate the key of night grid").click()
    expect(section(page, "The key is being rotated")).to_be_visible()
    yield "connection, being rotated"
    button(page, "Switch to the new key").click()
    expect(button(page, "Finish the rotation")).to_be_visible()
    yield "connection, switched"
    running.clock.advance(minutes=11)
    page.reload()
    yield "connection, switched, code asked for"
    section(page, "The key is being rotated").get_by_label(CODE).fill(account.authenticator.wrong_code())
    button(page, "Finish the rotation").click()
    expect_problem(page, "not right")
    yield "connection, finishing refused"
    section(page, "The key is being rotated").get_by_label(CODE).fill(account.authenticator.code())
    button(page, "Finish the rotation").click()
    expect(button(page, "Finish the rotation")).to_have_count(0)
    yield "connection, rotated"


def _connecting_bitfinex(page: Page, running: Running, account: Account) -> Iterator[str]:
    page.goto(f"{running.console}/exchanges/new/binance")
    expect(button(page, "Get an address")).to_be_visible()
    yield "connect Binance, no address yet"
    button(page, "Get an address").click()
    yield "connect Binance"
    button(page, "Give the address back").click()
    expect_said(page, "The address is free for others again.")
    yield "exchanges, address given back"
    page.goto(f"{running.console}/exchanges/new/bitfinex")
    button(page, "Get an address").click()
    key = running.exchanges.bitfinex.new_key(addresses=(_address(page, "Bitfinex"),))
    fill_in_key(page, key, name="trend")
    button(page, CONNECT).click()
    yield "connect Bitfinex, nothing accepted"
    page.get_by_role("checkbox", name=ON_TRUST).check()
    fill_in_key(page, key)
    button(page, CONNECT).click()
    expect_said(page, "Connected.")
    yield "connection, on its owner's word"
    button(page, "Suspend connection trend").click()
    expect(page.get_by_text("You suspended it.")).to_be_visible()


def _removing(page: Page, running: Running, account: Account) -> Iterator[str]:
    page.goto(f"{running.console}/exchanges")
    expect_title(page, "Exchanges")
    yield "exchanges"
    running.clock.advance(minutes=11)
    link(page, "Manage connection trend").click()
    part = section(page, "Remove for good")
    for code in (account.authenticator.wrong_code(), ""):
        part.get_by_role("checkbox").check()
        part.get_by_label(CODE).fill(code or account.authenticator.code())
        button(page, "Remove connection trend").click()
        if code:
            expect_problem(page, "not right")
            yield "connection, removing refused"
    expect_said(page, "Now delete it at Bitfinex, too")
    yield "exchanges, one removed"
    link(page, "Manage connection night grid").click()
    page.get_by_role("checkbox", name="Remove night grid for good").check()
    button(page, "Remove connection night grid").click()
    expect_said(page, "Now delete it at KuCoin, too")
