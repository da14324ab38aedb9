"""The nouns of the paper exchange. All frozen: a changed order is a new one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from keywright.errors import Conflict, KeywrightError

Side = Literal["buy", "sell"]
Kind = Literal["limit", "market"]
Book = Literal["main", "trade", "equity", "fees"]
"""Which account of an owner: people have `main` (funding) and `trade`, the house has `equity` and `fees`."""

ZERO = Decimal(0)


class Declined(KeywrightError):
    """The exchange says no, in its own words: a code and message that clients match on. Sent with HTTP 200."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, order=True)
class Owner:
    """Whose money and orders: an account, or one sub-account of it. They share nothing."""

    account_id: str
    sub_account: str = ""


HOUSE = Owner("", "house")
"""Counterparty of whatever no user takes. No account has an empty id, so nobody can come to act for it."""
HOUSE_ORDER_ID = "0" * 24


@dataclass(frozen=True, slots=True)
class Market:
    """One trading pair and its rules."""

    base: str
    quote: str
    group: str
    """KuCoin's name for the family of markets: `USDS`, `BTC`."""
    start_price: Decimal
    """What the price path swings around."""
    price_increment: Decimal
    base_increment: Decimal
    quote_increment: Decimal
    base_min: Decimal
    base_max: Decimal
    quote_min: Decimal
    quote_max: Decimal
    depth: Decimal
    """Typical size the house quotes on one level."""
    spread_ticks: int
    """How many increments the best quotes stand away from the middle."""

    @property
    def symbol(self) -> str:
        """`BTC-USDT`."""
        return f"{self.base}-{self.quote}"


@dataclass(frozen=True, slots=True)
class Quote:
    """A price and the size offered at it."""

    price: Decimal
    size: Decimal


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as asked for: every field checked alone and against its market, nothing yet against the books."""

    symbol: str
    side: Side
    kind: Kind
    client_oid: str
    """Empty when the client named none."""
    price: Decimal | None = None
    size: Decimal | None = None
    funds: Decimal | None = None
    time_in_force: str = "GTC"
    cancel_after: int = -1
    """Seconds; only with GTT."""
    post_only: bool = False
    hidden: bool = False
    iceberg: bool = False
    visible_size: Decimal | None = None
    stp: str = ""
    remark: str | None = None
    tags: str | None = None
    trade_type: str = "TRADE"


@dataclass(frozen=True, slots=True)
class Order:
    """An order as it stands."""

    id: str
    number: int
    """Rises with every order of the exchange: time priority."""
    owner: Owner
    new: NewOrder
    created_at: int
    updated_at: int
    """Of the latest placing, fill or cut: from here on the market has to be watched for it."""
    deal_size: Decimal = ZERO
    deal_funds: Decimal = ZERO
    fee: Decimal = ZERO
    cut_size: Decimal = ZERO
    """What was cancelled of the size, by its owner or by self-trade prevention."""
    held: Decimal = ZERO
    """What its owner's trade account holds for it: quote of a buy, base of a sell."""
    open: bool = True
    cancelled: bool = False

    @property
    def remaining(self) -> Decimal:
        """Base still to be traded; zero where the order was given in funds."""
        return ZERO if self.new.size is None else self.new.size - self.deal_size - self.cut_size

    @property
    def limit(self) -> Decimal:
        """The price of an order that can rest; raises `Conflict` for a market order, which never does."""
        if self.new.price is None:
            raise Conflict("a market order has no limit")
        return self.new.price

    @property
    def expires_at(self) -> int | None:
        """When a GTT order is over (ms), if it is one."""
        return self.created_at + self.new.cancel_after * 1000 if self.new.time_in_force == "GTT" else None


@dataclass(frozen=True, slots=True)
class Fill:
    """One user's side of one trade."""

    number: int
    """Shared by both sides of the trade."""
    order_id: str
    counter_order_id: str
    owner: Owner
    symbol: str
    side: Side
    kind: Kind
    liquidity: Literal["taker", "maker"]
    price: Decimal
    size: Decimal
    funds: Decimal
    fee: Decimal
    fee_rate: Decimal
    at: int


@dataclass(frozen=True, slots=True, order=True)
class Purse:
    """Where money lies: one currency in one book of one owner."""

    owner: Owner
    book: Book
    currency: str


@dataclass(frozen=True, slots=True)
class Balance:
    """What lies in a purse. `held` is promised to open orders."""

    available: Decimal = ZERO
    held: Decimal = ZERO
    account_id: str = ""
    """The id under which KuCoin's accounts are asked for, once the row exists."""

    @property
    def total(self) -> Decimal:
        """Available and held together."""
        return self.available + self.held


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an owner's statement: what a movement did to one purse as a whole."""

    purse: Purse
    amount: Decimal
    """Signed."""
    fee: Decimal
    balance: Decimal
    kind: str
    context: str
    at: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class Transfer:
    """Money an owner moved between two books: its own, or one of them a sub-account's."""

    id: str
    owner: Owner
    client_oid: str
    currency: str
    amount: Decimal
    source: str
    """A book of the owner's own, or of a sub-account, `trading1/main`."""
    target: str
    at: int


@dataclass(frozen=True, slots=True)
class SubAccount:
    """What the exchange is told of a sub-account by whoever keeps them."""

    id: str
    uid: int
    name: str
    memo: str
    created_at: int
    is_frozen: bool


SubAccountsOf = Callable[[str], Awaitable[Sequence[SubAccount]]]
"""Returns the sub-accounts of an account, by its id."""


async def no_sub_accounts(_account_id: str) -> Sequence[SubAccount]:
    """Return none: for an exchange that nobody told of any."""
    return ()


Status = Literal["PROCESSING", "SUCCESS", "FAILURE"]
"""Of a withdrawal, in KuCoin's words: waiting to be confirmed and paid; paid; given back."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """Money that leaves the exchange, once its owner has confirmed it."""

    id: str
    owner: Owner
    currency: str
    chain: str
    """The chain's id."""
    address: str
    memo: str
    amount: Decimal
    """What arrives."""
    fee: Decimal
    remark: str
    approval_id: str
    created_at: int
    updated_at: int
    status: Status = "PROCESSING"

    @property
    def total(self) -> Decimal:
        """What it takes from the balance."""
        return self.amount + self.fee


@dataclass(frozen=True, slots=True)
class Search:
    """What of an owner's orders, fills or statement lines is looked for; empty and `None` ask for no limit."""

    symbol: str = ""
    side: str = ""
    kind: str = ""
    order_id: str = ""
    currencies: tuple[str, ...] = ()
    books: tuple[Book, ...] = ()
    direction: str = ""
    start_at: int | None = None
    end_at: int | None = None
    before: int | None = None
    """Only what has a smaller number: KuCoin's `lastId`."""
    offset: int = 0
    limit: int = 100
