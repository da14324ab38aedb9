"""How each `Reason` is said on Binance's wire: status, code, the text clients match on, and a hint for a person.

Rule 1: `code` and `msg` are Binance's, word for word; clients choose an exception by them. What helps goes into `hint`.
Rule 2: a hint says what to do, and holds no words that clients look for in the whole body (`LOT_SIZE`, `PRICE_FILTER` …).
Rule 3: -2015 is one text for an unknown key, a foreign address and a missing permission. Ours says which of the last two
in the hint alone; KEY_UNKNOWN and KEY_ALTERED read the same, nothing is told to who has not proved the secret.

Facts that are used, where known: `rule` or `what` (what was broken, in words), `repeated`, `header`, `parameter`,
`allowed` (methods), `most_bytes`, `unit` (of a mistaken stamp), `most_ms`, `skew_ms` (stamp minus our time), `window_ms`,
`base_url`, `address`, `needed` (a permission), `retry_after_ms`, `path`. A fact that is missing shortens its hint.
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

_NO_KEY = "Invalid API-key, IP, or permissions for action."
_ILLEGAL = "Illegal characters found in a parameter."
_DUPLICATE = "Duplicate values for a parameter detected."
_UNSUPPORTED = "This operation is not supported."
_LATE = "Timestamp for this request is outside of the recvWindow."
_EARLY = "Timestamp for this request was 1000ms ahead of the server's time."
_WIDE = "recvWindow must be less than 60000."
_MANDATORY = "Mandatory parameter '{0}' was not sent, was empty/null, or malformed."


@dataclass(frozen=True, slots=True)
class Saying:
    """One line of the table."""

    status: int
    code: int
    msg: str
    hint: Callable[[Facts], str]


def answer(refused: Refused) -> Answer:
    """Return the refusal's status and JSON body; nothing of the request's secrets is in it."""
    facts, saying = refused.facts, TABLE[refused.reason]
    status, code, msg = saying.status, saying.code, saying.msg
    if facts.get("repeated"):
        code, msg = -1101, _DUPLICATE
    elif refused.reason is Reason.HEADER_MISSING and facts.get("parameter"):
        status, code, msg = 400, -1102, _MANDATORY.format(facts["parameter"])
    elif refused.reason is Reason.TIMESTAMP_MALFORMED and facts.get("most_ms"):
        code, msg = -1131, _WIDE
    elif refused.reason is Reason.TIMESTAMP_MALFORMED and facts.get("parameter"):
        msg = _MANDATORY.format(facts["parameter"])
    elif refused.reason is Reason.TIMESTAMP_OUT_OF_WINDOW and facts.get("skew_ms", 0) > 0:
        msg = _EARLY
    elif code == -2015 and str(facts.get("path", "")).startswith("/sapi/"):
        status = 400  # as observed there; 401 everywhere else
    body = {"code": code, "msg": msg, "hint": saying.hint(facts)}
    return Answer(status, json.dumps(body, separators=(",", ":")).encode())


def _missing(facts: Facts) -> str:
    if facts.get("parameter"):
        return f"Send the parameter {facts['parameter']}, the signature last: in the query, or in the form that is the body."
    return f"Send {facts.get('header') or 'X-MBX-APIKEY'} exactly once. A name with '_' for '-' is another header."


def _stamp(facts: Facts) -> str:
    if facts.get("parameter") == "recvWindow":
        return "A recvWindow is milliseconds, at most 60000, with up to three decimals."
    unit = facts.get("unit", "")
    looks = f"What was sent looks like {unit}. " if unit else ""
    return looks + "A timestamp is milliseconds since 1970 in UTC, 13 digits, or microseconds, 16 digits."


def _clock(facts: Facts) -> str:
    advice = "Set your clock by NTP, or take the time from GET /api/v3/time; and sign right before sending."
    if "skew_ms" not in facts:
        return advice
    skew: int = facts["skew_ms"]
    if skew > 0:
        return f"The stamp is {skew} ms ahead of our time; less than 1000 ms are tolerated. {advice}"
    window = f"; {facts['window_ms']} ms are tolerated (recvWindow)" if "window_ms" in facts else ""
    return f"The stamp is {-skew} ms behind our time{window}. {advice}"


_unknown_key = hints.always(
    "Check the key id, that the key was not deleted, and that this is its environment's base URL."
)
_no_version = hints.always("Keys have no versions on this wire: leave that header out.")
_no_nonce = hints.always("There are no nonces on this wire: send a timestamp.")

TABLE: Mapping[Reason, Saying] = {
    Reason.MALFORMED: Saying(400, -1100, _ILLEGAL, hints.rule("The HTTP message itself is not well formed.")),
    Reason.HEADERS_TOO_LARGE: Saying(431, -1100, _ILLEGAL, hints.smaller("fewer or shorter headers")),
    Reason.BODY_TOO_LARGE: Saying(413, -1100, _ILLEGAL, hints.smaller("a smaller body")),
    Reason.LENGTH_REQUIRED: Saying(
        411, -1100, _ILLEGAL, hints.always("Send the body with a Content-Length; chunked bodies are not taken.")
    ),
    Reason.METHOD_NOT_ALLOWED: Saying(405, -1020, _UNSUPPORTED, hints.methods),
    Reason.TARGET_NOT_CANONICAL: Saying(
        400, -1100, _ILLEGAL, hints.rule("Only targets with one reading are taken; nothing is mended on the way.")
    ),
    Reason.BODY_NOT_ALLOWED: Saying(
        400, -1100, _ILLEGAL, hints.rule("Put all parameters into the query and send no body, or the other way round.")
    ),
    Reason.BODY_MALFORMED: Saying(
        400,
        -1100,
        _ILLEGAL,
        hints.rule("A body is a form, percent-encoded in UTF-8 before it is signed, each name once."),
    ),
    Reason.ROUTE_UNKNOWN: Saying(
        404, -1020, _UNSUPPORTED, hints.rule("Check method, path (upper and lower case count) and base URL.")
    ),
    Reason.HEADER_MISSING: Saying(401, -2014, "API-key format invalid.", _missing),
    Reason.HEADER_REPEATED: Saying(400, -1101, _DUPLICATE, hints.always("Send X-MBX-APIKEY exactly once.")),
    Reason.TIMESTAMP_MALFORMED: Saying(400, -1102, _MANDATORY.format("timestamp"), _stamp),
    Reason.TIMESTAMP_OUT_OF_WINDOW: Saying(400, -1021, _LATE, _clock),
    Reason.NONCE_MALFORMED: Saying(400, -1100, _ILLEGAL, _no_nonce),
    Reason.NONCE_NOT_INCREASING: Saying(400, -1100, _ILLEGAL, _no_nonce),
    Reason.KEY_VERSION_UNKNOWN: Saying(400, -1020, _UNSUPPORTED, _no_version),
    Reason.KEY_VERSION_OFF: Saying(400, -1020, _UNSUPPORTED, _no_version),
    Reason.KEY_UNKNOWN: Saying(401, -2015, _NO_KEY, _unknown_key),
    Reason.SIGNATURE_MISMATCH: Saying(
        400,
        -1022,
        "Signature for this request is not valid.",
        hints.rule(
            "Percent-encode the parameters first; then sign the query or the form exactly as it is sent, without "
            "'&signature=', with this key: HMAC-SHA256 in hex, or Ed25519 or RSA in base64, percent-encoded."
        ),
    ),
    Reason.PASSPHRASE_MISMATCH: Saying(
        401,
        -2015,
        _NO_KEY,
        hints.always("There are no passphrases on this wire: use this key at the gateway it is made for."),
    ),
    Reason.KEY_PENDING: Saying(
        401,
        -2015,
        _NO_KEY,
        hints.always("Its owner has not said yet that this key arrived. Confirm it on its page, or make a new one."),
    ),
    Reason.KEY_REPLACED: Saying(
        401, -2015, _NO_KEY, hints.always("Its successor took this key's place: use that one.")
    ),
    Reason.KEY_DISABLED: Saying(
        401, -2015, _NO_KEY, hints.always("This key is disabled. Its owner can enable it again.")
    ),
    Reason.KEY_EXPIRED: Saying(401, -2015, _NO_KEY, hints.expired),
    Reason.KEY_OTHER_ENVIRONMENT: Saying(401, -2015, _NO_KEY, hints.environment),
    Reason.KEY_FROZEN: Saying(
        403,
        -1002,
        "You are not authorized to execute this request.",
        hints.always("The account or this key was frozen. Its owner can lift that, with the second factor."),
    ),
    Reason.KEY_ALTERED: Saying(401, -2015, _NO_KEY, _unknown_key),
    Reason.ADDRESS_NOT_ALLOWED: Saying(401, -2015, _NO_KEY, hints.address),
    Reason.PERMISSION_MISSING: Saying(401, -2015, _NO_KEY, hints.permission),
    Reason.PERMISSION_FROZEN: Saying(
        401,
        -2015,
        _NO_KEY,
        hints.always(
            "The operator froze what this call does, for everyone. Nothing is wrong with this key; try again later."
        ),
    ),
    Reason.ORDER_LIMIT: Saying(
        400,
        -2010,
        "This action is disabled on this account.",
        hints.rule("This key's order limits do not allow it; nothing was ordered."),
    ),
    # Not -1021: clients take that for a clock fault, and bots send the order again with a new signature.
    Reason.REPLAYED: Saying(
        400,
        -1130,
        "Data sent for parameter 'signature' is not valid.",
        hints.always(
            "This very signature was taken before; it was not carried out again. Look up what came of it before you sign "
            "a new one."
        ),
    ),
    Reason.TOO_MANY_REQUESTS: Saying(429, -1003, "Too many requests queued.", hints.wait),
    Reason.NOT_SURE: Saying(
        503,
        -1001,
        "Internal error; unable to process your request. Please try again.",
        hints.always(
            "The gateway can't be sure that this key still holds, so it let nothing through. Nothing was done; try again."
        ),
    ),
    Reason.UPSTREAM_UNREACHABLE: Saying(
        503,
        -1007,
        "Timeout waiting for response from backend server. Send status unknown; execution status unknown.",
        hints.always(
            "The service behind the gateway did not answer. If this was an order, look it up before you send another."
        ),
    ),
}
