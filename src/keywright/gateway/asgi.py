"""Between an ASGI server and our own words: a scope becomes a `message.Request`, a `message.Response` is sent.

Rules: the raw target is never rebuilt from decoded parts; chunked bodies are refused, and with them trailers, which some
servers merge into the headers; sizes are capped before anything is looked at.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from keywright.gateway.model import GatewayConfig
from keywright.protocol.message import Header, Request, Response
from keywright.protocol.refusal import Reason, Refused

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

CLOSE: tuple[Header, ...] = ((b"connection", b"close"),)

BODY_SECONDS = 10.0
"""How long a body may take to arrive."""


class Gone(Exception):
    """The client hung up before its request was complete: there is nobody to answer."""


async def read_request(scope: Scope, receive: Receive, *, config: GatewayConfig) -> Request:
    """Return the request exactly as received.

    Raises `Refused` (malformed, headers_too_large, length_required, body_too_large) and `Gone`.
    """
    headers: tuple[Header, ...] = tuple((bytes(name), bytes(value)) for name, value in scope["headers"])
    query: bytes = scope["query_string"]
    target: bytes = scope["raw_path"] + (b"?" + query if query else b"")
    _check_head(headers, target, config=config)
    client = scope.get("client")
    body = await _read_body(receive, headers, most=config.max_body_bytes)
    return Request(scope["method"], target, headers, body, str(client[0]) if client else None)


def _check_head(headers: tuple[Header, ...], target: bytes, *, config: GatewayConfig) -> None:
    size = len(target) + sum(len(name) + len(value) for name, value in headers)
    if size > config.max_header_bytes or len(headers) > config.max_headers:
        raise Refused(Reason.HEADERS_TOO_LARGE, most_bytes=config.max_header_bytes, most_headers=config.max_headers)
    names = [name for name, _ in headers]
    if names.count(b"host") != 1:
        raise Refused(Reason.MALFORMED, what="a request names its host once")
    if names.count(b"content-length") > 1:
        raise Refused(Reason.MALFORMED, what="a request states its length once")
    if b"upgrade" in names:
        # The parser reads no further HTTP after it, so this connection is of no more use.
        raise Refused(Reason.MALFORMED, what="no other protocol is spoken here", headers=CLOSE)
    if b"transfer-encoding" in names or b"trailer" in names:
        raise Refused(Reason.LENGTH_REQUIRED)


async def _read_body(receive: Receive, headers: tuple[Header, ...], *, most: int) -> bytes:
    stated = next((value for name, value in headers if name == b"content-length"), b"0")
    if not stated.isdigit():
        raise Refused(Reason.MALFORMED, what="the stated length is not a number")
    length = int(stated) if len(stated) < 12 else most + 1
    if length > most:
        raise Refused(Reason.BODY_TOO_LARGE, most_bytes=most)
    if length == 0:
        return b""
    chunks: list[bytes] = []
    got = 0
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                chunk = message.get("body", b"")
                got += len(chunk)
                if got > length:
                    raise Refused(Reason.MALFORMED, what="the body is longer than stated")
                chunks.append(chunk)
                if not message.get("more_body", False):
                    break
    except TimeoutError:
        raise Refused(Reason.MALFORMED, what="the body did not arrive in time") from None
    if got != length:
        raise Refused(Reason.MALFORMED, what="the body is shorter than stated")
    return b"".join(chunks)


async def send_response(send: Send, response: Response) -> None:
    """Send the answer, with its length."""
    headers = [*response.headers, (b"content-length", str(len(response.body)).encode())]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
