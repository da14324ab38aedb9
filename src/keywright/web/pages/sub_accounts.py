"""Sub-accounts: made, described, frozen, given money; each has an API Management panel of its own (K15)."""

from __future__ import annotations

from starlette.responses import Response

from keywright.errors import KeywrightError, NotFound
from keywright.identity.model import SubAccount
from keywright.issuing.model import Owner
from keywright.web.model import Form, SubAccountView
from keywright.web.routing import At, status_of
from keywright.web.visit import Visit

HOME = "/sub-accounts"


async def sub_accounts(visit: Visit) -> Response:
    """Show the account's sub-accounts, and the form for another."""
    return await _list(visit)


async def create(visit: Visit) -> Response:
    """Make a sub-account."""
    try:
        proof = await visit.step_up()
        async with visit.site.database.write() as tx:
            made = await visit.site.sub_accounts.create(
                tx,
                visit.own_account.id,
                visit.text("name"),
                visit.text("memo"),
                proof=proof,
                actor=visit.actor,
                now=visit.now,
            )
    except KeywrightError as problem:
        form = visit.form("name", "memo", problem=problem, about="name")
        return await _list(visit, form=form, problem=problem)
    return visit.to(f"{HOME}/{made.id}", done="sub-account-made")


async def sub_account(visit: Visit) -> Response:
    """Show one sub-account and what can be done to it."""
    return await _one(visit)


async def describe(visit: Visit) -> Response:
    """Give it another memo."""
    sub = await _named(visit)
    try:
        async with visit.site.database.write() as tx:
            await visit.site.sub_accounts.describe(
                tx, sub.account_id, sub.name, visit.text("memo"), actor=visit.actor, now=visit.now
            )
    except KeywrightError as problem:
        form = visit.form("memo", problem=problem, about="memo")
        return await _one(visit, which="memo", form=form, problem=problem)
    return visit.to(f"{HOME}/{sub.id}", done="sub-account-described")


async def freeze(visit: Visit) -> Response:
    """Refuse every key of it, at once."""
    sub = await _named(visit)
    async with visit.site.database.write() as tx:
        await visit.site.sub_accounts.freeze(tx, sub.account_id, sub.name, actor=visit.actor, now=visit.now)
    return visit.to(f"{HOME}/{sub.id}", done="sub-account-frozen")


async def unfreeze(visit: Visit) -> Response:
    """Let its keys be what they were before the freeze."""
    sub = await _named(visit)
    try:
        proof = await visit.step_up()
        async with visit.site.database.write() as tx:
            await visit.site.sub_accounts.unfreeze(
                tx, sub.account_id, sub.name, proof=proof, actor=visit.actor, now=visit.now
            )
    except KeywrightError as problem:
        return await _one(visit, which="unfreeze", form=visit.form(problem=problem), problem=problem)
    return visit.to(f"{HOME}/{sub.id}", done="sub-account-unfrozen")


async def transfer(visit: Visit) -> Response:
    """Move play money between the account and its sub-account. It stays with its owner, so it takes no code."""
    sub, purses = await _named(visit), visit.site.purses
    if purses is None:
        raise NotFound("there is no such page")
    ends = ("", sub.name) if visit.text("direction") != "back" else (sub.name, "")
    try:
        await purses.move(
            sub.account_id,
            source=ends[0],
            target=ends[1],
            currency=visit.text("currency"),
            amount=visit.text("amount"),
            now=visit.now,
        )
    except KeywrightError as problem:
        form = visit.form("currency", "amount", "direction", problem=problem, about="amount")
        return await _one(visit, which="transfer", form=form, problem=problem)
    return visit.to(f"{HOME}/{sub.id}", done="money-moved")


async def _named(visit: Visit) -> SubAccount:
    async with visit.site.database.read() as tx:
        return await visit.site.sub_accounts.find(tx, visit.own_account.id, sub_id=visit.request.path_params["sub_id"])


async def _list(visit: Visit, *, form: Form | None = None, problem: KeywrightError | None = None) -> Response:
    account = visit.own_account
    async with visit.site.database.read() as tx:
        found = await visit.site.sub_accounts.all(tx, account.id)
        counts = [len(await visit.site.issuing.keys(tx, Owner(account.id, sub.name))) for sub in found]
    return visit.page(
        "sub_accounts.html",
        status=status_of(problem) if problem else 200,
        form=form or Form(),
        sub_accounts=[_view(sub, keys=keys) for sub, keys in zip(found, counts, strict=True)],
        most=visit.policy.sub_accounts_per_account,
        needs_code=visit.needs_code,
    )


async def _one(
    visit: Visit, *, which: str = "", form: Form | None = None, problem: KeywrightError | None = None
) -> Response:
    sub, purses = await _named(visit), visit.site.purses
    async with visit.site.database.read() as tx:
        keys = len(await visit.site.issuing.keys(tx, Owner(sub.account_id, sub.name)))
    return visit.page(
        "sub_account.html",
        status=status_of(problem) if problem else 200,
        form=form or Form(),
        which=which,
        sub_account=_view(sub, keys=keys),
        has_purses=purses is not None,
        own=await purses.available(sub.account_id, "", now=visit.now) if purses else {},
        theirs=await purses.available(sub.account_id, sub.name, now=visit.now) if purses else {},
        needs_code=visit.needs_code,
    )


def _view(sub: SubAccount, *, keys: int) -> SubAccountView:
    return SubAccountView(sub.id, sub.uid, sub.name, sub.memo, sub.created_at, sub.frozen_at is not None, keys)


PAGES = (
    At(HOME, sub_accounts),
    At("/sub-accounts/create", create, "POST"),
    At("/sub-accounts/{sub_id:row}", sub_account),
    At("/sub-accounts/{sub_id:row}/describe", describe, "POST"),
    At("/sub-accounts/{sub_id:row}/freeze", freeze, "POST"),
    At("/sub-accounts/{sub_id:row}/unfreeze", unfreeze, "POST"),
    At("/sub-accounts/{sub_id:row}/transfer", transfer, "POST"),
)
