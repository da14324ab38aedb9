from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from tests.cli.conftest import Terminal


@pytest.fixture
def operator(ada: Terminal) -> Terminal:
    ada.make_operator("ada@example.org")
    return ada


def rule(terminal: Terminal, name: str) -> tuple[object, object, object]:
    found = terminal("operator policy show --json").json["rules"]
    (one,) = [rule for rule in found if rule["name"] == name]
    return one["value"], one["default"], one["origin"]


def test_k21_a_rule_is_shown_set_and_given_back(operator: Terminal) -> None:
    assert rule(operator, "keys_per_account") == (5, 5, "settings")
    done = operator("operator policy set keys_per_account=1 profile=personal", operator.code())
    assert done.code == 0, done.err
    assert "keys_per_account\t1\t5\toperators" in done.out
    assert "Changed last" in done.err
    assert rule(operator, "keys_per_account") == (1, 5, "operators")
    made = [operator(f"keys create bot{n}", f"Tide-wharf-{n}9-Q", operator.code()) for n in range(2)]
    assert [one.code for one in made] == [0, 6]
    assert "at most 1 keys" in made[1].err
    shown = operator("operator policy reset --all --json", operator.code()).json
    assert (shown["schema"], shown["version"], shown["is_altered"]) == (1, 2, False)
    assert rule(operator, "keys_per_account") == (5, 5, "settings")
    events = operator("audit list --kind policy.changed --json").json["events"]
    assert events[1]["detail"]["before"] == {"keys_per_account": 5, "profile": "personal"}
    assert (events[1]["factor"], events[1]["agent"]) == ("totp", "cli")


def test_it_takes_an_operators_code(ada: Terminal) -> None:
    refused = ada("operator policy set keys_per_account=1", ada.code())
    assert refused.code == 4
    assert "keywright operator link" in refused.err
    ada.make_operator("ada@example.org")
    assert ada("operator policy set keys_per_account=1", "000000").code == 4
    assert rule(ada, "keys_per_account") == (5, 5, "settings")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("set keys_per_account", "write it like keys_per_account=3"),
        ("set keys_per_account=none", "keys_per_account: give a whole number from 1 to 1000"),
        ("set profile=bank", "profile: choose one of personal, platform, exchange"),
        ("set rate=5", "there is no rule 'rate'"),
        ("set", "Missing argument"),
        ("reset", "name the rules"),
        ("reset keys_per_account --all", "name the rules"),
        ("reset rate", "there is no rule 'rate'"),
    ],
)
def test_what_is_wrong_is_said_before_a_code_is_asked_for(operator: Terminal, typed: str, said: str) -> None:
    refused = operator(f"operator policy {typed}")
    assert refused.code == 2
    assert said in refused.err


def test_an_altered_policy_is_shown_as_such_and_refuses_keys(operator: Terminal) -> None:
    assert operator("operator policy set keys_per_account=1", operator.code()).code == 0
    with closing(sqlite3.connect(operator.folder / "keywright.db")) as database, database:
        database.execute("UPDATE policy SET content = '{}'")
    shown = operator("operator policy show")
    assert (shown.code, "altered outside Keywright" in shown.err) == (0, True)
    assert operator("operator policy show --json").json["is_altered"] is True
    refused = operator("keys create bot", "Tide-wharf-29-Q", operator.code())
    assert (refused.code, "altered outside Keywright" in refused.err) == (1, True)
    assert operator("operator policy reset --all", operator.code()).code == 0
    assert operator("keys create bot", "Tide-wharf-29-Q", operator.code()).code == 0
