"""The property that the acceptance rule is for: **equal payloads ⇒ equal (path, nonce, body)**.

Shown for every form of a hostile alphabet and for every cut of hostile runs of digits, then for random longer ones. The
controls show that this test would find a collision: the rule collides with any one clause taken out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import product

import pytest
from hypothesis import given, settings, strategies as st

from keywright.protocol import bitfinex_payload, canonical
from keywright.protocol.message import Request
from keywright.protocol.refusal import Refused
from tests.protocol.bitfinex_wire import DIALECT, KEY, signed, verdict

Form = tuple[bytes, bytes, bytes]
"""Target, nonce as stated, body: all that a service behind the gateway acts on, and so the meaning of a request too."""
Rule = Callable[[Form], bytes | None]

# Every byte with a role on this wire, and what a careless reader might take for one.
TOKENS = (b"/", b"a", b"F0", b"0", b"1", b"12", b".", b"..", b":", b"{", b"[", b"{}", b"?", b"%31", b"\xef\xbc\x91")
NONCES = (b"1", b"0", b"10", b"01", b"12", b"1700000000000", b"1700000000000000", b"1{}", b"")
BODIES = (b"", b"{}", b"[]", b"1", b"1{}", b"0{}", b"/a{}", b'{"a":"1{}"}')


def ours(form: Form) -> bytes | None:
    target, nonce, body = form
    headers = ((b"bfx-apikey", KEY.encode()), (b"bfx-nonce", nonce), (b"bfx-signature", b"00"))
    try:
        return DIALECT.read(Request("POST", target, headers, body, None)).payload
    except Refused:
        return None


def naive(form: Form) -> bytes | None:
    """Whatever comes is joined and compared."""
    return b"/api" + b"".join(form)


def judged(forms: Iterable[Form], rule: Rule) -> tuple[int, int]:
    """Return how many forms the rule accepts, and how many of these share a payload with another one."""
    seen: dict[bytes, Form] = {}
    accepted = collisions = 0
    for form in forms:
        payload = rule(form)
        if payload is not None:
            accepted += 1
            collisions += seen.setdefault(payload, form) != form
    return accepted, collisions


def combined(longest: int) -> Iterator[Form]:
    """Yield every path of so many tokens with every nonce and body."""
    for length in range(longest + 1):
        for tokens in product(TOKENS, repeat=length):
            target = b"/v2/auth/" + b"".join(tokens)
            for nonce, body in product(NONCES, BODIES):
                yield target, nonce, body


def cut(*lengths: int) -> Iterator[Form]:
    """Yield every cut of every run of digits that begins and ends in a hostile way, between path, nonce and body."""
    for start, fill, end in product(range(4), b"09", range(3)):
        for first, last in product(product(b"017", repeat=start), product(b"01", repeat=end)):
            for length in lengths:
                run = bytes(first) + bytes([fill]) * length + bytes(last)
                for at in range(len(run) + 1):
                    for stem in (b"/v2/auth/r/x", b"/v2/auth/r/F0:"):
                        yield stem + run[:at], run[at:], b"{}"
                        yield stem + run[:at], run[at:], b""
                    yield b"/v2/auth/r/x", run[:at], run[at:] + b"{}"


# The numbers of accepted forms stand here so that a change of the rule is seen.
def test_no_two_requests_share_a_payload() -> None:
    assert judged(combined(3), ours) == (10_636, 0)


def test_no_two_cuts_of_a_run_of_digits_share_a_payload() -> None:
    assert judged(set(cut(*range(4), *range(11, 18))), ours) == (9_504, 0)


# ── controls: the same test finds what is there to be found


def test_the_naive_rule_collides() -> None:
    assert judged(combined(2), naive)[1] > 1_000
    assert judged(set(cut(0, 3)), naive)[1] > 1_000


def test_without_the_rule_on_the_seam_there_are_collisions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bitfinex_payload, "check_seam", lambda *_: None)
    assert judged(set(cut(3, 8)), ours)[1] > 500


def test_without_the_rule_on_leading_zeros_there_are_collisions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bitfinex_payload, "_NONCE", re.compile(rb"[0-9]{1,16}"))
    assert judged(set(cut(3, 8)), ours)[1] > 100


def test_without_the_bound_on_digits_there_are_collisions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bitfinex_payload, "_NONCE", re.compile(rb"[1-9][0-9]*"))
    monkeypatch.setattr(bitfinex_payload, "LARGEST_NONCE", 10**30)
    assert judged(set(cut(15, 16)), ours)[1] > 100


def test_without_the_rule_on_bodies_there_are_collisions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(canonical, "check_beginning_of_body", lambda *_, **__: None)
    monkeypatch.setattr(canonical, "check_body", lambda _body: None)
    assert judged(combined(2), ours)[1] > 10


def test_without_the_alphabet_of_paths_there_are_collisions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bitfinex_payload, "_check_path", lambda _path: None)

    # Not alone: the body of one is no JSON, and the path of the other ends in a digit. Each clause guards the others.
    forms = [(b"/v2/auth/a1{}12", b"1", b"{}"), (b"/v2/auth/a", b"1", b"{}121{}")]
    monkeypatch.setattr(canonical, "check_body", lambda _body: None)
    monkeypatch.setattr(bitfinex_payload, "check_seam", lambda *_: None)
    assert judged(forms, ours) == (2, 1)


def test_a_query_that_no_mac_covers_would_be_another_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bitfinex signs the path alone. Here the target itself is signed, and may hold no `?` at all."""

    def path_alone(form: Form) -> bytes | None:
        target, nonce, body = form
        return ours((target.partition(b"?")[0], nonce, body))

    assert judged(combined(2), path_alone)[1] > 100
    assert not [form for form in combined(2) if b"?" in form[0] and ours(form)]


# ── beyond: longer forms, and pairs of them made to be mistaken for one another


@st.composite
def twins(draw: st.DrawFn) -> tuple[Form, Form]:
    """Two requests with one text, cut in two places each."""
    stem = b"/v2/auth/" + b"".join(draw(st.lists(st.sampled_from((b"a/", b"tBTC:", b"F0", b"7", b"-1")), max_size=6)))
    run = draw(st.text("0123456789", max_size=22)).encode()
    body = draw(st.sampled_from((b"", b"{}", b'{"a":12}', b"[1]")))
    text = stem + run + body

    def one() -> Form:
        first = draw(st.integers(len(stem) - min(2, len(stem) - 9), len(text)))
        second = draw(st.integers(first, len(text)))
        return text[:first], text[first:second], text[second:]

    return one(), one()


@settings(max_examples=1_500, deadline=None)
@given(twins())
def test_twins_that_share_a_payload_are_one(pair: tuple[Form, Form]) -> None:
    assert judged(pair, ours)[1] == 0


@settings(max_examples=500, deadline=None)
@given(
    symbol=st.from_regex(r"[tf][A-Z]{3,8}(F0)?(:[A-Z]{3,6}(F0)?)?", fullmatch=True),
    nonce=st.integers(1, 2**52),
    tail=st.sampled_from(["", "/hist", ":123/trades"]),
)
def test_every_path_of_bitfinex_is_taken_with_every_nonce(symbol: str, nonce: int, tail: str) -> None:
    assert verdict(signed(f"/v2/auth/r/orders/{symbol}{tail}".encode(), nonce=b"%d" % nonce)) == "allowed"
