"""How each `Reason` is said on KuCoin's wire: status, code, the text clients match on, and a hint for a person.

Rule 1: `msg` is KuCoin's live text, word for word; clients choose an exception by it. What helps goes into `hint`.
Rule 2: a hint says what to do, and holds no words that clients look for in the whole body ("require more permission").
Rule 3: nothing a caller has not proved the secret for is told: KEY_UNKNOWN and KEY_ALTERED read the same.

Facts that hints use, where known: `rule` or `what` (what was broken, in words), `header`, `allowed` (methods),
`most_bytes`, `unit` (of a mistaken stamp), `skew_ms` (stamp minus our time), `window_ms`, `base_url`, `address`,
`needed` (a permission), `retry_after_ms`. A fact that is missing or empty shortens its hint.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from keywright.protocol import hints
from keywright.protocol.message import Answer
from keywright.protocol.refusal import Reason, Refused

Facts = Mapping[str, Any]

_HEADERS = "Please check the header of your request for {0}KEY, {0}SIGN, {0}TIMESTAMP, {0}PASSPHRASE"
_TIMESTAMP = "Invalid {0}TIMESTAMP"
_NO_KEY = "{0}KEY not exists"
_PARAMETER = "Parameter Error"
_UNAVAILABLE = "Service Unavailable"

# A stamp this far off was never a clock: it is another unit, padded or cut to 13 digits.
_NO_CLOCK_MS = 10 * 365 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Saying:
    """One line of the table."""

    status: int
    code: str
    msg: str
    """`{0}` stands for the header prefix, here and in hints; `{address}` for the address that was seen."""
    hint: Callable[[Facts], str]


def answer(refused: Refused, *, prefix: str) -> Answer:
    """Return the refusal's status and JSON body; nothing of the request's secrets is in it."""
    saying = TABLE[refused.reason]
    msg = saying.msg.format(prefix, address=refused.facts.get("address") or "unknown")
    body = {"code": saying.code, "msg": msg, "hint": saying.hint(refused.facts).replace("{0}", prefix)}
    return Answer(saying.status, json.dumps(body, separators=(",", ":")).encode())


def _missing(facts: Facts) -> str:
    return (
        f"Send {facts.get('header', 'each of these headers')} exactly once. A name with '_' for '-' is another header."
    )


def _repeated(facts: Facts) -> str:
    return f"{facts.get('header', 'One of these headers')} came more than once: send it exactly once."


def _stamp(facts: Facts) -> str:
    unit = facts.get("unit", "")
    looks = f"What was sent looks like {unit}. " if unit else ""
    return looks + "{0}TIMESTAMP is milliseconds since 1970 in UTC: exactly 13 digits, no point, no sign."


def _clock(facts: Facts) -> str:
    if "skew_ms" not in facts:
        return "Set your clock by NTP, or take the time from GET /api/v1/timestamp."
    skew: int = facts["skew_ms"]
    if abs(skew) > _NO_CLOCK_MS:
        return "The stamp is years away from our time: is it seconds, or another unit? {0}TIMESTAMP is milliseconds."
    direction = "ahead of" if skew > 0 else "behind"
    window = f"; {facts['window_ms']} ms are tolerated" if "window_ms" in facts else ""
    return (
        f"The stamp is {abs(skew)} ms {direction} our time{window}. Set your clock by NTP, or take the time from "
        "GET /api/v1/timestamp; and sign right before sending."
    )


_unknown_key = hints.always(
    "Check the key id, that the key was not deleted, and that this is its environment's base URL."
)

TABLE: Mapping[Reason, Saying] = {
    Reason.MALFORMED: Saying(400, "400100", _PARAMETER, hints.rule("The HTTP message itself is not well formed.")),
    Reason.HEADERS_TOO_LARGE: Saying(431, "400100", _PARAMETER, hints.smaller("fewer or shorter headers")),
    Reason.BODY_TOO_LARGE: Saying(413, "400100", _PARAMETER, hints.smaller("a smaller body")),
    Reason.LENGTH_REQUIRED: Saying(
        411, "400100", _PARAMETER, hints.always("Send the body with a Content-Length; chunked bodies are not taken.")
    ),
    Reason.METHOD_NOT_ALLOWED: Saying(405, "400100", _PARAMETER, hints.methods),
    Reason.TARGET_NOT_CANONICAL: Saying(
        400, "400100", _PARAMETER, hints.rule("Only targets with one reading are taken; nothing is mended on the way.")
    ),
    Reason.BODY_NOT_ALLOWED: Saying(
        400, "400100", _PARAMETER, hints.always("This call takes no body: put its parameters into the query.")
    ),
    Reason.BODY_MALFORMED: Saying(
        400,
        "400100",
        _PARAMETER,
        hints.rule("A body is a JSON object or array in UTF-8, each name at most once per object."),
    ),
    Reason.ROUTE_UNKNOWN: Saying(
        404, "404000", "Url Not Found", hints.rule("Check method, path (upper and lower case count) and base URL.")
    ),
    Reason.HEADER_MISSING: Saying(400, "400001", _HEADERS, _missing),
    Reason.HEADER_REPEATED: Saying(400, "400001", _HEADERS, _repeated),
    Reason.TIMESTAMP_MALFORMED: Saying(400, "400002", _TIMESTAMP, _stamp),
    Reason.TIMESTAMP_OUT_OF_WINDOW: Saying(400, "400002", _TIMESTAMP, _clock),
    Reason.KEY_VERSION_UNKNOWN: Saying(
        400, "400009", "Invalid {0}KEY-VERSION.", hints.always("Send {0}KEY-VERSION: 3 (2 means the same).")
    ),
    Reason.KEY_VERSION_OFF: Saying(
        401,
        "400008",
        "V1 & V2 API keys are no longer supported by this API. Please create a V3 API key.",
        hints.always(
            "No new key is needed: this request came as version 1, its passphrase in clear. Send {0}KEY-VERSION: 3 and "
            "{0}PASSPHRASE: base64(HMAC-SHA256(secret, passphrase)). A client that can't: ask the operator."
        ),
    ),
    Reason.KEY_UNKNOWN: Saying(401, "400003", _NO_KEY, _unknown_key),
    Reason.SIGNATURE_MISMATCH: Saying(
        401,
        "400005",
        "Invalid {0}SIGN",
        hints.rule(
            "Sign timestamp + METHOD + path?query + body, exactly as sent, with this key's secret: base64, 44 characters."
        ),
    ),
    Reason.PASSPHRASE_MISMATCH: Saying(
        401,
        "400004",
        "Invalid {0}PASSPHRASE",
        hints.always(
            "Send base64(HMAC-SHA256(secret, passphrase)); the passphrase is this key's own, not the account's."
        ),
    ),
    Reason.KEY_PENDING: Saying(
        401,
        "400003",
        _NO_KEY,
        hints.always("Its owner has not said yet that this key arrived. Confirm it on its page, or make a new one."),
    ),
    Reason.KEY_REPLACED: Saying(
        401, "400003", _NO_KEY, hints.always("Its successor took this key's place: use that one.")
    ),
    Reason.KEY_DISABLED: Saying(
        401, "400003", _NO_KEY, hints.always("This key is disabled. Its owner can enable it again.")
    ),
    Reason.KEY_EXPIRED: Saying(401, "400003", _NO_KEY, hints.expired),
    Reason.KEY_OTHER_ENVIRONMENT: Saying(401, "400003", _NO_KEY, hints.environment),
    Reason.KEY_FROZEN: Saying(
        403,
        "411100",
        "User is frozen",
        hints.always("The account or this key was frozen. Its owner can lift that, with the second factor."),
    ),
    Reason.KEY_ALTERED: Saying(401, "400003", _NO_KEY, _unknown_key),
    Reason.ADDRESS_NOT_ALLOWED: Saying(
        403, "400006", "Invalid request ip, the current clientIp is:{address}", hints.address
    ),
    Reason.PERMISSION_MISSING: Saying(403, "400007", "Access denied, require more permission.", hints.permission),
    Reason.PERMISSION_FROZEN: Saying(
        403,
        "400007",
        "Access denied, require more permission.",
        hints.always(
            "The operator froze what this call does, for everyone. Nothing is wrong with this key; try again later."
        ),
    ),
    Reason.ORDER_LIMIT: Saying(
        400, "400100", _PARAMETER, hints.rule("This key's order limits do not allow it; nothing was ordered.")
    ),
    Reason.REPLAYED: Saying(
        400,
        "400100",
        _PARAMETER,
        hints.always(
            "This very request was taken before; it was not carried out again. Look up what came of it before you sign "
            "a new one."
        ),
    ),
    # Not of this wire, where a stamp stands in a nonce's place; here so that every reason can be said.
    Reason.NONCE_MALFORMED: Saying(400, "400100", _PARAMETER, hints.rule("The nonce can't be read.")),
    Reason.NONCE_NOT_INCREASING: Saying(
        400, "400100", _PARAMETER, hints.rule("The nonce must rise with every request.")
    ),
    Reason.TOO_MANY_REQUESTS: Saying(429, "429000", "Too many requests. User-level rate limit exceeded.", hints.wait),
    Reason.NOT_SURE: Saying(
        503,
        "503000",
        _UNAVAILABLE,
        hints.always(
            "The gateway can't be sure that this key still holds, so it let nothing through. Nothing was done; try again."
        ),
    ),
    Reason.UPSTREAM_UNREACHABLE: Saying(
        503,
        "503000",
        _UNAVAILABLE,
        hints.always(
            "The service behind the gateway did not answer. If this was an order, look it up before you send another."
        ),
    ),
}
