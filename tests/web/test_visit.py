"""What pages are given of a request: forms, proofs, answers."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request

from keywright.errors import CodeReused, Invalid, KeywrightError, Limited, NotProven
from keywright.identity.model import Visitor
from keywright.storage.transaction import Database
from keywright.web.app import Console
from keywright.web.security import new_token
from keywright.web.visit import AboutCode, Visit
from tests.support.clock import FakeClock


@pytest.fixture
def database(sqlite: Database) -> Database:
    """Give the embedded database: nothing here depends on which it is."""
    return sqlite


def visit(console: Console, query: bytes = b"", **posted: list[str]) -> Visit:
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/sign-in",
        "query_string": query,
        "headers": [(b"host", b"[")],
    }
    return Visit(console._site, Request(scope), Visitor("192.0.2.1"), FakeClock()(), "en", new_token(), posted=posted)


def test_of_several_values_the_first_counts(console: Console) -> None:
    one = visit(console, name=["a", "b"], empty=[])
    assert (one.text("name"), one.text("empty"), one.text("absent")) == ("a", "", "")
    assert one.secret("name").reveal_text() == "a"


def test_a_form_comes_back_with_what_is_named_and_nothing_else(console: Console) -> None:
    one = visit(console, email=["a@b"], password=["secret"])
    form = one.form("email", problem=Invalid("too {short}", hint="more", field="password", short="short"))
    assert form.values == {"email": "a@b"}
    assert form.errors == {"password": "too short"}
    assert form.hints == {"password": "more"}
    assert "secret" not in repr(form)


@pytest.mark.parametrize(
    ("problem", "about", "blamed"),
    [
        (NotProven("no"), "", ""),
        (NotProven("no"), "current", "current"),
        (Invalid("no", field="name"), "current", "name"),
        (AboutCode(NotProven("no")), "current", "code"),
        (AboutCode(CodeReused("no", hint="wait")), "", "code"),
        (AboutCode(Invalid("no", field="x")), "", "x"),
    ],
)
def test_an_error_is_said_at_the_field_that_is_to_blame(
    console: Console, problem: KeywrightError, about: str, blamed: str
) -> None:
    form = visit(console).form(problem=problem, about=about)
    assert list(form.errors) == [blamed]


@pytest.mark.parametrize("wrap", [lambda problem: problem, AboutCode])
def test_how_long_to_wait_is_kept_for_the_answer(console: Console, wrap: Any) -> None:
    one = visit(console)
    one.form(problem=wrap(Limited("later", retry_ms=1_500)))
    assert one.retry_ms == 1_500
    one.form(problem=Invalid("no"))
    assert one.retry_ms == 1_500


def test_nobody_has_no_session_and_no_account(console: Console) -> None:
    one = visit(console)
    for what in ("own_session", "own_account", "owner", "actor"):
        with pytest.raises(NotProven, match="sign in first"):
            getattr(one, what)
    assert one.needs_code


def test_the_frame_does_not_ask_the_host_header(console: Console) -> None:
    """`Host: [` makes an address that can't be parsed."""
    frame = visit(console, b"done=signed-out").frame
    assert frame.path == "/sign-in"
    assert frame.notice == "signed-out"
    assert frame.origin == "http://localhost:8400"
    assert (frame.email, frame.is_complete, frame.session_ends_at) == ("", False, None)


def test_after_an_error_nothing_is_said_to_be_done(console: Console) -> None:
    one = visit(console, b"done=signed-out")
    one.has_failed = True
    assert one.frame.notice == ""
    assert len(visit(console, b"done=" + b"x" * 9_000).frame.notice) == 32
