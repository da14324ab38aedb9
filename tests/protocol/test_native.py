"""The compiled part beside Python, which is the reference: byte for byte, whatever it is given, and nothing left behind.

Whatever else is tested of the protocol is tested on both ways: `make test-pure` runs this folder without it.
"""

from __future__ import annotations

import copy
import ctypes
import gc
import hmac
import itertools
import json
import pickle
import subprocess
import sys
from binascii import b2a_base64
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings, strategies as st

from keywright.errors import Invalid
from keywright.protocol import canonical, strict_json
from keywright.protocol.kucoin import KucoinDialect
from keywright.protocol.message import Request
from keywright.protocol.native import VERSION, native
from keywright.protocol.prepared import MacKey, compact_json
from keywright.protocol.refusal import Refused
from keywright.secret import Secret
from tests.protocol.wire import signed

if native is None:
    pytest.skip("the compiled part is not here, or told to be left alone", allow_module_level=True)

Mac, Headers = native.Mac, native.Headers
BITS = pytest.mark.parametrize("bits", [256, 384])


# ── MACs


@BITS
@settings(max_examples=300)
@given(
    key=st.binary(max_size=300),
    message=st.binary(max_size=600),
    number=st.integers(0, 2**63 - 1),
    after=st.binary(max_size=200),
)
def test_every_verb_says_what_python_says(bits: int, key: bytes, message: bytes, number: int, after: bytes) -> None:
    ours, reference = Mac(key, bits), MacKey(Secret(key), bits=bits)
    digest = hmac.new(key, message, f"sha{bits}").digest()
    for _ in range(2):  # nothing of one message is left in the next
        assert ours.digest(message) == reference.digest(message) == digest
        assert ours.base64(message) == reference.base64(message) == b2a_base64(digest, newline=False)
        assert ours.hex(message) == reference.hex(message) == digest.hex().encode()
        assert ours.hex_around(message, number, after) == reference.hex_around(message, number, after)
        assert ours.is_digest(message, digest) is reference.is_digest(message, digest) is True
        assert ours.is_base64(message, ours.base64(message)) is True
        assert ours.is_digest(message + b"x", digest) is ours.is_base64(message + b"x", ours.base64(message)) is False


@BITS
def test_every_size_around_a_block_of_key_and_message(bits: int) -> None:
    for size in (0, 1, 55, 56, 63, 64, 65, 111, 112, 119, 120, 127, 128, 129, 255, 256, 257, 10_000_000):
        some = bytes(range(256)) * (size // 256 + 1)
        for key, message in ((some[:size], b"m"), (b"k", some[:size])):
            assert Mac(key, bits).digest(message) == hmac.digest(key, message, f"sha{bits}")


@BITS
def test_one_bit_or_another_length_is_another_mac(bits: int) -> None:
    ours = Mac(b"key", bits)
    for right, holds in ((ours.digest(b"m"), ours.is_digest), (ours.base64(b"m"), ours.is_base64)):
        assert holds(b"m", right)
        for bit in range(len(right) * 8):
            wrong = bytearray(right)
            wrong[bit // 8] ^= 1 << bit % 8
            assert not holds(b"m", bytes(wrong))
        for wrong_length in (b"", right[:-1], right + b"\0", right + right, right[:-1] + b"\0"):
            assert not holds(b"m", wrong_length)


NOT_BYTES: list[Any] = ["text", None, 1, bytearray(b"m"), memoryview(b"m"), [b"m"], object()]


@pytest.mark.parametrize("given", NOT_BYTES, ids=lambda each: type(each).__name__)
def test_what_is_not_bytes_is_a_type_error(given: Any) -> None:
    ours = Mac(b"key", 256)
    for call in (ours.digest, ours.base64, ours.hex, lambda it: ours.is_digest(it, b""), lambda it: Mac(it, 256)):
        with pytest.raises(TypeError):
            call(given)
    for call in (lambda it: ours.is_digest(b"", it), lambda it: ours.is_base64(b"", it)):
        with pytest.raises(TypeError):
            call(given)
    for arguments in ((given, 1, b""), (b"", 1, given)):
        with pytest.raises(TypeError):
            ours.hex_around(*arguments)
    with pytest.raises(TypeError):
        Headers((b"a", given))


def test_what_can_t_be_made_is_refused() -> None:
    ours = Mac(b"key", 256)
    for arguments in ((), (b"k",), (b"k", 256, 1)):
        with pytest.raises(TypeError):
            Mac(*arguments)
    for bits in (0, 255, 512, -384):
        with pytest.raises(ValueError, match="SHA-256 or SHA-384"):
            Mac(b"k", bits)
    for count in (0, 1, 3):
        with pytest.raises(TypeError):
            ours.is_digest(*[b""] * count)
    for number in (-1, -(2**63), 2**63, 2**200):
        with pytest.raises(OverflowError):
            ours.hex_around(b"", number, b"")
    assert ours.hex_around(b"a", 1_700_000_000_000.7, b"b")[0] == b"1700000000000"  # as "%d" has it
    with pytest.raises(ValueError, match="too many"):
        Headers((b"a",) * 9)


def test_a_key_shows_nothing_and_is_neither_copied_nor_altered() -> None:
    ours = Mac(b"canary", 256)
    assert repr(ours) == str(ours) == "Mac(•••)"
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            copied(ours)
    with pytest.raises(TypeError):
        Mac.digest = None
    with pytest.raises(TypeError):
        type("Mine", (Mac,), {})
    with pytest.raises(AttributeError):
        ours.key = b"canary"


@BITS
def test_what_came_from_a_key_is_wiped_when_it_goes(bits: int) -> None:
    """Read where it lay: the memory stays this process's own, because others of its kind live around it."""
    kept = [Mac(b"key %d" % n, bits) for n in range(60)]
    size = Mac.__basicsize__
    address = id(kept[30])
    before = ctypes.string_at(address, size)
    states = [before[at : at + 8] for at in range(16, size - 7, 8) if len(set(before[at : at + 8])) > 4]
    assert len(states) >= 2 * (4 if bits == 256 else 8)  # the words of two states
    del kept[30]
    after = ctypes.string_at(address, size)
    assert not [state for state in states if state in after]


# ── headers

_NAMES = (b"a", b"bb", b"cc", b"")
_FEW = st.sampled_from([b"a", b"bb", b"cc", b"", b"A", b"a\0", b"dd", "a", None, 1])
_VALUES = st.sampled_from([b"", b"1", b"\0", b"x" * 300, "text", None])


def _found(pairs: Any) -> tuple[bytes, ...] | None:
    if type(pairs) is not tuple or any(type(pair) is not tuple or len(pair) != 2 for pair in pairs):
        return None
    if any(type(name) is not bytes or (name in _NAMES and type(value) is not bytes) for name, value in pairs):
        return None
    found = [[value for key, value in pairs if key == name] for name in _NAMES]
    return tuple(values[0] for values in found) if all(len(values) == 1 for values in found) else None


@settings(max_examples=600)
@given(
    pairs=st.permutations([(name, b"v" + name) for name in _NAMES]).flatmap(
        lambda all_: st.lists(st.tuples(_FEW, _VALUES), max_size=2).map(lambda more: (*more[:1], *all_, *more[1:]))
    )
    | st.lists(st.tuples(_FEW, _VALUES)).map(tuple)
    | st.lists(st.tuples(_FEW) | st.tuples(_FEW, _VALUES, _VALUES) | _FEW, max_size=3).map(tuple)
)
def test_headers_are_found_once_each_or_left_to_python(pairs: Any) -> None:
    expected = _found(pairs)
    assert Headers(_NAMES).find(pairs) == expected


def test_what_is_no_tuple_of_headers_is_left_to_python() -> None:
    for odd in (None, [], [(b"a", b"b")], {}, b"a", object(), ((b"a", b"b"), None)):
        assert Headers((b"a",)).find(odd) is None
    assert Headers(()).find(()) == ()


def _outcome(dialect: KucoinDialect, request: Request) -> Any:
    try:
        return dialect.read(request, body_allowed=False)
    except Refused as refused:
        return refused.reason, refused.facts


def _python_only() -> KucoinDialect:
    dialect = KucoinDialect(accept_version_1=True)
    object.__setattr__(dialect, "_find", None)
    return dialect


_HEADERS = list(signed().headers)


@settings(max_examples=400)
@given(
    kept=st.lists(st.sampled_from([*_HEADERS, (b"host", b"x"), (b"host", b"y")]), max_size=9),
    changed=st.sampled_from([b"", b"1", b"2", b"4", b"1700000000000", b"\xd9\xa1" * 13, b"x" * 513, b"a\0"]),
    at=st.integers(0, 8),
)
def test_what_is_read_of_a_request_is_the_same_either_way(
    kept: list[tuple[bytes, bytes]], changed: bytes, at: int
) -> None:
    for headers in (kept, [*_HEADERS, *kept[:2]], _HEADERS):
        altered = [(name, changed if n == at else value) for n, (name, value) in enumerate(headers)]
        request = Request("GET", b"/api/v1/accounts?a=b", tuple(altered), b"", None)
        assert _outcome(KucoinDialect(accept_version_1=True), request) == _outcome(_python_only(), request)


# ── JSON

_TEXT = st.text(st.sampled_from('aZ 09~é€😀"\\\n\0\x1f\x7f/'), max_size=6) | st.just("x" * 2_100)


@settings(max_examples=600)
@given(value=st.dictionaries(_TEXT, _TEXT | st.integers() | st.none(), max_size=5))
def test_an_object_of_text_is_written_as_python_writes_it(value: dict[str, Any]) -> None:
    expected = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    written = native.text_object(value)  # type: ignore[union-attr]
    assert written in {None, expected}
    assert compact_json(value) == expected
    plain = all(type(each) is str and '"' not in each and "\\" not in each and each >= "" for each in value.values())
    if plain and all(text.isprintable() and '"' not in text and "\\" not in text for text in [*value, *value.values()]):
        assert (written is None) == (len(expected) > 2_048)


def test_an_object_of_every_length_around_the_longest() -> None:
    for size in range(2_030, 2_060):
        for value in ({"a": "x" * size}, {"x" * size: ""}, {"a": "x" * (size // 2), "b": "y" * (size // 2)}):
            assert compact_json(value) == json.dumps(value, separators=(",", ":")).encode()


class Word(str):
    """Text that may say something else of itself."""

    __slots__ = ()


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "a",
        {1: "a"},
        {"a": 1},
        {"a": b"b"},
        {"a": Word("b")},
        {Word("a"): "b"},
        {"a": "\ud800"},
        {"\udfff": "a"},
    ],
    ids=repr,
)
def test_what_is_no_object_of_text_is_left_to_python(value: Any) -> None:
    assert native.text_object(value) is None  # type: ignore[union-attr]


def _is_json(body: bytes) -> bool:
    try:
        strict_json.loads(body)
    except Invalid:
        return False
    return True


def test_nothing_is_plain_that_python_refuses_however_it_is_put_together() -> None:
    """Every body of up to five of these pieces, and of six that begin as an array or a field does: what is plain to the compiled part, the strict reader takes."""
    pieces = [b"{", b"}", b"[", b"]", b'"', b'"a"', b":", b",", b"-", b"0", b"1", b".", b" ", b"true", b"nul"]
    plain = 0
    for count in range(1, 6):
        for chosen in itertools.product(pieces, repeat=count):
            for beginning in (b"", b'{"a":') if count < 5 else (b"[",):
                body = beginning + b"".join(chosen)
                if native.is_plain_json(body):  # type: ignore[union-attr]
                    plain += 1
                    assert _is_json(body), body
    assert plain > 500


_BODY = (
    b'{"clientOid":"1","side":"buy", "size":"0.1","n":-12.50,"x":null,"list":[{"a":true,"b":[1,2,0]},{"a":false}],'
    b'"deep":[[[[{}]]]]}'
)


def test_an_order_is_plain_and_no_byte_of_it_can_be_changed_into_what_python_refuses() -> None:
    plain: Callable[[bytes], bool] = native.is_plain_json  # type: ignore[union-attr]
    assert plain(_BODY)
    for at in range(len(_BODY)):
        for sign in range(256):
            body = _BODY[:at] + bytes([sign]) + _BODY[at + 1 :]
            assert not plain(body) or _is_json(body), body
        for body in (_BODY[:at], _BODY[:at] + _BODY[at + 1 :], _BODY[:at] + _BODY[at : at + 1] * 2 + _BODY[at + 1 :]):
            assert not plain(body) or _is_json(body), body


@pytest.mark.parametrize(
    ("body", "plain"),
    [
        (b"{}", True),
        (b"[]", True),
        (b'[ { "a" : 1 } ,\n\t"b" ]', True),
        (b"", False),
        (b" {}", False),
        (b"{} ", False),
        (b"{}\0", False),
        (b'{"a":"\0"}', False),
        (b'"a"', False),
        (b"1", False),
        (b'{"a":1,"a":1}', False),
        (b'{"a":{"b":1,"b":2}}', False),
        (b'{"a":[{"a":1},{"a":1}]}', True),
        (b'{"a":"\\u0061"}', False),
        (b'{"a":"\xc3\xa9"}', False),
        (b'{"a":1e5}', False),
        (b'{"a":01}', False),
        (b'{"a":-}', False),
        (b'{"a":.5}', False),
        (b'{"a":5.}', False),
        (b'{"a":NaN}', False),
        (b'{"a":' + b"1" * 30 + b"}", True),
        (b'{"a":' + b"1" * 31 + b"}", False),
        (b"[" * 8 + b"]" * 8, True),
        (b"[" * 9 + b"]" * 9, False),
        (b"[" * 10_000_000, False),
        (b'{"a":"' + b"x" * 10_000_000, False),
        (b"{" + b",".join(b'"%d":1' % n for n in range(32)) + b"}", True),
        (b"{" + b",".join(b'"%d":1' % n for n in range(33)) + b"}", False),
    ],
    ids=lambda each: repr(each[:24]) if isinstance(each, bytes) else "",
)
def test_what_is_plain(body: bytes, *, plain: bool) -> None:
    assert native.is_plain_json(body) is plain  # type: ignore[union-attr]
    if plain:
        canonical.check_body(body)
        assert _is_json(body)


def test_what_is_no_bytes_is_not_plain() -> None:
    for odd in NOT_BYTES:
        assert native.is_plain_json(odd) is False  # type: ignore[union-attr]


# ── named tuples, memory, and the choice between the two


class Point(NamedTuple):
    x: Any
    y: Any = 0


def test_a_named_tuple_is_made_as_its_own_constructor_makes_it() -> None:
    made = native.made  # type: ignore[union-attr]
    point = made(Point, ([], 2))
    assert type(point) is Point
    assert point == Point([], 2)
    assert gc.is_tracked(point)
    for arguments in ((Point, [1, 2]), (list, (1,)), (1, (1,)), ("a", "b"), (Point,), (Point, (1, 2), 3)):
        with pytest.raises(TypeError):
            made(*arguments)


def _everything() -> None:
    """Call each verb, the ways that fail too."""
    for bits in (256, 384):
        key = Mac(b"key", bits)
        key.hex_around(b"a", 1, b"b")
        for verb in (key.digest, key.base64, key.hex):
            verb(b"m")
        for verb in (key.is_digest, key.is_base64):
            verb(b"m", b"x")
        repr(key)
    finder = Headers((b"a", b"b"))
    for pairs in (((b"a", b"1"), (b"b", b"2")), ((b"a", b"1"), (b"a", b"2")), (), ((1, 2),), ((b"a", 1),), None):
        finder.find(pairs)
    for value in ({"a": "b", "c": "é"}, {"a": 1}, {"a": "\ud800"}, {}, None):
        native.text_object(value)  # type: ignore[union-attr]
    for body in (b'{"a":[1]}', b"{", "text"):
        native.is_plain_json(body)  # type: ignore[union-attr]
    native.made(Point, (1, 2))  # type: ignore[union-attr]
    failures: list[Callable[[], Any]] = [
        lambda: Mac("k", 256),
        lambda: Mac(b"k", 1),
        lambda: key.digest("m"),
        lambda: key.is_digest(b"m", "x"),
        lambda: key.is_base64(b"m", None),
        lambda: key.hex_around(b"", -1, b""),
        lambda: key.hex_around(b"", 2**70, b""),
        lambda: key.hex_around(b"", "1x", b""),
        lambda: Headers((b"a", 1)),
        lambda: native.made(Point, [1]),  # type: ignore[union-attr]
    ]
    for failing in failures:
        with pytest.raises((TypeError, ValueError, OverflowError)):
            failing()


def test_nothing_is_left_behind() -> None:
    """Blocks of Python's memory, counted: one object leaked by one of the calls would be 200 here."""
    shared = {each: sys.getrefcount(each) for each in (Mac, Headers, Point)}
    for _ in range(3):  # what is made once and kept
        _everything()
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(200):
        _everything()
    gc.collect()
    assert sys.getallocatedblocks() - before < 100
    assert all(abs(sys.getrefcount(each) - count) < 20 for each, count in shared.items())


def _run(program: str, **environment: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()


def test_it_is_left_alone_when_told_so() -> None:
    program = "import keywright; print(keywright.is_native())"
    assert _run(program) == _run(program, KEYWRIGHT_PURE="0") == "True"
    assert _run(program, KEYWRIGHT_PURE="1") == "False"


def test_a_build_of_another_day_is_not_used() -> None:
    program = f"""
import sys, types
other = types.ModuleType("keywright.protocol._native")
other.VERSION = {VERSION + 1}
sys.modules["keywright.protocol._native"] = other
from keywright import Signer, is_native
signed = Signer("kucoin", key="k", secret="s", passphrase="p").sign("GET", "/a", now_ms=1700000000000)
print(is_native(), len(signed.headers))
"""
    assert _run(program) == "False 5"
