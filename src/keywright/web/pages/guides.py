"""Help: how keys are made and used, step by step. For everyone, signed in or not; nothing on these pages is anybody's."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from keywright.client import snippets
from keywright.protocol.kucoin_refusals import TABLE
from keywright.vault.evidence import Exchange, Right
from keywright.vault.preflight import BEYOND_TRADING, EXITS
from keywright.web.exchange_model import VenueView
from keywright.web.pages.held_views import venue_view
from keywright.web.routing import At, Needs
from keywright.web.visit import Visit

EXAMPLE = "203.0.113.7"
"""The address that an error names on the page."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What a refusal says on the wire."""

    code: str
    status: int
    msg: str


@dataclass(frozen=True, slots=True)
class Boxes:
    """What to tick and what to leave off where a key is made, as it is called there."""

    tick: tuple[str, ...]
    leave: tuple[str, ...]


async def index(visit: Visit) -> Response:
    """Show what there is help for."""
    return visit.page("help.html", sayings=sayings(visit.site.place.header_prefix))


async def keys(visit: Visit) -> Response:
    """Show how keys are made, watched, changed, replaced and switched off."""
    return visit.page("help_keys.html")


async def passphrase(visit: Visit) -> Response:
    """Show what a key's passphrase is for, and how it is changed."""
    return visit.page("help_passphrase.html", prefix=visit.site.place.header_prefix)


async def bot(visit: Visit) -> Response:
    """Show how a bot comes from a new key to its first request, with code for this very server."""
    place = visit.site.place
    spot, futures, prefix = place.spot_url, place.futures_url, place.header_prefix
    return visit.page(
        "help_bot.html",
        spot=spot,
        futures=futures,
        prefix=prefix,
        code_address=snippets.ADDRESS.format(spot=spot),
        code_environment=snippets.ENVIRONMENT,
        code_try=snippets.CURL.format(spot=spot, prefix=prefix),
        clients=snippets.clients_to_choose_from(spot=spot, futures=futures, may_order=place.is_sandbox, prefix=prefix),
        sayings=sayings(prefix),
        is_sandbox=place.is_sandbox,
    )


async def exchange(visit: Visit) -> Response:
    """Show how a key of another exchange is made, and given to be held."""
    venues = [venue_view(one) for one in Exchange]
    return visit.page("help_exchange.html", venues=venues, boxes={one.exchange: boxes_of(one) for one in venues})


def boxes_of(venue: VenueView) -> Boxes:
    """Return which boxes of an exchange's page to tick, and which to leave off: all that `preflight` would refuse."""
    exits = [venue.boxes[right.value] for right in EXITS if right.value in venue.boxes]
    beyond = [venue.boxes[right.value] for right in BEYOND_TRADING[Exchange(venue.exchange)]]
    tick = [venue.boxes[right.value] for right in (Right.READ, Right.TRADE)]
    if venue.exchange == Exchange.BITFINEX:  # where reading and writing are ticked apart
        wallets = venue.boxes[Right.INTERNAL_TRANSFER.value]
        return Boxes((*tick, f"{wallets} (read)"), tuple(f"{box} (write)" for box in (*exits, *beyond)))
    return Boxes(tuple(tick), (*exits, *beyond))


def sayings(prefix: str) -> dict[str, Wording]:
    """Return what the gateway says on the wire with each code, word for word."""
    return {
        saying.code: Wording(saying.code, saying.status, saying.msg.format(prefix, address=EXAMPLE))
        for saying in TABLE.values()
    }


PAGES = (
    At("/help", index, needs=Needs.NOTHING),
    At("/help/keys", keys, needs=Needs.NOTHING),
    At("/help/passphrase", passphrase, needs=Needs.NOTHING),
    At("/help/bot", bot, needs=Needs.NOTHING),
    At("/help/exchange", exchange, needs=Needs.NOTHING),
)
