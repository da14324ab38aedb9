"""`keywright exec` as it is typed: a program that takes this command's place, with one key in its environment."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from keywright.clock import wall_clock_ms
from keywright.sealing.protections.key_file import ByKeyFile
from keywright.settings import Settings
from tests.doubles.exchange import DoubleKey, running_in_thread
from tests.doubles.kucoin import KucoinDouble
from tests.support.vault import PASSPHRASE, Vault, by_passphrase, hold_grid

BY_AGENT = "an agent hands it out"
TELL = "import json, os, sys; print(json.dumps(dict(os.environ)))"


@dataclass
class Owner:
    """Somebody with one key of KuCoin's in a vault, and a shell."""

    vault: Vault
    key: DoubleKey
    environ: dict[str, str]
    by_agent: bool

    def keywright(self, *words: str, typed: str = "") -> None:
        command = [sys.executable, "-m", "keywright", *words]
        subprocess.run(command, env=self.environ, input=typed, text=True, check=True, capture_output=True)

    def events(self) -> int:
        with contextlib.closing(sqlite3.connect(self.vault.file)) as database:
            (count,) = database.execute("SELECT count(*) FROM audit_events").fetchone()
        return int(count)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "keywright", "exec", *words]

    def run(self, *words: str, environ: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            env={**self.environ, **(environ or {})},
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def loaded_by(self, *words: str) -> set[str]:
        """Return which packages a command loads."""
        command = [sys.executable, "-X", "importtime", "-m", "keywright", *words]
        done = subprocess.run(command, env=self.environ, check=True, capture_output=True, text=True)
        return {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}

    def told(self, *words: str, environ: dict[str, str] | None = None) -> dict[str, str]:
        done = self.run(*words, "--", sys.executable, "-c", TELL, environ=environ)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))


@pytest.fixture(scope="module", params=[BY_AGENT, "it opens the vault itself"])
def owner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Owner]:
    """Give an owner whose vault is unlocked, and one whose vault opens by a key file while no agent runs."""
    by_agent = request.param == BY_AGENT
    folder = tmp_path_factory.mktemp("exec")
    with running_in_thread(KucoinDouble(wall_clock_ms)) as exchange:
        key = exchange.new_key(addresses=("127.0.0.1",))
        vault = Vault(folder)
        vault.settings = Settings(kucoin_url=exchange.url)
        asyncio.run(hold_grid(vault, key, by_passphrase() if by_agent else ByKeyFile(None)))
        environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8", **vault.environ}
        found = Owner(vault, key, environ, by_agent=by_agent)
        if by_agent:
            found.keywright("vault", "unlock", "--stdin", typed=PASSPHRASE)
        yield found
        if by_agent:
            found.keywright("vault", "lock")


def test_b2_the_program_has_the_key_in_its_environment_and_nowhere_else(owner: Owner) -> None:
    told = owner.told("grid", environ={"KUCOIN_API_KEY": "of the shell", "BINANCE_API_SECRET": "x", "EDITOR": "vi"})
    assert (told["KUCOIN_API_KEY"], told["KUCOIN_SECRET_KEY"]) == (owner.key.key, owner.key.secret)
    assert (told["KUCOIN_PASSPHRASE"], told["KEYWRIGHT_CONNECTION"]) == (owner.key.passphrase, "grid")
    assert told["EDITOR"] == "vi"
    assert "BINANCE_API_SECRET" not in told
    own = {"KUCOIN_API_KEY", "KUCOIN_SECRET_KEY", "KUCOIN_PASSPHRASE", "KEYWRIGHT_CONNECTION", "EDITOR", "LC_CTYPE"}
    assert set(told) - own == set(owner.environ), "nothing of ours is left behind"


def test_what_was_not_handed_on_is_said_by_name_only(owner: Owner) -> None:
    done = owner.run("grid", "--", "true", environ={"KUCOIN_API_SECRET": "s3cret-of-the-shell"})
    assert "not handed on: KUCOIN_API_SECRET" in done.stderr
    assert "s3cret" not in done.stderr


def test_files_live_in_memory_as_long_as_the_program(owner: Owner) -> None:
    script = (
        'cat "$KUCOIN_SECRET_KEY_FILE"; env | grep -c "$(cat $KUCOIN_SECRET_KEY_FILE)"; ls -l "$KUCOIN_API_KEY_FILE"'
    )
    done = owner.run("--format", "files", "grid", "--", "sh", "-c", script)
    secret, count = done.stdout.splitlines()[0][:36], done.stdout.splitlines()[0][36:]
    assert (secret, count) == (owner.key.secret, "0")
    assert "memfd:" in done.stdout
    read_twice = "import os; p = os.environ['KUCOIN_API_KEY_FILE']; print(open(p).read() == open(p).read() != '')"
    assert owner.run("--format", "files", "grid", "--", sys.executable, "-c", read_twice).stdout == "True\n"


def test_hummingbot_s_json_comes_on_standard_input(owner: Owner) -> None:
    done = owner.run("--format", "hummingbot", "grid", "--", "cat")
    assert json.loads(done.stdout)["kucoin_secret_key"] == owner.key.secret


def test_a_pristine_environment_and_names_of_one_s_own(owner: Owner) -> None:
    told = owner.told("--pristine", "--name", "secret=MY_SECRET", "grid", environ={"OPENAI_API_KEY": "x"})
    assert told["MY_SECRET"] == owner.key.secret
    assert "OPENAI_API_KEY" not in told


def test_the_exit_code_and_signals_are_the_program_s(owner: Owner) -> None:
    assert owner.run("grid", "--", "sh", "-c", "exit 42").returncode == 42
    process = subprocess.Popen(
        owner.command("grid", "--", "sh", "-c", 'trap "exit 7" TERM; echo up; while :; do sleep 0.05; done'),
        env=owner.environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 7, "it is the same process: nothing stands between"


def test_the_program_is_started_as_a_shell_would(owner: Owner) -> None:
    """Its mask for new files, and no signal ignored that Python ignores; but without core files."""
    ignored = "grep SigIgn /proc/self/status; umask; ulimit -c; exec true"
    done = subprocess.run(
        ["sh", "-c", 'umask 027; exec "$@"', "sh", *owner.command("grid", "--", "sh", "-c", ignored)],
        env=owner.environ, check=True, capture_output=True, text=True,
    )  # fmt: skip
    ignoring, umask, cores = done.stdout.split("\n")[:3]
    assert int(ignoring.split()[1], 16) & ((1 << (signal.SIGPIPE - 1)) | (1 << (signal.SIGXFSZ - 1))) == 0
    assert (umask, cores) == ("0027", "0")


@pytest.mark.parametrize(
    ("words", "environ", "code", "said"),
    [
        (("nobody", "--", "true"), {}, 5, "there is no connection nobody"),
        (("grid", "--", "no-such-program"), {}, 5, "there is no program no-such-program"),
        (("grid", "--", "true"), {"KEYWRIGHT_CONNECTION": "other"}, 6, "inside `keywright exec other`"),
        (("--name", "secret", "grid", "--", "true"), {}, 2, "PART=VARIABLE"),
        (("--name", "pin=X", "grid", "--", "true"), {}, 2, "no part pin"),
        (("--name", "key=1X", "grid", "--", "true"), {}, 2, "1X is no name"),
        (("gr\udcff", "--", "true"), {}, 5, "there is no connection gr"),
        (("x" * 20_000, "--", "true"), {}, 5, "there is no connection xx"),
        (("grid",), {}, 2, "COMMAND"),
        (("grid", "--", "true"), {"XDG_DATA_HOME": "/nowhere"}, 1, "vault"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_started(
    owner: Owner, words: tuple[str, ...], environ: dict[str, str], code: int, said: str
) -> None:
    before = owner.events()
    done = owner.run(*words, environ=environ)
    assert (done.returncode, done.stdout, owner.events()) == (code, "", before)
    assert said in done.stderr
    assert owner.key.secret not in done.stderr


def test_every_start_is_on_the_record(owner: Owner) -> None:
    owner.run("grid", "--", "true")

    async def newest() -> str:
        key = await owner.vault.key() if owner.by_agent else None
        async with owner.vault.opened(key=key) as services, services.database.read() as tx:
            await services.audit.verify(tx)
            (row,) = await services.audit.list(tx, limit=1)
            return f"{row.kind} {row.actor} {json.loads(row.detail)['purpose']}"

    assert asyncio.run(newest()) == "connection.opened owner exec"


def test_leak_04_the_key_is_in_no_argument(owner: Owner) -> None:
    process = subprocess.Popen(owner.command("grid", "--", "sleep", "20"), env=owner.environ)
    try:
        deadline = time.monotonic() + 60
        seen = set()
        while b"sleep" not in (line := Path(f"/proc/{process.pid}/cmdline").read_bytes()) or b"keywright" in line:
            seen.add(line)
            assert time.monotonic() < deadline
        seen.add(line)
        assert not [one for one in seen if owner.key.secret.encode() in one or owner.key.key.encode() in one]
    finally:
        process.kill()
        process.wait()


HEAVY = {
    "sqlalchemy",
    "aiosqlite",
    "aiohttp",
    "yarl",
    "starlette",
    "webauthn",
    "zxcvbn",
    "argon2",
    "jwt",
    "alembic",
    "babel",
}
"""What takes long to load, and starts no program."""

LOOP = {"asyncio", "uvloop", "cryptography", "sqlite3", "subprocess", "ssl"}


def test_a_start_loads_what_it_needs_and_no_more(owner: Owner) -> None:
    """Here it is what is loaded, and not a time, that is held to: `benchmarks/exec.py` measures."""
    words = ("exec", "grid", "--", "true")
    loaded = owner.loaded_by(*words)
    assert {"click", "keywright"} <= loaded
    if not owner.by_agent:
        assert loaded & HEAVY == {"sqlalchemy", "aiosqlite"}
        return
    for _ in range(10):  # an agent that does not answer in time, on a machine that others use, is done without
        if not loaded & HEAVY:
            break
        loaded = owner.loaded_by(*words)
    assert not loaded & (HEAVY | LOOP)


def test_a_list_loads_nothing_that_asks_exchanges_or_signs_people_in(owner: Owner) -> None:
    assert owner.loaded_by("vault", "list") & HEAVY == {"sqlalchemy", "aiosqlite"}


@pytest.mark.parametrize("owner", [BY_AGENT], indirect=True)
def test_with_a_locked_vault_nothing_is_started_and_the_reason_is_said(owner: Owner) -> None:
    owner.keywright("vault", "lock")
    done = owner.run("grid", "--", "echo", "started")
    assert (done.returncode, done.stdout) == (4, "")
    assert "the vault is locked" in done.stderr
    owner.keywright("vault", "unlock", "--stdin", typed=PASSPHRASE)
