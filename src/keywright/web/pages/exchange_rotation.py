"""Another key takes over a connection without a moment between: begun, switched, finished or rolled back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from keywright.errors import KeywrightError
from keywright.identity.model import FactorProof
from keywright.vault.rotation import Step
from keywright.web.pages.exchanges import HOME, connection_id, show_connection, with_new_key
from keywright.web.routing import At
from keywright.web.visit import Visit


async def begin(visit: Visit) -> Response:
    """Keep a new key beside the one that serves, once the exchange said what it may do; or have the exchange make it."""
    if visit.text("through") == "master":
        return await _step(visit, lambda proof: _renewed(visit, proof))
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
            *(visit.own_account.id, connection_id(visit)),
            despite_started=visit.text("despite_started") == "yes",
            proof=proof,
            actor=visit.actor,
            now=visit.now,
        )
        return "rotation-over" if ended.is_deleted else "rotation-finished"

    return await _step(visit, take)


async def roll_back(visit: Visit) -> Response:
    """Let the key before serve again, or give up a new one that does not serve yet."""

    async def take(proof: FactorProof) -> str:
        await visit.site.vault.roll_back(
            *(visit.own_account.id, connection_id(visit)),
            proof=proof,
            leave=visit.text("leave") == "yes",
            actor=visit.actor,
            now=visit.now,
        )
        return "rotation-back"

    return await _step(visit, take)


async def name_master(visit: Visit) -> Response:
    """Have the connection rotated through a master connection, or by hand; unasked, where its owner wants that."""

    async def take(proof: FactorProof) -> str:
        await visit.site.vault.name_master(
            *(visit.own_account.id, connection_id(visit), visit.text("master")),
            by_itself=visit.text("by_itself") == "yes",
            proof=proof,
            actor=visit.actor,
            now=visit.now,
        )
        return "rotation-terms"

    return await _step(visit, take, which="terms")


async def _renewed(visit: Visit, proof: FactorProof) -> str:
    """Have the exchange make a new key, and switch to it; or go on with what was begun."""
    ids = visit.own_account.id, connection_id(visit)
    async with visit.site.database.read() as tx:
        rotation = (await visit.site.vault.connection(tx, *ids)).record.rotation
    if rotation is not None and rotation.step is Step.UNDOING:
        await visit.site.vault.roll_back(*ids, proof=proof, actor=visit.actor, now=visit.now)
        return "rotation-back"
    await visit.site.vault.renew(*ids, proof=proof, actor=visit.actor, now=visit.now)
    await visit.site.vault.switch(*ids, proof=proof, actor=visit.actor, now=visit.now)
    return "rotation-switched"


async def _step(visit: Visit, take: Callable[[FactorProof], Awaitable[str]], *, which: str = "rotation") -> Response:
    try:
        done = await take(await visit.step_up())
    except KeywrightError as problem:
        return await show_connection(visit, which=which, form=visit.form(problem=problem), problem=problem)
    return visit.to(f"{HOME}/{connection_id(visit)}", done=done)


PAGES = (
    At("/exchanges/{connection_id:row}/rotate", begin, "POST"),
    At("/exchanges/{connection_id:row}/switch", switch, "POST"),
    At("/exchanges/{connection_id:row}/finish", finish, "POST"),
    At("/exchanges/{connection_id:row}/roll-back", roll_back, "POST"),
    At("/exchanges/{connection_id:row}/terms", name_master, "POST"),
)
