"""Another key takes over a connection without a moment between: begun, switched, finished or rolled back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from keywright.errors import KeywrightError
from keywright.identity.model import FactorProof
from keywright.web.pages.exchanges import HOME, connection_id, show_connection, with_new_key
from keywright.web.routing import At
from keywright.web.visit import Visit


async def begin(visit: Visit) -> Response:
    """Keep a new key beside the one that serves, once the exchange said what it may do."""
    return await with_new_key(visit, visit.site.vault.begin_rotation, done="rotation-begun")


async def switch(visit: Visit) -> Response:
    """Let the new key serve; the one before is kept."""

    async def take(proof: FactorProof) -> str:
        await visit.site.vault.switch(
            visit.own_account.id, connection_id(visit), proof=proof, actor=visit.actor, now=visit.now
        )
        return "rotation-switched"

    return await _step(visit, take)


async def finish(visit: Visit) -> Response:
    """Destroy the key before here, and say whether the exchange still knows it."""

    async def take(proof: FactorProof) -> str:
        ended = await visit.site.vault.finish(
            visit.own_account.id, connection_id(visit), proof=proof, actor=visit.actor, now=visit.now
        )
        return "rotation-over" if ended.is_deleted else "rotation-finished"

    return await _step(visit, take)


async def roll_back(visit: Visit) -> Response:
    """Let the key before serve again, or give up a new one that does not serve yet."""

    async def take(proof: FactorProof) -> str:
        await visit.site.vault.roll_back(
            visit.own_account.id, connection_id(visit), proof=proof, actor=visit.actor, now=visit.now
        )
        return "rotation-back"

    return await _step(visit, take)


async def _step(visit: Visit, take: Callable[[FactorProof], Awaitable[str]]) -> Response:
    try:
        done = await take(await visit.step_up())
    except KeywrightError as problem:
        return await show_connection(visit, which="rotation", form=visit.form(problem=problem), problem=problem)
    return visit.to(f"{HOME}/{connection_id(visit)}", done=done)


PAGES = (
    At("/exchanges/{connection_id:row}/rotate", begin, "POST"),
    At("/exchanges/{connection_id:row}/switch", switch, "POST"),
    At("/exchanges/{connection_id:row}/finish", finish, "POST"),
    At("/exchanges/{connection_id:row}/roll-back", roll_back, "POST"),
)
