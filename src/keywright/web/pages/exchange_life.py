"""What is done to a connection: checked, called otherwise, given another key, suspended, removed."""

from __future__ import annotations

from starlette.responses import Response

from keywright.errors import Invalid, KeywrightError
from keywright.identity import limits
from keywright.vault.model import Status
from keywright.web.pages.exchanges import HOME, connection_id, show_connection, with_new_key
from keywright.web.pages.held_forms import bots_of
from keywright.web.routing import At
from keywright.web.visit import Visit


async def check(visit: Visit) -> Response:
    """Have the exchange asked again what the key may do. It takes no code, since it gives a key no right, unless the owner
    suspended the connection: whoever stopped it says when it goes on."""
    account_id, wanted = visit.own_account.id, connection_id(visit)
    async with visit.site.database.read() as tx:
        before = await visit.site.vault.connection(tx, account_id, wanted)
    try:
        await visit.site.entrance.charge({f"held:{account_id}": limits.HELD_KEYS}, now=visit.now)
        proof = await visit.step_up() if before.is_stopped_by_owner else None
        checked = await visit.site.vault.check(account_id, wanted, proof=proof, actor=visit.actor, now=visit.now)
    except KeywrightError as problem:
        return await show_connection(visit, which="check", form=visit.form(problem=problem), problem=problem)
    if checked.connection.record.status is Status.SUSPENDED:
        done = "connection-unfit"
    else:
        done = "connection-resumed" if before.record.status is Status.SUSPENDED else "connection-checked"
    return visit.to(_path(visit), done=done)


async def edit(visit: Visit) -> Response:
    """Give the connection another name, or say what uses it."""
    try:
        async with visit.site.database.write() as tx:
            await visit.site.vault.edit(
                tx,
                visit.own_account.id,
                connection_id(visit),
                name=visit.text("name"),
                bots=bots_of(visit.text("bots")),
                actor=visit.actor,
                now=visit.now,
            )
    except KeywrightError as problem:
        form = visit.form("name", "bots", problem=problem, about="name")
        return await show_connection(visit, which="edit", form=form, problem=problem)
    return visit.to(_path(visit), done="connection-edited")


async def replace_key(visit: Visit) -> Response:
    """Let another key of the same exchange serve, once the exchange said what it may do; the one before is destroyed here."""
    return await with_new_key(visit, visit.site.vault.replace_key, done="connection-replaced")


async def suspend(visit: Visit) -> Response:
    """Use the connection for nothing: one click, no code."""
    async with visit.site.database.write() as tx:
        await visit.site.vault.suspend(tx, visit.own_account.id, connection_id(visit), actor=visit.actor, now=visit.now)
    return visit.to(_path(visit), done="connection-suspended")


async def remove(visit: Visit) -> Response:
    """Destroy the connection's key here; its owner is told to delete it at the exchange, too."""
    try:
        if visit.text("sure") != "yes":
            raise Invalid("tick the box to remove the connection for good", field="sure")
        proof = await visit.step_up()
        async with visit.site.database.write() as tx:
            gone = await visit.site.vault.remove(
                tx, visit.own_account.id, connection_id(visit), proof=proof, actor=visit.actor, now=visit.now
            )
    except KeywrightError as problem:
        return await show_connection(visit, which="remove", form=visit.form(problem=problem), problem=problem)
    return visit.to(f"{HOME}?gone={gone.record.exchange.value}")


def _path(visit: Visit) -> str:
    return f"{HOME}/{connection_id(visit)}"


PAGES = (
    At("/exchanges/{connection_id:row}/check", check, "POST"),
    At("/exchanges/{connection_id:row}/edit", edit, "POST"),
    At("/exchanges/{connection_id:row}/replace", replace_key, "POST"),
    At("/exchanges/{connection_id:row}/suspend", suspend, "POST"),
    At("/exchanges/{connection_id:row}/remove", remove, "POST"),
)
