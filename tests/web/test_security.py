"""Cookies, tokens of forms, and where posts come from: the pure parts."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, strategies as st
from starlette.datastructures import Headers

from keywright.errors import NotProven
from keywright.secret import Secret
from keywright.web.security import Cookies, check_csrf, check_post, csrf_token, headers_of, new_token
from keywright.web.site import Place

LOOPBACK = Place(("http://localhost:8400", "http://127.0.0.1:8400"), "sandbox", "", "")
PUBLIC = Place(("https://keys.example.org",), "service", "", "")
KEY = Secret("k" * 32)


def is_taken(headers: dict[str, str], place: Place = LOOPBACK) -> bool:
    try:
        check_post(Headers(headers), place)
    except NotProven:
        return False
    return True


SITES = [None, "same-origin", "none", "same-site", "cross-site", "", "Same-Origin", "same-origin, cross-site"]
ORIGINS = [
    None,
    "null",
    "http://localhost:8400",
    "http://127.0.0.1:8400",
    "http://localhost",
    "https://localhost:8400",
    "http://evil.example",
    "",
]


@pytest.mark.parametrize(("site", "origin"), list(product(SITES, ORIGINS)))
def test_a_post_is_taken_from_our_own_pages_only(site: str | None, origin: str | None) -> None:
    """The whole table: `Sec-Fetch-Site` decides where there is one, and `Origin` may not speak against it."""
    headers = {name: value for name, value in (("sec-fetch-site", site), ("origin", origin)) if value is not None}
    ours = origin in LOOPBACK.origins
    wanted = (site is None and (origin is None or ours)) or (
        site in {"same-origin", "none"} and (origin in {None, "null"} or ours)
    )
    assert is_taken(headers) is wanted


def test_of_several_headers_none_may_speak_against_us() -> None:
    ours, evil = (b"origin", b"http://localhost:8400"), (b"origin", b"http://evil.example")
    for raw in ([ours, evil], [evil, ours], [(b"sec-fetch-site", b"same-origin"), (b"sec-fetch-site", b"cross-site")]):
        with pytest.raises(NotProven):
            check_post(Headers(raw=raw), LOOPBACK)


@given(origin=st.text(max_size=60), site=st.none() | st.sampled_from(["same-origin", "none"]))
def test_no_other_origin_is_ever_taken(origin: str, site: str | None) -> None:
    headers = {"origin": origin} | ({"sec-fetch-site": site} if site else {})
    allowed = {*PUBLIC.origins, *(("null",) if site else ())}
    try:
        taken = is_taken(headers, PUBLIC)
    except UnicodeEncodeError:
        return  # no header can say it
    assert taken is (origin in allowed)


@given(st.sampled_from(PUBLIC.origins), st.text(min_size=1, max_size=20), st.booleans())
def test_what_begins_or_ends_like_our_origin_is_not_ours(origin: str, more: str, before: bool) -> None:
    altered = more + origin if before else origin + more
    try:
        assert not is_taken({"origin": altered}, PUBLIC)
    except UnicodeEncodeError:
        return


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@given(TEXT)
def test_only_the_bearers_own_token_is_a_forms_token(given_: str) -> None:
    token = new_token()
    check_csrf(KEY, token, csrf_token(KEY, token))
    for bearer, csrf in (
        (token, given_),
        (token, csrf_token(KEY, new_token())),
        (token, csrf_token(Secret("another key"), token)),
        (token, csrf_token(KEY, token) + given_ + "0"),
    ):
        with pytest.raises(NotProven, match="out of date"):
            check_csrf(KEY, bearer, csrf)
    for csrf in (given_, csrf_token(KEY, token)):
        with pytest.raises(NotProven, match="no cookie"):
            check_csrf(KEY, None, csrf, also=csrf)


def test_a_forms_token_tells_nothing_of_the_cookie() -> None:
    token = new_token()
    csrf = csrf_token(KEY, token)
    assert re.fullmatch(r"[0-9a-f]{64}", csrf)
    assert token.reveal_text() not in csrf


@given(st.lists(st.tuples(st.sampled_from([b"cookie", b"x-cookie"]), st.binary(max_size=200)), max_size=4))
def test_no_cookie_header_breaks_anything(headers: list[tuple[bytes, bytes]]) -> None:
    for cookies in (Cookies(LOOPBACK), Cookies(PUBLIC)):
        token = cookies.token(headers)
        assert token is None or re.fullmatch(rb"[A-Za-z0-9_-]{43}", token.reveal())


JAR = st.lists(
    st.sampled_from(["a=b", "keywright-device=x", "xkeywright=y", "keywright", "keywrightx=1", ""]), max_size=5
)


@given(before=JAR, after=JAR, pad=st.sampled_from(["", " ", "  "]))
def test_our_cookie_is_found_among_others(before: list[str], after: list[str], pad: str) -> None:
    token = new_token()
    mine = f"keywright={token.reveal_text()}"
    jar = f";{pad}".join([*before, mine, *after])
    cookies = Cookies(LOOPBACK)
    assert cookies.token([(b"cookie", jar.encode())]) == token
    assert cookies.token([(b"cookie", f"{jar}; {mine}".encode())]) is None, "two: one was planted"
    assert cookies.token([(b"cookie", jar.encode()), (b"cookie", b"keywright=x")]) is None


@pytest.mark.parametrize("place", [LOOPBACK, PUBLIC], ids=["loopback", "public"])
def test_what_a_cookie_is_kept_as(place: Place) -> None:
    cookies, token = Cookies(place), new_token()
    secure = "; Secure" if place is PUBLIC else ""
    prefix = "__Host-" if place is PUBLIC else ""
    value = token.reveal_text()
    assert cookies.keep_token(token).decode() == (f"{prefix}keywright={value}; Path=/; HttpOnly; SameSite=Lax{secure}")
    assert cookies.keep_device(token).decode() == (
        f"{prefix}keywright-device={value}; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age=31536000"
    )
    assert cookies.token([(b"cookie", f"{cookies.visitor}={value}".encode())]) == token


def test_strict_transport_is_asked_for_where_there_is_tls() -> None:
    named = [dict(headers_of(place)) for place in (LOOPBACK, PUBLIC)]
    assert [b"strict-transport-security" in headers for headers in named] == [False, True]


def test_hosts_are_those_of_the_origins() -> None:
    assert LOOPBACK.hosts == {b"localhost:8400", b"127.0.0.1:8400"}
    assert replace(PUBLIC, origins=("http://[::1]:8400",)).hosts == {b"[::1]:8400"}
