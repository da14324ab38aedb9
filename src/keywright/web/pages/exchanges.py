"""Exchanges: the keys of other exchanges that are held for the account, and one of them (W1, N12)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from keywright.errors import KeywrightError
from keywright.vault.evidence import Exchange
from keywright.web.exchange_model import ExplainedView
from keywright.web.model import Form
from keywright.web.pages.held_forms import accepted, given_key, offered, refused_for
from keywright.web.pages.held_views import connection_view, masters_of, rotation_view, venue_view
from keywright.web.routing import At, status_of
from keywright.web.visit import Visit

HOME = "/exchanges"


async def exchanges(visit: Visit) -> Response:
    """Show the account's connections, oldest first; after one was removed, where its key is still to be deleted."""
    async with visit.site.database.read() as tx:
        found = await visit.site.vault.connections(tx, visit.own_account.id)
    return visit.page(
        "exchanges.html",
        connections=[connection_view(one, now=visit.now, called=called(visit)) for one in found],
        gone=next((venue_view(one) for one in Exchange if one.value == visit.request.query_params.get("gone")), None),
        is_frozen=visit.own_account.frozen_at is not None,
    )


async def exchange(visit: Visit) -> Response:
    """Show one connection and what can be done to it."""
    return await show_connection(visit)


async def with_new_key(visit: Visit, take: Callable[..., Awaitable[object]], *, done: str) -> Response:
    """Give a connection the key that was posted, by the vault's verb; show its page again where that is refused."""
    account_id, wanted = visit.own_account.id, connection_id(visit)
    async with visit.site.database.read() as tx:
        before = await visit.site.vault.connection(tx, account_id, wanted)
    try:
        given = given_key(visit, before.record.exchange)
        proof = await visit.step_up()
        await take(account_id, wanted, given, proof=proof, actor=visit.actor, now=visit.now)
    except KeywrightError as problem:
        return await show_connection(visit, which="replace", form=visit.form(problem=problem), problem=problem)
    return visit.to(f"{HOME}/{wanted}", done=done)


async def show_connection(
    visit: Visit,
    *,
    which: str = "",
    form: Form | None = None,
    problem: KeywrightError | None = None,
    told: ExplainedView | None = None,
) -> Response:
    """Show one connection, with one of its forms as it came back where something was wrong with it, or what was `told`."""
    async with visit.site.database.read() as tx:
        found = await visit.site.vault.connection(tx, visit.own_account.id, connection_id(visit))
        keys = await visit.site.vault.rotation_keys(tx, found) if found.holds else None
        started = await visit.site.vault.still_started(tx, found) if found.holds else None
        others = await visit.site.vault.connections(tx, visit.own_account.id)
    exchange, findings = found.record.exchange, refused_for(problem)
    return visit.page(
        "exchange.html",
        status=status_of(problem) if problem else 200,
        venue=venue_view(exchange),
        findings=findings,
        accepts=offered(visit, exchange, findings),
        accepted=accepted(visit, exchange),
        connection=connection_view(found, now=visit.now, called=called(visit)),
        rotation=rotation_view(found, keys),
        started_at=started,
        masters=masters_of(found, others),
        form=form or Form(),
        which=which,
        told=told,
        needs_code=visit.needs_code,
    )


def called(visit: Visit) -> dict[str, str]:
    """Return who the account that looks at the page is, for what it did itself."""
    return {visit.own_account.id: visit.own_account.email}


def connection_id(visit: Visit) -> str:
    """Return the id of the connection that the page is about. Whose it is, the vault says."""
    found: str = visit.request.path_params["connection_id"]
    return found


PAGES = (
    At(HOME, exchanges),
    At("/exchanges/{connection_id:row}", exchange),
)
