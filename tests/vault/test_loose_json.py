"""Texts in JSON with comments are found where they stand, and what is no such JSON is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from keywright.vault.loose_json import texts_in

NAMES = st.text(min_size=1, max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)


def plain(value: object, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    """Return what should be found, from what was written."""
    if isinstance(value, str) and path:
        return {path: value}
    if not isinstance(value, dict):
        return {}
    return {key: text for name, inner in value.items() for key, text in plain(inner, (*path, name)).items()}


@given(st.dictionaries(NAMES, VALUES, max_size=4), st.booleans())
def test_every_text_is_found_where_it_stands(value: dict[str, object], spaced: bool) -> None:
    content = json.dumps(value, indent=2 if spaced else None, ensure_ascii=not spaced).encode("utf-8", "surrogatepass")
    found = texts_in(content)
    assert {path: text.value for path, text in found.items()} == plain(value)
    for text in found.values():
        assert json.loads(b'"' + content[text.start : text.end] + b'"') == text.value


@pytest.mark.parametrize(
    "content",
    [
        *(b'{"a": "b"', b"}", b'{"a": "b"}}', b'["a"', b'{"a": "b", "a": "c"}', b'{"": "b"}', b"\xff", b'{"a": "b\n"}'),
        *(b"/* never ends", b'{"a": "\\x"}', b"[" * 64 + b"]" * 64),
    ],
)
def test_what_is_no_such_text_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):
        texts_in(content)


def test_comments_and_trailing_commas_are_no_texts() -> None:
    found = texts_in(b'\xef\xbb\xbf{// "a": "no"\n"a": "b", /* "c": "no" */ "d": {"e": "f",},}')
    assert {path: text.value for path, text in found.items()} == {("a",): "b", ("d", "e"): "f"}
