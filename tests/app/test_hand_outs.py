"""Starts handed out by children of a real agent: over its socket, from a real vault; and everything that gets no answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pytest

from keywright.app import agent_calls, agent_socket, wanted
from keywright.app.protecting import OWNER
from keywright.app.wanted import Wanted, identity_of
from keywright.clock import wall_clock_ms
from keywright.errors import Invalid
from keywright.sealing.protections.key_file import ByKeyFile
from keywright.secret import Secret
from keywright.settings import Settings
from keywright.vault.evidence import Credentials, Exchange, KeyKind
from keywright.vault.model import PERSONAL
from tests.doubles.exchange import DoubleKey, running_in_thread
from tests.doubles.kucoin import KucoinDouble
from tests.support.vault import PASSPHRASE, Vault, by_passphrase, hold_grid

T = TypeVar("T")


@dataclass
class Unlocked:
    """A vault, the key in it, and the agent that holds the vault's own."""

    vault: Vault
    key: DoubleKey
    asked: int = 0

    def ask(self, name: str = "grid", purpose: str = "exec") -> Credentials | None:
        self.asked += 1
        return agent_calls.ask_for_credentials(self.vault.place, name, purpose=purpose)

    def handed(self) -> Credentials:
        """Ask until there is an answer: on a machine that others use it may not come in time."""
        found = _soon(self.ask)
        assert found is not None
        return found

    def wanted(self) -> Wanted:
        place = self.vault.place
        file = identity_of(place)
        assert file is not None
        return Wanted(place.folders.data, place.folders.config, place.state, file, "grid", "exec")

    def say(self, asked: dict[str, object]) -> object:
        return agent_calls._ask(self.vault.place.runtime, asked)

    def unlock(self) -> None:
        words = [sys.executable, "-m", "keywright", "vault", "unlock", "--stdin"]
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.vault.folder), **self.vault.environ}
        subprocess.run(words, env=environ, input=PASSPHRASE, text=True, check=True, capture_output=True)

    def agent(self) -> int:
        """Return the process that listens."""
        connection = agent_socket.connect(self.vault.place.runtime, timeout=10)
        assert connection is not None
        with connection:
            told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", told)[0])

    def children(self, agent: int) -> list[int]:
        """Return the agent's children, with those that ended and are not forgotten yet."""
        return [int(one) for one in Path(f"/proc/{agent}/task/{agent}/children").read_text().split()]

    def open_in(self, process: int) -> list[str]:
        """Return the names of what a process has open."""
        return [str(one.readlink()) for one in Path(f"/proc/{process}/fd").iterdir()]

    def events(self) -> list[str]:
        with contextlib.closing(sqlite3.connect(self.vault.file)) as database:
            rows = database.execute("SELECT kind, detail FROM audit_events ORDER BY seq").fetchall()
        return [f"{kind} {detail}" for kind, detail in rows]

    @contextlib.contextmanager
    def busy(self) -> Iterator[None]:
        """Write into the vault, slowly."""
        with contextlib.closing(sqlite3.connect(self.vault.file, isolation_level=None)) as database:
            database.execute("BEGIN IMMEDIATE")
            yield
            database.execute("ROLLBACK")


@pytest.fixture(scope="module")
def unlocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unlocked]:
    with running_in_thread(KucoinDouble(wall_clock_ms)) as exchange:
        key = exchange.new_key(addresses=("127.0.0.1",))
        vault = Vault(tmp_path_factory.mktemp("v"))
        vault.settings = Settings(kucoin_url=exchange.url)
        asyncio.run(hold_grid(vault, key, by_passphrase()))
        found = Unlocked(vault, key)
        found.unlock()
        yield found
        agent_calls.lock(vault.place.runtime)


def test_what_is_handed_out_is_the_key_and_one_event_that_says_for_what(unlocked: Unlocked) -> None:
    before, asked = unlocked.events(), unlocked.asked
    handed = unlocked.handed()
    assert (handed.exchange, handed.key, handed.secret) == (
        Exchange.KUCOIN,
        unlocked.key.key,
        Secret(unlocked.key.secret),
    )
    assert handed.passphrase == Secret(unlocked.key.passphrase)
    events = unlocked.events()[len(before) :]
    assert 1 <= len(events) <= unlocked.asked - asked, "one each time: an answer that came too late has its own"
    for event in events:
        assert event.startswith("connection.opened")
        assert '"purpose":"exec"' in event


def test_what_is_handed_out_counts_as_use(unlocked: Unlocked) -> None:
    runtime, vault = unlocked.vault.place.runtime, asyncio.run(unlocked.vault.look()).id
    time.sleep(0.05)
    before = agent_calls.left_ms(runtime, vault)
    unlocked.handed()
    after = agent_calls.left_ms(runtime, vault)
    assert before is not None
    assert after is not None
    assert after > before


def test_what_does_not_go_well_is_not_answered_and_leaves_no_event(unlocked: Unlocked) -> None:
    before = unlocked.events()
    meant = unlocked.wanted()
    for name in ("nobody", "", "x" * 5_000, "\udcff", "grid\0", "a/../grid"):
        assert unlocked.ask(name) is None
    asked = (
        replace(meant, file=(meant.file[0], meant.file[1] + 1)),  # another file than the command saw
        replace(meant, data=meant.data.parent / "elsewhere"),
        replace(meant, state=meant.state.parent / "elsewhere"),  # where nothing remembers this vault
        replace(meant, data=Path("data")),
    )
    for one in asked:
        assert not (unlocked.say(one.written()) or {}).get("credentials")  # type: ignore[attr-defined]
    for change in ({"program": "0.0 /elsewhere"}, {"file": "x"}, {"file": [1]}, {"name": None}, {"purpose": 7}):
        assert unlocked.say({**meant.written(), **change}) == {"error": "not a request of this version"}
    assert unlocked.events() == before
    unlocked.handed()


def test_agt_12_what_is_suspended_or_altered_is_not_handed_out(unlocked: Unlocked) -> None:
    with contextlib.closing(sqlite3.connect(unlocked.vault.file)) as database:
        (bots,) = database.execute("SELECT bots FROM connections").fetchone()
        for written, is_handed in (('["someone"]', False), (bots, True)):
            database.execute("UPDATE connections SET bots = ?", (written,))
            database.commit()
            before = unlocked.events()
            if is_handed:
                unlocked.handed()
            else:
                assert unlocked.ask() is None
            assert (unlocked.events() == before) is not is_handed

    async def suspend() -> None:
        key = await unlocked.vault.key()
        async with unlocked.vault.opened(key=key) as services, services.database.write() as tx:
            await services.vault.suspend(tx, PERSONAL, "grid", actor=OWNER, now=wall_clock_ms())

    async def check() -> None:
        unlocked.vault.clock.now = wall_clock_ms()  # the exchange's, which has gone on
        async with unlocked.vault.opened(key=await unlocked.vault.key()) as services:
            await services.vault.check(PERSONAL, "grid", actor=OWNER, now=wall_clock_ms())

    asyncio.run(suspend())
    assert unlocked.ask() is None
    asyncio.run(check())
    unlocked.handed()


def test_a_start_that_waits_keeps_nobody_else_waiting_and_leaves_nothing_when_it_is_killed(unlocked: Unlocked) -> None:
    runtime, vault, agent = unlocked.vault.place.runtime, asyncio.run(unlocked.vault.look()).id, unlocked.agent()
    _soon(lambda: not unlocked.children(agent))
    before, answers = unlocked.events(), []
    with unlocked.busy():
        asking = threading.Thread(target=lambda: answers.append(unlocked.ask()))
        asking.start()
        (child,) = _soon(lambda: unlocked.children(agent))
        assert agent_calls.left_ms(runtime, vault) is not None
        os.kill(child, signal.SIGKILL)
        asking.join(60)
    assert answers == [None]
    assert unlocked.events() == before
    unlocked.handed()


def test_a_child_ends_before_its_command_has_waited_too_long(unlocked: Unlocked) -> None:
    before = unlocked.events()
    with unlocked.busy():
        assert unlocked.ask() is None, "it took too long: the command tries by itself, and has patience of its own"
    assert unlocked.events() == before


def test_no_child_is_left(unlocked: Unlocked) -> None:
    agent = unlocked.agent()
    unlocked.handed()
    _soon(lambda: not unlocked.children(agent))


def test_many_at_once_each_get_an_answer_or_none_and_an_event_for_each_answer(unlocked: Unlocked) -> None:
    answers = list[Credentials | None]()
    for _ in range(10):  # on a machine that others use none of them may come in time: then all ask again
        before = unlocked.events()
        answers.clear()
        asking = [threading.Thread(target=lambda: answers.append(unlocked.ask())) for _ in range(24)]
        for one in asking:
            one.start()
        for one in asking:
            one.join(60)
        assert len(answers) == 24
        assert len(unlocked.events()) - len(before) >= sum(one is not None for one in answers)
        if any(answers):
            break
    assert any(answers)


def test_an_agent_that_is_killed_in_the_middle_leaves_its_place_to_the_next(unlocked: Unlocked) -> None:
    """The child has neither the agent's lock nor its socket."""
    agent, answers = unlocked.agent(), list[Credentials | None]()
    _soon(lambda: not unlocked.children(agent))

    with unlocked.busy():
        asking = threading.Thread(target=lambda: answers.append(unlocked.ask()))
        asking.start()
        (child,) = _soon(lambda: unlocked.children(agent))
        _soon(lambda: str(unlocked.vault.file) in unlocked.open_in(child))
        os.kill(child, signal.SIGSTOP)
        os.kill(agent, signal.SIGKILL)
    try:
        assert not [name for name in unlocked.open_in(child) if name.endswith("agent.lock")]
        unlocked.unlock()
        assert unlocked.agent() != agent
    finally:
        os.kill(child, signal.SIGKILL)
    asking.join(60)
    assert answers == [None]
    unlocked.handed()


def test_a_locked_vault_gets_no_answer(unlocked: Unlocked) -> None:
    agent_calls.lock(unlocked.vault.place.runtime)
    before = unlocked.events()
    assert unlocked.ask() is None
    assert unlocked.events() == before
    unlocked.unlock()


def test_a_vault_that_opens_by_itself_is_handed_out_from_as_long_as_its_key_file_lies_there(tmp_path: Path) -> None:
    """The agent keeps nothing of it."""
    with running_in_thread(KucoinDouble(wall_clock_ms)) as exchange:
        key = exchange.new_key(addresses=("127.0.0.1",))
        vault = Vault(tmp_path)
        vault.settings = Settings(kucoin_url=exchange.url)
        asyncio.run(hold_grid(vault, key, ByKeyFile(None)))
    opened = Unlocked(vault, key)
    assert opened.ask() is None, "no agent runs"
    agent = subprocess.Popen(
        [sys.executable, "-m", "keywright", "vault", "agent", "--stay", "--quiet"],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **vault.environ},
        stdout=subprocess.PIPE,
    )
    try:
        assert agent.stdout is not None
        with agent.stdout:
            assert agent.stdout.readline() == b"ready\n"
        assert opened.handed().key == key.key
        before = opened.events()
        vault.place.folders.wrapping_key.rename(tmp_path / "taken away")
        assert opened.ask() is None
        assert opened.events() == before
    finally:
        agent.terminate()
        assert agent.wait(20) == 0


@pytest.mark.parametrize(
    "answer",
    [b"", b"\xff\n", b"[]\n", b'{"error": "not a request of this version"}\n', b'{"credentials": "' + b"x" * 100_000],
)
def test_whatever_else_an_agent_says_is_no_credentials(tmp_path: Path, answer: bytes) -> None:
    vault = Vault(tmp_path)
    vault.file.parent.mkdir(parents=True)
    vault.file.touch()
    agent_socket.make_folder(vault.place.runtime)

    def say(listener: socket.socket) -> None:
        peer, _ = listener.accept()
        with peer:
            peer.recv(65_536)
            peer.sendall(answer)

    with agent_socket.listen(vault.place.runtime) as listener:
        saying = threading.Thread(target=say, args=(listener,))
        saying.start()
        assert agent_calls.ask_for_credentials(vault.place, "grid", purpose="exec") is None
        saying.join(10)


def test_a_child_can_not_be_traced_either() -> None:
    """What `be_undumpable` sets stays set in a child, until that becomes another program."""
    program = (
        "import ctypes, os; from keywright.sealing.memory import be_undumpable; be_undumpable()\n"
        "if not os.fork(): os._exit(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))\n"
        "print(os.waitstatus_to_exitcode(os.wait()[1]))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout == b"0\n"


@pytest.mark.parametrize(
    "credentials",
    [
        Credentials(Exchange.KUCOIN, "k", Secret(b"s"), Secret("pass phrase")),
        Credentials(Exchange.BINANCE, "ключ", Secret(b"\x00\xff"), None, KeyKind.ED25519),
    ],
)
def test_credentials_arrive_as_they_were_written(credentials: Credentials) -> None:
    import json

    assert wanted.read_credentials(json.loads(wanted.written(credentials))) == credentials


@pytest.mark.parametrize(
    "answer", [{}, {"credentials": None}, {"credentials": {"key": "k"}}, {"error": "x"}, {"locked": True}]
)
def test_what_is_no_credentials_is_none(answer: dict[str, object]) -> None:
    assert wanted.read_credentials(answer) is None


def test_what_another_program_wants_is_not_read(tmp_path: Path) -> None:
    written = Wanted(tmp_path, tmp_path, tmp_path, (1, 2), "grid", "exec").written()
    assert Wanted.read(written).name == "grid"
    for change in (
        {"program": ""},
        {"data": "data"},
        {"config": 7},
        {"file": [1, 2, 3]},
        {"file": [1, float("inf")]},
        {"name": ""},
        {"name": "x" * 257},
    ):
        with pytest.raises(Invalid):
            Wanted.read({**written, **change})


def _soon(look: Callable[[], T]) -> T:
    deadline = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found
