"""One account as an operator sees it: its keys and their states, never a secret; and the decision about its identity."""

from __future__ import annotations

from starlette.responses import Response

from keywright.errors import Invalid, KeywrightError
from keywright.issuing.model import Owner
from keywright.web.model import Form
from keywright.web.own_model import ReviewView
from keywright.web.pages.key_pages import view_of
from keywright.web.routing import At, Needs, status_of
from keywright.web.texts import regional
from keywright.web.visit import Visit


async def account(visit: Visit) -> Response:
    """Show one account."""
    return await _page(visit)


async def decide_identity(visit: Visit) -> Response:
    """Approve the identity that was looked at, with a step-up, or refuse it with a reason, which takes none."""
    try:
        decision, version = visit.text("decision"), visit.text("version")
        if decision not in {"approve", "refuse"} or not version.isdecimal() or len(version) > 9:
            raise Invalid("choose to approve or to refuse", field="decision")
        if decision == "approve":
            await visit.step_up()
        async with visit.site.database.write() as tx:
            await visit.site.own.identities.decide_identity(
                tx,
                _id(visit),
                version=int(version),
                approve=decision == "approve",
                reason=visit.text("reason"),
                actor=visit.actor,
                now=visit.now,
            )
    except KeywrightError as problem:
        return await _page(visit, form=visit.form("reason", problem=problem, about="reason"), problem=problem)
    return visit.to(f"/operator/accounts/{_id(visit)}", done="identity-decided")


async def _page(visit: Visit, *, form: Form | None = None, problem: KeywrightError | None = None) -> Response:
    async with visit.site.database.read() as tx:
        found = await visit.site.identity.account(tx, account_id=_id(visit))
        parts = ["", *(sub.name for sub in await visit.site.sub_accounts.all(tx, found.id))]
        keys = [key for part in parts for key in await visit.site.issuing.keys(tx, Owner(found.id, part))]
        sessions = await visit.site.entrance.sessions.of(tx, found.id, now=visit.now)
        identity = await visit.site.own.identities.of(tx, found.id)
    kind, _, digits = identity.document.partition(" ") if identity is not None else ("", "", "")
    return visit.page(
        "operator_account.html",
        status=status_of(problem) if problem else 200,
        account_id=found.id,
        uid=found.uid,
        email=found.email,
        external_id=found.external_id,
        created_at=found.created_at,
        frozen_at=found.frozen_at,
        has_second_factor=found.has_factor,
        sessions=len(sessions),
        keys=[view_of(key, now=visit.now) for key in keys],
        identity=ReviewView(
            identity.state.value,
            identity.name,
            regional(visit.locale).territories.get(identity.country, identity.country),
            kind,
            digits,
            identity.submitted_at,
            identity.version,
            identity.reason,
        )
        if identity is not None
        else None,
        is_own=found.id == visit.own_account.id,
        form=form or Form(),
        needs_code=visit.needs_code,
    )


def _id(visit: Visit) -> str:
    account_id: str = visit.request.path_params["account_id"]
    return account_id


PAGES = (
    At("/operator/accounts/{account_id:row}", account, needs=Needs.OPERATOR),
    At("/operator/accounts/{account_id:row}/identity", decide_identity, "POST", Needs.OPERATOR),
)
