from __future__ import annotations

from email import message_from_bytes, policy

import pytest

from tests.cli.conftest import Terminal


def test_what_an_account_was_told_is_listed_newest_first(ada: Terminal) -> None:
    ada.clock.advance(seconds=1)
    assert ada("accounts freeze ada@example.org").code == 0
    listed = ada("notices list ada@example.org --json").json["notices"]
    assert [one["kind"] for one in listed] == ["account.frozen", "account.created"]
    assert listed[0]["title"] == "Your account is frozen"
    assert listed[0]["message"] == "waiting", "no server runs that would carry it"
    assert "Your account is frozen" in ada("notices list ada@example.org").out
    assert len(ada("notices list ada@example.org --limit 1 --json").json["notices"]) == 1
    assert ada("notices list nobody@example.org").code == 5


def test_a_test_without_a_mail_server_becomes_a_file_of_its_owner_alone(ada: Terminal) -> None:
    said = ada("notices send-test ops@example.org")
    assert (said.code, "as files into" in said.err) == (0, True)
    (file,) = (ada.folder / "outbox").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    message = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert message["To"] == "ops@example.org"
    assert ada("notices send-test nonsense").code == 2


def test_a_mail_server_that_is_not_there_is_said(ada: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"host": "127.0.0.1", "port": "1", "security": "none"}.items():
        monkeypatch.setenv(f"KEYWRIGHT_SMTP_{name.upper()}", value)
    assert ada("notices send-test ops@example.org").code == 2, "mail_from is missing"
    monkeypatch.setenv("KEYWRIGHT_MAIL_FROM", "keys@example.org")
    said = ada("notices send-test ops@example.org")
    assert said.code == 7
    assert "can't be reached" in said.err
