"""Ctrl-C at a hidden prompt ends the command at once, and nothing is made."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.terminals import wait_until_hidden


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning"
)  # newer Pythons: forking beside threads; the child execs at once
def test_ctrl_c_at_a_prompt_ends_the_command(tmp_path: Path) -> None:
    arguments = ["-m", "keywright", "accounts", "create", "ada@example.org", "--data-dir", str(tmp_path / "data")]
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606
    shown = b""
    deadline = time.monotonic() + 30
    while b"Password" not in shown and time.monotonic() < deadline:
        shown += os.read(terminal, 1024)
    wait_until_hidden(terminal)
    os.write(terminal, b"\x03")
    try:
        while chunk := os.read(terminal, 1024):
            shown += chunk
    except OSError:  # the terminal's other side is closed
        pass
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 130, shown
    assert b"interrupted" in shown
    assert b"Traceback" not in shown


def test_a_reader_that_has_had_enough_is_no_error(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "keywright", "settings", "--data-dir", str(tmp_path)]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.close()
        said = running.stderr.read()
        code = running.wait()
    assert said == b""
    assert code in {0, 1, 141}
