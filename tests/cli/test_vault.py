"""`keywright vault` as it is typed: made, unlocked for a session, locked, protected otherwise."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import keyring
import pytest
from keyring.backends import fail

from keywright.app import agent_calls, protecting
from keywright.sealing.protections.key_file import ByKeyFile
from keywright.sealing.protections.wrapped import Surroundings
from keywright.secret import Secret
from tests.cli.conftest import Terminal
from tests.support.vault import OTHER, PASSPHRASE

WORDS = "the vault is locked"


@pytest.fixture
def typed(keywright: Terminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """Give a terminal in a session of its own, whose agent ends with the test."""
    session = Path(tempfile.mkdtemp(prefix="kwrun"))  # short: a socket's path holds 107 bytes
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(session))
    monkeypatch.setattr(protecting.try_passphrase, "__kwdefaults__", {"pause": lambda _: None})
    yield keywright
    agent_calls.lock(session / "keywright")
    shutil.rmtree(session)


def test_a_session_with_a_passphrase(typed: Terminal) -> None:
    made = typed("vault init --json", PASSPHRASE)
    assert made.code == 0, made.err
    assert made.json["path"] == str(typed.folder / "vault.db")
    assert typed("vault status --json").json["locked"]
    refused = typed("vault unlock", "wrong")
    assert (refused.code, refused.out) == (4, "")
    assert "that passphrase does not open the vault" in refused.err
    opened = typed("vault unlock --idle-minutes 5 --stdin", PASSPHRASE)
    assert opened.code == 0, opened.err
    status = typed("vault status --json").json
    assert not status["locked"]
    assert 0 < status["locks_in_ms"] <= 300_000
    assert typed("vault protect key-file").code == 0
    assert {one["kind"] for one in typed("vault status --json").json["protections"]} == {"passphrase", "key-file"}
    (by_file,) = [one["id"] for one in typed("vault status --json").json["protections"] if one["kind"] == "key-file"]
    assert typed(f"vault unprotect {by_file}").code == 0
    assert "is locked" in typed("vault lock").err
    locked = typed("vault protect key-file")
    assert (locked.code, locked.out) == (4, "")
    assert f"keywright: {WORDS}\n  hint: `keywright vault unlock`" in locked.err
    assert "Nothing was unlocked" in typed("vault lock").err


def test_others_can_write_while_a_way_is_made(typed: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine elsewhere is asked, or a person: bots are started meanwhile, each start an event."""
    assert typed("vault init --by key-file").code == 0
    plain, tried = ByKeyFile.make, list[str]()

    def make(self: ByKeyFile, surroundings: Surroundings, *, protection_id: str) -> tuple[dict[str, object], Secret]:
        with closing(sqlite3.connect(typed.folder / "vault.db", timeout=0)) as another:
            another.execute("BEGIN IMMEDIATE")
        tried.append(protection_id)
        return plain(self, surroundings, protection_id=protection_id)

    monkeypatch.setattr(ByKeyFile, "make", make)
    done = typed(f"vault protect key-file --key-file {typed.folder / 'another.key'}")
    assert (done.code, len(tried)) == (0, 1), done.err


def test_vlt_07_a_passphrase_is_changed_with_the_current_one(typed: Terminal) -> None:
    assert typed("vault init", PASSPHRASE).code == 0
    before = (typed.folder / "vault.db").read_bytes()
    wrong = typed("vault passphrase", "wrong", OTHER)
    assert wrong.code == 4
    weak = typed("vault passphrase --stdin", PASSPHRASE, "password")
    assert weak.code == 2
    assert (typed.folder / "vault.db").read_bytes() == before
    assert typed("vault passphrase --stdin", PASSPHRASE, OTHER).code == 0
    assert typed("vault unlock", PASSPHRASE).code == 4
    assert typed("vault unlock", OTHER).code == 0


def test_a_key_file_needs_no_session(typed: Terminal) -> None:
    assert typed("vault init --by key-file").code == 0
    assert typed("vault status --json").json["locked"] is False
    refused = typed("vault unlock", PASSPHRASE)
    assert refused.code == 6
    assert "no passphrase protects this vault" in refused.err
    assert "opens by itself wherever it finds its key-file" in typed("vault lock").err
    assert typed("vault protect passphrase", PASSPHRASE).code == 0
    assert typed("vault unlock", PASSPHRASE).code == 0


def test_vlt_08_an_older_copy_is_taken_only_when_asked_to(typed: Terminal, tmp_path: Path) -> None:
    assert typed("vault init", PASSPHRASE).code == 0
    shutil.copy(typed.folder / "vault.db", tmp_path / "older.db")
    assert typed("vault passphrase", PASSPHRASE, OTHER).code == 0
    shutil.copy(tmp_path / "older.db", typed.folder / "vault.db")
    refused = typed("vault unlock", PASSPHRASE)
    assert refused.code == 1
    assert "is older than it was" in refused.err
    assert typed("vault status --json").json["locked"]
    taken = typed("vault accept", PASSPHRASE)
    assert taken.code == 0, taken.err
    assert "2 events" in taken.err
    assert typed("vault unlock", PASSPHRASE).code == 0


def test_vlt_11_a_passphrase_comes_by_the_prompt_or_standard_input_and_no_other_way(
    typed: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in (
        "vault init --passphrase x",
        "vault unlock x",
        "vault passphrase x y",
        "vault protect passphrase x",
    ):
        assert typed(command).code == 2
    monkeypatch.setenv("KEYWRIGHT_VAULT_PASSPHRASE", PASSPHRASE)
    refused = typed("vault init")
    assert refused.code == 2
    assert "KEYWRIGHT_VAULT_PASSPHRASE is no setting" in refused.err
    assert PASSPHRASE not in refused.err


def test_without_a_vault_each_command_says_how_to_make_one(typed: Terminal) -> None:
    for command in ("unlock", "status", "passphrase", "protect key-file", "unprotect vpr_1", "accept"):
        refused = typed(f"vault {command}", PASSPHRASE, OTHER)
        assert refused.code == 1
        assert "`keywright vault init` makes one" in refused.err
    assert typed("vault lock").code == 0
    assert not list(typed.folder.glob("vault*"))


def test_nothing_given_is_said_and_makes_nothing(typed: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "get_keyring", fail.Keyring)  # whatever desktop the tests run on
    for command in (
        "vault init",
        "vault init --by keyring",
        "vault init --by systemd",
        "vault init --by transit",
        "vault init --key-file x",
    ):
        refused = typed(command)
        assert refused.code in {1, 2}, command
        assert "hint" in refused.err or "--key-file is for" in refused.err
    assert not (typed.folder / "vault.db").exists()


def test_vlt_12_a_backup_and_back(typed: Terminal, tmp_path: Path) -> None:
    assert typed("vault init", PASSPHRASE).code == 0
    locked = typed(f"vault backup {tmp_path / 'b.age'}", OTHER)
    assert locked.code == 4
    assert WORDS in locked.err
    assert typed("vault unlock", PASSPHRASE).code == 0
    weak = typed(f"vault backup {tmp_path / 'b.age'}", "password")
    assert weak.code == 2
    assert not (tmp_path / "b.age").exists()
    made = typed(f"vault backup {tmp_path / 'b.age'} --stdin --json", OTHER)
    assert made.code == 0, made.err
    assert made.json["bytes"] == (tmp_path / "b.age").stat().st_size
    assert typed("vault lock").code == 0
    wrong = typed(f"vault restore {tmp_path / 'b.age'} --replace", PASSPHRASE)
    assert wrong.code == 1
    assert "does not open" in wrong.err
    there = typed(f"vault restore {tmp_path / 'b.age'}", OTHER)
    assert there.code == 6
    assert "`--replace`" in there.err
    done = typed(f"vault restore {tmp_path / 'b.age'} --replace --by key-file --json", OTHER)
    assert done.code == 0, done.err
    assert done.json["protections"] == ["key-file"]
    assert Path(done.json["aside"]).exists()
    assert typed("vault status --json").json["locked"] is False
    no_age = typed(f"vault restore {typed.folder / 'vault.db'} --replace", OTHER)
    assert no_age.code == 2
    assert "no passphrase opens this file" in no_age.err
