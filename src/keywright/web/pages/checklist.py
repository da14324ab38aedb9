"""What stands in API Management's place until its prerequisites are met (K2)."""

from __future__ import annotations

from starlette.responses import Response

from keywright.web.onward import HOME
from keywright.web.own_model import Step
from keywright.web.visit import Visit


async def steps_of(visit: Visit) -> list[Step]:
    """Return what is asked of the visitor's account, each with whether it is done."""
    factor = visit.own_session.factor
    async with visit.site.database.read() as tx:
        found = await visit.site.own.standing.steps(tx, visit.own_account, factor=factor)
    return [Step(one.name.value, one.is_done, one.page, one.is_waiting) for one in found]


async def behind_checklist(visit: Visit) -> Response | None:
    """Return the way to the checklist while something on it is missing: for pages that make keys. Nothing that switches
    one off may ask this."""
    return None if all(step.is_done for step in await steps_of(visit)) else visit.to(HOME)
