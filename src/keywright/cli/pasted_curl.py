"""A curl command, as copied from a shell, a page of docs or a browser's developer tools, read as the request it sends.

Rule: nothing is run and nothing is fetched. What only a shell or a file could fill in (`$KEY`, `$(date)`, `@body.json`)
is refused, for a guess would be explained as if it had been sent.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from keywright.cli import bash_words
from keywright.cli.bash_words import AS_SENT
from keywright.errors import Invalid
from keywright.protocol.message import Header, Request

# Options of curl that change nothing of what is signed: those with a value, and those without, by their letters.
_VALUED = frozenset("AbcCDeEKmoPQrtuUwxyYz")
_FLAGS = frozenset("aBfgIijJklLnNOpqRsSv#0123460")
_IGNORED_WITH_VALUE = (
    "user-agent cookie cookie-jar continue-at dump-header referer cert key key-type cert-type cacert capath "
    "config max-time connect-timeout output retry retry-delay retry-max-time resolve connect-to interface proxy "
    "proxy-user user write-out limit-rate max-redirs ciphers tls-max dns-servers trace trace-ascii stderr unix- "
    "socket pinnedpubkey noproxy speed-limit speed-time keepalive-time expect100-timeout"
)
_IGNORED = (
    "silent show-error fail fail-with-body verbose include insecure location location-trusted compressed globoff "
    "http1.0 http1.1 http2 http2-prior-knowledge http3 tlsv1.2 tlsv1.3 ipv4 ipv6 no-buffer progress-bar no- "
    "progress-meter path-as-is raw remote-name remote-header-name ssl-reqd tcp-nodelay tr-encoding no-keepalive "
    "disable netrc trace-time parallel anyauth basic digest"
)
_DATA = frozenset({"data", "data-ascii", "data-raw", "data-binary", "data-urlencode", "json"})
_SHORT = {
    "X": "request",
    "H": "header",
    "d": "data",
    "G": "get",
    "I": "head",
    "F": "form",
    "T": "upload-file",
    "u": "user",
}
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(slots=True)
class _Command:
    method: str = ""
    url: str = ""
    headers: list[tuple[str, str | None]] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    is_json: bool = False
    in_query: bool = False
    is_head: bool = False
    user: str = ""


def read_curl(text: str) -> Request:
    """Return the request that a curl command sends. Raises `Invalid`, and nothing else."""
    words = list(bash_words.words(text))
    if not words or words[0] != "curl":
        raise Invalid("this is no curl command")
    command = _Command()
    rest = iter(words[1:])
    for word in rest:
        if word.startswith("--") and len(word) > 2:
            name, equals, value = word[2:].partition("=")
            _long(command, name, rest, value if equals else None)
        elif word.startswith("-") and len(word) > 1:
            _letters(command, word[1:], rest)
        else:
            _url(command, word)
    return _request(command)


def _letters(command: _Command, letters: str, rest: Iterator[str]) -> None:
    for at, letter in enumerate(letters):
        if letter in {"G", "I"}:
            _long(command, _SHORT[letter], rest, None)
        elif letter in _SHORT or letter in _VALUED:
            value = letters[at + 1 :] or next(rest, None)
            if value is None:
                raise Invalid(f"curl's option -{letter} has no value")
            if letter in _SHORT:
                _long(command, _SHORT[letter], rest, value)
            return
        elif letter not in _FLAGS:
            raise Invalid(f"curl's option -{letter} is not understood here", hint=AS_SENT)


def _long(command: _Command, name: str, rest: Iterator[str], value: str | None) -> None:
    if name in {"get", "head"}:
        command.in_query |= name == "get"
        command.is_head |= name == "head"
        return
    if name in _IGNORED.split() or name.startswith("no-"):
        return
    if name not in _DATA | {*_IGNORED_WITH_VALUE.split(), "request", "header", "url", "form", "upload-file"}:
        raise Invalid(f"curl's option --{name} is not understood here", hint=AS_SENT)
    if value is None and (value := next(rest, None)) is None:
        raise Invalid(f"curl's option --{name} has no value")
    if name == "request":
        command.method = value
    elif name == "header":
        command.headers.append(_header(value))
    elif name == "url":
        _url(command, value)
    elif name in _DATA:
        _data(command, name, value)
    elif name == "user":
        command.user = value
    elif name in {"form", "upload-file"}:
        raise Invalid(f"a request with --{name} is none that is signed here", hint=AS_SENT)


def _url(command: _Command, value: str) -> None:
    if command.url:
        raise Invalid("there is more than one URL, or something unquoted in the command")
    command.url = value


def _header(line: str) -> tuple[str, str | None]:
    if line.startswith("@"):
        raise Invalid("the headers are in a file that is not part of the paste", hint=AS_SENT)
    name, colon, value = line.partition(":")
    if not colon and line.endswith(";"):
        return line[:-1], ""  # how curl writes a header that is sent empty
    if not colon:
        raise Invalid("a header of the command has no ':'")
    return name, value.strip() or None  # `Name:` takes away one that curl would send


def _data(command: _Command, name: str, value: str) -> None:
    if value.startswith("@") and name != "data-raw":
        raise Invalid("the body is in a file that is not part of the paste", hint=AS_SENT)
    if name == "data-urlencode":
        key, equals, text = value.partition("=")
        if "@" in key:
            raise Invalid("the body is in a file that is not part of the paste", hint=AS_SENT)
        text = quote(text if equals else key, safe="")
        value = f"{key}={text}" if equals and key else text
    if name == "json" and command.data and command.is_json:
        command.data[-1] += value  # --json joins with nothing, --data with '&'
    else:
        command.data.append(value)
    command.is_json |= name == "json"


def _request(command: _Command) -> Request:
    if not command.url:
        raise Invalid("the command has no URL")
    host, target = target_of(command.url if "://" in command.url else f"http://{command.url}")
    data = "&".join(command.data)
    if command.in_query and data:
        target += ("&" if "?" in target else "?") + data
        data = ""
    sent = {name.lower() for name, _ in command.headers}
    headers = [_pair(name, value) for name, value in command.headers if value is not None]
    if "host" not in sent and host:
        headers.insert(0, _pair("host", host))
    if data and "content-type" not in sent:
        kind = "application/json" if command.is_json else "application/x-www-form-urlencoded"
        headers.append(_pair("content-type", kind))
    if command.user and "authorization" not in sent:
        headers.append(_pair("authorization", "Basic " + base64.b64encode(as_bytes(command.user)).decode()))
    method = command.method or ("HEAD" if command.is_head else "POST" if data else "GET")
    if not TOKEN.fullmatch(method):
        raise Invalid("the command's method can't be one")
    return Request(method, as_bytes(target), tuple(headers), as_bytes(data), None)


def target_of(url: str) -> tuple[str, str]:
    """Return host and target of a URL, cut out and not put together anew. Raises `Invalid`."""
    found = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#]*)([^#]*)", url, re.DOTALL)
    if found is None:
        raise Invalid("a URL begins with https:// or http://")
    return found[1], found[2] if found[2].startswith("/") else f"/{found[2]}"


def as_bytes(text: str) -> bytes:
    """Return text as the bytes it was read from; half a surrogate pair, which no bytes are, as '?'."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _pair(name: str, value: str) -> Header:
    return as_bytes(name.strip().lower()), as_bytes(value)
