from __future__ import annotations

import pytest

from keywright.cli import operator_tokens
from keywright.secret import Secret
from tests.cli.conftest import Terminal


def test_a_token_is_made_shown_once_listed_and_disabled(ada: Terminal) -> None:
    made = ada("operator token create back-end --scope keys:read --scope accounts:read --address 203.0.113.7 --days 30")
    assert made.code == 0, made.err
    token = made.out.strip()
    assert token.startswith("kwst_")
    assert "not shown again" in made.err
    (listed,) = ada("operator token list --json").json["tokens"]
    assert listed["scopes"] == ["accounts:read", "keys:read"]
    assert listed["addresses"] == ["203.0.113.7/32"]
    assert listed["status"] == "active"
    assert listed["created_by"] == "operator"
    shown = ada("operator token list")
    assert token not in shown.out + shown.err + ada("audit list --json").out
    off = ada(f"operator token disable {listed['id']}")
    assert (off.code, "is disabled" in off.err) == (0, True)
    assert ada("operator token list --json").json["tokens"][0]["status"] == "disabled"
    kinds = [event["kind"] for event in ada("audit list --json").json["events"]]
    assert kinds[:2] == ["token.disabled", "token.created"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("--scope fly --any-address", "there is no scope 'fly'"),
        ("--any-address", "scopes are to be given"),
        ("--scope keys:read", "addresses are to be given"),
        ("--scope keys:read --address nonsense", "is not an address"),
        ("--scope keys:read --any-address --days 0", "0 is not in the range"),
    ],
)
def test_what_is_wrong_makes_nothing(ada: Terminal, more: str, said: str) -> None:
    refused = ada(f"operator token create back-end {more}")
    assert refused.code == 2
    assert said in refused.err
    assert ada("operator token list --json").json["tokens"] == []


def test_an_unknown_token_is_not_found(ada: Terminal) -> None:
    assert ada("operator token disable tok_1").code == 5


def test_on_a_terminal_it_asks_for_what_is_not_given(ada: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter([("keys:read", "audit:read"), ("203.0.113.7",)])
    monkeypatch.setattr(operator_tokens, "_asked", lambda *_: next(typed))
    made = ada("operator token create back-end --json").json
    assert made["scopes"] == ["audit:read", "keys:read"]
    assert repr(Secret(made["token"])) == "Secret(•••)"
