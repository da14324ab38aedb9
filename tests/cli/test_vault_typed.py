"""The vault's prompts as a person meets them, at a terminal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.hardware import at_a_terminal
from tests.support.vault import PASSPHRASE

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # forking beside threads; the child execs at once

NEW, AGAIN = "New passphrase of the vault: ", "Repeat for confirmation: "


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    folders = {f"XDG_{name}_HOME": str(tmp_path / name.lower()) for name in ("DATA", "CONFIG", "STATE")}
    session = str(tmp_path / "run")  # short: a socket's path holds 107 bytes
    return {**os.environ, **folders, "XDG_RUNTIME_DIR": session, "HOME": str(tmp_path), "LANG": "C"}


def test_a_passphrase_that_will_not_do_is_asked_for_again_before_it_is_typed_twice(environ: dict[str, str]) -> None:
    made = at_a_terminal(
        "vault init",
        (NEW, "short\n"),
        (NEW, "password1234\n"),
        (NEW, f"{PASSPHRASE}\n"),
        (AGAIN, "something else\n"),
        (NEW, f"{PASSPHRASE}\n"),
        (AGAIN, f"{PASSPHRASE}\n"),
        environ=environ,
    )
    assert made.code == 0, made.screen
    rule, *_ = made.screen.splitlines()
    assert rule.startswith("A passphrase has at least 10 characters")
    assert "Error: this passphrase would be guessed" in made.screen
    assert "The two entered values do not match" in made.screen
    for typed in ("short", "password1234", PASSPHRASE, "something else"):
        assert typed not in made.screen.replace("something else to do", "")


def test_nobody_thinks_of_a_passphrase_where_there_is_a_vault(environ: dict[str, str]) -> None:
    assert at_a_terminal("vault init --by key-file", environ=environ).code == 0
    again = at_a_terminal("vault init", environ=environ)
    assert again.code == 6
    assert again.screen.startswith("keywright: there is a vault already")


def test_an_open_vault_says_when_it_locks(environ: dict[str, str]) -> None:
    assert at_a_terminal("vault init", (NEW, f"{PASSPHRASE}\n"), (AGAIN, f"{PASSPHRASE}\n"), environ=environ).code == 0
    opened = at_a_terminal(
        "vault unlock --idle-minutes 1", ("Passphrase of the vault: ", f"{PASSPHRASE}\n"), environ=environ
    )
    assert "it locks after 1 minute without use" in opened.screen
    try:
        assert "open, and locks in 1 minute if nobody uses it" in at_a_terminal("vault status", environ=environ).screen
    finally:
        assert at_a_terminal("vault lock", environ=environ).code == 0


def test_an_agent_that_can_t_start_says_why_and_what_to_do_about_it(environ: dict[str, str]) -> None:
    assert at_a_terminal("vault init", (NEW, f"{PASSPHRASE}\n"), (AGAIN, f"{PASSPHRASE}\n"), environ=environ).code == 0
    deep = {**environ, "XDG_RUNTIME_DIR": f"{environ['XDG_RUNTIME_DIR']}/{'r' * 90}"}
    refused = at_a_terminal("vault unlock", ("Passphrase of the vault: ", f"{PASSPHRASE}\n"), environ=deep)
    assert refused.code == 1
    *_, why, hint = refused.screen.splitlines()
    assert why.endswith("is too long for a socket")
    assert hint == "  hint: set XDG_RUNTIME_DIR to a shorter one"
