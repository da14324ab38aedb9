"""A key of another exchange is connected: choose, get an address, make the key there, give it, be told what it may do (W1 to W4).

Reserving an address changes something, so a post does it; the page that then shows it may be loaded as often as one likes.
What was given of the key is never shown again, not even to who gave it.
"""

from __future__ import annotations

from starlette.responses import Response

from keywright.errors import Conflict, KeywrightError
from keywright.vault import rules
from keywright.vault.evidence import Exchange
from keywright.vault.model import NewConnection
from keywright.vault.terms import Purpose
from keywright.web.model import Form
from keywright.web.pages.exchanges import HOME
from keywright.web.pages.held_forms import accepted, bots_of, given_key, offered, refused_for
from keywright.web.pages.held_views import reservation_view, venue_view
from keywright.web.routing import At, status_of
from keywright.web.visit import Visit

NEW = "/exchanges/new"


async def choose(visit: Visit) -> Response:
    """Show the exchanges whose keys can be held."""
    return _choice(visit)


async def reserve(visit: Visit) -> Response:
    """Keep an address for the key that is about to be made, and go on to the page that shows it."""
    try:
        exchange = rules.exchange(visit.text("exchange"))
        await visit.site.vault.reserve(visit.own_account.id, exchange.value, actor=visit.actor, now=visit.now)
    except KeywrightError as problem:
        is_frozen = visit.own_account.frozen_at is not None
        return _choice(visit, problem=problem, is_exhausted=isinstance(problem, Conflict) and not is_frozen)
    return visit.to(f"{NEW}/{exchange.value}")


async def connect_form(visit: Visit) -> Response:
    """Show the address that is kept, how the key is made at the exchange, and the form that takes it."""
    return await _connect_page(visit)


async def give_back(visit: Visit) -> Response:
    """Let others have the address that is kept for a key which is not made after all."""
    await visit.site.vault.release(visit.own_account.id, _exchange(visit).value, actor=visit.actor, now=visit.now)
    return visit.to(HOME, done="address-given-back")


async def connect(visit: Visit) -> Response:
    """Have the exchange asked what the key may do, and hold it; or say what speaks against it, and how to mend that."""
    exchange = _exchange(visit)
    bots = bots_of(visit.text("bots"))
    try:
        rules.name(visit.text("name"))
        rules.bots(bots)
        given = given_key(visit, exchange)
        proof = await visit.step_up()
        held = await visit.site.vault.connect(
            visit.own_account.id,
            NewConnection(visit.text("name"), exchange.value, given, bots, _purpose(visit)),
            proof=proof,
            actor=visit.actor,
            now=visit.now,
        )
    except KeywrightError as problem:
        return await _connect_page(visit, problem=problem)
    return visit.to(f"{HOME}/{held.id}", done="exchange-connected")


def _choice(visit: Visit, *, problem: KeywrightError | None = None, is_exhausted: bool = False) -> Response:
    return visit.page(
        "new_exchange.html",
        status=status_of(problem) if problem else 200,
        venues=[venue_view(exchange) for exchange in Exchange],
        form=visit.form(problem=problem) if problem and not is_exhausted else Form(),
        is_exhausted=is_exhausted,
    )


async def _connect_page(visit: Visit, *, problem: KeywrightError | None = None) -> Response:
    exchange = _exchange(visit)
    async with visit.site.database.read() as tx:
        kept = await visit.site.vault.pool.reservation(tx, visit.own_account.id, exchange, now=visit.now)
    findings = refused_for(problem)
    return visit.page(
        "connect_exchange.html",
        status=status_of(problem) if problem else 200,
        venue=venue_view(exchange),
        reservation=reservation_view(kept, now=visit.now) if kept else None,
        form=visit.form("name", "bots", "purpose", problem=problem) if problem else Form(),
        findings=findings,
        accepts=offered(visit, exchange, findings),
        accepted=accepted(visit, exchange),
        needs_code=visit.needs_code,
    )


def _purpose(visit: Visit) -> Purpose:
    return Purpose.MASTER if visit.text("purpose") == Purpose.MASTER else Purpose.BOTS


def _exchange(visit: Visit) -> Exchange:
    return Exchange(visit.request.path_params["exchange"])


PAGES = (
    At(NEW, choose),
    At(NEW, reserve, "POST"),
    At("/exchanges/new/{exchange:exchange}", connect_form),
    At("/exchanges/new/{exchange:exchange}", connect, "POST"),
    At("/exchanges/new/{exchange:exchange}/give-back", give_back, "POST"),
)
