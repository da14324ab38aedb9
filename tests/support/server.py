"""The real thing: `keywright serve` and other commands as processes of their own, in folders of their own.

Nothing of the surroundings reaches them: no home, no configuration, no `KEYWRIGHT_…` of the developer's. What they print
goes to files, so that every byte of it can be looked at afterwards.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyotp

from keywright.secret import Secret
from tests.support.bot import Bot

ROOT = Path(__file__).parent.parent.parent
READY_SECONDS = 180.0
"""For what hangs. Later starts promise 3 s; the tests' machine may be busy with seven other things."""

LEAVING_SECONDS = 14
"""Into a step of 30 s: from here on a code of the step before might leave the window before it is read."""

EXPORT = re.compile(r"^export (KUCOIN_[A-Z_]+)=(\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Said:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str
    arguments: tuple[str, ...] = ()

    @property
    def json(self) -> dict[str, Any]:
        """The one object on its standard output."""
        found: dict[str, Any] = json.loads(self.out)
        return found


@dataclass(frozen=True)
class Values:
    """A key in its bot's hands: the three values a client is given, plain."""

    api_key: str
    api_secret: str
    api_passphrase: str

    def environment(self) -> dict[str, str]:
        """Return them as the printed snippets read them."""
        return {
            "KUCOIN_API_KEY": self.api_key,
            "KUCOIN_SECRET_KEY": self.api_secret,
            "KUCOIN_PASSPHRASE": self.api_passphrase,
        }


def surroundings(home: Path, **extra: str) -> dict[str, str]:
    """Return the environment of a process that knows nothing but its search path."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LC_ALL": "C.UTF-8", **extra}


def command(*arguments: str | Path) -> list[str]:
    """Return the command line of a `keywright` command."""
    return [sys.executable, "-m", "keywright", *map(str, arguments)]


def url_file(data: Path) -> Path:
    """Return the file that names the PostgreSQL database of a data folder, where it has one."""
    return data.parent / "database-url"


class Codes:
    """The authenticator of one account: each code serves once, so the next one is always of a later step.

    The window takes the step before and after the present one: three codes can be had without waiting.
    """

    def __init__(self, totp_secret: str) -> None:
        self._totp = pyotp.TOTP(totp_secret)
        self._step = 0

    def next(self) -> str:
        """Return a code that was not used yet; waits when the window has no more."""
        now = time.time()
        present, into = int(now) // 30, now % 30
        earliest = present - 1 if into < LEAVING_SECONDS else present  # the command has yet to start and to read it
        self._step = max(self._step + 1, earliest)
        time.sleep(max(0.0, (self._step - 1) * 30 - now))
        return self._totp.generate_otp(self._step)


class Installation:
    """A data folder and the commands that are run on it; with a URL, its database is on PostgreSQL, made here."""

    def __init__(self, folder: Path, *, database_url: str = "") -> None:
        self.folder = folder
        self.data = folder / "data"
        self.printed: list[Said] = []
        """Everything that commands said, for who looks for secrets in it."""
        self._servers = 0
        self.environment: dict[str, str] = {}
        if database_url:
            path = url_file(self.data)
            path.touch(mode=0o600)
            path.write_text(database_url)
            self.environment = {"KEYWRIGHT_DATABASE_URL_FILE": str(path)}
            assert self.cli("database", "upgrade").code == 0, self.printed

    def cli(self, *arguments: str | Path, stdin: str = "", **environment: str) -> Said:
        """Run a command on this installation, `stdin` as typed, and return how it ended."""
        done = subprocess.run(
            command(*arguments, "--data-dir", self.data),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=self.folder,
            env=surroundings(self.folder, **self.environment, **environment),
            check=False,
        )
        said = Said(done.returncode, done.stdout, done.stderr, tuple(map(str, arguments)))
        self.printed.append(said)
        return said

    def demo(self) -> dict[str, Any]:
        """Return what `keywright demo --json` prints."""
        said = self.cli("demo", "--json")
        assert said.code == 0, said.err
        return said.json

    @contextlib.contextmanager
    def serving(self, *options: str, clock: Path | str = "", **environment: str) -> Iterator[Server]:
        """Give a running server; it is stopped, or was killed, when the block ends. `clock`: by how much its own is ahead."""
        self._servers += 1
        launcher = None
        if clock:
            launcher = (sys.executable, "-m", "tests.support.shifted_server", str(clock))
            environment["PYTHONPATH"] = str(ROOT)
        server = Server(self, self.folder / f"server-{self._servers}", options, environment, launcher=launcher)
        try:
            server.wait()
            yield server
        finally:
            server.end()


class Server:
    """One `keywright serve`, on free ports."""

    def __init__(
        self,
        installation: Installation,
        output: Path,
        options: tuple[str, ...],
        environment: Mapping[str, str],
        *,
        launcher: Sequence[str] | None = None,
    ) -> None:
        self._out, self._err = output.with_suffix(".out"), output.with_suffix(".err")
        ports = [f"--{name}-port=0" for name in ("console", "gateway", "futures")]
        self._began = time.monotonic()
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [*(launcher or command("serve")), "--data-dir", str(installation.data), *ports, *options],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=installation.folder,
                env=surroundings(installation.folder, **installation.environment, **environment),
            )
        self.ready_after = 0.0
        """Seconds from the command to its announcement."""

    @property
    def out(self) -> str:
        return self._out.read_text("utf-8")

    @property
    def err(self) -> str:
        return self._err.read_text("utf-8")

    def wait(self) -> None:
        """Return when the server has announced itself."""
        while not self._is_announced():
            assert self.process.poll() is None, f"the server ended: {self.err}"
            assert time.monotonic() - self._began < READY_SECONDS, f"no announcement yet: {self.out}{self.err}"
            time.sleep(0.02)
        self.ready_after = time.monotonic() - self._began

    def _is_announced(self) -> bool:
        """Tell whether the last line is there: of the first start's snippets, or the one line of later starts."""
        out = self._out.read_text("utf-8", "replace")  # it may be in the middle of writing it
        return out.endswith("\n") and ("KC-API-KEY-VERSION" in out or "  a key" in out)

    def url(self, which: str) -> str:
        """Return the announced address of `spot`, `futures` or `console`."""
        found = re.search(rf"^  {which} +(http://\S+)$", self.out, re.MULTILINE)
        assert found, self.out
        return found[1]

    @property
    def spot(self) -> str:
        return self.url("spot")

    @property
    def futures(self) -> str:
        return self.url("futures")

    @property
    def console(self) -> str:
        return self.url("console")

    @property
    def values(self) -> Values:
        """The key that the first start shows, from the lines a person would copy."""
        found = dict(EXPORT.findall(self.out))
        return Values(found["KUCOIN_API_KEY"], found["KUCOIN_SECRET_KEY"], found["KUCOIN_PASSPHRASE"])

    def bot(self, values: Values, *, futures: bool = False) -> Bot:
        """Return a bot with our own signer, at the spot gateway or the futures one."""
        return Bot(
            self.futures if futures else self.spot,
            key=values.api_key,
            secret=Secret(values.api_secret),
            passphrase=Secret(values.api_passphrase),
        )

    def stop(self) -> int:
        """Ask the server to end, as Ctrl-C does, and return its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=20)

    def kill(self) -> None:
        """End the server as a power cut would (`kill -9`)."""
        self.process.kill()
        self.process.wait(timeout=20)

    def end(self) -> None:
        """Make sure that the server is gone."""
        if self.process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill()
                raise
