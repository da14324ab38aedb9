"""Signing in at the exchange: out with a nonce of this browser's, back with an assertion, no password at Keywright (N17)."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from keywright.audit.events import Actor
from keywright.errors import Conflict, NotFound, NotProven
from keywright.identity.assertions import AssertionRefused
from keywright.identity.model import ABSOLUTE_MS
from keywright.web.arrival import OURS, Arrival, asked, login_nonce, note_of, read_note, same, step_up_nonce
from keywright.web.onward import HOME
from keywright.web.routing import At, Needs
from keywright.web.security import Cookies
from keywright.web.visit import Visit

BACK = "/login/assertion"
SECOND_MS = 1_000


async def leave(visit: Visit) -> Response:
    """Send the browser to the exchange's login."""
    if visit.session is not None and visit.session.is_complete:
        return visit.to(HOME)
    return _out(visit, login_nonce(visit.site.csrf_key, visit.token))


async def leave_to_step_up(visit: Visit) -> Response:
    """Send the browser to the exchange to prove the second factor once more."""
    if not visit.own_account.external_id:
        return visit.to("/step-up")
    onward = visit.request.query_params.get("next", "")
    onward = onward if OURS.fullmatch(onward) else HOME
    nonce = step_up_nonce(visit.site.csrf_key, visit.own_session.id, asked_at=visit.now, onward=onward)
    return _out(visit, nonce, step_up="1")


async def take(visit: Visit) -> Response:
    """Take the assertion that the exchange's page posted, and note who it is about for the next request."""
    site, login = visit.site, visit.site.login
    said = login.check(visit.text("assertion"), now=visit.now)
    if any(said.request):
        raise AssertionRefused("assertion_of_another_request", "this assertion is for a call, not for signing in")
    if not said.nonce:
        raise NotProven("this sign-in was not begun here", hint="go to API Management and sign in from there")
    if said.sub_account:
        raise Conflict("sign in as the main account", hint="its panel has those of its sub-accounts")
    if said.factor_at is None or not 0 <= visit.now - said.factor_at <= ABSOLUTE_MS:
        raise AssertionRefused(
            "factor_stale",
            "the exchange has not proved your second factor",
            hint="sign in there with it, and come again",
        )
    async with site.database.write() as tx:  # used up, whatever comes of it
        await login.spend(tx, said)
    actor = Actor("", "", visit.visitor.address, visit.visitor.agent, visit.visitor.request_id)
    async with site.database.write() as tx:
        account = await login.arrive(tx, said, actor=actor, now=visit.now)
    arrival = Arrival(account.id, said.factor_at, visit.now, said.nonce)
    response = visit.to("/login/arrived")
    response.raw_headers.append((b"set-cookie", Cookies(site.place).keep_note(note_of(site.csrf_key, arrival))))
    return response


async def arrive(visit: Visit) -> Response:
    """Let in who was noted, if this browser is the one that was sent out."""
    site, cookies = visit.site, Cookies(visit.site.place)
    arrival = read_note(site.csrf_key, cookies.read(cookies.note, visit.request.headers.raw), now=visit.now)
    if arrival is None:
        raise NotProven("this took too long", hint="go to API Management and sign in again")
    sent = asked(arrival.nonce)
    response = visit.to(HOME) if sent is None else await _stepped_up(visit, arrival, *sent)
    if sent is None and visit.session is None:
        if visit.is_new_token or not same(arrival.nonce, login_nonce(site.csrf_key, visit.token)):
            raise NotProven("this sign-in was not begun in this browser", hint="go to API Management and sign in there")
        async with site.database.write() as tx:
            opened = await site.login.open(
                tx, site.entrance.sessions, arrival.account_id, visitor=visit.visitor, now=visit.now
            )
        visit.rise(opened)
    response.raw_headers.append((b"set-cookie", cookies.drop_note()))
    return response


async def _stepped_up(visit: Visit, arrival: Arrival, asked_at: int, onward: str) -> Response:
    """Step the session up that was sent out, by a second factor that was proved since."""
    session = visit.session
    key = visit.site.csrf_key
    wanted = step_up_nonce(key, session.id, asked_at=asked_at, onward=onward) if session is not None else ""
    if session is None or not same(wanted, arrival.nonce) or session.account_id != arrival.account_id:
        raise NotProven("this was not asked for in this session", hint="go back and try again")
    if arrival.factor_at < asked_at - SECOND_MS:  # `factor_at` has whole seconds
        raise NotProven("your second factor was to be proved once more", hint="go back and try again")
    async with visit.site.database.write() as tx:
        opened = await visit.site.login.step_up(
            tx,
            visit.site.entrance.sessions,
            session,
            factor_at=min(arrival.factor_at, visit.now),
            visitor=visit.visitor,
            now=visit.now,
        )
    visit.rise(opened)
    return visit.to(onward, done="stepped-up")


def _out(visit: Visit, nonce: str, **more: str) -> Response:
    url = visit.site.login.url
    if not url:
        raise NotFound("there is no such page")
    query = urlencode({"nonce": nonce, "return": visit.site.place.origin + BACK, **more})
    return RedirectResponse(f"{url}?{query}", status_code=303)


PAGES = (
    At("/login", leave, needs=Needs.NOTHING),
    At("/login/step-up", leave_to_step_up),
    At(BACK, take, "POST", Needs.NOTHING, changes=False, is_foreign=True),
    At("/login/arrived", arrive, needs=Needs.NOTHING),
)
