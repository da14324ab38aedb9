"""A personal vault by a key in hardware, as it is typed at a terminal: the plugin asks there, and the agent keeps what it opened."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from keywright.app import agent_calls
from tests.doubles.age_plugin import Device
from tests.support.hardware import Left, at_a_terminal, native_identity, require_age
from tests.support.vault import PASSPHRASE

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # newer Pythons: forking beside threads

PIN, TOUCH = ("PIN of the double:", "1234\n"), ("Was it touched?", "1")


class Seat:
    """Someone at a terminal, with a key in their hand."""

    def __init__(self, folder: Path, session: Path) -> None:
        self.folder = folder
        self.device = Device.make(folder / "device", pin="1234", touch=True)
        self.environ = {
            "PATH": f"{self.device.program.parent}:{os.environ['PATH']}",
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(session),
            "TERM": "xterm",
        }

    def __call__(self, command: str, *answers: tuple[str, str]) -> Left:
        return at_a_terminal(f"{command} --data-dir {self.folder / 'data'}", *answers, environ=self.environ)

    def without_terminal(self, command: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "keywright", *command.split(), "--data-dir", str(self.folder / "data")],
            env=self.environ, input=typed, capture_output=True, text=True, check=False, start_new_session=True,
        )  # fmt: skip

    def init(self) -> Left:
        return self(f"vault init --by age --age-identity {self.device.identity_file}", PIN, TOUCH)

    def is_locked(self) -> bool:
        return bool(self.status["locked"])

    @property
    def status(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.without_terminal("vault status --json").stdout)
        return found


@pytest.fixture
def seat(tmp_path: Path) -> Iterator[Seat]:
    require_age()
    session = Path(tempfile.mkdtemp(prefix="kwrun"))  # short: a socket's path holds 107 bytes
    yield Seat(tmp_path, session)
    agent_calls.lock(session / "keywright")
    shutil.rmtree(session)


def test_a_session_with_a_key_in_hardware(seat: Seat) -> None:
    made = seat.init()
    assert made.code == 0, made.screen
    assert "is lost with it" in made.screen
    assert "`keywright vault protect passphrase`" in made.screen
    assert seat.is_locked()
    opened = seat("vault unlock --idle-minutes 5", PIN, TOUCH)
    assert opened.code == 0, opened.screen
    assert "The vault is unlocked" in opened.screen
    assert "age: kwdouble plugin: touch the double, it �[31mblinks" in opened.screen, (
        "told, and unable to colour the screen"
    )
    assert "\x1b[31m" not in opened.screen
    assert "1234" not in opened.screen
    assert opened.has_echo
    asked = len(seat.device.noted)
    assert not seat.is_locked()
    assert (
        seat("vault protect passphrase", ("New passphrase", f"{PASSPHRASE}\n"), ("Repeat", f"{PASSPHRASE}\n")).code == 0
    )
    assert len(seat.device.noted) == asked, "nobody touches it twice: the agent has what it opened"
    assert seat("vault lock").code == 0
    assert seat.is_locked()


def test_a_lost_key_is_not_the_end_where_a_passphrase_stands_beside_it(seat: Seat) -> None:
    assert seat.init().code == 0
    assert seat("vault unlock", PIN, TOUCH).code == 0
    assert (
        seat("vault protect passphrase", ("New passphrase", f"{PASSPHRASE}\n"), ("Repeat", f"{PASSPHRASE}\n")).code == 0
    )
    assert seat("vault lock").code == 0
    shutil.rmtree(seat.device.folder)
    lost = seat("vault unlock")
    assert lost.code == 1
    assert "can't be read" in lost.screen
    back = seat("vault unlock --by passphrase", ("Passphrase of the vault", f"{PASSPHRASE}\n"))
    assert back.code == 0, back.screen
    (by_age,) = [one["id"] for one in seat.status["protections"] if one["kind"] == "age"]  # type: ignore[attr-defined]
    assert seat(f"vault unprotect {by_age}").code == 0
    assert seat("vault lock").code == 0
    assert seat("vault unlock --by age").code == 6


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ((("PIN of the double:", "0000\n"),), "age: kwdouble plugin: the PIN is wrong, 7 tries are left"),
        ((PIN, ("Was it touched?", "2")), "age: kwdouble plugin: nobody touched it"),
    ],
    ids=["a wrong PIN", "no touch"],
)
def test_what_the_key_refuses_opens_nothing_and_leaves_no_agent(
    seat: Seat, answers: tuple[tuple[str, str], ...], said: str
) -> None:
    assert seat.init().code == 0
    before = (seat.folder / "data" / "vault.db").read_bytes()
    refused = seat("vault unlock", *answers)
    assert refused.code == 4
    assert said in refused.screen
    assert "Traceback" not in refused.screen
    assert seat.is_locked()
    assert (seat.folder / "data" / "vault.db").read_bytes() == before


def test_ctrl_c_at_the_plugins_prompt_ends_the_command_and_gives_the_echo_back(seat: Seat) -> None:
    assert seat.init().code == 0
    left = seat("vault unlock", ("PIN of the double:", "\x03"))
    assert left.code == 130, left.screen
    assert "interrupted" in left.screen
    assert left.has_echo
    assert seat.is_locked()


def test_a_vault_whose_key_was_not_touched_is_not_made(seat: Seat) -> None:
    refused = seat(f"vault init --by age --age-identity {seat.device.identity_file}", PIN, ("Was it touched?", "2"))
    assert refused.code == 4
    assert not (seat.folder / "data" / "vault.db").exists()


def test_nothing_of_the_key_and_no_secret_identity_is_in_the_vault(seat: Seat) -> None:
    identity = native_identity(seat.folder)
    made = seat(f"vault init --by age --age-identity {identity}")
    assert made.code == 0, made.screen
    secret = identity.read_text().splitlines()[-1].encode()
    assert secret not in b"".join(path.read_bytes() for path in (seat.folder / "data").rglob("*") if path.is_file())
    with closing(sqlite3.connect(seat.folder / "data" / "vault.db")) as database:
        ((kept,),) = database.execute("SELECT parameters FROM vault_protections").fetchall()
    assert set(json.loads(kept)) == {"identity", "recipients", "sealed"}
    moved = identity.rename(seat.folder / "moved.txt")
    assert seat.without_terminal("vault unlock").returncode == 1
    opened = seat.without_terminal(f"vault unlock --age-identity {moved}")
    assert opened.returncode == 0, opened.stderr


def test_options_of_the_kind_are_for_it_alone_and_its_identity_is_needed(seat: Seat) -> None:
    for command, said in (
        ("vault init --by key-file --age-identity x", "are for the kind age"),
        ("vault init --age-recipient age1x", "are for the kind age"),
        ("vault init --by age", "takes an identity file"),
        ("vault init --by age --age-identity nowhere", "can't be read"),
        (
            f"vault init --by age --age-identity {seat.device.identity_file} --age-recipient --stdin",
            "no recipient of age",
        ),
    ):
        refused = seat.without_terminal(command)
        assert refused.returncode in {1, 2}, command
        assert said in refused.stderr, command
    assert not (seat.folder / "data" / "vault.db").exists()
