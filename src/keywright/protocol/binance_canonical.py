"""Which requests can be signed without ambiguity on Binance's wire: the query and the body, joined with nothing between.

Rule 1: what is not canonical is refused, never normalised. Parameters stand in the query or in the body, never in both:
`a=1` before `b=2` would sign like `a=1b` before `=2`, and like `a=` before `1b=2`.
Rule 2: a name is letters, digits and `_`, written plainly; a value holds no bare `=`, `&` or `;`. So every reader splits
at the same places, and none finds a `timestamp` or a `signature` that another does not.
Rule 3: the signature is the last parameter, and the payload is what stands before it, byte for byte.
Equal payloads then mean equal parameters: the tests show it for every form of a hostile alphabet.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from keywright.errors import Invalid
from keywright.protocol import canonical
from keywright.protocol.refusal import Reason, Refused

METHODS = frozenset({"GET", "POST", "PUT", "DELETE"})
"""What Binance documents. Not HEAD: the signature does not cover the method, so it would be a GET's second name."""

MOST_PARAMETERS = 256
"""An OTOCO order with every option has fewer than 60; the rest is room for a list of assets."""

LONGEST_PATH = 256
"""Bytes. The longest documented one has 60."""

LISTS: frozenset[tuple[bytes, bytes]] = frozenset({(b"/sapi/v1/asset/dust", b"asset")})
"""Path and name of the parameters that are lists, one `name=value` each. Every other name stands once."""

_NAME = rb"[A-Za-z][A-Za-z0-9_]{0,63}"
# `~` may come encoded: Java's URLEncoder does that. Other unreserved characters and controls never do.
_ESCAPE = rb"%(?:2[0-9A-CFa-cf]|3[A-Fa-f]|40|5[B-Eb-e]|60|7[B-Eb-e]|[89A-Fa-f][0-9A-Fa-f])"
_PLAIN = rb"A-Za-z0-9._~!$'()*,:@/+-"
_VALUE = rb"[%b]*+(?:%b[%b]*+)*+" % (_PLAIN, _ESCAPE, _PLAIN)
_FORM = re.compile(rb"%b=%b(?:&%b=%b)*+" % (_NAME, _VALUE, _NAME, _VALUE))
_NAMES = re.compile(rb"&([^=]*+)=")
_NOT_ASCII = re.compile(rb"%[89A-Fa-f]")
_SIGNATURE = b"signature="
_LONGEST_FIT = 2_048  # bytes whose names are remembered
_AS_IS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~!$'()*,:@/+-"
_BETWEEN = b"=&" * (MOST_PARAMETERS - 4)
"""What stands between names and values, if nothing else does: one '=' in each parameter, an '&' between two."""

_WHOLE_ESCAPE = re.compile(_ESCAPE)
is_name = re.compile(_NAME).fullmatch
_ODD = re.compile(rb"[^%%%b]" % _PLAIN)
_MEDIA_TYPE = re.compile(rb"application/x-www-form-urlencoded(?:\s*;\s*charset=\"?utf-8\"?)?", re.IGNORECASE)

Pairs = tuple[tuple[str, str], ...]


class Form(NamedTuple):
    """A canonical request's parameters, wherever they stood."""

    path: bytes
    payload: bytes
    """What is signed: the parameters as they were sent, without the signature."""
    signature: bytes | None
    """As it was sent; `None` where there is none."""
    names: frozenset[bytes]
    """Of the payload's parameters, in lower case."""


def read(method: str, target: bytes, body: bytes) -> Form:
    """Return the parameters of a request whose every reading is the same.

    Raises `Refused` with METHOD_NOT_ALLOWED, TARGET_NOT_CANONICAL, BODY_NOT_ALLOWED or BODY_MALFORMED.
    """
    path, mark, query = target.partition(b"?")
    reason = _place(method, path, mark, not query, not body)
    return _read(path, body or query, reason)


def read_unsigned(method: str, target: bytes, body: bytes, *, added: frozenset[bytes]) -> bytes:
    """Return the parameters of a request that a signer may add `added` to: names in lower case, the signature among them.

    Raises `Refused` as `read` does, and `Invalid` where one of `added`, or a signature, is there already.
    """
    path, mark, query = target.partition(b"?")
    reason = _place(method, path, mark, not query, not body)
    text = body or query
    # Nearly always each parameter has one '=', its value needs no encoding, and its name was seen before.
    between = text.translate(None, _AS_IS)
    if len(between) & 1 and len(text) <= _LONGEST_FIT and _BETWEEN.startswith(between):
        names = text.replace(b"&", b"=").split(b"=")[::2]
        if _fit(added, *names):
            return text
    form = _read(path, text, reason)
    if form.signature is not None:
        raise Invalid("this request has a signature already")
    if twice := form.names & added:
        raise Invalid(f"'{min(twice).decode()}' is added by the signer: leave it out")
    return text


@lru_cache(maxsize=256)
def _fit(added: frozenset[bytes], *names: bytes) -> bool:
    """Tell whether these can be all the names of a request besides `added`."""
    lowered = {name.lower() for name in names}
    return len(lowered) == len(names) and lowered.isdisjoint(added) and all(is_name(name) for name in names)


def check_media_type(values: tuple[bytes, ...]) -> None:
    """Do nothing if `values`, the Content-Type headers of a request with a body, say that the body is a form.

    The signature does not cover them, and under another type a service would not find these parameters.
    Raises `Refused(BODY_MALFORMED, rule=…)`.
    """
    if len(values) != 1 or len(values[0]) > 100 or not _MEDIA_TYPE.fullmatch(values[0]):
        raise _refused(Reason.BODY_MALFORMED, "a body comes with one Content-Type: application/x-www-form-urlencoded")


def pairs(text: bytes) -> Pairs:
    """Return names and values of a canonical payload, decoded, in order; empty values kept."""
    split = (part.partition(b"=") for part in text.split(b"&")) if text else ()
    return tuple((name.decode(), unquote_to_bytes(value.replace(b"+", b" ")).decode()) for name, _, value in split)


def value_of(payload: bytes, name: bytes) -> bytes | None:
    """Return the value of one parameter of a canonical payload as it was sent; `None` where there is no such name."""
    found = (b"&" + payload).partition(b"&" + name + b"=")
    return found[2].partition(b"&")[0] if found[1] else None


@lru_cache(maxsize=1024)
def _place(method: str, path: bytes, mark: bytes, no_query: bool, no_body: bool) -> Reason:
    """Return what to call it if the parameters are not well formed. Remembered: there are few paths, and they come often."""
    if method not in METHODS:
        raise Refused(Reason.METHOD_NOT_ALLOWED, allowed=sorted(METHODS))
    if len(path) > LONGEST_PATH:
        raise _refused(Reason.TARGET_NOT_CANONICAL, f"the path is longer than {LONGEST_PATH} bytes")
    canonical.read_target(path)
    if mark and no_query:
        raise _refused(Reason.TARGET_NOT_CANONICAL, "the target ends in '?' with nothing after it")
    if method == "GET" and not no_body:
        raise Refused(Reason.BODY_NOT_ALLOWED, rule="a GET has its parameters in the query")
    if not no_body and not no_query:
        # The two are signed as one text, so that bytes could be moved from the end of one to the beginning of the other.
        raise Refused(Reason.BODY_NOT_ALLOWED, rule="parameters stand in the query or in the body, never in both")
    return Reason.TARGET_NOT_CANONICAL if no_body else Reason.BODY_MALFORMED


def _read(path: bytes, text: bytes, reason: Reason) -> Form:
    if not text:
        return Form(path, b"", None, frozenset())
    if text.count(b"&") >= MOST_PARAMETERS:
        raise _refused(reason, f"there are more than {MOST_PARAMETERS} parameters")
    if not _FORM.fullmatch(text):  # one pattern says yes; only a no is explained
        raise _refused(reason, _what_is_odd(text))
    if b"%" in text and _NOT_ASCII.search(text):
        try:
            unquote_to_bytes(text).decode()
        except UnicodeDecodeError:
            raise _refused(reason, "a value is not UTF-8 once decoded") from None
    before, _, last = text.rpartition(b"&")
    payload, signature = (before, last[len(_SIGNATURE) :]) if last.startswith(_SIGNATURE) else (text, None)
    named = _NAMES.findall(b"&" + payload.lower()) if payload else []
    names = frozenset(named)
    if b"signature" in names:
        rule = "the signature is the last parameter, once" if signature is None else "there is more than one signature"
        raise _refused(reason, rule)
    if len(names) != len(named):
        _check_repeated(path, payload, named, reason)
    return Form(path, payload, signature, names)


def _check_repeated(path: bytes, payload: bytes, named: list[bytes], reason: Reason) -> None:
    """Do nothing if the only names that stand twice are those of lists; a name in another case counts as the same."""
    lists = {name for where, name in LISTS if where == path}
    as_written = set(_NAMES.findall(b"&" + payload))
    seen: set[bytes] = set()
    for name in named:
        if name in seen and not (name in lists and name in as_written):
            raise Refused(reason, rule=f"the parameter '{name.decode()}' stands more than once", repeated=True)
        seen.add(name)
    if len({name.lower() for name in as_written}) != len(as_written):
        raise Refused(reason, rule="two parameters differ in upper and lower case alone", repeated=True)


def _what_is_odd(text: bytes) -> str:
    """Name what is wrong with the first parameter that is not canonical, so that no terminal is moved by it."""
    for part in text.split(b"&"):
        name, equals, value = part.partition(b"=")
        if not part:
            return "there is an '&' with nothing beside it"
        if not equals:
            return "a parameter has no '='"
        if not is_name(name):
            return "a name is a letter and then letters, digits or '_', at most 64, never encoded"
        if b"%" in _WHOLE_ESCAPE.sub(b"", value):
            return "a value holds '%' that encodes nothing, a control character, or a letter or digit"
        if odd := _ODD.search(value):
            byte = odd[0][0]
            shown = f"'{chr(byte)}'" if 0x20 < byte < 0x7F else f"the byte 0x{byte:02X}"
            return f"a value holds {shown}: percent-encode it, then sign"
    return "the parameters are not well formed"


def _refused(reason: Reason, rule: str) -> Refused:
    return Refused(reason, rule=rule)
