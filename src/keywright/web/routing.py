"""From an ASGI request to a page and back: the same steps for every page, in this order.

1  did the browser come by an official origin        else the page that says where that is, and nothing more
2  a post: is it a form of ours, here in time, whole  else refused before anything is done
3  what time is it, who asks: cookie, session         not before a post is whole: who holds back its end gains nothing
4  a post: does the form belong to this browser
5  may this page be seen at this point of signing in  else on to the page that comes first
6  the page itself
7  errors become pages, cookies are set
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum
from http import HTTPStatus

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from keywright.errors import Busy, Conflict, Invalid, KeywrightError, Limited, NotFound, NotProven, Unusable
from keywright.gateway.address import client_address, neighbourhood
from keywright.identity.devices import with_one_more
from keywright.identity.model import Visitor
from keywright.identity.sessions import AGENT_MAX, TOUCH_MS
from keywright.ids import new_request_id
from keywright.protocol.message import Request as Received
from keywright.vault.seam import KeyDenied, KeyRefused
from keywright.vault.venues.venue import NotUnderstood
from keywright.web.onward import through, wanted
from keywright.web.posted import Refusal, body_of, fields_of
from keywright.web.security import FORM, Cookies, check_csrf, check_post, new_token
from keywright.web.site import Site
from keywright.web.texts import marked
from keywright.web.visit import AboutCode, Visit, for_people

log = logging.getLogger(__name__)


class Needs(Enum):
    """How far someone must have come to see a page."""

    NOTHING = "nothing"
    PASSWORD = "password"
    """The password was right; the second factor is still to come, or does not exist yet."""
    COMPLETE = "complete"
    OPERATOR = "operator"


Page = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True)
class At:
    """One page: where it stands, what it takes, who may see it."""

    path: str
    page: Page
    method: str = "GET"
    needs: Needs = Needs.COMPLETE
    changes: bool = True
    """Whether a post changes anything: only then has its form to be shown to be this browser's own."""
    is_foreign: bool = False
    """Whether another site posts it: what it posts proves itself, and no cookie is set in answer to it but its own."""


STATUSES: tuple[tuple[type[KeywrightError], HTTPStatus], ...] = (
    (Limited, HTTPStatus.TOO_MANY_REQUESTS),
    (NotFound, HTTPStatus.NOT_FOUND),
    (NotProven, HTTPStatus.FORBIDDEN),
    (Conflict, HTTPStatus.CONFLICT),
    (Unusable, HTTPStatus.CONFLICT),
    (Invalid, HTTPStatus.BAD_REQUEST),
    (Busy, HTTPStatus.SERVICE_UNAVAILABLE),
    (KeyRefused, HTTPStatus.BAD_REQUEST),
    (KeyDenied, HTTPStatus.BAD_REQUEST),
    (NotUnderstood, HTTPStatus.SERVICE_UNAVAILABLE),
)


def status_of(problem: KeywrightError) -> HTTPStatus:
    """Return the HTTP status that fits an error of ours."""
    if isinstance(problem, AboutCode):
        problem = problem.problem
    return next((status for kind, status in STATUSES if isinstance(problem, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def route(site: Site, at: At) -> Route:
    """Return the route of one page."""
    cookies = Cookies(site.place)

    async def answer(request: Request) -> Response:
        visit = _visit(site, cookies, request)
        try:
            response = await _answered(visit, at)
        except Refusal as refusal:
            response = problem_page(visit, refusal.problem, status=refusal.status)
        except KeywrightError as problem:
            if isinstance(problem, Busy | Unusable) and not site.texts.knows(
                problem
            ):  # for who runs this, not for visitors
                log.error("page %s: %s (request %s)", at.path, problem.message, visit.visitor.request_id)  # noqa: TRY400
                response = problem_page(visit, _not_now(), status=status_of(problem))
            else:
                response = problem_page(visit, problem, status=status_of(problem))
        except ClientDisconnect:
            raise
        except Exception as unforeseen:  # noqa: BLE001  whatever it was, its text may hold a secret: only its kind is told
            log.error("page %s: %s (request %s)", at.path, type(unforeseen).__name__, visit.visitor.request_id)  # noqa: TRY400
            response = problem_page(visit, _unforeseen(), status=HTTPStatus.INTERNAL_SERVER_ERROR)
        _finish(visit, cookies, response)
        return response

    return Route(at.path, answer, methods=[at.method])


def problem_page(visit: Visit, problem: KeywrightError, *, status: HTTPStatus) -> Response:
    """Return the page that says what went wrong and what to do."""
    visit.has_failed = True
    visit.note(problem)
    return visit.page(
        "problem.html",
        status=status,
        title=TITLES.get(status, TITLES[HTTPStatus.BAD_REQUEST if status < 500 else HTTPStatus.INTERNAL_SERVER_ERROR]),
        message=problem.message,
        hint=for_people(problem.hint),
        request_id=visit.visitor.request_id,
    )


def _visit(site: Site, cookies: Cookies, request: Request) -> Visit:
    raw = request.headers.raw
    token = cookies.token(raw)
    received = Received(
        request.method, b"", tuple(raw), b"", request.client.host if request.client is not None else None
    )
    address = client_address(received, trusted=site.place.networks)
    visitor = Visitor(
        address=address,
        neighbourhood=neighbourhood(address),
        agent=request.headers.get("user-agent", "")[:AGENT_MAX],
        device=cookies.read(cookies.device, raw),
        request_id=new_request_id(),
    )
    chosen = cookies.language_of(raw)
    locale = (
        chosen if chosen in site.texts.locales else site.texts.negotiate(request.headers.get("accept-language", ""))
    )
    return Visit(site, request, visitor, site.clock(), locale, token or new_token(), is_new_token=token is None)


async def _recognise(visit: Visit) -> None:
    visit.now = visit.site.clock()
    if visit.is_new_token:
        return
    async with visit.site.database.read() as tx:
        found = await visit.site.entrance.sessions.find(tx, visit.token, now=visit.now)
        if found is None:
            return
        visit.session, visit.account, _ = found
        if visit.relying_party is not None:
            visit.has_passkeys = await visit.site.passkeys.passkeys.count(tx, visit.account.id) > 0
        if visit.account.language in visit.site.texts.locales:
            visit.locale = visit.account.language
        if not visit.session.is_complete:
            visit.phrase = await visit.site.own.preferences.phrase(tx, visit.account.id)
        visit.is_operator = visit.session.is_complete and await visit.site.entrance.operators.is_operator(
            tx, visit.account
        )
        if visit.session.is_complete:
            visit.policy = await visit.site.policies.shown(tx)
            visit.waiting = await visit.site.approvals.count_waiting(tx, visit.account.id, now=visit.now)
            visit.unread = await visit.site.notices.unread(tx, visit.account.id)
    if visit.now - visit.session.seen_at >= TOUCH_MS:
        with suppress(Busy):  # a page may still be seen while nothing can be written
            async with visit.site.database.write() as tx:
                await visit.site.entrance.sessions.touch(tx, visit.session, now=visit.now)
            visit.session = replace(visit.session, seen_at=visit.now)


async def _answered(visit: Visit, at: At) -> Response:
    place, request, visit.is_foreign = visit.site.place, visit.request, at.is_foreign
    hosts = [value for name, value in request.headers.raw if name == b"host"]
    if len(hosts) != 1 or hosts[0] not in place.hosts:  # of two, who stands before us may have read the other one
        return visit.page("elsewhere.html", status=HTTPStatus.MISDIRECTED_REQUEST)
    if any("\0" in text for pair in request.query_params.multi_items() for text in pair):  # as in a posted field
        raise Invalid("this page is not asked for that way", hint="follow the menu, or go back")
    if at.method == "POST":
        if not at.is_foreign:
            check_post(request.headers, place)
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
            problem = Invalid("only forms are taken here", hint="use the console's own pages")
            raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, problem)
        body = await body_of(request)
        visit.is_whole = True
        visit.posted = fields_of(body)
    await _recognise(visit)
    # Without a session there is nothing to do on most pages but to send people to sign in.
    if at.method == "POST" and at.changes and (visit.session is not None or at.needs is Needs.NOTHING):
        check_csrf(
            visit.site.csrf_key, None if visit.is_new_token else visit.token, visit.text("csrf"), also=visit.csrf
        )
    first = _comes_first(visit, at.needs)
    if first is not None:
        if visit.is_htmx:  # a fragment of the sign-in page would land inside the page: send the whole browser there
            return Response(headers={"hx-redirect": first})
        return visit.to(first)
    if visit.session is not None and visit.session.is_complete and at.path.startswith("/api-management"):
        await _find_owner(visit)
    return await at.page(visit)


async def _find_owner(visit: Visit) -> None:
    """Note whose keys the page is about: the one that a key in its path belongs to, else the sub-account it names."""
    key_id = visit.request.path_params.get("key_id")
    name = visit.request.query_params.get("sub", "") or visit.text("sub")
    if not (key_id or name):
        return
    account_id = visit.own_session.account_id
    async with visit.site.database.read() as tx:
        if key_id:
            visit.sub_account = (await visit.site.issuing.owner_of(tx, account_id, key_id)).sub_account
        else:
            visit.sub_account = (await visit.site.sub_accounts.find(tx, account_id, name)).name


def _comes_first(visit: Visit, needs: Needs) -> str | None:
    """Return the page that someone must see before this one, or `None`."""
    if needs is Needs.NOTHING:
        return None
    onward = _wanted(visit)
    if visit.session is None:  # who was in with this browser before is told why they see this
        path = through("/sign-in", onward)
        done = "form-late" if visit.request.method == "POST" and not visit.is_htmx else "session-over"
        return f"{path}{'&' if onward else '?'}done={done}" if visit.visitor.device is not None else path
    if needs is Needs.PASSWORD or visit.session.is_complete:
        if needs is Needs.OPERATOR and not visit.is_operator:
            raise NotFound("there is no such page")
        return None
    has_factor = visit.account is not None and visit.account.has_factor
    return through("/sign-in/code", onward) if has_factor else "/security/authenticator"


def _wanted(visit: Visit) -> str:
    request = visit.request
    return wanted(
        request.scope["path"],
        referer=request.headers.get("referer", ""),
        origins=visit.site.place.origins,
        is_page=request.method == "GET" and not visit.is_htmx,
    )


def _finish(visit: Visit, cookies: Cookies, response: Response) -> None:
    response.headers["cache-control"] = "no-store"
    response.headers["vary"] = "Cookie, Accept-Language, HX-Request"
    response.headers["x-request-id"] = visit.visitor.request_id
    if visit.retry_ms:
        response.headers["retry-after"] = str(-(-visit.retry_ms // 1000))
    is_unread = visit.request.method == "POST" and not visit.is_whole
    if is_unread:
        response.headers["connection"] = "close"  # or whoever sends a body without end would keep the connection
    # Another site's form comes without our cookie: one set in answer to it would take the session's place.
    if visit.is_new_token and not (is_unread or visit.is_foreign):
        response.raw_headers.append((b"set-cookie", cookies.keep_token(visit.token)))
    if visit.new_device is not None:
        device = with_one_more(visit.visitor.device, visit.new_device)
        response.raw_headers.append((b"set-cookie", cookies.keep_device(device)))
    if visit.chosen_language:
        response.raw_headers.append((b"set-cookie", cookies.keep_language(visit.chosen_language)))


def _not_now() -> KeywrightError:
    return Busy("this can't be answered now", hint="try again in a moment; if it stays, tell whoever runs this")


def _unforeseen() -> KeywrightError:
    return KeywrightError("something went wrong on our side", hint="try again; if it stays, tell whoever runs this")


TITLES = {
    HTTPStatus.BAD_REQUEST: marked("That can’t be taken"),
    HTTPStatus.FORBIDDEN: marked("Not allowed"),
    HTTPStatus.NOT_FOUND: marked("There is nothing here"),
    HTTPStatus.METHOD_NOT_ALLOWED: marked("Not this way"),
    HTTPStatus.CONFLICT: marked("Not in this state"),
    HTTPStatus.TOO_MANY_REQUESTS: marked("Too many attempts"),
    HTTPStatus.SERVICE_UNAVAILABLE: marked("Busy"),
    HTTPStatus.INTERNAL_SERVER_ERROR: marked("Something went wrong"),
}
