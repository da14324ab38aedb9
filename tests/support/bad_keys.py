"""Keys that people bring by mistake, one for each exchange and each mistake: what the double makes, and what must be said.

One table for both surfaces: `tests/cli/test_bad_keys.py` gives each at the command line, `tests/browser/test_bad_keys.py`
in Chromium. What is said is what a person reads on either; the case of its first letter and the full stop are the surface's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.doubles.binance import BinanceDouble
from tests.doubles.bitfinex import BitfinexDouble
from tests.doubles.exchange import Double, DoubleKey
from tests.doubles.kucoin import KucoinDouble

ELSEWHERE = "127.0.0.99"
"""An address that the key is bound to, and nobody here has."""
DAY_MS = 86_400_000
PAGES = {
    "kucoin": "https://www.kucoin.com/account/api",
    "binance": "https://www.binance.com/en/my/settings/api-management",
    "bitfinex": "https://setting.bitfinex.com/api",
}


@dataclass(frozen=True)
class Bad:
    """A key with one thing wrong."""

    exchange: str
    defect: str
    make: Callable[[Double, str], DoubleKey]
    """Makes it at the double, for the address that was shown."""
    code: int
    """What the command ends with."""
    says: tuple[str, ...]
    """What is read. `{address}` is the address that was shown, `{page}` the page of keys at the exchange."""
    given: dict[str, str] = field(default_factory=dict)
    """What is typed in place of the key's own parts."""
    skew_ms: int = 0
    """How far the exchange's clock is ahead."""
    is_taken: bool = False
    """It is held, with a warning."""

    @property
    def id(self) -> str:
        return f"{self.exchange}, {self.defect}"

    def sentences(self, address: str) -> list[str]:
        return [one.replace("{address}", address).replace("{page}", PAGES[self.exchange]) for one in self.says]


def _kucoin(*permissions: str, bound: bool = True, **rest: object) -> Callable[[Double, str], DoubleKey]:
    def make(double: Double, address: str) -> DoubleKey:
        assert isinstance(double, KucoinDouble)
        return double.new_key(*permissions, addresses=(address,) if bound else (), **rest)

    return make


def _binance(*, bound: bool = True, **flags: bool) -> Callable[[Double, str], DoubleKey]:
    def make(double: Double, address: str) -> DoubleKey:
        assert isinstance(double, BinanceDouble)
        return double.new_key(addresses=(address,) if bound else (), **flags)

    return make


def _bitfinex(*, bound: bool = True, **scopes: tuple[int, int]) -> Callable[[Double, str], DoubleKey]:
    def make(double: Double, address: str) -> DoubleKey:
        assert isinstance(double, BitfinexDouble)
        return double.new_key(addresses=(address,) if bound else (), **scopes)

    return make


def _bound_elsewhere(make: Callable[[Double, str], DoubleKey]) -> Callable[[Double, str], DoubleKey]:
    return lambda double, _: make(double, ELSEWHERE)


def _deleted(make: Callable[[Double, str], DoubleKey]) -> Callable[[Double, str], DoubleKey]:
    """An ended key is one that the exchange does not know any more."""

    def gone(double: Double, address: str) -> DoubleKey:
        key = make(double, address)
        key.deleted = True
        return key

    return gone


def _ended(double: Double, address: str) -> DoubleKey:
    key = _binance()(double, address)
    key.expires_at = double.now - DAY_MS
    return key


def _used_elsewhere(double: Double, address: str) -> DoubleKey:
    key = _bitfinex()(double, address)
    key.last_nonce = 9_000_000_000_000_000
    return key


ANOTHER_SECRET = "0fb2b3a4-5c6d-4e7f-8a9b-0c1d2e3f4a5b"
DELETE_IT = "Better: delete it and make a new one, since this one's secret has been out with that right"
KUCOINS_PASSPHRASE = (
    "the passphrase is wrong, or the secret: KuCoin checks one with the other",
    "enter both again: the passphrase is the one you chose when you made this key, not your password at KuCoin",
)
BINANCES_ONE_ANSWER = (
    "Binance does not know this key, or does not take it from this address",
    "look on the key's page ({page}), in this order: is {address} under “Restrict access to trusted IPs only”, is the key there",
)
BITFINEXS_ONE_ANSWER = (
    "Bitfinex has one answer for an unknown key, a wrong signature and a foreign address",
    "look on the page of your keys ({page}), in this order: is this key there, is {address} under “IP Access restrictions”",
)

BAD = [
    # A key that can withdraw.
    Bad(
        *("kucoin", "withdrawal", _kucoin("General", "Spot", "Transfer"), 10),
        (
            "this key can withdraw money (Transfer)",
            "untick “Withdrawal” on the key's page at KuCoin ({page})",
            DELETE_IT,
        ),
    ),
    Bad(
        *("binance", "withdrawal", _binance(enableWithdrawals=True), 10),
        (
            "this key can withdraw money (enableWithdrawals)",
            "untick “Enable Withdrawals” on the key's page at Binance ({page})",
            DELETE_IT,
        ),
    ),
    Bad(
        *("bitfinex", "withdrawal", _bitfinex(withdraw=(1, 1)), 10),
        (
            "this key can withdraw money (withdraw write)",
            "untick “Withdrawals” on the key's page at Bitfinex ({page})",
            DELETE_IT,
        ),
    ),
    # One that works from anywhere. What Bitfinex does not tell is tried from the second address.
    Bad(
        *("kucoin", "unfiltered", _kucoin(bound=False), 11),
        (
            "this key works from any address",
            "switch on “IP Restriction” on the key's page at KuCoin ({page}) and enter {address}, nothing else",
        ),
    ),
    Bad(
        *("binance", "unfiltered", _binance(bound=False), 11),
        (
            "this key works from any address",
            "switch on “Restrict access to trusted IPs only” on the key's page at Binance ({page}) and enter {address}, nothing",
        ),
    ),
    Bad(
        *("bitfinex", "unfiltered", _bitfinex(bound=False), 11),
        (
            "this key works from any address",
            "switch on “IP Access restrictions” on the key's page at Bitfinex ({page}) and enter {address}, nothing else",
        ),
    ),
    # One that ended. Binance keeps the key and takes its right to trade; the others don't know it any more.
    Bad(
        *("kucoin", "expired", _deleted(_kucoin()), 4),
        (
            "KuCoin does not know this key",
            "it was deleted there, it ended, or it was made for another site or environment. Look on the page of your keys ({page})",
        ),
    ),
    Bad(
        *("binance", "expired", _ended, 0),
        (
            "this key's right to trade ended on 20",
            "tick “Enable Spot & Margin Trading” again on the key's page at Binance ({page}); with an address filter it does not",
        ),
        is_taken=True,
    ),
    Bad("binance", "deleted", _deleted(_binance()), 11, BINANCES_ONE_ANSWER),
    Bad("bitfinex", "expired", _deleted(_bitfinex()), 4, BITFINEXS_ONE_ANSWER),
    # A wrong passphrase. Only KuCoin's keys have one, and it checks it with the secret.
    Bad("kucoin", "passphrase", _kucoin(), 4, KUCOINS_PASSPHRASE, given={"passphrase": "Not-the-one-44"}),
    Bad("kucoin", "secret", _kucoin(), 4, KUCOINS_PASSPHRASE, given={"secret": ANOTHER_SECRET}),
    Bad(
        *("binance", "secret", _binance(), 4),
        ("the secret does not fit this key: Binance finds the signature wrong", "enter the secret again"),
        given={"secret": "s" * 64},
    ),
    Bad(
        *("bitfinex", "secret", _bitfinex(), 4),
        ("the secret does not fit this key: Bitfinex finds the signature wrong", "enter the secret again"),
        given={"secret": "s" * 43},
    ),
    # A clock that is wrong by more than is corrected. Bitfinex looks at none, but at nonces.
    Bad(
        *("kucoin", "clock", _kucoin(), 13),
        (
            "this machine's clock is 4",
            "seconds ahead of KuCoin's",
            "(timedatectl set-ntp true)",
            "nothing is wrong with the key",
        ),
        skew_ms=-45_000,
    ),
    Bad(
        *("binance", "clock", _binance(), 13),
        (
            "this machine's clock is 4",
            "seconds behind Binance's",
            "(timedatectl set-ntp true)",
            "nothing is wrong with the key",
        ),
        skew_ms=45_000,
    ),
    Bad(
        *("bitfinex", "nonce", _used_elsewhere, 4),
        ("is not above the last one that this key was used with", "another program uses this key"),
    ),
    # One that is bound to another address.
    Bad(
        *("kucoin", "address", _bound_elsewhere(_kucoin()), 11),
        (
            "KuCoin does not take this key from {address}",
            "enter {address} under “IP Restriction” on the key's page ({page}). Don't switch that filter off",
        ),
    ),
    Bad("binance", "address", _bound_elsewhere(_binance()), 11, BINANCES_ONE_ANSWER),
    Bad("bitfinex", "address", _bound_elsewhere(_bitfinex()), 4, BITFINEXS_ONE_ANSWER),
    # One that can do nothing, or can't be asked.
    Bad(
        *("kucoin", "not readable", _kucoin("Spot"), 6),
        ("the key has not the right that this needs (General)", "tick “General” on the key's page ({page})"),
    ),
    Bad(
        *("binance", "not trading", _binance(enableSpotAndMarginTrading=False), 0),
        ("this key can't trade", "tick “Enable Spot & Margin Trading” on the key's page at Binance ({page})"),
        is_taken=True,
    ),
]
"""Every exchange with every mistake that can be made there."""
DEFECTS = ("withdrawal", "unfiltered", "expired", "passphrase", "secret", "clock", "address")
IMPOSSIBLE = {("binance", "passphrase"), ("bitfinex", "passphrase"), ("bitfinex", "clock")}
"""Where an exchange has no such thing: no passphrase, no time that is signed."""
