"""How the management API says what went wrong: `application/problem+json` (RFC 9457) with a stable `reason`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from keywright.errors import (
    Busy,
    Conflict,
    Invalid,
    KeywrightError,
    Limited,
    LimitReached,
    NotFound,
    NotProven,
    Unusable,
)

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:keywright:problem:"
"""What a problem's `type` begins with; its reason follows."""


class Cause(StrEnum):
    """Why a call was not answered. Never rename one: programs choose what to do by them."""

    MALFORMED = "malformed"
    """The request can't be read: no JSON, a field twice, a parameter that is unknown."""
    TOKEN_MISSING = "token_missing"
    """There is no service token, or more than one."""
    TOKEN_UNKNOWN = "token_unknown"
    """That is no service token of this installation."""
    TOKEN_DISABLED = "token_disabled"
    """The service token was switched off."""
    TOKEN_EXPIRED = "token_expired"
    """The service token's time is up."""
    ADDRESS_NOT_ALLOWED = "address_not_allowed"
    """The service token may not be used from this address."""
    SCOPE_MISSING = "scope_missing"
    """The service token may not do this."""
    ASSERTION_MISSING = "assertion_missing"
    """This takes a fresh assertion of the person whose account it is."""
    ASSERTION_INVALID = "assertion_invalid"
    """The assertion is not signed by the exchange, not for us, or too old."""
    ASSERTION_USED = "assertion_used"
    """The assertion served before."""
    ASSERTION_OF_ANOTHER = "assertion_of_another"
    """The assertion is about someone else than the account's owner."""
    ASSERTION_OF_ANOTHER_REQUEST = "assertion_of_another_request"
    """The assertion was signed for another method, target or body."""
    FACTOR_STALE = "factor_stale"
    """The person's second factor was proved too long ago, or not at all."""
    LOGIN_NOT_SET_UP = "login_not_set_up"
    """Nobody may vouch for people here: no issuer is configured."""
    NOT_ALLOWED = "not_allowed"
    """Something that must be proved for this was not."""
    NOT_FOUND = "not_found"
    """There is no such thing, or no such path."""
    METHOD_NOT_ALLOWED = "method_not_allowed"
    """The path is not asked for that way."""
    CONFLICT = "conflict"
    """The thing is not in the state this needs."""
    LIMIT_REACHED = "limit_reached"
    """It would be one too many."""
    ANSWER_OF_ANOTHER = "answer_of_another"
    """The Idempotency-Key served for another request."""
    BODY_TOO_LARGE = "body_too_large"
    """The body is longer than any that is taken."""
    BODY_TOO_LATE = "body_too_late"
    """The body took too long to arrive."""
    NOT_JSON = "not_json"
    """The body is said to be something else than JSON."""
    INVALID = "invalid"
    """A value breaks a rule; `field` names which."""
    TOO_MANY_ATTEMPTS = "too_many_attempts"
    """Too many attempts: `Retry-After` says for how long none is looked at."""
    FAILED = "failed"
    """Something went wrong on our side."""
    BUSY = "busy"
    """Not now: the same call may work later."""


STATUSES: Mapping[Cause, HTTPStatus] = {
    Cause.MALFORMED: HTTPStatus.BAD_REQUEST,
    Cause.TOKEN_MISSING: HTTPStatus.UNAUTHORIZED,
    Cause.TOKEN_UNKNOWN: HTTPStatus.UNAUTHORIZED,
    Cause.TOKEN_DISABLED: HTTPStatus.UNAUTHORIZED,
    Cause.TOKEN_EXPIRED: HTTPStatus.UNAUTHORIZED,
    Cause.NOT_FOUND: HTTPStatus.NOT_FOUND,
    Cause.METHOD_NOT_ALLOWED: HTTPStatus.METHOD_NOT_ALLOWED,
    Cause.CONFLICT: HTTPStatus.CONFLICT,
    Cause.LIMIT_REACHED: HTTPStatus.CONFLICT,
    Cause.ANSWER_OF_ANOTHER: HTTPStatus.CONFLICT,
    Cause.BODY_TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Cause.BODY_TOO_LATE: HTTPStatus.REQUEST_TIMEOUT,
    Cause.NOT_JSON: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    Cause.INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
    Cause.TOO_MANY_ATTEMPTS: HTTPStatus.TOO_MANY_REQUESTS,
    Cause.FAILED: HTTPStatus.INTERNAL_SERVER_ERROR,
    Cause.BUSY: HTTPStatus.SERVICE_UNAVAILABLE,
}
"""What each is answered with; those that are not here with 403."""

TITLES: Mapping[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "The request can't be read",
    HTTPStatus.UNAUTHORIZED: "No service token that holds",
    HTTPStatus.FORBIDDEN: "Not allowed",
    HTTPStatus.NOT_FOUND: "There is no such thing",
    HTTPStatus.METHOD_NOT_ALLOWED: "Not this way",
    HTTPStatus.CONFLICT: "Not in this state",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Too long",
    HTTPStatus.REQUEST_TIMEOUT: "Too late",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "JSON only",
    HTTPStatus.UNPROCESSABLE_ENTITY: "That can't be taken",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many attempts",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong",
    HTTPStatus.SERVICE_UNAVAILABLE: "Not now",
}

FAMILIES: tuple[tuple[type[KeywrightError], Cause], ...] = (
    (Limited, Cause.TOO_MANY_ATTEMPTS),
    (NotFound, Cause.NOT_FOUND),
    (NotProven, Cause.NOT_ALLOWED),
    (LimitReached, Cause.LIMIT_REACHED),
    (Conflict, Cause.CONFLICT),
    (Unusable, Cause.CONFLICT),
    (Invalid, Cause.INVALID),
    (Busy, Cause.BUSY),
)


class Problem(KeywrightError):
    """What is wrong with a call, where no error of the parts below says it."""

    def __init__(self, reason: Cause, message: str, *, hint: str = "", field: str = "") -> None:
        super().__init__(message, hint=hint)
        self.reason, self.field = reason, field


def cause_of(problem: KeywrightError) -> Cause:
    """Return the reason that an error of ours is said with."""
    own = getattr(problem, "reason", None)
    if isinstance(own, str) and own in set(Cause):
        return Cause(own)
    return next((reason for kind, reason in FAMILIES if isinstance(problem, kind)), Cause.FAILED)


def answer_to(problem: KeywrightError, *, request_id: str) -> Response:
    """Return the answer that says what went wrong and what to do."""
    reason = cause_of(problem)
    status = STATUSES.get(reason, HTTPStatus.FORBIDDEN)
    said: dict[str, Any] = {
        "type": TYPE + reason.value,
        "title": TITLES[status],
        "status": status.value,
        "detail": problem.message,
        "reason": reason.value,
        "request_id": request_id,
    }
    if problem.hint and "`keywright " not in problem.hint:  # who asks here is at no command line of ours
        said["hint"] = problem.hint
    if field := getattr(problem, "field", ""):
        said["field"] = field
    response = Response(json.dumps(said), status.value, media_type=MEDIA_TYPE)
    if status is HTTPStatus.UNAUTHORIZED:
        response.headers["www-authenticate"] = 'Bearer realm="keywright"'
    if isinstance(problem, Limited):
        response.headers["retry-after"] = str(-(-problem.retry_ms // 1000))
    return response
