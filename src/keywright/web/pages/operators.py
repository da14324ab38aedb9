"""What operators see: every account, never a secret; and how an account becomes an operator's."""

from __future__ import annotations

from starlette.responses import Response

from keywright.errors import KeywrightError
from keywright.web.model import AccountView, Form
from keywright.web.routing import At, Needs, status_of
from keywright.web.visit import Visit

PAGE = 50
"""Accounts on a page."""


async def claim_form(visit: Visit) -> Response:
    """Show operators the accounts, and others where the one-time link's code goes."""
    return await accounts(visit) if visit.is_operator else visit.page("operator_claim.html", form=Form())


async def claim(visit: Visit) -> Response:
    """Make this account an operator's by the one-time link."""
    try:
        opened = await visit.site.entrance.claim_operator(
            visit.own_session, visit.secret("code"), visitor=visit.visitor, now=visit.now
        )
    except KeywrightError as problem:
        form = visit.form(problem=problem, about="code")
        return visit.page("operator_claim.html", status=status_of(problem), form=form)
    visit.rise(opened)
    return visit.to("/operator", done="operator-claimed")


async def accounts(visit: Visit) -> Response:
    """Show every account."""
    search, after = (visit.request.query_params.get(name, "")[:128] for name in ("search", "after"))
    async with visit.site.database.read() as tx:
        listed = await visit.site.identity.page(tx, search=search, after=after, limit=PAGE + 1)
        counts = await visit.site.issuing.counts(tx)
    views = [
        AccountView(
            id=one.id,
            uid=one.uid,
            email=one.email,
            created_at=one.created_at,
            frozen_at=one.frozen_at,
            has_second_factor=one.has_factor,
            keys=counts.get(one.id, 0),
            is_operator=one.operator_at is not None,
        )
        for one in listed[:PAGE]
    ]
    return visit.page(
        "operator.html", accounts=views, search=search, following=views[-1].id if len(listed) > PAGE else ""
    )


async def freeze(visit: Visit) -> Response:
    """Refuse every key of an account, at once. Only its owner can lift that."""
    async with visit.site.database.write() as tx:
        account_id: str = visit.request.path_params["account_id"]
        await visit.site.identity.freeze(tx, account_id, actor=visit.actor, now=visit.now)
    return visit.to("/operator", done="account-frozen")


PAGES = (
    At("/operator", claim_form, needs=Needs.NOTHING),
    At("/operator/claim", claim, "POST"),
    At("/operator/accounts/{account_id:row}/freeze", freeze, "POST", Needs.OPERATOR),
)
