"""Accounts: made for people who sign in at the exchange, looked up, frozen; unfrozen by their owner alone."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Security
from pydantic import Field

from keywright.api.call import Call, assertion, may
from keywright.api.problems import Cause
from keywright.api.shapes import (
    MOST_LISTED,
    PERSON,
    TEXT,
    AccountOut,
    AccountsOut,
    Asked,
    NewAccount,
    account_out,
    answers,
)
from keywright.errors import NotFound
from keywright.identity.token_model import Scope

router = APIRouter(tags=["accounts"])

AccountId = Annotated[str, Path(pattern=r"^acc_[0-9a-f]{24}$")]
Reader = Annotated[Call, Depends(may(Scope.ACCOUNTS_READ))]
Writer = Annotated[Call, Depends(may(Scope.ACCOUNTS_WRITE))]
Freezer = Annotated[Call, Depends(may(Scope.FREEZES_WRITE))]


class WhichAccounts(Asked):
    """Which accounts, and from where on."""

    external_id: str = Field(
        default="", max_length=128, pattern=TEXT, description="Only the account of this user of the exchange"
    )
    search: str = Field(
        default="", max_length=128, pattern=TEXT, description="Only those whose address, number or id begins so"
    )
    after: str = Field(default="", max_length=64, pattern=TEXT, description="`next` of the page before")
    limit: int = Field(default=50, ge=1, le=MOST_LISTED)


@router.get("/accounts", responses=answers())
async def list_accounts(call: Reader, which: Annotated[WhichAccounts, Query()]) -> AccountsOut:
    """List accounts, oldest first. Takes `accounts:read`."""
    office = call.office
    async with office.database.read() as tx:
        if which.external_id:
            try:
                found = [await office.login.account_of(tx, which.external_id)]
            except NotFound:
                found = []
            return AccountsOut(accounts=[account_out(one) for one in found], next=None)
        found = await office.identity.page(tx, search=which.search, after=which.after, limit=which.limit + 1)
    shown = found[: which.limit]
    return AccountsOut(
        accounts=[account_out(one) for one in shown], next=shown[-1].id if len(found) > which.limit else None
    )


@router.post("/accounts", status_code=201, responses=answers(Cause.CONFLICT))
async def create_account(call: Writer, wanted: NewAccount) -> AccountOut:
    """Make an account for a user of the exchange; a second one of the same name is a conflict. Takes `accounts:write`."""
    office = call.office
    async with office.database.write() as tx:
        account = await office.login.create(
            tx, wanted.external_id, email=wanted.email, actor=call.actor(), now=call.now
        )
    return account_out(account)


@router.get("/accounts/{account_id}", responses=answers())
async def read_account(call: Reader, account_id: AccountId) -> AccountOut:
    """Show one account. Takes `accounts:read`."""
    async with call.office.database.read() as tx:
        account = await call.office.identity.account(tx, account_id=account_id)
        rest = await call.office.approvals.holds.rest_of(tx, account_id, now=call.now)
    return account_out(account).model_copy(update={"withdrawals_rest_until": rest.until if rest else None})


@router.post("/accounts/{account_id}/freeze", responses=answers())
async def freeze_account(call: Freezer, account_id: AccountId) -> AccountOut:
    """Refuse every key of the account from now on. Needs no person, and never fails twice. Takes `freezes:write`."""
    identity = call.office.identity
    async with call.office.database.write() as tx:
        await identity.freeze(tx, account_id, actor=call.actor(), now=call.now)
        return account_out(await identity.account(tx, account_id=account_id))


@router.post(
    "/accounts/{account_id}/unfreeze",
    responses=answers(*PERSON, Cause.NOT_ALLOWED),
    dependencies=[Security(assertion)],
)
async def unfreeze_account(call: Freezer, account_id: AccountId) -> AccountOut:
    """Lift a freeze. Takes `freezes:write`, and the account's owner with a fresh second factor."""
    proof = await call.person(account_id)
    identity = call.office.identity
    async with call.office.database.write() as tx:
        await identity.unfreeze(tx, account_id, proof=proof, actor=call.actor(proof), now=call.now)
        return account_out(await identity.account(tx, account_id=account_id))
