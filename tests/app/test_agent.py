"""The agent in this process: a real socket, a clock that is handed in, and whoever speaks to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keywright.app import agent, agent_calls, agent_socket, folders as files
from keywright.app.agent import Agent, run_agent
from keywright.app.held_keys import HeldKeys
from keywright.app.wanted import LONGEST_LINE
from keywright.clock import MachineTime
from keywright.errors import Conflict, Unusable
from keywright.secret import Secret

KEY = Secret(b"k" * 32)
MINUTE = 60_000


class Machine:
    """A machine's time that stands still."""

    def __init__(self) -> None:
        self.now = MachineTime(1_000, 0)

    def __call__(self) -> MachineTime:
        return self.now


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
async def running(tmp_path: Path, machine: Machine) -> AsyncIterator[Agent]:
    """Give an agent that listens in `tmp_path/run`."""
    folder = tmp_path / "run"
    agent_socket.make_folder(folder)
    found = Agent(HeldKeys(), now=machine)
    server = await asyncio.start_unix_server(found.serve, sock=agent_socket.listen(folder), limit=LONGEST_LINE)
    async with server:
        yield found


async def key_of(folder: Path, vault: str = "db_1") -> Secret | None:
    return await asyncio.to_thread(agent_calls.ask_for_key, folder, vault)


async def hold(folder: Path, *, idle_ms: int = MINUTE, vault: str = "db_1") -> None:
    await asyncio.to_thread(agent_calls.give_to_agent, folder, vault, KEY, idle_ms=idle_ms)


async def test_what_is_given_is_given_back_until_it_is_locked(running: Agent, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert await key_of(folder) is None
    await hold(folder)
    assert await key_of(folder) == KEY
    assert await key_of(folder, "db_2") is None
    assert not running.ended.is_set()
    assert await asyncio.to_thread(agent_calls.lock, folder) == 1
    assert running.ended.is_set(), "an agent that holds nothing has no reason to go on"


async def test_vlt_10_it_locks_by_itself_and_when_the_machine_slept(
    running: Agent, machine: Machine, tmp_path: Path
) -> None:
    folder, running._stay = tmp_path / "run", True  # or it would end with its only key
    await hold(folder)
    machine.now = MachineTime(1_000 + MINUTE - 1, 0)
    assert await asyncio.to_thread(agent_calls.left_ms, folder, "db_1") == 1
    machine.now = MachineTime(1_000 + MINUTE, 0)
    assert await asyncio.to_thread(agent_calls.left_ms, folder, "db_1") is None
    await hold(folder)
    machine.now = MachineTime(1_500 + MINUTE, 0)
    assert await key_of(folder) == KEY
    machine.now = MachineTime(1_600 + MINUTE + 20_000, 20_000)  # asleep for 20 s
    assert await key_of(folder) is None


async def test_an_agent_that_is_about_to_end_takes_no_key(running: Agent, tmp_path: Path) -> None:
    """It would be told that the vault is unlocked, and the key be gone with the process."""
    folder = tmp_path / "run"
    await hold(folder)
    assert await asyncio.to_thread(agent_calls.lock, folder) == 1
    assert running.ended.is_set()
    asked = {"do": "hold", "vault": "db_2", "key": b64encode(KEY.reveal()).decode(), "idle_ms": MINUTE}
    assert await asyncio.to_thread(_say, folder, json.dumps(asked).encode() + b"\n") is None


async def test_an_agent_that_nobody_gave_a_key_ends_and_takes_none_from_then_on(
    running: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(agent, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(agent, "UNUSED_S", 0.01)
    await running.watch()
    assert running.ended.is_set()


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"{\n",
        b"[]\n",
        b"7\n",
        b'{"do":"sign","vault":"db_1"}\n',
        b'{"do":"give","vault":["db_1"]}\n',
        b'{"do":"hold","vault":"","key":"aGVsbG8=","idle_ms":1}\n',
        b'{"do":"hold","vault":"db_1","key":"?","idle_ms":1}\n',
        b'{"do":"hold","vault":"db_1","key":"aGVsbG8=","idle_ms":0}\n',
        b'{"do":"hold","vault":"db_1","key":"aGVsbG8=","idle_ms":1e300}\n',
        b'{"do":"hold","vault":"db_1","key":"aGVsbG8=","idle_ms":1e999}\n',
        b'{"do":"hold","vault":"db_1","key":"","idle_ms":1}\n',
        b"[" * 4_000 + b"\n",
        b"\xff" * 100 + b"\n",
    ],
)
async def test_nonsense_is_answered_shortly_and_changes_nothing(running: Agent, tmp_path: Path, line: bytes) -> None:
    folder = tmp_path / "run"
    await hold(folder)
    answer = await asyncio.to_thread(_say, folder, line)
    assert answer in ({"error": "not a request of this version"}, {"locked": True})
    assert await key_of(folder) == KEY


def _say(folder: Path, line: bytes) -> object:
    connection = agent_socket.connect(folder, timeout=10)
    assert connection is not None
    with connection, connection.makefile("rb") as answers:
        connection.sendall(line)
        said = answers.readline()
    return json.loads(said) if said else None


async def test_a_line_without_an_end_is_not_listened_to(running: Agent, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    await hold(folder)

    def talk() -> None:
        with contextlib.suppress(ConnectionError):
            assert _say(folder, b"x" * 1_000_000) is None

    await asyncio.to_thread(talk)
    assert await key_of(folder) == KEY


async def test_who_says_nothing_keeps_nobody_waiting(
    running: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    silent = agent_socket.connect(folder, timeout=10)
    assert silent is not None
    with silent:
        await hold(folder)
        assert await key_of(folder) == KEY
        monkeypatch.setattr(agent, "PATIENCE_S", 0.01)
        slow = agent_socket.connect(folder, timeout=10)
        assert slow is not None
        with slow:
            assert await asyncio.to_thread(slow.recv, 1) == b""


async def test_agt_03_there_is_nothing_to_be_signed(running: Agent, tmp_path: Path) -> None:
    for word in ("sign", "decrypt", "open", "hash", "hmac"):
        line = json.dumps({"do": word, "vault": "db_1", "key": b64encode(b"x").decode()}).encode() + b"\n"
        assert await asyncio.to_thread(_say, tmp_path / "run", line) == {"error": "not a request of this version"}


# ── the socket's place


def test_agt_01_folder_and_socket_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        agent_socket.make_folder(tmp_path / "a" / "run")
        with agent_socket.listen(tmp_path / "a" / "run"):
            modes = [(tmp_path / "a" / name).stat().st_mode & 0o777 for name in ("run", "run/agent.sock")]
    finally:
        os.umask(before)
    assert modes == [0o700, 0o600]


def test_agt_01_the_socket_has_its_mode_from_its_first_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    chmod = os.fchmod

    def noted(descriptor: int, mode: int) -> None:
        assert not (tmp_path / "agent.sock").exists(), "the name came first"
        chmod(descriptor, mode)

    monkeypatch.setattr(os, "fchmod", noted)
    bound = socket.socket.listen

    def listening(self: socket.socket, backlog: int = 0) -> None:
        seen.append((tmp_path / "agent.sock").stat().st_mode & 0o777)
        bound(self, backlog)

    monkeypatch.setattr(socket.socket, "listen", listening)
    before = os.umask(0)
    try:
        agent_socket.listen(tmp_path).close()
    finally:
        os.umask(before)
    assert seen == [0o600]


def test_agt_02_a_stale_socket_is_replaced_and_anything_else_left_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    place = tmp_path / "agent.sock"
    agent_socket.listen(tmp_path).close()
    assert agent_socket.connect(tmp_path, timeout=1) is None  # left behind: nobody listens
    agent_socket.listen(tmp_path).close()
    place.unlink()
    (tmp_path / "mine").write_text("mine")
    puts: list[Callable[[], object]] = [
        lambda: place.symlink_to(tmp_path / "mine"),
        lambda: place.write_text("mine"),
        place.mkdir,
    ]
    for put in puts:
        put()
        with pytest.raises(Unusable, match="is in the way"):
            agent_socket.listen(tmp_path)
        place.rmdir() if place.is_dir() and not place.is_symlink() else place.unlink()
    assert (tmp_path / "mine").read_text() == "mine"


def test_agt_02_a_folder_that_others_reach_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    agent_socket.make_folder(folder)
    with agent_socket.listen(folder):
        for mode in (0o777, 0o750, 0o701):
            folder.chmod(mode)
            for use in (agent_socket.make_folder, lambda where: agent_socket.connect(where, timeout=1)):
                with pytest.raises(Unusable, match="others can reach"):
                    use(folder)
        folder.chmod(0o700)
        tmp_path.chmod(0o777)
        with pytest.raises(Unusable, match="others can change the folder"):
            agent_socket.connect(folder, timeout=1)
        tmp_path.chmod(0o1777)  # like /tmp: nobody can put another in its place
        connection = agent_socket.connect(folder, timeout=1)
        assert connection is not None
        connection.close()
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(Unusable, match="is not a folder"):
        agent_socket.make_folder(tmp_path / "link")


def test_a_path_that_no_socket_can_have_is_said_to_be_too_long(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 120)
    agent_socket.make_folder(folder)
    with pytest.raises(Unusable, match="too long for a socket"):
        agent_socket.listen(folder)


async def test_there_is_one_agent(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    ready = asyncio.Event()
    first = asyncio.create_task(run_agent(folder, ready=ready.set))
    await ready.wait()
    with pytest.raises(Conflict, match="an agent runs already"):
        await run_agent(folder)
    await hold(folder)
    assert await asyncio.to_thread(agent_calls.lock, folder) == 1
    await first
    assert not (folder / "agent.sock").exists()


def test_of_several_who_start_one_at_once_each_has_its_key_held(tmp_path: Path) -> None:
    """At the beginning of a session, for instance, where each vault is unlocked by itself."""
    folder, vaults = tmp_path / "run", [f"db_{number}" for number in range(4)]
    with ThreadPoolExecutor(len(vaults)) as at_once:
        giving = [
            at_once.submit(agent_calls.give_to_agent, folder, vault, KEY, idle_ms=10 * MINUTE) for vault in vaults
        ]
    try:
        assert [one.exception() for one in giving] == [None] * len(vaults)
        assert [agent_calls.ask_for_key(folder, vault) for vault in vaults] == [KEY] * len(vaults)
    finally:
        assert agent_calls.lock(folder) == len(vaults)


def test_an_agent_that_is_about_to_end_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has given its place up, and not yet the lock: the next is started again."""
    folder = tmp_path / "run"
    agent_socket.make_folder(folder)
    start, started = agent_calls._start, list[bool]()
    with contextlib.ExitStack() as ending:
        ending.enter_context(files.hold(folder / agent.LOCK, wait=False))

        def start_and_end(where: Path) -> bool:
            started.append(start(where))
            ending.close()
            return started[-1]

        monkeypatch.setattr(agent_calls, "_start", start_and_end)
        agent_calls.give_to_agent(folder, "db_1", KEY, idle_ms=10 * MINUTE)
    assert started == [False, True]
    assert agent_calls.ask_for_key(folder, "db_1") == KEY
    assert agent_calls.lock(folder) == 1


def test_an_agent_that_never_answers_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    agent_socket.make_folder(folder)
    monkeypatch.setattr(agent_calls, "PATIENCE_S", 0.1)
    with files.hold(folder / agent.LOCK, wait=False), pytest.raises(Unusable, match="runs that does not answer"):
        agent_calls.give_to_agent(folder, "db_1", KEY, idle_ms=10 * MINUTE)
