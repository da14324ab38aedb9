"""An owner's money: balances, statements, fees."""

from __future__ import annotations

from keywright.sandbox import answers, listings, markets, service
from keywright.sandbox.amounts import plain
from keywright.sandbox.call import Call
from keywright.sandbox.markets import MAKER_FEE, TAKER_FEE
from keywright.sandbox.model import Balance, Book, Declined, Search
from keywright.sandbox.routes import Route

BOOKS: dict[str, Book] = {"main": "main", "trade": "trade", "trade_hf": "trade"}
"""What clients call the books. `trade_hf` is another name for `trade`: there is one trade account."""
_MOST_SYMBOLS = 10


async def account_mode(_call: Call) -> object:
    """Answer that this is no unified account."""
    return {"selfAccountMode": "CLASSIC"}


async def hf_opened(_call: Call) -> object:
    """Answer that the high-frequency routes are open: both families of routes trade in one book."""
    return True


async def accounts(call: Call) -> object:
    """Answer the owner's balances. Asked for a type, entries carry that type's name; otherwise main and trade.

    The official client's model knows no other type than those two: one more would empty its whole answer.
    """
    called, currency = call.text("type").lower(), call.text("currency")
    if called and called not in BOOKS:
        return []
    async with call.reading() as tx:
        found = await service.balances(tx, call.owner, currency=currency, book=BOOKS.get(called))
    return [answers.account(purse, balance, called=called or purse.book) for purse, balance in found.items()]


async def account(call: Call) -> object:
    """Answer one balance by its id."""
    async with call.reading() as tx:
        found = await service.balances(tx, call.owner, account_id=call.path["account_id"])
    for purse, balance in found.items():
        return {"currency": purse.currency, **answers.sums(balance)}
    raise Declined("400100", "account not exist.")


async def transferable(call: Call) -> object:
    """Answer how much of a currency could leave a book."""
    currency = markets.currency(call.text("currency", required=True))
    book = BOOKS.get(call.text("type", required=True).lower())
    async with call.reading() as tx:
        found = await service.balances(tx, call.owner, currency=currency.code, book=book) if book else {}
    balance = next(iter(found.values()), Balance())
    return {"currency": currency.code, **answers.sums(balance), "transferable": plain(balance.available)}


async def ledgers(call: Call) -> object:
    """Answer a page of the owner's statement."""
    number, size = call.paging()
    search = _statement(call, books=("main", "trade"), offset=(number - 1) * size, limit=size)
    async with call.reading() as tx:
        found, total = await service.statement_page(tx, call.owner, search)
    return answers.page(map(answers.line, found), number=number, size=size, total=total)


async def hf_ledgers(call: Call) -> object:
    """Answer the newest lines of the owner's trade account."""
    limit = call.whole("limit", least=1, most=200) or 100
    async with call.reading() as tx:
        found, _ = await service.statement_page(tx, call.owner, _statement(call, books=("trade",), limit=limit))
    return [answers.hf_line(entry) for entry in found]


async def trade_fees(call: Call) -> object:
    """Answer what trading the named pairs costs."""
    names = call.text("symbols", required=True).split(",")
    if len(names) > _MOST_SYMBOLS:
        raise Declined("400100", f"symbols: at most {_MOST_SYMBOLS}.")
    return [listings.fees(markets.market(name)) for name in names]


async def base_fee(_call: Call) -> object:
    """Answer what trading costs."""
    return {"takerFeeRate": plain(TAKER_FEE), "makerFeeRate": plain(MAKER_FEE)}


async def no_movements(call: Call) -> object:
    """Answer an empty page: nothing comes in."""
    number, size = call.paging()
    return answers.page((), number=number, size=size, total=0)


def _statement(call: Call, *, books: tuple[Book, ...], limit: int, offset: int = 0) -> Search:
    direction = call.text("direction").lower()
    if direction not in {"", "in", "out"}:
        raise Declined("400100", "direction not in the given range!")
    return Search(
        currencies=tuple(code for code in call.text("currency").split(",") if code),
        books=books,
        direction=direction,
        kind=call.text("bizType"),
        start_at=call.whole("startAt"),
        end_at=call.whole("endAt"),
        before=call.whole("lastId", most=2**63 - 1),
        offset=offset,
        limit=limit,
    )


ROUTES = (
    Route("GET", "/api/ua/v1/account/mode", account_mode),
    Route("GET", "/api/v1/hf/accounts/opened", hf_opened),
    Route("GET", "/api/v1/accounts", accounts),
    Route("GET", "/api/v1/accounts/ledgers", ledgers),
    Route("GET", "/api/v1/accounts/transferable", transferable),
    Route("GET", "/api/v1/accounts/{account_id}", account),
    Route("GET", "/api/v1/hf/accounts/ledgers", hf_ledgers),
    Route("GET", "/api/v1/trade-fees", trade_fees),
    Route("GET", "/api/v1/base-fee", base_fee),
    Route("GET", "/api/v1/deposits", no_movements),
)
