"""The property that the acceptance rule is for: **equal candidate strings ⇒ equal (method, path, pairs, body)**.

Shown for every form of a hostile alphabet, then for random longer ones. The controls show that this test would find a
collision: the naive rules collide by the thousand, and so does ours with any one clause taken out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from urllib.parse import unquote_plus, urlencode

import pytest
from hypothesis import given, settings, strategies as st

from keywright.protocol import canonical
from keywright.protocol.message import Request
from keywright.protocol.refusal import Refused
from tests.protocol import wire

# Every byte with a role on this wire, plain and encoded; the halves of an escape; what encodes an escape.
TOKENS = (
    *(b"a", b"=", b"&", b"+", b"?", b"/", b"2B", b"26"),
    *(b"%20", b"%26", b"%3D", b"%2B", b"%25", b"%3F", b"%23", b"%7B", b"%5B", b"%7D", b"%C3%A9", b"%41"),
    *(b"#", b"{", b"[", b"%", b"%C3"),
)
TARGET_TOKENS = (b"/", b"a", b".", b"..", b"?", b"=", b"&", b"+", b"%2F", b"%3F", b"%2E", b";", b"{", b"%7B", b"//")
HEADERS = wire.signed().headers

Form = tuple[str, bytes, bytes, bool]
"""Method, target, body, and whether the route takes a body on DELETE."""


def meaning(form: Form) -> object:
    """Return what a service behind the gateway acts on, read without any of our code."""
    method, target, body, _ = form
    path, _, query = target.partition(b"?")
    named = [token.partition("=") for token in query.decode().split("&")]
    return method, path, [(unquote_plus(name), unquote_plus(value)) for name, _, value in named], body


def ours(form: Form) -> tuple[bytes, ...]:
    method, target, body, body_allowed = form
    try:
        return wire.DIALECT.read(Request(method, target, HEADERS, body, None), body_allowed=body_allowed).candidates
    except Refused:
        return ()


def raw_or_decoded(form: Form) -> tuple[bytes, ...]:
    """The naive rule: whatever is sent may have been signed raw, or decoded."""
    method, target, body, _ = form
    try:
        return tuple({method.encode() + text + body for text in (target, unquote_plus(target.decode()).encode())})
    except UnicodeDecodeError:
        return ()


def raw(form: Form) -> tuple[bytes, ...]:
    method, target, body, _ = form
    return (method.encode() + target + body,)


def judged(forms: Iterable[Form], rule: object) -> tuple[int, int]:
    """Return how many forms the rule accepts, and how many of these share a candidate with another meaning."""
    assert callable(rule)
    seen: dict[bytes, Form] = {}
    accepted = collisions = 0
    for form in forms:
        candidates = rule(form)
        accepted += bool(candidates)
        for candidate in candidates:
            other = seen.setdefault(candidate, form)
            collisions += other is not form and meaning(other) != meaning(form)
    return accepted, collisions


def queries(longest: int) -> Iterator[bytes]:
    for length in range(longest + 1):
        yield from map(b"".join, product(TOKENS, repeat=length))


# A path whose DELETE takes a body, and one whose DELETE does not: a route has one policy.
OPEN, CLOSED = b"/o?", b"/c?"
GET = [("GET", CLOSED, b"", False), ("GET", CLOSED, b"?a", False)]
DELETE = [
    *(("DELETE", CLOSED, body, False) for body in (b"", b"?a", b"{}")),
    *(("DELETE", OPEN, body, True) for body in (b"", b"?a", b"{}", b"[]", b'{"a":"&a=%26+"}')),
]
POST = [("POST", CLOSED, body, False) for body in (b"", b"?a", b"&a=a", b"{}", b"[]", b'{"a":"&a=%26+"}', b"{}?a")]


def forms(places: list[Form], longest: int) -> Iterator[Form]:
    """Yield every query at every place; the longest ones only with no body and the plainest, or it would take minutes."""
    for query in queries(longest - 1):
        for method, path, body, body_allowed in places:
            yield method, path + query, body, body_allowed
    plain = [place for place in places if not place[2] or (place[2] == b"{}" and (place[0] == "POST" or place[3]))]
    for tokens in product(TOKENS, repeat=longest):
        query = b"".join(tokens)
        for method, path, body, body_allowed in plain:
            yield method, path + query, body, body_allowed


def targets(longest: int) -> Iterator[Form]:
    for length in range(longest + 1):
        for tokens in product(TARGET_TOKENS, repeat=length):
            for body in (b"", b"{}"):
                yield "POST", b"/" + b"".join(tokens), body, False


def test_methods_never_run_into_the_path() -> None:
    """So one method's strings are never another's, and the methods can be looked at one by one."""
    assert all(method.isascii() and method.isalpha() and method.isupper() for method in canonical.METHODS)


# The numbers of accepted forms stand here so that a change of the rule is seen: 1,059,472 in all, none colliding.
@pytest.mark.parametrize(
    ("places", "accepted"),
    [(GET, 170_910), (DELETE, 529_736), (POST, 358_826)],
    ids=["GET", "DELETE", "POST"],
)
def test_no_two_meanings_share_a_string(places: list[Form], accepted: int) -> None:
    assert judged(forms(places, 4), ours) == (accepted, 0)


def test_no_two_targets_share_a_string() -> None:
    assert judged(targets(4), ours) == (7_018, 0)


# ── controls: the same test finds what is there to be found


@pytest.mark.parametrize("places", [GET, DELETE, POST], ids=["GET", "DELETE", "POST"])
def test_the_naive_rule_collides(places: list[Form]) -> None:
    accepted, collisions = judged(forms(places, 3), raw_or_decoded)
    assert accepted > 10_000
    assert collisions > 500


def test_even_the_raw_rule_collides_where_any_body_is_taken() -> None:
    assert judged(forms(DELETE, 3), raw)[1] > 10


def test_the_two_known_collisions_are_refused() -> None:
    two_for_one: list[Form] = [("GET", b"/w?memo=a%26amount=9", b"", False), ("GET", b"/w?memo=a&amount=9", b"", False)]
    shifted: list[Form] = [("DELETE", b"/x?symbol=A", b"", False), ("DELETE", b"/x", b"?symbol=A", False)]
    for forms_ in (two_for_one, shifted):
        assert judged(forms_, raw_or_decoded) == (2, 1)
        assert judged(forms_, ours)[1] == 0


def _take_out_the_guard(clause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = canonical.forms

    def lax(target: canonical.Target, *, may_follow: bool) -> canonical.Forms:
        found = honest(target, may_follow=may_follow)
        if clause in found.raw_only_because and target.decoded is not None:
            return canonical.Forms((target.raw, target.path + b"?" + target.decoded), "")
        return found

    monkeypatch.setattr(canonical, "forms", lax)


@pytest.mark.parametrize("clause", ["holds '+'", "holds '{'", "holds '&'"])
def test_without_any_one_clause_there_are_collisions(clause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _take_out_the_guard(clause, monkeypatch)
    assert judged(forms(POST, 3), ours)[1] > 0


def test_without_the_rule_on_bodies_there_are_collisions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical, "check_beginning_of_body", lambda *_, **__: None)
    monkeypatch.setattr(canonical, "check_body", lambda _body: None)
    assert judged(forms(DELETE, 3), ours)[1] > 0


# ── beyond: longer forms, and pairs of them made to be mistaken for one another

DISGUISES = (
    (b"%20", b"+"),
    (b"%26", b"&"),
    (b"%3D", b"="),
    (b"%2B", b"+"),
    (b"%25", b"%"),
    (b"%41", b"A"),
    (b"%3F", b"?"),
)


@st.composite
def twins(draw: st.DrawFn) -> tuple[Form, Form]:
    """Two requests with a text in common that one of them may send encoded, or as a body."""
    method = draw(st.sampled_from(["GET", "POST", "DELETE"]))
    body_allowed = draw(st.booleans())
    tokens = draw(st.lists(st.sampled_from(TOKENS), max_size=30))
    body = draw(st.sampled_from([b"", b"{}", b"[]", b'{"a":"&a=%26+"}']))
    first = b"/p?" + b"".join(tokens)
    text = first + body
    for plain, disguise in draw(st.permutations(DISGUISES)):
        one, other = (plain, disguise) if draw(st.booleans()) else (disguise, plain)
        text = text.replace(one, other, draw(st.integers(0, 2)))
    cut = draw(st.integers(2, len(text))) if draw(st.booleans()) else len(text) - len(body)
    return (method, first, body, body_allowed), (method, text[:cut], text[cut:], body_allowed)


@settings(max_examples=2_000, deadline=None)
@given(twins())
def test_twins_that_share_a_string_mean_the_same(pair: tuple[Form, Form]) -> None:
    assert judged(pair, ours)[1] == 0


@settings(max_examples=1_000, deadline=None)
@given(
    names=st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=5),
    method=st.sampled_from(["GET", "POST"]),
)
def test_a_query_encoded_and_signed_as_sent_is_always_accepted(names: list[tuple[str, str]], method: str) -> None:
    readable = [(n, v) for n, v in names if (n + v).isprintable()]
    target = b"/api/v1/x?" + urlencode(readable).encode()
    assert wire.verdict(wire.signed(method, target)) == "allowed"
    assert [(n.decode(), v.decode()) for n, v in canonical.pairs(target.partition(b"?")[2])] == readable
