"""What KuCoin's refusals mean: `understand`. The other way round from `kucoin_refusals`, and wider: an exchange says more.

Rule 1: where KuCoin has one code for two things, its text decides; where the text says nothing, both are answered.
Rule 2: a code of its business (funds, prices, amounts) is no refusal of ours: the request was let in. It is answered with
nothing, unless it says that the key or the account may not do this.
"""

from __future__ import annotations

import json

from keywright.protocol.refusal import Reason

LONGEST = 64 * 1024
"""Bytes of an answer that are looked at; KuCoin's own refusals have at most a few hundred."""

_R = Reason
_NOT_FOUND = (_R.ROUTE_UNKNOWN,)
_ELSEWHERE = (_R.UPSTREAM_UNREACHABLE,)
_BUSY = (_R.TOO_MANY_REQUESTS,)
_FORBIDDEN = (_R.PERMISSION_MISSING, _R.PERMISSION_FROZEN)
_PARAMETER = (_R.BODY_MALFORMED, _R.TARGET_NOT_CANONICAL)

CODES: dict[str, tuple[Reason, ...]] = {
    "400001": (_R.HEADER_MISSING, _R.HEADER_REPEATED),
    "400002": (_R.TIMESTAMP_OUT_OF_WINDOW, _R.TIMESTAMP_MALFORMED),
    # Unknown, deleted, expired, or sent to the wrong door: KuCoin has one word for all.
    "400003": (_R.KEY_UNKNOWN, _R.KEY_OTHER_ENVIRONMENT, _R.KEY_EXPIRED, _R.KEY_DISABLED),
    "400004": (_R.PASSPHRASE_MISMATCH, _R.KEY_VERSION_OFF),  # a version that is not the key's is answered so too
    "400005": (_R.SIGNATURE_MISMATCH,),
    "400006": (_R.ADDRESS_NOT_ALLOWED,),
    "400007": _FORBIDDEN,
    "400008": (_R.KEY_VERSION_OFF,),
    "400009": (_R.KEY_VERSION_UNKNOWN,),
    "400010": _FORBIDDEN,
    "400011": (_R.SIGNATURE_MISMATCH,),  # of a WebSocket's session
    "400012": (_R.SIGNATURE_MISMATCH,),
    "400100": _PARAMETER,
    "400101": _PARAMETER,
    "400102": _PARAMETER,
    "400200": _FORBIDDEN,  # "Forbidden to place an order", and of partners "Unknown partner": see TEXTS
    "400201": (_R.SIGNATURE_MISMATCH,),  # the partner's
    "400202": (_R.ADDRESS_NOT_ALLOWED,),  # the partner's
    "400301": _FORBIDDEN,  # region or identity not verified, in four shades
    "400302": _FORBIDDEN,
    "400303": _FORBIDDEN,
    "400304": _FORBIDDEN,
    "400400": (_R.KEY_UNKNOWN,),  # a session's token, not a key
    "400401": (_R.KEY_UNKNOWN,),
    "400500": _FORBIDDEN,
    "400600": _FORBIDDEN,
    "400700": _FORBIDDEN,
    "200009": _FORBIDDEN,
    "260210": _FORBIDDEN,
    "600120": _FORBIDDEN,
    "404": _NOT_FOUND,
    "404000": _NOT_FOUND,
    "411100": (_R.KEY_FROZEN,),
    "411200": (_R.ADDRESS_NOT_ALLOWED, *_FORBIDDEN),
    "415000": (_R.BODY_MALFORMED,),
    "429000": _BUSY,
    "429001": _BUSY,
    "429002": _BUSY,
    "1015": _BUSY,  # Cloudflare's, before KuCoin
    "230005": _ELSEWHERE,
    "500000": _ELSEWHERE,
    "501000": _ELSEWHERE,
    "503000": _ELSEWHERE,
    "504000": _ELSEWHERE,
    "505000": _ELSEWHERE,
}

OF_THE_BUSINESS = frozenset(
    {"200000", "200001", "200002", "200003", "200004", "110003", "115007", "400800", "900001", "100001", "600100"}
)
"""Success, and codes that say something about the order, not about who asked. 200002 also was an old rate limit: TEXTS."""

# Looked for in the text, in lower case and in this order, before the code.
TEXTS: tuple[tuple[str, tuple[Reason, ...]], ...] = (
    ("too many requests", _BUSY),
    ("access frequency", _BUSY),
    ("kc-api-timestamp", (_R.TIMESTAMP_OUT_OF_WINDOW, _R.TIMESTAMP_MALFORMED)),
    ("key-version", (_R.KEY_VERSION_UNKNOWN,)),
    ("v1 & v2 api keys", (_R.KEY_VERSION_OFF,)),
    ("invalid request ip", (_R.ADDRESS_NOT_ALLOWED,)),
    ("unknown partner", (_R.KEY_UNKNOWN,)),
    ("require more permission", _FORBIDDEN),
    ("requires more permission", _FORBIDDEN),
    ("user is frozen", (_R.KEY_FROZEN,)),
    ("user are frozen", (_R.KEY_FROZEN,)),
    ("account.available.amount", ()),  # under 400100, and means that the funds do not suffice
)
_OF_ALL_HEADERS = "please check the header of your request"  # names the timestamp among others: the code says more

STATUSES: dict[int, tuple[Reason, ...]] = {
    401: (_R.KEY_UNKNOWN, _R.SIGNATURE_MISMATCH),
    403: (_R.PERMISSION_MISSING, _R.ADDRESS_NOT_ALLOWED, _R.TOO_MANY_REQUESTS),  # KuCoin's table has both under 403
    404: _NOT_FOUND,
    405: (_R.METHOD_NOT_ALLOWED,),
    411: (_R.LENGTH_REQUIRED,),
    413: (_R.BODY_TOO_LARGE,),
    415: (_R.BODY_MALFORMED,),
    429: _BUSY,
    431: (_R.HEADERS_TOO_LARGE,),
}


def understand(status: int, body: bytes) -> tuple[Reason, ...]:
    """Return what an answer refuses for, likeliest first; nothing for one that is no refusal. Never raises."""
    code, text = _said(body)
    if code != "200000":
        if _OF_ALL_HEADERS not in text:
            for words, reasons in TEXTS:
                if words in text:
                    return reasons
        if code in CODES:
            return CODES[code]
    if code in OF_THE_BUSINESS:
        return ()
    if status in STATUSES:
        return STATUSES[status]
    if 500 <= status <= 599:
        return _ELSEWHERE
    return (Reason.MALFORMED,) if status == 400 else ()


def _said(body: bytes) -> tuple[str, str]:
    """Return an answer's code and its text in lower case; empty where it is not KuCoin's envelope, a proxy's page say."""
    try:
        answer = json.loads(body) if len(body) <= LONGEST else None
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(answer, dict):
        return "", ""
    code, text = answer.get("code"), answer.get("msg")
    # Nothing but a text or a plain number names a code; `True` is no 1.
    known = str(code) if isinstance(code, str) or (isinstance(code, int) and not isinstance(code, bool)) else ""
    return known[:16], text[:1_000].lower() if isinstance(text, str) else ""
