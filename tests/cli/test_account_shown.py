"""`keywright accounts show` as it is typed: all of an account that is no secret."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime

from tests.cli.conftest import Terminal


def test_k21_an_account_is_shown_with_its_keys_and_without_a_secret(ada: Terminal) -> None:
    made = ada("keys create bot --permission trade --json", "Tide-wharf-29-Q", ada.code()).json
    assert ada("sub-accounts create trading1", ada.code()).code == 0
    assert ada("sub-accounts freeze trading1").code == 0
    ada.make_operator("ada@example.org")
    shown = ada("accounts show ada@example.org --json")
    told = shown.json
    assert (told["schema"], told["email"], told["frozen_at"], told["is_operator"]) == (1, "ada@example.org", None, True)
    assert (told["has_second_factor"], told["identity"], told["whitelist_is_on"], told["sessions"]) == (
        True,
        None,
        False,
        0,
    )
    assert [(sub["name"], sub["frozen_at"] is not None) for sub in told["sub_accounts"]] == [("trading1", True)]
    (key,) = told["keys"]
    assert (key["id"], key["status"], key["is_altered"]) == (made["id"], "active", False)
    printed = ada("accounts show ada@example.org")
    assert "Second factor\tyes" in printed.out
    assert "Sub-accounts\ttrading1 (frozen)" in printed.out
    assert "Sessions\t0" in printed.out
    assert f"bot\tactive\tread, trade\tspot\tany\t–\t–\t{made['id']}" in printed.out
    for secret in (made["secret"], "Tide-wharf-29-Q", ada.totp):
        assert secret not in shown.out + printed.out


def test_an_altered_key_is_shown_as_such(ada: Terminal) -> None:
    assert ada("keys create bot", "Tide-wharf-29-Q", ada.code()).code == 0
    with closing(sqlite3.connect(ada.folder / "keywright.db")) as database, database:
        database.execute("UPDATE api_keys SET permissions = 'read,withdraw'")
    assert "bot\taltered" in ada("accounts show ada@example.org").out


def test_nobody_is_shown_for_an_address_that_is_nobodys(ada: Terminal) -> None:
    refused = ada("accounts show bob@example.org --json")
    assert (refused.code, refused.out) == (5, "")


def test_the_log_is_filtered_as_in_the_console(ada: Terminal) -> None:
    ada.clock.advance(days=2)
    assert ada("accounts freeze ada@example.org").code == 0
    events = ada("audit list --json").json["events"]
    assert [event["kind"] for event in events] == ["account.frozen", "account.created"]
    first = events[1]["at"]
    until = _iso(first + 1_000)
    assert [e["kind"] for e in ada(f"audit list --json --until {until}").json["events"]] == ["account.created"]
    assert [e["kind"] for e in ada(f"audit list --json --until {_iso(first)[:10]}").json["events"]] == [
        "account.created"
    ]
    assert ada(f"audit list --json --since {until} --kind account.created").json["events"] == []
    assert ada("audit list --until tomorrow").code == 2
    refused = ada("audit list --follow --until 2030-01-01")
    assert (refused.code, "takes no --until" in refused.err) == (2, True)
    assert json.loads(ada("audit list --json --limit 1").out)["events"][0]["mac"]


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
