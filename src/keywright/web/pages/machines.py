"""What programs ask for at the console's address, and the page that shows every component to who works on them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from keywright.web.routing import At, Needs
from keywright.web.site import Site
from keywright.web.visit import Visit

JSON = "application/json"


def routes(site: Site) -> list[Route]:
    """Return what answers without a person: alive, and the keys that assertions are checked with."""

    async def healthz(_request: Request) -> Response:
        return Response('{"status":"ok"}', media_type=JSON)

    async def jwks(_request: Request) -> Response:
        return Response(site.jwks, media_type=JSON)

    return [Route("/healthz", healthz, methods=["GET"]), Route("/.well-known/jwks.json", jwks, methods=["GET"])]


async def components(visit: Visit) -> Response:
    """Show every component in every state."""
    return visit.page("development.html")


DEVELOPMENT = (At("/development", components, needs=Needs.NOTHING),)
