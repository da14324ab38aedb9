"""The policy: what holds for every account, as operators see and change it."""

from __future__ import annotations

from starlette.responses import Response

from keywright.errors import KeywrightError
from keywright.identity.policy_model import RULES
from keywright.web.model import Form
from keywright.web.operator_model import RuleView
from keywright.web.pages.operator_permissions import called
from keywright.web.routing import At, Needs, status_of
from keywright.web.visit import Visit

HOME = "/operator/policy"


async def policy(visit: Visit) -> Response:
    """Show every rule, what it says and who says so."""
    return await _page(visit)


async def change(visit: Visit) -> Response:
    """Let rules say something else, with a step-up; one that is left empty goes back to the settings."""
    try:
        wanted = {name: visit.text(name).strip() or None for name in RULES if name in visit.posted}
        for name, value in wanted.items():  # before a code is used up for it
            value is None or RULES[name].checked(value)
        looked_at = visit.text("version")
        proof = await visit.step_up()
        async with visit.site.database.write() as tx:
            await visit.site.policies.change(
                tx,
                wanted,
                version=int(looked_at) if looked_at.isdecimal() and len(looked_at) < 10 else -1,
                proof=proof,
                actor=visit.actor,
                now=visit.now,
            )
    except KeywrightError as problem:
        return await _page(visit, form=visit.form(*RULES, problem=problem), problem=problem)
    return visit.to(HOME, done="policy-changed")


async def _page(visit: Visit, *, form: Form | None = None, problem: KeywrightError | None = None) -> Response:
    policies = visit.site.policies
    async with visit.site.database.read() as tx:
        stored = await policies.stored(tx)
        by = await called(visit, tx, stored.changed_by)
    return visit.page(
        "operator_policy.html",
        status=status_of(problem) if problem else 200,
        form=form or Form({name: str(stored.values.get(name, "")) for name in RULES}),
        rules={
            name: RuleView(name, str(policies.given.value(name)), name in stored.values, rule.least, rule.most)
            for name, rule in RULES.items()
        },
        version=stored.version,
        changed_at=stored.changed_at,
        changed_by=by,
        is_altered=not stored.holds,
        needs_code=visit.needs_code,
    )


PAGES = (
    At(HOME, policy, needs=Needs.OPERATOR),
    At(HOME, change, "POST", Needs.OPERATOR),
)
