"""`keywright keys passphrase`, and that every command which takes a code counts attempts."""

from __future__ import annotations

import os
import pty
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.support.server import Codes, Installation
from tests.support.terminals import wait_until_hidden

OLD, NEW = "Tr4ding-Pass-91", "Quiet-Harbour-77"


def _key(ada: Terminal) -> str:
    made = ada("keys create bot-1 --json", OLD, ada.code())
    assert made.code == 0, made.err
    found: str = made.json["id"]
    return found


def test_k25_current_new_and_code_in_this_order_give_a_key_another_passphrase(ada: Terminal) -> None:
    key_id = _key(ada)
    changed = ada(f"keys passphrase {key_id}", OLD, NEW, ada.code())
    assert (changed.code, changed.out) == (0, "")
    assert "the old one is refused" in changed.err
    back = ada(f"keys passphrase {key_id} --json", NEW, OLD, ada.code())
    assert back.json["version"] == 3
    log = ada("audit list --json")
    assert [event["kind"] for event in log.json["events"]][:2] == ["key.passphrase_changed"] * 2
    for said in (changed, back, log):
        assert OLD not in said.out + said.err
        assert NEW not in said.out + said.err


def test_k25_a_wrong_current_one_and_a_missing_code_change_nothing(ada: Terminal) -> None:
    key_id = _key(ada)
    wrong = ada(f"keys passphrase {key_id}", NEW, NEW, ada.code())
    assert (wrong.code, wrong.out) == (4, "")
    assert "not the key's passphrase" in wrong.err
    assert "make a new key" in wrong.err
    assert ada(f"keys passphrase {key_id}", OLD, NEW).code == 4
    assert ada(f"keys passphrase {key_id}", OLD, OLD, ada.code()).code == 2
    assert ada(f"keys show {key_id} --json").json["version"] == 1
    assert ada(f"keys passphrase {key_id}", OLD, NEW, ada.code()).code == 0


def test_a_weak_new_one_is_refused_before_a_code_is_asked_for(ada: Terminal) -> None:
    key_id = _key(ada)
    refused = ada(f"keys passphrase {key_id}", OLD, "Passw0rd!")
    assert refused.code == 2
    assert "easily guessed" in refused.err


def test_an_unknown_key_is_told_before_anything_is_asked_for(ada: Terminal) -> None:
    assert ada(f"keys passphrase {'0' * 24}").code == 5


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning"
)  # newer Pythons: forking beside threads; the child execs at once
def test_at_a_terminal_the_new_one_is_asked_for_twice_and_nothing_is_echoed(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    made = installation.cli("accounts", "create", "ada@example.org", "--json", stdin="seven-lamps-under-rain\n").json
    codes = Codes(made["totp_secret"])
    key_id = installation.cli("keys", "create", "bot", "--json", stdin=f"{OLD}\n{codes.next()}\n").json["id"]
    program = ["-m", "keywright", "keys", "passphrase", key_id, "--data-dir", str(installation.data)]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, *program])  # noqa: S606
    shown = b""
    answers: tuple[tuple[bytes, Callable[[], str]], ...] = (
        (b"Current passphrase", lambda: OLD),
        (b"New passphrase", lambda: NEW),
        (b"Repeat for confirmation", lambda: NEW),
        (b"Authenticator code", codes.next),
    )
    for prompt, answer in answers:
        deadline = time.monotonic() + 30
        while prompt not in shown and time.monotonic() < deadline:
            shown += os.read(terminal, 1024)
        wait_until_hidden(terminal)
        os.write(terminal, f"{answer()}\n".encode())
    try:
        while chunk := os.read(terminal, 1024):
            shown += chunk
    except OSError:  # the terminal's other side is closed
        pass
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 0, shown
    assert b"has its new passphrase" in shown
    assert OLD.encode() not in shown
    assert NEW.encode() not in shown


# ── attempts


@pytest.mark.parametrize(
    "command", ["keys enable", "keys delete", "keys edit --address 203.0.113.7", "keys passphrase"]
)
def test_2fa_07_five_wrong_codes_make_every_command_wait(ada: Terminal, command: str) -> None:
    key_id = _key(ada)
    before = (OLD, NEW) if command.endswith("passphrase") else ()
    for _ in range(5):
        assert ada(f"{command} {key_id}", *before, "000000").code == 4
    limited = ada(f"{command} {key_id}", *before, ada.code())
    assert (limited.code, limited.out) == (7, "")
    assert "too many attempts" in limited.err
    assert "wait 5 min" in limited.err
    assert ada(f"keys disable {key_id}").code == 0, "switching off is never limited"
    for other in (f"keys create bot-2\n{NEW}", "accounts unfreeze ada@example.org"):
        words, *typed = other.split("\n")
        assert ada(words, *typed, ada.code()).code == 7, "one count for all of them"
    ada.clock.advance(seconds=300)
    assert ada("keys create bot-2", NEW, ada.code()).code == 0


def test_2fa_01_a_code_given_twice_is_noted(ada: Terminal) -> None:
    key_id = _key(ada)
    ada(f"keys disable {key_id}")
    code = ada.code()
    assert ada(f"keys enable {key_id}", code).code == 0
    assert ada(f"keys delete {key_id}", code).code == 4
    event = ada("audit list --json").json["events"][0]
    assert (event["kind"], event["actor"]) == ("account.code_reused", "operator")


def test_wrong_codes_of_one_account_are_not_anothers(ada: Terminal) -> None:
    assert ada("accounts create bob@example.org", "nine-boats-on-a-lake").code == 0
    for _ in range(6):
        ada("keys create bot --account bob@example.org", NEW, "000000")
    assert ada("keys create bot --account bob@example.org", NEW, "000000").code == 7
    assert ada("keys create bot --account ada@example.org", OLD, ada.code()).code == 0


def test_help_names_the_commands(keywright: Terminal) -> None:
    assert "passphrase" in keywright("keys --help").out
    assert "link" in keywright("operator --help").out
