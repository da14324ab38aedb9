"""The property that the acceptance rule is for: **equal payloads ⇒ equal parameters**, and every reader reads the same.

Shown for every form of a hostile alphabet, cut between query and body at every place, then for random longer ones. The
controls show that this test would find a collision: the documented rule collides by the thousand, and so does ours with
any one clause taken out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from urllib.parse import parse_qsl, unquote_plus, urlencode

import pytest
from hypothesis import given, settings, strategies as st

from keywright.protocol import binance_canonical
from keywright.protocol.refusal import Refused
from tests.protocol.binance_wire import DIALECT, mac, signed, verdict

# Every byte with a role on this wire, plain and encoded; names that are ours, plain and disguised; the halves of an escape.
TOKENS = (
    *(b"a", b"b", b"=", b"&", b"+", b";", b"?", b"a=b", b"&b=a", b"&A=b"),
    *(b"&signature=", b"signature=a", b"%73ignature=", b"&Signature=a"),
    *(b"%26", b"%3D", b"%61", b"%C3%A9", b"%", b"\xc3\xa9"),
)
Form = tuple[str, bytes, bytes]
"""Method, query, body."""
Rule = Callable[[Form], bytes | None]
"""The payload that a verifier would take for a form; `None` where it refuses it."""


def meaning(form: Form) -> object:
    """Return what a service behind the gateway acts on, read without any of our code; the signature is not among it."""
    _, query, body = form
    named = [part.partition("=") for text in (query, body) if text for part in text.decode().split("&")]
    return [(unquote_plus(name), unquote_plus(value)) for name, _, value in named if name != "signature"]


def ours(form: Form) -> bytes | None:
    method, query, body = form
    try:
        return binance_canonical.read(method, b"/p?" + query if query else b"/p", body).payload
    except Refused:
        return None


def as_documented(form: Form) -> bytes | None:
    """Query and body as one text, the signature taken out wherever it stands."""
    _, query, body = form
    return re.sub(rb"&?signature=[^&]*", b"", query) + re.sub(rb"&?signature=[^&]*", b"", body)


def joined(form: Form) -> bytes | None:
    """The documented rule for parts that are canonical, each by itself: only the joining is left to go wrong."""
    method, query, body = form
    parts = [ours((method, query, b"")), ours((method, b"", body))]
    return None if None in parts else b"".join(part or b"" for part in parts)


def judged(forms: Iterable[Form], rule: Rule) -> tuple[int, int]:
    """Return how many forms the rule accepts, and how many of these share a payload with another meaning."""
    seen: dict[bytes, tuple[Form, object]] = {}
    accepted = collisions = 0
    for form in forms:
        payload = rule(form)
        if payload is None:
            continue
        accepted += 1
        means = meaning(form)
        collisions += seen.setdefault(payload, (form, means))[1] != means
    return accepted, collisions


def forms(longest: int) -> Iterator[Form]:
    """Yield every text of the alphabet, bare and begun as a parameter, cut into query and body at every token.

    The longest only begun: bare they would take as long again.
    """
    for length in range(longest + 1):
        for tokens in product(TOKENS, repeat=length):
            for begin in (b"", b"c=") if length < longest else (b"c=",):
                yield "GET", begin + b"".join(tokens), b""
                for cut in range(length + 1):
                    yield "POST", begin + b"".join(tokens[:cut]), b"".join(tokens[cut:])


# The numbers stand here so that a change of the rule is seen.
EXHAUSTIVE = 1_043_324
ACCEPTED = 12_470
TAKEN_ACCEPTED = 228_741


def test_no_two_meanings_share_a_payload() -> None:
    assert sum(1 for _ in forms(4)) == EXHAUSTIVE
    assert judged(forms(4), ours) == (ACCEPTED, 0)


# Most of the alphabet is refused, alone or beside another token. What is not, longer: nearly every form of it is accepted.
TAKEN = (b"a", b"B", b"+", b"%26", b"%3D", b"%2B", b"%C3%A9", b"&b=", b"&a=b", b"&signature=a")


def test_no_two_meanings_share_a_longer_payload() -> None:
    def longer() -> Iterator[Form]:
        for length in range(6):
            for tokens in product(TAKEN, repeat=length):
                text = b"c=" + b"".join(tokens)
                yield from (("GET", text, b""), ("POST", text, b""), ("POST", b"", text))

    assert judged(longer(), ours) == (TAKEN_ACCEPTED, 0)


def test_every_reader_reads_the_same() -> None:
    """Whether it takes `;` for a separator, folds case, splits at the last `=`, decodes names, or lets the last one win."""
    for form in forms(3):
        payload = ours(form)
        if not payload:
            continue
        text = payload.decode()
        read = list(binance_canonical.pairs(payload))
        assert read == parse_qsl(text, keep_blank_values=True, strict_parsing=True, separator="&")
        assert read == [
            (name, unquote_plus(value)) for name, _, value in (part.rpartition("=") for part in re.split("[&;]", text))
        ]
        assert len({name.lower() for name, _ in read}) == len(read) == text.count("=")
        assert not {"signature"} & {unquote_plus(name).lower() for name, _ in read}


# ── controls: the same test finds what is there to be found


@pytest.mark.parametrize(("rule", "least"), [(as_documented, 1_000), (joined, 40)])
def test_the_documented_rule_collides(rule: Rule, least: int) -> None:
    assert judged(forms(3), rule)[1] > least


def test_the_known_collisions_are_refused() -> None:
    shifted: list[Form] = [("POST", b"a=1", b"b=2"), ("POST", b"a=1b", b"=2"), ("POST", b"a=", b"1b=2")]
    assert judged(shifted, as_documented) == (3, 2)
    assert judged(shifted, ours) == (0, 0)


def _without(clause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if clause == "repeated":
        monkeypatch.setattr(binance_canonical, "_check_repeated", lambda *_: None)
    else:
        lax = binance_canonical._FORM.pattern.replace(b"+-]", b"=+-]")
        monkeypatch.setattr(binance_canonical, "_FORM", re.compile(lax))


@pytest.mark.parametrize("clause", ["repeated", "equals"])
def test_without_a_clause_readers_disagree(clause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _without(clause, monkeypatch)
    with pytest.raises(AssertionError):
        test_every_reader_reads_the_same()


# ── beyond: longer forms, and what honest clients make


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=30), st.integers(0, 30), st.integers(0, 30))
def test_one_text_cut_in_two_places_means_the_same_where_both_are_taken(
    tokens: list[bytes], one: int, other: int
) -> None:
    cuts: list[Form] = [("POST", b"".join(tokens[:cut]), b"".join(tokens[cut:])) for cut in (one, other)]
    assert judged(cuts, ours)[1] == 0


_NAMES = st.from_regex(r"\A[A-Za-z][A-Za-z0-9_]{0,12}\Z").filter(
    lambda name: name.lower() not in {"signature", "timestamp", "recvwindow"}
)
_VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)


@settings(max_examples=250, deadline=None)
@given(
    given_=st.lists(st.tuples(_NAMES, _VALUES), max_size=6, unique_by=lambda pair: pair[0].lower()),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    place=st.sampled_from(["query", "body"]),
)
def test_parameters_encoded_and_then_signed_are_always_accepted(
    given_: list[tuple[str, str]], method: str, place: str
) -> None:
    parameters = [*given_, ("timestamp", "1700000000000")]
    payload = urlencode(parameters).encode()
    request = signed(method, payload=payload, place="query" if method == "GET" else place)
    assert verdict(request) == "allowed"
    assert list(binance_canonical.pairs(DIALECT.read(request).payload)) == parameters


@settings(max_examples=250, deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200), st.sampled_from(["GET", "POST", "DELETE", "ＧＥＴ"]))
def test_any_bytes_are_read_or_refused(target: bytes, body: bytes, method: str) -> None:
    for tail in (b"", b"&timestamp=1700000000000&signature=" + mac(b"")):
        for path in (target, b"/p?" + target):
            request = signed(method)
            with_bytes = type(request)(method, path + tail, request.headers, body, None)
            verdict(with_bytes)
