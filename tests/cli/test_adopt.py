"""`keywright adopt` is cut short at every step, and the same command goes on from there; what it can't rewrite it leaves alone."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Terminal
from tests.doubles.exchange import DoubleKey, running_in_thread
from tests.doubles.kucoin import KucoinDouble

OURS = "127.0.0.7"
START = '#!/bin/sh\ncd "$(dirname "$0")"\nexec python bot.py --fast\n'

KILLED = """
import os, signal, sys
from pathlib import Path

left = int(sys.argv.pop(1))

def dying(work):
    def step(*words, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        done = work(*words, **named)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    return step

os.fsync, os.replace, os.fchmod = dying(os.fsync), dying(os.replace), dying(os.fchmod)
from keywright.cli.main import run
sys.exit(run(sys.argv[1:]))
"""
"""The command, killed before or after one of the calls by which files are kept."""


def env(key: DoubleKey) -> str:
    return f"A=1\nKUCOIN_API_KEY={key.key}\nKUCOIN_SECRET='{key.secret}'\nKUCOIN_PASSPHRASE={key.passphrase}\n"


class Bot:
    """A bot's folder with its key in `.env`, and commands in processes of their own."""

    def __init__(self, folder: Path, kucoin: KucoinDouble) -> None:
        self.home, self.folder, self.kucoin = folder / "home", folder / "grid-bot", kucoin
        self.file, self.start = self.folder / ".env", self.folder / "run.sh"
        self.folder.mkdir()
        self.key = kucoin.new_key(addresses=(OURS,))
        self.file.write_text(env(self.key))
        self.file.chmod(0o640)
        self.start.write_text(START)
        self.start.chmod(0o755)

    def __call__(self, *words: str, killed_at: int = 0) -> subprocess.CompletedProcess[str]:
        surroundings = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.home),
            "KEYWRIGHT_KUCOIN_URL": self.kucoin.url,
        }
        command = [sys.executable, "-c", KILLED, str(killed_at), *words]
        return subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=120, check=False)

    def adopt(self, *, killed_at: int = 0) -> subprocess.CompletedProcess[str]:
        return self("adopt", str(self.file), "--yes", "--start", str(self.start), killed_at=killed_at)

    @property
    def is_whole(self) -> bool:
        """Whether each file is one of the two that it may be."""
        texts = self.file.read_text(), self.start.read_text()
        return (texts[0] == env(self.key) or self.key.secret not in texts[0]) and texts[1].endswith("bot.py --fast\n")


@pytest.fixture
def bot(tmp_path: Path) -> Iterator[Bot]:
    with running_in_thread(KucoinDouble(lambda: time.time_ns() // 1_000_000)) as kucoin:
        found = Bot(tmp_path, kucoin)
        found.home.mkdir(mode=0o700)
        for words in (("vault", "init", "--by", "key-file"), ("vault", "egress", "add", OURS)):
            assert found(*words).returncode == 0
        yield found


@pytest.mark.slow
def test_n18_an_adoption_that_is_killed_at_any_step_is_gone_on_with(bot: Bot) -> None:
    """One step further each time, in one vault: what a killed call left is what the next one finds."""
    at = 1
    while True:
        killed = bot.adopt(killed_at=at)
        assert bot.is_whole, at
        if killed.returncode == 0:
            break
        if "keywright vault accept" in killed.stderr:  # the one before died between a change and the note of it
            assert bot("vault", "accept").returncode == 0
            continue
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        at += 1
    assert at > 10, "it was never killed"
    assert [line.split("\t")[0] for line in bot("vault", "list").stdout.splitlines()] == ["grid-bot"]
    assert bot.key.secret not in bot.file.read_text()
    assert stat.S_IMODE(bot.file.stat().st_mode) == 0o640
    assert "exec grid-bot --name key=KUCOIN_API_KEY" in bot.start.read_text()
    assert sorted(path.name for path in bot.folder.iterdir() if not path.name.startswith(("..env.", ".run.sh."))) == [
        *(".env", "run.sh")
    ]
    at = 1
    while (killed := bot("adopt", str(bot.file), "--undo", "--start", str(bot.start), killed_at=at)).returncode != 0:
        assert killed.returncode == -signal.SIGKILL or "was not adopted" in killed.stderr, killed.stderr
        assert bot.is_whole
        if "was not adopted" in killed.stderr:
            break
        at += 1
    assert bot.file.read_text() == env(bot.key)


@pytest.fixture
def at_kucoin(
    keywright: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[tuple[Terminal, Path, DoubleKey]]:
    """Give a terminal with a vault, a bot's `.env`, and its key at the exchange."""
    with running_in_thread(KucoinDouble(keywright.clock)) as kucoin:
        monkeypatch.setenv("KEYWRIGHT_KUCOIN_URL", kucoin.url)
        for command in ("vault init --by key-file", f"vault egress add {OURS}"):
            assert keywright(command).code == 0
        (tmp_path / "bot").mkdir()
        file = tmp_path / "bot" / ".env"
        key = kucoin.new_key(addresses=(OURS,))
        file.write_text(env(key))
        yield keywright, file, key


@pytest.fixture
def adopting(at_kucoin: tuple[Terminal, Path, DoubleKey]) -> tuple[Terminal, Path]:
    """Give the same, for who does nothing at the exchange."""
    return at_kucoin[:2]


def test_a_key_that_is_held_already_is_taken_out_of_the_file_and_one_with_another_secret_is_not(
    adopting: tuple[Terminal, Path],
) -> None:
    keywright, file = adopting
    before = file.read_text()
    assert keywright(f"adopt {file} --yes --name swing").code == 0
    after = file.read_text()
    file.write_text(before)  # a second bot has it, too
    again = keywright(f"adopt {file} --yes --name other")
    assert again.code == 0, again.err
    assert "swing holds this key already" in again.err
    assert file.read_text() == after
    assert "gave up its key already: swing holds it" in keywright(f"adopt {file} --yes").err
    file.write_text(before.replace("-", "-", 1).replace("PASSPHRASE=Abc", "PASSPHRASE=Xyz"))
    refused = keywright(f"adopt {file} --yes")
    assert refused.code == 6
    assert "holds this key with another secret or passphrase" in refused.err
    assert "Xyz" in file.read_text()


def test_a_file_keeps_a_key_that_no_program_would_be_handed(at_kucoin: tuple[Terminal, Path, DoubleKey]) -> None:
    keywright, file, key = at_kucoin
    before = file.read_text()
    assert keywright(f"adopt {file} --yes --name swing").code == 0
    after = file.read_text()
    key.rights["permission"] = "General,Spot,Transfer"
    assert keywright("vault check swing").code == 10
    file.write_text(before)
    refused = keywright(f"adopt {file} --yes")
    assert (refused.code, file.read_text()) == (6, before)
    assert "holds this key and is suspended" in refused.err
    key.rights["permission"] = "General,Spot"
    assert keywright("vault check swing").code == 0
    assert keywright(f"adopt {file} --yes").code == 0
    assert file.read_text() == after


def test_a_file_that_can_not_be_replaced_is_told_of_before_its_key_is_held(adopting: tuple[Terminal, Path]) -> None:
    keywright, file = adopting
    before = file.read_text()
    other = file.with_name("other")
    other.hardlink_to(file)
    refused = keywright(f"adopt {file} --yes")
    assert (refused.code, file.read_text()) == (1, before)
    assert "has another name, a hard link" in refused.err
    other.unlink()
    link = file.with_name("link.env")
    link.symlink_to(file)
    refused = keywright(f"adopt {link} --yes")
    assert (refused.code, file.read_text()) == (1, before)
    assert f"it leads to {file}: name that" in refused.err
    assert keywright("vault list --json").json["connections"] == []
    file.chmod(0o400)  # not to be written to, and its folder is ours
    assert keywright(f"adopt {file} --yes").code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o400


def test_the_start_is_undone_with_the_file(adopting: tuple[Terminal, Path]) -> None:
    keywright, file = adopting
    before, start = file.read_text(), file.with_name("run.sh")
    start.write_text(START)
    assert keywright(f"adopt {file} --yes").code == 0
    assert keywright(f"adopt {file} --yes --start {start}").code == 0  # thought of later
    assert start.read_text() != START
    assert keywright(f"adopt {file} --undo --start {start}").code == 0
    assert (file.read_text(), start.read_text()) == (before, START)
