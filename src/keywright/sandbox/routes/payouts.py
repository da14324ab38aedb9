"""Withdrawals: ordered, looked up, cancelled. Nothing leaves before its owner has confirmed it at the console."""

from __future__ import annotations

from decimal import Decimal

from keywright.sandbox import answers, markets, service, withdrawing
from keywright.sandbox.amounts import is_multiple, plain
from keywright.sandbox.approver import Orderer
from keywright.sandbox.call import Call
from keywright.sandbox.markets import Chain, Currency
from keywright.sandbox.model import ZERO, Balance, Declined, Search, Withdrawal
from keywright.sandbox.routes import Route

STATUSES = frozenset({"REVIEW", "PROCESSING", "WALLET_PROCESSING", "SUCCESS", "FAILURE"})
CLIENTS_DEFAULT = "eth"
"""What clients send as chain where their user named none: it stands for the only chain of a currency."""
REMARK_MAX = 100


async def withdraw(call: Call) -> object:
    """Order a withdrawal to an address, by the present route."""
    if call.field("withdrawType") != "ADDRESS":
        raise Declined("400100", "withdrawType not in the given range! Only ADDRESS is there.")
    return await _withdraw(call, call.field("toAddress"))


async def old_withdraw(call: Call) -> object:
    """Order a withdrawal to an address, by the older route."""
    return await _withdraw(call, call.field("address"))


async def _withdraw(call: Call, address: str) -> object:
    currency = markets.currency(call.field("currency"))
    amount = call.amount("amount")
    if not is_multiple(amount, of=Decimal(1).scaleb(-currency.precision)):
        raise Declined("400100", "The amount increment is invalid.")
    if call.body.get("isInner") not in {None, False, "false"}:
        raise Declined("400100", "isInner: there are no inner withdrawals.")
    fee_from = _optional(call, "feeDeductType")
    if fee_from not in {"", "INTERNAL", "EXTERNAL"}:
        raise Declined("400100", "feeDeductType not in the given range!")
    async with call.database.write() as tx:
        ordered = await withdrawing.order(
            tx,
            call.owner,
            currency=currency,
            chain=_chain(currency, _optional(call, "chain")),
            address=address,
            memo=_optional(call, "memo"),
            remark=_optional(call, "remark"),
            amount=amount,
            fee_from=fee_from,
            approver=call.approver,
            by=Orderer(call.key_id, call.address),
            now=call.now,
        )
    return {"withdrawalId": ordered.id}


async def history(call: Call) -> object:
    """Answer a page of the owner's withdrawals."""
    number, size = call.paging()
    status = call.text("status")
    if status and status not in STATUSES:
        raise Declined("400100", "status not in the given range!")
    currency = call.text("currency")
    search = Search(
        currencies=(currency,) if currency else (),
        kind=status,
        start_at=call.whole("startAt"),
        end_at=call.whole("endAt"),
        offset=(number - 1) * size,
        limit=size,
    )
    async with call.reading() as tx:
        found, total = await withdrawing.page(tx, call.owner, search)
    return answers.page(map(_line, found), number=number, size=size, total=total)


async def one(call: Call) -> object:
    """Answer one withdrawal."""
    async with call.reading() as tx:
        found = await withdrawing.find(tx, call.owner, call.path["withdrawal_id"])
    currency = markets.currency(found.currency)
    chain = _chain(currency, found.chain)
    failed = found.status == "FAILURE"
    return {
        **{name: value for name, value in _line(found).items() if name not in {"chain", "updatedAt"}},
        "uid": 0,
        "chainId": chain.id,
        "chainName": chain.name,
        "currencyName": currency.code,
        "failureReason": "not_confirmed" if failed else "",
        "failureReasonMsg": "Its owner did not confirm it, or it was cancelled." if failed else "",
        "addressRemark": "",
        "cancelType": "CANCELABLE" if found.status == "PROCESSING" else "NON_CANCELABLE",
        "taxes": None,
        "taxDescription": "",
        "returnStatus": "NOT_RETURN",
        "returnAmount": "0",
        "returnCurrency": currency.code,
    }


async def cancel(call: Call) -> object:
    """Take a withdrawal back before it is carried out."""
    async with call.database.write() as tx:
        await withdrawing.cancel(tx, call.owner, call.path["withdrawal_id"], approver=call.approver, now=call.now)
    return None


async def quotas(call: Call) -> object:
    """Answer what could be withdrawn. There are no limits beyond the balance."""
    currency = markets.currency(call.text("currency", required=True))
    chain = _chain(currency, call.text("chain"))
    async with call.reading() as tx:
        found = await service.balances(tx, call.owner, currency=currency.code, book="main")
    balance = next(iter(found.values()), Balance())
    fee = Decimal(chain.withdrawal_fee)
    return {
        "currency": currency.code,
        "limitBTCAmount": "1000000",
        "usedBTCAmount": "0",
        "quotaCurrency": "USDT",
        "limitQuotaCurrencyAmount": "1000000000",
        "usedQuotaCurrencyAmount": "0",
        "remainAmount": "1000000000",
        "availableAmount": plain(max(ZERO, balance.available - fee)),
        "withdrawMinFee": chain.withdrawal_fee,
        "innerWithdrawMinFee": "0",
        "withdrawMinSize": chain.min_withdrawal,
        "isWithdrawEnabled": True,
        "precision": currency.precision,
        "chain": chain.name,
        "reason": "",
        "lockedAmount": plain(balance.held),
    }


def _line(found: Withdrawal) -> dict[str, object]:
    return {
        "id": found.id,
        "currency": found.currency,
        "chain": found.chain,
        "status": found.status,
        "address": found.address,
        "memo": found.memo,
        "isInner": False,
        "amount": plain(found.amount),
        "fee": plain(found.fee),
        "walletTxId": f"sandbox-{found.id}" if found.status == "SUCCESS" else "",
        "createdAt": found.created_at,
        "updatedAt": found.updated_at,
        "remark": found.remark,
    }


def _chain(currency: Currency, name: str) -> Chain:
    """Return the chain of this id or name; where none is named, the only one or the clients' default."""
    wanted = name.lower() or CLIENTS_DEFAULT
    for chain in currency.chains:
        if wanted in {chain.id, chain.name.lower()}:
            return chain
    if wanted == CLIENTS_DEFAULT and (len(currency.chains) == 1 or not name):
        return currency.chains[0]
    raise Declined("400100", "chain not in the given range!")


def _optional(call: Call, name: str) -> str:
    """Return a text field of the body that may be missing; raises `Declined` when it is something else."""
    value = call.body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > REMARK_MAX or not (value == "" or value.isprintable()):
        raise Declined("400100", f"{name} is one line of at most {REMARK_MAX} characters.")
    return value


ROUTES = (
    Route("POST", "/api/v3/withdrawals", withdraw),
    Route("POST", "/api/v1/withdrawals", old_withdraw),
    Route("GET", "/api/v1/withdrawals", history),
    Route("GET", "/api/v1/withdrawals/quotas", quotas),
    Route("GET", "/api/v1/withdrawals/{withdrawal_id}", one),
    Route("DELETE", "/api/v1/withdrawals/{withdrawal_id}", cancel),
)
