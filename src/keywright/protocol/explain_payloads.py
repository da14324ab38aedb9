"""The ways in which real clients write queries and bodies, wrong: encoded twice or not at all, serialised again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus, unquote_to_bytes, urlencode

from keywright.errors import Invalid
from keywright.protocol import canonical, strict_json
from keywright.protocol.explain_forms import distinct
from keywright.protocol.explain_model import Form, Forms, Mistake

LONGEST_BODY = 64 * 1024
"""Bytes of a body that is taken apart; the gateway takes no more."""

_ESCAPE = re.compile(rb"%[0-9A-Fa-f]{2}")
# How JSON is written: the defaults of Python, JavaScript and Go, and what people set.
_JSON_STYLES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("without spaces", {"separators": (",", ":")}),
    ("with spaces after ',' and ':', Python's default", {}),
    ("indented by two", {"indent": 2}),
    ("indented by four", {"indent": 4}),
)


def queries(query: bytes, *, marked: bool, decoded_is_right: bool, why: str) -> Forms:
    """Return what may have been signed for a query. `marked`: the wire signs a `?` before it.

    `decoded_is_right`: the server tries the decoded query too; `why` it does not, where it does not.
    """
    mark = b"?" if marked else b""
    if not query:
        return distinct(
            [
                Form(b""),
                Form(b"?", Mistake.QUERY_MARK, "signed without a query"),
                Form(b"{}", Mistake.BODY_FOR_EMPTY, "'{}'"),
            ]
        )
    forms = [Form(mark + query)]
    forms.append(Form(b"", Mistake.QUERY_NOT_SIGNED))
    forms.append(
        Form(query, Mistake.QUERY_MARK, "left out") if marked else Form(b"?" + query, Mistake.QUERY_MARK, "signed too")
    )
    spaced = unquote_to_bytes(query.replace(b"+", b" "))
    once, about = unquote_to_bytes(query), f" ({why})" if why else ""
    if decoded_is_right:
        forms.append(Form(mark + spaced))
    if _ESCAPE.search(once):  # what was signed is encoded, and the wire carries it encoded again
        forms.append(Form(mark + once, Mistake.QUERY_ENCODED_TWICE, "signing"))
    forms += [Form(mark + decoded, Mistake.QUERY_DECODED, about) for decoded in (once, spaced)]
    forms += [Form(mark + value, mistake, about) for value, mistake, about in _spelt(query)]
    forms.append(Form(mark + b"&".join(sorted(query.split(b"&"))), Mistake.QUERY_SORTED))
    forms.append(Form(mark + b"&".join(sorted(spaced.split(b"&"))), Mistake.QUERY_SORTED))
    forms += [Form(text, Mistake.QUERY_AS_BODY) for text in _as_json(query)]
    return distinct(forms)


def _spelt(query: bytes) -> Iterator[tuple[bytes, Mistake, str]]:
    yield query.replace(b"+", b"%20"), Mistake.QUERY_PLUS_FOR_SPACE, "'%20', and sent as '+'"
    yield query.replace(b"%20", b"+"), Mistake.QUERY_PLUS_FOR_SPACE, "'+', and sent as '%20'"
    yield query.replace(b"%", b"%25"), Mistake.QUERY_ENCODED_TWICE, "sending"
    if b"%" in query:
        yield quote(query, safe="=&").encode(), Mistake.QUERY_ENCODED_TWICE, "sending"
    yield _ESCAPE.sub(lambda found: found[0].lower(), query), Mistake.QUERY_ESCAPES_DIFFER, "%2f and %2F"
    yield _ESCAPE.sub(lambda found: found[0].upper(), query), Mistake.QUERY_ESCAPES_DIFFER, "%2f and %2F"
    pairs = canonical.pairs(query)
    # What each language's own function leaves as it is: encodeURIComponent, Python's quote, RFC 3986, a form.
    for safe in ("!'()*~", "/", "", ",", ":/,@!$'()*;~"):
        for encode in (quote, quote_plus):
            joined = b"&".join(
                f"{encode(name, safe=safe)}={encode(value, safe=safe)}".encode() for name, value in pairs
            )
            yield joined, Mistake.QUERY_ESCAPES_DIFFER, "which characters need it is not the same everywhere"


def _as_json(query: bytes) -> Iterator[bytes]:
    fields = {
        name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in canonical.pairs(query)
    }
    yield json.dumps(fields, separators=(",", ":")).encode()
    yield json.dumps(fields).encode()


def bodies(body: bytes) -> Forms:
    """Return what may have been signed for a body."""
    if not body:
        empties = (b"{}", b"[]", b"null", b"None", b'""', b"undefined", b"{ }")
        return (
            Form(b""),
            *(Form(text, Mistake.BODY_FOR_EMPTY, f"'{text.decode()}'") for text in empties),
        )
    forms = [Form(body), Form(b"", Mistake.BODY_NOT_SIGNED)]
    if len(body) > LONGEST_BODY:
        return tuple(forms)
    forms += [Form(text, Mistake.BODY_SERIALISED_AGAIN, how) for text, how in _serialised(body)]
    for end, name in (
        (b"\n", "with a line end after it"),
        (b"\r\n", "with CR LF after it"),
        (b" ", "with a space after it"),
    ):
        forms.append(Form(body + end, Mistake.BODY_WHITE_SPACE, name))
    forms.append(Form(body.strip(), Mistake.BODY_WHITE_SPACE, "without the white space around it"))
    forms.append(Form(body.replace(b"\r\n", b"\n"), Mistake.BODY_WHITE_SPACE, "with other line ends"))
    forms.append(Form(body.replace(b"\n", b"\r\n"), Mistake.BODY_WHITE_SPACE, "with other line ends"))
    forms.append(Form(re.sub(rb"\s+", b"", body), Mistake.BODY_WHITE_SPACE, "without any white space"))
    forms += _encoded(body)
    return distinct(forms)


def _encoded(body: bytes) -> Iterator[Form]:
    yield Form(quote(body).encode(), Mistake.BODY_AS_FORM, "percent-encoded text")
    yield Form(unquote_to_bytes(body), Mistake.BODY_AS_FORM, "percent-decoded text")
    yield Form(
        json.dumps(body.decode("utf-8", "replace")).encode(), Mistake.BODY_AS_FORM, "a JSON string that holds it"
    )


def _serialised(body: bytes) -> Iterator[tuple[bytes, str]]:
    try:
        strict_json.loads(body)  # bounds depth and numbers, and refuses what has two readings
    except Invalid:
        return
    value = json.loads(body)
    numbered = _whole(value)
    for ordered in (False, True):
        for name, style in _JSON_STYLES:
            for ascii_only in (False, True):
                how = name + (", names sorted" if ordered else "") + (", non-ASCII escaped" if ascii_only else "")
                for read in (value, numbered):
                    yield json.dumps(read, ensure_ascii=ascii_only, sort_keys=ordered, **style).encode(), how
    yield json.dumps(value, separators=(",", ":")).replace("/", "\\/").encode(), "'/' escaped, PHP's default"
    escaped = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for plain, code in (("&", "\\u0026"), ("<", "\\u003c"), (">", "\\u003e")):
        escaped = escaped.replace(plain, code)
    yield escaped.encode(), "'&', '<' and '>' escaped, Go's default"
    yield str(value).encode(), "Python's str() of the object"
    if isinstance(value, dict):
        for pairs, order in ((value, ""), (dict(sorted(value.items())), ", names sorted")):
            form = urlencode(
                {name: item if isinstance(item, str) else json.dumps(item) for name, item in pairs.items()}
            )
            yield form.encode(), f"as a form, a=b&c=d{order}"
            yield f"?{form}".encode(), f"as a query, ?a=b&c=d{order}"


def _whole(value: Any) -> Any:
    """Return a value as JavaScript would write it: `10.0` is 10."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {name: _whole(item) for name, item in value.items()}
    return value
