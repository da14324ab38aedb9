"""AGT: the agent attacked, as a process of its own. Rows of the catalogue by id.

AGT-01, AGT-02's socket and AGT-03 are in tests/app/test_agent.py as well, AGT-07 is in tests/cli/test_vault_diagnose.py,
AGT-12 in tests/app/test_hand_outs.py. AGT-06, -08 and -09 are about a proxy that signs for bots, and its policy files: not built yet.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keywright.app import agent_calls
from keywright.errors import Unusable
from keywright.secret import Secret
from tests.support.server import command, surroundings

KEY = Secret(os.urandom(32))

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def start(folder: Path, *, umask: int = 0) -> subprocess.Popen[bytes]:
    """Start an agent under a careless umask; return when it listens."""
    process = subprocess.Popen(
        command("vault", "agent", "--folder", folder, "--quiet"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        env=surroundings(folder.parent),
        umask=umask,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait(20)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Give where an agent's folder may be: others can be let through to it, which pytest's own folders must not be."""
    above = Path(tempfile.mkdtemp(prefix="kwagt"))
    yield above / "run"
    shutil.rmtree(above)


@pytest.fixture
def running(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = start(folder)
    agent_calls.give_to_agent(folder, "db_1", KEY, idle_ms=3_600_000)
    yield process
    end(process)


def test_agt_01_under_any_umask_folder_and_socket_are_private(running: subprocess.Popen[bytes], folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "agent.sock").stat().st_mode & 0o777 == 0o600
    assert (folder / "agent.lock").stat().st_mode & 0o777 == 0o600


STRANGER = """
import os, socket, sys
os.setgid(65534); os.setuid(65534)
with socket.socket(socket.AF_UNIX) as connection:
    connection.settimeout(20)
    connection.connect(sys.argv[1])
    try:
        connection.sendall(b'{"do":"give","vault":"db_1"}\\n')
        print(connection.recv(1000))
    except ConnectionError as error:
        print(b"")
"""


@needs_root
def test_agt_02_another_user_is_not_answered_even_where_modes_let_them_through(
    running: subprocess.Popen[bytes], folder: Path
) -> None:
    for path in (folder / "agent.sock", folder, folder.parent):
        path.chmod(path.stat().st_mode | 0o777)
    done = subprocess.run(
        [sys.executable, "-c", STRANGER, folder / "agent.sock"], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "b''\n"


IMPOSTOR = """
import os, socket, sys
os.setgid(65534); os.setuid(65534)
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(sys.argv[1])
    listener.listen()
    print("ready", flush=True)
    connection, _ = listener.accept()
    connection.settimeout(20)
    print(connection.recv(1000), flush=True)
"""


@needs_root
def test_agt_02_nothing_is_said_to_another_user_who_listens_there(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    folder.parent.chmod(0o711)
    with subprocess.Popen(
        [sys.executable, "-c", IMPOSTOR, folder / "agent.sock"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        folder.chmod(0o700)
        with pytest.raises(Unusable, match="another user listens"):
            agent_calls.give_to_agent(folder, "db_1", KEY, idle_ms=1_000)
        assert process.stdout.readline() == "b''\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_vlt_10_with_the_process_the_key_is_gone(
    running: subprocess.Popen[bytes], folder: Path, number: signal.Signals
) -> None:
    assert agent_calls.ask_for_key(folder, "db_1") == KEY
    running.send_signal(number)
    running.wait(20)
    assert agent_calls.ask_for_key(folder, "db_1") is None
    assert (folder / "agent.sock").exists() == (number == signal.SIGKILL)
    after = start(folder)  # over what was left
    try:
        assert agent_calls.ask_for_key(folder, "db_1") is None
    finally:
        end(after)


def test_vlt_10_it_locks_by_itself_in_time_and_ends(folder: Path) -> None:
    process = start(folder)
    try:
        began = time.monotonic()
        agent_calls.give_to_agent(folder, "db_1", KEY, idle_ms=300)
        process.wait(20)
        assert time.monotonic() - began > 0.25
        assert agent_calls.ask_for_key(folder, "db_1") is None
        assert not (folder / "agent.sock").exists()
    finally:
        end(process)


@pytest.mark.parametrize("put", ["nothing", "another"])
def test_vlt_10_it_ends_where_nobody_can_find_it_any_more(
    running: subprocess.Popen[bytes], folder: Path, put: str
) -> None:
    """At the end of a session its runtime folder is removed, and a process that was started in it may live on."""
    (folder / "agent.sock").unlink()
    if put == "another":
        (folder / "agent.sock").write_text("of somebody else's")
    assert running.wait(20) == 0
    assert (folder / "agent.sock").exists() == (put == "another")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_vlt_10_its_memory_is_nobodys_and_it_leaves_no_core_file(running: subprocess.Popen[bytes]) -> None:
    proc = Path("/proc") / str(running.pid)
    assert "Max core file size        0                    0" in (proc / "limits").read_text()
    # Where a process may be dumped its entries belong to its user; of one that may not, to root: so root looks as nobody.
    maps = proc / "mem"
    assert maps.stat().st_uid == 0
    if os.geteuid() != 0:
        with pytest.raises(PermissionError):
            maps.open("rb").close()


def test_vlt_10_it_keeps_nothing_of_who_started_it(running: subprocess.Popen[bytes]) -> None:
    """No terminal, no folder, no open file but its own."""
    proc = Path("/proc") / str(running.pid)
    assert (proc / "cwd").readlink() == Path("/")
    open_files = {str(found.readlink()) for found in (proc / "fd").iterdir()}
    assert not [name for name in open_files if name.startswith(("/dev/pts", "/tmp")) and "agent.lock" not in name]  # noqa: S108
    assert os.getsid(running.pid) == running.pid


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_leak_13_it_is_started_without_keys_that_stand_in_a_shell(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It lives for hours. What it needs to find is handed on: folders, and where exchanges are asked."""
    secrets = {
        "KUCOIN_SECRET_KEY": "in-a-shell-1",
        "BINANCE_API_KEY": "in-a-shell-2",
        "BITFINEX_SECRET": "in-a-shell-3",
    }
    for name, value in {**secrets, "KEYWRIGHT_KUCOIN_URL": "http://127.0.0.1:1", "HOME": str(folder.parent)}.items():
        monkeypatch.setenv(name, value)
    agent_calls.give_to_agent(folder, "db_1", KEY, idle_ms=60_000)
    try:
        (pid,) = [
            int(one.name)
            for one in Path("/proc").iterdir()
            if one.name.isdigit() and str(folder).encode() in read(one / "cmdline")
        ]
        if os.geteuid() == 0:  # who is somebody else can't look at all, nor its own user: test_vlt_10
            inherited = read(Path(f"/proc/{pid}/environ"))
            assert b"KEYWRIGHT_KUCOIN_URL=" in inherited
            assert b"in-a-shell" not in inherited
    finally:
        agent_calls.lock(folder)


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
