"""A bot was refused, and its owner asks why: from the exchange's words and what the key may do. It asks nobody, and keeps nothing."""

from __future__ import annotations

from starlette.responses import Response

from keywright.vault.complaint import explained
from keywright.vault.evidence import Right
from keywright.web.exchange_model import ExplainedView
from keywright.web.pages.exchanges import connection_id, show_connection
from keywright.web.routing import At
from keywright.web.visit import Visit


async def explain(visit: Visit) -> Response:
    """Say what is to blame for a refusal. What was pasted is not shown again: there may be a key in it."""
    async with visit.site.database.read() as tx:
        found = await visit.site.vault.connection(tx, visit.own_account.id, connection_id(visit))
    wanted = visit.text("wanted")
    told = explained(
        visit.text("said"),
        probe=found.record.probe,
        address=found.egress.shown,
        wanted=Right(wanted) if wanted in set(Right) else None,
    )
    return await show_connection(
        visit, which="explain", told=ExplainedView(told.message, told.hint) if told else ExplainedView()
    )


PAGES = (At("/exchanges/{connection_id:row}/explain", explain, "POST"),)
