"""A request as people paste it: a curl command, a HAR file or an entry of one, or its own lines. `read_pasted` is the way in.

Rule: bytes in, a `Request` or `Invalid` out, and nothing else. What was sent is not mended on the way.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from keywright.cli.pasted_curl import TOKEN, as_bytes, read_curl, target_of
from keywright.errors import Invalid
from keywright.protocol.message import Header, Request

LONGEST = 32 * 1024 * 1024
"""Bytes of a paste. A HAR of a long session has some megabytes."""

_SIGNED = (b"x-mbx-apikey", b"bfx-signature")
_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+) +(\S(?:.*?\S)?)(?: +HTTP/[0-9.]+)? *\r?")
_HEADER_LINE = re.compile(r":?([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*\r?")
_STARTS = "a curl command, a HAR, or the request's own lines, the first of them like 'GET /api/v1/accounts'"


@dataclass(frozen=True, slots=True)
class Pasted:
    """A request, and what the paste says beside it."""

    request: Request
    at_ms: int | None = None
    """When it was sent, where the paste says so."""
    note: str = ""
    """What had to be decided in reading it."""


def read_pasted(content: bytes, *, entry: int | None = None, header_prefix: str = "KC-API-") -> Pasted:
    """Return the request that was pasted. `entry` picks one of a HAR, from 1; without it, the only signed one.
    `header_prefix` is with what KuCoin's headers begin.

    Raises `Invalid`, and nothing else.
    """
    if len(content) > LONGEST:
        raise Invalid(f"this is more than {LONGEST // 1024 // 1024} MB", hint="paste the one request that was refused")
    text = content.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    start = text.lstrip()
    if not start:
        raise Invalid("there is nothing here", hint=f"give {_STARTS}")
    if start.startswith("{"):
        return _har(start, entry, (*_SIGNED, f"{header_prefix}SIGN".lower().encode()))
    start = re.sub(r"\A[$#>] +(?=curl\s)", "", start)  # a prompt that was copied too
    if re.match(r"curl\s", start):
        return Pasted(read_curl(start))
    return _lines(start)


# ── a HAR


def _har(text: str, entry: int | None, names: tuple[bytes, ...]) -> Pasted:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid("this begins like JSON and is none", hint=f"give {_STARTS}") from None
    entries = _entries(value)
    if entry is not None:
        if not 1 <= entry <= len(entries):
            raise Invalid(f"there are {len(entries)} entries, counted from 1", field="entry")
        return _entry(entries[entry - 1])
    if len(entries) == 1:
        return _entry(entries[0])
    signed = [(number, one) for number, one in enumerate(entries, 1) if _is_signed(one, names)]
    if len(signed) != 1:
        numbers = ", ".join(str(number) for number, _ in signed[:20]) or "none"
        raise Invalid(
            f"this HAR has {len(entries)} entries, of which signed: {numbers}", hint="name one with --entry NUMBER"
        )
    return _entry(signed[0][1])


def _entries(value: Any) -> list[Any]:
    if isinstance(value, dict):
        if isinstance(value.get("log"), dict) and isinstance(value["log"].get("entries"), list):
            return list(value["log"]["entries"])
        if isinstance(value.get("request"), dict):
            return [value]
        if "method" in value and "url" in value:
            return [{"request": value}]
    raise Invalid("this JSON is no HAR: it has neither log.entries nor a request", hint=f"give {_STARTS}")


def _is_signed(entry: Any, names: tuple[bytes, ...]) -> bool:
    try:
        request = _entry(entry).request
    except Invalid:
        return False
    return any(name in names for name, _ in request.headers)


def _entry(entry: Any) -> Pasted:
    sent = entry.get("request") if isinstance(entry, dict) else None
    if not isinstance(sent, dict) or not isinstance(sent.get("method"), str) or not isinstance(sent.get("url"), str):
        raise Invalid("an entry of the HAR has no request with a method and a URL")
    if not TOKEN.fullmatch(sent["method"]):
        raise Invalid("an entry of the HAR has a method that can't be one")
    host, target = target_of(sent["url"])
    headers: list[Header] = []
    listed = sent.get("headers")
    for header in listed if isinstance(listed, list) else []:
        if not isinstance(header, dict) or not isinstance(header.get("name"), str):
            raise Invalid("an entry of the HAR has a header without a name")
        if not header["name"].startswith(":"):  # HTTP/2 says method and path so; they are in the entry too
            headers.append((as_bytes(header["name"].lower()), as_bytes(str(header.get("value", "")))))
    if host and not any(name == b"host" for name, _ in headers):
        headers.insert(0, (b"host", as_bytes(host)))
    request = Request(sent["method"], as_bytes(target), tuple(headers), _posted(sent.get("postData")), None)
    return Pasted(request, _moment(entry.get("startedDateTime")))


def _posted(data: Any) -> bytes:
    if not isinstance(data, dict):
        return b""
    text = data.get("text")
    if not isinstance(text, str):
        if data.get("params"):
            raise Invalid("the HAR has the body's parameters and not its bytes", hint="export it with its content")
        return b""
    if data.get("encoding") == "base64":
        try:
            return b64decode(text, validate=True)
        except ValueError:
            raise Invalid("the HAR says that the body is base64, and it is not") from None
    return as_bytes(text)


def _moment(started: Any) -> int | None:
    try:
        return at_ms(started) if isinstance(started, str) else None
    except Invalid:
        return None


def at_ms(text: str) -> int:
    """Return a time, in ISO 8601 (UTC unless it says otherwise) or milliseconds since 1970. Raises `Invalid`."""
    if re.fullmatch(r"[0-9]{12,14}", text):
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise Invalid("a time is ISO 8601 (2026-03-01T12:00:00.250Z) or milliseconds since 1970", field="at") from None


# ── the request's own lines


def _lines(text: str) -> Pasted:
    sent = re.findall(r"^> ?(.*)$", text, re.MULTILINE)
    if text.startswith(("*", ">")) and sent:  # curl -v: `>` marks what went out; the body is not shown
        text = "\n".join(sent).lstrip()
    first, _, rest = text.partition("\n")
    start = _REQUEST_LINE.fullmatch(first)
    if start is None:
        raise Invalid("the first line says no method and target", hint=f"give {_STARTS}")
    host, target = target_of(start[2]) if "://" in start[2] else ("", start[2])
    if not target.startswith("/") and "HTTP/" not in first:
        raise Invalid("the first line says no method and target", hint=f"give {_STARTS}")
    headers: list[Header] = [(b"host", as_bytes(host))] if host else []
    while rest:
        line, _, rest = rest.partition("\n")
        if not line.strip():
            break
        header = _HEADER_LINE.fullmatch(line)
        if header is None:
            raise Invalid(f"line {len(headers) + 2} is no header", hint="headers are 'Name: value', then an empty line")
        if not line.startswith(":"):
            headers.append((as_bytes(header[1].lower()), as_bytes(header[2])))
    request = Request(start[1], as_bytes(target), tuple(headers), as_bytes(rest), None)
    return _without_last_line_end(request)


def _without_last_line_end(request: Request) -> Pasted:
    """Take away the line end that a file or a paste has after a body, unless the request says it was sent."""
    body, stated = request.body, next((value for name, value in request.headers if name == b"content-length"), b"")
    if not body.endswith(b"\n"):
        return Pasted(request)
    if stated.isdigit() and len(stated) < 12 and int(stated) <= len(body):
        return Pasted(replace(request, body=body[: int(stated)]))
    bare = body[:-2] if body.endswith(b"\r\n") else body[:-1]
    return Pasted(replace(request, body=bare), note="the line end after the body was taken for the file's own")
