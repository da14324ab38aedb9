"""The sandbox's money as the console moves it: between the main account of an account and those of its sub-accounts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, localcontext

from keywright.errors import Invalid
from keywright.ids import new_key_id
from keywright.sandbox import amounts, markets, service
from keywright.sandbox.amounts import EXACT, plain
from keywright.sandbox.model import Declined, Owner, Purse
from keywright.storage.transaction import Database

SHORT = "230003"
"""The paper exchange's code for money that is not there."""


class SandboxPurses:
    """Main accounts of the paper exchange."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def available(self, account_id: str, sub_account: str, *, now: int) -> Mapping[str, str]:
        """Return what can be moved out of a main account by currency, as plain decimal text."""
        owner = Owner(account_id, sub_account)
        async with self._database.read() as tx:
            is_due = await service.needs_attention(tx, owner, now=now)
            found = {} if is_due else await service.balances(tx, owner, book="main")
        if is_due:  # for instance a newcomer, who was not given any money yet
            with localcontext(EXACT):
                async with self._database.write() as tx:
                    await service.attend(tx, owner, now=now)
                    found = await service.balances(tx, owner, book="main")
        return {purse.currency: plain(balance.available) for purse, balance in found.items() if balance.available}

    async def move(self, account_id: str, *, source: str, target: str, currency: str, amount: str, now: int) -> None:
        """Move money between main accounts; `source` and `target` name a sub-account or, empty, the account itself.

        Raises `Invalid` for an amount that is none, is too fine, or is not there; then nothing moved.
        """
        code, wanted = _read(currency, amount)
        with localcontext(EXACT):
            try:
                async with self._database.write() as tx:
                    await service.transfer(
                        tx,
                        Owner(account_id),
                        client_oid=new_key_id(),
                        amount=wanted,
                        source=Purse(Owner(account_id, source), "main", code),
                        target=Purse(Owner(account_id, target), "main", code),
                        now=now,
                    )
            except Declined as declined:
                if declined.code != SHORT:
                    raise
                raise Invalid("there is not that much {currency} to move", field="amount", currency=code) from None


def _read(currency: str, amount: str) -> tuple[str, Decimal]:
    try:
        known = markets.currency(currency)
    except Declined:
        raise Invalid("there is no currency {name} here", field="currency", name=currency[:16]) from None
    try:
        wanted = amounts.amount(amount.strip(), field="amount")
    except Invalid:
        wanted = Decimal(0)
    if not wanted:
        raise Invalid("that is no amount above zero", hint="write it like 12.5", field="amount")
    if not amounts.is_multiple(wanted, of=Decimal(1).scaleb(-known.precision)):
        raise Invalid(
            "{currency} has at most {most} decimals", field="amount", currency=known.code, most=known.precision
        )
    return known.code, wanted
