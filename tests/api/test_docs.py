"""What docs/management-api.md shows is what happens."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from pathlib import Path
from typing import Any

from keywright.api.app import PREFIX, routes
from keywright.api.problems import STATUSES, TITLES, Cause
from keywright.identity.assertions import check, is_for
from keywright.identity.token_model import Scope
from tests.support.clock import FakeClock
from tests.support.exchange import Exchange

PAGE = (Path(__file__).parents[2] / "docs" / "management-api.md").read_text("utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_assertion_that_is_shown_is_taken(clock: FakeClock) -> None:
    names: dict[str, Any] = {}
    exec(_blocks("python")[0], names)  # noqa: S102
    exchange = Exchange(clock)
    now = clock() // 1000
    names["time"] = type("Clock", (), {"time": staticmethod(lambda: now)})
    token = names["assertion"](exchange.key, "user-1", now, "POST", f"{PREFIX}/accounts", b"{}")
    issuer = type(exchange.issuer)("https://exchange.example", exchange.issuer.keys, ("https://keys.example.org",))
    said = check(token, issuer, now=clock())
    assert said.subject == "user-1"
    assert is_for(said, "POST", f"{PREFIX}/accounts".encode(), b"{}")


def test_the_problem_that_is_shown_is_one() -> None:
    shown = json.loads(_blocks("json")[0])
    status = STATUSES.get(Cause(shown["reason"]), HTTPStatus.FORBIDDEN)
    assert (shown["status"], shown["title"]) == (int(status), TITLES[HTTPStatus(status)])


def test_scopes_and_paths_that_are_named_exist() -> None:
    scopes = set(re.findall(r"`([a-z]+:(?:read|write))`", PAGE))
    assert scopes <= {scope.value for scope in Scope}
    known = routes().openapi()["paths"]
    for path in re.findall(r"`(?:GET|POST) (/api/[^`]+)`", PAGE):
        template = path.replace("ACCOUNT", "{account_id}").replace("KEY", "{key_id}")
        assert template in known
