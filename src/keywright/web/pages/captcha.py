"""The captcha of forms that strangers or thieves would send by the thousand (K5)."""

from __future__ import annotations

import hashlib

from starlette.responses import JSONResponse, Response

from keywright.web.routing import At, Needs
from keywright.web.visit import Visit


async def challenge(visit: Visit) -> Response:
    """Return a challenge for who asks, in this session or before there is one."""
    return JSONResponse(visit.site.captcha.challenge(_bound_to(visit), now=visit.now))


async def solved(visit: Visit) -> None:
    """Use up the solution that came with a form, where one is asked for. Raises `Invalid` for one that is none."""
    if not visit.asks_captcha:
        return
    async with visit.site.database.write() as tx:
        await visit.site.captcha.spend(tx, visit.text("captcha"), bound_to=_bound_to(visit), now=visit.now)


def _bound_to(visit: Visit) -> str:
    if visit.session is not None:
        return visit.session.id
    return "visitor:" + hashlib.sha256(visit.token.reveal()).hexdigest()


PAGES = (At("/captcha", challenge, needs=Needs.NOTHING),)
