"""Bitfinex's wire as `explain` reads it: `/api`, path, nonce and body, HMAC-SHA384 in lower-case hex."""

from __future__ import annotations

from collections.abc import Iterator

from keywright.protocol import bitfinex_payload, explain_forms, explain_payloads, explain_seen as seen
from keywright.protocol.explain_causes import cause
from keywright.protocol.explain_model import Case, Cause, Form, Forms, Given, Mistake
from keywright.protocol.message import Request
from keywright.protocol.refusal import Refused

_KEY, _NONCE, _SIGN = _NEEDED = ("bfx-apikey", "bfx-nonce", "bfx-signature")
LAYOUTS: Forms = (
    Form(b"psb"),
    Form(b"pb", Mistake.PART_LEFT_OUT, "the nonce"),
    Form(b"sb", Mistake.PART_LEFT_OUT, "the path"),
    Form(b"spb", Mistake.ORDER_OTHER, "nonce, path, body"),
    Form(b"pbs", Mistake.ORDER_OTHER, "path, body, nonce"),
    Form(b"mpsb", Mistake.PART_ADDED, "the method"),
    Form(b"smpb", Mistake.ORDER_OTHER, "nonce, method, path, body, as on KuCoin's wire"),
    Form(b"psbk", Mistake.PART_ADDED, "the key's id"),
    Form(b"AUTHs", Mistake.ORDER_OTHER, "AUTH and nonce, as for a WebSocket"),
    Form(b"p\ns\nb", Mistake.PART_ADDED, "line ends between the parts"),
)


def read(request: Request, given: Given) -> Case:
    """Return what the search needs of a request, and what was seen. There is no passphrase here, nor a window of time."""
    nonce, path = seen.value(request, _NONCE), request.path
    elsewhere = [(name.decode("latin-1"), text) for name, text in request.headers if name != _NONCE.encode()]
    return Case(
        exchange="bitfinex",
        signature=seen.value(request, _SIGN),
        hex_digest=True,
        any_case=False,
        hashed="sha384",
        server=(bitfinex_payload.payload(path, nonce, request.body),),
        parts=(("path", b"/api" + path), ("nonce", nonce), ("body", request.body)),
        forms={
            "p": _paths(request),
            "s": explain_forms.stamps(nonce, elsewhere),
            "b": explain_payloads.bodies(request.body),
            "m": explain_forms.methods(request.method.encode()),
            "k": (Form(seen.value(request, _KEY)),),
        },
        layouts=LAYOUTS,
        key=seen.value(request, _KEY),
        stamp=nonce,
        skew_ms=seen.skew(nonce, given.now_ms),
        observed=(
            *seen.headers(request, _NEEDED, needed=_NEEDED),
            *_nonce(request, nonce),
            *_target(request),
            *seen.body(request.method, request.body),
            *seen.carried(request, given.secret, None),
            *seen.host(request, "bitfinex"),
        ),
    )


def _paths(request: Request) -> Forms:
    path, right = request.path, b"/api" + request.path
    forms = [
        Form(right),
        Form(path, Mistake.PATH_WITHOUT_PREFIX, "/api"),
        Form(path.lstrip(b"/"), Mistake.PATH_WITHOUT_PREFIX, "/api/"),
    ]
    for prefix in (b"/v2", b"/v2/auth"):
        if path.startswith(prefix + b"/"):
            forms.append(Form(b"/api" + path[len(prefix) :], Mistake.PATH_WITHOUT_PREFIX, prefix.decode()))
            forms.append(Form(path[len(prefix) :], Mistake.PATH_WITHOUT_PREFIX, f"/api{prefix.decode()}"))
    if path.startswith(b"/api/"):
        forms.append(Form(path, Mistake.PATH_SENT_BELOW_OTHER, "/api"))
    if not path.startswith(b"/v2/"):
        forms.append(Form(b"/api/v2" + path, Mistake.PATH_SENT_WITHOUT_PREFIX, "/v2"))
    if request.query:
        forms.append(Form(b"/api" + request.target, Mistake.QUERY_SIGNED_THOUGH_UNSIGNED))
    wrong = explain_forms.paths(right, prefixes=(), host=seen.value(request, "host"))[1:]
    return explain_forms.distinct((*forms, *wrong))


def _nonce(request: Request, nonce: bytes) -> Iterator[Cause]:
    if not nonce:
        return
    try:
        bitfinex_payload.read_nonce(nonce)
        bitfinex_payload.check_seam(request.path, nonce)
    except Refused as refused:
        if nonce.isdigit() and int(nonce[:25]) > bitfinex_payload.LARGEST_NONCE:
            yield cause(Mistake.NONCE_TOO_LARGE)
        else:
            yield cause(Mistake.STAMP_MALFORMED, refused.facts.get("rule", "a nonce is 1 to 2^53 - 1, in digits alone"))
        return
    if (unit := explain_forms.UNITS.get(len(nonce))) in {"seconds", "milliseconds"}:
        yield cause(Mistake.NONCE_NOT_ABOVE_LAST, str(unit), certain=False)


def _target(request: Request) -> Iterator[Cause]:
    try:
        bitfinex_payload.check_signed(request.method, request.target)
    except Refused as refused:
        yield cause(Mistake.TARGET_NOT_CANONICAL, refused.facts.get("rule", "a signed call is a POST"))
