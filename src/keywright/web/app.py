"""The console as an ASGI application: every page's route, files, what machines ask for; headers on every answer."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Route, Router
from starlette.types import ASGIApp

from keywright.errors import Invalid, KeywrightError, NotFound
from keywright.vault.evidence import Exchange
from keywright.web.assets import takes_packed
from keywright.web.pages import (
    account_security,
    approvals,
    arriving,
    captcha,
    exchange_connecting,
    exchange_life,
    exchange_refusal,
    exchange_rotation,
    exchanges,
    guides,
    key_addresses,
    key_life,
    key_making,
    key_pages,
    key_shown,
    machines,
    notices,
    operator_account,
    operator_audit,
    operator_permissions,
    operator_policy,
    operator_tokens,
    operators,
    own_account,
    passkeys,
    phone,
    posture,
    proving,
    second_factor,
    sub_accounts,
    usage,
    vouched,
    withdrawal_addresses,
)
from keywright.web.posted import Refusal
from keywright.web.routing import At, Needs, Page, route, status_of
from keywright.web.security import FOR_EVER, NO_STORE, headers_of
from keywright.web.site import Site
from keywright.web.visit import Visit

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


log = logging.getLogger(__name__)


PAGES: tuple[At, ...] = (
    *arriving.PAGES,
    *captcha.PAGES,
    *second_factor.PAGES,
    *account_security.PAGES,
    *passkeys.PAGES,
    *own_account.PAGES,
    *phone.PAGES,
    *proving.PAGES,
    *key_pages.PAGES,
    *key_making.PAGES,
    *key_addresses.PAGES,
    *key_life.PAGES,
    *key_shown.PAGES,
    *usage.PAGES,
    *sub_accounts.PAGES,
    *approvals.PAGES,
    *withdrawal_addresses.PAGES,
    *exchanges.PAGES,
    *exchange_connecting.PAGES,
    *exchange_life.PAGES,
    *exchange_refusal.PAGES,
    *exchange_rotation.PAGES,
    *posture.PAGES,
    *operators.PAGES,
    *operator_account.PAGES,
    *operator_policy.PAGES,
    *operator_permissions.PAGES,
    *operator_tokens.PAGES,
    *operator_audit.PAGES,
    *vouched.PAGES,
    *notices.PAGES,
    *guides.PAGES,
)
"""Every page there is for people, and every form."""


class KeyId(Convertor[str]):
    """A key id in a path: anything else is no page at all."""

    regex = "[0-9a-f]{24}"

    def convert(self, value: str) -> str:
        """Return the id."""
        return value

    def to_string(self, value: str) -> str:
        """Return the id."""
        return value


class RowId(KeyId):
    """The id of a session or account in a path."""

    regex = "[a-z]{3}_[0-9a-f]{24}"


class ExchangeName(KeyId):
    """The name of an exchange in a path."""

    regex = "|".join(exchange.value for exchange in Exchange)


register_url_convertor("key", KeyId())
register_url_convertor("exchange", ExchangeName())
register_url_convertor("row", RowId())


class Console:
    """Answers what is asked at the console's port."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._headers = headers_of(site.place)
        self._names = {name for name, _ in self._headers}
        self._routes = [
            *machines.routes(site),
            Route("/static/{name:path}", self._file, methods=["GET"]),
            *(route(site, _for_our_own(at)) for at in PAGES),
            *(route(site, at) for at in machines.DEVELOPMENT if site.place.has_development_pages),
        ]
        self._router = Router(self._routes, redirect_slashes=False, default=self._nothing)
        self._missing = _everywhere(site, _missing)
        self._wrong_method = _everywhere(site, _not_this_way)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return

        has_begun = False

        async def guarded(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = [pair for pair in message["headers"] if pair[0].lower() not in self._names]
                if not any(name.lower() == b"cache-control" for name, _ in headers):
                    headers.append(NO_STORE)
                if message["status"] == HTTPStatus.METHOD_NOT_ALLOWED:
                    headers.append((b"allow", self._methods_at(scope)))
                message["headers"] = [*headers, *self._headers]
            await send(message)

        try:
            await self._answer(scope, receive, guarded)
            return
        except ClientDisconnect:  # nobody is left to answer
            return
        except KeywrightError as problem:  # before there was a visit that a page could be made for
            answer = PlainTextResponse(f"{problem.message}; {problem.hint}\n", status_of(problem))
        except Exception as unforeseen:  # noqa: BLE001  the page of errors failed too; its text may hold a secret
            log.error("the console: %s", type(unforeseen).__name__)  # noqa: TRY400
            answer = PlainTextResponse("something went wrong on our side\n", HTTPStatus.INTERNAL_SERVER_ERROR)
        if not has_begun:
            await answer(scope, receive, guarded)

    async def _answer(self, scope: MutableMapping[str, Any], receive: Any, send: Send) -> None:
        if b"%" in scope.get("raw_path", b""):
            # None of our paths needs it. A proxy that forbids `/operator` must not be passed by writing it otherwise.
            await self._missing(scope, receive, send)
            return
        try:
            await self._router(
                {**scope, "app": self}, receive, send
            )  # with `app`, a wrong method is raised, not answered
        except HTTPException:
            await self._wrong_method(scope, receive, send)

    def _methods_at(self, scope: MutableMapping[str, Any]) -> bytes:
        matching = (one for one in self._routes if one.matches(scope)[0] is not Match.NONE)
        return ", ".join(sorted({method for one in matching for method in one.methods or ()})).encode()

    async def _file(self, request: Request) -> Response:
        is_packed = takes_packed(request.headers.get("accept-encoding", ""))
        found = self._site.assets.find(request.path_params["name"], is_packed=is_packed)
        if found is None:
            return Response(status_code=HTTPStatus.NOT_FOUND)
        body, content_type = found
        response = Response(body, media_type=content_type)
        response.headers[FOR_EVER[0].decode()] = FOR_EVER[1].decode()
        response.headers["vary"] = "Accept-Encoding"
        if is_packed:
            response.headers["content-encoding"] = "gzip"
        return response

    async def _nothing(self, scope: MutableMapping[str, Any], receive: Any, send: Send) -> None:
        await self._missing(scope, receive, send)


def _everywhere(site: Site, page: Page) -> ASGIApp:
    """Return what answers with this page whatever the path and method."""
    return route(site, At("/{path:path}", page, needs=Needs.NOTHING)).app


OWN = ("/security/authenticator", "/security/recovery-codes", "/security/passkeys", "/security/password", "/step-up")
"""Pages about what someone proves themselves by here: there are none of them for who signs in at the exchange."""


def _for_our_own(at: At) -> At:
    """Return the page as it is; for those in `OWN`, not for who signs in elsewhere: that login must stay the only one."""

    async def page(visit: Visit) -> Response:
        if visit.account is not None and visit.account.external_id:
            raise NotFound(
                "there is no such page", hint="you sign in at the exchange, with what you prove yourself by there"
            )
        return await at.page(visit)

    return replace(at, page=page) if at.path.startswith(OWN) else at


async def _missing(_visit: Visit) -> Response:
    raise NotFound("there is no such page", hint="follow the menu, or go back")


async def _not_this_way(_visit: Visit) -> Response:
    problem = Invalid("this page is not asked for that way", hint="follow the menu, or go back")
    raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, problem)
