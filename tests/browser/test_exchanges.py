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
from tests.doubles.exchange import Double, DoubleKey, running_in_thread
from tests.doubles.kucoin import KucoinDouble
from tests.support.bad_keys import BAD, Bad

pytestmark = pytest.mark.browser

CONFIRM = "Check and connect"
POOL = tuple(f"127.0.0.{number}" for number in range(1, 7))
SECOND = "127.0.0.8"
TITLES = {"kucoin": "KuCoin", "binance": "Binance", "bitfinex": "Bitfinex"}


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
        for address in POOL:
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

    def gives(self, key: DoubleKey, *, passphrase: str = "", secret: str = "") -> None:
        """Fill in the form as the exchange's page would have it copied, and send it."""
        field(self.page, "Name").fill("night grid")
        field(self.page, "API key").fill(key.key)
        field(self.page, "API secret").fill(secret or key.secret)
        if key.passphrase:
            field(self.page, "Passphrase").fill(passphrase or key.passphrase)
        code = field(self.page, CODE)
        if code.count():
            code.fill(self.account.authenticator.code())
        button(self.page, CONFIRM).click()

    def reads(self, bad: Bad, address: str) -> None:
        """Read on the page what is wrong with a key, in the words of the command line; nothing of the key is there."""
        for sentence in bad.sentences(address):
            expect(self.page.get_by_role("main")).to_contain_text(sentence, ignore_case=True)
        for secret in filter(None, bad.given.values()):
            expect(self.page.get_by_role("main")).not_to_contain_text(secret)
        self.looks()

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
    assert {seen.peer for seen in exchanges.kucoin.seen if "api-key" in seen.path} == {address}
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


@pytest.mark.parametrize("exchange", TITLES)
def test_every_bad_key_is_refused_or_explained_in_the_words_of_the_command_line(
    trader: Trader, exchanges: Exchanges, running: Running, exchange: str
) -> None:
    double: Double = getattr(exchanges, exchange)
    address = trader.begins(TITLES[exchange])
    found = sorted((one for one in BAD if one.exchange == exchange), key=lambda one: one.is_taken)
    cli = running.installation.cli
    for bad in found:
        key, double.skew_ms = bad.make(double, address), bad.skew_ms
        if accepted := exchange == "bitfinex":
            trader.page.get_by_role("checkbox", name="Accept that nobody can prove").set_checked(accepted)
        if tried := exchange == "bitfinex" and bad.defect == "unfiltered":
            assert cli("vault", "egress", "add", SECOND, "--trial", "--server").code == 0
        trader.gives(key, **bad.given)
        trader.reads(bad, address)
        double.skew_ms = 0
        if tried:
            assert cli("vault", "egress", "remove", SECOND, "--server").code == 0
        if bad.is_taken:
            expect_title(trader.page, "night grid")
            trader.page.get_by_role("checkbox", name="Remove night grid for good").check()
            button(trader.page, "Remove connection night grid").click()
            expect_said(trader.page, f"Now delete it at {TITLES[exchange]}, too")
            address = trader.begins(TITLES[exchange])


@pytest.mark.parametrize(
    ("exchange", "said", "told"),
    [
        ("kucoin", "kucoin Access denied, require more permission.", "Tick “Futures” on the key's page"),
        (
            "binance",
            'binance {"code":-2015,"msg":"Invalid API-key, IP, or permissions for action, request ip: {address}"}',
            "Tick “Enable Futures” on the key's page",
        ),
        ("bitfinex", "", "Some kinds of trading must be opened for the account first"),
    ],
)
def test_a_spot_key_that_a_bot_used_for_futures_is_explained(
    trader: Trader, exchanges: Exchanges, exchange: str, said: str, told: str
) -> None:
    address, page = trader.begins(TITLES[exchange]), trader.page
    if exchange == "bitfinex":
        page.get_by_role("checkbox", name="Accept that nobody can prove").check()
    key = getattr(exchanges, exchange).new_key(addresses=(address,))
    trader.gives(key)
    expect_title(page, "night grid")
    row = page.get_by_role("row", name="Futures no proven")
    expect(row).to_have_count(0 if exchange == "bitfinex" else 1)
    page.get_by_text("A bot was refused").click()
    field(page, "What the bot tried").select_option("futures")
    page.get_by_label("What the exchange answered").fill(said.replace("{address}", address))
    button(page, "Explain").click()
    answer = page.locator("#told")
    expect(answer).to_be_focused()
    expect(answer).to_contain_text(told)
    trader.looks()
    page.get_by_role("checkbox", name="Remove night grid for good").check()
    button(page, "Remove connection night grid").click()
    expect_said(page, f"Now delete it at {TITLES[exchange]}, too")
