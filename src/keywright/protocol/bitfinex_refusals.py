"""How each `Reason` is said on Bitfinex's wire, and what an answer of Bitfinex's means.

Rule 1: a refusal is `["error", code, text]` with HTTP 500, three elements and no fourth: clients decode a fixed tuple, and
look at the code only under that status. A live text stands word for word, since clients compare it whole.
Rule 2: so a hint goes beside the answer (`hint`), and into the text only where the text is ours.
Rule 3: nothing a caller has not proved the secret for is told: KEY_UNKNOWN and KEY_ALTERED read the same.

Facts that hints use, where known: `rule` or `what` (what was broken, in words), `header`, `allowed` (methods),
`most_bytes`, `unit` (of a mistaken nonce), `nonce`, `last_nonce`, `highest`, `base_url`, `address`, `needed` (a permission),
`retry_after_ms`. A fact that is missing or empty shortens its hint.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from keywright.errors import Invalid
from keywright.protocol import hints, strict_json
from keywright.protocol.message import Answer
from keywright.protocol.refusal import Reason, Refused

Facts = Mapping[str, Any]

STATUS = 500
GENERIC, PARAMETERS, AUTHENTICATION, NONCE, RATE, MAINTENANCE = 10001, 10020, 10100, 10114, 11010, 20060
LONGEST_ANSWER = 65_536
"""Bytes of an answer that `understand` looks at: Bitfinex's errors have a hundred."""


@dataclass(frozen=True, slots=True)
class Saying:
    """One line of the table."""

    code: int
    text: str
    hint: Callable[[Facts], str]
    live: bool = False
    """Whether `text` is Bitfinex's own, and so goes out alone."""


def answer(refused: Refused) -> Answer:
    """Return the refusal's status and JSON body; nothing of the request's secrets is in it."""
    saying = TABLE[refused.reason]
    text = saying.text if saying.live else f"{saying.text}. {saying.hint(refused.facts)}"
    return Answer(STATUS, json.dumps(["error", saying.code, text], separators=(",", ":")).encode())


def hint(refused: Refused) -> str:
    """Return what the person who sent the request should do."""
    return TABLE[refused.reason].hint(refused.facts)


def understand(status: int, body: bytes) -> tuple[Reason, ...]:
    """Return what an error answer may mean, likeliest first; empty for one that is no refusal. Never raises."""
    code, text = _code_and_text(body)
    for reason, saying in TABLE.items():
        if not saying.live and code == saying.code and text.startswith(saying.text):
            return (reason,)
    for words, reasons in _WORDS:
        if words in text.lower():
            return reasons
    if code is not None:
        return _CODES.get(code, ())
    return _STATUSES.get(status, ())


def _code_and_text(body: bytes) -> tuple[int | None, str]:
    """Return code and text of `["error", code, text]`; no code of anything else, and the text where one can be found."""
    try:
        said = strict_json.loads(body[:LONGEST_ANSWER])
    except Invalid:
        return None, ""
    if isinstance(said, list):
        if len(said) < 2 or said[0] != "error" or type(said[1]) is not int:
            return None, ""
        return said[1], said[2] if len(said) > 2 and isinstance(said[2], str) else ""
    told = [said[name] for name in ("error", "message") if isinstance(said.get(name), str)]
    return None, " ".join(told)  # the edge in front of Bitfinex, and version 1


def _header(facts: Facts) -> str:
    named = facts.get("header", "each of bfx-apikey, bfx-nonce and bfx-signature")
    return f"Send {named} exactly once. A name with '_' for '-' is another header."


def _nonce(facts: Facts) -> str:
    if facts.get("highest"):
        return (
            f"A nonce above {facts['highest']} would leave this key little or nothing to go on with: it was not taken. "
            "Count microseconds since 1970."
        )
    looks = f"What was sent looks like {facts['unit']}. " if facts.get("unit") else ""
    broken = hints.sentence(facts.get("rule", ""))
    return " ".join(
        filter(None, (broken, looks + "A nonce is 1 to 9007199254740991, in digits, without a leading zero."))
    )


def _small(facts: Facts) -> str:
    last, nonce = facts.get("last_nonce"), facts.get("nonce")
    if last is None or nonce is None:
        return "Each nonce must be above every one this key has used. One client for each key, one request at a time."
    told = f"This key has used {last}: the next must be above it, and {nonce} is not. "
    if len(str(last)) > len(str(nonce)):
        return told + "Its other client counts in a finer unit: count microseconds since 1970, or make a new key."
    return told + "One client for each key, one request at a time: requests overtake one another."


def _invalid_key(hint: Callable[[Facts], str]) -> Saying:
    return Saying(AUTHENTICATION, "apikey: invalid", hint, live=True)


_unknown_key = hints.always(
    "Check the key id, that the key was not deleted, and that this is its environment's base URL."
)
_not_of_this_wire = hints.always("Bitfinex's wire knows no such thing.")

TABLE: Mapping[Reason, Saying] = {
    Reason.MALFORMED: Saying(
        PARAMETERS, "request: malformed", hints.rule("The HTTP message itself is not well formed.")
    ),
    Reason.HEADERS_TOO_LARGE: Saying(PARAMETERS, "headers: too large", hints.smaller("fewer or shorter headers")),
    Reason.BODY_TOO_LARGE: Saying(PARAMETERS, "body: too large", hints.smaller("a smaller body")),
    Reason.LENGTH_REQUIRED: Saying(
        PARAMETERS,
        "length: missing",
        hints.always("Send the body with a Content-Length; chunked bodies are not taken."),
    ),
    Reason.METHOD_NOT_ALLOWED: Saying(PARAMETERS, "method: not allowed", hints.methods),
    Reason.TARGET_NOT_CANONICAL: Saying(
        PARAMETERS,
        "target: not canonical",
        hints.rule("Only targets with one reading are taken; nothing is mended on the way."),
    ),
    Reason.BODY_NOT_ALLOWED: Saying(PARAMETERS, "body: not allowed", hints.always("This call takes no body.")),
    Reason.BODY_MALFORMED: Saying(
        PARAMETERS,
        "body: malformed",
        hints.rule("A body is a JSON object or array in UTF-8, each name at most once per object."),
    ),
    Reason.ROUTE_UNKNOWN: Saying(
        PARAMETERS, "path: unknown", hints.rule("Check method, path (upper and lower case count) and base URL.")
    ),
    Reason.HEADER_MISSING: Saying(AUTHENTICATION, "header: missing", _header),
    Reason.HEADER_REPEATED: Saying(AUTHENTICATION, "header: repeated", _header),
    Reason.TIMESTAMP_MALFORMED: Saying(PARAMETERS, "timestamp: malformed", _not_of_this_wire),
    Reason.TIMESTAMP_OUT_OF_WINDOW: Saying(PARAMETERS, "timestamp: out of window", _not_of_this_wire),
    Reason.NONCE_MALFORMED: Saying(NONCE, "nonce: malformed", _nonce),
    Reason.NONCE_NOT_INCREASING: Saying(NONCE, "nonce: small", _small, live=True),
    Reason.KEY_VERSION_UNKNOWN: Saying(PARAMETERS, "key version: unknown", _not_of_this_wire),
    Reason.KEY_VERSION_OFF: Saying(PARAMETERS, "key version: off", _not_of_this_wire),
    Reason.KEY_UNKNOWN: _invalid_key(_unknown_key),
    Reason.SIGNATURE_MISMATCH: Saying(
        AUTHENTICATION,
        "apikey: digest invalid",
        hints.always(
            "Sign /api + path + nonce + body, exactly as sent, by HMAC-SHA384 with this key's secret: 96 hex digits in "
            "lower case."
        ),
        live=True,
    ),
    Reason.PASSPHRASE_MISMATCH: Saying(AUTHENTICATION, "passphrase: wrong", _not_of_this_wire),
    Reason.KEY_PENDING: _invalid_key(
        hints.always("Its owner has not said yet that this key arrived. Confirm it on its page, or make a new one.")
    ),
    Reason.KEY_REPLACED: _invalid_key(hints.always("Its successor took this key's place: use that one.")),
    Reason.KEY_DISABLED: _invalid_key(hints.always("This key is disabled. Its owner can enable it again.")),
    Reason.KEY_EXPIRED: _invalid_key(hints.expired),
    Reason.KEY_OTHER_ENVIRONMENT: _invalid_key(hints.environment),
    Reason.KEY_FROZEN: Saying(
        GENERIC,
        "account: frozen",
        hints.always("The account or this key was frozen. Its owner can lift that, with the second factor."),
    ),
    Reason.KEY_ALTERED: _invalid_key(_unknown_key),
    Reason.ADDRESS_NOT_ALLOWED: Saying(AUTHENTICATION, "ip: not allowed", hints.address),
    Reason.PERMISSION_MISSING: Saying(GENERIC, "api_key: permission invalid", hints.permission, live=True),
    Reason.PERMISSION_FROZEN: Saying(
        GENERIC,
        "api_key: permission invalid",
        hints.always(
            "The operator froze what this call does, for everyone. Nothing is wrong with this key; try again later."
        ),
        live=True,
    ),
    Reason.ORDER_LIMIT: Saying(
        PARAMETERS, "order: limit", hints.rule("This key's order limits do not allow it; nothing was ordered.")
    ),
    # Bitfinex's nonce makes every request new, so this is not said here in earnest. Not 10114 all the same: a client takes
    # that for a bad count, signs again and orders twice.
    Reason.REPLAYED: Saying(
        PARAMETERS,
        "request: replayed",
        hints.always("It was taken before. Look up what came of it before you sign a new one."),
    ),
    Reason.TOO_MANY_REQUESTS: Saying(RATE, "ratelimit: error", hints.wait, live=True),
    Reason.NOT_SURE: Saying(
        MAINTENANCE,
        "maintenance",
        hints.always(
            "The gateway can't be sure that this key still holds, so it let nothing through. Nothing was done; try again."
        ),
        live=True,
    ),
    Reason.UPSTREAM_UNREACHABLE: Saying(
        MAINTENANCE,
        "maintenance",
        hints.always(
            "The service behind the gateway did not answer. If this was an order, look it up before you send another."
        ),
        live=True,
    ),
}

Reasons = tuple[Reason, ...]

# Looked for in the text alone, in this order: Bitfinex says one thing under several codes, its edge under none.
_NO_KEY: Reasons = (
    *(Reason.KEY_UNKNOWN, Reason.KEY_DISABLED, Reason.KEY_EXPIRED, Reason.KEY_OTHER_ENVIRONMENT, Reason.KEY_ALTERED),
    *(Reason.KEY_PENDING, Reason.KEY_REPLACED),
    # Bitfinex's words for a foreign address are not known; a key that works elsewhere is the sign of it.
    Reason.ADDRESS_NOT_ALLOWED,
)
_BAD_NONCE = (Reason.NONCE_NOT_INCREASING, Reason.NONCE_MALFORMED)
_DOWN = (Reason.UPSTREAM_UNREACHABLE, Reason.NOT_SURE)
_WORDS: tuple[tuple[str, Reasons], ...] = (
    ("digest invalid", (Reason.SIGNATURE_MISMATCH,)),
    ("apikey: invalid", _NO_KEY),
    ("nonce: small", _BAD_NONCE),
    ("nonce is too small", _BAD_NONCE),
    ("permission invalid", (Reason.PERMISSION_MISSING, Reason.PERMISSION_FROZEN)),
    ("ratelimit", (Reason.TOO_MANY_REQUESTS,)),
    ("err_rate_limit", (Reason.TOO_MANY_REQUESTS,)),
    ("temporarily_unavailable", _DOWN),
)
# The rest by Bitfinex's glossary. 10000, 10001 and 10020 alone are said of an order that failed, so they are no refusal.
_CODES: Mapping[int, Reasons] = {
    AUTHENTICATION: (*_NO_KEY[:1], Reason.SIGNATURE_MISMATCH, *_NO_KEY[1:]),
    10111: (Reason.BODY_MALFORMED, Reason.SIGNATURE_MISMATCH),
    10112: (Reason.SIGNATURE_MISMATCH,),
    10113: (Reason.SIGNATURE_MISMATCH,),
    NONCE: _BAD_NONCE,
    RATE: (Reason.TOO_MANY_REQUESTS,),
    MAINTENANCE: _DOWN,
}
_STATUSES: Mapping[int, Reasons] = {
    401: (Reason.KEY_UNKNOWN, Reason.SIGNATURE_MISMATCH),
    403: (Reason.ADDRESS_NOT_ALLOWED, Reason.PERMISSION_MISSING),
    404: (Reason.ROUTE_UNKNOWN,),
    405: (Reason.METHOD_NOT_ALLOWED,),
    411: (Reason.LENGTH_REQUIRED,),
    413: (Reason.BODY_TOO_LARGE,),
    429: (Reason.TOO_MANY_REQUESTS,),
    431: (Reason.HEADERS_TOO_LARGE,),
    **dict.fromkeys((502, 503, 504, 520, 521, 522, 523, 524), (Reason.UPSTREAM_UNREACHABLE,)),
}
