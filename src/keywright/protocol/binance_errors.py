"""What Binance's own error answers may mean, in our `Reason`s: the other half of `binance_refusals`.

Rule: nothing that an exchange, or a firewall before it, answers raises here. What can't be read is judged by its status.
"""

from __future__ import annotations

from collections.abc import Mapping

from keywright.errors import Invalid
from keywright.protocol import strict_json
from keywright.protocol.refusal import Reason

LONGEST_ANSWER = 65_536
"""Bytes of an answer that are looked into; an error of Binance has a few hundred."""


def understand(status: int, body: bytes) -> tuple[Reason, ...]:
    """Return what an error answer may mean, likeliest first; empty for success and for an order's own errors.

    A known code decides; without one, where something before the exchange has answered, the status does.
    """
    code, msg = _code_and_msg(body)
    if code in {-1102, -1100, -1105, -1130}:  # of any parameter; only ours are about who sends, or when
        if "'signature'" in msg:
            return (Reason.HEADER_MISSING, Reason.SIGNATURE_MISMATCH)
        return (Reason.TIMESTAMP_MALFORMED,) if "'timestamp'" in msg or "'recvWindow'" in msg else ()
    if code == -2010:
        disabled = ("disabled on this account", "may not place or cancel")
        return (Reason.KEY_FROZEN,) if any(words in msg for words in disabled) else ()
    if code is not None and code < 0:
        return MEANINGS.get(code, ())
    return MEANINGS_OF_STATUS.get(status, (Reason.UPSTREAM_UNREACHABLE,) if 500 <= status < 600 else ())


def _code_and_msg(body: bytes) -> tuple[int | None, str]:
    """Return code and text of an error; `None` where the body is no JSON object with a number for its code."""
    if len(body) > LONGEST_ANSWER:
        return None, ""
    try:
        value = strict_json.loads(body)
    except Invalid:
        return None, ""
    code = value.get("code") if isinstance(value, dict) else None
    if not isinstance(code, int) or isinstance(code, bool):
        return None, ""
    return code, str(value.get("msg", ""))


MEANINGS: Mapping[int, tuple[Reason, ...]] = {
    -1001: (Reason.UPSTREAM_UNREACHABLE,),
    -1002: (Reason.PERMISSION_MISSING, Reason.KEY_FROZEN),
    -1003: (Reason.TOO_MANY_REQUESTS,),
    -1006: (Reason.UPSTREAM_UNREACHABLE,),
    -1007: (Reason.UPSTREAM_UNREACHABLE,),
    -1008: (Reason.UPSTREAM_UNREACHABLE,),
    -1015: (Reason.TOO_MANY_REQUESTS,),
    -1016: (Reason.UPSTREAM_UNREACHABLE,),
    -1020: (Reason.ROUTE_UNKNOWN, Reason.METHOD_NOT_ALLOWED),
    -1021: (Reason.TIMESTAMP_OUT_OF_WINDOW,),
    -1022: (Reason.SIGNATURE_MISMATCH,),
    -1099: (Reason.KEY_UNKNOWN, Reason.PERMISSION_MISSING, Reason.ROUTE_UNKNOWN),
    -1101: (Reason.TARGET_NOT_CANONICAL,),
    -1131: (Reason.TIMESTAMP_MALFORMED,),
    -2008: (Reason.KEY_UNKNOWN, Reason.KEY_OTHER_ENVIRONMENT),
    -2014: (Reason.KEY_UNKNOWN, Reason.HEADER_MISSING),
    # One code for all of them. A key that was never right comes first, then what changes under a running bot: its
    # address, the right to trade that lapses, the key switched off.
    -2015: (
        Reason.KEY_UNKNOWN,
        Reason.ADDRESS_NOT_ALLOWED,
        Reason.PERMISSION_MISSING,
        Reason.KEY_OTHER_ENVIRONMENT,
        Reason.KEY_EXPIRED,
        Reason.KEY_DISABLED,
    ),
}
MEANINGS_OF_STATUS: Mapping[int, tuple[Reason, ...]] = {
    401: (Reason.KEY_UNKNOWN, Reason.SIGNATURE_MISMATCH),
    # The web application firewall: a limit of its own, or a request it does not like. It speaks HTML.
    403: (Reason.TOO_MANY_REQUESTS, Reason.ADDRESS_NOT_ALLOWED, Reason.MALFORMED),
    404: (Reason.ROUTE_UNKNOWN,),
    405: (Reason.METHOD_NOT_ALLOWED,),
    411: (Reason.LENGTH_REQUIRED,),
    413: (Reason.BODY_TOO_LARGE,),
    414: (Reason.HEADERS_TOO_LARGE,),
    418: (Reason.TOO_MANY_REQUESTS,),
    429: (Reason.TOO_MANY_REQUESTS,),
    431: (Reason.HEADERS_TOO_LARGE,),
    451: (Reason.ADDRESS_NOT_ALLOWED,),
}
