"""A key of each exchange is connected by a person in a browser, and bad ones are refused in words that say what to do.

The exchanges are doubles on the loopback that verify signatures, addresses and passphrases. Each page on the way is taken to
axe, light and dark, and shown on the narrowest screen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import CODE, button, expect_said, expect_title, field, link, section
from tests.browser.place import Running, started
from tests.browser.shortcut import Account, new_account
from tests.browser.test_axe import SCHEMES, TOO_WIDE, violations
from tests.browser.window import Window
from tests.doubles.binance import BinanceDouble
from tests.doubles.bitfinex import BitfinexDouble
from tests.doubles.exchange import DoubleKey, running_in_thread
from tests.doubles.kucoin import KucoinDouble

pytestmark = pytest.mark.browser

CONFIRM = "Check and connect"


@dataclass(frozen=True)
class Exchanges:
    """The doubles."""

    kucoin: KucoinDouble
    binance: BinanceDouble
    bitfinex: BitfinexDouble


@pytest.fixture(scope="module")
def exchanges() -> Iterator[Exchanges]:
    with (
        running_in_thread(KucoinDouble()) as kucoin,
        running_in_thread(BinanceDouble()) as binance,
        running_in_thread(BitfinexDouble()) as bitfinex,
    ):
        yield Exchanges(kucoin, binance, bitfinex)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, exchanges: Exchanges) -> Iterator[Running]:
    """Give a server of its own, for which the doubles are the exchanges, with an address for each."""
    urls = {f"KEYWRIGHT_{one.name.upper()}_URL": one.url for one in vars(exchanges).values()}
    with started(tmp_path_factory.mktemp("exchanges"), **urls) as server:
        for double in vars(exchanges).values():
            double.clock = server.clock
        for address in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
            added = server.installation.cli("vault", "egress", "add", address, "--server", **urls)
            assert added.code == 0, added.err
        yield server


@dataclass
class Trader:
    """Who sits before the browser, and looks at each page twice."""

    window: Window
    account: Account

    @property
    def page(self) -> Page:
        return self.window.page

    def looks(self) -> None:
        """Find nothing wrong with the page as it is: for axe in both colours, and on the narrowest screen."""
        wrong = [one for scheme in SCHEMES for one in violations(self.page, scheme)]
        wide = self.page.viewport_size
        self.page.set_viewport_size({"width": 320, "height": 640})
        wrong += self.page.evaluate(TOO_WIDE)
        assert wide
        self.page.set_viewport_size(wide)
        assert not wrong, "\n".join(wrong)

    def begins(self, exchange: str) -> str:
        """Go from the menu to the page of this exchange; return the address that is kept."""
        self.page.locator("summary").filter(has_text=self.account.email).click()
        link(self.page, "Exchanges").click()
        expect_title(self.page, "Exchanges")
        link(self.page, "Connect an exchange").click()
        self.looks()
        button(self.page, exchange).click()
        expect_title(self.page, f"Connect {exchange}")
        expect(section(self.page, "The key’s address")).to_contain_text("Confirmed: seen from outside")
        self.looks()
        return self.page.get_by_role("group", name=f"Address for {exchange}", exact=True).inner_text()

    def gives(self, key: DoubleKey, *, passphrase: str = "") -> None:
        """Fill in the form as the exchange's page would have it copied, and send it."""
        field(self.page, "Name").fill("night grid")
        field(self.page, "API key").fill(key.key)
        field(self.page, "API secret").fill(key.secret)
        if key.passphrase:
            field(self.page, "Passphrase").fill(passphrase or key.passphrase)
        code = field(self.page, CODE)
        if code.count():
            code.fill(self.account.authenticator.code())
        button(self.page, CONFIRM).click()

    def is_refused(self, *said: str) -> None:
        """See why, on top, where the focus is; what was typed of the key is gone."""
        refusal = section(self.page, "The key was not taken")
        expect(refusal).to_be_focused()
        for text in said:
            expect(refusal).to_contain_text(text)
        for name in ("API key", "API secret"):
            expect(field(self.page, name)).to_have_value("")
        self.looks()

    def is_connected(self, *evidence: str) -> None:
        """See the connection's own page, and what is known of each right."""
        expect_title(self.page, "night grid")
        expect_said(self.page, "Connected.")
        rights = section(self.page, "What the key may do")
        for row in evidence:
            expect(rights.get_by_role("row", name=row)).to_be_visible()
        self.looks()


@pytest.fixture
def trader(open_another: Callable[..., Window], running: Running) -> Iterator[Trader]:
    account = new_account(running)
    window = open_another(reduced_motion="reduce")
    window.becomes(account)
    yield Trader(window, account)
    account.client.close()


def test_a_key_of_kucoins_is_connected_once_it_can_do_no_more_than_trade(trader: Trader, exchanges: Exchanges) -> None:
    address = trader.begins("KuCoin")
    page = trader.page
    key = exchanges.kucoin.new_key("General", "Spot", "Transfer", "InnerTransfer", addresses=(address,))
    trader.gives(key, passphrase="Not-the-one-44")
    problems = page.get_by_role("region", name="Something needs your attention")
    expect(problems).to_contain_text("The passphrase is wrong, or the secret")
    trader.gives(key)
    trader.is_refused("This key can withdraw money (Transfer).", "Untick “Withdrawal”", "Untick “FlexTransfers”")
    key.rights = {"permission": "General,Spot"}
    trader.gives(key)
    trader.is_connected("Trade yes proven", "Withdraw no proven Transfer", "Bound to addresses yes declared")
    assert exchanges.kucoin.peers <= {address, "127.0.0.1", "127.0.0.2", "127.0.0.3"}
    key.rights = {"permission": "General,Spot,Transfer"}  # changed at the exchange, behind everybody's back
    button(page, "Check connection night grid now").click()
    expect(page.get_by_text("Money could leave: Withdraw")).to_be_visible()
    trader.looks()
    page.get_by_role("checkbox", name="Remove night grid for good").check()
    button(page, "Remove connection night grid").click()
    expect_said(page, "Now delete it at KuCoin, too")
    trader.looks()


def test_a_key_of_binances_is_taken_only_if_it_is_bound_to_an_address(trader: Trader, exchanges: Exchanges) -> None:
    address = trader.begins("Binance")
    trader.gives(exchanges.binance.new_key(addresses=()))
    trader.is_refused("This key works from any address.", "Restrict access to trusted IPs only", f"enter {address}")
    expect(trader.page.get_by_role("checkbox")).to_have_count(0)  # nobody can accept that
    trader.gives(exchanges.binance.new_key(addresses=(address,)))
    trader.is_connected("Trade yes proven", "Universal transfer no proven", "Bound to addresses yes proven ipRestrict")
    assert exchanges.binance.peers == {address}


def test_what_bitfinex_never_tells_is_taken_on_its_owners_word(trader: Trader, exchanges: Exchanges) -> None:
    address = trader.begins("Bitfinex")
    trader.gives(exchanges.bitfinex.new_key(addresses=(address,), withdraw=(1, 1)))
    trader.is_refused("withdraw write", "Bitfinex does not tell whether this key is bound to addresses.")
    trader.page.get_by_role("checkbox", name="Accept that nobody can prove the key’s list of addresses").check()
    trader.gives(exchanges.bitfinex.new_key(addresses=(address,)))
    trader.is_connected("Withdraw no proven", "Bound to addresses not known not provable")
    expect(section(trader.page, "Accepted all the same")).to_contain_text("on its owner’s word")
    assert exchanges.bitfinex.peers == {address}
    link(trader.page, "Exchanges").first.click()
    expect(trader.page.get_by_role("row", name="night grid")).to_contain_text("list of addresses: not told")
    trader.looks()
