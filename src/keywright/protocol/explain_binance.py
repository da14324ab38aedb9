"""Binance's wire as `explain` reads it: the parameters as sent, without the signature, HMAC-SHA256 in hex.

Keys of Ed25519 and RSA sign the same bytes; their signatures are base64, percent-encoded where they stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from keywright.protocol import binance_canonical, explain_forms, explain_payloads, explain_seen as seen
from keywright.protocol.explain_causes import cause
from keywright.protocol.explain_model import Case, Cause, Form, Forms, Given, Mistake
from keywright.protocol.message import Request
from keywright.protocol.refusal import Refused

DEFAULT_WINDOW_MS = 5_000
AHEAD_MS = 1_000
"""How far a stamp may be ahead; exactly this far is too far."""

_KEY = "X-MBX-APIKEY"
LAYOUTS: Forms = (
    Form(b"qb"),
    Form(b"bq", Mistake.ORDER_OTHER, "body, query"),
    Form(b"q&b", Mistake.PART_ADDED, "an '&' between query and body"),
    Form(b"p?qb", Mistake.PART_ADDED, "the path"),
    Form(b"pqb", Mistake.PART_ADDED, "the path"),
    Form(b"mpqb", Mistake.PART_ADDED, "method and path"),
    Form(b"mp?qb", Mistake.PART_ADDED, "method and path"),
    Form(b"mqb", Mistake.PART_ADDED, "the method"),
    Form(b"smp?qb", Mistake.PART_ADDED, "timestamp, method and path, as on KuCoin's wire"),
    Form(b"sqb", Mistake.PART_ADDED, "the timestamp, a second time"),
    Form(b"kqb", Mistake.PART_ADDED, "the key's id"),
)


def read(request: Request, given: Given) -> Case:
    """Return what the search needs of a request, and what was seen.

    There is no passphrase here, and the window is what `recvWindow` says.
    """
    query, signature = _without_signature(request.query)
    body, in_body = _without_signature(request.body)
    stamp = _value(query, b"timestamp") or _value(body, b"timestamp") or b""
    by_key = given.public_key is not None
    sent = signature or in_body or b""
    return Case(
        exchange="binance",
        # A bare '+' is a space to whoever reads a form.
        signature=unquote_to_bytes(sent.replace(b"+", b" ")) if by_key else sent,
        hex_digest=not by_key,
        any_case=not by_key,
        hashed="sha256",
        server=(query + body,),
        parts=(("query", query), ("body", body)),
        forms={
            "q": _parameters(query),
            "b": _parameters(body) if _is_form(body) else explain_payloads.bodies(body),
            "s": (Form(stamp),),
            "m": (Form(request.method.encode()),),
            "p": (Form(request.path),),
            "k": (Form(seen.value(request, _KEY)),),
        },
        layouts=LAYOUTS,
        key=seen.value(request, _KEY),
        stamp=stamp,
        skew_ms=seen.skew(stamp, given.now_ms),
        observed=(
            *seen.headers(request, (_KEY,), needed=(_KEY,)),
            *(() if signature or in_body else (cause(Mistake.HEADER_MISSING, "The parameter 'signature'"),)),
            *_time(stamp, _value(query, b"recvWindow") or _value(body, b"recvWindow"), given.now_ms),
            *_canonical(request),
            *seen.carried(request, given.secret, None),
            *seen.host(request, "binance"),
        ),
    )


def _without_signature(text: bytes) -> tuple[bytes, bytes | None]:
    """Return parameters without the signature, and the signature, the first where there are several."""
    parts = text.split(b"&") if text else []
    found = [part.partition(b"=")[2] for part in parts if part.startswith(b"signature=")]
    kept = b"&".join(part for part in parts if not part.startswith(b"signature="))
    return kept, found[0] if found else None


def _value(text: bytes, name: bytes) -> bytes | None:
    return binance_canonical.value_of(text, name)


def _is_form(body: bytes) -> bool:
    return bool(body) and re.match(rb"[A-Za-z0-9_]+=", body) is not None


def _parameters(text: bytes) -> Forms:
    """Return what may have been signed for a list of parameters."""
    forms = list(explain_payloads.queries(text, marked=False, decoded_is_right=False, why=""))
    if text:
        parts = text.split(b"&")
        for at, part in enumerate(parts[:64]):
            name = part.partition(b"=")[0].decode("latin-1")
            words = "a parameter" if not re.fullmatch(r"timestamp|recvWindow", name) else f"the parameter {name}"
            forms.append(Form(b"&".join(parts[:at] + parts[at + 1 :]), Mistake.PART_LEFT_OUT, words))
    if stamp := _value(text, b"timestamp"):
        for form in explain_forms.stamps(stamp, ())[1:]:
            swapped = text.replace(b"timestamp=" + stamp, b"timestamp=" + form.value)
            forms.append(Form(swapped, form.mistake, form.about))
    return explain_forms.distinct(forms)


def _time(stamp: bytes, window: bytes | None, now_ms: int) -> Iterator[Cause]:
    if not stamp:
        yield cause(Mistake.HEADER_MISSING, "The parameter 'timestamp'")
        return
    most = int(window) if window is not None and re.fullmatch(rb"[0-9]{1,5}", window) else DEFAULT_WINDOW_MS
    in_ms = stamp[:13] if len(stamp) == 16 and stamp.isdigit() else stamp  # microseconds are taken too
    yield from seen.stamp_of_13_digits(in_ms, now_ms, earliest_ms=-most, latest_ms=AHEAD_MS - 1, own_ms=most)


def _canonical(request: Request) -> Iterator[Cause]:
    try:
        form = binance_canonical.read(request.method, request.target, request.body)
    except Refused as refused:
        mistake = Mistake.TARGET_NOT_CANONICAL if "target" in refused.reason.value else Mistake.BODY_NOT_TAKEN
        yield cause(mistake, refused.facts.get("rule", f"the method {request.method} is not taken"))
        return
    if request.body and form.payload:
        try:
            binance_canonical.check_media_type(request.header(b"content-type"))
        except Refused as refused:
            yield cause(Mistake.BODY_NOT_TAKEN, refused.facts["rule"])
