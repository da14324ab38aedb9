"""Permissions that are refused everywhere: frozen with one click, lifted with a step-up (N8)."""

from __future__ import annotations

from contextlib import suppress

from starlette.responses import Response

from keywright.errors import KeywrightError, NotFound
from keywright.issuing.model import Permission
from keywright.storage.transaction import Tx
from keywright.web.model import Form
from keywright.web.operator_model import FreezeView
from keywright.web.routing import At, Needs, status_of
from keywright.web.visit import Visit

HOME = "/operator/permissions"


async def permissions(visit: Visit) -> Response:
    """Show every permission, whether it is frozen, and how many keys that would stop."""
    return await _page(visit)


async def freeze(visit: Visit) -> Response:
    """Refuse every call that takes this permission, at once: no code is asked for."""
    async with visit.site.database.write() as tx:
        await visit.site.issuing.freeze_permission(tx, visit.text("permission"), actor=visit.actor, now=visit.now)
    return visit.to(HOME, done="permission-frozen")


async def lift(visit: Visit) -> Response:
    """Let keys do again what their permission allows, with a step-up."""
    try:
        proof = await visit.step_up()
        async with visit.site.database.write() as tx:
            await visit.site.issuing.unfreeze_permission(
                tx, visit.text("permission"), proof=proof, actor=visit.actor, now=visit.now
            )
    except KeywrightError as problem:
        return await _page(visit, which=visit.text("permission"), form=visit.form(problem=problem), problem=problem)
    return visit.to(HOME, done="permission-lifted")


async def _page(
    visit: Visit, *, which: str = "", form: Form | None = None, problem: KeywrightError | None = None
) -> Response:
    issuing = visit.site.issuing
    async with visit.site.database.read() as tx:
        frozen = await issuing.freezes(tx)
        counts = await issuing.count_active(tx)
        views = [
            FreezeView(
                name=one.value,
                is_frozen=one in frozen,
                at=frozen[one][0] if one in frozen else None,
                by=await called(visit, tx, frozen[one][1]) if one in frozen else "",
                keys=counts.get(one, 0),
            )
            for one in Permission
        ]
    known = {view.name for view in views if view.is_frozen}
    return visit.page(
        "operator_permissions.html",
        status=status_of(problem) if problem else 200,
        form=form or Form(),
        which=which if which in known else "",
        permissions=views,
        needs_code=visit.needs_code,
    )


async def called(visit: Visit, tx: Tx, actor: str) -> str:
    """Return what operators know an actor by: an account's address; anything else as the audit log calls it."""
    if actor.startswith("acc_"):
        with suppress(NotFound):
            return (await visit.site.identity.account(tx, account_id=actor)).email
    return actor


PAGES = (
    At(HOME, permissions, needs=Needs.OPERATOR),
    At("/operator/permissions/freeze", freeze, "POST", Needs.OPERATOR),
    At("/operator/permissions/lift", lift, "POST", Needs.OPERATOR),
)
