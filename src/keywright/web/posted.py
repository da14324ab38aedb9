"""What a post brings: its body, whole and in time, and the fields in it."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.requests import Request

from keywright.errors import Invalid, KeywrightError

MOST_BODY = 64 * 1024
MOST_FIELDS = 64
BODY_SECONDS = 15.0
"""From the end of a post's head to the end of its body: a connection is a place that others wait for."""


class Refusal(Exception):
    """A status and what to say: for what is wrong before any page is asked."""

    def __init__(self, status: HTTPStatus, problem: KeywrightError) -> None:
        super().__init__(problem.message)
        self.status, self.problem = status, problem


async def body_of(request: Request) -> bytes:
    """Return what was posted, whole. Raises `Refusal` for what is too long or too late."""
    length = request.headers.get("content-length", "")
    too_long = Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, Invalid("that is more than a form of ours can hold"))
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
        late = Invalid("the form took too long to arrive", hint="reload the page and try again")
        raise Refusal(HTTPStatus.REQUEST_TIMEOUT, late) from None
    return bytes(body)


def fields_of(body: bytes) -> dict[str, list[str]]:
    """Return the fields of a form; raises `Invalid`."""
    try:
        fields = parse_qs(
            body.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=MOST_FIELDS,
            errors="strict",
            encoding="utf-8",
        )
    except ValueError:
        raise _unreadable() from None
    if any("\0" in text for name, values in fields.items() for text in (name, *values)):
        raise _unreadable()  # no form of ours takes one, and PostgreSQL can neither keep it nor look for it
    return fields


def typed_code(text: str) -> str:
    """Return the code of an authenticator as it is looked at: apps show "123 456", and so it is copied. Others stay."""
    digits = "".join(text.split())
    return digits if digits.isdecimal() else text


def _unreadable() -> Invalid:
    return Invalid("that form can't be read", hint="reload the page and try again")
