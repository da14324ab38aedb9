"""Money moved between an owner's own books, and between an account and its sub-accounts.

Only the account itself reaches into a sub-account: what a sub-account's key may do ends at the sub-account (K15).
"""

from __future__ import annotations

from decimal import Decimal

from keywright.sandbox import answers, markets, service
from keywright.sandbox.amounts import is_multiple
from keywright.sandbox.call import Call
from keywright.sandbox.model import Balance, Declined, Owner, Purse, SubAccount
from keywright.sandbox.ordering import client_oid
from keywright.sandbox.routes import Route
from keywright.sandbox.routes.funds import BOOKS

_ENABLED, _FROZEN = 2, 3
"""KuCoin's `status` of a sub-account."""

_NOT_IN_RANGE = Declined("400100", "type not in the given range!")


async def universal_transfer(call: Call) -> object:
    """Move money between the owner's books, or to or from a sub-account of it."""
    source = target = call.owner
    match call.field("type"):
        case "INTERNAL":
            pass
        case "PARENT_TO_SUB":
            target = _owner_of(call, await _named(call, call.body.get("toUserId")))
        case "SUB_TO_PARENT":
            source = _owner_of(call, await _named(call, call.body.get("fromUserId")))
        case _:
            raise _NOT_IN_RANGE
    return await _transfer(call, (source, call.field("fromAccountType")), (target, call.field("toAccountType")))


async def inner_transfer(call: Call) -> object:
    """Move money between the owner's main and trade account, by the older route."""
    return await _transfer(call, (call.owner, call.field("from")), (call.owner, call.field("to")))


async def sub_transfer(call: Call) -> object:
    """Move money to (`OUT`) or from (`IN`) a sub-account, by the older route."""
    sub = _owner_of(call, await _named(call, call.body.get("subUserId")))
    own = (call.owner, str(call.body.get("accountType") or "MAIN"))
    other = (sub, str(call.body.get("subAccountType") or "MAIN"))
    match call.field("direction").upper():
        case "OUT":
            return await _transfer(call, own, other)
        case "IN":
            return await _transfer(call, other, own)
        case _:
            raise Declined("400100", "direction not in the given range!")


async def sub_users(call: Call) -> object:
    """Answer a page of the account's sub-accounts; of a sub-account, which has none, an empty one."""
    number, size = call.paging(least=1, most=100)
    found = await _sub_accounts(call)
    shown = found[(number - 1) * size : number * size]
    return answers.page(map(_about, shown), number=number, size=size, total=len(found))


async def sub_balances(call: Call) -> object:
    """Answer what one sub-account has."""
    return await _balances(call, await _named(call, call.path["sub_user_id"]))


async def all_sub_balances(call: Call) -> object:
    """Answer a page of what each sub-account has."""
    number, size = call.paging(least=10, most=100)
    found = await _sub_accounts(call)
    shown = [await _balances(call, sub) for sub in found[(number - 1) * size : number * size]]
    return answers.page(shown, number=number, size=size, total=len(found))


async def _sub_accounts(call: Call) -> list[SubAccount]:
    return [] if call.owner.sub_account else list(await call.sub_accounts_of(call.owner.account_id))


async def _named(call: Call, named: object) -> SubAccount:
    """Return the sub-account that a request names by its user id, its uid or its name; raises `Declined`."""
    for sub in await _sub_accounts(call):
        if str(named) in {_user_id(sub), str(sub.uid), sub.name}:
            return sub
    raise Declined("400100", "sub user not found.")


def _owner_of(call: Call, sub: SubAccount) -> Owner:
    return Owner(call.owner.account_id, sub.name)


def _user_id(sub: SubAccount) -> str:
    """Return what KuCoin calls `userId`: 24 hex digits."""
    return sub.id.removeprefix("sub_")


def _about(sub: SubAccount) -> dict[str, object]:
    return {
        "userId": _user_id(sub),
        "uid": sub.uid,
        "subName": sub.name,
        "status": _FROZEN if sub.is_frozen else _ENABLED,
        "type": 0,
        "access": "All",
        "createdAt": sub.created_at,
        "remarks": sub.memo,
        "tradeTypes": ["Spot"],
        "openedTradeTypes": ["Spot"],
        "hostedStatus": None,
    }


async def _balances(call: Call, sub: SubAccount) -> dict[str, object]:
    async with call.database.read() as tx:
        found = await service.balances(tx, _owner_of(call, sub))
    shown: dict[str, list[dict[str, object]]] = {"main": [], "trade": []}
    for purse, balance in found.items():
        shown[purse.book].append(_sums(purse, balance))
    return {
        "subUserId": _user_id(sub),
        "subName": sub.name,
        "mainAccounts": shown["main"],
        "tradeAccounts": shown["trade"],
        "marginAccounts": [],
        "tradeHFAccounts": [],
    }


def _sums(purse: Purse, balance: Balance) -> dict[str, object]:
    return {
        "currency": purse.currency,
        **answers.sums(balance),
        "baseCurrency": "BTC",
        "baseCurrencyPrice": "0",
        "baseAmount": "0",
        "tag": "DEFAULT",
    }


async def _transfer(call: Call, source: tuple[Owner, str], target: tuple[Owner, str]) -> object:
    books = [BOOKS.get(name.lower()) for _, name in (source, target)]
    if books[0] is None or books[1] is None:
        raise Declined("400100", "payAccountType or recAccountType not in the given range!")
    if (source[0], books[0]) == (target[0], books[1]):
        raise Declined("400100", "The accounts of a transfer must differ.")
    currency, amount = markets.currency(call.field("currency")), call.amount("amount")
    if not is_multiple(amount, of=Decimal(1).scaleb(-currency.precision)):
        raise Declined("400100", "The amount increment is invalid.")
    async with call.database.write() as tx:
        moved = await service.transfer(
            tx,
            call.owner,
            client_oid=client_oid(call.body.get("clientOid")),
            amount=amount,
            source=Purse(source[0], books[0], currency.code),
            target=Purse(target[0], books[1], currency.code),
            now=call.now,
        )
    return {"orderId": moved.id}


ROUTES = (
    Route("POST", "/api/v3/accounts/universal-transfer", universal_transfer),
    Route("POST", "/api/v2/accounts/inner-transfer", inner_transfer),
    Route("POST", "/api/v2/accounts/sub-transfer", sub_transfer),
    Route("GET", "/api/v1/sub/user", sub_users),
    Route("GET", "/api/v2/sub/user", sub_users),
    Route("GET", "/api/v1/sub-accounts/{sub_user_id}", sub_balances),
    Route("GET", "/api/v2/sub-accounts", all_sub_balances),
)
