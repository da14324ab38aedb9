"""The command line as it is typed, in this process: arguments and standard input in, exit code and both outputs out."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyotp
import pytest

from keywright.app.services import opened
from keywright.cli.main import run
from keywright.identity.passwords import CHEAPEST, Passwords
from keywright.settings import Settings
from tests.support.clock import FakeClock
from tests.support.operators import make_operator


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.out)
        return found


class Terminal:
    """Types commands on an installation of its own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.clock = FakeClock()
        monkeypatch.setattr("keywright.clock.time", SimpleNamespace(time_ns=lambda: self.clock() * 1_000_000))
        self.totp = ""

    def __call__(self, command: str, *typed: str) -> Said:
        """Run `keywright COMMAND --data-dir …` with lines on standard input."""
        self._monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in typed)))
        arguments = command.split()
        bare = any(word in arguments for word in ("--help", "--version", "verify-export"))
        code = run([*arguments, *([] if bare else ["--data-dir", str(self.folder)])])
        captured = self._capsys.readouterr()
        return Said(code, captured.out, captured.err)

    def make_operator(self, email: str) -> None:
        """Make an account an operator's, as a one-time link would."""

        async def make() -> None:
            async with opened(Settings(data_dir=str(self.folder)), clock=self.clock) as services:
                async with services.database.read() as tx:
                    account = await services.identity.account(tx, email=email)
                await make_operator(services, account.id)

        asyncio.run(make())

    def code(self) -> str:
        """Return a code that was not used yet: the clock moves on by one step for each."""
        self.clock.advance(seconds=30)
        return pyotp.TOTP(self.totp).at(self.clock() // 1000)


@pytest.fixture
def keywright(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    monkeypatch.setattr("keywright.app.services.Passwords", lambda hasher: Passwords(hasher or CHEAPEST))
    monkeypatch.chdir(tmp_path)
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    return Terminal(tmp_path / "data", monkeypatch, capsys)


@pytest.fixture
def ada(keywright: Terminal) -> Callable[..., Said]:
    """Give a terminal where one account exists."""
    made = keywright("accounts create ada@example.org --json", "seven-lamps-under-rain")
    assert made.code == 0, made.err
    keywright.totp = made.json["totp_secret"]
    return keywright
