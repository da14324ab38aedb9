"""Which requests can be signed without ambiguity on a wire that joins method, target and body with nothing between.

Rule 1: what is not canonical is refused, never normalised. Two readers of an accepted request agree on it.
Rule 2: equal candidates mean equal (method, path, pairs, body). The tests show it for every form of a hostile alphabet.
Both rest on which bytes may stand where: a path holds no `?`, a query no `{` or `[`, and a body begins with one of these.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from keywright.errors import Invalid
from keywright.protocol import strict_json
from keywright.protocol.native import native
from keywright.protocol.refusal import Reason, Refused

# A method is letters and a path begins with `/`, so neither runs into the other. TRACE and CONNECT are talk between
# proxies, OPTIONS is a browser's question: no trading client sends them.
METHODS = {name: name.encode() for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")}
"""Each with the bytes that stand for it in a string to sign."""

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-"
_PATH = _UNRESERVED + b"/"
_QUERY = _UNRESERVED + b"!$'()*,;:@/?&=+%"

_BARE_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ESCAPE = re.compile(rb"%[0-9A-Fa-f]{2}")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")

# What nearly every target looks like: canonical, with nothing in it to decode. One look in place of eight; whatever it
# does not match (a trailing slash, a segment that begins with '.', a `%`) is read step by step.
PLAIN = rb"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*+)++(?:\?[A-Za-z0-9._~!$'()*,;:@/?&=-]*+)?+"
is_plain = re.compile(PLAIN).fullmatch

Pairs = tuple[tuple[bytes, bytes], ...]


class Target(NamedTuple):
    """A canonical target."""

    raw: bytes
    """As received."""
    path: bytes
    query: bytes
    decoded: bytes | None
    """The query with `+` and `%HH` decoded; `None` where that changes nothing."""


class Forms(NamedTuple):
    """What a client may have signed in a target's place."""

    targets: tuple[bytes, ...]
    """The raw target, and the decoded one where that can carry the same meaning."""
    raw_only_because: str
    """Why the decoded target is not among them, in words for its developer; empty where there is nothing to say."""


def read_target(target: bytes) -> Target:
    """Return the parts of a target whose every reading is the same.

    Raises `Refused(TARGET_NOT_CANONICAL, rule=…)`.
    """
    path, _, query = target.partition(b"?")
    if is_plain(target):
        # As `Target(…)`, without the keyword handling that a named tuple's own constructor goes through first.
        return tuple.__new__(Target, (target, path, query, None))
    return _read_slowly(target, path, query)


def _read_slowly(target: bytes, path: bytes, query: bytes) -> Target:
    if not path.startswith(b"/"):
        raise _not_canonical("the target must begin with '/': no scheme, no host")
    if odd := path.translate(None, _PATH):
        raise _not_canonical(f"the path holds {_name(odd)}: only A-Z a-z 0-9 . _ ~ - and / stand in a path")
    if b"//" in path:
        raise _not_canonical("the path holds '//'")
    if b"/./" in (ended := path + b"/") or b"/../" in ended:
        raise _not_canonical("the path holds a '.' or '..' segment")
    if odd := query.translate(None, _QUERY):
        raise _not_canonical(f"the query holds {_name(odd)}: percent-encode it")
    if b"%" not in query and b"+" not in query:
        return Target(target, path, query, None)
    if _BARE_PERCENT.search(query):
        raise _not_canonical("the query holds '%' without two hex digits: a plain '%' is written %25")
    decoded = _decode(query)
    if _CONTROL.search(decoded):
        raise _not_canonical("the query holds an encoded control character")
    try:
        decoded.decode()
    except UnicodeDecodeError:
        raise _not_canonical("the query is not UTF-8 once decoded") from None
    return Target(target, path, query, decoded)


def check_method(method: str) -> None:
    """Do nothing if `method` is one that requests are taken in. Raises `Refused(METHOD_NOT_ALLOWED)`."""
    if method not in METHODS:
        raise Refused(Reason.METHOD_NOT_ALLOWED, allowed=sorted(METHODS))


def body_may_follow(method: str, *, body_allowed: bool) -> bool:
    """Tell whether a request of this method can carry a body. `body_allowed`, its route's word, decides for DELETE alone."""
    return method not in {"GET", "HEAD"} and (method != "DELETE" or body_allowed)


def check_beginning_of_body(body: bytes, *, may_follow: bool) -> None:
    """Do nothing if there is no body, or one may follow and begins as one.

    Raises `Refused` with BODY_NOT_ALLOWED or BODY_MALFORMED.
    """
    if body and not may_follow:
        # Signed bytes could otherwise be moved: `DELETE /x?symbol=A` signs like `DELETE /x` with the body `?symbol=A`.
        raise Refused(Reason.BODY_NOT_ALLOWED)
    if body and body[0] not in b"{[":
        raise Refused(Reason.BODY_MALFORMED, rule="the body must begin with '{' or '[', with nothing before it")


def check_body(body: bytes) -> None:
    """Do nothing if `body` is empty or JSON with one reading. Raises `Refused(BODY_MALFORMED, rule=…)`."""
    if not body or (native and native.is_plain_json(body)):
        return
    try:
        strict_json.loads(body)
    except Invalid as error:
        raise Refused(Reason.BODY_MALFORMED, rule=error.message) from None


def forms(target: Target, *, may_follow: bool) -> Forms:
    """Return what the client may have signed: some sign the query as sent, the official SDKs before encoding it."""
    decoded = target.decoded
    if decoded is None:
        return Forms((target.raw,), "")
    # Whatever is left out here can be read in two ways: `+` and `%HH` as themselves or as what they encode, `{` and `[`
    # as the end of the query or the beginning of the body, `&` and `=` as part of a value or between two.
    if b"+" in decoded or _ESCAPE.search(decoded):
        held = "a name or value holds '+' (or '%' and two hex digits) after decoding"
    elif may_follow and (b"{" in decoded or b"[" in decoded):
        held = "a name or value holds '{' or '[' after decoding, where a body may follow"
    elif pairs(target.query) != _split(decoded):
        held = "a name or value holds '&', or a name '=', after decoding"
    else:
        return Forms((target.raw, target.path + b"?" + decoded), "")
    return Forms((target.raw,), f"{held}: percent-encode before signing, and sign the target exactly as sent")


def pairs(query: bytes) -> Pairs:
    """Return the names and values of a canonical query, decoded, in order; repeated and empty ones kept."""
    return tuple((_decode(name), _decode(value)) for name, value in _split(query))


def _split(query: bytes) -> Pairs:
    parts = (token.partition(b"=") for token in query.split(b"&")) if query else ()
    return tuple((name, value) for name, _, value in parts)


def _decode(text: bytes) -> bytes:
    return unquote_to_bytes(text.replace(b"+", b" "))


def _name(odd: bytes) -> str:
    """Name the first of some bytes so that no terminal and no log is moved by it."""
    return f"'{chr(odd[0])}'" if 0x20 < odd[0] < 0x7F else f"the byte 0x{odd[0]:02X}"


def _not_canonical(rule: str) -> Refused:
    return Refused(Reason.TARGET_NOT_CANONICAL, rule=rule)
