"""The management API as an ASGI application: the same steps for every call, in this order.

1  which service token, does it hold, from here, now     else 401 or 403, and nothing of the request is looked at
2  is the body here in time, not too long, and JSON that two parsers could not read differently
3  the route: may the token do this, is what was sent what is taken, is the person there where it takes one
4  errors become problems; every answer says that it is not to be kept

Only `Authorization: Bearer` counts: a cookie proves nothing here, so no browser can be made to ask in someone's name.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from dataclasses import replace
from http import HTTPStatus
from typing import Any, cast

from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from keywright import __version__
from keywright.api import accounts, approvals, keys, operating, policy, records
from keywright.api.call import PLACE, Call, Office, bearer
from keywright.api.problems import Cause, Problem, answer_to
from keywright.api.shapes import ProblemOut
from keywright.errors import Busy, Invalid, KeywrightError, Limited
from keywright.gateway.address import client_address
from keywright.identity import limits
from keywright.identity.tokens import TokenRefused, needs_touch
from keywright.ids import new_request_id
from keywright.protocol.message import Request as Received
from keywright.protocol.strict_json import loads
from keywright.secret import Secret

PREFIX = "/api/management/v1"
MOST_BODY = 64 * 1024
BODY_SECONDS = 15.0
AGENT_MAX = 256

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]

HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
HSTS = (b"strict-transport-security", b"max-age=63072000")

log = logging.getLogger(__name__)


class ManagementApi:
    """Answers what is asked under `/api/management/v1`."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._headers = (*HEADERS, HSTS) if office.is_https else HEADERS
        self.routes = routes()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one call."""
        if scope["type"] != "http":
            return
        request_id, has_begun = new_request_id(), False

        async def guarded(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = [*message["headers"], *self._headers, (b"x-request-id", request_id.encode())]
                if message["status"] == HTTPStatus.METHOD_NOT_ALLOWED:
                    headers.append((b"allow", _methods_at(scope["path"])))
                message["headers"] = headers
            await send(message)

        is_whole = False
        try:
            call = await self._recognise(scope, request_id)
            body = await _body(Request(scope, receive))
            is_whole = True
            await self._answer(scope, replace(call, body=body, now=self._office.clock()), guarded)
            return
        except ClientDisconnect:  # nobody is left to answer
            return
        except KeywrightError as problem:
            answer = answer_to(problem, request_id=request_id)
        except Exception as unforeseen:  # noqa: BLE001  whatever it was, its text may hold a secret: only its kind is told
            log.error("the management API: %s (request %s)", type(unforeseen).__name__, request_id)  # noqa: TRY400
            answer = answer_to(_unforeseen(), request_id=request_id)
        if not is_whole:  # or whoever sends a body without end would keep the connection
            answer.headers["connection"] = "close"
        if not has_begun:
            await answer(scope, receive, guarded)

    async def _recognise(self, scope: MutableMapping[str, Any], request_id: str) -> Call:
        office, now = self._office, self._office.clock()
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        peer = scope["client"][0] if scope.get("client") else None
        address = client_address(Received(scope["method"], b"", tuple(headers), b"", peer), trusted=office.networks)
        shown = [value for name, value in headers if name == b"authorization"]
        kind, _, value = shown[0].partition(b" ") if len(shown) == 1 else (b"", b"", b"")
        if kind.lower() != b"bearer" or not value:
            raise Problem(
                Cause.TOKEN_MISSING, "this takes a service token", hint="send it as Authorization: Bearer kwst_…"
            )
        agents = [value.decode("latin-1") for name, value in headers if name == b"user-agent"]
        agent = agents[0][:AGENT_MAX] if agents else ""
        try:
            async with office.database.read() as tx:
                token = await office.tokens.recognise(tx, Secret(value), address=address, now=now)
        except TokenRefused as refused:
            await self._note(refused, address=address, agent=agent, request_id=request_id, now=now)
            raise
        if needs_touch(token, address=address, now=now):
            with suppress(Busy):  # something may still be read while nothing can be written
                async with office.database.write() as tx:
                    await office.tokens.touch(tx, token, address=address, now=now)
        query: bytes = scope.get("query_string", b"")
        target: bytes = scope.get("raw_path") or scope["path"].encode()
        said = tuple(value.decode("latin-1") for name, value in headers if name == b"x-keywright-assertion")
        return Call(
            office=office,
            token=token,
            method=scope["method"],
            target=target + (b"?" + query if query else b""),
            body=b"",
            address=address,
            agent=agent,
            request_id=request_id,
            now=now,
            said=said,
        )

    async def _note(self, refused: TokenRefused, *, address: str, agent: str, request_id: str, now: int) -> None:
        """Record that a right token came from a foreign address: once an hour, because the log keeps everything."""
        if refused.token is None:
            return
        from_ = Call(self._office, refused.token, "", b"", b"", address, agent, request_id, now)
        with suppress(Limited, Busy):
            await self._office.entrance.charge({f"said:{refused.token.id}": limits.SAID}, now=now)
            async with self._office.database.write() as tx:
                await self._office.tokens.note_foreign(tx, refused.token, actor=from_.actor(), now=now)

    async def _answer(self, scope: MutableMapping[str, Any], call: Call, send: Send) -> None:
        has_body = bool(call.body)
        if has_body:
            kinds = [value for name, value in scope["headers"] if name == b"content-type"]
            if len(kinds) != 1 or kinds[0].partition(b";")[0].strip().lower() != b"application/json":
                raise Problem(Cause.NOT_JSON, "only JSON is taken here", hint="Content-Type: application/json")
            try:
                loads(call.body)
            except Invalid as malformed:
                raise Problem(Cause.MALFORMED, malformed.message) from None
        given = False

        async def receive() -> Message:
            nonlocal given
            if given:
                return {"type": "http.disconnect"}
            given = True
            return {"type": "http.request", "body": call.body, "more_body": False}

        await self.routes({**scope, PLACE: call}, receive, send)


def _methods_at(path: str) -> bytes:
    """Return how a path may be asked for, as the header `Allow` says it."""
    known = (route for part in PARTS for route in part.router.routes if isinstance(route, APIRoute))
    matching = (route for route in known if route.path_regex.match(path.removeprefix(PREFIX)))
    return ", ".join(sorted({method for route in matching for method in route.methods or ()})).encode()


PARTS = (accounts, keys, approvals, operating, policy, records)


def routes() -> FastAPI:
    """Return the routes alone, as their OpenAPI document tells of them: nobody's token is looked at here."""
    app = FastAPI(
        title="Keywright management API",
        version=__version__,
        description=ABOUT,
        openapi_url=None,  # written to docs/reference/openapi.json instead: nothing is served to strangers
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(bearer)],
        generate_unique_id_function=lambda route: route.name,
    )
    for part in PARTS:
        app.include_router(part.router, prefix=PREFIX)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    app.add_exception_handler(KeywrightError, _problem)
    app.add_exception_handler(RequestValidationError, _not_taken)
    app.add_exception_handler(HTTPException, _nothing)
    app.add_exception_handler(Exception, _failed)
    return app


def _document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, with the one shape that problems have."""
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    schemas = document["components"]["schemas"]
    for name, schema in models_json_schema([(ProblemOut, "serialization")], ref_template=SCHEMA)[1]["$defs"].items():
        schemas[name] = schema
    return document


SCHEMA = "#/components/schemas/{model}"

ABOUT = (
    "Accounts, keys, freezes and what happened, for programs of whoever runs this Keywright. Every call takes a service "
    "token; what is kept for a signed-in person takes an assertion of that person besides, for this one request."
)


async def _body(request: Request) -> bytes:
    too_long = Problem(Cause.BODY_TOO_LARGE, "that is longer than anything taken here")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:12]) > MOST_BODY:
        raise too_long
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MOST_BODY:
                    raise too_long
    except TimeoutError:
        raise Problem(Cause.BODY_TOO_LATE, "the body took too long to arrive") from None
    return bytes(body)


async def _problem(request: Request, problem: Exception) -> Response:
    return answer_to(cast("KeywrightError", problem), request_id=request.scope[PLACE].request_id)


async def _failed(request: Request, _: Exception) -> Response:
    """Say that something went wrong; what it was is logged outside, by its kind only."""
    return answer_to(_unforeseen(), request_id=request.scope[PLACE].request_id)


def _unforeseen() -> Problem:
    return Problem(
        Cause.FAILED, "something went wrong on our side", hint="try again; if it stays, tell us the request's id"
    )


async def _not_taken(request: Request, problem: Exception) -> Response:
    """Say which value can't be taken, and never what it was: it may be a secret."""
    first = cast("RequestValidationError", problem).errors()[0]
    where = [str(part) for part in first["loc"] if part != "body"]
    field = where[-1] if where else ""
    said = Problem(Cause.INVALID, f"{'.'.join(where) or 'the body'}: {first['msg']}", field=field)
    return answer_to(said, request_id=request.scope[PLACE].request_id)


async def _nothing(request: Request, problem: Exception) -> Response:
    status = cast("HTTPException", problem).status_code
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        said = Problem(Cause.METHOD_NOT_ALLOWED, "this path is not asked for that way")
    elif status == HTTPStatus.NOT_FOUND:
        said = Problem(Cause.NOT_FOUND, "there is no such path", hint="docs/reference/openapi.json lists them all")
    else:
        said = Problem(Cause.MALFORMED, "the request can't be read")
    return answer_to(said, request_id=request.scope[PLACE].request_id)
