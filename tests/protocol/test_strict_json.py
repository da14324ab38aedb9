"""What `strict_json` takes, and that everything else ends in `Invalid` and nowhere else (SIG-27)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from keywright.errors import Invalid
from keywright.protocol import strict_json

DEEP = strict_json.DEEPEST


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{}", {}),
        (b"[]", []),
        (b' \r\n\t{"a" : [1, true, null]} ', {"a": [1, True, None]}),
        (b'{"price":0.1,"size":-1E+3}', {"price": Decimal("0.1"), "size": Decimal("-1E+3")}),
        (b'{"remark":"h\xc3\xa9","pair":"\\ud83d\\ude00"}', {"remark": "hé", "pair": "😀"}),
        (b'{"not a surrogate":"\\\\ud800"}', {"not a surrogate": "\\ud800"}),
        (b'{"a":{"x":1},"b":{"x":2}}', {"a": {"x": 1}, "b": {"x": 2}}),
        (b"[" * DEEP + b"]" * DEEP, json.loads("[" * DEEP + "]" * DEEP)),
        (b"[" + b"9" * 100 + b"]", [10**100 - 1]),
        (b'["' + b"[{" * 500 + b'","\\"[",' + b"[],{}," * 100 + b"[]]", ["[{" * 500, '"[', *([[], {}] * 100), []]),
    ],
)
def test_what_has_one_reading_is_read(body: bytes, value: Any) -> None:
    assert strict_json.loads(body) == value


@pytest.mark.parametrize(
    "body",
    [
        b'{"size":"1","size":"1000"}',
        b'{"a":{"size":1,"\\u0073ize":2}}',
        b"[NaN]",
        b'{"a":Infinity}',
        b"[-Infinity]",
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-16-le"),
        b'{"a":"\\ud800"}',
        b'["\\uDFFF"]',
        b'{"\\uD800x":1}',
        b'{"a":["\\udc00\\ud800"]}',
        b'{"a":"\xed\xa0\x80"}',
        b"[" + b"9" * 101 + b"]",
        b"[-" + b"9" * 5000 + b"]",
        b"[0." + b"1" * 99 + b"]",
        b"[1e1000]",
        b"[1e-" + b"9" * 50 + b"]",
        b"[1e" + b"9" * 5000 + b"]",
        b"[" * 33 + b"]" * 33,
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 40 + b'"' + b'\\"' * 50_000,
        b"",
        b" ",
        b"null",
        b"1",
        b'"{}"',
        b"{}{}",
        b"{} x",
        b"{'a':1}",
        b'{"a":1,}',
        b'{"a":"\x00"}',
        b'{"a":"\n"}',
        b"[01]",
        b"[+1]",
        b"[.5]",
        b"[1] // why",
        b"\xff{}",
        "［]".encode(),
        b"[\xc2\xa01]",
        b'["\\',
    ],
    ids=lambda body: repr(body[:24]),
)
def test_sig_27_what_has_no_reading_or_two_is_invalid(body: bytes) -> None:
    with pytest.raises(Invalid):
        strict_json.loads(body)


@pytest.mark.parametrize("body", [b'{"a":"canary"', b'{"canary":1,"canary":2}', b'["canary\xff"]', b'"canary"'])
def test_an_error_repeats_nothing_of_the_body(body: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        strict_json.loads(body)
    assert "canary" not in caught.value.message + caught.value.hint


_LIKELY = st.lists(
    st.sampled_from(
        [b"{", b"}", b"[", b"]", b'"', b"\\", b"\\u", b"d800", b":", b",", b"1", b"e9", b".5", b"-", b" ", b"a"]
    ),
    max_size=60,
).map(b"".join)


@settings(max_examples=2_000, deadline=None)
@given(st.one_of(st.binary(max_size=200), _LIKELY, st.text(max_size=100).map(str.encode)))
def test_any_bytes_are_read_or_invalid(body: bytes) -> None:
    try:
        value = strict_json.loads(body)
    except Invalid:
        return
    assert isinstance(value, dict | list)
    assert value == json.loads(body, parse_float=Decimal)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**99), 10**99) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(value=st.one_of(st.lists(_VALUES), st.dictionaries(st.text(), _VALUES)), ascii_only=st.booleans())
def test_whatever_json_dumps_writes_comes_back(value: Any, ascii_only: bool) -> None:
    assert strict_json.loads(json.dumps(value, ensure_ascii=ascii_only).encode()) == value
