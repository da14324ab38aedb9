from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from keywright.identity.passwords import Passwords
from tests.cli.conftest import Terminal


def test_an_account_is_made_and_its_authenticator_secret_shown_once(keywright: Terminal) -> None:
    made = keywright("accounts create Ada@Example.org", "seven-lamps-under-rain")
    assert made.code == 0
    assert made.out.startswith("otpauth://totp/Keywright:ada%40example.org?secret=")
    secret = made.out.split("secret=")[1].split("&")[0]
    listed = keywright("accounts list")
    assert "ada@example.org" in listed.out
    assert secret not in listed.out + keywright("audit list --json").out


def test_a_password_is_hashed_at_the_full_cost(keywright: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other tests here hash at the cheapest."""
    monkeypatch.setattr("keywright.app.services.Passwords", Passwords)
    assert keywright("accounts create ada@example.org", "seven-lamps-under-rain").code == 0
    with closing(sqlite3.connect(keywright.folder / "keywright.db")) as database:
        (found,) = database.execute("SELECT password_hash FROM accounts").fetchone()
    assert found.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_weak_password_a_bad_address_and_a_taken_one_are_refused(keywright: Terminal) -> None:
    assert keywright("accounts create ada@example.org", "password123").code == 2
    assert keywright("accounts create ada", "seven-lamps-under-rain").code == 2
    assert keywright("accounts create ada@example.org").code == 2
    assert keywright("accounts create ada@example.org", "seven-lamps-under-rain").code == 0
    assert keywright("accounts create ADA@example.org", "seven-lamps-under-rain").code == 6
    assert keywright("accounts list --json").json["accounts"][0]["email"] == "ada@example.org"


def test_freezing_takes_no_code_and_lifting_it_does(ada: Terminal) -> None:
    assert ada("accounts freeze ada@example.org").code == 0
    assert ada("accounts unfreeze ada@example.org").code == 4
    assert ada("accounts unfreeze ada@example.org", ada.code()).code == 0
    assert ada("accounts unfreeze nobody@example.org").code == 5


def test_the_same_installation_is_found_again_by_its_folder(ada: Terminal) -> None:
    assert (ada.folder / "keywright.db").stat().st_mode & 0o777 == 0o600
    assert (ada.folder / "config" / "wrapping.key").stat().st_mode & 0o777 == 0o600
    assert ada("audit verify --json").json["events"] == 1


def test_settings_show_where_each_value_came_from(keywright: Terminal) -> None:
    shown = keywright("settings --json").json["settings"]
    by_name = {setting["name"]: setting for setting in shown}
    assert by_name["data_dir"]["origin"] == "--data-dir"
    assert by_name["gateway_port"] == {
        **by_name["gateway_port"],
        "value": 8401,
        "origin": "default",
        "variable": "KEYWRIGHT_GATEWAY_PORT",
    }


def test_called_wrongly_it_says_how_and_exits_with_2(keywright: Terminal) -> None:
    for command in ("keys nonsense --help", "keys create", "audit list --limit x"):
        said = keywright(command)
        assert said.code == 2
        assert "Usage:" in said.err


def test_help_and_version_need_no_installation(keywright: Terminal) -> None:
    assert "serve" in keywright("--help").out
    assert keywright("--version").out.startswith("keywright ")
    assert not keywright.folder.exists()


def test_demo_needs_a_running_sandbox(keywright: Terminal) -> None:
    refused = keywright("demo --json")
    assert (refused.code, refused.out) == (1, "")
    assert "make run" in refused.err


def test_a_forgotten_password_is_set_with_the_code_and_never_shown(ada: Terminal) -> None:
    assert ada("accounts set-password ada@example.org", "password123", ada.code()).code == 2
    assert ada("accounts set-password ada@example.org", "four-otters-in-amber", "000000").code == 4
    assert ada("accounts set-password nobody@example.org", "four-otters-in-amber", ada.code()).code == 5
    done = ada("accounts set-password ada@example.org", "four-otters-in-amber", ada.code())
    assert (done.code, done.out) == (0, "")
    assert "four-otters" not in done.err
    log = ada("audit list --json").out
    assert "account.password_changed" in log
    assert "four-otters" not in log
