"""The reverse proxy: a request comes in, `admit` decides, what stands behind answers. Plain ASGI."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from keywright import ids
from keywright.errors import Busy
from keywright.gateway import answers
from keywright.gateway.admit import Desk, admit
from keywright.gateway.asgi import Gone, Receive, Scope, Send, read_request, send_response
from keywright.gateway.model import Admission, Attempt
from keywright.gateway.usage import Usage
from keywright.protocol.message import Forward, Header, Request, Response
from keywright.protocol.refusal import Reason, Refused

log = logging.getLogger(__name__)


class Proxy:
    """One gateway as an ASGI application."""

    def __init__(self, desk: Desk, *, forward: Forward, usage: Usage, clock: Callable[[], int]) -> None:
        self._desk = desk
        self._forward = forward
        self._usage = usage
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return  # WebSockets are not spoken here: the server closes them
        ticks = asyncio.get_running_loop().time
        began = ticks()
        started_at = self._clock()
        attempt = Attempt(ids.new_request_id(), self._desk.config.environment, started_at, method=scope["method"][:16])
        try:
            response = await self._answer(scope, receive, attempt)
        except Gone:
            return
        except asyncio.CancelledError:
            # The server stops, or the client is gone; what was admitted may have been carried out all the same.
            attempt.latency_us = round((ticks() - began) * 1_000_000)
            self._usage.keep(attempt)
            raise
        attempt.status = response.status
        attempt.latency_us = round((ticks() - began) * 1_000_000)
        self._usage.keep(attempt)
        await send_response(send, response)

    async def _answer(self, scope: Scope, receive: Receive, attempt: Attempt) -> Response:
        headers: tuple[Header, ...] = ((b"x-keywright-request-id", attempt.request_id.encode()),)
        try:
            request = await read_request(scope, receive, config=self._desk.config)
            attempt.agent = _agent(request)
            admission = await self._admit(request, attempt)
            response = await self._pass_on(request, admission)
            headers = (*headers, *admission.headers)
        except Refused as refused:
            attempt.verdict = refused.reason.value
            said = self._desk.dialect.refuse(refused)
            headers = (*headers, *refused.facts.get("headers", ()))
            response = Response(said.status, said.body, answers.JSON)
        return Response(response.status, response.body, (*response.headers, *headers))

    async def _admit(self, request: Request, attempt: Attempt) -> Admission:
        try:
            # The time once the body is here: one that trickles in must not hold its stamp in the window.
            return await admit(self._desk, request, attempt, now=self._clock())
        except Refused:
            raise
        except Exception as error:  # noqa: BLE001  whatever broke in us, nothing passes
            # Its name only, here too: a database's error holds the row's values.
            log.error("deciding on a request failed: %s", type(error).__name__)  # noqa: TRY400
            raise Refused(Reason.NOT_SURE, what=type(error).__name__) from None

    async def _pass_on(self, request: Request, admission: Admission) -> Response:
        if admission.route.answered_by == "gateway":
            return answers.answer(admission)
        try:
            return await self._forward(request, admission.identity)
        except Busy:
            raise Refused(Reason.UPSTREAM_UNREACHABLE) from None
        except Exception as error:  # noqa: BLE001  whatever broke behind us, the client hears one thing
            # Its name only: a traceback holds values, and a request's body may hold what no log should.
            log.error(  # noqa: TRY400
                "upstream failed on %s %s: %s", request.method, admission.route.path, type(error).__name__
            )
            raise Refused(Reason.UPSTREAM_UNREACHABLE) from None


def _agent(request: Request) -> str:
    agents = request.header(b"user-agent")
    text = agents[0][:200].decode("latin-1") if agents else ""
    return "".join(character if character.isprintable() else "�" for character in text)
