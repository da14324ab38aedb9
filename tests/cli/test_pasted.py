from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from keywright.cli.bash_words import words
from keywright.cli.pasted import at_ms, read_pasted
from keywright.errors import Invalid


def _read(text: str) -> tuple[str, bytes, bytes]:
    request = read_pasted(text.encode()).request
    return request.method, request.target, request.body


@pytest.mark.parametrize(
    ("command", "method", "target", "body"),
    [
        ("curl http://x/api/v1/a", "GET", b"/api/v1/a", b""),
        ("curl http://x", "GET", b"/", b""),
        ("curl http://x?a=1", "GET", b"/?a=1", b""),
        ("curl x.example/api?a=%20+b#end", "GET", b"/api?a=%20+b", b""),
        ("curl -I http://x/a", "HEAD", b"/a", b""),
        ("curl http://u:p@x/a", "GET", b"/a", b""),
        ("curl -d a=1 --data b=2 http://x/a", "POST", b"/a", b"a=1&b=2"),
        ("curl -da=1 http://x/a", "POST", b"/a", b"a=1"),
        ("curl -XPUT -d '{\"a\": 1}' http://x/a", "PUT", b"/a", b'{"a": 1}'),
        ("curl --request=DELETE --url http://x/a", "DELETE", b"/a", b""),
        ("curl -G -d a=1 -d b=2 http://x/a", "GET", b"/a?a=1&b=2", b""),
        ("curl -G --data-urlencode 'a=1 2&+' 'http://x/a?b=1'", "GET", b"/a?b=1&a=1%202%26%2B", b""),
        ("curl --json '{\"a\":' --json '1}' http://x/a", "POST", b"/a", b'{"a":1}'),
        ("curl --data-raw @a http://x/a", "POST", b"/a", b"@a"),
        ('curl http://x/a --data-binary $\'{"a":"it\\\'s \\u00e9\\n"}\'', "POST", b"/a", '{"a":"it\'s é\n"}'.encode()),
        ("curl -sSLvk -m 5 -o out -A agent http://x/a", "GET", b"/a", b""),
        ("curl http://x/a\\\n -d 'b' | jq .", "POST", b"/a", b"b"),
        ("curl http://x/a -d 'b' > out; rm -rf x", "POST", b"/a", b"b"),
        ("curl http://x/a\nls", "GET", b"/a", b""),
    ],
)
def test_a_curl_command_is_read_as_curl_would_send_it(command: str, method: str, target: bytes, body: bytes) -> None:
    assert _read(command) == (method, target, body)


def test_the_headers_of_a_curl_command() -> None:
    request = read_pasted(
        b"curl -H 'A: 1' -H 'a:2' -H 'Empty;' -H 'Accept:' -d '{}' -u me:pw https://api.example:1/x"
    ).request
    assert request.headers == (
        (b"host", b"api.example:1"),
        (b"a", b"1"),
        (b"a", b"2"),
        (b"empty", b""),
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"authorization", b"Basic bWU6cHc="),
    )


@pytest.mark.parametrize("text", ["$(date)", "`date`", "$KEY", "${KEY}", '"$KEY"', "a$x"])
def test_what_a_shell_would_fill_in_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="only your shell"):
        read_pasted(f"curl http://x/ -H A:{text}".encode())


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8), max_size=5))
def test_words_are_split_as_they_were_joined(given_words: list[str]) -> None:
    assert list(words(shlex.join(given_words))) == given_words


@pytest.mark.parametrize(
    "text", ["a b", "'a b' c", '"a\\"b" c', "a\\ b", "a''b", "$'a\\tb\\x41\\u00e9'", '"a\\nb"', "a\\\n b"]
)
def test_words_are_split_as_bash_splits_them(text: str) -> None:
    said = subprocess.run(["bash", "-c", f"printf '%s\\0' {text}"], capture_output=True, check=True).stdout
    assert [word.encode() for word in words(text)] == said.split(b"\0")[:-1]


@pytest.mark.parametrize(
    ("text", "target", "body"),
    [
        ("GET /a?b=c HTTP/1.1\nHost: x\n", b"/a?b=c", b""),
        ("GET /a\n", b"/a", b""),
        ("GET https://x/a?b HTTP/1.1\n", b"/a?b", b""),
        ("POST /a HTTP/1.1\nContent-Length: 4\n\n{}\r\n", b"/a", b"{}\r\n"),
        ("POST /a HTTP/1.1\nContent-Length: 2\n\n{}\n", b"/a", b"{}"),
        ("POST /a HTTP/1.1\n\n{}\n", b"/a", b"{}"),
        ("POST /a HTTP/2\n:path: /a\nKey: v\n\n{}\n\n", b"/a", b"{}\n"),
        ("GET /a b HTTP/1.1\n", b"/a b", b""),
    ],
)
def test_a_request_s_own_lines(text: str, target: bytes, body: bytes) -> None:
    assert _read(text)[1:] == (target, body)


def test_bytes_stay_bytes() -> None:
    assert read_pasted(b"POST /\xff HTTP/1.1\nA: \xfe\n\n\xfd").request.body == b"\xfd"
    assert read_pasted(b"POST /\xff HTTP/1.1\nA: \xfe\n").request.target == b"/\xff"


_HAR = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["GET", "http://x/a", "base64"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["log", "entries", "request", "method", "url", "headers", "name", "value", "postData", "text", "encoding", "params", "startedDateTime"]),
        inner,
        max_size=6,
    ),
    max_leaves=25,
)  # fmt: skip
_SHELL = st.lists(
    st.sampled_from(["-H", "-d", "--json", "-G", "-X", "--url", "'", '"', "$'", "\\", "\\u", "$", "http://x/a", "A: b", "@", "\n", "\ud800"])
    | st.text(max_size=4),
    max_size=12,
).map(" ".join)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    st.binary(max_size=80)
    | _SHELL.map(lambda text: b"curl " + text.encode("utf-8", "surrogatepass"))
    | _HAR.map(lambda value: json.dumps(value).encode())
    | st.text(max_size=60).map(lambda text: f"GET /{text}".encode("utf-8", "surrogatepass")),
    st.none() | st.integers(-2, 4),
)
def test_no_paste_raises_anything_but_invalid(content: bytes, entry: Any) -> None:
    try:
        request = read_pasted(content, entry=entry).request
    except Invalid:
        return
    assert request.method.isascii()
    assert request.target.startswith(b"/") or b"HTTP/" in content
    assert all(name == name.lower() for name, _ in request.headers)


@given(st.text(max_size=30))
def test_no_time_raises_anything_but_invalid(text: str) -> None:
    with contextlib.suppress(Invalid):
        assert isinstance(at_ms(text), int)
