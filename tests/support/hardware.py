"""Keys for age's plugins, and a seat at a terminal from which they are used."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.terminals import wait_until_hidden


def require_age() -> None:
    """Fail where the real program is not installed: what these tests are about would not have been looked at."""
    for program in ("age", "age-keygen"):
        if shutil.which(program) is None:
            pytest.fail(f"the program {program} is not installed, and this tests with it: apt install age")


def native_identity(folder: Path) -> Path:
    """Return a file with an identity of age's own, as its key generator writes it."""
    path = folder / f"native-{time.monotonic_ns()}.txt"
    subprocess.run(["age-keygen", "-o", str(path)], check=True, capture_output=True)
    return path


@dataclass(frozen=True)
class Left:
    """How a command ended, and what stood on the screen."""

    code: int
    screen: str
    has_echo: bool


def at_a_terminal(command: str, *answers: tuple[str, str], environ: Mapping[str, str], seconds: float = 60) -> Left:
    """Run `keywright COMMAND` at a terminal of its own, giving each answer when its prompt stands there."""
    child, terminal = pty.fork()
    if child == 0:
        program = [sys.executable, "-m", "keywright", *command.split()]
        os.execve(sys.executable, program, dict(environ))  # noqa: S606
    shown, read_to, until, waiting = b"", 0, time.monotonic() + seconds, list(answers)
    has_echo = True
    while time.monotonic() < until:
        if waiting and (at := shown.find(waiting[0][0].encode(), read_to)) >= 0:
            wait_until_hidden(terminal)
            read_to = at + len(waiting[0][0])
            os.write(terminal, waiting.pop(0)[1].encode())
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        has_echo = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
        try:
            chunk = os.read(terminal, 4096)
        except OSError:  # the terminal's other side is closed
            chunk = b""
        if not chunk:
            break
        shown += chunk
    else:
        os.kill(child, 9)
    with_echo = bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    assert not waiting, f"{waiting[0][0]!r} was not asked for:\n{shown.decode('utf-8', 'replace')}"
    return Left(os.waitstatus_to_exitcode(status), shown.decode("utf-8", "replace"), has_echo and with_echo)
