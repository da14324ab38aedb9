"""Verbs of withdrawals: ordered and held, carried out once on the owner's word, or given back.

Everything of one step is one transaction: the owner's word is taken in that which moves the money, so that a process that
dies before its end has done neither, and whoever looks next does both.
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

from keywright.ids import new_key_id
from keywright.sandbox import ledger, service
from keywright.sandbox.approver import Approver, Orderer
from keywright.sandbox.ledger import Movement, Posting
from keywright.sandbox.markets import Chain, Currency
from keywright.sandbox.model import HOUSE, ZERO, Balance, Declined, Owner, Purse, Search, Status, Withdrawal
from keywright.sandbox.store import money, withdrawals
from keywright.storage.transaction import Tx

SHORT = Declined("230003", "Balance insufficient!")


async def order(
    tx: Tx,
    owner: Owner,
    *,
    currency: Currency,
    chain: Chain,
    address: str,
    memo: str,
    remark: str,
    amount: Decimal,
    fee_from: str,
    approver: Approver,
    by: Orderer,
    now: int,
) -> Withdrawal:
    """Set a withdrawal's money aside and ask the owner to confirm it; return it as it waits.

    `fee_from` says where the fee is taken: `INTERNAL` from what arrives, `EXTERNAL` on top, empty: on top where the balance
    covers it. Raises `Declined` where it does not, below the least amount, and when the owner can't be asked for it.
    """
    await service.attend(tx, owner, now=now)
    fee = Decimal(chain.withdrawal_fee)
    if amount < Decimal(chain.min_withdrawal):
        raise Declined("400100", "The withdrawal amount is below the minimum requirement.")
    purse = Purse(owner, "main", currency.code)
    available = (await money.balances(tx, [purse])).get(purse, Balance()).available
    if fee_from == "INTERNAL" or (not fee_from and available < amount + fee):
        amount -= fee
    if amount <= ZERO:
        raise Declined("400100", "The withdrawal amount is below the minimum requirement.")
    waiting = Withdrawal(
        *(new_key_id(), owner, currency.code, chain.id, address, memo, amount, fee, remark, ""),
        created_at=now,
        updated_at=now,
    )
    await service.post(tx, [Movement("", ledger.hold(purse, waiting.total), now)], short=SHORT)
    waiting = replace(waiting, approval_id=await approver.ask(tx, waiting, by, now=now))
    await withdrawals.insert_withdrawal(tx, waiting)
    return waiting


async def cancel(tx: Tx, owner: Owner, withdrawal_id: str, *, approver: Approver, now: int) -> None:
    """Give a withdrawal's money back before it is carried out. Raises `Declined` when it is over, or not there."""
    await money.take_numbers(tx, 0)
    found = await withdrawals.find(tx, owner, withdrawal_id)
    if found is None or found.status != "PROCESSING":
        raise Declined("400100", "withdraw.not.exist.or.not.allow.to.cancel")
    if await approver.word(tx, found.approval_id, now=now) == "paid":
        raise Declined("400100", "withdraw.not.exist.or.not.allow.to.cancel")
    await approver.take_back(tx, found.approval_id, now=now)
    await _give_back(tx, found, now=now)


async def decided(tx: Tx, *, approver: Approver, now: int) -> list[tuple[Owner, str]]:
    """Return the withdrawals whose owner has said something, or let the time pass."""
    found = await withdrawals.open_ones(tx)
    return [(one.owner, one.id) for one in found if await approver.word(tx, one.approval_id, now=now) in {"yes", "no"}]


async def settle(tx: Tx, owner: Owner, withdrawal_id: str, *, approver: Approver, now: int) -> bool:
    """Do what the owner said, if it was not done yet; tell whether something was done."""
    await money.take_numbers(tx, 0)  # first: whoever waits here sees what the one before wrote
    found = await withdrawals.find(tx, owner, withdrawal_id)
    if found is None or found.status != "PROCESSING":
        return False
    word = await approver.word(tx, found.approval_id, now=now)
    if word == "yes" and await approver.consume(tx, found, now=now):
        await _pay(tx, found, now=now)
    elif word in {"yes", "no"}:
        await approver.take_back(tx, found.approval_id, now=now)
        await _give_back(tx, found, now=now)
    else:
        return False
    return True


async def page(tx: Tx, owner: Owner, wanted: Search) -> tuple[list[Withdrawal], int]:
    """Return what a search finds of the owner's withdrawals, newest first, and how many there are in all."""
    return await withdrawals.search(tx, owner, wanted), await withdrawals.count(tx, owner, wanted)


async def find(tx: Tx, owner: Owner, withdrawal_id: str) -> Withdrawal:
    """Return one withdrawal of the owner's; raises `Declined` when there is none."""
    found = await withdrawals.find(tx, owner, withdrawal_id)
    if found is None:
        raise Declined("400100", "withdraw.not.exist")
    return found


async def _pay(tx: Tx, withdrawal: Withdrawal, *, now: int) -> None:
    purse, code = _purse(withdrawal), withdrawal.currency
    postings = (
        Posting(purse, "held", -withdrawal.total),
        Posting(Purse(HOUSE, "equity", code), "available", withdrawal.amount),
        Posting(Purse(HOUSE, "fees", code), "available", withdrawal.fee),
    )
    context = json.dumps({"withdrawalId": withdrawal.id})
    movement = Movement("Withdrawal", postings, now, context, ((purse, withdrawal.fee),))
    await service.post(tx, [movement], short=SHORT)
    await _become(tx, withdrawal, "SUCCESS", now=now)


async def _give_back(tx: Tx, withdrawal: Withdrawal, *, now: int) -> None:
    returned = Movement("", ledger.hold(_purse(withdrawal), -withdrawal.total), now)
    await service.post(tx, [returned], short=SHORT)
    await _become(tx, withdrawal, "FAILURE", now=now)


async def _become(tx: Tx, withdrawal: Withdrawal, status: Status, *, now: int) -> None:
    await withdrawals.set_status(tx, replace(withdrawal, status=status, updated_at=now))


def _purse(withdrawal: Withdrawal) -> Purse:
    return Purse(withdrawal.owner, "main", withdrawal.currency)
